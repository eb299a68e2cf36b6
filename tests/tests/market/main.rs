//! Money for retrieval, over the real channel: use is metered, reported once whatever dies, and paid to the last unit.
//!
//! Layer: tests.
//! Holds: a worker whose embedded ledger runs every contract; an operator, an owner, a reader, a payer. With feature
//! `chain`, the same on a real chain's contracts (`make chain-test`).
//! Never: a balance read from inside the worker.
//! Invariant: what was minted is what everybody and every contract has.

#![allow(clippy::unwrap_used, clippy::panic)]

#[cfg(feature = "chain")]
mod chain;
#[cfg(feature = "chain")]
#[path = "../ledgers/real.rs"]
mod real;
mod refusals;
mod sale;
mod stage;

use prag_protocol::ledger::bank::BankMsg;
use prag_protocol::ledger::market::{Attend, MarketMsg};
use prag_protocol::ledger::rewards::{RewardsMsg, Tree};
use prag_protocol::ledger::subscription::SubscriptionMsg;
use prag_protocol::ledger::voucher::Counters;
use prag_protocol::ledger::workers::{WorkersQuery, WorkersReply};
use prag_protocol::problem::Code;
use stage::{BOND, EPOCH, FAUCET, OWN, STAKE, Stage, WINDOW};

/// A plan is bought, an epoch is funded, used, reported, closed and claimed by worker and owner: every unit is where it
/// belongs.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn use_is_paid_to_the_last_unit() {
    let mut stage = Stage::start().await;
    let payer = stage.lab.client("payer").await;
    stage.rich(&payer).await;
    stage.rich(&stage.reader).await;
    let plan = SubscriptionMsg::MakePlan {
        id: 1,
        price: 500u128.try_into().unwrap(),
        denom: "uprag".parse().unwrap(),
        period_seconds: 30 * 86_400,
        grace_seconds: 0,
        refund_fee_bp: 0,
        api_keys: 1,
        units: 100,
    };
    stage.subscription(&stage.operator, plan, 0).await.unwrap();
    let buy = SubscriptionMsg::Subscribe { plan: 1 };
    stage.subscription(&stage.reader, buy, 500).await.unwrap();
    assert_eq!(stage.has(&stage.lab.account("reader")).await, FAUCET - 500);

    let epoch = stage.next_epoch().await;
    stage.fund(&payer, 10_000).await.unwrap();
    let first = stage.attend().await;
    assert_eq!(first.failed, Vec::<String>::new());
    let worker = first.account;
    // The window that it answers in began in the epoch before: that is reported too, for being there.
    assert_eq!(stage.has(&worker).await, OWN - STAKE - BOND);
    stage.lab.pass(150);
    let said = stage.attend().await;
    assert!(said.done.iter().any(|done| done.contains("answered")), "{said:?}");
    stage.ask(3).await;
    // The machine dies, with the key of its boot: what was counted is not lost, and the next boot registers anew.
    stage.lab.die_after(0);
    stage.lab.revive().await;
    stage.ask(2).await;
    stage.lab.pass(EPOCH - 150);
    let said = stage.attend().await;
    assert_eq!(said.failed, Vec::<String>::new());
    let report = stage.report(epoch, &worker).await.unwrap();
    assert_eq!(report.totals, Counters { queries: 5, chunks: 10, ..Counters::default() });
    assert_eq!(report.bond, BOND);
    // Once is enough.
    let again = stage.attend().await;
    assert!(!again.done.iter().any(|done| done.contains("reported")), "{again:?}");

    stage.lab.pass(2 * WINDOW);
    let said = stage.attend().await;
    assert_eq!(said.failed, Vec::<String>::new());
    assert!(said.done.iter().any(|done| done.contains("claimed")), "{said:?}");
    // 10,000 less 5 % fee and 20 % royalty; its uptime and its work are all there was, and the bond is back.
    assert_eq!(stage.has(&worker).await, OWN - STAKE + 7_500);
    assert_eq!(stage.claimable(epoch, &worker).await.bond, 0);
    let royalty = stage.owner.royalty(epoch, stage.id).await.unwrap().unwrap();
    assert_eq!(royalty.shown.leaf.units, 10);
    stage.owner.claim_royalty(epoch, royalty.clone()).await.unwrap();
    assert_eq!(stage.has(&stage.lab.account("owner")).await, 2_000);
    let again = stage.owner.claim_royalty(epoch, royalty).await.unwrap_err();
    assert_eq!(again.code(), Some(Code::LedgerRefused));
    stage.adds_up(&worker).await;
    stage.subscription(&stage.reader, SubscriptionMsg::Cancel {}, 0).await.unwrap();
    stage.adds_up(&worker).await;
}

