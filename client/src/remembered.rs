//! What this machine remembers, so that a worker cannot serve it an older or another history.
//!
//! Layer: client.
//! Holds: heads and snapshots by collection, ledger heads by ledger, pins by URL; one small file each.
//! Never: text, keys, or names but those of targets for snapshots.
//! Invariant: a remembered head is replaced only by one that a consistency proof shows to follow it, unless its owner
//! had it forgotten.

use crate::error::ClientError;
use crate::home::{Home, locked, read_private, write_private};
use prag_protocol::CollectionId;
use prag_trust::head::{Head, SignedHead, follows};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

/// The remembered state of one person on this machine.
#[derive(Clone, Debug)]
pub struct Remembered {
    home: Home,
}

/// The ledger and configuration that a URL showed first.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Pin {
    /// Hex.
    pub ledger_id: String,
    /// Hex.
    pub config_digest: String,
}

/// What is remembered of a ledger.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LedgerMark {
    /// Most transitions ever seen.
    pub height: u64,
    /// The newest head of which the root was seen: what a restarted worker is shown.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub head: Option<LedgerRoot>,
}

/// A ledger's root at a height.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LedgerRoot {
    /// Number of transitions.
    pub height: u64,
    /// Hex.
    pub root: String,
}

/// A snapshot that a verified worker made or checked.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MadeSnapshot {
    /// BLAKE3 of its index, hex.
    pub id: String,
    /// The worker's name for where it lies.
    pub target: String,
    /// Unix seconds, by the worker's clock.
    pub created: u64,
    /// What it holds.
    pub head: Head,
}

impl Remembered {
    /// The state under `home`.
    #[must_use]
    pub fn new(home: &Home) -> Self {
        Self { home: home.clone() }
    }

    /// Where the state lies.
    pub(crate) fn home(&self) -> &Home {
        &self.home
    }

    /// The remembered head of a collection.
    ///
    /// # Errors
    /// [`ClientError::SecretFile`] if the file is damaged: an attacker may want it forgotten.
    pub fn head(&self, collection: CollectionId) -> Result<Option<SignedHead>, ClientError> {
        self.read(&head_name(collection))
    }

    /// Remembers `new`, signed by the verified worker `signer`, which follows what was remembered by `proof`.
    ///
    /// # Errors
    /// [`ClientError::History`] for a bad signature, a rollback, a fork or another lineage; what was
    /// remembered stays.
    pub fn advance(
        &self,
        collection: CollectionId,
        new: &SignedHead,
        signer: &[u8; 32],
        proof: &[[u8; 32]],
    ) -> Result<(), ClientError> {
        let refuse = |reason| ClientError::History { collection, reason };
        let shown = new.verify(signer).map_err(refuse)?;
        if let Some(old) = self.head(collection)? {
            // Its signer was a verified worker when it was remembered.
            let old = old.verify(&old.signer).map_err(refuse)?;
            follows(&old, &shown, proof).map_err(refuse)?;
        }
        self.write(&head_name(collection), new)
    }

