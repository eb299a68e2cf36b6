//! The permit: a wallet delegates to a session key, for one contract on one chain, until a time.
//!
//! Layer: `permit`.
//! Holds: the wire shape, the canonical sign document, verification.
//! Never: a permit without expiry; `prag_admin` together with anything else; another contract's permit.
//! Invariant: rules run cheapest first; the signature is last, since chains charge most for it.

use crate::curves::low_s;
use crate::encoding::{fixed, plain, plain_list};
use crate::{Curves, Expected, PermitError, name};
use bech32::{Bech32, Hrp};
use prag_protocol::Address;
use ripemd::Ripemd160;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

/// A SNIP-24 query permit, as wallets write it. Not believed until [`Permit::verify`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct Permit {
    /// What was signed.
    pub params: PermitParams,
    /// By whom.
    pub signature: PermitSignature,
}

/// What a permit's wallet signs.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct PermitParams {
    /// `prag/1|sk=<base64url>|exp=<unix>`; also the handle for revocation.
    pub permit_name: String,
    /// Exactly the contract that is asked.
    pub allowed_tokens: Vec<String>,
    /// The chain's id.
    pub chain_id: String,
    /// `prag_query` and `prag_ingest` in any order, or `prag_admin` alone.
    pub permissions: Vec<String>,
}

/// Signature and key of a permit.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct PermitSignature {
    /// The wallet's public key.
    pub pub_key: PermitPublicKey,
    /// 64 bytes r ‖ s, base64.
    pub signature: String,
}

/// A wallet's public key in amino JSON.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct PermitPublicKey {
    /// Always `tendermint/PubKeySecp256k1`.
    #[serde(rename = "type")]
    pub kind: String,
    /// 33 bytes, base64.
    pub value: String,
}

/// What a verified permit says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Delegation {
    /// The wallet's account.
    pub account: Address,
    /// The Ed25519 key that may act for it.
    pub session_key: [u8; 32],
    /// For what.
    pub permissions: Permissions,
    /// Unix seconds; void from this second on.
    pub expires: u64,
    /// The name, for revocation.
    pub permit_name: String,
}

/// What one permit allows: administration alone, or searching, writing, or both.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Permissions {
    /// `prag_query`, `prag_ingest`, or both.
    Use,
    /// `prag_admin`.
    Admin,
}

impl PermitParams {
    /// The parameters of a permit for `session_key` until `expires`, Unix seconds.
    #[must_use]
    pub fn new(
        expected: &Expected<'_>,
        session_key: &[u8; 32],
        permissions: &[&str],
        expires: u64,
    ) -> Self {
        Self {
            permit_name: name::write(session_key, expires),
            allowed_tokens: vec![expected.contract.to_owned()],
            chain_id: expected.chain_id.to_owned(),
            permissions: permissions.iter().map(|name| (*name).to_owned()).collect(),
        }
    }

    /// The canonical sign document: what a wallet hashes with SHA-256 and signs.
    ///
    /// # Errors
    /// [`PermitError::TooLarge`] and [`PermitError::Character`]: every text must be printable ASCII without `<`, `>`,
    /// `&`, `"` and `\`, which encoders escape in different ways.
    pub fn sign_document(&self) -> Result<String, PermitError> {
        plain(&self.chain_id, "chain_id")?;
        plain(&self.permit_name, "permit_name")?;
        plain_list(&self.allowed_tokens, "allowed_tokens")?;
        plain_list(&self.permissions, "permissions")?;
        let quoted = |list: &[String]| format!(r#""{}""#, list.join(r#"",""#));
        Ok([
            r#"{"account_number":"0","chain_id":""#,
            &self.chain_id,
            r#"","fee":{"amount":[{"amount":"0","denom":"uscrt"}],"gas":"1"},"memo":"","msgs":[{"type":"query_permit","#,
            r#""value":{"allowed_tokens":["#,
            &quoted(&self.allowed_tokens),
            r#"],"permissions":["#,
            &quoted(&self.permissions),
            r#"],"permit_name":""#,
            &self.permit_name,
            r#""}}],"sequence":"0"}"#,
        ]
        .concat())
    }
}

impl Permit {
    /// Checks everything that a permit can show by itself, at Unix second `now`.
    ///
    /// # Errors
    /// One [`PermitError`] per rule, cheapest first.
    pub fn verify(
        &self,
        now: u64,
        expected: &Expected<'_>,
        curves: &dyn Curves,
    ) -> Result<Delegation, PermitError> {
        let params = &self.params;
        if params.chain_id != expected.chain_id {
            return Err(PermitError::Chain);
        }
        if params.allowed_tokens != [expected.contract] {
            return Err(PermitError::Contract);
        }
        let document = params.sign_document()?;
        let permissions = Permissions::parse(&params.permissions)?;
        let (session_key, expires) = name::parse(&params.permit_name)?;
        if expires <= now {
            return Err(PermitError::Expired);
        }
        let key = self.signature.check(document.as_bytes(), curves)?;
        let account = account_of(&key, expected.contract)?;
        let permit_name = params.permit_name.clone();
        Ok(Delegation { account, session_key, permissions, expires, permit_name })
    }
}

impl PermitSignature {
    /// The public key, if it signed `document`.
    fn check(&self, document: &[u8], curves: &dyn Curves) -> Result<[u8; 33], PermitError> {
        if self.pub_key.kind != KEY_TYPE {
            return Err(PermitError::Encoding);
        }
        let key: [u8; 33] = fixed(&self.pub_key.value)?;
        let signature: [u8; 64] = fixed(&self.signature)?;
        if !low_s(&signature) {
            return Err(PermitError::HighS);
        }
        let hash = Sha256::digest(document).into();
        if curves.secp256k1(&hash, &signature, &key) {
            Ok(key)
        } else {
            Err(PermitError::Signature)
        }
    }
}

impl Permissions {
    fn parse(names: &[String]) -> Result<Self, PermitError> {
        let (mut query, mut ingest, mut admin) = (false, false, false);
        for name in names {
            let seen = match name.as_str() {
                "prag_query" => &mut query,
                "prag_ingest" => &mut ingest,
                "prag_admin" => &mut admin,
                _ => return Err(PermitError::Permissions),
            };
            if core::mem::replace(seen, true) {
                return Err(PermitError::Permissions);
            }
        }
        match (query || ingest, admin) {
            (true, false) => Ok(Self::Use),
            (false, true) => Ok(Self::Admin),
            (true, true) | (false, false) => Err(PermitError::Permissions),
        }
    }
}

/// The account of a compressed secp256k1 key on the chain where `contract` lies: bech32(prefix,
/// RIPEMD-160(SHA-256(key))), as the Cosmos SDK does.
///
/// # Errors
/// [`PermitError::Contract`] if `contract` has no prefix.
pub fn account_of(key: &[u8; 33], contract: &str) -> Result<Address, PermitError> {
    let (prefix, _) = contract.rsplit_once('1').ok_or(PermitError::Contract)?;
    let prefix = Hrp::parse(prefix).map_err(|_| PermitError::Contract)?;
    let hash = Ripemd160::digest(Sha256::digest(key));
    let text = bech32::encode::<Bech32>(prefix, &hash).map_err(|_| PermitError::Contract)?;
    text.parse().map_err(|_| PermitError::Contract)
}

const KEY_TYPE: &str = "tendermint/PubKeySecp256k1";
