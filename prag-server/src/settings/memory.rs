//! The memory limit, and how long a shard stays open unused.
//!
//! Layer: server, below `settings`.
//! Holds: `[memory]`, and sizes with units.
//! Never: a measurement of this machine: `machine` makes it.
//! Invariant: a size is a whole number of bytes, and its unit says which thousand is meant.

use serde::de::{Deserialize, Deserializer, Error};

/// `[memory]` in the settings.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Memory {
    /// What the worker may use, such as `"12 GiB"`; without it, three quarters of what the machine or cgroup has. Writes
    /// are refused as `memory-limit` before it is reached.
    pub limit: Option<Bytes>,
    /// Seconds after which a shard that nobody asks for is closed; it opens again when it is asked for, and not at boot.
    /// 0 opens every shard at boot and keeps it open.
    pub idle_s: u64,
}

impl Default for Memory {
    fn default() -> Self {
        Self { limit: None, idle_s: 900 }
    }
}

/// A size: `"512 MiB"`, `"12GiB"`, `"1.5 TB"`, or a plain number of bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Bytes(pub u64);

impl Bytes {
    /// The size in `text`, if it is one.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let text = text.trim();
        let at = text.find(|c: char| c.is_ascii_alphabetic()).unwrap_or(text.len());
        let (number, unit) = (text[..at].trim(), text[at..].trim());
        let unit = UNITS.iter().find(|(name, _)| name.eq_ignore_ascii_case(unit))?.1;
        let (whole, fraction) = number.split_once('.').unwrap_or((number, "0"));
        let digits = |text: &str| !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
        if !digits(whole) || !digits(fraction) || fraction.len() > 3 {
            return None;
        }
        let scale = 10u64.pow(u32::try_from(fraction.len()).ok()?);
        let thousandths = whole.parse::<u64>().ok()?.checked_mul(scale)?;
        let thousandths = thousandths.checked_add(fraction.parse().ok()?)?;
        thousandths.checked_mul(unit).map(|bytes| Self(bytes / scale))
    }
}

impl<'de> Deserialize<'de> for Bytes {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        #[derive(serde::Deserialize)]
        #[serde(
            untagged,
            expecting = "`memory.limit` must be a number of bytes, or a size such as \"12 GiB\""
        )]
        enum Form {
            Number(u64),
            Text(String),
        }
        match Form::deserialize(deserializer)? {
            Form::Number(bytes) => Ok(Self(bytes)),
            Form::Text(text) => Self::parse(&text).ok_or_else(|| {
                D::Error::custom("`memory.limit` must be a size such as \"12 GiB\"")
            }),
        }
    }
}

const UNITS: [(&str, u64); 10] = [
    ("", 1),
    ("B", 1),
    ("KB", 1000),
    ("MB", 1_000_000),
    ("GB", 1_000_000_000),
    ("TB", 1_000_000_000_000),
    ("KiB", 1 << 10),
    ("MiB", 1 << 20),
    ("GiB", 1 << 30),
    ("TiB", 1 << 40),
];

#[cfg(test)]
mod tests {
    use super::*;
    use crate::settings::Settings;

    /// Whatever is wrong with a limit, the setting is named.
    #[test]
    fn a_bad_limit_is_named() {
        let read = |text: &str| Settings::parse(text).and_then(|settings| settings.check());
        assert_eq!(read("[memory]\nlimit = '12 GiB'\nidle_s = 0"), Ok(()));
        assert_eq!(read("[memory]\nlimit = 12000000000"), Ok(()));
        for (bad, named) in [
            ("limit = '12 G'", "memory.limit"),
            ("limit = -1", "memory.limit"),
            ("limit = 1.5", "memory.limit"),
            ("limit = []", "memory.limit"),
            ("limit = '63 MiB'", "memory.limit"),
            ("limit = '65 TiB'", "memory.limit"),
            ("limits = '12 GiB'", "limits"),
            ("idle_s = 604801", "memory.idle_s"),
        ] {
            let refused = read(&format!("[memory]\n{bad}")).map_err(|error| error.to_string());
            assert!(refused.as_ref().is_err_and(|why| why.contains(named)), "{bad}: {refused:?}");
        }
    }

    /// Units of both kinds, with and without a fraction; whatever else is refused.
    #[test]
    fn sizes_have_units() {
        let parsed = |text| Bytes::parse(text).map(|Bytes(bytes)| bytes);
        assert_eq!(parsed("12 GiB"), Some(12 << 30));
        assert_eq!(parsed("1.5GB"), Some(1_500_000_000));
        assert_eq!(parsed(" 512mib "), Some(512 << 20));
        assert_eq!(parsed("4096"), Some(4096));
        assert_eq!(parsed("0.125 KiB"), Some(128));
        for bad in
            ["", "GiB", "-1 GiB", "1,5 GB", "1.2345 GB", "12 G", "1 GiB x", "1e9", "99999999 TiB"]
        {
            assert_eq!(parsed(bad), None, "{bad}");
        }
    }
}
