//! Which segments are merged, and when: tiers by size, and the wounded.
//!
//! Layer: collection; numbers only.
//! Holds: the policy of merges.
//! Never: a build, a lock, the disk.
//! Invariant: what is chosen fits one segment; where nothing is written and nothing deleted, nothing is due after
//! finitely many merges.
//!
//! A segment of `n` live rows is of tier ⌊log_fan(n / freeze_rows)⌋. As many segments of one tier as `fan` become one
//! of the next, so a row is rewritten once a tier (O'Neil et al. 1996, "The log-structured merge-tree", sections 3 and
//! 4; the tiering of Cassandra and Lucene). A segment of which a quarter is dead is rewritten for its own sake: space
//! comes back, and no walk wades through the dead.

use prag_store::limits::BLOB_BYTES_MAX;

/// When a tail is frozen, and how segments are merged.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Shape {
    /// Rows of a tail that start a freeze.
    pub freeze_rows: usize,
    /// Segments of one tier that become one of the next.
    pub fan: usize,
}

impl Default for Shape {
    fn default() -> Self {
        Self { freeze_rows: 20_000, fan: 8 }
    }
}

/// A segment, or a tail, as the policy sees it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Size {
    /// Rows, dead ones included.
    pub rows: u64,
    /// Rows that live.
    pub live: u64,
    /// Bytes of its rows' texts, about.
    pub text_bytes: u64,
}

/// What one segment may hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Room {
    rows: u64,
    text_bytes: u64,
}

impl Room {
    /// Of segments with vectors of `dimension`: no part is larger than a blob.
    #[must_use]
    pub fn of(dimension: usize) -> Self {
        let vector = (dimension * size_of::<f32>()).max(1) as u64;
        let blob = BLOB_BYTES_MAX / 16 * 15;
        Self { rows: (blob / vector).min(ROWS_MAX), text_bytes: blob / 2 }
    }

    /// Takes the size out of the room, if it fits.
    fn take(&mut self, size: &Size) -> bool {
        let left =
            self.rows.checked_sub(size.live).zip(self.text_bytes.checked_sub(size.text_bytes));
        let Some((rows, text_bytes)) = left else { return false };
        (self.rows, self.text_bytes) = (rows, text_bytes);
        true
    }
}

/// The segments to merge now, with the tail where that is due; none if nothing is. Call again once they are merged.
#[must_use]
pub fn due(shape: &Shape, room: Room, segments: &[Size], tail: &Size) -> Option<Vec<usize>> {
    let dead: Vec<usize> = indices(segments, |size| size.live == 0);
    if !dead.is_empty() {
        return Some(dead);
    }
    let frozen = tail.rows >= shape.freeze_rows as u64;
    let mut left = room;
    // It comes along with whatever is merged.
    left.take(tail);
    if let Some(chosen) = tier(shape, left, segments, frozen.then_some(tail)) {
        return Some(chosen);
    }
    if let Some(worst) = wounded(shape, segments) {
        // Where both are more than a segment may be, the tail goes first, and the next choice has it alone.
        let alone = tail.live > 0 && !left.take(&segments[worst]);
        return Some(if alone { Vec::new() } else { vec![worst] });
    }
    frozen.then(Vec::new)
}

/// Whether something is wounded or to be frozen; a tier fills only by one of these, and a tiny segment that is all dead
/// waits for one.
#[must_use]
pub fn is_due(shape: &Shape, segments: &[Size], tail: &Size) -> bool {
    tail.rows >= shape.freeze_rows as u64 || wounded(shape, segments).is_some()
}

/// All segments for which `wanted` holds, in groups that each fit one segment; the first has room for the tail.
#[must_use]
pub fn groups(
    room: Room,
    segments: &[Size],
    tail: &Size,
    wanted: impl Fn(&Size) -> bool,
) -> Vec<Vec<usize>> {
    let mut chosen = indices(segments, wanted);
    chosen.sort_by_key(|at| segments[*at].live);
    let mut groups = Vec::new();
    let (mut group, mut left) = (Vec::new(), room);
    left.take(tail);
    for at in chosen {
        if !left.take(&segments[at]) {
            groups.push(std::mem::take(&mut group));
            left = room;
            // One that is larger than a segment may be is already one: it stays by itself.
            left.take(&segments[at]);
        }
        group.push(at);
    }
    groups.push(group);
    groups
}

