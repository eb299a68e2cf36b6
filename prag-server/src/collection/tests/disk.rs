//! Texts on disk, against a naive twin that has them in memory; and what becomes of them under a reader.

use super::super::memory::{Accounts, Component};
use super::super::record::lying;
use super::super::renew;
use super::super::shard::Home;
use super::super::shelf::cited;
use super::super::snapshot::{Opener, Source, Target};
use super::super::state::{LiveSegment, Row};
use super::super::tiers::Shape;
use super::super::upkeep::Upkeep;
use super::life::wrap_of;
use super::snapshots::about;
use super::*;
use prag_store::archive::FolderArchive;

pub(super) fn on_disk() -> Profile {
    sealed_profile(Profile { residency: Residency::Disk, ..profile() })
}

fn home(engine: &MemoryEngine, expected: u64, accounts: &Arc<Accounts>) -> Home {
    let upkeep = Arc::new(Upkeep::new(Shape { freeze_rows: 12, fan: 3 }, 1, 0));
    Home { store: store(engine, expected), accounts: Arc::clone(accounts), upkeep }
}

pub(super) fn made(
    engine: &MemoryEngine,
    profile: Profile,
    accounts: &Arc<Accounts>,
) -> CollectionShard {
    let home = home(engine, 0, accounts);
    CollectionShard::create(IDENTITY, profile, wrap_of(1), home, &mut OsEntropy).unwrap()
}

/// A shard on disk with these documents in one segment.
pub(super) fn frozen(engine: &MemoryEngine, documents: &[(&str, &str)]) -> CollectionShard {
    let shard = made(engine, on_disk(), &Accounts::unlimited());
    for (id, content) in documents {
        put(&shard, id, content);
    }
    freeze::compact(&shard, false, &mut OsEntropy).unwrap();
    shard
}

pub(super) type Answer = (String, u32, String, [u8; 32]);

/// Every chunk that lives, as an answer cites it, with the hash that stands for it.
pub(super) fn answers(live: &Live) -> Result<Vec<Answer>, CollectionError> {
    let mut rows: Vec<(&Row, Option<_>)> = Vec::new();
    for part in live.parts() {
        let (held, alive, shelf) = match part {
            Part::Segment(segment) => (&segment.rows[..], &segment.live, segment.shelf.as_ref()),
            Part::Tail(tail) => (&tail.rows[..], &tail.live, None),
        };
        rows.extend(alive.iter().map(|ordinal| (&held[ordinal as usize], shelf)));
    }
    let texts = cited(&rows)?;
    let mut answers = Vec::new();
    for ((row, _), text) in rows.iter().zip(texts) {
        let (document, chunk) = (&row.document, row.chunk);
        let text = text.unwrap_or_else(|| document.kept_text(chunk).unwrap().to_owned());
        let hash = document.hash_of(chunk, &text);
        answers.push((document.id.as_str().to_owned(), chunk, text, hash));
    }
    answers.sort();
    Ok(answers)
}

/// Roots of the parts' trees, in their order.
fn trees(live: &Live) -> Vec<[u8; 32]> {
    live.parts().map(|part| part.tree().root()).collect()
}

/// A document of several chunks: spans of the original, spans that overlap, an empty one, one with a text of its own.
fn several(id: &str, content: &str) -> Document {
    let mut document = document(id, content);
    let cut = |at: usize| content.char_indices().map(|(at, _)| at).chain([content.len()]).nth(at);
    let end = content.len();
    let half = cut(content.chars().count() / 2).unwrap();
    let own = (end.is_multiple_of(3)).then(|| format!("{id} in its own words").as_str().into());
    let spans =
        [(0, end, None), (0, half, None), (half, end, None), (half, half, None), (0, end, own)];
    let chunk = |(start, end, text): (usize, usize, _)| Chunk {
        start: u32::try_from(start).unwrap(),
        end: u32::try_from(end).unwrap(),
        text,
        ..document.chunks[0].clone()
    };
    document.chunks = spans.into_iter().map(chunk).collect();
    document
}

pub(super) struct Chance(pub(super) u64);

impl Chance {
    pub(super) fn below(&mut self, most: u64) -> u64 {
        self.0 =
            self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % most
    }
}

/// Both twins and where they lie.
struct Twins {
    engines: [MemoryEngine; 2],
    accounts: [Arc<Accounts>; 2],
    shards: [CollectionShard; 2],
    epoch: u32,
}

impl Twins {
    fn new() -> Self {
        let engines = [MemoryEngine::new(), MemoryEngine::new()];
        let accounts = [Accounts::unlimited(), Accounts::unlimited()];
        let shards = [
            made(&engines[0], profile(), &accounts[0]),
            made(&engines[1], on_disk(), &accounts[1]),
        ];
        Self { engines, accounts, shards, epoch: 1 }
    }

