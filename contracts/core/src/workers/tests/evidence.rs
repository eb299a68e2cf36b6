//! What evidence gets in, and how it is kept.

use super::*;
use prag_protocol::ledger::workers::{
    Attested, EVIDENCE_CHUNK_BYTES, EvidencePart, EvidenceRecord,
};

const CHUNK: usize = EVIDENCE_CHUNK_BYTES;

/// Frozen bytes, computed by an independent program.
#[test]
fn golden_digests() {
    let hex = |bytes: &[u8]| bytes.iter().map(|byte| format!("{byte:02x}")).collect::<String>();
    let live = challenge(LEDGER, &account("ann"), FIRST);
    assert_eq!(hex(&live), "e71dc837fb4f1c56dd8ca0868b97a67fcb2a7331cdcd1265c78cba1d291b4fa1");
    let digest = registration_digest(&live, &[7; 32], &url("ann"), &account("annpay"));
    assert_eq!(hex(&digest), "3b57c7408d7322b16015b48c51471331a700c25bbff360d5da812844dec971c8");
    let (half, gpu) = (
        "ae69389f7ff8a49cf0c7de832a1d24c60f57f79c861e499695c18d61d019018e",
        "b7535c688e232f31dcbf5b53789b093a09ea0971af82333547501b9cdfd358bc",
    );
    let data = report_data([1; 32], [3; 32], true);
    assert_eq!(hex(&data), format!("{half}{gpu}"));
    let data = report_data([1; 32], [3; 32], false);
    assert_eq!(hex(&data), format!("{half}{}", "0".repeat(64)));
}

/// What a machine that is asked for evidence with this key and nonce puts into it.
pub(super) fn report_data(signing_key: [u8; 32], nonce: [u8; 32], gpu: bool) -> [u8; 64] {
    let claims = claims();
    let mut hasher = Sha256::new_with_prefix("PRAG-RA/v1");
    let epoch = claims.policy_epoch.to_be_bytes();
    let parts: [&[u8]; 7] = [
        b"register",
        &signing_key,
        &claims.tls_spki_sha256,
        &nonce,
        &claims.ledger_id,
        &claims.config_digest,
        &epoch,
    ];
    for part in parts {
        hasher.update(u32::try_from(part.len()).unwrap().to_be_bytes());
        hasher.update(part);
    }
    let mut out = [0; 64];
    out[..32].copy_from_slice(&hasher.finalize());
    if gpu {
        let nonce = Sha256::new_with_prefix("PRAG-GPU/v1").chain_update(&out[..32]).finalize();
        out[32..].copy_from_slice(&nonce);
    }
    out
}

/// "ann" quotes as measurement 1, in the running window.
fn quoted(world: &World, gpu: bool) -> Verdict {
    let nonce = challenge(LEDGER, &account("ann"), world.window());
    let report_data = report_data(key("ann"), nonce, gpu);
    Verdict::Attested { measurement: [1; 32], report_data }
}

/// A ledger that verifies, where measurement 1 is effective.
fn verifying() -> World {
    let mut world = World::with(|terms| terms.attested_only = true);
    world.ok("admin", approve(1));
    world.env.time += 1000;
    world
}

fn evidence(world: &World, who: &str) -> Option<EvidenceRecord> {
    match world.ask(WorkersQuery::Evidence { worker: account(who) }) {
        WorkersReply::Evidence(record) => record.map(|record| *record),
        other => panic!("{other:?}"),
    }
}

/// Whatever there is of a part, as any third party reads it back.
fn read(world: &World, who: &str, part: EvidencePart) -> String {
    let chunks = part.bytes_max() / CHUNK;
    let chunk = |chunk| {
        let query = WorkersQuery::EvidenceChunk { worker: account(who), part, chunk };
        match world.ask(query) {
            WorkersReply::Chunk(chunk) => chunk.unwrap_or_default(),
            other => panic!("{other:?}"),
        }
    };
    (0..u32::try_from(chunks).unwrap()).map(chunk).collect()
}

/// A verified quote is on record with its approval, with and without a GPU.
#[test]
fn verified_evidence() {
    for gpu in [false, true] {
        let mut world = verifying();
        world.verdict = quoted(&world, gpu);
        world.enlist("ann", 1);
        let attested = Attested { measurement: [1; 32], approval: 1 };
        assert_eq!(world.record("ann").unwrap().attested, Some(attested));
        assert_eq!(world.chosen(), ["ann"]);
    }
}

/// A ledger that verifies takes no other evidence, and refuses each flaw by its name.
#[test]
fn flawed_evidence() {
    let mut world = verifying();
    let paid = [(UNIT, "uscrt")];
    let message = world.register("ann", |_| {});
    let good = quoted(&world, true);
    let Verdict::Attested { measurement, report_data: data } = good else { panic!() };
    let attested = |measurement, report_data| Verdict::Attested { measurement, report_data };
    let mut cases = vec![
        (Verdict::Stored, WorkersError::NotVerified),
        (attested([2; 32], data), WorkersError::Unapproved),
    ];
    for at in 0..64 {
        let mut other = data;
        other[at] ^= 1;
        cases.push((attested(measurement, other), WorkersError::Unbound));
    }
    let nonce = challenge(LEDGER, &account("ann"), world.window());
    for (key, nonce) in [
        (key("bob"), nonce),
        (key("ann"), challenge(LEDGER, &account("ann"), world.window() - 1)),
        (key("ann"), challenge(LEDGER, &account("bob"), world.window())),
        (key("ann"), challenge("test-2/secret1contract", &account("ann"), world.window())),
    ] {
        let data = report_data(key, nonce, false);
        cases.push((attested(measurement, data), WorkersError::Unbound));
    }
    for (verdict, reason) in cases {
        world.verdict = verdict;
        world.refuses_with("ann", &paid, message.clone(), reason);
    }
    world.verdict = good;
    let claims = world.register("ann", |r| r.binding.policy_epoch += 1);
    world.refuses_with("ann", &paid, claims, WorkersError::Unbound);
    world.paid("ann", UNIT, message);
}

