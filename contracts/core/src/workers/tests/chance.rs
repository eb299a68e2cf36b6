//! Random messages.

use super::*;
use prag_protocol::ledger::MILLION;
use prag_protocol::ledger::workers::WINDOWS_KEPT;

/// A message as `who` might send it, right more often than not.
pub(super) fn message(chance: &mut Chance, world: &World, who: &str) -> WorkersMsg {
    let other = chance.one(&NAMES);
    let window = world.window();
    let back = chance.one(&[0, 1, 1, 1, 2, 3, 5, WINDOWS_KEPT - 1, WINDOWS_KEPT]);
    let at = world.record(who).map_or(url(who), |record| record.ip_address);
    let ip_address = if chance.below(8) == 0 { url(other) } else { at };
    match chance.below(24) {
        0..=5 => world.register(who, |r| {
            r.capacity = chance.one(&[1, 2, 3, 5]);
            r.service = chance.one(&SERVICES).to_owned();
            r.worker_type = chance.one(&TYPES).to_owned();
            r.window -= u64::from(chance.below(12) == 0);
            if chance.below(12) == 0 {
                r.signing_key = key(other);
            }
        }),
        6..=9 => world.report(if chance.below(8) == 0 { other } else { who }),
        10..=12 => missed(other, window - back),
        13 => slash(other, chance.one(&[1, 1000, 500_000, MILLION])),
        14 => approve(chance.one(&[1, 2])),
        15 if chance.below(3) == 0 => retire(chance.one(&[1, 2])),
        15 | 16 => WorkersMsg::WithdrawStake {},
        17 => WorkersMsg::RemoveWorker { ip_address },
        18 => {
            let payment_wallet = account(other);
            WorkersMsg::SetWorkerWallet { ip_address, payment_wallet }
        }
        19 => {
            let new_ip_address = url(chance.one(&NAMES));
            WorkersMsg::SetWorkerAddress { new_ip_address, old_ip_address: ip_address }
        }
        20 => {
            let worker_type = chance.one(&TYPES).to_owned();
            WorkersMsg::SetWorkerType { ip_address, worker_type }
        }
        21 => WorkersMsg::SetParties { parties: parties(chance.one(&COURTS), "treasury") },
        22 => WorkersMsg::SetAdmin { admin: account(chance.one(&ADMINS)) },
        _ => WorkersMsg::AcceptAdmin {},
    }
}

pub(super) const NAMES: [&str; 3] = ["ann", "bob", "cyd"];
pub(super) const SENDERS: [&str; 7] = ["ann", "ann", "bob", "bob", "cyd", "admin", "rewards"];
const ADMINS: [&str; 3] = ["admin", "ann", "bob"];
const COURTS: [&str; 2] = ["rewards", "cyd"];
pub(super) const SERVICES: [&str; 2] = ["retrieval", "inference"];
pub(super) const TYPES: [&str; 3] = ["small", "large", "huge"];
