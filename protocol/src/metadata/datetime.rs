//! RFC 3339 text to and from microseconds since 1970.
//!
//! Layer: protocol.
//! Holds: the proleptic Gregorian calendar, years 1 to 9999.
//! Never: local time, leap seconds, or a clock.
//! Invariant: formatting then parsing gives the same microseconds.

/// Microseconds since 1970-01-01T00:00:00Z of RFC 3339 `text`; nothing where it is not that.
///
/// Up to nine digits of a second's fraction are read and those after the sixth are dropped.
#[must_use]
pub fn parse_rfc3339(text: &str) -> Option<i64> {
    let bytes = text.as_bytes();
    if !(20..=35).contains(&bytes.len()) || !text.is_ascii() {
        return None;
    }
    let punctuation = [(4, b'-'), (7, b'-'), (13, b':'), (16, b':')];
    let separated = matches!(bytes[10], b'T' | b't' | b' ');
    if !separated || punctuation.iter().any(|&(at, mark)| bytes[at] != mark) {
        return None;
    }
    let (year, month, day) = (digits(&bytes[0..4])?, digits(&bytes[5..7])?, digits(&bytes[8..10])?);
    let (hour, minute) = (digits(&bytes[11..13])?, digits(&bytes[14..16])?);
    let second = digits(&bytes[17..19])?;
    let real_day = (1..=12).contains(&month) && (1..=days_in(year, month)).contains(&day);
    if !real_day || hour > 23 || minute > 59 || second > 59 {
        return None;
    }
    let (micros, zone) = fraction(&bytes[19..])?;
    let seconds = days_from_civil(year, month, day) * DAY + hour * 3600 + minute * 60 + second;
    let total = (seconds - offset(zone)?) * MICROS + micros;
    in_range(total).then_some(total)
}

/// RFC 3339 text, in UTC, of `micros` since 1970; a fraction only where there is one.
#[must_use]
pub fn format_rfc3339(micros: i64) -> String {
    let (seconds, fraction) = (micros.div_euclid(MICROS), micros.rem_euclid(MICROS));
    let (days, rest) = (seconds.div_euclid(DAY), seconds.rem_euclid(DAY));
    let (year, month, day) = civil_from_days(days);
    let (hour, minute, second) = (rest / 3600, rest / 60 % 60, rest % 60);
    let tail = if fraction == 0 { String::new() } else { format!(".{fraction:06}") };
    format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}{tail}Z")
}

/// Whether the year is between 1 and 9999.
pub(super) fn in_range(micros: i64) -> bool {
    (MICROS_MIN..MICROS_END).contains(&micros)
}

fn digits(bytes: &[u8]) -> Option<i64> {
    bytes.iter().try_fold(0i64, |sum, byte| {
        byte.is_ascii_digit().then(|| sum * 10 + i64::from(byte - b'0'))
    })
}

/// Microseconds of an optional `.123`, and the zone after it.
fn fraction(bytes: &[u8]) -> Option<(i64, &[u8])> {
    let Some(rest) = bytes.strip_prefix(b".") else {
        return Some((0, bytes));
    };
    let count = rest.iter().take_while(|byte| byte.is_ascii_digit()).count();
    if !(1..=9).contains(&count) {
        return None;
    }
    let mut micros = digits(&rest[..count.min(6)])?;
    for _ in count..6 {
        micros *= 10;
    }
    Some((micros, &rest[count..]))
}

/// Seconds east of UTC of `Z` or `±hh:mm`.
fn offset(zone: &[u8]) -> Option<i64> {
    match zone {
        b"Z" | b"z" => Some(0),
        [sign @ (b'+' | b'-'), clock @ ..] if clock.len() == 5 && clock[2] == b':' => {
            let (hour, minute) = (digits(&clock[..2])?, digits(&clock[3..])?);
            let seconds = hour * 3600 + minute * 60;
            let real = hour <= 23 && minute <= 59;
            real.then_some(if *sign == b'-' { -seconds } else { seconds })
        }
        _ => None,
    }
}

fn leap(year: i64) -> bool {
    (year % 4 == 0 && year % 100 != 0) || year % 400 == 0
}

fn days_in(year: i64, month: i64) -> i64 {
    match month {
        2 if leap(year) => 29,
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    }
}

/// Days since 1970-01-01, counted in years that start in March, so that leap days come last.
fn days_from_civil(year: i64, month: i64, day: i64) -> i64 {
    let year = if month <= 2 { year - 1 } else { year };
    let (era, of_era) = (year.div_euclid(400), year.rem_euclid(400));
    let of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    era * ERA_DAYS + of_era * 365 + of_era / 4 - of_era / 100 + of_year - EPOCH_SHIFT
}

fn civil_from_days(days: i64) -> (i64, i64, i64) {
    let days = days + EPOCH_SHIFT;
    let (era, of_era) = (days.div_euclid(ERA_DAYS), days.rem_euclid(ERA_DAYS));
    let year = (of_era - of_era / 1460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year + year / 4 - year / 100);
    let shifted = (5 * of_year + 2) / 153;
    let day = of_year - (153 * shifted + 2) / 5 + 1;
    let month = (shifted + 2) % 12 + 1;
    (era * 400 + year + i64::from(month <= 2), month, day)
}

const MICROS: i64 = 1_000_000;
const DAY: i64 = 86_400;
/// Days of 400 Gregorian years.
const ERA_DAYS: i64 = 146_097;
/// Days from 0000-03-01 to 1970-01-01.
const EPOCH_SHIFT: i64 = 719_468;
/// 0001-01-01T00:00:00Z.
const MICROS_MIN: i64 = -62_135_596_800 * MICROS;
/// 10000-01-01T00:00:00Z.
const MICROS_END: i64 = 253_402_300_800 * MICROS;
