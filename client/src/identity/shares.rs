//! Key shares that this machine's owner holds, and sealing roots that its steward does.
//!
//! Layer: client, inside `identity`.
//! Holds: one private file for each collection or corpus and key epoch, and for each worker's root.
//! Never: a share replaced; a share removed but by name of its collection and epoch.
//! Invariant: during a rotation the shares of both epochs are here, so that either can be released.

use crate::error::ClientError;
use crate::home::{Home, read_private, write_private, write_private_new};
use crate::secrets::{SECRET_FILE_BYTES_MAX, decode, encode};
use prag_protocol::{CollectionId, Epoch};
use prag_trust::entropy::Entropy;
use prag_trust::key::Share;
use std::io::ErrorKind;
use std::path::Path;
use zeroize::Zeroizing;

/// The shares.
#[derive(Clone)]
pub struct ShareStore {
    home: Home,
    passphrase: Option<Zeroizing<String>>,
}

impl ShareStore {
    /// The shares under `home`; new ones are sealed where there is a passphrase.
    #[must_use]
    pub fn new(home: &Home, passphrase: Option<&str>) -> Self {
        Self {
            home: home.clone(),
            passphrase: passphrase.map(|text| Zeroizing::new(text.to_owned())),
        }
    }

    /// Keeps a share; durable when this returns.
    ///
    /// # Errors
    /// [`ClientError::SecretFile`] if another share is kept for `id` and `epoch` already.
    pub fn keep(
        &self,
        id: CollectionId,
        epoch: Epoch,
        share: &Share,
        entropy: &mut dyn Entropy,
    ) -> Result<(), ClientError> {
        self.write(&self.home.share(id, epoch), &purpose(id, epoch), share, entropy)
    }

    /// The share of a collection or corpus in `epoch`.
    ///
    /// # Errors
    /// [`ClientError::NoShare`], [`ClientError::Passphrase`], [`ClientError::SecretFile`].
    pub fn fetch(&self, id: CollectionId, epoch: Epoch) -> Result<Share, ClientError> {
        let found = self.read(&self.home.share(id, epoch), &purpose(id, epoch))?;
        found.ok_or(ClientError::NoShare(id))
    }

    /// Keeps the sealing root of the worker whose data directory is named `directory`; durable when this returns.
    ///
    /// # Errors
    /// As [`ShareStore::keep`].
    pub fn keep_root(
        &self,
        directory: CollectionId,
        root: &Share,
        entropy: &mut dyn Entropy,
    ) -> Result<(), ClientError> {
        self.write(&self.home.root(directory), &root_purpose(directory), root, entropy)
    }

    /// The sealing root that is kept for a worker's data directory, if there is one. Roots and shares never stand in for
    /// each other, whatever they are named.
    ///
    /// # Errors
    /// [`ClientError::Passphrase`], [`ClientError::SecretFile`].
    pub fn root(&self, directory: CollectionId) -> Result<Option<Share>, ClientError> {
        self.read(&self.home.root(directory), &root_purpose(directory))
    }

    /// Forgets a sealing root, in the same way as a share.
    ///
    /// # Errors
    /// [`ClientError::File`].
    pub fn forget_root(&self, directory: CollectionId) -> Result<(), ClientError> {
        let path = self.home.root(directory);
        if path.exists() { remove(&path) } else { Ok(()) }
    }

    /// Whether the share of `id` in `epoch` is kept.
    #[must_use]
    pub fn has(&self, id: CollectionId, epoch: Epoch) -> bool {
        self.home.share(id, epoch).exists()
    }

    /// The epochs that a share of `id` is kept for, ascending.
    ///
    /// # Errors
    /// [`ClientError::File`].
    pub fn epochs(&self, id: CollectionId) -> Result<Vec<Epoch>, ClientError> {
        let reading = "reading the folder of shares";
        let entries = match std::fs::read_dir(self.home.shares()) {
            Ok(entries) => entries,
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(Vec::new()),
            Err(error) => return Err(ClientError::file(reading)(error)),
        };
        let mut epochs = Vec::new();
        for entry in entries {
            let name = entry.map_err(ClientError::file(reading))?.file_name();
            let epoch = name.to_str().and_then(|name| name.split_once('.'));
            let epoch = epoch.filter(|(of, _)| *of == id.to_string());
            epochs.extend(epoch.and_then(|(_, epoch)| epoch.parse::<Epoch>().ok()));
        }
        epochs.sort_unstable();
        Ok(epochs)
    }

    /// Forgets every share of `id` for good; what they sealed is lost with them.
    ///
    /// # Errors
    /// [`ClientError::File`].
    pub fn forget(&self, id: CollectionId) -> Result<(), ClientError> {
        self.epochs(id)?.into_iter().try_for_each(|epoch| remove(&self.home.share(id, epoch)))
    }

    /// Forgets the shares of epochs before `current`, which worker and ledger need no more.
    ///
    /// # Errors
    /// [`ClientError::NoShare`] unless the one of `current` is here: then nothing is forgotten.
    pub fn retire(&self, id: CollectionId, current: Epoch) -> Result<(), ClientError> {
        self.fetch(id, current)?;
        let old = self.epochs(id)?.into_iter().filter(|epoch| *epoch < current);
        old.into_iter().try_for_each(|epoch| remove(&self.home.share(id, epoch)))
    }

    fn write(
        &self,
        path: &Path,
        purpose: &str,
        share: &Share,
        entropy: &mut dyn Entropy,
    ) -> Result<(), ClientError> {
        let file = encode(purpose, share.expose(), self.passphrase(), entropy)?;
        if write_private_new(path, &file)? {
            Ok(())
        } else {
            Err(ClientError::SecretFile("a share is kept for this id and epoch already"))
        }
    }

    fn read(&self, path: &Path, purpose: &str) -> Result<Option<Share>, ClientError> {
        let found = read_private(path, SECRET_FILE_BYTES_MAX)?;
        let Some(bytes) = found.map(Zeroizing::new) else {
            return Ok(None);
        };
        let secret = decode(purpose, &bytes, self.passphrase())?;
        let bytes = <&[u8; 32]>::try_from(&secret[..]);
        let bytes = bytes.map_err(|_| ClientError::SecretFile("not a share"))?;
        Ok(Some(Share::from_bytes(bytes)))
    }

    fn passphrase(&self) -> Option<&str> {
        self.passphrase.as_ref().map(|text| text.as_str())
    }
}

/// Overwrites a file and removes it.
fn remove(path: &Path) -> Result<(), ClientError> {
    write_private(path, b"forgotten")?;
    std::fs::remove_file(path).map_err(ClientError::file("removing a share"))
}

fn root_purpose(directory: CollectionId) -> String {
    format!("root-{directory}")
}

fn purpose(id: CollectionId, epoch: Epoch) -> String {
    format!("share/{id}/{epoch}")
}
