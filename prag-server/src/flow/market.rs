//! The contracts beside access, for callers: who may send what, and who is told what.
//!
//! Layer: flow.
//! Holds: the way from a verified caller to a contract's sender or caller, and the books that owners claim with.
//! Never: a rule of a contract's.
//! Invariant: what moves money, or is not public, takes a permit for administration that its owner has not revoked.

use super::{Worker, problems};
use prag_contracts_core::rewards::book::Book;
use prag_protocol::ledger::bank::BankMsg;
use prag_protocol::ledger::market::{
    AccessPaid, AskExecute, AskRoyalty, Contracts, MarketMsg, MarketQuery, MarketReply,
    RoyaltyShown,
};
use prag_protocol::ledger::rewards::{RewardsMsg, RewardsQuery, RewardsReply, RoyaltyClaim};
use prag_protocol::ledger::subscription::SubscriptionMsg;
use prag_protocol::ledger::workers::{WorkersMsg, WorkersQuery, WorkersReply};
use prag_protocol::ledger::{AccessQuery, AccessReply};
use prag_protocol::problem::{Code, Problem};
use prag_protocol::wire::grants::LedgerReply;
use prag_protocol::{Address, CollectionId};
use prag_trust::permit::Permission;
use prag_trust::request::Caller;
use prag_trust::verified::Verified;

impl Worker {
    /// The worker's account as its ledger writes it, in vouchers too.
    pub(super) fn ledger_account(&self) -> Address {
        let parts = &self.0.parts;
        parts.ledger.spelled(&parts.account)
    }

    /// Run a contract's message for the caller.
    ///
    /// # Errors
    /// `permission-missing`; `ledger-refused`, `funds-short`: nothing has changed; `no-market`;
    /// `authorization-required` with the transaction that the caller's wallet has to sign, where the ledger is a chain.
    pub async fn execute_market(
        &self,
        caller: &Verified<Caller>,
        AskExecute { message, funds, transaction }: AskExecute,
    ) -> Result<LedgerReply, Problem> {
        if !self.administers(caller).await? {
            return Err(Problem::new(Code::PermissionMissing, "the permit must carry prag_admin"));
        }
        self.named(&message).await?;
        let (ledger, sender) = (&self.0.parts.ledger, &caller.address);
        let word = match transaction {
            Some(signed) => serde_json::to_vec(&signed).map_err(|_| problems::another())?,
            None => {
                let terms = ledger.market_terms(sender, &message, &funds).await;
                if let Some(terms) = terms.map_err(problems::market)? {
                    let detail = "this worker's ledger takes transactions of their sender only: sign that in \
                         `transaction`, and send the request again with it";
                    let problem = Problem::new(Code::AuthorizationRequired, detail);
                    return Err(problem.transaction(terms));
                }
                caller.authorization.clone()
            }
        };
        let height = ledger.execute_market(sender, &word, message, &funds).await;
        Ok(LedgerReply { height: height.map_err(problems::market)? })
    }

    /// Answer a question to a contract.
    ///
    /// # Errors
    /// `ledger-refused` for what the caller may not know; `no-market`.
    pub async fn query_market(
        &self,
        caller: &Verified<Caller>,
        query: MarketQuery,
    ) -> Result<MarketReply, Problem> {
        let known = self.administers(caller).await?.then_some(&caller.address);
        let reply = self.0.parts.ledger.query_market(known, query).await;
        reply.map_err(problems::market)
    }

    /// The leaf that an owner's claim shows.
    ///
    /// # Errors
    /// `forbidden` for everybody else than the owner.
    pub async fn royalty(
        &self,
        caller: &Verified<Caller>,
        AskRoyalty { epoch, collection }: AskRoyalty,
    ) -> Result<RoyaltyShown, Problem> {
        let query = AccessQuery::Collection { collection };
        // A collection that was destroyed has earned what it has earned.
        let owner = match self.0.parts.ledger.query(query).await.map_err(problems::ledger)? {
            AccessReply::Collection(Some(record)) => record.owner == caller.address,
            _ => false,
        };
        if !owner || !self.administers(caller).await? {
            return Err(problems::forbidden());
        }
        let worker = self.clone();
        let work = move || worker.book_of(epoch);
        let _alone = self.0.books.lock().await;
        let book = tokio::task::spawn_blocking(work).await.map_err(problems::internal)??;
        let shown = book.and_then(|book| {
            let at = book.royalty_leaves().iter().position(|leaf| leaf.collection == collection)?;
            book.royalty(u64::try_from(at).ok()?)
        });
        let royalty = shown.map(|shown| RoyaltyClaim { worker: self.ledger_account(), shown });
        Ok(RoyaltyShown { royalty })
    }

