//! Rows of one data set: ours against the fastest rival and against Qdrant's engine, memory, and filters.
//!
//! Layer: benches, search.
//! Holds: who is compared with whom, and the bars.
//! Never: a rival's slower setting: where a rival has several, the faster one of the run stands in the row.
//! Invariant: both sides of a row have the recall that the row names.

use super::Part;
use super::engine::Block;
use super::fleet::{Contender, OURS, OURS_I8, RIVALS};
use super::sweep::{K, RECALLS, Rates, Sweep, block, median};
use crate::error::{BenchError, Step};
use crate::measure::{Measured, Screen, Side, interleave_within};
use crate::report::{Aim, Row, Sheet, Unit};
use crate::vectors::set::Set;
use crate::vectors::truth::recall;
use std::time::Duration;

/// Everything of one data set.
pub(super) fn run(part: Part<'_>, set: &Set, sheet: &mut Sheet) -> Result<(), BenchError> {
    let Part { yard, budget, screen } = part;
    let rivals: &[&str] = if yard.has_rivals() { &RIVALS } else { &[] };
    let names = [&[OURS_I8], rivals].concat();
    let fleet = yard.fleet(&names, set, true, screen, sheet)?;
    let sweep = Sweep::new(set, &fleet, screen)?;
    let mut all = Vec::new();
    for (all_threads, threads) in [(false, 1), (true, yard.threads)] {
        let rates = sweep.rates(threads, budget * 2 / 5, screen)?;
        for recall in RECALLS {
            compare(&sweep, &rates, all_threads, recall, sheet)?;
        }
        all.push((all_threads, rates));
    }
    memory(&sweep, sheet)?;
    for (permille, truth) in &set.filtered {
        filtered(&sweep, *permille, truth, budget / 15, screen, sheet)?;
    }
    sheet.contest(sweep.contest(&all));
    Ok(())
}

/// Ours against the fastest rival, and against the faster of Qdrant's settings.
fn compare(
    sweep: &Sweep<'_>,
    rates: &[Rates],
    all_threads: bool,
    recall: f64,
    sheet: &mut Sheet,
) -> Result<(), BenchError> {
    let (threads, what) = if all_threads { ("all", "all threads") } else { ("one", "one thread") };
    let id = format!("search/{}/{threads}/{recall}", sweep.set.name);
    let at: Vec<&Rates> = rates.iter().filter(|rates| rates.recall == recall).collect();
    let Some(ours) = at.iter().find(|rates| rates.engine == sweep.ours()) else {
        sheet.skip(&id, "ours does not reach this recall");
        return Ok(());
    };
    for (part, chosen, bar) in [("fastest", "", FASTEST), ("qdrant", "qdrant", QDRANT)] {
        let figure = format!("queries a second at recall@10 {recall}, {what}");
        let id = format!("{id}/{part}");
        let named = |rates: &&&Rates| {
            let name = &sweep.fleet[rates.engine].name;
            RIVALS.contains(&&**name) && name.starts_with(chosen)
        };
        let rate = |rates: &Rates| median(&rates.measured.samples).unwrap_or_default();
        let best = at.iter().filter(named).max_by(|a, b| rate(a).total_cmp(&rate(b)));
        let row = Row::single(&id, &figure, &sweep.set.about, Unit::PerSecond, &ours.measured)?;
        match best {
            Some(best) => {
                let row = row.against(&ours.measured, &best.measured)?;
                sheet.add(if all_threads { row } else { row.aim(Aim::RatioAtLeast, bar) });
            }
            None if part == "fastest" => sheet.add(row),
            None => sheet.skip(&id, "no such rival reaches this recall here"),
        }
    }
    Ok(())
}

