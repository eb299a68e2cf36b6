//! A ledger on Secret's nodes: what it answers, and each way in which nodes can lie about it.

#![allow(clippy::unwrap_used, clippy::panic)]

mod guests;
mod lies;

use super::super::SecretSettings;
use super::*;
use crate::fixture::enclave::{CODE, ENCLAVE, Enclave, SECRET_CONTRACT};
use crate::fixture::people::{self, collection, create, grant, owner, reader, wallet, worker};
use crate::fixture::serve::{Lie, honest, put_sequence, serve};
use crate::fixture::{BORN, Chain, Grower, Now, address, grower};
use crate::{CosmosLedger, Relay, RelayTerms};
use prag_client::ledger::{Ledger, LedgerError};
use prag_client::system::OsEntropy;
use prag_protocol::Address;
use prag_protocol::ledger::{AccessMsg, Placement};
use prag_trust::permit::{Permissions, Permit, PermitParams};
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

/// Seconds for which a pulse holds.
const PERIOD: u64 = 600;
/// The signing key that the placement names.
const KEY: [u8; 32] = [21; 32];

struct World {
    chain: Arc<Mutex<Chain>>,
    clock: Arc<Now>,
}

fn place(n: u8, account: Address) -> AccessMsg {
    let placement = Placement {
        collection: collection(n),
        shard: 0,
        epoch: 1,
        worker: KEY,
        account,
        lease_until: BORN + 864_000,
    };
    AccessMsg::Place { placement }
}

fn revoke() -> AccessMsg {
    people::revoke(1, reader())
}

impl World {
    /// Collection 1 is placed on the worker and granted to the reader; collection 2 is somebody else's worker's.
    fn new() -> Self {
        let mut chain = Chain::born(BORN, "secret");
        for message in
            [create(1), place(1, worker().address()), grant(1, reader(), None), create(2)]
        {
            chain.run(&owner(), message);
        }
        chain.run(&owner(), place(2, wallet(14).address()));
        put_sequence(&mut chain.stores, worker().address().as_str(), 0);
        chain.grow(2);
        let clock = Arc::new(Now(AtomicU64::new(chain.time())));
        Self { chain: Arc::new(Mutex::new(chain)), clock }
    }

    /// Changes the chain; the clock follows its newest block.
    fn change(&self, change: impl FnOnce(&mut Chain)) {
        let mut chain = self.chain.lock().unwrap();
        change(&mut chain);
        self.clock.0.store(chain.time(), Ordering::Relaxed);
    }

    fn run(&self, message: AccessMsg) {
        self.change(|chain| {
            chain.run(&owner(), message);
            chain.grow(2);
        });
    }

    fn blocks(&self) -> Grower {
        grower(&self.chain, &self.clock)
    }

    async fn honest(&self, count: usize) -> Vec<String> {
        let mut nodes = Vec::new();
        for _ in 0..count {
            nodes.push(honest(&self.chain).await);
        }
        nodes
    }

    fn settings(&self, nodes: Vec<String>, agree: usize) -> SecretSettings {
        SecretSettings {
            network: self.chain.lock().unwrap().settings(nodes, agree).network,
            contract: address("secret", &SECRET_CONTRACT),
            code_hash: CODE,
            network_key: Enclave::new(ENCLAVE).key(),
            execute_every_s: PERIOD,
        }
    }

    fn open(&self, settings: SecretSettings) -> CosmosLedger {
        let signer = (&worker(), SessionKey::from_bytes(&KEY));
        let clock: Arc<dyn Clock> = self.clock.clone();
        CosmosLedger::open_secret(settings, None, signer, clock, Box::new(OsEntropy)).unwrap()
    }

    /// A ledger over these nodes that has sent its first pulse.
    async fn ledger(&self, nodes: Vec<String>) -> CosmosLedger {
        let ledger = self.open(self.settings(nodes, 2));
        self.pulse(&ledger).await;
        ledger
    }

    async fn pulse(&self, ledger: &CosmosLedger) {
        let _blocks = self.blocks();
        assert!(ledger.pulse().await.unwrap(), "it was time for one");
    }

    /// So much later; what was fetched as the newest header is looked at anew.
    async fn later(&self, seconds: u64) {
        self.change(|chain| chain.leap(seconds));
        tokio::time::sleep(Duration::from_millis(1100)).await;
    }
}

/// Whether the reader has a grant that holds.
async fn granted(ledger: &CosmosLedger) -> Result<bool, LedgerError> {
    let view = ledger.view(collection(1), &reader(), "permit").await?;
    Ok(view.grant.is_some_and(|grant| !grant.revoked))
}

