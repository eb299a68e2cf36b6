//! Rows of numbers of four bits.

use super::*;

struct Nibbles<'a> {
    query: &'a [Halves],
    pitch: Pitch,
    lines: &'a [Line<u8>],
    rows: &'a [u32],
}

impl Kernel for Nibbles<'_> {
    type Output = (Vec<i32>, Vec<u32>);

    #[inline(always)]
    fn run<S: Isa>(self, isa: S) -> Self::Output {
        let Self { query, pitch, lines, rows } = self;
        let sums = lines.chunks(query.len()).map(|row| isa.dot_nibbles(query, row)).collect();
        let mut scores = vec![0f32; rows.len()];
        isa.nibble_scores(query, &pitch, lines, rows, &mut scores);
        (sums, scores.into_iter().map(f32::to_bits).collect())
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    /// A sum is the schoolbook one over lower and upper halves of bytes, and a score that of [`Pitch::score`], for any
    /// number of rows of any number of lines, on every instruction set.
    #[test]
    fn nibbles_are_scored(
        (bytes, low, high) in (1usize..6).prop_flat_map(|count| {
            let edge = || prop_oneof![Just(0u8), Just(127), Just(128), Just(255), any::<u8>()];
            (vec(edge(), 5 * count * LINE), vec(edge(), count * LINE), vec(edge(), count * LINE))
        }),
        scales in vec(0f32..1.0, 5),
        (bias, step) in (-(1i32 << 20)..1 << 20, 0f32..1.0),
        rows in vec(0u32..5, 0..40),
    ) {
        let signed = |codes: &[u8]| codes.iter().map(|code| code.cast_signed()).collect::<Vec<_>>();
        let (low, high) = (signed(&low), signed(&high));
        let query: Vec<Halves> =
            lines(&low).into_iter().zip(lines(&high)).map(|(low, high)| [low, high]).collect();
        let mut lines = lines(&bytes);
        for (row, scale) in lines.chunks_mut(query.len()).zip(&scales) {
            row.last_mut().unwrap().0[LINE - 4..].copy_from_slice(&scale.to_le_bytes());
        }
        let pitch = Pitch { bias, step };
        let sums: Vec<i32> = lines.chunks(query.len()).map(|row| {
            let row = flatten(row);
            let half = |query: &[i8], shift: u32| {
                let numbers = row.iter().map(|byte| i64::from(byte >> shift & 15));
                naive(numbers, query.iter().copied().map(i64::from))
            };
            half(&low, 0) + half(&high, 4)
        }).collect();
        let score = |row: &u32| pitch.score(sums[*row as usize], scales[*row as usize]).to_bits();
        let scores: Vec<u32> = rows.iter().map(score).collect();
        for level in Level::ALL {
            let asked = Nibbles { query: &query, pitch, lines: &lines, rows: &rows };
            let (each, many) = dispatch_at(level, asked);
            prop_assert_eq!(&each, &sums, "{:?}", level);
            prop_assert_eq!(&many, &scores, "{:?}", level);
        }
    }
}
