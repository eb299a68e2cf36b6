//! Permits, signed questions and signed messages, as a contract checks them.
//!
//! Layer: contracts; beside `core`, below the shells. Clients write with it what contracts read.
//! Holds: the SNIP-24 permit, the session key's question and its relayed message, and who is behind them.
//! Never: curves (the chain has them: [`Curves`]), floats, clocks; whether a permit was revoked (the state knows).
//! Invariant: a [`Delegation`] was signed by its account's wallet, an [`Asker`] and what is [`Said`] by its session key
//! too.
//!
//! Source: SNIP-24 (SecretFoundation/SNIPs). The rules are those of `prag_trust::permit`; both read the same golden
//! files.

mod curves;
mod encoding;
mod introduction;
mod name;
mod permit;
mod question;
mod relay;
#[cfg(any(test, feature = "testing"))]
pub mod testing;

pub use curves::{Curves, small_order};
pub use introduction::{Introduction, introduction_bytes};
pub use permit::{
    Delegation, Permissions, Permit, PermitParams, PermitPublicKey, PermitSignature, account_of,
};
pub use question::{Asker, QUESTION_BYTES_MAX, QUESTION_SECONDS_MAX, SignedQuery, question_bytes};
pub use relay::{RelayTerms, Said, SignedMessage, relay_bytes};

use prag_protocol::ledger::INTEGER_MAX;

/// Which contract, on which chain, is asked or told.
#[derive(Clone, Copy, Debug)]
pub struct Expected<'a> {
    /// The chain's id.
    pub chain_id: &'a str,
    /// The contract's address. Its prefix is that of every account.
    pub contract: &'a str,
}

/// Why a permit, a question or a message is refused. Not retryable as it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum PermitError {
    /// A field is over its bound, or empty.
    #[error("permit field {0} is over its bound")]
    TooLarge(&'static str),
    /// A character that wallets escape, or that has no place in this field.
    #[error("permit field {0} holds a character that is not allowed")]
    Character(&'static str),
    /// Not `prag/1|sk=<base64url>|exp=<unix>`, or the session key is unusable.
    #[error("permit name does not name a session key and an expiry")]
    Name,
    /// Made for another chain.
    #[error("permit is for another chain")]
    Chain,
    /// Not exactly one token, or another contract.
    #[error("permit is for another contract")]
    Contract,
    /// None, unknown, repeated, or `prag_admin` together with another.
    #[error("permissions are empty, unknown, repeated or combined with prag_admin")]
    Permissions,
    /// An introduction under a permit that does not administer.
    #[error("only a permit to administer introduces somebody")]
    Administration,
    /// The session key's time is over.
    #[error("permit has expired")]
    Expired,
    /// Wrong key type, key, or signature bytes.
    #[error("a public key or signature is malformed")]
    Encoding,
    /// The signature has the high S of its two forms: malleable.
    #[error("permit's signature is not in low-S form")]
    HighS,
    /// The signature is not the wallet's over this permit.
    #[error("permit's signature does not verify")]
    Signature,
    /// `until` is past, or more than [`QUESTION_SECONDS_MAX`] ahead of the block: a message's bound, too. Sign again.
    #[error("until must be 1 to {QUESTION_SECONDS_MAX} seconds after the last block")]
    Until,
    /// Not a number that a message can have.
    #[error("sequence must be 1 to {INTEGER_MAX}")]
    Sequence,
    /// The signature is not the session key's over this question, message or introduction.
    #[error("the session key's signature does not verify")]
    Session,
}

#[cfg(test)]
mod tests;
