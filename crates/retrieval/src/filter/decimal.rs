//! Numbers as they are written, compared digit by digit: nothing is rounded, however long they are.

use std::cmp::Ordering;

/// A number in decimal notation: an optional sign, digits with at most one point among them, and an optional exponent.
#[derive(Debug, Clone, Copy)]
pub(super) struct Decimal<'text> {
    negative: bool,
    /// The digits before and after the point, without zeros at either end.
    whole: &'text str,
    fraction: &'text str,
    /// How many places before the point the first digit stands.
    magnitude: i64,
}

impl<'text> Decimal<'text> {
    /// `None` if the text is anything else than one number. White space is.
    pub(super) fn parse(text: &'text str) -> Option<Self> {
        let (negative, unsigned) = match text.as_bytes().first()? {
            b'-' => (true, &text[1..]),
            b'+' => (false, &text[1..]),
            _ => (false, text),
        };
        let (digits, exponent) = match unsigned.split_once(['e', 'E']) {
            Some((digits, exponent)) => (digits, parse_exponent(exponent)?),
            None => (unsigned, 0),
        };
        let (whole, fraction) = digits.split_once('.').unwrap_or((digits, ""));
        if whole.len() + fraction.len() == 0 || !are_digits(whole) || !are_digits(fraction) {
            return None;
        }
        let (mut whole, mut fraction) = (whole.trim_start_matches('0'), fraction.trim_end_matches('0'));
        let mut magnitude = exponent.saturating_add(whole.len() as i64);
        if whole.is_empty() {
            let significant = fraction.trim_start_matches('0');
            magnitude = magnitude.saturating_sub((fraction.len() - significant.len()) as i64);
            fraction = significant;
        }
        if fraction.is_empty() {
            whole = whole.trim_end_matches('0');
        }
        Some(Self { negative, whole, fraction, magnitude })
    }

    /// The same for equal numbers, and for no others.
    pub(super) fn key(&self) -> String {
        if self.sign() == 0 {
            return "0".to_owned();
        }
        let sign = if self.negative { "-" } else { "" };
        format!("{sign}.{}{}e{}", self.whole, self.fraction, self.magnitude)
    }

    fn sign(&self) -> i8 {
        match self.whole.len() + self.fraction.len() {
            0 => 0,
            _ if self.negative => -1,
            _ => 1,
        }
    }

    fn digits(&self) -> impl Iterator<Item = u8> + use<'text> {
        self.whole.bytes().chain(self.fraction.bytes())
    }
}

impl Ord for Decimal<'_> {
    fn cmp(&self, other: &Self) -> Ordering {
        let by_size = || self.magnitude.cmp(&other.magnitude).then_with(|| self.digits().cmp(other.digits()));
        self.sign().cmp(&other.sign()).then_with(|| match self.sign() {
            0 => Ordering::Equal,
            1 => by_size(),
            _ => by_size().reverse(),
        })
    }
}

impl PartialOrd for Decimal<'_> {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for Decimal<'_> {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other).is_eq()
    }
}

impl Eq for Decimal<'_> {}

fn are_digits(text: &str) -> bool {
    text.bytes().all(|byte| byte.is_ascii_digit())
}

/// What is beyond all numbers of metadata is as good as the greatest exponent there is.
fn parse_exponent(text: &str) -> Option<i64> {
    const GREATEST: i64 = i64::MAX / 4;
    let digits = text.strip_prefix(['+', '-']).unwrap_or(text);
    if digits.is_empty() || !are_digits(digits) {
        return None;
    }
    let size = digits.parse::<i64>().unwrap_or(GREATEST).min(GREATEST);
    Some(if text.starts_with('-') { -size } else { size })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn numbers_are_what_people_and_json_write() {
        for text in ["0", "-0", "007", "+5", "1.10", ".5", "5.", "1e3", "1E-3", "1e+999999999999999999999", "-0.0e0"] {
            assert!(Decimal::parse(text).is_some(), "{text}");
        }
        for text in
            ["", ".", "-", "+-1", "1.2.3", "1e", "e3", "1e1.5", "0x10", "1_000", " 1", "1 ", "inf", "NaN", "\u{664}"]
        {
            assert!(Decimal::parse(text).is_none(), "{text}");
        }
    }

    #[test]
    fn long_numbers_are_not_rounded() {
        for (less, greater) in [
            ("9007199254740992", "9007199254740993"),
            ("-9007199254740993", "-9007199254740992"),
            ("1610521604143693812", "1610521604143693813"),
            ("123456789012345678901234567890", "123456789012345678901234567891"),
            ("0.1", "0.1000000000000000000000000001"),
            ("-1", "0"),
            ("0", "1e-999"),
            ("9.99e9", "1e10"),
        ] {
            let (a, b) = (Decimal::parse(less).unwrap(), Decimal::parse(greater).unwrap());
            assert_eq!((a.cmp(&b), b.cmp(&a)), (Ordering::Less, Ordering::Greater), "{less} {greater}");
            assert!(a.key() != b.key(), "{less} {greater}");
        }
    }

    proptest! {
        #[test]
        fn they_compare_as_numbers_do(a in -2000..2000i64, b in -2000..2000i64, shift in 0..4usize, zeros in 0..3usize) {
            let written = |number: i64, shift: usize| {
                // The same number with the point somewhere else.
                let sign = if number < 0 { "-" } else { "" };
                let digits = format!("{:05}", number.abs());
                let (whole, fraction) = digits.split_at(5 - shift);
                format!("{sign}{}{whole}.{fraction}{}e{shift}", "0".repeat(zeros), "0".repeat(zeros))
            };
            let (first, second) = (written(a, shift), b.to_string());
            let (first, second) = (Decimal::parse(&first).unwrap(), Decimal::parse(&second).unwrap());
            prop_assert_eq!(first.cmp(&second), a.cmp(&b));
            prop_assert_eq!(first.key() == second.key(), a == b);
        }
    }
}
