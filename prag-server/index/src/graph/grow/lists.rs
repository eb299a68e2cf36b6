//! Neighbours while a graph grows: one fixed block of numbers per node.
//!
//! Layer: index.
//! Holds: how many neighbours a node has, and which.
//! Never: more of them than the cap; an allocation per node.
//! Invariant: the first number of a block counts those that follow and are in use.

/// Neighbour lists of nodes 0..rows.
pub(in crate::graph) struct Lists {
    stride: usize,
    blocks: Vec<u32>,
}

/// The lists of the first nodes, to read.
#[derive(Clone, Copy)]
pub(in crate::graph) struct View<'a> {
    stride: usize,
    blocks: &'a [u32],
}

impl Lists {
    /// Empty lists of at most `cap` neighbours.
    pub(in crate::graph) fn new(rows: usize, cap: usize) -> Self {
        let stride = cap + 1;
        Self { stride, blocks: vec![0; rows * stride] }
    }

    /// Lists from elsewhere, cut to `cap`.
    pub(in crate::graph) fn collect<'l>(
        cap: usize,
        lists: impl ExactSizeIterator<Item = &'l [u32]>,
    ) -> Self {
        let mut all = Self::new(lists.len(), cap);
        for (block, list) in all.blocks.chunks_exact_mut(cap + 1).zip(lists) {
            put(block, list);
        }
        all
    }

    pub(in crate::graph) fn rows(&self) -> usize {
        self.blocks.len() / self.stride
    }

    #[inline(always)]
    pub(in crate::graph) fn of(&self, node: u32) -> &[u32] {
        self.view().of(node)
    }

    #[inline(always)]
    pub(in crate::graph) fn view(&self) -> View<'_> {
        View { stride: self.stride, blocks: &self.blocks }
    }

    /// A new neighbour; whether there was room.
    pub(in crate::graph) fn push(&mut self, node: u32, link: u32) -> bool {
        push(&mut self.blocks[node as usize * self.stride..][..self.stride], link)
    }

    /// Bytes that the lists take.
    #[cfg(test)]
    pub(in crate::graph) fn memory(&self) -> usize {
        self.blocks.capacity() * size_of::<u32>()
    }

    /// Numbers per node, the count included.
    pub(in crate::graph) fn stride(&self) -> usize {
        self.stride
    }

    /// The blocks of all nodes, to write by [`push`] and [`put`].
    pub(in crate::graph) fn blocks(&mut self) -> &mut [u32] {
        &mut self.blocks
    }

    /// The first `rows` lists to read, and the blocks of the rest to write.
    pub(in crate::graph) fn split(&mut self, rows: usize) -> (View<'_>, &mut [u32]) {
        let (first, rest) = self.blocks.split_at_mut(rows * self.stride);
        (View { stride: self.stride, blocks: first }, rest)
    }
}

impl<'a> View<'a> {
    #[inline(always)]
    pub(in crate::graph) fn of(&self, node: u32) -> &'a [u32] {
        used(&self.blocks[node as usize * self.stride..][..self.stride])
    }
}

/// The neighbours in a block.
#[inline(always)]
pub(in crate::graph) fn used(block: &[u32]) -> &[u32] {
    &block[1..=block[0] as usize]
}

/// Let a block hold `links` and nothing else, as far as there is room.
#[inline(always)]
pub(in crate::graph) fn put(block: &mut [u32], links: &[u32]) {
    block[0] = 0;
    for &link in links {
        push(block, link);
    }
}

/// Append to a block; whether there was room.
#[inline(always)]
pub(in crate::graph) fn push(block: &mut [u32], link: u32) -> bool {
    let at = block[0] as usize + 1;
    let room = at < block.len();
    if room {
        block[at] = link;
        block[0] += 1;
    }
    room
}
