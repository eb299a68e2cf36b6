#![allow(clippy::unwrap_used, clippy::panic)]

use super::*;
use crate::fixture::{Dice, clustered};
use proptest::prelude::*;
use std::collections::HashSet;

fn vectors(count: usize, dimension: usize, clusters: usize) -> Vec<Vec<f32>> {
    let texts = clustered(&mut Dice(7), count, dimension, clusters);
    texts.into_iter().map(|(_, vector)| vector).collect()
}

fn growth(builder: Builder, threads: usize) -> Growth {
    Growth { builder, m: 8, ef_construction: 40, refine: true, threads }
}

/// Nodes with their neighbours.
type Nodes = Vec<(u32, Vec<u32>)>;

/// Levels of a graph, level 0 first, with the order of its nodes.
fn grown(vectors: &[Vec<f32>], growth: &Growth) -> (Vec<Nodes>, Vec<u32>) {
    let slices: Vec<&[f32]> = vectors.iter().map(Vec::as_slice).collect();
    let (graph, order) = grow(&slices, growth, &Watch::default()).unwrap();
    let rows = u32::try_from(vectors.len()).unwrap();
    let bottom = (0..rows).map(|node| (node, graph.bottom.of(node as usize).to_vec())).collect();
    let upper = graph.upper.iter().map(|level| {
        let nodes = level.nodes.iter().enumerate();
        nodes.map(|(at, &node)| (node, level.named(at))).collect()
    });
    (std::iter::once(bottom).chain(upper).collect(), order)
}

impl crate::graph::Level {
    /// The neighbours at a place, by name.
    fn named(&self, at: usize) -> Vec<u32> {
        self.adjacency.of(at).iter().map(|&place| self.nodes[place as usize]).collect()
    }
}

/// Links name nodes of their level, never the node itself or one twice; lists keep their caps (twice `m` and one for
/// a rescued node on the bottom, which holds every node); levels lie within each other; every node is reached from
/// any one of the highest level by the bottom's links.
fn check(levels: &[Nodes], rows: u32, m: usize) {
    assert!(levels[0].iter().map(|node| node.0).eq(0..rows));
    for (height, level) in levels.iter().enumerate() {
        let members: HashSet<u32> = level.iter().map(|node| node.0).collect();
        let cap = if height == 0 { 2 * m + 1 } else { 2 * m };
        for (node, links) in level {
            let distinct: HashSet<u32> = links.iter().copied().collect();
            assert!(!distinct.contains(node) && distinct.len() == links.len(), "{node}: {links:?}");
            assert!(distinct.is_subset(&members) && links.len() <= cap, "{node}: {links:?}");
        }
        if height > 0 {
            assert!(level.iter().all(|node| levels[height - 1].iter().any(|low| low.0 == node.0)));
        }
    }
    let mut reached = vec![false; rows as usize];
    let mut open = vec![levels.last().unwrap()[0].0];
    reached[open[0] as usize] = true;
    while let Some(node) = open.pop() {
        for &link in &levels[0][node as usize].1 {
            if !std::mem::replace(&mut reached[link as usize], true) {
                open.push(link);
            }
        }
    }
    assert!(reached.iter().all(|&reached| reached));
}

/// A graph of our own builder does not depend on how many threads built it, nor on the run.
#[test]
fn threads_do_not_change_the_graph() {
    let vectors = vectors(3000, 24, 20);
    let alone = grown(&vectors, &growth(Builder::Own, 1));
    assert!(alone == grown(&vectors, &growth(Builder::Own, 1)));
    assert!(alone == grown(&vectors, &growth(Builder::Own, 5)));
    check(&alone.0, 3000, 8);
}

/// Vectors that are hard on a builder, beside ordinary ones.
#[derive(Clone, Copy, Debug)]
enum Shape {
    Equal,
    /// One component: every vector is one of two.
    Line,
    /// A few vectors, each many times.
    Repeated(u64),
    Clustered(usize),
    /// Far copies around one that all are near to.
    Star,
}

fn shaped(shape: Shape, count: usize, seed: u64) -> Vec<Vec<f32>> {
    let mut dice = Dice(seed);
    let one = dice.unit(12);
    let few: Vec<Vec<f32>> = (0..9).map(|_| dice.unit(12)).collect();
    let vector = |at: usize| match shape {
        Shape::Equal => one.clone(),
        Shape::Line => vec![if dice.below(2) == 0 { 1.0 } else { -1.0 }],
        Shape::Repeated(distinct) => few[dice.below(distinct) as usize].clone(),
        Shape::Clustered(clusters) => dice.near(&few[at % clusters], 0.4),
        Shape::Star => {
            if at.is_multiple_of(10) {
                one.clone()
            } else {
                dice.near(&one, 3.0)
            }
        }
    };
    (0..count).map(vector).collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(60))]

    /// Hubs, ties, and nothing to tell rows apart: whatever the vectors, either builder ends with a sound graph.
    #[test]
    fn any_vectors_give_a_sound_graph(
        shape in prop_oneof![
            Just(Shape::Equal), Just(Shape::Line), Just(Shape::Star),
            (1u64..9).prop_map(Shape::Repeated), (1usize..9).prop_map(Shape::Clustered),
        ],
        count in prop_oneof![2usize..6, 6usize..900],
        m in 2usize..10,
        own in prop::bool::weighted(0.8),
        refine in any::<bool>(),
        seed in any::<u64>(),
    ) {
        let builder = if own { Builder::Own } else { Builder::HnswRs };
        let growth = Growth { builder, m, ef_construction: m + 20, refine, threads: 2 };
        let vectors = shaped(shape, count, seed);
        let (levels, mut order) = grown(&vectors, &growth);
        check(&levels, u32::try_from(count).unwrap(), m);
        order.sort_unstable();
        prop_assert!(order.iter().copied().eq(0..u32::try_from(count).unwrap()));
    }
}

/// A build that was told to stop answers so, by either builder, and before the last row.
#[test]
fn a_build_stops_when_told() {
    let vectors = vectors(2000, 16, 8);
    let slices: Vec<&[f32]> = vectors.iter().map(Vec::as_slice).collect();
    for builder in [Builder::Own, Builder::HnswRs] {
        let watch = Watch::default();
        watch.stop();
        assert_eq!(grow(&slices, &growth(builder, 2), &watch).err(), Some(IndexError::Stopped));
        assert!(watch.rows() < 2000, "{}", watch.rows());
        let watch = Watch::default();
        assert!(grow(&slices, &growth(builder, 2), &watch).is_ok());
        assert!((1900..=2000).contains(&watch.rows()), "{}", watch.rows());
    }
}

/// What a build says that it needs is what its arrays take, or a little more.
#[test]
fn memory_is_foretold() {
    let vectors = vectors(5000, 100, 20);
    let slices: Vec<&[f32]> = vectors.iter().map(Vec::as_slice).collect();
    let growth = growth(Builder::Own, 2);
    let codes = Codes::new(&slices, &own::shuffled(5000));
    let grown = own::insert_all(&codes, &growth, &Watch::default()).unwrap();
    let upper: usize = grown.upper.iter().map(|level| level.lists.memory()).sum();
    let inserted = Lists::new(5000, growth.m * own::ROOM - 1).memory();
    let held = codes.memory() + inserted + grown.bottom.memory() + upper;
    let foretold = growth.bytes(5000, 100);
    assert!((held as u64..2 * held as u64).contains(&foretold), "{held} held, {foretold} foretold");
}
