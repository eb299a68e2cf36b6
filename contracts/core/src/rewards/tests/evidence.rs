//! A report is challengeable exactly if it is false.
//!
//! The twin knows no local rules: a report is true if it is, leaf by leaf, the one that the honest
//! builder makes of its own entries, and each entry is as it should be.

use super::*;

/// A report as somebody made it up.
#[derive(Clone, Debug, PartialEq)]
struct Made {
    usage: Vec<UsageLeaf>,
    royalty: Vec<RoyaltyLeaf>,
    totals: Counters,
}

impl Made {
    fn of(book: &Book) -> Self {
        Self {
            usage: book.usage_leaves().to_vec(),
            royalty: book.royalty_leaves().to_vec(),
            totals: book.report().totals,
        }
    }

    fn book(&self) -> Book {
        Book::of(self.usage.clone(), self.royalty.clone(), self.totals)
    }

    fn is_true(&self, settled: &BTreeMap<(CollectionId, [u8; 32]), Counters>) -> bool {
        let each = self.usage.iter().all(|leaf| {
            let voucher = &leaf.signed.voucher;
            let settled = settled.get(&(voucher.collection, voucher.session));
            voucher.ledger == LEDGER
                && voucher.worker == account("ann")
                && leaf.signed == signed(voucher.clone())
                && settled.is_none_or(|settled| leaf.start.minus(settled).is_some())
        });
        let entries = self.usage.iter().map(|leaf| {
            let UsageLeaf { signed, start, .. } = leaf.clone();
            Entry { signed, start }
        });
        each && Book::new(entries.collect()).is_ok_and(|book| Self::of(&book) == *self)
    }

    /// Every piece of evidence that these leaves can be made into.
    fn evidence(&self) -> Vec<Evidence> {
        let book = self.book();
        let (n, g) = (self.usage.len() as u64, self.royalty.len() as u64);
        let mut all = Vec::new();
        for index in 0..n {
            all.push(Evidence::Leaf(Shown::Usage(usage(&book, index))));
            if index + 1 < n {
                let (first, second) = (usage(&book, index), usage(&book, index + 1));
                all.push(Evidence::UsagePair { first, second });
            }
            for of in 0..g {
                let (usage, royalty) = (usage(&book, index), royalty(&book, of));
                all.push(Evidence::Across { usage, royalty });
            }
        }
        for index in 0..g {
            all.push(Evidence::Leaf(Shown::Royalty(royalty(&book, index))));
            if index + 1 < g {
                let (first, second) = (royalty(&book, index), royalty(&book, index + 1));
                all.push(Evidence::RoyaltyPair { first, second });
            }
        }
        all
    }

    /// Makes the sums fit again, as a careful liar would.
    fn mend(&mut self, chance: &mut Chance) {
        if chance.below(4) > 0 {
            let mut before = Counters::default();
            for leaf in &mut self.usage {
                leaf.before = before;
                before = before.plus(&leaf.billed().unwrap_or_default()).unwrap();
            }
            self.totals = before;
        }
        if chance.below(4) > 0 {
            let mut group = 0;
            let mut last = None;
            for leaf in &mut self.usage {
                let collection = leaf.signed.voucher.collection;
                group += u64::from(last.is_some_and(|last| last != collection));
                last = Some(collection);
                leaf.group = group;
            }
        }
        if chance.below(4) > 0 {
            let mut before = 0;
            for leaf in &mut self.royalty {
                leaf.before = before;
                before += leaf.units;
            }
        }
        if chance.below(4) == 0
            && let Some(last) = self.royalty.last_mut()
        {
            last.units = self.totals.chunks.saturating_sub(last.before);
        }
    }

