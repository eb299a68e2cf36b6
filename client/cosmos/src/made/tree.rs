//! IAVL and multistore trees as the chain writes them, with proofs.
//!
//! Layer: tests.
//! Holds: a balanced tree over sorted rows, and the tree over stores.
//! Never: shortcuts in the bytes that are hashed.
//! Invariant: proofs verify under ICS-23's own specifications.

use ics23::commitment_proof::Proof;
use ics23::{
    CommitmentProof, ExistenceProof, HashOp, InnerOp, LeafOp, LengthOp, NonExistenceProof,
};
use prost::Message;
use sha2::{Digest, Sha256};
use std::collections::BTreeMap;

pub(crate) type State = BTreeMap<Vec<u8>, Vec<u8>>;

fn sha(bytes: &[u8]) -> Vec<u8> {
    Sha256::digest(bytes).to_vec()
}

fn varint(mut value: u64) -> Vec<u8> {
    let mut out = Vec::new();
    loop {
        let [low, ..] = (value & 0x7f).to_le_bytes();
        value >>= 7;
        if value == 0 {
            out.push(low);
            return out;
        }
        out.push(low | 0x80);
    }
}

fn prefixed(bytes: &[u8]) -> Vec<u8> {
    [varint(bytes.len() as u64), bytes.to_vec()].concat()
}

/// IAVL's numbers are signed: zigzag.
fn iavl_numbers(height: u64, size: u64) -> Vec<u8> {
    [varint(height * 2), varint(size * 2), varint(VERSION * 2)].concat()
}

fn leaf_op(prefix: Vec<u8>) -> LeafOp {
    LeafOp {
        hash: HashOp::Sha256.into(),
        prehash_key: HashOp::NoHash.into(),
        prehash_value: HashOp::Sha256.into(),
        length: LengthOp::VarProto.into(),
        prefix,
    }
}

fn leaf_hash(prefix: &[u8], key: &[u8], value: &[u8]) -> Vec<u8> {
    sha(&[prefix, &prefixed(key), &prefixed(&sha(value))].concat())
}

fn inner(prefix: Vec<u8>, suffix: Vec<u8>) -> InnerOp {
    InnerOp { hash: HashOp::Sha256.into(), prefix, suffix }
}

/// The rows of one part of an IAVL tree, sorted.
type Rows<'a> = &'a [(&'a Vec<u8>, &'a Vec<u8>)];

/// Height and hash.
fn iavl(rows: Rows<'_>) -> (u64, Vec<u8>) {
    match rows {
        [] => (0, sha(&[])),
        [(key, value)] => (0, leaf_hash(&iavl_numbers(0, 1), key, value)),
        more => {
            let (left, right) = more.split_at(more.len() / 2);
            let ((high, left), (other, right)) = (iavl(left), iavl(right));
            let height = high.max(other) + 1;
            let numbers = iavl_numbers(height, more.len() as u64);
            (height, sha(&[numbers, prefixed(&left), prefixed(&right)].concat()))
        }
    }
}

fn iavl_path(rows: Rows<'_>, at: usize, path: &mut Vec<InnerOp>) {
    if rows.len() < 2 {
        return;
    }
    let (left, right) = rows.split_at(rows.len() / 2);
    let numbers = iavl_numbers(iavl(rows).0, rows.len() as u64);
    let ((_, left_hash), (_, right_hash)) = (iavl(left), iavl(right));
    if at < left.len() {
        iavl_path(left, at, path);
        path.push(inner([numbers, vec![32]].concat(), prefixed(&right_hash)));
    } else {
        iavl_path(right, at - left.len(), path);
        path.push(inner([numbers, prefixed(&left_hash), vec![32]].concat(), Vec::new()));
    }
}

fn rows(state: &State) -> Vec<(&Vec<u8>, &Vec<u8>)> {
    state.iter().collect()
}

/// The root of a store.
pub(crate) fn store_root(state: &State) -> Vec<u8> {
    iavl(&rows(state)).1
}

fn exists(state: &State, at: usize) -> ExistenceProof {
    let rows = rows(state);
    let mut path = Vec::new();
    iavl_path(&rows, at, &mut path);
    let (key, value) = (rows[at].0.clone(), rows[at].1.clone());
    ExistenceProof { key, value, leaf: Some(leaf_op(iavl_numbers(0, 1))), path }
}

/// That `key` is there, or that its neighbours are neighbours.
pub(crate) fn store_proof(state: &State, key: &[u8]) -> Vec<u8> {
    let at = state.keys().take_while(|one| one.as_slice() < key).count();
    let proof = if state.contains_key(key) {
        Proof::Exist(exists(state, at))
    } else {
        let left = at.checked_sub(1).map(|before| exists(state, before));
        let right = (at < state.len()).then(|| exists(state, at));
        Proof::Nonexist(NonExistenceProof { key: key.to_vec(), left, right })
    };
    CommitmentProof { proof: Some(proof) }.encode_to_vec()
}

fn simple(leaves: &[Vec<u8>]) -> Vec<u8> {
    crate::merkle::root(leaves).to_vec()
}

fn store_leaves(stores: &BTreeMap<String, State>) -> Vec<Vec<u8>> {
    let leaf = |(name, state): (&String, &State)| {
        [prefixed(name.as_bytes()), prefixed(&sha(&store_root(state)))].concat()
    };
    stores.iter().map(leaf).collect()
}

/// What a header commits to.
pub(crate) fn app_hash(stores: &BTreeMap<String, State>) -> Vec<u8> {
    simple(&store_leaves(stores))
}

/// That the application's hash holds the root of `store`.
pub(crate) fn app_proof(stores: &BTreeMap<String, State>, store: &str) -> Vec<u8> {
    let at = stores.keys().position(|name| name == store).unwrap_or_default();
    let mut path = Vec::new();
    simple_path(&store_leaves(stores), at, &mut path);
    let proof = ExistenceProof {
        key: store.as_bytes().to_vec(),
        value: stores.get(store).map(store_root).unwrap_or_default(),
        leaf: Some(leaf_op(vec![0])),
        path,
    };
    CommitmentProof { proof: Some(Proof::Exist(proof)) }.encode_to_vec()
}

fn simple_path(leaves: &[Vec<u8>], at: usize, path: &mut Vec<InnerOp>) {
    if leaves.len() < 2 {
        return;
    }
    let (left, right) = leaves.split_at(leaves.len().next_power_of_two() / 2);
    if at < left.len() {
        simple_path(left, at, path);
        path.push(inner(vec![1], simple(right)));
    } else {
        simple_path(right, at - left.len(), path);
        path.push(inner([vec![1], simple(left)].concat(), Vec::new()));
    }
}

/// The aunts of one leaf of a block's tree, from the leaf up.
pub(crate) fn aunts(leaves: &[Vec<u8>], at: usize) -> Vec<Vec<u8>> {
    if leaves.len() < 2 {
        return Vec::new();
    }
    let (left, right) = leaves.split_at(leaves.len().next_power_of_two() / 2);
    let (mut below, aunt) = if at < left.len() {
        (aunts(left, at), simple(right))
    } else {
        (aunts(right, at - left.len()), simple(left))
    };
    below.push(aunt);
    below
}

const VERSION: u64 = 7;
