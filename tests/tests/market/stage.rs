//! A metering worker on a ledger with every contract, an operator, an owner with a collection, a reader with a grant.

use prag_client::Client;
use prag_client::error::ClientError;
use prag_protocol::ledger::bank::{BankMsg, BankQuery, BankReply, Coin};
use prag_protocol::ledger::market::{Attended, MarketMsg, MarketQuery};
use prag_protocol::ledger::rewards::{
    Claimable, ReportRecord, RewardsMsg, RewardsQuery, RewardsReply,
};
use prag_protocol::ledger::subscription::SubscriptionMsg;
use prag_protocol::metadata::Metadata;
use prag_protocol::wire::collections::VectorSource;
use prag_protocol::wire::documents::{Format, PutDocument, SuppliedChunk};
use prag_protocol::wire::grants::PutGrant;
use prag_protocol::wire::search::QueryRequest;
use prag_protocol::{Address, CollectionId};
use prag_server::settings::{Market, MarketWorker, Metering};
use prag_tests::{Lab, account_in, hour_grant};

/// Seconds of an epoch; of its reports and its challenges.
pub(crate) const EPOCH: u64 = 1_000;
pub(crate) const WINDOW: u64 = 300;
/// A liveness window, seconds; an epoch is a multiple of it.
const LIVENESS: u64 = 100;
pub(crate) const BOND: u128 = 1_000;
pub(crate) const STAKE: u128 = 5_000;
/// What the worker begins with, and what the faucet gives.
pub(crate) const OWN: u128 = 100_000;
pub(crate) const FAUCET: u128 = 50_000;

pub(crate) struct Stage {
    pub(crate) lab: Lab,
    pub(crate) operator: Client,
    pub(crate) owner: Client,
    pub(crate) reader: Client,
    pub(crate) id: CollectionId,
}

impl Stage {
    pub(crate) async fn start() -> Self {
        let lab = Lab::start_mortal_for(|settings, homes| {
            settings.metering = Some(Metering { credit: 4 });
            (settings.rate_per_s, settings.rate_burst) = (10_000, 100_000);
            let worker = MarketWorker {
                url: Some("http://worker.example".to_owned()),
                // Tests say when it looks.
                check_s: 3_600,
                ..MarketWorker::default()
            };
            settings.market = Some(Market {
                operator: Some(account_in(homes, "operator")),
                worker_units: 100_000,
                faucet_units: 50_000,
                epoch_s: EPOCH,
                report_s: WINDOW,
                challenge_s: WINDOW,
                claim_s: 100 * EPOCH,
                bond: 1_000,
                deposit: 10,
                stake: 5_000,
                window_s: LIVENESS,
                evidence_s: 86_400,
                timelock_s: 1,
                unbonding_s: 1,
                worker: Some(worker),
                ..Market::default()
            });
        })
        .await;
        let operator = lab.client("operator").await;
        // The market begins in the middle of a window, whatever the time of day: so no epoch begins with one.
        lab.pass(LIVENESS + LIVENESS / 2 - operator.channel().now() % LIVENESS);
        let owner = lab.client("owner").await;
        let reader = lab.client("reader").await;
        let id = owner.create_collection("notes", VectorSource::Supplied(2)).await.unwrap().id;
        let stage = Self { lab, operator, owner, reader, id };
        fill(&stage.owner, &stage.reader, stage.id).await;
        stage
    }

    /// So many questions of two hits each, countersigned.
    pub(crate) async fn ask(&self, questions: u8) {
        ask(&self.reader, self.id, questions).await;
    }

    /// The worker looks at the ledger.
    pub(crate) async fn attend(&self) -> Attended {
        self.lab.worker().attend().await
    }

    pub(crate) async fn rich(&self, client: &Client) {
        client.bank(BankMsg::Faucet {}).await.unwrap();
    }

    pub(crate) async fn fund(&self, client: &Client, amount: u128) -> Result<u64, ClientError> {
        let message = MarketMsg::Rewards(Box::new(RewardsMsg::Fund {}));
        client.execute_market(message, coins(amount)).await.map(|reply| reply.height)
    }

    pub(crate) async fn subscription(
        &self,
        client: &Client,
        message: SubscriptionMsg,
        amount: u128,
    ) -> Result<u64, ClientError> {
        let message = MarketMsg::Subscription(message);
        let funds = if amount == 0 { Vec::new() } else { coins(amount) };
        client.execute_market(message, funds).await.map(|reply| reply.height)
    }

