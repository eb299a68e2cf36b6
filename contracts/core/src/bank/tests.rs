//! Money is neither made nor lost, and goes only where its owner sends it.

#![allow(clippy::unwrap_used, clippy::panic, clippy::arithmetic_side_effects)]

use super::*;
use crate::tests::{Chance, Map};
use prag_protocol::ledger::bank::ENDOWED_MAX;
use prag_protocol::ledger::coin::AMOUNT_MAX;

fn account(number: u64) -> Address {
    format!("secret1account{number}").parse().unwrap()
}

fn coin(denom: &str, amount: u128) -> Coin {
    Coin { denom: denom.parse().unwrap(), amount: amount.try_into().unwrap() }
}

fn opened(faucet: Option<Coin>) -> Map {
    let mut map = Map::default();
    let rich = Endowment { account: account(1), coin: coin("uprag", 1_000) };
    let init = BankInit { operator: account(0), endowments: vec![rich], faucet };
    instantiate(&mut map, init).unwrap();
    map
}

/// However money is minted, sent and drawn, also where that is refused: what was minted is what the accounts have.
#[test]
fn what_was_minted_is_there() {
    for seed in 0..40 {
        let mut chance = Chance(seed);
        let mut map = opened(Some(coin("uprag", 77)));
        let denoms = ["uprag", "uscrt"];
        for _ in 0..200 {
            let (sender, to) = (account(chance.below(5)), account(chance.below(5)));
            let amount = [1, 7, 500, AMOUNT_MAX][usize::try_from(chance.below(4)).unwrap()];
            let coin = coin(chance.one(&denoms), amount);
            let message = match chance.below(3) {
                0 => BankMsg::Send { to, coin },
                1 => BankMsg::Mint { to, coin },
                _ => BankMsg::Faucet {},
            };
            let before = map.clone();
            if execute(&mut map, &sender, message).is_err() {
                assert_eq!(map, before, "a refusal moves nothing");
            }
            for denom in denoms {
                let all = (0..5).map(|number| balance(&map, &account(number), denom).unwrap());
                assert_eq!(supply(&map, &denom.parse().unwrap()).unwrap(), all.sum::<u128>());
            }
        }
    }
}

/// Each refusal by its name, with every row as it was.
#[test]
fn refusals_move_nothing() {
    let mut map = opened(None);
    let mint = |to| BankMsg::Mint { to: account(to), coin: coin("uprag", 1) };
    let send = |amount| BankMsg::Send { to: account(2), coin: coin("uprag", amount) };
    for (sender, message, expected) in [
        (1, mint(1), BankError::NotOperator),
        (1, send(1_001), BankError::Short { has: 1_000, needs: 1_001 }),
        (3, send(1), BankError::Short { has: 0, needs: 1 }),
        (1, BankMsg::Faucet {}, BankError::NoFaucet),
    ] {
        let before = map.clone();
        assert_eq!(execute(&mut map, &account(sender), message), Err(expected));
        assert_eq!(map, before);
    }
    execute(&mut map, &account(1), send(1_000)).unwrap();
    assert_eq!(balance(&map, &account(1), "uprag"), Ok(0));
    let again = BankInit { operator: account(9), endowments: Vec::new(), faucet: None };
    assert_eq!(instantiate(&mut map, again), Err(BankError::Exists));

    let endowment = Endowment { account: account(1), coin: coin("uprag", 1) };
    let many = vec![endowment; ENDOWED_MAX + 1];
    let init = BankInit { operator: account(0), endowments: many, faucet: None };
    let mut empty = Map::default();
    assert!(matches!(instantiate(&mut empty, init), Err(BankError::Bound(_))));
    assert_eq!(empty, Map::default());
    let closed = execute(&mut empty, &account(0), mint(1));
    assert_eq!(closed, Err(BankError::NotOpen));
}

/// The faucet gives once.
#[test]
fn the_faucet_gives_once() {
    let mut map = opened(Some(coin("uprag", 5)));
    execute(&mut map, &account(3), BankMsg::Faucet {}).unwrap();
    assert_eq!(balance(&map, &account(3), "uprag"), Ok(5));
    let again = execute(&mut map, &account(3), BankMsg::Faucet {});
    assert_eq!(again, Err(BankError::Drawn));
}

/// A balance is its account's and the operator's to see; a contract's is everybody's.
#[test]
fn balances_are_private() {
    let map = opened(None);
    let open = account(4);
    let ask = |caller: Option<u64>, of: u64| {
        let question = BankQuery::Balance { account: account(of), denom: "uprag".parse().unwrap() };
        query(&map, caller.map(account).as_ref(), &[&open], &question)
    };
    assert_eq!(ask(Some(1), 1), Ok(BankReply::Balance(1_000)));
    assert_eq!(ask(Some(0), 1), Ok(BankReply::Balance(1_000)));
    assert_eq!(ask(None, 4), Ok(BankReply::Balance(0)));
    for caller in [None, Some(2), Some(4)] {
        assert_eq!(ask(caller, 1), Err(BankError::Forbidden));
    }
}

/// Keys and values are frozen: a log replays to the same rows for ever.
#[test]
fn golden_rows() {
    let mut map = opened(Some(coin("uprag", 5)));
    execute(&mut map, &account(3), BankMsg::Faucet {}).unwrap();
    let rows: Vec<(Vec<u8>, Vec<u8>)> = map.0.into_iter().collect();
    let row = |key: &[&[u8]], value: &[&[u8]]| (key.concat(), value.concat());
    let name = |number: u8| [b"secret1account".as_slice(), &[b'0' + number]].concat();
    let config: [&[u8]; 4] = [&[1, 15], &name(0), &[1, 5], b"uprag\x015"];
    assert_eq!(
        rows,
        [
            row(&[&[5, b'b', 15], &name(1), b"uprag"], &[&[1, 0xe8, 0x07]]),
            row(&[&[5, b'b', 15], &name(3), b"uprag"], &[&[1, 5]]),
            row(&[&[5, b'c']], &config),
            row(&[&[5, b'f'], &name(3)], &[&[1, 1]]),
            row(&[&[5, b's'], b"uprag"], &[&[1, 0xed, 0x07]]),
        ]
    );
}
