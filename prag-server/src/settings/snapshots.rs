//! Where snapshots may be written to and read from.
//!
//! Layer: server, `settings`.
//! Holds: targets by name: a folder of this machine, or a bucket.
//! Never: a credential: those come from a file or the environment, where a target is reached.
//! Invariant: a request names a target of this list, so no client makes a worker touch another path or address.
//!
//! Targets are not measured: what goes there is sealed as it is on the disk, and what comes back is checked.

use super::{SettingsError, bound};
use serde::Deserialize;
use std::net::{IpAddr, SocketAddr};
use std::path::PathBuf;

/// A target: `[[snapshots]]` with `name`, and either `folder` or `bucket`.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SnapshotTarget {
    /// 1 to 64 of `a-z 0-9 - _`. The first target is taken where a request names none.
    pub name: String,
    /// An absolute path; made by the first snapshot.
    #[serde(default)]
    pub folder: Option<PathBuf>,
    /// A bucket that speaks S3.
    #[serde(default)]
    pub bucket: Option<Bucket>,
}

/// Where a bucket is. `AWS_ACCESS_KEY_ID`, `AWS_SECRET_ACCESS_KEY` and `AWS_SESSION_TOKEN` come from the environment,
/// unless a file holds them.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Bucket {
    /// Its name.
    pub name: String,
    /// Before every object's name.
    #[serde(default)]
    pub prefix: String,
    /// Such as `eu-central-1`.
    #[serde(default)]
    pub region: Option<String>,
    /// `https://host[:port]`; `http://` on loopback only. AWS's own where it is left out.
    #[serde(default)]
    pub endpoint: Option<String>,
    /// A file with lines `AWS_ACCESS_KEY_ID=…` and so on.
    #[serde(default)]
    pub credentials: Option<PathBuf>,
}

pub(super) fn check(targets: &[SnapshotTarget]) -> Result<(), SettingsError> {
    bound(targets.len() <= TARGETS_MAX, "snapshots", "at most 16 targets")?;
    for (at, target) in targets.iter().enumerate() {
        let name = &target.name;
        let plain = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b"-_".contains(&b);
        let named = (1..=64).contains(&name.len()) && name.bytes().all(plain);
        bound(named, "snapshots.name", "1 to 64 of a-z, 0-9, - and _")?;
        let once = targets[..at].iter().all(|other| other.name != *name);
        bound(once, "snapshots.name", "another for each target")?;
        let one = target.folder.is_some() != target.bucket.is_some();
        bound(one, "snapshots.folder", "set, or `snapshots.bucket`, and not both")?;
        let absolute = target.folder.as_ref().is_none_or(|folder| folder.is_absolute());
        bound(absolute, "snapshots.folder", "an absolute path")?;
        let built = target.bucket.is_none() || cfg!(feature = "s3");
        bound(built, "snapshots.bucket", "left out: this build lacks the feature `s3`")?;
        target.bucket.as_ref().map_or(Ok(()), Bucket::check)?;
    }
    Ok(())
}

impl Bucket {
    fn check(&self) -> Result<(), SettingsError> {
        let named = (1..=255).contains(&self.name.len()) && self.name.bytes().all(plain_byte);
        bound(named, "snapshots.bucket.name", "1 to 255 letters, digits, '.', '-' and '_'")?;
        let parts = self.prefix.split('/').filter(|part| !part.is_empty());
        let prefixed = parts.clone().all(|part| part != "." && part != "..")
            && parts.clone().flat_map(str::bytes).all(plain_byte)
            && self.prefix.len() <= 512;
        bound(prefixed, "snapshots.bucket.prefix", "parts of letters, digits, '.', '-' and '_'")?;
        let reached = self.endpoint.as_ref().is_none_or(|endpoint| {
            let plain = endpoint.strip_prefix("http://").is_some_and(on_loopback);
            endpoint.len() <= 256 && (endpoint.starts_with("https://") || plain)
        });
        bound(reached, "snapshots.bucket.endpoint", "https://host, or http:// on loopback")
    }
}

/// Whether `host[:port]` is an address of this machine alone; a name is none.
fn on_loopback(authority: &str) -> bool {
    let authority = authority.strip_suffix('/').unwrap_or(authority);
    let with_port = authority.parse::<SocketAddr>().map(|at| at.ip());
    let ip = with_port.or_else(|_| authority.trim_matches(['[', ']']).parse::<IpAddr>());
    ip.is_ok_and(|ip| ip.is_loopback())
}

fn plain_byte(b: u8) -> bool {
    b.is_ascii_alphanumeric() || b".-_".contains(&b)
}

const TARGETS_MAX: usize = 16;

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::panic)]
    use super::super::Settings;
    use super::*;

    fn parsed(text: &str) -> Result<Vec<SnapshotTarget>, SettingsError> {
        let settings = Settings::parse(text)?;
        settings.check().map(|()| settings.snapshots)
    }

    /// A target is a folder or a bucket, under a name of its own; everything else is refused by name.
    #[test]
    fn targets_are_exact() {
        assert_eq!(parsed("").unwrap(), []);
        let good = "[[snapshots]]\nname = 'a'\nfolder = '/b'\n";
        assert_eq!(parsed(good).unwrap().len(), 1);
        let bucket = "[[snapshots]]\nname = 'c'\n\
            bucket = { name = 'd', prefix = 'x/y', endpoint = 'http://127.0.0.1:9' }";
        assert_eq!(
            parsed(bucket).is_ok(),
            cfg!(feature = "s3"),
            "a build that cannot reach one says so"
        );
        for bad in [
            "name = 'A'\nfolder = '/b'",
            "name = '../x'\nfolder = '/b'",
            "name = 'a'",
            "name = 'a'\nfolder = 'b'",
            "name = 'a'\nfolder = '/b'\nbucket = { name = 'c' }",
            "name = 'a'\nfolder = '/b'\n[[snapshots]]\nname = 'a'\nfolder = '/c'",
            "name = 'a'\nbucket = { name = 'c/d' }",
            "name = 'a'\nbucket = { name = 'c', prefix = 'x/../y' }",
            "name = 'a'\nbucket = { name = 'c', endpoint = 'http://far' }",
        ] {
            let refused = parsed(&format!("[[snapshots]]\n{bad}"));
            assert!(matches!(refused, Err(SettingsError::Bounds(..))), "{bad}: {refused:?}");
        }
        for near in ["127.0.0.1", "127.0.0.1:9", "[::1]/", "[::1]:9"] {
            assert!(on_loopback(near), "{near}");
        }
        for far in ["", "far", "127.0.0.1.far", "127.0.0.1@far", "a@[::1]:9", "[::]:9"] {
            assert!(!on_loopback(far), "{far}");
        }
        assert!(matches!(
            parsed("[[snapshots]]\nname = 'a'\nsecret = 'x'"),
            Err(SettingsError::Malformed(_))
        ));
    }
}
