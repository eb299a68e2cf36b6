//! On a ledger that only stores evidence, a worker is one once somebody who verified it has said so.

use super::*;
use prag_protocol::ledger::workers::EvidenceRecord;

pub(super) const TIMELOCK: u64 = 1000;

/// Terms that want approvals, image 1 on the list, "ann" registered, and "judge" an approver whom the timelock has shown.
pub(super) fn world() -> World {
    let mut world = World::with(|terms| terms.approved_only = true);
    world.ok("admin", approve(1));
    world.ok("admin", WorkersMsg::SetParties { parties: approved_by("judge") });
    world.env.time += TIMELOCK;
    world.enlist("ann", 5);
    world
}

fn approved_by(who: &str) -> Parties {
    Parties { approver: Some(account(who)), ..parties("rewards", "treasury") }
}

fn evidence(world: &World, who: &str) -> EvidenceRecord {
    match world.ask(WorkersQuery::Evidence { worker: account(who) }) {
        WorkersReply::Evidence(record) => *record.unwrap(),
        other => panic!("{other:?}"),
    }
}

pub(super) fn seen(world: &World, who: &str) -> [u8; 32] {
    evidence_hash(&world.record(who).unwrap(), &evidence(world, who))
}

pub(super) fn confirm(who: &str, evidence_hash: [u8; 32]) -> WorkersMsg {
    confirm_as(who, evidence_hash, 1)
}

/// As an image of that byte.
pub(super) fn confirm_as(who: &str, evidence_hash: [u8; 32], image: u8) -> WorkersMsg {
    WorkersMsg::ApproveWorker { worker: account(who), evidence_hash, measurement: [image; 32] }
}

pub(super) fn dismiss(who: &str) -> WorkersMsg {
    WorkersMsg::RetireWorker { worker: account(who) }
}

pub(super) fn urls(world: &World) -> usize {
    let query = WorkersQuery::GetUrls {
        signature: None,
        subscriber_public_key: None,
        model: None,
        offset: 0,
        limit: 100,
    };
    match world.ask(query) {
        WorkersReply::Urls(urls) => urls.len(),
        other => panic!("{other:?}"),
    }
}

/// Until it is confirmed a worker is neither chosen nor listed, whatever it answers; then it is; and no more once
/// retired.
#[test]
fn only_who_is_confirmed_is_chosen() {
    let mut world = world();
    assert!(world.record("ann").unwrap().pending);
    assert_eq!((world.chosen(), urls(&world)), (vec![], 0));
    world.pass(1);
    let answer = world.report("ann");
    let done = world.ok("ann", answer);
    assert!(matches!(done.events[..], [Event::LivelinessReported { seated: false, .. }]));
    assert_eq!(world.chosen(), Vec::<String>::new());

    let hash = seen(&world, "ann");
    let done = world.ok("judge", confirm("ann", hash));
    assert_eq!(done.events, [Event::WorkerApproved { worker: account("ann"), seated: true }]);
    assert!(!world.record("ann").unwrap().pending);
    assert_eq!((world.chosen(), urls(&world)), (vec!["ann".to_owned()], 1));
    assert_eq!(world.ok("judge", confirm("ann", hash)).events, [], "again is no error");

    let done = world.ok("judge", dismiss("ann"));
    assert_eq!(done.events, [Event::WorkerRetired { worker: account("ann") }]);
    assert_eq!((world.chosen(), urls(&world)), (vec![], 0));
    assert_eq!(world.ok("judge", dismiss("ann")).events, [], "again is no error");
    world.ok("judge", confirm("ann", hash));
    assert_eq!(world.chosen(), ["ann"]);
    world.ok("admin", dismiss("ann"));
    assert_eq!(world.chosen(), Vec::<String>::new());
}

/// Nobody else confirms: not the worker, not a stranger, not the admin, not an approver whom the timelock still shows or
/// who was replaced. Only the admin takes a confirmation back, too.
#[test]
fn only_the_approver_confirms() {
    let mut world = world();
    let hash = seen(&world, "ann");
    for who in ["ann", "bob", "rewards", "treasury"] {
        world.refuses(who, confirm("ann", hash), WorkersError::Forbidden);
        world.refuses(who, dismiss("ann"), WorkersError::Forbidden);
    }
    world.refuses("admin", confirm("ann", hash), WorkersError::Forbidden);
    world.ok("admin", WorkersMsg::SetParties { parties: approved_by("other") });
    world.refuses("other", confirm("ann", hash), WorkersError::Forbidden);
    world.env.time += TIMELOCK;
    world.refuses("judge", confirm("ann", hash), WorkersError::Forbidden);
    world.ok("other", confirm("ann", hash));
    world.refuses("judge", dismiss("ann"), WorkersError::Forbidden);
}

