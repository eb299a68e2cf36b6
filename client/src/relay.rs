//! A message that its sender signed, and that a worker pays for.
//!
//! Layer: client, above `border`; ledgers on chains take it as a sender's authorization.
//! Holds: the wire shape for the access contract, signing, and what a worker checks before it pays.
//! Never: a message that the sender's session key did not sign for this contract and account.
//! Invariant: sequences of one session only grow, so a message happens once.
//!
//! Signed: [`Speaker::relay_bytes`]. The account is in it, since another wallet could sign a permit of the same name for
//! the same key. `contracts/permit` reads the golden files beside this one; `contracts/access` takes what verifies.

use crate::border::{Border, NoAddress};
use base64::{Engine, engine::general_purpose::STANDARD};
use ed25519_dalek::{Signer, SigningKey, VerifyingKey};
use prag_protocol::Address;
pub use prag_protocol::ledger::RELAY_SECONDS_MAX;
use prag_protocol::ledger::{
    AccessMsg, INTEGER_MAX, RELAY_BYTES_MAX, RELAYED_MESSAGE_BYTES_MAX, Relaying, Speaker,
};
use prag_trust::address::SessionKey;
use prag_trust::permit::{Expected, Permissions, Permit};
use serde::{Deserialize, Serialize};

/// A signed message, as the contract takes it in `{"relayed": …}`, and as a ledger's `authorization` carries it.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Relay {
    /// Who delegated to the session key.
    pub permit: Permit,
    /// The message's JSON, base64: the very bytes that were signed.
    pub message: String,
    /// Greater than every one before it of this session; Unix microseconds will do.
    pub sequence: u64,
    /// Unix seconds; void from this second on, and at most [`RELAY_SECONDS_MAX`] ahead.
    pub until: u64,
    /// The session key's Ed25519 signature, base64.
    pub signature: String,
}

/// Why a message is not relayed. Sign again.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum RelayError {
    /// Names the rule.
    #[error("{0}")]
    Rule(&'static str),
    /// It names nobody, or not as the chain does.
    #[error(transparent)]
    Address(#[from] NoAddress),
}

/// A message, and who signed it, once everything that this machine can know was checked.
#[derive(Clone)]
pub struct Opened {
    /// The account that it is of, as we spell it.
    pub account: Address,
    /// The message, as we spell it.
    pub message: AccessMsg,
    /// As the contract takes it.
    pub relay: Relay,
}

/// When a message holds, and in which order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RelayTerms {
    /// As [`Relay::sequence`].
    pub sequence: u64,
    /// As [`Relay::until`].
    pub until: u64,
}

impl Relay {
    /// Signs `message` of `account`, whose `permit` names `key`. Both are spelled as `trust` spells addresses.
    ///
    /// # Errors
    /// [`RelayError::Rule`] for terms or a message that no contract takes.
    pub fn sign(
        key: &SessionKey,
        permit: &Permit,
        expected: &Expected,
        account: &Address,
        message: &AccessMsg,
        terms: RelayTerms,
    ) -> Result<Self, RelayError> {
        let border = Border::at(expected)?;
        let message = serde_json::to_vec(&border.message(message.clone())?)
            .map_err(|_| RelayError::Rule("the message has no JSON"))?;
        bounds(terms, &message)?;
        let account = border.out(account)?;
        let speaker = speaker(expected, &account, &permit.params.permit_name);
        let bytes = speaker.relay_bytes(terms.sequence, terms.until, &message);
        let signature = SigningKey::from_bytes(key.expose()).sign(&bytes).to_bytes();
        Ok(Self {
            permit: permit.clone(),
            message: STANDARD.encode(&message),
            sequence: terms.sequence,
            until: terms.until,
            signature: STANDARD.encode(signature),
        })
    }

    /// The bytes that travel as a ledger's `authorization`.
    ///
    /// # Errors
    /// [`RelayError::Rule`] where it has no JSON.
    pub fn to_json(&self) -> Result<Vec<u8>, RelayError> {
        serde_json::to_vec(self).map_err(|_| RelayError::Rule("it has no JSON"))
    }

