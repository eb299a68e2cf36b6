//! One row of a chain's state, proven against a header: what is there, or that nothing is.
//!
//! Layer: `cosmos`, above `light`.
//! Holds: the two steps of a proof: the row in its module's IAVL tree, the tree's root in the application's.
//! Never: compressed or batched proofs, other stores' trees, a header that [`crate::LightClient`] did not verify.
//! Invariant: everything is bounded before it is parsed, and its shape checked before it is hashed.
//!
//! Source: ICS-23 with its IAVL and Tendermint specifications; wasmd keys a contract's storage as
//! `0x03 ‖ address ‖ key`.

use crate::json::{AbciResponse, ProofOp};
use crate::{CosmosError, VerifiedHeader};
use ics23::commitment_proof::Proof;
use ics23::{CommitmentProof, ExistenceProof, HashOp, HostFunctionsManager, NonExistenceProof};
use prost::Message;
use sha2::{Digest, Sha256};

/// What a node says of one row, and how it proves that. Nothing of it is believed before [`RowProof::verify`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RowProof {
    /// Height of the state; the header after it commits to it.
    pub height: u64,
    /// The value; empty where there is no row.
    pub value: Vec<u8>,
    /// The steps, from the row up: kind, key, and a `CommitmentProof` as protobuf.
    pub steps: Vec<(String, Vec<u8>, Vec<u8>)>,
}

impl RowProof {
    /// What a node answered.
    pub(crate) fn of(answer: AbciResponse) -> Self {
        let ops = answer.proof_ops.map(|proof| proof.ops).unwrap_or_default();
        let step = |op: ProofOp| (op.kind, op.key, op.data);
        let steps = ops.into_iter().map(step).collect();
        Self { height: answer.height, value: answer.value, steps }
    }

    /// The value at `key` of `store`, or that there is none, in the state that `header` commits to.
    ///
    /// # Errors
    /// [`CosmosError::Proof`] names the rule that does not hold.
    pub fn verify(
        self,
        header: &VerifiedHeader,
        store: &str,
        key: &[u8],
    ) -> Result<Option<Vec<u8>>, CosmosError> {
        if self.height.checked_add(1) != Some(header.height()) {
            return Err(CosmosError::Proof("it is of another height"));
        }
        if self.value.len() > VALUE_BYTES_MAX {
            return Err(CosmosError::Proof("the value is too long"));
        }
        let [(row_kind, row_key, row), (root_kind, root_key, root)] = self.steps.as_slice() else {
            return Err(CosmosError::Proof("it does not have two steps"));
        };
        if row_kind != ROW_STEP || root_kind != ROOT_STEP {
            return Err(CosmosError::Proof("its steps are of another kind"));
        }
        if row_key != key || root_key != store.as_bytes() {
            return Err(CosmosError::Proof("it is of another row"));
        }
        let tree = tree_root(header.app_hash(), store, root)?;
        match decode(row)?.proof {
            Some(Proof::Exist(there)) => {
                present(there, &tree, key, &self.value)?;
                Ok(Some(self.value))
            }
            Some(Proof::Nonexist(beside)) => {
                if !self.value.is_empty() {
                    return Err(CosmosError::Proof("it shows no row, and there is a value"));
                }
                absent(beside, &tree, key)?;
                Ok(None)
            }
            Some(Proof::Batch(_) | Proof::Compressed(_)) | None => Err(FORM),
        }
    }
}

/// A contract's raw key in wasmd's store.
#[must_use]
pub fn contract_key(contract: &[u8; 32], key: &[u8]) -> Vec<u8> {
    [&[CONTRACT_STORAGE], contract.as_slice(), key].concat()
}

/// The root of a store's tree, as the application's hash commits to it.
fn tree_root(app_hash: &[u8], store: &str, step: &[u8]) -> Result<Vec<u8>, CosmosError> {
    let Some(Proof::Exist(there)) = decode(step)?.proof else {
        return Err(FORM);
    };
    bounded(&there)?;
    let tree = there.value.clone();
    let (proof, spec) = (wrap(Proof::Exist(there)), ics23::tendermint_spec());
    let root = app_hash.to_vec();
    let key = store.as_bytes();
    if tree.len() == HASH_BYTES
        && ics23::verify_membership::<HostFunctionsManager>(&proof, &spec, &root, key, &tree)
    {
        Ok(tree)
    } else {
        Err(CosmosError::Proof("the header does not commit to the store"))
    }
}

fn present(
    there: ExistenceProof,
    tree: &Vec<u8>,
    key: &[u8],
    value: &[u8],
) -> Result<(), CosmosError> {
    bounded(&there)?;
    let (proof, spec) = (wrap(Proof::Exist(there)), ics23::iavl_spec());
    if ics23::verify_membership::<HostFunctionsManager>(&proof, &spec, tree, key, value) {
        Ok(())
    } else {
        Err(CosmosError::Proof("the store does not hold the row"))
    }
}

