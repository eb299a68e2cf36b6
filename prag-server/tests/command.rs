//! `prag-server` as an operator runs it, on a machine that is no confidential VM.
//!
//! Layer: tests.
//! Holds: exit status and message of each command that has to end.
//! Never: a TEE.
//! Invariant: every end says what to do next, and nothing is left on the disk.

#![allow(clippy::unwrap_used, clippy::panic)]

use std::path::Path;
use std::process::Command;

fn refused(arguments: &[&str]) -> String {
    let output = Command::new(env!("CARGO_BIN_EXE_prag-server"))
        .args(arguments)
        .env("PRAG_LOG", "off")
        .env_remove("PRAG_DATA")
        .output()
        .unwrap();
    assert!(!output.status.success(), "{arguments:?}");
    assert!(output.stdout.is_empty(), "{arguments:?}");
    String::from_utf8(output.stderr).unwrap()
}

/// Without a TEE the worker ends before it makes anything, and says how to try PRAG out without one.
#[test]
fn without_a_tee_nothing_is_served() {
    if Path::new("/sys/kernel/config/tsm/report").exists() {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    let nonce = "07".repeat(32);
    for line in [&["serve", "--data", data.to_str().unwrap()][..], &["attest", "--nonce", &nonce]] {
        let said = refused(line);
        for part in ["no confidential VM", "modprobe tdx_guest", "prag-server-sim"] {
            assert!(said.contains(part), "{said}");
        }
    }
    assert!(!data.exists());
}

/// Another place for the kernel's reports is taken at its word: what is no configfs there gives no evidence, and nothing
/// stays of the try.
#[test]
fn another_tsm_folder_is_asked() {
    let folder = tempfile::tempdir().unwrap();
    let tsm = folder.path().to_str().unwrap();
    let nonce = "07".repeat(32);
    let attest = ["attest", "--nonce", &nonce, "--tsm", tsm];
    assert!(refused(&attest).contains(&format!("no {tsm}/report")));
    std::fs::create_dir(folder.path().join("report")).unwrap();
    assert!(refused(&attest).contains("cannot use generation"));
    assert_eq!(std::fs::read_dir(folder.path().join("report")).unwrap().count(), 0);
}

/// A bad nonce or a bad setting is named before the machine is asked.
#[test]
fn arguments_and_settings_are_checked_first() {
    assert!(refused(&["attest", "--nonce", "07"]).contains("64 hex digits"));
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("settings.toml");
    let nonce = "07".repeat(32);
    let attest = ["attest", "--nonce", &nonce, "--config", file.to_str().unwrap()];
    for (text, named) in [
        ("steward = 'secret1q'", "secret1"),
        ("steward = 'secret1q0s78ljcpw4kmz9dy3hfddhj3uz7skhpgj0mkh'", "steward"),
        ("[evidence]\npccs = 'pccs'", "evidence.pccs"),
        ("[evidence]\nroots = 'x'", "roots"),
    ] {
        std::fs::write(&file, text).unwrap();
        let said = refused(&attest);
        assert!(said.contains(named), "{said}");
    }
}
