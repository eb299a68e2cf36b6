//! A contract of Secret Network: asked through several nodes that must agree, told by proven transactions.
//!
//! Layer: `cosmos::secret`, above `cipher`, `messages`, and `cosmos`' nodes and transactions.
//! Holds: encrypted queries of k of n nodes; encrypted executes whose success two headers prove.
//! Never: one node's answer to a query, unless the settings ask for one; a contract's words that it did not seal.
//! Invariant: every node gets a message of its own key, so nodes can only agree on what the enclave said.
//!
//! Weaker than a public chain's proofs: an enclave answers from the state that its node shows it, and a node may show an
//! old one. Agreement of k nodes, and an execute now and then (`closed`), bound that; nothing proves it away.

use super::{
    CodeHash, ExecuteReply, MsgExecuteContract, NetworkKey, QueryContract, QueryReply, Sealed,
    Session, encrypted_error,
};
use crate::node::Node;
use crate::transaction::{Sender, result};
use crate::{CosmosError, Network};
use prag_client::border;
use prag_protocol::Address;
use prag_trust::address::WalletKey;
use prag_trust::entropy::{Clock, Entropy};
use prost::Message;
use std::sync::Arc;

/// One contract.
pub struct SecretContract {
    sender: Arc<Sender>,
    contract: Address,
    code: CodeHash,
    key: NetworkKey,
}

/// What one node's enclave said.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Said<T> {
    /// An answer.
    Answer(T),
    /// The contract's refusal.
    Refusal(String),
    /// An answer out of a state that is known to be past.
    Old,
}

/// A message, and what opens the answer to it.
pub(crate) type Question = (Sealed, Session);

impl SecretContract {
    /// `contract` runs `code` on the network whose message key is `key`: all three are the owner's to pin. `wallet` pays
    /// for what is executed.
    ///
    /// # Errors
    /// [`CosmosError::Setting`].
    pub fn open(
        network: Network,
        contract: Address,
        code: CodeHash,
        key: NetworkKey,
        wallet: &WalletKey,
        clock: Arc<dyn Clock>,
    ) -> Result<Self, CosmosError> {
        Self::of(Arc::new(Sender::open(network, None, wallet, clock)?), contract, code, key)
    }

    /// As [`SecretContract::open`], of an account that has a sender already.
    pub(crate) fn of(
        sender: Arc<Sender>,
        contract: Address,
        code: CodeHash,
        key: NetworkKey,
    ) -> Result<Self, CosmosError> {
        border::bytes(&contract).map_err(|_| CosmosError::Setting("contract"))?;
        Ok(Self { sender, contract, code, key })
    }

    /// What the contract answers to `json`, where as many nodes agree as must.
    ///
    /// # Errors
    /// [`CosmosError::Refused`] with the contract's words, of as many nodes; [`CosmosError::Disagree`].
    pub async fn ask(
        &self,
        json: &[u8],
        entropy: &mut dyn Entropy,
    ) -> Result<Vec<u8>, CosmosError> {
        let sealed = self.seal_for_all(json, entropy)?;
        self.asked(sealed, None, |answer| Ok(Said::Answer(answer))).await
    }

    /// One message.
    pub(crate) fn seal(
        &self,
        json: &[u8],
        entropy: &mut dyn Entropy,
    ) -> Result<Question, CosmosError> {
        Session::seal(&self.key, &self.code, json, entropy)
    }

    /// One message for each node.
    pub(crate) fn seal_for_all(
        &self,
        json: &[u8],
        entropy: &mut dyn Entropy,
    ) -> Result<Vec<Question>, CosmosError> {
        (0..self.sender.rows.nodes.count()).map(|_| self.seal(json, entropy)).collect()
    }