    /// The book of an epoch's report, as it was sent. Blocks.
    pub(super) fn book_of(&self, epoch: u64) -> Result<Option<Book>, Problem> {
        let entries = self.0.parts.reports.entries(epoch).map_err(super::collections::vault)?;
        let damaged = |_| Problem::new(Code::Internal, "a kept book does not add up");
        entries.map(|entries| Book::new(entries).map_err(damaged)).transpose()
    }

    /// Whether the caller's permit is for administration. It may also have been revoked by name.
    pub(super) async fn administers(&self, caller: &Verified<Caller>) -> Result<bool, Problem> {
        // Which collection does not matter: permits are revoked for all at once.
        let view = self.view(caller, CollectionId([0; 16])).await?;
        if view.permit_revoked || caller.expires <= self.now() {
            return Err(Problem::new(Code::PermitExpired, "the permit was revoked or has expired"));
        }
        Ok(caller.permissions.allow(Permission::Admin))
    }

    /// Whoever a message names for the first time has to be an account, or one of the contracts.
    async fn named(&self, message: &MarketMsg) -> Result<(), Problem> {
        let Some((field, account)) = names(message) else { return Ok(()) };
        if self.0.parts.ledger.is_account(account) {
            return Ok(());
        }
        let known = match self.market(MarketQuery::Contracts {}).await? {
            MarketReply::Contracts(Contracts { workers, subscription, rewards }) => {
                [workers, subscription, rewards].contains(account)
            }
            _ => false,
        };
        let wrong = || Problem::new(Code::InvalidField, "not a valid address").field(field);
        if known { Ok(()) } else { Err(wrong()) }
    }

    /// What a contract answers to everybody.
    pub(super) async fn market(&self, query: MarketQuery) -> Result<MarketReply, Problem> {
        self.0.parts.ledger.query_market(None, query).await.map_err(problems::market)
    }

    pub(super) async fn rewards(&self, query: RewardsQuery) -> Result<RewardsReply, Problem> {
        match self.market(MarketQuery::Rewards(query)).await? {
            MarketReply::Rewards(reply) => Ok(*reply),
            _ => Err(problems::another()),
        }
    }

    pub(super) async fn registry(&self, query: WorkersQuery) -> Result<WorkersReply, Problem> {
        match self.market(MarketQuery::Workers(query)).await? {
            MarketReply::Workers(reply) => Ok(reply),
            _ => Err(problems::another()),
        }
    }
}

/// The account that a message names for the first time, and its field.
fn names(message: &MarketMsg) -> Option<(&'static str, &Address)> {
    match message {
        MarketMsg::Bank(BankMsg::Send { to, .. } | BankMsg::Mint { to, .. }) => Some(("to", to)),
        MarketMsg::Access(AccessPaid::Buy(_)) | MarketMsg::Bank(BankMsg::Faucet {}) => None,
        MarketMsg::Workers(message) => match message.as_ref() {
            WorkersMsg::RegisterWorker(registration) => {
                Some(("payment_wallet", &registration.payment_wallet))
            }
            WorkersMsg::SetWorkerWallet { payment_wallet, .. } => {
                Some(("payment_wallet", payment_wallet))
            }
            WorkersMsg::SetParties { parties } => Some(("treasury", &parties.treasury)),
            WorkersMsg::SetAdmin { admin } => Some(("admin", admin)),
            _ => None,
        },
        MarketMsg::Subscription(message) => match message {
            SubscriptionMsg::RegisterSubscriber { public_key } => Some(("public_key", public_key)),
            SubscriptionMsg::SetAdmin { public_address } => {
                Some(("public_address", public_address))
            }
            SubscriptionMsg::Withdraw { to, .. } => Some(("to", to)),
            _ => None,
        },
        MarketMsg::Rewards(message) => match message.as_ref() {
            RewardsMsg::SetAdmin { admin } => Some(("admin", admin)),
            RewardsMsg::SetConfig { config } => Some(("treasury", &config.treasury)),
            _ => None,
        },
    }
}
