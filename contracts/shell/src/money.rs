//! Coins that come with a message, and coins that leave.
//!
//! Layer: shell.
//! Holds: the way into the core's shapes and back.
//! Never: an amount that is rounded, or a payment of nothing: banks refuse those, and the message with them.
//! Invariant: what the core pays out is what the bank is told, coin for coin.

use crate::Refusal;
use crate::std::{BankMsg, Coin, MessageInfo, Uint128};
use prag_contracts_core::{Funds, Payment};

/// What was sent along.
///
/// # Errors
/// [`Refusal::Coins`] for more than [`COINS_MAX`] kinds of coin.
pub fn funds(info: &MessageInfo) -> Result<Vec<Funds>, Refusal> {
    if info.funds.len() > COINS_MAX {
        return Err(Refusal::Coins);
    }
    let one = |coin: &Coin| Funds { denom: coin.denom.clone(), amount: amount(coin) };
    Ok(info.funds.iter().map(one).collect())
}

/// Coins that a contract does not expect would be lost in it.
///
/// # Errors
/// [`Refusal::Funds`] if any were sent along.
pub fn unpaid(info: &MessageInfo) -> Result<(), Refusal> {
    if info.funds.is_empty() { Ok(()) } else { Err(Refusal::Funds) }
}

/// Bank messages, in the core's order.
#[must_use]
pub fn payments(payments: Vec<Payment>) -> Vec<BankMsg> {
    let due = payments.into_iter().filter(|payment| payment.amount > 0);
    due.map(|Payment { to, denom, amount }| BankMsg::Send {
        to_address: to.into(),
        amount: vec![Coin { denom, amount: Uint128::new(amount) }],
    })
    .collect()
}

fn amount(coin: &Coin) -> u128 {
    coin.amount.u128()
}

/// Most kinds of coin in one message.
pub const COINS_MAX: usize = 8;

#[cfg(test)]
mod tests;