    /// What an account has, as the operator sees it.
    pub(crate) async fn has(&self, account: &Address) -> u128 {
        let (account, denom) = (account.clone(), "uprag".parse().unwrap());
        let query = MarketQuery::Bank(BankQuery::Balance { account, denom });
        match self.operator.query_market(&query).await.unwrap() {
            BankReply::Balance(units) => units,
            other => panic!("{other:?}"),
        }
    }

    pub(crate) async fn supply(&self) -> u128 {
        let query = MarketQuery::Bank(BankQuery::Supply { denom: "uprag".parse().unwrap() });
        match self.operator.query_market(&query).await.unwrap() {
            BankReply::Supply(units) => units,
            other => panic!("{other:?}"),
        }
    }

    /// Everybody's money and the contracts' adds up to what was minted, and the rewards hold what they say.
    pub(crate) async fn adds_up(&self, worker: &Address) {
        let contracts = self.operator.contracts().await.unwrap();
        let people = ["operator", "owner", "reader", "payer"];
        let mut all: Vec<Address> = people.iter().map(|name| self.lab.account(name)).collect();
        all.extend([worker.clone(), contracts.workers.clone(), contracts.subscription.clone()]);
        all.push(contracts.rewards.clone());
        let mut sum = 0;
        for account in &all {
            sum += self.has(account).await;
        }
        assert_eq!(sum, self.supply().await);
        let pool = self.operator.rewards_pool().await.unwrap();
        let held = pool.bonds + pool.deposits + pool.open + pool.unclaimed + pool.carry;
        assert_eq!(self.has(&contracts.rewards).await, held);
        assert_eq!(pool.paid_in, pool.paid_out + pool.fees + held);
    }

    pub(crate) async fn report(&self, epoch: u64, worker: &Address) -> Option<ReportRecord> {
        let query = RewardsQuery::Report { epoch, worker: worker.clone() };
        match self.operator.rewards(query).await.unwrap() {
            RewardsReply::Report(record) => record.map(|record| *record),
            other => panic!("{other:?}"),
        }
    }

    pub(crate) async fn claimable(&self, epoch: u64, account: &Address) -> Claimable {
        let query = RewardsQuery::Claimable { account: account.clone(), epoch };
        match self.operator.rewards(query).await.unwrap() {
            RewardsReply::Claimable(claimable) => claimable,
            other => panic!("{other:?}"),
        }
    }

    /// The epoch that runs, at its beginning: nothing of what follows crosses an edge.
    pub(crate) async fn next_epoch(&self) -> u64 {
        let (settings, epoch) = self.operator.rewards_config().await.unwrap();
        let now = self.operator.channel().now();
        let next = settings.genesis + (epoch + 1) * settings.epoch_seconds;
        self.lab.pass(next - now + 1);
        epoch + 1
    }
}

/// A document of two chunks, and a grant for the reader.
pub(crate) async fn fill(owner: &Client, reader: &Client, id: CollectionId) {
    let content = "dose: 5 mg, twice".to_owned();
    let end = u32::try_from(content.len()).unwrap();
    let chunks = vec![
        SuppliedChunk { start: 0, end: end / 2, vector: vec![1.0, 0.0] },
        SuppliedChunk { start: end / 2, end, vector: vec![1.0, 0.1] },
    ];
    let document = PutDocument {
        id: "d0".parse().unwrap(),
        title: String::new(),
        format: Format::Text,
        content,
        metadata: Metadata::new(),
        chunks: Some(chunks),
    };
    owner.put_document(id, &document).await.unwrap();
    let grant = PutGrant {
        write: false,
        max_k: 20,
        expires: owner.channel().now() + 1_000_000,
        ..hour_grant(reader)
    };
    owner.put_grant(id, &grant).await.unwrap();
}

/// So many questions of two hits each, countersigned.
pub(crate) async fn ask(reader: &Client, id: CollectionId, questions: u8) {
    for number in 0..questions {
        let vector = Some(vec![1.0, f32::from(number) / 1_000.0]);
        let query = QueryRequest { vector, k: Some(2), ..QueryRequest::default() };
        assert_eq!(reader.query(id, &query).await.unwrap().hits.len(), 2);
    }
    reader.settle(id, false).await.unwrap();
}

pub(crate) fn coins(amount: u128) -> Vec<Coin> {
    vec![Coin { denom: "uprag".parse().unwrap(), amount: amount.try_into().unwrap() }]
}
