//! What is known about data sets whose files do not say it.

use std::collections::BTreeMap;
use std::io::Read;
use std::path::Path;

use serde::Deserialize;
use vetted_corpus::input;

use crate::error::malformed_json;
use crate::{Error, Kind, Relation};

/// What is known about sources by their names: the file that `--sources` takes.
///
/// A JSON object. A name is that of a source, or the beginning of one followed by `*`; the exact name goes before beginnings,
/// and a longer beginning before a shorter one. Every field may be left out. A field `about` holds notes for people.
///
/// ```
/// use vetted_pairs::{Relation, Sources};
///
/// # fn main() -> Result<(), vetted_pairs::Error> {
/// # let folder = tempfile::tempdir().expect("a temporary folder");
/// # let path = folder.path().join("sources.json");
/// let json = r#"{
///     "fever_*":   {"relation": "support", "claim_first": true, "about": "s1 holds the claim"},
///     "paws_wiki": {"negatives": {"kind": "role"}},
///     "snli":      {"relation": "support", "negatives": {"conflict": true}}
/// }"#;
/// std::fs::write(&path, json).expect("written");
/// let sources = Sources::read(&path)?;
/// assert_eq!(sources.get("fever_symmetric").map(|source| source.relation), Some(Relation::Support));
/// assert_eq!(sources.get("my notes"), None);
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(transparent)]
pub struct Sources(BTreeMap<String, Source>);

/// What is known about the pairs of one source. The default is what holds for a source of which nothing is known.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Source {
    /// The relation that labels are about.
    pub relation: Relation,
    /// Whether the claim, which is the query, stands in `s1` and the evidence in `s2`.
    pub claim_first: bool,
    /// What is known about the pairs that do not match.
    pub negatives: Negatives,
}

/// What is known about the pairs of a source that are labelled as no match.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Negatives {
    /// What tells the texts apart; none where that differs from pair to pair.
    pub kind: Option<Kind>,
    /// Whether they contradict each other; none where that differs from pair to pair.
    pub conflict: Option<bool>,
}

impl Sources {
    /// Reads a file of sources, gzipped if its name ends in `.gz`.
    ///
    /// # Errors
    /// [`Error::Input`] if it cannot be read, or is not such an object.
    pub fn read(path: impl AsRef<Path>) -> Result<Sources, Error> {
        let path = path.as_ref();
        let mut bytes = Vec::new();
        let read = input::open(path)?.bytes.read_to_end(&mut bytes);
        read.map_err(|source| vetted_corpus::Error::Read { path: path.to_owned(), source })?;
        let expected = r#"an object such as {"snli": {"relation": "support", "negatives": {"conflict": true}}}"#;
        serde_json::from_slice(&bytes).map_err(|error| malformed_json(path, 1, &error, expected))
    }

    /// What is known about the source of this name.
    pub fn get(&self, name: &str) -> Option<&Source> {
        let beginnings =
            self.0.iter().filter(|(known, _)| known.strip_suffix('*').is_some_and(|b| name.starts_with(b)));
        let longest = || beginnings.max_by_key(|(known, _)| known.len()).map(|(_, source)| source);
        self.0.get(name).or_else(longest)
    }
}

impl<'de> Deserialize<'de> for Source {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Source, D::Error> {
        /// The same with the notes, which only people read.
        #[derive(Default, Deserialize)]
        #[serde(deny_unknown_fields, default)]
        struct Entry {
            relation: Relation,
            claim_first: bool,
            negatives: Negatives,
            #[serde(rename = "about")]
            _about: String,
        }
        let Entry { relation, claim_first, negatives, .. } = Entry::deserialize(deserializer)?;
        Ok(Source { relation, claim_first, negatives })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sources(json: &str) -> Result<Sources, Error> {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("sources.json");
        std::fs::write(&path, json).expect("written");
        Sources::read(path)
    }

    #[test]
    fn the_closest_name_counts() {
        let sources = sources(
            r#"{"a*": {"claim_first": true}, "ab*": {"relation": "support"}, "abc": {}, "x": {"negatives": {"kind": "date"}}}"#,
        )
        .expect("readable");
        let known = |name: &str| sources.get(name).map(|source| (source.relation, source.claim_first));
        assert_eq!(known("a"), Some((Relation::Equivalence, true)));
        assert_eq!(known("ab"), Some((Relation::Support, false)));
        assert_eq!(known("abc"), Some((Relation::Equivalence, false)));
        assert_eq!(known("abcd"), Some((Relation::Support, false)));
        assert_eq!(sources.get("x").map(|source| source.negatives.kind), Some(Some(Kind::Date)));
        assert_eq!((known("xy"), known(""), known("*")), (None, None, None));
    }

    #[test]
    fn what_it_does_not_know_is_refused() {
        for (json, complaint) in [
            (r#"{"a": {"relation": "same"}}"#, "sources.json:1:25: malformed JSON: unknown variant `same`"),
            (r#"{"a": {"kind": "date"}}"#, "unknown field `kind`"),
            (r#"{"a": {"negatives": {"kind": "Date"}}}"#, "unknown variant `Date`"),
            (r#"[]"#, "expected an object such as"),
        ] {
            let message = sources(json).expect_err(complaint).to_string();
            assert!(message.contains(complaint), "{message}");
        }
    }
}
