//! From grown neighbours to flat arrays.
//!
//! Layer: index.
//! Holds: breadth-first numbering, so that a walk's reads lie near each other.
//! Never: drops a node.
//! Invariant: every node gets a number and a path from the entry on the bottom level.

use super::grow::{Codes, Grown, Lists, rank};
use super::{Adjacency, Graph};
use prag_simd::{Isa, Kernel, dispatch};
use std::collections::VecDeque;

/// Number the nodes and flatten. Answers the graph and the order: new number → old one.
pub(super) fn flatten(codes: &Codes, mut grown: Grown) -> (Graph, Vec<u32>) {
    let entry = grown.upper.last().and_then(|level| level.nodes.first()).copied().unwrap_or(0);
    let order = number(codes, &mut grown.bottom, entry);
    let mut place = vec![0u32; order.len()];
    for (new, &old) in (0u32..).zip(&order) {
        place[old as usize] = new;
    }
    let moved = |links: &[u32]| links.iter().map(|&old| place[old as usize]).collect();
    let bottom = Adjacency::new(order.iter().map(|&old| moved(grown.bottom.of(old))));
    let upper = grown.upper.iter().map(|level| {
        let mut members: Vec<(u32, u32)> =
            (0u32..).zip(&level.nodes).map(|(at, &old)| (place[old as usize], at)).collect();
        members.sort_unstable();
        let nodes = members.iter().map(|member| member.0).collect();
        (nodes, Adjacency::new(members.iter().map(|member| moved(level.lists.of(member.1)))))
    });
    (Graph::new(place[entry as usize], bottom, upper.collect()), order)
}

/// Breadth first from `entry`; a node that cannot be reached gets a link from its nearest
/// neighbour that can and has room, or from the first node in order that has.
fn number(codes: &Codes, lists: &mut Lists, entry: u32) -> Vec<u32> {
    let count = lists.rows();
    let mut reached = vec![false; count];
    let mut order = Vec::with_capacity(count);
    let mut unfilled = 0;
    spread(lists, entry, &mut reached, &mut order);
    for node in 0..u32::try_from(count).unwrap_or(u32::MAX) {
        if reached[node as usize] {
            continue;
        }
        let links = lists.of(node).iter().copied().filter(|&link| reached[link as usize]);
        let near = dispatch(Near { codes, node, links: links.collect() });
        let hosted = near.iter().any(|&(_, host)| lists.push(host, node));
        // A list has room for one more than was chosen, and each rescued node brings such room: there is a host.
        while !hosted && unfilled < order.len() && !lists.push(order[unfilled], node) {
            unfilled += 1;
        }
        spread(lists, node, &mut reached, &mut order);
    }
    order
}

fn spread(lists: &Lists, start: u32, reached: &mut [bool], order: &mut Vec<u32>) {
    let mut open = VecDeque::from([start]);
    reached[start as usize] = true;
    while let Some(node) = open.pop_front() {
        order.push(node);
        for &link in lists.of(node) {
            if !std::mem::replace(&mut reached[link as usize], true) {
                open.push_back(link);
            }
        }
    }
}

/// Nodes by their distance from one.
struct Near<'a> {
    codes: &'a Codes,
    node: u32,
    links: Vec<u32>,
}

impl Kernel for Near<'_> {
    type Output = Vec<(f32, u32)>;

    #[inline(always)]
    fn run<S: Isa>(self, isa: S) -> Vec<(f32, u32)> {
        let distance = |link| (self.codes.between(isa, self.node, link), link);
        let mut near: Vec<(f32, u32)> = self.links.into_iter().map(distance).collect();
        rank(&mut near);
        near
    }
}
