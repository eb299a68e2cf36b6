//! The workers contract and the bank: every coin is a worker's stake, or was paid out, to the unit.
#![allow(clippy::unwrap_used, clippy::panic, clippy::arithmetic_side_effects)]

use cosmwasm_std::{Addr, Coin};
use cw_multi_test::IntoAddr;
use ed25519_dalek::{Signer, SigningKey};
use prag_contracts_core::workers::registration_digest;
use prag_contracts_flows::Network;
use prag_protocol::Address;
use prag_protocol::ledger::workers::{
    EvidenceBinding, Parties, Registration, WorkersInit, WorkersMsg, WorkersQuery, WorkersReply,
    WorkersTerms,
};

const WINDOW: u64 = 600;
const UNBONDING: u64 = 5000;

/// A network with a workers contract; "rich" is its only worker.
struct Scene {
    network: Network,
    workers: Addr,
    key: SigningKey,
}

fn address(name: &str) -> Address {
    name.into_addr().as_str().parse().unwrap()
}

impl Scene {
    fn new() -> Self {
        let mut network = Network::new().unwrap();
        let terms = WorkersTerms {
            denom: "uscrt".parse().unwrap(),
            stake_per_capacity: 1000.try_into().unwrap(),
            window_seconds: WINDOW,
            evidence_seconds: 10 * WINDOW,
            timelock_seconds: 1000,
            unbonding_seconds: UNBONDING,
            missed_ppm: 10_000,
            attested_only: false,
            approved_only: true,
        };
        let parties = Parties {
            rewards: Some(address("rewards")),
            treasury: address("treasury"),
            approver: Some(address("admin")),
        };
        let init = WorkersInit { admin: address("admin"), parties, terms };
        let workers = network.workers(&init).unwrap();
        Self { network, workers, key: SigningKey::from_bytes(&[7; 32]) }
    }

    fn tell(&mut self, by: &str, coins: u128, message: &WorkersMsg) -> Result<(), String> {
        let funds = [Coin::new(coins, "uscrt")];
        let funds = if coins == 0 { &funds[..0] } else { &funds[..] };
        self.network.tell(by, &self.workers.clone(), message, funds).map(|_| ())
    }

    fn ask(&self, query: &WorkersQuery) -> WorkersReply {
        self.network.ask(&self.workers, query).unwrap()
    }

    fn challenge(&self) -> (u64, [u8; 32]) {
        match self.ask(&WorkersQuery::GetLivelinessChallenge { worker: address("rich") }) {
            WorkersReply::Challenge(challenge) => (challenge.window, challenge.challenge),
            other => panic!("{other:?}"),
        }
    }

    fn registration(&self) -> WorkersMsg {
        let (window, challenge) = self.challenge();
        let (ip_address, hpke_key) = ("https://rich.example".to_owned(), [7; 32]);
        let payment_wallet = address("wallet");
        let digest = registration_digest(&challenge, &hpke_key, &ip_address, &payment_wallet);
        WorkersMsg::RegisterWorker(Box::new(Registration {
            ip_address,
            payment_wallet,
            attestation_report: "a report".to_owned(),
            worker_type: "small".to_owned(),
            collateral: "{}".to_owned(),
            binding: EvidenceBinding {
                tls_spki_sha256: [2; 32],
                ledger_id: [4; 32],
                config_digest: [5; 32],
                policy_epoch: 6,
            },
            service: "retrieval".to_owned(),
            capacity: 100,
            signing_key: self.key.verifying_key().to_bytes(),
            hpke_key,
            window,
            proof: self.key.sign(&digest).to_bytes(),
        }))
    }

    /// Balances of the worker, the contract and the treasury.
    fn balances(&self) -> [u128; 3] {
        let accounts = ["rich".into_addr(), self.workers.clone(), "treasury".into_addr()];
        accounts.map(|account| self.network.has(&account))
    }

    fn stake(&self) -> u128 {
        match self.ask(&WorkersQuery::Worker { worker: address("rich") }) {
            WorkersReply::Worker(record) => record.map_or(0, |record| record.stake),
            other => panic!("{other:?}"),
        }
    }
}

/// What the contract has is the stake, after every message.
#[test]
fn every_coin_is_accounted_for() {
    let mut scene = Scene::new();
    let message = scene.registration();
    scene.tell("rich", 150_000, &message).unwrap();
    assert_eq!((scene.balances(), scene.stake()), ([850_000, 150_000, 0], 150_000));

    // The ledger has to be heard in the window that was missed.
    scene.network.wait(WINDOW);
    let missed = scene.challenge().0;
    scene.tell("admin", 0, &WorkersMsg::SetAdmin { admin: address("other") }).unwrap();
    scene.network.wait(WINDOW);
    let report = WorkersMsg::ReportMissed { worker: address("rich"), window: missed };
    scene.tell("anybody", 0, &report).unwrap();
    assert_eq!((scene.balances(), scene.stake()), ([850_000, 148_500, 1500], 148_500));
    let again = scene.tell("anybody", 0, &report).unwrap_err();
    assert_eq!(again, "the window was reported before, or nothing is owed for it");

    let reason = "a false root".to_owned();
    let slash = WorkersMsg::Slash { worker: address("rich"), fraction: 1, reason };
    scene.tell("rewards", 0, &slash).unwrap();
    // A millionth is less than one unit, which is the least that is taken.
    assert_eq!((scene.balances(), scene.stake()), ([850_000, 148_499, 1501], 148_499));
}

/// A stake comes back once, and only after the unbonding time.
#[test]
fn a_stake_comes_back_once() {
    let mut scene = Scene::new();
    let message = scene.registration();
    scene.tell("rich", 100_000, &message).unwrap();
    let withdraw = WorkersMsg::WithdrawStake {};
    assert_eq!(scene.tell("rich", 0, &withdraw).unwrap_err(), "the worker does not leave");
    let remove = WorkersMsg::RemoveWorker { ip_address: "https://rich.example".to_owned() };
    scene.tell("rich", 0, &remove).unwrap();
    scene.network.wait(UNBONDING - 1);
    scene.tell("rich", 0, &withdraw).unwrap_err();
    assert_eq!(scene.balances(), [900_000, 100_000, 0]);
    scene.network.wait(1);
    scene.tell("rich", 0, &withdraw).unwrap();
    assert_eq!((scene.balances(), scene.stake()), ([1_000_000, 0, 0], 0));
    assert_eq!(scene.tell("rich", 0, &withdraw).unwrap_err(), "the account is not a worker");
}

/// A refused registration gives its coins back; so does every message that takes none.
#[test]
fn refused_coins_go_back() {
    let mut scene = Scene::new();
    let message = scene.registration();
    let refused = scene.tell("rich", 99_999, &message).unwrap_err();
    assert_eq!(refused, "the capacity asks for a stake of 100000");
    let refused = scene.tell("rich", 1, &WorkersMsg::AcceptAdmin {}).unwrap_err();
    assert_eq!(refused, "the funds are not what the message takes");
    assert_eq!(scene.balances(), [1_000_000, 0, 0]);
}
