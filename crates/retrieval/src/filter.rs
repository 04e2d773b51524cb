//! Conditions on documents' metadata.

use std::cmp::Ordering;
use std::fmt;
use std::str::FromStr;

use serde_json::{Map, Value};

use crate::error::{Error, FilterProblem};

/// A condition on a document's metadata. Several are combined with *and*.
///
/// - A field inside another is named with a dot: `author.name`. Where a key holds the dot itself, it goes first.
/// - Of a list, one element that fits is enough; for `!=` none may be equal.
/// - A document without the field does not fit, whatever the operator.
/// - Values that both read as numbers are compared as numbers (`year=2020` fits `2020`, `2020.0` and `"2020"`), others
///   as text, byte by byte, which is the right order for ISO dates (`date>=2021-06`). `true`, `false` and `null` are
///   written so.
///
/// ```
/// use serde_json::json;
/// use vetted_retrieval::Filter;
///
/// let metadata = json!({"year": 2021, "tags": ["tea", "trade"], "place": {"country": "Japan"}});
/// let metadata = metadata.as_object().unwrap();
/// for fits in ["year>=2020", "tags=tea", "tags!=silk", "place.country=Japan"] {
///     assert!(Filter::parse(fits)?.accepts(metadata), "{fits}");
/// }
/// for fails in ["year>=2022", "tags!=tea", "place.city!=Kyoto"] {
///     assert!(!Filter::parse(fails)?.accepts(metadata), "{fails}");
/// }
/// # Ok::<(), vetted_retrieval::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq)]
pub struct Filter {
    field: String,
    comparison: Comparison,
    wanted: String,
}

/// How a field's value is compared with the one that is wanted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Comparison {
    /// `=`
    Equal,
    /// `!=`
    NotEqual,
    /// `<`
    Less,
    /// `<=`
    AtMost,
    /// `>`
    Greater,
    /// `>=`
    AtLeast,
}

impl Comparison {
    /// As it is written. Where one begins with another, the longer comes first.
    const ALL: [(&'static str, Comparison); 6] = [
        ("!=", Comparison::NotEqual),
        ("<=", Comparison::AtMost),
        (">=", Comparison::AtLeast),
        ("=", Comparison::Equal),
        ("<", Comparison::Less),
        (">", Comparison::Greater),
    ];

    fn holds(self, ordering: Ordering) -> bool {
        match self {
            Comparison::Equal => ordering.is_eq(),
            Comparison::NotEqual => ordering.is_ne(),
            Comparison::Less => ordering.is_lt(),
            Comparison::AtMost => ordering.is_le(),
            Comparison::Greater => ordering.is_gt(),
            Comparison::AtLeast => ordering.is_ge(),
        }
    }
}

impl Filter {
    /// A condition from its parts.
    pub fn new(field: impl Into<String>, comparison: Comparison, wanted: impl Into<String>) -> Self {
        Self { field: field.into(), comparison, wanted: wanted.into() }
    }

    /// Reads a condition as it is written: `field=value`, or with `!=`, `>=`, `<=`, `>` or `<`. The first operator in
    /// the text counts, so a value may hold others; spaces around field and value do not count.
    ///
    /// # Errors
    /// [`Error::Filter`] if there is no operator or nothing before it.
    pub fn parse(text: &str) -> Result<Self, Error> {
        let problem = |problem| Error::Filter { filter: text.to_owned(), problem };
        let at = text.find(['=', '!', '<', '>']).ok_or_else(|| problem(FilterProblem::NoOperator))?;
        let (field, rest) = text.split_at(at);
        let (wanted, comparison) = Comparison::ALL
            .iter()
            .find_map(|(written, comparison)| Some((rest.strip_prefix(written)?, *comparison)))
            .ok_or_else(|| problem(FilterProblem::NoOperator))?;
        if field.trim().is_empty() {
            return Err(problem(FilterProblem::NoField));
        }
        Ok(Self::new(field.trim(), comparison, wanted.trim()))
    }

    /// Whether a document with this metadata fits.
    pub fn accepts(&self, metadata: &Map<String, Value>) -> bool {
        let wanted = Wanted::from(self);
        self.accepts_document(values(metadata, &self.field).map(|value| wanted.accepts(&value)))
    }

    /// Whether a document fits, by whether each of the field's values does.
    pub(crate) fn accepts_document(&self, mut values: impl Iterator<Item = bool>) -> bool {
        match self.comparison {
            Comparison::NotEqual => values.next().is_some_and(|first| first && values.all(|it| it)),
            _ => values.any(|it| it),
        }
    }

    /// The field's name.
    pub(crate) fn field(&self) -> &str {
        &self.field
    }
}

/// What a filter compares values with.
pub(crate) struct Wanted<'filter> {
    filter: &'filter Filter,
    number: Option<f64>,
}

impl<'filter> From<&'filter Filter> for Wanted<'filter> {
    fn from(filter: &'filter Filter) -> Self {
        Self { filter, number: number(&filter.wanted) }
    }
}

impl Wanted<'_> {
    /// Whether one value of the field fits.
    pub(crate) fn accepts(&self, value: &FieldValue) -> bool {
        self.filter.comparison.holds(match (value.number, self.number) {
            (Some(value), Some(wanted)) => value.total_cmp(&wanted),
            _ => value.text.as_ref().cmp(&self.filter.wanted),
        })
    }
}

