//! What a caller signed for the ledger.
//!
//! Layer: flow.
//! Holds: a caller with the messages that came along with its request, signed; which of them answers what is to be sent.
//! Never: a message in somebody's name that it did not sign as its ledger asks; one of several before all are there.
//! Invariant: what is sent is what was signed. A caller that has not signed yet is told all that it must sign, and nothing
//! was changed.
//!
//! The embedded ledger keeps the request itself as its sender's word. A chain's contract cannot read requests: there the
//! owner signs each message, and this worker only pays.

use super::{Worker, problems};
use prag_client::ledger::Authorization;
use prag_client::relay::{Opened, Relay};
use prag_protocol::ledger::AccessMsg;
use prag_protocol::problem::{Code, Problem};
use prag_protocol::wire::grants::LedgerReply;
use prag_protocol::wire::relays::{RELAYS_HEADER, RELAYS_MAX};
use prag_trust::request::Caller;
use prag_trust::verified::Verified;
use std::ops::Deref;

/// A verified caller, and what it signed for the ledger beside its request. Nothing of that is believed yet.
pub struct Asker {
    caller: Verified<Caller>,
    relays: Vec<Vec<u8>>,
    introduction: Option<Vec<u8>>,
}

impl Asker {
    /// `relays`: each the JSON of a [`Relay`].
    ///
    /// # Errors
    /// `too-large` for more than [`RELAYS_MAX`].
    pub fn new(caller: Verified<Caller>, relays: Vec<Vec<u8>>) -> Result<Self, Problem> {
        if relays.len() > RELAYS_MAX {
            let detail = "signed messages in one request";
            return Err(Problem::new(Code::TooLarge, detail).limit(RELAYS_MAX));
        }
        Ok(Self { caller, relays, introduction: None })
    }

    /// With the JSON of a `prag_client::introduction::Introduction`.
    #[must_use]
    pub fn introducing(self, introduction: Option<Vec<u8>>) -> Self {
        Self { introduction, ..self }
    }

    /// The caller's word for this worker, where it gave one.
    pub(super) fn introduction(&self) -> Option<&[u8]> {
        self.introduction.as_deref()
    }
}

impl Deref for Asker {
    type Target = Verified<Caller>;

    fn deref(&self) -> &Verified<Caller> {
        &self.caller
    }
}

/// A message, and its sender's word for it.
pub(super) struct Authorized {
    message: AccessMsg,
    word: Vec<u8>,
}

impl Worker {
    /// The caller's word for each of `messages`, in their order.
    ///
    /// # Errors
    /// `authorization-required` names them all where one is not signed; `signature-invalid` where one does not hold.
    pub(super) fn authorized<const N: usize>(
        &self,
        asker: &Asker,
        messages: [AccessMsg; N],
    ) -> Result<[Authorized; N], Problem> {
        match self.0.parts.ledger.authorization() {
            Authorization::Request => {
                Ok(messages
                    .map(|message| Authorized { message, word: asker.authorization.clone() }))
            }
            Authorization::Relay => self.signed(asker, messages),
        }
    }

    fn signed<const N: usize>(
        &self,
        asker: &Asker,
        messages: [AccessMsg; N],
    ) -> Result<[Authorized; N], Problem> {
        let (expected, now) = (self.expected(), self.now());
        let mut opened = Vec::with_capacity(asker.relays.len());
        for relay in &asker.relays {
            let one = Relay::open(relay, &expected, now).map_err(|error| {
                let detail = format!("a message to the ledger does not hold: {error}");
                Problem::new(Code::SignatureInvalid, detail).field(RELAYS_HEADER)
            })?;
            opened.push(one);
        }
        // A sender's sequences grow, so its messages are sent in the order in which it signed them.
        let signs = |one: &Opened, wanted: &AccessMsg| {
            one.account == asker.address && answers(&one.message, wanted, now)
        };
        let in_order = opened.len() == N
            && opened.iter().zip(&messages).all(|(one, wanted)| signs(one, wanted));
        if !in_order {
            let detail = "this worker's ledger takes messages of their sender only: sign those in `sign`, and send the \
                 request again with them";
            return Err(Problem::new(Code::AuthorizationRequired, detail).sign(messages.to_vec()));
        }
        let words = opened.into_iter().zip(&asker.relays);
        let all: Vec<Authorized> = words
            .map(|(one, relay)| Authorized { message: one.message, word: relay.clone() })
            .collect();
        all.try_into().map_err(|_| Problem::new(Code::Internal, "a message was lost"))
    }

    /// Sends a message in the caller's name; durable when this returns.
    pub(super) async fn send(
        &self,
        asker: &Asker,
        authorized: Authorized,
    ) -> Result<LedgerReply, Problem> {
        let Authorized { message, word } = authorized;
        let height = self.0.parts.ledger.execute(&asker.address, &word, message).await;
        Ok(LedgerReply { height: height.map_err(problems::ledger)? })
    }

    /// As [`Worker::send`], of one message.
    pub(super) async fn transition(
        &self,
        asker: &Asker,
        message: AccessMsg,
    ) -> Result<LedgerReply, Problem> {
        let [authorized] = self.authorized(asker, [message])?;
        self.send(asker, authorized).await
    }
}

/// Whether `signed` does what is `wanted`. A lease was signed a moment ago, so it may end as much earlier.
fn answers(signed: &AccessMsg, wanted: &AccessMsg, now: u64) -> bool {
    match (signed, wanted) {
        (AccessMsg::Place { placement: signed }, AccessMsg::Place { placement: wanted }) => {
            let mut same = signed.clone();
            same.lease_until = wanted.lease_until;
            same == *wanted && (now + 1..=wanted.lease_until).contains(&signed.lease_until)
        }
        _ => signed == wanted,
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::panic)]
    use super::*;
    use prag_protocol::CollectionId;
    use prag_protocol::ledger::Placement;

    fn place(worker: u8, lease_until: u64) -> AccessMsg {
        let placement = Placement {
            collection: CollectionId([1; 16]),
            shard: 0,
            epoch: 1,
            worker: [worker; 32],
            account: "secret1worker".parse().unwrap(),
            lease_until,
        };
        AccessMsg::Place { placement }
    }

    /// A lease may end earlier than this worker would ask for now, but not later, and not in the past; nothing else differs.
    #[test]
    fn only_a_lease_may_differ() {
        assert!(answers(&place(1, 500), &place(1, 500), 100));
        assert!(answers(&place(1, 499), &place(1, 500), 100));
        assert!(answers(&place(1, 101), &place(1, 500), 100));
        assert!(!answers(&place(1, 501), &place(1, 500), 100));
        assert!(!answers(&place(1, 100), &place(1, 500), 100));
        assert!(!answers(&place(2, 499), &place(1, 500), 100));
        let end = |n| AccessMsg::DestroyCollection { collection: CollectionId([n; 16]) };
        assert!(answers(&end(1), &end(1), 100));
        assert!(!answers(&end(1), &end(2), 100));
        assert!(!answers(&end(1), &place(1, 500), 100));
    }
}
