//! A worker that its steward opens, killed and started again.

use crate::worker::{User, Worker};
use std::fs;
use std::process::Command;

/// After `kill -9` the worker is sealed again, says so, and `unlock` brings everything back; nobody else's does.
#[test]
fn the_steward_opens_a_killed_worker() {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    let (data, log, settings) = (at("data"), at("log"), at("settings.toml"));
    let nobody = ([127, 0, 0, 1], 1).into();
    let mut steward = User { home: at("steward"), address: nobody };
    let made: serde_json::Value =
        serde_json::from_str(&steward.ok(&["keys", "new", "--json"])).unwrap();
    let address = made["address"].as_str().unwrap();
    fs::write(&settings, format!("steward = \"{address}\"\n")).unwrap();
    let mallory = User { home: at("mallory"), address: nobody };
    mallory.ok(&["keys", "new"]);

    let mut list = String::new();
    for boot in 0..3 {
        let worker = Worker::start_with(&data, &log, Some(&settings), "info");
        steward.address = worker.address;
        let fails = |user: &User, arguments: &[&str]| {
            let output = User { home: user.home.clone(), address: worker.address }.run(arguments);
            assert!(!output.status.success(), "{arguments:?}");
            String::from_utf8(output.stderr).unwrap()
        };
        assert!(fails(&steward, &["attest"]).contains("sealed"));
        assert!(fails(&mallory, &["unlock"]).contains("steward"));
        let said = steward.ok(&["unlock"]);
        assert!(said.contains("unlocked"), "{said}");
        assert!(fails(&steward, &["unlock"]).contains("not sealed"));
        if boot == 0 {
            steward.ok(&["collection", "create", "notes", "--dimension", "2"]);
            list = steward.ok(&["collection", "list"]);
            assert!(list.contains("notes") && list.contains("ready"), "{list}");
        }
        assert_eq!(steward.ok(&["collection", "list"]), list);
        worker.kill();
    }
}

/// What an operator asks a machine for is what a sealed worker shows: evidence over the nonce, for no ledger.
#[test]
fn a_machine_attests_by_hand() {
    let nonce = "07".repeat(32);
    let mut command = Command::new(env!("CARGO_BIN_EXE_prag-server-sim"));
    let output = command.args(["attest", "--nonce", &nonce]).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let shown: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(shown["nonce"], nonce);
    assert_eq!((&shown["sealed"], &shown["ledger_id"]), (&true.into(), &"0".repeat(64).into()));
    assert_eq!(shown["evidence"]["kind"], "sim");
}
