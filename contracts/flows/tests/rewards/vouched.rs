//! What is paid, and who: only a worker that somebody vouches for.

use super::world::*;
use ed25519_dalek::Signer;
use prag_contracts_flows::Network;
use prag_protocol::ledger::rewards::RewardsMsg;
use prag_protocol::ledger::workers::WorkersMsg;

/// What a worker answered while it waited is paid to nobody, whatever is confirmed afterwards; what it answers then is.
#[test]
fn waiting_is_not_paid() {
    let mut world = World::new();
    world.register(&[]);
    world.network.wait(6 * 3600);
    world.answer();
    world.network.wait(6 * 3600);
    world.answer();
    world.approve();
    assert!(!world.live().answered, "it may answer once more");
    world.answer();
    world.network.wait(7 * DAY - 12 * 3600);
    world.report(&book(false), &key(1)).unwrap();
    assert_eq!(world.epoch().record.standing.answers, 1);
    world.conserves();
}

/// Once its image is retired, a worker reports nothing, of epochs before neither, until the admin and the timelock have
/// brought the image back and the approver has vouched for it anew.
#[test]
fn a_retired_image_is_not_paid() {
    let mut world = World::new();
    let workers = world.network.workers.clone();
    let refused = "the sender is not a registered worker";
    world.network.wait(7 * DAY);
    let retire = WorkersMsg::RetireMeasurement { measurement: IMAGE };
    world.network.tell("deployer", &workers, &retire, &[]).unwrap();
    let before = (world.pool(), world.has("ann"));
    assert_eq!(world.report(&book(false), &key(1)).unwrap_err(), refused);
    assert_eq!((world.pool(), world.has("ann")), before);
    let unlisted = world.try_approve().unwrap_err();
    assert_eq!(unlisted, "the measurement is not approved");
    let approve = WorkersMsg::ApproveMeasurement { measurement: IMAGE };
    world.network.tell("deployer", &workers, &approve, &[]).unwrap();
    assert!(world.try_approve().unwrap_err().contains("effective from second"));
    world.network.wait(60);
    assert_eq!(world.report(&book(false), &key(1)).unwrap_err(), refused);
    world.approve();
    world.report(&book(false), &key(1)).unwrap();
    world.conserves();
}

/// At another URL than the approver vouched for, and with evidence that is too old, nothing is reported.
#[test]
fn what_lapsed_is_not_paid() {
    let refused = "the sender is not a registered worker";
    let mut world = World::new();
    world.network.wait(7 * DAY);
    let moved = WorkersMsg::SetWorkerAddress {
        new_ip_address: "https://elsewhere.example".to_owned(),
        old_ip_address: "https://ann.example".to_owned(),
    };
    world.network.tell("ann", &world.network.workers.clone(), &moved, &[]).unwrap();
    assert_eq!(world.report(&book(false), &key(1)).unwrap_err(), refused);
    world.approve();
    world.report(&book(false), &key(1)).unwrap();

    let mut world = World::new();
    world.network.wait(91 * DAY);
    let report = book(false).report();
    let epoch = 12;
    let bytes = report.signed_bytes(&LEDGER, &address("ann"), epoch);
    let signature = key(1).sign(&bytes).to_bytes();
    let message = RewardsMsg::ReportUsage { epoch, report, signature };
    assert_eq!(world.tell("ann", &message, BOND).unwrap_err(), refused, "its evidence is too old");
    world.register(&[]);
    world.approve();
    world.tell("ann", &message, BOND).unwrap();
    world.conserves();
}

/// A registry whose workers nobody has to verify is no peer of a contract that pays them: nothing begins.
#[test]
fn a_registry_that_nobody_judges_is_no_peer() {
    let unjudged = "the workers contract lets in workers that nobody has verified: its terms need attested_only on \
                    Secret Network, and approved_only elsewhere";
    let mut network = Network::new().unwrap();
    // What this chain cannot verify itself is not verified by saying so.
    for (attested_only, approved_only) in [(false, false), (true, false)] {
        network.workers = network.lax_workers(attested_only, approved_only).unwrap();
        assert_eq!(network.rewards(init()).unwrap_err(), unjudged);
    }
    network.workers = network.lax_workers(false, true).unwrap();
    network.rewards(init()).unwrap();
}
