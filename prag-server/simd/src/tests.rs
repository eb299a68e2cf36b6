#![allow(clippy::unwrap_used, clippy::panic)]

mod nibbles;
mod ranks;

use super::*;
use proptest::collection::vec;
use proptest::prelude::*;

/// Every answer of an instruction set to the same numbers; floats by their bits.
struct Everything<'a> {
    query: [&'a [Line<i8>]; 2],
    rows: [&'a [Line<u8>]; 2],
    left: &'a [f32],
    right: &'a [f32],
    halves: &'a [u16],
    codes: &'a [u8],
    planes: &'a [Planes],
}

impl Kernel for Everything<'_> {
    type Output = ([i32; 9], [u32; 3], [u32; 2]);

    #[inline(always)]
    fn run<S: Isa>(self, isa: S) -> Self::Output {
        let Self { query, rows, left, right, halves, codes, planes } = self;
        isa.prefetch(left);
        isa.prefetch(&rows[0][..0]);
        let bias = query.map(bias);
        let four = isa.dot_four(query[0], bias[0], [rows[0], rows[1], rows[1], rows[0]]);
        let two = isa.dot_two(query, bias, rows[1]);
        let integers = [
            isa.dot_codes(query[0], bias[0], rows[0]),
            isa.dot_codes(query[1], bias[1], rows[1]),
            isa.dot_rows(rows[0], rows[1]),
            two[0],
            two[1],
            four[0],
            four[1],
            four[2],
            four[3],
        ];
        let floats =
            [isa.dot_f32(left, right), isa.dot_f16(left, halves), isa.dot_f32_codes(left, codes)];
        let sums = [isa.sum_bits(planes, rows[0]), isa.sum_bits(planes, rows[1])];
        (integers, floats.map(f32::to_bits), sums)
    }
}

fn lines<T: Copy + Default>(values: &[T]) -> Vec<Line<T>> {
    let whole = values.chunks(LINE).map(|chunk| {
        let mut line = Line([T::default(); LINE]);
        line.0[..chunk.len()].copy_from_slice(chunk);
        line
    });
    whole.collect()
}

/// Numbers of 4 bits, and as planes.
fn planes(numbers: &[u8]) -> Vec<Planes> {
    let bit = |plane: usize, at: usize| numbers.get(at).map_or(0, |number| number >> plane & 1);
    let byte = |plane, at| (0..8).fold(0, |byte, place| byte | bit(plane, at * 8 + place) << place);
    let line = |plane, at| Line(std::array::from_fn(|place| byte(plane, at * LINE + place)));
    (0..numbers.len() / 512).map(|at| std::array::from_fn(|plane| line(plane, at))).collect()
}

fn naive(left: impl Iterator<Item = i64>, right: impl Iterator<Item = i64>) -> i32 {
    i32::try_from(left.zip(right).map(|(a, b)| a * b).sum::<i64>()).unwrap()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    /// Every instruction set of this machine gives the integers of schoolbook sums in i64, for all bytes
    /// (those at the ends of their range more often), and the same bits of every f32.
    #[test]
    fn instruction_sets_agree(
        (first, second, left, right, numbers) in (0usize..9).prop_flat_map(|count| {
            let edge = || prop_oneof![Just(0u8), Just(127), Just(128), Just(255), any::<u8>()];
            let codes = move || vec(edge(), count * LINE);
            (codes(), codes(), codes(), codes(), vec(prop_oneof![Just(15u8), 0u8..16], count * 512))
        }),
        floats in vec((-1f32..1.0, -1f32..1.0), 0..300),
    ) {
        let signed = |codes: &[u8]| codes.iter().map(|code| code.cast_signed()).collect::<Vec<_>>();
        let (first, second) = (signed(&first), signed(&second));
        let (first_lines, second_lines) = (lines(&first), lines(&second));
        let (left_lines, right_lines) = (lines(&left), lines(&right));
        let query = |codes: &'_ [i8]| codes.iter().copied().map(i64::from).collect::<Vec<_>>();
        let row = |codes: &'_ [u8]| codes.iter().map(|code| i64::from(*code) - 128).collect::<Vec<_>>();
        let sum = |a: &[i64], b: &[i64]| naive(a.iter().copied(), b.iter().copied());
        let (a, b, c, d) = (query(&first), query(&second), row(&left), row(&right));
        let (ac, ad) = (sum(&a, &c), sum(&a, &d));
        let expected = [ac, sum(&b, &d), sum(&c, &d), ad, sum(&b, &d), ac, ad, ad, ac];

        let (x, y): (Vec<f32>, Vec<f32>) = floats.into_iter().unzip();
        let halves: Vec<u16> = y.iter().map(|value| half(*value)).collect();
        let planes = planes(&numbers);
        let ask = |level| dispatch_at(level, Everything {
            query: [&first_lines, &second_lines],
            rows: [&left_lines, &right_lines],
            left: &x,
            right: &y,
            halves: &halves,
            codes: &left,
            planes: &planes,
        });
        let base = ask(Level::Scalar);
        prop_assert_eq!(base.0, expected);
        let set = |codes: &[u8]| {
            let numbers = numbers.iter().enumerate().filter(|(at, _)| codes[at / 8] >> (at % 8) & 1 == 1);
            numbers.map(|(_, number)| u32::from(*number)).sum::<u32>()
        };
        prop_assert_eq!(base.2, [set(&left), set(&right)]);
        for level in Level::ALL {
            prop_assert_eq!(ask(level), base, "{:?}", level);
        }
        let f64s: f64 = x.iter().zip(&y).map(|(a, b)| f64::from(*a) * f64::from(*b)).sum();
        prop_assert!((f64s - f64::from(f32::from_bits(base.1[0]))).abs() < 1e-3);
    }
}