/// What a vector takes in memory, in ours, with codes alone too, and in hnswlib.
fn memory(sweep: &Sweep<'_>, sheet: &mut Sheet) -> Result<(), BenchError> {
    let bytes = |contender: &Contender| {
        let each = contender.opened.bytes as f64 / sweep.set.rows as f64;
        Measured::once(contender.label(), each.max(f64::MIN_POSITIVE))
    };
    let named = |name: &str| sweep.fleet.iter().find(|contender| contender.name == name);
    let id = format!("memory/{}", sweep.set.name);
    for (id, name, figure, bar) in [
        (id.clone(), OURS, "memory of a vector, graph and filters included", BYTES_OF_384),
        (format!("{id}/i8"), OURS_I8, "the same with 8 bits a component", BYTES_OF_384_CODES),
    ] {
        let ours = bytes(named(name).step(name)?);
        let mut row = Row::single(&id, figure, &sweep.set.about, Unit::Bytes, &ours)?;
        if let Some(rival) = named("hnswlib") {
            row = row.against(&ours, &bytes(rival))?;
        }
        sheet.add(if sweep.set.dimension == 384 { row.aim(Aim::AtMost, bar) } else { row });
    }
    Ok(())
}

/// Ours with a filter: its recall, its time against the same without, and against the rivals that have one.
fn filtered(
    sweep: &Sweep<'_>,
    permille: u32,
    truth: &[Vec<u32>],
    budget: Duration,
    screen: &Screen,
    sheet: &mut Sheet,
) -> Result<(), BenchError> {
    let share = f64::from(permille) / 10.0;
    let id = format!("filter/{}/{permille}", sweep.set.name);
    let data = &sweep.set.about;
    let count = truth.len();
    let asked = |engine: usize, permille: Option<u32>| Block {
        count,
        permille,
        ..block(sweep.breadth(engine, RECALLS[1]), 1)
    };
    let mut sides = Vec::new();
    let mut recalls = Vec::new();
    for (engine, contender) in sweep.fleet.iter().enumerate() {
        let compared = FILTERED.contains(&&*contender.name);
        let Some(answers) = compared
            .then(|| contender.search(asked(engine, Some(permille))))
            .transpose()?
            .flatten()
        else {
            continue;
        };
        let reached = recall(truth, &answers.ids, K);
        recalls.push((engine, reached));
        let name = format!("{}, recall {reached:.3}", contender.label());
        sides.push(timed(contender, name, asked(engine, Some(permille))));
    }
    let ours = &sweep.fleet[sweep.ours()];
    sides.push(timed(ours, "unfiltered".to_owned(), asked(sweep.ours(), None)));
    let bar = screen.now(&format!("{}: filtered to {share} %", sweep.set.name));
    let measured = interleave_within(sides, 1, (3, 20), budget, bar)?;
    let subject = measured.first().step("ours")?;
    let reached = recalls.first().map_or(0.0, |(_, recall)| *recall);
    let one = Measured::once(ours.label(), reached);
    let figure = format!("recall@10, filtered to {share} %");
    let row = Row::single(&format!("{id}/recall"), &figure, data, Unit::Share, &one)?;
    sheet.add(row.aim(Aim::AtLeast, FILTERED_RECALL));
    let figure = format!("a query filtered to {share} %, filter evaluated, one thread");
    let each = |side: &Measured| Measured {
        name: side.name.clone(),
        samples: side.samples.iter().map(|seconds| seconds / count as f64).collect(),
    };
    let (subject, unfiltered) = (each(subject), each(measured.last().step("unfiltered")?));
    let row =
        |part: &str| Row::single(&format!("{id}/{part}"), &figure, data, Unit::Seconds, &subject);
    sheet.add(row("cost")?.against(&subject, &unfiltered)?.aim(Aim::RatioAtMost, 1.0));
    for (side, (engine, _)) in measured.iter().zip(&recalls).skip(1) {
        let name = &sweep.fleet[*engine].name;
        sheet.add(row(name)?.against(&subject, &each(side))?);
    }
    Ok(())
}

fn timed(contender: &Contender, name: String, block: Block) -> Side<'_> {
    Side::new(name, move |_| {
        let answers = contender.search(block)?.step("an answer")?;
        Ok(Duration::from_secs_f64(answers.seconds))
    })
}

const FASTEST: f64 = 2.5;
const QDRANT: f64 = 4.0;
/// 1.4 KiB: codes of 8 bits and halves of floats.
const BYTES_OF_384: f64 = 1.4 * 1024.0;
/// 0.7 KiB: codes of 8 bits and nothing else.
const BYTES_OF_384_CODES: f64 = 0.7 * 1024.0;
const FILTERED_RECALL: f64 = 0.99;
/// Those that have filters; the others say so when they are asked.
const FILTERED: [&str; 4] = [OURS, "faiss", "qdrant", "qdrant-int8"];
