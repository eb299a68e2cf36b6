//! What nodes answer, as JSON of CometBFT's RPC.
//!
//! Layer: bottom of `cosmos`.
//! Holds: the fields that are used, of the answers that are used; bytes and numbers in the node's spellings.
//! Never: belief; whoever asked checks.
//! Invariant: an answer is parsed only after its length was bounded (`node`).

use base64::{Engine, engine::general_purpose::STANDARD};
use serde::{Deserialize, Deserializer, de::Error};
use std::str::FromStr;
use tendermint::PublicKey;
use tendermint::block::signed_header::SignedHeader;
use tendermint::validator::Info;
use tendermint::vote::Power;

/// The envelope of every answer.
#[derive(Deserialize)]
pub(crate) struct Envelope<T> {
    pub(crate) result: Option<T>,
    pub(crate) error: Option<Failure>,
}

/// An error of the node's own.
#[derive(Deserialize)]
pub(crate) struct Failure {
    pub(crate) code: i64,
    #[serde(default)]
    pub(crate) message: String,
    #[serde(default)]
    pub(crate) data: serde_json::Value,
}

/// `status`.
#[derive(Deserialize)]
pub(crate) struct Status {
    pub(crate) sync_info: SyncInfo,
}

/// How far a node is.
#[derive(Deserialize)]
pub(crate) struct SyncInfo {
    #[serde(deserialize_with = "number")]
    pub(crate) latest_block_height: u64,
}

/// `commit`.
#[derive(Deserialize)]
pub(crate) struct Commit {
    #[serde(deserialize_with = "signed_header")]
    pub(crate) signed_header: SignedHeader,
}

/// The only field of a header and its commit that is base64: `tendermint` decodes it with a library that panics on some
/// texts, so each is decoded here before.
#[derive(Deserialize)]
struct Signed {
    #[serde(rename = "commit")]
    _commit: Signatures,
}

#[derive(Deserialize)]
struct Signatures {
    #[serde(rename = "signatures")]
    _signatures: Vec<Signature>,
}

#[derive(Deserialize)]
struct Signature {
    #[serde(rename = "signature", default, deserialize_with = "bytes")]
    _signature: Vec<u8>,
}

/// `validators`, one page.
#[derive(Deserialize)]
pub(crate) struct Validators {
    #[serde(deserialize_with = "validators")]
    pub(crate) validators: Vec<Info>,
    #[serde(deserialize_with = "number")]
    pub(crate) total: u64,
}

/// `abci_query`.
#[derive(Deserialize)]
pub(crate) struct AbciQuery {
    pub(crate) response: AbciResponse,
}

/// The application's answer.
#[derive(Deserialize)]
pub(crate) struct AbciResponse {
    #[serde(default)]
    pub(crate) code: u32,
    #[serde(default)]
    pub(crate) log: String,
    #[serde(default, deserialize_with = "bytes")]
    pub(crate) value: Vec<u8>,
    #[serde(default, rename = "proofOps", alias = "proof_ops")]
    pub(crate) proof_ops: Option<ProofOps>,
    #[serde(default, deserialize_with = "number")]
    pub(crate) height: u64,
}

/// A proof, from the row up.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub(crate) struct ProofOps {
    pub(crate) ops: Vec<ProofOp>,
}

/// One step of a proof.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub(crate) struct ProofOp {
    #[serde(rename = "type")]
    pub(crate) kind: String,
    #[serde(default, deserialize_with = "bytes")]
    pub(crate) key: Vec<u8>,
    #[serde(default, deserialize_with = "bytes")]
    pub(crate) data: Vec<u8>,
}

/// `broadcast_tx_sync`.
#[derive(Deserialize)]
pub(crate) struct Broadcast {
    pub(crate) code: u32,
    #[serde(default)]
    pub(crate) codespace: String,
    #[serde(default)]
    pub(crate) log: String,
}

/// `tx` with its inclusion proof.
#[derive(Deserialize)]
pub(crate) struct Included {
    #[serde(deserialize_with = "number")]
    pub(crate) height: u64,
    pub(crate) proof: TxProof,
}

