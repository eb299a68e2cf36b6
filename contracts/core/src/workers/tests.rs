#![allow(clippy::unwrap_used, clippy::panic, clippy::arithmetic_side_effects)]
use super::*;
use crate::tests::{Chance, Map};
use crate::workers;
use prag_protocol::ledger::workers::{
    EvidenceBinding, Registration, WorkerRecord, WorkersInit, WorkersQuery, WorkersReply,
    WorkersTerms,
};
use sha2::{Digest, Sha256};
use std::collections::BTreeMap;

mod answers;
mod approval;
mod chance;
mod choice;
mod effects;
mod evidence;
mod model;
mod refusals;
mod rows;
mod seats;
mod standing;
mod windows;

/// A chain whose signatures are hashes: as binding as real ones to those who do not cheat.
pub(super) struct Chain;

impl Verify for Chain {
    fn ed25519(&self, message: &[u8], signature: &[u8; 64], key: &[u8; 32]) -> bool {
        *signature == sign(message, key)
    }
}

pub(super) fn sign(message: &[u8], key: &[u8; 32]) -> [u8; 64] {
    let mut out = [0; 64];
    out[..32].copy_from_slice(key);
    let hash = Sha256::new().chain_update(key).chain_update(message).finalize();
    out[32..].copy_from_slice(&hash);
    out
}

/// A ledger at one height and time, with short verbs.
pub(super) struct World {
    pub(super) map: Map,
    pub(super) env: Env,
    pub(super) verdict: Verdict,
}

/// The first second of a window.
pub(super) const NOW: u64 = FIRST * WINDOW;
pub(super) const FIRST: u64 = 2000;
pub(super) const WINDOW: u64 = 600;
pub(super) const LEDGER: &str = "test-1/secret1contract";
/// Stake for each unit of capacity.
pub(super) const UNIT: u128 = 1000;

impl World {
    pub(super) fn empty() -> Self {
        Self::with(|_| {})
    }

    pub(super) fn with(change: impl FnOnce(&mut WorkersTerms)) -> Self {
        let env = Env { height: 7, time: NOW };
        let mut world = Self { map: Map::default(), env, verdict: Verdict::Stored };
        workers::instantiate(&mut world.map, LEDGER, init(change)).unwrap();
        world
    }

    /// "ann" and "bob", of capacity 5 and 3.
    pub(super) fn new() -> Self {
        let mut world = Self::empty();
        world.enlist("ann", 5);
        world.enlist("bob", 3);
        world
    }

    pub(super) fn run(
        &mut self,
        who: &str,
        funds: &[(u128, &str)],
        message: WorkersMsg,
    ) -> Result<Done, WorkersError> {
        let sender = account(who);
        let funds = funds.iter().map(|(amount, denom)| {
            let (amount, denom) = (*amount, (*denom).to_owned());
            Funds { denom, amount }
        });
        let funds: Vec<_> = funds.collect();
        let verdict = self.verdict;
        let call = Call { sender: &sender, funds: &funds, verdict, verify: &Chain };
        workers::execute(&mut self.map, &self.env, &call, message)
    }

    pub(super) fn ok(&mut self, who: &str, message: WorkersMsg) -> Done {
        self.paid(who, 0, message)
    }

    pub(super) fn paid(&mut self, who: &str, amount: u128, message: WorkersMsg) -> Done {
        let shown = format!("{message:?}");
        let coin = [(amount, "uscrt")];
        let funds = if amount == 0 { &coin[..0] } else { &coin[..] };
        match self.run(who, funds, message) {
            Ok(done) => done,
            Err(error) => panic!("{who}: {shown}: {error}"),
        }
    }

    /// Refused for this reason, and nothing changed.
    pub(super) fn refuses(&mut self, who: &str, message: WorkersMsg, reason: WorkersError) {
        self.refuses_with(who, &[], message, reason);
    }

    pub(super) fn refuses_with(
        &mut self,
        who: &str,
        funds: &[(u128, &str)],
        message: WorkersMsg,
        reason: WorkersError,
    ) {
        let before = self.map.clone();
        let shown = format!("{who}: {message:?}");
        assert_eq!(self.run(who, funds, message), Err(reason), "{shown}");
        assert_eq!(self.map, before, "{shown} left a trace");
    }

    pub(super) fn ask(&self, query: WorkersQuery) -> WorkersReply {
        workers::query(&self.map, &self.env, query).unwrap()
    }

    pub(super) fn window(&self) -> u64 {
        self.env.time / WINDOW
    }

    /// Registers with just the stake that the capacity asks for.
    pub(super) fn enlist(&mut self, who: &str, capacity: u32) -> Done {
        let message = self.register(who, |registration| registration.capacity = capacity);
        self.paid(who, UNIT * u128::from(capacity), message)
    }

    /// A registration of capacity 1 in the running window, changed, and then signed.
    pub(super) fn register(&self, who: &str, change: impl FnOnce(&mut Registration)) -> WorkersMsg {
        let mut registration = Registration {
            ip_address: url(who),
            payment_wallet: account(&format!("{who}pay")),
            attestation_report: format!("report of {who}"),
            worker_type: "small".to_owned(),
            collateral: "{}".to_owned(),
            binding: claims(),
            service: "retrieval".to_owned(),
            capacity: 1,
            signing_key: key(who),
            hpke_key: [7; 32],
            window: self.window(),
            proof: [0; 64],
        };
        change(&mut registration);
        prove(who, &mut registration);
        WorkersMsg::RegisterWorker(Box::new(registration))
    }

