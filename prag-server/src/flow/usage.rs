//! Usage: what a grantee's reads are charged to, and the vouchers for it.
//!
//! Layer: flow, on `meter`.
//! Holds: which reads are metered; the mark by which a retry is known.
//! Never: a charge for an owner's own use, or for a refusal.
//! Invariant: what is served to a metered session is counted, durably, before it leaves.

use super::admit::Reader;
use super::{Answer, Worker, problems};
use crate::meter::{Charge, Mark, Meter, MeterError, Who};
use prag_protocol::CollectionId;
use prag_protocol::ledger::voucher::{Counters, OfferedVoucher};
use prag_protocol::limits::REQUEST_REPEATS_MAX;
use prag_protocol::problem::{Code, Problem};
use prag_protocol::wire::metering::{HandIn, Metering, Standing};
use prag_trust::request::Caller;
use prag_trust::verified::Verified;
use serde::Serialize;
use std::sync::Arc;

impl Worker {
    /// Before anything is served: takes the voucher that came along, and looks at what the session owes. `None` where
    /// nothing is metered. `asked`: the route, and all that tells one request from another.
    pub(super) async fn admit_usage(
        &self,
        caller: &Verified<Caller>,
        reader: &Reader,
        metering: Option<Metering>,
        (route, asked): (&str, &impl Serialize),
    ) -> Result<Option<Charge>, Problem> {
        let Some(meter) = self.meter_of(reader).cloned() else { return Ok(None) };
        let Metering { request_id, voucher } = metering.unwrap_or_default();
        let mark = request_id.map(|id| mark(&id.0, route, asked)).transpose()?;
        let who = self.who(caller, reader.granted.collection());
        let work = move || meter.admit(who, voucher, mark).map(Some).map_err(problem);
        tokio::task::spawn_blocking(work).await.map_err(problems::internal)?
    }

    /// The counters of all sessions, for reports to the ledger; `None` where nothing is metered.
    #[must_use]
    pub fn meter(&self) -> Option<&Arc<Meter>> {
        self.0.parts.meter.as_ref()
    }

    /// Tokens of a text that is embedded for a metered read.
    pub(super) fn tokens_metered(&self, reader: &Reader, text: &str) -> u64 {
        if self.meter_of(reader).is_some() { self.embedder().count(text) as u64 } else { 0 }
    }

    /// The counters, where what `reader` reads is metered.
    fn meter_of(&self, reader: &Reader) -> Option<&Arc<Meter>> {
        self.meter().filter(|_| !reader.granted.is_owner())
    }

    /// Keep a countersigned voucher, and say how the session stands. A session that was admitted once may settle what it
    /// owes when its grant is over, too.
    ///
    /// # Errors
    /// `voucher-foreign`, `voucher-invalid`, `voucher-old`; `forbidden` for whom the worker never served.
    pub async fn vouchers(
        &self,
        caller: &Verified<Caller>,
        id: CollectionId,
        HandIn { voucher }: HandIn,
    ) -> Result<Answer<Standing>, Problem> {
        let admitted = self.admit_read(caller, id).await;
        let who = self.who(caller, id);
        let standing = match self.0.parts.meter.clone() {
            None => Ok(None),
            Some(meter) => {
                let work = move || meter.hand_in(&who, voucher).map_err(problem);
                tokio::task::spawn_blocking(work).await.map_err(problems::internal)?
            }
        };
        match (admitted, standing) {
            (Ok(reader), standing) => {
                self.answer(caller, &reader, standing?.unwrap_or_default()).await
            }
            (Err(_), Ok(Some(standing))) => Ok(Answer::Open(standing)),
            (Err(refused), _) => Err(refused),
        }
    }

    fn who(&self, caller: &Verified<Caller>, collection: CollectionId) -> Who {
        Who {
            collection,
            consumer: self.0.parts.ledger.spelled(&caller.address),
            session: caller.session_key,
            expires: caller.expires,
            now: self.now(),
        }
    }
}

/// After the search, before the reply leaves: counts what was served.
pub(super) async fn count_usage(
    charge: Option<Charge>,
    cost: Counters,
) -> Result<Option<OfferedVoucher>, Problem> {
    let Some(charge) = charge else { return Ok(None) };
    let work = move || charge.count(&cost).map(Some).map_err(problem);
    tokio::task::spawn_blocking(work).await.map_err(problems::internal)?
}

/// Another question under the same id is another request: an id is no free pass.
fn mark(id: &[u8; 16], route: &str, asked: &impl Serialize) -> Result<Mark, Problem> {
    let failed = |_| Problem::new(Code::Internal, "the request cannot be marked");
    let asked = serde_json::to_vec(asked).map_err(failed)?;
    let mut hasher = blake3::Hasher::new_derive_key("prag 2026 request mark v1");
    hasher.update(id).update(&[u8::try_from(route.len()).unwrap_or(u8::MAX)]);
    hasher.update(route.as_bytes()).update(&asked);
    let mut mark = Mark::default();
    hasher.finalize_xof().fill(&mut mark);
    Ok(mark)
}

fn problem(error: MeterError) -> Problem {
    let field = "metering.voucher";
    match error {
        MeterError::Due { owed, credit } => {
            let detail = format!(
                "the session owes {owed} queries and may owe {credit}: countersign its latest voucher and hand it in \
                 (POST …/vouchers), then ask again"
            );
            Problem::new(Code::VoucherDue, detail).limit(credit)
        }
        MeterError::Foreign => Problem::new(
            Code::VoucherForeign,
            "of another ledger, worker, collection, account or session, or signed by a key that is none of this worker's",
        )
        .field(field),
        MeterError::Invalid => {
            let detail = "a signature does not hold, or a number is out of bounds";
            Problem::new(Code::VoucherInvalid, detail).field(field)
        }
        MeterError::Old => {
            let detail = "the worker has a later voucher of the session; the reply to an empty hand-in shows it";
            Problem::new(Code::VoucherOld, detail).field(field)
        }
        MeterError::Repeats => {
            let detail = "times a request is served again under its id; ask with a new id";
            let problem = Problem::new(Code::Replayed, detail).field("metering.request_id");
            problem.limit(REQUEST_REPEATS_MAX)
        }
        MeterError::Full => Problem::new(
            Code::Overloaded,
            "too many metered sessions: use an earlier session key, or settle one",
        ),
        MeterError::Exhausted => {
            Problem::new(Code::Conflict, "the session's counters are at their end: use another key")
        }
        MeterError::Storage => Problem::new(
            Code::Storage,
            "the storage failed; ask again with the same request id, which is counted once",
        ),
    }
}
