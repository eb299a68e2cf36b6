#![allow(clippy::unwrap_used)]

use super::{InstantiateMsg, SecretMsg};
use prag_protocol::ledger::rewards::RewardsMsg;

/// A message of the ledger is spelled on Secret as everywhere, and what the ledger refuses is refused.
#[test]
fn the_ledgers_messages_keep_their_spelling() {
    let worker = "worker1x".parse().unwrap();
    for message in [
        RewardsMsg::Fund {},
        RewardsMsg::AcceptAdmin {},
        RewardsMsg::CloseEpoch { epoch: 7 },
        RewardsMsg::Claim { epoch: 7, royalty: None },
        RewardsMsg::SetAdmin { admin: worker },
    ] {
        let json = serde_json::to_string(&message).unwrap();
        let read: SecretMsg = serde_json::from_str(&json).unwrap();
        assert_eq!(serde_json::to_string(&read).unwrap(), json);
        assert_eq!(read, SecretMsg::Ledger(message));
    }
    for bad in [
        r#"{"fund":{"more":1}}"#,
        r#"{"found":{}}"#,
        r#"{"fund":{},"sweep":{"epoch":1}}"#,
        r#"{"claim_royalty":{"epoch":1}}"#,
        r#""fund""#,
        "{}",
        "[]",
    ] {
        assert!(serde_json::from_str::<SecretMsg>(bad).is_err(), "{bad}");
    }
    assert!(serde_json::from_str::<InstantiateMsg>("{}").is_err());
}
