//! Questions where storage is closed.
//!
//! Layer: access shell.
//! Holds: the way from a signed question to the core's rule, and the answer with the asker's pulse.
//! Never: a rule of its own about who may ask what.
//! Invariant: answer and pulse are of one state; so are a pulse and no answer, where that is hidden.

use crate::SignedQueryMsg;
use prag_contracts_core::access::{self, Host, Reader, Unanswered};
use prag_contracts_permit::{Asker, Permissions, SignedQuery};
#[cfg(feature = "secret")]
use prag_contracts_shell::std::Binary;
use prag_contracts_shell::std::{Deps, Env};
use prag_contracts_shell::{ReadStore, Refusal, ask, header, parse};
use prag_protocol::Address;
use prag_protocol::ledger::{AccessQuery, AccessReply, FreshReply};

/// Answers a question of Secret Network, as the chain takes it.
#[cfg(feature = "secret")]
pub(crate) fn written(
    deps: Deps<'_>,
    env: &Env,
    message: SignedQueryMsg,
) -> Result<Binary, Refusal> {
    match message {
        SignedQueryMsg::Fresh(signed) => prag_contracts_shell::binary(&fresh(deps, env, &signed)?),
        other => prag_contracts_shell::binary(&answer(deps, env, other)?),
    }
}

/// Answers a question of Secret Network, without a pulse.
pub(crate) fn answer(
    deps: Deps<'_>,
    env: &Env,
    message: SignedQueryMsg,
) -> Result<AccessReply, Refusal> {
    match message {
        SignedQueryMsg::Anchor { account } => open(deps, env, AccessQuery::Anchor { account }),
        SignedQueryMsg::Price { collection } => open(deps, env, AccessQuery::Price { collection }),
        SignedQueryMsg::WithPermit(signed) => {
            signed_answer(deps, env, &signed)?.1.ok_or(Refusal::Hidden)
        }
        SignedQueryMsg::Fresh(signed) => fresh(deps, env, &signed)?.reply.ok_or(Refusal::Hidden),
    }
}

/// What anybody may ask.
fn open(deps: Deps<'_>, env: &Env, query: AccessQuery) -> Result<AccessReply, Refusal> {
    access::query(&ReadStore(deps.storage), &header(env), query).map_err(Refusal::core)
}

/// The answer, none where it is hidden, and the last pulse of who asks.
pub(crate) fn fresh(
    deps: Deps<'_>,
    env: &Env,
    signed: &SignedQuery,
) -> Result<FreshReply, Refusal> {
    let (account, reply) = signed_answer(deps, env, signed)?;
    let pulse = access::pulse_of(&ReadStore(deps.storage), &account).map_err(Refusal::core)?;
    Ok(FreshReply { reply, pulse })
}

fn signed_answer(
    deps: Deps<'_>,
    env: &Env,
    signed: &SignedQuery,
) -> Result<(Address, Option<AccessReply>), Refusal> {
    let Asker { delegation, shard, query, host } = ask(deps, env, signed)?;
    let query: AccessQuery = parse(&query)?;
    let by = Reader {
        account: &delegation.account,
        permit_name: &delegation.permit_name,
        administers: delegation.permissions == Permissions::Admin,
        shard,
        host: host.as_ref().map(|by| Host { account: &by.account, permit_name: &by.permit_name }),
    };
    let reply = match access::read(&ReadStore(deps.storage), &header(env), &by, query) {
        Ok(reply) => Some(reply),
        Err(Unanswered::Hidden) => None,
        Err(Unanswered::Revoked) => return Err(Refusal::Revoked),
        Err(Unanswered::Access(error)) => return Err(Refusal::core(error)),
    };
    Ok((delegation.account, reply))
}
