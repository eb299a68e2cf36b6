//! `prag place`.
//!
//! Layer: client, below `cli`.
//! Holds: a collection's way to another worker, which gets the keys from one that has them.
//! Never: a key share: the owner's word is what the other worker needs.
//! Invariant: the other worker's evidence verified before the ledger hears of it.

use super::args;
use super::collections::describe;
use super::{Done, Setting};
use crate::sdk::Client;
use crate::trusted::Trusted;
use prag_protocol::CollectionId;
use prag_protocol::wire::collections::CollectionState;
use std::sync::Arc;

pub(super) async fn place(setting: &Setting, mut trusted: Trusted, options: &args::Place) -> Done {
    trusted.follow(&setting.home)?;
    let trusted = Arc::new(trusted);
    let reach = async |url: &str| {
        let identity = setting.load_identity()?;
        let channel = setting.reach(url, Arc::clone(&trusted)).await?;
        Ok::<_, crate::ClientError>(Client::new(channel, identity, setting.shares()))
    };
    // An id needs no worker that knows the name: the one that holds the collection may be down.
    let id: CollectionId = match options.collection.parse() {
        Ok(id) => id,
        Err(_) => reach(&setting.url).await?.resolve_own(&options.collection).await?,
    };
    let placed = reach(&options.worker).await?.place(id).await?;
    setting.screen.show(&placed, || describe(setting.screen, &placed));
    Ok(placed.state == CollectionState::Ready)
}
