//! What a run found.
//!
//! Layer: benches.
//! Holds: rows, each of one side or of two with their ratio, and the file that keeps them (format 1).
//! Never: a ratio of medians: ratios are formed pair by pair first.
//! Invariant: both sides of a row have as many samples, or one of them has a single, counted figure.

use crate::error::{BenchError, Step};
use crate::machine::Run;
use crate::measure::Measured;
use crate::stats::{Interval, Summary};

pub use crate::contest::{Contest, Contestant, Point, Rate};
use serde::{Deserialize, Serialize};
use std::path::{Path, PathBuf};

/// A run with its rows.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Report {
    /// Of this file: 1.
    pub format: u32,
    /// Machine, commit, versions: they hold for every row.
    pub run: Run,
    /// What was measured.
    pub rows: Vec<Row>,
    /// What was not, and why.
    pub skipped: Vec<Skipped>,
    /// Engines side by side, with their curves.
    #[serde(default)]
    pub contests: Vec<Contest>,
}

/// One line of the table.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Row {
    /// Stable name, `group/figure`.
    pub id: String,
    /// What was done.
    pub figure: String,
    /// On which data.
    pub data: String,
    /// Of every figure in the row.
    pub unit: Unit,
    /// What the row is about.
    pub subject: Measurement,
    /// What it is compared with.
    pub baseline: Option<Measurement>,
    /// Subject minus baseline, the median over the pairs.
    pub difference: Option<f64>,
    /// Subject divided by baseline, pair by pair.
    pub ratio: Option<Interval>,
    /// What is aimed at.
    pub bar: Option<f64>,
    /// Which side of it, and of what.
    #[serde(default)]
    pub aim: Aim,
}

/// What a bar is about.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Aim {
    /// The ratio, at most so much.
    #[default]
    RatioAtMost,
    /// The ratio, at least so much.
    RatioAtLeast,
    /// The figure itself, at most so much.
    AtMost,
    /// The figure itself, at least so much.
    AtLeast,
}

/// One side of a row.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Measurement {
    /// What ran.
    pub name: String,
    /// Its figures.
    #[serde(flatten)]
    pub summary: Summary,
}

/// What a figure counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Unit {
    /// Time; less is better.
    #[serde(rename = "s")]
    Seconds,
    /// Size; less is better.
    #[serde(rename = "B")]
    Bytes,
    /// Throughput; more is better.
    #[serde(rename = "B/s")]
    BytesPerSecond,
    /// Queries or rows a second; more is better.
    #[serde(rename = "1/s")]
    PerSecond,
    /// From 0 to 1.
    #[serde(rename = "1")]
    Share,
}

/// What could not be measured here.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Skipped {
    /// The row's name.
    pub id: String,
    /// What is missing.
    pub reason: String,
}

/// Rows as they come.
#[derive(Default)]
pub struct Sheet {
    rows: Vec<Row>,
    skipped: Vec<Skipped>,
    contests: Vec<Contest>,
}

impl Sheet {
    /// Adds a row.
    pub fn add(&mut self, row: Row) {
        self.rows.push(row);
    }

    /// Adds engines that were set side by side.
    pub fn contest(&mut self, contest: Contest) {
        self.contests.push(contest);
    }

    /// Says what is not there.
    pub fn skip(&mut self, id: &str, reason: &str) {
        self.skipped.push(Skipped { id: id.to_owned(), reason: reason.to_owned() });
    }
}

impl Row {
    /// A row of one side.
    ///
    /// # Errors
    /// [`BenchError`] where nothing was measured.
    pub fn single(
        id: &str,
        figure: &str,
        data: &str,
        unit: Unit,
        subject: &Measured,
    ) -> Result<Self, BenchError> {
        Ok(Self {
            id: id.to_owned(),
            figure: figure.to_owned(),
            data: data.to_owned(),
            unit,
            subject: Measurement::of(subject)?,
            baseline: None,
            difference: None,
            ratio: None,
            bar: None,
            aim: Aim::default(),
        })
    }

