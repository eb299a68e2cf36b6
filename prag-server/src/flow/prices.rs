//! Prices: what an owner asks for a grant, and what others are told of it.
//!
//! Layer: flow.
//! Holds: translation between REST bodies and ledger messages.
//! Never: money: whoever buys tells the ledger itself (`market`).
//! Invariant: whoever asks learns of a price that the ledger has, and of nothing else.

use super::{Asker, Worker, problems};
use prag_protocol::CollectionId;
use prag_protocol::ledger::{AccessMsg, AccessQuery, AccessReply, BoundError};
use prag_protocol::problem::{Code, Problem};
use prag_protocol::wire::grants::LedgerReply;
use prag_protocol::wire::prices::Price;

impl Worker {
    /// Say for how much a grant of the caller's collection is sold, or that none is.
    ///
    /// # Errors
    /// Names the field and the limit; the ledger is unchanged.
    pub async fn set_price(
        &self,
        caller: &Asker,
        id: CollectionId,
        Price { offer }: Price,
    ) -> Result<LedgerReply, Problem> {
        self.admit_admin(caller, id).await?;
        offer.as_ref().map_or(Ok(()), |offer| offer.check().map_err(bound))?;
        self.transition(caller, AccessMsg::SetPrice { collection: id, offer }).await
    }

    /// What a grant costs anybody.
    ///
    /// # Errors
    /// As of any question under a permit.
    pub async fn price(&self, caller: &Asker, id: CollectionId) -> Result<Price, Problem> {
        // Whether for administration or not: a permit that holds is all that is asked for.
        self.administers(caller).await?;
        let query = AccessQuery::Price { collection: id };
        match self.0.parts.ledger.query(query).await.map_err(problems::ledger)? {
            AccessReply::Price(offer) => Ok(Price { offer }),
            _ => Err(problems::another()),
        }
    }
}

fn bound(BoundError { field, min, max }: BoundError) -> Problem {
    let detail = format!("`offer.{field}` must be {min} to {max}");
    Problem::new(Code::InvalidField, detail).field(format!("offer.{field}")).limit(max)
}
