//! A collection comes to a worker that Secret's contract tells nothing of it, and leaves one that it tells no more.

use super::*;
use crate::fixture::Slice;
use prag_client::Client;
use prag_client::error::ClientError;
use prag_contracts_core::access;
use prag_protocol::CollectionId;
use prag_protocol::ledger::{AccessMsg, AccessQuery, AccessReply, Placement};
use prag_protocol::wire::collections::CollectionState::{Locked, Ready};
use prag_protocol::wire::collections::VaultKind::{self, Local, Owner, Peer};
use prag_protocol::wire::collections::{Collection, VectorSource};
use prag_server::settings::Peer as Giver;
use prag_tests::{copy_folder, document};

/// The owner's word is all that a second worker needs: it finds the collection on the ledger, is placed, gets the keys
/// of the first and serves. The first serves no more, and forgets the keys once it had the time to hand them over. Both
/// answer a stranger as if there were no collection, before and after.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_second_worker_takes_over() {
    let network = Network::start().await;
    let mut stage = network.stage(&[Local, Peer, Owner]).await;
    let shard = stage.shard();
    stage.lab.stop().await;
    let copy = stage.copy(&shard);
    stage.lab.resume(true).await;
    stage.serves().await;

    let second = network.second(&stage).await;
    copy_folder(&copy, &second.path().join(&shard));
    let (here, there) = (stage.client("owner").await, stage.at(&second, "owner").await);
    let unseen = there.collection(stage.id).await.unwrap_err();
    assert_eq!(unseen.code(), Some(Code::Forbidden), "nobody told it");
    stage.strangers_learn_nothing(&second).await;

    let placed = stage.place_on(&there).await;
    assert_eq!((placed.state, from(&placed)), (Ready, Some(Peer)));
    assert_eq!(find(&there, stage.id).await.unwrap(), 5);
    there.check_history(stage.id).await.unwrap();
    stage.say("a second worker serves");
    let refused = find(&here, stage.id).await.unwrap_err();
    assert_eq!(refused.code(), Some(Code::Forbidden), "the first is told of nobody any more");
    stage.strangers_learn_nothing(&second).await;

    for _ in 0..3 {
        network.pass(&stage.lab, 50).await;
    }
    let back = stage.place_on(&here).await;
    assert_eq!((back.state, tried(&back)[0].as_str()), (Locked, "local missing"));
    stage.say("the first worker has forgotten the keys");
}

/// A lease that is over takes the key also where the ledger does not say so in as many words, from the disk too. The
/// owner finds the collection by its name on the worker that had it, and releases the key again.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_lapsed_lease_takes_the_key_and_a_release_brings_it_back() {
    let network = Network::start().await;
    let mut stage = network.stage(&[Local, Owner]).await;
    let owner = stage.client("owner").await;
    for known in [false, true] {
        let before = network.pulse_of(&stage.lab);
        network.lapse(&stage, 3);
        stage.locked(&owner).await;
        assert_eq!(stage.found_by("owner").await.unwrap_err().code(), Some(Code::KeyMissing));
        stage.strangers_learn_nothing(&stage.lab).await;
        network.pulsed_since(&stage.lab, before).await;
        if known {
            let placed = stage.place_on(&owner).await;
            assert_eq!((placed.state, tried(&placed)), (Locked, vec!["local missing".to_owned()]));
        }
        assert_eq!(owner.resolve_own("notes").await.unwrap(), stage.id);
        let released = owner.release(stage.id, 1).await.unwrap();
        assert_eq!((released.state, from(&released)), (Ready, Some(Owner)));
        assert_eq!(stage.found_by("owner").await.unwrap(), 5);
    }
    stage.say("released after its lease was over");
    stage.lab.restart().await;
    stage.serves().await;
    assert_eq!(stage.found_by("owner").await.unwrap(), 5);
}

/// Nodes that show a state in which a collection is not placed yet, as old as the last execute allows, cost nobody a
/// key: the next execute finds them out, and the worker goes on with what it kept.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_old_state_costs_no_key() {
    let network = Network::start().await;
    let lab = network.lab(&network.nodes, 600).await;
    network.pay(lab.worker().account());
    ready(&lab).await;
    let first = network.pulse_of(&lab);
    network.turn_back(true);
    let owner = lab.client("owner").await;
    let made = owner.create_collection("notes", VectorSource::Supplied(2)).await.unwrap();
    assert_eq!(made.state, Locked, "the nodes know of no placement");
    network.pulsed_since(&lab, first).await;
    for _ in 0..3 {
        lab.check_leases().await;
    }
    network.turn_back(false);
    let end = Instant::now() + Duration::from_secs(60);
    while owner.collection(made.id).await.map(|seen| (seen.state, from(&seen))).ok()
        != Some((Ready, Some(Local)))
    {
        assert!(Instant::now() < end, "the key was there");
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
    owner.put_document(made.id, &document(1)).await.unwrap();
}

