#![allow(clippy::unwrap_used, clippy::panic)]

use super::*;

/// Part format 2 is frozen, on a graph made by hand: header, the entry's place, height, the bottom's offsets and links,
/// then nodes, offsets and links (as places) of each level from 1 up; u32, little-endian, each array behind its count.
#[test]
fn golden_bytes() {
    let bottom = Adjacency::new([vec![1], vec![0, 2], vec![1]].into_iter());
    let level = (vec![0, 2], Adjacency::new([vec![2], vec![0]].into_iter()));
    let graph = Graph::new(2, bottom, vec![level]);
    let bytes = graph.to_bytes(3);
    let expected: [&[u32]; 8] = [
        &[0x5058_0002, 3],
        &[1],
        &[1],
        &[4, 0, 1, 3, 4],
        &[4, 1, 0, 2, 1],
        &[2, 0, 2],
        &[3, 0, 1, 2],
        &[2, 1, 0],
    ];
    let expected: Vec<u8> = expected.concat().into_iter().flat_map(u32::to_le_bytes).collect();
    assert_eq!(bytes, expected);

    assert!(Graph::from_bytes(&bytes, 3).unwrap() == graph);
    assert!(Graph::from_bytes(&bytes, 4).is_err());
    assert!(Graph::from_bytes(&bytes[..bytes.len() - 1], 3).is_err());
    assert!(Graph::from_bytes(&[&bytes[..], &[0]].concat(), 3).is_err());
}

/// A node that is missing from the level below, or an entry or a link behind the end, is refused.
#[test]
fn loose_ends_are_refused() {
    let line = || Adjacency::new([vec![1], vec![0, 2], vec![1]].into_iter());
    let one = |node: u32| (vec![node], Adjacency::new(std::iter::once(Vec::new())));
    let whole = Graph::new(2, line(), vec![one(2), one(2)]);
    assert!(Graph::from_bytes(&whole.to_bytes(3), 3).unwrap() == whole);
    let broken = |change: fn(&mut Graph)| {
        let mut graph = Graph::new(2, line(), vec![one(2), one(2)]);
        change(&mut graph);
        Graph::from_bytes(&graph.to_bytes(3), 3).is_err()
    };
    assert!(broken(|graph| graph.upper[1].nodes[0] = 1));
    assert!(broken(|graph| graph.entry = 1));
    assert!(broken(|graph| graph.bottom.links[0] = 3));
    assert!(broken(|graph| graph.upper[0].nodes[0] = 3));
}