/// An approval is effective after the timelock, to the second, and void from its retirement on.
#[test]
fn approval_has_its_time() {
    let mut world = World::with(|terms| terms.timelock_seconds = 100);
    world.ok("admin", approve(1));
    world.verdict = quoted(&world, false);
    let message = world.register("ann", |_| {});
    let effective = NOW + 100;
    world.env.time = effective - 1;
    let early = WorkersError::NotEffective { effective };
    world.refuses_with("ann", &[(UNIT, "uscrt")], message.clone(), early);
    world.env.time = effective;
    world.paid("ann", UNIT, message.clone());
    assert_eq!(world.chosen(), ["ann"]);

    world.ok("admin", retire(1));
    assert_eq!(world.next("anybody"), None, "at once");
    let (signature, subscriber_public_key, model, offset, limit) = (None, None, None, 0, 9);
    let urls = WorkersQuery::GetUrls { signature, subscriber_public_key, model, offset, limit };
    assert_eq!(world.ask(urls), WorkersReply::Urls(vec![]));
    world.refuses("ann", message, WorkersError::Unapproved);
    // It may answer, so that the retirement alone costs it nothing, but it has no seat.
    world.pass(1);
    let report = world.report("ann");
    let worker = account("ann");
    let expected = Event::LivelinessReported { worker, window: FIRST + 1, seated: false };
    assert_eq!(world.ok("ann", report).events, [expected]);

    // Approved anew, the same image has to attest anew.
    world.ok("admin", approve(1));
    world.env.time += 100;
    assert_eq!(world.next("anybody"), None);
    world.verdict = quoted(&world, false);
    let again = world.register("ann", |_| {});
    world.ok("ann", again);
    assert_eq!(world.record("ann").unwrap().attested.unwrap().approval, 2);
    assert_eq!(world.chosen(), ["ann"]);
}

/// Evidence reads back whole at every length, and nothing of a longer one before stays.
#[test]
fn evidence_is_whole() {
    let mut world = World::empty();
    let lengths = [1, CHUNK - 1, CHUNK, CHUNK + 1, 4 * CHUNK, 2 * CHUNK, 1];
    for (at, report_bytes) in lengths.into_iter().enumerate() {
        let collateral_bytes = [0, 12 * CHUNK, 3 * CHUNK + 5][at % 3];
        let text = |bytes: usize, lead: char| -> String {
            (0..bytes)
                .map(|n| char::from(b'a' + u8::try_from(n % 23).unwrap()))
                .chain([lead])
                .skip(1)
                .collect()
        };
        let report = text(report_bytes, 'R');
        let collateral =
            if collateral_bytes == 0 { String::new() } else { text(collateral_bytes, 'C') };
        let message = world.register("ann", |r| {
            r.attestation_report.clone_from(&report);
            r.collateral.clone_from(&collateral);
        });
        world.paid("ann", UNIT, message);
        assert_eq!(read(&world, "ann", EvidencePart::Report), report);
        assert_eq!(read(&world, "ann", EvidencePart::Collateral), collateral);
        let record = evidence(&world, "ann").unwrap();
        let expected = EvidenceRecord {
            height: 7,
            window: FIRST,
            nonce: challenge(LEDGER, &account("ann"), FIRST),
            binding: claims(),
            report_bytes: u32::try_from(report.len()).unwrap(),
            report_sha256: Sha256::digest(&report).into(),
            collateral_bytes: u32::try_from(collateral.len()).unwrap(),
            collateral_sha256: Sha256::digest(&collateral).into(),
        };
        assert_eq!(record, expected);
        let chunks = world.map.0.keys().filter(|key| key.starts_with(b"\x02x")).count();
        assert_eq!(chunks, report.len().div_ceil(CHUNK) + collateral.len().div_ceil(CHUNK));
    }
    world.ok("ann", remove("ann"));
    world.env.time += 5000;
    world.ok("ann", WorkersMsg::WithdrawStake {});
    assert_eq!(evidence(&world, "ann"), None);
    assert!(!world.map.0.keys().any(|key| key.starts_with(b"\x02x")));
}

/// Another's evidence, which anybody can read, registers nobody: the proof is by its key, for its account.
#[test]
fn stolen_evidence() {
    let mut world = verifying();
    world.verdict = quoted(&world, false);
    let message = world.register("ann", |_| {});
    let paid = [(UNIT, "uscrt")];
    world.refuses_with("bob", &paid, message.clone(), WorkersError::Signature);
    let with_its_key = world.register("bob", |r| r.signing_key = key("ann"));
    world.refuses_with("bob", &paid, with_its_key, WorkersError::Unbound);
    world.paid("ann", UNIT, message);
}
