//! Transactions of other accounts: their terms, and the way of what they have signed to the chain.
//!
//! Layer: `cosmos::transaction`.
//! Holds: terms after a simulation; the SDK's transaction around a wallet's amino signature; what became of it.
//! Never: a message that the sender did not sign: its document is laid out from the very message that is sent.
//! Invariant: nothing of this account's is paid or used up.

use super::result::Done;
use super::{Accepted, Sender, Tried, accepted, executed, fee, judge, result, wrong_sequence};
use super::{BLOCKS_TO_LIVE, OUTCOME_MAX};
use crate::account::{Place, place_of};
use crate::{CosmosError, Executed};
use cosmrs::Any;
use cosmrs::proto::cosmos::base::v1beta1::Coin;
use cosmrs::proto::cosmos::crypto::secp256k1::PubKey;
use cosmrs::proto::cosmos::tx::v1beta1::mode_info::{Single, Sum};
use cosmrs::proto::cosmos::tx::v1beta1::{AuthInfo, Fee, ModeInfo, SignerInfo, TxBody, TxRaw};
use prag_client::border;
use prag_protocol::Address;
use prag_protocol::ledger::transaction::{SignedTransaction, TransactionTerms};
use prost::Message;
use sha2::{Digest, Sha256};

impl Sender {
    /// What `sender`, in the chain's spelling, signs so that `message` happens; `to` is whom it tells or pays.
    ///
    /// # Errors
    /// [`CosmosError::Refused`] where the chain would refuse it, or does not know the sender.
    pub(crate) async fn terms(
        &self,
        sender: &Address,
        to: &Address,
        message: Any,
    ) -> Result<TransactionTerms, CosmosError> {
        let place = place_of(&self.rows, &border::bytes(sender)?, sender).await;
        let Place { number, sequence } = place.map_err(|error| match error {
            CosmosError::Account(why) => CosmosError::Refused(format!("{sender}: {why}")),
            other => other,
        })?;
        let timeout_height = self.rows.header().await?.height() + BLOCKS_TO_LIVE;
        let mut terms = TransactionTerms {
            chain_id: self.network.chain_id.clone(),
            sender: sender.clone(),
            to: to.clone(),
            account_number: number,
            sequence,
            timeout_height,
            gas: 0,
            fee: 0,
            fee_denom: self.network.gas_price.denom.clone(),
        };
        terms.gas = match self.simulate(raw(&terms, message, None)).await {
            Ok(gas) => gas,
            Err(CosmosError::Code { log, .. }) if wrong_sequence(&log) => {
                return Err(CosmosError::NotIncluded);
            }
            Err(CosmosError::Code { code, log, .. }) if executed(code, &log) => {
                return Err(CosmosError::Refused(log));
            }
            Err(other) => return Err(other),
        };
        (_, terms.fee) = fee(&self.network.gas_price, terms.gas)?;
        Ok(terms)
    }

    /// Sends a signed transaction of `message`, and waits until it has happened, or cannot any more.
    ///
    /// # Errors
    /// As [`Sender::send`]; [`CosmosError::Refused`] also where the signature is of another message.
    pub(crate) async fn pass_on(
        &self,
        signed: &SignedTransaction,
        message: Any,
    ) -> Result<Executed, CosmosError> {
        let SignedTransaction { terms, public_key, signature } = signed;
        let (last, height) = (terms.timeout_height, self.rows.header().await?.height());
        if terms.chain_id != self.network.chain_id {
            return Err(CosmosError::Refused("the transaction is of another chain".to_owned()));
        }
        if !(height..=height.saturating_add(BLOCKS_TO_LIVE)).contains(&last) {
            return Err(CosmosError::NotIncluded);
        }
        let key = hex::decode(public_key).unwrap_or_default();
        let bytes = raw(terms, message, Some((key, signature)));
        let hash: [u8; 32] = Sha256::digest(&bytes).into();
        let answers = self.rows.nodes.broadcast(&bytes).await;
        let done = match accepted(&answers, self.rows.nodes.count()) {
            Accepted::Maybe => {
                let outcome = self.follow(&bytes, &hash, terms);
                let done = tokio::time::timeout(OUTCOME_MAX, outcome).await;
                done.unwrap_or(Err(CosmosError::Unknown))?
            }
            Accepted::WrongSequence => {
                // It may be this very one that has used the sequence up, if it was sent before.
                let done = result::proven(&self.rows, &hash).await;
                judged(done.map_err(|_| CosmosError::Unknown)?, terms.fee)?
            }
            Accepted::No(log) => return Err(CosmosError::Refused(log)),
        };
        self.rows.raise(done.height);
        Ok(done)
    }

    async fn follow(
        &self,
        bytes: &[u8],
        hash: &[u8; 32],
        terms: &TransactionTerms,
    ) -> Result<Executed, CosmosError> {
        match self.awaited(bytes, hash, terms.timeout_height).await? {
            Some(done) => judged(done, terms.fee),
            None => self.too_late(terms).await,
        }
    }

    /// No block can have it any more. While its sender's sequence is proven to be that of the transaction, none has it.
    async fn too_late(&self, terms: &TransactionTerms) -> Result<Executed, CosmosError> {
        let sender = &terms.sender;
        let place = place_of(&self.rows, &border::bytes(sender)?, sender).await?;
        let unused = place.sequence == terms.sequence;
        Err(if unused { CosmosError::NotIncluded } else { CosmosError::Unknown })
    }
}

/// What a proven transaction did. What ran out of gas is its sender's to sign anew.
fn judged(done: Done, fee: u128) -> Result<Executed, CosmosError> {
    match judge(done, 2, fee)? {
        Tried::Done(done) => Ok(done),
        Tried::Again { .. } => Err(CosmosError::NotIncluded),
    }
}

/// The transaction as nodes take it; without a signature it is good for a simulation only.
fn raw(terms: &TransactionTerms, message: Any, signed: Option<(Vec<u8>, &[u8; 64])>) -> Vec<u8> {
    let TransactionTerms { timeout_height, gas, fee, fee_denom, sequence, .. } = terms;
    let (key, signature) = signed.unzip();
    let public_key = key.and_then(|key| Any::from_msg(&PubKey { key }).ok());
    let single = Single { mode: LEGACY_AMINO_JSON };
    let signer = SignerInfo {
        public_key,
        mode_info: Some(ModeInfo { sum: Some(Sum::Single(single)) }),
        sequence: *sequence,
    };
    let amount = vec![Coin { denom: fee_denom.clone(), amount: fee.to_string() }];
    let amount = if *fee == 0 && signature.is_none() { Vec::new() } else { amount };
    let fee = Fee { amount, gas_limit: *gas, ..Fee::default() };
    let body =
        TxBody { messages: vec![message], timeout_height: *timeout_height, ..TxBody::default() };
    let info = AuthInfo { signer_infos: vec![signer], fee: Some(fee), ..AuthInfo::default() };
    let raw = TxRaw {
        body_bytes: body.encode_to_vec(),
        auth_info_bytes: info.encode_to_vec(),
        signatures: vec![signature.map(|bytes| bytes.to_vec()).unwrap_or_default()],
    };
    raw.encode_to_vec()
}

/// `SIGN_MODE_LEGACY_AMINO_JSON` of the SDK: what a wallet can read before it signs.
const LEGACY_AMINO_JSON: i32 = 127;
