//! Frozen bytes of what a shard stores, spelled from their layout. Sealing itself is frozen in `trust`: here are the
//! keys, the places and the plain bytes.

use super::super::keys::{NAMES, generation};
use super::super::manifest::{FORMAT, Manifest, POINTER, PartEntry, Pointer, SegmentEntry};
use super::*;
use crate::fixture::Counting;
use prag_protocol::place::{Kind, Place};
use prag_store::{BlobName, KeyRange};
use prag_trust::frames::open_frames;
use prag_trust::key::{Dek, Name};
use prag_trust::merkle::MerkleLog;
use prag_trust::receipt::{ChunkParts, chunk_hash};
use prag_trust::seal::{
    BatchRecord, HeadRecord, ManifestRecord, Plain, Record, Sealed, SegmentRecord,
};

fn place(kind: Kind, id: [u8; 16], seq: u64) -> Place {
    let Identity { collection, lineage, epoch, .. } = IDENTITY;
    Place { collection, lineage, kind, id, seq, epoch }
}

/// The next nonce of `chance`.
fn nonce(chance: &mut Counting) -> [u8; 12] {
    prag_trust::entropy::random(chance).unwrap()
}

/// Key format 2 is frozen: a table byte, then ids and big-endian numbers.
#[test]
fn golden_row_keys() {
    const SEQ: u64 = 0x0102_0304_0506_0708;
    assert_eq!(rows::manifest(), [1]);
    let dek = [&[2][..], &[0xab; 16], &[0, 0, 1, 2]].concat();
    assert_eq!(rows::dek([0xab; 16], 258), dek);
    assert_eq!(rows::batch(SEQ, 0x090a), [3, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10]);
    assert_eq!(rows::head(), [4]);
    assert_eq!(rows::digest(SEQ), [5, 1, 2, 3, 4, 5, 6, 7, 8]);
    assert!(rows::batch_parts(SEQ) == KeyRange::prefix(&[3, 1, 2, 3, 4, 5, 6, 7, 8]));
    assert!(rows::digests() == KeyRange::prefix(&[5]));
    assert!(rows::deks() == KeyRange::prefix(&[2]));
    let part = [6, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10];
    assert_eq!(rows::manifest_part(SEQ, 0x090a), part);
    assert_eq!(rows::parse_manifest_part(&part), Some((SEQ, 0x090a)));
    assert!(rows::manifest_parts(SEQ) == KeyRange::prefix(&part[..9]));
    assert!(rows::all_manifest_parts() == KeyRange::prefix(&[6]));
    let before = KeyRange { start: vec![3], end: Some(vec![3, 1, 2, 3, 4, 5, 6, 7, 8]) };
    assert!(rows::batches_before(SEQ) == before);
    assert_eq!(NAMES, [0xff; 16]);
    assert_eq!(generation([0; 16]), Some(0));
    assert_eq!(generation([0, 0, 0, 0, 0, 0, 0, 0, 1, 2, 3, 4, 5, 6, 7, 8]), Some(SEQ));
    assert_eq!(generation([0, 0, 0, 0, 0, 0, 0, 1, 1, 2, 3, 4, 5, 6, 7, 8]), None);

    assert_eq!(rows::parse_batch(&[3, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10]), Some((SEQ, 0x090a)));
    assert_eq!(rows::parse_digest(&[5, 1, 2, 3, 4, 5, 6, 7, 8]), Some(SEQ));
    assert_eq!(rows::parse_dek(&dek), Some(([0xab; 16], 258)));
    assert_eq!(rows::parse_dek(&dek[..20]), None);
    for other in [&[3, 1, 2, 3, 4, 5, 6, 7, 8, 9][..], &[4, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10], &[]] {
        assert_eq!(rows::parse_batch(other), None);
        assert_eq!(rows::parse_digest(other), None);
    }
}

