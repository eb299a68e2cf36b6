//! Made trees in the chain's own format, and every field of a proof made wrong, one at a time.

#![allow(clippy::unwrap_used, clippy::panic)]

use super::*;
use crate::fixture::{CONTRACT, Chain, tree};
use crate::light::tests::lead;
use ics23::{HashOp, InnerOp, LengthOp};

/// A chain whose contract has a few rows, and the header that commits to them.
fn made() -> (Chain, VerifiedHeader) {
    let mut chain = Chain::new();
    for row in [b"\x01a".as_slice(), b"\x01c", b"\x01e", b"\x01g", b"\x01i"] {
        let value = [b"value of ".as_slice(), row].concat();
        chain.wasm().insert(contract_key(&CONTRACT, row), value);
    }
    chain.grow(2);
    let header = lead(&chain, chain.height());
    (chain, header)
}

fn proof(chain: &Chain, header: &VerifiedHeader, key: &[u8]) -> RowProof {
    let height = header.height() - 1;
    let stores = &chain.blocks[usize::try_from(height - 1).unwrap()].stores;
    let steps = vec![
        ("ics23:iavl".to_owned(), key.to_vec(), tree::store_proof(&stores["wasm"], key)),
        ("ics23:simple".to_owned(), b"wasm".to_vec(), tree::app_proof(stores, "wasm")),
    ];
    let value = stores["wasm"].get(key).cloned().unwrap_or_default();
    RowProof { height, value, steps }
}

fn key(row: &[u8]) -> Vec<u8> {
    contract_key(&CONTRACT, row)
}

fn refused(proof: RowProof, header: &VerifiedHeader, key: &[u8]) -> bool {
    matches!(proof.verify(header, "wasm", key), Err(CosmosError::Proof(_)))
}

/// A contract's key is where wasmd puts it.
#[test]
fn golden_key() {
    let expected = ["03", &"07".repeat(32), "0163"].concat();
    assert_eq!(hex::encode(key(b"\x01c")), expected);
}

/// What is there is proven to be, and what is not, at every place among its neighbours.
#[test]
fn honest_proofs_hold() {
    let (chain, header) = made();
    for (row, there) in [
        (b"\x01a", true),
        (b"\x01e", true),
        (b"\x01i", true),
        (b"\x01b", false),
        (b"\x01d", false),
        (b"\x01z", false),
        (b"\x00a", false),
    ] {
        let value = proof(&chain, &header, &key(row)).verify(&header, "wasm", &key(row)).unwrap();
        let expected = there.then(|| [b"value of ".as_slice(), row].concat());
        assert_eq!(value, expected, "{row:?}");
    }
    // Before the first row of the whole store, and after the last.
    for outside in [vec![0], vec![0xff, 0xff]] {
        let value = proof(&chain, &header, &outside).verify(&header, "wasm", &outside).unwrap();
        assert_eq!(value, None);
    }
}

/// Beside rows that are empty a row is proven to be absent, and still cannot be hidden; an empty row is none of ours.
#[test]
fn empty_rows_are_neighbours() {
    let mut chain = Chain::new();
    for (row, value) in [(b"\x01a", &b""[..]), (b"\x01c", b"value"), (b"\x01e", b"")] {
        chain.wasm().insert(key(row), value.to_vec());
    }
    chain.grow(2);
    let header = lead(&chain, chain.height());
    for row in [b"\x01b", b"\x01d", b"\x01f", b"\x00z"] {
        let absent = proof(&chain, &header, &key(row));
        assert_eq!(absent.verify(&header, "wasm", &key(row)), Ok(None), "{row:?}");
    }
    let there = proof(&chain, &header, &key(b"\x01c"));
    assert_eq!(there.verify(&header, "wasm", &key(b"\x01c")), Ok(Some(b"value".to_vec())));
    let mut hidden = proof(&chain, &header, &key(b"\x01c"));
    hidden.value.clear();
    hidden.steps[0].2 = proof(&chain, &header, &key(b"\x01b")).steps[0].2.clone();
    assert!(refused(hidden, &header, &key(b"\x01c")), "its neighbours are no neighbours");
    let empty = proof(&chain, &header, &key(b"\x01a"));
    assert!(refused(empty, &header, &key(b"\x01a")));
}

