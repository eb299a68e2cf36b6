//! Messages that somebody else sends.
//!
//! Layer: access shell.
//! Holds: which of them a permit carries.
//! Never: a right of the sender: it pays, and is not looked at. A relayed message in a relayed one does not parse.
//! Invariant: what is opened was signed by a session key for this contract, under a permit that allows it.

use prag_contracts_core::access::Relayed;
use prag_contracts_permit::{Permissions, Said, SignedMessage};
use prag_contracts_shell::std::{Api, Env};
use prag_contracts_shell::{Refusal, parse, say};
use prag_protocol::ledger::{AccessMsg, Relaying};

/// The message, and who says it.
///
/// # Errors
/// [`Refusal::Permit`], [`Refusal::Json`], [`Refusal::Permission`] or [`Refusal::OwnAccount`].
pub(crate) fn opened(
    api: &dyn Api,
    env: &Env,
    signed: &SignedMessage,
) -> Result<(Said, AccessMsg), Refusal> {
    let said = say(api, env, signed)?;
    let message: AccessMsg = parse(&said.message)?;
    match (message.relaying(), said.delegation.permissions) {
        (Relaying::AnyPermit, _) | (Relaying::Administration, Permissions::Admin) => {
            Ok((said, message))
        }
        (Relaying::Administration, Permissions::Use) => Err(Refusal::Permission),
        (Relaying::Never, _) => Err(Refusal::OwnAccount),
    }
}

/// The same for the core.
pub(crate) fn whose(said: &Said) -> Relayed<'_> {
    let by = &said.delegation;
    Relayed {
        account: &by.account,
        session_key: &by.session_key,
        permit_name: &by.permit_name,
        sequence: said.sequence,
    }
}
