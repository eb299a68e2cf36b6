//! What is counted against what is there, after any history.

use super::super::memory::{Accounts, Component, tail_row_bytes, view_bytes};
use super::super::profile::Shape as ProfileShape;
use super::super::rest::Rest;
use super::super::shard::Home;
use super::super::tiers::Shape;
use super::super::upkeep::Upkeep;
use super::super::{memory, renew};
use super::*;

/// One of several shards under one limit; at rest, or open.
enum Place {
    Open(Box<CollectionShard>),
    Resting(Rest),
    Moving,
}

struct Fleet {
    engine: MemoryEngine,
    accounts: Arc<Accounts>,
    upkeep: Arc<Upkeep>,
    places: Vec<Place>,
}

impl Fleet {
    fn new(limit: u64, open_max: u64) -> Self {
        let upkeep = Arc::new(Upkeep::new(Shape { freeze_rows: 8, fan: 2 }, 1, 0));
        let accounts = Accounts::with_shards(limit, open_max);
        Self { engine: MemoryEngine::new(), accounts, upkeep, places: Vec::new() }
    }

    fn home(&self, number: usize, expected_epoch: u64) -> Home {
        let name = ShardName([u8::try_from(number).unwrap() + 1; 16]);
        let store = self.engine.open(name, Open::Writer { expected_epoch, claim: 1 }).unwrap();
        let (accounts, upkeep) = (Arc::clone(&self.accounts), Arc::clone(&self.upkeep));
        Home { store, accounts, upkeep }
    }

    fn create(&mut self, profile: Profile) -> Result<(), CollectionError> {
        let home = self.home(self.places.len(), 0);
        let made = CollectionShard::create(IDENTITY, profile, wrap_key(), home, &mut OsEntropy)?;
        self.places.push(Place::Open(Box::new(made)));
        Ok(())
    }

    fn shard(&mut self, number: usize) -> &CollectionShard {
        if let Place::Resting(rest) = &self.places[number] {
            let wrap = Arc::clone(&rest.wrap);
            let opened = CollectionShard::open(IDENTITY, wrap, self.home(number, 1)).unwrap();
            self.places[number] = Place::Open(Box::new(opened));
        }
        let Place::Open(shard) = &self.places[number] else { panic!("it moves") };
        shard
    }

    fn rest(&mut self, number: usize) {
        let place = std::mem::replace(&mut self.places[number], Place::Moving);
        self.places[number] = match place {
            Place::Open(mut shard) => Place::Resting(shard.rest().unwrap()),
            other => other,
        };
    }

    fn open(&self) -> impl Iterator<Item = &CollectionShard> {
        self.places.iter().filter_map(|place| match place {
            Place::Open(shard) => Some(&**shard),
            Place::Resting(_) | Place::Moving => None,
        })
    }

    /// Each component is what the shards' parts say of themselves, and the sum is that of the components.
    fn check(&self, at: &str) {
        let mut wanted = [0u64; Component::ALL.len()];
        for shard in self.open() {
            count(shard, &mut |component, bytes| wanted[component as usize] += bytes);
        }
        for component in Component::ALL {
            let (used, wanted) = (self.accounts.used(component), wanted[component as usize]);
            assert_eq!(used, wanted, "{} {at}", component.name());
        }
        assert_eq!(self.accounts.total(), wanted.iter().sum::<u64>(), "{at}");
    }
}

