//! The house rules that a compiler does not check: layers, sizes, headers, leftovers.
//!
//! Layer: tests.
//! Holds: one test per rule, over the source tree.
//! Never: an exception that the rule's own comment does not name.
//! Invariant: a broken rule is named with its file, and all that break it are named at once.

#![allow(clippy::unwrap_used, clippy::panic)]

use std::fs;
use std::path::{Path, PathBuf};

/// Each crate depends on the crates to its left only, in the build and in its own tests; but the tests of `client/cosmos`
/// read what it signs as contracts read it.
#[test]
fn crates_keep_their_layers() {
    let allowed: [(&str, &[&str]); 20] = [
        ("protocol", &[]),
        ("trust/merkle", &[]),
        ("trust/quote", &[]),
        ("trust/seal", &["prag-protocol"]),
        ("trust", &["prag-protocol", "prag-merkle", "prag-quote", "prag-seal"]),
        ("client", &["prag-protocol", "prag-trust"]),
        ("client/cosmos", &["prag-protocol", "prag-trust", "prag-client", "prag-contracts-core"]),
        ("embedder", &[]),
        ("prag-server/chunk", &[]),
        ("prag-server/store", &[]),
        ("prag-server/simd", &[]),
        ("prag-server/index", &["prag-protocol", "prag-simd"]),
        ("contracts/core", &["prag-protocol", "prag-merkle"]),
        ("contracts/permit", &["prag-protocol"]),
        ("contracts/shell", &["prag-protocol", "prag-contracts-core", "prag-contracts-permit"]),
        ("contracts/access", SHELL),
        ("contracts/workers", SHELL),
        ("contracts/subscription", SHELL),
        ("contracts/rewards", SHELL),
        (
            "prag-server",
            &[
                "prag-protocol",
                "prag-trust",
                "prag-client",
                "prag-cosmos",
                "prag-embedder",
                "prag-chunk",
                "prag-index",
                "prag-simd",
                "prag-store",
                "prag-contracts-core",
            ],
        ),
    ];
    let mut broken = Vec::new();
    for (folder, allowed) in allowed {
        for dependency in dependencies(folder) {
            let name = dependency.name.as_str();
            let for_tests = dependency.section == "dev-dependencies"
                && (FOR_TESTS.contains(&name) || (folder, name) == THE_OTHER_SIDE);
            if name.starts_with("prag-") && !allowed.contains(&name) && !for_tests {
                broken.push(format!("{folder} ({}) knows {name}", dependency.section));
            }
        }
    }
    report("crates that know what they must not", &broken);
}

/// No feature `sim` outside tests, `demo` and `tests`: a simulated TEE is never in what is released.
#[test]
fn the_simulated_tee_stays_out() {
    let mut broken = Vec::new();
    for folder in CRATES {
        for dependency in dependencies(folder) {
            if dependency.section != "dev-dependencies" && dependency.line.contains("\"sim\"") {
                broken.push(format!("{folder}: {}", dependency.line));
            }
        }
    }
    report("crates that switch feature `sim` on", &broken);
}

/// `trust` has no I/O, no clock, no randomness of its own, and nothing asynchronous; `client` has no engine.
#[test]
fn pure_crates_stay_pure() {
    let forbidden: [(&str, &[&str]); 3] = [
        (
            "trust",
            &[
                "tokio",
                "axum",
                "rocksdb",
                "cosmrs",
                "candle",
                "getrandom",
                "rand",
                "reqwest",
                "hyper",
                "futures",
                "async-",
                "tracing",
            ],
        ),
        ("client", &["rocksdb", "tantivy", "candle"]),
        ("client/cosmos", &["rocksdb", "tantivy", "candle", "openssl", "native-tls"]),
    ];
    let mut broken = Vec::new();
    for (folder, forbidden) in forbidden {
        for dependency in dependencies(folder) {
            let built = dependency.section != "dev-dependencies";
            let name = dependency.name.as_str();
            // `rand` also stands for `rand_core` and `rand_chacha`, `candle` for its parts.
            if built && forbidden.iter().any(|start| name.starts_with(start)) {
                broken.push(format!("{folder} depends on {name}"));
            }
        }
    }
    report("dependencies that a pure crate must not have", &broken);
}

