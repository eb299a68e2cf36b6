//! A collection is granted, a query is served, and a reader who is revoked is refused.
//!
//! Layer: tests, story.
//! Holds: the owner's messages; what a worker proves before it answers.
//! Never: text or vectors: what is served is counted, not shown.
//! Invariant: the worker believes rows that are proven: it serves by them, and refuses by them.

use super::joining::{ANN, boot_key};
use super::stage::{Story, clock};
use crate::reader::{Reader, admitted};
use crate::wallet;
use prag_client::ledger::Ledger;
use prag_protocol::CollectionId;
use prag_protocol::ledger::{AccessMsg, Placement};
use prag_trust::address::SessionKey;
use prag_trust::admission::Denied;
use prag_trust::entropy::Clock;

/// The owner's two collections; the reader reads both.
pub(super) const COLLECTIONS: [CollectionId; 2] =
    [CollectionId([0xa0; 16]), CollectionId([0xb0; 16])];

/// The reader's session with the worker.
pub(super) fn session() -> SessionKey {
    SessionKey::from_bytes(&[32; 32])
}

impl Story {
    pub(super) async fn a_collection_is_granted(&self) {
        let grantee = self.reader.account().on_chain().clone();
        let account = self.ann.account().on_chain().clone();
        let now = clock().now();
        for collection in COLLECTIONS {
            let create = AccessMsg::CreateCollection { collection, commitment: [2; 32], epoch: 1 };
            self.owners("access: create_collection", &create).await;
            assert_eq!(self.admits(collection).await, Err(Denied::Forbidden), "nobody granted it");
            let grant = AccessMsg::Grant {
                collection,
                grantee: grantee.clone(),
                read: true,
                write: false,
                max_k: 10,
                quota: Some(100),
                expires: now + 3600,
                scope: None,
                delegate: 0,
            };
            self.refused("not the sender's", &self.watcher, &self.access, &grant, 0).await;
            self.owners("access: grant", &grant).await;
            let placement = Placement {
                collection,
                shard: 0,
                epoch: 1,
                worker: boot_key(ANN).verifying_key().to_bytes(),
                account: account.clone(),
                lease_until: now + 3600,
            };
            self.owners("access: place", &AccessMsg::Place { placement }).await;
        }
        self.bill.say("two collections, granted to the reader and placed on the worker");
    }

    pub(super) async fn a_query_is_served(&self) {
        for collection in COLLECTIONS {
            assert!(self.admits(collection).await.is_ok(), "the grant is proven");
        }
        let grantee = self.reader.account().on_chain().clone();
        let [collection, _] = COLLECTIONS;
        let consume =
            |units| AccessMsg::Consume { collection, shard: 0, grantee: grantee.clone(), units };
        self.refused("no live placement", &self.mal, &self.access, &consume(5), 0).await;
        self.tell("access: consume", &self.ann, &self.access, &consume(5), 0).await;
        self.refused("only 95 units", &self.ann, &self.access, &consume(96), 0).await;
        self.bill.say("the worker admits the reader by proof, and takes its quota");
    }

    pub(super) async fn a_revoked_reader_is_refused(&self) {
        let grantee = self.reader.account().on_chain().clone();
        let [first, second] = COLLECTIONS;
        let revoke = AccessMsg::Revoke { collection: first, grantee: grantee.clone() };
        self.refused("not the sender's", &self.reader, &self.access, &revoke, 0).await;
        self.owners("access: revoke", &revoke).await;
        assert_eq!(self.admits(first).await, Err(Denied::Forbidden));
        assert!(self.admits(second).await.is_ok(), "the other grant stands");
        let consume = AccessMsg::Consume { collection: first, shard: 0, grantee, units: 1 };
        self.refused("revoked or expired", &self.ann, &self.access, &consume, 0).await;
        self.bill.say("revoked: the worker refuses by proof, and the contract by itself");
    }

    async fn owners(&self, name: &str, message: &AccessMsg) {
        self.tell(name, &self.owner, &self.access, message, 0).await;
    }

    /// Whether the worker would answer the reader now.
    async fn admits(&self, collection: CollectionId) -> Result<u64, Denied> {
        // The worker's own ledger is another process: it sees what happened with the header after it.
        while self.ledger.head().await.height <= self.bill.height() {
            tokio::time::sleep(super::POLL).await;
        }
        let reader = Reader { wallet: wallet(12), session: session() };
        let key = boot_key(ANN).verifying_key().to_bytes();
        admitted(&self.ledger, &reader, collection, &key).await
    }
}
