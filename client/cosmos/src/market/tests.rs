//! The market over a made chain: in either spelling, by proof, and nobody's message without its sender's own
//! transaction.

#![allow(clippy::unwrap_used, clippy::panic)]

use crate::fixture::market::{World, wallet};
use crate::fixture::serve::honest;
use crate::fixture::{self, CODE_HASH, CONTRACT, address};
use crate::{CosmosLedger, MarketContracts, Pinned};
use prag_client::ledger::{Ledger, LedgerError};
use prag_contracts_core::workers;
use prag_protocol::Address;
use prag_protocol::ledger::bank::{BankMsg, BankQuery, BankReply, Coin};
use prag_protocol::ledger::market::{MarketMsg, MarketQuery, MarketReply, OfRequest};
use prag_protocol::ledger::rewards::RewardsMsg;
use prag_protocol::ledger::subscription::SubscriptionQuery;
use prag_protocol::ledger::transaction::{SignedTransaction, TransactionTerms};
use prag_protocol::ledger::workers::{WorkersQuery, WorkersReply};
use prag_trust::address::WalletKey;

fn ours() -> Address {
    WalletKey::from_bytes(&[14; 32]).unwrap().address()
}

fn there() -> Address {
    address("wasm", &prag_client::border::bytes(&ours()).unwrap())
}

/// A chain with the market, and money of somebody's.
fn world() -> World {
    World::new(&there(), Some(&there()), |chain| {
        let bytes = prag_client::border::bytes(&ours()).unwrap();
        let bank = chain.stores.get_mut("bank").unwrap();
        bank.insert([&[2, 20], bytes.as_slice(), b"ustake"].concat(), b"70".to_vec());
        bank.insert([&[0], b"ustake".as_slice()].concat(), b"1000".to_vec());
    })
}

impl World {
    async fn alone(&self) -> CosmosLedger {
        let node = honest(&self.chain).await;
        let settings = self.chain.lock().unwrap().settings(vec![node], 1);
        CosmosLedger::open(settings, None, &wallet(), self.clock.clone()).unwrap()
    }

    async fn ledger(&self, code_hash: [u8; 32]) -> CosmosLedger {
        let pinned = || Pinned { contract: address("wasm", &CONTRACT), code_hash };
        let (workers, subscription, rewards) = (pinned(), pinned(), pinned());
        let contracts = MarketContracts { workers, subscription, rewards };
        self.alone().await.with_market(contracts).unwrap()
    }
}

fn balance(account: Address) -> MarketQuery {
    MarketQuery::Bank(BankQuery::Balance { account, denom: "ustake".parse().unwrap() })
}

/// Questions are answered by proof, whoever is named in whichever spelling, and answers are in the chain's.
#[tokio::test]
async fn questions_take_either_spelling() {
    let world = world();
    let ledger = world.ledger(CODE_HASH).await;
    assert!(ledger.has_market());
    assert_eq!((ledger.spelled(&ours()), ledger.spelled(&there())), (there(), there()));
    for account in [ours(), there()] {
        assert!(ledger.is_account(&account));
        let reply = ledger.query_market(None, balance(account.clone())).await.unwrap();
        assert_eq!(reply, MarketReply::Bank(BankReply::Balance(70)));
        let live = WorkersQuery::GetLivelinessChallenge { worker: account };
        let asked = ledger.query_market(None, MarketQuery::Workers(live)).await.unwrap();
        let MarketReply::Workers(WorkersReply::Challenge(live)) = asked else {
            panic!("{asked:?}")
        };
        let window = live.window;
        assert_eq!(live.challenge, workers::challenge("made/contract", &there(), window));
    }
    let other = address("osmo", &[5; 20]);
    assert!(!ledger.is_account(&other) && !ledger.is_account(&"secret1nobody".parse().unwrap()));
    let supply = MarketQuery::Bank(BankQuery::Supply { denom: "ustake".parse().unwrap() });
    let reply = ledger.query_market(None, supply).await.unwrap();
    assert_eq!(reply, MarketReply::Bank(BankReply::Supply(1000)));
    let asked = ledger.query_market(None, MarketQuery::Bank(BankQuery::Config {})).await.unwrap();
    let MarketReply::Bank(BankReply::Config(config)) = asked else { panic!("{asked:?}") };
    assert_eq!((config.operator, config.faucet), (there(), None));
}

