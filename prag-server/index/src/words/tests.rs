#![allow(clippy::unwrap_used, clippy::panic)]

use super::*;
use crate::bm25::Weights;
use crate::bytes::Reader;
use crate::error::PartName;
use crate::fixture::{Dice, pairs};
use crate::top::{Hit, rank};
use roaring::RoaringBitmap;

/// What is found is what scoring every row finds, to the last bit: over lists of many blocks and windows, for common
/// and rare terms, any share of allowed rows, any k, and statistics that are not the segment's own.
#[test]
fn nothing_that_is_skipped_would_be_found() {
    let mut dice = Dice(11);
    let rows = 13_000u32;
    let texts: Vec<String> = (0..rows)
        .map(|row| {
            let length = dice.below(24);
            let mut text = dice.sentence(length);
            for (word, one_in) in [("rare", 900), ("seldom", 90), ("often", 2)] {
                (0..dice.below(4)).filter(|_| dice.0.is_multiple_of(one_in)).for_each(|_| {
                    text.push(' ');
                    text.push_str(word);
                });
            }
            if row % 4096 < 3 { format!("{text} edge") } else { text }
        })
        .collect();
    let words = Words::build(texts.iter().map(String::as_str), Analyzer::default()).unwrap();
    let held: Vec<Analyzed> = texts.iter().map(|text| Analyzed::new(text)).collect();
    for round in 0..60u64 {
        let extra = ["rare often", "edge seldom", "often often w0", "seldom rare edge", ""];
        let query =
            Analyzed::new(&format!("{} {}", dice.sentence(round % 5), extra[round as usize % 5]));
        let one_in = [1, 2, 30, 700][round as usize % 4];
        let allowed: RoaringBitmap = (0..rows).filter(|_| dice.below(one_in) == 0).collect();
        let mask = Mask::new(&allowed, rows);
        let mut stats = words.stats(&query, &mask).unwrap();
        if round % 3 == 0 {
            stats.docs += 50_000;
            stats.tokens += dice.below(4_000_000);
            stats.frequencies.iter_mut().for_each(|frequency| *frequency += dice.below(40_000));
        }
        let weights = Weights::new(&query, &stats);
        let mut all: Vec<Hit> = allowed
            .iter()
            .filter_map(|ordinal| {
                let row = &held[ordinal as usize];
                let parts = weights.terms().iter().filter_map(|&(term, weight)| {
                    let (_, count) = row.terms().iter().find(|(held, _)| held == term)?;
                    Some(weights.part(weight, words.norms[ordinal as usize], *count))
                });
                let score = parts.reduce(|sum, part| sum + part)?;
                Some(Hit { ordinal, score })
            })
            .collect();
        rank(&mut all);
        for k in [1, 10, 64, 5000] {
            let hits = words.search(&query, &stats, &mask, k).unwrap();
            assert_eq!(pairs(&hits), pairs(&all[..k.min(all.len())]), "round {round}, k {k}");
        }
    }
}

/// Part format 1 is frozen: header, the analyser's name, each row's terms, then tantivy's files by name. A part that
/// tantivy 0.27.0 wrote (its index format 7) opens for ever, answers the same, and is written back byte for byte.
#[test]
fn golden_part() {
    let part = golden_bytes();
    let words = Words::from_bytes(&part, 2).unwrap();
    assert_eq!(words.lengths, [3, 2]);
    assert!(words.to_bytes(2).unwrap() == part);

    let search = |text: &str| {
        let (query, everyone) = (Analyzed::new(text), Mask::All(2));
        let stats = words.stats(&query, &everyone).unwrap();
        let hits = words.search(&query, &stats, &everyone, 9).unwrap();
        (stats.frequencies, hits.into_iter().map(|hit| hit.ordinal).collect::<Vec<_>>())
    };
    assert_eq!(search("red"), (vec![1], vec![0]));
    assert_eq!(search("apples"), (vec![2], vec![1, 0]));
    assert_eq!(search("pie red"), (vec![1, 1], vec![0, 1]));
    assert_eq!(search("pear"), (vec![0], vec![]));
}

/// What is written now is what was written then, but for the segment's random name and the footers, in which tantivy
/// puts its own version. Should this fail after an update of tantivy while [`golden_part`] holds, parts remain
/// readable: freeze a second part beside the first.
#[test]
fn golden_part_is_still_written() {
    let words =
        Words::build(["red apple red", "apple pie"].into_iter(), Analyzer::default()).unwrap();
    let (written, golden) = (words.to_bytes(2).unwrap(), golden_bytes());
    assert_eq!(files(&written), files(&golden));
    let fixed = 8 + 4 + 14 + 4 + 8 + 4;
    assert_eq!(written[..fixed], golden[..fixed]);
}

