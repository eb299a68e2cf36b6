//! Rotation on a ledger that keeps shares: whatever dies, and whatever is lost between worker and ledger, one epoch is
//! whole, and the owner gets in.

use crate::ledger::Shifted;
use crate::played::{Played, Silence};
use crate::stage::{Stage, keys, put};
use prag_client::Client;
use prag_client::ledger::Ledger;
use prag_protocol::CollectionId;
use prag_protocol::problem::Code;
use prag_protocol::wire::collections::CollectionState::{Locked, Ready};
use prag_protocol::wire::collections::VaultKind::{self, Chain, Local, Owner};
use prag_protocol::wire::collections::VectorSource;
use prag_tests::{Lab, find};
use std::sync::Arc;
use std::time::Duration;

/// A managed collection goes to the next epoch: the ledger keeps both shares of that one and nothing of the last, and a
/// restarted worker gets them. Where each message must be its sender's own, the owner signs for the share that is kept.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_managed_collection_rotates() {
    let clock = Shifted::default();
    for played in [Played::new(&clock), Played::relayed(&clock)] {
        let kinds = [Chain, Owner];
        let mut stage = Stage::under(played.clone(), clock.clone(), &kinds, true).await;
        let owner = stage.owner().await;
        for epoch in 2..=3 {
            let rotated = owner.rotate(stage.id).await.unwrap();
            assert_eq!(rotated.epoch, epoch);
            assert_eq!(rotated.height, played.head().await.height, "where the ledger said so");
            assert_eq!(played.kept(stage.id), [(epoch, 64)]);
            assert_eq!(owner.shares().epochs(stage.id).unwrap(), [epoch]);
            assert_eq!(find(&owner, stage.id).await.unwrap(), 3);
        }
        // The end of the last one, again: the share is compared with what the ledger keeps.
        let share = owner.shares().fetch(stage.id, 3).unwrap();
        assert_eq!(owner.rotate_to(stage.id, 3, &share).await.unwrap().epoch, 3);
        let another = prag_trust::key::Share::from_bytes(&[9; 32]);
        let refused = owner.rotate_to(stage.id, 3, &another).await.unwrap_err();
        assert_eq!(refused.code(), Some(Code::CiphertextInvalid));

        stage.first.restart().await;
        let opened = stage.serving(&stage.first).await;
        assert_eq!(keys(&opened).0, Some(Chain));
        let owner = stage.owner().await;
        assert_eq!(find(&owner, stage.id).await.unwrap(), 3);
    }
}

/// Of a collection that is not managed the ledger keeps its half alone, in every epoch.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_owners_half_stays_with_the_owner() {
    let clock = Shifted::default();
    let played = Played::new(&clock);
    let mut stage = Stage::under(played.clone(), clock, &[Chain, Owner], false).await;
    stage.owner().await.rotate(stage.id).await.unwrap();
    assert_eq!(played.kept(stage.id), [(2, 32)]);
    stage.first.restart().await;
    let owner = stage.owner().await;
    assert_eq!(stage.opened(&stage.first).await.state, Locked);
    assert_eq!(owner.release(stage.id, 2).await.unwrap().state, Ready);
    assert_eq!(find(&owner, stage.id).await.unwrap(), 3);
}

/// What fails first.
#[derive(Clone, Copy, Debug)]
enum Death {
    /// The machine, after so many durable steps.
    Machine,
    /// The ledger, after so many transactions.
    Ledger,
    /// The ledger's answer, to the transaction after so many.
    Answer,
}

struct Loop {
    lab: Lab,
    played: Arc<Played>,
    managed: bool,
}

impl Loop {
    async fn start(vault: &[VaultKind], managed: bool) -> Self {
        let played = Played::new(&Shifted::default());
        let ledger: Arc<dyn Ledger> = played.clone();
        let vault = vault.to_vec();
        let lab = Lab::start_mortal_under(ledger, |settings| settings.vault = vault).await;
        Self { lab, played, managed }
    }

    /// True if something failed before the rotation was done.
    async fn dies(&mut self, death: Death, steps: u32) -> bool {
        let at = format!("{death:?} after {steps}, managed: {}", self.managed);
        let owner = self.lab.client("owner").await;
        let source = VectorSource::Supplied(2);
        let made = if self.managed {
            owner.create_managed_collection("notes", source).await
        } else {
            owner.create_collection("notes", source).await
        };
        let id = made.unwrap().id;
        for number in 0..2 {
            put(&owner, id, number).await;
        }
        match death {
            Death::Machine => self.lab.die_after(steps.into()),
            Death::Ledger | Death::Answer => {
                let answer_only = matches!(death, Death::Answer);
                self.played.fall_silent(Some(Silence { after: steps, answer_only }));
            }
        }
        let done = owner.rotate(id).await;
        let died = self.lab.is_dead() || self.played.is_silent();
        assert!(done.is_ok() || died, "{at}: {done:?}");
        self.played.fall_silent(None);

        self.lab.revive().await;
        let owner = self.lab.client("owner").await;
        self.unlocked(&owner, id, &at).await;
        assert_eq!(find(&owner, id).await.unwrap(), 2, "{at}");
        owner.rotate(id).await.unwrap_or_else(|error| panic!("{at}, again: {error}"));
        assert_eq!(find(&owner, id).await.unwrap(), 2, "{at}, rotated again");
        let epoch = owner.collection(id).await.unwrap().epoch;
        assert_eq!(owner.shares().epochs(id).unwrap(), [epoch], "{at}");
        let bytes = if self.managed { 64 } else { 32 };
        assert_eq!(self.played.kept(id), [(epoch, bytes)], "{at}");
        self.lab.restart().await;
        let owner = self.lab.client("owner").await;
        self.unlocked(&owner, id, &at).await;
        assert_eq!(find(&owner, id).await.unwrap(), 2, "{at}, restarted");
        owner.destroy_collection(id).await.unwrap();
        died
    }

    /// A managed collection comes back by itself; of another the owner gives a share, of the epoch that is shown.
    async fn unlocked(&self, owner: &Client, id: CollectionId, at: &str) {
        for _ in 0..200 {
            let seen = owner.collection(id).await.unwrap();
            if seen.state == Ready {
                return;
            }
            let asked = !keys(&seen).1.is_empty();
            if asked && !self.managed {
                assert!(owner.shares().has(id, seen.epoch), "{at}");
                owner.release(id, seen.epoch).await.unwrap();
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        panic!("{at}: locked out");
    }

    async fn dies_everywhere(&mut self, death: Death, at_least: u32) {
        let mut steps = 0;
        while self.dies(death, steps).await {
            steps += 1;
        }
        assert!(steps >= at_least, "{death:?} has {steps} steps");
    }
}

/// A rotation dies with the machine after each durable step, and with the ledger before and after each transaction: a
/// managed collection comes back by itself.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_managed_rotation_that_dies_locks_nobody_out() {
    for vault in [&[Chain, Owner][..], &[Local, Chain, Owner]] {
        let mut story = Loop::start(vault, true).await;
        story.dies_everywhere(Death::Machine, 2).await;
        story.dies_everywhere(Death::Ledger, 3).await;
        story.dies_everywhere(Death::Answer, 3).await;
    }
}

/// The same, of a collection of which the owner alone keeps the other half.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_rotation_of_halves_that_dies_locks_no_owner_out() {
    let mut story = Loop::start(&[Chain, Owner], false).await;
    story.dies_everywhere(Death::Machine, 2).await;
    story.dies_everywhere(Death::Ledger, 3).await;
    story.dies_everywhere(Death::Answer, 3).await;
}
