//! Who talks to a laboratory's worker: each with a home, an identity and a memory of heads.
//!
//! Layer: tests, over the client.
//! Holds: [`Lab::client`] and its like.
//! Invariant: the same name in the same lab is the same person.

use super::Lab;
use prag_client::channel::Channel;
use prag_client::home::Home;
use prag_client::identity::{Identity, ShareStore};
use prag_client::remembered::Remembered;
use prag_client::system::OsEntropy;
use prag_client::trusted::Trusted;
use prag_client::{Client, ClientError};
use prag_trust::evidence::Policy;
use prag_trust::sim::{SimVerifier, sim_measurement};

impl Lab {
    /// The person called `name` (letters, digits, `-`), connected. The same name is the same person.
    pub async fn client(&self, name: &str) -> Client {
        self.client_at(name, &self.url()).await
    }

    /// As [`Lab::client`], through `url`: a [`Wiretap`](crate::Wiretap)'s, say.
    ///
    /// # Panics
    /// Where the worker does not attest.
    pub async fn client_at(&self, name: &str, url: &str) -> Client {
        self.try_client_at(name, url, |_| ()).await.unwrap()
    }

    /// As [`Lab::client_at`], with a policy that `change` may make stricter.
    ///
    /// # Errors
    /// Where the worker is refused.
    pub async fn try_client_at(
        &self,
        name: &str,
        url: &str,
        change: impl FnOnce(&mut Policy),
    ) -> Result<Client, ClientError> {
        let home = Home::at(&self.folder.path().join("homes").join(name));
        let identity = if home.identity(name).exists() {
            Identity::load(&home, name, None).unwrap()
        } else {
            Identity::create(&home, name, None, &mut OsEntropy).unwrap()
        };
        let mut policy =
            Policy { measurements: vec![sim_measurement(self.version)], ..Policy::default() };
        change(&mut policy);
        let trusted =
            Trusted { verifier: Box::new(SimVerifier), policy, first_use: true, warning: None };
        let clock = Box::new(self.clients_clock.clone());
        let remembered = Remembered::new(&home);
        let channel = Channel::connect(url, trusted, remembered, clock, Box::new(OsEntropy));
        Ok(Client::new(channel.await?, identity, ShareStore::new(&home, None)))
    }
}
