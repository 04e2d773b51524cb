//! Texts that differ in what the tokenizer does not see.
//!
//! All words without a token are one and the same to the reader, and so are signs that its tokenizer reads as others. What is
//! said of such a pair is said of what both look like to it, so it is vouched for only if what was not seen is the same, too.

use vetted_encoder::Unseen;
use vetted_reader::Relation;

/// Whether the two do not differ in what was not seen of them. A text that supports a query may have more of it, for a word that
/// the reader does not know is a word all the same; but nothing that is read as something else.
pub(crate) fn agree(query: &Unseen, candidate: &Unseen, relation: Relation) -> bool {
    let mut rest = candidate.unknown.iter();
    let unknown = match relation {
        Relation::Support => query.unknown.iter().all(|word| rest.any(|it| it == word)),
        Relation::Equivalence => query.unknown == candidate.unknown,
    };
    unknown && query.mistaken == candidate.mistaken
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_seen_must_be_the_same_in_the_same_order() {
        let unseen = |unknown: &str, mistaken: &str| Unseen {
            unknown: unknown.split_whitespace().map(str::to_owned).collect(),
            mistaken: mistaken.split_whitespace().map(str::to_owned).collect(),
        };
        for (query, candidate, supports, same) in [
            (unseen("", ""), unseen("", ""), true, true),
            (unseen("🐶 👨", ""), unseen("🐶 👨", ""), true, true),
            (unseen("🐶 👨", ""), unseen("👨 🐶", ""), false, false),
            (unseen("🔑", ""), unseen("🔒", ""), false, false),
            (unseen("🔑", ""), unseen("", ""), false, false),
            (unseen("", ""), unseen("🎉", ""), true, false),
            (unseen("🐶 👨", ""), unseen("🎉 🐶 👨 🎉", ""), true, false),
            (unseen("", "≠"), unseen("", "≠"), true, true),
            (unseen("", "≠"), unseen("", "≢"), false, false),
            (unseen("", ""), unseen("", "≠"), false, false),
            (unseen("", "≠"), unseen("", ""), false, false),
        ] {
            assert_eq!(agree(&query, &candidate, Relation::Support), supports, "{query:?} {candidate:?}");
            assert_eq!(agree(&query, &candidate, Relation::Equivalence), same, "{query:?} {candidate:?}");
        }
    }
}
