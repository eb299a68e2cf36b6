//! Prices: what a grant costs, and selling one.
//!
//! Layer: core, access.
//! Holds: the rule that whoever pays the price as it stands gets the grant, and the owner all of the money.
//! Never: a balance: what comes goes in the same transition. A refund, a discount, a sale to whom the owner has revoked.
//! Invariant: only a live collection has a price, and an owner who got it by transfer sets its own.

use super::delegates::after;
use super::{Event, Outcome, Step, keys};
use crate::kv::Staged;
use crate::{AccessError, Env, Funds, Kv, Payment, funds};
use prag_protocol::ledger::{BuyMsg, GRANT_SECONDS_MAX, GrantRecord, INTEGER_MAX, Offer, Source};
use prag_protocol::{Address, CollectionId};

/// A grant that was sold.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sold {
    /// What happened.
    pub event: Event,
    /// What the shell must pay now: all that came.
    pub payment: Payment,
}

/// Sells a grant to `sender`, whom the shell has authenticated; `funds` came along, and go back if this is refused.
///
/// # Errors
/// [`AccessError`] says why; `kv` is then as it was.
pub fn buy(
    kv: &mut dyn Kv,
    env: &Env,
    sender: &Address,
    funds: &[Funds],
    message: BuyMsg,
) -> Result<Sold, AccessError> {
    message.offer.check()?;
    let mut staged = Staged::over(kv);
    let sold = Step { kv: &mut staged, env, sender }.sell(funds, message)?;
    staged.keep();
    Ok(sold)
}

impl Step<'_> {
    pub(super) fn set_price(&mut self, collection: CollectionId, offer: Option<Offer>) -> Outcome {
        self.own(collection)?;
        let row = keys::offer(collection);
        if row.load(self.kv)? == offer {
            return Ok(None);
        }
        match offer {
            Some(offer) => row.save(self.kv, &offer)?,
            None => row.remove(self.kv),
        }
        Ok(Some(Event::PriceSet { collection }))
    }

    fn sell(&mut self, came: &[Funds], message: BuyMsg) -> Result<Sold, AccessError> {
        let BuyMsg { collection, offer: seen } = message;
        let offer = keys::offer(collection).load(self.kv)?.ok_or(AccessError::NotForSale)?;
        if offer != seen {
            return Err(AccessError::OtherTerms);
        }
        let owner = keys::collection(collection).load(self.kv)?;
        let owner = owner.ok_or(AccessError::Damaged("prices"))?.owner;
        if owner == *self.sender {
            return Err(AccessError::Owner);
        }
        if !funds::exactly(came, offer.denom.as_str(), offer.amount.get()) {
            return Err(AccessError::Price);
        }
        let before = keys::grant(collection, self.sender).load(self.kv)?;
        let record = self.sold(&offer, before.as_ref())?;
        if let Some(before) = &before {
            self.let_go(collection, before)?;
        }
        self.keep(collection, before.as_ref(), &record)?;
        let (denom, amount) = (offer.denom.to_string(), offer.amount.get());
        let event = Event::Bought { collection, grantee: self.sender.clone() };
        Ok(Sold { event, payment: Payment { to: owner, denom, amount } })
    }

    /// What the sender has then; `before`: what it has.
    fn sold(
        &self,
        offer: &Offer,
        before: Option<&GrantRecord>,
    ) -> Result<GrantRecord, AccessError> {
        if before.is_some_and(|before| before.revoked && before.source == Source::Owner) {
            return Err(AccessError::Revoked);
        }
        let (given, term) = before.map_or(Ok((0, 0)), |before| after(before, 0))?;
        let running = before.filter(|before| before.holds(self.env.time));
        let (from, used, quota) = match running {
            None => (self.env.time, 0, offer.quota),
            Some(running) => {
                let alike = running.quota.is_some() == offer.quota.is_some()
                    && running.max_k == offer.max_k
                    && running.source == Source::Sale;
                if !alike {
                    return Err(AccessError::Holds);
                }
                (running.expires, running.used, more(running.quota, offer.quota)?)
            }
        };
        let expires = from.checked_add(offer.seconds).ok_or(TOO_LONG)?;
        self.ahead("seconds", expires, GRANT_SECONDS_MAX)?;
        Ok(GrantRecord {
            grantee: self.sender.clone(),
            can_write: false,
            can_read: true,
            max_k: offer.max_k,
            quota,
            used,
            expires,
            scope: None,
            revoked: false,
            source: Source::Sale,
            delegate: 0,
            given,
            term,
        })
    }
}

fn more(left: Option<u64>, bought: Option<u64>) -> Result<Option<u64>, AccessError> {
    let (Some(left), Some(bought)) = (left, bought) else { return Ok(None) };
    let sum = left.checked_add(bought).filter(|sum| *sum <= INTEGER_MAX);
    sum.map(Some).ok_or(AccessError::Exhausted("the quota"))
}

const TOO_LONG: AccessError = AccessError::Time { field: "seconds", max: GRANT_SECONDS_MAX };
