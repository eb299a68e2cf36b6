//! Settings: numbers and paths only.
//!
//! Layer: server; read once at boot.
//! Holds: defaults that make `prag-server serve --dev` work with no file at all.
//! Never: keys, tokens, trait objects.
//! Invariant: every security-relevant setting enters [`Settings::digest`], which the evidence binds.

mod evidence;
pub(crate) mod ledger;
mod market;
mod memory;
mod metering;
mod peer;
mod snapshots;

pub use evidence::EvidenceSources;
pub use ledger::{Chain, Ledger, Secret};
pub use market::{Market, MarketWorker};
pub use memory::{Bytes, Memory};
pub use metering::Metering;
pub use peer::{Peer, PeerPlatform};
pub use prag_protocol::wire::collections::VaultKind;
pub use snapshots::{Bucket, SnapshotTarget};

use prag_client::channel::split_url;
use prag_protocol::Address;
use prag_trust::address::check_address;
use prag_trust::evidence::{READER_SECONDS_MAX, ReaderPolicy};
use serde::Deserialize;
use std::net::{IpAddr, SocketAddr};
use std::path::PathBuf;

/// What a worker is told at boot.
#[derive(Clone, Debug, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Settings {
    /// Where to listen. Another address than loopback needs `tls`; who may do what is decided by signatures and
    /// permits, request by request, on every address alike.
    pub listen: SocketAddr,
    /// TLS of the worker's own; without it, plain HTTP on loopback.
    pub tls: Option<Tls>,
    /// Folder for sealed state; created with mode 0700.
    pub data: PathBuf,
    /// Folder with `model.safetensors`, `tokenizer.json` and `config.json`.
    pub model: PathBuf,
    /// Name under which the model is served.
    pub model_name: String,
    /// BLAKE3 of the weights, hex; empty accepts what is there and binds it into the evidence.
    pub model_blake3: String,
    /// Where keys come from after a restart, in order: `local`, `peer`, `chain`; `owner` waits for the owner and ends
    /// the list. A worker that lists `peer` also gives keys to its like.
    pub vault: Vec<VaultKind>,
    /// Other workers that may have keys, for vault kind `peer`.
    pub peer: Vec<Peer>,
    /// Which platforms those workers may have, beyond the strictest.
    pub peer_platform: PeerPlatform,
    /// Who releases the worker's sealing root at every boot (`secret1…`): needed where the TEE has no sealing key, as TDX.
    /// Until then the worker is sealed; `prag unlock` opens it.
    pub steward: Option<Address>,
    /// Where the vendor's part of the worker's evidence comes from.
    pub evidence: EvidenceSources,
    /// The ledger that the worker obeys.
    pub ledger: Ledger,
    /// Oldest ledger view that admits anybody, seconds.
    pub staleness_s: u64,
    /// Time between anchors of all heads on the ledger, seconds.
    pub anchor_s: u64,
    /// Time between checks of all leases against the ledger, seconds. Each admission checks its own too.
    pub lease_check_s: u64,
    /// Rows of the tail that start a freeze.
    pub freeze_rows: usize,
    /// Segments of about one size that are merged into one.
    pub merge_segments: usize,
    /// Threads of a build in the background; 0 for half of the processors.
    pub build_threads: usize,
    /// MiB a second that builds in the background write, all together; 0 for no bound.
    pub build_mib_per_s: u64,
    /// How much memory the worker may use, and when an idle shard is closed.
    pub memory: Memory,
    /// Tokens of a chunk, heading path included; at most what the model takes.
    pub chunk_tokens: usize,
    /// Requests served at once; more are refused as `overloaded`.
    pub concurrency: usize,
    /// Longest time for one request, seconds.
    pub timeout_s: u64,
    /// Requests a second that one grantee may make of one collection, in the long run. Owners are not held to it.
    pub rate_per_s: u64,
    /// Requests that one grantee may make at once, after a rest.
    pub rate_burst: u64,
    /// Share of live dense queries that are run again exactly, in the background, to see what they miss: 0 to 1.
    /// `/metrics` shows the result.
    pub recall_probe: f64,
    /// Replies to queries of oblivious collections leave at multiples of this, counted from the request, milliseconds.
    /// Choose more than a query takes: how many multiples one takes is seen.
    pub oblivious_quantum_ms: u64,
    /// Metering of grantees' use, for vouchers; none without it.
    pub metering: Option<Metering>,
    /// Workers, subscriptions, rewards and money: how these contracts begin on the embedded ledger, and this worker's part
    /// in them. None without it; `--dev` alone has one for trying things out.
    pub market: Option<Market>,
    /// What the hardware of attested readers must be: `tdx_tcb`, `snp_minimum`, `gpu`; and `session_s`.
    pub readers: ReaderPolicy,
    /// Where snapshots may lie: `[[snapshots]]`. None by default.
    pub snapshots: Vec<SnapshotTarget>,
    /// Serve `/v1` outside the channel. Only `--dev` may switch it on.
    pub plain: bool,
    /// Development: the ledger serves unconfirmed after a boot.
    #[serde(skip)]
    pub dev: bool,
}

