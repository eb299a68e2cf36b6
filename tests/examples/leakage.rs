//! Prints `docs/leakage.md`.

use prag_tests::leakage::{Scale, measure};

#[tokio::main(flavor = "multi_thread", worker_threads = 2)]
async fn main() {
    print!("{}", measure(Scale { documents: 2000, samples: 300 }).await);
}
