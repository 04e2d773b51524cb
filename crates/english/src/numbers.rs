//! Numbers in words and in digits.

const SMALL: [&str; 20] = [
    "zero",
    "one",
    "two",
    "three",
    "four",
    "five",
    "six",
    "seven",
    "eight",
    "nine",
    "ten",
    "eleven",
    "twelve",
    "thirteen",
    "fourteen",
    "fifteen",
    "sixteen",
    "seventeen",
    "eighteen",
    "nineteen",
];

const TENS: [&str; 10] = ["", "", "twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety"];

/// The word for a number below a hundred.
pub fn spelled(number: u64) -> Option<String> {
    let at = usize::try_from(number).ok()?;
    if let Some(word) = SMALL.get(at) {
        return Some((*word).to_owned());
    }
    let tens = TENS.get(at / 10)?;
    Some(if at.is_multiple_of(10) { (*tens).to_owned() } else { format!("{tens}-{}", SMALL[at % 10]) })
}

/// A number in digits with a comma between thousands.
pub fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::with_capacity(digits.len() + digits.len() / 3);
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_below_a_hundred_have_words() {
        for (number, word) in
            [(0, "zero"), (10, "ten"), (13, "thirteen"), (20, "twenty"), (21, "twenty-one"), (99, "ninety-nine")]
        {
            assert_eq!(spelled(number).as_deref(), Some(word));
        }
        assert_eq!((spelled(100), spelled(u64::MAX)), (None, None));
    }

    #[test]
    fn thousands_are_grouped() {
        let cases = [(0, "0"), (999, "999"), (1_000, "1,000"), (1_234_567, "1,234,567")];
        cases.into_iter().for_each(|(number, text)| assert_eq!(grouped(number), text));
    }
}
