//! Who talks to a laboratory's worker: each with a home, an identity and a memory of heads.
//!
//! Layer: tests, over the client.
//! Holds: [`Lab::client`], [`Lab::steward`] and their like; [`account_in`] for settings that name somebody;
//! [`hour_grant`] for whom an owner lets in.
//! Invariant: the same name in the same lab is the same person.

use super::Lab;
use prag_client::channel::Channel;
use prag_client::home::Home;
use prag_client::identity::{Identity, ShareStore};
use prag_client::remembered::Remembered;
use prag_client::system::OsEntropy;
use prag_client::{Client, ClientError};
use prag_protocol::Address;
use prag_protocol::wire::grants::PutGrant;
use prag_trust::evidence::{BindingPurpose, Policy};
use std::path::{Path, PathBuf};

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
        self.connect(BindingPurpose::Serve, name, url).await.unwrap()
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
        self.connect_under(BindingPurpose::Serve, name, url, change).await
    }

    /// The person called `name`, connected to unlock the worker.
    ///
    /// # Errors
    /// What the client refuses the worker for.
    pub async fn steward(&self, name: &str) -> Result<Client, ClientError> {
        self.connect(BindingPurpose::Unlock, name, &self.url()).await
    }

    /// The person called `name`, connected through `url` for `purpose`.
    ///
    /// # Errors
    /// What the client refuses the worker for.
    pub async fn connect(
        &self,
        purpose: BindingPurpose,
        name: &str,
        url: &str,
    ) -> Result<Client, ClientError> {
        self.connect_under(purpose, name, url, |_| ()).await
    }

    /// The address of the person called `name`.
    #[must_use]
    pub fn account(&self, name: &str) -> Address {
        account_in(&self.homes(), name)
    }

    async fn connect_under(
        &self,
        purpose: BindingPurpose,
        name: &str,
        url: &str,
        change: impl FnOnce(&mut Policy),
    ) -> Result<Client, ClientError> {
        let home = Home::at(&self.homes().join(name));
        let identity = identity_in(&self.homes(), name);
        let mut trusted = (self.ground.trusted)();
        change(&mut trusted.policy);
        let (clock, entropy) = (Box::new(self.clients_clock.clone()), Box::new(OsEntropy));
        let remembered = Remembered::new(&home);
        let channel = Channel::connect_for(purpose, url, trusted, remembered, clock, entropy);
        Ok(Client::new(channel.await?, identity, ShareStore::new(&home, None)))
    }

    fn homes(&self) -> PathBuf {
        self.folder.path().join("homes")
    }
}

/// A grant for an hour, to read and to write.
#[must_use]
pub fn hour_grant(grantee: &Client) -> PutGrant {
    PutGrant {
        grantee: grantee.identity().address().clone(),
        read: true,
        write: true,
        max_k: 5,
        quota: None,
        expires: grantee.channel().now() + 3600,
        scope: None,
        scope_salt: None,
        delegate: 0,
    }
}

/// The address of the person called `name` whose home is in `homes`.
#[must_use]
pub fn account_in(homes: &Path, name: &str) -> Address {
    identity_in(homes, name).address().clone()
}

fn identity_in(homes: &Path, name: &str) -> Identity {
    let home = Home::at(&homes.join(name));
    if home.identity(name).exists() {
        Identity::load(&home, name, None).unwrap()
    } else {
        Identity::create(&home, name, None, &mut OsEntropy).unwrap()
    }
}
