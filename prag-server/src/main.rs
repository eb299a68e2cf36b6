//! `prag-server`: the worker on real hardware.

#[global_allocator]
static ALLOCATOR: prag_server::Allocator = prag_server::Allocator;

fn main() -> std::process::ExitCode {
    prag_server::cli::main_with(prag_server::boot::detect)
}
