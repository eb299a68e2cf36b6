//! A test PKI: genuine formats of TDX, SNP and GPU evidence under roots of its own.
//!
//! Layer: tests; a development dependency of the verifiers.
//! Holds: seeded roots and chains, and builders with every field open to be made wrong.
//! Never: a key that a release build knows; release policies cannot name these roots.
//! Invariant: the same seed gives the same keys.

pub mod nvidia;
pub mod real;
pub mod snp;
pub mod tdx;
