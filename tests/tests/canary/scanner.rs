//! Finds markers and vectors in bytes.
//!
//! Layer: tests.
//! Holds: every marker as it is, in other cases, in hex and in base64; runs of known vectors; one pass over a place.
//! Never: a place that is passed over.
//! Invariant: what it is told of, it finds (`the_scanner_can_fail` says so before anything relies on it).

use base64::Engine;
use base64::engine::general_purpose::{STANDARD_NO_PAD, URL_SAFE_NO_PAD};
use std::io::ErrorKind;
use std::path::Path;

/// What must not be found.
#[derive(Default)]
pub(crate) struct Scanner {
    /// Names and bytes.
    needles: Vec<(String, Vec<u8>)>,
    vectors: Vec<(String, Vec<f32>)>,
}

/// Consecutive little-endian floats that count as a leak.
pub(crate) const RUN: usize = 8;
/// Floats this close are the same number: the worker normalises vectors in an order of its own.
const CLOSE: f32 = 1e-6;

impl Scanner {
    /// Looks for `marker` too: text, which a tokenizer may have lowered.
    pub(crate) fn text(&mut self, marker: &str) {
        for text in [marker.to_owned(), marker.to_lowercase(), marker.to_uppercase()] {
            self.bytes(marker, text.as_bytes());
        }
    }

    /// Looks for `bytes` too: as they are, in hex and in base64 at each of the three phases.
    pub(crate) fn bytes(&mut self, name: &str, bytes: &[u8]) {
        let mut forms = vec![bytes.to_vec()];
        forms.push(hex::encode(bytes).into_bytes());
        forms.push(hex::encode_upper(bytes).into_bytes());
        for phase in 0..3 {
            let shifted = [&[0; 2][..phase], bytes].concat();
            // Digits that also carry bits of the neighbours are left out.
            let (first, last) = ((phase * 8).div_ceil(6), shifted.len() * 8 / 6);
            for engine in [&STANDARD_NO_PAD, &URL_SAFE_NO_PAD] {
                forms.push(engine.encode(&shifted).as_bytes()[first..last].to_vec());
            }
        }
        for form in forms {
            if !self.needles.iter().any(|(_, known)| *known == form) {
                self.needles.push((name.to_owned(), form));
            }
        }
    }

    /// Looks for runs of `vector` too, also scaled to unit length, and for its numbers in print.
    pub(crate) fn vector(&mut self, name: &str, vector: &[f32]) {
        let length = vector.iter().map(|x| x * x).sum::<f32>().sqrt();
        let unit: Vec<f32> = vector.iter().map(|x| x / length).collect();
        for numbers in [vector, &unit] {
            for start in (0..numbers.len() - 3).step_by(RUN) {
                let printed: Vec<_> =
                    numbers[start..start + 3].iter().map(f32::to_string).collect();
                for separator in [",", ", "] {
                    let form = printed.join(separator).into_bytes();
                    self.needles.push((format!("{name}, printed"), form));
                }
            }
            self.vectors.push((name.to_owned(), numbers.to_vec()));
        }
    }

    /// What is found in `bytes`, each by name, once.
    pub(crate) fn find(&self, bytes: &[u8]) -> Vec<String> {
        let mut found = self.find_needles(bytes);
        found.extend(self.find_vectors(bytes));
        found.sort();
        found.dedup();
        found
    }

    /// What is found in the files below `folder`, their names included. Files that vanish meanwhile are no leak.
    pub(crate) fn find_in_folder(&self, folder: &Path) -> Vec<String> {
        let (mut found, mut folders) = (Vec::new(), vec![folder.to_owned()]);
        while let Some(folder) = folders.pop() {
            for entry in std::fs::read_dir(folder).unwrap() {
                let path = entry.unwrap().path();
                let mut here = self.find(path.to_string_lossy().as_bytes());
                if path.is_dir() {
                    folders.push(path.clone());
                } else {
                    match std::fs::read(&path) {
                        Ok(bytes) => here.extend(self.find(&bytes)),
                        Err(error) => assert_eq!(error.kind(), ErrorKind::NotFound),
                    }
                }
                found.extend(here.iter().map(|name| format!("{name} in {}", path.display())));
            }
        }
        found
    }

    fn find_needles(&self, bytes: &[u8]) -> Vec<String> {
        let mut by_start = vec![Vec::new(); 1 << 16];
        for needle in &self.needles {
            by_start[usize::from(u16::from_le_bytes([needle.1[0], needle.1[1]]))].push(needle);
        }
        let mut found = Vec::new();
        for at in 0..bytes.len().saturating_sub(1) {
            let start = u16::from_le_bytes([bytes[at], bytes[at + 1]]);
            for (name, needle) in &by_start[usize::from(start)] {
                if bytes[at..].starts_with(needle) {
                    found.push(name.clone());
                }
            }
        }
        found
    }

    fn find_vectors(&self, bytes: &[u8]) -> Vec<String> {
        let mut known = Vec::new();
        for (name, vector) in &self.vectors {
            // Zeros are everywhere; a run that begins with one is found one number later.
            known.extend(
                vector.windows(RUN).filter(|run| run[0].abs() > CLOSE).map(|run| (run, name)),
            );
        }
        known.sort_by(|a, b| a.0[0].total_cmp(&b.0[0]));
        let mut found = Vec::new();
        for window in bytes.windows(RUN * 4) {
            let mut numbers = window
                .chunks_exact(4)
                .map(|four| f32::from_le_bytes([four[0], four[1], four[2], four[3]]));
            let first = numbers.next().unwrap();
            if !first.is_finite() || first.abs() <= CLOSE {
                continue;
            }
            let from = known.partition_point(|(run, _)| run[0] < first - CLOSE);
            let near = known[from..].iter().take_while(|(run, _)| run[0] <= first + CLOSE);
            for (run, name) in near {
                let rest = numbers.clone().zip(&run[1..]);
                if rest.into_iter().all(|(a, b)| (a - b).abs() <= CLOSE) {
                    found.push((*name).clone());
                }
            }
        }
        found
    }
}
