//! Transitions of the contracts beside access: their envelope's frozen bytes, their replay, and who may begin them.

use super::*;
use prag_protocol::ledger::bank::{BankMsg, BankQuery, BankReply};

fn init() -> MarketInit {
    serde_json::from_str(BEGINS).unwrap()
}

fn owner() -> Address {
    "secret1owner".parse().unwrap()
}

fn begun(shard: &Arc<dyn Shard>) -> EmbeddedLedger {
    reopen(shard, Some((owner(), init()))).unwrap()
}

fn send(amount: u128) -> Recorded {
    let coin = Coin { denom: "uprag".parse().unwrap(), amount: amount.try_into().unwrap() };
    let message = MarketMsg::Bank(BankMsg::Send { to: "secret1other".parse().unwrap(), coin });
    Recorded::Market(Box::new(ExecuteMarket { message, funds: Vec::new() }))
}

fn has(ledger: &EmbeddedLedger, account: &str) -> u128 {
    let (account, denom) = (account.parse().unwrap(), "uprag".parse().unwrap());
    let query = MarketQuery::Bank(BankQuery::Balance { account, denom });
    let rows = ledger.lock();
    let env = Env { height: 9, time: 300 };
    let reply =
        core::market::query(&rows.state.overlay(), &env, &ledger.contracts, Some(&owner()), &query);
    match reply.unwrap() {
        MarketReply::Bank(BankReply::Balance(units)) => units,
        other => panic!("{other:?}"),
    }
}

/// One row of each envelope, before it is sealed.
pub(super) fn plains() -> Vec<Vec<u8>> {
    let shard = shard();
    begun(&shard).execute_now(&owner(), &[], send(3)).unwrap();
    let rows = shard.scan(&KeyRange::prefix(&[0x10]), None, 9).unwrap().rows;
    let opened = rows.into_iter().zip(0u8..).map(|((_, row), height)| {
        let sealed = Sealed::<LedgerState>::from_bytes(row);
        sealed.open(&key(), place(height)).unwrap().expose().to_vec()
    });
    opened.collect()
}

/// The texts of both envelopes are frozen, stand in rows of format 1, and replay for ever.
#[test]
fn golden_envelopes() {
    let shard = shard();
    let ledger = begun(&shard);
    ledger.execute_now(&owner(), &[0xaa, 0xbb], send(3)).unwrap();
    let rows = shard.scan(&KeyRange::prefix(&[0x10]), None, 9).unwrap().rows;
    let spelled = [
        format!(r#"{{"market_begins_v1":{BEGINS}}}"#),
        r#"{"market_v1":{"message":{"bank":{"send":{"to":"secret1other","coin":{"denom":"uprag","amount":"3"}}}},"funds":[]}}"#
            .to_owned(),
    ];
    assert_eq!(rows.len(), 2);
    for (height, (row, text)) in (0u8..).zip(rows.iter().zip(spelled)) {
        let sealed = Sealed::<LedgerState>::from_bytes(row.1.clone());
        let plain = sealed.open(&key(), place(height)).unwrap();
        assert!(plain.expose().ends_with(text.as_bytes()), "row {height}");
        let transition: Transition = postcard::from_bytes(plain.expose()).unwrap();
        assert_eq!(transition.message, text);
    }
    let before = head(&ledger);
    drop(ledger);
    // A market that has begun goes on, also under settings that know of none.
    let again = reopen(&shard, None).unwrap();
    assert_eq!(head(&again), before);
    assert_eq!((has(&again, "secret1owner"), has(&again, "secret1other")), (97, 3));
    assert!(again.has_market());
}

/// A refusal changes neither balances nor head, and leaves no row.
#[test]
fn refusals_leave_no_row() {
    let shard = shard();
    let ledger = begun(&shard);
    ledger.execute_now(&owner(), &[], send(1)).unwrap();
    let before = head(&ledger);
    let refused = ledger.execute_now(&owner(), &[], send(100)).unwrap_err();
    assert_eq!(refused, LedgerError::Short { has: 99, needs: 100 });
    assert_eq!((head(&ledger), has(&ledger, "secret1owner")), (before, 99));
    assert_eq!(shard.scan(&KeyRange::prefix(&[0x10]), None, 9).unwrap().rows.len(), 2);
}

/// Without terms there is no market, and access goes on as before.
#[test]
fn without_terms_there_is_no_market() {
    let ledger = open(&shard());
    assert_eq!(ledger.execute_now(&owner(), &[], send(1)), Err(LedgerError::NoMarket));
    assert_eq!((head(&ledger).height, ledger.has_market()), (0, false));
}

/// How a market begins, as JSON.
const BEGINS: &str = concat!(
    r#"{"admin":"secret1owner","bank":{"operator":"secret1owner","endowments":[{"account":"secret1owner","coin":"#,
    r#"{"denom":"uprag","amount":"100"}}],"faucet":null},"terms":{"denom":"uprag","stake_per_capacity":"10","#,
    r#""window_seconds":60,"evidence_seconds":120,"timelock_seconds":1,"unbonding_seconds":1,"missed_ppm":1,"#,
    r#""attested_only":false},"epoch_seconds":20,"rewards":{"treasury":"secret1owner","fee_bps":1,"royalty_bps":2,"#,
    r#""uptime_bps":3,"query_weight":1,"chunk_weight":1,"embedded_weight":1,"bond":"1","deposit":"1","bounty_bps":1,"#,
    r#""slash_ppm":1,"report_seconds":5,"challenge_seconds":5,"claim_seconds":5}}"#,
);
