//! The threat model as data: `tests/threats.toml`.
//!
//! Layer: tests.
//! Holds: its form, and the document that is made of it.
//! Never: a promise of its own.
//! Invariant: a row without a test says what it waits for (`attacks::table`).

use serde::Deserialize;
use std::fmt::Write;

/// The adversaries, and the tests that stand for each promise.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Threats {
    /// In the order of the table.
    #[serde(rename = "adversary")]
    pub adversaries: Vec<Adversary>,
}

/// Who.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Adversary {
    /// As in the table.
    pub name: String,
    /// What it may learn or do, for people.
    pub may: String,
    /// What it must never, one by one, and what it may at most.
    #[serde(rename = "row")]
    pub rows: Vec<Row>,
}

/// One promise.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Row {
    /// The promise, as what never happens.
    pub says: String,
    /// `path::test`, from the repository's root.
    #[serde(default)]
    pub tests: Vec<String>,
    /// What has to be built before it can be tested.
    pub waits: Option<String>,
}

impl Threats {
    /// The table of this source tree.
    ///
    /// # Panics
    /// Where it does not parse.
    #[must_use]
    pub fn read() -> Self {
        toml::from_str(include_str!("../threats.toml")).unwrap()
    }

    /// The table for people.
    #[must_use]
    pub fn to_markdown(&self) -> String {
        let mut out = String::from(
            "# Threats, and the tests that stand for them\n\n\
             Made from `tests/threats.toml` by `cargo run -p prag-tests --example threats`; a test checks that this is current\n\
             and that every test named here exists.\n",
        );
        for adversary in &self.adversaries {
            let _ = write!(out, "\n## {}\nMay learn or do: {}.\n\n", adversary.name, adversary.may);
            out.push_str("| must never | shown by |\n|---|---|\n");
            for row in &adversary.rows {
                let mut shown: Vec<_> = row.tests.iter().map(|test| format!("`{test}`")).collect();
                shown.extend(row.waits.iter().map(|waits| format!("not yet: {waits}")));
                let _ = writeln!(out, "| {} | {} |", row.says, shown.join("<br>"));
            }
        }
        out
    }
}
