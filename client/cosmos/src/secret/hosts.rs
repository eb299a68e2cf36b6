//! Owners' words for this worker, by collection.
//!
//! Layer: `cosmos::secret`.
//! Holds: for each collection the word of its owner, as the contract confirmed it, while it holds.
//! Never: the word of whom the contract does not show to own the collection: nobody pushes an owner's word out.
//! Invariant: a word that does not hold any more is not shown.

use prag_client::introduction::Introduction;
use prag_protocol::CollectionId;
use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

/// The words that are held.
#[derive(Default)]
pub(crate) struct Hosts(Mutex<HashMap<CollectionId, Introduction>>);

impl Hosts {
    /// From Unix second `now` on, `word` is that of the owner of `collection`.
    pub(crate) fn keep(&self, collection: CollectionId, word: Introduction, now: u64) {
        let mut hosts = self.lock();
        hosts.retain(|_, word| word.until > now);
        if hosts.len() < HOSTS_MAX || hosts.contains_key(&collection) {
            hosts.insert(collection, word);
        }
    }

    /// The word of the owner of `collection`, if it gave one that holds at `now`, and for as long as a question takes.
    pub(crate) fn of(&self, collection: CollectionId, now: u64) -> Option<Introduction> {
        let holds = |word: &&Introduction| word.until > now.saturating_add(SPARE_SECONDS);
        self.lock().get(&collection).filter(holds).cloned()
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<CollectionId, Introduction>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Most collections that are asked about by their owner's word at one time.
const HOSTS_MAX: usize = 1024;
/// A word that ends within this time may have ended when the contract looks at it.
const SPARE_SECONDS: u64 = 30;

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::panic)]
    use super::*;
    use prag_trust::address::{SessionKey, WalletKey};
    use prag_trust::permit::{Expected, Permissions, Permit, PermitParams};

    fn word(until: u64) -> Introduction {
        let wallet = WalletKey::from_bytes(&[1; 32]).unwrap();
        let key = SessionKey::from_bytes(&[2; 32]);
        let contract = wallet.address().as_str().to_owned();
        let expected = Expected { chain_id: "c-1".to_owned(), contract };
        let params = PermitParams::new(&expected, &key.public_key(), Permissions::Admin, 9000);
        let permit = Permit::sign(&wallet, params).unwrap();
        Introduction::sign(&key, &permit, &expected, &wallet.address(), &[3; 32], until).unwrap()
    }

    /// A word is shown for its own collection, until shortly before it ends.
    #[test]
    fn words_end() {
        let (hosts, mine) = (Hosts::default(), CollectionId([1; 16]));
        hosts.keep(mine, word(1240), 1000);
        assert!(hosts.of(mine, 1209).is_some() && hosts.of(mine, 1210).is_none());
        assert!(hosts.of(CollectionId([2; 16]), 1000).is_none());
        hosts.keep(mine, word(1300), 1000);
        assert!(hosts.of(mine, 1269).is_some(), "a newer word counts");
    }

    /// However many words come, they are bounded, and those that ended make room.
    #[test]
    fn words_are_bounded() {
        let hosts = Hosts::default();
        let id = |n: u16| {
            let mut id = [0; 16];
            id[..2].copy_from_slice(&n.to_be_bytes());
            CollectionId(id)
        };
        let word = word(1240);
        (0..1030).for_each(|n| hosts.keep(id(n), word.clone(), 1000));
        assert!(hosts.of(id(1023), 1000).is_some() && hosts.of(id(1024), 1000).is_none());
        let late = Introduction { until: 2000, ..word };
        hosts.keep(id(1024), late, 1240);
        assert!(hosts.of(id(1024), 1240).is_some());
    }
}