impl Network {
    /// Five documents on a worker that lists `kinds`.
    async fn stage(&self, kinds: &[VaultKind]) -> Stage {
        let kinds = kinds.to_vec();
        let peer = kinds.contains(&Peer);
        let lab = self.lab_with(&self.nodes, 600, |settings| {
            settings.vault = kinds;
            // Nobody is there: it gives, and has nobody to ask.
            settings.peer = giver(peer.then_some("http://127.0.0.1:1"));
        });
        let lab = lab.await;
        self.pay(lab.worker().account());
        super::stage(lab, "moves").await
    }

    /// Another worker of the same settings, with the first for a peer.
    async fn second(&self, stage: &Stage) -> Lab {
        let (kinds, url) = (stage.lab.settings().vault.clone(), stage.lab.url());
        let lab = self.lab_with(&self.nodes, 600, |settings| {
            settings.vault = kinds;
            settings.peer = giver(Some(&url));
        });
        let lab = lab.await;
        self.pay(lab.worker().account());
        ready(&lab).await;
        lab
    }

    /// The owner has the lease of the collection's worker end in so many seconds.
    fn lapse(&self, stage: &Stage, seconds: u64) {
        let mut chain = self.chain.lock().unwrap();
        let (env, collection) = (chain.next(), stage.id);
        let query = AccessQuery::Placement { collection, shard: 0 };
        let reply = access::query(&Slice(chain.wasm()), &env, query).unwrap();
        let AccessReply::Placement(Some(placed)) = reply else { panic!("it is placed") };
        let placement = Placement { lease_until: env.time + seconds, ..placed };
        chain.run(&stage.lab.account("owner"), AccessMsg::Place { placement });
    }

    /// So many seconds pass at once, for everybody; no more than clocks may differ.
    async fn pass(&self, lab: &Lab, seconds: u64) {
        let ahead = self.ahead.fetch_add(seconds, Ordering::Relaxed) + seconds;
        lab.clients_clock.set(i64::try_from(ahead).unwrap());
        // Workers follow the chain once a second.
        tokio::time::sleep(Duration::from_secs(3)).await;
    }

    /// The height of the last execute of a worker's account.
    fn pulse_of(&self, lab: &Lab) -> u64 {
        let mut chain = self.chain.lock().unwrap();
        let pulse = access::pulse_of(&Slice(chain.wasm()), lab.worker().account()).unwrap();
        pulse.map_or(0, |pulse| pulse.height)
    }

    async fn pulsed_since(&self, lab: &Lab, height: u64) {
        let end = Instant::now() + Duration::from_secs(60);
        while self.pulse_of(lab) == height {
            assert!(Instant::now() < end, "it waits for its time");
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
        // It is proven in the next block, and leases are checked once a second.
        tokio::time::sleep(Duration::from_secs(5)).await;
    }
}

fn giver(url: Option<&str>) -> Vec<Giver> {
    url.map(|url| Giver { url: url.to_owned() }).into_iter().collect()
}

impl Stage {
    /// `name`, at another worker.
    async fn at(&self, lab: &Lab, name: &str) -> Client {
        self.lab.client_at(name, &lab.url()).await
    }

    /// Places the collection; again while the worker before has not seen that it was, or this one is behind its chain.
    async fn place_on(&self, owner: &Client) -> Collection {
        let end = Instant::now() + Duration::from_secs(60);
        loop {
            match owner.place(self.id).await {
                Ok(placed) => return placed,
                Err(error) => {
                    let late = [Some(Code::KeyMissing), Some(Code::LedgerUnavailable)];
                    assert!(late.contains(&error.code()) && Instant::now() < end, "{error}");
                }
            }
            tokio::time::sleep(Duration::from_millis(500)).await;
        }
    }

    /// Waits until the worker has no key for it; its owner sees that it is there.
    async fn locked(&self, owner: &Client) {
        let end = Instant::now() + Duration::from_secs(60);
        while owner.own_collection(self.id).await.unwrap().state != Locked {
            assert!(Instant::now() < end, "it serves on");
            tokio::time::sleep(Duration::from_millis(200)).await;
        }
    }

    /// What somebody else is told here and there is what is told of a collection that is nowhere.
    async fn strangers_learn_nothing(&self, second: &Lab) {
        for lab in [&self.lab, second] {
            let stranger = self.at(lab, "stranger").await;
            let told = |error: ClientError| (error.code(), error.to_string());
            let (mine, nowhere) = (self.id, CollectionId([0xee; 16]));
            let mut answers = Vec::new();
            for id in [mine, nowhere] {
                answers.push([
                    told(stranger.place(id).await.unwrap_err()),
                    told(stranger.collection(id).await.unwrap_err()),
                    told(stranger.own_collection(id).await.unwrap_err()),
                    told(stranger.destroy_collection(id).await.unwrap_err()),
                ]);
            }
            assert!(answers[0].iter().all(|(code, _)| *code == Some(Code::Forbidden)));
            assert_eq!(answers[0], answers[1]);
            assert!(stranger.own_collections().await.unwrap().is_empty());
        }
    }
}

fn from(collection: &Collection) -> Option<VaultKind> {
    collection.keys.as_ref().unwrap().from
}

fn tried(collection: &Collection) -> Vec<String> {
    let tried = &collection.keys.as_ref().unwrap().tried;
    tried.iter().map(|one| format!("{} {}", one.kind.name(), one.reason)).collect()
}
