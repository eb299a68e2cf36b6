//! Evidence of hardware: from a vendor's signed bytes to claims.
//!
//! Layer: below `trust`; knows none of our crates.
//! Holds: verification of TDX quotes, SNP reports and NVIDIA SPDM reports up to the vendor's root, and the replay
//! of a TDX event log.
//! Never: a policy of ours, I/O, a clock, a root other than the vendor's unless the caller brings it.
//! Invariant: claims come out only if every signature up to the root holds at `now`; all input is bounded first.

pub mod error;
pub mod eventlog;
pub mod nvidia;
pub mod snp;
pub mod tdx;

pub use error::QuoteError;
