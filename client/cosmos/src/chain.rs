//! One chain, as one account reaches it: what it has, what it pays, and the contracts that it tells and asks.
//!
//! Layer: `cosmos`, above `transaction`; the administrator's and spender's side, beside `ledger`.
//! Holds: the way to contracts, proven balances, payments.
//! Never: a balance that a node only says; an account in our spelling within a message (they take the chain's:
//! [`Chain::spelled`]).
//! Invariant: what is told to have happened is in a verified block, and shows in whatever this process asks next.

use crate::transaction::{Executed, Sender};
use crate::{Account, Contract, CosmosError, Network, TrustedHeader, VerifiedHeader};
use cosmrs::proto::cosmos::bank::v1beta1::MsgSend;
use cosmrs::proto::cosmos::base::v1beta1::Coin;
use prag_client::border;
use prag_contracts_core::Funds;
use prag_protocol::Address;
use prag_trust::address::WalletKey;
use prag_trust::entropy::Clock;
use std::sync::Arc;

/// One account on one chain.
#[derive(Clone)]
pub struct Chain {
    pub(crate) sender: Arc<Sender>,
}

impl Chain {
    /// `wallet` pays for what is sent. `resume`: as for [`crate::CosmosLedger::open`]. Nothing is asked yet.
    ///
    /// # Errors
    /// [`CosmosError::Setting`] names the field.
    pub fn open(
        network: Network,
        resume: Option<TrustedHeader>,
        wallet: &WalletKey,
        clock: Arc<dyn Clock>,
    ) -> Result<Self, CosmosError> {
        Ok(Self { sender: Arc::new(Sender::open(network, resume, wallet, clock)?) })
    }

    /// Who pays.
    #[must_use]
    pub fn account(&self) -> &Account {
        &self.sender.account
    }

    /// An account as this chain spells it, whichever prefix it came with: what messages and questions name it by.
    ///
    /// # Errors
    /// [`CosmosError::Refused`] where it is not bech32 text.
    pub fn spelled(&self, account: &Address) -> Result<Address, CosmosError> {
        Ok(self.sender.border.out(account)?)
    }

    /// The newest verified header: fresh, agreed on, and later than whatever this process did.
    ///
    /// # Errors
    /// [`CosmosError::Stale`], [`CosmosError::Disagree`], [`CosmosError::Silent`] and the like, while no node leads
    /// there.
    pub async fn header(&self) -> Result<VerifiedHeader, CosmosError> {
        self.sender.rows.header().await
    }

    /// The contract at `address`, once it is proven to run the code of this SHA-256, and to be nobody's to replace.
    ///
    /// # Errors
    /// [`CosmosError::Setting`] where this chain has no contract of such an address; [`CosmosError::Contract`] says what
    /// it is instead; as [`Chain::header`].
    pub async fn contract(
        &self,
        address: &Address,
        code_hash: &[u8; 32],
    ) -> Result<Contract, CosmosError> {
        Contract::pinned(Arc::clone(&self.sender), address, code_hash).await
    }

    /// How much of `denom` an account or contract has, by proof.
    ///
    /// # Errors
    /// As [`Chain::header`]; [`CosmosError::Proof`]; [`CosmosError::Damaged`] where the balance does not read back.
    pub async fn balance(&self, account: &Address, denom: &str) -> Result<u128, CosmosError> {
        let bytes = border::bytes(account)?;
        let length = u8::try_from(bytes.len()).map_err(|_| CosmosError::Account("its length"))?;
        let key = [&[BALANCES, length], bytes.as_slice(), denom.as_bytes()].concat();
        self.amount(&key).await
    }

    /// All of `denom` that there is, by proof.
    ///
    /// # Errors
    /// As [`Chain::balance`].
    pub async fn supply(&self, denom: &str) -> Result<u128, CosmosError> {
        self.amount(&[&[SUPPLY], denom.as_bytes()].concat()).await
    }

    async fn amount(&self, key: &[u8]) -> Result<u128, CosmosError> {
        let Some(row) = self.sender.rows.module(BANK_STORE, key).await? else { return Ok(0) };
        // The SDK writes the number as text, without a sign.
        let digits = row.iter().all(u8::is_ascii_digit);
        let text = std::str::from_utf8(&row).ok().filter(|_| digits);
        match text.and_then(|text| text.parse().ok()) {
            Some(amount) => Ok(amount),
            None => Err(CosmosError::Damaged(self.header().await?.height())),
        }
    }

    /// Pays `funds` to `account`, which the chain then knows.
    ///
    /// # Errors
    /// As of any transaction: [`CosmosError::Refused`] in the chain's words.
    pub async fn pay(&self, account: &Address, funds: &[Funds]) -> Result<Executed, CosmosError> {
        let message = MsgSend {
            from_address: self.sender.there(),
            to_address: self.spelled(account)?.as_str().to_owned(),
            amount: coins(funds)?,
        };
        self.sender.send(&message).await
    }
}

/// Funds as the SDK takes them: ordered by denomination.
///
/// # Errors
/// [`CosmosError::Setting`] for more than [`COINS_MAX`], an amount of nothing, or a denomination that comes twice.
pub(crate) fn coins(funds: &[Funds]) -> Result<Vec<Coin>, CosmosError> {
    let coin = |one: &Funds| Coin { denom: one.denom.clone(), amount: one.amount.to_string() };
    let mut coins: Vec<Coin> = funds.iter().map(coin).collect();
    coins.sort_by(|a, b| a.denom.cmp(&b.denom));
    let twice = coins.windows(2).any(|pair| pair[0].denom == pair[1].denom);
    let nothing = funds.iter().any(|one| one.amount == 0);
    if twice || nothing || coins.len() > COINS_MAX {
        return Err(CosmosError::Setting("funds"));
    }
    Ok(coins)
}

/// Most denominations of one payment.
const COINS_MAX: usize = 16;
/// The bank's store, and the first bytes of its supplies (`0 ‖ denomination`) and balances (`2 ‖ length ‖ account ‖
/// denomination`).
const BANK_STORE: &str = "bank";
const SUPPLY: u8 = 0;
const BALANCES: u8 = 2;

#[cfg(test)]
mod tests;
