//! Keeping and dropping checkpoints of a live shard.
//!
//! Layer: `prag-store`, RocksDB engine.
//! Holds: the part of [`Core`] that makes folders beside the database.
//! Never: commits or deletes of blobs meanwhile: `writing` and `keep_all` are held.
//! Invariant: a checkpoint appears and disappears by one rename, and holds exactly the batches up to its id.

use std::path::PathBuf;

use rocksdb::checkpoint::Checkpoint;

use super::Core;
use crate::error::StoreError;
use crate::names::CheckpointId;
use crate::rocks::folder::{self, exists, io, sync_folder};
use crate::rocks::mark::Mark;
use crate::rocks::options::failed;

impl Core {
    pub(in crate::rocks) fn checkpoint(&self, term: u64) -> Result<CheckpointId, StoreError> {
        let state = self.writing();
        self.check(term)?;
        self.barrier.wait(state.seq, || self.sync())?;
        let id = CheckpointId(state.seq);
        let path = self.checkpoint_path(id);
        if exists(&path) {
            return Ok(id);
        }
        let aside = path.with_extension(folder::NEW);
        let blobs = aside.join(folder::BLOBS);
        folder::sweep(&self.checkpoints, folder::NEW).map_err(io(self.name))?;
        folder::create(&blobs).map_err(io(self.name))?;
        let _blobs_stay = self.blobs.keep_all();
        self.with(|db| {
            Checkpoint::new(db)
                .and_then(|checkpoint| checkpoint.create_checkpoint(aside.join(folder::ROWS)))
                .map_err(|error| failed(self.name, &error))
        })?;
        self.blobs.link_all(&blobs)?;
        Mark::create(&aside, *state).map_err(io(self.name))?;
        for part in [&blobs, &aside] {
            sync_folder(part).map_err(io(self.name))?;
        }
        std::fs::rename(&aside, &path).map_err(io(self.name))?;
        sync_folder(&self.checkpoints).map_err(io(self.name))?;
        Ok(id)
    }

    pub(in crate::rocks) fn checkpoints(&self) -> Result<Vec<CheckpointId>, StoreError> {
        let mut ids = Vec::new();
        for entry in std::fs::read_dir(&self.checkpoints).map_err(io(self.name))? {
            let entry = entry.map_err(io(self.name))?;
            ids.extend(entry.file_name().to_str().and_then(CheckpointId::from_hex));
        }
        ids.sort_unstable();
        Ok(ids)
    }

    pub(in crate::rocks) fn drop_checkpoint(
        &self,
        term: u64,
        id: CheckpointId,
    ) -> Result<(), StoreError> {
        let _state = self.writing();
        self.check(term)?;
        let path = self.checkpoint_path(id);
        if exists(&path) { folder::remove(&path).map_err(io(self.name)) } else { Ok(()) }
    }

    fn checkpoint_path(&self, id: CheckpointId) -> PathBuf {
        self.checkpoints.join(id.to_string())
    }
}
