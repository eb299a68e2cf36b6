//! Permits that verified, so that a session's next request costs no signature of its wallet's again.
//!
//! Layer: `trust::permit`.
//! Holds: what [`Permit::verify`] found, by a hash over the permit's bytes, the chain and the contract.
//! Never: a refusal; what a permit cannot show by itself: whether it was revoked, and what its account may do, is asked
//! of the ledger for every request ([`crate::admission`]).
//! Invariant: an answer is what verifying these bytes now would answer; time is compared anew each time.

use super::{Delegation, Expected, PERMIT_BYTES_MAX, Permit, PermitError};
use crate::encoding::digest;
use crate::verified::Verified;
use std::collections::{HashMap, VecDeque};
use std::sync::{Mutex, MutexGuard, PoisonError};

/// What verified before, at most [`PERMITS_MAX`] permits of about 400 bytes each.
#[derive(Default)]
pub struct PermitCache(Mutex<Known>);

#[derive(Default)]
struct Known {
    delegations: HashMap<[u8; 32], Kept>,
    /// Oldest first; may name some that are gone.
    order: VecDeque<[u8; 32]>,
}

/// What a permit says, and what it was verified for.
#[derive(Clone)]
struct Kept {
    delegation: Delegation,
    expected: Expected,
}

impl PermitCache {
    /// As [`Permit::from_json`] and [`Permit::verify`] at Unix second `now`.
    ///
    /// # Errors
    /// As they; nothing is kept then.
    pub fn verify(
        &self,
        permit: &[u8],
        now: u64,
        expected: &Expected,
    ) -> Result<Verified<Delegation>, PermitError> {
        if permit.len() > PERMIT_BYTES_MAX {
            return Err(PermitError::TooLarge("permit"));
        }
        let name = name_of(permit, expected);
        if let Some(known) = self.known_as(&name, now, expected)? {
            return Ok(known);
        }
        // Not under the lock: others need not wait for this signature.
        let verified = Permit::from_json(permit)?.verify(now, expected)?;
        let kept = Kept { delegation: Delegation::clone(&verified), expected: expected.clone() };
        self.known().keep(name, kept);
        Ok(verified)
    }

    /// What a permit that verified here, and has this name ([`Permit::known_as`]), says at Unix second `now`; none where
    /// it is not known (any more), or was made for another chain or contract.
    ///
    /// # Errors
    /// [`PermitError::Expired`].
    pub fn known_as(
        &self,
        name: &[u8; 32],
        now: u64,
        expected: &Expected,
    ) -> Result<Option<Verified<Delegation>>, PermitError> {
        let mut known = self.known();
        let kept = known.delegations.get(name).filter(|kept| kept.expected == *expected);
        let Some(Kept { delegation, .. }) = kept else { return Ok(None) };
        if delegation.expires <= now {
            known.delegations.remove(name);
            return Err(PermitError::Expired);
        }
        Ok(Some(Verified::new(delegation.clone())))
    }

    fn known(&self) -> MutexGuard<'_, Known> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Known {
    fn keep(&mut self, name: [u8; 32], kept: Kept) {
        if self.delegations.insert(name, kept).is_some() {
            return;
        }
        self.order.push_back(name);
        while self.order.len() > PERMITS_MAX {
            let oldest = self.order.pop_front();
            oldest.and_then(|name| self.delegations.remove(&name));
        }
    }
}

/// By what a permit of these bytes is known where it must name `expected`.
pub(crate) fn name_of(permit: &[u8], expected: &Expected) -> [u8; 32] {
    let (chain, contract) = (expected.chain_id.as_bytes(), expected.contract.as_bytes());
    digest(DOMAIN, &[permit, chain, contract])
}

