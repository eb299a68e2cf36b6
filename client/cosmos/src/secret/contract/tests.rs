//! Enclaves that answer, through nodes that pass on, change, replay or withhold.

#![allow(clippy::unwrap_used, clippy::panic)]

use super::*;
use crate::fixture::serve::{ENCLAVE, Lie, honest, put_sequence, serve};
use crate::fixture::{Chain, Now, address, grower};
use crate::secret::Enclave;
use base64::{Engine, engine::general_purpose::STANDARD};
use cosmrs::Any;
use cosmrs::proto::cosmos::base::abci::v1beta1::TxMsgData;
use prag_client::border::Border;
use prag_client::system::OsEntropy;
use serde_json::json;
use std::sync::Mutex;
use std::sync::atomic::AtomicU64;

const CODE: [u8; 32] = [0xab; 32];

/// Answers a query in the network's enclave: `say` makes an answer or refusal of the question.
fn enclave(say: impl Fn(&[u8]) -> Result<Vec<u8>, String> + Send + Sync + 'static) -> Lie {
    answering(ENCLAVE, move |session, question| match say(question) {
        Ok(answer) => Ok(session.answer(&answer)),
        Err(text) => Err(format!(
            "encrypted: {}: query contract failed",
            STANDARD.encode(session.error(&text))
        )),
    })
}

fn answering(
    seed: u8,
    say: impl Fn(&Session, &[u8]) -> Result<Vec<u8>, String> + Send + Sync + 'static,
) -> Lie {
    Arc::new(move |method, parameters, truth| {
        if method != "abci_query" || parameters["path"] != QUERY_PATH {
            return Some(truth);
        }
        let data = hex::decode(parameters["data"].as_str().unwrap()).unwrap();
        let ask = QueryContract::decode(data.as_slice()).unwrap();
        let (code, question, session) = Enclave::new(seed).open(&ask.query);
        assert_eq!(code, hex::encode(CODE));
        Some(json!({"response": match say(&session, &question) {
            Ok(data) => {
                let value = QueryReply { data }.encode_to_vec();
                json!({"code": 0, "value": STANDARD.encode(value), "height": "0"})
            }
            Err(log) => json!({"code": 6, "codespace": "compute", "log": log}),
        }}))
    })
}

/// A contract over nodes of these kinds.
async fn contract(lies: Vec<Lie>, agree: usize) -> SecretContract {
    let chain = Chain::new();
    let time = chain.time();
    let chain = Arc::new(Mutex::new(chain));
    let mut nodes = Vec::new();
    for lie in lies {
        nodes.push(serve(&chain, lie).await);
    }
    let network = chain.lock().unwrap().settings(nodes, agree).network;
    let wallet = WalletKey::from_bytes(&[13; 32]).unwrap();
    let clock = Arc::new(Now(AtomicU64::new(time)));
    let (code, key) = (CodeHash(CODE), Enclave::new(ENCLAVE).key());
    SecretContract::open(network, address("wasm", &[9; 20]), code, key, &wallet, clock).unwrap()
}

fn echo() -> Lie {
    enclave(|question| Ok([b"[".as_slice(), question, b"]"].concat()))
}

fn old() -> Lie {
    enclave(|_| Ok(b"\"old\"".to_vec()))
}

