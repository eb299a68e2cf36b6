//! Who vouches for a request that is about to be sent.
//!
//! Layer: `trust::request`.
//! Holds: the two ways, as one value that `sign_request` takes.
//! Never: verification.
//! Invariant: what is written says which way it is, and for which key.

use super::base::Algorithm;
use super::session::Bond;
use crate::address::SessionKey;
use base64::{Engine, engine::general_purpose::STANDARD};

/// What vouches for a request.
#[derive(Clone, Copy)]
pub enum Signer<'a> {
    /// The session key, to whomever it may concern.
    Key(&'a SessionKey),
    /// Its bond with the worker, to that one alone.
    Bond(&'a Bond),
}

impl<'a> From<&'a SessionKey> for Signer<'a> {
    fn from(key: &'a SessionKey) -> Self {
        Self::Key(key)
    }
}

impl<'a> From<&'a Bond> for Signer<'a> {
    fn from(bond: &'a Bond) -> Self {
        Self::Bond(bond)
    }
}

impl Signer<'_> {
    /// Whose requests it vouches for, and how.
    pub(super) fn key(&self) -> ([u8; 32], Algorithm) {
        match self {
            Self::Key(key) => (key.public_key(), Algorithm::Ed25519),
            Self::Bond(bond) => (bond.key(), Algorithm::HmacSha256),
        }
    }

    /// The value of the signature over `base`, base64.
    pub(super) fn sign(&self, base: &[u8]) -> String {
        match self {
            Self::Key(key) => STANDARD.encode(key.sign(base)),
            Self::Bond(bond) => STANDARD.encode(bond.vouch(base)),
        }
    }
}
