//! Values: what a document's metadata hold, and what a condition compares them with.

use std::cmp::Ordering;
use std::fmt;

use serde_json::{Number, Value};

use super::decimal::Decimal;

/// What a condition compares a field's values with.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub enum Literal {
    /// As it is typed without quotes. Equals the text, and the number, `true`, `false` or `null` that is written so.
    Bare(String),
    /// Equals this text alone.
    Text(String),
    /// Equals this number alone, however it is written: 1 is 1.0.
    Number(Number),
    /// Equals `true` or `false`.
    Bool(bool),
    /// Equals `null`.
    Null,
}

impl From<&str> for Literal {
    fn from(text: &str) -> Self {
        Literal::Bare(text.to_owned())
    }
}

impl From<String> for Literal {
    fn from(text: String) -> Self {
        Literal::Bare(text)
    }
}

macro_rules! from_numbers {
    ($($number:ty),*) => {$(
        impl From<$number> for Literal {
            fn from(number: $number) -> Self {
                Literal::Number(number.into())
            }
        }
    )*};
}
from_numbers!(i32, i64, u32, u64);

impl From<bool> for Literal {
    fn from(value: bool) -> Self {
        Literal::Bool(value)
    }
}

impl fmt::Display for Literal {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Literal::Bare(text) => formatter.write_str(text),
            Literal::Text(text) => write!(formatter, "\"{}\"", text.replace('\\', "\\\\").replace('"', "\\\"")),
            Literal::Number(number) => number.fmt(formatter),
            Literal::Bool(value) => value.fmt(formatter),
            Literal::Null => formatter.write_str("null"),
        }
    }
}

/// A literal, ready to be compared with many values.
pub(crate) struct Wanted<'literal> {
    literal: &'literal Literal,
    /// The literal where that reads as a number.
    number: Option<String>,
    /// The number as JSON keeps one that is no integer, or too long for one: in double precision.
    rounded: Option<String>,
}

impl<'literal> From<&'literal Literal> for Wanted<'literal> {
    fn from(literal: &'literal Literal) -> Self {
        let number = match literal {
            Literal::Bare(text) => Decimal::parse(text).is_some().then(|| text.clone()),
            Literal::Number(number) => Some(number.to_string()),
            _ => None,
        };
        let rounded = number.as_deref().and_then(|number| number.parse::<f64>().ok());
        let rounded = rounded.filter(|number| number.is_finite()).map(|number| format!("{number:e}"));
        Self { literal, number, rounded }
    }
}

impl Wanted<'_> {
    /// Whether a value equals the literal.
    pub(super) fn equals(&self, value: &FieldValue) -> bool {
        match (value.kind, self.literal) {
            (FieldKind::Text, Literal::Bare(text) | Literal::Text(text)) => *value.text == **text,
            (FieldKind::Integer | FieldKind::Real, _) => self.compare_number(value).is_some_and(Ordering::is_eq),
            (FieldKind::Other, Literal::Bare(text)) => *value.text == **text,
            (FieldKind::Other, Literal::Bool(wanted)) => *value.text == *wanted.to_string(),
            (FieldKind::Other, Literal::Null) => &*value.text == "null",
            _ => false,
        }
    }

    /// Where a value stands beside the literal; `None` if the two have no order.
    pub(super) fn compare(&self, value: &FieldValue) -> Option<Ordering> {
        match (value.kind, self.literal) {
            (FieldKind::Integer | FieldKind::Real, _) => self.compare_number(value),
            (FieldKind::Text, Literal::Text(text)) => Some((*value.text).cmp(text)),
            (FieldKind::Text, Literal::Bare(_) | Literal::Number(_)) => self.compare_text(value),
            _ => None,
        }
    }

    fn compare_number(&self, value: &FieldValue) -> Option<Ordering> {
        // A number that was rounded when it was read is found by what it was written as.
        let number = if value.kind == FieldKind::Real { self.rounded.as_deref() } else { None };
        let wanted = Decimal::parse(number.or(self.number.as_deref())?)?;
        Some(Decimal::parse(&value.text)?.cmp(&wanted))
    }

    /// A cell of a table is a text even where it is a number, so a text that reads as one is compared as one. Else the two
    /// are compared byte by byte, as dates are; but "", "n/a" and "-" are neither more nor less than a number.
    fn compare_text(&self, value: &FieldValue) -> Option<Ordering> {
        match (self.literal, self.number.as_deref().and_then(Decimal::parse), Decimal::parse(&value.text)) {
            (_, Some(wanted), Some(value)) => Some(value.cmp(&wanted)),
            (Literal::Bare(text), None, _) => Some((*value.text).cmp(text)),
            (Literal::Bare(text), Some(_), None) if value.text.starts_with(|first: char| first.is_ascii_digit()) => {
                Some((*value.text).cmp(text))
            }
            _ => None,
        }
    }

    /// The keys under which [`FieldValue::key`] has the values that equal the literal.
    pub(super) fn keys(&self) -> Vec<(FieldKind, String)> {
        let decimal = |text: &Option<String>| text.as_deref().and_then(Decimal::parse).map(|number| number.key());
        let number = decimal(&self.number).map(|key| (FieldKind::Integer, key));
        let rounded = decimal(&self.rounded).map(|key| (FieldKind::Real, key));
        let numbers = number.into_iter().chain(rounded);
        let text = match self.literal {
            Literal::Bare(text) => vec![(FieldKind::Text, text.clone()), (FieldKind::Other, text.clone())],
            Literal::Text(text) => vec![(FieldKind::Text, text.clone())],
            Literal::Bool(_) | Literal::Null => vec![(FieldKind::Other, self.literal.to_string())],
            Literal::Number(_) => Vec::new(),
        };
        numbers.chain(text).collect()
    }
}

/// A single value of a field, ready to be compared.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct FieldValue {
    /// A text as it is, and anything else as JSON.
    text: Box<str>,
    kind: FieldKind,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum FieldKind {
    Text,
    /// A number that is kept as it was written.
    Integer,
    /// A number in double precision.
    Real,
    /// `true`, `false`, `null`, or an object.
    Other,
}

impl FieldValue {
    /// A text as it is, and anything else as JSON.
    #[cfg(feature = "redis")]
    pub(super) fn text(&self) -> &str {
        &self.text
    }

    pub(super) fn is_null(&self) -> bool {
        self.kind == FieldKind::Other && &*self.text == "null"
    }

    /// The same for values that equal each other, and for no others.
    pub(super) fn key(&self) -> (FieldKind, String) {
        let number = match self.kind {
            FieldKind::Integer | FieldKind::Real => Decimal::parse(&self.text).map(|number| number.key()),
            FieldKind::Text | FieldKind::Other => None,
        };
        (self.kind, number.unwrap_or_else(|| self.text.to_string()))
    }
}

impl From<&Value> for FieldValue {
    fn from(value: &Value) -> Self {
        let (text, kind) = match value {
            Value::String(text) => (text.clone(), FieldKind::Text),
            Value::Number(number) if number.is_f64() => (number.to_string(), FieldKind::Real),
            Value::Number(number) => (number.to_string(), FieldKind::Integer),
            other => (other.to_string(), FieldKind::Other),
        };
        Self { text: text.into(), kind }
    }
}
