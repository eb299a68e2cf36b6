//! What the programs that run a worker allocate with.
//!
//! Layer: under `lib`.
//! Holds: mimalloc (Leijen, Zorn and de Moura 2019) for what is small: a query makes hundreds of such allocations on one
//! thread and frees some on another, a third of its time with the C library's. What is large is the system's: mimalloc
//! keeps what was freed for a second, and twice the memory of a segment that was just opened. It asks for no huge pages:
//! they would be 2.5 MB more in a process that holds 100,000 vectors.
//! Never: a place that one of them gave and the other takes back.
//! Invariant: whose a place is follows from its size alone, which whoever gives it back says again.

#![allow(unsafe_code)]

use libmimalloc_sys::{
    mi_free, mi_malloc, mi_malloc_aligned, mi_realloc, mi_realloc_aligned, mi_zalloc,
    mi_zalloc_aligned,
};
use std::alloc::{GlobalAlloc, Layout, System};

/// For `#[global_allocator]`.
#[derive(Clone, Copy, Debug)]
pub struct Allocator;

/// Bytes from which on a place is the system's: with 256 KiB a segment of 100,000 vectors that was just opened takes 4 MB
/// more. A reply of ten hits is below it.
const LARGE: usize = 32 << 10;
/// Alignment of whatever mimalloc gives for as many bytes or more (`MI_MAX_ALIGN_SIZE`); for fewer bytes it is [`WORD`].
const WIDE: usize = 16;
const WORD: usize = 8;

/// What is small. Where the alignment comes by itself it is not asked for: that way is longer, and leaves room unused.
struct Small;

// SAFETY: each place is as large and as aligned as its layout says; `mi_free` takes all of them.
unsafe impl GlobalAlloc for Small {
    #[inline]
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        if comes_by_itself(layout.size(), layout.align()) {
            // SAFETY: any size.
            unsafe { mi_malloc(layout.size()) }.cast()
        } else {
            // SAFETY: the alignment is a power of two.
            unsafe { mi_malloc_aligned(layout.size(), layout.align()) }.cast()
        }
    }

    #[inline]
    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        if comes_by_itself(layout.size(), layout.align()) {
            // SAFETY: any size.
            unsafe { mi_zalloc(layout.size()) }.cast()
        } else {
            // SAFETY: the alignment is a power of two.
            unsafe { mi_zalloc_aligned(layout.size(), layout.align()) }.cast()
        }
    }

    #[inline]
    unsafe fn dealloc(&self, place: *mut u8, _: Layout) {
        // SAFETY: mimalloc gave it, as the caller says.
        unsafe { mi_free(place.cast()) }
    }

    #[inline]
    unsafe fn realloc(&self, place: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        if comes_by_itself(size, layout.align()) {
            // SAFETY: mimalloc gave it, as the caller says.
            unsafe { mi_realloc(place.cast(), size) }.cast()
        } else {
            // SAFETY: likewise; the alignment is a power of two.
            unsafe { mi_realloc_aligned(place.cast(), size, layout.align()) }.cast()
        }
    }
}

#[inline]
fn comes_by_itself(size: usize, align: usize) -> bool {
    align <= WORD || (align <= WIDE && size >= WIDE)
}

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
            unsafe { Small.alloc(layout) }
        }
    }

    #[inline]
    unsafe fn dealloc(&self, place: *mut u8, layout: Layout) {
        if is_large(layout.size()) {
            // SAFETY: the system gave it: it is as large as then.
            unsafe { System.dealloc(place, layout) }
        } else {
            // SAFETY: mimalloc gave it, likewise.
            unsafe { Small.dealloc(place, layout) }
        }
    }

    #[inline]
    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        if is_large(layout.size()) {
            // SAFETY: the caller's contract is ours.
            unsafe { System.alloc_zeroed(layout) }
        } else {
            // SAFETY: as above.
            unsafe { Small.alloc_zeroed(layout) }
        }
    }

    #[inline]
    unsafe fn realloc(&self, place: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        match (is_large(layout.size()), is_large(size)) {
            // SAFETY: the system gave it, and takes what it becomes.
            (true, true) => unsafe { System.realloc(place, layout, size) },
            // SAFETY: mimalloc gave it, likewise.
            (false, false) => unsafe { Small.realloc(place, layout, size) },
            // SAFETY: the caller's contract is ours.
            (true, false) | (false, true) => unsafe { moved(place, layout, size) },
        }
    }
}

/// Give back to the system what it was asked for and is free, from 32 KiB on: the C library keeps up to some
/// 20 MB between what is in use once a place of that size was freed. Takes a while where much is in use: ask after
/// something large was dropped.
pub fn give_back() {
    #[cfg(all(target_os = "linux", target_env = "gnu"))]
    // SAFETY: it takes any number, and moves nothing that is in use.
    let _ = unsafe { libc::malloc_trim(0) };
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

    /// What is in use stays while what is free is given back.
    #[test]
    fn what_is_in_use_stays() {
        let held: Vec<Vec<u8>> = (0..200).map(|byte| vec![byte; LARGE + 7]).collect();
        let (odd, even): (Vec<_>, Vec<_>) = held.into_iter().partition(|bytes| bytes[0] % 2 == 1);
        drop(even);
        give_back();
        assert!(odd.iter().all(|bytes| bytes.iter().all(|byte| *byte == bytes[0])));
    }

    /// Every size at every alignment that a program asks for is aligned, at birth and after it grew and shrank; its bytes
    /// stay, and zeroed ones are zero.
    #[test]
    fn every_layout_is_aligned() {
        let mut held = Vec::new();
        for align in [1, 2, 4, 8, 16, 32, 64, 4096] {
            for size in (1..200).chain([1000, 1500, 3000, 5000, 20_000, LARGE - 1, LARGE]) {
                let layout = Layout::from_size_align(size, align).unwrap();
                // SAFETY: the size is not 0.
                let place = unsafe { Allocator.alloc_zeroed(layout) };
                assert!(!place.is_null() && place.align_offset(align) == 0, "{size} {align}");
                // SAFETY: so many bytes are there, and nobody else's.
                let bytes = unsafe { std::slice::from_raw_parts_mut(place, size) };
                assert!(bytes.iter().all(|byte| *byte == 0));
                bytes.fill(7);
                let other = (size * 7919) % 900 + 1;
                // SAFETY: this allocator gave it, with this layout; the size is not 0.
                let place = unsafe { Allocator.realloc(place, layout, other) };
                assert!(!place.is_null() && place.align_offset(align) == 0, "{size} {align}");
                // SAFETY: so many bytes are there, of which the lesser count was written.
                let kept = unsafe { std::slice::from_raw_parts(place, other.min(size)) };
                assert!(kept.iter().all(|byte| *byte == 7));
                held.push((place, Layout::from_size_align(other, align).unwrap()));
            }
        }
        // SAFETY: this allocator gave each, with this layout, once.
        held.into_iter().for_each(|(place, layout)| unsafe { Allocator.dealloc(place, layout) });
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
