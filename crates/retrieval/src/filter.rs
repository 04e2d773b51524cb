//! Conditions on documents' metadata.

mod decimal;
mod literal;
#[cfg(any(feature = "qdrant", feature = "redis"))]
mod marks;
mod parsing;

use std::cmp::Ordering;
use std::collections::HashSet;
use std::fmt;
use std::str::FromStr;

use serde_json::{Map, Value};

use crate::error::Error;
pub(crate) use literal::FieldValue;
pub use literal::Literal;
use literal::{FieldKind, Wanted};
#[cfg(any(feature = "qdrant", feature = "redis"))]
pub(crate) use marks::{Marks, Need};

/// A condition on documents' metadata, or several of which one must fit. Several *filters* must all fit.
///
/// | | fits a document |
/// |---|---|
/// | `zip=02116`, `lang!=en` | whose field equals the value, or does not |
/// | `year>=2020`, also `>`, `<`, `<=` | whose field is more or less than the value |
/// | `lang in en, de`, `lang not in (en, de)` | whose field equals one of the values, or none |
/// | `exists price`, `not exists price` | that has a value in the field, or none |
/// | `year>2020 or lang=en` | that fits one of the conditions |
///
/// - A field inside another is named with a dot: `author.name`. Where a key holds the dot itself, it goes first.
/// - Of a list, one element that fits is enough; for `!=` and `not in` none may be equal.
/// - A document without the field fits nothing but `not exists`. `null` and an empty list are no value for `exists`.
/// - **Equal** is what is the same: a text if it is letter for letter what was typed, so that `zip=02116` does not find `2116`;
///   a number if it is the same number, so that `year=2020.0` finds 2020 and long integers do not find their neighbors.
///   `true`, `false` and `null` are written so. All cells of a CSV file are texts.
/// - **More and less** are as among numbers where both are numbers, in a text too (`price<1` finds the cell `0.95`). Else texts
///   are compared byte by byte, which is the right order for ISO dates (`date>=2021-06`). A text that does not begin with
///   a digit is neither more nor less than a number.
/// - A value in double quotes is a text: `zip="02116"`. Quotes are needed around values, and fields, that have a comma in a
///   list, begin with a quote, or hold one of the operators or words above: `title="now or never"`. Within them, write `\"` for
///   a quote and `\\` for a backslash.
/// - An integer of more than 64 bits is read from JSON in double precision, like every number with a fraction: write long
///   numbers as texts.
///
/// ```
/// use serde_json::json;
/// use vetted_retrieval::Filter;
///
/// let metadata = json!({"year": 2021, "zip": "02116", "tags": ["tea", "trade"], "place": {"country": "Japan"}});
/// let metadata = metadata.as_object().unwrap();
/// for fits in ["year>=2020", "zip=02116", "tags in tea, silk", "tags!=silk", "place.country=Japan", "zip=1 or year<2022"] {
///     assert!(Filter::parse(fits)?.accepts(metadata), "{fits}");
/// }
/// for fails in ["year>=2022", "zip=2116", "tags!=tea", "place.city!=Kyoto", "not exists zip", "year=\"2021\""] {
///     assert!(!Filter::parse(fails)?.accepts(metadata), "{fails}");
/// }
/// # Ok::<(), vetted_retrieval::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq)]
pub struct Filter {
    any: Vec<Condition>,
}

/// A condition on one field.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Condition {
    field: String,
    test: Test,
}

/// What the values of a field must be.
#[derive(Debug, Clone, PartialEq)]
enum Test {
    Compare(Comparison, Literal),
    In(Vec<Literal>),
    NotIn(Vec<Literal>),
    Exists,
    Missing,
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
    /// A condition from its parts. A text is taken as if it was typed without quotes; [`Literal::Text`] is a text alone.
    pub fn new(field: impl Into<String>, comparison: Comparison, wanted: impl Into<Literal>) -> Self {
        Condition { field: field.into(), test: Test::Compare(comparison, wanted.into()) }.into()
    }

    /// That a field equals one of `values`.
    pub fn one_of<Value: Into<Literal>>(field: impl Into<String>, values: impl IntoIterator<Item = Value>) -> Self {
        Condition { field: field.into(), test: Test::In(values.into_iter().map(Into::into).collect()) }.into()
    }

