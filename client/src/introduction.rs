//! An owner's word for a worker: its ledger tells it of the owner's collections before they are placed there.
//!
//! Layer: client, above `border`; beside `relay`. Ledgers whose storage is closed take it.
//! Holds: the wire shape for the access contract, signing, and what a worker checks before it shows it.
//! Never: a right to change anything; a word for another key than the one that the worker's evidence binds.
//! Invariant: it serves one worker at one contract, for minutes.
//!
//! Signed: `Speaker::introduction_bytes` of `protocol`, the guest being the worker's signing key. `contracts/permit` reads
//! the golden files beside this one.

use crate::border::Border;
use crate::relay::{RELAY_SECONDS_MAX, RelayError, holds, speaker};
use base64::{Engine, engine::general_purpose::STANDARD};
use ed25519_dalek::{Signer, SigningKey};
use prag_protocol::Address;
use prag_protocol::wire::relays::INTRODUCTION_BYTES_MAX;
use prag_trust::address::SessionKey;
use prag_trust::permit::{Expected, Permissions, Permit};
use serde::{Deserialize, Serialize};

/// The word, as the contract takes it beside a question.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Introduction {
    /// Who delegated to the session key that signed: a permit to administer.
    pub permit: Permit,
    /// Unix seconds; void from this second on, and at most [`RELAY_SECONDS_MAX`] ahead.
    pub until: u64,
    /// The session key's Ed25519 signature, base64.
    pub signature: String,
}

impl Introduction {
    /// Signs the word of `account`, whose `permit` names `key`, for the worker whose signing key is `guest`.
    ///
    /// # Errors
    /// [`RelayError`] where the ledger is on no chain.
    pub fn sign(
        key: &SessionKey,
        permit: &Permit,
        expected: &Expected,
        account: &Address,
        guest: &[u8; 32],
        until: u64,
    ) -> Result<Self, RelayError> {
        let account = Border::at(expected)?.out(account)?;
        let speaker = speaker(expected, &account, &permit.params.permit_name);
        let bytes = speaker.introduction_bytes(guest, until);
        let signature = SigningKey::from_bytes(key.expose()).sign(&bytes).to_bytes();
        Ok(Self { permit: permit.clone(), until, signature: STANDARD.encode(signature) })
    }

    /// The word in `json`, if it is that of `account` for the worker whose signing key is `guest`, and holds at Unix
    /// second `now`. Whether the permit is revoked, and what is the account's, the contract knows.
    ///
    /// # Errors
    /// [`RelayError`] names the rule.
    pub fn check(
        json: &[u8],
        expected: &Expected,
        account: &Address,
        guest: &[u8; 32],
        now: u64,
    ) -> Result<Self, RelayError> {
        if json.len() > INTRODUCTION_BYTES_MAX {
            return Err(RelayError::Rule("the introduction is too long"));
        }
        let word: Self =
            serde_json::from_slice(json).map_err(|_| RelayError::Rule("introduction"))?;
        if !(1..=RELAY_SECONDS_MAX).contains(&word.until.saturating_sub(now)) {
            return Err(RelayError::Rule("until is past, or too far ahead"));
        }
        let permit = word.permit.verify(now, expected).map_err(|_| RelayError::Rule("permit"))?;
        if permit.permissions != Permissions::Admin {
            return Err(RelayError::Rule("the permit does not allow this"));
        }
        if permit.address != *account {
            return Err(RelayError::Rule("somebody else signed"));
        }
        let account = Border::at(expected)?.out(account)?;
        let speaker = speaker(expected, &account, &permit.permit_name);
        let bytes = speaker.introduction_bytes(guest, word.until);
        if !holds(&permit.session_key, &bytes, &word.signature) {
            return Err(RelayError::Rule("the signature does not verify"));
        }
        Ok(word)
    }

    /// As it travels.
    ///
    /// # Errors
    /// [`RelayError::Rule`] where it has no JSON.
    pub fn to_json(&self) -> Result<Vec<u8>, RelayError> {
        serde_json::to_vec(self).map_err(|_| RelayError::Rule("it has no JSON"))
    }
}

#[cfg(test)]
mod tests;
