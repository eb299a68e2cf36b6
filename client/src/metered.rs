//! Metered reads: asked once, billed once, countersigned only where the claim fits.
//!
//! Layer: client, above `sdk` and `usage`.
//! Holds: request ids, retries, the check of every voucher, and how a session settles what it owes.
//! Never: a countersignature for another worker than the verified one, or, unless accepted, for more than was
//! asked.
//! Invariant: where a worker says that it does not meter, nothing is written and nothing is countersigned.

use crate::attest::Session;
use crate::border;
use crate::error::ClientError;
use crate::identity::Purpose;
use crate::sdk::{Call, Client, collection_path};
use crate::usage::{self, Tab, Usage, Whose};
use prag_protocol::ledger::voucher::{Counters, OfferedVoucher, SignedVoucher, Voucher};
use prag_protocol::problem::Code;
use prag_protocol::wire::metering::{Counted, HandIn, Metered, Metering, Standing};
use prag_protocol::{CollectionId, RequestId};
use prag_trust::voucher::{countersign, verify_offer, verify_signed};
use serde::de::DeserializeOwned;
use std::collections::HashSet;
use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex, PoisonError};

/// Ids of requests that this process awaits.
#[derive(Default)]
pub(crate) struct Awaited(Mutex<HashSet<RequestId>>);

/// Takes its id out again, also where nobody waits for the reply any more.
struct Waiting<'a>(&'a Awaited, RequestId);

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        self.0.0.lock().unwrap_or_else(PoisonError::into_inner).remove(&self.1);
    }
}

impl Client {
    /// What this identity has countersigned on this machine, and what is pending.
    ///
    /// # Errors
    /// [`ClientError::SecretFile`] if what is remembered is damaged.
    pub fn usage(&self) -> Result<Vec<Usage>, ClientError> {
        let session = hex::encode(self.identity().session().public_key());
        usage::all(self.channel().remembered().home(), &session)
    }

    /// Countersigns what the worker claims, if it fits or else if `accept`, and hands it in. Returns what is known then;
    /// `None` where nothing is metered.
    ///
    /// # Errors
    /// [`ClientError::OverClaim`] for a claim that does not fit.
    pub async fn settle(
        &self,
        id: CollectionId,
        accept: bool,
    ) -> Result<Option<Usage>, ClientError> {
        let session = self.channel().session().await?;
        let Some(tab) = self.tab(&session, id) else { return Ok(None) };
        self.settle_tab(&tab, accept).await?;
        tab.read().map(Some)
    }

    /// Asks for content that a grantee may have to pay. `most`: what the reply costs at most. `call`: the request with what
    /// metering adds to it.
    pub(crate) async fn ask_metered<T: Counted + DeserializeOwned>(
        &self,
        id: CollectionId,
        most: Counters,
        call: impl Fn(Option<Metering>) -> Result<Call<'static>, ClientError>,
    ) -> Result<(T, Arc<Session>), ClientError> {
        let plain = call(None)?;
        let session = self.channel().session().await?;
        let Some(tab) = self.tab(&session, id) else {
            return self.ask_in_session(&plain).await;
        };
        let waiting = self.begin(&tab, &plain, most)?;
        let request = waiting.1;
        let (mut settled, mut again) = (false, false);
        loop {
            let voucher = tab.read()?.voucher;
            let asked = call(Some(Metering { request_id: Some(request), voucher }))?;
            let error = match self.ask_in_session::<Metered<T>>(&asked).await {
                Ok((metered, session)) => {
                    let again = again || asked.sent.load(Ordering::Relaxed) > 1;
                    let request = (request, most, again);
                    let reply = self.answered(&tab, request, metered, &session).await?;
                    return Ok((reply, session));
                }
                Err(error) => error,
            };
            match (&error, error.code()) {
                (_, Some(Code::VoucherDue)) if !settled => {
                    settled = true;
                    if let Err(error) = self.settle_tab(&tab, false).await {
                        tab.forget(request)?;
                        return Err(error);
                    }
                }
                // The reply may be lost, not the request: it goes by the same id.
                (ClientError::Unreachable { .. }, _) if !again => again = true,
                // Served again as often as it may be: whoever asks once more asks anew.
                (_, Some(Code::Replayed)) => {
                    tab.answer(request, &most, true)?;
                    return Err(error);
                }
                _ => {
                    if !again && error.code().is_some_and(is_refusal) {
                        tab.forget(request)?;
                    }
                    return Err(error);
                }
            }
        }
    }

