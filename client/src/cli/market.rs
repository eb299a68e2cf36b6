//! `prag ledger status|workers|grants|rewards|claim|fund|send|mint|faucet|accept`.
//!
//! Layer: client, below `cli`.
//! Holds: what the ledger of the worker says, and what this identity does on it.
//! Never: an amount without its denomination.
//! Invariant: amounts are exact, in whole units.

use super::args::{Accept, Administered, LedgerCommand, OfEpoch};
use super::screen::{Screen, clean, facts, instant, table};
use super::{Done, money};
use crate::border;
use crate::error::ClientError;
use crate::sdk::Client;
use prag_protocol::ledger::LEDGER_PAGE_ROWS_MAX;
use prag_protocol::ledger::bank::BankMsg;
use prag_protocol::ledger::coin::Denom;
use prag_protocol::ledger::market::{MarketMsg, MarketQuery};
use prag_protocol::ledger::rewards::{EpochView, RewardsMsg, RewardsSettings};
use prag_protocol::ledger::subscription::SubscriptionMsg;
use prag_protocol::ledger::workers::{WorkerRecord, WorkersMsg, WorkersQuery, WorkersReply};
use prag_protocol::problem::Code;
use serde_json::json;

pub(super) async fn run(client: &Client, screen: Screen, command: LedgerCommand) -> Done {
    match command {
        LedgerCommand::Status => status(client, screen).await,
        LedgerCommand::Workers => workers(client, screen).await,
        LedgerCommand::Grants => super::grants::all(client, screen).await,
        LedgerCommand::Rewards(of) => rewards(client, screen, &of).await,
        LedgerCommand::Claim(of) => claim(client, screen, &of).await,
        LedgerCommand::Fund(sum) => {
            let denom = denom(client).await?;
            let coin = money::read(&sum.amount, &denom)?;
            let said = format!("paid {} into the pool", money::show(coin.amount.get(), &denom));
            let message = MarketMsg::Rewards(Box::new(RewardsMsg::Fund {}));
            let height = client.execute_market(message, vec![coin]).await?.height;
            done(screen, &said, height)
        }
        LedgerCommand::Send(to) => {
            let coin = money::read(&to.amount, &denom(client).await?)?;
            let said = format!("sent {} to {}", money::show(coin.amount.get(), &coin.denom), to.to);
            let height = client.bank(BankMsg::Send { to: to.to, coin }).await?.height;
            done(screen, &said, height)
        }
        LedgerCommand::Mint(to) => {
            let coin = money::read(&to.amount, &denom(client).await?)?;
            let said =
                format!("minted {} for {}", money::show(coin.amount.get(), &coin.denom), to.to);
            let height = client.bank(BankMsg::Mint { to: to.to, coin }).await?.height;
            done(screen, &said, height)
        }
        LedgerCommand::Faucet => {
            let height = client.bank(BankMsg::Faucet {}).await?.height;
            let denom = denom(client).await?;
            let has = client.balance(denom.clone()).await?;
            done(screen, &format!("you have {}", money::show(has, &denom)), height)
        }
        LedgerCommand::Accept(Accept { contract }) => {
            let (name, message) = match contract {
                Administered::Workers => {
                    ("workers", MarketMsg::Workers(Box::new(WorkersMsg::AcceptAdmin {})))
                }
                Administered::Subscription => {
                    ("subscription", MarketMsg::Subscription(SubscriptionMsg::AcceptAdmin {}))
                }
                Administered::Rewards => {
                    ("rewards", MarketMsg::Rewards(Box::new(RewardsMsg::AcceptAdmin {})))
                }
            };
            let height = client.execute_market(message, Vec::new()).await?.height;
            done(screen, &format!("you are the admin of {name}"), height)
        }
        LedgerCommand::Usage(_) => Err(ClientError::Usage("this command needs no worker".into())),
    }
}

/// One sentence, and the height at which it holds.
pub(super) fn done(screen: Screen, said: &str, height: u64) -> Done {
    screen.show(&json!({ "done": said, "height": height }), || {
        format!("{said} (ledger height {height})")
    });
    Ok(true)
}

/// The ledger's money.
pub(super) async fn denom(client: &Client) -> Result<Denom, ClientError> {
    Ok(client.rewards_config().await?.0.denom)
}

async fn status(client: &Client, screen: Screen) -> Done {
    let contracts = client.contracts().await?;
    let (settings, epoch) = client.rewards_config().await?;
    let pool = client.rewards_pool().await?;
    let has = client.balance(settings.denom.clone()).await?;
    let ends = end_of(&settings, epoch);
    let expected = client.channel().session().await?.expected();
    let account = border::spelled(&expected, client.identity().address());
    let value = json!({
        "account": account,
        "balance": has.to_string(),
        "denom": settings.denom,
        "epoch": epoch,
        "epoch_ends": ends,
        "pool": pool,
        "contracts": contracts,
    });
    screen.show(&value, || {
        let sum = |units: u128| money::show(units, &settings.denom);
        let rows = [
            ("account", account.to_string()),
            ("balance", sum(has)),
            (
                "epoch",
                format!("{epoch}, ends {} ({})", instant(ends), left(ends, client.channel().now())),
            ),
            ("pool, this epoch", sum(pool.open)),
            ("pool, unclaimed", sum(pool.unclaimed)),
            ("pool, carried", sum(pool.carry)),
            ("bonds and deposits", sum(pool.bonds.saturating_add(pool.deposits))),
            ("paid in, in all", sum(pool.paid_in)),
            ("paid out and fees", sum(pool.paid_out.saturating_add(pool.fees))),
        ];
        facts("LEDGER", rows)
    });
    Ok(true)
}