/// Where the certificate comes from: `[tls]`, `mode = "born"`, `"files"` or `"secretvm"`.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(tag = "mode", rename_all = "snake_case", deny_unknown_fields)]
pub enum Tls {
    /// A key made in this boot, inside the TEE, never stored; a certificate that it signed itself; both replaced daily.
    Born {},
    /// PEM files, looked at every two seconds and replaced without a pause.
    Files {
        /// The chain, the worker's certificate first.
        certificate: PathBuf,
        /// Its key.
        key: PathBuf,
    },
    /// The certificate of the SecretVM that the worker runs in, so that one check of the VM covers the worker's port.
    Secretvm {
        /// SecretVM's certificate folder, as the container sees it.
        #[serde(default = "secret_vm_folder")]
        folder: PathBuf,
    },
}

/// Why settings were refused: always with what to do next.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SettingsError {
    /// The file cannot be read.
    #[error("cannot read the settings file {0}: {1}")]
    Unreadable(String, String),
    /// The file does not parse; the text names the key.
    #[error("settings: {0}")]
    Malformed(String),
    /// A value is out of its bounds.
    #[error("settings: `{0}` must be {1}")]
    Bounds(&'static str, &'static str),
    /// Another address than loopback.
    #[error(
        "refusing to listen on {0} without TLS: set `[tls]` with `mode = \"born\"`, or listen on 127.0.0.1 or [::1] behind a TLS proxy (the channel stays sealed through it)"
    )]
    Exposed(IpAddr),
    /// The market's.
    #[error("settings: [market]: {0}")]
    Market(String),
    /// Plain `/v1` without `--dev`.
    #[error("settings: `plain = true` needs --dev")]
    Plain,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            listen: SocketAddr::from(([127, 0, 0, 1], 7878)),
            tls: None,
            data: PathBuf::from("prag-data"),
            model: default_model(),
            model_name: "all-MiniLM-L6-v2".to_owned(),
            model_blake3: String::new(),
            vault: vec![VaultKind::Local, VaultKind::Owner],
            peer: Vec::new(),
            peer_platform: PeerPlatform::default(),
            steward: None,
            evidence: EvidenceSources::default(),
            ledger: Ledger::default(),
            staleness_s: 60,
            anchor_s: 60,
            lease_check_s: 5,
            freeze_rows: 20_000,
            merge_segments: 8,
            build_threads: 0,
            build_mib_per_s: 128,
            memory: Memory::default(),
            chunk_tokens: 200,
            concurrency: 256,
            timeout_s: 600,
            rate_per_s: 50,
            rate_burst: 200,
            recall_probe: 0.0,
            oblivious_quantum_ms: QUANTUM_MS,
            metering: None,
            market: None,
            readers: ReaderPolicy::default(),
            snapshots: Vec::new(),
            plain: false,
            dev: false,
        }
    }
}

