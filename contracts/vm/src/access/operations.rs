//! What is measured: messages and questions, each from the same state.
//!
//! Layer: vm, access.
//! Holds: a state with as many grants as wanted, and one step per operation.
//! Never: an operation that is refused; a state that no history leads to.
//! Invariant: only the number of stored grants differs between two measurements.

use super::story::{anchor, appoint, claim, consume, create, grant, place};
use super::{Act, COLLECTION, Cast, START, Step};
use crate::subscription::coins;
use crate::{EngineError, Rows};
use prag_contracts_core::access::{self, Relayed};
use prag_contracts_permit::testing::{Person, account};
use prag_protocol::ledger::{AccessMsg, AccessQuery, BuyMsg, PulseMsg, SCOPE_BYTES_MAX};
use prag_protocol::{Address, CollectionId};

/// A served collection with a price, and that many grants of its owner's: the first is the reader's, a delegate's, who has
/// granted to the worker, and each of the others was relayed, for a session of its own.
///
/// # Errors
/// [`EngineError`] if the core refuses a message.
pub fn stocked(cast: &Cast, prefix: &str, grants: u32) -> Result<Rows, EngineError> {
    let mut rows = Rows::default();
    let Cast { owner, reader, worker, offer, .. } = cast;
    run(&mut rows, owner, create())?;
    run(&mut rows, owner, appoint(&reader.address, 2))?;
    run(&mut rows, reader, grant(&worker.address, 10, 3600))?;
    for number in 1..grants {
        let grantee = account(prefix, number).map_err(EngineError::new)?;
        let mut session_key = [0; 32];
        session_key[..4].copy_from_slice(&number.to_be_bytes());
        let (account, session_key) = (&owner.address, &session_key);
        let by = Relayed { account, session_key, permit_name: PERMIT, sequence: 1 };
        let told = access::relay(&mut rows, &START, by, grant(&grantee, 10, 3600));
        told.map_err(EngineError::new)?;
    }
    let mut tell = |by: &Person, message: AccessMsg| run(&mut rows, by, message);
    tell(owner, place(&worker.address, 1))?;
    tell(worker, claim(1))?;
    tell(worker, anchor([0x22; 32], [1; 32], [0; 32]))?;
    tell(owner, policy())?;
    tell(owner, AccessMsg::SetPrice { collection: COLLECTION, offer: Some(offer.clone()) })?;
    Ok(rows)
}

fn run(rows: &mut Rows, by: &Person, message: AccessMsg) -> Result<(), EngineError> {
    let told = access::execute(rows, &START, &by.address, message);
    told.map(|_| ()).map_err(EngineError::new)
}

/// One step per operation.
#[must_use]
pub fn operations(cast: &Cast) -> Vec<Step<'_>> {
    let Cast { owner, reader, worker, stranger, offer } = cast;
    let collection = COLLECTION;
    let told: [(&'static str, &Person, AccessMsg); 19] = [
        (
            "create_collection",
            owner,
            AccessMsg::CreateCollection {
                collection: CollectionId([0xc1; 16]),
                commitment: [1; 32],
                epoch: 1,
            },
        ),
        ("grant, new", owner, grant(&stranger.address, 10, 3600)),
        ("grant, replaced", owner, grant(&reader.address, 20, 3600)),
        ("grant, new, by a delegate", reader, grant(&stranger.address, 10, 3600)),
        ("revoke", owner, AccessMsg::Revoke { collection, grantee: reader.address.clone() }),
        ("revoke_permit", reader, AccessMsg::RevokePermit { permit_name: PERMIT.to_owned() }),
        ("place", owner, place(&worker.address, 1)),
        ("place, moved", owner, place(&stranger.address, 1)),
        ("rebind", worker, AccessMsg::Rebind { collection, shard: 0, worker: [0x33; 32] }),
        ("unplace", owner, AccessMsg::Unplace { collection, shard: 0 }),
        ("claim_writer", worker, claim(2)),
        ("anchor", worker, anchor([0x22; 32], [2; 32], [1; 32])),
        ("consume", worker, consume(&reader.address, 5)),
        ("consume, of a delegate's grantee", worker, consume(&worker.address, 5)),
        ("set_policy, 16 + 16", owner, policy()),
        ("set_price, none", owner, AccessMsg::SetPrice { collection, offer: None }),
        (
            "rotate_epoch",
            owner,
            AccessMsg::RotateEpoch { collection, epoch: 2, commitment: [4; 32] },
        ),
        ("transfer", owner, AccessMsg::Transfer { collection, to: stranger.address.clone() }),
        ("destroy_collection", owner, AccessMsg::DestroyCollection { collection }),
    ];
    let steps = told.into_iter().map(|(name, by, message)| (name, by, Act::Tell(message)));
    let pulse = ("pulse", worker, Act::Pulse(PulseMsg { nonce: [2; 32] }));
    let message = BuyMsg { collection, offer: offer.clone() };
    let funds = coins(offer.amount.get());
    let buy = ("buy, new", stranger, Act::Buy { message, funds });
    let steps = steps.chain(relayed(cast)).chain([pulse, buy]).chain(questions(cast));
    steps.map(|(name, by, act)| Step { name, by, act, env: START }).collect()
}