/// `trust` can be read whole: at most 5,260 lines without its tests, blank lines and comments included; the crates
/// under it are bounded apart. It was to be 4,000: receipts, sealed replies, readers, keys between workers and
/// permits that are known each make a `Verified`, sealed scopes are what a `Granted` asks for, delegates' grants
/// are what it is made of, and a session's word names a caller; only this crate may.
/// `seal` was to be 1,250: messages that go on under a secret, and frames that open in place or by range, are
/// ciphers, and only that crate has keys' bytes, and wipes them.
#[test]
fn trust_stays_small() {
    for (folder, most) in [
        ("trust/src", 5260),
        ("trust/merkle/src", 400),
        ("trust/quote/src", 2200),
        ("trust/seal/src", 1630),
    ] {
        let lines: usize = sources(folder).iter().map(|(_, text)| text.lines().count()).sum();
        assert!(lines <= most, "{folder} has {lines} lines outside tests; at most {most}");
    }
}

/// Nothing that is built for use knows the test PKI, or what makes hostile bytes.
#[test]
fn what_is_for_tests_stays_out() {
    let mut broken = Vec::new();
    for folder in CRATES.iter().chain(&["demo"]) {
        for dependency in dependencies(folder) {
            if dependency.section != "dev-dependencies" && FOR_TESTS.contains(&&*dependency.name) {
                broken.push(format!("{folder}: {}", dependency.line));
            }
        }
    }
    report("crates that are built with what is for tests", &broken);
}

/// The leaf modules name no other module of the server: the parts that they share are crates.
#[test]
fn leaves_do_not_call_each_other() {
    let mut broken = Vec::new();
    for leaf in ["collection", "ledger", "vault"] {
        for (path, text) in sources(&format!("prag-server/src/{leaf}")) {
            let root = path.ends_with("mod.rs");
            for line in code(&text) {
                let foreign = line.split("crate::").skip(1).any(|rest| first(rest) != leaf);
                let above = line.contains("super::super") || (root && line.contains("super::"));
                if foreign || above {
                    broken.push(format!("{}: {}", show(&path), line.trim()));
                }
            }
        }
    }
    report("leaves that look beside or above themselves", &broken);
}

/// `http` calls `flow`, and `flow` never `http`; `http` names no key, no leaf and no engine.
#[test]
fn the_server_has_one_way_down() {
    let forbidden: [(&str, &[&str]); 2] = [
        ("flow", &["crate::http", "StatusCode"]),
        (
            "http",
            &[
                "prag_trust::key",
                "prag_store",
                "prag_index",
                "prag_chunk",
                "prag_embedder",
                "crate::collection",
                "crate::ledger",
                "crate::vault",
                "crate::{",
                "prag_trust::{",
            ],
        ),
    ];
    let mut broken = Vec::new();
    for (folder, forbidden) in forbidden {
        for (path, text) in sources(&format!("prag-server/src/{folder}")) {
            for line in code(&text) {
                if forbidden.iter().any(|name| line.contains(name)) {
                    broken.push(format!("{}: {}", show(&path), line.trim()));
                }
            }
        }
    }
    report("lines that know the wrong layer", &broken);
}

/// Only `http/problem.rs` names status codes.
#[test]
fn status_codes_have_one_home() {
    let mut broken = Vec::new();
    for (path, text) in sources("prag-server/src") {
        if path.ends_with("http/problem.rs") {
            continue;
        }
        for line in code(&text) {
            // Binary HTTP has a type of that name too; it is the same knowledge.
            if line.contains("StatusCode") {
                broken.push(format!("{}: {}", show(&path), line.trim()));
            }
        }
    }
    report("files beside http/problem.rs that name StatusCode", &broken);
}

/// No source file over 400 lines, its inline tests included; nor one of what all tests stand on.
#[test]
fn files_are_small() {
    let mut broken = Vec::new();
    let ground = ["tests/src", "tests/pki/src"].map(|folder| whole_sources(&root().join(folder)));
    for (path, text) in every_source().into_iter().chain(ground.into_iter().flatten()) {
        let lines = text.lines().count();
        if lines > 400 {
            broken.push(format!("{}: {lines} lines", show(&path)));
        }
    }
    report("files over 400 lines", &broken);
}

