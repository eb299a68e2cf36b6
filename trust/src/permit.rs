//! Permits: a wallet delegates to a session key, for one contract on one chain, until a time.
//!
//! Layer: `trust`, above `address`.
//! Holds: the SNIP-24 wire shape, its canonical sign document, signing and verification.
//! Never: a permit without expiry; `prag_admin` together with anything else; another contract's permit.
//! Invariant: a [`Delegation`] that exists was signed by the wallet whose address it carries.
//!
//! Source: SNIP-24 (SecretFoundation/SNIPs), amino JSON as the Cosmos SDK signs it: keys sorted, no
//! spaces, SHA-256, secp256k1, 64 bytes r ‖ s.

mod cache;
mod name;
mod permissions;

#[cfg(test)]
pub(crate) use cache::name_of;
pub use cache::{PERMITS_MAX, PermitCache};
pub use permissions::{Permission, Permissions};

use crate::address::{WalletKey, address_of};
use crate::verified::Verified;
use base64::{Engine, engine::general_purpose::STANDARD};
use k256::ecdsa::signature::Verifier;
use k256::ecdsa::{Signature, VerifyingKey};
use prag_protocol::Address;
use serde::{Deserialize, Serialize};
use std::fmt;

/// Why a permit is refused. Not retryable with the same permit.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum PermitError {
    /// A field is over its bound, or the whole permit over [`PERMIT_BYTES_MAX`].
    #[error("permit field {0} is over its bound")]
    TooLarge(&'static str),
    /// Not the JSON of a permit.
    #[error("permit does not parse")]
    Malformed,
    /// A character that wallets escape or that has no place in this field.
    #[error("permit field {0} holds a character that is not allowed")]
    Character(&'static str),
    /// Not `prag/1|sk=<base64url>|exp=<unix>`, or the session key is unusable.
    #[error("permit name does not name a session key and an expiry")]
    Name,
    /// Made for another chain.
    #[error("permit is for another chain")]
    Chain,
    /// Not exactly one token, or another contract.
    #[error("permit is for another contract")]
    Contract,
    /// None, unknown, repeated, or `prag_admin` together with another.
    #[error("permissions are empty, unknown, repeated or combined with prag_admin")]
    Permissions,
    /// The session key's time is over.
    #[error("permit has expired")]
    Expired,
    /// Wrong key type, key, or signature bytes.
    #[error("permit's public key or signature is malformed")]
    Encoding,
    /// The signature has the high S of its two forms: malleable.
    #[error("permit's signature is not in low-S form")]
    HighS,
    /// The signature is not the key's over this permit.
    #[error("permit's signature does not verify")]
    Signature,
}

/// Which ledger and contract permits must name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Expected {
    /// Chain id; `prag-embedded-<ledger id>` for the embedded ledger.
    pub chain_id: String,
    /// Address of the access contract.
    pub contract: String,
}

/// A SNIP-24 query permit, as wallets write it. Not believed until [`Permit::verify`].
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Permit {
    /// What was signed.
    pub params: PermitParams,
    /// By whom.
    pub signature: PermitSignature,
}

/// What a permit's wallet signs.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PermitParams {
    /// `prag/1|sk=<base64url>|exp=<unix>`; also the handle for revocation.
    pub permit_name: String,
    /// Exactly the access contract.
    pub allowed_tokens: Vec<String>,
    /// The ledger's chain id.
    pub chain_id: String,
    /// `prag_query` and `prag_ingest` in any order, or `prag_admin` alone.
    pub permissions: Vec<String>,
}

/// Signature and key of a permit.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PermitSignature {
    /// The wallet's public key.
    pub pub_key: PermitPublicKey,
    /// 64 bytes r ‖ s, base64.
    pub signature: String,
}

/// A wallet's public key in amino JSON.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PermitPublicKey {
    /// Always `tendermint/PubKeySecp256k1`.
    #[serde(rename = "type")]
    pub kind: String,
    /// 33 bytes, base64.
    pub value: String,
}