/// The same by somebody else, of a session that has said nothing yet.
fn relayed(cast: &Cast) -> impl Iterator<Item = (&'static str, &Person, Act)> {
    let Cast { owner, reader, stranger, .. } = cast;
    let (collection, grantee) = (COLLECTION, reader.address.clone());
    let told = [
        ("grant, new, relayed", owner, grant(&stranger.address, 10, 3600)),
        ("grant, new, a sealed scope, relayed", owner, sealed(&stranger.address, SEALED_BYTES)),
        (
            "grant, new, the longest scope, relayed",
            owner,
            sealed(&stranger.address, SCOPE_BYTES_MAX),
        ),
        ("revoke, relayed", owner, AccessMsg::Revoke { collection, grantee }),
        (
            "revoke_permit, relayed",
            reader,
            AccessMsg::RevokePermit { permit_name: PERMIT.to_owned() },
        ),
        ("set_policy, 16 + 16, relayed", owner, policy()),
    ];
    told.into_iter().map(|(name, by, message)| (name, by, Act::Relay { message, sequence: 1 }))
}

fn questions(cast: &Cast) -> impl Iterator<Item = (&'static str, &Person, Act)> {
    let Cast { owner, reader, worker, .. } = cast;
    let collection = COLLECTION;
    let (caller, grantee) = (reader.address.clone(), reader.address.clone());
    let asked = [
        ("query collection", reader, AccessQuery::Collection { collection }, None),
        ("query grant", reader, AccessQuery::Grant { collection, grantee }, None),
        ("query placement", reader, AccessQuery::Placement { collection, shard: 0 }, None),
        ("query price", owner, AccessQuery::Price { collection }, None),
        ("query policy", owner, AccessQuery::Policy { collection }, None),
        (
            "query admission",
            worker,
            AccessQuery::Admission { collection, caller, permit_name: PERMIT.to_owned() },
            Some(0),
        ),
    ];
    asked.into_iter().map(|(name, by, query, shard)| {
        (name, by, Act::Ask { query, permission: "prag_query", shard, hidden: false })
    })
}

/// A grant with a scope as workers seal it for a chain, of so many bytes.
fn sealed(grantee: &Address, bytes: usize) -> AccessMsg {
    let mut message = grant(grantee, 10, 3600);
    if let AccessMsg::Grant { scope, .. } = &mut message {
        let form = "prag-scope-1.";
        *scope = Some(form.to_owned() + &"A".repeat(bytes.saturating_sub(form.len())));
    }
    message
}

fn policy() -> AccessMsg {
    let entries = |first: u8| (0..16).map(|at: u8| [first.saturating_add(at); 32]).collect();
    AccessMsg::SetPolicy {
        collection: COLLECTION,
        measurements: entries(0x40),
        readers: entries(0x80),
    }
}

/// Of a sealed scope whose JSON has up to 214 bytes (`trust/src/scope.rs`).
const SEALED_BYTES: usize = 451;
const PERMIT: &str = "prag/1|sk=_RckOFqgx1tk-3jNYC-h2ZH96_drE8WO1wLqyDXp9hg|exp=1800000000";
