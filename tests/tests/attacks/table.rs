//! The table of the threat model is true: every row has tests, and every test is there.

use prag_tests::leakage::{Scale, measure, outline};
use prag_tests::threats::Threats;
use std::fs;
use std::path::Path;

/// Each adversary's rows name tests that exist in the file that is named, and are run.
#[test]
fn every_row_has_tests_that_exist() {
    let mut broken = Vec::new();
    for adversary in &Threats::read().adversaries {
        for row in &adversary.rows {
            if row.tests.is_empty() && row.waits.is_none() {
                broken.push(format!("{}: nothing tests `{}`", adversary.name, row.says));
            }
            for test in &row.tests {
                let (file, name) = test.split_once("::").expect("path::test");
                let text = fs::read_to_string(Path::new("..").join(file)).unwrap_or_default();
                if !is_test(&text, name) {
                    broken.push(format!("{test} is no test"));
                }
            }
        }
    }
    assert!(broken.is_empty(), "{}", broken.join("\n"));
}

/// The adversaries are those of the model, in its order.
#[test]
fn every_adversary_is_there() {
    let threats = Threats::read();
    let names: Vec<_> =
        threats.adversaries.iter().map(|adversary| adversary.name.as_str()).collect();
    assert_eq!(
        names,
        [
            "host, operator, root, hypervisor",
            "disk or object storage",
            "network, TLS proxy",
            "chain observer",
            "grantee",
            "malicious writer",
            "malicious worker operator",
            "one broken TEE host",
        ]
    );
}

/// `docs/threats.md` is made from the table: `cargo run -p prag-tests --example threats > docs/threats.md`.
#[test]
fn the_document_is_the_table() {
    assert_eq!(
        fs::read_to_string("../docs/threats.md").unwrap_or_default(),
        Threats::read().to_markdown()
    );
}

/// `docs/leakage.md` has the rows that a run has now; its numbers are of the run that wrote it.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_leakage_is_described_as_it_is_measured() {
    let written = fs::read_to_string("../docs/leakage.md").unwrap_or_default();
    let measured = measure(Scale { documents: 40, samples: 3 }).await;
    assert_eq!(outline(&written), outline(&measured));
}

/// A function of that name, under an attribute that makes it a test, and not ignored.
fn is_test(text: &str, name: &str) -> bool {
    let signature = format!("fn {name}(");
    let lines: Vec<&str> = text.lines().map(str::trim).collect();
    lines.iter().enumerate().any(|(at, line)| {
        let found = line.strip_prefix("async ").unwrap_or(line).starts_with(&signature);
        let attributes = lines[..at].iter().rev().take_while(|line| line.starts_with('#'));
        found
            && attributes.clone().any(|line| line.contains("test"))
            && !attributes.clone().any(|line| line.contains("ignore"))
    })
}
