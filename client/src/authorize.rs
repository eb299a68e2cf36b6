//! Messages to the ledger that the caller itself must sign.
//!
//! Layer: client, above `sdk`.
//! Holds: what a call may do to the ledger, the check of what a worker asks to be signed, and the signing.
//! Never: a signature for anything but what the caller asked for: a worker chooses a commitment, its own account, the
//! time of a lease, where the caller does not know it the epoch of a placement, and the seal of a scope, and nothing else.
//! Invariant: one sequence for one session key: it only grows, also across processes on this machine.

use crate::error::ClientError;
use crate::relay::{RELAY_SECONDS_MAX, Relay, RelayTerms};
use crate::sdk::{Call, Client, SLACK_SECONDS};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use prag_protocol::ledger::{AccessMsg, LEASE_SECONDS_MAX};
use prag_protocol::problem::{Code, Problem};
use prag_protocol::wire::relays::RELAYS_MAX;
use prag_protocol::{CollectionId, Epoch};
use prag_trust::scope::SealedScope;
use serde::de::DeserializeOwned;

/// What a call does to the ledger.
pub(crate) enum Effect {
    /// Exactly this.
    Exactly(AccessMsg),
    /// Exactly this grant, with a scope that commits to what it is to be narrowed to.
    Grant(AccessMsg, [u8; 32]),
    /// A collection is made, and placed on the worker that is asked.
    Birth(CollectionId),
    /// A collection is placed on the worker that is asked; in this epoch, where the caller knows it.
    Placement(CollectionId, Option<Epoch>),
    /// The next epoch begins, on the worker that is asked.
    Rotation(CollectionId, Epoch),
}

impl Effect {
    /// Whether `message` is part of it, for the worker of this key at Unix second `now`.
    fn covers(&self, message: &AccessMsg, worker: &[u8; 32], now: u64) -> bool {
        let placed = |of: CollectionId, at: Option<Epoch>| {
            let AccessMsg::Place { placement } = message else { return false };
            placement.collection == of
                && placement.shard == 0
                && at.is_none_or(|epoch| placement.epoch == epoch)
                && placement.worker == *worker
                && placement.lease_until <= now.saturating_add(LEASE_SECONDS_MAX)
        };
        match self {
            Self::Exactly(own) => own == message,
            Self::Grant(own, commitment) => {
                let mut rest = message.clone();
                let AccessMsg::Grant { scope, .. } = &mut rest else { return false };
                // In no other form: whoever reads the ledger would read it.
                let sealed = scope.take().and_then(|text| SealedScope::parse(&text).ok());
                rest == *own && sealed.is_some_and(|sealed| sealed.commitment() == commitment)
            }
            Self::Birth(id) => {
                let born = matches!(message, AccessMsg::CreateCollection { collection, epoch: 1, .. }
                    if collection == id);
                born || placed(*id, Some(1))
            }
            Self::Placement(id, epoch) => placed(*id, *epoch),
            Self::Rotation(id, to) => {
                let turned = matches!(message, AccessMsg::RotateEpoch { collection, epoch, .. }
                    if collection == id && epoch == to);
                turned || placed(*id, Some(*to))
            }
        }
    }
}

impl Client {
    /// Sends a call that has `effect` on the ledger. Where the ledger asks for it, the messages are signed and the call is
    /// sent again with them; one after another, since their sequence only grows.
    ///
    /// # Errors
    /// [`ClientError::Unasked`] where the worker wants something else signed: nothing was.
    pub(crate) async fn ask_ledger<T: DeserializeOwned>(
        &self,
        call: &Call<'_>,
        effect: &Effect,
    ) -> Result<T, ClientError> {
        let wanted = match self.ask(call).await {
            Err(error) => unsigned(error)?,
            done => return done,
        };
        let _alone = self.signing.lock().await;
        let mut wanted = wanted;
        // The worker may have restarted, and wants other messages then.
        for _ in 0..TRIES_MAX {
            call.sign(self.sign(&wanted, effect).await?);
            wanted = match self.ask(call).await {
                Err(error) => unsigned(error)?,
                done => return done,
            };
        }
        Err(ClientError::Reply("it asks for signatures again and again"))
    }

