//! The bench does not rot: a smoke run makes every row, the files and the table.

#![allow(clippy::unwrap_used, clippy::panic)]

use prag_benches::measure::Screen;
use prag_benches::{Options, Report, Suite, plot, run, table};

/// Every row is there, with figures that are numbers; report, table and plots hold all of them. No time is judged.
#[test]
fn a_quick_run_makes_every_row() {
    let folder = tempfile::tempdir().unwrap();
    let options = Options { suite: vec![Suite::Tax], ..Options::quick(folder.path().to_owned()) };
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

/// Every row of ours against others is there, or named as skipped where there is nobody to compare with.
#[test]
fn a_quick_search_makes_every_row() {
    let folder = tempfile::tempdir().unwrap();
    let options = Options {
        suite: vec![Suite::Search],
        program: Some(env!("CARGO_BIN_EXE_prag-bench").into()),
        ..Options::quick(folder.path().to_owned())
    };
    let report = run(&options, &Screen::silent()).unwrap();
    let rows: Vec<&str> = report.rows.iter().map(|row| row.id.as_str()).collect();
    assert_eq!(rows, search_rows());
    for row in &report.rows {
        let figures = &row.subject.summary.percentiles;
        assert!(figures.iter().all(|figure| figure.is_finite() && *figure > 0.0), "{}", row.id);
    }
    let recalls = report.rows.iter().filter(|row| row.id.ends_with("/recall"));
    assert!(
        recalls.into_iter().all(|row| row.subject.summary.median == 1.0),
        "small sets are scanned"
    );
    let skipped: Vec<&str> = report.skipped.iter().map(|one| one.id.as_str()).collect();
    for set in ["made-up-16d", "made-up-32d"] {
        assert!(skipped.contains(&&*format!("search/{set}/one/0.99/qdrant")), "{skipped:?}");
    }
    let sets: Vec<(&str, usize)> =
        report.contests.iter().map(|contest| (contest.set.as_str(), contest.rows)).collect();
    assert_eq!(sets[..2], [("made-up-16d", 600), ("made-up-32d", 600)]);
    assert_eq!(sets[2..], [("made-up-16d", 200), ("made-up-16d", 700)]);

    let path = report.write(&options.out()).unwrap();
    let read: Report = serde_json::from_str(&std::fs::read_to_string(&path).unwrap()).unwrap();
    assert_eq!((read.rows.len(), read.contests.len()), (report.rows.len(), 4));
    let text = table::markdown(&read);
    assert_eq!(text.matches("\n| ours ").count(), 4, "{text}");
    let plots = plot::write(&read, &path).unwrap();
    let whole = |plot: &std::path::PathBuf| {
        std::fs::read_to_string(plot)
            .is_ok_and(|svg| svg.starts_with("<svg") && svg.contains("</svg>"))
    };
    assert_eq!(plots.len(), 5, "{plots:?}");
    assert!(plots.iter().all(whole));
}

/// In the order of the table.
fn search_rows() -> Vec<String> {
    let mut rows = Vec::new();
    for set in ["made-up-16d", "made-up-32d"] {
        for threads in ["one", "all"] {
            for recall in ["0.95", "0.99"] {
                rows.push(format!("search/{set}/{threads}/{recall}/fastest"));
            }
        }
        rows.push(format!("memory/{set}"));
        rows.push(format!("memory/{set}/i8"));
        for permille in [100, 10, 1] {
            rows.push(format!("filter/{set}/{permille}/recall"));
            rows.push(format!("filter/{set}/{permille}/cost"));
        }
    }
    rows.push("build/ours".to_owned());
    rows.extend([200, 700].map(|size| format!("scale/{size}")));
    for clients in [1, 4, 16] {
        rows.push(format!("servers/ours/{clients}"));
        rows.push(format!("load/ours/{clients}"));
    }
    rows
}

const ROWS: [&str; 43] = [
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
    "scan/oblivious/1",
    "scan/oblivious/10",
    "words/2",
    "words/5",
    "request/small/http",
    "request/small/channel",
    "request/query/admission",
    "request/query/http",
    "request/query/channel",
    "request/query/sdk",
    "request/query/quota",
    "request/query/whole",
    "request/query/together",
    "request/query/crypto",
    "wire/request",
    "wire/reply",
];
