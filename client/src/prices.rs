//! Prices: saying what a grant costs, and buying one.
//!
//! Layer: client, above `market`.
//! Holds: one typed method for each.
//! Never: a price that the buyer has not seen: the terms go along, and the ledger refuses others.
//! Invariant: exactly the price is sent.

use crate::error::ClientError;
use crate::identity::Purpose;
use crate::sdk::{Call, Client, collection_path};
use prag_protocol::CollectionId;
use prag_protocol::ledger::bank::Coin;
use prag_protocol::ledger::market::{AccessPaid, MarketMsg};
use prag_protocol::ledger::{AccessMsg, BuyMsg, Offer};
use prag_protocol::wire::grants::LedgerReply;
use prag_protocol::wire::prices::Price;

impl Client {
    /// Says for how much anybody may buy a grant to read a collection of this identity; `None`: nobody may.
    ///
    /// # Errors
    /// [`ClientError`].
    pub async fn set_price(
        &self,
        id: CollectionId,
        offer: Option<Offer>,
    ) -> Result<LedgerReply, ClientError> {
        let path = collection_path(id, "/price");
        let message = AccessMsg::SetPrice { collection: id, offer: offer.clone() };
        let call = Call::json(Purpose::Admin, "PUT", path, &Price { offer })?;
        self.ledger_ask(&call, message).await
    }

    /// What a grant of a collection costs; `None` where none is for sale.
    ///
    /// # Errors
    /// [`ClientError`].
    pub async fn price(&self, id: CollectionId) -> Result<Option<Offer>, ClientError> {
        let path = collection_path(id, "/price");
        let price: Price = self.ask(&Call::bare(Purpose::Data, "GET", path)).await?;
        Ok(price.offer)
    }

    /// Buys a grant on these terms, or as much time and as many units more of one that was bought.
    ///
    /// # Errors
    /// [`ClientError::Problem`] with `ledger-refused`, also where the terms are others by now, `funds-short` or
    /// `no-market`: nothing was paid.
    pub async fn buy(&self, id: CollectionId, offer: Offer) -> Result<LedgerReply, ClientError> {
        let price = Coin { denom: offer.denom.clone(), amount: offer.amount };
        let buy = AccessPaid::Buy(BuyMsg { collection: id, offer });
        self.execute_market(MarketMsg::Access(buy), vec![price]).await
    }
}