/// The lowest tier that is full, its smallest segments first, as many as fit. A tail that is frozen anyway counts.
fn tier(shape: &Shape, room: Room, segments: &[Size], tail: Option<&Size>) -> Option<Vec<usize>> {
    let level = |size: &Size| level(shape, size);
    let highest = segments.iter().map(level).max()?;
    for of in 0..=highest {
        let mut chosen = indices(segments, |size| level(size) == of);
        let with_tail = tail.is_some_and(|tail| level(tail) == of);
        if chosen.len() + usize::from(with_tail) < shape.fan {
            continue;
        }
        chosen.sort_by_key(|at| segments[*at].live);
        let mut left = room;
        chosen.retain(|at| left.take(&segments[*at]));
        // One alone is what it was.
        if chosen.len() > 1 {
            return Some(chosen);
        }
    }
    None
}

/// The segment with the largest share of dead rows, from a quarter on; of tiny ones none, which cost nothing.
fn wounded(shape: &Shape, segments: &[Size]) -> Option<usize> {
    let least = shape.freeze_rows as u64 / DEAD_ROWS_SHARE;
    let dead = |size: &Size| size.rows.saturating_sub(size.live);
    let share = |size: &Size| dead(size) * 1024 / size.rows.max(1);
    let worth = indices(segments, |size| share(size) >= 1024 / DEAD_SHARE && dead(size) > least);
    worth.into_iter().max_by_key(|at| share(&segments[*at]))
}

fn level(shape: &Shape, size: &Size) -> u32 {
    let (mut level, mut rows) = (0, size.live / shape.freeze_rows.max(1) as u64);
    while rows >= shape.fan as u64 {
        rows /= shape.fan as u64;
        level += 1;
    }
    level
}

fn indices(segments: &[Size], wanted: impl Fn(&Size) -> bool) -> Vec<usize> {
    (0..segments.len()).filter(|at| wanted(&segments[*at])).collect()
}

