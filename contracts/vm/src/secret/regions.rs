//! How bytes cross the border: regions of a contract's memory.
//!
//! Layer: vm, Secret's engine.
//! Holds: reading, writing and allocating regions (offset, capacity, length; u32 little-endian).
//! Never: a length that was not checked against the memory.
//! Invariant: the contract allocates what it is handed, as on the chain.

use super::host::Host;
use wasmi::{AsContext, AsContextMut, Caller, Error, Instance, Memory, Store, TypedFunc};

/// Calls an export with regions of `arguments`, and reads the region that it answers with.
pub(super) fn call(
    store: &mut Store<Host>,
    instance: Instance,
    export: &str,
    arguments: &[Vec<u8>],
) -> Result<Vec<u8>, Error> {
    let memory = instance.get_memory(&*store, "memory").ok_or(Error::new("no memory"))?;
    let allocate = instance.get_typed_func::<u32, u32>(&*store, "allocate")?;
    let mut pointers = Vec::new();
    for argument in arguments {
        pointers.push(hand(&mut *store, memory, allocate, argument)?);
    }
    let answer = match pointers[..] {
        [env, message] => instance
            .get_typed_func::<(u32, u32), u32>(&*store, export)?
            .call(&mut *store, (env, message))?,
        [env, info, message] => instance
            .get_typed_func::<(u32, u32, u32), u32>(&*store, export)?
            .call(&mut *store, (env, info, message))?,
        _ => return Err(Error::new("exports take two or three regions")),
    };
    take(&*store, memory, answer)
}

/// The bytes of a region that a contract points to.
pub(super) fn read(caller: &Caller<'_, Host>, pointer: u32) -> Result<Vec<u8>, Error> {
    take(caller, memory(caller)?, pointer)
}

/// A new region with these bytes.
pub(super) fn give(caller: &mut Caller<'_, Host>, bytes: &[u8]) -> Result<u32, Error> {
    let memory = memory(caller)?;
    let allocate = caller.get_export("allocate").and_then(wasmi::Extern::into_func);
    let allocate = allocate.ok_or(Error::new("no allocate"))?.typed::<u32, u32>(&*caller)?;
    hand(caller, memory, allocate, bytes)
}

/// Fills a region that the contract has made.
pub(super) fn fill(caller: &mut Caller<'_, Host>, pointer: u32, bytes: &[u8]) -> Result<(), Error> {
    let memory = memory(caller)?;
    store_into(caller, memory, pointer, bytes)
}

fn memory(caller: &Caller<'_, Host>) -> Result<Memory, Error> {
    let memory = caller.get_export("memory").and_then(wasmi::Extern::into_memory);
    memory.ok_or(Error::new("no memory"))
}

fn hand(
    mut context: impl AsContextMut,
    memory: Memory,
    allocate: TypedFunc<u32, u32>,
    bytes: &[u8],
) -> Result<u32, Error> {
    let size = u32::try_from(bytes.len()).map_err(|_| Error::new("too long for a region"))?;
    let pointer = allocate.call(&mut context, size)?;
    store_into(context, memory, pointer, bytes)?;
    Ok(pointer)
}

fn store_into(
    mut context: impl AsContextMut,
    memory: Memory,
    pointer: u32,
    bytes: &[u8],
) -> Result<(), Error> {
    let [offset, capacity, _] = region(&context, memory, pointer)?;
    let length = u32::try_from(bytes.len()).map_err(|_| Error::new("too long for a region"))?;
    if length > capacity {
        return Err(Error::new("the region is too small"));
    }
    let outside = |_| Error::new("the region lies outside the memory");
    memory.write(&mut context, wide(offset), bytes).map_err(outside)?;
    let place = wide(pointer).saturating_add(8);
    memory.write(&mut context, place, &length.to_le_bytes()).map_err(outside)
}

fn take(context: impl AsContext, memory: Memory, pointer: u32) -> Result<Vec<u8>, Error> {
    let [offset, capacity, length] = region(&context, memory, pointer)?;
    if length > capacity || wide(length) > memory.data_size(&context) {
        return Err(Error::new("the region is longer than its capacity"));
    }
    let mut bytes = vec![0; wide(length)];
    let outside = |_| Error::new("the region lies outside the memory");
    memory.read(&context, wide(offset), &mut bytes).map_err(outside)?;
    Ok(bytes)
}

/// Offset, capacity, length.
fn region(context: impl AsContext, memory: Memory, pointer: u32) -> Result<[u32; 3], Error> {
    let mut bytes = [0; 12];
    memory
        .read(&context, wide(pointer), &mut bytes)
        .map_err(|_| Error::new("the region lies outside the memory"))?;
    let [a, b, c, d, e, f, g, h, i, j, k, l] = bytes;
    Ok([[a, b, c, d], [e, f, g, h], [i, j, k, l]].map(u32::from_le_bytes))
}

fn wide(number: u32) -> usize {
    usize::try_from(number).unwrap_or(usize::MAX)
}
