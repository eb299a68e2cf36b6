//! Building, and how cost grows with the number of rows.
//!
//! Layer: benches, search.
//! Holds: every engine building the same rows anew in this run; ours and hnswlib at several sizes.
//! Never: a build time from a cache in a row: those stand in the list of engines, and are named.
//! Invariant: all of them build with all threads and the same parameters.

use super::Part;
use super::engine::Block;
use super::fleet::Yard;
use super::sweep::{K, RECALLS, Sweep, block};
use crate::error::{BenchError, Step};
use crate::measure::{Measured, Screen};
use crate::report::{Aim, Row, Sheet, Unit};
use crate::vectors::set::Set;
use crate::vectors::truth::recall;

/// Rows a second that are built into an index, ours against each of the others.
pub(super) fn builds(
    yard: &Yard,
    set: &Set,
    screen: &Screen,
    sheet: &mut Sheet,
) -> Result<(), BenchError> {
    let names: &[&str] = if yard.has_rivals() { &BUILDERS } else { &[] };
    let fleet = yard.fleet(names, set, false, screen, sheet)?;
    let mut built = Vec::new();
    for contender in &fleet {
        let asked = Block { count: set.queries.len(), ..block(EF, yard.threads) };
        let answers = contender.search(asked)?.step("an answer")?;
        let recall = recall(&set.truth, &answers.ids, K);
        let name = format!("{}, recall {recall:.3} at ef {EF}", contender.label());
        built.push(Measured::once(name, set.rows as f64 / contender.opened.seconds));
    }
    let ours = built.first().step("ours")?;
    let figure = "vectors a second into an index, all threads";
    for (contender, rival) in fleet.iter().zip(&built).skip(1) {
        let id = format!("build/{}", contender.name);
        let row = Row::single(&id, figure, &set.about, Unit::PerSecond, ours)?;
        let row = row.against(ours, rival)?;
        let bar = contender.name == BUILDERS[0];
        sheet.add(if bar { row.aim(Aim::RatioAtLeast, 1.0) } else { row });
    }
    sheet.add(Row::single("build/ours", figure, &set.about, Unit::PerSecond, ours)?);
    Ok(())
}

/// Rates at the first recall, memory and build time at each size: a contest each.
pub(super) fn scale(
    part: Part<'_>,
    set: &Set,
    sizes: &[usize],
    sheet: &mut Sheet,
) -> Result<(), BenchError> {
    let Part { yard, budget, screen } = part;
    let names: &[&str] = if yard.has_rivals() { &["hnswlib"] } else { &[] };
    for &rows in sizes {
        screen.now(&format!("{rows} rows: the exact answers"));
        let sized = set.scaled(yard.scratch.path(), rows)?;
        let fleet = yard.fleet(names, &sized, true, screen, sheet)?;
        let sweep = Sweep::new(&sized, &fleet, screen)?;
        let share = budget / u32::try_from(sizes.len().max(1)).unwrap_or(u32::MAX);
        let rates = sweep.rates(1, share, screen)?;
        let at = |engine: usize| {
            let of =
                |rates: &&super::sweep::Rates| rates.engine == engine && rates.recall == RECALLS[0];
            rates.iter().find(of).map(|rates| &rates.measured)
        };
        if let Some(ours) = at(sweep.ours()) {
            let figure =
                format!("queries a second at recall@10 {}, one thread, {rows} rows", RECALLS[0]);
            let id = format!("scale/{rows}");
            let row = Row::single(&id, &figure, &sized.about, Unit::PerSecond, ours)?;
            let rival = (0..fleet.len()).filter(|engine| *engine != sweep.ours()).find_map(at);
            sheet.add(match rival {
                Some(rival) => row.against(ours, rival)?,
                None => row,
            });
        }
        sheet.contest(sweep.contest(&[(false, rates)]));
    }
    Ok(())
}

/// Those that build; the first has a bar.
const BUILDERS: [&str; 4] = ["hnswlib", "faiss", "usearch-f32", "qdrant"];
const EF: usize = 64;