    /// Lies that fit together in all but one place.
    fn scheme(&mut self, kind: u64, r: usize, i: usize, chance: &mut Chance) {
        let more = 1 + chance.below(2);
        match kind {
            // Something before the first leaf.
            22 => {
                let extra = used([0, chance.below(2), 0, 0, more]);
                for leaf in &mut self.usage {
                    leaf.before = leaf.before.plus(&extra).unwrap();
                }
                self.totals = self.totals.plus(&extra).unwrap();
                for leaf in &mut self.royalty {
                    leaf.before += extra.chunks;
                }
            }
            // A collection that begins too early or too late, with the sums that are there.
            23 if r > 0 => {
                let before = self.usage[i].before.chunks;
                let moved = &mut self.royalty[r];
                let end = moved.before + moved.units;
                (moved.first, moved.before) = (i as u64, before);
                moved.units = end.saturating_sub(before);
                self.royalty[r - 1].units = before.saturating_sub(self.royalty[r - 1].before);
            }
            // Units of one collection for another.
            24 if r > 0 => {
                let taken = self.royalty[r].units.min(more);
                self.royalty[r].units -= taken;
                self.royalty[r].before += taken;
                self.royalty[r - 1].units += taken;
            }
            // A collection that nobody read, before all others or after them.
            25 => {
                let none = RoyaltyLeaf { collection: id(0), first: 0, before: 0, units: 0 };
                self.royalty.insert(0, none);
                for leaf in &mut self.usage {
                    leaf.group += 1;
                }
                for (later, leaf) in self.royalty.iter_mut().skip(1).enumerate() {
                    leaf.first += u64::from(later == 0 && more == 1);
                }
            }
            26 => {
                let before = self.totals.chunks;
                let first = self.usage.len() as u64 - chance.below(2);
                let collection = id(9);
                self.royalty.push(RoyaltyLeaf { collection, first, before, units: 0 });
            }
            // Two collections under one name.
            _ if r > 0 => {
                let gone = self.royalty.remove(r);
                self.royalty[r - 1].units += gone.units;
                for leaf in &mut self.usage {
                    leaf.group -= u64::from(leaf.group >= r as u64 && leaf.group > 0);
                }
            }
            _ => {}
        }
    }

    fn spoil(&mut self, chance: &mut Chance) {
        let at = |chance: &mut Chance, of: usize| usize::try_from(chance.below(of as u64)).unwrap();
        let (i, j) = (at(chance, self.usage.len()), at(chance, self.usage.len()));
        let (r, s) = (at(chance, self.royalty.len()), at(chance, self.royalty.len()));
        let kind = chance.below(28);
        let leaf = &mut self.usage[i];
        let voucher = &mut leaf.signed.voucher;
        match kind {
            0 => voucher.used.chunks += chance.below(3),
            1 => voucher.used.output += 1,
            2 => voucher.session = [u8::try_from(chance.below(9)).unwrap(); 32],
            3 => voucher.collection = id(u8::try_from(chance.below(4)).unwrap()),
            4 => voucher.worker = account("bob"),
            5 => voucher.ledger = [0; 32],
            6 => leaf.start.chunks += chance.below(4),
            7 => leaf.start.input = leaf.start.input.saturating_sub(1),
            8 => leaf.before.queries += 1,
            9 => leaf.group += 1,
            10 => leaf.signed.worker_signature[40] ^= 1,
            11 => leaf.signed.consumer_signature[0] ^= 1,
            12 => self.usage.swap(i, j),
            13 => self.usage.insert(i, self.usage[j].clone()),
            14 if self.usage.len() > 1 => drop(self.usage.remove(i)),
            14 | 15 => self.totals.chunks += chance.below(3),
            16 => self.royalty[r].collection = id(u8::try_from(chance.below(4)).unwrap()),
            17 => self.royalty[r].first += chance.below(3),
            18 => self.royalty[r].units += chance.below(3),
            19 => self.royalty.swap(r, s),
            20 => self.royalty.insert(r, self.royalty[s].clone()),
            21 if self.royalty.len() > 1 => drop(self.royalty.remove(r)),
            21 => self.royalty[r].before += 1,
            _ => self.scheme(kind, r, i, chance),
        }
        // A liar has friends: most of its vouchers are signed by both.
        if kind < 10 && chance.below(3) > 0 {
            self.usage[i].signed = signed(self.usage[i].signed.voucher.clone());
        }
    }
}

fn honest(chance: &mut Chance) -> Book {
    loop {
        let entries = (0..1 + chance.below(5)).map(|_| {
            let mut few = || chance.below(4);
            let start = [few(), few(), few(), few(), few()];
            let end = start.map(|start| start + few());
            let n = u8::try_from(1 + few() % 3).unwrap();
            entry("ann", n, u8::try_from(1 + few()).unwrap(), start, end)
        });
        if let Ok(book) = Book::new(entries.collect()) {
            return book;
        }
    }
}

