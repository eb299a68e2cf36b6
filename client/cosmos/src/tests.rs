//! Hostile bytes: whatever a node, a sender or an enclave's messenger writes is refused or means what it did before.

#![allow(clippy::unwrap_used, clippy::panic)]

use crate::fixture::{CONTRACT, Chain, serve};
use crate::json::{
    AbciQuery, BlockResults, Broadcast, Commit, Envelope, Included, Status, Validators,
};
use crate::light::tests::{client, lead};
use crate::{Judged, LightBlock, RowProof, contract_key, secret};
use prag_client::system::OsEntropy;
use prag_fuzz::fuzz;
use prost::Message;
use serde_json::{Value, json};

/// A chain whose contract holds a row, and the state that its newest header commits to.
fn chain() -> Chain {
    let mut chain = Chain::new();
    for row in [b"\x01a", b"\x01c", b"\x01e"] {
        chain.wasm().insert(contract_key(&CONTRACT, row), b"value".to_vec());
    }
    chain.grow(2);
    chain
}

/// Changed proofs do not verify, or prove what was true before; none panics.
#[test]
fn proofs() {
    let mut chain = chain();
    let header = lead(&chain, chain.height());
    for row in [b"\x01c", b"\x01d"] {
        let key = contract_key(&CONTRACT, row);
        let height = (header.height() - 1).to_string();
        let ask = json!({"path": "/store/wasm/key", "data": hex::encode(&key), "height": height});
        let answer = serve::method_of(&mut chain, "abci_query", &ask);
        let answer: AbciQuery = serde_json::from_value(answer).unwrap();
        let good = RowProof::of(answer.response);
        let honest = good.clone().verify(&header, "wasm", &key).unwrap();
        for step in 0..2 {
            fuzz(10, &[good.steps[step].2.clone()], |bytes| {
                let mut proof = good.clone();
                proof.steps[step].2 = bytes.to_vec();
                if let Ok(answer) = proof.verify(&header, "wasm", &key) {
                    assert_eq!(answer, honest);
                }
            });
        }
    }
}

/// Changed headers, commits and validators do not follow, or are the same header; none panics.
#[test]
fn headers() {
    let mut chain = chain();
    let (light, now, top) = (client(&chain), chain.time(), chain.height());
    let honest = lead(&chain, top).hash();
    let mut ask = |method, height: u64| {
        let ask = json!({"height": height.to_string(), "page": "1", "per_page": "100"});
        serde_json::to_vec(&serve::method_of(&mut chain, method, &ask)).unwrap()
    };
    let (commit, now_set) = (ask("commit", top), ask("validators", top));
    let next: Validators = serde_json::from_slice(&ask("validators", top + 1)).unwrap();
    let judge = |commit: &[u8], validators: &[u8]| {
        let Ok(commit) = serde_json::from_slice::<Commit>(commit) else { return };
        let Ok(set) = serde_json::from_slice::<Validators>(validators) else { return };
        let Ok(block) = LightBlock::new(commit.signed_header, &set.validators, &next.validators)
        else {
            return;
        };
        if let Ok(Judged::Follows(follower)) = light.judge(block, now) {
            assert_eq!(light.clone().trust(*follower).hash(), honest);
        }
    };
    // Found by this test: `tendermint`'s own decoder panics on a signature that begins with a space.
    let spaced = String::from_utf8(commit.clone()).unwrap();
    let spaced = spaced.replacen(r#""signature":""#, r#""signature":" "#, 1);
    assert!(serde_json::from_str::<Commit>(&spaced).is_err());
    fuzz(10, std::slice::from_ref(&commit), |bytes| judge(bytes, &now_set));
    fuzz(10, std::slice::from_ref(&now_set), |bytes| judge(&commit, bytes));
}

/// Other answers parse or do not; none panics.
#[test]
fn answers() {
    let good = [
        json!({"result": {"sync_info": {"latest_block_height": "5"}}}),
        json!({"result": {"code": 5, "codespace": "sdk", "log": "x", "data": "", "hash": "AB"}}),
        json!({"result": {"height": "5", "proof": {"proof": {"total": "2", "index": "1", "aunts": [
            "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA="
        ]}}}}),
        json!({"result": {"txs_results": [{"code": 1, "data": "AA==", "gas_wanted": "1", "gas_used": "-1"}]}}),
        json!({"error": {"code": -1, "message": "m", "data": "d"}}),
    ];
    let good: Vec<Vec<u8>> = good.iter().map(|one| serde_json::to_vec(one).unwrap()).collect();
    fuzz(1, &good, |bytes| {
        let _ = serde_json::from_slice::<Envelope<Status>>(bytes);
        let _ = serde_json::from_slice::<Envelope<Broadcast>>(bytes);
        let _ = serde_json::from_slice::<Envelope<Included>>(bytes);
        let _ = serde_json::from_slice::<Envelope<BlockResults>>(bytes);
        let _ = serde_json::from_slice::<Envelope<Value>>(bytes);
    });
}

/// Secret's messages and logs are read or refused, and no changed answer opens.
#[test]
fn sealed_messages() {
    let enclave = secret::Enclave::new(7);
    let code = secret::CodeHash([1; 32]);
    let (sealed, session) =
        secret::Session::seal(&enclave.key(), &code, b"{}", &mut OsEntropy).unwrap();
    let (_, _, theirs) = enclave.open(&sealed.0);
    let answer = theirs.answer(b"{}");
    fuzz(1, std::slice::from_ref(&answer), |bytes| {
        assert!(session.open_query(bytes).is_err() || bytes == answer);
    });
    let log = b"message index: 0: encrypted: AQID: execute contract failed".to_vec();
    let reply = secret::InstantiateReply { address: "a".to_owned(), data: vec![1] }.encode_to_vec();
    fuzz(1, &[log, reply], |bytes| {
        let _ = secret::encrypted_error(&String::from_utf8_lossy(bytes));
        let _ = secret::QueryReply::decode(bytes);
        let _ = secret::ExecuteReply::decode(bytes);
        let _ = secret::InstantiateReply::decode(bytes);
    });
}