async fn workers(client: &Client, screen: Screen) -> Done {
    let mut all: Vec<WorkerRecord> = Vec::new();
    while all.len() < WORKERS_SHOWN_MAX {
        let query = WorkersQuery::GetWorkers {
            signature: None,
            subscriber_public_key: None,
            offset: u32::try_from(all.len()).unwrap_or(u32::MAX),
            limit: LEDGER_PAGE_ROWS_MAX,
        };
        let WorkersReply::Workers(page) = client.query_market(&MarketQuery::Workers(query)).await?
        else {
            return Err(ClientError::Reply("the ledger answered another question"));
        };
        let last = page.len() < LEDGER_PAGE_ROWS_MAX as usize;
        all.extend(page);
        if last {
            break;
        }
    }
    let (denom, now) = (denom(client).await?, client.channel().now());
    screen.show(&all, || {
        if all.is_empty() {
            return "no worker is registered".to_owned();
        }
        let row = |worker: &WorkerRecord| {
            let live = match worker.live_until > now {
                _ if worker.leaving.is_some() => "leaves",
                _ if worker.pending => "waits to be confirmed",
                true => "live",
                false => "silent",
            };
            vec![
                worker.worker.to_string(),
                clean(&worker.ip_address),
                clean(&worker.service),
                worker.capacity.to_string(),
                money::show(worker.stake, &denom),
                live.to_owned(),
            ]
        };
        let rows: Vec<Vec<String>> = all.iter().map(row).collect();
        let mut text = table(&["WORKER", "URL", "SERVICE", "CAPACITY", "STAKE", ""], &rows);
        if all.len() >= WORKERS_SHOWN_MAX {
            text.push_str("\nmore may be registered: these are the first");
        }
        text
    });
    Ok(true)
}

async fn rewards(client: &Client, screen: Screen, of: &OfEpoch) -> Done {
    let (settings, running) = client.rewards_config().await?;
    let epoch = of.epoch.unwrap_or_else(|| running.saturating_sub(1));
    let Some(EpochView { record, schedule }) = client.rewards_epoch(epoch).await? else {
        let value = json!({ "epoch": epoch, "record": null });
        screen.show(&value, || format!("nobody paid into epoch {epoch} or reported on it"));
        return Ok(true);
    };
    let value = json!({ "epoch": epoch, "record": record, "schedule": schedule });
    screen.show(&value, || {
        let sum = |units: u128| money::show(units, &settings.denom);
        let mut rows = vec![
            ("epoch", epoch.to_string()),
            ("paid in", sum(record.funded)),
            ("reports that count", record.standing.reports.to_string()),
            ("chunks read", record.standing.units.to_string()),
            ("reports until", instant(schedule.reports_until)),
            ("challenges until", instant(schedule.challenges_until)),
        ];
        match &record.split {
            None => rows.push(("closed", "not yet".to_owned())),
            Some(split) => rows.extend([
                ("closed", instant(split.closed)),
                ("fee", sum(split.fee)),
                ("for owners", sum(split.royalty)),
                ("for uptime", sum(split.uptime)),
                ("for work", sum(split.work)),
                ("not yet claimed", sum(split.unclaimed)),
            ]),
        }
        facts("REWARDS", rows)
    });
    Ok(true)
}

/// Every collection of this identity that the worker's report has: taken now, or taken before.
async fn claim(client: &Client, screen: Screen, of: &OfEpoch) -> Done {
    let (settings, running) = client.rewards_config().await?;
    let epoch = of.epoch.unwrap_or_else(|| running.saturating_sub(1));
    let before = client.balance(settings.denom.clone()).await?;
    let mut rows: Vec<(String, String)> = Vec::new();
    let own = client.identity().address().clone();
    for collection in client.collections().await?.into_iter().filter(|one| one.owner == own) {
        let said = match client.royalty(epoch, collection.id).await? {
            None => continue,
            Some(royalty) => match client.claim_royalty(epoch, royalty).await {
                Ok(reply) => format!("claimed at height {}", reply.height),
                Err(error) if error.code() == Some(Code::LedgerRefused) => error.to_string(),
                Err(error) => return Err(error),
            },
        };
        rows.push((collection.id.to_string(), said));
    }
    let earned = client.balance(settings.denom.clone()).await?.saturating_sub(before);
    let value = json!({ "epoch": epoch, "claimed": earned.to_string(), "denom": settings.denom,
        "collections": rows });
    screen.show(&value, || {
        if rows.is_empty() {
            return format!(
                "nothing was read of your collections in epoch {epoch}, or its books are gone"
            );
        }
        let cells: Vec<Vec<String>> =
            rows.iter().map(|(id, said)| vec![id.clone(), said.clone()]).collect();
        let sum = money::show(earned, &settings.denom);
        format!("{}\nclaimed {sum} for epoch {epoch}", table(&["COLLECTION", ""], &cells))
    });
    Ok(true)
}

/// The first second after an epoch.
fn end_of(settings: &RewardsSettings, epoch: u64) -> u64 {
    let epochs = epoch.saturating_add(1).saturating_mul(settings.epoch_seconds);
    settings.genesis.saturating_add(epochs)
}

fn left(until: u64, now: u64) -> String {
    let left = until.saturating_sub(now);
    let (count, unit) = match left {
        0..3_600 => (left.div_ceil(60), "minute"),
        3_600..172_800 => (left / 3_600, "hour"),
        _ => (left / 86_400, "day"),
    };
    format!("in {count} {unit}{}", if count == 1 { "" } else { "s" })
}

/// Workers of one listing: a ledger has as many as anybody pays for.
const WORKERS_SHOWN_MAX: usize = 10_000;
