//! The signature base and its parameters.
//!
//! Layer: `trust::request`.
//! Holds: the bytes that are signed, and the one form of `Signature-Input` that we write and read.
//! Never: parameters in another order, escapes, other components.
//! Invariant: what parses is written back byte for byte.

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use std::fmt::Write as _;

/// What vouches for a request (RFC 9421, section 6.2.2).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Algorithm {
    /// The session key's signature.
    Ed25519,
    /// The code of a bond.
    HmacSha256,
}

impl Algorithm {
    const ALL: [Self; 2] = [Self::Ed25519, Self::HmacSha256];

    fn name(self) -> &'static str {
        match self {
            Self::Ed25519 => "ed25519",
            Self::HmacSha256 => "hmac-sha256",
        }
    }

    /// Length of what vouches.
    pub(super) fn bytes(self) -> usize {
        match self {
            Self::Ed25519 => 64,
            Self::HmacSha256 => 32,
        }
    }
}

/// The parameters of a signature.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Parameters {
    /// Unix seconds.
    pub(super) created: u64,
    /// Fresh for every request.
    pub(super) nonce: [u8; 16],
    /// The session key.
    pub(super) key: [u8; 32],
    pub(super) algorithm: Algorithm,
}

impl Parameters {
    /// The inner list with its parameters, as in `Signature-Input`.
    pub(super) fn write(&self) -> String {
        let nonce = URL_SAFE_NO_PAD.encode(self.nonce);
        let key = URL_SAFE_NO_PAD.encode(self.key);
        let (created, name) = (self.created, self.algorithm.name());
        format!("{COVERED}{created};nonce=\"{nonce}\";keyid=\"{key}\";alg=\"{name}\"")
    }

    /// Reads [`Parameters::write`] back.
    pub(super) fn parse(text: &str) -> Option<Self> {
        let rest = text.strip_prefix(COVERED)?;
        let (created, rest) = rest.split_once(";nonce=\"")?;
        let (nonce, rest) = rest.split_once("\";keyid=\"")?;
        let (key, name) = rest.split_once("\";alg=")?;
        let named = |one: &Algorithm| name.trim_matches('"') == one.name();
        let parameters = Self {
            created: created.parse().ok()?,
            nonce: URL_SAFE_NO_PAD.decode(nonce).ok()?.try_into().ok()?,
            key: URL_SAFE_NO_PAD.decode(key).ok()?.try_into().ok()?,
            algorithm: Algorithm::ALL.into_iter().find(named)?,
        };
        (parameters.write() == text).then_some(parameters)
    }
}

/// The signature base: one line per component, then the parameters, without a line feed at the end.
///
/// Source: RFC 9421, section 2.5. Values hold no line feeds: callers check.
pub(super) fn signature_base(components: &[(&str, &str)], parameters: &str) -> String {
    let mut base = String::with_capacity(1024);
    for (name, value) in components {
        writeln!(base, "\"{name}\": {value}").expect("writing to a string cannot fail");
    }
    base.push_str("\"@signature-params\": ");
    base.push_str(parameters);
    base
}

const COVERED: &str = concat!(
    r#"("@method" "@path" "@query" "content-digest" "prag-worker" "prag-permit")"#,
    ";created="
);
