//! `prag collection`, `release`, `confirm`, `models`.
//!
//! Layer: client, below `cli`.
//! Holds: what owners do with whole collections.
//! Never: a destruction that was not confirmed.
//! Invariant: a shown collection's history was checked against the one remembered here.

use super::Done;
use super::args;
use super::screen::{Screen, clean, instant, table};
use crate::error::ClientError;
use crate::owner::NewCollection;
use crate::sdk::Client;
use prag_protocol::wire::collections::{
    Collection, CollectionState, Precision, Residency, Search, VectorSource,
};
use serde_json::json;

pub(super) async fn create(client: &Client, screen: Screen, options: args::Create) -> Done {
    let vectors = match options.dimension {
        Some(dimension) => VectorSource::Supplied(dimension),
        None => VectorSource::Model(options.model.unwrap_or_default()),
    };
    let new = NewCollection {
        name: options.name,
        vectors,
        managed: options.managed,
        language: options.language,
        search: if options.oblivious { Search::Oblivious } else { Search::Standard },
        residency: match options.residency {
            args::Residency::Memory => Residency::Memory,
            args::Residency::Disk => Residency::Disk,
        },
        precision: match options.precision {
            args::Precision::F16 => Precision::F16,
            args::Precision::I8 => Precision::I8,
        },
    };
    let made = client.create(new).await?;
    screen.show(&made, || describe(screen, &made));
    screen.note(&format!("its key share is kept on this machine under {}: back it up", made.id));
    Ok(true)
}

pub(super) async fn list(client: &Client, screen: Screen) -> Done {
    let collections = client.collections().await?;
    screen.show(&collections, || {
        if collections.is_empty() {
            return "no collections; make one with `prag collection create NAME`".to_owned();
        }
        let rows: Vec<Vec<String>> = collections
            .iter()
            .map(|one| {
                vec![
                    clean(&one.name),
                    one.id.to_string(),
                    state(one.state).to_owned(),
                    one.documents.to_string(),
                    one.chunks.to_string(),
                    clean(one.profile.language()),
                    one.profile.search.name().to_owned(),
                ]
            })
            .collect();
        table(&["NAME", "ID", "STATE", "DOCUMENTS", "CHUNKS", "LANGUAGE", "SEARCH"], &rows)
    });
    Ok(true)
}

pub(super) async fn show(client: &Client, screen: Screen, which: &args::One) -> Done {
    let id = client.resolve(&which.collection).await?;
    let collection = client.collection(id).await?;
    let own = collection.owner == *client.identity().address();
    if own && collection.state == CollectionState::Ready {
        client.check_history(id).await?;
    }
    screen.show(&collection, || describe(screen, &collection));
    Ok(true)
}

pub(super) async fn destroy(client: &Client, screen: Screen, which: &args::Destroy) -> Done {
    if !which.yes {
        let text = "destroying a collection destroys its keys for good: add --yes to do it";
        return Err(ClientError::Usage(text.to_owned()));
    }
    let id = client.resolve(&which.collection).await?;
    let reply = client.destroy_collection(id).await?;
    let value = json!({ "destroyed": id, "height": reply.height });
    screen.show(&value, || format!("destroyed {id} and its keys"));
    Ok(true)
}

pub(super) async fn release(client: &Client, screen: Screen, which: &args::Maybe) -> Done {
    let locked = match &which.collection {
        Some(name) => {
            let id = client.resolve_own(name).await?;
            vec![client.own_collection(id).await?]
        }
        None => locked_here(client).await?,
    };
    let mut released = Vec::new();
    for collection in locked {
        released.push(client.release(collection.id, collection.epoch).await?);
    }
    let ids: Vec<_> = released.iter().map(|one| one.id).collect();
    screen.show(&json!({ "released": ids }), || {
        let lines: Vec<String> = released
            .iter()
            .map(|one| format!("released {} {}: {}", one.id, clean(&one.name), state(one.state)))
            .collect();
        if lines.is_empty() { "nothing is locked".to_owned() } else { lines.join("\n") }
    });
    Ok(true)
}

async fn locked_here(client: &Client) -> Result<Vec<Collection>, ClientError> {
    let mut collections = client.own_collections().await?;
    collections.retain(|one| {
        one.state == CollectionState::Locked
            && one.owner == *client.identity().address()
            && client.shares().has(one.id, one.epoch)
    });
    Ok(collections)
}