/// What a permit opens is for whom it names: the caller itself or the admin, and nobody else.
#[tokio::test]
async fn private_answers_are_for_their_account() {
    let world = world();
    let ledger = world.ledger(CODE_HASH).await;
    let ask = |subscriber: Address| {
        let permit = OfRequest {};
        let query = SubscriptionQuery::SubscriptionWithPermit { subscriber, permit };
        MarketQuery::Subscription(query)
    };
    let stranger = wallet().address();
    assert!(ledger.query_market(Some(&stranger), ask(stranger.clone())).await.is_ok());
    assert!(ledger.query_market(Some(&ours()), ask(stranger.clone())).await.is_ok(), "the admin");
    for caller in [None, Some(&stranger)] {
        let told = ledger.query_market(caller, ask(ours())).await;
        assert!(matches!(told, Err(LedgerError::Refused(_))), "{told:?}");
    }
}

/// Another sender's message goes only in a transaction that names this sender and this contract; a word that is none,
/// or of somebody else, is refused before anything is sent.
#[tokio::test]
async fn senders_bring_their_own_transactions() {
    let world = world();
    let ledger = world.ledger(CODE_HASH).await;
    let fund = || MarketMsg::Rewards(Box::new(RewardsMsg::Fund {}));
    let terms = |sender: Address, to: Address| TransactionTerms {
        chain_id: fixture::CHAIN.to_owned(),
        sender,
        to,
        account_number: 1,
        sequence: 0,
        timeout_height: 20,
        gas: 1,
        fee: 0,
        fee_denom: "ustake".to_owned(),
    };
    let word = |terms| {
        let signed = SignedTransaction { terms, public_key: "02".repeat(33), signature: [1; 64] };
        serde_json::to_vec(&signed).unwrap()
    };
    let contract = address("wasm", &CONTRACT);
    let foreign = address("wasm", &[5; 20]);
    let long = vec![b' '; 5000];
    for bad in [
        Vec::new(),
        b"{}".to_vec(),
        long,
        word(terms(foreign.clone(), contract.clone())),
        word(terms(there(), foreign)),
    ] {
        let told = ledger.execute_market(&ours(), &bad, fund(), &[]).await;
        assert!(matches!(told, Err(LedgerError::Refused(_))), "{told:?}");
    }
    let mut old = terms(there(), contract);
    old.timeout_height = 1;
    let told = ledger.execute_market(&ours(), &word(old), fund(), &[]).await;
    assert!(matches!(told, Err(LedgerError::Unavailable(_))), "{told:?}");
    let faucet = MarketMsg::Bank(BankMsg::Faucet {});
    let told = ledger.execute_market(&wallet().address(), &[], faucet, &[]).await;
    assert!(matches!(told, Err(LedgerError::Refused(_))), "{told:?}");
    let coin = Coin { denom: "ustake".parse().unwrap(), amount: 5_u128.try_into().unwrap() };
    let send = MarketMsg::Bank(BankMsg::Send { to: ours(), coin: coin.clone() });
    for (message, funds) in [(send, vec![coin.clone()]), (fund(), vec![coin.clone(), coin])] {
        let told = ledger.execute_market(&wallet().address(), &[], message, &funds).await;
        assert!(matches!(told, Err(LedgerError::Refused(_))), "{told:?}");
    }
    assert!(world.chain.lock().unwrap().waiting.is_empty(), "nothing was sent");
}

/// Without the settings there is no market; other code than they name is never asked or told.
#[tokio::test]
async fn contracts_are_those_of_the_settings() {
    let world = world();
    let none = world.alone().await;
    assert!(!none.has_market());
    let told = none.query_market(None, MarketQuery::Contracts {}).await;
    assert_eq!(told.err(), Some(LedgerError::NoMarket));
    let other = world.ledger([4; 32]).await;
    let ask = MarketQuery::Workers(WorkersQuery::Config {});
    let told = other.query_market(None, ask).await;
    assert!(
        matches!(told, Err(LedgerError::Unavailable(ref text)) if text.contains("other code")),
        "{told:?}"
    );
    let fund = MarketMsg::Rewards(Box::new(RewardsMsg::Fund {}));
    let told = other.execute_market(&wallet().address(), &[], fund, &[]).await;
    assert!(matches!(told, Err(LedgerError::Unavailable(_))), "{told:?}");
    let pinned = |contract| Pinned { contract, code_hash: CODE_HASH };
    let contract = || address("wasm", &CONTRACT);
    let contracts = MarketContracts {
        workers: pinned(contract()),
        subscription: pinned(contract()),
        rewards: pinned(address("osmo", &CONTRACT)),
    };
    assert!(world.alone().await.with_market(contracts).is_err(), "of another chain");
}