    fn begin<'a>(
        &'a self,
        tab: &Tab,
        call: &Call<'_>,
        most: Counters,
    ) -> Result<Waiting<'a>, ClientError> {
        let fresh = RequestId(prag_trust::entropy::random(self.channel().entropy().as_mut())?);
        let parts = [call.method.as_bytes(), call.path.as_bytes(), call.query.as_bytes()];
        let mark = |id: &RequestId| {
            let mut hasher = blake3::Hasher::new_derive_key("prag 2026 open request v1");
            hasher.update(&id.0);
            for part in parts.into_iter().chain([&call.body[..]]) {
                hasher.update(&(part.len() as u64).to_be_bytes()).update(part);
            }
            hex::encode(&hasher.finalize().as_bytes()[..16])
        };
        let mut busy = self.awaited.0.lock().unwrap_or_else(PoisonError::into_inner);
        let id = tab.begin(mark, most, fresh, &busy)?;
        busy.insert(id);
        Ok(Waiting(&self.awaited, id))
    }

    /// A reply came: its request has cost what it shows, and its voucher is countersigned if that fits.
    async fn answered<T: Counted>(
        &self,
        tab: &Tab,
        (request, most, again): (RequestId, Counters, bool),
        Metered { reply, voucher }: Metered<T>,
        session: &Session,
    ) -> Result<T, ClientError> {
        let Some(offer) = voucher else {
            // An owner's own use is not metered.
            tab.forget(request)?;
            return Ok(reply);
        };
        tab.answer(request, &reply.cost(most.embedded).least(&most), again)?;
        match self.take(tab, offer, session, false) {
            // Another machine with this identity may have used what this one knows nothing of.
            Err(ClientError::OverClaim { .. }) => self.settle_tab(tab, false).await?,
            taken => drop(taken?),
        }
        Ok(reply)
    }

    /// Learns what is claimed and what is countersigned, countersigns what fits, and hands it in.
    async fn settle_tab(&self, tab: &Tab, accept: bool) -> Result<(), ClientError> {
        let kept = tab.read()?.voucher;
        let (standing, session) = match self.hand_in(tab, kept).await {
            Err(error) if error.code() == Some(Code::VoucherOld) => self.hand_in(tab, None).await?,
            standing => standing?,
        };
        if let Some(signed) = standing.countersigned
            && self.is_mine(tab, &signed)
        {
            tab.adopt(signed)?;
        }
        if let Some(offer) = standing.offered
            && let Some(signed) = self.take(tab, offer, &session, accept)?
        {
            self.hand_in(tab, Some(signed)).await?;
        }
        Ok(())
    }

    async fn hand_in(
        &self,
        tab: &Tab,
        voucher: Option<SignedVoucher>,
    ) -> Result<(Standing, Arc<Session>), ClientError> {
        let id = tab.whose().collection;
        let path = collection_path(id, "/vouchers");
        let call = Call::json(Purpose::Data, "POST", path, &HandIn { voucher })?;
        self.ask_in_session(&call.reading(id)).await
    }

    /// Countersigns a voucher of this very session that the verified worker signed, durably; `None`: nothing new.
    fn take(
        &self,
        tab: &Tab,
        offer: OfferedVoucher,
        session: &Session,
        accept: bool,
    ) -> Result<Option<SignedVoucher>, ClientError> {
        let claim = offer.voucher.clone();
        let verified = verify_offer(offer).map_err(|_| FOREIGN)?;
        if !self.names(tab, &claim) || claim.worker_key != session.worker().sig_pk {
            return Err(FOREIGN);
        }
        let sign = || countersign(verified, self.identity().session());
        let taken = tab.take(&claim, accept, sign)?;
        taken.map_err(|claim| ClientError::OverClaim {
            collection: tab.whose().collection,
            claim: Box::new(claim),
        })
    }

    /// Whether this session's key has signed it: then it was agreed to, by whatever machine.
    fn is_mine(&self, tab: &Tab, signed: &SignedVoucher) -> bool {
        self.names(tab, &signed.voucher) && verify_signed(signed.clone()).is_ok()
    }

    fn names(&self, tab: &Tab, voucher: &Voucher) -> bool {
        let Whose { ledger, worker, collection, consumer, .. } = tab.whose();
        hex::encode(voucher.ledger) == *ledger
            && voucher.worker == *worker
            && voucher.collection == *collection
            && voucher.consumer == *consumer
            && voucher.session == self.identity().session().public_key()
    }

    /// The file of this session's use; `None` where the worker does not meter.
    fn tab(&self, session: &Session, collection: CollectionId) -> Option<Tab> {
        let attestation = session.attestation();
        let whose = Whose {
            ledger: attestation.ledger_id.clone(),
            worker: attestation.metering.as_ref()?.worker.clone(),
            collection,
            consumer: border::spelled(&session.expected(), self.identity().address()),
            session: hex::encode(self.identity().session().public_key()),
        };
        Some(Tab::open(self.channel().remembered().home(), whose))
    }
}

/// Whether the worker has turned a read away before it served or counted anything. What fails later may have happened.
fn is_refusal(code: Code) -> bool {
    let fault = matches!(code, Code::Internal | Code::Storage | Code::Device | Code::Overloaded);
    !fault && code != Code::LedgerUnavailable
}

const FOREIGN: ClientError = ClientError::Reply("its voucher is not of this session and worker");

#[cfg(test)]
mod tests {
    use super::*;

    /// A worker that failed, or did not answer in time, may go on with what it was asked: a request that it may have
    /// counted is kept.
    #[test]
    fn what_may_have_happened_is_no_refusal() {
        let unknown = [Code::Internal, Code::Storage, Code::Device, Code::Overloaded];
        for code in unknown.into_iter().chain([Code::LedgerUnavailable]) {
            assert!(!is_refusal(code), "{code:?}");
        }
        for code in [Code::Conflict, Code::InvalidField, Code::PermissionMissing] {
            assert!(is_refusal(code), "{code:?}");
        }
    }
}
