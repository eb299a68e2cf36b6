//! `prag price`, `prag buy`.
//!
//! Layer: client, below `cli`.
//! Holds: what an owner asks for a grant, and paying it.
//! Never: a purchase on terms that the ledger has not just shown.
//! Invariant: `price` shows all terms; `buy` names all of them to the ledger, and shows what was paid and for how long.

use super::args::{Buy, Price};
use super::grants::span;
use super::market::{denom, done};
use super::screen::{Screen, facts};
use super::{Done, money};
use crate::error::ClientError;
use crate::sdk::Client;
use prag_protocol::ledger::Offer;

pub(super) async fn price(client: &Client, screen: Screen, options: &Price) -> Done {
    let id = client.resolve(&options.collection).await?;
    let offer = match &options.amount {
        Some(amount) => {
            let coin = money::read(amount, &denom(client).await?)?;
            let wrong = || ClientError::Usage("--for takes 30d, 12h or 10m".to_owned());
            Some(Offer {
                amount: coin.amount,
                denom: coin.denom,
                seconds: span(&options.span).ok_or_else(wrong)?,
                max_k: options.max_k,
                quota: options.quota,
            })
        }
        None if options.none => None,
        None => return show(client.price(id).await?.as_ref(), screen),
    };
    let said = match &offer {
        Some(offer) => {
            format!("a grant of {id} costs {}", money::show(offer.amount.get(), &offer.denom))
        }
        None => format!("no grant of {id} is for sale"),
    };
    let height = client.set_price(id, offer).await?.height;
    done(screen, &said, height)
}

pub(super) async fn buy(client: &Client, screen: Screen, options: &Buy) -> Done {
    let id = client.resolve(&options.collection).await?;
    let offer = client.price(id).await?.ok_or_else(|| {
        ClientError::Usage(format!("no grant of {id} is for sale; its owner says `prag price`"))
    })?;
    let price = money::show(offer.amount.get(), &offer.denom);
    if let Some(most) = &options.at_most
        && money::read(most, &offer.denom)?.amount < offer.amount
    {
        return Err(ClientError::Usage(format!("it costs {price}, more than --at-most")));
    }
    let said = format!("paid {price} for {} of {id}", lasts(&offer));
    let height = client.buy(id, offer).await?.height;
    done(screen, &said, height)
}

fn show(offer: Option<&Offer>, screen: Screen) -> Done {
    screen.show(&offer, || match offer {
        None => "no grant is for sale".to_owned(),
        Some(offer) => {
            let quota = offer.quota.map_or("unlimited".to_owned(), |quota| quota.to_string());
            let rows = [
                ("price", money::show(offer.amount.get(), &offer.denom)),
                ("lasts", lasts(offer)),
                ("hits of a query", offer.max_k.to_string()),
                ("queries", quota),
            ];
            facts("A GRANT TO READ", rows)
        }
    });
    Ok(true)
}

fn lasts(offer: &Offer) -> String {
    let units = [(86_400, "d"), (3600, "h"), (60, "m")];
    let whole = units.into_iter().find(|(unit, _)| offer.seconds.is_multiple_of(*unit));
    let (unit, name) = whole.unwrap_or((1, "s"));
    format!("{}{name}", offer.seconds / unit)
}
