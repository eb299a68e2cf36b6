//! How much room a reply gives one hit.
//!
//! Layer: beside `http` and `flow`, below both; knows nothing of either.
//! Holds: one size class for the whole worker, which grows with the longest passage that is stored here.
//! Never: a class of one collection: a reply's length would tell collections apart; a class that falls while the worker
//! runs.
//! Invariant: whatever a query returns was stored under a class that its hits fit, and the class grows before what
//! needs it is visible.

use prag_protocol::limits::{HIT_BYTES_MAX, HIT_BYTES_MIN};
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

/// The worker's class. Clones share it.
#[derive(Clone, Debug)]
pub struct Room(Arc<AtomicU32>);

impl Default for Room {
    /// Of a worker that stores nothing yet.
    fn default() -> Self {
        Self(Arc::new(AtomicU32::new(HIT_BYTES_MIN)))
    }
}

impl Room {
    /// The widest, for whom no passage is counted.
    #[must_use]
    pub fn widest() -> Self {
        Self(Arc::new(AtomicU32::new(HIT_BYTES_MAX)))
    }

    /// Bytes for each hit of a reply.
    #[must_use]
    pub fn hit_bytes(&self) -> usize {
        self.0.load(Ordering::SeqCst) as usize
    }

    /// From now on at least `class`.
    pub fn widen(&self, class: u32) {
        self.0.fetch_max(class, Ordering::SeqCst);
    }
}

/// The class of a hit whose texts take `text_bytes` of JSON: a power of two, with room for what else a hit holds and,
/// where the reply is sealed to an attested reader, for a third more in base64: who asks shows in no length.
#[must_use]
pub fn class(text_bytes: usize) -> u32 {
    let encoded = text_bytes.saturating_add(FIELDS_BYTES).div_ceil(3).saturating_mul(4);
    let encoded = u32::try_from(encoded).unwrap_or(u32::MAX);
    encoded.clamp(HIT_BYTES_MIN, HIT_BYTES_MAX).next_power_of_two()
}

/// A hit without its texts: names of fields, numbers, the content's hash.
const FIELDS_BYTES: usize = 256;

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::panic)]
    use super::*;
    use prag_protocol::wire::search::{Hit, json_bytes};

    fn hit(text: String) -> Hit {
        Hit {
            document: "d".repeat(40).parse().unwrap(),
            title: "t\"\\".repeat(9),
            chunk: u32::MAX,
            score: -0.123,
            text,
            start: u32::MAX,
            end: u32::MAX,
            heading_path: vec!["h\n".repeat(8), "\u{1}".repeat(8)],
            content_hash: "0".repeat(64),
            metadata: None,
        }
    }

    /// A hit fits the class of its texts, also in base64; a text that grows by a byte never gets less room.
    #[test]
    fn hits_fit_their_class() {
        let mut last = 0;
        for length in 0..4096 {
            let text: String =
                "plain text, \"quoted\"\n\u{2}é\\".chars().cycle().take(length).collect();
            let hit = hit(text);
            let texts = [hit.document.as_str(), &hit.title, &hit.text];
            let texts = texts.into_iter().chain(hit.heading_path.iter().map(String::as_str));
            let class = class(texts.map(json_bytes).sum());
            let encoded = serde_json::to_vec(&hit).unwrap().len() + 1;
            let sealed = encoded.div_ceil(3) * 4;
            assert!(
                sealed <= class as usize || class == HIT_BYTES_MAX,
                "{length}: {sealed} {class}"
            );
            assert!(class >= last && class.is_power_of_two());
            assert!((HIT_BYTES_MIN..=HIT_BYTES_MAX).contains(&class));
            last = class;
        }
        assert_eq!((class(0), class(usize::MAX)), (HIT_BYTES_MIN, HIT_BYTES_MAX));
    }

    /// Clones share one class, and it never falls.
    #[test]
    fn room_only_grows() {
        let room = Room::default();
        let other = room.clone();
        other.widen(4096);
        other.widen(2048);
        assert_eq!(room.hit_bytes(), 4096);
        assert_eq!(Room::widest().hit_bytes(), HIT_BYTES_MAX as usize);
    }
}
