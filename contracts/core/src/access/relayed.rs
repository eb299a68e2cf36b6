//! Messages that an account signed, and another one sent.
//!
//! Layer: core, access.
//! Holds: that each happens once, in the order of its session's sequences, and under no permit that is revoked.
//! Never: signatures, or what the permit allows; the shell has checked both.
//! Invariant: a session's sequence moves with the message or not at all, so a refused message may be sent again.

use super::query::permit_revoked;
use super::{Event, Step, keys};
use crate::kv::Staged;
use crate::{AccessError, Env, Kv};
use prag_protocol::Address;
use prag_protocol::ledger::AccessMsg;

/// Whose message it is, as the shell has verified it.
#[derive(Clone, Copy, Debug)]
pub struct Relayed<'a> {
    /// Who signed the permit; the message's sender, whoever sent it.
    pub account: &'a Address,
    /// Who signed the message.
    pub session_key: &'a [u8; 32],
    /// The permit between the two.
    pub permit_name: &'a str,
    /// Above every one before it of this account and session key.
    pub sequence: u64,
}

/// Runs one message of `by.account`. One row of the account and its session key remembers the sequence.
///
/// # Errors
/// Those of [`super::execute`], [`AccessError::PermitRevoked`] and [`AccessError::Sequence`]; `kv` is then as it was.
pub fn relay(
    kv: &mut dyn Kv,
    env: &Env,
    by: Relayed<'_>,
    message: AccessMsg,
) -> Result<Vec<Event>, AccessError> {
    message.check()?;
    if permit_revoked(kv, by.account, by.permit_name)? {
        return Err(AccessError::PermitRevoked);
    }
    let row = keys::sequence(by.account, by.session_key);
    let last = row.load(kv)?.unwrap_or(0);
    if by.sequence <= last {
        return Err(AccessError::Sequence { last });
    }
    let mut staged = Staged::over(kv);
    row.save(&mut staged, &by.sequence)?;
    let event = Step { kv: &mut staged, env, sender: by.account }.run(message)?;
    staged.keep();
    Ok(event.into_iter().collect())
}
