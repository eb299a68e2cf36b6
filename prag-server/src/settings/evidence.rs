//! Where the vendor's part of evidence comes from.
//!
//! Layer: server, `settings`.
//! Holds: paths, addresses, and the command that asks the GPU.
//! Never: a root or a rule: verifiers judge what comes from here.
//! Invariant: what runs inside the TEE is measured, what only feeds verifiers is not.

use super::{SettingsError, bound};
use serde::Deserialize;
use std::path::PathBuf;

/// The table `[evidence]`. All of it is optional, and nothing is fetched by default.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct EvidenceSources {
    /// TDX: a file with Intel's collateral, JSON as `dcap-qvl` has it; somebody keeps it in date.
    pub collateral: Option<PathBuf>,
    /// TDX: a PCCS, or Intel's own `https://api.trustedservices.intel.com`.
    pub pccs: Option<String>,
    /// SEV-SNP: a file with the chip's VCEK (or the cloud's VLEK), DER, PEM or a host's table.
    pub vcek: Option<PathBuf>,
    /// SEV-SNP: AMD's key server `https://kdsintf.amd.com`, or one that speaks for it; asked where the host gives no VCEK.
    pub kds: Option<String>,
    /// The command that asks the GPU, program and arguments; empty without a GPU.
    pub gpu_helper: Vec<String>,
}

impl EvidenceSources {
    pub(super) fn check(&self) -> Result<(), SettingsError> {
        let one = "not set together with `evidence.collateral`";
        bound(self.collateral.is_none() || self.pccs.is_none(), "evidence.pccs", one)?;
        let one = "not set together with `evidence.vcek`";
        bound(self.vcek.is_none() || self.kds.is_none(), "evidence.kds", one)?;
        for (key, address) in [("evidence.pccs", &self.pccs), ("evidence.kds", &self.kds)] {
            let fits = address.as_ref().is_none_or(|address| plain(address));
            bound(
                fits,
                key,
                "http:// or https:// with a host, at most 256 bytes, without a query",
            )?;
        }
        let short = self.gpu_helper.iter().all(|part| part.len() <= 1024);
        let named = self.gpu_helper.first().is_none_or(|program| !program.is_empty());
        bound(self.gpu_helper.len() <= 32 && short && named, "evidence.gpu_helper", "a command")
    }

    /// The fields that enter the digest of the settings: the GPU's helper, whole.
    ///
    /// The helper runs inside the TEE with the worker's rights: who chooses it chooses code, and could read every key.
    /// Files and addresses stay out: verifiers check what comes from there up to the vendor's root, and the host may move
    /// them. That there is a GPU at all is the policy's to demand, in the evidence itself.
    pub(super) fn measured(&self) -> impl Iterator<Item = &[u8]> {
        self.gpu_helper.iter().map(String::as_bytes)
    }
}

fn plain(address: &str) -> bool {
    let rest = ["http://", "https://"].iter().find_map(|scheme| address.strip_prefix(scheme));
    rest.is_some_and(|rest| {
        let fits = address.len() <= 256 && !rest.starts_with('/') && !rest.is_empty();
        fits && rest.bytes().all(|b| b.is_ascii_graphic() && !b"?#@%\\\"<>".contains(&b))
    })
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::panic)]
    use super::super::Settings;
    use super::*;

    fn parsed(text: &str) -> Result<EvidenceSources, SettingsError> {
        let settings = Settings::parse(&format!("[evidence]\n{text}"))?;
        settings.check().map(|()| settings.evidence)
    }

    /// Sources are named one for each vendor; an address is an address, and a key that is not known is refused by name.
    #[test]
    fn sources_are_exact() {
        assert_eq!(parsed("").unwrap(), EvidenceSources::default());
        let all = "pccs = 'https://pccs.example:8081/x/'\nkds = 'http://[::1]:80'\ngpu_helper = ['a', '{nonce}']";
        assert_eq!(parsed(all).unwrap().gpu_helper, ["a", "{nonce}"]);
        for bad in [
            "pccs = 'pccs.example'",
            "pccs = 'ftp://pccs.example'",
            "pccs = 'https://'",
            "kds = 'https:///vcek'",
            "kds = 'https://a?b'",
            "kds = 'https://user@a'",
            "collateral = 'a'\npccs = 'https://a'",
            "vcek = 'a'\nkds = 'https://a'",
            "gpu_helper = ['']",
        ] {
            assert!(matches!(parsed(bad), Err(SettingsError::Bounds(..))), "{bad}");
        }
        let error = parsed("root = 'a'").unwrap_err().to_string();
        assert!(error.contains("root"), "{error}");
    }

    /// What runs inside changes the digest, each part of it; where certificates come from does not.
    #[test]
    fn the_helper_is_measured() {
        let files = [String::new(), String::new(), String::new()];
        let digest = |evidence| Settings { evidence, ..Settings::default() }.digest(&files);
        let helper = |parts: &[&str]| EvidenceSources {
            gpu_helper: parts.iter().map(|&part| part.to_owned()).collect(),
            ..EvidenceSources::default()
        };
        let none = digest(EvidenceSources::default());
        let all =
            [none, digest(helper(&["a"])), digest(helper(&["ab"])), digest(helper(&["a", "b"]))];
        let distinct: std::collections::HashSet<_> = all.iter().collect();
        assert_eq!(distinct.len(), all.len());
        let sources = EvidenceSources {
            pccs: Some("https://a".into()),
            vcek: Some("b".into()),
            ..EvidenceSources::default()
        };
        assert_eq!(digest(sources), none);
    }
}