/// What a transaction did.
#[derive(Clone, Debug, Deserialize)]
pub(crate) struct TxResult {
    #[serde(default)]
    pub(crate) code: u32,
    #[serde(default)]
    pub(crate) codespace: String,
    #[serde(default)]
    pub(crate) log: String,
    #[serde(default, deserialize_with = "bytes")]
    pub(crate) data: Vec<u8>,
    #[serde(default, deserialize_with = "number")]
    pub(crate) gas_wanted: i64,
    #[serde(default, deserialize_with = "number")]
    pub(crate) gas_used: i64,
}

/// That a block has a transaction.
#[derive(Deserialize)]
pub(crate) struct TxProof {
    pub(crate) proof: MerkleProof,
}

/// The way from a leaf up.
#[derive(Deserialize)]
pub(crate) struct MerkleProof {
    #[serde(deserialize_with = "number")]
    pub(crate) total: u64,
    #[serde(deserialize_with = "number")]
    pub(crate) index: u64,
    #[serde(default)]
    pub(crate) aunts: Vec<Hash>,
}

/// 32 bytes of base64.
#[derive(Deserialize)]
#[serde(transparent)]
pub(crate) struct Hash(#[serde(deserialize_with = "hash")] pub(crate) [u8; 32]);

/// `block_results`.
#[derive(Deserialize)]
pub(crate) struct BlockResults {
    #[serde(default, deserialize_with = "results")]
    pub(crate) txs_results: Vec<TxResult>,
}

/// What a validator is known by. Its name and address are not read: the key gives the address.
#[derive(Deserialize)]
struct Validator {
    pub_key: Key,
    #[serde(alias = "power", deserialize_with = "number")]
    voting_power: u64,
}

#[derive(Deserialize)]
struct Key {
    #[serde(rename = "type")]
    kind: String,
    #[serde(deserialize_with = "bytes")]
    value: Vec<u8>,
}

fn signed_header<'de, D: Deserializer<'de>>(input: D) -> Result<SignedHeader, D::Error> {
    let value = serde_json::Value::deserialize(input)?;
    Signed::deserialize(&value).map_err(D::Error::custom)?;
    SignedHeader::deserialize(value).map_err(D::Error::custom)
}

fn validators<'de, D: Deserializer<'de>>(input: D) -> Result<Vec<Info>, D::Error> {
    let info = |one: Validator| {
        let key = match one.pub_key.kind.as_str() {
            "tendermint/PubKeyEd25519" => PublicKey::from_raw_ed25519(&one.pub_key.value)?,
            "tendermint/PubKeySecp256k1" => PublicKey::from_raw_secp256k1(&one.pub_key.value)?,
            _ => return None,
        };
        Some(Info::new(key, Power::try_from(one.voting_power).ok()?))
    };
    let all = Vec::<Validator>::deserialize(input)?;
    let all: Option<Vec<Info>> = all.into_iter().map(info).collect();
    all.ok_or_else(|| D::Error::custom("expected keys and powers of validators"))
}

fn number<'de, D: Deserializer<'de>, T: FromStr>(input: D) -> Result<T, D::Error> {
    String::deserialize(input)?.parse().map_err(|_| D::Error::custom("expected a number in quotes"))
}

fn bytes<'de, D: Deserializer<'de>>(input: D) -> Result<Vec<u8>, D::Error> {
    let text = Option::<String>::deserialize(input)?.unwrap_or_default();
    STANDARD.decode(text).map_err(|_| D::Error::custom("expected base64"))
}

fn hash<'de, D: Deserializer<'de>>(input: D) -> Result<[u8; 32], D::Error> {
    bytes(input)?.try_into().map_err(|_| D::Error::custom("expected 32 bytes"))
}

fn results<'de, D: Deserializer<'de>>(input: D) -> Result<Vec<TxResult>, D::Error> {
    Ok(Option::<Vec<TxResult>>::deserialize(input)?.unwrap_or_default())
}