impl Settings {
    /// Settings from TOML text.
    ///
    /// # Errors
    /// [`SettingsError::Malformed`] names the key at fault.
    pub fn parse(text: &str) -> Result<Self, SettingsError> {
        toml::from_str(text).map_err(|error| SettingsError::Malformed(error.message().to_owned()))
    }

    /// Check every bound; called once, after flags were applied.
    ///
    /// # Errors
    /// The first value that is out of bounds, by name.
    pub fn check(&self) -> Result<(), SettingsError> {
        let exposed = !self.listen.ip().is_loopback();
        if exposed && self.tls.is_none() {
            return Err(SettingsError::Exposed(self.listen.ip()));
        }
        if self.plain && !self.dev {
            return Err(SettingsError::Plain);
        }
        bound(!(exposed && self.plain), "plain", "false unless the worker listens on loopback")?;
        self.evidence.check()?;
        let steward = self.steward.as_ref().map_or(Ok(()), check_address);
        bound(steward.is_ok(), "steward", "an address such as secret1…, without a typing error")?;
        bound(self.staleness_s >= 1 && self.staleness_s <= 3600, "staleness_s", "1 to 3600")?;
        self.ledger.check(self.staleness_s)?;
        bound((1..=86_400).contains(&self.anchor_s), "anchor_s", "1 to 86400")?;
        bound((1..=300).contains(&self.lease_check_s), "lease_check_s", "1 to 300")?;
        bound((16..=4_000_000).contains(&self.freeze_rows), "freeze_rows", "16 to 4000000")?;
        bound((2..=64).contains(&self.merge_segments), "merge_segments", "2 to 64")?;
        bound(self.build_threads <= 1024, "build_threads", "0 to 1024")?;
        bound(self.build_mib_per_s <= 1 << 20, "build_mib_per_s", "0 to 1048576")?;
        let limit = self.memory.limit.is_none_or(|limit| LIMITS.contains(&limit.0));
        bound(limit, "memory.limit", "64 MiB to 64 TiB")?;
        bound(self.memory.idle_s <= 7 * 86_400, "memory.idle_s", "0 to 604800")?;
        bound((32..=8192).contains(&self.chunk_tokens), "chunk_tokens", "32 to 8192")?;
        bound((1..=65_536).contains(&self.concurrency), "concurrency", "1 to 65536")?;
        bound((1..=3600).contains(&self.timeout_s), "timeout_s", "1 to 3600")?;
        bound((1..=10_000).contains(&self.rate_per_s), "rate_per_s", "1 to 10000")?;
        bound((1..=100_000).contains(&self.rate_burst), "rate_burst", "1 to 100000")?;
        bound((0.0..=1.0).contains(&self.recall_probe), "recall_probe", "0 to 1")?;
        let quantum = (1..=60_000).contains(&self.oblivious_quantum_ms);
        bound(quantum, "oblivious_quantum_ms", "1 to 60000")?;
        let session_s = (1..=READER_SECONDS_MAX).contains(&self.readers.session_s);
        bound(session_s, "readers.session_s", "1 to 3600")?;
        let credit =
            self.metering.is_none_or(|Metering { credit }| (1..=100_000).contains(&credit));
        bound(credit, "metering.credit", "1 to 100000")?;
        let embedded = self.ledger.is_embedded();
        self.market.as_ref().map_or(Ok(()), |market| market.check(embedded))?;
        if let (Some(market), false) = (&self.market, embedded) {
            bound(self.ledger.runs_market(), "ledger.market", "there where `market` is")?;
            market.check_chain()?;
        }
        snapshots::check(&self.snapshots)?;
        self.check_vaults()
    }

