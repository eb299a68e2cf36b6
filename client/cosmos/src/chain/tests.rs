//! Balances over nodes that tell the truth or lie, and funds that no chain would take.

#![allow(clippy::unwrap_used, clippy::panic)]

use super::*;
use crate::fixture::serve::{Lie, honest, serve};
use crate::fixture::{self, Now, address};
use base64::{Engine, engine::general_purpose::STANDARD};
use std::sync::Mutex;
use std::sync::atomic::AtomicU64;

type Made = Arc<Mutex<fixture::Chain>>;

fn rich() -> Address {
    address("wasm", &[5; 20])
}

/// A chain whose bank has `value` for somebody rich.
fn made(value: &[u8]) -> (Made, Arc<Now>) {
    let mut chain = fixture::Chain::new();
    let key = [&[2, 20], [5; 20].as_slice(), b"ustake"].concat();
    chain.stores.get_mut("bank").unwrap().insert(key, value.to_vec());
    chain.grow(2);
    let clock = Arc::new(Now(AtomicU64::new(chain.time())));
    (Arc::new(Mutex::new(chain)), clock)
}

fn chain((made, clock): &(Made, Arc<Now>), nodes: Vec<String>) -> Chain {
    let settings = made.lock().unwrap().settings(nodes, 1);
    let wallet = WalletKey::from_bytes(&[13; 32]).unwrap();
    Chain::open(settings.network, None, &wallet, clock.clone()).unwrap()
}

/// A balance is what the bank has, in either spelling of the account; nothing where there is no row.
#[tokio::test]
async fn balances_are_the_banks() {
    let world = made(b"1234567890123456789012345");
    let chain = chain(&world, vec![honest(&world.0).await]);
    let ours = address("secret", &[5; 20]);
    for spelling in [rich(), ours] {
        let has = chain.balance(&spelling, "ustake").await;
        assert_eq!(has, Ok(1_234_567_890_123_456_789_012_345));
    }
    assert_eq!(chain.balance(&rich(), "uother").await, Ok(0));
    assert_eq!(chain.balance(&address("wasm", &[6; 20]), "ustake").await, Ok(0));
}

/// A node can neither raise a balance nor hide one.
#[tokio::test]
async fn balances_are_proven() {
    let world = made(b"100");
    let change = |value: Option<&'static [u8]>| -> Lie {
        Arc::new(move |method, _, mut answer| {
            if method == "abci_query" {
                answer["response"]["value"] = value.map(|value| STANDARD.encode(value)).into();
            }
            Some(answer)
        })
    };
    for lie in [change(Some(b"1000")), change(None)] {
        let liar = serve(&world.0, lie).await;
        let alone = chain(&world, vec![liar.clone()]).balance(&rich(), "ustake").await;
        assert!(matches!(alone, Err(CosmosError::Proof(_))), "{alone:?}");
        let beside = chain(&world, vec![liar, honest(&world.0).await]);
        assert_eq!(beside.balance(&rich(), "ustake").await, Ok(100));
    }
}

/// What the bank writes in another form than we know is no number.
#[tokio::test]
async fn unknown_balances_are_damage() {
    let long = [b'9'; 40];
    for value in [&b"-5"[..], b"+5", b"5 ", b"\x0a\x06ustake\x12\x015", &long] {
        let world = made(value);
        let chain = chain(&world, vec![honest(&world.0).await]);
        let told = chain.balance(&rich(), "ustake").await;
        assert!(matches!(told, Err(CosmosError::Damaged(_))), "{value:?}: {told:?}");
    }
}

/// Funds go as the SDK wants them, or not at all.
#[test]
fn funds_are_ordered_and_refused() {
    let funds = |list: &[(&str, u128)]| -> Vec<Funds> {
        let one =
            |(denom, amount): &(&str, u128)| Funds { denom: (*denom).to_owned(), amount: *amount };
        list.iter().map(one).collect()
    };
    let taken = coins(&funds(&[("ustake", 7), ("uatom", u128::MAX)])).unwrap();
    let taken: Vec<_> = taken.iter().map(|coin| (&*coin.denom, &*coin.amount)).collect();
    assert_eq!(taken, [("uatom", &*u128::MAX.to_string()), ("ustake", "7")]);
    assert_eq!(coins(&[]), Ok(Vec::new()));
    let many: Vec<String> = (0..=COINS_MAX).map(|number| format!("coin{number}")).collect();
    let many: Vec<(&str, u128)> = many.iter().map(|denom| (denom.as_str(), 1)).collect();
    assert!(coins(&funds(&many[1..])).is_ok());
    for bad in [&many[..], &[("ustake", 0)], &[("ustake", 1), ("uatom", 1), ("ustake", 1)]] {
        assert_eq!(coins(&funds(bad)), Err(CosmosError::Setting("funds")), "{bad:?}");
    }
}
