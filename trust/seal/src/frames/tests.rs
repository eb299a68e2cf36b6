//! Tests of blobs in frames.

#![allow(clippy::unwrap_used, clippy::panic)]

use super::*;
use crate::entropy::EntropyError;
use crate::key::Dek;
use crate::seal::SegmentRecord;
use crate::testing::{Failing, Seeded};
use prag_protocol::place::Kind;
use prag_protocol::{CollectionId, Lineage};

const MAX: usize = 1 << 20;

fn fixture() -> (Key<Dek>, Place) {
    let place = Place {
        collection: CollectionId([1; 16]),
        lineage: Lineage([2; 16]),
        kind: Kind::Segment,
        id: [3; 16],
        seq: 4,
        epoch: 5,
    };
    (Key::random(&mut Seeded::new(1)).unwrap(), place)
}

fn seal(text: &[u8], seed: u64) -> Vec<u8> {
    let (key, here) = fixture();
    seal_frames::<SegmentRecord>(text, &key, here, &mut Seeded::new(seed)).unwrap()
}

fn open(sealed: &[u8]) -> Result<Vec<u8>, SealError> {
    let (key, here) = fixture();
    let plain = open_frames::<SegmentRecord>(sealed, &key, here, MAX)?;
    Ok(plain.expose().to_vec())
}

/// The frames of a sealed blob, and what stands before them.
fn taken_apart(sealed: &[u8]) -> (Vec<u8>, Vec<Vec<u8>>) {
    let (prefix, body) = sealed.split_at(PREFIX_BYTES);
    (prefix.to_vec(), body.chunks(SEALED_FRAME_BYTES).map(<[u8]>::to_vec).collect())
}

/// Blobs come back, on both sides of each boundary between frames.
#[test]
fn round_trip() {
    let edges = [1, 2, 3].map(|frames| frames * FRAME_BYTES);
    let lengths = edges.iter().flat_map(|edge| edge - 10..edge + 2).chain([0, 1, 100, 500_000]);
    let text = Seeded::new(2).bytes(500_000);
    for length in lengths {
        let sealed = seal(&text[..length], 3);
        assert_eq!(sealed.len(), sealed_len(length));
        assert_eq!(sealed.capacity(), sealed.len());
        assert!(open(&sealed).unwrap() == text[..length], "{length}");
    }
}

/// Frames open in any order; a blob of which one was left out, or changed, is none.
#[test]
fn frames_open_in_any_order() {
    let (key, here) = fixture();
    let text = Seeded::new(2).bytes(3 * FRAME_BYTES);
    let begin = |sealed: Vec<u8>| Opening::<SegmentRecord>::begin(sealed, &key, here, MAX).unwrap();
    let mut opening = begin(seal(&text, 3));
    let frames: Vec<_> = opening.frames().collect();
    assert_eq!(frames.len(), 4);
    frames.into_iter().rev().for_each(Frame::open);
    assert!(opening.finish().unwrap().expose() == &text[..]);
    for left_out in 0..4 {
        let mut opening = begin(seal(&text, 3));
        let frames = opening.frames().enumerate().filter(|(index, _)| *index != left_out);
        frames.for_each(|(_, frame)| frame.open());
        assert_eq!(opening.finish().err(), Some(SealError::Open(here)));
    }
    // One that was opened twice is not two.
    let mut opening = begin(seal(&text, 3));
    for _ in 0..2 {
        opening.frames().take(2).for_each(Frame::open);
    }
    assert_eq!(opening.finish().err(), Some(SealError::Open(here)));
}

/// A range of the padded form is that of the whole padded form.
#[test]
fn padded_ranges_agree() {
    let plain: Vec<u8> = (1..=100).collect();
    let whole = padding::pad(plain.clone());
    for start in 0..=whole.len() {
        for end in start..=whole.len() {
            let mut out = vec![0xee];
            append_padded_range(&plain, start, end - start, &mut out);
            assert_eq!(out[1..], whole[start..end]);
        }
    }
}

/// A blob opens under its key at its place, and nowhere else.
#[test]
fn opens_only_at_its_place() {
    let (key, here) = fixture();
    let sealed = seal(b"text", 2);
    for place in [Place { id: [9; 16], ..here }, Place { seq: 5, ..here }] {
        let error = open_frames::<SegmentRecord>(&sealed, &key, place, MAX).err();
        assert_eq!(error, Some(SealError::Open(place)));
    }
    let other = Key::random(&mut Seeded::new(9)).unwrap();
    let error = open_frames::<SegmentRecord>(&sealed, &other, here, MAX).err();
    assert_eq!(error, Some(SealError::Open(here)));

    let place = Place { kind: Kind::Batch, ..here };
    let wrong = SealError::Kind { place, expected: Kind::Segment };
    let error = open_frames::<SegmentRecord>(&sealed, &key, place, MAX).err();
    assert_eq!(error, Some(wrong));
    let error = seal_frames::<SegmentRecord>(b"", &key, place, &mut Seeded::new(2)).err();
    assert_eq!(error, Some(wrong));
}