fn absent(mut beside: NonExistenceProof, tree: &Vec<u8>, key: &[u8]) -> Result<(), CosmosError> {
    beside.left.iter().chain(&beside.right).try_for_each(bounded)?;
    if let (Some(left), Some(right)) = (&beside.left, &beside.right) {
        diverge(left, right)?;
    }
    beside.left.iter().chain(&beside.right).try_for_each(framed)?;
    let mut spec = ics23::iavl_spec();
    beside.left.iter_mut().chain(&mut beside.right).try_for_each(hashed)?;
    spec.leaf_spec.as_mut().ok_or(FORM)?.prehash_value = HashOp::NoHash.into();
    let proof = wrap(Proof::Nonexist(beside));
    if ics23::verify_non_membership::<HostFunctionsManager>(&proof, &spec, tree, key) {
        Ok(())
    } else {
        Err(CosmosError::Proof("the store may hold the row"))
    }
}

/// Puts a neighbour's hash in place of its value, so that the specification need not hash it: what is hashed further up
/// are the same bytes. `ics23` takes no empty value, and the bank has rows of which the key says everything.
fn hashed(neighbour: &mut ExistenceProof) -> Result<(), CosmosError> {
    let leaf = neighbour.leaf.as_mut().ok_or(FORM)?;
    if leaf.prehash_value != i32::from(HashOp::Sha256) {
        return Err(FORM);
    }
    leaf.prehash_value = HashOp::NoHash.into();
    neighbour.value = Sha256::digest(&neighbour.value).to_vec();
    Ok(())
}

/// Each node of a neighbour's way begins as IAVL writes it: height, size and version, then nothing in a leaf, and the
/// children's lengths and hashes above. `ics23` asks this only of the very specification of IAVL, which [`hashed`]
/// departs from. Without it a leaf's own key could be read as a frame with another key behind it.
fn framed(neighbour: &ExistenceProof) -> Result<(), CosmosError> {
    let leaf = neighbour.leaf.as_ref().ok_or(FORM)?;
    let (height, rest) = frame(&leaf.prefix).ok_or(FORM)?;
    if height != 0 || !rest.is_empty() {
        return Err(FORM);
    }
    for (above, step) in (1_u64..).zip(&neighbour.path) {
        let (height, rest) = frame(&step.prefix).ok_or(FORM)?;
        let whole = match rest {
            [LENGTH] => step.suffix.len() == 1 + HASH_BYTES && step.suffix[0] == LENGTH,
            [LENGTH, left @ .., LENGTH] => left.len() == HASH_BYTES && step.suffix.is_empty(),
            _ => false,
        };
        if height < above || step.hash != i32::from(HashOp::Sha256) || !whole {
            return Err(FORM);
        }
    }
    Ok(())
}

/// A node's height, and what follows its three numbers: zigzag varints, none of which is negative.
fn frame(mut prefix: &[u8]) -> Option<(u64, &[u8])> {
    let mut number = || {
        let zigzag = prost::encoding::decode_varint(&mut prefix).ok()?;
        zigzag.is_multiple_of(2).then_some(zigzag / 2)
    };
    let (height, _size, _version) = (number()?, number()?, number()?);
    Some((height, prefix))
}

/// Two neighbours' ways to the root must part somewhere: `ics23` walks down from the root until they do, and panics
/// where one ends before.
fn diverge(left: &ExistenceProof, right: &ExistenceProof) -> Result<(), CosmosError> {
    let down = left.path.iter().rev().zip(right.path.iter().rev());
    let parts = down.into_iter().any(|(a, b)| a.prefix != b.prefix || a.suffix != b.suffix);
    if parts { Ok(()) } else { Err(FORM) }
}

fn decode(step: &[u8]) -> Result<CommitmentProof, CosmosError> {
    if step.len() > PROOF_BYTES_MAX {
        return Err(CosmosError::Proof("a step is too long"));
    }
    CommitmentProof::decode(step).map_err(|_| FORM)
}

fn bounded(proof: &ExistenceProof) -> Result<(), CosmosError> {
    if proof.path.len() <= DEPTH_MAX { Ok(()) } else { Err(CosmosError::Proof("it is too deep")) }
}

fn wrap(proof: Proof) -> CommitmentProof {
    CommitmentProof { proof: Some(proof) }
}

/// Longest step of a proof, bytes: two neighbours with the longest values, and 64 hashes each.
pub const PROOF_BYTES_MAX: usize = 64 << 10;
/// Longest value, bytes: above every record of our contracts; the longest is a chunk of evidence.
const VALUE_BYTES_MAX: usize = 16 << 10;
/// An IAVL tree of 2^44 rows.
const DEPTH_MAX: usize = 64;
const HASH_BYTES: usize = 32;
/// A hash's length, as IAVL writes it before each.
const LENGTH: u8 = 32;
const ROW_STEP: &str = "ics23:iavl";
const ROOT_STEP: &str = "ics23:simple";
/// wasmd's prefix of contracts' storage.
const CONTRACT_STORAGE: u8 = 3;
const FORM: CosmosError = CosmosError::Proof("a step is of another form");

#[cfg(test)]
pub(crate) mod tests;
