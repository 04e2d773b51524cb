//! Filters as conditions of Qdrant.
//!
//! Beside each document stand its marks and, for each field, between which numbers its values lie. Both have indexes of fixed names,
//! so that a server that refuses conditions without an index (its *strict mode*) has nothing to refuse.

use qdrant_client::qdrant::condition::ConditionOneOf;
use qdrant_client::qdrant::r#match::MatchValue;
use qdrant_client::qdrant::{
    Condition, FieldCondition, FieldType, Filter as Conditions, Match, NestedCondition, Range, Value,
};
use serde_json::{Map, Value as Json};

use super::points::{Generation, Place};
use crate::filter::{Filter, Marks, Need};

/// What is indexed of a document's payload, and as what: for filters, and for the average length of texts.
pub(super) const INDEXED: [(&str, FieldType); 5] = [
    ("marks", FieldType::Keyword),
    ("bounds[].field", FieldType::Keyword),
    ("bounds[].least", FieldType::Float),
    ("bounds[].greatest", FieldType::Float),
    (LENGTH, FieldType::Integer),
];
/// And of a passage's: for filters, and to remove those of writings that are past.
pub(super) const INDEXED_OF_PASSAGES: [(&str, FieldType); 7] = [
    ("marks", FieldType::Keyword),
    ("bounds[].field", FieldType::Keyword),
    ("bounds[].least", FieldType::Float),
    ("bounds[].greatest", FieldType::Float),
    ("document", FieldType::Keyword),
    ("generation", FieldType::Integer),
    ("written", FieldType::Integer),
];
/// How long a text is, rounded.
pub(super) const LENGTH: &str = "length";

/// After so many seconds, who began to write a document and did not end it was killed.
const ABANDONED: i64 = 3600;

/// `marks` and `bounds` of a document with these metadata.
pub(super) fn marks(metadata: &Map<String, Json>) -> [(&'static str, Value); 2] {
    let Marks { marks, bounds } = Marks::of(metadata);
    let marks: Vec<String> = marks.into_iter().collect();
    let bound = |(field, (least, greatest)): (String, (f64, f64))| {
        Value::from(vec![("field", Value::from(field)), ("least", least.into()), ("greatest", greatest.into())])
    };
    [("marks", marks.into()), ("bounds", bounds.into_iter().map(bound).collect::<Vec<_>>().into())]
}

/// What no fitting document fails, if there is anything.
pub(super) fn conditions(filters: &[Filter]) -> Option<Conditions> {
    let must: Vec<Condition> = filters.iter().filter_map(Filter::needs).map(|any| one_of(any).into()).collect();
    (!must.is_empty()).then(|| Conditions { must, ..Conditions::default() })
}

fn one_of(any: Vec<Vec<Need>>) -> Conditions {
    let should = any.into_iter().map(|all| all_of(all).into()).collect();
    Conditions { should, ..Conditions::default() }
}

fn all_of(all: Vec<Need>) -> Conditions {
    let mut conditions = Conditions::default();
    for need in all {
        match need {
            Need::Mark(mark) => conditions.must.push(keyword("marks", mark)),
            Need::NoMark(mark) => conditions.must_not.push(keyword("marks", mark)),
            Need::AtLeast(field, number) => {
                conditions.must.push(bound(field, "greatest", Range { gte: Some(number), ..Range::default() }))
            }
            Need::AtMost(field, number) => {
                conditions.must.push(bound(field, "least", Range { lte: Some(number), ..Range::default() }))
            }
        }
    }
    conditions
}

/// The passages of writings of a document that are past: of this one, and of those that nobody can still be at. Never of `new`, which
/// the document is now.
pub(super) fn past(document: Place, old: Generation, new: Option<Generation>, now: i64) -> Conditions {
    let number = |generation: Generation| {
        let wanted = Match { match_value: Some(MatchValue::Integer(generation.0)) };
        let field = FieldCondition { key: "generation".to_owned(), r#match: Some(wanted), ..FieldCondition::default() };
        condition(ConditionOneOf::Field(field))
    };
    let before = Range { lt: Some((now - ABANDONED) as f64), ..Range::default() };
    let before = FieldCondition { key: "written".to_owned(), range: Some(before), ..FieldCondition::default() };
    Conditions {
        must: vec![keyword("document", document.text())],
        should: vec![number(old), condition(ConditionOneOf::Field(before))],
        must_not: new.map(number).into_iter().collect(),
        ..Conditions::default()
    }
}

/// One element of `bounds` is this field's, and has one of its ends there.
fn bound(field: String, end: &str, range: Range) -> Condition {
    let end = FieldCondition { key: end.to_owned(), range: Some(range), ..FieldCondition::default() };
    let must = vec![keyword("field", field), condition(ConditionOneOf::Field(end))];
    let filter = Some(Conditions { must, ..Conditions::default() });
    condition(ConditionOneOf::Nested(NestedCondition { key: "bounds".to_owned(), filter }))
}

fn keyword(key: &str, wanted: String) -> Condition {
    let wanted = Match { match_value: Some(MatchValue::Keyword(wanted)) };
    condition(ConditionOneOf::Field(FieldCondition {
        key: key.to_owned(),
        r#match: Some(wanted),
        ..FieldCondition::default()
    }))
}

fn condition(one_of: ConditionOneOf) -> Condition {
    Condition { condition_one_of: Some(one_of) }
}
