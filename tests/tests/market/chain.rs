//! The market on a real chain: the worker acts out of its own account, everybody else by transactions of their own
//! wallets.

use crate::real::{self, DENOM, pay, variable};
use prag_client::Client;
use prag_cosmos::{Chain, MarketContracts, Pinned, Settings};
use prag_protocol::ledger::bank::{BankMsg, BankQuery, BankReply, Coin};
use prag_protocol::ledger::market::{
    Attend, Attended, MarketInit, MarketMsg, MarketQuery, OfRequest,
};
use prag_protocol::ledger::rewards::{
    ReportRecord, RewardsInit, RewardsMsg, RewardsQuery, RewardsReply,
};
use prag_protocol::ledger::subscription::{Subscription, SubscriptionMsg, SubscriptionQuery};
use prag_protocol::ledger::voucher::Counters;
use prag_protocol::ledger::workers::{
    Parties, WorkerRecord, WorkersInit, WorkersMsg, WorkersQuery, WorkersReply,
};
use prag_protocol::problem::Code;
use prag_protocol::wire::collections::VectorSource;
use prag_protocol::{Address, CollectionId};
use prag_server::settings::{Chain as ChainSettings, Ledger, Market, MarketWorker, Metering};
use prag_tests::Lab;
use serde_json::json;
use std::time::{Duration, Instant};

/// A worker on a chain's contracts, and those who meet there.
struct Stage {
    lab: Lab,
    admin: Chain,
    operator: Client,
    owner: Client,
    reader: Client,
    id: CollectionId,
    begun: Instant,
}

/// From a plan that is sold to a claim: what the embedded ledger's market does, the chain's does.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn use_is_paid_on_a_chain() {
    let stage = Stage::start().await;
    stage.admin_is_handed_over().await;
    stage.a_plan_is_sold().await;
    stage.what_a_chain_refuses().await;

    let first = stage.operator.attend(Attend::Heartbeat).await.unwrap();
    assert!(first.done.iter().any(|done| done.contains("registered")), "{first:?}");
    let worker = first.account.clone();
    assert!(worker.as_str().starts_with("wasm1"), "{worker}");
    let record = stage.worker(&worker).await;
    assert_eq!((record.stake, record.payment_wallet == worker), (STAKE, true));
    assert!(record.pending);
    stage.say("the worker is registered by its own transaction, and waits");
    stage.is_approved(&first, &worker).await;

    // What is asked early in an epoch may go into the report of the one before: both have something to pay.
    stage.fund(10_000).await;
    stage.next_epoch().await;
    stage.fund(10_000).await;
    stage.ask(3).await;
    stage.say("two epochs are funded, three questions are asked and countersigned");
    let (epoch, report) = stage.until(async |said| reported(&stage, said, &worker).await).await;
    let expected = Counters { queries: 3, chunks: 6, ..Counters::default() };
    assert_eq!((report.totals, report.bond), (expected, BOND));
    stage.say("the epoch is reported");
    let claimed = format!("claimed for epoch {epoch}");
    stage.until(async |said| said.done.contains(&claimed).then_some(())).await;
    stage.say("the epoch is closed, and the worker has claimed");
    let view = stage.owner.rewards_epoch(epoch).await.unwrap().unwrap();
    assert!(view.record.split.is_some());
    let royalty = stage.owner.royalty(epoch, stage.id).await.unwrap().unwrap();
    assert_eq!(royalty.shown.leaf.units, 6);
    stage.owner.claim_royalty(epoch, royalty.clone()).await.unwrap();
    let again = stage.owner.claim_royalty(epoch, royalty).await.unwrap_err();
    assert_eq!(again.code(), Some(Code::LedgerRefused), "{again}");
    stage.say("the owner has claimed its royalty, once");
    let pool = stage.operator.rewards_pool().await.unwrap();
    let held = pool.bonds + pool.deposits + pool.open + pool.unclaimed + pool.carry;
    assert_eq!(pool.paid_in, pool.paid_out + pool.fees + held);
    let contracts = stage.operator.contracts().await.unwrap();
    assert_eq!(stage.has(&stage.operator, &contracts.rewards).await, held);
    // Last, since what the buyer asks is metered as well.
    let buyer = stage.lab.client("buyer").await;
    crate::sale::tell((&stage.owner, &stage.reader, &buyer), stage.id, DENOM).await;
    stage.say("a grant is sold, used up, revoked, and sold no more");
}

