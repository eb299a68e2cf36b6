//! The cryptography alone: sealing blobs, signing and verifying requests.
//!
//! Layer: benches, tax.
//! Holds: rows of one side, so that what a row with two sides shows can be explained.
//! Never: a network, a disk.
//! Invariant: what is opened is what was sealed, under the same key at the same place.

use crate::error::{BenchError, Step};
use crate::measure::{Measured, Screen, Side, interleave, time};
use crate::options::Size;
use crate::report::{Row, Sheet, Unit};
use prag_client::identity::Identity;
use prag_client::system::OsEntropy;
use prag_protocol::place::{Kind, Place};
use prag_protocol::{CollectionId, Lineage};
use prag_trust::address::WalletKey;
use prag_trust::entropy::random;
use prag_trust::frames::{open_frames, seal_frames};
use prag_trust::key::{Dek, Key};
use prag_trust::permit::{Expected, Permissions, Permit, PermitCache, PermitParams};
use prag_trust::request::{NonceCache, RequestParts, check_request, sign_request, verify_request};
use prag_trust::seal::SegmentRecord;
use std::cell::RefCell;

pub(super) fn run(size: Size, screen: &Screen, sheet: &mut Sheet) -> Result<(), BenchError> {
    blobs(size, screen, sheet)?;
    requests(size, screen, sheet)
}

fn blobs(size: Size, screen: &Screen, sheet: &mut Sheet) -> Result<(), BenchError> {
    let key = Key::<Dek>::random(&mut OsEntropy).step("a key")?;
    let place = Place {
        collection: CollectionId([1; 16]),
        lineage: Lineage([2; 16]),
        kind: Kind::Segment,
        id: [3; 16],
        seq: 1,
        epoch: 1,
    };
    let plain: Vec<u8> = (0..size.blob_bytes).map(|index| (index % 251) as u8).collect();
    let seal = || seal_frames::<SegmentRecord>(&plain, &key, place, &mut OsEntropy);
    let sealed = seal().step("sealing a blob")?;
    let sides = vec![
        Side::whole("seal", |_| seal().step("sealing a blob")),
        Side::whole("open", |_| {
            let opened = open_frames::<SegmentRecord>(&sealed, &key, place, size.blob_bytes);
            opened.step("opening a blob")
        }),
    ];
    let measured = interleave(sides, 1, size.blobs, screen.now("sealing blobs"))?;
    let data = format!("{} MiB, one thread", size.blob_bytes >> 20);
    for (measured, (id, figure)) in measured.iter().zip([
        ("crypto/seal-frames", "seal a large blob in frames of 64 KiB"),
        ("crypto/open-frames", "open a large blob in frames of 64 KiB"),
    ]) {
        let rate = |seconds: &f64| size.blob_bytes as f64 / seconds;
        let rates = measured.samples.iter().map(rate).collect();
        let rates = Measured { name: measured.name.clone(), samples: rates };
        sheet.add(Row::single(id, figure, &data, Unit::BytesPerSecond, &rates)?);
    }
    Ok(())
}

fn requests(size: Size, screen: &Screen, sheet: &mut Sheet) -> Result<(), BenchError> {
    let identity = Identity::from_secret("bench", &[9; 64]).step("an identity")?;
    let expected = Expected {
        chain_id: "bench-1".to_owned(),
        contract: identity.address().as_str().to_owned(),
    };
    // The identity itself signs one for all requests of a day.
    let wallet = WalletKey::from_bytes(&[9; 32]).step("a wallet")?;
    let permit = || {
        let session = identity.session().public_key();
        let end = NOW + 86_400;
        let params = PermitParams::new(&expected, &session, Permissions::QueryAndIngest, end);
        Permit::sign(&wallet, params).step("a permit")
    };
    let (nonces, permits) = (RefCell::new(NonceCache::new(1 << 16)), PermitCache::default());
    let kept = permit()?;
    let sides = vec![
        Side::whole("sign", |_| permit()),
        Side::whole("sign", |_| signed(&identity, &kept)),
        Side::new("verify", |_| {
            let headers = signed(&identity, &kept)?;
            let header = |name: &str| {
                headers.iter().find(|(found, _)| found == name).map(|(_, value)| value.clone())
            };
            time(|| {
                let mut nonces = nonces.borrow_mut();
                verify_request(&header, &PARTS, NOW, &WORKER, &expected, &mut nonces)
                    .step("verifying a request")
            })
        }),
        Side::new("verify, known", |_| {
            let headers = signed(&identity, &kept)?;
            let header = |name: &str| {
                headers.iter().find(|(found, _)| found == name).map(|(_, value)| value.clone())
            };
            time(|| {
                let unseen = check_request(&header, &PARTS, NOW, &WORKER, &expected, &permits);
                let unseen = unseen.step("verifying a request")?;
                unseen.remember(&mut nonces.borrow_mut(), NOW).step("verifying a request")
            })
        }),
    ];
    let measured = interleave(sides, 1, size.checks, screen.now("signing requests"))?;
    for (measured, (id, figure)) in measured.iter().zip([
        ("crypto/permit", "sign a permit (secp256k1), at the client"),
        ("crypto/sign", "sign a request (Ed25519), at the client"),
        ("crypto/verify", "verify a request and its permit, at the worker"),
        ("crypto/verify-known", "verify a request whose permit is known, at the worker"),
    ]) {
        sheet.add(Row::single(id, figure, "body of 4 KiB", Unit::Seconds, measured)?);
    }
    Ok(())
}

fn signed(identity: &Identity, permit: &Permit) -> Result<Vec<(String, String)>, BenchError> {
    let nonce = random(&mut OsEntropy).step("a nonce")?;
    let signed = sign_request(identity.session(), &PARTS, permit, &WORKER, NOW, nonce);
    Ok(signed.step("signing a request")?.headers)
}

const PARTS: RequestParts<'_> = RequestParts {
    method: "POST",
    path: "/v1/collections/00112233445566778899aabbccddeeff/query",
    query: "",
    body: &[b' '; 4096],
};
const WORKER: [u8; 32] = [5; 32];
const NOW: u64 = 1_800_000_000;