    /// The answer to the running window's challenge.
    pub(super) fn report(&self, who: &str) -> WorkersMsg {
        let window = self.window();
        let signature = sign(&challenge(LEDGER, &account(who), window), &key(who));
        WorkersMsg::ReportLiveliness { window, signature }
    }

    /// To the first second of a later window.
    pub(super) fn pass(&mut self, windows: u64) {
        self.env.height += windows;
        self.env.time = (self.window() + windows) * WINDOW;
    }

    pub(super) fn record(&self, who: &str) -> Option<WorkerRecord> {
        match self.ask(WorkersQuery::Worker { worker: account(who) }) {
            WorkersReply::Worker(record) => record.map(|record| *record),
            other => panic!("{other:?}"),
        }
    }

    pub(super) fn next(&self, subject: &str) -> Option<String> {
        let query = WorkersQuery::GetNextWorker {
            signature: None,
            subscriber_public_key: subject.to_owned(),
            service: "retrieval".to_owned(),
        };
        match self.ask(query) {
            WorkersReply::Worker(record) => record.map(|record| name(&record.worker)),
            other => panic!("{other:?}"),
        }
    }

    /// Who is ever chosen.
    pub(super) fn chosen(&self) -> Vec<String> {
        let all: std::collections::BTreeSet<_> =
            (0..200).filter_map(|n| self.next(&format!("subject {n}"))).collect();
        all.into_iter().collect()
    }
}

pub(super) fn init(change: impl FnOnce(&mut WorkersTerms)) -> WorkersInit {
    let mut terms = WorkersTerms {
        denom: "uscrt".parse().unwrap(),
        stake_per_capacity: UNIT.try_into().unwrap(),
        window_seconds: WINDOW,
        evidence_seconds: 10 * WINDOW,
        timelock_seconds: 1000,
        unbonding_seconds: 5000,
        missed_ppm: 10_000,
        attested_only: false,
        approved_only: false,
    };
    change(&mut terms);
    let approver = terms.approved_only.then(|| account("first"));
    let parties = Parties { approver, ..parties("rewards", "treasury") };
    WorkersInit { admin: account("admin"), parties, terms }
}

pub(super) fn parties(rewards: &str, treasury: &str) -> Parties {
    Parties { rewards: Some(account(rewards)), treasury: account(treasury), approver: None }
}

pub(super) fn prove(who: &str, registration: &mut Registration) {
    let Registration { hpke_key, ip_address, payment_wallet, window, .. } = &registration;
    let nonce = challenge(LEDGER, &account(who), *window);
    let digest = registration_digest(&nonce, hpke_key, ip_address, payment_wallet);
    registration.proof = sign(&digest, &registration.signing_key);
}

pub(super) fn claims() -> EvidenceBinding {
    EvidenceBinding {
        tls_spki_sha256: [2; 32],
        ledger_id: [4; 32],
        config_digest: [5; 32],
        policy_epoch: 6,
    }
}

pub(super) fn account(name: &str) -> Address {
    format!("secret1{name}").parse().unwrap()
}

pub(super) fn name(address: &Address) -> String {
    address.as_str().trim_start_matches("secret1").to_owned()
}

pub(super) fn key(who: &str) -> [u8; 32] {
    Sha256::digest(who).into()
}

pub(super) fn url(who: &str) -> String {
    format!("https://{who}.example")
}

pub(super) fn set_wallet(of: &str, wallet: &str) -> WorkersMsg {
    WorkersMsg::SetWorkerWallet { ip_address: url(of), payment_wallet: account(wallet) }
}

pub(super) fn set_address(of: &str, to: &str) -> WorkersMsg {
    WorkersMsg::SetWorkerAddress { new_ip_address: url(to), old_ip_address: url(of) }
}

pub(super) fn set_type(of: &str, to: &str) -> WorkersMsg {
    WorkersMsg::SetWorkerType { ip_address: url(of), worker_type: to.to_owned() }
}

pub(super) fn remove(of: &str) -> WorkersMsg {
    WorkersMsg::RemoveWorker { ip_address: url(of) }
}

pub(super) fn missed(of: &str, window: u64) -> WorkersMsg {
    WorkersMsg::ReportMissed { worker: account(of), window }
}

pub(super) fn slash(of: &str, fraction: u32) -> WorkersMsg {
    WorkersMsg::Slash { worker: account(of), fraction, reason: "root 3 was wrong".to_owned() }
}

pub(super) fn approve(measurement: u8) -> WorkersMsg {
    WorkersMsg::ApproveMeasurement { measurement: [measurement; 32] }
}

pub(super) fn retire(measurement: u8) -> WorkersMsg {
    WorkersMsg::RetireMeasurement { measurement: [measurement; 32] }
}

pub(super) fn treasury(amount: u128) -> Vec<Payment> {
    payment("treasury", amount)
}

pub(super) fn payment(to: &str, amount: u128) -> Vec<Payment> {
    vec![Payment { to: account(to), denom: "uscrt".to_owned(), amount }]
}