pub(super) async fn confirm(client: &Client, screen: Screen, head: &args::Confirm) -> Done {
    let (height, root) = match (head.height, &head.root) {
        (Some(height), Some(root)) => (height, root.clone()),
        _ => remembered_ledger(client).await?,
    };
    let reply = client.confirm_ledger(height, &root).await?;
    screen.show(&reply, || format!("the ledger stands at height {}", reply.height));
    Ok(true)
}

async fn remembered_ledger(client: &Client) -> Result<(u64, String), ClientError> {
    let session = client.channel().session().await?;
    let ledger = &session.attestation().ledger_id;
    let mark = client.channel().remembered().ledger(ledger)?;
    let head = mark.and_then(|mark| mark.head).ok_or_else(|| {
        ClientError::Usage("this machine remembers no head of the worker's ledger".to_owned())
    })?;
    Ok((head.height, head.root))
}

pub(super) async fn models(client: &Client, screen: Screen) -> Done {
    let models = client.models().await?;
    screen.show(&models, || {
        let rows: Vec<Vec<String>> = models
            .data
            .iter()
            .map(|one| vec![clean(&one.id), one.dimension.to_string(), one.max_tokens.to_string()])
            .collect();
        table(&["MODEL", "DIMENSION", "TOKENS"], &rows)
    });
    Ok(true)
}

pub(super) fn describe(screen: Screen, one: &Collection) -> String {
    format!(
        "{}  {}\nid         {}\nowner      {}\nepoch      {}{}\nkeys       {}\ndocuments  {}\nchunks     {} in {} segments and the tail\nmodel      {} ({} dimensions, {} pooling)\nlanguage   {} ({})\nsearch     {}, texts {}{}\nprofile    {}",
        screen.bold(&clean(&one.name)),
        state(one.state),
        one.id,
        one.owner,
        one.epoch,
        lease(one),
        keys(one),
        one.documents,
        one.chunks,
        one.segments,
        clean(&one.profile.model),
        one.profile.dimension,
        clean(&one.profile.pooling),
        clean(one.profile.language()),
        clean(&one.profile.analyzer),
        one.profile.search.name(),
        match one.profile.residency {
            Residency::Memory => "in memory",
            Residency::Disk => "on disk",
        },
        match one.profile.precision {
            Precision::F16 => "",
            Precision::I8 => ", 8 bits a component",
        },
        clean(&one.profile.digest),
    )
}

/// Where the worker's key came from, and which vaults gave none.
pub(super) fn keys(one: &Collection) -> String {
    let Some(report) = &one.keys else {
        return "not shown to grantees".to_owned();
    };
    let from = report.from.map_or("none".to_owned(), |kind| format!("from {}", kind.name()));
    let tried: Vec<String> = report
        .tried
        .iter()
        .map(|attempt| format!("{} {}", attempt.kind.name(), clean(&attempt.reason)))
        .collect();
    if tried.is_empty() { from } else { format!("{from} ({})", tried.join(", ")) }
}

/// How long the worker may hold the key; whoever is no owner is not told.
fn lease(one: &Collection) -> String {
    let until = one.lease_until.map(|until| format!(", held until {}", instant(until)));
    until.unwrap_or_default()
}

pub(super) fn state(state: CollectionState) -> &'static str {
    match state {
        CollectionState::Ready => "ready",
        CollectionState::Locked => "locked",
        CollectionState::Quarantined => "quarantined",
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    /// An owner reads where the key came from and what was tried; a grantee reads neither.
    #[test]
    fn keys_are_told_in_words() {
        let told = |report: serde_json::Value| {
            let mut shown = json!({
                "id": "07".repeat(16), "name": "notes", "owner": "secret1owner", "epoch": 1, "state": "ready",
                "documents": 0, "chunks": 0, "segments": 0,
                "profile": {
                    "model": "supplied", "model_files": ["", "", ""], "pooling": "supplied", "query_prefix": "",
                    "passage_prefix": "", "dimension": 2, "metric": "dot", "chunk_tokens": 0, "chunker": "c",
                    "analyzer": "a", "digest": ""
                }
            });
            if !report.is_null() {
                shown["keys"] = report;
            }
            keys(&serde_json::from_value(shown).unwrap())
        };
        let missing = json!({ "kind": "local", "reason": "missing" });
        let refused = json!({ "kind": "peer", "reason": "refused" });
        assert_eq!(told(json!({ "from": "local" })), "from local");
        assert_eq!(
            told(json!({ "from": "peer", "tried": [missing] })),
            "from peer (local missing)"
        );
        assert_eq!(
            told(json!({ "tried": [missing, refused] })),
            "none (local missing, peer refused)"
        );
        assert_eq!(told(serde_json::Value::Null), "not shown to grantees");
    }
}
