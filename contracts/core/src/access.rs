//! The access contract: collections, grants, placements, writers, anchors, policies.
//!
//! Layer: core.
//! Holds: the entry points and what happened.
//! Never: who signed; the shell has verified `sender`.
//! Invariant: every message and query touches a bounded number of rows, however many are stored; a
//! refusal changes none.

mod anchors;
mod collections;
mod consume;
mod delegates;
mod error;
mod grants;
mod keys;
mod placements;
mod policy;
mod price;
mod pulse;
mod query;
mod reader;
mod relayed;

pub use error::AccessError;
pub use price::{Sold, buy};
pub use pulse::{pulse, pulse_of};
pub use query::query;
pub use reader::{Host, Reader, Unanswered, read};
pub use relayed::{Relayed, relay};

use crate::kv::Staged;
use crate::{Env, Kv};
use prag_protocol::ledger::{AccessMsg, GrantRecord, Source};
use prag_protocol::{Address, CollectionId, Epoch};
use serde::Serialize;

/// What a transition did; a repetition that changed nothing has none.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
#[allow(missing_docs, reason = "the fields are those of the message")]
pub enum Event {
    /// A collection exists.
    CollectionCreated { collection: CollectionId },
    /// A collection has ended.
    CollectionDestroyed { collection: CollectionId },
    /// A collection has another owner.
    Transferred { collection: CollectionId, to: Address },
    /// Another key is current.
    EpochRotated { collection: CollectionId, epoch: Epoch },
    /// A grant was given, or replaced.
    Granted { collection: CollectionId, grantee: Address },
    /// What a grant costs was said, or that none is for sale.
    PriceSet { collection: CollectionId },
    /// A grant was paid for.
    Bought { collection: CollectionId, grantee: Address },
    /// A grant is void.
    Revoked { collection: CollectionId, grantee: Address },
    /// A permit of `account` is void.
    PermitRevoked { account: Address },
    /// A worker may hold a shard's key.
    Placed { collection: CollectionId, shard: u32, epoch: Epoch },
    /// The worker of a placement has another signing key.
    Rebound { collection: CollectionId, shard: u32 },
    /// No worker may.
    Unplaced { collection: CollectionId, shard: u32 },
    /// A shard has another writer.
    WriterClaimed { collection: CollectionId, shard: u32, epoch: u64 },
    /// An account published a root.
    Anchored { account: Address },
    /// A policy is in force.
    PolicySet { collection: CollectionId, epoch: u64 },
    /// An account showed that it is there.
    Pulsed { account: Address },
    /// Units of a grant are used.
    Consumed { collection: CollectionId, grantee: Address, units: u64 },
}

/// Runs one message of `sender`, whom the shell has authenticated.
///
/// `env` is the header of the height that the message becomes part of.
///
/// # Errors
/// [`AccessError`] says why; `kv` is then as it was.
pub fn execute(
    kv: &mut dyn Kv,
    env: &Env,
    sender: &Address,
    message: AccessMsg,
) -> Result<Vec<Event>, AccessError> {
    message.check()?;
    let mut staged = Staged::over(kv);
    let event = Step { kv: &mut staged, env, sender }.run(message)?;
    staged.keep();
    Ok(event.into_iter().collect())
}

/// One message on its way. The modules beside this one add its verbs.
struct Step<'a> {
    kv: &'a mut dyn Kv,
    env: &'a Env,
    sender: &'a Address,
}

/// `None` where the message repeats what already holds.
type Outcome = Result<Option<Event>, AccessError>;

impl Step<'_> {
    fn run(mut self, message: AccessMsg) -> Outcome {
        match message {
            AccessMsg::CreateCollection { collection, commitment, epoch } => {
                self.create(collection, commitment, epoch)
            }
            AccessMsg::DestroyCollection { collection } => self.destroy(collection),
            AccessMsg::Transfer { collection, to } => self.transfer(collection, to),
            AccessMsg::RotateEpoch { collection, epoch, commitment } => {
                self.rotate(collection, epoch, commitment)
            }
            AccessMsg::Revoke { collection, grantee } => self.revoke(collection, grantee),
            AccessMsg::RevokePermit { permit_name } => self.revoke_permit(&permit_name),
            AccessMsg::Place { placement } => self.place(&placement),
            AccessMsg::Unplace { collection, shard } => self.unplace(collection, shard),
            AccessMsg::Rebind { collection, shard, worker } => {
                self.rebind(collection, shard, worker)
            }
            AccessMsg::ClaimWriter { collection, shard, epoch } => {
                self.claim_writer(collection, shard, epoch)
            }
            AccessMsg::Anchor { shard, worker, root, previous } => {
                self.anchor(shard, worker, root, previous)
            }
            AccessMsg::SetPolicy { collection, measurements, readers } => {
                self.set_policy(collection, measurements, readers)
            }
            AccessMsg::Consume { collection, shard, grantee, units } => {
                self.consume(collection, shard, grantee, units)
            }
            AccessMsg::SetPrice { collection, offer } => self.set_price(collection, offer),
            AccessMsg::Grant {
                collection,
                grantee,
                read,
                write,
                max_k,
                quota,
                expires,
                scope,
                delegate,
            } => {
                let record = GrantRecord {
                    grantee,
                    can_write: write,
                    can_read: read,
                    max_k,
                    quota,
                    used: 0,
                    expires,
                    scope,
                    revoked: false,
                    source: Source::Owner,
                    delegate,
                    given: 0,
                    term: 0,
                };
                self.grant(collection, record)
            }
        }
    }

    /// A time that must lie ahead, but no more than `max` seconds.
    fn ahead(&self, field: &'static str, time: u64, max: u64) -> Result<(), AccessError> {
        let distance = time.saturating_sub(self.env.time);
        if (1..=max).contains(&distance) { Ok(()) } else { Err(AccessError::Time { field, max }) }
    }
}

#[cfg(test)]
mod tests;
