//! `prag attest` and `prag doctor`.
//!
//! Layer: client, below `cli`.
//! Holds: what a worker proved, and what is wrong with this machine, the worker or a collection.
//! Never: a claim that the evidence does not carry.
//! Invariant: a check that cannot be made is shown as failed, not left out.

use super::args;
use super::collections::keys;
use super::screen::{Screen, clean};
use super::{Done, Setting};
use crate::attest::{Session, Tls};
use crate::channel::split_url;
use crate::error::ClientError;
use crate::remembered::Remembered;
use crate::sdk::Client;
use crate::trusted::Trusted;
use prag_protocol::problem::{Code, Problem};
use prag_protocol::wire::attestation::{LedgerStanding, MemoryStanding};
use prag_protocol::wire::collections::CollectionState;
use serde::Serialize;
use serde_json::json;

pub(super) async fn attest(mut setting: Setting, trusted: Trusted, options: &args::Attest) -> Done {
    if let Some(url) = &options.worker {
        setting.url = url.clone();
    }
    if options.accept {
        let (base, _) = split_url(&setting.url)?;
        Remembered::new(&setting.home).forget_pin(&base);
    }
    let channel = setting.channel(trusted).await?;
    let session = channel.session().await?;
    show_attested(setting.screen, channel.url(), &session);
    Ok(true)
}

fn show_attested(screen: Screen, url: &str, session: &Session) {
    let shown = session.attestation();
    let worker = session.worker();
    let measurement = hex::encode(worker.measurement);
    let kind = worker.kind;
    let tls = match session.tls() {
        Tls::None => "none",
        Tls::InTee => "ends in the TEE",
        Tls::Proxy => "ends at a proxy",
    };
    let value = json!({
        "url": url,
        "verified": true,
        "simulated": kind == "sim",
        "kind": kind,
        "measurement": measurement,
        "worker_key": shown.worker_key,
        "ledger_id": shown.ledger_id,
        "config_digest": shown.config_digest,
        "policy_epoch": shown.policy_epoch,
        "chain_id": shown.chain_id,
        "contract": shown.contract,
        "keys_not_after": session.not_after(),
        "tls": tls,
    });
    screen.show(&value, || {
        format!(
            "{}\nworker         {url}\nevidence       {}\nmeasurement    {measurement}\nworker key     {}\nledger         {} ({})\nconfiguration  {}\nTLS            {tls}\nkeys until     {}",
            screen.bold("verified"),
            kind,
            clean(&shown.worker_key),
            clean(&shown.ledger_id),
            clean(&shown.chain_id),
            clean(&shown.config_digest),
            session.not_after(),
        )
    });
}

#[derive(Serialize)]
struct Check {
    check: String,
    ok: bool,
    detail: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    next: Option<String>,
}

#[derive(Default)]
struct Checks(Vec<Check>);

impl Checks {
    fn push(&mut self, check: &str, result: Result<String, ClientError>) -> bool {
        let (ok, detail, next) = match result {
            Ok(detail) => (true, detail, None),
            Err(error) => (false, error.to_string(), error.next()),
        };
        self.0.push(Check { check: check.to_owned(), ok, detail, next });
        ok
    }
}

pub(super) async fn doctor(setting: Setting, trusted: Trusted) -> Done {
    let mut checks = Checks::default();
    let identity = setting.load_identity();
    let address = identity.as_ref().map(|one| one.address().to_string());
    if let Ok(address) = address {
        checks.push("identity", Ok(address));
    }
    let channel = setting.channel(trusted).await;
    match (identity, channel) {
        (Ok(identity), Ok(channel)) => {
            let client = Client::new(channel, identity, setting.shares());
            worker(&client, &mut checks).await;
            collections(&client, &mut checks).await;
        }
        (identity, channel) => {
            if let Err(error) = identity {
                checks.push("identity", Err(error));
            }
            checks.push("worker", channel.map(|channel| format!("{} verified", channel.url())));
        }
    }
    let well = checks.0.iter().all(|check| check.ok);
    setting.screen.show(&checks.0, || {
        let line = |check: &Check| {
            let mark = if check.ok { "ok    " } else { "failed" };
            let mut line = format!("{mark}  {}: {}", clean(&check.check), clean(&check.detail));
            if let Some(next) = &check.next {
                line.push_str(&format!("\n        next: {next}"));
            }
            line
        };
        checks.0.iter().map(line).collect::<Vec<_>>().join("\n")
    });
    Ok(well)
}

async fn worker(client: &Client, checks: &mut Checks) {
    let channel = client.channel();
    let session = match channel.session().await {
        Ok(session) => session,
        Err(error) => {
            checks.push("worker", Err(error));
            return;
        }
    };
    checks.push("worker", Ok(format!("{} verified", channel.url())));
    let skew = channel.now().abs_diff(session.attestation().time);
    let clock = if skew <= prag_protocol::limits::CLOCK_SKEW_SECONDS_MAX / 2 {
        Ok(format!("{skew} s from the worker's"))
    } else {
        let text = format!("this machine's clock is {skew} s from the worker's: set it");
        Err(ClientError::Usage(text))
    };
    checks.push("clock", clock);
    if let Some(standing) = &session.attestation().ledger {
        checks.push("ledger", ledger(standing));
    }
    if let Some(standing) = &session.attestation().memory {
        checks.push("memory", memory(standing));
    }
    let models = client.models().await;
    checks.push("models", models.map(|models| format!("{} served", models.data.len())));
}

/// How far the worker has followed its ledger, as it says.
fn ledger(standing: &LedgerStanding) -> Result<String, ClientError> {
    let LedgerStanding { kind, height, age_s, problem } = standing;
    if let Some(problem) = problem {
        return Err(Problem::new(Code::LedgerUnavailable, problem.clone()).into());
    }
    let height = height.map_or_else(String::new, |height| format!(", height {height}"));
    let age = age_s.map_or_else(String::new, |age| format!(", {age} s old"));
    Ok(format!("{kind}{height}{age}"))
}

/// How much of its limit the worker uses, as it says.
fn memory(standing: &MemoryStanding) -> Result<String, ClientError> {
    let MemoryStanding { used_mib, write_limit_mib, limit_mib } = standing;
    let text =
        format!("{used_mib} of {limit_mib} MiB in use, writes are taken up to {write_limit_mib}");
    if used_mib < write_limit_mib {
        return Ok(text);
    }
    Err(Problem::new(Code::MemoryLimit, text).into())
}

async fn collections(client: &Client, checks: &mut Checks) {
    let found = match client.collections().await {
        Ok(found) => found,
        Err(error) => {
            checks.push("collections", Err(error));
            return;
        }
    };
    checks.push("collections", Ok(format!("{} visible", found.len())));
    for one in found {
        let name = format!(
            "collection {}",
            if one.name.is_empty() { one.id.to_string() } else { one.name.clone() }
        );
        if one.owner == *client.identity().address() && !client.shares().has(one.id, one.epoch) {
            checks.push(&name, Err(ClientError::NoShare(one.id)));
        }
        let state = match one.state {
            CollectionState::Ready => client
                .remember_history(one.id)
                .await
                .map(|()| format!("ready, {} documents, keys {}", one.documents, keys(&one))),
            CollectionState::Locked => Err(ClientError::Usage(format!(
                "locked, keys {}: run `prag release` to give the worker its key, or `prag place` where a peer or the \
                 ledger has it",
                keys(&one)
            ))),
            CollectionState::Quarantined => {
                Err(ClientError::Usage("quarantined: a stored byte failed its check".to_owned()))
            }
        };
        checks.push(&name, state);
    }
}
