//! Seats: the bounded set of live workers of a service that one is chosen among.
//!
//! Layer: core, workers.
//! Holds: [`BENCHES`] rows of at most [`BENCH_SEATS`] seats for each service.
//! Never: an order among seats.
//! Invariant: taking or leaving a seat touches one bench, and a choice reads [`BENCHES`] of them,
//! however many workers there are.
//!
//! A worker sits down when it registers or answers, on the bench that its number gives. On a full
//! bench it takes the place of one that is not live, or else of the one that weighs least, if that
//! weighs less than itself: weight is stake, so whoever wants to keep the others out has to outbid them.

use super::stake::weight;
use super::{Step, WorkersError, keys};
use crate::Kv;
use prag_protocol::ledger::workers::{SEATS_PER_SERVICE_MAX, WorkerRecord};
use serde::{Deserialize, Serialize};

/// What a choice needs to know of a worker.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Seat {
    /// The worker's number.
    pub(super) number: u64,
    /// Its share among the others.
    pub(super) weight: u32,
    /// Unix seconds; empty from this second on.
    pub(super) live_until: u64,
    /// The approval that it attested under, or is vouched for under; 0 where nobody judges evidence.
    pub(super) approval: u32,
}

/// All seats of a service.
pub(super) fn load(kv: &dyn Kv, service: &str) -> Result<Vec<Seat>, WorkersError> {
    let mut seats = Vec::new();
    for number in 0..BENCHES {
        seats.extend(keys::bench(service, number).load(kv)?.unwrap_or_default());
    }
    Ok(seats)
}

impl Step<'_> {
    /// Seats a worker that has just shown that it is live, if there is a place for it, and it stands, under the approval
    /// of that number.
    pub(super) fn sit_down(
        &mut self,
        record: &WorkerRecord,
        standing: Option<u32>,
    ) -> Result<bool, WorkersError> {
        let seat = standing.and_then(|approval| self.seat_of(record, approval));
        let now = self.env.time;
        self.with_bench(record, |bench| {
            bench.retain(|other| other.number != record.number);
            let Some(seat) = seat else {
                return false;
            };
            if bench.len() < BENCH_SEATS {
                bench.push(seat);
                return true;
            }
            let worth = |other: &Seat| if other.live_until > now { other.weight } else { 0 };
            let least =
                bench.iter_mut().min_by_key(|other| (worth(other), u64::MAX ^ other.number));
            match least {
                Some(least) if worth(least) < seat.weight => *least = seat,
                Some(_) | None => return false,
            }
            true
        })
    }

    /// Takes a worker's seat away.
    pub(super) fn stand_up(&mut self, record: &WorkerRecord) -> Result<(), WorkersError> {
        self.with_bench(record, |bench| bench.retain(|other| other.number != record.number))
    }

    /// Gives a worker that has a seat the weight that it has now.
    pub(super) fn keep_seat(&mut self, record: &WorkerRecord) -> Result<(), WorkersError> {
        let weight = weight(&self.config.terms, record);
        self.with_bench(record, |bench| {
            bench.retain_mut(|seat| {
                let own = seat.number == record.number;
                if own {
                    seat.weight = weight;
                }
                !own || weight > 0
            });
        })
    }

    /// `None` where nothing is left that would weigh.
    fn seat_of(&self, record: &WorkerRecord, approval: u32) -> Option<Seat> {
        let weight = weight(&self.config.terms, record);
        let (number, live_until) = (record.number, record.live_until);
        Some(Seat { number, weight, live_until, approval }).filter(|seat| seat.weight > 0)
    }

    fn with_bench<T>(
        &mut self,
        record: &WorkerRecord,
        change: impl FnOnce(&mut Vec<Seat>) -> T,
    ) -> Result<T, WorkersError> {
        let [.., last] = record.number.to_be_bytes();
        let row = keys::bench(&record.service, last % BENCHES);
        let before = row.load(self.kv)?.unwrap_or_default();
        let mut bench = before.clone();
        let out = change(&mut bench);
        if bench != before {
            if bench.is_empty() {
                row.remove(self.kv);
            } else {
                row.save(self.kv, &bench)?;
            }
        }
        Ok(out)
    }
}

/// Benches of a service; a divisor of 256, so that the last byte of a number gives its bench.
pub(super) const BENCHES: u8 = 16;
/// Seats of a bench.
pub(super) const BENCH_SEATS: usize = 32;
const _: () = assert!(SEATS_PER_SERVICE_MAX as usize == BENCHES as usize * BENCH_SEATS);