    /// What as many nodes as must agree answer, as `read` reads it, in the state that the block at `height` left; in
    /// each node's newest where none is given. An answer that does not read is none.
    pub(crate) async fn asked<T, R>(
        &self,
        sealed: Vec<Question>,
        height: Option<u64>,
        read: R,
    ) -> Result<T, CosmosError>
    where
        T: Clone + PartialEq + Send + 'static,
        R: Fn(Vec<u8>) -> Result<Said<T>, CosmosError> + Send + Sync + 'static,
    {
        let nodes = &self.sender.rows.nodes;
        let (sealed, read) = (Arc::new(sealed), Arc::new(read));
        let contract = self.contract.as_str().to_owned();
        let said = nodes.all(|node| {
            let (sealed, read) = (Arc::clone(&sealed), Arc::clone(&read));
            let contract_address = contract.clone();
            async move {
                let (query, session) = sealed.get(node.number).ok_or(CosmosError::Silent)?;
                let ask = QueryContract { contract_address, query: query.0.clone() };
                match said(&node, &ask, session, height).await? {
                    Said::Answer(bytes) => read(bytes),
                    Said::Refusal(words) => Ok(Said::Refusal(words)),
                    Said::Old => Ok(Said::Old),
                }
            }
        });
        agreed(&said.await, nodes.needed())
    }

    /// Executes `json` from the wallet's account; returns the height of its block and the contract's data.
    ///
    /// # Errors
    /// [`CosmosError::Refused`] with the contract's words; otherwise as of any transaction.
    pub async fn execute(
        &self,
        json: &[u8],
        entropy: &mut dyn Entropy,
    ) -> Result<(u64, Vec<u8>), CosmosError> {
        let sealed = self.seal(json, entropy)?;
        self.told(sealed).await
    }

    /// As [`SecretContract::execute`].
    pub(crate) async fn told(
        &self,
        (message, session): Question,
    ) -> Result<(u64, Vec<u8>), CosmosError> {
        let execute = MsgExecuteContract {
            sender: border::bytes(self.sender.account.address())?,
            contract: border::bytes(&self.contract)?,
            msg: message.0,
            ..MsgExecuteContract::default()
        };
        match self.sender.send(&execute).await {
            Ok(done) => {
                let reply: ExecuteReply = result::reply(&done.data)?;
                Ok((done.height, session.open_data(&reply.data)?))
            }
            Err(CosmosError::Refused(log)) => Err(CosmosError::Refused(words(&log, &session))),
            Err(other) => Err(other),
        }
    }
}

/// One node's answer, opened.
async fn said(
    node: &Node,
    ask: &QueryContract,
    session: &Session,
    height: Option<u64>,
) -> Result<Said<Vec<u8>>, CosmosError> {
    match node.ask(QUERY_PATH, &ask.encode_to_vec(), height, false).await {
        Ok(answer) => {
            let reply = QueryReply::decode(answer.value.as_slice())
                .map_err(|_| node.fails("answers no such thing"))?;
            Ok(Said::Answer(session.open_query(&reply.data)?))
        }
        // Only what the enclave sealed are the contract's words; other errors are the node's own.
        Err(CosmosError::Code { log, .. }) => {
            let sealed = encrypted_error(&log).ok_or(node.fails("refuses"))?;
            Ok(Said::Refusal(session.open_error(&sealed)?))
        }
        Err(other) => Err(other),
    }
}

/// What at least `needed` of the nodes said, where nothing else was said as often.
fn agreed<T: Clone + PartialEq>(said: &[Said<T>], needed: usize) -> Result<T, CosmosError> {
    let times = |one: &Said<T>| said.iter().filter(|other| *other == one).count();
    let most = said.iter().max_by_key(|one| times(one));
    let agreeing = most.map_or(0, times);
    let rivals = said.iter().any(|one| Some(one) != most && times(one) == agreeing);
    match most {
        Some(most) if agreeing >= needed && !rivals => match most {
            Said::Answer(answer) => Ok(answer.clone()),
            Said::Refusal(words) => Err(CosmosError::Refused(words.clone())),
            Said::Old => Err(CosmosError::OldState),
        },
        Some(_) | None => Err(CosmosError::Disagree { agreeing, needed }),
    }
}

/// A refusal's words: the contract's own where the log holds them, and otherwise the chain's.
fn words(log: &str, session: &Session) -> String {
    let sealed = encrypted_error(log);
    sealed.and_then(|sealed| session.open_error(&sealed).ok()).unwrap_or_else(|| log.to_owned())
}

const QUERY_PATH: &str = "/secret.compute.v1beta1.Query/QuerySecretContract";

#[cfg(test)]
mod tests;