/// Each file says its layer, what it holds, what it never does and what always holds. Exempt: programs
/// (`main.rs`, `bin/`), which say what they are in one line.
#[test]
fn files_are_introduced() {
    let mut broken = Vec::new();
    for (path, text) in every_source() {
        let header: Vec<&str> = text.lines().take_while(|line| line.starts_with("//!")).collect();
        let program = path.ends_with("main.rs") || show(&path).contains("/bin/");
        let wanted: &[&str] = if program { &[] } else { &["Layer", "Holds", "Never", "Invariant"] };
        let lacks = |word: &&&str| {
            let start = format!("//! {word}:");
            !header.iter().any(|line| line.starts_with(&start))
        };
        let missing: Vec<&&str> = wanted.iter().filter(lacks).collect();
        if header.is_empty() || !missing.is_empty() {
            broken.push(format!("{} lacks {missing:?}", show(&path)));
        }
    }
    report("files without a whole header", &broken);
}

/// Nothing is left to do, ignored or unwrapped. Comments count where the word is a note to ourselves.
#[test]
fn nothing_is_left_over() {
    let notes = ["TODO", "FIXME"];
    let calls = [".unwrap()", "todo!(", "unimplemented!(", "#[ignore", "panic!("];
    let mut broken = Vec::new();
    for (path, text) in every_source() {
        let noted = text.lines().filter(|line| notes.iter().any(|note| line.contains(note)));
        let body = without_tests(&text);
        let called =
            code(&body).into_iter().filter(|line| calls.iter().any(|call| line.contains(call)));
        for line in noted.chain(called) {
            broken.push(format!("{}: {}", show(&path), line.trim()));
        }
    }
    report("leftovers", &broken);
}

/// What the rules pass over by its name is compiled for tests alone, or behind a feature that is theirs.
#[test]
fn what_is_exempt_is_for_tests() {
    let mut broken = Vec::new();
    for (path, text) in every_source() {
        let lines: Vec<&str> = text.lines().map(str::trim).collect();
        for pair in lines.windows(2) {
            let module = pair[1].strip_suffix(';').and_then(|line| line.rsplit_once("mod "));
            let exempt = module.is_some_and(|(_, name)| EXEMPT.contains(&name));
            if exempt && !(pair[0].starts_with("#[cfg(") && pair[0].contains("test")) {
                broken.push(format!("{}: {}", show(&path), pair[1]));
            }
        }
    }
    report("modules of tests that are built for use", &broken);
}

/// `unsafe` stands behind one fence, `prag-simd`'s loops, its hint to the kernel and the allocator, each block with its reason (a lint
/// asks for it), and where a contract's wasm meets its chain. Every other crate forbids it.
#[test]
fn unsafe_code_is_fenced() {
    let fences = [
        "prag-server/simd/src/x86",
        "prag-server/simd/src/memory.rs",
        "prag-server/simd/src/allocator.rs",
        "contracts/shell/src/",
    ];
    let word =
        |line: &&str| line.split(|c: char| !c.is_alphanumeric() && c != '_').any(|w| w == "unsafe");
    let mut broken = Vec::new();
    for (path, text) in every_source() {
        let fenced = fences.iter().any(|fence| show(&path).starts_with(fence));
        for line in code(&text)
            .into_iter()
            .filter(word)
            .filter(|line| !fenced && !line.contains("'unsafe-inline'"))
        {
            broken.push(format!("{}: {}", show(&path), line.trim()));
        }
    }
    report("`unsafe` outside of its fence", &broken);
}

/// What a contract's own crate may know.
const SHELL: &[&str] =
    &["prag-protocol", "prag-contracts-core", "prag-contracts-permit", "prag-contracts-shell"];

const CRATES: [&str; 20] = [
    "protocol",
    "trust",
    "trust/merkle",
    "trust/quote",
    "trust/seal",
    "client",
    "client/cosmos",
    "embedder",
    "prag-server",
    "prag-server/chunk",
    "prag-server/index",
    "prag-server/simd",
    "prag-server/store",
    "contracts/core",
    "contracts/permit",
    "contracts/shell",
    "contracts/access",
    "contracts/workers",
    "contracts/subscription",
    "contracts/rewards",
];

