//! What it costs to verify a worker's evidence: once for each connection.
//!
//! Layer: benches, tax.
//! Holds: a row for each kind of evidence.
//! Never: a sum: which kinds a connection needs depends on its worker.
//! Invariant: all kinds are verified in each round.

use super::evidence::{Case, made, real};
use crate::error::BenchError;
use crate::measure::{Screen, Side, interleave};
use crate::options::Size;
use crate::report::{Row, Sheet, Unit};

pub(super) fn run(size: Size, screen: &Screen, sheet: &mut Sheet) -> Result<(), BenchError> {
    screen.now("making evidence");
    let mut cases = made()?;
    for (id, case) in real() {
        match case {
            Some(case) => cases.push(case),
            None => {
                sheet.skip(id, "real evidence is not at hand (PRAG_VECTORS, or cargo's registry)")
            }
        }
    }
    let sides = cases.iter().map(side).collect();
    let measured = interleave(sides, 1, size.checks, screen.now("verifying evidence"))?;
    for (case, measured) in cases.iter().zip(&measured) {
        sheet.add(Row::single(case.id, case.figure, case.data, Unit::Seconds, measured)?);
    }
    Ok(())
}

fn side(case: &Case) -> Side<'_> {
    Side::whole("verify", |_| (case.verify)())
}
