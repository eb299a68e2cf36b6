//! Verdicts that hold for a while: the vendors' signatures over the very same bytes.
//!
//! Layer: `trust::evidence`, over `hardware`.
//! Holds: what [`HardwareVerifier::examine`] found, by a hash over evidence, collateral, policy and policy epoch.
//! Never: a refusal, a nonce, a binding, a decision of the policy about an image: each is made anew for each call.
//! Invariant: a verdict serves the bytes and the policy it was made for, and for at most [`VERDICT_SECONDS_MAX`].
//!
//! Evidence over a fresh nonce is new bytes each time and never hits; this is for evidence that is shown again, by a
//! reader that renews its session or by a SecretVM. Dates of certificates and collateral are those of the first look:
//! what runs out meanwhile is still taken until the verdict is too old.

use super::secret_vm::{self, ConnectionKey};
use super::{
    Binding, Evidence, EvidenceError, Examined, HardwareVerifier, Policy, Reader, ReaderBinding,
    ReaderPolicy, Verifier, Worker,
};
use crate::encoding::digest;
use crate::verified::Verified;
use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

/// A [`HardwareVerifier`] that remembers what it examined.
#[derive(Debug, Default)]
pub struct CachedVerifier {
    verifier: HardwareVerifier,
    verdicts: Mutex<Verdicts>,
}

/// By key, with the second at which each was made.
#[derive(Debug, Default)]
struct Verdicts(HashMap<[u8; 32], (u64, Examined)>);

impl CachedVerifier {
    /// Over `verifier`, whose roots are part of every verdict.
    #[must_use]
    pub fn new(verifier: HardwareVerifier) -> Self {
        Self { verifier, verdicts: Mutex::default() }
    }

    /// As [`HardwareVerifier::examine`], or what it said of the same bytes a short while ago.
    fn examined(
        &self,
        evidence: &Evidence,
        policy: &Policy,
        now: u64,
    ) -> Result<Examined, EvidenceError> {
        let key = key(evidence, policy);
        if let Some(known) = self.verdicts().get(&key, now) {
            return Ok(known.clone());
        }
        // Not under the lock: others need not wait for signatures that they did not ask for.
        let examined = self.verifier.examine(evidence, policy, now)?;
        self.verdicts().put(key, now, examined.clone());
        Ok(examined)
    }

    fn verdicts(&self) -> MutexGuard<'_, Verdicts> {
        self.verdicts.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Verifier for CachedVerifier {
    fn verify(
        &self,
        evidence: &Evidence,
        binding: &Binding,
        policy: &Policy,
        now: u64,
    ) -> Result<Verified<Worker>, EvidenceError> {
        self.examined(evidence, policy, now)?.worker(evidence, binding, policy)
    }

    fn verify_secret_vm(
        &self,
        evidence: &Evidence,
        said: &Binding,
        connection: &ConnectionKey,
        policy: &Policy,
        now: u64,
    ) -> Result<Verified<Worker>, EvidenceError> {
        secret_vm::admit(evidence, policy)?;
        let examined = self.examined(evidence, policy, now)?;
        secret_vm::bound(&examined, evidence, said, connection, policy)
    }

    fn verify_reader(
        &self,
        evidence: &Evidence,
        binding: &ReaderBinding,
        policy: &ReaderPolicy,
        now: u64,
    ) -> Result<Verified<Reader>, EvidenceError> {
        let examined = self.examined(evidence, &policy.rules(), now)?;
        examined.reader(evidence, binding, policy, now)
    }

    fn image(
        &self,
        evidence: &Evidence,
        binding: &Binding,
        now: u64,
    ) -> Result<[u8; 32], EvidenceError> {
        self.verifier.image(evidence, binding, now)
    }
}

impl Verdicts {
    /// A verdict from the future is none: somebody set the clock back.
    fn get(&self, key: &[u8; 32], now: u64) -> Option<&Examined> {
        let (made, examined) = self.0.get(key)?;
        fresh(*made, now).then_some(examined)
    }

    fn put(&mut self, key: [u8; 32], now: u64, examined: Examined) {
        if self.0.len() >= VERDICTS_MAX && !self.0.contains_key(&key) {
            self.0.retain(|_, (made, _)| fresh(*made, now));
        }
        if self.0.len() >= VERDICTS_MAX
            && !self.0.contains_key(&key)
            && let Some(oldest) = self.0.iter().min_by_key(|(_, (made, _))| *made)
        {
            let oldest = *oldest.0;
            self.0.remove(&oldest);
        }
        self.0.insert(key, (now, examined));
    }
}

fn fresh(made: u64, now: u64) -> bool {
    now.checked_sub(made).is_some_and(|age| age <= VERDICT_SECONDS_MAX)
}

/// [`Evidence::hash`] covers the collateral, [`Policy::digest`] the epoch; it stands here once more, by its name.
fn key(evidence: &Evidence, policy: &Policy) -> [u8; 32] {
    let parts = [&evidence.hash()[..], &policy.digest(), &policy.epoch.to_be_bytes()];
    digest("PRAG-VERDICT/v1", &parts)
}

/// How long a verdict serves, seconds.
pub const VERDICT_SECONDS_MAX: u64 = 600;
/// Most verdicts at once; the oldest goes first.
pub const VERDICTS_MAX: usize = 1024;

#[cfg(test)]
mod tests;
