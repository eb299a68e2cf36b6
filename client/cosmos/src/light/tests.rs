//! Made blocks with real signatures, and every way in which one may not follow.

#![allow(clippy::unwrap_used, clippy::panic)]

use super::*;
use crate::fixture::{BLOCK_SECONDS, Chain, sign};

pub(crate) fn client(chain: &Chain) -> LightClient {
    let settings = chain.settings(vec!["http://127.0.0.1:1".to_owned()], 1);
    let mut light = LightClient::new(&settings.network, settings.network.trusted).unwrap();
    let first = light.first(chain.light(2), chain.time()).unwrap();
    light.trust(first);
    light
}

/// The verified header at `height`, led to in one step.
pub(crate) fn lead(chain: &Chain, height: u64) -> VerifiedHeader {
    let mut light = client(chain);
    let Judged::Follows(follower) = light.judge(chain.light(height), chain.time()).unwrap() else {
        panic!("too far");
    };
    light.trust(*follower)
}

fn reason(result: Result<Judged, CosmosError>) -> &'static str {
    match result {
        Err(CosmosError::Header { reason, .. }) => reason,
        other => panic!("{other:?}"),
    }
}

/// The next block and a far one follow; the header says what it said.
#[test]
fn blocks_follow() {
    let mut chain = Chain::new();
    chain.grow(40);
    for height in [3, 20, 43] {
        let header = lead(&chain, height);
        assert_eq!(header.height(), height);
        assert_eq!(header.time(), crate::fixture::time_of(height));
        assert_eq!(Hash::Sha256(header.hash()), chain.signed(height).header.hash());
    }
}

/// The beginning is the block that the settings name, while its time lasts, with its own next validators.
#[test]
fn the_beginning_is_named() {
    let chain = Chain::new();
    let network = chain.settings(vec![], 1).network;
    let light = LightClient::new(&network, network.trusted).unwrap();
    let first = |block, now| light.first(block, now).map(|follower| follower.header.height());
    assert_eq!(first(chain.light(2), chain.time()), Ok(2));
    assert!(matches!(first(chain.light(3), chain.time()), Err(CosmosError::Header { .. })));
    let day = crate::fixture::time_of(2) + 86_400;
    assert_eq!(first(chain.light(2), day - 1), Ok(2));
    assert_eq!(first(chain.light(2), day), Err(CosmosError::Expired(2)));
    let mut other = Chain::new();
    other.elect(&[1, 2]);
    other.grow(2);
    let mixed =
        LightBlock::new(chain.signed(2), &chain.validators(2), &other.validators(5)).unwrap();
    assert!(matches!(first(mixed, chain.time()), Err(CosmosError::Header { .. })));
}

/// What did not happen does not follow: other validators, other content, too few votes, the past, the future.
#[test]
fn forged_blocks_do_not_follow() {
    let mut chain = Chain::new();
    chain.grow(5);
    let (light, now) = (client(&chain), chain.time());

    let mut forged = Chain::new();
    forged.forged = true;
    forged.grow(5);
    assert_eq!(reason(light.judge(forged.light(6), now)), "a signature does not verify");

    let with = |change: fn(&mut tendermint::block::Header)| {
        let mut signed = chain.signed(6);
        change(&mut signed.header);
        LightBlock::new(signed, &chain.validators(6), &chain.validators(7)).unwrap()
    };
    for change in [
        (|h| h.app_hash = vec![9; 32].try_into().unwrap()) as fn(&mut tendermint::block::Header),
        |h| h.time = Time::from_unix_timestamp(crate::fixture::time_of(7) as i64, 0).unwrap(),
        |h| h.data_hash = None,
        |h| h.last_results_hash = None,
    ] {
        assert_eq!(reason(light.judge(with(change), now)), "the commit is of another header");
    }
    let other = with(|h| h.chain_id = "prag-other-1".parse().unwrap());
    assert!(light.judge(other, now).is_err());

    let stale = crate::fixture::time_of(6) - CLOCK_SKEW_SECONDS_MAX - 1;
    assert_eq!(reason(light.judge(chain.light(6), stale)), "it is from the future");
    assert_eq!(reason(light.judge(chain.light(2), now)), "its time is not later");
    let day = crate::fixture::time_of(2) + 86_400;
    assert_eq!(light.judge(chain.light(6), day).unwrap_err(), CosmosError::Expired(2));
}

