//! `prag policy`: which workers this machine trusts, and which images a collection allows.
//!
//! Layer: client, below `cli`.
//! Holds: the policy file of a person, checked before it is stored; a collection's two lists on the ledger.
//! Never: a policy that does not parse, or one of an older epoch in the place of a newer.
//! Invariant: what is shown is what every command uses.

use super::args::{CollectionPolicy, PolicyFile};
use super::screen::Screen;
use super::{Done, Setting};
use crate::error::ClientError;
use crate::home::{read_bounded, write_private};
use crate::sdk::Client;
use crate::trusted::{POLICY_BYTES_MAX, stored_policy};
use prag_protocol::wire::policy::{CollectionPolicy as Listed, SetPolicy};
use prag_trust::evidence::Policy;
use serde_json::json;
use std::path::Path;

pub(super) fn set(setting: &Setting, options: &PolicyFile) -> Done {
    let policy = read(&options.file)?;
    // One that does not parse trusts nobody; this is how to be rid of it.
    if let Ok(Some(old)) = stored_policy(&setting.home)
        && old.epoch > policy.epoch
    {
        let (old, new) = (old.epoch, policy.epoch);
        return Err(ClientError::Usage(format!(
            "the stored policy has epoch {old}, this one {new}: give it a higher `epoch`"
        )));
    }
    let bytes = serde_json::to_vec_pretty(&policy)
        .map_err(|_| ClientError::Usage("this policy cannot be stored".to_owned()))?;
    write_private(&setting.home.policy(), &bytes)?;
    print(setting.screen, &policy);
    Ok(true)
}

pub(super) fn show(setting: &Setting) -> Done {
    let policy = stored_policy(&setting.home)?.ok_or_else(|| {
        ClientError::Usage("no policy is stored: `prag policy set FILE`".to_owned())
    })?;
    print(setting.screen, &policy);
    Ok(true)
}

/// Sets a collection's lists; what the command line leaves out stays as it is.
pub(super) async fn set_collection(
    client: &Client,
    screen: Screen,
    options: &CollectionPolicy,
) -> Done {
    let id = client.resolve(&options.collection).await?;
    let before = client.policy(id).await?;
    let policy = wanted(options, before, &client.channel().trusted().policy)?;
    client.set_policy(id, &policy).await?;
    let worker = client.channel().session().await?.worker().measurement;
    if !policy.workers.contains(&worker) {
        screen.note(&format!(
            "this worker's image {} is not listed: it has wiped the keys, and serves the collection no more",
            hex::encode(worker)
        ));
    }
    print_collection(screen, &client.policy(id).await?);
    Ok(true)
}

/// The lists as they shall be. A first policy lets those workers serve that this machine trusts.
fn wanted(
    options: &CollectionPolicy,
    before: Listed,
    trusted: &Policy,
) -> Result<SetPolicy, ClientError> {
    let workers = match &options.from_policy {
        Some(file) => read(file)?.measurements,
        None if !options.worker.is_empty() => options.worker.clone(),
        None if before.epoch == 0 => trusted.measurements.clone(),
        None => before.workers,
    };
    let readers = match options.any_reader {
        true => Vec::new(),
        false if options.reader.is_empty() => before.readers,
        false => options.reader.clone(),
    };
    Ok(SetPolicy { workers, readers })
}

pub(super) async fn show_collection(client: &Client, screen: Screen, collection: &str) -> Done {
    let id = client.resolve(collection).await?;
    print_collection(screen, &client.policy(id).await?);
    Ok(true)
}

fn print_collection(screen: Screen, policy: &Listed) {
    screen.show(policy, || {
        let list = |images: &[[u8; 32]], none: &str| match images {
            [] => format!("  {none}"),
            _ => images
                .iter()
                .map(|image| format!("  {}", hex::encode(image)))
                .collect::<Vec<_>>()
                .join("\n"),
        };
        if policy.epoch == 0 {
            return "no policy: any placed worker serves, and grantees need not attest".to_owned();
        }
        let workers = list(&policy.workers, "none: the collection is locked everywhere");
        let readers = list(&policy.readers, "any: grantees need not attest");
        let (serve, may_read) = (screen.bold("may serve"), screen.bold("may read"));
        format!("{serve} (policy epoch {})\n{workers}\n{may_read}\n{readers}", policy.epoch)
    });
}

/// A policy out of a file.
pub(super) fn read(path: &Path) -> Result<Policy, ClientError> {
    let bytes = read_bounded(path, "policy", POLICY_BYTES_MAX)?;
    serde_json::from_slice(&bytes)
        .map_err(|error| ClientError::Usage(format!("the policy does not parse: {error}")))
}

fn print(screen: Screen, policy: &Policy) {
    let digest = hex::encode(policy.digest());
    let value = json!({ "digest": digest, "policy": policy });
    screen.show(&value, || {
        let text = serde_json::to_string_pretty(policy).unwrap_or_default();
        format!("{} {digest}\n{text}", screen.bold("policy"))
    });
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::panic)]
    use super::*;

    fn options() -> CollectionPolicy {
        CollectionPolicy {
            collection: "notes".to_owned(),
            worker: vec![],
            from_policy: None,
            reader: vec![],
            any_reader: false,
        }
    }

    fn listed(epoch: u64) -> Listed {
        Listed { epoch, workers: vec![[1; 32]], readers: vec![[2; 32]] }
    }

    /// What is not named stays; the first time, workers are those that this machine trusts; a file counts whole.
    #[test]
    fn what_is_not_named_stays() {
        let trusted = Policy { measurements: vec![[3; 32]], ..Policy::default() };
        let lists = |options: &CollectionPolicy, before: Listed| {
            let SetPolicy { workers, readers } = wanted(options, before, &trusted).unwrap();
            (workers, readers)
        };
        let before = || listed(4);
        assert_eq!(lists(&options(), before()), (vec![[1; 32]], vec![[2; 32]]));
        let first = Listed { epoch: 0, workers: vec![], readers: vec![] };
        assert_eq!(lists(&options(), first), (vec![[3; 32]], vec![]));
        let named = CollectionPolicy { worker: vec![[5; 32]], reader: vec![[6; 32]], ..options() };
        assert_eq!(lists(&named, before()), (vec![[5; 32]], vec![[6; 32]]));
        let any = CollectionPolicy { any_reader: true, ..options() };
        assert_eq!(lists(&any, before()), (vec![[1; 32]], vec![]));

        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("policy.json");
        std::fs::write(&file, serde_json::to_vec(&trusted).unwrap()).unwrap();
        let from = CollectionPolicy { from_policy: Some(file.clone()), ..options() };
        assert_eq!(lists(&from, before()), (vec![[3; 32]], vec![[2; 32]]));
        std::fs::write(&file, "{").unwrap();
        assert!(wanted(&from, before(), &trusted).is_err());
    }
}
