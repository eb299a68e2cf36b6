//! Random messages.

use super::*;
use prag_protocol::ledger::workers::{MILLION, WINDOWS_KEPT};

/// SplitMix64.
pub(super) struct Chance(pub(super) u64);

impl Chance {
    pub(super) fn below(&mut self, end: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (z ^ (z >> 31)) % end
    }

    pub(super) fn one<T: Copy>(&mut self, of: &[T]) -> T {
        of[usize::try_from(self.below(of.len() as u64)).unwrap()]
    }

    /// A message as `who` might send it, right more often than not.
    pub(super) fn message(&mut self, world: &World, who: &str) -> WorkersMsg {
        let other = self.one(&NAMES);
        let window = world.window();
        let back = self.one(&[0, 1, 1, 1, 2, 3, 5, WINDOWS_KEPT - 1, WINDOWS_KEPT]);
        let at = world.record(who).map_or(url(who), |record| record.ip_address);
        let ip_address = if self.below(8) == 0 { url(other) } else { at };
        match self.below(24) {
            0..=5 => world.register(who, |r| {
                r.capacity = self.one(&[1, 2, 3, 5]);
                r.service = self.one(&SERVICES).to_owned();
                r.worker_type = self.one(&TYPES).to_owned();
                r.window -= u64::from(self.below(12) == 0);
                if self.below(12) == 0 {
                    r.signing_key = key(other);
                }
            }),
            6..=9 => world.report(if self.below(8) == 0 { other } else { who }),
            10..=12 => missed(other, window - back),
            13 => slash(other, self.one(&[1, 1000, 500_000, MILLION])),
            14 => approve(self.one(&[1, 2])),
            15 if self.below(3) == 0 => retire(self.one(&[1, 2])),
            15 | 16 => WorkersMsg::WithdrawStake {},
            17 => WorkersMsg::RemoveWorker { ip_address },
            18 => {
                let payment_wallet = account(other);
                WorkersMsg::SetWorkerWallet { ip_address, payment_wallet }
            }
            19 => {
                let new_ip_address = url(self.one(&NAMES));
                WorkersMsg::SetWorkerAddress { new_ip_address, old_ip_address: ip_address }
            }
            20 => {
                let worker_type = self.one(&TYPES).to_owned();
                WorkersMsg::SetWorkerType { ip_address, worker_type }
            }
            21 => WorkersMsg::SetParties { parties: parties(self.one(&COURTS), "treasury") },
            22 => WorkersMsg::SetAdmin { admin: account(self.one(&ADMINS)) },
            _ => WorkersMsg::AcceptAdmin {},
        }
    }
}

pub(super) const NAMES: [&str; 3] = ["ann", "bob", "cyd"];
pub(super) const SENDERS: [&str; 7] = ["ann", "ann", "bob", "bob", "cyd", "admin", "rewards"];
const ADMINS: [&str; 3] = ["admin", "ann", "bob"];
const COURTS: [&str; 2] = ["rewards", "cyd"];
pub(super) const SERVICES: [&str; 2] = ["retrieval", "inference"];
pub(super) const TYPES: [&str; 3] = ["small", "large", "huge"];
