//! A contract of Secret Network: asked through several nodes that must agree, told by proven transactions.
//!
//! Layer: `cosmos::secret`, above `cipher`, `messages`, and `cosmos`' nodes and transactions.
//! Holds: encrypted queries of k of n nodes; encrypted executes whose success two headers prove.
//! Never: one node's answer to a query, unless the settings ask for one; a contract's words that it did not seal.
//! Invariant: every node gets a message of its own key, so nodes can only agree on what the enclave said.
//!
//! Weaker than a public chain's proofs: an enclave answers from the state that its node shows it, and a node may show an
//! old one. Agreement of k nodes, and an execute now and then, bound that; nothing proves it away.

use super::{
    CodeHash, ExecuteReply, MsgExecuteContract, NetworkKey, QueryContract, QueryReply, Session,
    encrypted_error,
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
    sender: Sender,
    contract: Address,
    code: CodeHash,
    key: NetworkKey,
}

/// What one node's enclave said: an answer, or the contract's refusal.
type Said = Result<Vec<u8>, String>;

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
        let sender = Sender::open(network, None, wallet, clock)?;
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
        let nodes = &self.sender.rows.nodes;
        let sealed =
            (0..nodes.count()).map(|_| Session::seal(&self.key, &self.code, json, entropy));
        let sealed: Arc<Vec<_>> = Arc::new(sealed.collect::<Result<_, _>>()?);
        let contract = self.contract.as_str().to_owned();
        let said = nodes.all(|node| {
            let (sealed, contract) = (Arc::clone(&sealed), contract.clone());
            async move {
                let (query, session) = sealed.get(node.number).ok_or(CosmosError::Silent)?;
                let ask = QueryContract { contract_address: contract, query: query.0.clone() };
                said(&node, &ask, session).await
            }
        });
        agreed(said.await, nodes.needed())
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
        let (message, session) = Session::seal(&self.key, &self.code, json, entropy)?;
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
async fn said(node: &Node, ask: &QueryContract, session: &Session) -> Result<Said, CosmosError> {
    match node.ask(QUERY_PATH, &ask.encode_to_vec(), None, false).await {
        Ok(answer) => {
            let reply = QueryReply::decode(answer.value.as_slice())
                .map_err(|_| node.fails("answers no such thing"))?;
            Ok(Ok(session.open_query(&reply.data)?))
        }
        // Only what the enclave sealed are the contract's words; other errors are the node's own.
        Err(CosmosError::Code { log, .. }) => {
            let sealed = encrypted_error(&log).ok_or(node.fails("refuses"))?;
            Ok(Err(session.open_error(&sealed)?))
        }
        Err(other) => Err(other),
    }
}

/// What at least `needed` of the nodes said, where nothing else was said as often.
fn agreed(said: Vec<Said>, needed: usize) -> Result<Vec<u8>, CosmosError> {
    let times = |one: &Said| said.iter().filter(|other| *other == one).count();
    let most = said.iter().max_by_key(|one| times(one));
    let agreeing = most.map_or(0, times);
    let rivals = said.iter().any(|one| Some(one) != most && times(one) == agreeing);
    match most {
        Some(most) if agreeing >= needed && !rivals => most.clone().map_err(CosmosError::Refused),
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
