//! Nothing that its owner said is found outside the worker's memory.
//!
//! Layer: tests.
//! Holds: a corpus of markers, everything a person can do with it, and a scan of all that a host sees.
//! Never: an exception: every file of the data directory, every log line, every byte on the wire.
//! Invariant: the same scanner finds the same markers where they are planted.

#![allow(clippy::unwrap_used, clippy::panic)]

mod corpus;
mod scanner;

use corpus::Markers;
use prag_client::identity::Purpose;
use prag_tests::{Lab, Wiretap, ask, compact, get, json};
use scanner::{RUN, Scanner};
use std::io::Write;
use std::sync::{Arc, Mutex, OnceLock};

/// Nothing of texts, ids, titles, headings, metadata, names, filters, queries, vectors, content hashes and key
/// shares is in the data directory, the logs, the metrics, the traffic or what `/proc` says of the process.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_leaks() {
    let logs = logs();
    let mut lab = Lab::start().await;
    let tap = Wiretap::before(lab.address()).await;
    let (owner, reader) =
        (lab.client_at("owner", &tap.url()).await, lab.client_at("reader", &tap.url()).await);
    let markers = Markers::default();
    let mut scanner = Scanner::default();
    markers.tell(&mut scanner);

    let id = corpus::fill(&owner, &markers, lab.scratch(), &mut scanner).await;
    let supplied = corpus::fill_supplied(&owner, &markers, &mut scanner).await;
    corpus::read(&owner, &markers, id, &mut scanner).await;
    corpus::grant(&owner, &reader, &markers, id).await;
    corpus::provoke(&owner, &markers, id).await;
    let mut found = scanner.find_in_folder(lab.path());

    corpus::delete_some(&owner, &markers, id).await;
    compact(&owner, id).await;
    compact(&owner, supplied).await;
    corpus::read(&owner, &markers, id, &mut scanner).await;
    found.extend(scanner.find_in_folder(lab.path()));

    lab.restart().await;
    corpus::read(&owner, &markers, id, &mut scanner).await;
    corpus::grant(&owner, &reader, &markers, id).await;
    let metrics = get(lab.address(), "/metrics").await;
    assert!(metrics.contains("prag_queries_total"), "{metrics}");
    let proc = proc();
    lab.stop().await;

    found.extend(scanner.find_in_folder(lab.path()));
    let written = String::from_utf8(logs.lock().unwrap().clone()).unwrap();
    assert!(written.contains("TRACE") && written.contains("prag::http"));
    for (place, bytes) in [
        ("the metrics", metrics.into_bytes()),
        ("what /proc says", proc),
        ("the traffic to the worker", tap.sent()),
        ("the traffic from the worker", tap.received()),
        ("the logs", logs.lock().unwrap().clone()),
    ] {
        assert!(bytes.len() > 200, "{place} was captured");
        found.extend(scanner.find(&bytes).iter().map(|name| format!("{name} in {place}")));
    }
    assert_eq!(found, Vec::<String>::new());
}

/// The scanner finds what is planted: in a file, its name, a log line, a plain request and its reply's other
/// encodings, and a vector; seven numbers of a vector are not eight.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_scanner_can_fail() {
    let mut scanner = Scanner::default();
    scanner.text("PlantedMarkerK");
    let vector: Vec<f32> = (0..32u8).map(|i| f32::from(i).sin() * 3.0).collect();
    scanner.vector("a vector", &vector);
    let planted = vec!["PlantedMarkerK".to_owned()];

    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("000004.log"), "..plantedmarkerk..").unwrap();
    assert_eq!(scanner.find_in_folder(folder.path()).len(), 1);
    std::fs::create_dir(folder.path().join("PlantedMarkerK")).unwrap();
    assert_eq!(scanner.find_in_folder(folder.path()).len(), 2);

    use base64::Engine;
    for before in 0..4 {
        let text = [&b"xyzw"[..before], b"PlantedMarkerK!?"].concat();
        let base64 = base64::engine::general_purpose::STANDARD.encode(&text);
        assert_eq!(scanner.find(base64.as_bytes()), planted, "{before}");
        assert_eq!(scanner.find(hex::encode(&text).as_bytes()), planted);
    }
    assert!(scanner.find(b"PlantedMarker").is_empty());

    let stored = |numbers: &[f32]| -> Vec<u8> {
        let bytes = numbers.iter().flat_map(|number| number.to_le_bytes());
        [9, 9, 9].into_iter().chain(bytes).collect()
    };
    assert_eq!(scanner.find(&stored(&vector[5..5 + RUN])), ["a vector"]);
    assert!(scanner.find(&stored(&vector[5..4 + RUN])).is_empty());
    let length = vector.iter().map(|x| x * x).sum::<f32>().sqrt();
    let unit: Vec<f32> = vector.iter().map(|x| x / length).collect();
    assert_eq!(scanner.find(&stored(&unit)), ["a vector"]);
    assert_eq!(scanner.find(format!("{unit:?}").as_bytes()).len(), 1);

    let logs = logs();
    tracing::trace!(target: "anywhere", text = "PlantedMarkerK", "planted");
    assert_eq!(scanner.find(&logs.lock().unwrap()), planted);

    let lab = Lab::start_with(|settings| settings.plain = true).await;
    let tap = Wiretap::before(lab.address()).await;
    let client = lab.client_at("owner", &tap.url()).await;
    ask(&client, Purpose::Data, &json("GET", "/v1/PlantedMarkerK", b"")).await;
    assert!(scanner.find(&tap.sent()).is_empty(), "the channel hides it");
    let tapped = tap.url().strip_prefix("http://").unwrap().parse().unwrap();
    get(tapped, "/v1/PlantedMarkerK").await;
    assert_eq!(scanner.find(&tap.sent()), planted);
}

/// What `/proc` says of this process: how it was started, what it maps, and what it has open, by name.
fn proc() -> Vec<u8> {
    let mut all = Vec::new();
    for name in ["cmdline", "environ", "maps", "comm", "status", "mountinfo"] {
        all.extend(std::fs::read(format!("/proc/self/{name}")).unwrap());
    }
    for open in std::fs::read_dir("/proc/self/fd").unwrap().map(Result::unwrap) {
        // The folder's own entry is closed by now.
        if let Ok(target) = std::fs::read_link(open.path()) {
            all.extend(target.as_os_str().as_encoded_bytes());
            all.push(b'\n');
        }
    }
    all
}

/// Everything this process logs, at any level, for any target.
fn logs() -> Arc<Mutex<Vec<u8>>> {
    static LOGS: OnceLock<Arc<Mutex<Vec<u8>>>> = OnceLock::new();
    let logs = LOGS.get_or_init(|| {
        let logs = Arc::new(Mutex::new(Vec::new()));
        let writer = Buffer(Arc::clone(&logs));
        tracing_subscriber::fmt()
            .with_max_level(tracing::Level::TRACE)
            .with_ansi(false)
            .with_writer(move || writer.clone())
            .init();
        logs
    });
    Arc::clone(logs)
}

#[derive(Clone)]
struct Buffer(Arc<Mutex<Vec<u8>>>);

impl Write for Buffer {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}
