//! The instruction sets of x86-64.
//!
//! Layer: under `lib`; with the loops under it and `memory` the only place of the workspace that holds `unsafe`.
//! Holds: one token per instruction set, and the choice among them.
//! Never: a token where the processor lacks the instructions; a load that a reference does not cover.
//! Invariant: a function with `target_feature` is called by the token of those features only, or by one that
//! was compiled with them.

#![allow(unsafe_code)]

mod avx2;
mod avx512;
mod popcnt;
mod ranks;
mod square;
mod vnni;

use crate::ranks::Block;
use crate::scalar::{self, Scalar};
use crate::{
    Halves, Isa, Kernel, LINE, Level, Line, Pitch, Planes, Square, Terms, nibbles, sealed,
};
use std::arch::is_x86_feature_detected;
use std::arch::x86_64::{_MM_HINT_T0, _mm_prefetch};
use std::sync::LazyLock;

/// The kernel with the best that this processor has.
#[inline]
pub(crate) fn dispatch<K: Kernel>(kernel: K) -> K::Output {
    dispatch_at(Level::Popcnt, kernel)
}

/// The kernel with `level`, or with the best that this processor has if that is less.
#[inline]
pub(crate) fn dispatch_at<K: Kernel>(level: Level, kernel: K) -> K::Output {
    match level.min(*BEST) {
        Level::Scalar => kernel.run(Scalar),
        // SAFETY: `BEST` is AVX2 or above only where `has_avx2` said so.
        Level::Avx2 => unsafe { run_avx2(kernel) },
        // SAFETY: `BEST` is AVX-512 or above only where `has_avx512` said so.
        Level::Avx512 => unsafe { run_avx512(kernel) },
        // SAFETY: `BEST` is VNNI or above only where `has_vnni` said so.
        Level::Vnni => unsafe { run_vnni(kernel) },
        // SAFETY: `BEST` is VPOPCNTDQ only where `has_popcnt` said so.
        Level::Popcnt => unsafe { run_popcnt(kernel) },
    }
}

pub(crate) fn has_avx2() -> bool {
    is_x86_feature_detected!("avx2")
        && is_x86_feature_detected!("f16c")
        && is_x86_feature_detected!("bmi1")
        && is_x86_feature_detected!("bmi2")
        && is_x86_feature_detected!("lzcnt")
        && is_x86_feature_detected!("popcnt")
}

pub(crate) fn has_avx512() -> bool {
    has_avx2()
        && is_x86_feature_detected!("avx512f")
        && is_x86_feature_detected!("avx512bw")
        && is_x86_feature_detected!("avx512dq")
        && is_x86_feature_detected!("avx512vl")
}

pub(crate) fn has_vnni() -> bool {
    has_avx512() && is_x86_feature_detected!("avx512vnni")
}

pub(crate) fn has_popcnt() -> bool {
    has_vnni()
        && is_x86_feature_detected!("avx512vpopcntdq")
        && is_x86_feature_detected!("avx512vbmi2")
}

static BEST: LazyLock<Level> = LazyLock::new(Level::best);

/// A token and its set; in braces what the set does better than one sum at a time.
macro_rules! instruction_set {
    ($token:ident, $run:ident, $codes:ident, $floats:ident, $bits:ident, $features:literal
        $(, { $($more:tt)* })?) => {
        /// Proof that the processor has the instructions: made in the function below only.
        #[derive(Clone, Copy)]
        struct $token(());

        #[target_feature(enable = $features)]
        fn $run<K: Kernel>(kernel: K) -> K::Output {
            kernel.run($token(()))
        }

        impl sealed::Sealed for $token {}

        impl Isa for $token {
            #[inline(always)]
            fn dot_codes(self, query: &[Line<i8>], bias: i32, row: &[Line<u8>]) -> i32 {
                // SAFETY: the token proves the features.
                unsafe { $codes::dot_codes(query, bias, row) }
            }

            #[inline(always)]
            fn dot_rows(self, left: &[Line<u8>], right: &[Line<u8>]) -> i32 {
                // SAFETY: the token proves the features.
                unsafe { $codes::dot_rows(left, right) }
            }

            #[inline(always)]
            fn sum_bits(self, query: &[Planes], row: &[Line<u8>]) -> u32 {
                // SAFETY: the token proves the features.
                unsafe { $bits::sum_bits(query, row) }
            }

            #[inline(always)]
            fn dot_nibbles(self, query: &[Halves], row: &[Line<u8>]) -> i32 {
                // SAFETY: the token proves the features.
                unsafe { $codes::dot_nibbles(query, row) }
            }

            #[inline(always)]
            fn dot_f32(self, left: &[f32], right: &[f32]) -> f32 {
                // SAFETY: the token proves the features.
                unsafe { $floats::dot_f32(left, right) }
            }

            #[inline(always)]
            fn dot_f16(self, left: &[f32], right: &[u16]) -> f32 {
                // SAFETY: the token proves the features.
                unsafe { $floats::dot_f16(left, right) }
            }

            #[inline(always)]
            fn prefetch<T>(self, memory: &[T]) {
                prefetch(memory);
            }

            $($($more)*)?
        }
    };
}

