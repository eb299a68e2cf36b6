//! The table.
//!
//! Layer: benches.
//! Holds: a report as Markdown: a line about the run, a line for each row, a line for what is missing.
//! Never: more digits than three: the rest is noise.
//! Invariant: every row of the report is in the table, in its order.

use crate::contest::{Contest, Contestant};
use crate::report::{Aim, Measurement, Report, Row, Unit};
use crate::stats::Interval;
use std::fmt::Write;

/// The report as a Markdown table.
#[must_use]
pub fn markdown(report: &Report) -> String {
    let run = &report.run;
    let mut out = String::new();
    if run.quick {
        out.push_str("**A smoke run: these figures mean nothing.**\n\n");
    }
    let memory = run.memory_bytes as f64 / (1u64 << 30) as f64;
    let versions: Vec<String> =
        run.versions.iter().map(|(name, version)| format!("{name} {version}")).collect();
    // Writing to a string cannot fail.
    let _ = writeln!(
        out,
        "{}; commit {}; {}, {} processors, {memory:.0} GiB; Linux {}; databases on {}; load {} before, {} after; \
         profile {}; {}; {}.\n",
        run.date,
        run.commit,
        run.processor,
        run.processors,
        run.kernel,
        run.disk,
        run.load_before,
        run.load_after,
        run.profile,
        run.compiler,
        versions.join(", "),
    );
    out.push_str("| figure | measured | against | difference | ratio (95 %) | bar | n | data |\n");
    out.push_str("|---|---|---|---|---|---|---|---|\n");
    let mut notes = Notes::default();
    for row in &report.rows {
        let _ = writeln!(out, "{}", line(row, &mut notes));
    }
    for contest in &report.contests {
        side_by_side(contest, &mut out);
    }
    for (number, data) in (1..).zip(&notes.0) {
        let _ = writeln!(out, "\n[{number}] {data}.");
    }
    for skipped in &report.skipped {
        let _ = writeln!(out, "\nNot measured: `{}`, {}.", skipped.id, skipped.reason);
    }
    out
}

/// Long names of data sets, each once.
#[derive(Default)]
struct Notes(Vec<String>);

impl Notes {
    fn short(&mut self, data: &str) -> String {
        if data.len() <= NAME_BYTES_MAX {
            return data.to_owned();
        }
        let known = self.0.iter().position(|note| note == data);
        let index = known.unwrap_or_else(|| {
            self.0.push(data.to_owned());
            self.0.len() - 1
        });
        format!("[{}]", index + 1)
    }
}

fn line(row: &Row, notes: &mut Notes) -> String {
    let figures = |side: &Measurement| {
        let median = quantity(side.summary.median, row.unit);
        let p99 = side.summary.p99.map(|p99| format!(", p99 {}", quantity(p99, row.unit)));
        median + &p99.unwrap_or_default()
    };
    let side = |side: &Measurement| format!("{} {}", side.name, figures(side));
    let absent = || "–".to_owned();
    let measured = if row.baseline.is_some() { side(&row.subject) } else { figures(&row.subject) };
    let cells = [
        row.figure.clone(),
        measured,
        row.baseline.as_ref().map_or_else(absent, side),
        row.difference.map_or_else(absent, |value| signed(value, row.unit)),
        row.ratio.map_or_else(absent, |ratio| interval(ratio, row.subject.summary.count)),
        row.bar.map_or_else(absent, |bar| aim(row, bar)),
        row.subject.summary.count.to_string(),
        notes.short(&row.data),
    ];
    format!("| {} |", cells.join(" | "))
}

fn interval(ratio: Interval, count: usize) -> String {
    if count == 1 {
        return format!("{:.2}", ratio.median);
    }
    format!("{:.2} ({:.2}–{:.2})", ratio.median, ratio.low, ratio.high)
}

/// What is aimed at, and whether the interval lies on one side of it.
fn aim(row: &Row, bar: f64) -> String {
    let figure = row.subject.summary.median;
    let of_figure = Some((figure, figure));
    let of_ratio = row.ratio.map(|ratio| (ratio.low, ratio.high));
    let (range, least) = match row.aim {
        Aim::RatioAtMost => (of_ratio, false),
        Aim::RatioAtLeast => (of_ratio, true),
        Aim::AtMost => (of_figure, false),
        Aim::AtLeast => (of_figure, true),
    };
    let verdict = match range {
        Some((low, _)) if least && low >= bar => "met",
        Some((_, high)) if least && high < bar => "missed",
        Some((_, high)) if !least && high <= bar => "met",
        Some((low, _)) if !least && low > bar => "missed",
        _ => "undecided",
    };
    let sign = if least { '≥' } else { '≤' };
    match row.aim {
        Aim::RatioAtMost | Aim::RatioAtLeast => format!("{sign} {bar:.2} {verdict}"),
        Aim::AtMost | Aim::AtLeast => format!("{sign} {} {verdict}", quantity(bar, row.unit)),
    }
}

