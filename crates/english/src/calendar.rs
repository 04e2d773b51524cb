//! Months.

/// The months, January first.
pub const MONTHS: [&str; 12] = [
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
];

/// A month's place among [`MONTHS`] by its name in any case; none for other words.
pub fn month(word: &str) -> Option<usize> {
    MONTHS.iter().position(|month| month.eq_ignore_ascii_case(word))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn months_are_known_in_any_case() {
        assert_eq!(
            ["january", "MAY", "December", "Jan", "", "monday"].map(month),
            [Some(0), Some(4), Some(11), None, None, None]
        );
    }
}