/// Manifest format 2 is frozen, with its segment and part entries: postcard, fields in this order.
#[test]
fn golden_manifest() {
    let part = PartEntry { name: 129, blob: [2; 32], length: 300 };
    let segment = SegmentEntry {
        id: [1; 16],
        parts: vec![part],
        rows: 300,
        tombstones: vec![9, 8],
        profile: "d".to_owned(),
        root: [6; 32],
    };
    let manifest = Manifest {
        format: FORMAT,
        profile: "{}".to_owned(),
        base: 300,
        segments: vec![segment],
        idempotency: vec![Idempotency { key: [3; 32], digest: [4; 32], time: 300 }],
        version: 5,
        roots: vec![(6, 300), (7, 301)],
        parts: 0,
    };
    let part = [&[129][..], &[2; 32], &[0xac, 2]].concat();
    let segment = [&[1; 16][..], &[1], &part, &[0xac, 2], &[2, 9, 8], b"\x01d", &[6; 32]].concat();
    let idempotency = [&[3; 32][..], &[4; 32], &[0xac, 2]].concat();
    let roots = [2, 6, 0xac, 2, 7, 0xad, 2];
    let expected =
        [&[2][..], b"\x02{}", &[0xac, 2], &[1], &segment, &[1], &idempotency, &[5], &roots]
            .concat();
    assert_eq!(encode(&manifest).unwrap(), expected);
    assert_eq!(decode::<Manifest>(&expected).unwrap(), manifest);
    // In how many rows it lies is not in it, but in what names them.
    assert_eq!(encode(&Manifest { parts: 9, ..manifest }).unwrap(), expected);
    let pointer = Pointer { format: POINTER, version: 300, parts: 129 };
    assert_eq!(encode(&pointer).unwrap(), [3, 0xac, 2, 0x81, 1]);
}

