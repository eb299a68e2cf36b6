//! Who this machine acts for: wallet key, session key, permits on demand; in `shares`, key shares.
//!
//! Layer: client.
//! Holds: secrets in wiped memory, and in files that only their owner reads (`secrets`, `home`).
//! Never: prints a secret; makes a permit that mixes administration with anything else.
//! Invariant: the session key is what the permit names, and the permit is what the wallet signed.

mod shares;

pub use shares::ShareStore;

use crate::error::ClientError;
use crate::home::{Home, read_private, write_private_new};
use crate::secrets::{SECRET_FILE_BYTES_MAX, decode, encode};
use crate::transaction::TransactionError;
use prag_protocol::Address;
use prag_protocol::ledger::transaction::{SignedTransaction, TransactionTerms};
use prag_trust::address::{SessionKey, WalletKey};
use prag_trust::entropy::Entropy;
use prag_trust::permit::{Expected, Permissions, Permit, PermitParams};
use std::sync::{Mutex, PoisonError};
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
    /// The last permit of each purpose and ledger.
    permits: Mutex<Vec<Made>>,
}

/// A permit, and what it was made for.
struct Made {
    purpose: Purpose,
    expected: Expected,
    expires: u64,
    permit: Permit,
    /// By what a worker knows it that it was shown to.
    name: [u8; 32],
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
            permits: Mutex::default(),
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

    /// A transaction of this wallet's account, signed: `content` is what it does ([`crate::transaction::Content`]).
    pub(crate) fn sign_transaction(
        &self,
        terms: TransactionTerms,
        content: &str,
    ) -> Result<SignedTransaction, TransactionError> {
        crate::transaction::sign(&self.wallet, terms, content)
    }

    /// A permit for `purpose`; the same one for all requests of a day, signed for the first of them.
    ///
    /// # Errors
    /// [`ClientError::Crypto`] where the ledger's names are not fit for a permit.
    pub fn permit(
        &self,
        purpose: Purpose,
        expected: &Expected,
        now: u64,
    ) -> Result<Permit, ClientError> {
        self.made(purpose, expected, now, |made| made.permit.clone())
    }

    /// By what a worker knows [`Identity::permit`], once it was shown there.
    pub(crate) fn permit_name(
        &self,
        purpose: Purpose,
        expected: &Expected,
        now: u64,
    ) -> Result<[u8; 32], ClientError> {
        self.made(purpose, expected, now, |made| made.name)
    }

    fn made<T>(
        &self,
        purpose: Purpose,
        expected: &Expected,
        now: u64,
        take: impl FnOnce(&Made) -> T,
    ) -> Result<T, ClientError> {
        let permissions = match purpose {
            Purpose::Data => Permissions::QueryAndIngest,
            Purpose::Admin => Permissions::Admin,
        };
        let expires = (now / DAY + 2) * DAY;
        let mut permits = self.permits.lock().unwrap_or_else(PoisonError::into_inner);
        let fits = |made: &&Made| {
            made.purpose == purpose && made.expires == expires && made.expected == *expected
        };
        if let Some(made) = permits.iter().find(fits) {
            return Ok(take(made));
        }
        let key = self.session.public_key();
        let params = PermitParams::new(expected, &key, permissions, expires);
        let failed = |_| ClientError::Crypto("signing a permit");
        let permit = Permit::sign(&self.wallet, params).map_err(failed)?;
        let name = permit.known_as(expected).map_err(failed)?;
        if permits.len() >= PERMITS_MAX {
            permits.remove(0);
        }
        let made = Made { purpose, expected: expected.clone(), expires, permit, name };
        let taken = take(&made);
        permits.push(made);
        Ok(taken)
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

const SECRET_BYTES: usize = 64;
const DAY: u64 = 24 * 60 * 60;
/// Permits at hand: two for each ledger of a few.
const PERMITS_MAX: usize = 8;

#[cfg(test)]
mod tests;
