//! For whom an entry is: compared as a whole, before anything is searched.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use vetted_tensors::digest::Digest;

/// For whom and for what an entry is: parts with names, such as tenant, user and model. An entry is found under the very scope
/// that it was stored under, and under no other: scopes are compared before the search, so that a near prompt of another tenant
/// can neither be served nor stand before the right one.
///
/// ```
/// use vetted_cache::Scope;
///
/// let scope = Scope::new("support").with(Scope::TENANT, "acme").with(Scope::MODEL, "gpt-6");
/// assert_eq!(scope, Scope::new("support").with(Scope::MODEL, "gpt-6").with(Scope::TENANT, "acme"));
/// assert_ne!(scope.digest(), Scope::new("support").with(Scope::TENANT, "acme").digest());
/// ```
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Scope {
    /// Shared: entries hold their scopes.
    parts: Arc<BTreeMap<String, String>>,
    digest: ScopeDigest,
}

/// SHA-256 of a [`Scope`]: what a backend keys its entries by.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ScopeDigest([u8; 32]);

impl Scope {
    /// The name of the cache: a part of every scope.
    pub const CACHE: &str = "cache";
    /// Whose customer's data it is.
    pub const TENANT: &str = "tenant";
    /// Who asks. Without this part, an entry may be served to anybody who has the other parts.
    pub const USER: &str = "user";
    /// The model that answered.
    pub const MODEL: &str = "model";
    /// A hash of the system prompt and of the parameters that an answer depends on, by whoever knows them.
    pub const INSTRUCTIONS: &str = "instructions";
    /// The encoder whose vectors the entries have. Set by the [cache](crate): vectors of two encoders are never compared.
    pub const ENCODER: &str = "encoder";

    /// All of a cache of this name.
    pub fn new(cache: impl Into<String>) -> Scope {
        Scope::of(BTreeMap::from([(Scope::CACHE.to_owned(), cache.into())]))
    }

    /// The same, with one part more, or with another value of it.
    pub fn with(self, name: impl Into<String>, value: impl Into<String>) -> Scope {
        let mut parts = Arc::unwrap_or_clone(self.parts);
        parts.insert(name.into(), value.into());
        Scope::of(parts)
    }

    fn of(parts: BTreeMap<String, String>) -> Scope {
        // Lengths stand before texts, so no two scopes run into one.
        let mut digest = Digest::default();
        digest.update_delimited("vetted scope 1");
        for (name, value) in &parts {
            digest.update_delimited(name);
            digest.update_delimited(value);
        }
        Scope { parts: Arc::new(parts), digest: ScopeDigest(digest.bytes()) }
    }

    /// The value of a part.
    pub fn part(&self, name: &str) -> Option<&str> {
        self.parts.get(name).map(String::as_str)
    }

    /// All parts, by name.
    pub fn parts(&self) -> &BTreeMap<String, String> {
        &self.parts
    }

    /// What stands for all of it.
    pub fn digest(&self) -> ScopeDigest {
        self.digest
    }
}

impl ScopeDigest {
    /// Its bytes.
    pub fn bytes(&self) -> &[u8; 32] {
        &self.0
    }
}

impl From<BTreeMap<String, String>> for Scope {
    /// Of all its parts.
    fn from(parts: BTreeMap<String, String>) -> Self {
        Scope::of(parts)
    }
}

impl From<[u8; 32]> for ScopeDigest {
    fn from(bytes: [u8; 32]) -> Self {
        ScopeDigest(bytes)
    }
}

impl fmt::Display for ScopeDigest {
    /// In lower-case hexadecimal: 64 characters.
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(formatter, "{byte:02x}"))
    }
}

impl fmt::Debug for ScopeDigest {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, formatter)
    }
}

impl fmt::Debug for Scope {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.parts.fmt(formatter)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use proptest::prelude::*;

    use super::*;

    proptest! {
        /// Names and values of few characters, so that concatenations often agree.
        #[test]
        fn scopes_have_one_digest_exactly_where_they_are_equal(
            a in prop::collection::btree_map("[ab=,]{0,3}", "[ab=,]{0,3}", 0..4),
            b in prop::collection::btree_map("[ab=,]{0,3}", "[ab=,]{0,3}", 0..4),
        ) {
            let scope = |parts: &BTreeMap<String, String>| parts.iter().fold(Scope::new("c"), |scope, (name, value)| scope.with(name, value));
            prop_assert_eq!(scope(&a) == scope(&b), a == b);
            prop_assert_eq!(scope(&a).digest() == scope(&b).digest(), a == b);
        }
    }

    #[test]
    fn the_digest_is_of_a_known_encoding() {
        let mut expected = Digest::default();
        for text in ["vetted scope 1", "cache", "c", "tenant", "t"] {
            expected.update((text.len() as u64).to_le_bytes());
            expected.update(text);
        }
        assert_eq!(Scope::new("c").with("tenant", "t").digest().to_string(), expected.hex());
    }
}
