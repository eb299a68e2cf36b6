//! What the programs that run a worker allocate with.
//!
//! Layer: under `lib`.
//! Holds: mimalloc (Leijen, Zorn and de Moura 2019) for what is small: a query makes hundreds of such allocations on one
//! thread and frees some on another, a third of its time with the C library's. What is large is the system's: mimalloc
//! keeps what was freed for a second, and twice the memory of a segment that was just opened.
//! Never: a place that one of them gave and the other takes back.
//! Invariant: whose a place is follows from its size alone, which whoever gives it back says again.

#![allow(unsafe_code)]

use mimalloc::MiMalloc;
use std::alloc::{GlobalAlloc, Layout, System};

/// For `#[global_allocator]`.
#[derive(Clone, Copy, Debug)]
pub struct Allocator;

/// Bytes from which on a place is the system's: with 256 KiB a segment of 100,000 vectors that was just opened takes 4 MB
/// more. A reply of ten hits is below it.
const LARGE: usize = 32 << 10;

// SAFETY: both keep the contract for the places that they gave, and a place goes back to who gave it: `is_large` says the
// same of its layout each time.
unsafe impl GlobalAlloc for Allocator {
    #[inline]
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        if is_large(layout.size()) {
            // SAFETY: the caller's contract is ours.
            unsafe { System.alloc(layout) }
        } else {
            // SAFETY: as above.
            unsafe { MiMalloc.alloc(layout) }
        }
    }

    #[inline]
    unsafe fn dealloc(&self, place: *mut u8, layout: Layout) {
        if is_large(layout.size()) {
            // SAFETY: the system gave it: it is as large as then.
            unsafe { System.dealloc(place, layout) }
        } else {
            // SAFETY: mimalloc gave it, likewise.
            unsafe { MiMalloc.dealloc(place, layout) }
        }
    }

    #[inline]
    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        if is_large(layout.size()) {
            // SAFETY: the caller's contract is ours.
            unsafe { System.alloc_zeroed(layout) }
        } else {
            // SAFETY: as above.
            unsafe { MiMalloc.alloc_zeroed(layout) }
        }
    }

    #[inline]
    unsafe fn realloc(&self, place: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        match (is_large(layout.size()), is_large(size)) {
            // SAFETY: the system gave it, and takes what it becomes.
            (true, true) => unsafe { System.realloc(place, layout, size) },
            // SAFETY: mimalloc gave it, likewise.
            (false, false) => unsafe { MiMalloc.realloc(place, layout, size) },
            // SAFETY: the caller's contract is ours.
            (true, false) | (false, true) => unsafe { moved(place, layout, size) },
        }
    }
}

/// `realloc` from one to the other.
///
/// # Safety
/// That of [`GlobalAlloc::realloc`].
#[cold]
unsafe fn moved(place: *mut u8, layout: Layout, size: usize) -> *mut u8 {
    // SAFETY: the caller says that `size`, rounded up to the alignment, does not overflow.
    let wanted = unsafe { Layout::from_size_align_unchecked(size, layout.align()) };
    // SAFETY: the size is not 0, as the caller says.
    let new = unsafe { Allocator.alloc(wanted) };
    if !new.is_null() {
        let both = layout.size().min(size);
        // SAFETY: each has as many bytes, and one was given while the other was held.
        unsafe { std::ptr::copy_nonoverlapping(place, new, both) };
        // SAFETY: this allocator gave it, with this layout.
        unsafe { Allocator.dealloc(place, layout) };
    }
    new
}

#[inline]
fn is_large(size: usize) -> bool {
    size >= LARGE
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[global_allocator]
    static ALLOCATOR: Allocator = Allocator;

    /// A vector keeps its bytes while it grows and shrinks past the edge, at every alignment; zeroed ones are zero.
    #[test]
    fn what_moves_keeps_its_bytes() {
        let sizes = [1, LARGE - 1, LARGE, LARGE + 1, 3 * LARGE, LARGE, LARGE - 1, 7, 2 * LARGE, 5];
        let mut bytes: Vec<u8> = Vec::new();
        let expected = |at: usize| (at % 251) as u8;
        for size in sizes {
            bytes.truncate(size);
            bytes.shrink_to_fit();
            bytes.reserve_exact(size - bytes.len());
            bytes.extend((bytes.len()..size).map(expected));
            assert!(bytes.iter().enumerate().all(|(at, byte)| *byte == expected(at)), "{size}");
        }
        for size in [LARGE - 8, LARGE, LARGE + 8] {
            assert!(vec![0u64; size / 8].iter().all(|number| *number == 0));
        }
        #[repr(align(4096))]
        struct Page([u8; 4096]);
        let mut pages: Vec<Page> = Vec::new();
        for page in 0..200u8 {
            pages.push(Page([page; 4096]));
            assert_eq!(pages.as_ptr().align_offset(4096), 0);
        }
        assert!((0..200u8).all(|page| pages[usize::from(page)].0 == [page; 4096]));
    }

    /// What one thread made another frees, across the edge too.
    #[test]
    fn threads_free_for_each_other() {
        let (give, take) = std::sync::mpsc::sync_channel::<Vec<u8>>(64);
        let taker = std::thread::spawn(move || take.iter().map(|bytes| bytes.len()).sum::<usize>());
        let sizes = (0..2000).map(|round| round * 7919 % (2 * LARGE) + 1);
        let sum: usize = sizes.clone().sum();
        sizes.for_each(|size| give.send(vec![1; size]).unwrap());
        drop(give);
        assert_eq!(taker.join().unwrap(), sum);
    }
}