    /// This row against `baseline`, whose samples belong to those of the subject one by one.
    ///
    /// `subject`: as it was given to [`Row::single`].
    ///
    /// # Errors
    /// [`BenchError`] where the samples do not pair up.
    pub fn against(mut self, subject: &Measured, baseline: &Measured) -> Result<Self, BenchError> {
        let (ours, theirs) = (&subject.samples, &baseline.samples);
        if ours.len() != theirs.len() {
            return Err(BenchError::new(&self.id, "the sides do not pair up"));
        }
        let pairs = || ours.iter().zip(theirs);
        let ratios: Vec<f64> = pairs().map(|(ours, theirs)| ours / theirs).collect();
        let differences: Vec<f64> = pairs().map(|(ours, theirs)| ours - theirs).collect();
        self.ratio = Interval::of_median(&ratios);
        self.difference = Summary::of(&differences).map(|summary| summary.median);
        self.baseline = Some(Measurement::of(baseline)?);
        Ok(self)
    }

    /// The ratio that is aimed at.
    #[must_use]
    pub fn bar(mut self, at_most: f64) -> Self {
        self.bar = Some(at_most);
        self
    }

    /// What is aimed at, and which side of it is good.
    #[must_use]
    pub fn aim(mut self, aim: Aim, bar: f64) -> Self {
        (self.aim, self.bar) = (aim, Some(bar));
        self
    }

    /// The part of the id before `/`.
    #[must_use]
    pub fn group(&self) -> &str {
        self.id.split('/').next().unwrap_or_default()
    }
}

impl Measurement {
    fn of(measured: &Measured) -> Result<Self, BenchError> {
        let summary = Summary::of(&measured.samples).step(&measured.name)?;
        Ok(Self { name: measured.name.clone(), summary })
    }
}

impl Report {
    /// The report of a run that ended.
    #[must_use]
    pub fn new(run: Run, sheet: Sheet) -> Self {
        let Sheet { rows, skipped, contests } = sheet;
        Self { format: FORMAT, run, rows, skipped, contests }
    }

    /// Writes the report as JSON, a row on a line, and answers where.
    ///
    /// # Errors
    /// [`BenchError`] where the file cannot be written.
    pub fn write(&self, path: &Path) -> Result<PathBuf, BenchError> {
        if let Some(folder) = path.parent().filter(|folder| !folder.as_os_str().is_empty()) {
            std::fs::create_dir_all(folder).step("making the folder of the results")?;
        }
        std::fs::write(path, self.json().step("encoding the results")?)
            .step("writing the results")?;
        Ok(path.to_owned())
    }

    /// One row on a line, so that two runs can be compared line by line.
    fn json(&self) -> Result<String, serde_json::Error> {
        let rows: Vec<String> =
            self.rows.iter().map(serde_json::to_string).collect::<Result<_, _>>()?;
        let (run, skipped) = (serde_json::to_string(&self.run)?, &self.skipped);
        let (rows, skipped) = (rows.join(",\n"), serde_json::to_string(skipped)?);
        let contests: Vec<String> =
            self.contests.iter().map(serde_json::to_string).collect::<Result<_, _>>()?;
        let (format, contests) = (self.format, contests.join(",\n"));
        Ok(format!(
            "{{\"format\":{format},\n\"run\":{run},\n\"rows\":[\n{rows}\n],\n\"skipped\":{skipped},\n\
             \"contests\":[\n{contests}\n]}}\n"
        ))
    }

    /// The row called `id`.
    #[must_use]
    pub fn row(&self, id: &str) -> Option<&Row> {
        self.rows.iter().find(|row| row.id == id)
    }
}

const FORMAT: u32 = 1;

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::panic)]
    use super::*;

    fn measured(name: &str, samples: &[f64]) -> Measured {
        Measured { name: name.to_owned(), samples: samples.to_vec() }
    }

    /// The ratio is the median of the pairs' ratios, not the ratio of the medians.
    #[test]
    fn ratios_are_formed_pair_by_pair() {
        let ours = measured("ours", &[1.0, 20.0, 300.0]);
        let theirs = measured("theirs", &[2.0, 10.0, 100.0]);
        let row = Row::single("a/b", "f", "d", Unit::Seconds, &ours).unwrap();
        let row = row.against(&ours, &theirs).unwrap();
        assert_eq!((row.ratio.unwrap().median, row.difference), (2.0, Some(10.0)));
        assert_eq!(row.group(), "a");
        let short = measured("short", &[1.0]);
        let row = Row::single("a/b", "f", "d", Unit::Seconds, &ours).unwrap();
        assert!(row.against(&ours, &short).is_err());
    }
}