struct Transform<'a>(&'a [f32; SIDE * SIDE]);

impl Kernel for Transform<'_> {
    type Output = Vec<f32>;

    #[inline(always)]
    fn run<S: Isa>(self, isa: S) -> Vec<f32> {
        let mut square = [[0f32; SIDE]; SIDE];
        for (row, values) in square.iter_mut().zip(self.0.chunks(SIDE)) {
            row.copy_from_slice(values);
        }
        isa.transform(&mut square);
        square.as_flattened().to_vec()
    }
}

proptest! {
    /// Number (i, j) of a square becomes the sum of all that were there, those (k, l) with a minus for which j & k and
    /// i & l have an odd number of bits together; the same bits on every instruction set.
    #[test]
    fn squares_are_transformed(values in vec(-1f32..1.0, SIDE * SIDE)) {
        let values: [f32; SIDE * SIDE] = values.try_into().unwrap();
        let base = dispatch_at(Level::Scalar, Transform(&values));
        for (at, value) in base.iter().enumerate() {
            let (i, j) = (at / SIDE, at % SIDE);
            let both = |from: usize| (j & (from / SIDE)).count_ones() + (i & (from % SIDE)).count_ones();
            let odd = |from: usize| both(from) % 2 == 1;
            let signed = values.iter().enumerate().map(|(from, value)| if odd(from) { -*value } else { *value });
            let sum: f64 = signed.map(f64::from).sum();
            prop_assert!((sum - f64::from(*value)).abs() < 1e-4);
        }
        let bits = |values: Vec<f32>| values.into_iter().map(f32::to_bits).collect::<Vec<_>>();
        for level in Level::ALL {
            prop_assert_eq!(bits(dispatch_at(level, Transform(&values))), bits(base.clone()), "{:?}", level);
        }
    }
}

/// Scores of rows of bits, four at once and many.
struct Scores<'a> {
    planes: &'a [Planes],
    terms: Terms,
    lines: &'a [Line<u8>],
    rows: &'a [u32],
}

impl Kernel for Scores<'_> {
    type Output = (Vec<u32>, Vec<u32>);

    #[inline(always)]
    fn run<S: Isa>(self, isa: S) -> Self::Output {
        let Self { planes, terms, lines, rows } = self;
        let row =
            |at: usize| &lines[rows[at % rows.len()] as usize * planes.len()..][..planes.len()];
        let fours = (0..rows.len()).step_by(4);
        let fours: Vec<f32> = fours
            .flat_map(|at| {
                isa.scores_four(planes, &terms, [row(at), row(at + 1), row(at + 2), row(at + 3)])
            })
            .take(rows.len())
            .collect();
        let mut many = vec![0f32; rows.len()];
        isa.scores(planes, &terms, lines, rows, &mut many);
        let bits = |scores: Vec<f32>| scores.into_iter().map(f32::to_bits).collect();
        (bits(fours), bits(many))
    }
}

struct Keep<'a>(Vec<u32>, &'a [f32], f32);

impl Kernel for Keep<'_> {
    type Output = Vec<u32>;

    #[inline(always)]
    fn run<S: Isa>(self, isa: S) -> Vec<u32> {
        let Self(mut values, scores, bar) = self;
        let kept = isa.keep(&mut values, scores, bar);
        values.truncate(kept);
        values
    }
}

fn few_bits() -> impl Strategy<Value = u64> {
    any::<u64>().prop_map(|word| word & word >> 9 & word >> 23)
}

/// Where bits are set, and what is written behind must not matter.
struct Places<'a>(&'a [u64]);