/// The files of a part: name without the segment's, content without its id and without footers.
fn files(part: &[u8]) -> Vec<(String, Vec<u8>)> {
    let (mut reader, _) = Reader::new(PartName::Words, part).unwrap();
    reader.bytes().unwrap();
    reader.numbers().unwrap();
    let mut files = Vec::new();
    for _ in 0..reader.number().unwrap() {
        let name = std::str::from_utf8(reader.bytes().unwrap()).unwrap();
        let bytes = reader.bytes().unwrap();
        if name == "meta.json" {
            let text = std::str::from_utf8(bytes).unwrap();
            let id = text.split("\"segment_id\": \"").nth(1).unwrap()[..36].to_owned();
            files.push((name.to_owned(), text.replace(&id, "id").into_bytes()));
        } else {
            let (stem, extension) = name.split_once('.').unwrap();
            assert_eq!(stem.len(), 32);
            let (rest, end) = bytes.split_last_chunk::<8>().unwrap();
            let footer = u32::from_le_bytes(end[..4].try_into().unwrap()) as usize;
            assert_eq!(end[4..], [0x39, 0x05, 0, 0]);
            files.push((extension.to_owned(), rest[..rest.len() - footer].to_vec()));
        }
    }
    reader.end().unwrap();
    files
}

/// The part of "red apple red" and "apple pie", as it was first stored.
fn golden_bytes() -> Vec<u8> {
    let mut part = vec![0x01, 0x00, 0x58, 0x50, 2, 0, 0, 0];
    part.extend(counted(b"english-stem-1"));
    part.extend([2, 0, 0, 0, 3, 0, 0, 0, 2, 0, 0, 0, 7, 0, 0, 0]);
    for (extension, body, crc) in FILES {
        part.extend(counted(format!("c45a13a6f7a544a79ac61edad66780bf.{extension}").as_bytes()));
        let version = r#"{"major":0,"minor":27,"patch":0,"index_format_version":7}"#;
        let footer = format!(r#"{{"version":{version},"crc":{crc}}}"#);
        let length = u32::try_from(footer.len()).unwrap().to_le_bytes();
        let file = [&unhex(body), footer.as_bytes(), &length, &[0x39, 0x05, 0, 0]].concat();
        part.extend(counted(&file));
    }
    part.extend(counted(b"meta.json"));
    part.extend(counted(META.as_bytes()));
    part
}

/// Behind its length: u32, little-endian.
fn counted(bytes: &[u8]) -> Vec<u8> {
    [&u32::try_from(bytes.len()).unwrap().to_le_bytes(), bytes].concat()
}

fn unhex(text: &str) -> Vec<u8> {
    let pair = |at: usize| u8::from_str_radix(&text[at..at + 2], 16).unwrap();
    (0..text.len()).step_by(2).map(pair).collect()
}

/// Name, content without footer, checksum.
const FILES: [(&str, &str, u32); 6] = [
    (
        "fast",
        concat!(
            "0000000000000000000000000400000000000000000000000000000003000000200000000000",
            "0000020000000200000002717742",
        ),
        4_156_565_967,
    ),
    ("fieldnorm", "03028180000000008007000000", 585_031_590),
    ("idx", "050000000000000080818181818180828180000000008007000000", 3_102_559_379),
    ("pos", "8180000000008007000000", 400_349_849),
    (
        "store",
        concat!(
            "80800000000001000000020000008185818080828e020000000e000000000000000000000000",
            "0000000000000000000000",
        ),
        2_466_230_893,
    ),
    (
        "term",
        concat!(
            "0200000000000000000000000000000000108fc9c9001082c8001092c2020100010509727061",
            "1103030000000000000027000000000000002700000000000000030000000000000000000000",
            "0000000002000000000000000000000004000000000000000000000000000000010400d42239",
            "0000000000000001000000010000008180000000008007000000",
        ),
        1_299_952_150,
    ),
];

const META: &str = r#"{
  "index_settings": {
    "docstore_compression": "none",
    "docstore_compress_dedicated_thread": false,
    "docstore_blocksize": 16384
  },
  "segments": [
    {
      "segment_id": "c45a13a6-f7a5-44a7-9ac6-1edad66780bf",
      "max_doc": 2,
      "deletes": null
    }
  ],
  "schema": [
    {
      "name": "words",
      "type": "text",
      "options": {
        "indexing": {
          "record": "freq",
          "fieldnorms": true,
          "tokenizer": "raw"
        },
        "stored": false,
        "fast": false
      }
    }
  ],
  "opstamp": 0
}
"#;
