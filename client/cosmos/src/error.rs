//! Why a chain did not answer, or is not believed.
//!
//! Layer: bottom of `cosmos`.
//! Holds: one enum, and what of it the ledger's callers are told.
//! Never: keys, messages, rows; a node's text except the contract's own refusal.
//! Invariant: what one node can cause is retryable at another; only a proven answer is final.

use prag_client::border::NoAddress;
use prag_client::ledger::LedgerError;
use prag_client::relay::RelayError;

/// Why.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum CosmosError {
    /// A field of the settings cannot be. Not retryable; names the field.
    #[error("setting {0} is not usable")]
    Setting(&'static str),
    /// A message or answer over its bound. Not retryable as it is.
    #[error("{what} is over {max} bytes")]
    Large {
        /// What.
        what: &'static str,
        /// The bound.
        max: usize,
    },
    /// The node is silent, or its answer is none. Retryable, better at another node.
    #[error("node {node}: {reason}")]
    Node {
        /// Number of the node in the settings, from 0.
        node: usize,
        /// What was wrong.
        reason: &'static str,
    },
    /// The node answered a call with an error of its own: a code, and its text, cut.
    #[error("node {node} refused with code {code}")]
    Code {
        /// Number of the node in the settings, from 0.
        node: usize,
        /// The code.
        code: i64,
        /// The node's text, at most 2,048 bytes. For decisions, not for people.
        log: String,
    },
    /// No node's answer could be used. Retryable.
    #[error("none of the nodes gave an answer that can be used")]
    Silent,
    /// Fewer nodes show this header than must. Retryable.
    #[error("{agreeing} of the {needed} nodes that must agree show the same header")]
    Disagree {
        /// How many do.
        agreeing: usize,
        /// How many must.
        needed: usize,
    },
    /// Secret Network: as many nodes as must agree answer out of a state from before this account's last proven execute.
    /// Worth a retry once the nodes caught up; nodes that go on so show an old state.
    #[error("the nodes show a state from before the last proven execute")]
    OldState,
    /// Secret Network: this account's last proven execute is too old, or there is none yet, so that nothing bounds how
    /// old a state the nodes show. The account sends one by itself, as soon as nodes take it and it can pay.
    #[error("the last proven execute is {age} seconds old, over {max}")]
    Unproven {
        /// Seconds since its block; those since 1970 where there is none.
        age: u64,
        /// Most seconds allowed.
        max: u64,
    },
    /// Two headers of one height, both signed by the validators. Stop serving, and ask people.
    #[error("the chain shows two headers at height {0}")]
    Fork(u64),
    /// The header is not the validators', or does not follow from the trusted one.
    #[error("the header at height {height} is refused: {reason}")]
    Header {
        /// Of the header.
        height: u64,
        /// Why.
        reason: &'static str,
    },
    /// The trusted header is too old to lead on from. The owner names a newer one in the settings.
    #[error("the trusted header at height {0} is past its trusting period")]
    Expired(u64),
    /// The newest header is too old. Worth a retry once the nodes caught up.
    #[error("the newest header is {age} seconds old, over {max}")]
    Stale {
        /// Seconds since the header.
        age: u64,
        /// Most seconds allowed.
        max: u64,
    },
    /// The proof does not show what the node says; names the rule.
    #[error("the proof does not hold: {0}")]
    Proof(&'static str),
    /// The account cannot send: the chain has no ordinary account of this address.
    #[error("the account cannot send: {0}")]
    Account(&'static str),
    /// The contract is other code than the settings name, or somebody may replace it.
    #[error("the contract is not what the settings name: {0}")]
    Contract(&'static str),
    /// A row does not read back. Stop serving this state.
    #[error("the contract's state does not read back at height {0}")]
    Damaged(u64),
    /// The contract or chain refused; proven where it was executed.
    #[error("{0}")]
    Refused(String),
    /// The transaction was not included in time, and now cannot be. Retryable.
    #[error("the transaction was not included in time")]
    NotIncluded,
    /// No node shows the transaction, and it may have happened. Ask for the state before it is sent again.
    #[error("whether the transaction happened is unknown")]
    Unknown,
    /// What the sender signed is not this message, or not for this chain. Sign again.
    #[error("the relayed message is refused: {0}")]
    Relay(RelayError),
    /// Wrong key or bytes, a weak key, or no randomness; on purpose we do not say which.
    #[error("an encrypted message failed")]
    Cipher,
}

impl From<NoAddress> for CosmosError {
    fn from(error: NoAddress) -> Self {
        Self::Refused(error.to_string())
    }
}

impl From<RelayError> for CosmosError {
    fn from(error: RelayError) -> Self {
        Self::Relay(error)
    }
}

impl From<CosmosError> for LedgerError {
    fn from(error: CosmosError) -> Self {
        match error {
            CosmosError::Refused(text) => refused(text),
            CosmosError::Account(why) => Self::Unavailable(format!("the worker's account: {why}")),
            CosmosError::Relay(rule) => Self::Refused(format!("the relayed message: {rule}")),
            CosmosError::Fork(_) => Self::RolledBack,
            CosmosError::Damaged(height) => Self::Tampered(height),
            CosmosError::Unknown => Self::Unknown,
            other => Self::Unavailable(other.to_string()),
        }
    }
}

/// The core words a used up quota in one way; callers tell it apart from other refusals.
fn refused(text: String) -> LedgerError {
    if let Some((has, needs)) = short(&text) {
        return LedgerError::Short { has, needs };
    }
    let left = text
        .split_once("only ")
        .and_then(|(_, rest)| rest.split_once(" units of the grant are left"))
        .and_then(|(number, _)| number.parse().ok());
    left.map_or(LedgerError::Refused(text), LedgerError::Quota)
}

/// What the bank of the SDK says of an account that has too little: "spendable balance 5uprag is smaller than 7uprag".
fn short(text: &str) -> Option<(u128, u128)> {
    let units = |text: &str| {
        let end = text.bytes().position(|byte| !byte.is_ascii_digit()).unwrap_or(text.len());
        text[..end].parse().ok()
    };
    let (_, rest) = text.split_once("spendable balance ")?;
    let (has, needs) = rest.split_once(" is smaller than ")?;
    Some((units(has)?, units(needs)?))
}

/// Longest text that is kept of a node's error or a transaction's log.
pub(crate) const LOG_BYTES_MAX: usize = 2048;

#[cfg(test)]
mod tests {
    use super::*;
    use prag_contracts_core::AccessError;

    /// A quota's end is told in numbers, as the embedded ledger tells it; other refusals in words.
    #[test]
    fn the_cores_words_are_understood() {
        let words = AccessError::Quota { left: 7 }.to_string();
        let log = format!(
            "failed to execute message; message index: 0: {words}: execute wasm contract failed"
        );
        assert_eq!(LedgerError::from(CosmosError::Refused(log)), LedgerError::Quota(7));
        let poor = "message index: 0: spendable balance 5uprag is smaller than 70uprag: insufficient funds";
        let told = LedgerError::from(CosmosError::Refused(poor.to_owned()));
        assert_eq!(told, LedgerError::Short { has: 5, needs: 70 });
        let other = AccessError::Forbidden.to_string();
        let told = LedgerError::from(CosmosError::Refused(other.clone()));
        assert_eq!(told, LedgerError::Refused(other));
    }
}
