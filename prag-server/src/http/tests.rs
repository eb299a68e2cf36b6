//! What concerns the routes together.

mod fuzz;
