#![allow(clippy::unwrap_used, clippy::panic, clippy::arithmetic_side_effects)]

use crate::error::ShellError;
use crate::evidence::verified;
use crate::{collateral, execute, instantiate, query, quote};
use ed25519_dalek::{Signer, SigningKey};
use prag_contracts_core::workers::{Verdict, evidence_hash, registration_digest};
use prag_contracts_shell::Refusal;
use prag_contracts_shell::std::testing::{MockApi, MockQuerier, MockStorage, mock_env};
use prag_contracts_shell::std::{
    BankMsg, Coin, CosmosMsg, Env, MessageInfo, OwnedDeps, Response, Storage, Timestamp, from_json,
};
use prag_protocol::Address;
use prag_protocol::ledger::workers::{
    EvidenceBinding, Parties, Registration, WorkersInit, WorkersMsg, WorkersQuery, WorkersReply,
    WorkersTerms,
};
use sha2::{Digest, Sha256};

mod evidence;

const NOW: u64 = 1_200_000;
const WINDOW: u64 = 600;

/// The contract, and accounts by name.
struct Room {
    deps: OwnedDeps<MockStorage, MockApi, MockQuerier>,
    now: u64,
}

fn address(name: &str) -> Address {
    MockApi::default().addr_make(name).as_str().parse().unwrap()
}

fn init() -> WorkersInit {
    let terms = WorkersTerms {
        denom: "uscrt".parse().unwrap(),
        stake_per_capacity: 1000.try_into().unwrap(),
        window_seconds: WINDOW,
        evidence_seconds: 10 * WINDOW,
        timelock_seconds: 1000,
        unbonding_seconds: 5000,
        missed_ppm: 10_000,
        attested_only: false,
        approved_only: true,
    };
    let parties = Parties {
        rewards: Some(address("rewards")),
        treasury: address("treasury"),
        approver: Some(address("judge")),
    };
    WorkersInit { admin: address("admin"), parties, terms }
}

impl Room {
    fn empty() -> Self {
        let deps = OwnedDeps {
            storage: MockStorage::default(),
            api: MockApi::default(),
            querier: MockQuerier::default(),
            custom_query_type: Default::default(),
        };
        Self { deps, now: NOW }
    }

    fn new() -> Self {
        let mut room = Self::empty();
        room.begin(&[], init()).unwrap();
        room
    }

    fn env(&self) -> Env {
        let mut env = mock_env();
        env.block.time = Timestamp::from_seconds(self.now);
        env
    }

    fn begin(&mut self, funds: &[Coin], init: WorkersInit) -> Result<Response, Refusal> {
        let env = self.env();
        instantiate(self.deps.as_mut(), env, info("deployer", funds), init)
    }

    fn tell(&mut self, who: &str, coins: u128, message: WorkersMsg) -> Result<Response, Refusal> {
        let funds = [Coin::new(coins, "uscrt")];
        let funds = if coins == 0 { &funds[..0] } else { &funds[..] };
        let env = self.env();
        execute(self.deps.as_mut(), env, info(who, funds), message)
    }

    fn refuses(&mut self, who: &str, coins: u128, message: WorkersMsg, why: &str) {
        let before = self.rows();
        assert_eq!(self.tell(who, coins, message).unwrap_err().to_string(), why);
        assert_eq!(self.rows(), before, "{why}");
    }