/// What a verified permit says.
#[derive(Clone, PartialEq, Eq)]
pub struct Delegation {
    /// The wallet's account.
    pub address: Address,
    /// The Ed25519 key that may act for it.
    pub session_key: [u8; 32],
    /// For what.
    pub permissions: Permissions,
    /// Unix seconds; void from this second on.
    pub expires: u64,
    /// The name, for revocation.
    pub permit_name: String,
}

impl PermitParams {
    /// The parameters of a permit for `session_key`. `expires` is Unix seconds.
    #[must_use]
    pub fn new(
        expected: &Expected,
        session_key: &[u8; 32],
        permissions: Permissions,
        expires: u64,
    ) -> Self {
        Self {
            permit_name: name::write(session_key, expires),
            allowed_tokens: vec![expected.contract.clone()],
            chain_id: expected.chain_id.clone(),
            permissions: permissions.names().map(str::to_owned).collect(),
        }
    }

    /// The canonical sign document: what a wallet hashes with SHA-256 and signs.
    ///
    /// # Errors
    /// [`PermitError::TooLarge`] and [`PermitError::Character`]: every text must be printable ASCII
    /// without `<`, `>`, `&`, `"` and `\`, which encoders escape in different ways.
    pub fn sign_document(&self) -> Result<String, PermitError> {
        plain(&self.chain_id, "chain_id")?;
        plain(&self.permit_name, "permit_name")?;
        plain_list(&self.allowed_tokens, "allowed_tokens")?;
        plain_list(&self.permissions, "permissions")?;
        Ok(format!(
            concat!(
                r#"{{"account_number":"0","chain_id":"{}","#,
                r#""fee":{{"amount":[{{"amount":"0","denom":"uscrt"}}],"gas":"1"}},"memo":"","#,
                r#""msgs":[{{"type":"query_permit","value":{{"allowed_tokens":[{}],"#,
                r#""permissions":[{}],"permit_name":"{}"}}}}],"sequence":"0"}}"#
            ),
            self.chain_id,
            quoted(&self.allowed_tokens),
            quoted(&self.permissions),
            self.permit_name
        ))
    }
}

impl Permit {
    /// Sign `params` with a wallet held here. Deterministic.
    ///
    /// # Errors
    /// As [`PermitParams::sign_document`].
    pub fn sign(wallet: &WalletKey, params: PermitParams) -> Result<Self, PermitError> {
        let document = params.sign_document()?;
        let signature = PermitSignature {
            pub_key: PermitPublicKey {
                kind: KEY_TYPE.to_owned(),
                value: STANDARD.encode(wallet.public_key()),
            },
            signature: STANDARD.encode(wallet.sign(document.as_bytes())),
        };
        Ok(Self { params, signature })
    }

    /// Parse a permit from bytes that anybody may have sent.
    ///
    /// # Errors
    /// [`PermitError::TooLarge`] before anything is parsed; [`PermitError::Malformed`].
    pub fn from_json(bytes: &[u8]) -> Result<Self, PermitError> {
        if bytes.len() > PERMIT_BYTES_MAX {
            return Err(PermitError::TooLarge("permit"));
        }
        serde_json::from_slice(bytes).map_err(|_| PermitError::Malformed)
    }

    /// The permit as JSON.
    ///
    /// # Errors
    /// [`PermitError::TooLarge`] if nobody would take it.
    pub fn to_json(&self) -> Result<Vec<u8>, PermitError> {
        let bytes = serde_json::to_vec(self).map_err(|_| PermitError::Malformed)?;
        if bytes.len() > PERMIT_BYTES_MAX {
            return Err(PermitError::TooLarge("permit"));
        }
        Ok(bytes)
    }

    /// By what a worker knows this permit, once it verified there for `expected` ([`PermitCache::known_as`]).
    ///
    /// # Errors
    /// As [`Permit::to_json`].
    pub fn known_as(&self, expected: &Expected) -> Result<[u8; 32], PermitError> {
        Ok(cache::name_of(&self.to_json()?, expected))
    }

