#![allow(clippy::unwrap_used, clippy::panic)]

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
    type Output = ([i32; 9], [u32; 3], [u32; 5]);

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
        let one = isa.sum_bits(planes, rows[0]);
        let [a, b, c, d] = isa.sum_bits_four(planes, [rows[1], rows[0], rows[0], rows[1]]);
        (integers, floats.map(f32::to_bits), [one, a, b, c, d])
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
        prop_assert_eq!(base.2, [set(&left), set(&right), set(&left), set(&left), set(&right)]);
        for level in Level::ALL {
            prop_assert_eq!(ask(level), base, "{:?}", level);
        }
        let f64s: f64 = x.iter().zip(&y).map(|(a, b)| f64::from(*a) * f64::from(*b)).sum();
        prop_assert!((f64s - f64::from(f32::from_bits(base.1[0]))).abs() < 1e-3);
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