    /// The contract's two general rows, and all that it says of its workers.
    fn rows(&self) -> (Option<Vec<u8>>, Option<Vec<u8>>, Option<WorkersReply>) {
        let [config, heard] = [b'c', b'h'].map(|table| self.deps.storage.get(&[2, table]));
        let list = serde_json::from_str(r#"{"get_workers":{}}"#).unwrap();
        let workers = config.is_some().then(|| self.ask(list));
        (config, heard, workers)
    }

    fn ask(&self, question: WorkersQuery) -> WorkersReply {
        from_json(query(self.deps.as_ref(), self.env(), question).unwrap()).unwrap()
    }

    fn challenge(&self, who: &str) -> [u8; 32] {
        match self.ask(WorkersQuery::GetLivelinessChallenge { worker: address(who) }) {
            WorkersReply::Challenge(challenge) => challenge.challenge,
            other => panic!("{other:?}"),
        }
    }

    fn registration(&self, who: &str, report: &str, collateral: &str) -> Registration {
        let mut registration = Registration {
            ip_address: format!("https://{who}.example"),
            payment_wallet: address(&format!("{who}pay")),
            attestation_report: report.to_owned(),
            worker_type: "small".to_owned(),
            collateral: collateral.to_owned(),
            binding: EvidenceBinding {
                tls_spki_sha256: [2; 32],
                ledger_id: [4; 32],
                config_digest: [5; 32],
                policy_epoch: 6,
            },
            service: "retrieval".to_owned(),
            capacity: 2,
            signing_key: key(who).verifying_key().to_bytes(),
            hpke_key: [7; 32],
            window: self.now / WINDOW,
            proof: [0; 64],
        };
        let digest = registration_digest(
            &self.challenge(who),
            &registration.hpke_key,
            &registration.ip_address,
            &registration.payment_wallet,
        );
        registration.proof = key(who).sign(&digest).to_bytes();
        registration
    }

    fn register(&mut self, who: &str) -> Response {
        let registration = self.registration(who, "a report", "{}");
        self.tell(who, 2000, WorkersMsg::RegisterWorker(Box::new(registration))).unwrap()
    }
}

fn info(who: &str, funds: &[Coin]) -> MessageInfo {
    MessageInfo { sender: MockApi::default().addr_make(who), funds: funds.to_vec() }
}

fn key(who: &str) -> SigningKey {
    SigningKey::from_bytes(&Sha256::digest(who).into())
}

fn action(response: &Response) -> &str {
    let [action] = &response.attributes[..] else { panic!("{response:?}") };
    assert_eq!(action.key, "action");
    &action.value
}

/// One coin to one account.
fn paid(response: &Response) -> (String, u128) {
    let [message] = &response.messages[..] else { panic!("{response:?}") };
    let CosmosMsg::Bank(BankMsg::Send { to_address, amount }) = &message.msg else { panic!() };
    let [coin] = &amount[..] else { panic!() };
    assert_eq!(coin.denom, "uscrt");
    (to_address.clone(), coin.amount.u128())
}

/// What workers sign names this chain and this contract.
#[test]
fn the_ledger_is_chain_and_contract() {
    let room = Room::new();
    let WorkersReply::Config(config) = room.ask(WorkersQuery::Config {}) else { panic!() };
    let env = room.env();
    assert_eq!(config.ledger, format!("{}/{}", env.block.chain_id, env.contract.address));
}

/// Terms ask for exactly what the chain can verify. This build's can verify nothing, so that somebody is named who does.
#[test]
fn impossible_terms_are_refused() {
    let mut room = Room::empty();
    let mut refuses = |change: fn(&mut WorkersInit), why: &str| {
        let mut init = init();
        change(&mut init);
        assert_eq!(room.begin(&[], init).unwrap_err().to_string(), why);
    };
    let attested = "attested_only has to be false on this chain";
    refuses(|init| init.terms.attested_only = true, attested);
    refuses(|init| (init.terms.attested_only, init.terms.approved_only) = (true, false), attested);
    let approved = "approved_only has to be true on this chain";
    refuses(|init| init.terms.approved_only = false, approved);
    let nobody = "terms that want workers approved need an approver";
    refuses(|init| init.parties.approver = None, nobody);
    assert_eq!(room.begin(&[Coin::new(1_u128, "uscrt")], init()), Err(Refusal::Funds));
    let foreign = || "secret1somebody".parse::<Address>().unwrap();
    let parties = [
        ("treasury", Parties { treasury: foreign(), ..init().parties }),
        ("rewards", Parties { rewards: Some(foreign()), ..init().parties }),
        ("approver", Parties { approver: Some(foreign()), ..init().parties }),
    ];
    for (name, parties) in parties {
        let foreign = WorkersInit { parties, ..init() };
        assert_eq!(room.begin(&[], foreign), Err(Refusal::Address(name)));
    }
    assert_eq!(room.rows(), (None, None, None));
    room.begin(&[], init()).unwrap();
    let again = room.begin(&[], init()).unwrap_err();
    assert_eq!(again.to_string(), "the contract is instantiated");
}

/// From registration to the stake's return; every payment is a bank message of the same response.
#[test]
fn a_worker_from_registration_to_its_stake() {
    let mut room = Room::new();
    assert_eq!(action(&room.register("ann")), "worker_registered");
    room.now += WINDOW;
    let window = room.now / WINDOW;
    let signature = key("ann").sign(&room.challenge("ann")).to_bytes();
    let answer = WorkersMsg::ReportLiveliness { window, signature };
    room.refuses("bob", 0, answer.clone(), "the account is not a worker");
    let forged = WorkersMsg::ReportLiveliness { window, signature: [1; 64] };
    room.refuses("ann", 0, forged, "the signature is not the key's over this challenge");
    assert_eq!(action(&room.tell("ann", 0, answer).unwrap()), "liveliness_reported");

    room.now += WINDOW;
    let missed = room.now / WINDOW;
    room.refuses(
        "bob",
        0,
        WorkersMsg::ReportMissed { worker: address("ann"), window: missed },
        "the window has not ended",
    );
    let propose = WorkersMsg::SetAdmin { admin: address("other") };
    room.tell("admin", 0, propose).unwrap();
    room.now += WINDOW;
    let report = WorkersMsg::ReportMissed { worker: address("ann"), window: missed };
    let response = room.tell("bob", 0, report).unwrap();
    assert_eq!(action(&response), "miss_reported");
    assert_eq!(paid(&response), (address("treasury").to_string(), 20));

    let slash = WorkersMsg::Slash {
        worker: address("ann"),
        fraction: 500_000,
        reason: "a false root".to_owned(),
    };
    room.refuses("admin", 0, slash.clone(), "the sender may not do that");
    let response = room.tell("rewards", 0, slash).unwrap();
    assert_eq!(paid(&response), (address("treasury").to_string(), 990));

    let remove = WorkersMsg::RemoveWorker { ip_address: "https://ann.example".to_owned() };
    assert_eq!(action(&room.tell("ann", 0, remove).unwrap()), "worker_removed");
    room.now += 5000;
    let response = room.tell("ann", 0, WorkersMsg::WithdrawStake {}).unwrap();
    assert_eq!(action(&response), "stake_withdrawn");
    assert_eq!(paid(&response), (address("ann").to_string(), 990));
}

/// Whoever is named confirms what is on record, and nobody else does, nor anything else.
#[test]
fn a_worker_is_approved_as_it_is() {
    let mut room = Room::new();
    room.register("ann");
    let pending = |room: &Room| match room.ask(WorkersQuery::Worker { worker: address("ann") }) {
        WorkersReply::Worker(Some(record)) => (record.pending, *record),
        other => panic!("{other:?}"),
    };
    let WorkersReply::Evidence(Some(evidence)) =
        room.ask(WorkersQuery::Evidence { worker: address("ann") })
    else {
        panic!("it is kept");
    };
    let (waits, record) = pending(&room);
    assert!(waits);
    let hash = evidence_hash(&record, &evidence);
    let approve = |evidence_hash| WorkersMsg::ApproveWorker {
        worker: address("ann"),
        evidence_hash,
        measurement: [1; 32],
    };
    for who in ["ann", "rewards", "treasury", "admin"] {
        room.refuses(who, 0, approve(hash), "the sender may not do that");
    }
    let other = "the worker has other evidence now than was confirmed";
    room.refuses("judge", 0, approve([0; 32]), other);
    room.refuses("judge", 0, approve(hash), "the measurement is not approved");
    room.tell("admin", 0, WorkersMsg::ApproveMeasurement { measurement: [1; 32] }).unwrap();
    room.now += 1000;
    room.refuses("judge", 1, approve(hash), "the funds are not what the message takes");
    assert_eq!(action(&room.tell("judge", 0, approve(hash)).unwrap()), "worker_approved");
    assert!(!pending(&room).0);
    let retire = WorkersMsg::RetireWorker { worker: address("ann") };
    room.refuses("ann", 0, retire.clone(), "the sender may not do that");
    assert_eq!(action(&room.tell("judge", 0, retire).unwrap()), "worker_retired");
    assert!(pending(&room).0);
}

/// Coins, addresses and bounds are checked before any row is read.
#[test]
fn foreign_input_is_refused() {
    let mut room = Room::new();
    let registration = room.registration("ann", "a report", "{}");
    let mut foreign = registration.clone();
    foreign.payment_wallet = "secret1somebody".parse().unwrap();
    let foreign = WorkersMsg::RegisterWorker(Box::new(foreign));
    room.refuses("ann", 2000, foreign, "payment_wallet is no address of this chain");
    let mut large = registration.clone();
    large.capacity = 0;
    let large = WorkersMsg::RegisterWorker(Box::new(large));
    room.refuses("ann", 2000, large, "capacity must be 1 to 1000000");
    let good = WorkersMsg::RegisterWorker(Box::new(registration));
    room.refuses("ann", 1999, good, "the capacity asks for a stake of 2000");
    let set = WorkersMsg::SetWorkerType {
        ip_address: "https://ann.example".to_owned(),
        worker_type: "large".to_owned(),
    };
    room.refuses("ann", 1, set, "the funds are not what the message takes");
}

/// Under the neutral element anybody signs anything, as far as the chain is asked.
#[test]
fn a_weak_signing_key_is_refused() {
    let mut room = Room::new();
    let mut registration = room.registration("ann", "a report", "{}");
    registration.signing_key = [0; 32];
    registration.signing_key[0] = 1;
    let mut proof = [0; 64];
    proof[..32].copy_from_slice(&BASEPOINT);
    proof[32] = 1;
    registration.proof = proof;
    let message = WorkersMsg::RegisterWorker(Box::new(registration));
    room.refuses("ann", 2000, message, "the signature is not the key's over this challenge");
}

/// Ed25519's base point.
const BASEPOINT: [u8; 32] = [
    0x58, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66,
    0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66,
];