    fn check_vaults(&self) -> Result<(), SettingsError> {
        let kinds = &self.vault;
        let once = kinds.iter().enumerate().all(|(at, kind)| !kinds[..at].contains(kind));
        let waits_last = kinds.iter().rev().skip(1).all(|kind| *kind != VaultKind::Owner);
        let range = "one or more of local, peer, chain, each once, then owner";
        bound(!kinds.is_empty() && once && waits_last, "vault", range)?;
        let urls = self.peer.iter().all(|peer| split_url(&peer.url).is_ok());
        bound(urls && self.peer.len() <= PEERS_MAX, "peer", "at most 16 base URLs")?;
        let asked = self.peer.is_empty() || kinds.contains(&VaultKind::Peer);
        bound(asked, "peer", "left out unless `vault` lists peer")
    }

    /// Digest over every security-relevant setting, for the evidence. The host edits settings, so they are measured.
    #[must_use]
    pub fn digest(&self, model_files: &[String; 3]) -> [u8; 32] {
        let mut hasher = blake3::Hasher::new_derive_key("prag 2026 config digest v1");
        let mut field = |bytes: &[u8]| {
            hasher.update(&u32::try_from(bytes.len()).unwrap_or(u32::MAX).to_be_bytes());
            hasher.update(bytes);
        };
        self.ledger.measured().iter().for_each(|part| field(part));
        field(self.model_name.as_bytes());
        model_files.iter().for_each(|digest| field(digest.as_bytes()));
        for kind in &self.vault {
            field(kind.name().as_bytes());
        }
        field(&self.peer_platform.policy().digest());
        field(&self.staleness_s.to_be_bytes());
        field(&self.anchor_s.to_be_bytes());
        field(&self.lease_check_s.to_be_bytes());
        field(&(self.chunk_tokens as u64).to_be_bytes());
        field(&self.rate_per_s.to_be_bytes());
        field(&self.rate_burst.to_be_bytes());
        field(&self.readers.digest());
        field(&[u8::from(self.plain), u8::from(self.dev)]);
        if self.oblivious_quantum_ms != QUANTUM_MS {
            field(&[b"quantum", &self.oblivious_quantum_ms.to_be_bytes()[..]].concat());
        }
        if self.memory.idle_s == 0 {
            // The host does not see which collection is asked for after a rest.
            field(b"always open");
        }
        if let Some(Metering { credit }) = self.metering {
            field(&[b"metering", &credit.to_be_bytes()[..]].concat());
        }
        if let Some(market) = &self.market {
            // Its terms are on the ledger; whether the worker acts on them is not.
            field(&[&b"market"[..], &[u8::from(market.worker.is_some())]].concat());
        }
        field(match &self.tls {
            None => b"no tls",
            Some(Tls::Born {}) => b"tls born",
            Some(Tls::Files { .. }) => b"tls files",
            Some(Tls::Secretvm { .. }) => b"tls secretvm",
        });
        field(self.steward.as_ref().map_or("", |steward| steward.as_str()).as_bytes());
        self.evidence.measured().for_each(&mut field);
        *hasher.finalize().as_bytes()
    }
}

/// What `memory.limit` may be, bytes.
const LIMITS: std::ops::RangeInclusive<u64> = 64 << 20..=64 << 40;
/// The quantum of replies where none is set.
const QUANTUM_MS: u64 = 250;
/// Most `[[peer]]` tables.
const PEERS_MAX: usize = 16;

fn bound(holds: bool, key: &'static str, range: &'static str) -> Result<(), SettingsError> {
    if holds { Ok(()) } else { Err(SettingsError::Bounds(key, range)) }
}

fn secret_vm_folder() -> PathBuf {
    PathBuf::from("/mnt/secure/cert")
}

fn default_model() -> PathBuf {
    let cache = std::env::var_os("XDG_CACHE_HOME").map(PathBuf::from);
    let home = || std::env::var_os("HOME").map(|home| PathBuf::from(home).join(".cache"));
    cache.or_else(home).unwrap_or_else(|| PathBuf::from(".")).join("prag/models/all-MiniLM-L6-v2")
}

#[cfg(test)]
mod tests;
