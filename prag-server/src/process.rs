//! The process as the machine's owner sees it: no image of its memory may be left on a disk.
//!
//! Layer: server; called by the binaries before anything else.
//! Holds: two settings of the kernel.
//! Never: a secret; called before there is any.
//! Invariant: where the kernel refuses, the worker does not start.
//!
//! Root, and the host, are not stopped by this: what stops them is the TEE. It keeps accidents (a crash that is
//! written to a disk, a debugger of the same user) from becoming leaks.

use crate::boot::BootError;

/// No core dump, no debugger of the same user, no reading of `/proc/<pid>/mem`.
///
/// # Errors
/// [`BootError::Platform`] where the kernel refuses.
#[cfg(target_os = "linux")]
pub fn seclude() -> Result<(), BootError> {
    use rustix::process::{DumpableBehavior, Resource, Rlimit};
    let refused = |what: &str, error: rustix::io::Errno| {
        BootError::Platform(format!("{what} cannot be switched off: {error}"))
    };
    let none = Rlimit { current: Some(0), maximum: Some(0) };
    rustix::process::setrlimit(Resource::Core, none)
        .map_err(|error| refused("core dumps", error))?;
    rustix::process::set_dumpable_behavior(DumpableBehavior::NotDumpable)
        .map_err(|error| refused("dumps of memory", error))
}

/// Elsewhere than on Linux there is no TEE, and nothing to protect.
///
/// # Errors
/// None.
#[cfg(not(target_os = "linux"))]
pub fn seclude() -> Result<(), BootError> {
    Ok(())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::panic)]
    use super::*;

    /// The kernel says that it took both settings, and the second cannot be taken back.
    #[test]
    #[cfg(target_os = "linux")]
    fn the_kernel_took_it() {
        use rustix::process::{DumpableBehavior, Resource, dumpable_behavior, getrlimit};
        seclude().unwrap();
        assert_eq!(dumpable_behavior().unwrap(), DumpableBehavior::NotDumpable);
        let core = getrlimit(Resource::Core);
        assert_eq!((core.current, core.maximum), (Some(0), Some(0)));
        let limits = std::fs::read_to_string("/proc/self/limits").unwrap();
        let core = limits.lines().find(|line| line.starts_with("Max core file size")).unwrap();
        assert_eq!(core.split_whitespace().skip(4).collect::<Vec<_>>(), ["0", "0", "bytes"]);
        seclude().unwrap();
    }
}