/// Which epoch was reported, once one was.
async fn reported(stage: &Stage, said: &Attended, worker: &Address) -> Option<(u64, ReportRecord)> {
    let line = said.done.iter().find_map(|line| line.strip_prefix("reported epoch "))?;
    let (epoch, sessions) = line.split_once(": ")?;
    if sessions.starts_with('0') {
        return None;
    }
    let epoch = epoch.parse().unwrap();
    let query = RewardsQuery::Report { epoch, worker: worker.clone() };
    match stage.operator.rewards(query).await.unwrap() {
        RewardsReply::Report(record) => Some((epoch, *record.unwrap())),
        other => panic!("{other:?}"),
    }
}

impl Stage {
    async fn start() -> Self {
        let begun = Instant::now();
        let admin = real::operator().await;
        let access = real::deploy(&admin, "access", &json!({})).await;
        let (contract, code_hash) = access.clone();
        let settings = Settings { network: real::network().await, contract, code_hash };
        let market = Some(market(&admin, settings).await);
        println!("   chain: {:>6.1} s  four contracts are made", begun.elapsed().as_secs_f32());
        let chain = real::obeying(variable("PRAG_CHAIN_RPC"), access).await;
        let chain = ChainSettings { market, ..chain };
        let lab = Lab::start_with(|settings| worker(settings, chain)).await;
        pay(&admin, lab.worker().account(), 200_000_000).await;
        for name in ["operator", "owner", "reader", "buyer"] {
            pay(&admin, &lab.account(name), 50_000_000).await;
        }
        let (operator, owner) = (lab.client("operator").await, lab.client("owner").await);
        let reader = lab.client("reader").await;
        let id = owner.create_collection("notes", VectorSource::Supplied(2)).await.unwrap().id;
        crate::stage::fill(&owner, &reader, id).await;
        let stage = Self { lab, admin, operator, owner, reader, id, begun };
        stage.say("a worker serves a collection, and everybody has money");
        stage
    }

    fn say(&self, what: &str) {
        println!("   chain: {:>6.1} s  {what}", self.begun.elapsed().as_secs_f32());
    }

    /// Who deployed the contracts names the market's operator, who accepts through the worker.
    async fn admin_is_handed_over(&self) {
        let contracts = self.operator.contracts().await.unwrap();
        let admin = self.admin.spelled(&self.lab.account("operator")).unwrap();
        let MarketContracts { rewards, subscription, .. } = self.pinned();
        assert_eq!(
            (&rewards.contract, &subscription.contract),
            (&contracts.rewards, &contracts.subscription)
        );
        let told = self.admin.contract(&rewards.contract, &rewards.code_hash).await.unwrap();
        told.execute(&RewardsMsg::SetAdmin { admin: admin.clone() }, &[]).await.unwrap();
        let told =
            self.admin.contract(&subscription.contract, &subscription.code_hash).await.unwrap();
        let message = SubscriptionMsg::SetAdmin { public_address: admin.clone() };
        told.execute(&message, &[]).await.unwrap();
        let accept = MarketMsg::Rewards(Box::new(RewardsMsg::AcceptAdmin {}));
        self.operator.execute_market(accept, Vec::new()).await.unwrap();
        let accept = MarketMsg::Subscription(SubscriptionMsg::AcceptAdmin {});
        self.operator.execute_market(accept, Vec::new()).await.unwrap();
        let (settings, _) = self.operator.rewards_config().await.unwrap();
        assert_eq!(settings.admin, admin);
        self.say("the operator is admin, by its own transactions");
    }

    async fn a_plan_is_sold(&self) {
        let plan = SubscriptionMsg::MakePlan {
            id: 1,
            price: 500u128.try_into().unwrap(),
            denom: DENOM.parse().unwrap(),
            period_seconds: 30 * 86_400,
            grace_seconds: 0,
            refund_fee_bp: 0,
            api_keys: 1,
            units: 100,
        };
        let message = MarketMsg::Subscription(plan);
        self.operator.execute_market(message, Vec::new()).await.unwrap();
        let contracts = self.operator.contracts().await.unwrap();
        let buy = MarketMsg::Subscription(SubscriptionMsg::Subscribe { plan: 1 });
        let poor = self.reader.execute_market(buy.clone(), coins(499)).await.unwrap_err();
        assert_eq!(poor.code(), Some(Code::LedgerRefused), "{poor}");
        self.reader.execute_market(buy, coins(500)).await.unwrap();
        assert_eq!(self.has(&self.owner, &contracts.subscription).await, 500);
        let own = |name: &str| {
            let query = SubscriptionQuery::SubscriptionWithPermit {
                subscriber: self.lab.account(name),
                permit: OfRequest {},
            };
            MarketQuery::Subscription(query)
        };
        let running: Option<Subscription> = self.reader.query_market(&own("reader")).await.unwrap();
        assert_eq!(running.unwrap().running.unwrap().plan, 1);
        let told = self.owner.query_market::<serde_json::Value>(&own("reader")).await.unwrap_err();
        assert_eq!(told.code(), Some(Code::LedgerRefused), "{told}");
        let cancel = MarketMsg::Subscription(SubscriptionMsg::Cancel {});
        self.reader.execute_market(cancel, Vec::new()).await.unwrap();
        self.say("a plan is made, bought, shown to its subscriber alone, and cancelled");
    }

