//! `prag-server`: the worker on real hardware.

fn main() -> std::process::ExitCode {
    prag_server::cli::main_with(prag_server::boot::detect)
}