/// The worker dies at every durable step of a look at the ledger, comes back and looks again: each epoch's use is reported
/// once, whole, and paid once.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_worker_that_dies_reports_once() {
    let mut stage = Stage::start().await;
    let payer = stage.lab.client("payer").await;
    stage.rich(&payer).await;
    let worker = stage.attend().await.account;
    let mut had = stage.has(&worker).await;
    for steps in 0u8.. {
        let epoch = stage.next_epoch().await;
        stage.fund(&payer, 100).await.unwrap();
        stage.attend().await;
        stage.ask(1 + steps % 3).await;
        stage.lab.pass(EPOCH);
        stage.lab.die_after(steps.into());
        stage.attend().await;
        let died = stage.lab.is_dead();
        stage.lab.revive().await;
        // Somebody asks, so that the worker may believe its clock.
        stage.operator.rewards_pool().await.unwrap();
        let said = stage.attend().await;
        assert_eq!(said.failed, Vec::<String>::new(), "dead after {steps} steps");
        let queries = u64::from(1 + steps % 3);
        let expected = Counters { queries, chunks: 2 * queries, ..Counters::default() };
        let report = stage.report(epoch, &worker).await.unwrap();
        assert_eq!(report.totals, expected, "dead after {steps} steps");
        stage.lab.pass(2 * WINDOW);
        let said = stage.attend().await;
        assert_eq!(said.failed, Vec::<String>::new());
        let has = stage.has(&worker).await;
        assert_eq!(has, had + 75, "dead after {steps} steps");
        had = has;
        stage.adds_up(&worker).await;
        if !died {
            assert!(steps >= 4, "{steps}: registration, book, report, meter, mark");
            break;
        }
    }
}

/// Whoever doubts a report asks for a leaf; the worker shows it, after a reboot too, has the deposit, and is paid.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_demanded_leaf_is_shown() {
    let mut stage = Stage::start().await;
    let payer = stage.lab.client("payer").await;
    stage.rich(&payer).await;
    let epoch = stage.next_epoch().await;
    stage.fund(&payer, 1_000).await.unwrap();
    let worker = stage.attend().await.account;
    stage.ask(1).await;
    stage.lab.pass(EPOCH);
    stage.attend().await;
    for tree in [Tree::Usage, Tree::Royalty] {
        let worker = worker.clone();
        let demand = RewardsMsg::Demand { epoch, worker, tree, index: 0 };
        let demand = MarketMsg::Rewards(Box::new(demand));
        payer.execute_market(demand, stage::coins(10)).await.unwrap();
    }
    assert_eq!(stage.report(epoch, &worker).await.unwrap().open, 2);
    stage.lab.die_after(0);
    stage.lab.revive().await;
    stage.operator.rewards_pool().await.unwrap();
    let had = stage.has(&worker).await;
    let said = stage.attend().await;
    assert_eq!(said.failed, Vec::<String>::new());
    assert_eq!(stage.report(epoch, &worker).await.unwrap().open, 0);
    assert_eq!(stage.has(&worker).await, had + 20);
    stage.lab.pass(2 * WINDOW);
    stage.attend().await;
    let report = stage.report(epoch, &worker).await.unwrap();
    assert!(report.claimed && !report.void);
    stage.adds_up(&worker).await;
}

/// The registry lists the worker with this boot's key; its operator may ask it to look, and nobody else.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_operator_has_the_worker_register() {
    let stage = Stage::start().await;
    let refused = stage.reader.attend(Attend::Register).await.unwrap_err();
    assert_eq!(refused.code(), Some(Code::PermissionMissing));
    let said = stage.operator.attend(Attend::Register).await.unwrap();
    assert_eq!(said.failed, Vec::<String>::new());
    let query = WorkersQuery::Worker { worker: said.account.clone() };
    let query = prag_protocol::ledger::market::MarketQuery::Workers(query);
    let WorkersReply::Worker(Some(record)) = stage.reader.query_market(&query).await.unwrap()
    else {
        panic!("a worker")
    };
    assert_eq!(record.signing_key, stage.lab.worker().worker_key());
    assert_eq!((record.stake, record.leaving.clone()), (STAKE, None));
    // Anybody verifies what the ledger keeps of it; of nobody else there is anything.
    let seen = stage.reader.registered(&said.account).await.unwrap();
    assert_eq!((seen.worker.sig_pk, &seen.record), (record.signing_key, &*record));
    let nobody = stage.reader.registered(&stage.lab.account("owner")).await.err().unwrap();
    assert!(nobody.to_string().contains("is no registered worker"), "{nobody}");
    stage.lab.pass(100);
    let said = stage.operator.attend(Attend::Heartbeat).await.unwrap();
    assert!(said.done.iter().any(|done| done.contains("answered")), "{said:?}");
    stage
        .operator
        .bank(BankMsg::Mint { to: said.account, coin: stage::coins(1)[0].clone() })
        .await
        .unwrap();
}

/// A grant is sold: the price goes from the buyer to the owner, to the unit, and nothing of it anywhere else.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_grant_is_sold() {
    let stage = Stage::start().await;
    let payer = stage.lab.client("payer").await;
    for client in [&payer, &stage.reader, &stage.owner] {
        stage.rich(client).await;
    }
    sale::tell((&stage.owner, &stage.reader, &payer), stage.id, "uprag").await;
    assert_eq!(stage.has(&stage.lab.account("payer")).await, FAUCET - 1_400);
    assert_eq!(stage.has(&stage.lab.account("owner")).await, FAUCET + 1_400);
    let worker = stage.attend().await.account;
    stage.adds_up(&worker).await;
}