/// What VNNI does better than one sum at a time.
macro_rules! vnni_by_many {
    () => {
        #[inline(always)]
        fn dot_four(self, query: &[Line<i8>], bias: i32, rows: [&[Line<u8>]; 4]) -> [i32; 4] {
            // SAFETY: the token proves the features.
            unsafe { vnni::dot_four(query, bias, rows) }
        }

        #[inline(always)]
        fn dot_two(self, query: [&[Line<i8>]; 2], bias: [i32; 2], row: &[Line<u8>]) -> [i32; 2] {
            // SAFETY: the token proves the features.
            unsafe { vnni::dot_two(query, bias, row) }
        }

        #[inline(always)]
        fn nibble_scores(
            self,
            query: &[Halves],
            pitch: &Pitch,
            lines: &[Line<u8>],
            rows: &[u32],
            scores: &mut [f32],
        ) {
            if let [halves] = query {
                // SAFETY: the token proves the features.
                unsafe { vnni::nibble_scores_of_lines(halves, pitch, lines, rows, scores) }
            } else {
                nibbles::scores(self, query, pitch, lines, rows, scores);
            }
        }
    };
}

/// What registers of 16 numbers do better than the compiler with plain loops.
macro_rules! by_registers {
    () => {
        #[inline(always)]
        fn transform(self, square: &mut Square) {
            // SAFETY: the token proves the features.
            unsafe { square::transform(square) }
        }

        #[inline(always)]
        fn fit(self, nodes: &[u32], scores: &[f32], bar: u64, fit: &mut [u64]) -> usize {
            // SAFETY: the token proves the features.
            unsafe { ranks::fit(nodes, scores, bar, fit) }
        }

        #[inline(always)]
        fn insert(self, blocks: &mut [Block], entries: &[u64]) {
            // SAFETY: the token proves the features.
            unsafe { ranks::insert(blocks, entries) }
        }
    };
}

instruction_set!(Avx2, run_avx2, avx2, avx2, avx2, "avx2,f16c,bmi1,bmi2,lzcnt,popcnt");
instruction_set!(
    Avx512,
    run_avx512,
    avx512,
    avx512,
    avx512,
    "avx2,f16c,bmi1,bmi2,lzcnt,popcnt,avx512f,avx512bw,avx512dq,avx512vl",
    {
        by_registers!();
    }
);
instruction_set!(
    Vnni,
    run_vnni,
    vnni,
    avx512,
    avx512,
    "avx2,f16c,bmi1,bmi2,lzcnt,popcnt,avx512f,avx512bw,avx512dq,avx512vl,avx512vnni",
    {
        by_registers!();
        vnni_by_many!();
    }
);
instruction_set!(
    Popcnt,
    run_popcnt,
    vnni,
    avx512,
    popcnt,
    "avx2,f16c,bmi1,bmi2,lzcnt,popcnt,avx512f,avx512bw,avx512dq,avx512vl,avx512vnni,avx512vpopcntdq,avx512vbmi2",
    {
        by_registers!();
        vnni_by_many!();

        #[inline(always)]
        fn scores_four(self, query: &[Planes], terms: &Terms, rows: [&[Line<u8>]; 4]) -> [f32; 4] {
            // SAFETY: the token proves the features.
            unsafe { popcnt::scores_four(query, terms, rows) }
        }

        #[inline(always)]
        fn scores(
            self,
            query: &[Planes],
            terms: &Terms,
            lines: &[Line<u8>],
            rows: &[u32],
            scores: &mut [f32],
        ) {
            if let [planes] = query {
                // SAFETY: the token proves the features.
                unsafe { popcnt::scores_of_lines(planes, terms, lines, rows, scores) }
            } else {
                scalar::scores(self, query, terms, lines, rows, scores);
            }
        }

        #[inline(always)]
        fn keep(self, values: &mut [u32], scores: &[f32], bar: f32) -> usize {
            // SAFETY: the token proves the features.
            unsafe { popcnt::keep(values, scores, bar) }
        }

        #[inline(always)]
        fn places(self, words: &[u64], places: &mut [u32]) {
            // SAFETY: the token proves the features.
            unsafe { popcnt::places(words, places) }
        }
    }
);

/// Ask for each cache line that `memory` touches.
#[inline(always)]
fn prefetch<T>(memory: &[T]) {
    if align_of::<T>() == LINE && size_of::<T>() == LINE {
        for line in memory {
            // SAFETY: as below.
            unsafe { _mm_prefetch::<_MM_HINT_T0>(std::ptr::from_ref(line).cast()) };
        }
        return;
    }
    let start = memory.as_ptr().cast::<i8>();
    let end = start.addr() + size_of_val(memory);
    let mut at = start.map_addr(|address| address & !63);
    while at.addr() < end {
        // SAFETY: a prefetch reads nothing that the program sees, and never faults, wherever `at` is.
        unsafe { _mm_prefetch::<_MM_HINT_T0>(at) };
        at = at.wrapping_add(64);
    }
}
