//! Who this machine acts for: wallet key, session key, permits on demand, and key shares.
//!
//! Layer: client.
//! Holds: secrets in wiped memory, and in files that only their owner reads (`secrets`, `home`).
//! Never: prints a secret; makes a permit that mixes administration with anything else.
//! Invariant: the session key is what the permit names, and the permit is what the wallet signed.

use crate::error::ClientError;
use crate::home::{Home, read_private, write_private, write_private_new};
use crate::secrets::{SECRET_FILE_BYTES_MAX, decode, encode};
use prag_protocol::{Address, CollectionId};
use prag_trust::address::{SessionKey, WalletKey};
use prag_trust::entropy::Entropy;
use prag_trust::key::Share;
use prag_trust::permit::{Expected, Permissions, Permit, PermitParams};
use zeroize::Zeroizing;

/// What a permit lets its session key do. Administration is never combined with the rest.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Purpose {
    /// Query and ingest.
    Data,
    /// Collections, keys, grants.
    Admin,
}

/// A wallet with its session key.
pub struct Identity {
    name: String,
    wallet: WalletKey,
    session: SessionKey,
    address: Address,
}

impl Identity {
    /// Makes a new identity and keeps it.
    ///
    /// # Errors
    /// [`ClientError::IdentityExists`]: it is left alone.
    pub fn create(
        home: &Home,
        name: &str,
        passphrase: Option<&str>,
        entropy: &mut dyn Entropy,
    ) -> Result<Self, ClientError> {
        check_name(name)?;
        let mut secret = Zeroizing::new([0u8; SECRET_BYTES]);
        let identity = loop {
            entropy.fill(&mut secret[..])?;
            // One draw in 2^128 is no secp256k1 scalar.
            if let Ok(identity) = Self::from_secret(name, &secret[..]) {
                break identity;
            }
        };
        let file = encode(&purpose(name), &secret[..], passphrase, entropy)?;
        if write_private_new(&home.identity(name), &file)? {
            Ok(identity)
        } else {
            Err(ClientError::IdentityExists(name.to_owned()))
        }
    }

    /// Reads an identity back.
    ///
    /// # Errors
    /// [`ClientError::NoIdentity`], [`ClientError::Passphrase`], [`ClientError::SecretFile`].
    pub fn load(home: &Home, name: &str, passphrase: Option<&str>) -> Result<Self, ClientError> {
        check_name(name)?;
        let bytes = read_private(&home.identity(name), SECRET_FILE_BYTES_MAX)?
            .map(Zeroizing::new)
            .ok_or_else(|| ClientError::NoIdentity(name.to_owned()))?;
        let secret = decode(&purpose(name), &bytes, passphrase)?;
        Self::from_secret(name, &secret)
    }

    /// An identity of known secrets: 32 bytes of wallet key, then 32 of session key.
    ///
    /// # Errors
    /// [`ClientError::SecretFile`] unless these are 64 bytes whose first half is a secp256k1 scalar.
    pub fn from_secret(name: &str, secret: &[u8]) -> Result<Self, ClientError> {
        let damaged = || ClientError::SecretFile("not an identity");
        let (wallet, session) = secret.split_at_checked(32).ok_or_else(damaged)?;
        let half = |bytes: &[u8]| <[u8; 32]>::try_from(bytes).map(Zeroizing::new);
        let wallet = half(wallet).map_err(|_| damaged())?;
        let session = half(session).map_err(|_| damaged())?;
        let wallet = WalletKey::from_bytes(&wallet).map_err(|_| damaged())?;
        let address = wallet.address();
        Ok(Self {
            name: name.to_owned(),
            wallet,
            session: SessionKey::from_bytes(&session),
            address,
        })
    }

    /// What this machine calls it.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Its ledger account.
    #[must_use]
    pub fn address(&self) -> &Address {
        &self.address
    }

    /// Its session key.
    #[must_use]
    pub fn session(&self) -> &SessionKey {
        &self.session
    }

    /// Signs the manifest of a sealed corpus, whose layout [`crate::corpus`] fixes.
    pub(crate) fn sign_manifest(&self, bytes: &[u8]) -> [u8; 64] {
        use ed25519_dalek::Signer;
        let key = ed25519_dalek::SigningKey::from_bytes(self.session.expose());
        key.sign(bytes).to_bytes()
    }