/// Engines of one data set, a line each: the columns after memory are queries a second.
fn side_by_side(contest: &Contest, out: &mut String) {
    // Writing to a string cannot fail.
    let _ =
        writeln!(out, "\n{}; k 10, M 16, efConstruction 200; queries a second:\n", contest.data);
    out.push_str("| engine | build | memory / vector | 0.95, 1 thread | 0.99, 1 thread | 0.95, all | 0.99, all |\n");
    out.push_str("|---|---|---|---|---|---|---|\n");
    for engine in &contest.engines {
        let rate = |all: bool, recall: f64| rate(engine, all, recall);
        let earlier = if engine.built_now { "" } else { " (an earlier run)" };
        let cells = [
            format!("{} {}", engine.name, engine.version),
            format!("{}{earlier}", quantity(engine.build_seconds, Unit::Seconds)),
            quantity(engine.bytes_per_row, Unit::Bytes),
            rate(false, 0.95),
            rate(false, 0.99),
            rate(true, 0.95),
            rate(true, 0.99),
        ];
        let _ = writeln!(out, "| {} |", cells.join(" | "));
    }
}

fn rate(engine: &Contestant, all_threads: bool, recall: f64) -> String {
    let at =
        |rate: &&crate::contest::Rate| rate.all_threads == all_threads && rate.recall == recall;
    let found = engine.rates.iter().find(at);
    found.map_or_else(|| "–".to_owned(), |rate| format!("{:.0}", rate.rate))
}

fn signed(value: f64, unit: Unit) -> String {
    let sign = if value < 0.0 { "−" } else { "+" };
    format!("{sign}{}", quantity(value.abs(), unit))
}

/// A figure with three digits and a unit of its size.
#[must_use]
pub fn quantity(value: f64, unit: Unit) -> String {
    if unit == Unit::Share {
        return format!("{value:.3}");
    }
    let (scales, largest): (&[Scale], Scale) = match unit {
        Unit::Seconds => (&[(1e-3, 1e-6, "µs"), (1.0, 1e-3, "ms")], (0.0, 1.0, "s")),
        Unit::Bytes => (&[(1e4, 1.0, "B"), (1e7, 1e3, "kB"), (1e10, 1e6, "MB")], (0.0, 1e9, "GB")),
        Unit::BytesPerSecond => (&[(1e9, 1e6, "MB/s")], (0.0, 1e9, "GB/s")),
        Unit::PerSecond | Unit::Share => (&[(1e4, 1.0, "/s")], (0.0, 1e3, "k/s")),
    };
    let (_, divisor, name) =
        scales.iter().copied().find(|(below, ..)| value < *below).unwrap_or(largest);
    let value = value / divisor;
    let digits = match value {
        _ if name == "B" => 0,
        99.95.. => 0,
        9.995.. => 1,
        _ => 2,
    };
    format!("{value:.digits$} {name}")
}

/// Longest name of a data set that stands in the table itself.
const NAME_BYTES_MAX: usize = 40;

/// Below what a unit is taken, how much it is, and its name.
type Scale = (f64, f64, &'static str);

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::panic)]
    use super::*;
    use crate::measure::Measured;

    /// Three digits, and the unit that fits.
    #[test]
    fn quantities_are_short() {
        for (value, text) in [
            (0.0, "0.00 µs"),
            (1.234e-4, "123 µs"),
            (9.996e-4, "1000 µs"),
            (0.01234, "12.3 ms"),
            (2.5, "2.50 s"),
        ] {
            assert_eq!(quantity(value, Unit::Seconds), text);
        }
        assert_eq!(quantity(83_968.0, Unit::Bytes), "84.0 kB");
        assert_eq!(quantity(512.0, Unit::Bytes), "512 B");
        assert_eq!(quantity(2.2e9, Unit::BytesPerSecond), "2.20 GB/s");
        assert_eq!(quantity(2345.6, Unit::PerSecond), "2346 /s");
        assert_eq!(quantity(23_456.0, Unit::PerSecond), "23.5 k/s");
        assert_eq!(quantity(0.9876, Unit::Share), "0.988");
        assert_eq!(signed(-2e-6, Unit::Seconds), "−2.00 µs");
    }

    /// A row shows both sides, the difference, the ratio with its interval, and the bar.
    #[test]
    fn rows_are_whole() {
        let side = |name: &str, seconds: f64| Measured {
            name: name.to_owned(),
            samples: vec![seconds; 100],
        };
        let (ours, theirs) = (side("sealed", 3e-3), side("plain", 2e-3));
        let row = Row::single("a/b", "write", "texts", Unit::Seconds, &ours).unwrap();
        let row = row.against(&ours, &theirs).unwrap().bar(1.1);
        let expected = "| write | sealed 3.00 ms, p99 3.00 ms | plain 2.00 ms, p99 2.00 ms | +1.00 ms | \
                        1.50 (1.50–1.50) | ≤ 1.10 missed | 100 | texts |";
        let mut notes = Notes::default();
        assert_eq!(line(&row, &mut notes), expected);
        assert!(aim(&row, 1.5).ends_with(" met"));
        assert_eq!(aim(&row.clone().aim(Aim::RatioAtLeast, 1.2), 1.2), "≥ 1.20 met");
        assert_eq!(aim(&row.clone().aim(Aim::AtMost, 1e-3), 1e-3), "≤ 1.00 ms missed");
        assert!(aim(&Row { ratio: None, ..row }, 1.0).ends_with(" undecided"));
        let counted = Measured::once("request", 512.0);
        let long = "a data set whose name is longer than a cell of the table";
        let row = Row::single("a/c", "size", long, Unit::Bytes, &counted).unwrap();
        for _ in 0..2 {
            assert_eq!(line(&row, &mut notes), "| size | 512 B | – | – | – | – | 1 | [1] |");
        }
        assert_eq!(notes.0, [long]);
    }
}