/// Evidence under roots of its own, and hostile bytes.
const FOR_TESTS: [&str; 2] = ["prag-pki", "prag-fuzz"];

/// Tests of the first check with the second what contracts check.
const THE_OTHER_SIDE: (&str, &str) = ("client/cosmos", "prag-contracts-permit");

/// Modules for tests.
const EXEMPT: [&str; 3] = ["tests", "fixture", "conformance"];

struct Dependency {
    section: String,
    name: String,
    line: String,
}

fn report(what: &str, broken: &[String]) {
    assert!(broken.is_empty(), "{what}:\n  {}", broken.join("\n  "));
}

fn root() -> PathBuf {
    Path::new("..").canonicalize().unwrap()
}

fn show(path: &Path) -> String {
    path.strip_prefix(root()).unwrap().display().to_string()
}

/// The identifier that a path goes on with.
fn first(rest: &str) -> &str {
    let end = rest.find(|c: char| !c.is_alphanumeric() && c != '_');
    &rest[..end.unwrap_or(rest.len())]
}

/// Everything that a crate's manifest depends on: normal, dev, build and per-target, in either notation.
fn dependencies(folder: &str) -> Vec<Dependency> {
    let text = fs::read_to_string(root().join(folder).join("Cargo.toml")).unwrap();
    let mut section = String::new();
    let mut found = Vec::new();
    for line in text.lines().map(str::trim) {
        if let Some(header) = line.strip_prefix('[') {
            let header = header.trim_end_matches(']');
            let kinds = ["dev-dependencies", "build-dependencies", "dependencies"];
            let kind = kinds.iter().find(|kind| header.contains(*kind));
            section = kind.map_or(String::new(), |kind| (*kind).to_owned());
            if let Some((_, name)) = header.split_once("dependencies.") {
                found.push(dependency(&section, name, line));
            }
        } else if let Some((name, _)) = line.split_once('=')
            && !section.is_empty()
            && !line.starts_with('#')
        {
            found.push(dependency(&section, name, line));
        }
    }
    assert!(!found.is_empty(), "{folder} has no dependency at all");
    found
}

fn dependency(section: &str, name: &str, line: &str) -> Dependency {
    let name = name.trim().trim_end_matches(".workspace");
    Dependency { section: section.to_owned(), name: name.to_owned(), line: line.to_owned() }
}

/// Lines that are no comment.
fn code(text: &str) -> Vec<&str> {
    let comment = |line: &&str| !line.trim_start().starts_with("//");
    text.lines().filter(comment).collect()
}

/// A file up to its inline tests, which stand last.
fn without_tests(text: &str) -> String {
    let tests = text.find("#[cfg(test)]\nmod tests {");
    text[..tests.unwrap_or(text.len())].to_owned()
}

/// Every source file below a folder, without tests.
fn sources(folder: &str) -> Vec<(PathBuf, String)> {
    let files = whole_sources(&root().join(folder));
    assert!(!files.is_empty(), "{folder} has sources");
    let cut = |(path, text): (PathBuf, String)| (path, without_tests(&text));
    files.into_iter().map(cut).collect()
}

/// Every source file of every crate that is released, of `demo`'s programs and of the benchmarks.
fn every_source() -> Vec<(PathBuf, String)> {
    let folders = CRATES.iter().copied().chain(["demo", "benches"]);
    let files = folders.flat_map(|folder| whole_sources(&root().join(folder).join("src")));
    files.collect()
}

/// All but the files that are named as in [`EXEMPT`], or lie in a folder of that name.
fn whole_sources(folder: &Path) -> Vec<(PathBuf, String)> {
    let mut entries: Vec<PathBuf> =
        fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    entries.sort();
    let mut files = Vec::new();
    for entry in entries {
        let stem = entry.file_stem().unwrap().to_str().unwrap();
        if EXEMPT.contains(&stem) {
            continue;
        }
        if entry.is_dir() {
            files.extend(whole_sources(&entry));
        } else if entry.extension().is_some_and(|extension| extension == "rs") {
            let text = fs::read_to_string(&entry).unwrap();
            files.push((entry, text));
        }
    }
    files
}
