//! The bytes are those that secretjs 1.22.1 writes for the same fields (`vectors/secret.js`).

#![allow(clippy::unwrap_used, clippy::panic)]

use super::*;

fn coin() -> Coin {
    Coin { denom: "uscrt".to_owned(), amount: "5".to_owned() }
}

/// Every message is laid out as others lay it out, and has its type's name.
#[test]
fn golden_protobuf() {
    let sealed = || Sealed(vec![9, 8, 7]);
    let mut execute = MsgExecuteContract::new([1; 20], [2; 20], sealed());
    execute.contract = vec![2; 32];
    execute.sent_funds = vec![coin()];
    let expected =
        ["0a14", &"01".repeat(20), "1220", &"02".repeat(32), "1a030908072a0a0a057573637274120135"];
    assert_eq!(hex::encode(execute.encode_to_vec()), expected.concat());
    assert_eq!(MsgExecuteContract::type_url(), "/secret.compute.v1beta1.MsgExecuteContract");

    let make = MsgInstantiateContract::new([1; 20], 7, "prag".to_owned(), sealed());
    let expected = ["0a14", &"01".repeat(20), "18072204707261672a03090807"];
    assert_eq!(hex::encode(make.encode_to_vec()), expected.concat());
    let name = "/secret.compute.v1beta1.MsgInstantiateContract";
    assert_eq!(MsgInstantiateContract::type_url(), name);

    let query =
        QueryContract { contract_address: "secret1contract".to_owned(), query: vec![9, 8, 7] };
    let text = hex::encode(query.encode_to_vec());
    assert_eq!(text, "0a0f73656372657431636f6e74726163741203090807");
}

/// Replies that others wrote read back.
#[test]
fn golden_replies() {
    let data = [1, 2];
    assert_eq!(QueryReply::decode(&b"\x0a\x02\x01\x02"[..]).unwrap().data, data);
    assert_eq!(ExecuteReply::decode(&b"\x0a\x02\x01\x02"[..]).unwrap().data, data);
    let bytes = hex::decode("0a0f73656372657431636f6e747261637412020102").unwrap();
    let made = InstantiateReply::decode(&bytes[..]).unwrap();
    assert_eq!((made.address.as_str(), made.data), ("secret1contract", data.to_vec()));
}

/// A sealed error is found in both spellings of the chain, and nowhere else.
#[test]
fn errors_are_found_in_logs() {
    let log =
        "failed to execute message; message index: 0: encrypted: AQID: execute contract failed";
    assert_eq!(encrypted_error(log), Some(vec![1, 2, 3]));
    let through =
        "message index: 0: dispatch: submessages: encrypted: AQI=: reply to contract failed";
    assert_eq!(encrypted_error(through), Some(vec![1, 2]));
    assert_eq!(encrypted_error("query contract failed: encrypted: AQID"), Some(vec![1, 2, 3]));
    for other in ["out of gas", "encrypted: ", "encrypted: A", "encrypted: ü", ""] {
        assert_eq!(encrypted_error(other), None, "{other}");
    }
}
