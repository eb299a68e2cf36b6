//! Questions that this worker signs: under its account's permit, with the key that its evidence binds.
//!
//! Layer: `cosmos::secret`.
//! Holds: the account's wallet, the session key, the permit between them, made anew before it ends.
//! Never: `Debug` or `Clone` of a key; a permit for more than asking.
//! Invariant: a signature serves one question to one contract, for minutes.
//!
//! Signed: `"PRAG-QUESTION/v1" ‖ LP(chain id) ‖ LP(contract) ‖ LP(permit name) ‖ LP(shard) ‖ LP(until) ‖ LP(question)`, as
//! `contracts/permit` reads it; LP = u32 big-endian length ‖ bytes, `shard` u32 and `until` u64, both big-endian.

use crate::CosmosError;
use base64::{Engine, engine::general_purpose::STANDARD};
use ed25519_dalek::{Signer, SigningKey};
use prag_client::introduction::Introduction;
use prag_protocol::ledger::AccessQuery;
use prag_trust::address::{SessionKey, WalletKey};
use prag_trust::permit::{Expected, Permissions, Permit, PermitParams};
use serde::Serialize;
use std::sync::{Mutex, PoisonError};

/// Whoever asks.
pub(crate) struct Asker {
    wallet: WalletKey,
    key: SessionKey,
    expected: Expected,
    permit: Mutex<Option<(u64, Permit)>>,
}

/// What the contract takes.
#[derive(Serialize)]
#[serde(rename_all = "snake_case")]
enum Wrapped<'a> {
    Fresh(Signed<'a>),
}

#[derive(Serialize)]
struct Signed<'a> {
    permit: &'a Permit,
    query: String,
    shard: u32,
    until: u64,
    signature: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    introduction: Option<&'a Introduction>,
}

impl Asker {
    /// `wallet` is the account's, `key` signs for it.
    pub(crate) fn new(
        wallet: &WalletKey,
        key: SessionKey,
        expected: Expected,
    ) -> Result<Self, CosmosError> {
        let wallet = WalletKey::from_bytes(&wallet.expose());
        let wallet = wallet.map_err(|_| CosmosError::Setting("account"))?;
        Ok(Self { wallet, key, expected, permit: Mutex::new(None) })
    }

    /// Who asks, as an introduction names it.
    pub(crate) fn guest(&self) -> [u8; 32] {
        self.key.public_key()
    }

    /// The JSON of `query`, signed at Unix second `now`, for the shard through whose placement it is asked; with
    /// somebody's word for whoever asks.
    pub(crate) fn signed(
        &self,
        query: &AccessQuery,
        introduction: Option<&Introduction>,
        now: u64,
    ) -> Result<Vec<u8>, CosmosError> {
        let shard = match query {
            AccessQuery::Placement { shard, .. } | AccessQuery::Writer { shard, .. } => *shard,
            _ => SHARD,
        };
        let question = serde_json::to_vec(query).map_err(|_| CosmosError::Setting("question"))?;
        let permit = self.permit(now)?;
        let until = now.saturating_add(QUESTION_SECONDS);
        let bytes = self.signed_bytes(&permit.params.permit_name, shard, until, &question);
        let signature = SigningKey::from_bytes(self.key.expose()).sign(&bytes).to_bytes();
        let signed = Signed {
            permit: &permit,
            query: STANDARD.encode(&question),
            shard,
            until,
            signature: STANDARD.encode(signature),
            introduction,
        };
        let json = serde_json::to_vec(&Wrapped::Fresh(signed));
        json.map_err(|_| CosmosError::Setting("question"))
    }

    /// The permit, made anew where it ends soon.
    fn permit(&self, now: u64) -> Result<Permit, CosmosError> {
        let mut kept = self.permit.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((expires, permit)) = kept.as_ref()
            && (now.saturating_add(PERMIT_SPARE_SECONDS)
                ..=now.saturating_add(PERMIT_SECONDS).saturating_add(PERMIT_SPARE_SECONDS))
                .contains(expires)
        {
            return Ok(permit.clone());
        }
        let expires = now.saturating_add(PERMIT_SECONDS);
        let key = self.key.public_key();
        let params = PermitParams::new(&self.expected, &key, Permissions::Query, expires);
        let permit = Permit::sign(&self.wallet, params);
        let permit = permit.map_err(|_| CosmosError::Setting("chain_id"))?;
        *kept = Some((expires, permit.clone()));
        Ok(permit)
    }

    fn signed_bytes(&self, permit_name: &str, shard: u32, until: u64, question: &[u8]) -> Vec<u8> {
        let Expected { chain_id, contract } = &self.expected;
        let mut out = DOMAIN.to_vec();
        for part in [
            chain_id.as_bytes(),
            contract.as_bytes(),
            permit_name.as_bytes(),
            &shard.to_be_bytes(),
            &until.to_be_bytes(),
            question,
        ] {
            // Every part is bounded far below 2^32; one that were not would sign for nothing that verifies.
            out.extend_from_slice(&u32::try_from(part.len()).unwrap_or(u32::MAX).to_be_bytes());
            out.extend_from_slice(part);
        }
        out
    }
}

/// A collection has one shard.
const SHARD: u32 = 0;
/// How long a question may take to be asked.
const QUESTION_SECONDS: u64 = 120;
/// How long a permit is good for.
const PERMIT_SECONDS: u64 = 86_400;
/// What of that is not used.
const PERMIT_SPARE_SECONDS: u64 = 3600;
const DOMAIN: &[u8] = b"PRAG-QUESTION/v1";
