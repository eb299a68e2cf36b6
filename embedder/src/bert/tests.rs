#![allow(clippy::unwrap_used, clippy::panic)]

use std::path::PathBuf;
use std::sync::LazyLock;

use super::*;
use crate::card::Expected;

/// The model's folder, or a failure that says how to get it.
fn folder() -> PathBuf {
    let folder = std::env::var_os("PRAG_MODEL_DIR").map_or_else(
        || {
            let home = PathBuf::from(std::env::var_os("HOME").unwrap_or_default());
            home.join(".cache/prag/models/all-MiniLM-L6-v2")
        },
        PathBuf::from,
    );
    assert!(
        folder.join("model.safetensors").exists(),
        "the model is not there: run `make model`, or set PRAG_MODEL_DIR to its folder"
    );
    folder
}

fn open(device: Compute, threads: usize, preset: &Preset) -> Result<BertEmbedder, EmbedError> {
    let options = Options { device, threads: NonZeroUsize::new(threads) };
    BertEmbedder::open(&Source::Folder(folder()), preset, &options)
}

static SLICES: LazyLock<BertEmbedder> =
    LazyLock::new(|| open(Compute::Cpu, 2, &Preset::minilm()).unwrap());
static TENSORS: LazyLock<BertEmbedder> =
    LazyLock::new(|| open(Compute::CpuTensors, 2, &Preset::minilm()).unwrap());

fn cosine(a: &[f32], b: &[f32]) -> f32 {
    a.iter().zip(b).map(|(a, b)| a * b).sum()
}

fn distance(a: &[f32], b: &[f32]) -> f32 {
    a.iter().zip(b).map(|(a, b)| (a - b).abs()).fold(0.0, f32::max)
}

/// Five texts of 6 to 138 tokens, two of them alike, one with accents, CJK and an emoji.
fn texts() -> [String; 5] {
    let clause = "the water treatment station reports that the price of light rain may rise under the northern city ";
    [
        "a man is eating food".into(),
        "a man eats something".into(),
        "the stock market fell sharply today".into(),
        "Naïve café — 東京 ☕ costs €4.50!".into(),
        clause.repeat(8),
    ]
}

fn all(texts: &[String]) -> Vec<&str> {
    texts.iter().map(String::as_str).collect()
}

/// Components 0, 1, 2, 97, 200 and 383 of each text's vector, computed in f64 by an independent
/// program from the same weights.
const REFERENCE: [[f32; 6]; 5] = [
    [0.034_048_4, 0.000_726_6, -0.000_236_5, -0.110_653, 0.021_324_5, -0.035_094],
    [0.015_967_2, -0.026_83, -0.001_284_6, -0.034_831_7, 0.015_882_9, -0.006_772],
    [0.043_081_6, -0.010_927, 0.071_324_4, -0.038_693_1, -0.000_040_5, 0.085_238_5],
    [0.094_644_8, 0.038_742_9, 0.049_921_3, 0.034_475_3, 0.126_487_8, -0.005_726_7],
    [-0.042_332_6, -0.001_807, 0.113_016_1, -0.056_358, 0.055_725_2, 0.062_874_9],
];

/// Both ways of computing agree with the reference, have unit length and tell texts apart.
#[test]
fn vectors_equal_the_reference() {
    for model in [&*SLICES, &*TENSORS] {
        let texts = texts();
        let rows = model.embed(Role::Passage, &all(&texts)).unwrap();
        assert_eq!((rows.len(), rows.dim()), (5, 384));
        for (row, reference) in rows.iter().zip(REFERENCE) {
            let found = [0, 1, 2, 97, 200, 383].map(|component: usize| row[component]);
            assert!(distance(&found, &reference) < 2e-6, "{found:?}");
            assert!((cosine(row, row) - 1.0).abs() < 1e-6);
        }
        let cosine = |i, j| cosine(rows.row(i).unwrap(), rows.row(j).unwrap());
        assert!((cosine(0, 1) - 0.867_223).abs() < 1e-5);
        assert!((cosine(0, 2) + 0.016_118).abs() < 1e-5);
    }
}

/// A text's vector does not depend on its company, bit for bit, and the order is kept.
#[test]
fn batches_do_not_matter() {
    let texts = (0..60)
        .map(|i| format!("number {i} {}", "and so on ".repeat(i * 7 % 50)))
        .collect::<Vec<_>>();
    let together = SLICES.embed(Role::Passage, &all(&texts)).unwrap();
    for (text, row) in texts.iter().zip(together.iter()) {
        let alone = SLICES.embed(Role::Passage, &[text]).unwrap();
        assert_eq!(alone.row(0).unwrap(), row);
    }
    let twin = TENSORS.embed(Role::Passage, &all(&texts)).unwrap();
    for (row, twin) in together.iter().zip(twin.iter()) {
        assert!(distance(row, twin) < 2e-6);
    }
}

/// A text that fills the window is embedded; one token more, and nothing is.
#[test]
fn window_is_exact() {
    let room = SLICES.budget(Role::Passage);
    assert_eq!(room, 254);
    let fits = "word ".repeat(room);
    assert_eq!(SLICES.count(&fits), room);
    SLICES.embed(Role::Passage, &[&fits]).unwrap();
    let long = "word ".repeat(room + 1);
    let error = SLICES.embed(Role::Passage, &["fine", &fits, &long, &long]).err().unwrap();
    assert_eq!(error, EmbedError::TooLong { index: 2, tokens: 257, max: 256 });
}

