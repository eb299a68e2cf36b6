//! The `prag` command line, with the verifier of real TEEs.
//!
//! Layer: above the library.
//! Holds: one call.
//! Never: a simulated TEE's verifier.
//! Invariant: evidence that this program cannot verify is refused by name.

fn main() -> std::process::ExitCode {
    prag_client::cli::main_with(prag_client::trusted::Trusted::default())
}
