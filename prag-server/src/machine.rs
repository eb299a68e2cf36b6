//! What memory and files this process may have, and what it holds.
//!
//! Layer: server; asks the kernel.
//! Holds: the memory of the machine or cgroup, the resident set, the limit of open files, the priority of a thread.
//! Never: a decision; these are the host's words, and nothing secret depends on them.
//! Invariant: what the kernel does not tell is `None`, never a guess.

/// Memory that this process may use, bytes: the smallest of the machine's and that of the cgroup which it sees as the
/// root, as a container does.
#[must_use]
pub(crate) fn memory_bytes() -> Option<u64> {
    let machine = field("/proc/meminfo", "MemTotal:").map(|kib| kib.saturating_mul(1024));
    let cgroups = ["/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/memory/memory.limit_in_bytes"];
    let cgroup = |path: &&str| std::fs::read_to_string(path).ok()?.trim().parse::<u64>().ok();
    machine.into_iter().chain(cgroups.iter().filter_map(cgroup)).min()
}

/// Memory that this process holds now, bytes.
#[must_use]
pub(crate) fn resident_bytes() -> Option<u64> {
    field("/proc/self/status", "VmRSS:").map(|kib| kib.saturating_mul(1024))
}

/// How many files may be open; `None` where there is no bound.
#[must_use]
pub(crate) fn open_files() -> Option<u64> {
    #[cfg(unix)]
    {
        rustix::process::getrlimit(rustix::process::Resource::Nofile).current
    }
    #[cfg(not(unix))]
    None
}

/// Raise the number of files that may be open to what the kernel allows; an open shard takes nine. Returns how many
/// there may be.
#[must_use]
pub(crate) fn raise_open_files() -> Option<u64> {
    #[cfg(unix)]
    {
        use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
        let Rlimit { current, maximum } = getrlimit(Resource::Nofile);
        if current != maximum {
            // What is refused leaves the limit as it was.
            let _ = setrlimit(Resource::Nofile, Rlimit { current: maximum, maximum });
        }
    }
    open_files()
}

/// Give this thread, and those that it starts, what others leave of the processors.
pub(crate) fn step_back() {
    #[cfg(target_os = "linux")]
    {
        // Refused, the thread competes like any other: slower searches, nothing worse.
        let _ = rustix::process::nice(NICE);
    }
}

/// The number after `name` in a file of the kernel's.
fn field(path: &str, name: &str) -> Option<u64> {
    let text = std::fs::read_to_string(path).ok()?;
    let line = text.lines().find(|line| line.starts_with(name))?;
    line.split_whitespace().nth(1)?.parse().ok()
}

#[cfg(target_os = "linux")]
const NICE: i32 = 10;

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::panic)]
    use super::*;

    /// The kernel tells, and a process holds less than the machine has.
    #[test]
    #[cfg(target_os = "linux")]
    fn the_kernel_tells() {
        let (all, held) = (memory_bytes().unwrap(), resident_bytes().unwrap());
        assert!(held > 1 << 20 && held < all, "{held} of {all}");
        assert!(raise_open_files().is_none_or(|files| files >= 256));
        assert_eq!(field("/proc/self/status", "NoSuchField:"), None);
    }

    /// A thread that stepped back has a lower priority than the one that started it; its own threads have too.
    #[test]
    #[cfg(target_os = "linux")]
    fn only_the_thread_and_its_children_step_back() {
        let nice = || rustix::process::getpriority_process(None).unwrap();
        let before = nice();
        let work = move || {
            step_back();
            (nice(), std::thread::spawn(nice).join().unwrap())
        };
        let lower = std::thread::spawn(work).join().unwrap();
        assert!(lower.0 > before && lower.1 == lower.0, "{lower:?} after {before}");
        assert_eq!(nice(), before);
    }
}