/// Nothing of an answer can be changed: height, value, kinds, keys, order and number of the steps.
#[test]
fn changed_answers_are_refused() {
    let (chain, header) = made();
    let here = key(b"\x01c");
    type Change = fn(&mut RowProof);
    let changes: [Change; 14] = [
        |p| p.height += 1,
        |p| p.height -= 1,
        |p| p.height = u64::MAX,
        |p| p.value[0] ^= 1,
        |p| p.value.clear(),
        |p| p.value = vec![1; VALUE_BYTES_MAX + 1],
        |p| p.steps[0].0 = "ics23:simple".to_owned(),
        |p| p.steps[1].0 = "ics23:iavl".to_owned(),
        |p| p.steps[0].1.push(0),
        |p| p.steps[1].1 = b"bank".to_vec(),
        |p| p.steps.reverse(),
        |p| p.steps.truncate(1),
        |p| p.steps.push(p.steps[1].clone()),
        |p| p.steps[0].2 = vec![0; PROOF_BYTES_MAX + 1],
    ];
    for (number, change) in changes.into_iter().enumerate() {
        let mut proof = proof(&chain, &header, &here);
        change(&mut proof);
        assert!(refused(proof, &header, &here), "change {number}");
    }
    let good = proof(&chain, &header, &here);
    assert!(good.clone().verify(&header, "bank", &here).is_err(), "another store");
    assert!(refused(good.clone(), &header, &key(b"\x01e")), "another row");
    let later = {
        let mut chain = chain.clone();
        chain.grow(1);
        lead(&chain, chain.height())
    };
    assert!(refused(good, &later, &here), "another header");
}

/// Every byte of both steps matters, of a proof that a row is there and of one that it is not.
#[test]
fn flipped_bits_are_refused() {
    let (chain, header) = made();
    for row in [key(b"\x01c"), key(b"\x01d")] {
        for step in 0..2 {
            let good = proof(&chain, &header, &row);
            let honest = good.clone().verify(&header, "wasm", &row).unwrap();
            for at in 0..good.steps[step].2.len() {
                let mut changed = good.clone();
                changed.steps[step].2[at] ^= 1;
                // A flip in an unused spelling of the same proof may be read the same; it must not change the answer.
                if let Ok(value) = changed.verify(&header, "wasm", &row) {
                    assert_eq!(value, honest, "byte {at} of step {step}");
                }
                let mut cut = good.clone();
                cut.steps[step].2.truncate(at);
                assert!(refused(cut, &header, &row), "cut at {at} of step {step}");
            }
        }
    }
}

/// A row that is there cannot be denied: not by its neighbours, not by farther ones, nor by one side alone.
#[test]
fn rows_cannot_be_hidden() {
    let (chain, header) = made();
    let here = key(b"\x01e");
    let near = |row: &[u8]| {
        let proof = proof(&chain, &header, &key(row));
        match decode(&proof.steps[0].2).unwrap().proof {
            Some(Proof::Exist(there)) => there,
            _ => panic!("a row"),
        }
    };
    let claims = [
        (Some(near(b"\x01c")), Some(near(b"\x01g"))),
        (Some(near(b"\x01a")), Some(near(b"\x01i"))),
        (Some(near(b"\x01c")), None),
        (None, Some(near(b"\x01g"))),
        (None, None),
        (Some(near(b"\x01g")), Some(near(b"\x01c"))),
        (Some(near(b"\x01e")), Some(near(b"\x01g"))),
    ];
    for (number, (left, right)) in claims.into_iter().enumerate() {
        let beside = NonExistenceProof { key: here.clone(), left, right };
        let mut lie = proof(&chain, &header, &here);
        lie.value.clear();
        lie.steps[0].2 = wrap(Proof::Nonexist(beside)).encode_to_vec();
        assert!(refused(lie, &header, &here), "claim {number}");
    }
}

/// Rows of somebody else's contract cannot be read as neighbours of ours, with the front of their keys for a part of the
/// frame: both would hash to the true root, and are neighbours there.
#[test]
fn foreign_rows_are_no_neighbours() {
    let (mut chain, _) = made();
    let here = key(b"\x01e");
    let as_if = [key(b"\x01d"), key(b"\x01f")];
    let rows: Vec<Vec<u8>> = (1..)
        .zip(&as_if)
        .map(|(number, inner)| {
            let length = u8::try_from(inner.len()).unwrap();
            contract_key(&[9; 32], &[&[number, length][..], inner].concat())
        })
        .collect();
    for row in &rows {
        chain.wasm().insert(row.clone(), b"mine".to_vec());
    }
    chain.grow(2);
    let header = lead(&chain, chain.height());
    let mut lie = proof(&chain, &header, &here);
    let forged = rows.iter().zip(&as_if).map(|(row, inner)| {
        let step = proof(&chain, &header, row).steps[0].2.clone();
        let Some(Proof::Exist(mut there)) = decode(&step).unwrap().proof else { panic!("a row") };
        let front = &row[..row.len() - inner.len() - 1];
        let leaf = there.leaf.as_mut().unwrap();
        leaf.prefix.push(u8::try_from(row.len()).unwrap());
        leaf.prefix.extend_from_slice(front);
        there.key = inner.clone();
        there
    });
    let [left, right] = forged.collect::<Vec<_>>().try_into().unwrap();
    let beside = NonExistenceProof { key: here.clone(), left: Some(left), right: Some(right) };
    lie.value.clear();
    lie.steps[0].2 = wrap(Proof::Nonexist(beside)).encode_to_vec();
    assert!(refused(lie, &header, &here), "a row that is there was denied");
}

