//! What a call costs.
//!
//! Layer: vm.
//! Holds: the engine's own gas, and what the Cosmos SDK's gas meter takes for storage.
//! Never: prices; a chain's flat costs of a transaction (signatures, bytes, loading the contract).
//! Invariant: rows are charged by their number and bytes, never by how many others there are.
//!
//! Source: cosmos-sdk `store/types/gas.go`, `KVGasConfig`.

/// The cost of one call.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Gas {
    /// Of the engine, in its own unit.
    pub engine: u64,
    /// Engine units that make one SDK gas.
    pub multiplier: u64,
    /// Rows read, found or not.
    pub reads: u64,
    /// Rows written.
    pub writes: u64,
    /// Rows removed.
    pub deletes: u64,
    /// SDK gas of all of these.
    pub storage: u64,
}

impl Gas {
    /// SDK gas in all.
    #[must_use]
    pub fn sdk(&self) -> u64 {
        self.engine.checked_div(self.multiplier).unwrap_or(0).saturating_add(self.storage)
    }

    /// Takes another cost on top.
    pub(crate) fn add(&mut self, other: Self) {
        self.engine = self.engine.saturating_add(other.engine);
        self.multiplier = self.multiplier.max(other.multiplier);
        self.reads = self.reads.saturating_add(other.reads);
        self.writes = self.writes.saturating_add(other.writes);
        self.deletes = self.deletes.saturating_add(other.deletes);
        self.storage = self.storage.saturating_add(other.storage);
    }

    pub(crate) fn read(key: &[u8], value: Option<&[u8]>) -> Self {
        let bytes = bytes(key).saturating_add(value.map_or(0, bytes));
        let storage = READ_FLAT.saturating_add(READ_BYTE.saturating_mul(bytes));
        Self { reads: 1, storage, ..Self::default() }
    }

    pub(crate) fn write(key: &[u8], value: &[u8]) -> Self {
        let bytes = bytes(key).saturating_add(bytes(value));
        let storage = WRITE_FLAT.saturating_add(WRITE_BYTE.saturating_mul(bytes));
        Self { writes: 1, storage, ..Self::default() }
    }

    pub(crate) fn delete() -> Self {
        Self { deletes: 1, storage: DELETE_FLAT, ..Self::default() }
    }
}

fn bytes(slice: &[u8]) -> u64 {
    u64::try_from(slice.len()).unwrap_or(u64::MAX)
}

const READ_FLAT: u64 = 1000;
const READ_BYTE: u64 = 3;
const WRITE_FLAT: u64 = 2000;
const WRITE_BYTE: u64 = 30;
const DELETE_FLAT: u64 = 1000;
