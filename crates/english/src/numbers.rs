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

/// The number below twenty, or the tens, that a word in small letters is for: "seven", "forty".
pub fn unspelled(word: &str) -> Option<u64> {
    let small = SMALL.iter().position(|small| *small == word);
    let tens = || TENS.iter().position(|tens| *tens == word && !tens.is_empty()).map(|at| at * 10);
    small.or_else(tens).and_then(|number| u64::try_from(number).ok())
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
    fn words_are_numbers_again() {
        for number in (0..=20).chain([30, 70, 90]) {
            assert_eq!(spelled(number).and_then(|word| unspelled(&word)), Some(number));
        }
        assert_eq!(["", "hundred", "Two", "twenty-one"].map(unspelled), [None; 4]);
    }

    #[test]
    fn thousands_are_grouped() {
        let cases = [(0, "0"), (999, "999"), (1_000, "1,000"), (1_234_567, "1,234,567")];
        cases.into_iter().for_each(|(number, text)| assert_eq!(grouped(number), text));
    }
}
