//! The bank: who has how much, where no chain keeps that.
//!
//! Layer: core.
//! Holds: balances by account and denomination, and what was minted of each.
//! Never: why money moves, which is the contracts' matter; a debt.
//! Invariant: what was minted is what the accounts have, to the last unit; a refusal moves nothing.

mod error;
mod keys;

pub use error::BankError;

use crate::Kv;
use crate::kv::Staged;
use prag_protocol::Address;
use prag_protocol::ledger::bank::{
    BankConfig, BankInit, BankMsg, BankQuery, BankReply, Coin, Endowment,
};
use prag_protocol::ledger::coin::Denom;

/// Opens the bank, once.
///
/// # Errors
/// [`BankError::Bound`]; [`BankError::Exists`] the second time.
pub fn instantiate(kv: &mut dyn Kv, init: BankInit) -> Result<(), BankError> {
    init.check()?;
    if keys::config().load(kv)?.is_some() {
        return Err(BankError::Exists);
    }
    let BankInit { operator, endowments, faucet } = init;
    let mut staged = Staged::over(kv);
    keys::config().save(&mut staged, &BankConfig { operator, faucet })?;
    for Endowment { account, coin } in &endowments {
        mint(&mut staged, account, coin)?;
    }
    staged.keep();
    Ok(())
}

/// Runs one message of `sender`, whom the ledger has authenticated.
///
/// # Errors
/// [`BankError`] says why; `kv` is then as it was.
pub fn execute(kv: &mut dyn Kv, sender: &Address, message: BankMsg) -> Result<(), BankError> {
    let mut staged = Staged::over(kv);
    let config = keys::config().load(&staged)?.ok_or(BankError::NotOpen)?;
    match message {
        BankMsg::Send { to, coin } => {
            transfer(&mut staged, sender, &to, coin.denom.as_str(), coin.amount.get())?;
        }
        BankMsg::Mint { to, coin } => {
            if *sender != config.operator {
                return Err(BankError::NotOperator);
            }
            mint(&mut staged, &to, &coin)?;
        }
        BankMsg::Faucet {} => {
            let coin = config.faucet.ok_or(BankError::NoFaucet)?;
            let row = keys::drawn(sender);
            if row.load(&staged)?.is_some() {
                return Err(BankError::Drawn);
            }
            row.save(&mut staged, &true)?;
            mint(&mut staged, sender, &coin)?;
        }
    }
    staged.keep();
    Ok(())
}

/// Answers one question. `caller`: whom the ledger has authenticated, `None` for anybody. `open`: accounts that everybody
/// may look at.
///
/// # Errors
/// [`BankError::Forbidden`] for the balance of somebody else; [`BankError::NotOpen`].
pub fn query(
    kv: &dyn Kv,
    caller: Option<&Address>,
    open: &[&Address],
    query: &BankQuery,
) -> Result<BankReply, BankError> {
    let config = keys::config().load(kv)?.ok_or(BankError::NotOpen)?;
    Ok(match query {
        BankQuery::Balance { account, denom } => {
            let own = caller == Some(account) || caller == Some(&config.operator);
            if !own && !open.contains(&account) {
                return Err(BankError::Forbidden);
            }
            BankReply::Balance(balance(kv, account, denom.as_str())?)
        }
        BankQuery::Supply { denom } => BankReply::Supply(supply(kv, denom)?),
        BankQuery::Config {} => BankReply::Config(config),
    })
}

/// What an account has.
///
/// # Errors
/// [`BankError::Damaged`].
pub fn balance(kv: &dyn Kv, account: &Address, denom: &str) -> Result<u128, BankError> {
    Ok(keys::balance(account, denom).load(kv)?.unwrap_or(0))
}

/// Moves money. Of nothing, nothing moves.
///
/// # Errors
/// [`BankError::Short`] where `from` has less; `kv` is then as it was.
pub fn transfer(
    kv: &mut dyn Kv,
    from: &Address,
    to: &Address,
    denom: &str,
    amount: u128,
) -> Result<(), BankError> {
    let has = balance(kv, from, denom)?;
    let left = has.checked_sub(amount).ok_or(BankError::Short { has, needs: amount })?;
    if from == to || amount == 0 {
        return Ok(());
    }
    let sum = balance(kv, to, denom)?.checked_add(amount);
    let sum = sum.ok_or(BankError::Exhausted("a balance"))?;
    set(kv, from, denom, left)?;
    set(kv, to, denom, sum)
}

fn mint(kv: &mut dyn Kv, to: &Address, coin: &Coin) -> Result<(), BankError> {
    let amount = coin.amount.get();
    let total = supply(kv, &coin.denom)?.checked_add(amount);
    let total = total.ok_or(BankError::Exhausted("the supply"))?;
    keys::supply(&coin.denom).save(kv, &total)?;
    // No balance is above the supply.
    let sum = balance(kv, to, coin.denom.as_str())?.checked_add(amount);
    set(kv, to, coin.denom.as_str(), sum.ok_or(BankError::Exhausted("a balance"))?)
}

fn supply(kv: &dyn Kv, denom: &Denom) -> Result<u128, BankError> {
    Ok(keys::supply(denom).load(kv)?.unwrap_or(0))
}

fn set(kv: &mut dyn Kv, account: &Address, denom: &str, amount: u128) -> Result<(), BankError> {
    let row = keys::balance(account, denom);
    if amount == 0 {
        row.remove(kv);
        return Ok(());
    }
    Ok(row.save(kv, &amount)?)
}

#[cfg(test)]
mod tests;