    /// The header with each message signed.
    async fn sign(&self, wanted: &[AccessMsg], effect: &Effect) -> Result<String, ClientError> {
        let session = self.channel().session().await?;
        let (worker, now) = (session.worker().sig_pk, self.channel().now());
        // Each once: a copy could be sent later.
        let once = wanted.iter().enumerate().all(|(at, one)| !wanted[..at].contains(one));
        let asked = once && (1..=RELAYS_MAX).contains(&wanted.len());
        if !asked || !wanted.iter().all(|message| effect.covers(message, &worker, now)) {
            return Err(ClientError::Unasked);
        }
        let expected = session.expected();
        let identity = self.identity();
        let permit = identity.permit(crate::identity::Purpose::Admin, &expected, now)?;
        let key = identity.session().public_key();
        let count = wanted.len() as u64;
        let first = self.channel().remembered().next_sequences(&key, now, count)?;
        let until = now.saturating_add(RELAY_SECONDS_MAX - SLACK_SECONDS);
        let signed = wanted.iter().zip(first..).map(|(message, sequence)| {
            let terms = RelayTerms { sequence, until };
            let (session, me) = (identity.session(), identity.address());
            Relay::sign(session, &permit, &expected, me, message, terms)
        });
        let signed: Vec<Relay> = signed
            .collect::<Result<_, _>>()
            .map_err(|_| ClientError::Crypto("signing a message to the ledger"))?;
        let json = serde_json::to_vec(&signed)
            .map_err(|_| ClientError::Crypto("encoding a message to the ledger"))?;
        Ok(URL_SAFE_NO_PAD.encode(json))
    }
}

/// The messages that a worker wants signed, where that is all that is wrong.
fn unsigned(error: ClientError) -> Result<Vec<AccessMsg>, ClientError> {
    match error {
        ClientError::Problem(Problem { code: Code::AuthorizationRequired, sign, .. }) => Ok(sign),
        other => Err(other),
    }
}

