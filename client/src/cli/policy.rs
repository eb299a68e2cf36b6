//! `prag policy set|show`: which workers this machine trusts.
//!
//! Layer: client, below `cli`.
//! Holds: the policy file of a person, checked before it is stored.
//! Never: a policy that does not parse, or one of an older epoch in the place of a newer.
//! Invariant: what is shown is what every command uses.

use super::args::PolicyFile;
use super::screen::Screen;
use super::{Done, Setting};
use crate::error::ClientError;
use crate::home::{read_bounded, write_private};
use crate::trusted::{POLICY_BYTES_MAX, stored_policy};
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