    /// Forgets the head of a collection that its owner deleted, or takes back to an older state.
    ///
    /// # Errors
    /// [`ClientError::File`].
    pub fn forget(&self, collection: CollectionId) -> Result<(), ClientError> {
        let path = self.home.state(&head_name(collection));
        match std::fs::remove_file(path) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
                Err(ClientError::file("forgetting a head")(error))
            }
            _ => Ok(()),
        }
    }

    /// The snapshots of a collection that are remembered, oldest first.
    ///
    /// # Errors
    /// As [`Remembered::head`].
    pub fn made_snapshots(&self, id: CollectionId) -> Result<Vec<MadeSnapshot>, ClientError> {
        Ok(self.read(&snapshots_name(id))?.unwrap_or_default())
    }

    /// Remembers a snapshot; of very many, the newest.
    ///
    /// # Errors
    /// As [`Remembered::head`].
    pub fn made_snapshot(&self, id: CollectionId, made: MadeSnapshot) -> Result<(), ClientError> {
        self.change_snapshots(id, |all| {
            all.retain(|one| one.id != made.id);
            all.push(made);
            all.drain(..all.len().saturating_sub(SNAPSHOTS_MAX));
        })
    }

    /// Forgets snapshots that were removed on their owner's word.
    ///
    /// # Errors
    /// As [`Remembered::head`].
    pub fn forget_snapshots(&self, id: CollectionId, gone: &[String]) -> Result<(), ClientError> {
        self.change_snapshots(id, |all| all.retain(|one| !gone.contains(&one.id)))
    }

    fn change_snapshots(
        &self,
        id: CollectionId,
        change: impl FnOnce(&mut Vec<MadeSnapshot>),
    ) -> Result<(), ClientError> {
        let _alone = locked(&self.home.state(&format!("snapshots/{id}.lock")))?;
        let mut all = self.made_snapshots(id)?;
        change(&mut all);
        self.write(&snapshots_name(id), &all)
    }

    /// The remembered mark of a ledger.
    ///
    /// # Errors
    /// As [`Remembered::head`].
    pub fn ledger(&self, ledger_id: &str) -> Result<Option<LedgerMark>, ClientError> {
        self.read(&ledger_name(ledger_id))
    }

    /// Remembers that the ledger stood at `height`, with `root` where the worker showed it.
    ///
    /// # Errors
    /// [`ClientError::LedgerRollback`] if it stood higher before, or had another root at this height.
    pub fn advance_ledger(
        &self,
        ledger_id: &str,
        height: u64,
        root: Option<&str>,
    ) -> Result<(), ClientError> {
        let shown = root.map(|root| LedgerRoot { height, root: root.to_owned() });
        let old = self.ledger(ledger_id)?;
        let mut head = old.as_ref().and_then(|old| old.head.clone());
        if let Some(old) = old {
            let forked =
                matches!((&head, &shown), (Some(a), Some(b)) if a.height == b.height && a != b);
            if height < old.height || forked {
                return Err(ClientError::LedgerRollback { remembered: old.height, shown: height });
            }
        }
        head = shown.or(head);
        self.write(&ledger_name(ledger_id), &LedgerMark { height, head })
    }

    /// The first of `count` sequences for messages that the session key `key` signs now, at Unix second `now`: greater
    /// than every one before. Remembered before any of them is used.
    ///
    /// # Errors
    /// As [`Remembered::head`].
    pub fn next_sequences(&self, key: &[u8; 32], now: u64, count: u64) -> Result<u64, ClientError> {
        let name = format!("sequences/{}", short_hash(&hex::encode(key)));
        let _alone = locked(&self.home.state(&format!("{name}.lock")))?;
        let name = format!("{name}.json");
        let last: u64 = self.read(&name)?.unwrap_or(0);
        // Unix microseconds, so that a machine that has forgotten goes on above what it signed before.
        let first = now.saturating_mul(1_000_000).max(last.saturating_add(1));
        self.write(&name, &first.saturating_add(count.saturating_sub(1)))?;
        Ok(first)
    }

    /// What `url` showed first.
    ///
    /// # Errors
    /// As [`Remembered::head`].
    pub fn pin(&self, url: &str) -> Result<Option<Pin>, ClientError> {
        self.read(&pin_name(url))
    }

    /// Remembers what `url` shows, replacing what it showed before.
    ///
    /// # Errors
    /// [`ClientError::File`].
    pub fn set_pin(&self, url: &str, pin: &Pin) -> Result<(), ClientError> {
        self.write(&pin_name(url), pin)
    }

    /// Forgets what `url` showed: the next session pins anew.
    pub fn forget_pin(&self, url: &str) {
        // Absent is what is wanted; a pin that cannot be removed goes on refusing.
        let _ = std::fs::remove_file(self.home.state(&pin_name(url)));
    }

    /// How far a sealed corpus got into a collection: records acknowledged, from the first on.
    ///
    /// # Errors
    /// As [`Remembered::head`].
    pub fn progress(
        &self,
        collection: CollectionId,
        corpus: CollectionId,
    ) -> Result<u64, ClientError> {
        let done: Option<u64> = self.read(&progress_name(collection, corpus))?;
        Ok(done.unwrap_or(0))
    }

    /// Remembers how far a sealed corpus got; `None` once it is in.
    ///
    /// # Errors
    /// [`ClientError::File`].
    pub fn set_progress(
        &self,
        collection: CollectionId,
        corpus: CollectionId,
        done: Option<u64>,
    ) -> Result<(), ClientError> {
        let name = progress_name(collection, corpus);
        match done {
            Some(done) => self.write(&name, &done),
            None => {
                // Absent is what is wanted; any other failure only costs a repeated upload.
                let _ = std::fs::remove_file(self.home.state(&name));
                Ok(())
            }
        }
    }

    fn read<T: DeserializeOwned>(&self, name: &str) -> Result<Option<T>, ClientError> {
        let Some(bytes) = read_private(&self.home.state(name), STATE_BYTES_MAX)? else {
            return Ok(None);
        };
        serde_json::from_slice(&bytes)
            .map(Some)
            .map_err(|_| ClientError::SecretFile("remembered state does not parse"))
    }

    fn write<T: Serialize>(&self, name: &str, value: &T) -> Result<(), ClientError> {
        let bytes = serde_json::to_vec_pretty(value)
            .map_err(|_| ClientError::SecretFile("remembered state does not encode"))?;
        write_private(&self.home.state(name), &bytes)
    }
}

fn head_name(collection: CollectionId) -> String {
    format!("heads/{collection}.json")
}

fn ledger_name(ledger_id: &str) -> String {
    format!("ledgers/{}.json", short_hash(ledger_id))
}

fn pin_name(url: &str) -> String {
    format!("workers/{}.json", short_hash(url))
}

fn snapshots_name(collection: CollectionId) -> String {
    format!("snapshots/{collection}.json")
}

fn progress_name(collection: CollectionId, corpus: CollectionId) -> String {
    format!("progress/{collection}-{corpus}.json")
}

fn short_hash(text: &str) -> String {
    hex::encode(&blake3::hash(text.as_bytes()).as_bytes()[..16])
}

/// So many fit the largest file of remembered state.
const SNAPSHOTS_MAX: usize = 100;
const STATE_BYTES_MAX: u64 = 64 << 10;

#[cfg(test)]
mod tests;
