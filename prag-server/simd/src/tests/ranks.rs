//! Entries, and sorted blocks of them.

use super::*;

struct Offer<'a> {
    nodes: &'a [u32],
    scores: &'a [f32],
    blocks: Vec<Block>,
    bar: u64,
}

impl Kernel for Offer<'_> {
    type Output = (Vec<u64>, Vec<u64>);

    #[inline(always)]
    fn run<S: Isa>(mut self, isa: S) -> Self::Output {
        let mut fit = vec![7; self.nodes.len() + FIT_AHEAD];
        let count = isa.fit(self.nodes, self.scores, self.bar, &mut fit);
        fit.truncate(count);
        isa.insert(&mut self.blocks, &fit);
        (fit, self.blocks.iter().flat_map(|block| block.0).collect())
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    /// An entry gives back its node and score, and ranks by them; those above a bar come in order, and into blocks as
    /// sorting all and cutting has them, on every instruction set.
    #[test]
    fn entries_rank_and_go_into_blocks(
        first in vec((0u32..1 << 24, -1f32..1.0), 0..40),
        pairs in vec((0u32..1 << 31, prop_oneof![Just(0.5f32), Just(-0.5), -2f32..2.0]), 0..60),
        bar in prop_oneof![Just(0u64), (0u32..9, -1f32..1.0).prop_map(|(of, score)| entry(of, score))],
    ) {
        let of = |(node, score): &(u32, f32)| entry(*node, *score);
        for pair in &pairs {
            let made = of(pair);
            prop_assert_eq!((node(made), score(made)), *pair);
            for other in &pairs {
                let ranks = pair.1.total_cmp(&other.1).then(other.0.cmp(&pair.0));
                prop_assert_eq!(made.cmp(&of(other)), ranks);
            }
        }
        let (nodes, scores): (Vec<u32>, Vec<f32>) = pairs.iter().copied().unzip();
        let mut held: Vec<u64> = first.iter().map(of).collect();
        held.sort_unstable_by(|a, b| b.cmp(a));
        held.resize(held.len().next_multiple_of(BLOCK), 0);
        let blocks = || {
            let (blocks, _) = held.as_chunks::<BLOCK>();
            blocks.iter().copied().map(Block).collect::<Vec<_>>()
        };
        let fit: Vec<u64> = pairs.iter().map(of).filter(|entry| *entry > bar).collect();
        let mut all = [&held[..], &fit[..]].concat();
        all.sort_unstable_by(|a, b| b.cmp(a));
        all.truncate(held.len());
        for level in Level::ALL {
            let offer = Offer { nodes: &nodes, scores: &scores, blocks: blocks(), bar };
            prop_assert_eq!(dispatch_at(level, offer), (fit.clone(), all.clone()), "{:?}", level);
        }
    }
}
