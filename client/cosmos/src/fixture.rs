//! A chain in memory: validators that sign, blocks that commit to the contract's state, nodes that answer or lie.
//!
//! Layer: tests; compiled for them alone, so that a release never holds it or its `unwrap`s.
//! Holds: everything that a real node would answer, in its formats.
//! Never: keys or hashes that a client would not check.
//! Invariant: what an honest node serves, the client believes; each lie is one change of an answer.

#![allow(clippy::unwrap_used, clippy::panic)]

pub(crate) mod market;
pub(crate) mod serve;
pub(crate) mod tree;

use crate::proof::contract_key;
use crate::{GasPrice, LightBlock, Network, Settings, TrustedHeader};
use bech32::{Bech32, Hrp};
use cosmrs::proto::cosmwasm::wasm::v1::{CodeInfo, ContractInfo};
use ed25519_dalek::{Signer, SigningKey};
use prag_contracts_core::{Env, Kv, access};
use prag_protocol::Address;
use prag_protocol::ledger::AccessMsg;
use prag_trust::entropy::Clock;
use prost::Message;
use sha2::{Digest, Sha256};
use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tendermint::block::header::Version;
use tendermint::block::parts::Header as Parts;
use tendermint::block::signed_header::SignedHeader;
use tendermint::block::{Commit, CommitSig, Header, Id};
use tendermint::validator::{Info, Set};
use tendermint::vote::{Type, Vote};
use tendermint::{Hash, PublicKey, Signature, Time};
use tree::State;

pub(crate) const CHAIN: &str = "prag-made-1";
pub(crate) const CONTRACT: [u8; 32] = [7; 32];
pub(crate) const CODE_HASH: [u8; 32] = [3; 32];
pub(crate) const BORN: u64 = 1_764_374_400;
pub(crate) const BLOCK_SECONDS: u64 = 5;
pub(crate) const STALENESS: u64 = 60;

/// A clock that tests turn.
pub(crate) struct Now(pub(crate) AtomicU64);

impl Clock for Now {
    fn now(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}

/// Blocks come ten times a second, and the clock follows; until the returned guard is dropped.
pub(crate) fn grower(chain: &Arc<Mutex<Chain>>, clock: &Arc<Now>) -> Grower {
    let (chain, clock) = (Arc::clone(chain), Arc::clone(clock));
    Grower(tokio::spawn(async move {
        let mut ticks = tokio::time::interval(Duration::from_millis(100));
        loop {
            ticks.tick().await;
            let mut chain = chain.lock().unwrap();
            chain.grow(1);
            clock.0.store(chain.time(), Ordering::Relaxed);
        }
    }))
}

/// While it lives, blocks come.
pub(crate) struct Grower(tokio::task::JoinHandle<()>);

impl Drop for Grower {
    fn drop(&mut self) {
        self.0.abort();
    }
}

/// One block and the state that it commits to.
#[derive(Clone)]
pub(crate) struct Block {
    pub(crate) signed: SignedHeader,
    pub(crate) validators: Vec<Info>,
    /// The state that the block's own transactions left: the next header commits to it.
    pub(crate) stores: BTreeMap<String, State>,
    pub(crate) transactions: Vec<(Vec<u8>, serve::Outcome)>,
}

/// The chain.
#[derive(Clone)]
pub(crate) struct Chain {
    /// From height 1.
    pub(crate) blocks: Vec<Block>,
    pub(crate) stores: BTreeMap<String, State>,
    pub(crate) waiting: Vec<Vec<u8>>,
    /// Who signs the next block, and the one after it.
    keys: [Vec<u8>; 2],
    /// Seconds by which blocks are later than their heights say.
    late: u64,
    /// Others sign instead, where a test wants a forged commit.
    pub(crate) forged: bool,
}

pub(crate) fn address(prefix: &str, bytes: &[u8]) -> Address {
    bech32::encode::<Bech32>(Hrp::parse(prefix).unwrap(), bytes).unwrap().parse().unwrap()
}

fn validator(seed: u8) -> SigningKey {
    SigningKey::from_bytes(&[seed; 32])
}

fn info(seed: u8) -> Info {
    let key = PublicKey::from_raw_ed25519(validator(seed).verifying_key().as_bytes()).unwrap();
    Info::new(key, 10_u32.into())
}

fn set(seeds: &[u8]) -> Set {
    Set::without_proposer(seeds.iter().map(|seed| info(*seed)).collect())
}

pub(crate) struct Slice<'a>(pub(crate) &'a mut State);

