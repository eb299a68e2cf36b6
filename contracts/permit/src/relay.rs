//! A message that a session key signed, under a permit, for whoever sends and pays for it.
//!
//! Layer: `permit`, above the permit.
//! Holds: the wire shape, the signed bytes, verification.
//! Never: what the message means, or whether it has happened before: the state knows.
//! Invariant: a signature serves one message of one account to one contract, for minutes. The account is under it, since
//! another wallet could sign a permit of the same name for the same key, and take the message for its own.

use crate::encoding::fixed;
use crate::{Curves, Delegation, Expected, Permit, PermitError};
use base64::{Engine, engine::general_purpose::STANDARD};
use prag_protocol::Address;
use prag_protocol::ledger::{INTEGER_MAX, RELAY_SECONDS_MAX, RELAYED_MESSAGE_BYTES_MAX, Speaker};
use serde::{Deserialize, Serialize};

/// A message under a permit.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct SignedMessage {
    /// Who delegated to the session key.
    pub permit: Permit,
    /// The message's JSON, base64: the very bytes that were signed.
    pub message: String,
    /// Greater than every one before it of this account and session key; Unix microseconds will do.
    pub sequence: u64,
    /// Unix seconds; the signature is void from this second on.
    pub until: u64,
    /// The session key's Ed25519 signature over [`relay_bytes`], base64.
    pub signature: String,
}

/// Who says what.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Said {
    /// What the permit says.
    pub delegation: Delegation,
    /// Greater than every one before it of this account and session key, or it is a repetition.
    pub sequence: u64,
    /// The message's JSON.
    pub message: Vec<u8>,
}

/// When a message holds, and in which order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RelayTerms {
    /// As [`SignedMessage::sequence`].
    pub sequence: u64,
    /// As [`SignedMessage::until`].
    pub until: u64,
}

/// What a session key signs: [`Speaker::relay_bytes`]. `account`: as the chain spells it; `message`: JSON, byte for byte
/// as sent.
#[must_use]
pub fn relay_bytes(
    expected: &Expected<'_>,
    account: &Address,
    permit_name: &str,
    terms: RelayTerms,
    message: &[u8],
) -> Vec<u8> {
    let Expected { chain_id, contract } = *expected;
    let speaker = Speaker { chain_id, contract, account, permit_name };
    speaker.relay_bytes(terms.sequence, terms.until, message)
}

impl SignedMessage {
    /// Checks permit and signature at `now`, the time of the block in Unix seconds.
    ///
    /// # Errors
    /// One [`PermitError`] per rule, cheapest first. Whether the permit was revoked, and whether the sequence is new, are
    /// not among them.
    pub fn verify(
        &self,
        now: u64,
        expected: &Expected<'_>,
        curves: &dyn Curves,
    ) -> Result<Said, PermitError> {
        let Self { sequence, until, .. } = *self;
        if !(1..=RELAY_SECONDS_MAX).contains(&until.saturating_sub(now)) {
            return Err(PermitError::Until);
        }
        if !(1..=INTEGER_MAX).contains(&sequence) {
            return Err(PermitError::Sequence);
        }
        if self.message.len() > RELAYED_MESSAGE_BYTES_MAX / 3 * 4 {
            return Err(PermitError::TooLarge("message"));
        }
        let message = STANDARD.decode(&self.message).map_err(|_| PermitError::Encoding)?;
        let signature: [u8; 64] = fixed(&self.signature)?;
        let delegation = self.permit.verify(now, expected, curves)?;
        let Delegation { account, permit_name, session_key, .. } = &delegation;
        let terms = RelayTerms { sequence, until };
        let bytes = relay_bytes(expected, account, permit_name, terms, &message);
        if !curves.ed25519(&bytes, &signature, session_key) {
            return Err(PermitError::Session);
        }
        Ok(Said { delegation, sequence, message })
    }
}