/// Empty texts, texts without tokens, oversized texts and too many texts are refused; none is fine.
#[test]
fn odd_requests_are_refused() {
    for empty in ["", " \n\t", "\u{0}\u{1}"] {
        let error = SLICES.embed(Role::Query, &["fine", empty]).err().unwrap();
        assert_eq!(error, EmbedError::Empty { index: 1 });
    }
    let vast = "a".repeat(crate::TEXT_BYTES_MAX + 1);
    let error = SLICES.embed(Role::Query, &[&vast]).err().unwrap();
    assert!(matches!(error, EmbedError::Oversized { index: 0, .. }));
    assert_eq!(SLICES.count(&vast), usize::MAX);
    assert!(matches!(SLICES.tokens(&vast), Err(EmbedError::Oversized { .. })));
    let many = vec!["a"; TEXTS_MAX + 1];
    let error = SLICES.embed(Role::Query, &many).err().unwrap();
    assert_eq!(error, EmbedError::TooMany { texts: TEXTS_MAX + 1, max: TEXTS_MAX });
    assert!(SLICES.embed(Role::Query, &[]).unwrap().is_empty());
}

/// Token offsets are bytes of the text itself, in order, and lie on its characters.
#[test]
fn offsets_are_bytes_of_the_text() {
    let text = "Naïve café — 東京 unbelievable ☕";
    let offsets = SLICES.tokens(text).unwrap();
    assert_eq!(offsets.len(), SLICES.count(text));
    let pieces = offsets.iter().map(|&(from, to)| text.get(from..to).unwrap()).collect::<Vec<_>>();
    assert!(pieces.contains(&"Naïve") && pieces.contains(&"東"), "{pieces:?}");
    assert!(offsets.windows(2).all(|pair| pair[0].1 <= pair[1].0));
}

/// A query prefix changes queries, not passages, and is taken off the window; pooling changes both.
#[test]
fn roles_and_pooling_follow_the_preset() {
    let preset = Preset {
        query_prefix: "search: ".into(),
        pooling: crate::Pooling::Cls,
        expected: Expected::default(),
        ..Preset::minilm()
    };
    let model = open(Compute::Cpu, 1, &preset).unwrap();
    let query = model.embed(Role::Query, &["rain"]).unwrap();
    let passages = model.embed(Role::Passage, &["rain", "search: rain"]).unwrap();
    assert_eq!(query.row(0), passages.row(1));
    assert_ne!(query.row(0), passages.row(0));
    assert_eq!(model.budget(Role::Query), 252);
    let twin = open(Compute::CpuTensors, 1, &preset).unwrap();
    let twin = twin.embed(Role::Query, &["rain"]).unwrap();
    assert!(distance(twin.row(0).unwrap(), query.row(0).unwrap()) < 2e-6);
    let mean = SLICES.embed(Role::Passage, &["rain"]).unwrap();
    assert_ne!(mean.row(0), passages.row(0));
}

/// The card carries the hashes of the files, and other files than expected are refused.
#[test]
fn files_are_pinned() {
    let card = SLICES.model();
    assert_eq!(Some(card.weights_blake3), Preset::minilm().expected.weights_blake3);
    let hash = *blake3::hash(&std::fs::read(folder().join("config.json")).unwrap()).as_bytes();
    assert_eq!(card.config_blake3, hash);

    let mut preset = Preset::minilm();
    preset.expected.config_blake3 = Some([0; 32]);
    let error = open(Compute::Cpu, 1, &preset).err().unwrap();
    assert_eq!(error, EmbedError::HashMismatch { file: ModelFile::Config });
}

/// Damaged files are refused with an error, whichever file it is.
#[test]
fn damage_is_refused() {
    let preset = Preset { expected: Expected::default(), ..Preset::minilm() };
    let read = || ModelFiles::read(&Source::Folder(folder())).unwrap();
    let refused = |files| BertEmbedder::load(files, &preset, &Options::default()).err().unwrap();
    let mut files = read();
    files.weights.truncate(1_000_000);
    assert!(matches!(refused(files), EmbedError::Corrupt { file: ModelFile::Weights, .. }));
    let mut files = read();
    files.weights[..8].fill(0xff);
    assert!(matches!(refused(files), EmbedError::Corrupt { file: ModelFile::Weights, .. }));
    let mut files = read();
    // After the header lie the position ids (4,096 bytes), then the first bias that the network uses.
    let header = u64::from_le_bytes(files.weights[..8].try_into().unwrap()) as usize;
    files.weights[8 + header + 4096..][..4].copy_from_slice(&f32::NAN.to_le_bytes());
    assert!(matches!(refused(files), EmbedError::Corrupt { file: ModelFile::Weights, .. }));
    let mut files = read();
    files.tokenizer = b"{}".to_vec();
    assert!(matches!(refused(files), EmbedError::Corrupt { file: ModelFile::Tokenizer, .. }));
    let mut files = read();
    files.config = String::from_utf8(files.config).unwrap().replace("384", "768").into_bytes();
    assert!(matches!(refused(files), EmbedError::Corrupt { file: ModelFile::Weights, .. }));
}

/// Without the feature, or without a GPU, asking for one is an error and not the CPU in secret.
#[cfg(not(feature = "cuda"))]
#[test]
fn absent_gpu_is_an_error() {
    let error = open(Compute::Cuda(0), 1, &Preset::minilm()).err().unwrap();
    assert!(matches!(error, EmbedError::Device { .. }));
}
