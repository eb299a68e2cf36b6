//! A question that a session key signed, under a permit.
//!
//! Layer: `permit`, above the permit.
//! Holds: the wire shape, the signed bytes, verification.
//! Never: what the question means: the signature is over the very bytes that were sent, so nothing has to be written
//! again in one way only.
//! Invariant: a signature serves one question to one contract under one permit, for minutes.

use crate::encoding::fixed;
use crate::{Curves, Delegation, Expected, Introduction, Permit, PermitError};
use base64::{Engine, engine::general_purpose::STANDARD};
use prag_protocol::ledger::{RELAY_SECONDS_MAX, transcript};
use serde::{Deserialize, Serialize};

/// A question under a permit.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct SignedQuery {
    /// Who delegated to the session key.
    pub permit: Permit,
    /// The question's JSON, base64.
    pub query: String,
    /// For a worker: the shard through whose placement it asks.
    #[serde(default)]
    pub shard: Option<u32>,
    /// Unix seconds; the signature is void from this second on.
    pub until: u64,
    /// The session key's Ed25519 signature over [`question_bytes`], base64.
    pub signature: String,
    /// Somebody's word that this session key may be told of what is theirs. Not under the signature: it names the key.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub introduction: Option<Introduction>,
}

/// Who asks, and what.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Asker {
    /// What the permit says.
    pub delegation: Delegation,
    /// For a worker: the shard through whose placement it asks.
    pub shard: Option<u32>,
    /// The question's JSON.
    pub query: Vec<u8>,
    /// Whose word came along that it may be told of what is theirs.
    pub host: Option<Delegation>,
}

/// What a session key signs: `"PRAG-QUESTION/v1" ‖ LP(chain id, contract, permit name, shard, until, query)`.
///
/// `shard`: empty or u32; `until`: u64; both big-endian. `query`: the question's JSON, byte for byte as sent.
#[must_use]
pub fn question_bytes(
    expected: &Expected<'_>,
    permit_name: &str,
    shard: Option<u32>,
    until: u64,
    query: &[u8],
) -> Vec<u8> {
    let number = shard.map(u32::to_be_bytes);
    let shard: &[u8] = number.as_ref().map_or(&[], |bytes| bytes.as_slice());
    let parts = [
        expected.chain_id.as_bytes(),
        expected.contract.as_bytes(),
        permit_name.as_bytes(),
        shard,
        &until.to_be_bytes(),
        query,
    ];
    transcript(DOMAIN, &parts)
}

impl SignedQuery {
    /// Checks permit, signature and introduction at `now`, the time of the last block in Unix seconds.
    ///
    /// # Errors
    /// One [`PermitError`] per rule, cheapest first. Whether a permit was revoked is not among them.
    pub fn verify(
        &self,
        now: u64,
        expected: &Expected<'_>,
        curves: &dyn Curves,
    ) -> Result<Asker, PermitError> {
        if !(1..=QUESTION_SECONDS_MAX).contains(&self.until.saturating_sub(now)) {
            return Err(PermitError::Until);
        }
        if self.query.len() > QUESTION_BYTES_MAX {
            return Err(PermitError::TooLarge("query"));
        }
        let query = STANDARD.decode(&self.query).map_err(|_| PermitError::Encoding)?;
        let signature: [u8; 64] = fixed(&self.signature)?;
        let delegation = self.permit.verify(now, expected, curves)?;
        let Self { shard, until, .. } = *self;
        let bytes = question_bytes(expected, &delegation.permit_name, shard, until, &query);
        if !curves.ed25519(&bytes, &signature, &delegation.session_key) {
            return Err(PermitError::Session);
        }
        let guest = &delegation.session_key;
        let host = self.introduction.as_ref().map(|word| word.verify(now, expected, guest, curves));
        let host = host.transpose()?;
        Ok(Asker { delegation, shard, query, host })
    }
}

/// Longest life of a signed question, seconds: that of a relayed message.
pub const QUESTION_SECONDS_MAX: u64 = RELAY_SECONDS_MAX;
/// Longest question, bytes of base64.
pub const QUESTION_BYTES_MAX: usize = 2048;
const DOMAIN: &str = "PRAG-QUESTION/v1";
