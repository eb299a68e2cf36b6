#![allow(clippy::unwrap_used, clippy::panic)]

use super::*;

/// Part format 1 is frozen, on a graph made by hand (a grown one differs from run to run): header, entry, height,
/// the bottom's offsets and links, then nodes, offsets and links of each level from 1 up; u32, little-endian, each
/// array behind its count.
#[test]
fn golden_bytes() {
    let bottom = Adjacency::new([vec![1], vec![0, 2], vec![1]].into_iter());
    let adjacency = Adjacency::new([vec![2], vec![0]].into_iter());
    let level = Level { nodes: vec![0, 2], adjacency };
    let graph = Graph { entry: 2, bottom, upper: vec![level] };
    let bytes = graph.to_bytes(3);
    let expected: [&[u32]; 8] = [
        &[0x5058_0001, 3],
        &[2],
        &[1],
        &[4, 0, 1, 3, 4],
        &[4, 1, 0, 2, 1],
        &[2, 0, 2],
        &[3, 0, 1, 2],
        &[2, 2, 0],
    ];
    let expected: Vec<u8> = expected.concat().into_iter().flat_map(u32::to_le_bytes).collect();
    assert_eq!(bytes, expected);

    assert!(Graph::from_bytes(&bytes, 3).unwrap() == graph);
    assert!(Graph::from_bytes(&bytes, 4).is_err());
    assert!(Graph::from_bytes(&bytes[..bytes.len() - 1], 3).is_err());
    assert!(Graph::from_bytes(&[&bytes[..], &[0]].concat(), 3).is_err());
}
