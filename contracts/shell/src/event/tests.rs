#![allow(clippy::unwrap_used, clippy::panic)]

use super::happened;
use crate::std::testing::mock_env;
use crate::std::{Addr, Env};

fn at(contract: &str) -> Env {
    let mut env = mock_env();
    env.contract.address = Addr::unchecked(contract);
    env
}

/// Frozen: owners find their own collections' events by this hash, made by an independent program.
#[cfg(not(feature = "secret"))]
#[test]
fn golden_blinded_id() {
    let attributes = happened(&at("cosmwasm1contract"), "granted", Some(&[0xc0; 16]));
    assert_eq!((attributes[0].key.as_str(), attributes[0].value.as_str()), ("action", "granted"));
    assert_eq!(attributes[1].key, "collection");
    assert_eq!(attributes[1].value, "39ca0573578b1fc2d0f5f069180a6fea");
    let other = happened(&at("cosmwasm1other"), "granted", Some(&[0xc0; 16]));
    assert_ne!(attributes[1].value, other[1].value, "instances are apart");
}

#[test]
fn what_has_no_id_shows_none() {
    assert_eq!(happened(&at("cosmwasm1contract"), "anchored", None).len(), 1);
}
