//! What a vendor's server said, kept until it should be asked again.
//!
//! Layer: server, `platform`.
//! Holds: one answer and its question, when it was fetched and when it expires; when the last try failed.
//! Never: an expired answer, a second fetch while one is under way, a server that is down asked at every request.
//! Invariant: a failed refresh leaves an answer that is in date in use.

use super::PlatformError;
use std::sync::{Mutex, PoisonError};

/// The last answer.
pub(super) struct Cache<Q> {
    state: Mutex<State<Q>>,
}

struct State<Q> {
    kept: Option<Kept<Q>>,
    failed: Option<(u64, PlatformError)>,
}

struct Kept<Q> {
    question: Q,
    answer: Answer,
    fetched: u64,
}

/// An answer, and the Unix second after which it is of no use.
#[derive(Clone)]
pub(super) struct Answer {
    pub(super) bytes: Vec<u8>,
    pub(super) expires: u64,
}

impl<Q: PartialEq> Cache<Q> {
    pub(super) fn new() -> Self {
        Self { state: Mutex::new(State { kept: None, failed: None }) }
    }

    /// The answer to `question` at Unix second `now`, from `fetch` where it is absent, old or about to expire.
    pub(super) fn get(
        &self,
        question: Q,
        now: u64,
        fetch: impl FnOnce(&Q) -> Result<Answer, PlatformError>,
    ) -> Result<Vec<u8>, PlatformError> {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let state = &mut *state;
        let usable = |kept: &&Kept<Q>| kept.question == question && now < kept.answer.expires;
        let kept = state.kept.as_ref().filter(usable);
        if let Some(kept) = kept.filter(|kept| kept.fresh(now)) {
            return Ok(kept.answer.bytes.clone());
        }
        let error = match &state.failed {
            Some((at, error)) if now.saturating_sub(*at) < PAUSE_SECONDS => error.clone(),
            _ => match fetch(&question) {
                Ok(answer) => {
                    let bytes = answer.bytes.clone();
                    *state =
                        State { kept: Some(Kept { question, answer, fetched: now }), failed: None };
                    return Ok(bytes);
                }
                Err(error) => {
                    tracing::warn!(%error, "a vendor's server gave nothing");
                    state.failed = Some((now, error.clone()));
                    error
                }
            },
        };
        kept.map_or(Err(error), |kept| Ok(kept.answer.bytes.clone()))
    }
}

impl<Q> Kept<Q> {
    fn fresh(&self, now: u64) -> bool {
        now.saturating_sub(self.fetched) < REFRESH_SECONDS
            && now.saturating_add(SPARE_SECONDS) < self.answer.expires
    }
}

/// Age at which an answer is fetched again, seconds.
const REFRESH_SECONDS: u64 = 6 * 3600;
/// So long before its end an answer is fetched again, seconds.
const SPARE_SECONDS: u64 = 3600;
/// After a failure nobody is asked for so long, seconds.
const PAUSE_SECONDS: u64 = 10;

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::panic)]
    use super::*;
    use std::cell::Cell;

    const DOWN: PlatformError = PlatformError::Fetch("server", "down");

    struct Server {
        asked: Cell<u32>,
        up: bool,
    }

    impl Server {
        fn answer(&self, expires: u64) -> Result<Answer, PlatformError> {
            self.asked.set(self.asked.get() + 1);
            let bytes = self.asked.get().to_be_bytes().to_vec();
            if self.up { Ok(Answer { bytes, expires }) } else { Err(DOWN) }
        }
    }

    /// An answer is used while it is young and far from its end, and only for its own question.
    #[test]
    fn answers_are_kept_for_a_while() {
        let (cache, server) = (Cache::new(), Server { asked: Cell::new(0), up: true });
        let end = 10 * REFRESH_SECONDS;
        let get = |question, now| cache.get(question, now, |_| server.answer(end)).unwrap()[3];
        assert_eq!(
            [get("a", 0), get("a", REFRESH_SECONDS - 1), get("a", REFRESH_SECONDS)],
            [1, 1, 2]
        );
        assert_eq!([get("b", REFRESH_SECONDS), get("b", REFRESH_SECONDS)], [3, 3]);
        let near = end - SPARE_SECONDS;
        assert_eq!([get("b", near - 1), get("b", near - 1), get("b", near)], [4, 4, 5]);
    }

    /// While the server is down the old answer serves to its last second, and the server is left in peace.
    #[test]
    fn a_dead_server_costs_nothing_until_the_end() {
        let (cache, mut server) = (Cache::new(), Server { asked: Cell::new(0), up: true });
        let end = 10 * REFRESH_SECONDS;
        cache.get("a", 0, |_| server.answer(end)).unwrap();
        server.up = false;
        let get = |now| cache.get("a", now, |_| server.answer(end));
        let old = REFRESH_SECONDS;
        for now in [old, old, old + PAUSE_SECONDS - 1, old + PAUSE_SECONDS] {
            assert_eq!(get(now).unwrap()[3], 1);
        }
        assert_eq!(server.asked.get(), 3);
        assert_eq!(get(end - 1).unwrap()[3], 1);
        assert_eq!((get(end), get(end + 1)), (Err(DOWN), Err(DOWN)));
        assert_eq!(server.asked.get(), 4);
        assert_eq!(cache.get("b", end, |_| server.answer(end)), Err(DOWN));
    }
}