    /// Refused with nothing changed, by whoever knows first.
    async fn what_a_chain_refuses(&self) {
        let faucet = self.reader.bank(BankMsg::Faucet {}).await.unwrap_err();
        assert_eq!(faucet.code(), Some(Code::LedgerRefused), "{faucet}");
        let fund = MarketMsg::Rewards(Box::new(RewardsMsg::Fund {}));
        let poor = self.reader.execute_market(fund, coins(1 << 60)).await.unwrap_err();
        assert_eq!(poor.code(), Some(Code::FundsShort), "{poor}");
        let stranger = self.lab.client("stranger").await;
        let fund = MarketMsg::Rewards(Box::new(RewardsMsg::Fund {}));
        let unknown = stranger.execute_market(fund, coins(1)).await.unwrap_err();
        assert!(unknown.to_string().contains("pay something to it"), "{unknown}");
        let coin = coins(1_000).remove(0);
        let send = BankMsg::Send { to: self.lab.account("stranger"), coin };
        self.owner.bank(send).await.unwrap();
        assert_eq!(self.has(&stranger, &self.lab.account("stranger")).await, 1_000);
        self.say(
            "a faucet, too little money and an unknown account are refused; a payment arrives",
        );
    }

    /// Whoever runs the registry confirms the evidence that the worker names.
    async fn is_approved(&self, said: &Attended, worker: &Address) {
        let seen = self.operator.registered(worker).await.unwrap();
        assert!(seen.record.pending);
        // The worker names the very evidence that the approver verifies.
        let hash = hex::encode(seen.hash);
        let asks = |why: &String| why.contains(&hash) && why.contains(worker.as_str());
        assert!(said.failed.iter().any(asks), "{said:?}");
        assert_eq!(seen.worker.sig_pk, self.lab.worker().worker_key());
        let (evidence_hash, measurement) = (seen.hash, seen.worker.measurement);
        let MarketContracts { workers, .. } = self.pinned();
        let registry = self.admin.contract(&workers.contract, &workers.code_hash).await.unwrap();
        let approve = |evidence_hash| {
            let worker = worker.clone();
            WorkersMsg::ApproveWorker { worker, evidence_hash, measurement }
        };
        assert!(registry.execute(&approve([0; 32]), &[]).await.is_err(), "of other evidence");
        let unlisted = registry.execute(&approve(evidence_hash), &[]).await.unwrap_err();
        assert!(unlisted.to_string().contains("not approved"), "{unlisted}");
        registry.execute(&WorkersMsg::ApproveMeasurement { measurement }, &[]).await.unwrap();
        tokio::time::sleep(TIMELOCK).await;
        registry.execute(&approve(evidence_hash), &[]).await.unwrap();
        self.until(async |said| {
            let waits = said.failed.iter().any(|why| why.contains("approver"));
            (!waits).then_some(())
        })
        .await;
        assert!(!self.worker(worker).await.pending);
        self.say("the worker is approved");
    }

    fn pinned(&self) -> MarketContracts {
        let Ledger::Cosmos(chain) = &self.lab.settings().ledger else { panic!("a chain") };
        chain.market.clone().unwrap()
    }

    /// Pays into an epoch that runs on afterwards.
    async fn fund(&self, amount: u128) {
        loop {
            let (_, before) = self.operator.rewards_config().await.unwrap();
            let message = MarketMsg::Rewards(Box::new(RewardsMsg::Fund {}));
            self.owner.execute_market(message, coins(amount)).await.unwrap();
            if self.operator.rewards_config().await.unwrap().1 == before {
                return;
            }
        }
    }

    async fn ask(&self, questions: u8) {
        crate::stage::ask(&self.reader, self.id, questions).await;
    }

    async fn has(&self, by: &Client, account: &Address) -> u128 {
        let (account, denom) = (account.clone(), DENOM.parse().unwrap());
        let query = MarketQuery::Bank(BankQuery::Balance { account, denom });
        match by.query_market(&query).await.unwrap() {
            BankReply::Balance(units) => units,
            other => panic!("{other:?}"),
        }
    }

