//! The account that pays: its key, and the sequence of what it sends.
//!
//! Layer: `cosmos`, above `border`.
//! Holds: a secp256k1 key in memory that is wiped on drop; number and sequence as last seen.
//! Never: `Debug` or `Clone` of the key; two transactions of one sequence with different content, while either can
//! still be included.
//! Invariant: one transaction at a time: whoever holds the lock knows the next sequence.

use crate::CosmosError;
use crate::rows::Rows;
use cosmrs::Any;
use cosmrs::crypto::PublicKey;
use cosmrs::crypto::secp256k1::SigningKey;
use cosmrs::proto::cosmos::auth::v1beta1::BaseAccount;
use cosmrs::proto::cosmos::tx::v1beta1::TxRaw;
use cosmrs::tx::{Body, Fee, SignDoc, SignerInfo};
use prag_client::border::{self, Border};
use prag_protocol::Address;
use prag_trust::address::WalletKey;
use prost::Message;
use tokio::sync::{Mutex, MutexGuard};

/// One account on one chain.
pub struct Account {
    key: SigningKey,
    /// As we spell it.
    address: Address,
    pub(crate) there: Address,
    bytes: Vec<u8>,
    place: Mutex<Option<Place>>,
}

/// What the chain knows the account by, and what its next transaction must say.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Place {
    pub(crate) number: u64,
    pub(crate) sequence: u64,
}

/// The account's turn to send.
pub(crate) type Turn<'a> = MutexGuard<'a, Option<Place>>;

impl Account {
    /// The account of `wallet`.
    pub(crate) fn new(wallet: &WalletKey, border: &Border) -> Result<Self, CosmosError> {
        let secret = wallet.expose();
        let key =
            SigningKey::from_slice(&secret[..]).map_err(|_| CosmosError::Setting("account"))?;
        let address = wallet.address();
        let there = border.out(&address)?;
        let bytes = border::bytes(&address)?;
        Ok(Self { key, address, there, bytes, place: Mutex::new(None) })
    }

    /// Its address, as `trust` spells it.
    #[must_use]
    pub fn address(&self) -> &Address {
        &self.address
    }

    /// Its address, as the chain spells it: where it is paid.
    #[must_use]
    pub fn on_chain(&self) -> &Address {
        &self.there
    }

    /// Waits for the transactions before this one.
    pub(crate) async fn turn(&self) -> Turn<'_> {
        self.place.lock().await
    }

    /// Number and sequence; those of the newest proven state where no later ones are known.
    pub(crate) async fn place(
        &self,
        turn: &mut Turn<'_>,
        rows: &Rows,
    ) -> Result<Place, CosmosError> {
        if let Some(place) = **turn {
            return Ok(place);
        }
        let place = self.proven(rows).await?;
        **turn = Some(place);
        Ok(place)
    }

    /// Number and sequence in the newest proven state.
    pub(crate) async fn proven(&self, rows: &Rows) -> Result<Place, CosmosError> {
        place_of(rows, &self.bytes, &self.there).await
    }

    /// A signed transaction, as nodes take it.
    pub(crate) fn sign(
        &self,
        chain_id: &str,
        body: &Body,
        fee: Fee,
        place: Place,
    ) -> Result<Vec<u8>, CosmosError> {
        let failed = |_| CosmosError::Setting("transaction");
        let chain = chain_id.parse().map_err(|_| CosmosError::Setting("chain_id"))?;
        let info = self.signer(place).auth_info(fee);
        let document = SignDoc::new(body, &info, &chain, place.number).map_err(failed)?;
        document.sign(&self.key).and_then(|raw| raw.to_bytes()).map_err(failed)
    }

    /// The same without a signature: enough to estimate its gas, and of no other use.
    pub(crate) fn unsigned(
        &self,
        body: &Body,
        fee: Fee,
        place: Place,
    ) -> Result<Vec<u8>, CosmosError> {
        let failed = |_| CosmosError::Setting("transaction");
        let info = self.signer(place).auth_info(fee);
        let raw = TxRaw {
            body_bytes: body.clone().into_bytes().map_err(failed)?,
            auth_info_bytes: info.into_bytes().map_err(failed)?,
            signatures: vec![Vec::new()],
        };
        Ok(raw.encode_to_vec())
    }

    fn signer(&self, place: Place) -> SignerInfo {
        let public: PublicKey = self.key.public_key();
        SignerInfo::single_direct(Some(public), place.sequence)
    }
}

/// Number and sequence of any ordinary account in the newest proven state.
///
/// # Errors
/// [`CosmosError::Account`] says why it cannot send.
pub(crate) async fn place_of(
    rows: &Rows,
    bytes: &[u8],
    there: &Address,
) -> Result<Place, CosmosError> {
    let key = [&[ACCOUNTS], bytes].concat();
    let mut row = rows.module(ACCOUNT_STORE, &key).await?;
    if row.is_none() {
        // It may have been paid a moment ago.
        rows.ahead().await?;
        row = rows.module(ACCOUNT_STORE, &key).await?;
    }
    let row = row.ok_or(CosmosError::Account("the chain does not know it: pay something to it"))?;
    let account = Any::decode(row.as_slice())
        .ok()
        .filter(|any| any.type_url == ACCOUNT_TYPE)
        .and_then(|any| BaseAccount::decode(any.value.as_slice()).ok())
        .filter(|account| account.address == there.as_str())
        .ok_or(CosmosError::Account("it is not an ordinary account"))?;
    Ok(Place { number: account.account_number, sequence: account.sequence })
}

/// The SDK's accounts: store, first byte of keys, type of ordinary ones.
const ACCOUNT_STORE: &str = "acc";
const ACCOUNTS: u8 = 1;
const ACCOUNT_TYPE: &str = "/cosmos.auth.v1beta1.BaseAccount";