/// Times that a worker may ask for signatures in a row.
const TRIES_MAX: usize = 3;

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::panic)]
    use super::*;
    use crate::system::OsEntropy;
    use prag_protocol::ledger::Placement;
    use prag_protocol::{Address, Lineage};
    use prag_trust::key::{Key, Scope};
    use prag_trust::scope::ScopeTerms;

    const ID: CollectionId = CollectionId([1; 16]);
    const OTHER: CollectionId = CollectionId([2; 16]);
    const WORKER: [u8; 32] = [3; 32];
    const NOW: u64 = 1000;

    fn place(change: impl FnOnce(&mut Placement)) -> AccessMsg {
        let mut placement = Placement {
            collection: ID,
            shard: 0,
            epoch: 1,
            worker: WORKER,
            account: "secret1worker".parse().unwrap(),
            lease_until: NOW + LEASE_SECONDS_MAX,
        };
        change(&mut placement);
        AccessMsg::Place { placement }
    }

    fn create(collection: CollectionId) -> AccessMsg {
        AccessMsg::CreateCollection { collection, commitment: [9; 32], epoch: 1 }
    }

    fn rotate(collection: CollectionId, epoch: Epoch) -> AccessMsg {
        AccessMsg::RotateEpoch { collection, epoch, commitment: [9; 32] }
    }

    /// A worker gets signatures for what was asked, on itself, and for nothing else.
    #[test]
    fn only_what_was_asked_is_signed() {
        let covers = |effect: &Effect, message: &AccessMsg| effect.covers(message, &WORKER, NOW);
        let birth = Effect::Birth(ID);
        for good in [create(ID), place(|_| ())] {
            assert!(covers(&birth, &good), "{good:?}");
        }
        let end = AccessMsg::DestroyCollection { collection: ID };
        let give = AccessMsg::Transfer { collection: ID, to: "secret1thief".parse().unwrap() };
        for bad in [
            create(OTHER),
            place(|it| it.collection = OTHER),
            place(|it| it.shard = 1),
            place(|it| it.epoch = 2),
            place(|it| it.worker = [4; 32]),
            place(|it| it.lease_until += 1),
            rotate(ID, 2),
            end.clone(),
            give.clone(),
        ] {
            assert!(!covers(&birth, &bad), "{bad:?}");
        }
        let rotation = Effect::Rotation(ID, 2);
        assert!(covers(&rotation, &rotate(ID, 2)) && covers(&rotation, &place(|it| it.epoch = 2)));
        for bad in [rotate(ID, 3), rotate(OTHER, 2), place(|_| ()), create(ID), give.clone()] {
            assert!(!covers(&rotation, &bad), "{bad:?}");
        }
        let placement = Effect::Placement(ID, None);
        assert!(covers(&placement, &place(|it| it.epoch = 7)));
        assert!(!covers(&placement, &create(ID)) && !covers(&placement, &give));
        assert!(!covers(&Effect::Placement(ID, Some(1)), &place(|it| it.epoch = 7)));
        let exactly = Effect::Exactly(end.clone());
        assert!(covers(&exactly, &end) && !covers(&exactly, &give));
    }

    const JSON: &str = r#"{"must":[{"key":"team","match":{"value":"ops"}}]}"#;
    const SALT: [u8; 32] = [5; 32];

    fn grant(scope: Option<String>) -> AccessMsg {
        let grantee = "secret1reader".parse().unwrap();
        let (read, write, max_k, quota, expires) = (true, false, 10, Some(5), 2000);
        AccessMsg::Grant {
            collection: ID,
            grantee,
            read,
            write,
            max_k,
            quota,
            expires,
            scope,
            delegate: 0,
        }
    }

    fn terms<'a>(grantee: &'a Address, salt: &'a [u8; 32], json: &'a str) -> ScopeTerms<'a> {
        ScopeTerms { collection: ID, grantee, salt, json }
    }

    /// A worker seals a scope as it likes, but gets no signature for another scope than the one that was asked for: not
    /// for a wider one, nor for everything, nor for one of another salt, grantee or collection, nor for plain text that
    /// everybody would read.
    #[test]
    fn no_other_scope_is_signed() {
        let key = Key::<Scope>::random(&mut OsEntropy).unwrap();
        let (reader, other) = ("secret1reader".parse().unwrap(), "secret1other".parse().unwrap());
        let asked = terms(&reader, &SALT, JSON);
        let seal = |terms: ScopeTerms<'_>| Some(terms.seal(&key, Lineage([4; 16]), 1).unwrap());
        let effect = Effect::Grant(grant(None), asked.commitment());
        let covers = |message: &AccessMsg| effect.covers(message, &WORKER, NOW);
        let good = grant(seal(asked));
        assert!(covers(&good));
        let wide = r#"{"must":[{"exists":{"key":"team"}}]}"#;
        for bad in [
            None,
            Some(JSON.to_owned()),
            Some("{}".to_owned()),
            Some(String::new()),
            seal(terms(&reader, &SALT, wide)),
            seal(terms(&reader, &[6; 32], JSON)),
            seal(terms(&other, &SALT, JSON)),
            seal(ScopeTerms { collection: OTHER, ..asked }),
        ] {
            assert!(!covers(&grant(bad.clone())), "{bad:?}");
        }
        let mut more = good.clone();
        let AccessMsg::Grant { quota, .. } = &mut more else { panic!() };
        *quota = None;
        assert!(!covers(&more));
        assert!(!covers(&place(|_| ())));
        let everything = Effect::Exactly(grant(None));
        assert!(!everything.covers(&good, &WORKER, NOW), "a scope that was not asked for");
    }
}
