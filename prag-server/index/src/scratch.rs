//! Memory that a thread uses again for its next search.
//!
//! Layer: index.
//! Holds: per thread and type one vector, lent to one search at a time.
//! Never: hands out what is left in it; keeps more than a bound of it.
//! Invariant: a lent vector is empty, and comes back when it is dropped; a second one is a new one.

use crate::top::Hit;
use prag_simd::Line;
use std::cell::Cell;
use std::ops::{Deref, DerefMut};
use std::thread::LocalKey;

/// A vector lent by the thread.
pub(crate) struct Lent<T: Shelf>(Vec<T>);

/// Where a thread keeps its vector of a type.
pub(crate) trait Shelf: Sized + 'static {
    fn shelf() -> &'static LocalKey<Cell<Vec<Self>>>;
}

impl<T: Shelf> Default for Lent<T> {
    fn default() -> Self {
        Self(T::shelf().take())
    }
}

impl<T: Shelf> Drop for Lent<T> {
    fn drop(&mut self) {
        self.0.clear();
        if self.0.capacity() * size_of::<T>() <= KEPT_BYTES_MAX {
            // A thread that ends has no shelf any more: then the vector is dropped.
            let _ = T::shelf().try_with(|shelf| shelf.set(std::mem::take(&mut self.0)));
        }
    }
}

impl<T: Shelf> Deref for Lent<T> {
    type Target = Vec<T>;
    #[inline(always)]
    fn deref(&self) -> &Vec<T> {
        &self.0
    }
}

impl<T: Shelf> DerefMut for Lent<T> {
    #[inline(always)]
    fn deref_mut(&mut self) -> &mut Vec<T> {
        &mut self.0
    }
}

macro_rules! shelves {
    ($($kind:ty),*) => {$(
        impl Shelf for $kind {
            fn shelf() -> &'static LocalKey<Cell<Vec<Self>>> {
                thread_local! {
                    static SHELF: Cell<Vec<$kind>> = const { Cell::new(Vec::new()) };
                }
                &SHELF
            }
        }
    )*};
}

shelves!(Line<i8>, Hit, u8, u32, u64, f32);

/// A mask of 2^24 rows takes 2 MiB.
const KEPT_BYTES_MAX: usize = 4 << 20;
