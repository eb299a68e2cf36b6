//! `prag-server-sim`: the worker on a simulated TEE. Nothing is private.

use prag_server::boot::{BootError, Platform};
use prag_trust::entropy::random;
use prag_trust::sim::{SimTee, SimVerifier};
use std::io::Write;
use std::path::Path;
use std::process::ExitCode;
use std::sync::Arc;
use zeroize::Zeroizing;

#[global_allocator]
static ALLOCATOR: prag_server::Allocator = prag_server::Allocator;

fn main() -> ExitCode {
    prag_server::cli::main_with(|_, _| {
        Ok(Platform {
            tee: Arc::new(SimTee::new(env!("CARGO_PKG_VERSION"))),
            verifier: Box::new(SimVerifier),
            sealing_root: Box::new(|data| sealing_root(data).map(Zeroizing::new)),
            host_time: Box::new(prag_server::clock::host_time),
            simulated: true,
        })
    })
}

/// A simulated sealing key lies beside the data, where a real one would never be.
fn sealing_root(data: &Path) -> Result<[u8; 32], BootError> {
    let path = data.join("simulated-sealing-key");
    let failed =
        |error: std::io::Error| BootError::Data(path.display().to_string(), error.to_string());
    match std::fs::read(&path) {
        Ok(bytes) => bytes
            .try_into()
            .map_err(|_| BootError::Data(path.display().to_string(), "is not 32 bytes".to_owned())),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
            let root = random(&mut prag_client::system::OsEntropy)
                .map_err(|_| BootError::State("no randomness".to_owned()))?;
            let mut file = std::fs::File::create_new(&path).map_err(failed)?;
            file.write_all(&root).and_then(|()| file.sync_all()).map_err(failed)?;
            Ok(root)
        }
        Err(error) => Err(failed(error)),
    }
}
