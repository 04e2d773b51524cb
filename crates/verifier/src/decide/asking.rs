//! Questions that ask for something: who, what, when.

use super::polarity;

/// Words that such a question begins with.
const ASKING: [&str; 10] = ["who", "whom", "whose", "what", "which", "when", "where", "why", "how", "wherefore"];

/// What may stand before them.
const BEFORE: [&str; 12] = ["in", "on", "at", "by", "to", "from", "for", "with", "of", "about", "and", "under"];

/// Whether a query asks for something that it does not say. A question that is answered by yes or no says it all, as a statement
/// does.
pub fn asks(query: &str) -> bool {
    let text = query.trim();
    if polarity::yes_or_no(text).is_some() {
        return false;
    }
    if text.ends_with('?') {
        return true;
    }
    let lower = text.to_lowercase();
    let mut words = lower.split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty());
    let first = words.next().unwrap_or_default();
    let asking = if BEFORE.contains(&first) { words.next().unwrap_or_default() } else { first };
    !text.ends_with(['.', '!']) && ASKING.contains(&asking)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_said_is_asked_for() {
        for (query, expected) in [
            ("Who was bitten by the dog?", true),
            ("who was bitten by the dog", true),
            ("In which year was the mill sold", true),
            ("How many ducks live on the pond", true),
            ("Where's the spare key?", true),
            ("The mill was sold in which year?", true),
            ("first keeper of the lighthouse?", true),
            ("What the keeper wrote was never read.", false),
            ("When the pump fails, the valve opens.", false),
            ("The dog bit the man.", false),
            ("The dog bit the man", false),
            ("gaps in bridges", false),
            ("Did the dog bite the man?", false),
            ("is the pool heated", false),
            ("The pool is heated, isn't it?", false),
            ("", false),
        ] {
            assert_eq!(asks(query), expected, "{query}");
        }
    }
}