    fn each(&mut self, mut deed: impl FnMut(&CollectionShard)) {
        self.shards.iter().for_each(&mut deed);
    }

    fn rotate(&mut self) {
        self.epoch += 1;
        let epoch = self.epoch;
        self.each(|shard| {
            shard.prepare_epoch(epoch, wrap_of(epoch), &mut OsEntropy).unwrap();
            shard.settle_epoch(epoch).unwrap();
            renew::reencrypt(shard, &|_, _| (), &mut OsEntropy).unwrap();
        });
    }

    fn reopen(self) -> Self {
        let Self { engines, accounts, shards, epoch } = self;
        drop(shards);
        let identity = Identity { epoch, ..IDENTITY };
        let open = |at: usize| {
            let home = home(&engines[at], 1, &accounts[at]);
            CollectionShard::open(identity, wrap_of(epoch), home).unwrap()
        };
        let shards = [open(0), open(1)];
        Self { engines, accounts, shards, epoch }
    }

    /// Both from snapshots of themselves.
    fn restore(mut self) -> Self {
        let identity = Identity { epoch: self.epoch, ..IDENTITY };
        for at in 0..2 {
            let (engine, shard) = (&self.engines[at], &self.shards[at]);
            let folder = tempfile::tempdir().unwrap();
            let archive = FolderArchive::new(folder.path());
            let target = Target { archive: &archive, folder: [9; 16] };
            let moment = shard.keep_moment(4).unwrap();
            let kept =
                engine.open(ShardName(IDENTITY.lineage.0), Open::At(moment.checkpoint)).unwrap();
            moment.write(kept.as_ref(), about(), None, target, &|_, _| (), &mut OsEntropy).unwrap();
            shard.drop_moments().unwrap();
            let fresh = MemoryEngine::new();
            let opener = Opener::new(IDENTITY.collection, self.epoch, wrap_of(self.epoch));
            let source = Source::open(target, target.indexes().unwrap()[0], &opener).unwrap();
            source.unpack(&opener, &store(&fresh, 0), true, &|_, _| ()).unwrap();
            let home = home(&fresh, 1, &self.accounts[at]);
            self.shards[at] = CollectionShard::open(identity, wrap_of(self.epoch), home).unwrap();
            self.engines[at] = fresh;
        }
        self
    }

    fn compare(&self, at: &str) {
        let [memory, disk] = self.shards.each_ref().map(CollectionShard::read);
        assert_eq!(answers(&disk).unwrap(), answers(&memory).unwrap(), "{at}");
        assert_eq!(contents(&disk), contents(&memory), "{at}");
        assert_eq!(trees(&disk), trees(&memory), "{at}");
        let on_disk = |segment: &LiveSegment| {
            segment.shelf.is_some()
                && segment.rows.iter().all(|row| row.document.content.lies().is_some())
        };
        assert!(disk.segments.iter().all(on_disk), "{at}");
        assert!(memory.segments.iter().all(|segment| segment.shelf.is_none()), "{at}");
    }
}

/// Whatever happened to both, texts, originals, hashes and trees are the same from disk as from memory: through
/// freezes, merges, deletions, purges, rotations with re-encryption, restarts and restorations.
#[test]
fn answers_are_those_of_memory() {
    let (mut twins, mut chance) = (Twins::new(), Chance(5));
    for step in 0..150 {
        let id = format!("d{}", chance.below(25));
        let deed = chance.below(20);
        match deed {
            0 => twins.each(|shard| freeze::compact(shard, false, &mut OsEntropy).unwrap()),
            1 => twins.each(|shard| freeze::merge_all(shard, &mut OsEntropy).unwrap()),
            2 => twins.each(|shard| renew::purge(shard, &mut OsEntropy).unwrap()),
            3 if twins.epoch < 6 => twins.rotate(),
            4 => twins = twins.reopen(),
            5 if step % 3 == 0 => twins = twins.restore(),
            6 | 7 => twins.each(|shard| delete(shard, &id)),
            8 | 9 => twins.each(|shard| freeze::maintain(shard, &mut OsEntropy).unwrap()),
            _ => {
                let words = ["one ", "zwei ", "três ", "四 ", "🦀 "];
                let long = if chance.below(20) == 0 { 30_000 } else { 40 };
                let content: String =
                    (0..chance.below(long)).map(|_| words[chance.below(5) as usize]).collect();
                let document = several(&id, &format!("{id} in step {step}: {content}"));
                let vectors = [0.6, 0.8].repeat(document.chunks.len());
                let put =
                    put_batches(Op::Put { document, vectors }, None, 5, &mut OsEntropy).unwrap();
                twins.each(|shard| {
                    shard.write(put.clone(), &mut OsEntropy).unwrap();
                });
            }
        }
        twins.compare(&format!("after step {step}, {deed}"));
    }
    assert!(twins.epoch > 1 && !twins.shards[1].read().segments.is_empty());
}

