//! A collection moves to a second worker, which gets its keys from the first.

use crate::hand::Hand;
use crate::ledger::{Shifted, ledger};
use crate::played::Played;
use crate::stage::{Stage, keys, move_in, put};
use prag_protocol::problem::Code;
use prag_protocol::wire::collections::CollectionState::{Locked, Quarantined, Ready};
use prag_protocol::wire::collections::VaultKind::{Local, Owner, Peer};
use prag_protocol::wire::documents::{PutDocument, SuppliedChunk};
use prag_protocol::wire::grants::PutGrant;
use prag_protocol::wire::search::QueryRequest;
use prag_tests::{VERSION, document, find, hour_grant};
use prag_trust::entropy::Clock;
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};

/// The owner places the collection on the second worker: it gets keys and catalogue entry from the first, opens the
/// moved shard, and serves the same documents under the same name. It asks again after a restart.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_second_worker_takes_over() {
    let mut stage = Stage::start(&[Peer, Owner]).await;
    let copy = stage.snapshot().await;
    let mut second = stage.second().await;
    let owner = stage.owner_at(&second).await;
    assert_eq!(owner.collection(stage.id).await.unwrap_err().code(), Some(Code::Forbidden));
    move_in(&copy, &second);
    let placed = owner.place(stage.id).await.unwrap();
    assert_eq!((placed.state, &placed.name[..]), (Ready, "notes"));
    assert_eq!(keys(&placed), (Some(Peer), vec![]));
    assert_eq!(find(&owner, stage.id).await.unwrap(), 3);
    owner.check_history(stage.id).await.unwrap();
    put(&owner, stage.id, 77).await;

    second.restart().await;
    let owner = stage.owner_at(&second).await;
    let opened = stage.serving(&second).await;
    assert_eq!(
        (opened.state, keys(&opened)),
        (Ready, (Some(Peer), vec![])),
        "its new key is bound"
    );
    assert_eq!(find(&owner, stage.id).await.unwrap(), 4);
}

/// A collection whose keys were rotated moves like another one: what is handed over names the epoch of its birth.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_rotated_collection_moves_too() {
    let mut stage = Stage::start(&[Peer, Owner]).await;
    stage.owner().await.rotate(stage.id).await.unwrap();
    let copy = stage.snapshot().await;
    let second = stage.second().await;
    let owner = stage.owner_at(&second).await;
    move_in(&copy, &second);
    let placed = owner.place(stage.id).await.unwrap();
    assert_eq!((placed.state, placed.epoch, keys(&placed)), (Ready, 2, (Some(Peer), vec![])));
    assert_eq!(find(&owner, stage.id).await.unwrap(), 3);
}

/// What a grantee is narrowed to moves along, where the ledger has it sealed: scopes of before and after a rotation open
/// at the second worker, which makes new ones too.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn scopes_move_too() {
    let clock = Shifted::default();
    let mut stage = Stage::under(Played::new(&clock), clock, &[Peer, Owner], false).await;
    let (owner, narrow) = (stage.owner().await, |id: &'static str| {
        serde_json::from_value(serde_json::json!({ "must": [{ "has_id": [id] }] })).unwrap()
    });
    let early = stage.first.client("early").await;
    let grant = PutGrant { scope: Some(narrow("d1")), max_k: 50, ..hour_grant(&early) };
    owner.put_grant(stage.id, &grant).await.unwrap();
    owner.rotate(stage.id).await.unwrap();
    let late = stage.first.client("late").await;
    let grant = PutGrant { scope: Some(narrow("d2")), max_k: 50, ..hour_grant(&late) };
    owner.put_grant(stage.id, &grant).await.unwrap();
    let copy = stage.snapshot().await;
    let mut second = stage.second().await;
    move_in(&copy, &second);
    let owner = stage.owner_at(&second).await;
    assert_eq!(owner.place(stage.id).await.unwrap().state, Ready);
    for restarted in [false, true] {
        if restarted {
            second.restart().await;
            stage.serving(&second).await;
        }
        for name in ["early", "late"] {
            let reader = stage.first.client_at(name, &second.url()).await;
            assert_eq!(find(&reader, stage.id).await.unwrap(), 1, "{name}");
        }
    }
    let owner = stage.owner_at(&second).await;
    let grant = PutGrant { scope: Some(narrow("d0")), ..hour_grant(&early) };
    owner.put_grant(stage.id, &grant).await.unwrap();
    let reader = stage.first.client_at("early", &second.url()).await;
    assert!(reader.lookup(stage.id, "d0".parse().unwrap()).await.is_ok());
    assert!(reader.lookup(stage.id, "d1".parse().unwrap()).await.is_err());
}

