//! Plots.
//!
//! Layer: benches.
//! Holds: ratios with their intervals, and how the times of each way to ask are distributed; SVG. The suite `search`
//!   is drawn by `contests` and `loads`.
//! Never: a scale that begins where it flatters: ratios are drawn from 1, times from the smallest.
//! Invariant: everything drawn is in the report's rows.

mod contests;
mod loads;

use crate::error::{BenchError, Step};
use crate::report::{Measurement, Report, Row, Unit};
use crate::stats::Interval;
use plotters::prelude::*;
use std::path::{Path, PathBuf};

/// Writes the plots beside the report at `path`, those of which it has rows: `…-ratios.svg`, `…-latency.svg`; a
/// `…-recall-SET.svg` for each data set, `…-engines.svg`, `…-scale.svg`, `…-load.svg`.
///
/// # Errors
/// [`BenchError`] where a file cannot be written.
pub fn write(report: &Report, path: &Path) -> Result<Vec<PathBuf>, BenchError> {
    let stem = path.file_stem().unwrap_or_default().to_string_lossy().into_owned();
    let beside = |what: &str| path.with_file_name(format!("{stem}-{what}.svg"));
    let mut written = Vec::new();
    let mut draw = |what: &str, drawing: &dyn Fn(&Path) -> Drawn| {
        let path = beside(what);
        drawing(&path).step("plotting")?;
        written.push(path);
        Ok::<(), BenchError>(())
    };
    let is_tax = |row: &&Row| row.ratio.is_some() && taxed(row);
    if report.rows.iter().any(|row| is_tax(&row)) {
        draw("ratios", &|path| ratios(report, path))?;
    }
    if report.row("request/query/whole").is_some() {
        draw("latency", &|path| latency(report, path))?;
    }
    for contest in contests::main(report) {
        draw(&format!("recall-{}", contest.set), &|path| contests::recall(contest, report, path))?;
    }
    if !report.contests.is_empty() {
        draw("engines", &|path| contests::engines(report, path))?;
        draw("scale", &|path| contests::scale(report, path))?;
    }
    if report.rows.iter().any(|row| row.group() == "load") {
        draw("load", &|path| loads::load(report, path))?;
    }
    Ok(written)
}

/// Whether a row is of the suite `tax`: only its ratios are a tax.
fn taxed(row: &Row) -> bool {
    !SEARCH.contains(&row.group()) || row.id == "search/dense"
}

type Drawn = Result<(), Box<dyn std::error::Error>>;

/// A bar for each row with a ratio, from 1 to its median, with its interval and its bar (the aim).
fn ratios(report: &Report, path: &Path) -> Drawn {
    // The vertical axis begins below, the table above.
    let rows: Vec<(&Row, Interval)> = report
        .rows
        .iter()
        .rev()
        .filter(|row| taxed(row))
        .filter_map(|row| Some((row, row.ratio?)))
        .collect();
    let count = u32::try_from(rows.len())?;
    let (low, high) = rows.iter().fold((0.8, 2.0), |(low, high), (_, ratio)| {
        (f64::min(low, ratio.low * 0.9), f64::max(high, ratio.high * 1.1))
    });
    let root = SVGBackend::new(path, (960, 120 + 24 * count)).into_drawing_area();
    root.fill(&WHITE)?;
    let mut chart = ChartBuilder::on(&root)
        .caption("The privacy tax: measured / against, paired, log scale", FONT)
        .margin(12)
        .x_label_area_size(56)
        .y_label_area_size(230)
        .build_cartesian_2d(
            (low..high).log_scale(),
            (0..count.saturating_sub(1)).into_segmented(),
        )?;
    let place = |index: usize| u32::try_from(index).unwrap_or_default();
    let name = |position: &SegmentValue<u32>| match position {
        SegmentValue::CenterOf(index) | SegmentValue::Exact(index) => {
            rows.get(*index as usize).map_or_else(String::new, |(row, _)| row.id.clone())
        }
        SegmentValue::Last => String::new(),
    };
    chart
        .configure_mesh()
        .disable_y_mesh()
        .y_labels(rows.len())
        .y_label_formatter(&name)
        .x_label_formatter(&|ratio| ratio.to_string())
        .label_style(SMALL)
        .max_light_lines(1)
        .x_desc("ratio; a thin line is the 95 % interval, a red mark what is aimed at")
        .draw()?;
    chart.draw_series(rows.iter().enumerate().map(|(index, (_, ratio))| {
        let (from, to) = (SegmentValue::Exact(place(index)), SegmentValue::Exact(place(index + 1)));
        let colour = if ratio.median > 1.0 { COLOURS[0] } else { COLOURS[1] };
        let mut bar = Rectangle::new([(1.0, from), (ratio.median, to)], colour.mix(0.7).filled());
        bar.set_margin(5, 5, 0, 0);
        bar
    }))?;
    chart.draw_series(rows.iter().enumerate().map(|(index, (_, ratio))| {
        let at = SegmentValue::CenterOf(place(index));
        PathElement::new(vec![(ratio.low, at.clone()), (ratio.high, at)], BLACK)
    }))?;
    chart.draw_series(rows.iter().enumerate().filter_map(|(index, (row, _))| {
        let (from, to) = (SegmentValue::Exact(place(index)), SegmentValue::Exact(place(index + 1)));
        let bar = row.bar?;
        Some(PathElement::new(vec![(bar, from), (bar, to)], RED.stroke_width(2)))
    }))?;
    root.present()?;
    Ok(())
}