    /// Checks at Unix second `now` what the contract will check, so that nobody pays for a refusal. Whether the permit is
    /// revoked and the sequence new, the contract knows.
    ///
    /// # Errors
    /// [`RelayError`] names the rule.
    pub fn open(authorization: &[u8], expected: &Expected, now: u64) -> Result<Opened, RelayError> {
        if authorization.len() > RELAY_BYTES_MAX {
            return Err(RelayError::Rule("it is too long"));
        }
        let relay: Self = serde_json::from_slice(authorization)
            .map_err(|_| RelayError::Rule("this chain asks for the sender's own signature"))?;
        let bytes = STANDARD.decode(&relay.message).map_err(|_| RelayError::Rule("message"))?;
        let terms = RelayTerms { sequence: relay.sequence, until: relay.until };
        bounds(terms, &bytes)?;
        if !(1..=RELAY_SECONDS_MAX).contains(&relay.until.saturating_sub(now)) {
            return Err(RelayError::Rule("until is past, or too far ahead"));
        }
        let border = Border::at(expected)?;
        let message: AccessMsg =
            serde_json::from_slice(&bytes).map_err(|_| RelayError::Rule("message"))?;
        let message = border.message_back(&message)?;
        let permit = relay.permit.verify(now, expected).map_err(|_| RelayError::Rule("permit"))?;
        match message.relaying() {
            Relaying::AnyPermit => {}
            Relaying::Administration if permit.permissions == Permissions::Admin => {}
            Relaying::Administration => {
                return Err(RelayError::Rule("the permit does not allow this"));
            }
            Relaying::Never => {
                return Err(RelayError::Rule("only its own account may send this"));
            }
        }
        let account = border.out(&permit.address)?;
        let speaker = speaker(expected, &account, &permit.permit_name);
        let bytes = speaker.relay_bytes(terms.sequence, terms.until, &bytes);
        if !holds(&permit.session_key, &bytes, &relay.signature) {
            return Err(RelayError::Rule("the signature does not verify"));
        }
        Ok(Opened { account: permit.address.clone(), message, relay })
    }

    /// As [`Relay::open`], and that `sender` signed exactly `message`.
    ///
    /// # Errors
    /// [`RelayError`] names the rule.
    pub fn check(
        authorization: &[u8],
        expected: &Expected,
        sender: &Address,
        message: &AccessMsg,
        now: u64,
    ) -> Result<Self, RelayError> {
        let opened = Self::open(authorization, expected, now)?;
        if opened.account != *sender {
            return Err(RelayError::Rule("somebody else signed"));
        }
        if opened.message != *message {
            return Err(RelayError::Rule("another message was signed"));
        }
        Ok(opened.relay)
    }
}

pub(crate) fn holds(key: &[u8; 32], bytes: &[u8], signature: &str) -> bool {
    let signature = STANDARD.decode(signature).ok();
    let signature = signature.and_then(|bytes| ed25519_dalek::Signature::from_slice(&bytes).ok());
    let key = VerifyingKey::from_bytes(key).ok();
    key.zip(signature).is_some_and(|(key, signature)| key.verify_strict(bytes, &signature).is_ok())
}

/// Who speaks to `expected`'s contract.
pub(crate) fn speaker<'a>(
    expected: &'a Expected,
    account: &'a Address,
    permit_name: &'a str,
) -> Speaker<'a> {
    let (chain_id, contract) = (expected.chain_id.as_str(), expected.contract.as_str());
    Speaker { chain_id, contract, account, permit_name }
}

fn bounds(terms: RelayTerms, message: &[u8]) -> Result<(), RelayError> {
    if message.len() > RELAYED_MESSAGE_BYTES_MAX {
        return Err(RelayError::Rule("the message is too long"));
    }
    if !(1..=INTEGER_MAX).contains(&terms.sequence) || terms.until > INTEGER_MAX {
        return Err(RelayError::Rule("sequence or until is out of range"));
    }
    Ok(())
}

#[cfg(test)]
mod tests;
