//! Prompts whose answers are true for a moment, or for one person.
//!
//! A list of words of its own decides, for nothing in two equal prompts says that a day has passed between them. Words that
//! name a time as seen from now make a prompt *of the moment*; words that name what belongs to whoever asks make it *of a person*.
//! "I" and "me" do not: most general questions have them ("how do I reset a password?").
//!
//! A list misses what it does not have, and keeps back what it need not ("alternating current"): that costs a hit, no wrong answer.

/// Words that name a time as seen from now.
const OF_THE_MOMENT: [&str; 33] = [
    "current",
    "currently",
    "forecast",
    "latest",
    "live",
    "newest",
    "nowadays",
    "now",
    "ongoing",
    "presently",
    "recent",
    "recently",
    "today",
    "today's",
    "tomorrow",
    "tomorrow's",
    "tonight",
    "tonight's",
    "trending",
    "upcoming",
    "yesterday",
    "yesterday's",
    "ago",
    "lately",
    "soon",
    "still",
    "anymore",
    "already",
    "breaking",
    "weather",
    "up-to-date",
    "real-time",
    "realtime",
];

/// Words that name a time as seen from now together with the one before: "this week", "next month", "last year".
const POINTERS: [&str; 6] = ["this", "next", "last", "past", "coming", "previous"];
const SPANS: [&str; 22] = [
    "second",
    "minute",
    "hour",
    "morning",
    "afternoon",
    "evening",
    "night",
    "day",
    "days",
    "week",
    "weeks",
    "weekend",
    "month",
    "months",
    "quarter",
    "season",
    "semester",
    "year",
    "years",
    "moment",
    "time",
    "hours",
];

/// Words that name what belongs to whoever asks.
const OF_A_PERSON: [&str; 8] = ["my", "mine", "myself", "our", "ours", "ourselves", "we've", "i've"];

/// For how long, and for whom, the answer to a prompt is true.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Volatility {
    /// It depends on when it is asked.
    pub of_the_moment: bool,
    /// It depends on who asks.
    pub of_a_person: bool,
}

impl Volatility {
    /// What the words of a prompt say.
    ///
    /// ```
    /// use vetted_cache::Volatility;
    ///
    /// assert!(Volatility::of("What is the weather in Oslo this week?").of_the_moment);
    /// assert!(Volatility::of("Where is my parcel?").of_a_person);
    /// assert_eq!(Volatility::of("How do I reset a password?"), Volatility::default());
    /// ```
    pub fn of(prompt: &str) -> Volatility {
        let mut found = Volatility::default();
        let mut before = String::new();
        for word in words(prompt) {
            found.of_the_moment |= OF_THE_MOMENT.contains(&word.as_str())
                || (POINTERS.contains(&before.as_str()) && SPANS.contains(&word.as_str()))
                || (before == "right" && word == "now")
                || (before == "the" && word == "moment");
            found.of_a_person |= OF_A_PERSON.contains(&word.as_str());
            before = word;
        }
        found
    }

    /// What holds of either.
    pub fn or(self, other: Volatility) -> Volatility {
        Volatility {
            of_the_moment: self.of_the_moment || other.of_the_moment,
            of_a_person: self.of_a_person || other.of_a_person,
        }
    }
}

/// In lower case, with straight apostrophes.
fn words(text: &str) -> impl Iterator<Item = String> {
    let is_of_word = |c: char| c.is_alphanumeric() || matches!(c, '\'' | '\u{2019}' | '-');
    let pieces = text.split(move |c: char| !is_of_word(c)).map(|word| word.trim_matches(['\'', '\u{2019}', '-']));
    pieces.filter(|word| !word.is_empty()).map(|word| word.to_lowercase().replace('\u{2019}', "'"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_of_the_moment_and_of_a_person_are_seen() {
        for (prompt, of_the_moment, of_a_person) in [
            ("What is the current exchange rate?", true, false),
            ("what's TODAY'S menu", true, false),
            ("Who won yesterday\u{2019}s game?", true, false),
            ("How did sales go last quarter?", true, false),
            ("Is it open at the moment?", true, false),
            ("What time is it now?", true, false),
            ("Show me the latest release", true, false),
            ("Where is my order?", false, true),
            ("What is on my calendar today?", true, true),
            ("How do our returns work?", false, true),
            ("How do I enable 2FA?", false, false),
            ("What is a week?", false, false),
            ("Who knows nothing?", false, false),
            ("Explain the myth of Sisyphus", false, false),
            ("", false, false),
        ] {
            assert_eq!(Volatility::of(prompt), Volatility { of_the_moment, of_a_person }, "{prompt}");
        }
    }
}
