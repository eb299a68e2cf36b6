//! What a transaction did, by two headers: its block commits to it, the next commits to the result.
//!
//! Layer: `cosmos::transaction`.
//! Holds: the two proofs, and the reply to the transaction's one message.
//! Never: a node's word for a code, data or height. Codespace and log are words only: no header commits to them, and
//! they decide nothing but how a failure is told.
//! Invariant: a success that was proven is in the chain, whoever told of it.
//!
//! Source: CometBFT's `Header.DataHash` is over the hashes of transactions, `LastResultsHash` of the next header over
//! the code, data, gas wanted and gas used of each, as protobuf.

use crate::json::{BlockResults, Included, TxResult};
use crate::rows::Rows;
use crate::{CosmosError, VerifiedHeader, merkle};
use cosmrs::proto::cosmos::base::abci::v1beta1::TxMsgData;
use prost::Message;

/// A transaction in a block.
#[derive(Debug)]
pub(crate) struct Done {
    /// The block's height.
    pub(crate) height: u64,
    /// Its proven result; of a success, the data is `TxMsgData` as protobuf.
    pub(crate) result: TxResult,
}

/// Where a node says that a transaction is.
struct Claim {
    height: u64,
    index: u64,
    total: u64,
    aunts: Vec<[u8; 32]>,
}

/// The transaction's result, if it is in a block that a later one follows.
pub(crate) async fn proven(rows: &Rows, hash: &[u8; 32]) -> Result<Done, CosmosError> {
    let mut last = CosmosError::Silent;
    // A claim is only where to look: one that is wrong costs time, and the next node's is tried.
    for included in rows.nodes.included(hash).await {
        match follow(rows, hash, claim(included)).await {
            Ok(done) => return Ok(done),
            Err(error) => last = error,
        }
    }
    Err(last)
}

/// The reply to the one message of a transaction, of its data.
pub(crate) fn reply<R: Message + Default>(data: &[u8]) -> Result<R, CosmosError> {
    let data = TxMsgData::decode(data).ok();
    let first = data.and_then(|data| data.msg_responses.into_iter().next());
    first
        .and_then(|reply| R::decode(reply.value.as_slice()).ok())
        .ok_or(CosmosError::Contract("its reply does not read back"))
}

async fn follow(rows: &Rows, hash: &[u8; 32], claim: Claim) -> Result<Done, CosmosError> {
    let block = rows.header_at(claim.height).await?;
    holds(&block, hash, &claim)?;
    let next = rows.header_at(claim.height.saturating_add(1)).await?;
    let result = rows.nodes.results(claim.height, |results| pick(&next, &claim, results)).await?;
    Ok(Done { height: claim.height, result })
}

fn claim(included: Included) -> Claim {
    let Included { height, proof, .. } = included;
    let proof = proof.proof;
    let aunts = proof.aunts.into_iter().map(|hash| hash.0).collect();
    Claim { height, index: proof.index, total: proof.total, aunts }
}

/// The block's header commits to the transaction.
fn holds(block: &VerifiedHeader, hash: &[u8; 32], claim: &Claim) -> Result<(), CosmosError> {
    let Claim { index, total, ref aunts, .. } = *claim;
    let inside = |root: [u8; 32]| merkle::holds(&root, hash, index, total, aunts);
    if block.data_hash().is_some_and(inside) {
        Ok(())
    } else {
        Err(CosmosError::Proof("the block does not hold the transaction"))
    }
}

/// The claimed transaction's result, if the next header commits to all results of its block.
fn pick(
    next: &VerifiedHeader,
    claim: &Claim,
    results: BlockResults,
) -> Result<TxResult, CosmosError> {
    let leaves: Vec<Vec<u8>> = results.txs_results.iter().map(leaf).collect();
    let all = u64::try_from(leaves.len()) == Ok(claim.total);
    if !all || Some(merkle::root(&leaves)) != next.results_hash() {
        return Err(CosmosError::Proof("the next block holds other results"));
    }
    let at = usize::try_from(claim.index).ok();
    let result = at.and_then(|at| results.txs_results.into_iter().nth(at));
    result.ok_or(CosmosError::Proof("the next block holds fewer results"))
}

/// What of a result is the same on every node.
fn leaf(result: &TxResult) -> Vec<u8> {
    let TxResult { code, ref data, gas_wanted, gas_used, .. } = *result;
    Deterministic { code, data: data.clone(), gas_wanted, gas_used }.encode_to_vec()
}

/// `tendermint.abci.ExecTxResult` with the fields that headers commit to.
#[derive(Clone, PartialEq, Message)]
struct Deterministic {
    #[prost(uint32, tag = "1")]
    code: u32,
    #[prost(bytes = "vec", tag = "2")]
    data: Vec<u8>,
    #[prost(int64, tag = "5")]
    gas_wanted: i64,
    #[prost(int64, tag = "6")]
    gas_used: i64,
}
