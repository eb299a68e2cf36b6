//! Why a shell refuses, before or instead of the core.
//!
//! Layer: bottom of the shell.
//! Holds: the shell's own reasons; the core's as the core words them.
//! Never: content.
//! Invariant: a chain drops every write of a refused message.

use prag_contracts_permit::PermitError;

/// Why nothing has happened.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Refusal {
    /// The core's reason, in its words.
    #[error("{0}")]
    Core(String),
    /// This message takes no coins. Send none.
    #[error("this message takes no funds")]
    Funds,
    /// More kinds of coin than any message takes.
    #[error("at most {} kinds of coin", crate::COINS_MAX)]
    Coins,
    /// The sender's account is no bech32 address.
    #[error("the sender's account is no bech32 address")]
    Sender,
    /// An address that this chain does not have.
    #[error("{0} is no address of this chain")]
    Address(&'static str),
    /// Not 64 hexadecimal digits on Secret Network, or not empty elsewhere.
    #[error(
        "code_hash must be 64 lowercase hexadecimal digits on Secret Network, and absent elsewhere"
    )]
    CodeHash,
    /// A registry whose workers nobody has to verify. Name one with other terms.
    #[error(
        "the workers contract lets in workers that nobody has verified: its terms need attested_only on Secret Network, \
         and approved_only elsewhere"
    )]
    Unjudged,
    /// A contract that this one has to ask did not answer. Look whether its address is right.
    #[error("another contract did not answer")]
    Peer,
    /// Bytes that are no such message.
    #[error("the message does not parse")]
    Json,
    /// The permit, or the question or message under it.
    #[error(transparent)]
    Permit(#[from] PermitError),
    /// The account revoked this permit. Sign another.
    #[error("the permit is revoked")]
    Revoked,
    /// A message that this permit does not carry. Sign a permit for `prag_admin`.
    #[error("the permit does not allow this message")]
    Permission,
    /// A message that speaks for a worker's TEE. Its account sends it itself.
    #[error("only its own account may send this message")]
    OwnAccount,
    /// Absent, or not for this account; on purpose we do not say which.
    #[error("absent, or not for this account")]
    Hidden,
}

impl Refusal {
    /// A core's error.
    #[must_use]
    pub fn core(error: impl core::fmt::Display) -> Self {
        Self::Core(error.to_string())
    }
}
