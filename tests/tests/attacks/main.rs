//! The executable threat model: one file for each adversary of `threats.toml`, one test for each thing that it does.
//!
//! Layer: tests.
//! Holds: what an adversary can reach, and attempts that must fail; `tests/threats.toml` says which test stands for
//! which row of the model, those elsewhere included, and `table` checks that it is true.
//! Never: a key, a clock or a file that the adversary has not.
//! Invariant: tests are named after what the adversary does.

#![allow(clippy::unwrap_used, clippy::panic)]

mod anchored;
mod broken;
mod chain;
mod disk;
mod grantee;
mod host;
mod network;
mod operator;
mod scene;
mod session;
mod stage;
mod table;
mod writer;

use std::process::Command;

/// Runs `test` in a process of its own, this program once more, so that what the kernel counts is its alone.
///
/// `name` is the calling test's, as `--exact` takes it.
fn alone(name: &str, test: impl FnOnce()) {
    if std::env::var_os(ALONE).is_some() {
        return test();
    }
    let program = std::env::current_exe().unwrap();
    let mut child = Command::new(program);
    let child = child.args(["--exact", name, "--nocapture"]).env(ALONE, "1").output().unwrap();
    let said = format!(
        "{}{}",
        String::from_utf8_lossy(&child.stdout),
        String::from_utf8_lossy(&child.stderr)
    );
    assert!(child.status.success() && said.contains("1 passed"), "{said}");
}

const ALONE: &str = "PRAG_TEST_ALONE";
