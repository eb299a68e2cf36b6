//! No marker of a corpus anywhere but in the answers.

use crate::wire::Tap;
use crate::worker::{User, Worker};
use std::fs;
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::path::Path;

/// In text, titles, ids, file names, metadata, queries, filters and the collection's name.
pub(crate) const MARKERS: [&str; 6] = [
    "CanaryTextQ7Zebra",
    "canary-id-w3kite",
    "CanaryTitleM9Otter",
    "CanaryQueryX2Heron",
    "canary-name-p5lynx",
    "CanaryMetaB4Stork",
];

/// Disk, log, metrics and wire hold no marker, plain, in hex or in base64, and no vector.
#[test]
fn markers_stay_inside() {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    let (data, log, corpus) = (at("data"), at("log"), at("corpus"));
    write_corpus(&corpus);
    let worker = Worker::start(&data, &log);
    let tap = Tap::before(worker.address);
    let owner = User { home: at("owner"), address: tap.address };
    let sealed = at("corpus.sealed");
    owner.ok(&["keys", "new"]);
    owner.ok(&["seal", corpus.to_str().unwrap(), "-o", sealed.to_str().unwrap()]);
    owner.ok(&["collection", "create", "canary-name-p5lynx"]);
    owner.ok(&["add", "canary-name-p5lynx", sealed.to_str().unwrap()]);
    owner.ok(&["add", "canary-name-p5lynx", corpus.to_str().unwrap()]);
    let filter = r#"{"must":[{"key":"CanaryMetaB4Stork","match":{"value":"x"}}]}"#;
    owner.ok(&["query", "canary-name-p5lynx", "CanaryQueryX2Heron", "--filter", filter]);
    let answer =
        owner.ok(&["context", "canary-name-p5lynx", "CanaryTextQ7Zebra", "--budget", "500"]);
    assert!(answer.contains("CanaryTextQ7Zebra"), "the corpus answers");
    owner.ok(&["compact", "canary-name-p5lynx"]);
    owner.ok(&["documents", "delete", "canary-name-p5lynx", "canary-id-w3kite-0.md"]);
    let metrics = get(worker.address, "/metrics");
    assert!(metrics.contains("prag_queries_total 2"), "{metrics}");
    worker.kill();

    let worker = Worker::start(&data, &log);
    let again = User { home: at("owner"), address: worker.address };
    assert!(
        again.ok(&["documents", "list", "canary-name-p5lynx"]).contains("canary-id-w3kite-1.md")
    );
    worker.kill();

    let mut seen = files(&data);
    seen.push(("the sealed corpus".into(), fs::read(&sealed).unwrap()));
    seen.push(("the log".into(), fs::read(&log).unwrap()));
    seen.push(("the metrics".into(), metrics.into_bytes()));
    seen.push(("the wire".into(), tap.bytes()));
    assert!(
        seen.iter().map(|(_, bytes)| bytes.len()).sum::<usize>() > 100_000,
        "there is something to scan"
    );
    for (place, bytes) in &seen {
        assert_eq!(leaked(bytes), None, "in {place}");
    }
}

/// The scanner finds each marker in each form: a test that cannot fail proves nothing.
#[test]
fn the_scanner_finds_what_leaks() {
    for marker in MARKERS {
        for form in forms(marker) {
            let haystack = [&[0u8; 100][..], &form, &[1; 100]].concat();
            assert_eq!(leaked(&haystack), Some(marker.to_owned()));
        }
    }
    let floats: Vec<u8> =
        (1u8..=32).flat_map(|i| (f32::from(i) / 64.0 - 0.2).to_le_bytes()).collect();
    assert_eq!(leaked(&floats), Some("a run of f32".to_owned()));
}

fn write_corpus(folder: &Path) {
    fs::create_dir_all(folder).unwrap();
    for number in 0..12 {
        let text = format!(
            "# CanaryTitleM9Otter {number}\n\nThe word CanaryTextQ7Zebra stands in paragraph {number}, and again: CanaryTextQ7Zebra.\n"
        );
        fs::write(folder.join(format!("canary-id-w3kite-{number}.md")), text).unwrap();
    }
    let line = r#"{"text": "CanaryTextQ7Zebra in a record", "CanaryMetaB4Stork": "x"}"#;
    fs::write(folder.join("canary-id-w3kite.jsonl"), format!("{line}\n")).unwrap();
}

fn files(folder: &Path) -> Vec<(String, Vec<u8>)> {
    let mut out = Vec::new();
    for entry in fs::read_dir(folder).unwrap().map(Result::unwrap) {
        if entry.file_type().unwrap().is_dir() {
            out.extend(files(&entry.path()));
        } else {
            let name = entry.path().display().to_string();
            out.push((name.clone(), [fs::read(entry.path()).unwrap(), name.into_bytes()].concat()));
        }
    }
    out
}

fn get(address: SocketAddr, path: &str) -> String {
    let mut stream = TcpStream::connect(address).unwrap();
    write!(stream, "GET {path} HTTP/1.1\r\nHost: worker\r\nConnection: close\r\n\r\n").unwrap();
    let mut reply = String::new();
    stream.read_to_string(&mut reply).unwrap();
    reply
}

/// The first marker in `bytes`, in any form; or a run of numbers that looks like a unit vector's.
pub(crate) fn leaked(bytes: &[u8]) -> Option<String> {
    let lower = bytes.to_ascii_lowercase();
    for marker in MARKERS {
        let plain = marker.to_ascii_lowercase().into_bytes();
        let found =
            contains(&lower, &plain) || forms(marker)[1..].iter().any(|form| contains(bytes, form));
        if found {
            return Some(marker.to_owned());
        }
    }
    (0..4)
        .any(|shift| float_run(bytes.get(shift..).unwrap_or(&[])))
        .then(|| "a run of f32".to_owned())
}

/// Sixteen f32 in a row, all between 1e-4 and 1 in size: in random bytes, less than once in 10^20.
fn float_run(bytes: &[u8]) -> bool {
    let mut run = 0;
    for word in bytes.chunks_exact(4) {
        let size = f32::from_le_bytes(word.try_into().unwrap()).abs();
        run = if (1e-4..1.0).contains(&size) { run + 1 } else { 0 };
        if run >= 16 {
            return true;
        }
    }
    false
}

/// Plain, hex, and base64 at each of its three alignments.
fn forms(marker: &str) -> Vec<Vec<u8>> {
    let bytes = marker.as_bytes();
    let hex = bytes.iter().map(|byte| format!("{byte:02x}")).collect::<String>();
    let mut forms = vec![bytes.to_vec(), hex.into_bytes()];
    for skip in 0..3 {
        let whole = (bytes.len() - skip) / 3 * 3;
        forms.push(base64(&bytes[skip..skip + whole]));
    }
    forms
}

fn base64(bytes: &[u8]) -> Vec<u8> {
    const LETTERS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let group = |three: &[u8]| {
        let bits = u32::from(three[0]) << 16 | u32::from(three[1]) << 8 | u32::from(three[2]);
        [18, 12, 6, 0].map(|shift| LETTERS[(bits >> shift & 63) as usize])
    };
    bytes.chunks_exact(3).flat_map(group).collect()
}

fn contains(haystack: &[u8], needle: &[u8]) -> bool {
    let first = needle[0];
    let mut rest = haystack;
    while let Some(at) = rest.iter().position(|byte| *byte == first) {
        if rest[at..].starts_with(needle) {
            return true;
        }
        rest = &rest[at + 1..];
    }
    false
}
