//! The signature base and its parameters.
//!
//! Layer: `trust::request`.
//! Holds: the bytes that are signed, and the one form of `Signature-Input` that we write and read.
//! Never: parameters in another order, escapes, other components.
//! Invariant: what parses is written back byte for byte.

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use std::fmt::Write as _;

/// The parameters of a signature.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Parameters {
    /// Unix seconds.
    pub(super) created: u64,
    /// Fresh for every request.
    pub(super) nonce: [u8; 16],
    /// The session key.
    pub(super) key: [u8; 32],
}

impl Parameters {
    /// The inner list with its parameters, as in `Signature-Input`.
    pub(super) fn write(&self) -> String {
        let nonce = URL_SAFE_NO_PAD.encode(self.nonce);
        let key = URL_SAFE_NO_PAD.encode(self.key);
        let created = self.created;
        format!("{COVERED}{created};nonce=\"{nonce}\";keyid=\"{key}\"{ALGORITHM}")
    }

    /// Reads [`Parameters::write`] back.
    pub(super) fn parse(text: &str) -> Option<Self> {
        let rest = text.strip_prefix(COVERED)?;
        let (created, rest) = rest.split_once(";nonce=\"")?;
        let (nonce, rest) = rest.split_once("\";keyid=\"")?;
        let key = rest.strip_suffix(ALGORITHM)?.strip_suffix('"')?;
        let parameters = Self {
            created: created.parse().ok()?,
            nonce: URL_SAFE_NO_PAD.decode(nonce).ok()?.try_into().ok()?,
            key: URL_SAFE_NO_PAD.decode(key).ok()?.try_into().ok()?,
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
/// The one algorithm (RFC 9421, section 6.2.2).
const ALGORITHM: &str = ";alg=\"ed25519\"";