/// A segment of which one part in so many is dead is rewritten.
const DEAD_SHARE: u64 = 4;
/// And only if more are dead than one part in so many of a tail that is frozen.
const DEAD_ROWS_SHARE: u64 = 64;
/// The most rows of an index's segment.
const ROWS_MAX: u64 = 1 << 24;

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::panic)]
    use super::*;

    const SHAPE: Shape = Shape { freeze_rows: 100, fan: 4 };
    const NONE: Size = Size { rows: 0, live: 0, text_bytes: 0 };

    fn whole(rows: u64) -> Size {
        Size { rows, live: rows, text_bytes: rows }
    }

    /// One step of a shard whose rows never die: what is chosen becomes one.
    fn merge(segments: &mut Vec<Size>, chosen: &[usize], tail: &Size) {
        let sum = chosen.iter().map(|at| segments[*at].live).sum::<u64>() + tail.live;
        let mut at = 0;
        segments.retain(|_| {
            at += 1;
            !chosen.contains(&(at - 1))
        });
        if sum > 0 {
            segments.push(whole(sum));
        }
    }

    /// After any number of freezes there are fewer than `fan` segments a tier, each row was written once a tier at
    /// most, and what was done is done: nothing is due any more.
    #[test]
    fn rows_are_rewritten_once_a_tier() {
        let (room, mut segments, mut written) = (Room::of(384), Vec::new(), 0);
        for freezes in 1..=300u64 {
            let mut tail = whole(100);
            while let Some(chosen) = due(&SHAPE, room, &segments, &tail) {
                written += chosen.iter().map(|at| segments[*at].live).sum::<u64>() + tail.live;
                merge(&mut segments, &chosen, &tail);
                tail = NONE;
            }
            assert_eq!(segments.iter().map(|size| size.live).sum::<u64>(), freezes * 100);
            let tiers = u64::from(freezes.ilog(4)) + 1;
            assert!(segments.len() as u64 <= 3 * tiers, "{freezes}: {}", segments.len());
            assert!(written <= freezes * 100 * (tiers + 1), "{freezes}: {written}");
        }
    }

    /// Whatever is dead goes first and costs nothing; a quarter dead is enough, a row less is not.
    #[test]
    fn the_dead_and_the_wounded_go() {
        let room = Room::of(2);
        let of = |rows, live| Size { rows, live, text_bytes: 0 };
        assert_eq!(due(&SHAPE, room, &[of(9, 0), of(8, 0), of(9, 9)], &NONE), Some(vec![0, 1]));
        assert_eq!(due(&SHAPE, room, &[of(100, 100), of(100, 75)], &NONE), Some(vec![1]));
        assert_eq!(due(&SHAPE, room, &[of(100, 100), of(100, 76)], &NONE), None);
        let large = Shape { freeze_rows: 640, fan: 4 };
        assert_eq!(due(&large, room, &[of(11, 0)], &NONE), Some(vec![0]));
        assert_eq!(due(&large, room, &[of(12, 2)], &NONE), None, "tiny");
        assert_eq!(due(&large, room, &[of(13, 2)], &NONE), Some(vec![0]));
        let behind = [of(12, 2), of(100, 60)];
        assert_eq!(due(&large, room, &behind, &NONE), Some(vec![1]), "the tiny hide nobody");
        assert!(is_due(&large, &behind, &NONE));
        assert_eq!(due(&SHAPE, room, &[], &whole(99)), None);
        assert_eq!(due(&SHAPE, room, &[], &whole(100)), Some(vec![]));
    }

    /// A tail comes along with what is merged, frozen or not, so there is room for both, or it goes first.
    #[test]
    fn a_tail_has_its_room() {
        let room = Room { rows: 1000, text_bytes: 1_000_000 };
        let tiers = Shape { freeze_rows: 300, fan: 4 };
        let four = [whole(240); 4];
        assert_eq!(due(&tiers, room, &four, &whole(40)), Some(vec![0, 1, 2, 3]));
        assert_eq!(due(&tiers, room, &four, &whole(41)), Some(vec![0, 1, 2]));
        let text = Size { text_bytes: 999_990, ..whole(20) };
        assert_eq!(due(&tiers, room, &four, &text), None, "no two fit beside it");
        let wounded = [Size { rows: 1000, live: 700, text_bytes: 0 }];
        assert_eq!(due(&tiers, room, &wounded, &whole(299)), Some(vec![0]));
        let tail = Size { rows: 299, live: 299, text_bytes: 0 };
        let wider = [Size { rows: 1000, live: 702, text_bytes: 0 }];
        assert_eq!(due(&tiers, room, &wider, &tail), Some(vec![]), "the tail first");
        assert_eq!(due(&tiers, room, &wider, &NONE), Some(vec![0]), "then what it had no room for");
    }

    /// No choice is larger than one segment may be, and segments that cannot be merged do not stop the others.
    #[test]
    fn a_choice_fits_one_segment() {
        let room = Room { rows: 1000, text_bytes: 1_000_000 };
        let full = [whole(900), whole(900), whole(900), whole(900)];
        assert_eq!(due(&SHAPE, room, &full, &NONE), None);
        let groups =
            groups(room, &[full[0], whole(300), whole(600), whole(200)], &whole(50), |_| true);
        assert_eq!(groups, [vec![3, 1], vec![2], vec![0]]);
        for group in groups {
            assert!(!group.is_empty());
        }
        let text = Size { text_bytes: 600_000, ..whole(10) };
        assert_eq!(due(&SHAPE, room, &[text; 4], &NONE), None, "two texts are too many");
        assert!(Room::of(384).rows > 600_000);
    }
}
