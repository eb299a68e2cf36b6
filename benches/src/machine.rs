//! Where and of what a run was.
//!
//! Layer: benches.
//! Holds: processor, kernel, disk, load, commit, build and versions, read from the machine.
//! Never: a host name, a user, a path: results are published.
//! Invariant: what cannot be read is `unknown`, not guessed.

use crate::error::{BenchError, Step};
use crate::options::Options;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::process::Command;
use time::OffsetDateTime;

/// What holds for every row of a report.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Run {
    /// When it began, UTC.
    pub date: String,
    /// A smoke run: its figures mean nothing.
    pub quick: bool,
    /// Processor as it names itself, and which of the instructions that matter here it has.
    pub processor: String,
    /// Processors that this process may use.
    pub processors: usize,
    /// Memory, bytes.
    pub memory_bytes: u64,
    /// Kernel's version.
    pub kernel: String,
    /// File system under the databases.
    pub disk: String,
    /// Processes that wanted to run in the minute before, on average.
    pub load_before: String,
    /// The same at the end; the run itself is in it.
    pub load_after: String,
    /// Commit of the sources; `+` where files differed from it.
    pub commit: String,
    /// Cargo's profile, and what it leaves unoptimised.
    pub profile: String,
    /// The compiler.
    pub compiler: String,
    /// Crates that the figures depend on.
    pub versions: BTreeMap<String, String>,
}

impl Run {
    /// Reads the machine.
    ///
    /// # Errors
    /// [`BenchError`] where the folder for the databases cannot be made.
    pub fn begin(options: &Options) -> Result<Self, BenchError> {
        let disk = options.disk();
        fs::create_dir_all(&disk).step("making the folder of the databases")?;
        let now = OffsetDateTime::now_utc();
        let (date, time) = (now.date(), now.time());
        Ok(Self {
            date: format!("{date} {:02}:{:02} UTC", time.hour(), time.minute()),
            quick: options.quick,
            processor: processor(&read("/proc/cpuinfo")),
            processors: std::thread::available_parallelism().map_or(1, std::num::NonZero::get),
            memory_bytes: memory(&read("/proc/meminfo")),
            kernel: known(read("/proc/sys/kernel/osrelease").trim()),
            disk: file_system(&read("/proc/mounts"), &fs::canonicalize(&disk).unwrap_or(disk)),
            load_before: load(),
            load_after: String::new(),
            commit: commit(),
            profile: profile(env!("PRAG_BENCH_PROFILE")),
            compiler: known(env!("PRAG_BENCH_RUSTC")),
            versions: versions(include_str!("../../Cargo.lock")),
        })
    }

    /// Reads what changes meanwhile.
    #[must_use]
    pub fn end(self) -> Self {
        Self { load_after: load(), ..self }
    }
}

fn read(path: &str) -> String {
    fs::read_to_string(path).unwrap_or_default()
}

fn known(text: &str) -> String {
    if text.is_empty() { "unknown".to_owned() } else { text.to_owned() }
}

fn field<'a>(text: &'a str, name: &str) -> Option<&'a str> {
    let line = text.lines().find(|line| line.starts_with(name))?;
    line.split_once(':').map(|(_, value)| value.trim())
}

fn processor(cpuinfo: &str) -> String {
    let flags: Vec<&str> = field(cpuinfo, "flags").unwrap_or_default().split_whitespace().collect();
    let has: Vec<&str> = INSTRUCTIONS.into_iter().filter(|wanted| flags.contains(wanted)).collect();
    let name = known(field(cpuinfo, "model name").unwrap_or_default());
    let family = ["cpu family", "model"].map(|part| field_exact(cpuinfo, part));
    format!("{name}, family {} model {}, {}", family[0], family[1], has.join(" "))
}

/// The value of the field that is called exactly `name`: `model` is the beginning of `model name`.
fn field_exact(text: &str, name: &str) -> String {
    let mut fields = text.lines().filter_map(|line| line.split_once(':'));
    let found = fields.find(|(found, _)| found.trim() == name);
    known(found.map_or("", |(_, value)| value.trim()))
}

fn memory(meminfo: &str) -> u64 {
    let kilobytes = field(meminfo, "MemTotal").and_then(|value| value.strip_suffix(" kB"));
    kilobytes.and_then(|value| value.parse::<u64>().ok()).unwrap_or_default() * 1024
}