/// What a shard says that it takes.
fn count(shard: &CollectionShard, add: &mut dyn FnMut(Component, u64)) {
    let shape = ProfileShape::of(shard.profile()).unwrap();
    let live = shard.read();
    for segment in &live.segments {
        let (held, rows) = (segment.index.memory(), segment.rows.len() as u64);
        add(Component::Vectors, (held.vectors + held.codes) as u64);
        add(Component::Graph, held.links as u64);
        add(Component::Words, held.words as u64);
        add(Component::Fields, held.fields as u64);
        let mut documents: Vec<&Arc<Document>> =
            segment.rows.iter().map(|row| &row.document).collect();
        documents.sort_by_key(|document| Arc::as_ptr(document));
        documents.dedup_by_key(|document| Arc::as_ptr(document));
        let texts: usize = documents.iter().map(|document| document.kept_bytes()).sum();
        add(Component::Texts, texts as u64 + view_bytes(rows));
        add(Component::Trees, memory::digest_bytes(rows));
        if shape.oblivious {
            add(Component::Veils, rows * prag_index::oblivious::Table::ROW_BYTES as u64);
        }
    }
    for row in &live.tail.rows {
        let text = shape.searched_text(&row.document, row.chunk).unwrap();
        add(Component::Tails, tail_row_bytes(&shape, text.len()));
    }
    drop(live);
    add(Component::Trees, memory::digest_bytes(shard.head().size));
    add(Component::Storage, 256 << 10);
}

/// After any history of puts, deletions, freezes, merges, purges, rests and openings of several shards, what is counted
/// is what their parts take, part for part; when all are closed nothing is.
#[test]
fn what_is_counted_is_what_is_there() {
    let mut fleet = Fleet::new(u64::MAX, 8);
    for (search, residency) in [
        (Search::Standard, Residency::Memory),
        (Search::Oblivious, Residency::Memory),
        (Search::Standard, Residency::Disk),
    ] {
        fleet.create(sealed_profile(Profile { search, residency, ..profile() })).unwrap();
    }
    let mut seed = 11u64;
    for step in 0..400 {
        seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        let (number, id) = ((seed >> 33) as usize % 3, format!("d{}", (seed >> 40) % 30));
        let deed = (seed >> 50) % 16;
        match deed {
            0 => fleet.rest(number),
            1 => freeze::merge_all(fleet.shard(number), &mut OsEntropy).unwrap(),
            2 => renew::purge(fleet.shard(number), &mut OsEntropy).unwrap(),
            3 | 4 => freeze::maintain(fleet.shard(number), &mut OsEntropy).unwrap(),
            5 | 6 => delete(fleet.shard(number), &id),
            7 => drop(put(fleet.shard(number), &id, &"a long text of many words ".repeat(70))),
            _ => drop(put(fleet.shard(number), &id, &format!("step {step}"))),
        }
        fleet.check(&format!("after step {step}, {deed}"));
    }
    assert!(fleet.open().any(|shard| !shard.read().segments.is_empty()));
    fleet.places.clear();
    fleet.check("when all are closed");
}

/// Only so many shards are open at once as may be; one that goes makes room for the next, and what was refused took
/// nothing.
#[test]
fn no_more_shards_are_open_than_may_be() {
    let mut fleet = Fleet::new(u64::MAX, 2);
    fleet.create(profile()).unwrap();
    fleet.create(profile()).unwrap();
    let refused = fleet.create(profile());
    assert!(matches!(refused, Err(CollectionError::Crowded { max: 2 })));
    fleet.check("after a refusal");
    fleet.rest(0);
    fleet.accounts.has_place().unwrap();
    put(fleet.shard(0), "a", "b");
    assert!(fleet.accounts.has_place().is_err());
    fleet.check("with as many as may be");
}

/// A tail that does not fit opens nothing and leaves nothing counted; nor is anything of it lost.
#[test]
fn a_tail_that_does_not_fit_stays_closed() {
    let mut fleet = Fleet::new(u64::MAX, 8);
    fleet.create(profile()).unwrap();
    for number in 0..40 {
        put(fleet.shard(0), &format!("d{number}"), "some words");
    }
    let taken = fleet.accounts.total();
    fleet.rest(0);
    for (limit, fits) in [(taken - 1, false), (taken, true)] {
        let accounts = Accounts::new(limit);
        let home = Home { accounts: Arc::clone(&accounts), ..fleet.home(0, 1) };
        let opened = CollectionShard::open(IDENTITY, wrap_key(), home);
        assert_eq!(opened.is_ok(), fits, "{limit}");
        if let Ok(shard) = &opened {
            assert_eq!((shard.read().tail.rows.len(), accounts.total()), (40, taken));
        }
        drop(opened);
        assert_eq!(accounts.total(), 0);
    }
}
