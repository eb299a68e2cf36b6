//! Key shares that this machine's owner holds.
//!
//! Layer: client, inside `identity`.
//! Holds: one private file for each collection or corpus and key epoch.
//! Never: a share replaced; a share removed but by name of its collection and epoch.
//! Invariant: during a rotation the shares of both epochs are here, so that either can be released.

use crate::error::ClientError;
use crate::home::{Home, read_private, write_private, write_private_new};
use crate::secrets::{SECRET_FILE_BYTES_MAX, decode, encode};
use prag_protocol::{CollectionId, Epoch};
use prag_trust::entropy::Entropy;
use prag_trust::key::Share;
use std::io::ErrorKind;
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
        let secret = share.expose();
        let file = encode(&purpose(id, epoch), secret, self.passphrase(), entropy)?;
        if write_private_new(&self.home.share(id, epoch), &file)? {
            Ok(())
        } else {
            Err(ClientError::SecretFile("a share is kept for this id and epoch already"))
        }
    }

    /// The share of a collection or corpus in `epoch`.
    ///
    /// # Errors
    /// [`ClientError::NoShare`], [`ClientError::Passphrase`], [`ClientError::SecretFile`].
    pub fn fetch(&self, id: CollectionId, epoch: Epoch) -> Result<Share, ClientError> {
        let bytes = read_private(&self.home.share(id, epoch), SECRET_FILE_BYTES_MAX)?
            .map(Zeroizing::new)
            .ok_or(ClientError::NoShare(id))?;
        let secret = decode(&purpose(id, epoch), &bytes, self.passphrase())?;
        let bytes = <&[u8; 32]>::try_from(&secret[..]);
        bytes.map(Share::from_bytes).map_err(|_| ClientError::SecretFile("not a share"))
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
        self.epochs(id)?.into_iter().try_for_each(|epoch| self.remove(id, epoch))
    }

    /// Forgets the shares of epochs before `current`, which worker and ledger need no more.
    ///
    /// # Errors
    /// [`ClientError::NoShare`] unless the one of `current` is here: then nothing is forgotten.
    pub fn retire(&self, id: CollectionId, current: Epoch) -> Result<(), ClientError> {
        self.fetch(id, current)?;
        let old = self.epochs(id)?.into_iter().filter(|epoch| *epoch < current);
        old.into_iter().try_for_each(|epoch| self.remove(id, epoch))
    }

    /// Overwrites a file and removes it.
    fn remove(&self, id: CollectionId, epoch: Epoch) -> Result<(), ClientError> {
        let path = self.home.share(id, epoch);
        write_private(&path, b"forgotten")?;
        std::fs::remove_file(&path).map_err(ClientError::file("removing a share"))
    }

    fn passphrase(&self) -> Option<&str> {
        self.passphrase.as_ref().map(|text| text.as_str())
    }
}

fn purpose(id: CollectionId, epoch: Epoch) -> String {
    format!("share/{id}/{epoch}")
}