impl Kv for Slice<'_> {
    fn get(&self, key: &[u8]) -> Option<Vec<u8>> {
        self.0.get(&contract_key(&CONTRACT, key)).cloned()
    }
    fn put(&mut self, key: &[u8], value: &[u8]) {
        self.0.insert(contract_key(&CONTRACT, key), value.to_vec());
    }
    fn delete(&mut self, key: &[u8]) {
        self.0.remove(&contract_key(&CONTRACT, key));
    }
}

impl Chain {
    /// A chain with the contract and nothing in it, three blocks long.
    pub(crate) fn new() -> Self {
        let mut wasm = State::new();
        let info = ContractInfo { code_id: 1, ..ContractInfo::default() };
        wasm.insert([&[2], CONTRACT.as_slice()].concat(), info.encode_to_vec());
        let code = CodeInfo { code_hash: CODE_HASH.to_vec(), ..CodeInfo::default() };
        wasm.insert([&[1], 1_u64.to_be_bytes().as_slice()].concat(), code.encode_to_vec());
        wasm.insert(vec![0xff], vec![1]);
        let acc = State::from([(vec![0], vec![1]), (vec![0xff], vec![1])]);
        let bank = State::from([(vec![1], vec![1])]);
        let zeta = bank.clone();
        let stores = [("acc", acc), ("bank", bank), ("wasm", wasm), ("zeta", zeta)];
        let stores = stores.into_iter().map(|(name, state)| (name.to_owned(), state)).collect();
        let keys = [vec![1, 2, 3, 4], vec![1, 2, 3, 4]];
        let mut chain =
            Self { blocks: Vec::new(), stores, waiting: Vec::new(), keys, late: 0, forged: false };
        chain.grow(3);
        chain
    }

    pub(crate) fn wasm(&mut self) -> &mut State {
        self.stores.get_mut("wasm").unwrap()
    }

    /// Runs a message in the block that comes next.
    pub(crate) fn run(&mut self, sender: &Address, message: AccessMsg) {
        let env = Env { height: self.height() + 1, time: time_of(self.height() + 1) };
        access::execute(&mut Slice(self.wasm()), &env, sender, message).unwrap();
    }

    pub(crate) fn height(&self) -> u64 {
        self.blocks.len() as u64
    }

    /// The time of the newest block.
    pub(crate) fn time(&self) -> u64 {
        time_of(self.height()) + self.late
    }

    /// The next block, and those after it, come this much later.
    pub(crate) fn leap(&mut self, seconds: u64) {
        self.late += seconds;
        self.grow(2);
    }

    /// From the block after the next on, others sign.
    pub(crate) fn elect(&mut self, seeds: &[u8]) {
        self.keys[1] = seeds.to_vec();
    }

    /// Adds blocks.
    pub(crate) fn grow(&mut self, count: u64) {
        for _ in 0..count {
            self.block();
        }
    }

