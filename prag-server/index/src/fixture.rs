//! Test data: seeded dice, clustered vectors, small texts.

#![allow(clippy::unwrap_used, clippy::panic)]

use crate::{Hit, Row};
use prag_protocol::metadata::{Metadata, Value};
use std::sync::Arc;

/// A small generator, so that a failing seed replays.
pub(crate) struct Dice(pub(crate) u64);

impl Dice {
    pub(crate) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    pub(crate) fn below(&mut self, end: u64) -> u64 {
        self.next() % end
    }

    /// Near to normal: a sum of uniform numbers.
    fn normal(&mut self) -> f32 {
        (0..4).map(|_| (self.next() >> 40) as f32 / (1u64 << 24) as f32 - 0.5).sum()
    }

    pub(crate) fn unit(&mut self, dimension: usize) -> Vec<f32> {
        let raw = (0..dimension).map(|_| self.normal()).collect();
        normalized(raw)
    }

    pub(crate) fn near(&mut self, center: &[f32], spread: f32) -> Vec<f32> {
        let noise = self.unit(center.len());
        normalized(center.iter().zip(noise).map(|(a, b)| a + spread * b).collect())
    }

    /// Words with a skew: w0 is common, w60 is rare.
    pub(crate) fn sentence(&mut self, words: u64) -> String {
        let word = |dice: &mut Self| {
            let end = 1 + dice.below(60);
            format!("w{}", dice.below(end))
        };
        (0..words).map(|_| word(self)).collect::<Vec<_>>().join(" ")
    }
}

fn normalized(vector: Vec<f32>) -> Vec<f32> {
    let length = vector.iter().map(|value| value * value).sum::<f32>().sqrt();
    vector.iter().map(|value| value / length).collect()
}

/// Texts with their vectors, around `clusters` centres.
pub(crate) fn clustered(
    dice: &mut Dice,
    count: usize,
    dimension: usize,
    clusters: usize,
) -> Vec<(String, Vec<f32>)> {
    let centers: Vec<Vec<f32>> = (0..clusters).map(|_| dice.unit(dimension)).collect();
    (0..count)
        .map(|index| {
            let length = dice.below(30);
            (dice.sentence(length), dice.near(&centers[index % clusters], 0.7))
        })
        .collect()
}

/// Rows of documents with three chunks each; field `n` counts rows.
pub(crate) fn rows(texts: &[(String, Vec<f32>)]) -> Vec<Row> {
    let row = |(index, (text, vector)): (usize, &(String, Vec<f32>))| {
        let mut metadata = Metadata::new();
        metadata.insert("n".into(), Value::Integer(i64::try_from(index).unwrap())).unwrap();
        Row {
            doc: format!("doc-{}", index / 3),
            text: text.clone(),
            vector: vector.clone(),
            metadata: Arc::new(metadata),
        }
    };
    texts.iter().enumerate().map(row).collect()
}

/// Hits with their scores' bits, to compare and to print.
pub(crate) fn pairs(hits: &[Hit]) -> Vec<(u32, u32)> {
    hits.iter().map(|hit| (hit.ordinal, hit.score.to_bits())).collect()
}
