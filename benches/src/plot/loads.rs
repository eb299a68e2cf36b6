//! Latency under load.
//!
//! Layer: benches, plot.
//! Holds: the median and the 99th percentile of each server's answers over the number of clients.
//! Never: a 99th percentile of fewer than 100 answers: the row has none.
//! Invariant: every server's line has a point for each number of clients.

use super::contests::legend;
use super::{COLOURS, Drawn, FONT, SMALL};
use crate::report::{Report, Row};
use plotters::prelude::*;
use std::collections::BTreeSet;
use std::path::Path;

/// Milliseconds over clients, two lines for each server.
pub(super) fn load(report: &Report, path: &Path) -> Drawn {
    let rows: Vec<(&str, f64, &Row)> = report.rows.iter().filter_map(parse).collect();
    let servers: BTreeSet<&str> = rows.iter().map(|(server, ..)| *server).collect();
    let times = |row: &Row| [Some(row.subject.summary.median), row.subject.summary.p99];
    let all = || rows.iter().flat_map(|(.., row)| times(row)).flatten().map(|time| time * 1e3);
    let (low, high) = (all().fold(f64::MAX, f64::min), all().fold(0.0, f64::max));
    let most = rows.iter().map(|(_, clients, _)| *clients).fold(1.0, f64::max);
    let root = SVGBackend::new(path, (960, 480)).into_drawing_area();
    root.fill(&WHITE)?;
    let mut chart = ChartBuilder::on(&root)
        .caption("Servers end to end: an answer under load", FONT)
        .margin(12)
        .x_label_area_size(56)
        .y_label_area_size(80)
        .build_cartesian_2d((0.9..most * 1.1).log_scale(), (low * 0.8..high * 1.25).log_scale())?;
    chart
        .configure_mesh()
        .label_style(SMALL)
        .max_light_lines(1)
        .x_desc("clients, log scale; thick: median, thin: 99th percentile")
        .y_desc("milliseconds, log scale")
        .draw()?;
    for (server, colour) in servers.into_iter().zip(COLOURS.iter().cycle()) {
        for (which, width) in [(0, 3), (1, 1)] {
            let of = rows.iter().filter(|(one, ..)| *one == server);
            let line =
                of.filter_map(|(_, clients, row)| Some((*clients, times(row)[which]? * 1e3)));
            let style = colour.stroke_width(width);
            let series = chart.draw_series(LineSeries::new(line, style))?;
            if which == 0 {
                series
                    .label(server)
                    .legend(move |(x, y)| PathElement::new(vec![(x, y), (x + 18, y)], style));
            }
        }
    }
    legend(&mut chart, SeriesLabelPosition::UpperLeft)?;
    root.present()?;
    Ok(())
}

/// `load/SERVER/CLIENTS`.
fn parse(row: &Row) -> Option<(&str, f64, &Row)> {
    let (server, clients) = row.id.strip_prefix("load/")?.split_once('/')?;
    Some((server, clients.parse().ok()?, row))
}