/// Type of the mount that `path` lies under: the longest one that is a beginning of it.
fn file_system(mounts: &str, path: &Path) -> String {
    let mounts = mounts.lines().filter_map(|line| {
        let mut fields = line.split_whitespace().skip(1);
        Some((fields.next()?, fields.next()?))
    });
    let under = mounts.filter(|(point, _)| path.starts_with(point));
    known(under.max_by_key(|(point, _)| point.len()).map_or("", |(_, kind)| kind))
}

fn load() -> String {
    known(read("/proc/loadavg").split_whitespace().next().unwrap_or_default())
}

fn commit() -> String {
    let git = |arguments: &[&str]| {
        let output = Command::new("git")
            .args(["-C", env!("CARGO_MANIFEST_DIR")])
            .args(arguments)
            .output()
            .ok()
            .filter(|output| output.status.success())?;
        Some(String::from_utf8_lossy(&output.stdout).trim().to_owned())
    };
    let hash = git(&["rev-parse", "--short=12", "HEAD"]).unwrap_or_else(|| known(""));
    let changed = git(&["status", "--porcelain"]).is_some_and(|files| !files.is_empty());
    if changed { hash + "+" } else { hash }
}

fn profile(name: &str) -> String {
    let about = match name {
        "release" => "all optimised, RocksDB too",
        "bench-light" => "all optimised but RocksDB, which is not at all",
        "debug" => {
            "profile dev: of other people's code only part is optimised, and RocksDB not at all"
        }
        _ => "see Cargo.toml",
    };
    format!("{name} ({about})")
}

/// Versions of the crates that the figures depend on, from the lock file.
fn versions(lock: &str) -> BTreeMap<String, String> {
    let quoted = |line: Option<&str>, key: &str| {
        let value = line?.strip_prefix(key)?.strip_prefix(" = \"")?;
        value.strip_suffix('"').map(str::to_owned)
    };
    let packages = lock.split("[[package]]").filter_map(|package| {
        let mut lines = package.trim().lines();
        let name = quoted(lines.next(), "name")?;
        Some((name, quoted(lines.next(), "version")?))
    });
    let wanted = |(name, _): &(String, String)| CRATES.contains(&name.as_str());
    packages.filter(wanted).collect()
}

const INSTRUCTIONS: [&str; 9] =
    ["aes", "vaes", "pclmulqdq", "vpclmulqdq", "sha_ni", "avx2", "fma", "avx512f", "avx512_vnni"];
const CRATES: [&str; 12] = [
    "aes-gcm-siv",
    "axum",
    "blake3",
    "dcap-qvl",
    "hnsw_rs",
    "hpke",
    "k256",
    "librocksdb-sys",
    "ohttp",
    "prag-server",
    "sev",
    "tantivy",
];

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::panic)]
    use super::*;

    /// The longest mount wins, and a path that only begins alike does not count.
    #[test]
    fn disks_are_found() {
        let mounts = "a / ext4 rw\nb /tmp tmpfs rw\nc /tmp/deep xfs rw\n";
        let of = |path: &str| file_system(mounts, Path::new(path));
        assert_eq!(
            ["/tmp/x", "/tmp/deep/x", "/tmpx", "/home"].map(of),
            ["tmpfs", "xfs", "ext4", "ext4"]
        );
        assert_eq!(file_system("", Path::new("/tmp")), "unknown");
    }

    /// Versions come from the lock file that this was built with, and machines say what they are.
    #[test]
    fn facts_are_read() {
        let versions = versions(include_str!("../../Cargo.lock"));
        assert_eq!(versions.len(), CRATES.len(), "{versions:?}");
        assert_eq!(versions["prag-server"], env!("CARGO_PKG_VERSION"));
        let info =
            "model name\t: AMD EPYC\ncpu family\t: 25\nmodel\t\t: 17\nflags\t\t: fpu aes avx2\n";
        assert_eq!(processor(info), "AMD EPYC, family 25 model 17, aes avx2");
        assert_eq!(memory("MemTotal:       2048 kB\n"), 2 << 20);
        assert!(profile("release").contains("RocksDB too") && profile("x").contains("Cargo.toml"));
    }
}
