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
use crate::home::write_private;
use crate::trusted::{POLICY_BYTES_MAX, stored_policy};
use prag_trust::evidence::Policy;
use serde_json::json;
use std::io::Read;

pub(super) fn set(setting: &Setting, options: &PolicyFile) -> Done {
    let failed = |source| ClientError::File { what: "reading a policy", source };
    let file = std::fs::File::open(&options.file).map_err(failed)?;
    let mut bytes = Vec::new();
    file.take(POLICY_BYTES_MAX + 1).read_to_end(&mut bytes).map_err(failed)?;
    let policy = parse(&bytes)?;
    if let Some(old) = stored_policy(&setting.home)?
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

fn parse(bytes: &[u8]) -> Result<Policy, ClientError> {
    let size = bytes.len();
    if size as u64 > POLICY_BYTES_MAX {
        return Err(ClientError::TooLarge {
            what: "policy",
            size,
            limit: POLICY_BYTES_MAX as usize,
        });
    }
    serde_json::from_slice(bytes)
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
