//! From grown neighbours to flat arrays.
//!
//! Layer: index.
//! Holds: breadth-first numbering, so that a walk's reads lie near each other.
//! Never: drops a node.
//! Invariant: every node gets a number and a path from the entry on the bottom level.

use super::grow::{Grown, distance};
use super::{Adjacency, Graph, Level};
use std::collections::VecDeque;

/// Number the nodes and flatten. Answers the graph and the order: new number → old one.
pub(super) fn flatten(vectors: &[&[f32]], mut grown: Grown) -> (Graph, Vec<u32>) {
    let height = grown.links.iter().map(Vec::len).max().unwrap_or(0);
    let entry = grown.links.iter().position(|levels| levels.len() == height).unwrap_or(0);
    let order = number(vectors, &mut grown, entry);
    let mut place = vec![0u32; order.len()];
    for (new, &old) in (0u32..).zip(&order) {
        place[old as usize] = new;
    }
    let moved = |links: Option<&Vec<u32>>| -> Vec<u32> {
        links.map_or_else(Vec::new, |links| links.iter().map(|&old| place[old as usize]).collect())
    };
    let bottom = Adjacency::new(order.iter().map(|&old| moved(grown.links[old as usize].first())));
    let upper = (1..height)
        .map(|level| {
            let there = |old: u32| grown.links[old as usize].get(level);
            let members: Vec<(u32, u32)> = (0u32..)
                .zip(&order)
                .filter(|&(_, &old)| there(old).is_some())
                .map(|(new, &old)| (new, old))
                .collect();
            Level {
                nodes: members.iter().map(|member| member.0).collect(),
                adjacency: Adjacency::new(members.iter().map(|member| moved(there(member.1)))),
            }
        })
        .collect();
    let entry = place.get(entry).copied().unwrap_or(0);
    (Graph { entry, bottom, upper }, order)
}

/// Breadth first from `entry`; a node that cannot be reached gets a link from its nearest
/// neighbour that can, or from the entry.
fn number(vectors: &[&[f32]], grown: &mut Grown, entry: usize) -> Vec<u32> {
    let count = grown.links.len();
    let mut reached = vec![false; count];
    let mut order = Vec::with_capacity(count);
    spread(grown, entry, &mut reached, &mut order);
    for node in 0..count {
        if reached[node] {
            continue;
        }
        let links = grown.links[node].first().map_or(&[][..], Vec::as_slice);
        let near = |&&link: &&u32| reached[link as usize];
        let by_distance = |left: &&u32, right: &&u32| {
            let to = |link: u32| distance(vectors[node], vectors[link as usize]);
            to(**left).total_cmp(&to(**right))
        };
        let host =
            links.iter().filter(near).min_by(by_distance).map_or(entry, |&link| link as usize);
        if let (Some(bottom), Ok(link)) = (grown.links[host].first_mut(), u32::try_from(node)) {
            bottom.push(link);
        }
        spread(grown, node, &mut reached, &mut order);
    }
    order
}

fn spread(grown: &Grown, start: usize, reached: &mut [bool], order: &mut Vec<u32>) {
    let mut open = VecDeque::from([start]);
    reached[start] = true;
    while let Some(node) = open.pop_front() {
        // Rows are bounded by u32 before a graph is grown.
        order.push(u32::try_from(node).unwrap_or(u32::MAX));
        for &link in grown.links[node].first().into_iter().flatten() {
            if !std::mem::replace(&mut reached[link as usize], true) {
                open.push_back(link as usize);
            }
        }
    }
}