    fn block(&mut self) {
        let height = self.height() + 1;
        let before = self.blocks.last();
        // The first header commits to the state of before the first block.
        let app_hash = tree::app_hash(before.map_or(&self.stores, |block| &block.stores));
        let results: Vec<Vec<u8>> = before
            .map(|block| block.transactions.iter().map(|(_, outcome)| outcome.leaf()).collect())
            .unwrap_or_default();
        let waiting = std::mem::take(&mut self.waiting);
        let hashes: Vec<Vec<u8>> =
            waiting.iter().map(|bytes| Sha256::digest(bytes).to_vec()).collect();
        let last = before.map(|block| block.signed.commit.block_id);
        let [now, next] = self.keys.clone();
        let header = Header {
            version: Version { block: 11, app: 0 },
            chain_id: CHAIN.parse().unwrap(),
            height: height.try_into().unwrap(),
            time: Time::from_unix_timestamp((time_of(height) + self.late) as i64, 0).unwrap(),
            last_block_id: last,
            last_commit_hash: Some(Hash::Sha256([1; 32])),
            data_hash: Some(Hash::Sha256(crate::merkle::root(&hashes))),
            validators_hash: set(&now).hash(),
            next_validators_hash: set(&next).hash(),
            consensus_hash: Hash::Sha256([2; 32]),
            app_hash: app_hash.try_into().unwrap(),
            last_results_hash: Some(Hash::Sha256(crate::merkle::root(&results))),
            evidence_hash: Some(Hash::Sha256([4; 32])),
            proposer_address: info(now[0]).address,
        };
        let signers: Vec<u8> =
            if self.forged { now.iter().map(|seed| seed + 100).collect() } else { now.clone() };
        let signed = sign(header, &set(&now), &signers);
        let outcomes = waiting.into_iter().map(|bytes| {
            let outcome = serve::run(&mut self.stores, height, &bytes);
            (bytes, outcome)
        });
        let transactions = outcomes.collect();
        let validators = set(&now).validators().clone();
        self.keys[0] = next;
        let stores = self.stores.clone();
        self.blocks.push(Block { signed, validators, stores, transactions });
    }

    pub(crate) fn signed(&self, height: u64) -> SignedHeader {
        self.blocks[(height - 1) as usize].signed.clone()
    }

    pub(crate) fn validators(&self, height: u64) -> Vec<Info> {
        let at = (height - 1) as usize;
        let next = || set(&self.keys[0]).validators().clone();
        self.blocks.get(at).map_or_else(next, |block| block.validators.clone())
    }

    pub(crate) fn light(&self, height: u64) -> LightBlock {
        let (now, next) = (self.validators(height), self.validators(height + 1));
        LightBlock::new(self.signed(height), &now, &next).unwrap()
    }

    /// Settings that trust this chain's second block.
    pub(crate) fn settings(&self, nodes: Vec<String>, agree: usize) -> Settings {
        let Hash::Sha256(hash) = self.signed(2).header.hash() else { panic!("a hash") };
        let network = Network {
            chain_id: CHAIN.to_owned(),
            prefix: "wasm".to_owned(),
            nodes,
            agree,
            trusted: TrustedHeader { height: 2, hash },
            trusting_period_s: 86_400,
            staleness_s: STALENESS,
            gas_price: GasPrice { micro: 25_000, denom: "ustake".to_owned() },
        };
        Settings { network, contract: address("wasm", &CONTRACT), code_hash: CODE_HASH }
    }
}

pub(crate) fn time_of(height: u64) -> u64 {
    BORN + height * BLOCK_SECONDS
}

/// Signs `header` with the keys of `signers`, in the order of the set.
pub(crate) fn sign(header: Header, set: &Set, signers: &[u8]) -> SignedHeader {
    let part_set_header = Parts::new(1, Hash::Sha256([5; 32])).unwrap();
    let block_id = Id { hash: header.hash(), part_set_header };
    let (height, chain) = (header.height, header.chain_id.clone());
    let signatures = set.validators().iter().enumerate().map(|(index, one)| {
        let timestamp = header.time;
        let vote = Vote {
            vote_type: Type::Precommit,
            height,
            round: 0_u16.into(),
            block_id: Some(block_id),
            timestamp: Some(timestamp),
            validator_address: one.address,
            validator_index: index.try_into().unwrap(),
            signature: None,
            extension: Vec::new(),
            extension_signature: None,
        };
        let key = signers
            .iter()
            .map(|seed| (seed % 100, seed))
            .find(|(own, _)| info(*own).address == one.address);
        let Some((_, seed)) = key else { return CommitSig::BlockIdFlagAbsent };
        let signature = validator(*seed).sign(&vote.into_signable_vec(chain.clone()));
        let signature = Signature::new(signature.to_bytes()).unwrap();
        CommitSig::BlockIdFlagCommit { validator_address: one.address, timestamp, signature }
    });
    let commit = Commit { height, round: 0_u16.into(), block_id, signatures: signatures.collect() };
    SignedHeader::new(header, commit).unwrap()
}