/// The share of queries that took at most so long, for each way to ask.
fn latency(report: &Report, path: &Path) -> Drawn {
    let mut ways: Vec<&Measurement> = Vec::new();
    let asked = |row: &&Row| row.id.starts_with("request/query/") && row.baseline.is_some();
    for row in report.rows.iter().filter(asked).filter(|row| row.unit == Unit::Seconds) {
        for side in row.baseline.iter().chain([&row.subject]) {
            if !ways.iter().any(|known| known.name == side.name) {
                ways.push(side);
            }
        }
    }
    let times = || ways.iter().flat_map(|way| &way.summary.percentiles).map(|time| time * 1e3);
    let (low, high) = (times().fold(f64::MAX, f64::min), times().fold(0.0, f64::max));
    if low >= high {
        return Err("no query was timed".into());
    }
    let root = SVGBackend::new(path, (960, 480)).into_drawing_area();
    root.fill(&WHITE)?;
    let mut chart = ChartBuilder::on(&root)
        .caption("A query by vector, from the bare index to the whole call", FONT)
        .margin(12)
        .x_label_area_size(56)
        .y_label_area_size(72)
        .build_cartesian_2d((low * 0.9..high * 1.1).log_scale(), 0.0..100.0)?;
    chart
        .configure_mesh()
        .x_label_formatter(&|milliseconds| milliseconds.to_string())
        .label_style(SMALL)
        .max_light_lines(1)
        .x_desc("milliseconds, log scale")
        .y_desc("% of queries within")
        .draw()?;
    for (way, colour) in ways.iter().zip(COLOURS.iter().cycle()) {
        let points = way.summary.percentiles.iter().enumerate();
        let points = points.map(|(percent, seconds)| (seconds * 1e3, percent as f64));
        chart
            .draw_series(LineSeries::new(points, colour.stroke_width(2)))?
            .label(way.name.clone())
            .legend(move |(x, y)| PathElement::new(vec![(x, y), (x + 18, y)], *colour));
    }
    chart
        .configure_series_labels()
        .label_font(SMALL)
        .position(SeriesLabelPosition::LowerRight)
        .background_style(WHITE.mix(0.8))
        .border_style(BLACK)
        .draw()?;
    root.present()?;
    Ok(())
}

/// Groups of rows of the suite `search`.
const SEARCH: [&str; 7] = ["search", "memory", "filter", "build", "scale", "servers", "load"];
const FONT: (&str, u32) = ("sans-serif", 22);
const SMALL: (&str, u32) = ("sans-serif", 16);
/// Told apart by those who do not see red and green (Okabe and Ito 2008).
const COLOURS: [RGBColor; 6] = [
    RGBColor(0, 114, 178),
    RGBColor(0, 158, 115),
    RGBColor(230, 159, 0),
    RGBColor(204, 121, 167),
    RGBColor(213, 94, 0),
    RGBColor(86, 180, 233),
];
