//! A worker without its sealing root: it attests, and waits for its steward.
//!
//! Layer: server, between `http` and `boot`.
//! Holds: the one thing that a sealed worker does: take its root from the steward, and become a worker.
//! Never: a ledger, a shard, a request of anybody else; the root anywhere but in wiped memory.
//! Invariant: the root came from the account that the settings pin, sealed to a key of this boot, for this purpose.

use crate::attestation::{POLICY_EPOCH, attestation};
use crate::boot::{Base, BootError, Born};
use crate::channel::KeyRing;
use crate::clock::WorkerClock;
use crate::files::write_whole;
use crate::flow::Worker;
use crate::released::released_share;
use crate::tls::Certificates;
use prag_client::system::OsEntropy;
use prag_protocol::problem::{Code, Problem};
use prag_protocol::wire::attestation::Attestation;
use prag_protocol::wire::collections::ReleaseKeys;
use prag_protocol::{Address, CollectionId};
use prag_trust::entropy::{Clock, random};
use prag_trust::evidence::{Binding, BindingPurpose};
use prag_trust::permit::{Expected, Permission, PermitCache};
use prag_trust::release::{ROOT_EPOCH, SEALED_CHAIN};
use prag_trust::request::{Caller, NonceCache};
use prag_trust::verified::Verified;
use std::path::Path;
use std::sync::{Arc, Mutex};
use zeroize::Zeroizing;

/// A sealed worker.
pub struct Sealed {
    born: Born,
    base: Base,
    steward: Address,
    /// Names the data directory for the steward; not secret, and the host's to change.
    directory: CollectionId,
    nonces: Mutex<NonceCache>,
    permits: PermitCache,
    /// One at a time; true once it is open.
    opened: tokio::sync::Mutex<bool>,
}

impl Sealed {
    /// A worker that `steward` can open, on `base`.
    ///
    /// # Errors
    /// [`BootError::Data`] where the data directory's name cannot be read or written.
    pub fn new(born: Born, base: Base, steward: Address) -> Result<Self, BootError> {
        let directory = name(&born.settings.data)?;
        Ok(Self {
            born,
            base,
            steward,
            directory,
            nonces: Mutex::new(NonceCache::new(NONCES_MAX)),
            permits: PermitCache::default(),
            opened: tokio::sync::Mutex::new(false),
        })
    }

    /// Fresh evidence over `nonce`, for the steward only. Blocks.
    ///
    /// # Errors
    /// `device` where the platform gives none.
    pub fn attest(&self, nonce: [u8; 32]) -> Result<Attestation, Problem> {
        attest(&self.born, nonce, self.expected())
    }

    /// Take the sealing root, and become a worker.
    ///
    /// # Errors
    /// `forbidden` for anybody but the steward, `ciphertext-invalid` for a share that was not sealed for this, or a root
    /// under which the worker's state does not open: it stays sealed, and nothing was changed.
    pub async fn unlock(
        &self,
        caller: &Verified<Caller>,
        release: &ReleaseKeys,
    ) -> Result<Worker, Problem> {
        if !caller.permissions.allow(Permission::Admin) {
            return Err(Problem::new(Code::PermissionMissing, "the permit must carry prag_admin"));
        }
        if caller.address != self.steward {
            return Err(Problem::new(Code::Forbidden, "you are not this worker's steward"));
        }
        let root = self.open_root(caller, release)?;
        let mut opened = self.opened.lock().await;
        if *opened {
            return Err(Problem::new(Code::Conflict, "the worker was opened already"));
        }
        let worker = self.born.open(self.base.clone(), &root).await.map_err(explain)?;
        *opened = true;
        Ok(worker)
    }

    fn open_root(
        &self,
        caller: &Verified<Caller>,
        release: &ReleaseKeys,
    ) -> Result<Zeroizing<[u8; 32]>, Problem> {
        let (ring, own, now) = (&self.born.ring, self.worker_key(), self.born.clock.now());
        let id = CollectionId::WORKER_ROOT;
        let root = released_share(ring, &release.share, &own, caller, id, ROOT_EPOCH, now)?;
        Ok(Zeroizing::new(*root.expose()))
    }

    /// The Ed25519 key of this boot.
    #[must_use]
    pub fn worker_key(&self) -> [u8; 32] {
        self.born.signing.verifying_key().to_bytes()
    }

    /// What a permit must name to be meant for this worker.
    #[must_use]
    pub fn expected(&self) -> Expected {
        Expected { chain_id: SEALED_CHAIN.to_owned(), contract: self.directory.to_string() }
    }

    /// Nonces seen within the time window.
    #[must_use]
    pub fn nonces(&self) -> &Mutex<NonceCache> {
        &self.nonces
    }

    /// Permits that verified before.
    #[must_use]
    pub fn permits(&self) -> &PermitCache {
        &self.permits
    }

    /// The channel's keys.
    #[must_use]
    pub fn ring(&self) -> &Arc<KeyRing> {
        &self.born.ring
    }

    /// The worker's clock.
    #[must_use]
    pub fn clock(&self) -> Arc<dyn Clock> {
        Arc::<WorkerClock>::clone(&self.born.clock)
    }

    /// The certificate of the worker's own TLS, if it has one.
    #[must_use]
    pub fn tls(&self) -> Option<&Arc<Certificates>> {
        self.born.tls()
    }
}

/// What `born` shows while it has no root: evidence that names no ledger, so it is good for nothing but an unlock. Blocks.
///
/// # Errors
/// `device` where the platform gives none.
pub fn attest(born: &Born, nonce: [u8; 32], names: Expected) -> Result<Attestation, Problem> {
    let binding = Binding {
        purpose: BindingPurpose::Unlock,
        sig_pk: born.signing.verifying_key().to_bytes(),
        tls_spki_sha256: born.tls().map_or([0; 32], |tls| tls.spki_sha256()),
        nonce,
        ledger_id: [0; 32],
        config_digest: born.config_digest,
        policy_epoch: POLICY_EPOCH,
    };
    attestation(born.tee.as_ref(), &born.signing, &born.ring, &binding, names, born.clock.now())
}

fn explain(error: BootError) -> Problem {
    match error {
        BootError::Root => Problem::new(
            Code::CiphertextInvalid,
            "the worker's state does not open under this root; it stays sealed",
        )
        .field("share"),
        other => {
            tracing::error!(error = %other, "the steward's root is there, but the worker does not boot");
            Problem::new(Code::Storage, "the worker does not boot; its log says why")
        }
    }
}

/// The name of a data directory, made at its birth.
fn name(data: &Path) -> Result<CollectionId, BootError> {
    let path = data.join(FILE);
    let failed = |why: String| BootError::Data(path.display().to_string(), why);
    match std::fs::read_to_string(&path) {
        Ok(text) => text.parse().map_err(|_| failed("is not 32 hex digits".to_owned())),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
            let id = random(&mut OsEntropy).map_err(|error| failed(error.to_string()))?;
            let id = CollectionId(id);
            write_whole(&path, id.to_string().as_bytes())
                .map_err(|error| failed(error.to_string()))?;
            Ok(id)
        }
        Err(error) => Err(failed(error.to_string())),
    }
}

/// File in the data directory.
const FILE: &str = "directory-id";
/// As for an open worker: whoever signs a request well is remembered, not only the steward.
const NONCES_MAX: usize = 1 << 20;
