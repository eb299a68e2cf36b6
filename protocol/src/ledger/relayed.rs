//! Messages of one account that another one sends and pays for.
//!
//! Layer: protocol, ledger part.
//! Holds: what a permit must allow for each message, the bounds, and the bytes that a session key signs for a contract, as
//! contracts and clients keep them.
//! Never: signatures, or the wire shape: each side verifies with its own library.
//! Invariant: a message that is not listed does not compile. Two lists of parts never have the same transcript.

use super::AccessMsg;
use crate::Address;

/// What the permit of a session key must allow, for a message that the key signed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Relaying {
    /// Anything: whoever holds a permit may give it up.
    AnyPermit,
    /// `prag_admin`.
    Administration,
    /// Nothing suffices.
    Never,
}

impl AccessMsg {
    /// Owners, delegates and grantees may have their messages relayed. A worker's may not be: they speak for the TEE to which its
    /// wallet is sealed, which pays for itself, and no permit hands that on to a session key.
    #[must_use]
    pub fn relaying(&self) -> Relaying {
        match self {
            Self::RevokePermit { .. } => Relaying::AnyPermit,
            Self::CreateCollection { .. }
            | Self::DestroyCollection { .. }
            | Self::Transfer { .. }
            | Self::RotateEpoch { .. }
            | Self::Grant { .. }
            | Self::Revoke { .. }
            | Self::Place { .. }
            | Self::Unplace { .. }
            | Self::SetPolicy { .. }
            | Self::SetPrice { .. } => Relaying::Administration,
            Self::Rebind { .. }
            | Self::ClaimWriter { .. }
            | Self::Anchor { .. }
            | Self::Consume { .. } => Relaying::Never,
        }
    }
}

/// Furthest end of a relayed message's life from now, seconds.
pub const RELAY_SECONDS_MAX: u64 = 300;
/// Longest message that is relayed, bytes of JSON: a grant with the longest scope fits.
pub const RELAYED_MESSAGE_BYTES_MAX: usize = 6144;
/// Longest of all with permit and signature, bytes of JSON.
pub const RELAY_BYTES_MAX: usize = 16 << 10;

/// Whose word it is, and for which contract: what a session key signs names it first.
#[derive(Clone, Copy, Debug)]
pub struct Speaker<'a> {
    /// The contract's chain.
    pub chain_id: &'a str,
    /// The contract, as its chain spells it.
    pub contract: &'a str,
    /// The account, as the chain spells it.
    pub account: &'a Address,
    /// The permit between the account and the session key.
    pub permit_name: &'a str,
}

impl Speaker<'_> {
    /// What it signs of a message: `"PRAG-RELAY/v1" ‖ LP(chain id, contract, account, permit name, sequence, until,
    /// message)`. `sequence`, `until`: u64, big-endian; `message`: JSON, byte for byte as sent.
    #[must_use]
    pub fn relay_bytes(&self, sequence: u64, until: u64, message: &[u8]) -> Vec<u8> {
        let numbers = [sequence.to_be_bytes(), until.to_be_bytes()];
        self.transcript("PRAG-RELAY/v1", [&numbers[0], &numbers[1], message])
    }

    /// What it signs for a guest: `"PRAG-INTRODUCTION/v1" ‖ LP(chain id, contract, account, permit name, guest, until)`.
    /// `guest`: the session key that asks; `until`: u64, big-endian.
    #[must_use]
    pub fn introduction_bytes(&self, guest: &[u8; 32], until: u64) -> Vec<u8> {
        self.transcript("PRAG-INTRODUCTION/v1", [guest.as_slice(), &until.to_be_bytes()])
    }

    fn transcript<const N: usize>(&self, domain: &str, parts: [&[u8]; N]) -> Vec<u8> {
        let Self { chain_id, contract, account, permit_name } = *self;
        let named = [chain_id, contract, account.as_str(), permit_name].map(str::as_bytes);
        let parts: Vec<&[u8]> = named.into_iter().chain(parts).collect();
        transcript(domain, &parts)
    }
}

/// `domain ‖ LP(parts[0]) ‖ LP(parts[1]) ‖ …` with LP = u32 big-endian length ‖ bytes.
#[must_use]
pub fn transcript(domain: &str, parts: &[&[u8]]) -> Vec<u8> {
    let mut out = domain.as_bytes().to_vec();
    for part in parts {
        // Parts are bounded far below 2^32; one that were not would sign for nothing that verifies.
        out.extend_from_slice(&u32::try_from(part.len()).unwrap_or(u32::MAX).to_be_bytes());
        out.extend_from_slice(part);
    }
    out
}
