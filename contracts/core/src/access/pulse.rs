//! Pulses: an account's last nonce, and the height at which it came.
//!
//! Layer: core, access.
//! Holds: one row for each account that ever sent one.
//! Never: a rule about time: how old a pulse may be is for whoever sent it to say.
//! Invariant: the row is of the last message; a state without it is from before that message.

use super::{Event, keys};
use crate::{AccessError, Env, Kv};
use prag_protocol::Address;
use prag_protocol::ledger::{Pulse, PulseMsg};

/// Keeps the pulse of `sender`, whom the shell has authenticated.
///
/// # Errors
/// [`AccessError::ZeroNonce`]; `kv` is then as it was.
pub fn pulse(
    kv: &mut dyn Kv,
    env: &Env,
    sender: &Address,
    message: PulseMsg,
) -> Result<Vec<Event>, AccessError> {
    let PulseMsg { nonce } = message;
    if nonce == [0; 32] {
        return Err(AccessError::ZeroNonce);
    }
    keys::pulse(sender).save(kv, &Pulse { nonce, height: env.height })?;
    Ok(vec![Event::Pulsed { account: sender.clone() }])
}

/// The last pulse of `account`.
///
/// # Errors
/// [`AccessError::Damaged`] where it does not read back.
pub fn pulse_of(kv: &dyn Kv, account: &Address) -> Result<Option<Pulse>, AccessError> {
    Ok(keys::pulse(account).load(kv)?)
}