/// A row that is not there cannot be made up: by another row's proof, another store's tree, or another root.
#[test]
fn rows_cannot_be_made_up() {
    let (chain, header) = made();
    let absent = key(b"\x01d");
    let mut lie = proof(&chain, &header, &key(b"\x01c"));
    lie.steps[0].1 = absent.clone();
    assert!(refused(lie, &header, &absent), "another row's proof");

    let mut forged = chain.clone();
    forged.wasm().insert(absent.clone(), b"granted".to_vec());
    forged.grow(2);
    let height = usize::try_from(header.height() - 2).unwrap();
    forged.blocks[height].stores = forged.stores.clone();
    let lie = proof(&forged, &header, &absent);
    assert_eq!(lie.value, b"granted");
    assert!(refused(lie.clone(), &header, &absent), "another state's whole proof");
    let mut mixed = lie;
    mixed.steps[1] = proof(&chain, &header, &absent).steps[1].clone();
    assert!(refused(mixed, &header, &absent), "another state's tree under the true root");
}

/// A proof that nothing is there does not pass beside a value.
#[test]
fn nothing_has_no_value() {
    let (chain, header) = made();
    let absent = key(b"\x01d");
    let mut proof = proof(&chain, &header, &absent);
    proof.value = vec![1];
    assert!(refused(proof, &header, &absent));
}

/// Each field of each operation is held to the specification.
#[test]
fn operations_keep_to_the_specification() {
    let (chain, header) = made();
    let here = key(b"\x01e");
    type Change = fn(&mut ExistenceProof);
    let changes: [Change; 14] = [
        |p| p.leaf = None,
        |p| p.leaf.as_mut().unwrap().hash = HashOp::Keccak256.into(),
        |p| p.leaf.as_mut().unwrap().prehash_value = HashOp::NoHash.into(),
        |p| p.leaf.as_mut().unwrap().prehash_key = HashOp::Sha256.into(),
        |p| p.leaf.as_mut().unwrap().length = LengthOp::NoPrefix.into(),
        |p| p.leaf.as_mut().unwrap().prefix.push(0),
        |p| p.leaf.as_mut().unwrap().prefix.clear(),
        |p| p.path.clear(),
        |p| p.path[0].hash = HashOp::Sha512.into(),
        |p| p.path[0].prefix.clear(),
        |p| p.path[0].suffix.push(0),
        |p| p.path[0].prefix.insert(0, 0),
        |p| p.path.swap(0, 1),
        |p| p.path.extend(vec![InnerOp::default(); DEPTH_MAX]),
    ];
    for step in 0..2 {
        for (number, change) in changes.into_iter().enumerate() {
            let mut wrong = proof(&chain, &header, &here);
            let Some(Proof::Exist(mut there)) = decode(&wrong.steps[step].2).unwrap().proof else {
                panic!("a row");
            };
            change(&mut there);
            wrong.steps[step].2 = wrap(Proof::Exist(there)).encode_to_vec();
            assert!(refused(wrong, &header, &here), "change {number} of step {step}");
        }
    }
}

/// Ways to the root that never part, of which one ends first, are refused before they are walked.
#[test]
fn ways_that_do_not_part_are_refused() {
    let (chain, header) = made();
    let absent = key(b"\x01d");
    let good = proof(&chain, &header, &absent);
    let Some(Proof::Nonexist(beside)) = decode(&good.steps[0].2).unwrap().proof else {
        panic!("neighbours");
    };
    type Change = fn(&mut NonExistenceProof);
    let changes: [Change; 4] = [
        |p| p.right = p.left.clone(),
        |p| p.left.as_mut().unwrap().path.clear(),
        |p| p.right.as_mut().unwrap().path.clear(),
        |p| {
            let path = p.left.as_ref().unwrap().path.clone();
            p.right.as_mut().unwrap().path = path[1..].to_vec();
        },
    ];
    for (number, change) in changes.into_iter().enumerate() {
        let mut wrong = beside.clone();
        change(&mut wrong);
        let (left, right) = (wrong.left.as_ref().unwrap(), wrong.right.as_ref().unwrap());
        assert_eq!(diverge(left, right), Err(FORM), "change {number}");
        let mut proof = good.clone();
        proof.steps[0].2 = wrap(Proof::Nonexist(wrong)).encode_to_vec();
        assert!(refused(proof, &header, &absent), "change {number}");
    }
}
