//! The house rules that a compiler does not check: layers, sizes, leftovers.
//!
//! Layer: tests.
//! Holds: one test per rule, over the source tree.
//! Never: an exception list.
//! Invariant: a broken rule is named with its file.

#![allow(clippy::unwrap_used, clippy::panic)]

use std::fs;
use std::path::{Path, PathBuf};

/// Each crate depends on the crates to its left only.
#[test]
fn crates_keep_their_layers() {
    let allowed: [(&str, &[&str]); 8] = [
        ("protocol", &[]),
        ("trust", &["prag-protocol"]),
        ("client", &["prag-protocol", "prag-trust"]),
        ("embedder", &[]),
        ("prag-server/chunk", &[]),
        ("prag-server/store", &[]),
        ("prag-server/index", &["prag-protocol"]),
        ("contracts/core", &["prag-protocol"]),
    ];
    for (folder, allowed) in allowed {
        let ours = dependencies(folder)
            .into_iter()
            .filter(|name| name.starts_with("prag-"));
        for name in ours {
            assert!(
                allowed.contains(&name.as_str()),
                "{folder} must not know {name}"
            );
        }
    }
}

/// `trust` has no I/O, no clock, no randomness of its own, and nothing asynchronous.
#[test]
fn trust_stays_pure() {
    let forbidden = [
        "tokio",
        "axum",
        "rocksdb",
        "cosmrs",
        "candle-core",
        "getrandom",
        "reqwest",
        "async-trait",
    ];
    for name in dependencies("trust") {
        assert!(
            !forbidden.contains(&name.as_str()),
            "trust depends on {name}"
        );
    }
    let full = |text: &str| text.lines().filter(|line| !line.trim().is_empty()).count();
    let lines: usize = sources("trust/src")
        .iter()
        .map(|(_, text)| full(text))
        .sum();
    assert!(
        lines <= 4000,
        "trust has {lines} lines that are not blank; it must stay auditable"
    );
}

/// The server's leaves do not call each other, nor upwards; `http` names no key; status codes stay in `http`.
#[test]
fn server_modules_keep_their_layers() {
    let forbidden: [(&str, &[&str]); 5] = [
        (
            "collection",
            &[
                "crate::ledger",
                "crate::vault",
                "crate::flow",
                "crate::http",
            ],
        ),
        (
            "ledger",
            &[
                "crate::collection",
                "crate::vault",
                "crate::flow",
                "crate::http",
            ],
        ),
        (
            "vault",
            &[
                "crate::collection",
                "crate::ledger",
                "crate::flow",
                "crate::http",
            ],
        ),
        ("flow", &["crate::http", "StatusCode"]),
        ("http", &["prag_trust::key", "prag_store", "prag_index"]),
    ];
    for (folder, forbidden) in forbidden {
        for (path, text) in sources(&format!("prag-server/src/{folder}")) {
            for name in forbidden {
                assert!(!text.contains(name), "{} names {name}", path.display());
            }
        }
    }
}

/// No source file over 400 lines; each begins by saying what it holds.
#[test]
fn files_are_small_and_introduced() {
    for folder in FOLDERS {
        for (path, text) in sources(folder) {
            assert!(
                text.lines().count() <= 400,
                "{} is over 400 lines",
                path.display()
            );
            assert!(
                text.starts_with("//!"),
                "{} does not say what it holds",
                path.display()
            );
        }
    }
}

/// Nothing is left to do, ignored or unwrapped.
#[test]
fn nothing_is_left_over() {
    let leftovers = [
        "TODO",
        "FIXME",
        "todo!(",
        "unimplemented!(",
        "#[ignore",
        ".unwrap()",
    ];
    for folder in FOLDERS {
        for (path, text) in sources(folder) {
            for leftover in leftovers {
                let doc_free = text
                    .lines()
                    .filter(|line| !line.trim_start().starts_with("//"));
                let found = doc_free.clone().any(|line| line.contains(leftover));
                assert!(!found, "{} has {leftover}", path.display());
            }
        }
    }
}

const FOLDERS: [&str; 9] = [
    "protocol/src",
    "trust/src",
    "client/src",
    "embedder/src",
    "prag-server/src",
    "prag-server/chunk/src",
    "prag-server/index/src",
    "prag-server/store/src",
    "contracts/core/src",
];

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .parent()
        .unwrap()
        .to_owned()
}

/// Names under `[dependencies]` of a crate's manifest.
fn dependencies(folder: &str) -> Vec<String> {
    let text = fs::read_to_string(root().join(folder).join("Cargo.toml")).unwrap();
    let mut section = String::new();
    let mut names = Vec::new();
    for line in text.lines() {
        if line.starts_with('[') {
            section = line.to_owned();
        } else if section == "[dependencies]"
            && let Some((name, _)) = line.split_once('=')
        {
            names.push(name.trim().trim_end_matches(".workspace").to_owned());
        }
    }
    assert!(!names.is_empty(), "{folder} has dependencies");
    names
}

/// Every source file below a folder but tests: files and folders named `tests`, `fixture` or `conformance`.
fn sources(folder: &str) -> Vec<(PathBuf, String)> {
    let mut out = Vec::new();
    let mut folders = vec![root().join(folder)];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder)
            .unwrap()
            .map(|entry| entry.unwrap().path())
        {
            let stem = entry.file_stem().unwrap().to_str().unwrap().to_owned();
            if ["tests", "testing", "fixture", "conformance"].contains(&stem.as_str()) {
                continue;
            }
            if entry.is_dir() {
                folders.push(entry);
            } else if entry.extension().is_some_and(|extension| extension == "rs") {
                let text = fs::read_to_string(&entry).unwrap();
                let code = text
                    .split("#[cfg(test)]\nmod tests {")
                    .next()
                    .unwrap()
                    .to_owned();
                out.push((entry, code));
            }
        }
    }
    assert!(!out.is_empty());
    out
}