fn refuses() -> Lie {
    enclave(|_| Err(r#"{"generic_err":{"msg":"no"}}"#.to_owned()))
}

fn silent() -> Lie {
    Arc::new(|_, _, _| None)
}

async fn ask(lies: Vec<Lie>, agree: usize) -> Result<String, CosmosError> {
    let answer = contract(lies, agree).await.ask(b"{}", &mut OsEntropy).await;
    answer.map(|bytes| String::from_utf8(bytes).unwrap())
}

/// What as many enclaves say as must is the answer, or the contract's refusal in its own words.
#[tokio::test]
async fn enough_nodes_agree() {
    assert_eq!(ask(vec![echo()], 1).await.unwrap(), "[{}]");
    assert_eq!(ask(vec![echo(), old(), echo()], 2).await.unwrap(), "[{}]");
    assert_eq!(ask(vec![silent(), echo(), echo()], 2).await.unwrap(), "[{}]");
    let refused = CosmosError::Refused(r#"{"generic_err":{"msg":"no"}}"#.to_owned());
    assert_eq!(ask(vec![refuses(), refuses(), silent()], 2).await, Err(refused));
}

/// Too few, or as many who say something else, are no answer.
#[tokio::test]
async fn too_few_are_no_answer() {
    let disagree = |agreeing, needed| Err(CosmosError::Disagree { agreeing, needed });
    assert_eq!(ask(vec![echo(), old()], 2).await, disagree(1, 2));
    assert_eq!(ask(vec![echo(), silent()], 2).await, disagree(1, 2));
    assert_eq!(ask(vec![echo(), old(), echo(), old()], 2).await, disagree(2, 2));
    assert_eq!(ask(vec![echo(), refuses()], 1).await, disagree(1, 1));
    assert_eq!(ask(vec![silent()], 1).await, disagree(0, 1));
}

/// A node cannot speak for the enclave: not in its own words, not with another key, not by an old or changed answer.
#[tokio::test]
async fn nodes_do_not_speak_for_enclaves() {
    let plain =
        answering(ENCLAVE, |_, _| Err("query contract failed: the grant is revoked".to_owned()));
    let made_up = answering(ENCLAVE, |_, _| Ok(b"{\"grant\":null}".to_vec()));
    let kept: Arc<Mutex<Option<Vec<u8>>>> = Arc::default();
    let replays = answering(ENCLAVE, move |session, question| {
        let mut kept = kept.lock().unwrap();
        Ok(kept.get_or_insert_with(|| session.answer(question)).clone())
    });
    let changes = answering(ENCLAVE, |session, question| {
        let mut answer = session.answer(question);
        answer[20] ^= 1;
        Ok(answer)
    });
    let none = Err(CosmosError::Disagree { agreeing: 0, needed: 1 });
    assert_eq!(ask(vec![plain], 1).await, none);
    assert_eq!(ask(vec![made_up], 1).await, none);
    assert_eq!(ask(vec![changes], 1).await, none);
    let contract = contract(vec![replays], 1).await;
    assert!(contract.ask(b"{}", &mut OsEntropy).await.is_ok(), "the first time it is the truth");
    let told = contract.ask(b"{}", &mut OsEntropy).await;
    assert_eq!(told.map(|_| String::new()), none, "an old answer is under an old key");
}

/// A transaction's data is opened, its refusals are in the contract's words, and other logs stay the chain's.
#[test]
fn replies_of_transactions() {
    let enclave = Enclave::new(ENCLAVE);
    let (sealed, session) =
        Session::seal(&enclave.key(), &CodeHash(CODE), b"{}", &mut OsEntropy).unwrap();
    let (_, _, theirs) = enclave.open(&sealed.0);
    let value = ExecuteReply { data: theirs.answer(b"data") }.encode_to_vec();
    let any =
        Any { type_url: "/secret.compute.v1beta1.MsgExecuteContractResponse".to_owned(), value };
    #[allow(deprecated, reason = "the other field is the deprecated one")]
    let data = TxMsgData { data: Vec::new(), msg_responses: vec![any] }.encode_to_vec();
    let reply = result::reply::<ExecuteReply>;
    assert_eq!(session.open_data(&reply(&data).unwrap().data).unwrap(), b"data");
    assert!(reply(&[]).is_err() && reply(b"\xff").is_err());

    let log = format!(
        "message index: 0: encrypted: {}: execute contract failed",
        STANDARD.encode(theirs.error("no"))
    );
    assert_eq!(words(&log, &session), "no");
    for other in ["out of gas", "encrypted: AAAA: execute contract failed"] {
        assert_eq!(words(other, &session), other);
    }
}

/// An execute is sealed, proven like any transaction, and its data or refusal opened with its own key.
#[tokio::test]
async fn executes_are_proven_and_opened() {
    let wallet = WalletKey::from_bytes(&[13; 32]).unwrap();
    let border = Border::of(bech32::Hrp::parse("wasm").unwrap());
    let mut chain = Chain::new();
    let sender = border.out(&wallet.address()).unwrap();
    put_sequence(&mut chain.stores, sender.as_str(), 0);
    chain.grow(2);
    let clock = Arc::new(Now(AtomicU64::new(chain.time())));
    let chain = Arc::new(Mutex::new(chain));
    let node = honest(&chain).await;
    let network = chain.lock().unwrap().settings(vec![node], 1).network;
    let (code, key) = (CodeHash(CODE), Enclave::new(ENCLAVE).key());
    let contract = address("wasm", &[9; 20]);
    let contract =
        SecretContract::open(network, contract, code, key, &wallet, clock.clone()).unwrap();
    let _blocks = grower(&chain, &clock);

    let id = "21".repeat(16);
    let create = format!(
        r#"{{"create_collection":{{"collection":"{id}","commitment":"{id}{id}","epoch":1}}}}"#
    );
    let (height, data) = contract.execute(create.as_bytes(), &mut OsEntropy).await.unwrap();
    assert!(height > 5);
    assert_eq!(data, b"done");
    let told = contract.execute(create.as_bytes(), &mut OsEntropy).await;
    assert_eq!(told, Err(CosmosError::Refused("the collection id was used before".to_owned())));
}
