//! Filters for stores of somebody else's, which know neither our values nor how we compare them.
//!
//! Beside each document such a store keeps *marks*, short names for what is said of it ("the field `lang` has the value `en`"), and
//! for each field between which numbers its values lie. A filter becomes a question about these that no fitting document
//! fails: so a store can leave out most of what does not fit before it ranks, and what it finds is held against the
//! filter itself afterwards.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value};
use vetted_tensors::digest::Digest;

use super::decimal::Decimal;
use super::literal::{FieldKind, FieldValue, Literal, Wanted};
use super::{Comparison, Condition, Filter, Test, values};

/// What a store keeps beside a document.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct Marks {
    /// What is said of it.
    pub(crate) marks: BTreeSet<String>,
    /// By the name of a field, as a mark, the least and the greatest number that its values may count as.
    pub(crate) bounds: BTreeMap<String, (f64, f64)>,
}

/// What a fitting document has.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Need {
    /// This mark.
    Mark(String),
    /// Not this mark.
    NoMark(String),
    /// A value of this field that may be this number, or more.
    AtLeast(String, f64),
    /// A value of this field that may be this number, or less.
    AtMost(String, f64),
}

/// Numbers that are nearer to each other than this part of them are not told apart.
const NEARLY: f64 = 1e-12;

impl Marks {
    /// Those of a document with this metadata.
    pub(crate) fn of(metadata: &Map<String, Value>) -> Marks {
        let mut marks = Marks::default();
        for name in names(metadata) {
            let mut any = false;
            let field = mark("field", &name, "");
            for value in values(metadata, &name) {
                any = true;
                if !value.is_null() {
                    marks.marks.insert(mark("exists", &name, ""));
                }
                let (kind, key) = value.key();
                marks.marks.insert(value_mark(&name, kind, &key));
                let (least, greatest) = bounds(&value);
                let known = marks.bounds.entry(field.clone()).or_insert((least, greatest));
                *known = (known.0.min(least), known.1.max(greatest));
            }
            if any {
                marks.marks.insert(field);
            }
        }
        marks
    }
}

impl Filter {
    /// What every fitting document has: all of one of these lists. `None` where a document without metadata may fit, for it
    /// has no marks.
    pub(crate) fn needs(&self) -> Option<Vec<Vec<Need>>> {
        let lists = self.conditions().iter().map(Condition::needs).collect::<Option<Vec<_>>>()?;
        Some(lists.concat())
    }
}

impl Condition {
    fn needs(&self) -> Option<Vec<Vec<Need>>> {
        let field = || mark("field", &self.field, "");
        let equal = |list: &[Literal]| -> Vec<String> {
            let keys = list.iter().flat_map(|literal| Wanted::from(literal).keys());
            keys.map(|(kind, key)| value_mark(&self.field, kind, &key)).collect()
        };
        let one_of = |marks: Vec<String>| marks.into_iter().map(|mark| vec![Need::Mark(mark)]).collect();
        let none_of = |marks: Vec<String>| {
            vec![std::iter::once(Need::Mark(field())).chain(marks.into_iter().map(Need::NoMark)).collect()]
        };
        Some(match &self.test {
            Test::Compare(Comparison::Equal, literal) => one_of(equal(std::slice::from_ref(literal))),
            Test::Compare(Comparison::NotEqual, literal) => none_of(equal(std::slice::from_ref(literal))),
            Test::In(list) => one_of(equal(list)),
            Test::NotIn(list) => none_of(equal(list)),
            Test::Exists => vec![vec![Need::Mark(mark("exists", &self.field, ""))]],
            Test::Missing => return None,
            Test::Compare(comparison, literal) => {
                let number = match literal {
                    Literal::Number(number) => number.as_f64(),
                    Literal::Bare(text) if Decimal::parse(text).is_some() => text.parse().ok(),
                    _ => None,
                };
                vec![match (comparison, number.filter(|number: &f64| number.is_finite())) {
                    (Comparison::Less | Comparison::AtMost, Some(number)) => {
                        vec![Need::AtMost(field(), number + number.abs() * NEARLY)]
                    }
                    (_, Some(number)) => vec![Need::AtLeast(field(), number - number.abs() * NEARLY)],
                    (_, None) => vec![Need::Mark(field())],
                }]
            }
        })
    }
}

/// Every name under which a filter may ask for a field of these metadata.
fn names(metadata: &Map<String, Value>) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    collect(metadata, "", &mut found);
    found
}

fn collect(object: &Map<String, Value>, before: &str, into: &mut BTreeSet<String>) {
    for (key, value) in object {
        let name = format!("{before}{key}");
        within(value, &format!("{name}."), into);
        into.insert(name);
    }
}

fn within(value: &Value, before: &str, into: &mut BTreeSet<String>) {
    match value {
        Value::Array(elements) => elements.iter().for_each(|element| within(element, before, into)),
        Value::Object(object) => collect(object, before, into),
        _ => {}
    }
}

