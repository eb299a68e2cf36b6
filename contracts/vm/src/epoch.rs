//! What an epoch of ten million queries costs on a chain.
//!
//! Layer: vm, above the measured operations.
//! Holds: the arithmetic, written out.
//! Never: a cost that was not measured in this run, but for the chain's own of a transaction, which are named with their
//! source; prices.
//! Invariant: a line is a number of messages times what one of them costs.

use std::collections::BTreeMap;
use std::fmt::Write;

/// SDK gas by contract and operation, of one kind of chain.
#[derive(Default)]
pub struct Costs(BTreeMap<(&'static str, String), u64>);

impl Costs {
    /// Keeps what an operation costs.
    pub fn insert(&mut self, contract: &'static str, operation: &str, sdk_gas: u64) {
        self.0.insert((contract, operation.to_owned()), sdk_gas);
    }

    fn of(&self, (contract, operation): (&'static str, &str)) -> Result<u64, String> {
        let cost = self.0.get(&(contract, operation.to_owned())).copied();
        cost.ok_or_else(|| format!("{operation} of {contract} was not measured"))
    }
}

/// Messages of one kind: how many, and which questions to other contracts each of them asks.
struct Line {
    what: &'static str,
    messages: u64,
    operations: &'static [(&'static str, &'static str)],
}

/// The section about a kind of chain, as Markdown.
///
/// # Errors
/// Names an operation that was not measured.
pub fn section(chain: &str, costs: &Costs) -> Result<String, String> {
    let mut out = format!("## {} queries in one epoch on {chain}\n\n{COLUMNS}\n", grouped(QUERIES));
    let (mut messages, mut gas) = (0_u64, 0_u64);
    for line in LINES {
        let each: Vec<u64> =
            line.operations.iter().map(|one| costs.of(*one)).collect::<Result<_, _>>()?;
        // The first is what the transaction loads; every contract that is asked is loaded too.
        let asked =
            u64::try_from(each.len().saturating_sub(1)).map_err(|error| error.to_string())?;
        let loaded = asked.saturating_mul(LOAD);
        let one = each.iter().sum::<u64>().saturating_add(loaded);
        let all = one.saturating_mul(line.messages);
        messages = messages.saturating_add(line.messages);
        gas = gas.saturating_add(all);
        let loads = Some(loaded).filter(|gas| *gas > 0);
        let sum: Vec<String> = each.iter().copied().chain(loads).map(grouped).collect();
        let row = format!(
            "| {} | {} | {} | {} |",
            line.what,
            grouped(line.messages),
            sum.join(" + "),
            grouped(all)
        );
        writeln!(out, "{row}").map_err(|error| error.to_string())?;
    }
    let flat = messages.saturating_mul(TRANSACTION);
    let whole = gas.saturating_add(flat);
    let each = costs.of(("access", "consume"))?.saturating_add(TRANSACTION);
    let naive = each.saturating_mul(QUERIES);
    let [messages, gas, flat, total, each, naive, times] =
        [messages, gas, flat, whole, each, naive, naive.checked_div(whole).unwrap_or(0)]
            .map(grouped);
    let per_query = thousandths(whole, QUERIES);
    let (queries, transaction) = (grouped(QUERIES), grouped(TRANSACTION));
    write!(
        out,
        "\nIn all {messages} messages and {gas} SDK gas. Each as a transaction of its own: {messages} × {transaction} =\n\
         {flat} more, together {total}, which is {per_query} SDK gas for each of {queries} queries.\nOne transaction a \
         query would take {each} × {queries} = {naive}: {times} times as much.\n"
    )
    .map_err(|error| error.to_string())?;
    Ok(out)
}

/// 1234567 as 1,234,567.
#[must_use]
pub fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let first = digits.len() % 3;
    let (head, tail) = digits.split_at(first);
    let mut groups: Vec<&str> = if head.is_empty() { Vec::new() } else { vec![head] };
    groups.extend(tail.as_bytes().chunks(3).filter_map(|group| std::str::from_utf8(group).ok()));
    groups.join(",")
}

/// A quotient with three digits after the point, rounded down.
fn thousandths(number: u64, by: u64) -> String {
    let all = number.saturating_mul(1000).checked_div(by).unwrap_or(0);
    format!("{}.{:03}", grouped(all / 1000), all % 1000)
}

/// Of the epoch.
const QUERIES: u64 = 10_000_000;
/// That serve them.
const WORKERS: u64 = 100;
/// Each of them served by one worker.
const COLLECTIONS: u64 = 1000;
/// Liveness windows in an epoch of seven days: one every six hours.
const WINDOWS: u64 = 28;
/// Loading a contract that is not pinned (wasmd 0.61, `DefaultInstanceCost`).
const LOAD: u64 = 60_000;
/// Loading a contract, one secp256k1 signature (Cosmos SDK, `SigVerifyCostSecp256k1`: 1,000), and 1,000 bytes
/// (`TxSizeCostPerByte`: 10).
const TRANSACTION: u64 = LOAD + 1000 + 10 * 1000;

const LINES: &[Line] = &[
    Line { what: "fund", messages: 1, operations: &[("rewards", "fund")] },
    Line {
        what: "report_usage, one a worker, and what it asks the workers contract",
        messages: WORKERS,
        operations: &[("rewards", "report_usage"), ("workers", "query reporter")],
    },
    Line {
        what: "demand, one leaf of each report",
        messages: WORKERS,
        operations: &[("rewards", "demand")],
    },
    Line { what: "reveal", messages: WORKERS, operations: &[("rewards", "reveal")] },
    Line { what: "close_epoch", messages: 1, operations: &[("rewards", "close_epoch")] },
    Line { what: "claim, one a worker", messages: WORKERS, operations: &[("rewards", "claim")] },
    Line {
        what: "claim of a royalty, one a collection, and what it asks the access contract",
        messages: COLLECTIONS,
        operations: &[("rewards", "claim, royalty"), ("access", "query collection")],
    },
    Line { what: "sweep", messages: 1, operations: &[("rewards", "sweep")] },
    Line {
        what: "report_liveliness, 28 windows a worker",
        messages: WORKERS * WINDOWS,
        operations: &[("workers", "report_liveliness")],
    },
];

const COLUMNS: &str = "\
| message | how many | SDK gas of one | SDK gas of all |
|---|--:|--:|--:|";

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    fn costs() -> Costs {
        let mut costs = Costs::default();
        for (contract, operation) in LINES.iter().flat_map(|line| line.operations) {
            costs.insert(contract, operation, 1000);
        }
        costs.insert("access", "consume", 9000);
        costs
    }

    /// Sums and products are those that the text shows; what is not measured is named.
    #[test]
    fn the_arithmetic_holds() {
        let text = section("a chain", &costs()).unwrap();
        // 1 + 100 + 100 + 100 + 1 + 100 + 1000 + 1 + 2800 messages; reports and royalties cost two, and load two
        // contracts.
        assert!(text.contains("| 100 | 1,000 + 1,000 + 60,000 | 6,200,000 |"), "{text}");
        assert!(text.contains("In all 4,203 messages and 71,303,000 SDK gas."), "{text}");
        let flat = 4203 * 71_000;
        assert!(
            text.contains(&grouped(flat)) && text.contains(&grouped(flat + 71_303_000)),
            "{text}"
        );
        assert!(text.contains("which is 36.971 SDK gas for each of 10,000,000 queries"), "{text}");
        assert!(text.contains("80,000 × 10,000,000 = 800,000,000,000: 2,163 times"), "{text}");
        let mut costs = costs();
        costs.0.remove(&("rewards", "claim".to_owned()));
        let named = section("a chain", &costs).unwrap_err();
        assert_eq!(named, "claim of rewards was not measured");
    }
}
