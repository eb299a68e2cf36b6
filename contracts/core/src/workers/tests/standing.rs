//! What is paid: only what a worker does while somebody vouches for it.

use super::approval::{TIMELOCK, confirm, confirm_as, dismiss, seen, urls, world};
use super::*;
use prag_protocol::ledger::workers::Reporter;

/// What a report of all time would be held against.
fn reporter(world: &World, who: &str) -> Option<Reporter> {
    match world.ask(WorkersQuery::Reporter { worker: account(who), from: 0, until: 1 << 50 }) {
        WorkersReply::Reporter(reporter) => reporter,
        other => panic!("{other:?}"),
    }
}

fn answered(world: &World, who: &str) -> bool {
    match world.ask(WorkersQuery::GetLivelinessChallenge { worker: account(who) }) {
        WorkersReply::Challenge(challenge) => challenge.answered,
        other => panic!("{other:?}"),
    }
}

/// Answers the running window.
fn answer(world: &mut World, who: &str) {
    let report = world.report(who);
    world.ok(who, report);
}

fn answers(world: &World, who: &str) -> Option<u64> {
    reporter(world, who).map(|reporter| reporter.answers)
}

/// A ledger whose chain verifies, with image 1 on the list, and "ann" registered with it.
fn verified() -> World {
    let mut world = World::with(|terms| terms.attested_only = true);
    world.ok("admin", approve(1));
    world.ok("admin", approve(2));
    world.env.time += TIMELOCK;
    attest(&mut world, "ann", 1);
    world
}

fn attest(world: &mut World, who: &str, image: u8) {
    let nonce = challenge(LEDGER, &account(who), world.window());
    let report_data = super::evidence::report_data(key(who), nonce, false);
    world.verdict = Verdict::Attested { measurement: [image; 32], report_data };
    let message = world.register(who, |_| {});
    world.paid(who, UNIT, message);
}

/// What a worker answers while it waits spares it the cost of a missed window, and earns nothing once it is confirmed: not
/// its registration, nor what it answers with the key of evidence that nobody ever confirmed.
#[test]
fn waiting_earns_nothing() {
    let mut world = world();
    for _ in 0..3 {
        world.pass(1);
        answer(&mut world, "ann");
        assert!(answered(&world, "ann"));
        let again = world.report("ann");
        world.refuses("ann", again, WorkersError::Answered);
        assert_eq!(answers(&world, "ann"), None);
    }
    world.pass(1);
    let other = world.register("ann", |r| (r.capacity, r.signing_key) = (5, key("genuine")));
    world.ok("ann", other);
    let hash = seen(&world, "ann");
    world.ok("judge", confirm("ann", hash));
    assert_eq!(answers(&world, "ann"), Some(0), "nothing was confirmed before");
    for past in world.window() - 4..world.window() {
        let free = if past < world.record("ann").unwrap().since {
            WorkersError::NotOwed
        } else {
            WorkersError::Punished
        };
        world.refuses("bob", missed("ann", past), free);
    }
    // It may answer this window once more, now that somebody vouches for it; and the next ones once.
    let signed = |world: &World| {
        let message = challenge(LEDGER, &account("ann"), world.window());
        let signature = sign(&message, &key("genuine"));
        WorkersMsg::ReportLiveliness { window: world.window(), signature }
    };
    assert!(!answered(&world, "ann"));
    let good = signed(&world);
    world.ok("ann", good.clone());
    world.refuses("ann", good, WorkersError::Answered);
    assert_eq!(answers(&world, "ann"), Some(1));
    world.pass(1);
    let good = signed(&world);
    world.ok("ann", good);
    assert_eq!(answers(&world, "ann"), Some(2));

    // What was confirmed then stays earned; what comes while the word is taken back does not.
    world.ok("judge", dismiss("ann"));
    assert_eq!(answers(&world, "ann"), None);
    world.pass(1);
    let good = signed(&world);
    world.ok("ann", good);
    world.ok("judge", confirm("ann", hash));
    assert_eq!(answers(&world, "ann"), Some(2));
}

/// A window that was answered while it counted is not lost by a new registration in it.
#[test]
fn what_counted_stays_counted() {
    let mut world = world();
    let hash = seen(&world, "ann");
    world.ok("judge", confirm("ann", hash));
    world.pass(1);
    answer(&mut world, "ann");
    let again = world.register("ann", |r| r.capacity = 5);
    world.ok("ann", again);
    assert_eq!(answers(&world, "ann"), None);
    let hash = seen(&world, "ann");
    world.ok("judge", confirm("ann", hash));
    assert_eq!(answers(&world, "ann"), Some(1));
}

/// An approver vouches for a worker at one URL: at another one it waits, and the word about the first is of no use.
#[test]
fn another_url_needs_another_word() {
    let mut world = world();
    let hash = seen(&world, "ann");
    world.ok("judge", confirm("ann", hash));
    assert_eq!(world.chosen(), ["ann"]);
    world.ok("ann", set_address("ann", "ann"));
    assert_eq!(world.chosen(), ["ann"], "it has moved nowhere");
    world.ok("ann", set_address("ann", "moved"));
    assert!(world.record("ann").unwrap().pending);
    assert_eq!((world.chosen(), urls(&world), reporter(&world, "ann")), (vec![], 0, None));
    world.refuses("judge", confirm("ann", hash), WorkersError::OtherEvidence);
    let hash = seen(&world, "ann");
    world.ok("judge", confirm("ann", hash));
    assert_eq!((world.chosen(), urls(&world)), (vec!["ann".to_owned()], 1));

    // Where nobody but the chain vouches for a worker, it vouches for its key and image, wherever that is reached.
    let mut world = verified();
    world.ok("ann", set_address("ann", "moved"));
    assert_eq!(world.chosen(), ["ann"]);
    assert!(reporter(&world, "ann").is_some());
}

