#![allow(clippy::unwrap_used, clippy::panic)]
use super::*;

fn numbers(count: usize, seed: u32) -> Vec<f32> {
    let mut state = seed.wrapping_mul(2_654_435_761).wrapping_add(1);
    (0..count)
        .map(|_| {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            (state >> 8) as f32 / 8_388_608.0 - 1.0
        })
        .collect()
}

fn every_arch() -> Vec<Arch> {
    let mut all = vec![Arch::Scalar, Arch::new()];
    #[cfg(target_arch = "x86_64")]
    if let Some(simd) = pulp::x86::V3::try_new() {
        all.push(Arch::V3(simd));
    }
    all
}

/// A product equals the schoolbook's for every shape around the tile's edges and every width.
#[test]
fn linear_equals_the_schoolbook() {
    for arch in every_arch() {
        for (rows, inputs, outputs) in
            [(1, 1, 1), (5, 7, 31), (12, 32, 32), (13, 33, 65), (25, 96, 100)]
        {
            let input = numbers(rows * inputs, 1);
            let weight = numbers(outputs * inputs, 2);
            let bias = numbers(outputs, 3);
            let matrix = Matrix::pack(arch, &weight, bias.clone(), inputs);
            let mut out = vec![f32::NAN; rows * outputs];
            let mut room = Room::default();
            arch.dispatch(Linear {
                input: &input,
                matrix: &matrix,
                finish: Finish::Bias,
                out: &mut out,
                room: &mut room,
            });
            for (row, input) in input.chunks_exact(inputs).enumerate() {
                for (column, weight) in weight.chunks_exact(inputs).enumerate() {
                    let exact =
                        input.iter().zip(weight).map(|(a, b)| f64::from(a * b)).sum::<f64>()
                            + f64::from(bias[column]);
                    let found = f64::from(out[row * outputs + column]);
                    assert!((found - exact).abs() < 1e-4, "{arch:?} {rows}x{inputs}x{outputs}");
                }
            }
        }
    }
}

/// Attention equals the definition for every length around the tile's edges and every head size.
#[test]
fn attention_equals_the_definition() {
    for arch in every_arch() {
        for (length, heads, head) in [(1, 1, 4), (11, 2, 32), (12, 3, 8), (13, 2, 40), (70, 1, 64)]
        {
            let size = heads * head;
            let projected = numbers(length * 3 * size, 7);
            let mut out = vec![f32::NAN; length * size];
            let mut room = Room::default();
            arch.dispatch(Attention {
                projected: &projected,
                heads,
                size,
                out: &mut out,
                room: &mut room,
            });
            let at = |row: usize, part: usize, column: usize| {
                f64::from(projected[row * 3 * size + part * size + column])
            };
            for h in 0..heads {
                for i in 0..length {
                    let columns = h * head..(h + 1) * head;
                    let weights = (0..length)
                        .map(|j| {
                            columns.clone().map(|c| at(i, 0, c) * at(j, 1, c)).sum::<f64>().exp()
                        })
                        .collect::<Vec<_>>();
                    let total = weights.iter().sum::<f64>();
                    for c in columns {
                        let exact =
                            weights.iter().enumerate().map(|(j, w)| w * at(j, 2, c)).sum::<f64>()
                                / total;
                        assert!(
                            (f64::from(out[i * size + c]) - exact).abs() < 1e-4,
                            "{arch:?} {length} {heads} {head}"
                        );
                    }
                }
            }
        }
    }
}

/// A row's result does not depend on the rows beside it, bit for bit.
#[test]
fn rows_do_not_touch() {
    let arch = Arch::new();
    let (inputs, outputs) = (48, 70);
    let matrix = Matrix::pack(arch, &numbers(inputs * outputs, 4), numbers(outputs, 5), inputs);
    let input = numbers(40 * inputs, 6);
    let run = |input: &[f32]| {
        let mut out = vec![0.0; input.len() / inputs * outputs];
        let mut room = Room::default();
        arch.dispatch(Linear {
            input,
            matrix: &matrix,
            finish: Finish::BiasGelu,
            out: &mut out,
            room: &mut room,
        });
        out
    };
    let together = run(&input);
    for (row, alone) in input.chunks_exact(inputs).enumerate() {
        assert_eq!(run(alone), &together[row * outputs..(row + 1) * outputs]);
    }
}
