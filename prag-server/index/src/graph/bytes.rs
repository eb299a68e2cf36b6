//! The graph in bytes.
//!
//! Layer: index.
//! Holds: the layout, and every check that the walk relies on.
//! Never: a link out of range, whatever the bytes say.
//! Invariant: a graph that was read can be walked without a panic.

use super::{Adjacency, Graph, Level, below};
use crate::bytes::{Reader, Writer};
use crate::error::{IndexError, PartName};

impl Graph {
    /// The entry's place, how many levels there are above the bottom, the bottom's offsets and links, then nodes,
    /// offsets and links (as places) of each level from 1 up.
    pub(crate) fn to_bytes(&self, rows: u32) -> Vec<u8> {
        let mut writer = Writer::new(PartName::Graph, rows);
        writer.number(self.entry);
        writer.number(u32::try_from(self.upper.len()).unwrap_or(u32::MAX));
        writer.numbers(&self.bottom.offsets);
        writer.numbers(&self.bottom.links);
        for level in &self.upper {
            writer.numbers(&level.nodes);
            writer.numbers(&level.adjacency.offsets);
            writer.numbers(&level.adjacency.links);
        }
        writer.into_bytes()
    }

    /// # Errors
    /// [`IndexError::Corrupt`] where the bytes are no graph over `expected` rows.
    pub(crate) fn from_bytes(bytes: &[u8], expected: u32) -> Result<Self, IndexError> {
        let (mut reader, rows) = Reader::new(PartName::Graph, bytes)?;
        let corrupt = reader.corrupt();
        let (entry, height) = (reader.number()?, reader.number()?);
        if rows != expected || height > LEVELS_MAX {
            return Err(corrupt);
        }
        let bottom = adjacency(&mut reader, rows as usize)?;
        let mut upper: Vec<Level> = Vec::new();
        for _ in 0..height {
            let nodes = reader.numbers()?;
            let ascending = nodes.windows(2).all(|pair| pair[0] < pair[1]);
            if !ascending || nodes.last().is_none_or(|&last| last >= rows) {
                return Err(corrupt);
            }
            let adjacency = adjacency(&mut reader, nodes.len())?;
            let below = below(&nodes, upper.last()).ok_or(corrupt)?;
            upper.push(Level { nodes, adjacency, below });
        }
        reader.end()?;
        let top = upper.last().map_or(rows as usize, |level| level.nodes.len());
        if entry as usize >= top {
            return Err(corrupt);
        }
        let mut graph = Self { bottom, upper, entry };
        graph.settle();
        Ok(graph)
    }
}

/// Offsets and links of so many nodes, which the links name.
fn adjacency(reader: &mut Reader<'_>, nodes: usize) -> Result<Adjacency, IndexError> {
    let corrupt = reader.corrupt();
    let (offsets, links) = (reader.numbers()?, reader.numbers()?);
    let sound = offsets.len() == nodes + 1
        && offsets[0] == 0
        && offsets.last().is_some_and(|&last| last as usize == links.len())
        && offsets.windows(2).all(|pair| pair[0] <= pair[1])
        && links.iter().all(|&link| (link as usize) < nodes);
    if sound { Ok(Adjacency { offsets, links }) } else { Err(corrupt) }
}

const LEVELS_MAX: u32 = 16;