    /// A permit for `purpose`, signed now; the same one for all requests of a day.
    ///
    /// # Errors
    /// [`ClientError::Crypto`] where the ledger's names are not fit for a permit.
    pub fn permit(
        &self,
        purpose: Purpose,
        expected: &Expected,
        now: u64,
    ) -> Result<Permit, ClientError> {
        let permissions = match purpose {
            Purpose::Data => Permissions::QueryAndIngest,
            Purpose::Admin => Permissions::Admin,
        };
        let expires = (now / DAY + 2) * DAY;
        let key = self.session.public_key();
        let params = PermitParams::new(expected, &key, permissions, expires);
        Permit::sign(&self.wallet, params).map_err(|_| ClientError::Crypto("signing a permit"))
    }
}

/// Key shares that this machine's owner holds, one file each.
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
    /// [`ClientError::SecretFile`] if another share is kept for `id` already.
    pub fn keep(
        &self,
        id: CollectionId,
        share: &Share,
        entropy: &mut dyn Entropy,
    ) -> Result<(), ClientError> {
        self.write(&id.to_string(), &share_purpose(id), share, entropy)
    }

    /// The share of a collection or corpus.
    ///
    /// # Errors
    /// [`ClientError::NoShare`], [`ClientError::Passphrase`], [`ClientError::SecretFile`].
    pub fn fetch(&self, id: CollectionId) -> Result<Share, ClientError> {
        let found = self.read(&id.to_string(), &share_purpose(id))?;
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
        let name = root_name(directory);
        self.write(&name, &name, root, entropy)
    }

    /// The sealing root that is kept for a worker's data directory, if there is one. Roots and shares never stand in for
    /// each other, whatever they are named.
    ///
    /// # Errors
    /// [`ClientError::Passphrase`], [`ClientError::SecretFile`].
    pub fn root(&self, directory: CollectionId) -> Result<Option<Share>, ClientError> {
        let name = root_name(directory);
        self.read(&name, &name)
    }

    fn write(
        &self,
        name: &str,
        purpose: &str,
        share: &Share,
        entropy: &mut dyn Entropy,
    ) -> Result<(), ClientError> {
        let file = encode(purpose, share.expose(), self.passphrase(), entropy)?;
        if write_private_new(&self.home.share(name), &file)? {
            Ok(())
        } else {
            Err(ClientError::SecretFile("a share is kept for this id already"))
        }
    }

    fn read(&self, name: &str, purpose: &str) -> Result<Option<Share>, ClientError> {
        let found = read_private(&self.home.share(name), SECRET_FILE_BYTES_MAX)?;
        let Some(bytes) = found.map(Zeroizing::new) else {
            return Ok(None);
        };
        let secret = decode(purpose, &bytes, self.passphrase())?;
        let bytes = <&[u8; 32]>::try_from(&secret[..]);
        let bytes = bytes.map_err(|_| ClientError::SecretFile("not a share"))?;
        Ok(Some(Share::from_bytes(bytes)))
    }

    /// Whether a share is kept for `id`.
    #[must_use]
    pub fn has(&self, id: CollectionId) -> bool {
        self.home.share(&id.to_string()).exists()
    }

    /// Forgets a share for good, by overwriting and removing its file; what it sealed is lost with it.
    ///
    /// # Errors
    /// [`ClientError::File`].
    pub fn forget(&self, id: CollectionId) -> Result<(), ClientError> {
        self.remove(&id.to_string())
    }

    /// Forgets a sealing root, in the same way.
    ///
    /// # Errors
    /// [`ClientError::File`].
    pub fn forget_root(&self, directory: CollectionId) -> Result<(), ClientError> {
        self.remove(&root_name(directory))
    }

    fn remove(&self, name: &str) -> Result<(), ClientError> {
        let path = self.home.share(name);
        if path.exists() {
            write_private(&path, b"forgotten")?;
            std::fs::remove_file(&path).map_err(ClientError::file("removing a share"))?;
        }
        Ok(())
    }

    fn passphrase(&self) -> Option<&str> {
        self.passphrase.as_ref().map(|text| text.as_str())
    }
}

fn check_name(name: &str) -> Result<(), ClientError> {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_';
    if (1..=64).contains(&name.len()) && name.bytes().all(plain) {
        Ok(())
    } else {
        Err(ClientError::IdentityName)
    }
}

fn purpose(name: &str) -> String {
    format!("identity/{name}")
}

fn share_purpose(id: CollectionId) -> String {
    format!("share/{id}")
}

fn root_name(directory: CollectionId) -> String {
    format!("root-{directory}")
}

const SECRET_BYTES: usize = 64;
const DAY: u64 = 24 * 60 * 60;

#[cfg(test)]
mod tests;
