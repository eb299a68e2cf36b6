//! `prag unlock`.
//!
//! Layer: client, below `cli`.
//! Holds: what a steward sees of a worker that it opens.
//! Never: the root.
//! Invariant: a root that was made now is announced, since losing it loses what the worker seals under it.

use super::screen::{Screen, clean};
use super::{Done, Setting, args};
use crate::attest::pin_name;
use crate::channel::{Channel, split_url};
use crate::remembered::Remembered;
use crate::sdk::Client;
use crate::system::{OsEntropy, SystemClock};
use crate::trusted::Trusted;
use prag_trust::evidence::BindingPurpose;
use serde_json::json;

pub(super) async fn unlock(
    setting: &Setting,
    mut trusted: Trusted,
    options: &args::Unlock,
) -> Done {
    let identity = setting.load_identity()?;
    trusted.follow(&setting.home)?;
    let remembered = Remembered::new(&setting.home);
    let (clock, entropy) = (Box::new(SystemClock::default()), Box::new(OsEntropy));
    let purpose = BindingPurpose::Unlock;
    if options.accept {
        let (base, _) = split_url(&setting.url)?;
        remembered.forget_pin(&pin_name(purpose, &base));
    }
    let channel =
        Channel::connect_for(purpose, &setting.url, trusted, remembered, clock, entropy).await?;
    let client = Client::new(channel, identity, setting.shares());
    let opened = client.unlock().await?;
    show(setting.screen, &opened);
    Ok(true)
}

fn show(screen: Screen, opened: &crate::steward::Opened) {
    let (directory, ledger) = (opened.directory, &opened.ledger_id);
    let value = json!({ "unlocked": directory, "new_root": opened.first, "ledger_id": ledger });
    screen.show(&value, || format!("unlocked {directory}; it obeys ledger {}", clean(ledger)));
    if opened.first {
        let file = format!("shares/root-{directory}");
        screen.note(&format!(
            "its sealing root was made now and is kept on this machine ({file}): back it up; without it the worker's state \
             is lost"
        ));
    }
}
