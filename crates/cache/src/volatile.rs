//! Prompts whose answers are true for a moment, or for one person.
//!
//! Lists of words of its own decide, for nothing in two equal prompts says that a day has passed between them. Words that
//! name a time as seen from now, and questions about how things stand, make a prompt *of the moment*; words that name what belongs
//! to whoever asks, and questions about what he is, has or did, make it *of a person*. "How do I" does not: most general
//! questions begin like that ("how do I reset a password?").
//!
//! A list keeps back what it need not ("alternating current"), which costs a hit, and misses what it does not have, which can
//! serve what was true before. So whoever stores an answer and knows that it is true for a moment says so
//! ([`NewEntry::volatile`](crate::NewEntry::volatile)), gives it a time to live, and names the user in the scope.

use std::sync::LazyLock;

use unicode_normalization::UnicodeNormalization;

/// Words, and several in a row, that name a time as seen from now or how things stand.
const OF_THE_MOMENT: &str = "\
    ago, already, anymore, breaking, current, currently, forecast, lately, latest, live, newest, now, nowadays, ongoing, presently, \
    real time, realtime, recent, recently, right now, soon, still, today, today's, todays, tomorrow, tomorrow's, tomorrows, tonight, \
    tonight's, tonights, trending, up to date, upcoming, weather, yesterday, yesterday's, yesterdays, \
    the moment, at present, these days, so far, as of, to date, until now, by now, \
    what time is it, what's the time, whats the time, what is the time, what time it is, what day is it, what day it is, what date is it, what is the date, what's the date, what year is it, \
    days until, days till, days to, days left, weeks until, weeks left, months until, hours until, hours left, time until, time left, long until, long till, \
    exchange rate, exchange rates, stock price, stock prices, share price, share prices, price of gold, price of bitcoin, interest rate, \
    in stock, sold out, on sale, in office, market cap, box office, traffic, standings, leaderboard, \
    the next, when is next, when's the next, who is winning, who's winning";

/// What stands behind *this*, *next*, *last* and the like, where they point to a time.
const POINTERS: [&str; 8] = ["this", "next", "last", "past", "coming", "previous", "these", "current"];
const SPANS: &str = "\
    second, seconds, minute, minutes, hour, hours, morning, afternoon, evening, night, day, days, week, weeks, weekend, weekends, month, \
    months, quarter, season, semester, term, spring, summer, autumn, fall, winter, year, years, decade, century, moment, time, \
    monday, tuesday, wednesday, thursday, friday, saturday, sunday, january, february, march, april, may, june, july, august, \
    september, october, november, december, christmas, easter, holiday, holidays, birthday, \
    game, match, race, election, elections, episode, issue, release, version, update, meeting, payment, train, bus, flight, ferry, ship, bill";

/// What is asked about as it stands: behind a beginning such as "is the server".
const STATES: &str = "\
    down, up, open, closed, available, unavailable, online, offline, working, running, busy, free, full, delayed, cancelled, canceled, \
    on time, late, back, out, ready, broken, blocked, over, safe, on, off, in, alive";

/// Words, and several in a row, that name what belongs to whoever asks, or what he is, has or did.
const OF_A_PERSON: &str = "\
    my, mine, myself, our, ours, ourselves, we've, i've, i'm, we're, \
    am i, did i, have i, was i, were we, did we, have we, are we, had i, will i, would i, \
    for me, for us, about me, to me, near me, around me, \
    i owe, do i have, do i own, do i get, do i earn, do i qualify, do we have, do we owe, i ordered, i bought, i paid, i sent, i booked, who am i, where am i, what am i";

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
        static MOMENT: LazyLock<Vec<Vec<&str>>> = LazyLock::new(|| phrases(OF_THE_MOMENT));
        static SPAN: LazyLock<Vec<Vec<&str>>> = LazyLock::new(|| phrases(SPANS));
        static STATE: LazyLock<Vec<Vec<&str>>> = LazyLock::new(|| phrases(STATES));
        static PERSON: LazyLock<Vec<Vec<&str>>> = LazyLock::new(|| phrases(OF_A_PERSON));
        let words = words(prompt);
        let places = || (0..words.len()).map(|at| &words[at..]);
        let points = |rest: &[String]| POINTERS.contains(&rest[0].as_str()) && begins(&rest[1..], &SPAN);
        let ends_with =
            |phrase: &Vec<&str>| words.len() > phrase.len() && words[words.len() - phrase.len()..] == **phrase;
        let asks_for_a_state =
            words.first().is_some_and(|first| matches!(first.as_str(), "is" | "are")) && STATE.iter().any(ends_with);
        Volatility {
            of_the_moment: asks_for_a_state || places().any(|rest| begins(rest, &MOMENT) || points(rest)),
            of_a_person: places().any(|rest| begins(rest, &PERSON)),
        }
    }

    /// What holds of either.
    pub fn or(self, other: Volatility) -> Volatility {
        Volatility {
            of_the_moment: self.of_the_moment || other.of_the_moment,
            of_a_person: self.of_a_person || other.of_a_person,
        }
    }
}

/// Each as its words.
fn phrases(list: &'static str) -> Vec<Vec<&'static str>> {
    list.split(',').map(|phrase| phrase.split_whitespace().collect()).collect()
}

/// Whether one of the phrases stands at the beginning.
fn begins(words: &[String], phrases: &[Vec<&str>]) -> bool {
    phrases.iter().any(|phrase| words.len() >= phrase.len() && phrase.iter().zip(words).all(|(a, b)| a == b))
}

/// In lower case, with straight apostrophes, apart at hyphens; however the letters are written, and without what nobody sees.
fn words(text: &str) -> Vec<String> {
    let unseen = |c: &char| !matches!(c, '\u{ad}' | '\u{200b}'..='\u{200f}' | '\u{2060}' | '\u{feff}');
    let text: String = text.nfkc().filter(unseen).collect();
    let text = text.to_lowercase().replace('\u{2019}', "'");
    let pieces = text.split(|c: char| !(c.is_alphanumeric() || c == '\''));
    pieces.map(|word| word.trim_matches('\'')).filter(|word| !word.is_empty()).map(str::to_owned).collect()
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
            ("What time is it?", true, false),
            ("What day is it?", true, false),
            ("Whats todays menu?", true, false),
            ("Is this the latest-version?", true, false),
            ("up to date price of a ticket", true, false),
            ("What do people wear these days?", true, false),
            ("Who is at present the leader?", true, false),
            ("Does it run this Friday?", true, false),
            ("Is the server down?", true, false),
            ("Are the shops open on Sunday?", false, false),
            ("What is the stock price of Example Inc?", true, false),
            ("When does the next train leave?", true, false),
            ("How many days until Christmas?", true, false),
            ("How much do I owe?", false, true),
            ("What did I order?", false, true),
            ("Do I have any messages?", false, true),
            ("Am I eligible for a refund?", false, true),
            ("balance for me", false, true),
            ("open my-account", false, true),
            ("where is m\u{200b}y order", false, true),
            ("where is \u{ff4d}\u{ff59} order", false, true),
            ("Can I return an item?", false, false),
            ("Where do I find the invoice?", false, false),
            ("What is a last name?", false, false),
            ("Is water wet?", false, false),
        ] {
            assert_eq!(Volatility::of(prompt), Volatility { of_the_moment, of_a_person }, "{prompt}");
        }
    }
}
