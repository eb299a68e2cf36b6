//! `prag evidence verify` and `prag policy`, as anybody would run them, on real evidence and on the test PKI's.

#![allow(clippy::unwrap_used, clippy::panic)]

use prag_pki::real::{package, vector};
use prag_pki::tdx::Tdx;
use serde_json::Value;
use std::path::{Path, PathBuf};
use std::process::Command;

fn prag(home: &Path, arguments: &[&str]) -> (i32, Value) {
    let output = Command::new(env!("CARGO_BIN_EXE_prag"))
        .args(arguments)
        .arg("--json")
        .env("PRAG_HOME", home)
        .output()
        .unwrap();
    let value = serde_json::from_slice(&output.stdout)
        .unwrap_or_else(|_| panic!("{}", String::from_utf8_lossy(&output.stderr)));
    (output.status.code().unwrap(), value)
}

/// The samples that ship with the verifying crate.
fn samples() -> PathBuf {
    package("dcap-qvl").unwrap().join("sample")
}

fn text(path: &Path) -> &str {
    path.to_str().unwrap()
}

/// A real quote is genuine while its collateral is in date, in any of the forms that it is handed out in; the policy
/// that names its image allows it, and no other does.
#[test]
fn a_real_quote_is_judged() {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    let (quote, collateral) =
        (samples().join("tdx_quote"), samples().join("tdx_quote_collateral.json"));
    let verify = |quote: &Path, more: &[&str]| {
        let mut line = vec!["evidence", "verify", "--quote", text(quote)];
        line.extend(["--collateral", text(&collateral)]);
        line.extend(more);
        prag(folder.path(), &line)
    };
    let then = ["--at", "2025-07-19T10:00:34Z"];
    let (code, said) = verify(&quote, &then);
    assert_eq!((code, &said["genuine"]), (0, &Value::Bool(true)));
    assert_eq!(said["claims"]["firmware"], "UpToDate");
    assert_eq!(said["allowed_by_policy"], Value::Null);

    std::fs::write(at("hex"), hex::encode(std::fs::read(&quote).unwrap())).unwrap();
    assert_eq!(verify(&at("hex"), &then), (code, said.clone()));
    let (code, late) = verify(&quote, &["--at", "2026-11-24T00:00:00Z"]);
    assert_eq!(code, 1);
    assert!(late["error"]["message"].as_str().unwrap().contains("outside its dates"), "{late}");

    let image = said["claims"]["image"].as_str().unwrap();
    for (image, expected) in [(image, 0), (&"0".repeat(64), 1)] {
        let policy = format!(
            r#"{{"epoch":1,"measurements":["{image}"],"ledger_ids":[],"config_digests":[]}}"#
        );
        std::fs::write(at("policy"), policy).unwrap();
        let (code, said) = verify(&quote, &[then[0], then[1], "--policy", text(&at("policy"))]);
        assert_eq!(code, expected, "{said}");
    }
    let mut flipped = std::fs::read(&quote).unwrap();
    flipped[200] ^= 1;
    std::fs::write(at("flipped"), flipped).unwrap();
    assert_eq!(verify(&at("flipped"), &then).0, 1);
}

/// What the test PKI makes looks genuine in all but its root, and is refused.
#[test]
fn another_root_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let made = Tdx::new(1).build();
    let (quote, collateral) = (folder.path().join("quote"), folder.path().join("collateral"));
    std::fs::write(&quote, &made.quote).unwrap();
    std::fs::write(&collateral, &made.collateral).unwrap();
    let now = made.now.to_string();
    let line = ["evidence", "verify", "--quote", text(&quote), "--collateral", text(&collateral)];
    let (code, said) = prag(folder.path(), &[&line[..], &["--at", &now]].concat());
    assert_eq!(code, 1);
    assert!(
        said["error"]["message"].as_str().unwrap().contains("does not lead to its root"),
        "{said}"
    );
}

/// A report that a cloud's VLEK signed is refused without AMD's ASVK, and with another key in its place.
#[test]
fn a_vlek_needs_its_asvk() {
    let folder = tempfile::tempdir().unwrap();
    let put = |name: &str| {
        let path = folder.path().join(name);
        std::fs::write(&path, vector(&format!("snp/{name}"))?).unwrap();
        Some(path)
    };
    let files = ["trustee-vlek-report.bin", "trustee-vlek.der", "dstack-ask.pem"].map(put);
    let [Some(report), Some(vlek), Some(ask)] = &files else { return };
    let line = ["evidence", "verify", "--quote", text(report), "--vcek", text(vlek)];
    let at = ["--at", "2025-02-20T00:00:00Z"];
    for (more, why) in [
        (&[][..], "signed by a VLEK"),
        (&["--asvk", text(ask)], "VLEK does not lead to its root"),
        (&["--asvk", text(report)], "without a VLEK"),
    ] {
        let (code, said) = prag(folder.path(), &[&line[..], &at, more].concat());
        let message = said["error"]["message"].as_str().unwrap();
        assert!(code == 1 && message.contains(why), "{said}");
    }
}

/// A policy is stored whole, shown as it is used, and never replaced by an older one.
#[test]
fn policies_are_kept() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("new.json");
    let set = |epoch: u32, more: &str| {
        let text = format!(
            r#"{{"epoch":{epoch},"measurements":[],"ledger_ids":[],"config_digests":[]{more}}}"#
        );
        std::fs::write(&file, text).unwrap();
        prag(folder.path(), &["policy", "set", self::text(&file)])
    };
    assert_eq!(prag(folder.path(), &["policy", "show"]).0, 2);
    let (code, stored) = set(2, r#","tdx_tcb":["sw_hardening_needed"]"#);
    assert_eq!((code, &stored["policy"]["epoch"]), (0, &Value::from(2)));
    assert_eq!(set(1, "").0, 2);
    assert_eq!(set(3, r#","roots":[]"#).0, 2);
    assert_eq!(set(3, r#","tdx_tcb":["sim"]"#).0, 2);
    assert_eq!(prag(folder.path(), &["policy", "show"]), (0, stored));

    // A stored policy that does not parse trusts nobody, and can be replaced.
    std::fs::write(folder.path().join("policy.json"), "{").unwrap();
    assert_eq!(prag(folder.path(), &["policy", "show"]).0, 2);
    let (code, said) = prag(folder.path(), &["attest"]);
    assert!(code == 2 && said["error"]["message"].as_str().unwrap().contains("policy"), "{said}");
    assert_eq!(set(4, "").0, 0);
}