/// A single value of a field, ready to be compared.
#[derive(Debug, Clone)]
pub(crate) struct FieldValue {
    /// A text as it is, and anything else as JSON.
    pub(crate) text: Box<str>,
    number: Option<f64>,
}

impl From<&Value> for FieldValue {
    fn from(value: &Value) -> Self {
        let text: Box<str> = match value {
            Value::String(text) => text.as_str().into(),
            other => other.to_string().into(),
        };
        Self { number: number(&text), text }
    }
}

/// The single values of a field in a document's metadata.
pub(crate) fn values<'value>(
    metadata: &'value Map<String, Value>,
    field: &str,
) -> impl Iterator<Item = FieldValue> + use<'value> {
    let mut values = Vec::new();
    collect(metadata, field, &mut values);
    values.into_iter().map(FieldValue::from)
}

impl FromStr for Filter {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        Self::parse(text)
    }
}

impl fmt::Display for Filter {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let written = Comparison::ALL.iter().find(|(_, comparison)| *comparison == self.comparison);
        write!(formatter, "{}{}{}", self.field, written.map_or("=", |(written, _)| written), self.wanted)
    }
}

/// Collects the single values of a field. Lists are gone into, and so are objects along the field's dots.
fn collect<'value>(object: &'value Map<String, Value>, field: &str, into: &mut Vec<&'value Value>) {
    if let Some(value) = object.get(field) {
        flatten(value, into);
        return;
    }
    for (at, _) in field.match_indices('.') {
        let (outer, inner) = (&field[..at], &field[at + 1..]);
        let mut within = Vec::new();
        object.get(outer).into_iter().for_each(|value| flatten(value, &mut within));
        within.into_iter().filter_map(Value::as_object).for_each(|object| collect(object, inner, into));
    }
}

fn flatten<'value>(value: &'value Value, into: &mut Vec<&'value Value>) {
    match value {
        Value::Array(elements) => elements.iter().for_each(|element| flatten(element, into)),
        single => into.push(single),
    }
}

/// Adding 0 makes the two zeros one.
fn number(text: &str) -> Option<f64> {
    text.parse::<f64>().ok().filter(|number| number.is_finite()).map(|number| number + 0.0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn parses_what_people_write() {
        for (text, field, comparison, wanted) in [
            ("a=b", "a", Comparison::Equal, "b"),
            (" a  =  b ", "a", Comparison::Equal, "b"),
            ("a!=b", "a", Comparison::NotEqual, "b"),
            ("a<=b", "a", Comparison::AtMost, "b"),
            ("a>=-1.5", "a", Comparison::AtLeast, "-1.5"),
            ("a<b", "a", Comparison::Less, "b"),
            ("a>b", "a", Comparison::Greater, "b"),
            ("url=http://x/?a=b", "url", Comparison::Equal, "http://x/?a=b"),
            ("a=", "a", Comparison::Equal, ""),
        ] {
            let filter = Filter::parse(text).unwrap();
            assert_eq!(filter, Filter::new(field, comparison, wanted), "{text}");
            assert_eq!(Filter::parse(&filter.to_string()).unwrap(), filter, "{text}");
        }
    }

    #[test]
    fn refuses_what_is_no_condition() {
        for (text, expected) in [
            ("", FilterProblem::NoOperator),
            ("year", FilterProblem::NoOperator),
            ("year!2020", FilterProblem::NoOperator),
            ("=2020", FilterProblem::NoField),
            (" >= 2020", FilterProblem::NoField),
        ] {
            let error = Filter::parse(text).unwrap_err();
            assert!(matches!(&error, Error::Filter { problem, .. } if *problem == expected), "{text}: {error}");
        }
    }

    #[test]
    fn compares_as_documented() {
        let metadata = json!({
            "year": 2020, "text_year": "2020", "ratio": -0.0, "date": "2021-06-30", "open": true, "gone": null,
            "tags": ["tea", "trade"], "none": [], "a.b": 1, "a": {"b": 2, "c": {"d": [3, 4]}},
            "authors": [{"name": "Ann"}, {"name": "Bob"}, "Carl"],
        });
        let metadata = metadata.as_object().unwrap();
        for (text, expected) in [
            ("year=2020", true),
            ("year=2020.0", true),
            ("text_year=2020.0", true),
            ("year>2020", false),
            ("year>=2020", true),
            ("year<1e4", true),
            ("year>=abc", false),
            ("ratio=0", true),
            ("date>=2021-06", true),
            ("date<2021-06", false),
            ("open=true", true),
            ("open!=true", false),
            ("gone=null", true),
            ("tags=tea", true),
            ("tags=coffee", false),
            ("tags!=coffee", true),
            ("tags!=tea", false),
            ("none=x", false),
            ("none!=x", false),
            ("missing=x", false),
            ("missing!=x", false),
            ("a.b=1", true),
            ("a.b=2", false),
            ("a.c.d=4", true),
            ("a.c.d>4", false),
            ("a.c=4", false),
            ("a.=1", false),
            ("authors.name=Bob", true),
            ("authors=Carl", true),
        ] {
            assert_eq!(Filter::parse(text).unwrap().accepts(metadata), expected, "{text}");
        }
    }
}