    /// Check everything that a permit can show by itself, at Unix second `now`.
    ///
    /// What it cannot show is whether it was revoked: the ledger knows ([`crate::admission`]).
    ///
    /// # Errors
    /// One [`PermitError`] per rule, cheapest first; the signature last.
    pub fn verify(
        &self,
        now: u64,
        expected: &Expected,
    ) -> Result<Verified<Delegation>, PermitError> {
        let document = self.params.sign_document()?;
        if self.params.chain_id != expected.chain_id {
            return Err(PermitError::Chain);
        }
        if self.params.allowed_tokens != [expected.contract.as_str()] {
            return Err(PermitError::Contract);
        }
        let permissions = Permissions::parse(&self.params.permissions)?;
        let (session_key, expires) = name::parse(&self.params.permit_name)?;
        if expires <= now {
            return Err(PermitError::Expired);
        }
        let public_key = self.signature.check(document.as_bytes())?;
        let address = address_of(&public_key).map_err(|_| PermitError::Encoding)?;
        Ok(Verified::new(Delegation {
            address,
            session_key,
            permissions,
            expires,
            permit_name: self.params.permit_name.clone(),
        }))
    }
}

impl PermitSignature {
    /// The public key, if it signed `document`.
    fn check(&self, document: &[u8]) -> Result<[u8; 33], PermitError> {
        if self.pub_key.kind != KEY_TYPE {
            return Err(PermitError::Encoding);
        }
        let public_key: [u8; 33] = decode(&self.pub_key.value)?;
        let bytes: [u8; 64] = decode(&self.signature)?;
        let key = VerifyingKey::from_sec1_bytes(&public_key).map_err(|_| PermitError::Encoding)?;
        let signature = Signature::from_slice(&bytes).map_err(|_| PermitError::Encoding)?;
        if signature.normalize_s().is_some() {
            return Err(PermitError::HighS);
        }
        key.verify(document, &signature).map_err(|_| PermitError::Signature)?;
        Ok(public_key)
    }
}

impl fmt::Debug for Delegation {
    /// Who called whom is for no log: permissions and expiry only.
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_struct("Delegation")
            .field("permissions", &self.permissions)
            .field("expires", &self.expires)
            .finish_non_exhaustive()
    }
}

impl fmt::Debug for Permit {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("Permit(…)")
    }
}

fn decode<const N: usize>(text: &str) -> Result<[u8; N], PermitError> {
    if text.len() > TEXT_BYTES_MAX {
        return Err(PermitError::TooLarge("signature"));
    }
    let bytes = STANDARD.decode(text).map_err(|_| PermitError::Encoding)?;
    bytes.try_into().map_err(|_| PermitError::Encoding)
}

/// Characters that every JSON encoder writes as themselves.
fn plain(text: &str, field: &'static str) -> Result<(), PermitError> {
    if text.is_empty() || text.len() > TEXT_BYTES_MAX {
        return Err(PermitError::TooLarge(field));
    }
    let fits = |byte: u8| matches!(byte, b' '..=b'~') && !br#"<>&"\"#.contains(&byte);
    if text.bytes().all(fits) { Ok(()) } else { Err(PermitError::Character(field)) }
}

fn plain_list(list: &[String], field: &'static str) -> Result<(), PermitError> {
    if list.len() > LIST_MAX {
        return Err(PermitError::TooLarge(field));
    }
    list.iter().try_for_each(|text| plain(text, field))
}

fn quoted(list: &[String]) -> String {
    list.iter().map(|text| format!("\"{text}\"")).collect::<Vec<_>>().join(",")
}

/// Largest permit, bytes of JSON.
pub const PERMIT_BYTES_MAX: usize = 2048;
/// Longest text of a permit, bytes. A name that is longer could not be revoked on the ledger.
const TEXT_BYTES_MAX: usize = prag_protocol::ledger::PERMIT_NAME_BYTES_MAX;
/// Longest list in a permit.
const LIST_MAX: usize = 4;
const KEY_TYPE: &str = "tendermint/PubKeySecp256k1";

#[cfg(test)]
mod tests;
