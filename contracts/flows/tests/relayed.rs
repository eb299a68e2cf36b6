//! Messages that their account signed and somebody else sends, among accounts and contracts.
#![allow(clippy::unwrap_used, clippy::panic, clippy::arithmetic_side_effects)]

use cosmwasm_std::{Coin, to_json_binary, to_json_vec};
use cw_multi_test::IntoAddr;
use prag_access::{ExecuteMsg, OwnMsg};
use prag_contracts_flows::Network;
use prag_contracts_flows::relay::{Pass, PassOn};
use prag_contracts_permit::testing::{Person, relayed};
use prag_contracts_permit::{Expected, RelayTerms};
use prag_protocol::CollectionId;
use prag_protocol::ledger::{AccessMsg, AccessQuery, AccessReply, CollectionRecord};

const COLLECTION: CollectionId = CollectionId([0xc0; 16]);

fn owner(network: &Network) -> Person {
    Person::new(1, network.access.as_str()).unwrap()
}

/// The owner's message under its permit for administration.
fn signed(network: &Network, sequence: u64, message: &AccessMsg) -> ExecuteMsg {
    let chain_id = network.app.block_info().chain_id;
    let expected = Expected { chain_id: &chain_id, contract: network.access.as_str() };
    let owner = owner(network);
    let permit = owner.permit(&expected, &["prag_admin"], 2_000_000_000).unwrap();
    let terms = RelayTerms { sequence, until: network.now() + 60 };
    let text = to_json_vec(message).unwrap();
    ExecuteMsg::Own(OwnMsg::Relayed(Box::new(relayed(&owner, &expected, permit, terms, &text))))
}

fn create() -> AccessMsg {
    AccessMsg::CreateCollection { collection: COLLECTION, commitment: [1; 32], epoch: 1 }
}

fn rotate(epoch: u32) -> AccessMsg {
    AccessMsg::RotateEpoch { collection: COLLECTION, epoch, commitment: [2; 32] }
}

fn record(network: &Network) -> Option<CollectionRecord> {
    match network.asked(&AccessQuery::Collection { collection: COLLECTION }).unwrap() {
        AccessReply::Collection(record) => record,
        other => panic!("{other:?}"),
    }
}

fn pass(network: &Network, message: &ExecuteMsg, may_fail: bool) -> Pass {
    Pass { to: network.access.clone(), message: to_json_binary(message).unwrap(), may_fail }
}

/// The owner signs, a payer sends; the collection is the owner's, and the payer has no part in it.
#[test]
fn the_sender_pays_and_owns_nothing() {
    let mut network = Network::new().unwrap();
    let contract = network.access.clone();
    let message = signed(&network, 1, &create());
    network.tell("payer", &contract, &message, &[]).unwrap();
    assert_eq!(record(&network).unwrap().owner, owner(&network).address);
    let refused = network.access("payer", &rotate(2)).unwrap_err();
    assert_eq!(refused, "the collection is absent or not the sender's");
    let again = network.tell("payer", &contract, &message, &[]).unwrap_err();
    assert_eq!(again, "sequence must be above 1, the last of this session");
    // Whoever reads along may send it as well, and it happens once all the same.
    let message = signed(&network, 2, &rotate(2));
    network.tell("anybody", &contract, &message, &[]).unwrap();
    network.tell("payer", &contract, &message, &[]).unwrap_err();
    assert_eq!(record(&network).unwrap().epoch, 2);
}

/// It dies after its minutes, unsent.
#[test]
fn an_unsent_message_dies() {
    let mut network = Network::new().unwrap();
    let contract = network.access.clone();
    let message = signed(&network, 1, &create());
    network.wait(60);
    let refused = network.tell("payer", &contract, &message, &[]).unwrap_err();
    assert_eq!(refused, "until must be 1 to 300 seconds after the last block");
    assert_eq!(record(&network), None);
    let message = signed(&network, 1, &create());
    network.tell("payer", &contract, &message, &[]).unwrap();
}

/// A contract between that catches a refusal finds no sequence used up; a transaction that fails later takes it back.
#[test]
fn a_sequence_moves_with_its_message() {
    let mut network = Network::new().unwrap();
    let (relay, contract) = (network.relay.clone(), network.access.clone());
    let (first, early) = (signed(&network, 1, &create()), signed(&network, 2, &rotate(3)));
    let (same, next) = (signed(&network, 2, &rotate(2)), signed(&network, 3, &rotate(3)));
    let all = PassOn(vec![
        pass(&network, &first, false),
        pass(&network, &early, true),
        pass(&network, &same, false),
    ]);
    network.tell("payer", &relay, &all, &[]).unwrap();
    assert_eq!(record(&network).unwrap().epoch, 2);

    let all = PassOn(vec![pass(&network, &next, false), pass(&network, &same, false)]);
    let refused = network.tell("payer", &relay, &all, &[]).unwrap_err();
    assert_eq!(refused, "sequence must be above 3, the last of this session");
    assert_eq!(record(&network).unwrap().epoch, 2, "all of it is undone");
    network.tell("payer", &contract, &next, &[]).unwrap();
    assert_eq!(record(&network).unwrap().epoch, 3);
}

/// Another instance of the same code is another contract, and coins stay with their sender.
#[test]
fn a_message_is_for_one_contract_and_takes_no_coins() {
    let mut network = Network::new().unwrap();
    let other = network.another().unwrap();
    let message = signed(&network, 1, &create());
    let refused = network.tell("payer", &other, &message, &[]).unwrap_err();
    assert_eq!(refused, "permit is for another contract");
    let (contract, coins) = (network.access.clone(), [Coin::new(5_u128, "uscrt")]);
    let refused = network.tell("rich", &contract, &message, &coins).unwrap_err();
    assert_eq!(refused, "this message takes no funds");
    assert_eq!(network.has(&"rich".into_addr()), 1_000_000);
    assert_eq!(record(&network), None);
}