/// Two thirds of the power have to sign; exactly two thirds are too few.
#[test]
fn two_thirds_have_to_sign() {
    let mut chain = Chain::new();
    chain.grow(5);
    let (light, now) = (client(&chain), chain.time());
    let signed_by = |signers: &[u8]| {
        let header = chain.signed(6).header;
        let validators = chain.validators(6);
        let set = Set::without_proposer(validators.clone());
        LightBlock::new(sign(header, &set, signers), &validators, &chain.validators(7)).unwrap()
    };
    assert!(matches!(light.judge(signed_by(&[1, 2, 3]), now), Ok(Judged::Follows(_))));
    assert!(light.judge(signed_by(&[1, 2]), now).is_err());
    assert!(light.judge(signed_by(&[]), now).is_err());
    assert!(light.judge(signed_by(&[1, 2, 103]), now).is_err(), "one signature is another key's");
}

/// Where the validators changed, a far block is too far; by way of blocks between it follows.
#[test]
fn changed_validators_need_steps() {
    let mut chain = Chain::new();
    chain.elect(&[3, 4, 5, 6]);
    chain.grow(2);
    chain.elect(&[5, 6, 7, 8]);
    chain.grow(6);
    let (mut light, now) = (client(&chain), chain.time());
    let far = chain.height();
    assert!(matches!(light.judge(chain.light(far), now), Ok(Judged::TooFar)));
    for height in 3..=far {
        let Ok(Judged::Follows(follower)) = light.judge(chain.light(height), now) else {
            panic!("height {height}");
        };
        light.trust(*follower);
    }
    assert_eq!(light.height(), far);
}

/// Validators whose addresses are not their keys' are taken by their keys: nobody's vote counts twice.
#[test]
fn addresses_are_not_believed() {
    let mut chain = Chain::new();
    chain.grow(5);
    let (light, now) = (client(&chain), chain.time());
    let honest = chain.validators(6);
    // Two of four sign, and the other two are said to have the address of one who did.
    let set = Set::without_proposer(honest.clone());
    let signed = sign(chain.signed(6).header, &set, &[1, 2]);
    let votes = &signed.commit.signatures;
    let voted = votes.iter().find_map(|vote| vote.validator_address()).unwrap();
    let mut forged = honest.clone();
    for (one, vote) in forged.iter_mut().zip(votes) {
        if !vote.is_commit() {
            one.address = voted;
        }
    }
    assert_ne!(forged, honest);
    let block = LightBlock::new(signed, &forged, &chain.validators(7)).unwrap();
    assert_eq!(reason(light.judge(block, now)), "fewer than two thirds signed it");
}

/// Validators that no chain has are refused before anything is computed with them.
#[test]
fn validators_are_bounded() {
    let chain = Chain::new();
    let one = chain.validators(3)[0].clone();
    let new =
        |validators: &[Info]| LightBlock::new(chain.signed(3), validators, &chain.validators(4));
    assert!(new(&[]).is_err());
    assert!(new(&vec![one.clone(); VALIDATORS_MAX + 1]).is_err());
    let strong = Info { power: (Set::MAX_TOTAL_VOTING_POWER).try_into().unwrap(), ..one };
    assert!(new(&[strong.clone(), strong]).is_err(), "more power than can be");
}

/// Backwards, a header is the one whose hash the next one holds.
#[test]
fn headers_name_the_one_before() {
    let mut chain = Chain::new();
    chain.grow(5);
    let header = lead(&chain, 8);
    let before = header.preceded_by(&chain.signed(7)).unwrap();
    assert_eq!((before.height(), before.time()), (7, header.time() - BLOCK_SECONDS));
    assert!(header.preceded_by(&chain.signed(6)).is_err());
    let mut changed = chain.signed(7);
    changed.header.app_hash = vec![9; 32].try_into().unwrap();
    assert!(header.preceded_by(&changed).is_err());
}