/// A blob that lost, gained, repeated or exchanged frames does not open.
#[test]
fn frames_stay_where_they_are() {
    let (_, here) = fixture();
    let text = Seeded::new(4).bytes(4 * FRAME_BYTES - 8);
    let sealed = seal(&text, 5);
    let (prefix, frames) = taken_apart(&sealed);
    assert_eq!(frames.len(), 4);
    let join = |order: &[usize]| {
        let body: Vec<u8> = order.iter().flat_map(|&index| frames[index].clone()).collect();
        [prefix.clone(), body].concat()
    };
    assert!(open(&join(&[0, 1, 2, 3])).unwrap() == text);
    let orders: [&[usize]; 8] = [
        &[0, 1, 2],
        &[1, 2, 3],
        &[0],
        &[1, 0, 2, 3],
        &[0, 1, 3, 2],
        &[0, 1, 1, 3],
        &[0, 1, 2, 3, 3],
        &[0, 0, 1, 2, 3],
    ];
    for order in orders {
        assert_eq!(open(&join(order)), Err(SealError::Open(here)), "{order:?}");
    }
    assert_eq!(open(&prefix), Err(SealError::Truncated(here)));
}

/// Frames of another write, of the same text at the same place, do not mix.
#[test]
fn writes_do_not_mix() {
    let (_, here) = fixture();
    let text = Seeded::new(4).bytes(2 * FRAME_BYTES - 8);
    let (old, new) = (taken_apart(&seal(&text, 6)), taken_apart(&seal(&text, 7)));
    let mixed = [new.0.clone(), new.1[0].clone(), old.1[1].clone()].concat();
    assert_eq!(open(&mixed), Err(SealError::Open(here)));
    let salted = [old.0, new.1.concat()].concat();
    assert_eq!(open(&salted), Err(SealError::Open(here)));
}

/// Every flipped bit of a small blob is refused, and one in each part of a large one.
#[test]
fn bytes_are_authenticated() {
    let small = seal(b"dose: 5 mg", 8);
    for bit in 0..small.len() * 8 {
        let mut bad = small.clone();
        bad[bit / 8] ^= 1 << (bit % 8);
        assert!(open(&bad).is_err(), "bit {bit}");
    }
    let large = seal(&Seeded::new(9).bytes(150_000), 10);
    for at in (0..large.len()).step_by(7_001) {
        let mut bad = large.clone();
        bad[at] ^= 0x10;
        assert!(open(&bad).is_err(), "byte {at}");
    }
}

/// Every cut of a small blob is refused, and cuts around the ends of frames of a large one.
#[test]
fn truncation_is_refused() {
    let small = seal(b"dose: 5 mg", 11);
    for length in 0..small.len() {
        assert!(open(&small[..length]).is_err(), "length {length}");
    }
    let large = seal(&Seeded::new(12).bytes(150_000), 13);
    let ends = [1, 2].map(|frames| PREFIX_BYTES + frames * SEALED_FRAME_BYTES);
    for end in ends {
        for length in end - 40..end + 40 {
            assert!(open(&large[..length]).is_err(), "length {length}");
        }
    }
    assert!(open(&[large, vec![0]].concat()).is_err());
}

/// The bound holds on both of its sides, before a key is used.
#[test]
fn length_is_bounded() {
    let (key, here) = fixture();
    let sealed = seal(&[1; 5_000], 14);
    let open = |max| open_frames::<SegmentRecord>(&sealed, &key, here, max).map(|_| ());
    assert_eq!(open(5_000), Ok(()));
    assert_eq!(open(4_000), Err(SealError::TooLong { place: here, max: 4_000 }));
    assert_eq!(open(usize::MAX), Ok(()));
}

/// Without randomness nothing is sealed, whichever draw fails.
#[test]
fn entropy_is_needed() {
    let (key, here) = fixture();
    for draws in 0..3 {
        let text = vec![1; FRAME_BYTES];
        let sealed = seal_frames::<SegmentRecord>(&text, &key, here, &mut Failing(draws));
        assert_eq!(sealed.err(), Some(SealError::Entropy(EntropyError)));
    }
}

/// A blob is no record, though key and place are the same; hostile bytes never panic.
#[test]
fn hostile_bytes() {
    let (key, here) = fixture();
    let record = Plain::<SegmentRecord>::new(vec![1; 50]).seal(&key, here, [1; 12]).unwrap();
    assert_eq!(open(record.as_bytes()), Err(SealError::Format(here)));
    let mut chance = Seeded::new(15);
    for _ in 0..2_000 {
        let length = chance.below(300);
        let mut bytes = chance.bytes(length);
        if let Some(start) = bytes.get_mut(..HEADER_BYTES) {
            start.copy_from_slice(&header(Form::Frames, Dek::TAG));
        }
        assert!(open(&bytes).is_err());
    }
}

