//! The parts of a worker, boxed once.
//!
//! Layer: server; made by `boot`, used by `flow`.
//! Holds: every trait object and every key that lives as long as the boot.
//! Never: settings (numbers and paths); logic.
//! Invariant: the signing key is born in this boot and never stored.

use crate::archives::Archives;
use crate::channel::KeyRing;
use crate::meter::Meter;
use crate::sessions::Sessions;
use crate::tls::Certificates;
use crate::vault::{Anchors, Catalog, ChainShares, ChainVault, Portrait, Reports, Vaults};
use ed25519_dalek::SigningKey;
use prag_client::ledger::Ledger;
use prag_embedder::Embedder;
use prag_protocol::Address;
use prag_store::Engine;
use prag_trust::entropy::Clock;
use prag_trust::evidence::{Tee, Verifier};
use std::sync::Arc;

/// What `flow` works with.
pub struct Components {
    /// Gives evidence.
    pub tee: Arc<dyn Tee>,
    /// Judges the evidence of readers and of other workers.
    pub verifier: Arc<dyn Verifier>,
    /// This worker, as it asks for keys and as it wants who asks it.
    pub portrait: Arc<Portrait>,
    /// The digest of this worker's own image, as its own evidence shows it.
    pub image: [u8; 32],
    /// Attested readers.
    pub sessions: Sessions,
    /// The key of this boot.
    pub signing: SigningKey,
    /// Short-lived channel and release keys.
    pub ring: Arc<KeyRing>,
    /// The certificate of the worker's own TLS, where it is switched on.
    pub tls: Option<Arc<Certificates>>,
    /// Who may do what.
    pub ledger: Arc<dyn Ledger>,
    /// Where keys come from after a restart.
    pub vaults: Vaults,
    /// The ledger, as far as it keeps shares itself.
    pub chain: ChainVault,
    /// The shares of a ledger that keeps none: the embedded one's.
    pub chain_shares: ChainShares,
    /// Which collections exist.
    pub catalog: Catalog,
    /// What was anchored.
    pub anchors: Anchors,
    /// What grantees use, where it is metered.
    pub meter: Option<Arc<Meter>>,
    /// Books of use that was reported to the ledger.
    pub reports: Reports,
    /// Where shards lie.
    pub engine: Arc<dyn Engine>,
    /// Where snapshots lie.
    pub archives: Archives,
    /// The model.
    pub embedder: Arc<dyn Embedder>,
    /// BLAKE3 of weights, tokenizer and config, hex.
    pub model_files: [String; 3],
    /// The worker's time.
    pub clock: Arc<dyn Clock>,
    /// The worker's account on the ledger.
    pub account: Address,
    /// Digest of the settings, as the evidence binds it.
    pub config_digest: [u8; 32],
}
