#![allow(clippy::unwrap_used, clippy::panic)]

use super::{COINS_MAX, funds, payments, unpaid};
use crate::Refusal;
use crate::std::{Addr, BankMsg, Coin, MessageInfo, Uint128};
use prag_contracts_core::{Funds, Payment};

fn info(coins: usize) -> MessageInfo {
    let coin = |at: usize| Coin { denom: format!("u{at}"), amount: Uint128::new(u128::MAX) };
    MessageInfo { sender: Addr::unchecked("a"), funds: (0..coins).map(coin).collect() }
}

fn payment(amount: u128) -> Payment {
    Payment { to: "secret1somebody".parse().unwrap(), denom: "uscrt".to_owned(), amount }
}

/// Every coin arrives, up to the bound, and to the last unit.
#[test]
fn coins_come_in_whole() {
    assert_eq!(funds(&info(0)), Ok(Vec::new()));
    let all = funds(&info(COINS_MAX)).unwrap();
    assert_eq!(all.len(), COINS_MAX);
    assert_eq!(all[3], Funds { denom: "u3".to_owned(), amount: u128::MAX });
    assert_eq!(funds(&info(COINS_MAX.wrapping_add(1))), Err(Refusal::Coins));
}

#[test]
fn unexpected_coins_are_refused() {
    assert_eq!(unpaid(&info(0)), Ok(()));
    assert_eq!(unpaid(&info(1)), Err(Refusal::Funds));
}

/// In order, to the last unit, and never nothing.
#[test]
fn payments_leave_as_the_core_said() {
    let sent = payments(vec![payment(1), payment(0), payment(u128::MAX)]);
    let amounts: Vec<u128> = sent
        .iter()
        .map(|message| match message {
            BankMsg::Send { to_address, amount } => {
                assert_eq!((to_address.as_str(), amount.len()), ("secret1somebody", 1));
                assert_eq!(amount[0].denom, "uscrt");
                amount[0].amount.u128()
            }
            other => panic!("{other:?}"),
        })
        .collect();
    assert_eq!(amounts, [1, u128::MAX]);
}