/// Between which numbers a value may count. What is no number, or one that is not exactly known, may count as any.
fn bounds(value: &FieldValue) -> (f64, f64) {
    let number = Decimal::parse(value.text()).and_then(|_| value.text().parse::<f64>().ok());
    match number.filter(|number| number.is_finite()) {
        Some(number) => (number - number.abs() * NEARLY, number + number.abs() * NEARLY),
        None => (f64::MIN, f64::MAX),
    }
}

fn value_mark(field: &str, kind: FieldKind, key: &str) -> String {
    let kind = match kind {
        FieldKind::Text => "text",
        FieldKind::Integer => "integer",
        FieldKind::Real => "real",
        FieldKind::Other => "other",
    };
    mark(kind, field, key)
}

/// 16 hexadecimal digits: nothing of a user's text stands in a mark, so nothing in it can be misread.
fn mark(sort: &str, field: &str, value: &str) -> String {
    let mut all = Digest::default();
    [sort, field, value].into_iter().for_each(|part| all.update_delimited(part));
    let mut all = all.hex();
    all.truncate(16);
    all
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    /// Whether a store would let a document pass.
    fn passes(marks: &Marks, needs: &[Vec<Need>]) -> bool {
        let has = |need: &Need| match need {
            Need::Mark(mark) => marks.marks.contains(mark),
            Need::NoMark(mark) => !marks.marks.contains(mark),
            Need::AtLeast(field, number) => marks.bounds.get(field).is_some_and(|(_, greatest)| greatest >= number),
            Need::AtMost(field, number) => marks.bounds.get(field).is_some_and(|(least, _)| least <= number),
        };
        needs.iter().any(|all| all.iter().all(has))
    }

    #[test]
    fn what_does_not_fit_is_left_out() {
        let marks = Marks::of(
            json!({"lang": "en", "year": 2020, "tags": ["a", "b"], "in": {"side": 1.5}}).as_object().unwrap(),
        );
        for (filter, expected) in [
            ("lang=en", true),
            ("lang=de", false),
            ("lang!=en", false),
            ("lang!=de", true),
            ("tags in b, c", true),
            ("tags not in a", false),
            ("exists year", true),
            ("exists none", false),
            ("year>=2020", true),
            ("year>2021", false),
            ("year<=2019", false),
            ("in.side<2", true),
            ("in.side=1.5", true),
            ("in.side=1", false),
            ("none!=1", false),
            ("lang=de or year=2020", true),
            ("lang>=a", true),
        ] {
            let needs = filter.parse::<Filter>().unwrap().needs().unwrap();
            assert_eq!(passes(&marks, &needs), expected, "{filter}");
        }
        assert_eq!("not exists year".parse::<Filter>().unwrap().needs(), None);
    }

    fn value() -> impl Strategy<Value = Value> {
        let single = prop_oneof![
            Just(json!(null)),
            any::<bool>().prop_map(|it| json!(it)),
            (-3i64..4).prop_map(|it| json!(it)),
            prop::sample::select(vec![0.5, -1.0, 1e300, 9007199254740993.0]).prop_map(|it| json!(it)),
            Just(json!(9007199254740993i64)),
            Just(json!(u64::MAX)),
            prop::sample::select(vec!["", "1", "1.0", "2020-01", "a", "true", "9007199254740993"])
                .prop_map(|it| json!(it)),
        ];
        let list = prop::collection::vec(single.clone(), 0..3).prop_map(Value::from);
        prop_oneof![3 => single.clone(), 1 => list, 1 => single.prop_map(|it| json!({"b": it}))]
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(3000))]

        /// The promise that everything rests on.
        #[test]
        fn no_fitting_document_is_left_out(
            metadata in prop::collection::btree_map(prop::sample::select(vec!["a", "a.b", "c"]), value(), 0..4),
            field in prop::sample::select(vec!["a", "a.b", "c", "d"]),
            operator in prop::sample::select(vec!["=", "!=", "<", "<=", ">", ">=", " in ", " not in "]),
            wanted in prop::sample::select(vec!["1", "1.0", "-1", "0.5", "2020", "2020-01", "a", "true", "null", "9007199254740993", "1e300"]),
            other in prop::option::of("[acd]=1"),
        ) {
            let metadata: Map<String, Value> = metadata.into_iter().map(|(name, value)| (name.to_owned(), value)).collect();
            let filter = format!("{field}{operator}{wanted}{}", other.map(|it| format!(" or {it}")).unwrap_or_default());
            let filter: Filter = filter.parse().unwrap();
            if let (true, Some(needs)) = (filter.accepts(&metadata), filter.needs()) {
                prop_assert!(passes(&Marks::of(&metadata), &needs), "{filter} {metadata:?} {needs:?}");
            }
        }
    }
}
