//! What the keys of a scope are called, and what is written beside its vectors.
//!
//! No text of a user stands in a key, in a filter or in the JSON of a vector: only digests in hexadecimal do. So there is
//! nothing to escape, and nothing that a filter could read as more than one value. (Redis compares the strings of a filter
//! without resolving backslashes, so a value with a quote could not be written in one anyway.)

use serde_json::{Map, Value as Json};
use vetted_tensors::digest::{self, Digest};

use crate::{Attributes, Entry, Scope};

/// The names of the keys of one scope. They share a hash tag, the scope's digest, and so a slot of a cluster.
pub(super) struct Keys {
    base: String,
}

impl Keys {
    /// Of this scope, for a backend whose keys begin with `prefix`.
    pub(super) fn new(prefix: &str, scope: &Scope) -> Keys {
        let mut tag = scope.digest().to_string();
        // 128 bits are enough to tell scopes apart, and every entry is compared with the whole scope when it is read.
        tag.truncate(32);
        Keys { base: format!("{prefix}:{{{tag}}}:") }
    }

    /// What all of them begin with.
    pub(super) fn base(&self) -> &str {
        &self.base
    }

    /// The vector set. Its elements are ids.
    pub(super) fn vectors(&self) -> String {
        format!("{}v", self.base)
    }

    /// Which ids there are, and when each is over.
    pub(super) fn ledger(&self) -> String {
        format!("{}t", self.base)
    }

    /// When each id was last used.
    pub(super) fn uses(&self) -> String {
        format!("{}u", self.base)
    }

    /// What stands beside a vector, of entries that have none.
    pub(super) fn plain(&self) -> String {
        format!("{}a", self.base)
    }

    /// What is being cleared: a ledger, a vector set, and what stands in the place of vectors.
    pub(super) fn gone(&self) -> [String; 3] {
        ["t", "v", "a"].map(|name| format!("{}gone:{name}", self.base))
    }

    /// The entry with this id.
    pub(super) fn entry(&self, id: &str) -> String {
        format!("{}e:{id}", self.base)
    }

    /// The ids of the entries that were stored under the prompt of this digest, by when.
    pub(super) fn prompt(&self, prompt: &str) -> String {
        format!("{}x:{prompt}", self.base)
    }
}

/// What stands for a prompt: 32 hexadecimal digits.
pub(super) fn prompt_digest(prompt: &str) -> String {
    short_digest(prompt, 32)
}

/// What is kept beside an entry's vector: when it is over, its prompt's digest, and its attributes, as digests.
pub(super) fn beside_vector(entry: &Entry, over: u64) -> String {
    let mut fields = Map::new();
    fields.insert("exp".to_owned(), over.into());
    fields.insert("p".to_owned(), prompt_digest(&entry.prompt).into());
    for (name, value) in &entry.attributes {
        let (name, value) = attribute_digests(name, value);
        fields.insert(name, value.into());
    }
    Json::Object(fields).to_string()
}

/// A filter that lets pass what is not over at `now`, in milliseconds, and has all of these attributes.
pub(super) fn filter(attributes: &Attributes, now: u64) -> String {
    attributes.iter().fold(format!(".exp > {now}"), |filter, (name, value)| {
        let (name, value) = attribute_digests(name, value);
        format!("{filter} and .{name} == \"{value}\"")
    })
}

/// Each attribute as it is written in the JSON beside a vector.
pub(super) fn written(attributes: &Attributes) -> impl Iterator<Item = String> + '_ {
    attributes.iter().map(|(name, value)| {
        let (name, value) = attribute_digests(name, value);
        format!("\"{name}\":\"{value}\"")
    })
}

/// A letter and 16 hexadecimal digits for the name, and 32 for name and value.
fn attribute_digests(name: &str, value: &str) -> (String, String) {
    let mut both = Digest::default();
    both.update_delimited(name);
    both.update_delimited(value);
    let mut both = both.hex();
    both.truncate(32);
    (format!("a{}", short_digest(name, 16)), both)
}

fn short_digest(text: &str, digits: usize) -> String {
    let mut digest = digest::of_bytes(text);
    digest.truncate(digits);
    digest
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        /// A filter is of a few harmless characters whatever the attributes are, and is found in what was written exactly
        /// for the same attributes.
        #[test]
        fn no_attribute_gets_out_of_its_place(
            asked in prop::collection::btree_map("(?s).{0,9}|\" or 1 or \"|\\\\", "(?s).{0,9}|x\" or 1 == 1|\\\\\"", 0..4),
            had in prop::collection::btree_map("(?s).{0,9}|\" or 1 or \"|\\\\", "(?s).{0,9}|x\" or 1 == 1|\\\\\"", 0..4),
        ) {
            let filter = filter(&asked, 7);
            let clauses: Vec<&str> = filter.split(" and ").collect();
            prop_assert_eq!(clauses.len(), 1 + asked.len());
            prop_assert_eq!(clauses[0], ".exp > 7");
            for clause in &clauses[1..] {
                let (name, value) = clause.split_once(" == ").unwrap();
                prop_assert!(name.starts_with(".a") && name.len() == 18 && name[2..].bytes().all(|b| b.is_ascii_hexdigit()));
                prop_assert!(value.len() == 34 && value[1..33].bytes().all(|b| b.is_ascii_hexdigit()));
            }
            let entry = Entry {
                id: crate::EntryId::new("a").unwrap(),
                scope: Scope::new("c"),
                prompt: "p".into(),
                response: Vec::new(),
                attributes: had.clone(),
                vector: Vec::new(),
                views: None,
                sources: Vec::new(),
                volatile: false,
                stored_at: std::time::SystemTime::UNIX_EPOCH,
                expires_at: None,
                copy_of: None,
                cost: None,
            };
            let beside = beside_vector(&entry, 9);
            let all_found = written(&asked).all(|clause| beside.contains(&clause));
            prop_assert_eq!(all_found, entry.fits(&asked));
        }
    }

    #[test]
    fn all_keys_of_a_scope_have_one_hash_tag_and_those_of_another_a_different_one() {
        let keys = Keys::new("vetted", &Scope::new("a"));
        let tag = |key: &str| key.split(['{', '}']).nth(1).unwrap().to_owned();
        let [gone, gone_vectors, gone_plain] = keys.gone();
        let prompt = keys.prompt(&prompt_digest("p"));
        let all = [
            keys.vectors(),
            keys.ledger(),
            keys.uses(),
            keys.plain(),
            keys.entry("i"),
            prompt,
            gone,
            gone_vectors,
            gone_plain,
        ];
        for key in &all {
            assert!(key.starts_with(keys.base()));
            assert_eq!(tag(key), tag(&all[0]));
            assert_eq!(key.matches('{').count(), 1);
        }
        assert_ne!(tag(Keys::new("vetted", &Scope::new("b")).base()), tag(keys.base()));
    }
}
