//! Memory: lines as the codes on them, and large pages for what is read at random.
//!
//! Layer: under `lib`.
//! Holds: one view, and hints to the kernel.
//! Never: a change of what memory holds, or an error: without large pages all works, slower.
//! Invariant: only pages that lie wholly in the slice are asked for.

#![allow(unsafe_code)]

use crate::Line;

/// The codes on lines, one after another.
#[must_use]
#[inline(always)]
pub fn flatten(lines: &[Line<u8>]) -> &[u8] {
    const { assert!(size_of::<Line<u8>>() == crate::LINE) };
    // SAFETY: a line is 64 bytes without padding, so the slice is as many bytes, borrowed as it is.
    unsafe { std::slice::from_raw_parts(lines.as_ptr().cast::<u8>(), size_of_val(lines)) }
}

/// Room for `capacity` values that are to come, in large pages from their first touch on: nothing has to be moved later.
#[must_use]
pub fn roomy<T>(capacity: usize) -> Vec<T> {
    let mut room = Vec::with_capacity(capacity);
    #[cfg(target_os = "linux")]
    advise(room.spare_capacity_mut(), &[libc::MADV_HUGEPAGE]);
    room
}

/// Ask the kernel to keep `memory` in large pages, so that reads at random find their addresses sooner: most kernels
/// are set to give them to who asks (`transparent_hugepage/enabled` is `madvise`). Copies at once what lies in small ones
/// where the kernel can (Linux 6.1), else the kernel does in time.
pub fn large_pages<T>(memory: &[T]) {
    #[cfg(target_os = "linux")]
    advise(memory, &[libc::MADV_HUGEPAGE, libc::MADV_COLLAPSE]);
    #[cfg(not(target_os = "linux"))]
    let _ = memory;
}

#[cfg(target_os = "linux")]
fn advise<T>(memory: &[T], advices: &[libc::c_int]) {
    let start = memory.as_ptr().cast_mut();
    let first = start.map_addr(|address| address.next_multiple_of(PAGE));
    let end = (start.addr() + size_of_val(memory)) / PAGE * PAGE;
    if end <= first.addr() {
        return;
    }
    let length = end - first.addr();
    for advice in advices {
        // SAFETY: the range lies within `memory`, which is borrowed and so stays allocated. Neither hint changes what
        // the pages hold, and a kernel that does not know one refuses it.
        let _ = unsafe { libc::madvise(first.cast(), length, *advice) };
    }
}

/// On x86-64, and on most others.
#[cfg(target_os = "linux")]
const PAGE: usize = 2 << 20;
