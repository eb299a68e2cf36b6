//! Settings: numbers and paths only.
//!
//! Layer: server; read once at boot.
//! Holds: defaults that make `prag-server serve --dev` work with no file at all.
//! Never: keys, tokens, trait objects.
//! Invariant: every security-relevant setting enters [`Settings::digest`], which the evidence binds.

use serde::Deserialize;
use std::net::{IpAddr, SocketAddr};
use std::path::PathBuf;

/// What a worker is told at boot.
#[derive(Clone, Debug, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Settings {
    /// Where to listen. Another address than loopback is refused: this build has no TLS of its own.
    pub listen: SocketAddr,
    /// Folder for sealed state; created with mode 0700.
    pub data: PathBuf,
    /// Folder with `model.safetensors`, `tokenizer.json` and `config.json`.
    pub model: PathBuf,
    /// Name under which the model is served.
    pub model_name: String,
    /// BLAKE3 of the weights, hex; empty accepts what is there and binds it into the evidence.
    pub model_blake3: String,
    /// Where keys come from after a restart, in order: `local`, `owner`.
    pub vault: Vec<VaultKind>,
    /// Oldest ledger view that admits anybody, seconds.
    pub staleness_s: u64,
    /// Time between anchors of all heads on the ledger, seconds.
    pub anchor_s: u64,
    /// Time between checks of all leases against the ledger, seconds. Each admission checks its own too.
    pub lease_check_s: u64,
    /// Rows of the tail that start a freeze.
    pub freeze_rows: usize,
    /// Segments that start a merge.
    pub merge_segments: usize,
    /// Tokens of a chunk, heading path included; at most what the model takes.
    pub chunk_tokens: usize,
    /// Requests served at once; more are refused as `overloaded`.
    pub concurrency: usize,
    /// Longest time for one request, seconds.
    pub timeout_s: u64,
    /// Serve `/v1` outside the channel. Only `--dev` may switch it on.
    pub plain: bool,
    /// Development: the ledger serves unconfirmed after a boot.
    #[serde(skip)]
    pub dev: bool,
}

/// Where keys come from after a restart.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum VaultKind {
    /// Sealed beside the data under a key that only this TEE can derive.
    Local,
    /// The owner releases them again.
    Owner,
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
        "refusing to listen on {0}: without TLS and authentication only 127.0.0.1 or [::1]; put a TLS proxy in front, the channel stays sealed through it"
    )]
    Exposed(IpAddr),
    /// Plain `/v1` without `--dev`.
    #[error("settings: `plain = true` needs --dev")]
    Plain,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            listen: SocketAddr::from(([127, 0, 0, 1], 7878)),
            data: PathBuf::from("prag-data"),
            model: default_model(),
            model_name: "all-MiniLM-L6-v2".to_owned(),
            model_blake3: String::new(),
            vault: vec![VaultKind::Local, VaultKind::Owner],
            staleness_s: 60,
            anchor_s: 60,
            lease_check_s: 5,
            freeze_rows: 20_000,
            merge_segments: 8,
            chunk_tokens: 200,
            concurrency: 256,
            timeout_s: 600,
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
        if !self.listen.ip().is_loopback() {
            return Err(SettingsError::Exposed(self.listen.ip()));
        }
        if self.plain && !self.dev {
            return Err(SettingsError::Plain);
        }
        bound(self.staleness_s >= 1 && self.staleness_s <= 3600, "staleness_s", "1 to 3600")?;
        bound((1..=86_400).contains(&self.anchor_s), "anchor_s", "1 to 86400")?;
        bound((1..=300).contains(&self.lease_check_s), "lease_check_s", "1 to 300")?;
        bound((16..=4_000_000).contains(&self.freeze_rows), "freeze_rows", "16 to 4000000")?;
        bound((2..=64).contains(&self.merge_segments), "merge_segments", "2 to 64")?;
        bound((32..=8192).contains(&self.chunk_tokens), "chunk_tokens", "32 to 8192")?;
        bound((1..=65_536).contains(&self.concurrency), "concurrency", "1 to 65536")?;
        bound((1..=3600).contains(&self.timeout_s), "timeout_s", "1 to 3600")?;
        bound(!self.vault.is_empty(), "vault", "at least one of local, owner")
    }

    /// Digest over every security-relevant setting, for the evidence. The host edits settings, so they are measured.
    #[must_use]
    pub fn digest(&self, model_files: &[String; 3]) -> [u8; 32] {
        let mut hasher = blake3::Hasher::new_derive_key("prag 2026 config digest v1");
        let mut field = |bytes: &[u8]| {
            hasher.update(&u32::try_from(bytes.len()).unwrap_or(u32::MAX).to_be_bytes());
            hasher.update(bytes);
        };
        field(b"embedded");
        field(self.model_name.as_bytes());
        model_files.iter().for_each(|digest| field(digest.as_bytes()));
        for kind in &self.vault {
            field(match kind {
                VaultKind::Local => b"local",
                VaultKind::Owner => b"owner",
            });
        }
        field(&self.staleness_s.to_be_bytes());
        field(&self.anchor_s.to_be_bytes());
        field(&self.lease_check_s.to_be_bytes());
        field(&(self.chunk_tokens as u64).to_be_bytes());
        field(&[u8::from(self.plain), u8::from(self.dev)]);
        *hasher.finalize().as_bytes()
    }
}

fn bound(holds: bool, key: &'static str, range: &'static str) -> Result<(), SettingsError> {
    if holds { Ok(()) } else { Err(SettingsError::Bounds(key, range)) }
}

fn default_model() -> PathBuf {
    let cache = std::env::var_os("XDG_CACHE_HOME").map(PathBuf::from);
    let home = || std::env::var_os("HOME").map(|home| PathBuf::from(home).join(".cache"));
    cache.or_else(home).unwrap_or_else(|| PathBuf::from(".")).join("prag/models/all-MiniLM-L6-v2")
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    /// Only loopback is served without TLS, and an unknown key is refused by name.
    #[test]
    fn refuses_exposure_and_unknown_keys() {
        assert_eq!(Settings::default().check(), Ok(()));
        let open = Settings { listen: "0.0.0.0:7878".parse().unwrap(), ..Settings::default() };
        assert!(matches!(open.check(), Err(SettingsError::Exposed(_))));
        let plain = Settings { plain: true, ..Settings::default() };
        assert_eq!(plain.check(), Err(SettingsError::Plain));
        let error = Settings::parse("lisen = '127.0.0.1:1'").unwrap_err().to_string();
        assert!(error.contains("lisen"), "{error}");
    }

    /// A security-relevant edit changes the digest; a path does not.
    #[test]
    fn digest_covers_what_matters() {
        let files = [String::new(), String::new(), String::new()];
        let base = Settings::default();
        let digest = base.digest(&files);
        assert_eq!(Settings { data: "elsewhere".into(), ..base.clone() }.digest(&files), digest);
        assert_ne!(Settings { staleness_s: 61, ..base.clone() }.digest(&files), digest);
        assert_ne!(Settings { lease_check_s: 6, ..base.clone() }.digest(&files), digest);
        assert_ne!(
            Settings { vault: vec![VaultKind::Owner], ..base.clone() }.digest(&files),
            digest
        );
        assert_ne!(Settings { dev: true, ..base }.digest(&files), digest);
    }
}
