//! The light client: from one header that the owner trusts to the newest, by the validators' signatures.
//!
//! Layer: `cosmos`, above `error` and `settings`.
//! Holds: what a block must show, one step of trust, and the header that has been verified.
//! Never: nodes (the caller fetches), a clock of its own, a header without two thirds of its validators.
//! Invariant: a [`VerifiedHeader`] follows from the owner's trusted header, within the trusting period.
//!
//! Source: CometBFT's light client specification, skipping verification; the predicates are
//! `tendermint-light-client-verifier`'s.

use crate::{CosmosError, Network, TrustedHeader};
use prag_protocol::limits::CLOCK_SKEW_SECONDS_MAX;
use std::time::Duration;
use tendermint::block::signed_header::SignedHeader;
use tendermint::validator::{Info, Set};
use tendermint::{Hash, Time, chain};
use tendermint_light_client_verifier::errors::VerificationErrorDetail;
use tendermint_light_client_verifier::options::Options;
use tendermint_light_client_verifier::types::{
    TrustThreshold, TrustedBlockState, UntrustedBlockState,
};
use tendermint_light_client_verifier::{ProdVerifier, Verdict, Verifier};

/// A header with its commit, and the validators of it and of the next: what nodes say, not yet believed.
#[derive(Clone, Debug)]
pub struct LightBlock {
    signed: SignedHeader,
    validators: Set,
    next: Set,
}

/// A header that the validators signed. Only [`LightClient`] makes one.
///
/// ```compile_fail,E0451
/// let forged = prag_cosmos::VerifiedHeader {
///     height: 1, time: 0, app_hash: vec![], hash: [0; 32], before: None, data_hash: None, results_hash: None,
/// };
/// ```
///
/// ```
/// fn height(header: &prag_cosmos::VerifiedHeader) -> u64 { header.height() }
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct VerifiedHeader {
    height: u64,
    time: u64,
    app_hash: Vec<u8>,
    hash: [u8; 32],
    before: Option<[u8; 32]>,
    data_hash: Option<[u8; 32]>,
    results_hash: Option<[u8; 32]>,
}

/// What a block was judged to be.
#[derive(Debug)]
pub enum Judged {
    /// It follows from the trusted one.
    Follows(Box<Follower>),
    /// Too few of the validators that are trusted signed it: try a block between.
    TooFar,
}

/// A block that follows from a trusted one. Only [`LightClient::judge`] and [`LightClient::first`] make one.
#[derive(Debug)]
pub struct Follower {
    block: LightBlock,
    header: VerifiedHeader,
}

/// The newest block that is trusted, and the rules.
#[derive(Clone, Debug)]
pub struct LightClient {
    chain: chain::Id,
    options: Options,
    start: TrustedHeader,
    trusted: Option<LightBlock>,
}

impl LightBlock {
    /// A block as nodes show it. Names and addresses of validators are not taken over: their keys give both.
    ///
    /// # Errors
    /// [`CosmosError::Header`] for more validators or votes than there can be.
    pub fn new(
        signed: SignedHeader,
        validators: &[Info],
        next: &[Info],
    ) -> Result<Self, CosmosError> {
        let height = signed.header.height.value();
        let validators = set(height, validators)?;
        let next = set(height, next)?;
        Ok(Self { signed, validators, next })
    }

    /// Its height.
    #[must_use]
    pub fn height(&self) -> u64 {
        self.signed.header.height.value()
    }

    fn header(&self) -> Result<VerifiedHeader, CosmosError> {
        let header = &self.signed.header;
        let height = self.height();
        let hash = bytes(header.hash()).ok_or(refused(height, "it has no hash"))?;
        let time = u64::try_from(header.time.unix_timestamp())
            .map_err(|_| refused(height, "its time is before 1970"))?;
        Ok(VerifiedHeader {
            height,
            time,
            app_hash: header.app_hash.as_bytes().to_vec(),
            hash,
            before: header.last_block_id.and_then(|id| bytes(id.hash)),
            data_hash: header.data_hash.and_then(bytes),
            results_hash: header.last_results_hash.and_then(bytes),
        })
    }
}

impl VerifiedHeader {
    /// Its height. It commits to the state that the block before it left.
    #[must_use]
    pub fn height(&self) -> u64 {
        self.height
    }

    /// When two thirds had agreed on the block before it: Unix seconds.
    #[must_use]
    pub fn time(&self) -> u64 {
        self.time
    }

    /// The block's hash.
    #[must_use]
    pub fn hash(&self) -> [u8; 32] {
        self.hash
    }

    /// The root of the application's state.
    pub(crate) fn app_hash(&self) -> &[u8] {
        &self.app_hash
    }

    /// The root over the block's transactions.
    pub(crate) fn data_hash(&self) -> Option<[u8; 32]> {
        self.data_hash
    }

    /// The root over the results of the block before.
    pub(crate) fn results_hash(&self) -> Option<[u8; 32]> {
        self.results_hash
    }

    /// The header before this one, if `block` is it: its hash is in this header. No signature is needed.
    ///
    /// # Errors
    /// [`CosmosError::Header`] where it is another.
    pub(crate) fn preceded_by(&self, block: &SignedHeader) -> Result<Self, CosmosError> {
        let height = block.header.height.value();
        let none = Set::without_proposer(Vec::new());
        let block = LightBlock { signed: block.clone(), validators: none.clone(), next: none };
        let header = block.header()?;
        if Some(header.hash) == self.before && height.checked_add(1) == Some(self.height) {
            Ok(header)
        } else {
            Err(refused(height, "it is not the one before"))
        }
    }
}

