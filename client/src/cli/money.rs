//! Money as people read and write it.
//!
//! Layer: client, below `cli`.
//! Holds: whole units of a denomination of millionths, exactly, and other denominations as they are.
//! Never: floats, rounding, a number that was not meant.
//! Invariant: what is shown reads back to the same number.

use crate::error::ClientError;
use prag_protocol::ledger::bank::Coin;
use prag_protocol::ledger::coin::{Amount, Denom};

/// `12.5 PRAG` for 12,500,000 of `uprag`; `12 factory/x` where a denomination says nothing of its unit.
pub(super) fn show(units: u128, denom: &Denom) -> String {
    let Some(name) = whole(denom) else { return format!("{units} {denom}") };
    let (ones, rest) = (units / MICRO, units % MICRO);
    if rest == 0 {
        return format!("{ones} {name}");
    }
    let digits = format!("{rest:06}");
    format!("{ones}.{} {name}", digits.trim_end_matches('0'))
}

/// Read [`show`] back; the name may be left out.
///
/// # Errors
/// [`ClientError::Usage`] for anything but a number above zero with as many digits as there are.
pub(super) fn read(text: &str, denom: &Denom) -> Result<Coin, ClientError> {
    let name = whole(denom).unwrap_or_else(|| denom.to_string());
    let number = text.strip_suffix(name.as_str()).unwrap_or(text).trim_end();
    let wrong = || {
        let digits =
            if whole(denom).is_some() { ", with at most 6 digits behind the point" } else { "" };
        ClientError::Usage(format!("an amount is a number of {name}, such as 12{digits}"))
    };
    let units = match (number.split_once('.'), whole(denom).is_some()) {
        (None, true) => digits(number).and_then(|ones| ones.checked_mul(MICRO)),
        (None, false) => digits(number),
        (Some((ones, rest)), true) if rest.len() <= 6 => {
            let ones = digits(ones).and_then(|ones| ones.checked_mul(MICRO));
            let rest = digits(rest).and_then(|_| digits(&format!("{rest:0<6}")));
            ones.zip(rest).and_then(|(ones, rest)| ones.checked_add(rest))
        }
        (Some(_), _) => None,
    };
    let amount = units.and_then(|units| Amount::try_from(units).ok()).ok_or_else(wrong)?;
    Ok(Coin { denom: denom.clone(), amount })
}

/// The name of a million of a denomination that is `u` and letters, as chains have it.
fn whole(denom: &Denom) -> Option<String> {
    let name = denom.as_str().strip_prefix('u')?;
    name.bytes().all(|byte| byte.is_ascii_lowercase()).then(|| name.to_ascii_uppercase())
}

fn digits(text: &str) -> Option<u128> {
    let plain = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    plain.then(|| text.parse().ok()).flatten()
}

const MICRO: u128 = 1_000_000;

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    /// Every amount reads back as it is shown, with and without its name.
    #[test]
    fn what_is_shown_reads_back() {
        let denom: Denom = "uprag".parse().unwrap();
        for (units, text) in [
            (1, "0.000001 PRAG"),
            (12_500_000, "12.5 PRAG"),
            (1_000_000, "1 PRAG"),
            (79_228_162_514_264_337_593_543_950_335, "79228162514264337593543.950335 PRAG"),
        ] {
            assert_eq!(show(units, &denom), text);
            assert_eq!(read(text, &denom).unwrap().amount.get(), units);
            let number = text.trim_end_matches(" PRAG");
            assert_eq!(read(number, &denom).unwrap().amount.get(), units);
        }
        assert_eq!(show(0, &denom), "0 PRAG");
        let plain: Denom = "factory/x".parse().unwrap();
        assert_eq!(show(12, &plain), "12 factory/x");
        assert_eq!(read("12", &plain).unwrap().amount.get(), 12);
    }

    /// Nothing is guessed: no sign, no exponent, no seventh digit, nothing, zero, or more than can be.
    #[test]
    fn other_texts_are_refused() {
        let denom: Denom = "uprag".parse().unwrap();
        let above = "79228162514264337593543.950336";
        for text in ["", "0", "-1", "+1", "1e3", "1.", ".5", "1.0000001", "1,5", "1 SCRT", above] {
            assert!(read(text, &denom).is_err(), "{text}");
        }
        assert!(read("1.5", &"factory/x".parse().unwrap()).is_err());
    }
}