/// Permits at one time; whoever's was pushed out is verified once more.
pub const PERMITS_MAX: usize = 4096;
const DOMAIN: &str = "PRAG-PERMIT-KNOWN/v1";

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::panic)]
    use super::*;
    use crate::address::WalletKey;
    use crate::permit::{Permissions, PermitParams};

    const NOW: u64 = 1_800_000_000;

    fn expected() -> Expected {
        Expected { chain_id: "chain-1".to_owned(), contract: "secret1contract".to_owned() }
    }

    fn permit(session: u8, expires: u64) -> Vec<u8> {
        let wallet = WalletKey::from_bytes(&[7; 32]).unwrap();
        let key = crate::address::SessionKey::from_bytes(&[session; 32]).public_key();
        let params = PermitParams::new(&expected(), &key, Permissions::Query, expires);
        Permit::sign(&wallet, params).unwrap().to_json().unwrap()
    }

    /// What is known answers as a fresh look would, for these bytes, this chain and this contract alone.
    #[test]
    fn a_known_permit_answers_as_a_fresh_one() {
        let cache = PermitCache::default();
        let permit = permit(1, NOW + 10);
        let fresh = Permit::from_json(&permit).unwrap().verify(NOW, &expected()).unwrap();
        for _ in 0..2 {
            assert!(cache.verify(&permit, NOW, &expected()).unwrap() == fresh);
        }
        assert_eq!(cache.known().delegations.len(), 1);
        let chain = Expected { chain_id: "chain-2".to_owned(), ..expected() };
        assert_eq!(cache.verify(&permit, NOW, &chain).unwrap_err(), PermitError::Chain);
        let contract = Expected { contract: "secret1other".to_owned(), ..expected() };
        assert_eq!(cache.verify(&permit, NOW, &contract).unwrap_err(), PermitError::Contract);
        let forged = String::from_utf8(permit.clone()).unwrap().replace("chain-1", "chain-2");
        let refused = cache.verify(forged.as_bytes(), NOW, &chain).unwrap_err();
        assert_eq!(refused, PermitError::Signature);
        assert_eq!(cache.known().delegations.len(), 1, "no refusal is kept");
    }

    /// By its name answers what verified here, for this chain and contract, until its second; nothing else.
    #[test]
    fn a_name_answers_for_what_verified() {
        let cache = PermitCache::default();
        let bytes = permit(1, NOW + 10);
        let name = Permit::from_json(&bytes).unwrap().known_as(&expected()).unwrap();
        assert!(cache.known_as(&name, NOW, &expected()).unwrap().is_none());
        let fresh = cache.verify(&bytes, NOW, &expected()).unwrap();
        assert!(cache.known_as(&name, NOW, &expected()).unwrap().unwrap() == fresh);
        let chain = Expected { chain_id: "chain-2".to_owned(), ..expected() };
        assert!(cache.known_as(&name, NOW, &chain).unwrap().is_none());
        assert_ne!(name, Permit::from_json(&bytes).unwrap().known_as(&chain).unwrap());
        let refused = cache.known_as(&name, NOW + 10, &expected()).unwrap_err();
        assert_eq!(refused, PermitError::Expired);
        assert!(cache.known_as(&name, NOW, &expected()).unwrap().is_none(), "it is gone");
    }

    /// A permit that is known ends in its second, and is forgotten.
    #[test]
    fn a_known_permit_expires() {
        let cache = PermitCache::default();
        let permit = permit(1, NOW + 10);
        assert!(cache.verify(&permit, NOW + 9, &expected()).is_ok());
        let refused = cache.verify(&permit, NOW + 10, &expected()).unwrap_err();
        assert_eq!(refused, PermitError::Expired);
        assert!(cache.known().delegations.is_empty());
        let refused = cache.verify(&permit, NOW + 10, &expected()).unwrap_err();
        assert_eq!(refused, PermitError::Expired);
    }

    /// The oldest gives way, and the bound holds.
    #[test]
    fn the_bound_holds() {
        let mut known = Known::default();
        let permit = permit(1, NOW + 10);
        let delegation = Permit::from_json(&permit).unwrap().verify(NOW, &expected()).unwrap();
        let kept = Kept { delegation: delegation.into_inner(), expected: expected() };
        for number in 0..=PERMITS_MAX {
            let mut name = [0; 32];
            name[..8].copy_from_slice(&number.to_be_bytes());
            known.keep(name, kept.clone());
        }
        assert_eq!((known.delegations.len(), known.order.len()), (PERMITS_MAX, PERMITS_MAX));
        assert!(!known.delegations.contains_key(&[0; 32]));
    }
}
