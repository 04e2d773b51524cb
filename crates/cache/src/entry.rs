//! What a cache keeps: an entry and its parts.

use std::collections::BTreeMap;
use std::fmt;
use std::time::SystemTime;

use vetted_tensors::digest::Digest;

use crate::Scope;

/// Names and values that an entry was stored with and can be filtered by.
pub type Attributes = BTreeMap<String, String>;

/// A prompt with its response, and what decides whether it is served.
#[derive(Clone, Debug, PartialEq)]
pub struct Entry {
    /// What it is replaced and removed by.
    pub id: EntryId,
    /// For whom it is.
    pub scope: Scope,
    /// The prompt that the response answers.
    pub prompt: String,
    /// The response. What it is, the cache does not know.
    pub response: Vec<u8>,
    /// What it can be filtered by.
    pub attributes: Attributes,
    /// The prompt's vector, of unit length. Empty where a backend left it out, and where the prompt is served by equal ones only.
    pub vector: Vec<f32>,
    /// What the verifier reads of the prompt, so that nothing is encoded to verify it: bytes that name the verifier they are of,
    /// and which no other one reads. None of a prompt that is read as text.
    pub views: Option<Vec<u8>>,
    /// The documents that the response rests on: where one has changed, it is not served.
    pub sources: Vec<Source>,
    /// Whether the response is true for a moment or for one person only, as that to "what time is it".
    pub volatile: bool,
    /// When it was stored.
    pub stored_at: SystemTime,
    /// From when on it is never served.
    pub expires_at: Option<SystemTime>,
    /// The entry of the same scope that this is a copy of, under another prompt. Where that is gone or has another response, the
    /// copy is not served: whoever takes an answer back takes it back everywhere.
    pub copy_of: Option<EntryId>,
    /// What it cost to make the response, and what each hit saves.
    pub cost: Option<Cost>,
}

/// A sum of money: what a model's provider took for a response.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Cost {
    amount: f64,
    currency: [u8; 3],
}

/// No [`Cost`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a cost is an amount from 0 on and the three letters of a currency, as 0.0042 and USD")]
pub struct InvalidCost;

/// A document that a response rests on.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Source {
    /// Which one.
    pub id: String,
    /// Its version when the response was made: a hash, a number, a date. Only compared for being equal.
    pub version: String,
}

/// What an entry is called in its scope: 1 to 128 characters of `A-Z a-z 0-9 . _ : -`.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct EntryId(String);

/// A text that is no [`EntryId`].
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{got:?} cannot be the id of an entry: it takes 1 to {} characters of A-Z a-z 0-9 . _ : -", EntryId::LONGEST)]
pub struct InvalidEntryId {
    /// The text, or its beginning.
    pub got: String,
}

impl Entry {
    /// Whether it is over.
    pub fn is_over(&self, now: SystemTime) -> bool {
        self.expires_at.is_some_and(|end| end <= now)
    }

    /// Whether it has all of these attributes.
    pub fn fits(&self, attributes: &Attributes) -> bool {
        attributes.iter().all(|(name, value)| self.attributes.get(name) == Some(value))
    }
}

impl Cost {
    /// So much of a currency, by its letters in ISO 4217.
    ///
    /// # Errors
    /// When the amount is negative or not finite, or the currency is not three capital letters.
    pub fn new(amount: f64, currency: &str) -> Result<Cost, InvalidCost> {
        let currency: [u8; 3] = currency.as_bytes().try_into().map_err(|_| InvalidCost)?;
        let is_fine = amount.is_finite() && amount >= 0.0 && currency.iter().all(u8::is_ascii_uppercase);
        is_fine.then_some(Cost { amount, currency }).ok_or(InvalidCost)
    }

    /// How much.
    pub fn amount(&self) -> f64 {
        self.amount
    }

    /// Of which currency, as `USD`.
    pub fn currency(&self) -> &str {
        std::str::from_utf8(&self.currency).unwrap_or_default()
    }
}

impl EntryId {
    /// So many characters are allowed.
    pub const LONGEST: usize = 128;

    /// An id that somebody chose.
    ///
    /// # Errors
    /// When it is empty, too long or has other characters than those allowed.
    pub fn new(id: impl Into<String>) -> Result<EntryId, InvalidEntryId> {
        let id = id.into();
        let allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"._:-".contains(&byte);
        match !id.is_empty() && id.len() <= EntryId::LONGEST && id.bytes().all(allowed) {
            true => Ok(EntryId(id)),
            false => Err(InvalidEntryId { got: id.chars().take(EntryId::LONGEST).collect() }),
        }
    }

    /// The id of what nobody named: a digest of scope, prompt and attributes, 32 hexadecimal digits. Storing the same again
    /// replaces.
    pub fn of(scope: &Scope, prompt: &str, attributes: &Attributes) -> EntryId {
        let mut digest = Digest::default();
        digest.update_delimited("vetted entry 1");
        digest.update(scope.digest().bytes());
        digest.update_delimited(prompt);
        for (name, value) in attributes {
            digest.update_delimited(name);
            digest.update_delimited(value);
        }
        let mut id = digest.hex();
        id.truncate(32);
        EntryId(id)
    }

    /// As text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for EntryId {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.pad(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_are_short_and_of_few_characters() {
        for (id, allowed) in [
            ("a", true),
            ("0f.A_b:c-d", true),
            (&"x".repeat(128), true),
            (&"x".repeat(129), false),
            ("", false),
            ("a b", false),
            ("a/b", false),
            ("{a}", false),
            ("\u{e9}", false),
            ("a\n", false),
        ] {
            assert_eq!(EntryId::new(id).is_ok(), allowed, "{id:?}");
        }
    }

    #[test]
    fn a_cost_is_an_amount_of_a_currency() {
        assert_eq!(Cost::new(0.5, "EUR").map(|it| (it.amount(), it.currency().to_owned())), Ok((0.5, "EUR".into())));
        for (amount, currency) in [
            (-0.1, "EUR"),
            (f64::NAN, "EUR"),
            (f64::INFINITY, "EUR"),
            (1.0, "eur"),
            (1.0, "EU"),
            (1.0, "EURO"),
            (1.0, "\u{20ac}"),
        ] {
            assert_eq!(Cost::new(amount, currency), Err(InvalidCost), "{amount} {currency}");
        }
    }

    #[test]
    fn an_id_of_nobody_is_of_scope_prompt_and_attributes() {
        let (scope, other) = (Scope::new("a"), Scope::new("b"));
        let attributes = |value: &str| Attributes::from([("language".to_owned(), value.to_owned())]);
        let id = EntryId::of(&scope, "prompt", &attributes("en"));
        assert_eq!(id, EntryId::of(&scope, "prompt", &attributes("en")));
        assert_eq!(EntryId::new(id.as_str()), Ok(id.clone()));
        for different in [
            EntryId::of(&other, "prompt", &attributes("en")),
            EntryId::of(&scope, "prompt ", &attributes("en")),
            EntryId::of(&scope, "prompt", &attributes("de")),
            EntryId::of(&scope, "prompt", &Attributes::new()),
        ] {
            assert_ne!(id, different);
        }
    }
}