/// Profile format 1 is frozen: what its digest is made of, its JSON in the manifest. An independent program (Python:
/// blake3) computed the digest.
#[test]
fn golden_profile() {
    let text = |text: &str| text.to_owned();
    let profile = sealed_profile(Profile {
        model: text("model"),
        model_files: [text("w"), text("t"), text("c")],
        pooling: text("mean"),
        query_prefix: text("query: "),
        passage_prefix: text("passage: "),
        dimension: 384,
        metric: text("dot"),
        chunk_tokens: 512,
        chunker: text("prag-chunk/1"),
        analyzer: text("english-stem-1"),
        search: Search::Standard,
        residency: Residency::Memory,
        precision: Precision::F16,
        digest: text("whatever was here before"),
    });
    let fields: [&[u8]; 12] = [
        b"model",
        b"w",
        b"t",
        b"c",
        b"mean",
        b"query: ",
        b"passage: ",
        &[0, 0, 1, 0x80],
        b"dot",
        &[0, 0, 2, 0],
        b"prag-chunk/1",
        b"english-stem-1",
    ];
    let prefixed =
        |field: &&[u8]| [&[0, 0, 0, u8::try_from(field.len()).unwrap()], *field].concat();
    let transcript: Vec<u8> = fields.iter().flat_map(prefixed).collect();
    let digest = blake3::derive_key("prag 2026 profile digest v1", &transcript);
    assert_eq!(profile.digest, PROFILE_DIGEST);
    assert_eq!(hex::encode(digest), PROFILE_DIGEST);

    let json = [
        r#"{"model":"model","model_files":["w","t","c"],"pooling":"mean","query_prefix":"query: ","#,
        r#""passage_prefix":"passage: ","dimension":384,"metric":"dot","chunk_tokens":512,"#,
        r#""chunker":"prag-chunk/1","analyzer":"english-stem-1","#,
        &format!(r#""digest":"{PROFILE_DIGEST}"}}"#),
    ]
    .concat();
    assert_eq!(serde_json::to_string(&profile).unwrap(), json);
    assert_eq!(serde_json::from_str::<Profile>(&json).unwrap(), profile);

    // Another way of searching, another residency, another precision: each is one field more, in digest and JSON.
    let search = prefixed(&&b"oblivious"[..]);
    let veiled = sealed_profile(Profile { search: Search::Oblivious, ..profile.clone() });
    let lying = sealed_profile(Profile { residency: Residency::Disk, ..profile.clone() });
    let coded = sealed_profile(Profile { precision: Precision::I8, ..profile });
    let eight = [&transcript[..], &prefixed(&&b"i8"[..])].concat();
    let digest = blake3::derive_key("prag 2026 profile digest v1", &eight);
    assert_eq!(coded.digest, hex::encode(digest));
    let in_codes = json
        .replace("\"digest\"", "\"precision\":\"i8\",\"digest\"")
        .replace(PROFILE_DIGEST, &coded.digest);
    assert_eq!(serde_json::to_string(&coded).unwrap(), in_codes);
    assert_eq!(serde_json::from_str::<Profile>(&in_codes).unwrap(), coded);
    let disk = [&transcript[..], &prefixed(&&b"disk"[..])].concat();
    let digest = blake3::derive_key("prag 2026 profile digest v1", &disk);
    assert_eq!(lying.digest, hex::encode(digest));
    let on_disk = json
        .replace("\"digest\"", "\"residency\":\"disk\",\"digest\"")
        .replace(PROFILE_DIGEST, &lying.digest);
    assert_eq!(serde_json::to_string(&lying).unwrap(), on_disk);
    assert_eq!(serde_json::from_str::<Profile>(&on_disk).unwrap(), lying);
    let digest = blake3::derive_key("prag 2026 profile digest v1", &[transcript, search].concat());
    assert_eq!(veiled.digest, hex::encode(digest));
    let json = json
        .replace("\"digest\"", "\"search\":\"oblivious\",\"digest\"")
        .replace(PROFILE_DIGEST, &veiled.digest);
    assert_eq!(serde_json::to_string(&veiled).unwrap(), json);
    assert_eq!(serde_json::from_str::<Profile>(&json).unwrap(), veiled);
}

/// Every row of a shard is frozen: made by hand from the layout, they are what is stored, and they open.
#[test]
fn golden_rows() {
    let engine = MemoryEngine::new();
    let shard = CollectionShard::create(
        IDENTITY,
        profile(),
        wrap_key(),
        store(&engine, 0),
        &mut Counting(0),
    )
    .unwrap();
    let put = Op::Put { document: document("a", "bc"), vectors: vec![0.6, 0.8] };
    let ops = [put, Op::Delete("z".parse().unwrap())];
    let batches = ops.map(|op| batch(vec![op], None, 5, &mut Counting(0)).unwrap());
    shard.write(batches.to_vec(), &mut Counting(0)).unwrap();
    drop(shard);

    let chance = &mut Counting(0);
    let (root, names) = (Key::<Dek>::random(chance).unwrap(), Key::<Name>::random(chance).unwrap());
    let wrap = |id| place(Kind::DekWrap, id, 1);
    let born = |wrapped: Vec<u8>| [&[0, 0, 0, 1][..], &wrapped].concat();
    let root_row = born(root.wrap(&wrap_key(), wrap([0; 16]), nonce(chance)).unwrap());
    let names_row = born(names.wrap(&wrap_key(), wrap([0xff; 16]), nonce(chance)).unwrap());
    let text = serde_json::to_string(&profile()).unwrap();
    let length = [u8::try_from(text.len() & 127).unwrap() | 128, 2];
    assert_eq!(text.len() >> 7, 2);
    let manifest = [&[2], &length[..], text.as_bytes(), &[0, 0, 0, 0, 1, 0, 0]].concat();
    let manifest =
        sealed::<ManifestRecord>(&root, manifest, place(Kind::Manifest, [0; 16], 0), chance);

    let (chance, mut tree) = (&mut Counting(0), MerkleLog::new());
    let (mut batch_rows, mut digest_rows, mut head) = (Vec::new(), Vec::new(), Vec::new());
    for (seq, batch) in (0u8..).zip(&batches) {
        let plain = encode(batch).unwrap();
        let digest = blake3::derive_key("prag 2026 batch digest v1", &plain);
        tree.append(&digest);
        let at = place(Kind::Batch, [0; 16], seq.into());
        let bytes = sealed::<BatchRecord>(&root, plain, at, chance);
        batch_rows.push((vec![3, 0, 0, 0, 0, 0, 0, 0, seq, 0, 0], bytes));
        digest_rows.push((vec![5, 0, 0, 0, 0, 0, 0, 0, seq], digest.to_vec()));
        let plain = [&[seq + 1][..], &tree.root()].concat();
        head = sealed::<HeadRecord>(&root, plain, place(Kind::HeadRow, [0; 16], 0), chance);
    }
    let mut expected = vec![
        (vec![1], manifest),
        ([&[2][..], &[0; 16], &[0, 0, 0, 1]].concat(), root_row),
        ([&[2][..], &[0xff; 16], &[0, 0, 0, 1]].concat(), names_row),
    ];
    expected.extend(batch_rows);
    expected.push((vec![4], head));
    expected.extend(digest_rows);
    let stored = store(&engine, 1).scan(&KeyRange::prefix(&[]), None, 99).unwrap();
    assert_eq!(stored.rows, expected);

    let shard = reopen(&engine).unwrap();
    assert_eq!(contents(&shard.read()), [("a".into(), "bc".into())]);
    assert_eq!((shard.head().size, shard.head().root), (2, tree.root()));
    assert_eq!(shard.handle(&"a".parse().unwrap()), hex::encode(&names.name(b"a")[..16]));
}

/// A frozen segment: parts by number, each in frames at its own place; documents and row table in postcard; deleted
/// rows in the manifest, as a roaring bitmap in its portable form.
#[test]
fn golden_segment() {
    let engine = MemoryEngine::new();
    let shard = create(&engine);
    put(&shard, "a", "bc");
    put(&shard, "d", "ef");
    freeze::compact(&shard, false, &mut OsEntropy).unwrap();
    delete(&shard, "a");
    put(&shard, "g", "hi");
    freeze::compact(&shard, false, &mut OsEntropy).unwrap();
    let manifest = shard.writer().manifest.clone();
    assert_eq!((manifest.format, manifest.base, manifest.version), (2, 4, 2));
    assert_eq!(manifest.roots, [(0, 0)]);
    let [entry, fresh] = manifest.segments.as_slice() else { panic!("two segments") };
    assert_eq!(
        entry.parts.iter().map(|part| part.name).collect::<Vec<_>>(),
        [128, 129, 130, 1, 3, 4]
    );
    assert_eq!((entry.rows, &entry.profile), (2, &profile().digest));
    let dead = [0x3a, 0x30, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 16, 0, 0, 0, 0, 0];
    assert_eq!(entry.tombstones, dead);
    assert_eq!(fresh.tombstones, [0x3a, 0x30, 0, 0, 0, 0, 0, 0]);
    let hashes = [("a", "bc"), ("d", "ef")].map(|(id, text)| {
        chunk_hash(&ChunkParts {
            salt: &[9; 16],
            document: id,
            title: "T",
            chunk: 0,
            start: 0,
            end: 2,
            heading_path: &["Above".to_owned()],
            content_hash: blake3::hash(text.as_bytes()).as_bytes(),
            text,
        })
    });
    let mut tree = MerkleLog::new();
    for hash in &hashes {
        tree.append(hash);
    }
    assert_eq!(entry.root, tree.root());

    let raw = store(&engine, 1);
    let key = [&[2][..], &entry.id, &[0, 0, 0, 1]].concat();
    let wrapped = raw.get_many(&[&key]).unwrap().pop().unwrap().unwrap();
    assert_eq!(wrapped[..4], [0, 0, 0, 1], "born in epoch 1");
    let dek = Key::unwrap(&wrap_key(), place(Kind::DekWrap, entry.id, 1), &wrapped[4..]).unwrap();
    let open = |part: &PartEntry| {
        let sealed = raw.blobs().get(BlobName(part.blob), None).unwrap();
        let at = place(Kind::Segment, entry.id, part.name.into());
        let length = usize::try_from(part.length).unwrap();
        let plain = open_frames::<SegmentRecord>(&sealed, &dek, at, length).unwrap();
        assert_eq!(plain.expose().len(), length);
        plain.expose().to_vec()
    };
    let plain: Vec<Vec<u8>> = entry.parts.iter().map(open).collect();
    let expected = [&[2][..], &document_bytes(b"\x01a", b"bc"), &document_bytes(b"\x01d", b"ef")];
    assert_eq!(plain[0], expected.concat());
    assert_eq!(plain[1], [2, 0, 0, 1, 0]);
    assert_eq!(plain[2], hashes.concat());
    // Vectors are of part format 2, words and fields of 1.
    for (part, format) in plain[3..].iter().zip([2, 1, 1]) {
        assert_eq!(part[..8], [format, 0x00, 0x58, 0x50, 2, 0, 0, 0]);
    }
}

/// Record format 1 of [`document`] with a content of two bytes.
fn document_bytes(id: &[u8], content: &[u8; 2]) -> Vec<u8> {
    let chunk = [&[0, 2, 0][..], b"\x01\x05Above", &[3], &[9; 16]].concat();
    [
        id,
        b"\x01T",
        &[2],
        &[2],
        content,
        blake3::hash(content).as_bytes(),
        &[7; 32],
        b"\x0d{\"lang\":\"en\"}",
        &[1],
        &chunk,
    ]
    .concat()
}

fn sealed<R: Record>(
    key: &Key<R::Purpose>,
    plain: Vec<u8>,
    place: Place,
    chance: &mut Counting,
) -> Vec<u8> {
    let sealed: Sealed<R> = Plain::new(plain).seal(key, place, nonce(chance)).unwrap();
    sealed.into_bytes()
}

const PROFILE_DIGEST: &str = "469a3e02cbd35a91ba6f2e6131e564aa2462194e36adb22367eb319f7e59a230";
