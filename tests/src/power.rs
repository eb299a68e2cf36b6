//! A laboratory's worker stops, dies and comes back; time goes on.
//!
//! Layer: tests.
//! Holds: [`Lab::restart`] and its like, [`Lab::die_after`], [`Lab::pass`].
//! Never: a boot that is tried again; one that fails is a failure.
//! Invariant: a stopped worker holds nothing when the next one boots.

use super::{Lab, Mortal};
use prag_server::settings::Settings;
use std::fs::File;
use std::time::Duration;

impl Lab {
    /// Stops the worker in good order and boots it again on the same data and address. Clients go on working.
    ///
    /// # Panics
    /// Where it does not stop or boot.
    pub async fn restart(&mut self) {
        self.stop().await;
        self.serve().await;
    }

    /// As [`Lab::restart`], with settings that `change` adjusts.
    ///
    /// # Panics
    /// As [`Lab::restart`].
    pub async fn restart_with(&mut self, change: impl FnOnce(&mut Settings)) {
        self.stop().await;
        change(&mut self.settings);
        self.serve().await;
    }

    /// Stops the worker in good order; its files stay until the lab is dropped.
    ///
    /// # Panics
    /// Where serving had failed.
    pub async fn stop(&mut self) {
        let Some(serving) = self.serving.take() else {
            return;
        };
        drop(serving.stop);
        drop(serving.worker);
        serving.ended.await.unwrap().unwrap();
        self.let_go().await;
    }

    /// Boots the worker again, after [`Lab::stop`]; `dev` as in `prag-server serve --dev`.
    ///
    /// # Panics
    /// Where it does not boot.
    pub async fn resume(&mut self, dev: bool) {
        self.settings.dev = dev;
        self.serve().await;
    }

    /// Time goes on by so many seconds at once, for the worker and for everybody else.
    pub fn pass(&self, seconds: u64) {
        self.leaps.pass(seconds);
        self.host_clock.pass(seconds);
        self.clients_clock.pass(seconds);
    }

    /// The store of [`Lab::start_mortal`] does so many durable steps more, and then nothing.
    ///
    /// # Panics
    /// In any other lab.
    pub fn die_after(&self, steps: u64) {
        self.mortal.as_ref().unwrap().die_after(steps);
    }

    /// Whether it has died.
    #[must_use]
    pub fn is_dead(&self) -> bool {
        self.mortal.as_ref().is_some_and(Mortal::is_dead)
    }

    /// The machine comes back: what was not durable is lost, and the worker boots on the rest.
    ///
    /// # Panics
    /// As [`Lab::restart`].
    pub async fn revive(&mut self) {
        self.stop().await;
        self.mortal.as_ref().unwrap().revive();
        self.serve().await;
    }

    /// Waits until the stopped worker holds no shard: its last work may outlive its listener, on a chain by some blocks.
    async fn let_go(&self) {
        if self.mortal.is_some() {
            return;
        }
        // A worker that was sealed all its life has none.
        for shard in std::fs::read_dir(self.path().join("shards")).into_iter().flatten() {
            let lock = File::open(shard.unwrap().path().join("LOCK")).unwrap();
            let mut left = LET_GO_ATTEMPTS;
            while lock.try_lock().is_err() {
                left -= 1;
                assert!(left > 0, "a stopped worker still holds a shard");
                tokio::time::sleep(LET_GO_PAUSE).await;
            }
        }
    }
}

const LET_GO_ATTEMPTS: u32 = 300;
const LET_GO_PAUSE: Duration = Duration::from_millis(100);
