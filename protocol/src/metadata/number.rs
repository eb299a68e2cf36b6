//! Numbers as filters compare them: integers and floats on one line, exactly.
//!
//! Layer: protocol.
//! Holds: a canonical form and its total order.
//! Never: rounds an integer to a float, or holds a value that is not finite.
//! Invariant: two numbers are equal exactly when they are the same point of the real line.

use std::cmp::Ordering;

/// A finite number; 3 and 3.0 are the same one, and the order is that of the real line.
#[derive(Clone, Copy, Debug)]
pub struct Number(Form);

#[derive(Clone, Copy, Debug)]
enum Form {
    Whole(i64),
    /// Has a fraction, or is whole and outside of i64.
    Real(f64),
}

impl Number {
    /// The number `value`; nothing for NaN and the infinities.
    #[must_use]
    pub fn from_f64(value: f64) -> Option<Self> {
        let whole = value.trunc() == value && (-TWO_POW_63..TWO_POW_63).contains(&value);
        #[allow(clippy::cast_possible_truncation)] // whole and within i64, so the cast is exact
        match (value.is_finite(), whole) {
            (false, _) => None,
            (true, true) => Some(Self(Form::Whole(value as i64))),
            (true, false) => Some(Self(Form::Real(value))),
        }
    }

    /// The whole number, where it is one within 64 bits.
    #[must_use]
    pub fn as_i64(self) -> Option<i64> {
        match self.0 {
            Form::Whole(value) => Some(value),
            Form::Real(_) => None,
        }
    }

    /// The float, where it is not [`Number::as_i64`].
    #[must_use]
    pub fn as_f64(self) -> Option<f64> {
        match self.0 {
            Form::Whole(_) => None,
            Form::Real(value) => Some(value),
        }
    }
}

impl From<i64> for Number {
    fn from(value: i64) -> Self {
        Self(Form::Whole(value))
    }
}

impl Ord for Number {
    fn cmp(&self, other: &Self) -> Ordering {
        match (self.0, other.0) {
            (Form::Whole(left), Form::Whole(right)) => left.cmp(&right),
            (Form::Real(left), Form::Real(right)) => left.total_cmp(&right),
            (Form::Whole(left), Form::Real(right)) => whole_against_real(left, right),
            (Form::Real(left), Form::Whole(right)) => whole_against_real(right, left).reverse(),
        }
    }
}

impl PartialOrd for Number {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for Number {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other) == Ordering::Equal
    }
}

impl Eq for Number {}

/// `real` is no whole number of i64, so the two are never equal.
fn whole_against_real(whole: i64, real: f64) -> Ordering {
    if real >= TWO_POW_63 {
        return Ordering::Less;
    }
    if real < -TWO_POW_63 {
        return Ordering::Greater;
    }
    #[allow(clippy::cast_possible_truncation)] // within i64; the floor is exact
    let floor = real.floor() as i64;
    if whole <= floor { Ordering::Less } else { Ordering::Greater }
}

const TWO_POW_63: f64 = 9_223_372_036_854_775_808.0;
