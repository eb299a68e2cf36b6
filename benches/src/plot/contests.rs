//! Engines side by side.
//!
//! Layer: benches, plot.
//! Holds: recall against rate of each data set, build time and memory, and how rates fall as rows grow.
//! Never: a point that was not measured: lines only join those that were.
//! Invariant: an engine has one colour in every plot.

use super::{COLOURS, Drawn, FONT, SMALL};
use crate::contest::{Contest, Contestant};
use crate::report::Report;
use plotters::prelude::*;
use std::path::Path;

/// The data sets that are compared at full size: those with rates of all threads.
pub(super) fn main(report: &Report) -> impl Iterator<Item = &Contest> {
    let full = |contest: &&Contest| {
        contest.engines.iter().any(|engine| engine.rates.iter().any(|rate| rate.all_threads))
    };
    report.contests.iter().filter(full)
}

/// Queries a second over recall, a line for each engine; the upper right is better.
pub(super) fn recall(contest: &Contest, report: &Report, path: &Path) -> Drawn {
    let shown = |recall: f64| recall >= RECALL_MIN;
    let points = || contest.engines.iter().flat_map(|engine| &engine.curve);
    let rates = || points().filter(|point| shown(point.recall)).map(|point| point.rate);
    let (low, high) = (rates().fold(f64::MAX, f64::min), rates().fold(0.0, f64::max));
    if low > high {
        return Err("no engine reached the recalls that are drawn".into());
    }
    let root = SVGBackend::new(path, (960, 600)).into_drawing_area();
    root.fill(&WHITE)?;
    let caption = format!("{}: queries a second, one thread", contest.data);
    let mut chart = ChartBuilder::on(&root)
        .caption(caption, FONT)
        .margin(12)
        .x_label_area_size(56)
        .y_label_area_size(80)
        .build_cartesian_2d(RECALL_MIN..1.0, (low * 0.8..high * 1.25).log_scale())?;
    chart
        .configure_mesh()
        .label_style(SMALL)
        .max_light_lines(1)
        .x_desc(format!("recall@10 (commit {})", report.run.commit))
        .y_desc("queries a second, log scale")
        .draw()?;
    for engine in &contest.engines {
        let style = colour(&engine.name).stroke_width(if engine.name == "ours" { 4 } else { 2 });
        let points = engine.curve.iter().filter(|point| shown(point.recall));
        let points: Vec<(f64, f64)> = points.map(|point| (point.recall, point.rate)).collect();
        chart.draw_series(points.iter().map(|at| Circle::new(*at, 3, style.filled())))?;
        chart
            .draw_series(LineSeries::new(points, style))?
            .label(label(engine))
            .legend(move |(x, y)| PathElement::new(vec![(x, y), (x + 18, y)], style));
    }
    legend(&mut chart, SeriesLabelPosition::LowerLeft)?;
    root.present()?;
    Ok(())
}

/// Memory of a vector and build time, engine by engine, for each data set.
pub(super) fn engines(report: &Report, path: &Path) -> Drawn {
    let contests: Vec<&Contest> = main(report).collect();
    let most = contests.iter().map(|contest| contest.engines.len()).max().unwrap_or(1);
    let height = 90 + 26 * u32::try_from(most)?;
    let rows = u32::try_from(contests.len().max(1))?;
    let root = SVGBackend::new(path, (1200, height * rows)).into_drawing_area();
    root.fill(&WHITE)?;
    let areas = root.split_evenly((contests.len().max(1), 2));
    for (contest, pair) in contests.iter().zip(areas.chunks(2)) {
        let build = |engine: &Contestant| engine.build_seconds;
        bars(&pair[0], contest, &format!("{}: build, seconds", contest.set), &build)?;
        let memory = |engine: &Contestant| engine.bytes_per_row;
        bars(&pair[1], contest, &format!("{}: bytes of a vector", contest.set), &memory)?;
    }
    root.present()?;
    Ok(())
}

fn bars(
    area: &DrawingArea<SVGBackend<'_>, plotters::coord::Shift>,
    contest: &Contest,
    caption: &str,
    value: &dyn Fn(&Contestant) -> f64,
) -> Drawn {
    let count = u32::try_from(contest.engines.len())?;
    let most = contest.engines.iter().map(value).fold(f64::MIN_POSITIVE, f64::max);
    let mut chart = ChartBuilder::on(area)
        .caption(caption, FONT)
        .margin(8)
        .x_label_area_size(28)
        .y_label_area_size(120)
        .build_cartesian_2d(0.0..most * 1.05, (0..count.saturating_sub(1)).into_segmented())?;
    let name = |position: &SegmentValue<u32>| match position {
        SegmentValue::CenterOf(index) | SegmentValue::Exact(index) => {
            contest.engines.get(*index as usize).map_or_else(String::new, |one| one.name.clone())
        }
        SegmentValue::Last => String::new(),
    };
    chart
        .configure_mesh()
        .disable_y_mesh()
        .y_labels(contest.engines.len())
        .y_label_formatter(&name)
        .label_style(SMALL)
        .draw()?;
    chart.draw_series((0u32..).zip(&contest.engines).map(|(index, engine)| {
        let (from, to) = (SegmentValue::Exact(index), SegmentValue::Exact(index + 1));
        let style = colour(&engine.name).mix(0.8).filled();
        let mut bar = Rectangle::new([(0.0, from), (value(engine), to)], style);
        bar.set_margin(3, 3, 0, 0);
        bar
    }))?;
    Ok(())
}

