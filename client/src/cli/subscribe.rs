//! `prag subscribe`.
//!
//! Layer: client, below `cli`.
//! Holds: plans, and this identity's subscription.
//! Never: a price that was not shown by the ledger.
//! Invariant: exactly a plan's price is sent.

use super::args::{Offer, SubscribeCommand};
use super::market::{denom, done};
use super::screen::{Screen, facts, instant, table};
use super::{Done, money};
use crate::error::ClientError;
use crate::sdk::Client;
use prag_protocol::ledger::LEDGER_PAGE_ROWS_MAX;
use prag_protocol::ledger::bank::Coin;
use prag_protocol::ledger::market::{MarketMsg, MarketQuery, OfRequest};
use prag_protocol::ledger::subscription::{
    PlanPage, PlanRecord, Subscription, SubscriptionMsg, SubscriptionQuery,
};

pub(super) async fn run(client: &Client, screen: Screen, command: SubscribeCommand) -> Done {
    match command {
        SubscribeCommand::Plans => plans(client, screen).await,
        SubscribeCommand::To(which) => {
            let message = SubscriptionMsg::Subscribe { plan: which.plan };
            buy(client, screen, which.plan, message).await
        }
        SubscribeCommand::Renew => {
            let running = subscription(client).await?.and_then(|own| own.running);
            let running = running.ok_or_else(|| none("renew"))?;
            buy(client, screen, running.plan, SubscriptionMsg::Renew {}).await
        }
        SubscribeCommand::Status => status(client, screen).await,
        SubscribeCommand::Cancel => {
            let own = subscription(client).await?.ok_or_else(|| none("cancel"))?;
            let denom = denom(client).await?;
            let said = format!("cancelled; refunded {}", money::show(own.refund, &denom));
            done(screen, &said, send(client, SubscriptionMsg::Cancel {}, Vec::new()).await?)
        }
        SubscribeCommand::Offer(offer) => make(client, screen, offer).await,
    }
}

async fn plans(client: &Client, screen: Screen) -> Done {
    let mut page = PlanPage { total: 0, plans: Vec::new() };
    while page.plans.len() < PLANS_SHOWN_MAX {
        let offset = u32::try_from(page.plans.len()).unwrap_or(u32::MAX);
        let query = SubscriptionQuery::Plans { offset, limit: LEDGER_PAGE_ROWS_MAX };
        let more: PlanPage = client.query_market(&MarketQuery::Subscription(query)).await?;
        let last = more.plans.len() < LEDGER_PAGE_ROWS_MAX as usize;
        page.total = more.total;
        page.plans.extend(more.plans);
        if last {
            break;
        }
    }
    screen.show(&page, || {
        if page.plans.is_empty() {
            return "no plan is offered; the market's operator offers one with `prag subscribe offer`"
                .to_owned();
        }
        let row = |plan: &PlanRecord| {
            vec![
                plan.id.to_string(),
                money::show(plan.price.get(), &plan.denom),
                days(plan.period_seconds),
                plan.units.to_string(),
                plan.api_keys.to_string(),
                if plan.active { String::new() } else { "retired".to_owned() },
            ]
        };
        let rows: Vec<Vec<String>> = page.plans.iter().map(row).collect();
        table(&["PLAN", "PRICE", "PERIOD", "UNITS", "API KEYS", ""], &rows)
    });
    Ok(true)
}

async fn buy(client: &Client, screen: Screen, plan: u32, message: SubscriptionMsg) -> Done {
    let query = SubscriptionQuery::Plan { plan };
    let found: Option<PlanRecord> = client.query_market(&MarketQuery::Subscription(query)).await?;
    let found = found.ok_or_else(|| {
        ClientError::Usage(format!("there is no plan {plan}; see `prag subscribe plans`"))
    })?;
    let price = Coin { denom: found.denom.clone(), amount: found.price };
    let said = format!("paid {} for plan {plan}", money::show(found.price.get(), &found.denom));
    done(screen, &said, send(client, message, vec![price]).await?)
}

async fn status(client: &Client, screen: Screen) -> Done {
    let (own, denom) = (subscription(client).await?, denom(client).await?);
    screen.show(&own, || match &own {
        None => "no subscription; see `prag subscribe plans`".to_owned(),
        Some(own) => {
            let plan = own.running.as_ref().map_or("none".to_owned(), |run| run.plan.to_string());
            let until =
                own.terms.as_ref().map_or("-".to_owned(), |terms| instant(terms.live_until));
            let rows = [
                ("active", own.active.to_string()),
                ("plan", plan),
                ("served until", until),
                ("API keys", own.api_keys.to_string()),
                ("cancelling refunds", money::show(own.refund, &denom)),
            ];
            facts("SUBSCRIPTION", rows)
        }
    });
    Ok(true)
}

async fn make(client: &Client, screen: Screen, offer: Offer) -> Done {
    let coin = money::read(&offer.price, &denom(client).await?)?;
    let said = format!("plan {} is offered", offer.plan);
    let message = SubscriptionMsg::MakePlan {
        id: offer.plan,
        price: coin.amount,
        denom: coin.denom,
        period_seconds: u64::from(offer.days) * DAY,
        grace_seconds: u64::from(offer.grace_days) * DAY,
        refund_fee_bp: offer.refund_fee_bp,
        api_keys: offer.api_keys,
        units: offer.units,
    };
    done(screen, &said, send(client, message, Vec::new()).await?)
}

async fn subscription(client: &Client) -> Result<Option<Subscription>, ClientError> {
    let subscriber = client.identity().address().clone();
    let query = SubscriptionQuery::SubscriptionWithPermit { subscriber, permit: OfRequest {} };
    client.query_market(&MarketQuery::Subscription(query)).await
}

async fn send(
    client: &Client,
    message: SubscriptionMsg,
    funds: Vec<Coin>,
) -> Result<u64, ClientError> {
    Ok(client.execute_market(MarketMsg::Subscription(message), funds).await?.height)
}

fn none(what: &str) -> ClientError {
    ClientError::Usage(format!("there is nothing to {what}; see `prag subscribe plans`"))
}

fn days(seconds: u64) -> String {
    match (seconds / DAY, seconds % DAY) {
        (days, 0) => format!("{days} days"),
        _ => format!("{seconds} s"),
    }
}

const DAY: u64 = 86_400;
/// Plans of one listing.
const PLANS_SHOWN_MAX: usize = 10_000;
