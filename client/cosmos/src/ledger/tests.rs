//! The ledger over nodes that tell the truth, lie, or are silent.

#![allow(clippy::unwrap_used, clippy::panic)]

mod lies;
mod sending;

use super::*;
use crate::fixture::people::{collection, create, grant, owner, reader, revoke, wallet, worker};
use crate::fixture::serve::{honest, put_sequence, serve};
use crate::fixture::{Chain, Now, address};
use crate::{RelayTerms, Settings};
use prag_client::border::Border;
use prag_trust::address::SessionKey;
use prag_trust::permit::{Permissions, Permit, PermitParams};
use prost::Message;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};

struct World {
    chain: Arc<Mutex<Chain>>,
    clock: Arc<Now>,
}

/// As the chain spells it.
fn there(account: &Address) -> Address {
    Border::of(bech32::Hrp::parse("wasm").unwrap()).out(account).unwrap()
}

impl World {
    /// A chain with a collection and a grant.
    fn new() -> Self {
        let mut chain = Chain::new();
        chain.run(&there(&owner()), create(1));
        chain.run(&there(&owner()), grant(1, there(&reader()), None));
        put_sequence(&mut chain.stores, there(&worker().address()).as_str(), 0);
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

    fn revoke(&self) {
        self.change(|chain| {
            chain.run(&there(&owner()), revoke(1, there(&reader())));
            chain.grow(2);
        });
    }

    /// A copy of the chain that goes its own way from here.
    fn fork(&self) -> Arc<Mutex<Chain>> {
        Arc::new(Mutex::new(self.chain.lock().unwrap().clone()))
    }

    fn ledger(&self, nodes: Vec<String>, agree: usize) -> CosmosLedger {
        let settings = self.chain.lock().unwrap().settings(nodes, agree);
        CosmosLedger::open(settings, None, &worker(), self.clock.clone()).unwrap()
    }

    async fn truthful(&self) -> CosmosLedger {
        self.ledger(vec![honest(&self.chain).await], 1)
    }
}

async fn view(ledger: &CosmosLedger) -> Result<AccessView, LedgerError> {
    ledger.view(collection(1), &reader(), "permit").await
}

/// Whether the reader has a grant that holds.
async fn granted(ledger: &CosmosLedger) -> Result<bool, LedgerError> {
    let view = view(ledger).await?;
    Ok(view.grant.is_some_and(|grant| !grant.revoked))
}

/// A view says what the contract holds, of whom we know, at the height of the state, with the header's time.
#[tokio::test]
async fn views_are_the_contracts() {
    let world = World::new();
    let ledger = world.truthful().await;
    let seen = view(&ledger).await.unwrap();
    let record = seen.collection.unwrap();
    assert_eq!((record.owner, record.epoch, record.destroyed), (owner(), 1, false));
    let grant = seen.grant.unwrap();
    assert_eq!((grant.grantee, grant.revoked), (reader(), false));
    assert!(!seen.permit_revoked && seen.policy.is_none());
    let (height, time) = {
        let chain = world.chain.lock().unwrap();
        (chain.height(), chain.time())
    };
    assert_eq!((seen.height, seen.time), (height - 1, time));

    let nobody = ledger.view(collection(1), &wallet(99).address(), "permit").await.unwrap();
    assert!(nobody.grant.is_none(), "proven to be absent");
    let none = ledger.view(CollectionId([9; 16]), &reader(), "permit").await.unwrap();
    assert!(none.collection.is_none());
}

/// A list is answered however many are on its page, also where nothing of it was asked for before.
#[tokio::test]
async fn long_lists_are_proven_too() {
    let world = World::new();
    let grantees: Vec<Address> = (20..45).map(|seed| wallet(seed).address()).collect();
    world.change(|chain| {
        for one in &grantees {
            chain.run(&there(&owner()), grant(1, there(one), None));
        }
        chain.grow(2);
    });
    let ledger = world.truthful().await;
    let query = AccessQuery::Grants { collection: collection(1), offset: 0, limit: 100 };
    let AccessReply::Grants { total: 26, rows } = ledger.query(query).await.unwrap() else {
        panic!()
    };
    assert!(grantees.iter().all(|one| rows.iter().any(|row| row.grantee == *one)));
}

/// Lists are paged over proven rows, and name whom we know.
#[tokio::test]
async fn lists_are_proven_row_by_row() {
    let world = World::new();
    let ledger = world.truthful().await;
    let query = AccessQuery::Grants { collection: collection(1), offset: 0, limit: 10 };
    let AccessReply::Grants { total: 1, rows } = ledger.query(query).await.unwrap() else {
        panic!("one grant");
    };
    assert_eq!(rows[0].grantee, reader());
    let query = AccessQuery::Collections { owner: owner(), offset: 0, limit: 10 };
    let found = ledger.query(query).await.unwrap();
    assert_eq!(found, AccessReply::Collections { total: 1, rows: vec![collection(1)] });
    let query = AccessQuery::Collections { owner: owner(), offset: 0, limit: 0 };
    assert!(matches!(ledger.query(query).await, Err(LedgerError::Refused(_))), "out of bounds");
}

/// A revocation shows with the next header, and the state before it no more.
#[tokio::test]
async fn revocations_show() {
    let world = World::new();
    let ledger = world.truthful().await;
    assert_eq!(granted(&ledger).await, Ok(true));
    world.revoke();
    ledger.sender.rows.raise(world.chain.lock().unwrap().height() - 1);
    assert_eq!(granted(&ledger).await, Ok(false));
}

/// The contract is the settings' code, and nobody's to replace.
#[tokio::test]
async fn the_contract_is_the_one_that_was_named() {
    use cosmrs::proto::cosmwasm::wasm::v1::{CodeInfo, ContractInfo};
    let entry = [&[2], crate::fixture::CONTRACT.as_slice()].concat();
    let code = [&[1], 1_u64.to_be_bytes().as_slice()].concat();
    let admin = ContractInfo { code_id: 1, admin: "wasm1x".to_owned(), ..ContractInfo::default() };
    let other = CodeInfo { code_hash: vec![4; 32], ..CodeInfo::default() };
    for (key, value, rule) in [
        (entry.clone(), Some(admin.encode_to_vec()), "an administrator may replace its code"),
        (entry, None, "there is none"),
        (code.clone(), Some(other.encode_to_vec()), "it is other code"),
        (code, None, "it is other code"),
    ] {
        let world = World::new();
        world.change(|chain| {
            match value {
                Some(value) => chain.wasm().insert(key, value),
                None => chain.wasm().remove(&key),
            };
            chain.grow(2);
        });
        let ledger = world.truthful().await;
        let told = view(&ledger).await;
        let expected = CosmosError::Contract(rule);
        assert_eq!(told.err(), Some(expected.into()), "{rule}");
    }
}

/// A remembered head is part of the history, near or far; another one shows that this is another chain.
#[tokio::test]
async fn remembered_heads_are_confirmed() {
    let world = World::new();
    world.change(|chain| chain.grow(300));
    let ledger = world.truthful().await;
    let head = ledger.head().await;
    assert_eq!(head.height, world.chain.lock().unwrap().height());
    let at = |height| {
        let hash = world.chain.lock().unwrap().signed(height).header.hash();
        let tendermint::Hash::Sha256(root) = hash else { panic!("a hash") };
        LedgerHead { height, root }
    };
    for height in [2, 3, 20, head.height - 100, head.height] {
        assert_eq!(ledger.confirm(at(height)).await, Ok(()), "height {height}");
        let forged = LedgerHead { height, root: [9; 32] };
        assert_eq!(ledger.confirm(forged).await, Err(LedgerError::RolledBack), "height {height}");
    }
    assert!(matches!(ledger.confirm(at(1)).await, Err(LedgerError::Unavailable(_))));
    let ahead = LedgerHead { height: head.height + 5, root: [9; 32] };
    assert!(matches!(ledger.confirm(ahead).await, Err(LedgerError::Unavailable(_))));
}

/// The ledger's id is of everything that was pinned.
#[tokio::test]
async fn ids_differ_by_what_is_pinned() {
    let world = World::new();
    let base = world.chain.lock().unwrap().settings(vec!["http://127.0.0.1:1".to_owned()], 1);
    let id = |settings: Settings| {
        CosmosLedger::open(settings, None, &worker(), world.clock.clone()).unwrap().id()
    };
    let net = |change: fn(&mut crate::Network)| {
        let mut network = base.network.clone();
        change(&mut network);
        Settings { network, ..base.clone() }
    };
    let mut ids = vec![id(base.clone())];
    ids.push(id(net(|network| network.chain_id = "prag-made-2".to_owned())));
    ids.push(id(Settings { contract: address("wasm", &[8; 32]), ..base.clone() }));
    ids.push(id(Settings { code_hash: [4; 32], ..base.clone() }));
    ids.push(id(net(|network| network.trusted.height += 1)));
    ids.push(id(net(|network| network.trusted.hash = [1; 32])));
    ids.sort_unstable();
    ids.dedup();
    assert_eq!(ids.len(), 6);
    let nodes = net(|network| network.nodes = vec!["http://127.0.0.1:2".to_owned()]);
    assert_eq!(id(nodes), id(base.clone()), "nodes are not what is believed");
}

/// A process goes on from where an earlier one was, after the settings' own header is long past its time.
#[tokio::test]
async fn a_later_run_resumes() {
    let world = World::new();
    world.change(|chain| chain.grow(20));
    let ledger = world.truthful().await;
    let trusted = ledger.trusted().await.unwrap();
    // More than the trusting period after the settings' header, and less after the newer one.
    let day = crate::fixture::time_of(2) + 86_400 + 10;
    world.change(|chain| chain.leap(day - chain.time()));
    let node = honest(&world.chain).await;
    let settings = world.chain.lock().unwrap().settings(vec![node], 1);
    let open = |resume| {
        CosmosLedger::open(settings.clone(), resume, &worker(), world.clock.clone()).unwrap()
    };
    let told = granted(&open(None)).await;
    assert!(
        matches!(told, Err(LedgerError::Unavailable(ref text)) if text.contains("trusting period")),
        "{told:?}"
    );
    assert_eq!(granted(&open(Some(trusted))).await, Ok(true));
    assert_eq!(open(Some(trusted)).id(), open(None).id());
    let forged = TrustedHeader { hash: [9; 32], ..trusted };
    assert!(granted(&open(Some(forged))).await.is_err());
}