/// Every false report can be challenged with what its own leaves show; no true one can.
#[test]
fn challengeable_exactly_if_false() {
    let mut counts = [0u32; 3];
    let mut used_kinds = BTreeMap::<String, u32>::new();
    for seed in 0..4_000 {
        let mut chance = Chance(seed);
        let mut made = Made::of(&honest(&mut chance));
        for _ in 0..chance.below(4) {
            made.spoil(&mut chance);
            if chance.below(3) > 0 {
                made.mend(&mut chance);
            }
        }
        let mut world = World::new();
        let mut settled = BTreeMap::new();
        if chance.below(3) == 0 {
            let (n, session) = (1, [2; 32]);
            let values = used([1, 2, 0, 0, 1]);
            keys::settled(id(n), &session, &account("ann")).save(&mut world.map, &values).unwrap();
            settled.insert((id(n), session), values);
        }
        world.at(REPORTS);
        if world.run("ann", BOND, report("ann", 0, &made.book())).is_err() {
            assert!(!made.is_true(&settled), "seed {seed}: {made:#?}");
            counts[2] += 1;
            continue;
        }
        let truth = made.is_true(&settled);
        let mut found = false;
        for evidence in made.evidence() {
            let kind = format!("{evidence:?}").split(['(', ' ']).next().unwrap().to_owned();
            match world.clone().run("eve", 0, challenge("ann", evidence)) {
                Ok(_) => {
                    found = true;
                    *used_kinds.entry(kind).or_default() += 1;
                }
                Err(RewardsError::NotFalse) => {}
                Err(other) => panic!("seed {seed}: {other}"),
            }
        }
        assert_eq!(found, !truth, "seed {seed}: {made:#?}");
        counts[usize::from(truth)] += 1;
    }
    assert!(counts.iter().all(|count| *count > 20), "{counts:?}");
    assert_eq!(used_kinds.len(), 4, "{used_kinds:?}");
}

/// Units of a collection between two others cannot be hidden in theirs, though every sum is right.
#[test]
fn no_collection_hides_in_another() {
    let book = Book::new(vec![
        entry("ann", 1, 1, [0; 5], [0, 5, 0, 0, 0]),
        entry("ann", 2, 1, [0; 5], [0, 6, 0, 0, 0]),
        entry("ann", 3, 1, [0; 5], [0, 7, 0, 0, 0]),
    ])
    .unwrap();
    let mut made = Made::of(&book);
    made.royalty.remove(1);
    made.royalty[0].units = 11;
    made.usage[1].group = 0;
    made.usage[2].group = 1;
    let mut world = World::new();
    world.at(REPORTS).ok("ann", BOND, report("ann", 0, &made.book()));
    let made = made.book();
    let across = Evidence::Across { usage: usage(&made, 1), royalty: royalty(&made, 0) };
    world.ok("eve", 0, challenge("ann", across));
}

/// Leaves of another report, at another place, or of the other tree prove nothing.
#[test]
fn proofs_are_of_one_place() {
    let mut world = World::new();
    let mut made = Made::of(&book("ann"));
    made.usage[1].signed.worker_signature[0] ^= 1;
    let (good, bad) = (book("ann"), made.book());
    world.at(REPORTS).ok("ann", BOND, report("ann", 0, &good));
    let mut moved = usage(&good, 1);
    moved.index = 2;
    let mut longer = usage(&good, 1);
    longer.proof.push([0; 32]);
    for shown in [usage(&bad, 1), moved, longer] {
        let evidence = Evidence::Leaf(Shown::Usage(shown.clone()));
        world.refuses("eve", 0, challenge("ann", evidence), RewardsError::Proof);
        let pair = Evidence::UsagePair { first: usage(&good, 0), second: shown.clone() };
        world.refuses("eve", 0, challenge("ann", pair), RewardsError::Proof);
        let across = Evidence::Across { usage: shown, royalty: royalty(&good, 0) };
        world.refuses("eve", 0, challenge("ann", across), RewardsError::Proof);
    }
    let mut other = royalty(&good, 0);
    other.leaf.units += 1;
    let evidence = Evidence::Leaf(Shown::Royalty(other.clone()));
    world.refuses("eve", 0, challenge("ann", evidence), RewardsError::Proof);
    let pair = Evidence::RoyaltyPair { first: royalty(&good, 0), second: other.clone() };
    world.refuses("eve", 0, challenge("ann", pair), RewardsError::Proof);
    let across = Evidence::Across { usage: usage(&good, 0), royalty: other };
    world.refuses("eve", 0, challenge("ann", across), RewardsError::Proof);
    // No neighbours, or in the wrong order.
    for (first, second) in [(0, 2), (1, 0), (1, 1)] {
        let (first, second) = (usage(&good, first), usage(&good, second));
        let pair = Evidence::UsagePair { first, second };
        world.refuses("eve", 0, challenge("ann", pair), RewardsError::NotFalse);
    }
    for (first, second) in [(1, 0), (1, 1)] {
        let (first, second) = (royalty(&good, first), royalty(&good, second));
        let pair = Evidence::RoyaltyPair { first, second };
        world.refuses("eve", 0, challenge("ann", pair), RewardsError::NotFalse);
    }
}