/// What lies at a range's frames of `sealed`, opened as that range of what `whole` is.
fn open_range(
    whole: &Framed<SegmentRecord>,
    range: std::ops::Range<usize>,
    sealed: &[u8],
) -> Result<Vec<u8>, SealError> {
    let lies = whole.sealed(&range).unwrap();
    let lies = usize::try_from(lies.start).unwrap()..usize::try_from(lies.end).unwrap();
    let plain = whole.open(&range, sealed.get(lies).unwrap_or_default(), &fixture().0)?;
    Ok(plain.expose().to_vec())
}

/// A range opens from its own frames, on both sides of every boundary, and is that of the whole; one that is empty or
/// leaves the blob has none.
#[test]
fn ranges_open_alike() {
    let (_, here) = fixture();
    let text = Seeded::new(16).bytes(200_000);
    for length in [1, 100, FRAME_BYTES - 9, FRAME_BYTES - 8, FRAME_BYTES, 2 * FRAME_BYTES, 200_000]
    {
        let sealed = seal(&text[..length], 17);
        let whole = Framed::<SegmentRecord>::of(&sealed, here, length).unwrap();
        let edges = [1, 2, 3].map(|frames| frames * FRAME_BYTES - padding::LENGTH_BYTES);
        let near = edges.iter().flat_map(|edge| edge - 1..edge + 2);
        let at: Vec<usize> =
            near.chain([0, 1, 50, length - 1, length]).filter(|at| *at <= length).collect();
        for start in &at {
            for end in &at {
                let lies = whole.sealed(&(*start..*end));
                assert_eq!(lies.is_some(), start < end, "{start}..{end} of {length}");
                let Some(lies) = lies else { continue };
                assert!(open_range(&whole, *start..*end, &sealed).unwrap() == text[*start..*end]);
                let most = (end - start).div_ceil(FRAME_BYTES) + 1;
                assert!(lies.end - lies.start <= (most * SEALED_FRAME_BYTES) as u64);
            }
        }
        for outside in
            [0..length + 1, length..length + 1, 0..usize::MAX, usize::MAX - 1..usize::MAX]
        {
            assert_eq!(whole.sealed(&outside), None, "{outside:?} of {length}");
        }
    }
}

/// A range does not open from frames that lie elsewhere, were cut, changed or written another time, nor at another
/// place or as part of a blob of another length.
#[test]
fn ranges_open_nowhere_else() {
    let (key, here) = fixture();
    let text = Seeded::new(18).bytes(4 * FRAME_BYTES - 8);
    let sealed = seal(&text, 19);
    let whole = Framed::<SegmentRecord>::of(&sealed, here, text.len()).unwrap();
    let second = FRAME_BYTES..FRAME_BYTES + 10;
    assert!(open_range(&whole, second.clone(), &sealed).unwrap() == text[second.clone()]);

    let (prefix, frames) = taken_apart(&sealed);
    let swapped = [&prefix[..], &frames[1], &frames[0], &frames[2], &frames[3]].concat();
    let another = [prefix, taken_apart(&seal(&text, 20)).1.concat()].concat();
    let mut flipped = sealed.clone();
    flipped[PREFIX_BYTES + SEALED_FRAME_BYTES + 500] ^= 1;
    for bad in [swapped, another, flipped] {
        assert_eq!(open_range(&whole, second.clone(), &bad), Err(SealError::Open(here)));
    }
    let lies = whole.sealed(&second).unwrap();
    let frame = &sealed[usize::try_from(lies.start).unwrap()..usize::try_from(lies.end).unwrap()];
    for cut in [&frame[..frame.len() - 1], &frame[..0], &sealed[..frame.len() + 1]] {
        let opened = whole.open(&second, cut, &key);
        assert_eq!(opened.err(), Some(SealError::Truncated(here)), "{}", cut.len());
    }

    let place = Place { seq: 9, ..here };
    let moved = Framed::<SegmentRecord>::of(&sealed, place, text.len()).unwrap();
    assert_eq!(moved.open(&second, frame, &key).err(), Some(SealError::Open(place)));
    let longer = seal(&Seeded::new(18).bytes(5 * FRAME_BYTES - 8), 19);
    let longer = Framed::<SegmentRecord>::of(&longer, here, 5 * FRAME_BYTES - 8).unwrap();
    assert_eq!(open_range(&longer, second.clone(), &sealed), Err(SealError::Open(here)));

    let cut = Framed::<SegmentRecord>::of(&sealed[..sealed.len() - 1], here, text.len());
    assert_eq!(cut.err(), Some(SealError::Truncated(here)));
    let kind = Place { kind: Kind::Batch, ..here };
    let wrong = Framed::<SegmentRecord>::of(&sealed, kind, text.len()).err();
    assert_eq!(wrong, Some(SealError::Kind { place: kind, expected: Kind::Segment }));
}