    /// That a field is there and equals none of `values`.
    pub fn none_of<Value: Into<Literal>>(field: impl Into<String>, values: impl IntoIterator<Item = Value>) -> Self {
        Condition { field: field.into(), test: Test::NotIn(values.into_iter().map(Into::into).collect()) }.into()
    }

    /// That a field has a value.
    pub fn exists(field: impl Into<String>) -> Self {
        Condition { field: field.into(), test: Test::Exists }.into()
    }

    /// That a field has no value.
    pub fn missing(field: impl Into<String>) -> Self {
        Condition { field: field.into(), test: Test::Missing }.into()
    }

    /// That this fits, or another.
    pub fn or(mut self, other: Filter) -> Self {
        self.any.extend(other.any);
        self
    }

    /// Whether a document with this metadata fits.
    pub fn accepts(&self, metadata: &Map<String, Value>) -> bool {
        self.any.iter().any(|condition| {
            let matcher = Matcher::from(condition);
            condition.accepts_document(values(metadata, &condition.field).map(|value| matcher.accepts(&value)))
        })
    }

    /// The conditions of which one must fit.
    pub(crate) fn conditions(&self) -> &[Condition] {
        &self.any
    }
}

impl From<Condition> for Filter {
    fn from(condition: Condition) -> Self {
        Self { any: vec![condition] }
    }
}

impl Condition {
    /// The field's name.
    pub(crate) fn field(&self) -> &str {
        &self.field
    }

    /// Whether a document fits, by whether each of the field's values does.
    pub(crate) fn accepts_document(&self, mut values: impl Iterator<Item = bool>) -> bool {
        match self.test {
            Test::Compare(Comparison::NotEqual, _) | Test::NotIn(_) => {
                values.next().is_some_and(|first| first && values.all(|it| it))
            }
            Test::Missing => values.all(|it| it),
            _ => values.any(|it| it),
        }
    }
}

/// A condition, ready to be asked about many values.
pub(crate) enum Matcher<'condition> {
    Compare(Comparison, Wanted<'condition>),
    /// By [`FieldValue::key`], because lists may be long.
    In(HashSet<(FieldKind, String)>),
    NotIn(HashSet<(FieldKind, String)>),
    Value,
    NoValue,
}

impl<'condition> From<&'condition Condition> for Matcher<'condition> {
    fn from(condition: &'condition Condition) -> Self {
        let keys = |list: &[Literal]| list.iter().flat_map(|literal| Wanted::from(literal).keys()).collect();
        match &condition.test {
            Test::Compare(comparison, literal) => Matcher::Compare(*comparison, literal.into()),
            Test::In(list) => Matcher::In(keys(list)),
            Test::NotIn(list) => Matcher::NotIn(keys(list)),
            Test::Exists => Matcher::Value,
            Test::Missing => Matcher::NoValue,
        }
    }
}

impl Matcher<'_> {
    /// Whether one value of the field fits.
    pub(crate) fn accepts(&self, value: &FieldValue) -> bool {
        match self {
            Matcher::Compare(Comparison::Equal, wanted) => wanted.equals(value),
            Matcher::Compare(Comparison::NotEqual, wanted) => !wanted.equals(value),
            Matcher::Compare(comparison, wanted) => {
                wanted.compare(value).is_some_and(|ordering| comparison.holds(ordering))
            }
            Matcher::In(keys) => keys.contains(&value.key()),
            Matcher::NotIn(keys) => !keys.contains(&value.key()),
            Matcher::Value => !value.is_null(),
            Matcher::NoValue => value.is_null(),
        }
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
        for (at, condition) in self.any.iter().enumerate() {
            write!(formatter, "{}{condition}", if at == 0 { "" } else { " or " })?;
        }
        Ok(())
    }
}

impl fmt::Display for Condition {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let list = |list: &[Literal]| list.iter().map(Literal::to_string).collect::<Vec<_>>().join(", ");
        let field = &self.field;
        match &self.test {
            Test::Compare(comparison, literal) => {
                let written = Comparison::ALL.iter().find(|(_, it)| it == comparison);
                write!(formatter, "{field}{}{literal}", written.map_or("=", |(written, _)| written))
            }
            Test::In(literals) => write!(formatter, "{field} in ({})", list(literals)),
            Test::NotIn(literals) => write!(formatter, "{field} not in ({})", list(literals)),
            Test::Exists => write!(formatter, "exists {field}"),
            Test::Missing => write!(formatter, "not exists {field}"),
        }
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

#[cfg(test)]
mod tests;
