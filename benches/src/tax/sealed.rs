//! The sealed side: a collection's shard as the worker has it.
//!
//! Layer: benches, tax.
//! Holds: the shipped shard over the shipped engine, and how long its writes and openings take.
//! Never: a path of its own around sealing, digests, tree or fsync.
//! Invariant: what is timed is what `flow` calls.

use super::storage::{Arm, Opened, nearest};
use crate::data::DIMENSION;
use crate::error::{BenchError, Step};
use crate::measure::time;
use prag_client::system::OsEntropy;
use prag_protocol::wire::collections::{Precision, Profile, Residency, Search};
use prag_protocol::{CollectionId, Lineage};
use prag_server::collection::freeze;
use prag_server::collection::profile::sealed_profile;
use prag_server::collection::record::Op;
use prag_server::collection::shard::{CollectionShard, Identity, batch};
use prag_server::collection::state::LiveSegment;
use prag_store::{Engine, Open, RocksEngine, Shard, ShardName};
use prag_trust::key::{Key, Share, Wrap, derive_kek};
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// A sealed shard that can be closed and opened.
pub(super) struct Sealed {
    engine: RocksEngine,
    shard: Option<CollectionShard>,
}

impl Sealed {
    /// A new shard in `folder`.
    pub(super) fn create(folder: &Path) -> Result<Self, BenchError> {
        let engine = RocksEngine::open(folder).step("the sealed engine")?;
        let store = open(&engine, 0)?;
        let shard = CollectionShard::create(IDENTITY, profile(), wrap(), store, &mut OsEntropy);
        Ok(Self { engine, shard: Some(shard.step("creating the sealed shard")?) })
    }

    /// Makes one segment of everything.
    pub(super) fn compact(&self) -> Result<(), BenchError> {
        freeze::compact(self.shard()?, true, &mut OsEntropy).step("compacting the sealed shard")
    }

    /// The segments.
    pub(super) fn segments(&self) -> Result<Vec<LiveSegment>, BenchError> {
        Ok(self.shard()?.read().segments.clone())
    }

    fn shard(&self) -> Result<&CollectionShard, BenchError> {
        self.shard.as_ref().step("the sealed shard")
    }
}

impl Arm for Sealed {
    fn write(&mut self, ops: Vec<Op>) -> Result<Duration, BenchError> {
        let shard = self.shard()?;
        time(|| {
            let batches = ops.into_iter().map(|op| batch(vec![op], None, TIME, &mut OsEntropy));
            let batches = batches.collect::<Result<_, _>>().step("making batches")?;
            shard.write(batches, &mut OsEntropy).step("writing the sealed shard")
        })
    }

    fn reopen(&mut self) -> Result<Opened, BenchError> {
        self.shard = None;
        let begin = Instant::now();
        let store = open(&self.engine, 1)?;
        let engine = begin.elapsed();
        let shard = CollectionShard::open(IDENTITY, wrap(), store);
        self.shard = Some(shard.step("opening the sealed shard")?);
        Ok(Opened { engine, load: begin.elapsed() - engine })
    }

    fn search(&self, query: &[f32]) -> Result<Vec<(u32, u32, u32)>, BenchError> {
        nearest(&self.shard()?.read(), query)
    }
}

fn open(engine: &RocksEngine, expected_epoch: u64) -> Result<Arc<dyn Shard>, BenchError> {
    let mode = Open::Writer { expected_epoch, claim: 1 };
    engine.open(ShardName(IDENTITY.lineage.0), mode).step("opening the sealed store")
}

fn wrap() -> Key<Wrap> {
    let (chain, owner) = (Share::from_bytes(&[3; 32]), Share::from_bytes(&[4; 32]));
    derive_kek(&chain, &owner, IDENTITY.collection, IDENTITY.epoch).derive()
}

fn profile() -> Profile {
    let dimension = u32::try_from(DIMENSION).unwrap_or_default();
    sealed_profile(Profile {
        model: "supplied".to_owned(),
        model_files: Default::default(),
        pooling: "supplied".to_owned(),
        query_prefix: String::new(),
        passage_prefix: String::new(),
        dimension,
        metric: "dot".to_owned(),
        chunk_tokens: 0,
        chunker: prag_chunk::CHUNKER.to_owned(),
        analyzer: prag_index::ANALYZER.to_owned(),
        search: Search::Standard,
        residency: Residency::Memory,
        precision: Precision::F16,
        digest: String::new(),
    })
}

const IDENTITY: Identity = Identity {
    collection: CollectionId([1; 16]),
    lineage: Lineage([2; 16]),
    epoch: 1,
    writer_epoch: 1,
};
/// Unix seconds of every batch.
pub(super) const TIME: u64 = 1_800_000_000;