/// A shard that comes back with a longer passage than this worker ever stored is given the room that its replies need.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_comes_back_has_room() {
    let mut stage = Stage::start(&[Local, Peer, Owner]).await;
    let copy = stage.snapshot().await;
    let mut second = stage.second().await;
    move_in(&copy, &second);
    let owner = stage.owner_at(&second).await;
    assert_eq!(owner.place(stage.id).await.unwrap().state, Ready);
    let content = "\"".repeat(4000);
    let chunk = SuppliedChunk { start: 0, end: 4000, vector: vec![0.0, 1.0] };
    let long = PutDocument { content, chunks: Some(vec![chunk]), ..document(9) };
    owner.put_document(stage.id, &long).await.unwrap();

    second.stop().await;
    stage.first.stop().await;
    let written = second.path().join("shards").join(copy.file_name().unwrap());
    move_in(&written, &stage.first);
    stage.first.resume(true).await;
    let owner = stage.owner().await;
    assert_eq!(owner.place(stage.id).await.unwrap().state, Ready);
    let vector = Some(vec![0.0, 1.0]);
    let nearest = QueryRequest { vector, k: Some(1), ..QueryRequest::default() };
    let found = owner.query(stage.id, &nearest).await.unwrap();
    assert_eq!(found.hits[0].text, long.content);
}

/// What a worker has open from before a collection moved away is not what it serves when it comes back, for the other
/// one wrote: its keys come anew, as after any move. Whether it heard of the move, or all of it came between two looks.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_was_open_before_a_move_is_closed_after_it() {
    for heard in [false, true] {
        let mut stage = Stage::start(&[Peer, Owner]).await;
        let copy = stage.snapshot().await;
        let second = stage.second().await;
        move_in(&copy, &second);
        let owner = stage.owner_at(&second).await;
        assert_eq!(owner.place(stage.id).await.unwrap().state, Ready);
        owner.put_document(stage.id, &document(9)).await.unwrap();
        let back = stage.owner().await;
        if heard {
            let refused = find(&back, stage.id).await.unwrap_err();
            assert_eq!(refused.code(), Some(Code::KeyMissing));
        }
        assert_eq!(back.place(stage.id).await.unwrap().state, Locked, "{heard}");
        let refused = find(&back, stage.id).await.unwrap_err();
        assert_eq!(refused.code(), Some(Code::KeyMissing));
    }
}

/// Who gives keys of a shard at rest gives them, with the head that it rested with, and leaves it closed.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_gives_at_rest_stays_at_rest() {
    let mut stage = Stage::start(&[Peer, Owner]).await;
    let copy = stage.snapshot().await;
    let second = stage.second().await;
    move_in(&copy, &second);
    let resting = |stage: &Stage| {
        let text = stage.first.worker().metrics();
        text.lines()
            .find_map(|line| line.strip_prefix("prag_collections_resting ")?.parse::<u32>().ok())
    };
    for _ in 0..1000 {
        stage.first.worker().rest_idle(0).await;
        if resting(&stage) == Some(1) {
            break;
        }
        tokio::time::sleep(std::time::Duration::from_millis(10)).await;
    }
    assert_eq!(resting(&stage), Some(1));
    let owner = stage.owner_at(&second).await;
    let placed = owner.place(stage.id).await.unwrap();
    assert_eq!((placed.state, keys(&placed)), (Ready, (Some(Peer), vec![])));
    assert_eq!(resting(&stage), Some(1), "nobody looked at its files");
    owner.check_history(stage.id).await.unwrap();
    assert_eq!(find(&owner, stage.id).await.unwrap(), 3);
}

/// While nobody can give, nothing is lost: the placement stands, and the next try succeeds.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_failed_release_can_be_tried_again() {
    let mut stage = Stage::start(&[Local, Peer, Owner]).await;
    let copy = stage.snapshot().await;
    let second = stage.second().await;
    move_in(&copy, &second);
    let owner = stage.owner_at(&second).await;
    stage.first.stop().await;
    let refused = owner.place(stage.id).await.unwrap_err();
    assert_eq!(refused.code(), Some(Code::KeyMissing));
    assert!(refused.to_string().contains("local missing, peer unreachable"), "{refused}");
    // The first worker is not placed any more: its local vault stays shut until it is.
    stage.first.resume(true).await;
    let back = stage.owner().await;
    assert_eq!(keys(&stage.at(&stage.first).await).1[0], "local not-placed");
    assert_eq!(keys(&back.place(stage.id).await.unwrap()).0, Some(Local));
    let placed = owner.place(stage.id).await.unwrap();
    assert_eq!(keys(&placed), (Some(Peer), vec!["local missing".to_owned()]));
    assert_eq!(find(&owner, stage.id).await.unwrap(), 3);
}

/// Released keys are kept before the shard is opened: a second worker that had no files yet, and was stopped, opens them
/// by itself once they are there. An older copy it refuses, then and later.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn files_may_come_later_but_not_older() {
    let mut stage = Stage::start(&[Local, Peer, Owner]).await;
    let older = stage.snapshot().await;
    stage.put(2).await;
    let newer = stage.snapshot().await;
    let mut second = stage.second().await;
    let owner = stage.owner_at(&second).await;
    let placed = owner.place(stage.id).await.unwrap();
    assert_eq!(placed.state, Locked);
    assert_eq!(
        keys(&placed),
        (None, vec!["local missing".to_owned(), "peer files-absent".to_owned()])
    );
    let refused = find(&owner, stage.id).await.unwrap_err();
    assert!(refused.to_string().contains("files"), "{refused}");

    second.stop().await;
    move_in(&older, &second);
    second.resume(true).await;
    let seen = stage.opened(&second).await;
    assert_eq!(seen.state, Quarantined);
    let owner = stage.owner_at(&second).await;
    let refused = find(&owner, stage.id).await.unwrap_err().to_string();
    assert!(refused.contains("rolled back: it has 3 batches, and 5 were anchored"), "{refused}");

    second.stop().await;
    move_in(&newer, &second);
    second.resume(true).await;
    let seen = stage.opened(&second).await;
    assert_eq!((seen.state, keys(&seen).0), (Ready, Some(Local)), "kept when they were released");
    let owner = stage.owner_at(&second).await;
    assert_eq!(find(&owner, stage.id).await.unwrap(), 5);
}

