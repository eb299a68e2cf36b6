//! Hostile records, manifests and row keys, as they would be if their seals were broken.

use super::super::manifest::Manifest;
use super::super::profile::Shape;
use super::*;
use prag_fuzz::fuzz;

/// Batches are applied or refused, manifests decode to what encodes to the same, and no text is cut where it cannot be.
#[test]
fn records_and_manifests() {
    let chunk = Chunk {
        start: 0,
        end: 5,
        text: None,
        heading_path: vec!["Héading".to_owned()],
        tokens: 3,
        salt: [1; 16],
    };
    let metadata: Metadata = serde_json::from_str(r#"{"a":["b",1]}"#).unwrap();
    let id: DocumentId = "doc".parse().unwrap();
    let content = "texté of it".to_owned();
    let document = Document::new(
        id.clone(),
        "T".to_owned(),
        Format::Text,
        content,
        &metadata,
        vec![chunk],
        [2; 32],
    );
    let put = Op::Put { document, vectors: vec![1.0, 0.0] };
    let staged = encode(&put).unwrap();
    let batch = |ops| Batch { salt: [3; 16], time: 300, ops, idempotency: None };
    let good = [
        encode(&batch(vec![put, Op::Delete(id)])).unwrap(),
        encode(&batch(vec![
            Op::Stage { upload: [4; 16], part: 0, bytes: staged },
            Op::Publish { upload: [4; 16], parts: 1 },
        ]))
        .unwrap(),
    ];
    fuzz(2, &good, |bytes| {
        let Ok(batch) = decode::<Batch>(bytes) else { return };
        let mut live = Live::new(Shape::plain(2), Vec::new());
        let _ = live.apply(batch);
        for at in live.documents.values() {
            let _ = at.document.metadata();
            for number in 0..at.document.chunks.len().min(9) as u32 + 1 {
                let _ = at.document.text(number);
                let _ = at.document.searched_text(number);
            }
        }
    });
    let manifest = Manifest { format: 1, profile: "{}".to_owned(), base: 3, ..Manifest::default() };
    fuzz(1, &[encode(&manifest).unwrap()], |bytes| {
        if let Ok(manifest) = decode::<Manifest>(bytes) {
            assert_eq!(decode::<Manifest>(&encode(&manifest).unwrap()).unwrap(), manifest);
        }
    });
    fuzz(1, &[rows::batch(7, 1), rows::digest(7)], |bytes| {
        if let Some((seq, part)) = rows::parse_batch(bytes) {
            assert_eq!(rows::batch(seq, part), bytes);
        }
        if let Some(seq) = rows::parse_digest(bytes) {
            assert_eq!(rows::digest(seq), bytes);
        }
    });
}