impl LightClient {
    /// Trusts nothing yet but the header that `start` names.
    ///
    /// # Errors
    /// [`CosmosError::Setting`].
    pub fn new(network: &Network, start: TrustedHeader) -> Result<Self, CosmosError> {
        let chain = network.chain_id.parse().map_err(|_| CosmosError::Setting("chain_id"))?;
        let options = Options {
            trust_threshold: TrustThreshold::ONE_THIRD,
            trusting_period: Duration::from_secs(network.trusting_period_s),
            clock_drift: Duration::from_secs(CLOCK_SKEW_SECONDS_MAX),
        };
        Ok(Self { chain, options, start, trusted: None })
    }

    /// Height of the newest trusted block; of the one in the settings before the first.
    #[must_use]
    pub fn height(&self) -> u64 {
        self.trusted.as_ref().map_or(self.start.height, LightBlock::height)
    }

    /// The newest trusted block's header; `None` before the first.
    pub(crate) fn header(&self) -> Option<Result<VerifiedHeader, CosmosError>> {
        self.trusted.as_ref().map(LightBlock::header)
    }

    /// Whether `block` is the one to begin with, by its hash.
    ///
    /// # Errors
    /// [`CosmosError::Header`] for another block; [`CosmosError::Expired`] where its time to lead on is over.
    pub fn first(&self, block: LightBlock, now: u64) -> Result<Follower, CosmosError> {
        let header = block.header()?;
        let TrustedHeader { height, hash } = self.start;
        if (header.height, header.hash) != (height, hash) {
            return Err(refused(header.height, "another one is trusted"));
        }
        if block.signed.header.chain_id != self.chain {
            return Err(refused(height, "it is of another chain"));
        }
        if block.signed.header.next_validators_hash != block.next.hash() {
            return Err(refused(height, "its next validators are others"));
        }
        if now.saturating_sub(header.time) >= self.options.trusting_period.as_secs() {
            return Err(CosmosError::Expired(height));
        }
        Ok(Follower { block, header })
    }

    /// Whether a later `block` follows from the trusted one, at Unix second `now`.
    ///
    /// # Errors
    /// [`CosmosError::Header`] names what does not hold; [`CosmosError::Expired`].
    pub fn judge(&self, block: LightBlock, now: u64) -> Result<Judged, CosmosError> {
        let height = block.height();
        let trusted = self.trusted.as_ref().ok_or(refused(height, "nothing is trusted yet"))?;
        let now = i64::try_from(now).ok().and_then(|now| Time::from_unix_timestamp(now, 0).ok());
        let now = now.ok_or(refused(height, "the clock is out of range"))?;
        let before = &trusted.signed.header;
        let trusted = TrustedBlockState {
            chain_id: &self.chain,
            header_time: before.time,
            height: before.height,
            next_validators: &trusted.next,
            next_validators_hash: before.next_validators_hash,
        };
        let untrusted = UntrustedBlockState {
            signed_header: &block.signed,
            validators: &block.validators,
            next_validators: Some(&block.next),
        };
        let verifier = ProdVerifier::default();
        match verifier.verify_update_header(untrusted, trusted, &self.options, now) {
            Verdict::Success => {
                let header = block.header()?;
                Ok(Judged::Follows(Box::new(Follower { block, header })))
            }
            Verdict::NotEnoughTrust(_) => Ok(Judged::TooFar),
            Verdict::Invalid(VerificationErrorDetail::NotWithinTrustPeriod(_)) => {
                Err(CosmosError::Expired(before.height.value()))
            }
            Verdict::Invalid(detail) => Err(refused(height, name(&detail))),
        }
    }

    /// Trusts a block from now on, and no earlier one.
    pub fn trust(&mut self, follower: Follower) -> VerifiedHeader {
        self.trusted = Some(follower.block);
        follower.header
    }
}

fn set(height: u64, validators: &[Info]) -> Result<Set, CosmosError> {
    let wrong = |reason| refused(height, reason);
    if validators.is_empty() || validators.len() > VALIDATORS_MAX {
        return Err(wrong("it has no validators, or too many"));
    }
    // `Set` panics beyond its own bound.
    let power = validators.iter().try_fold(0u64, |sum, one| sum.checked_add(one.power.value()));
    if power.is_none_or(|power| power > Set::MAX_TOTAL_VOTING_POWER) {
        return Err(wrong("its validators have too much power"));
    }
    // Votes are found by address and counted once verified: an address that is not the key's own would count twice.
    let own = |one: &Info| Info::new(one.pub_key, one.power);
    Ok(Set::without_proposer(validators.iter().map(own).collect()))
}

fn bytes(hash: Hash) -> Option<[u8; 32]> {
    match hash {
        Hash::Sha256(bytes) => Some(bytes),
        Hash::None => None,
    }
}

fn name(detail: &VerificationErrorDetail) -> &'static str {
    use VerificationErrorDetail as D;
    match detail {
        D::HeaderFromTheFuture(_) => "it is from the future",
        D::InsufficientSignersOverlap(_) => "fewer than two thirds signed it",
        D::InvalidSignature(_) => "a signature does not verify",
        D::InvalidCommitValue(_) => "the commit is of another header",
        D::InvalidNextValidatorSet(_) => "its next validators are others",
        D::InvalidValidatorSet(_) => "its validators are others",
        D::NonIncreasingHeight(_) => "it is not later",
        D::ChainIdMismatch(_) => "it is of another chain",
        D::NonMonotonicBftTime(_) => "its time is not later",
        _ => "it breaks a rule of the protocol",
    }
}

fn refused(height: u64, reason: &'static str) -> CosmosError {
    CosmosError::Header { height, reason }
}

/// Most validators of a chain.
pub(crate) const VALIDATORS_MAX: usize = 500;

#[cfg(test)]
pub(crate) mod tests;
