//! What concerns the crate as a whole.

mod fuzz;
mod voucher;