/// Documents that lie in a part are those that are encoded there, and come back out of it alone.
#[test]
fn lying_documents_are_whole_ones_elsewhere() {
    let whole: Vec<Document> = ["", "a", "Ünïcode 🦀 text", &"long ".repeat(40_000)]
        .iter()
        .map(|text| several("d", &format!("{text}.")))
        .collect();
    let part = encode(&whole).unwrap();
    let lying = lying(&part).unwrap();
    let filled: Option<Vec<Document>> = lying.iter().map(|one| one.filled(&part)).collect();
    assert_eq!(filled.unwrap(), whole);
    for (lies, whole) in lying.iter().zip(&whole) {
        assert!(lies.filled(&part[..part.len() / 9]).is_none_or(|other| other == *whole));
        assert!(lies.kept_bytes() < 2000 && encode(lies).is_err());
        for chunk in 0..5 {
            let text = super::super::record::read_in(&part, &lies.lies(chunk).unwrap()).unwrap();
            assert_eq!((text, lies.text(chunk).is_err()), (&*whole.text(chunk).unwrap(), true));
            assert_eq!(lies.hash_of(chunk, text), whole.chunk_hash(chunk).unwrap());
        }
    }
    prag_fuzz::fuzz(2, &[part], |bytes| {
        let decoded = decode::<Vec<Document>>(bytes).ok();
        let lies = super::super::record::lying(bytes).ok();
        assert_eq!(lies.is_some(), decoded.is_some());
        let back: Option<Vec<Document>> =
            lies.iter().flatten().map(|one| one.filled(bytes)).collect();
        assert_eq!(back.unwrap(), decoded.unwrap_or_default());
    });
}

/// Texts are out of memory, and what is counted says so: a kilobyte of text a chunk costs less than its record; a
/// limit that the twin in memory does not open under is enough.
#[test]
fn memory_falls_by_the_texts() {
    let mut counted = Vec::new();
    let noise = |number: u64| {
        let mut chance = Chance(number + 1);
        (0..1000).map(|_| char::from(33 + chance.below(90) as u8)).collect::<String>()
    };
    for profile in [profile(), on_disk()] {
        let (engine, accounts) = (MemoryEngine::new(), Accounts::unlimited());
        let shard = made(&engine, profile, &accounts);
        for number in 0..300 {
            put(&shard, &format!("d{number}"), &noise(number));
        }
        freeze::compact(&shard, false, &mut OsEntropy).unwrap();
        let built = (accounts.used(Component::Texts), accounts.total(), accounts.texts());
        drop(shard);
        let limit = Accounts::unlimited();
        let opened = CollectionShard::open(IDENTITY, wrap_of(1), home(&engine, 1, &limit)).unwrap();
        let loaded = (limit.used(Component::Texts), limit.texts());
        assert_eq!(loaded, (built.0, built.2), "loaded, it takes what it took when built");
        drop(opened);
        let tight = Accounts::new(built.1 / 2);
        let refused = CollectionShard::open(IDENTITY, wrap_of(1), home(&engine, 1, &tight));
        assert!(matches!(refused, Err(CollectionError::Memory(_))));
        assert_eq!(tight.total(), 0);
        counted.push((engine, built));
    }
    let ((_, memory), (engine, disk)) = (&counted[0], &counted[1]);
    assert_eq!((memory.2.0, disk.2.0), (300_000, 300_000));
    assert_eq!((disk.2.1, memory.0 - disk.0), (0, memory.2.1));
    assert!(memory.0 - disk.0 > 250_000, "{memory:?} {disk:?}");
    for (engine, fits) in [(&counted[0].0, false), (engine, true)] {
        let between = Accounts::new((memory.1 + disk.1) / 2);
        let opened = CollectionShard::open(IDENTITY, wrap_of(1), home(engine, 1, &between));
        assert_eq!(opened.is_ok(), fits);
    }
}

/// An oblivious collection has no texts on disk, whoever says so.
#[test]
fn oblivious_collections_lie_in_memory() {
    let profile = sealed_profile(Profile { search: Search::Oblivious, ..on_disk() });
    let home = home(&MemoryEngine::new(), 0, &Accounts::unlimited());
    let refused = CollectionShard::create(IDENTITY, profile, wrap_of(1), home, &mut OsEntropy);
    assert!(matches!(refused, Err(CollectionError::Unknown("residency"))));
}