/// A worker of another image gets nothing, from no kind: it refuses an unlike peer, and is refused by it.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn another_image_gets_nothing() {
    let mut stage = Stage::start(&[Local, Peer, Owner]).await;
    let copy = stage.snapshot().await;
    let unlike = stage.worker("another image", &stage.first.url()).await;
    move_in(&copy, &unlike);
    // The owner would not even talk to it; somebody with the owner's keys and another policy does.
    let owner = unlike.client("owner").await;
    let not_mine = owner.place(stage.id).await.unwrap_err();
    assert_eq!(not_mine.code(), Some(Code::Forbidden), "placing is the owner's");
    let homes = |lab: &prag_tests::Lab| lab.scratch().join("homes/owner");
    std::fs::remove_dir_all(homes(&unlike)).unwrap();
    prag_tests::copy_folder(&homes(&stage.first), &homes(&unlike));
    let owner = unlike.client("owner").await;
    let refused = owner.place(stage.id).await.unwrap_err();
    assert_eq!(refused.code(), Some(Code::KeyMissing));
    assert!(refused.to_string().contains("local missing, peer evidence-refused"), "{refused}");
    let unlike = Hand { version: "another image", ..Hand::new() };
    stage.placed(unlike.public(), 1, stage.clock.now() + 600).await;
    unlike.refused(&stage, Code::Forbidden).await;
}

/// Whoever plays the peer is found out: a worker of another image or ledger, and a proxy that puts its own keys in the
/// place of the true worker's. One that only passes bytes on sees nothing.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_plays_the_peer_is_found_out() {
    let stage = Stage::start(&[Peer, Owner]).await;
    let unlike = stage.worker("another image", &stage.first.url()).await;
    let elsewhere =
        Stage::under(ledger(2, &Shifted::default()), Shifted::default(), &[Peer, Owner], false)
            .await;
    let meddler = meddle(stage.first.address(), Some("\"ohttp_config\":\""));
    let liar = meddle(stage.first.address(), Some("\"ledger_id\":\""));
    for (url, reason) in [
        (unlike.url(), "peer evidence-refused"),
        (elsewhere.first.url(), "peer evidence-refused"),
        (format!("http://{meddler}"), "peer evidence-refused"),
        (format!("http://{liar}"), "peer evidence-refused"),
        ("http://127.0.0.1:1".to_owned(), "peer unreachable"),
    ] {
        let second = stage.worker(VERSION, &url).await;
        let refused = stage.owner_at(&second).await.place(stage.id).await.unwrap_err();
        assert!(refused.to_string().contains(reason), "{url}: {refused}");
    }
    let honest = meddle(stage.first.address(), None);
    let second = stage.worker(VERSION, &format!("http://{honest}")).await;
    let placed = stage.owner_at(&second).await.place(stage.id).await.unwrap();
    assert_eq!(keys(&placed).1, ["peer files-absent"], "the keys came through");
}

/// A proxy that changes a character behind `mark` in what the worker answers.
fn meddle(target: SocketAddr, mark: Option<&'static str>) -> SocketAddr {
    let listener = TcpListener::bind(("127.0.0.1", 0)).unwrap();
    let address = listener.local_addr().unwrap();
    std::thread::spawn(move || {
        for client in listener.incoming().map_while(Result::ok) {
            std::thread::spawn(move || {
                let server = TcpStream::connect(target).unwrap();
                let (up, down) = (client.try_clone().unwrap(), server.try_clone().unwrap());
                std::thread::spawn(move || pass(up, down, None));
                pass(server, client, mark);
            });
        }
    });
    address
}

fn pass(mut from: TcpStream, mut to: TcpStream, mark: Option<&str>) {
    let mut buffer = vec![0; 1 << 20];
    while let Ok(count @ 1..) = from.read(&mut buffer) {
        let bytes = &mut buffer[..count];
        if let Some(mark) = mark.map(str::as_bytes)
            && let Some(at) = bytes.windows(mark.len()).position(|window| window == mark)
            && let Some(byte) = bytes.get_mut(at + mark.len() + 8)
        {
            // Another digit of the same alphabet.
            *byte = if *byte == b'A' || *byte == b'0' { b'1' } else { b'0' };
        }
        if to.write_all(&buffer[..count]).is_err() {
            return;
        }
    }
    let _ = to.shutdown(std::net::Shutdown::Write);
}