    async fn worker(&self, worker: &Address) -> WorkerRecord {
        let query = WorkersQuery::Worker { worker: worker.clone() };
        match self.owner.query_market(&MarketQuery::Workers(query)).await.unwrap() {
            WorkersReply::Worker(record) => *record.unwrap(),
            other => panic!("{other:?}"),
        }
    }

    /// Waits until the epoch that runs is over.
    async fn next_epoch(&self) {
        let (_, before) = self.operator.rewards_config().await.unwrap();
        let end = Instant::now() + PATIENCE;
        while self.operator.rewards_config().await.unwrap().1 == before {
            assert!(Instant::now() < end, "the epoch does not end");
            tokio::time::sleep(Duration::from_millis(500)).await;
        }
    }

    /// The worker looks at the ledger until it has done what is waited for.
    async fn until<T>(&self, found: impl AsyncFn(&Attended) -> Option<T>) -> T {
        let end = Instant::now() + PATIENCE;
        loop {
            let said = self.lab.worker().attend().await;
            if let Some(found) = found(&said).await {
                return found;
            }
            assert!(Instant::now() < end, "in vain: {said:?}");
            tokio::time::sleep(Duration::from_secs(1)).await;
        }
    }
}

/// The worker's settings.
fn worker(settings: &mut prag_server::settings::Settings, chain: ChainSettings) {
    (settings.staleness_s, settings.lease_check_s) = (10, 1);
    settings.metering = Some(Metering { credit: 4 });
    (settings.rate_per_s, settings.rate_burst) = (10_000, 100_000);
    let url = Some("http://worker.example".to_owned());
    // The test says when it looks.
    let part = MarketWorker { url, check_s: 3_600, ..MarketWorker::default() };
    settings.market = Some(Market { worker: Some(part), ..Market::default() });
    settings.ledger = Ledger::Cosmos(Box::new(chain));
}

/// The contracts beside access, which know each other.
async fn market(admin: &Chain, settings: Settings) -> MarketContracts {
    let me = admin.account().on_chain().clone();
    let pinned = |(contract, code_hash)| Pinned { contract, code_hash };
    let subscription = pinned(real::deploy(admin, "subscription", &json!({})).await);
    let MarketInit { mut terms, epoch_seconds, rewards: config, .. } = terms().init(&me).unwrap();
    terms.approved_only = true;
    let denom = terms.denom.clone();
    let approver = Some(me.clone());
    let parties = Parties { rewards: None, treasury: me.clone(), approver: approver.clone() };
    let init = WorkersInit { admin: me.clone(), parties, terms };
    let workers = pinned(real::deploy(admin, "workers", &init).await);
    let clock = std::sync::Arc::new(prag_client::system::SystemClock::default());
    let wallet = prag_trust::address::WalletKey::from_bytes(&[11; 32]).unwrap();
    let access = settings.contract.clone();
    let ledger = prag_cosmos::CosmosLedger::open(settings, None, &wallet, clock).unwrap();
    let ledger = prag_client::ledger::Ledger::id(&ledger);
    let init = RewardsInit { ledger, denom, epoch_seconds, config };
    let init = json!({
        "rewards": init,
        "access": {"address": access},
        "workers": {"address": workers.contract},
    });
    let rewards = pinned(real::deploy(admin, "rewards", &init).await);
    let parties = Parties { rewards: Some(rewards.contract.clone()), treasury: me, approver };
    let told = admin.contract(&workers.contract, &workers.code_hash).await.unwrap();
    told.execute(&WorkersMsg::SetParties { parties }, &[]).await.unwrap();
    MarketContracts { workers, subscription, rewards }
}

/// The terms of an embedded ledger, in a hurry.
fn terms() -> Market {
    Market {
        denom: DENOM.to_owned(),
        epoch_s: 40,
        report_s: 20,
        challenge_s: 12,
        claim_s: 300,
        bond: BOND.try_into().unwrap(),
        deposit: 10,
        stake: STAKE.try_into().unwrap(),
        window_s: 60,
        evidence_s: 86_400,
        timelock_s: 1,
        unbonding_s: 1,
        missed_ppm: 10_000,
        ..Market::default()
    }
}

fn coins(amount: u128) -> Vec<Coin> {
    vec![Coin { denom: DENOM.parse().unwrap(), amount: amount.try_into().unwrap() }]
}

const STAKE: u128 = 5_000_000;
const BOND: u128 = 1_000_000;
/// The registry's, and a few blocks.
const TIMELOCK: Duration = Duration::from_secs(4);
/// Three epochs.
const PATIENCE: Duration = Duration::from_secs(150);