/// Terms that want approvals have an approver, from the first day on and for good; others need none.
#[test]
fn approvals_have_an_approver() {
    let mut map = Map::default();
    let mut alone = init(|terms| terms.approved_only = true);
    alone.parties.approver = None;
    let refused = workers::instantiate(&mut map, LEDGER, alone.clone());
    assert_eq!(refused, Err(WorkersError::NoApprover));
    assert_eq!(map, Map::default());
    alone.terms.approved_only = false;
    assert_eq!(workers::instantiate(&mut map, LEDGER, alone), Ok(()));

    let mut world = world();
    let message = WorkersMsg::SetParties { parties: parties("rewards", "treasury") };
    world.refuses("admin", message.clone(), WorkersError::NoApprover);
    world.refuses("judge", message.clone(), WorkersError::Forbidden);
    World::new().ok("admin", message);
}

/// A confirmation is of exactly what was verified: another key, URL, claim or text than is on record now is refused, and
/// whoever registers anew waits anew.
#[test]
fn confirmations_are_of_what_is_on_record() {
    let mut world = world();
    let hash = seen(&world, "ann");
    let changes: [fn(&mut Registration); 5] = [
        |registration| registration.signing_key = key("mal"),
        |registration| registration.hpke_key = [8; 32],
        |registration| registration.ip_address = url("mal"),
        |registration| registration.attestation_report.push('x'),
        |registration| registration.binding.config_digest = [9; 32],
    ];
    for change in changes {
        let mut copy = World { map: world.map.clone(), env: world.env, verdict: world.verdict };
        let message = copy.register("ann", |registration| {
            registration.capacity = 5;
            change(registration);
        });
        copy.ok("ann", message);
        copy.refuses("judge", confirm("ann", hash), WorkersError::OtherEvidence);
    }
    world.refuses("judge", confirm("ann", [0; 32]), WorkersError::OtherEvidence);
    world.refuses("judge", confirm("bob", hash), WorkersError::NoWorker);
    world.ok("judge", confirm("ann", hash));
    let again = world.register("ann", |registration| registration.capacity = 5);
    let done = world.ok("ann", again);
    assert_eq!(done.events, [Event::WorkerRegistered { worker: account("ann"), seated: false }]);
    assert!(world.record("ann").unwrap().pending);
    assert_eq!(world.chosen(), Vec::<String>::new(), "the seat of before is gone");
    world.ok("ann", remove("ann"));
    world.refuses("judge", confirm("ann", hash), WorkersError::Leaving);
}

/// Where the terms do not want it, and where the chain itself has verified, nobody waits, and nobody can be made to.
#[test]
fn others_do_not_wait() {
    let mut world = World::new();
    assert!(!world.record("ann").unwrap().pending);
    assert_eq!(world.ok("admin", dismiss("ann")).events, []);
    assert_eq!(world.chosen(), ["ann", "bob"]);

    let mut world = World::with(|terms| terms.approved_only = true);
    world.ok("admin", approve(1));
    world.env.time += TIMELOCK;
    let nonce = challenge(LEDGER, &account("ann"), world.window());
    let report_data = super::evidence::report_data(key("ann"), nonce, false);
    world.verdict = Verdict::Attested { measurement: [1; 32], report_data };
    world.enlist("ann", 5);
    assert!(!world.record("ann").unwrap().pending);
    assert_eq!(world.ok("admin", dismiss("ann")).events, []);
    assert_eq!(world.chosen(), ["ann"]);
}

/// The hash is over every part, each with its length: what an approver computes by itself.
#[test]
fn the_hash_is_over_every_part() {
    let world = world();
    let (record, evidence) = (world.record("ann").unwrap(), evidence(&world, "ann"));
    let parts: [Vec<u8>; 11] = [
        record.worker.as_str().into(),
        record.signing_key.into(),
        record.hpke_key.into(),
        record.ip_address.clone().into(),
        evidence.nonce.into(),
        evidence.binding.tls_spki_sha256.into(),
        evidence.binding.ledger_id.into(),
        evidence.binding.config_digest.into(),
        evidence.binding.policy_epoch.to_be_bytes().into(),
        evidence.report_sha256.into(),
        evidence.collateral_sha256.into(),
    ];
    let mut hasher = Sha256::new_with_prefix("PRAG-CONFIRM/v1");
    for part in &parts {
        hasher.update(u32::try_from(part.len()).unwrap().to_be_bytes());
        hasher.update(part);
    }
    assert_eq!(seen(&world, "ann"), <[u8; 32]>::from(hasher.finalize()));
}
