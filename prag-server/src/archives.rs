//! The targets for snapshots that this worker may use.
//!
//! Layer: server; made by `boot` from the settings, used by `flow`.
//! Holds: each target under its name, in the order of the settings.
//! Never: a target that a request brought.
//! Invariant: the first one is taken where none is named.

#[cfg(feature = "s3")]
mod s3;

use crate::settings::SnapshotTarget;
use prag_store::archive::{Archive, FolderArchive};
use std::sync::Arc;

/// Targets by name.
#[derive(Clone, Default)]
pub struct Archives(Vec<(String, Arc<dyn Archive>)>);

impl Archives {
    /// Those of the settings. None is touched yet.
    ///
    /// # Errors
    /// In words, what a target lacks.
    pub fn open(targets: &[SnapshotTarget]) -> Result<Self, String> {
        let open = |target: &SnapshotTarget| Ok((target.name.clone(), one(target)?));
        targets.iter().map(open).collect::<Result<_, String>>().map(Self)
    }

    /// The target called `name`, or the first one.
    #[must_use]
    pub fn find(&self, name: Option<&str>) -> Option<(String, Arc<dyn Archive>)> {
        let named = |one: &&(String, Arc<dyn Archive>)| name.is_none_or(|name| one.0 == name);
        self.0.iter().find(named).cloned()
    }

    /// Every name.
    #[must_use]
    pub fn names(&self) -> Vec<String> {
        self.0.iter().map(|(name, _)| name.clone()).collect()
    }
}

fn one(target: &SnapshotTarget) -> Result<Arc<dyn Archive>, String> {
    if let Some(folder) = &target.folder {
        return Ok(Arc::new(FolderArchive::new(folder)));
    }
    #[cfg(feature = "s3")]
    if let Some(bucket) = &target.bucket {
        return Ok(Arc::new(s3::BucketArchive::open(bucket)?));
    }
    Err(format!("the target {} has no place that this build can reach", target.name))
}
