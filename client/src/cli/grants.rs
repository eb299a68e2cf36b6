//! `prag grant`, `grants`, `revoke`.
//!
//! Layer: client, below `cli`.
//! Holds: who may read or write a collection.
//! Never: a grant without an end.
//! Invariant: the end is given in one of the forms that the help names, or nothing is granted.

use super::Done;
use super::args;
use super::screen::{Screen, instant, table};
use super::search::filter;
use crate::error::ClientError;
use crate::sdk::Client;
use prag_protocol::wire::grants::{Grant, GrantFlag, PutGrant};
use serde_json::json;

pub(super) async fn grant(client: &Client, screen: Screen, options: &args::Grant) -> Done {
    let expires = end(&options.expires, client.channel().now())?;
    let scope = filter(options.scope.as_deref())?;
    let id = client.resolve(&options.collection).await?;
    let grant = PutGrant {
        grantee: options.grantee.clone(),
        read: !options.no_read,
        write: options.write,
        max_k: options.max_k,
        quota: options.quota,
        expires,
        scope,
        scope_salt: None,
        delegate: options.delegate,
    };
    let reply = client.put_grant(id, &grant).await?;
    let value = json!({ "collection": id, "grantee": grant.grantee, "expires": expires, "height": reply.height });
    screen.show(&value, || {
        format!(
            "granted {} on {id} until {} (ledger height {})",
            grant.grantee,
            instant(expires),
            reply.height
        )
    });
    Ok(true)
}

pub(super) async fn list(client: &Client, screen: Screen, which: &args::One) -> Done {
    let id = client.resolve(&which.collection).await?;
    let grants = client.grants(id).await?;
    screen.show(&grants, || {
        let rows: Vec<Vec<String>> = grants.iter().map(row).collect();
        table(&["GRANTEE", "RIGHTS", "MAX K", "USED", "EXPIRES", ""], &rows)
    });
    Ok(true)
}

/// The grants of every collection of this identity.
pub(super) async fn all(client: &Client, screen: Screen) -> Done {
    let own = client.identity().address().clone();
    let mut all = Vec::new();
    for collection in client.collections().await?.into_iter().filter(|one| one.owner == own) {
        all.push((collection.id, collection.name, client.grants(collection.id).await?));
    }
    let value: Vec<_> = all
        .iter()
        .map(|(id, name, grants)| json!({ "collection": id, "name": name, "grants": grants }))
        .collect();
    screen.show(&value, || {
        let rows = all.iter().flat_map(|(_, name, grants)| {
            let named = |grant: &Grant| {
                let mut row = vec![name.clone()];
                row.extend(self::row(grant));
                row
            };
            grants.iter().map(named).collect::<Vec<_>>()
        });
        let rows: Vec<Vec<String>> = rows.collect();
        if rows.is_empty() {
            return "nothing is granted".to_owned();
        }
        table(&["COLLECTION", "GRANTEE", "RIGHTS", "MAX K", "USED", "EXPIRES", ""], &rows)
    });
    Ok(true)
}

pub(super) async fn revoke(client: &Client, screen: Screen, options: &args::Revoke) -> Done {
    let id = client.resolve(&options.collection).await?;
    let reply = client.revoke_grant(id, options.grantee.clone()).await?;
    let value = json!({ "collection": id, "revoked": options.grantee, "height": reply.height });
    screen.show(&value, || {
        format!("revoked the grant of {} (ledger height {})", options.grantee, reply.height)
    });
    Ok(true)
}

fn row(one: &Grant) -> Vec<String> {
    let grant = &one.grant;
    let rights = [("read", grant.read), ("write", grant.write)];
    let rights: Vec<_> = rights.iter().filter(|(_, on)| *on).map(|(name, _)| *name).collect();
    let quota = grant.quota.map_or("∞".to_owned(), |quota| quota.to_string());
    vec![
        grant.grantee.to_string(),
        rights.join("+"),
        grant.max_k.to_string(),
        format!("{}/{quota}", one.used),
        instant(grant.expires),
        remarks(one),
    ]
}

/// What there is to say about a grant: revoked, and what the worker has noticed.
fn remarks(grant: &Grant) -> String {
    let flag = |flag: &GrantFlag| match flag {
        GrantFlag::Dump => "dump?",
        GrantFlag::Probing => "probing?",
        _ => "?",
    };
    let revoked = grant.revoked.then_some("revoked").or(grant.void.then_some("void"));
    let scope = match (&grant.grant.scope, grant.scope_unreadable) {
        (_, true) => Some("scope unreadable: grant again"),
        (Some(_), false) => Some("scoped"),
        (None, false) => None,
    };
    let by = grant.by.as_ref().map(|by| format!("by {by}"));
    let bought = grant.bought.then(|| "bought".to_owned());
    let gives = grant.grant.delegate;
    let gives = (gives > 0).then(|| format!("gives {}/{gives}", grant.given));
    let said = revoked.into_iter().chain(scope).chain(grant.flags.iter().map(flag));
    let remarks: Vec<_> = said.map(str::to_owned).chain(by).chain(bought).chain(gives).collect();
    remarks.join(" ")
}

/// `30d`, `12h`, `10m` from `now` on, or unix seconds.
fn end(text: &str, now: u64) -> Result<u64, ClientError> {
    let moment = || text.parse().ok();
    let end = span(text).and_then(|span| now.checked_add(span)).or_else(moment);
    end.ok_or_else(|| {
        ClientError::Usage("--expires takes 30d, 12h, 10m or unix seconds".to_owned())
    })
}

/// `30d`, `12h`, `10m` in seconds.
pub(super) fn span(text: &str) -> Option<u64> {
    let (digits, unit) = match text.char_indices().next_back()? {
        (at, 'd') => (&text[..at], 24 * 60 * 60),
        (at, 'h') => (&text[..at], 60 * 60),
        (at, 'm') => (&text[..at], 60),
        _ => return None,
    };
    digits.parse::<u64>().ok()?.checked_mul(unit)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::panic)]
    use super::*;

    /// An end is a span from now or a moment, and nothing else.
    #[test]
    fn ends() {
        assert_eq!(end("2d", 10).unwrap(), 10 + 172_800);
        assert_eq!(end("3h", 10).unwrap(), 10 + 10_800);
        assert_eq!(end("5m", 10).unwrap(), 310);
        assert_eq!(end("1900000000", 10).unwrap(), 1_900_000_000);
        for bad in ["", "d", "-1d", "1w", "1.5h", "99999999999999999999d", "18446744073709551615d"]
        {
            assert!(end(bad, 10).is_err(), "{bad}");
        }
    }
}
