//! What is refused over the channel, each by its code, with every balance as it was.

use crate::stage::{FAUCET, Stage, coins};
use prag_client::identity::Purpose;
use prag_protocol::ledger::bank::{BankMsg, BankQuery, BankReply};
use prag_protocol::ledger::market::MarketQuery;
use prag_protocol::ledger::subscription::{SubscriptionMsg, SubscriptionQuery};
use prag_protocol::problem::Code;
use prag_tests::{ask, code, json};

/// Too little money, the wrong price, somebody else's mint, a second faucet, an address with a typing error: nothing moves.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn refusals_move_no_money() {
    let stage = Stage::start().await;
    stage.rich(&stage.reader).await;
    let account = stage.lab.account("reader");
    let supply = stage.supply().await;
    let short = stage.fund(&stage.reader, FAUCET + 1).await.unwrap_err();
    let plan = SubscriptionMsg::Subscribe { plan: 9 };
    let absent = stage.subscription(&stage.reader, plan, 500).await.unwrap_err();
    let again = stage.reader.bank(BankMsg::Faucet {}).await.unwrap_err();
    let coin = coins(5)[0].clone();
    let mint = BankMsg::Mint { to: account.clone(), coin: coin.clone() };
    let minted = stage.reader.bank(mint).await.unwrap_err();
    let typo = BankMsg::Send { to: "secret1nobody".parse().unwrap(), coin };
    let lost = stage.reader.bank(typo).await.unwrap_err();
    for (refused, expected) in [
        (short, Code::FundsShort),
        (absent, Code::LedgerRefused),
        (again, Code::LedgerRefused),
        (minted, Code::LedgerRefused),
        (lost, Code::InvalidField),
    ] {
        assert_eq!(refused.code(), Some(expected), "{refused}");
    }
    assert_eq!((stage.has(&account).await, stage.supply().await), (FAUCET, supply));
}

/// A permit for data moves no money and shows nothing private; a balance and a subscription are their account's.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_private_takes_an_own_permit() {
    let stage = Stage::start().await;
    stage.rich(&stage.reader).await;
    let body = br#"{"message":{"bank":{"faucet":{}}}}"#;
    let refused = ask(&stage.owner, Purpose::Data, &json("POST", "/v1/ledger/execute", body)).await;
    assert_eq!(code(&refused), Code::PermissionMissing);

    let account = stage.lab.account("reader");
    let balance = BankQuery::Balance { account: account.clone(), denom: "uprag".parse().unwrap() };
    let balance = MarketQuery::Bank(balance);
    let other = stage.owner.query_market::<BankReply>(&balance).await.unwrap_err();
    assert_eq!(other.code(), Some(Code::LedgerRefused));
    let own: BankReply = stage.reader.query_market(&balance).await.unwrap();
    assert_eq!(own, BankReply::Balance(FAUCET));

    let own = SubscriptionQuery::SubscriptionWithPermit {
        subscriber: account,
        permit: prag_protocol::ledger::market::OfRequest {},
    };
    let own = MarketQuery::Subscription(own);
    let other = stage.owner.query_market::<serde_json::Value>(&own).await.unwrap_err();
    assert_eq!(other.code(), Some(Code::LedgerRefused));
    assert!(stage.reader.query_market::<serde_json::Value>(&own).await.is_ok());
    let text = serde_json::to_vec(&own).unwrap();
    let data = ask(&stage.reader, Purpose::Data, &json("POST", "/v1/ledger/query", &text)).await;
    assert_eq!(code(&data), Code::LedgerRefused);
}

/// Another one than the owner learns nothing of what a collection was read.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn royalties_are_shown_to_the_owner() {
    let stage = Stage::start().await;
    let refused = stage.reader.royalty(0, stage.id).await.unwrap_err();
    assert_eq!(refused.code(), Some(Code::Forbidden));
    assert_eq!(stage.owner.royalty(0, stage.id).await.unwrap(), None);
}