/// Only an image on the admin's list is vouched for; once it is retired all its workers are void at once, and no approver
/// brings one back before the admin and the timelock do.
#[test]
fn a_retired_image_stays_retired() {
    let mut world = world();
    let hash = seen(&world, "ann");
    world.refuses("judge", confirm_as("ann", hash, 2), WorkersError::Unapproved);
    world.ok("judge", confirm("ann", hash));
    world.ok("admin", retire(1));
    assert_eq!((world.chosen(), urls(&world), reporter(&world, "ann")), (vec![], 0, None));
    world.refuses("judge", confirm("ann", hash), WorkersError::Unapproved);
    world.refuses("judge", approve(1), WorkersError::Forbidden);
    world.ok("judge", dismiss("ann"));
    world.refuses("judge", confirm("ann", hash), WorkersError::Unapproved);
    world.ok("admin", approve(1));
    let effective = world.env.time + TIMELOCK;
    world.env.time = effective - 1;
    world.refuses("judge", confirm("ann", hash), WorkersError::NotEffective { effective });
    world.env.time = effective;
    assert_eq!(reporter(&world, "ann"), None, "the admin alone vouches for nobody");
    answer(&mut world, "ann");
    assert_eq!(world.chosen(), Vec::<String>::new());
    world.ok("judge", confirm("ann", hash));
    assert_eq!(world.chosen(), ["ann"]);

    // An approval that was never taken back is void with its number: it is given again.
    world.ok("admin", retire(1));
    world.ok("admin", approve(1));
    world.env.time += TIMELOCK;
    answer(&mut world, "ann");
    assert_eq!((world.chosen(), reporter(&world, "ann")), (vec![], None));
    world.ok("judge", confirm("ann", hash));
    assert_eq!(world.chosen(), ["ann"]);
}

/// What the admin takes back of a worker no approver gives again: the evidence on record is void. New evidence waits anew.
#[test]
fn the_admins_word_is_the_last() {
    let mut world = world();
    let hash = seen(&world, "ann");
    for given in [true, false] {
        if given {
            world.ok("judge", confirm("ann", hash));
        } else {
            world.ok("judge", dismiss("ann"));
        }
        let mut copy = World { map: world.map.clone(), env: world.env, verdict: world.verdict };
        copy.ok("admin", dismiss("ann"));
        assert_eq!(copy.ok("admin", dismiss("ann")).events, [], "again is no error");
        assert_eq!((copy.chosen(), reporter(&copy, "ann")), (vec![], None));
        copy.refuses("judge", confirm("ann", hash), WorkersError::Expired);
        copy.pass(1);
        let report = copy.report("ann");
        copy.refuses("ann", report, WorkersError::Expired);
        let anew = copy.register("ann", |r| r.capacity = 5);
        copy.ok("ann", anew);
        assert_eq!((copy.chosen(), reporter(&copy, "ann")), (vec![], None));
        let hash = seen(&copy, "ann");
        copy.ok("judge", confirm("ann", hash));
        assert_eq!(copy.chosen(), ["ann"]);
    }
}

/// Evidence that is too old vouches for nobody, and is not confirmed; on every ledger where somebody judges it.
#[test]
fn old_evidence_vouches_for_nobody() {
    let mut world = world();
    let hash = seen(&world, "ann");
    world.ok("judge", confirm("ann", hash));
    let expires = world.record("ann").unwrap().evidence_expires;
    for mut world in [world, verified()] {
        let expires = expires.min(world.record("ann").unwrap().evidence_expires);
        world.env.time = expires - 1;
        assert!(reporter(&world, "ann").is_some());
        world.env.time = expires;
        assert_eq!(reporter(&world, "ann"), None);
    }
    let mut late = super::approval::world();
    let hash = seen(&late, "ann");
    late.env.time = late.record("ann").unwrap().evidence_expires;
    late.refuses("judge", confirm("ann", hash), WorkersError::Expired);
    // A ledger of its own has one worker, and nobody who judges: its evidence is for those who read it.
    let mut own = World::new();
    own.env.time = own.record("ann").unwrap().evidence_expires;
    assert_eq!(answers(&own, "ann"), Some(1));
}

/// Where the chain verifies: a retired image reports nothing more, of whichever epoch; what it answers then earns nothing;
/// what it answered before counts once another image has attested in its place.
#[test]
fn a_retired_image_reports_nothing() {
    let mut world = verified();
    let first = reporter(&world, "ann").unwrap();
    assert_eq!(first, Reporter { signing_key: key("ann"), answers: 1 });
    assert_eq!(reporter(&world, "bob"), None);
    world.pass(1);
    answer(&mut world, "ann");
    world.ok("admin", retire(1));
    assert_eq!(reporter(&world, "ann"), None);
    world.pass(1);
    answer(&mut world, "ann");
    world.refuses("bob", missed("ann", world.window() - 1), WorkersError::Answered);
    world.pass(1);
    world.refuses("bob", missed("ann", world.window() - 1), WorkersError::Punished);
    attest(&mut world, "ann", 2);
    assert_eq!(
        answers(&world, "ann"),
        Some(3),
        "two before the retirement, and the new registration"
    );
    // The same image, approved anew, has to attest anew.
    world.ok("admin", retire(2));
    world.ok("admin", approve(2));
    world.env.time += TIMELOCK;
    assert_eq!(reporter(&world, "ann"), None);
    attest(&mut world, "ann", 2);
    assert!(reporter(&world, "ann").is_some());
}