/// Queries a second at recall 0.95 over the number of rows, for the first data set.
pub(super) fn scale(report: &Report, path: &Path) -> Drawn {
    let set = report.contests.first().map_or("", |contest| contest.set.as_str());
    let mut contests: Vec<&Contest> =
        report.contests.iter().filter(|contest| contest.set == set).collect();
    contests.sort_by_key(|contest| contest.rows);
    let rate = |engine: &Contestant| {
        let at = |rate: &&crate::contest::Rate| !rate.all_threads && rate.recall == 0.95;
        engine.rates.iter().find(at).map(|rate| rate.rate)
    };
    let line = |name: &str| -> Vec<(f64, f64)> {
        let point = |contest: &&Contest| {
            let engine = contest.engines.iter().find(|engine| engine.name == name)?;
            Some((contest.rows as f64, rate(engine)?))
        };
        contests.iter().filter_map(point).collect()
    };
    let lines: Vec<_> = ["ours", "hnswlib"].map(|name| (name, line(name))).into();
    let all = || lines.iter().flat_map(|(_, line)| line);
    let (low, high) =
        all().fold((f64::MAX, 0.0f64), |(low, high), (_, rate)| (low.min(*rate), high.max(*rate)));
    let (few, many) =
        all().fold((f64::MAX, 0.0f64), |(few, many), (rows, _)| (few.min(*rows), many.max(*rows)));
    if low > high {
        return Err("no size was measured".into());
    }
    let root = SVGBackend::new(path, (960, 480)).into_drawing_area();
    root.fill(&WHITE)?;
    let mut chart = ChartBuilder::on(&root)
        .caption(format!("{set}: queries a second at recall@10 0.95, one thread"), FONT)
        .margin(12)
        .x_label_area_size(56)
        .y_label_area_size(80)
        .build_cartesian_2d(
            (few * 0.9..many * 1.1).log_scale(),
            (low * 0.8..high * 1.25).log_scale(),
        )?;
    chart
        .configure_mesh()
        .label_style(SMALL)
        .max_light_lines(1)
        .x_desc("rows, log scale; those beyond the data set's own are synthetic")
        .y_desc("queries a second, log scale")
        .draw()?;
    for (name, line) in lines {
        let style = colour(name).stroke_width(2);
        chart.draw_series(line.iter().map(|at| Circle::new(*at, 3, style.filled())))?;
        chart
            .draw_series(LineSeries::new(line, style))?
            .label(name)
            .legend(move |(x, y)| PathElement::new(vec![(x, y), (x + 18, y)], style));
    }
    legend(&mut chart, SeriesLabelPosition::UpperRight)?;
    root.present()?;
    Ok(())
}

pub(super) fn legend<'a, C: plotters::coord::CoordTranslate>(
    chart: &mut ChartContext<'a, SVGBackend<'a>, C>,
    position: SeriesLabelPosition,
) -> Drawn {
    chart
        .configure_series_labels()
        .label_font(SMALL)
        .position(position)
        .background_style(WHITE.mix(0.8))
        .border_style(BLACK)
        .draw()?;
    Ok(())
}

fn label(engine: &Contestant) -> String {
    format!("{} {}", engine.name, engine.version)
}

/// An engine's own colour.
fn colour(name: &str) -> RGBColor {
    let known = ENGINES.iter().position(|engine| *engine == name).unwrap_or(ENGINES.len());
    match known {
        0..6 => COLOURS[known],
        6 => RGBColor(120, 120, 120),
        7 => RGBColor(150, 120, 40),
        9 => RGBColor(90, 160, 220),
        _ => BLACK,
    }
}

/// Ours first; similar ones far from each other.
const ENGINES: [&str; 10] = [
    "ours",
    "hnswlib",
    "faiss",
    "qdrant",
    "qdrant-int8",
    "usearch-f16",
    "usearch-f32",
    "usearch-i8",
    "faiss-flat",
    "ours-i8",
];
const RECALL_MIN: f64 = 0.85;
