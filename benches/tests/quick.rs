//! The bench does not rot: a smoke run makes every row, the files and the table.

#![allow(clippy::unwrap_used, clippy::panic)]

use prag_benches::measure::Screen;
use prag_benches::{Options, Report, plot, run, table};

/// Every row is there, with figures that are numbers; report, table and plots hold all of them. No time is judged.
#[test]
fn a_quick_run_makes_every_row() {
    let folder = tempfile::tempdir().unwrap();
    let options = Options::quick(folder.path().to_owned());
    let report = run(&options, &Screen::silent()).unwrap();
    for id in ROWS {
        let skipped =
            report.skipped.iter().any(|one| one.id == id && id.starts_with("verify/real"));
        assert!(report.row(id).is_some() || skipped, "{id} is not there");
    }
    let known = |id: &str| ROWS.contains(&id);
    assert!(report.rows.iter().all(|row| known(&row.id)), "a row that this test does not know");
    for row in &report.rows {
        for side in row.baseline.iter().chain([&row.subject]) {
            let figures = &side.summary.percentiles;
            assert!(figures.iter().all(|figure| figure.is_finite() && *figure > 0.0), "{}", row.id);
        }
        assert_eq!(row.ratio.is_some(), row.baseline.is_some(), "{}", row.id);
        let ratio = row.ratio.map_or(1.0, |ratio| ratio.low.min(ratio.high));
        assert!(ratio.is_finite() && ratio > 0.0, "{}", row.id);
    }

    let path = report.write(&options.out()).unwrap();
    let read: Report = serde_json::from_str(&std::fs::read_to_string(&path).unwrap()).unwrap();
    assert_eq!(read.rows.len(), report.rows.len());
    assert!(read.run.quick && read.run.processors > 0 && !read.run.commit.is_empty());
    let text = table::markdown(&read);
    assert_eq!(text.lines().filter(|line| line.starts_with("| ")).count(), read.rows.len() + 1);
    assert!(text.contains("these figures mean nothing"));
    let compared = read.rows.iter().filter(|row| row.ratio.is_some());
    let [ratios, latency] = &plot::write(&read, &path).unwrap()[..] else { panic!("two plots") };
    let (ratios, latency) =
        (std::fs::read_to_string(ratios).unwrap(), std::fs::read_to_string(latency).unwrap());
    for row in compared {
        assert!(ratios.contains(&row.id), "{} is not drawn", row.id);
    }
    assert!(ratios.starts_with("<svg") && latency.contains("bare index"));
}

const ROWS: [&str; 38] = [
    "verify/sim",
    "verify/tdx",
    "verify/tdx-cached",
    "verify/snp",
    "verify/snp-cached",
    "verify/gpu",
    "verify/tdx-gpu",
    "verify/tdx-gpu-cached",
    "verify/snp-gpu",
    "verify/snp-gpu-cached",
    "verify/real-tdx",
    "verify/real-snp",
    "verify/real-gpu",
    "crypto/seal-frames",
    "crypto/open-frames",
    "crypto/permit",
    "crypto/sign",
    "crypto/verify",
    "crypto/verify-known",
    "ingest/single",
    "ingest/bulk",
    "open/tail",
    "open/tail/load",
    "open/segment",
    "open/segment/load",
    "search/dense",
    "store/bytes",
    "request/small/http",
    "request/small/channel",
    "request/query/admission",
    "request/query/http",
    "request/query/channel",
    "request/query/sign",
    "request/query/quota",
    "request/query/whole",
    "request/query/crypto",
    "wire/request",
    "wire/reply",
];