/// A view says what the contract holds, at the height and time of the header under which it was asked for.
#[tokio::test]
async fn a_placed_worker_sees_its_collection() {
    let world = World::new();
    let ledger = world.ledger(world.honest(3).await).await;
    let seen = ledger.view(collection(1), &reader(), "permit").await.unwrap();
    assert_eq!(seen.collection.unwrap().owner, owner());
    assert!(seen.grant.is_some() && !seen.permit_revoked);
    let standing = ledger.standing().await.unwrap();
    assert_eq!(
        (standing.kind, standing.height - 1, standing.time),
        ("secret", seen.height, Some(seen.time))
    );
    for query in [
        AccessQuery::Placement { collection: collection(1), shard: 0 },
        AccessQuery::Writer { collection: collection(1), shard: 0 },
        AccessQuery::Policy { collection: collection(1) },
        AccessQuery::Grant { collection: collection(1), grantee: reader() },
        AccessQuery::Grants { collection: collection(1), offset: 0, limit: 10 },
        AccessQuery::Anchor { account: worker().address() },
    ] {
        assert!(ledger.query(query.clone()).await.is_ok(), "{query:?}");
    }
    world.run(revoke());
    world.later(5).await;
    assert!(!granted(&ledger).await.unwrap());
}

/// What is not placed here answers as what is not there; where that would open something, nothing is answered.
#[tokio::test]
async fn what_is_anothers_is_absent() {
    let world = World::new();
    let ledger = world.ledger(world.honest(2).await).await;
    for id in [collection(2), collection(3)] {
        let seen = ledger.view(id, &owner(), "permit").await.unwrap();
        assert!(seen.collection.is_none() && seen.grant.is_none());
        let query = AccessQuery::Placement { collection: id, shard: 0 };
        assert_eq!(ledger.query(query).await, Ok(AccessReply::Placement(None)));
        let query = AccessQuery::Policy { collection: id };
        assert!(
            matches!(ledger.query(query).await, Err(LedgerError::Refused(_))),
            "no policy is everybody's"
        );
    }
}

/// Nothing is answered before the first pulse, nor once the last is too old, until the next; a try that fails changes
/// nothing.
#[tokio::test]
async fn nothing_is_served_without_a_pulse() {
    let world = World::new();
    let ledger = world.open(world.settings(world.honest(2).await, 2));
    let refused = granted(&ledger).await.unwrap_err();
    assert!(refused.to_string().contains("last proven execute"), "{refused}");
    world.pulse(&ledger).await;
    assert!(granted(&ledger).await.unwrap());
    assert!(!ledger.pulse().await.unwrap(), "it is not time yet");
    world.later(PERIOD).await;
    let refused = granted(&ledger).await.unwrap_err();
    assert!(refused.to_string().contains("over 600"), "{refused}");
    assert!(ledger.standing().await.is_err());
    world.pulse(&ledger).await;
    assert!(granted(&ledger).await.unwrap());
}

/// An owner's signed message and the worker's own happen, encrypted, and show at once.
#[tokio::test]
async fn messages_happen() {
    let world = World::new();
    let ledger = world.ledger(world.honest(2).await).await;
    let _blocks = world.blocks();
    let own = worker().address();
    let anchor = AccessMsg::Anchor { shard: None, worker: KEY, root: [5; 32], previous: [0; 32] };
    ledger.execute(&own, &[], anchor.clone()).await.unwrap();
    let query = AccessQuery::Anchor { account: own.clone() };
    let Ok(AccessReply::Anchor(Some(seen))) = ledger.query(query).await else { panic!("anchored") };
    assert_eq!(seen.root, [5; 32]);
    let refused = ledger.execute(&own, &[], anchor).await.unwrap_err();
    let words = "previous is not the last root of this account";
    assert_eq!(refused, LedgerError::Refused(words.to_owned()), "in the contract's words");

    let (expected, now) = (ledger.expected(), world.clock.now());
    let key = SessionKey::from_bytes(&[31; 32]);
    let params = PermitParams::new(&expected, &key.public_key(), Permissions::Admin, now + 9000);
    let permit = Permit::sign(&wallet(11), params).unwrap();
    let terms = RelayTerms { sequence: 1, until: now + 290 };
    let relay = Relay::sign(&key, &permit, &expected, &owner(), &revoke(), terms).unwrap();
    let bytes = relay.to_json().unwrap();
    ledger.execute(&owner(), &bytes, revoke()).await.unwrap();
    assert!(!granted(&ledger).await.unwrap());
    let again = ledger.execute(&owner(), &bytes, revoke()).await;
    assert!(matches!(again, Err(LedgerError::Refused(_))), "{again:?}");
}

/// The id names everything that is believed to begin with, and nothing that only costs time.
#[tokio::test]
async fn ids_pin_what_is_believed() {
    let world = World::new();
    let nodes = vec!["http://127.0.0.1:1".to_owned(); 2];
    let base = || world.settings(nodes.clone(), 2);
    let id = |settings| world.open(settings).id();
    let first = id(base());
    type Change = fn(&mut SecretSettings);
    let changes: [Change; 5] = [
        |s| s.code_hash = [1; 32],
        |s| s.network_key = Enclave::new(8).key(),
        |s| s.contract = address("secret", &[8; 20]),
        |s| s.network.trusted.height = 3,
        |s| s.network.chain_id = "secret-5".to_owned(),
    ];
    for change in changes {
        let mut settings = base();
        change(&mut settings);
        assert_ne!(id(settings), first);
    }
    let mut settings = base();
    settings.network.gas_price.micro = 1;
    assert_eq!(id(settings), first);
}