impl Kernel for Places<'_> {
    type Output = Vec<u32>;

    #[inline(always)]
    fn run<S: Isa>(self, isa: S) -> Vec<u32> {
        let count = self.0.iter().map(|word| word.count_ones() as usize).sum::<usize>();
        let mut places = vec![7; count + PLACES_AHEAD];
        isa.places(self.0, &mut places);
        places.truncate(count);
        places
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    /// A score has the bits of [`Terms::score`] of a sum by the row's tail, one at a time, four at once or many, on
    /// every instruction set, for rows of any number of lines.
    #[test]
    fn scores_are_terms_of_sums(
        (bytes, numbers) in (1usize..10).prop_flat_map(|count| {
            let numbers = |most: u8| vec(prop_oneof![Just(most), 0..=most], count * 512);
            (vec(any::<u8>(), 5 * count * LINE), prop_oneof![numbers(7), numbers(15)])
        }),
        tails in vec((0f32..4096.0, -2f32..2.0, 0f32..2.0), 5),
        terms in (-1f32..1.0, -1f32..1.0, -1f32..1.0, -1f32..1.0, 0f32..1.0, 0f32..1.0),
        rows in vec(0u32..5, 1..90),
    ) {
        let planes = planes(&numbers);
        let mut lines = lines(&bytes);
        for (row, tail) in lines.chunks_mut(planes.len()).zip(&tails) {
            let words = [tail.0, tail.1, tail.2].map(f32::to_le_bytes);
            row.last_mut().unwrap().0[LINE - 12..].copy_from_slice(words.as_flattened());
        }
        let (step, low, sum, base, doubt, slack) = terms;
        let terms = Terms { step, low, sum, base, doubt, slack };
        let expected: Vec<u32> = rows.iter().map(|row| {
            let at = *row as usize;
            let row = flatten(&lines[at * planes.len()..][..planes.len()]);
            let numbers = numbers.iter().enumerate().filter(|(at, _)| row[at / 8] >> (at % 8) & 1 == 1);
            let sum = numbers.map(|(_, number)| u32::from(*number)).sum::<u32>();
            let (set, across, factor) = tails[at];
            terms.score(sum, [set, across, factor]).to_bits()
        }).collect();
        for level in Level::ALL {
            let scores = Scores { planes: &planes, terms, lines: &lines, rows: &rows };
            let (four, many) = dispatch_at(level, scores);
            prop_assert_eq!(&four, &expected, "{:?}", level);
            prop_assert_eq!(&many, &expected, "{:?}", level);
        }
    }

    /// Values are kept by their scores, in order, and those at the bar too.
    #[test]
    fn values_are_kept_by_their_scores(
        pairs in vec((any::<u32>(), prop_oneof![Just(0.5f32), Just(f32::MIN), -1f32..1.0]), 0..100),
        bar in prop_oneof![Just(0.5f32), -1f32..1.0],
    ) {
        let (values, scores): (Vec<u32>, Vec<f32>) = pairs.iter().copied().unzip();
        let expected: Vec<u32> =
            pairs.iter().filter(|(_, score)| *score >= bar).map(|(value, _)| *value).collect();
        for level in Level::ALL {
            let kept = dispatch_at(level, Keep(values.clone(), &scores, bar));
            prop_assert_eq!(&kept, &expected, "{:?}", level);
        }
    }

    /// Places ascend and are those of the bits, however many a word has.
    #[test]
    fn places_are_those_of_the_bits(
        words in vec(prop_oneof![Just(0u64), Just(u64::MAX), any::<u64>(), few_bits()], 0..40),
    ) {
        let expected: Vec<u32> = (0u32..).zip(&words).flat_map(|(at, word)| {
            (0..64).filter(move |bit| word >> bit & 1 == 1).map(move |bit| at * 64 + bit)
        }).collect();
        for level in Level::ALL {
            prop_assert_eq!(&dispatch_at(level, Places(&words)), &expected, "{:?}", level);
        }
    }
}

/// Each f16 but NaN comes back from f32; what lies between two of them goes to the nearer, half-way to the even.
#[test]
fn halves_round_to_nearest() {
    for bits in 0..=u16::MAX {
        let value = whole(bits);
        if value.is_nan() {
            assert!(whole(half(value)).is_nan());
            continue;
        }
        assert_eq!(half(value), bits, "{value}");
        let next = whole(bits.wrapping_add(1));
        if bits & 0x7fff < 0x7bff {
            let middle = f32::midpoint(value, next);
            let even = if bits & 1 == 0 { bits } else { bits + 1 };
            assert_eq!(half(middle), even, "{middle}");
            let toward = |near: f32, far: f32| near + (far - near) * 0.49;
            assert_eq!(half(toward(value, next)), bits);
            assert_eq!(half(toward(next, value)), bits + 1);
        }
    }
    assert_eq!((whole(0x3c00), whole(0xc000), whole(1)), (1.0, -2.0, 2f32.powi(-24)));
    assert_eq!((half(65_519.0), half(65_520.0), half(-1e9)), (0x7bff, 0x7c00, 0xfc00));
}

/// A level that the processor lacks is not run, and what is best is available.
#[test]
fn levels_are_checked() {
    assert!(Level::Scalar.available() && Level::best().available());
    for pair in Level::ALL.windows(2) {
        assert!(pair[0].available() || !pair[1].available(), "{pair:?}");
    }
}

/// Lines lie without gaps, and the hint leaves what they hold as it is.
#[test]
fn memory_keeps_what_it_holds() {
    let codes: Vec<u8> =
        (0..9 << 20).map(|at: u32| at.to_le_bytes()[0] ^ at.to_le_bytes()[2]).collect();
    let held = lines(&codes);
    large_pages(&held);
    large_pages(&held[..1]);
    assert!(flatten(&held) == codes);
}
