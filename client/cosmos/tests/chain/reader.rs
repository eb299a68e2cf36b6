//! Whoever reads: known by a signed request under a permit, and admitted by a proven view, or not.
//!
//! Layer: tests.
//! Holds: what a worker does before it answers.
//! Never: an answer.
//! Invariant: the view is the ledger's own, row by row.

use prag_client::ledger::Ledger;
use prag_client::system::{OsEntropy, SystemClock};
use prag_cosmos::CosmosLedger;
use prag_protocol::CollectionId;
use prag_trust::address::{SessionKey, WalletKey};
use prag_trust::admission::{Denied, Gate, admit_read};
use prag_trust::entropy::Clock;
use prag_trust::permit::{Permissions, Permit, PermitParams};
use prag_trust::request::{Caller, NonceCache, RequestParts, sign_request, verify_request};
use prag_trust::verified::Verified;

/// Somebody who searches.
pub(crate) struct Reader {
    pub(crate) wallet: WalletKey,
    pub(crate) session: SessionKey,
}

impl Reader {
    /// The reader, as a worker comes to know one: by a signed request under a permit.
    fn calls(&self, ledger: &CosmosLedger, worker: &[u8; 32], now: u64) -> Verified<Caller> {
        let expected = ledger.expected();
        let key = self.session.public_key();
        let params = PermitParams::new(&expected, &key, Permissions::QueryAndIngest, now + 3600);
        let permit = Permit::sign(&self.wallet, params).unwrap();
        let parts = RequestParts { method: "POST", path: "/v1/query", query: "", body: b"{}" };
        let nonce = prag_trust::entropy::random(&mut OsEntropy).unwrap();
        let signed = sign_request(&self.session, &parts, &permit, worker, now, nonce).unwrap();
        let header = |name: &str| {
            signed.headers.iter().find(|(own, _)| own == name).map(|(_, value)| value.clone())
        };
        verify_request(&header, &parts, now, worker, &expected, &mut NonceCache::new(8)).unwrap()
    }
}

/// Whether a worker of this key would answer the reader's search: at which height, or why not.
pub(crate) async fn admitted(
    ledger: &CosmosLedger,
    reader: &Reader,
    collection: CollectionId,
    worker: &[u8; 32],
) -> Result<u64, Denied> {
    let now = SystemClock::default().now();
    let caller = reader.calls(ledger, worker, now);
    let view = ledger.view(collection, &caller.address, &caller.permit_name).await.unwrap();
    let gate = Gate { image: [0; 32], now, staleness_s: 30, scopes: &[] };
    admit_read(&caller, None, collection, &view, &gate).map(|_| view.height)
}
