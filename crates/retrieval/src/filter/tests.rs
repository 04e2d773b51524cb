use proptest::prelude::*;
use serde_json::json;

use super::*;
use crate::error::FilterProblem;

fn bare(text: &str) -> Literal {
    Literal::Bare(text.into())
}

fn text(text: &str) -> Literal {
    Literal::Text(text.into())
}

#[test]
fn parses_what_people_write() {
    use Comparison::*;
    for (written, expected) in [
        ("a=b", Filter::new("a", Equal, "b")),
        (" a  =  b ", Filter::new("a", Equal, "b")),
        ("a!=b", Filter::new("a", NotEqual, "b")),
        ("a<=b", Filter::new("a", AtMost, "b")),
        ("a>=-1.5", Filter::new("a", AtLeast, "-1.5")),
        ("a<b", Filter::new("a", Less, "b")),
        ("a>b", Filter::new("a", Greater, "b")),
        ("url=http://x/?a=b", Filter::new("url", Equal, "http://x/?a=b")),
        ("a=", Filter::new("a", Equal, "")),
        ("a=\"\"", Filter::new("a", Equal, text(""))),
        ("title=The North Library", Filter::new("title", Equal, "The North Library")),
        ("height=5\" drive", Filter::new("height", Equal, "5\" drive")),
        ("zip = \"02116\"", Filter::new("zip", Equal, text("02116"))),
        (r#"a="say \"no\" \\ \n""#, Filter::new("a", Equal, text(r#"say "no" \ \n"#))),
        ("\"Unit Price\">=3", Filter::new("Unit Price", AtLeast, "3")),
        ("Unit Price >= 3", Filter::new("Unit Price", AtLeast, "3")),
        ("\"a=b\" in c", Filter::one_of("a=b", ["c"])),
        ("lang in en,de", Filter::one_of("lang", ["en", "de"])),
        ("lang IN ( en , \"d, e\" )", Filter::one_of("lang", [bare("en"), text("d, e")])),
        ("lang in(en)", Filter::one_of("lang", ["en"])),
        ("lang  not  in en, de", Filter::none_of("lang", ["en", "de"])),
        ("exists price", Filter::exists("price")),
        ("exists \"a or b\"", Filter::exists("a or b")),
        ("not exists a.b ", Filter::missing("a.b")),
        ("exists=1", Filter::new("exists", Equal, "1")),
        ("exists > 1", Filter::new("exists", Greater, "1")),
        ("in=1", Filter::new("in", Equal, "1")),
        ("origin=1", Filter::new("origin", Equal, "1")),
        ("mentor=2", Filter::new("mentor", Equal, "2")),
        ("a=1 or b>2", Filter::new("a", Equal, "1").or(Filter::new("b", Greater, "2"))),
        ("a=1 OR exists b", Filter::new("a", Equal, "1").or(Filter::exists("b"))),
        (
            "a in x, y or not exists b or c=\"d or e\"",
            Filter::one_of("a", ["x", "y"]).or(Filter::missing("b")).or(Filter::new("c", Equal, text("d or e"))),
        ),
        ("a in (x) or b=1", Filter::one_of("a", ["x"]).or(Filter::new("b", Equal, "1"))),
        ("title=coral or=reef", Filter::new("title", Equal, "coral or=reef")),
        ("caf\u{e9}=\u{fc}ber", Filter::new("caf\u{e9}", Equal, "\u{fc}ber")),
    ] {
        assert_eq!(Filter::parse(written).unwrap(), expected, "{written}");
    }
    for written in ["a=b", "a in (b, c)", "a not in (\"x\\\"\")", "exists a or not exists b", "a!=1 or b<=\"2\""] {
        assert_eq!(Filter::parse(written).unwrap().to_string(), written);
    }
}

#[test]
fn what_is_no_condition_is_refused_and_it_is_said_where() {
    for (written, problem, at) in [
        ("", FilterProblem::NoOperator, 1),
        ("year", FilterProblem::NoOperator, 1),
        ("year!2020", FilterProblem::NoOperator, 1),
        ("year in", FilterProblem::EmptyList, 8),
        ("=2020", FilterProblem::NoField, 1),
        (" >= 2020", FilterProblem::NoField, 2),
        ("caf\u{e9}=now or never", FilterProblem::NoOperator, 13),
        ("a=1 or ", FilterProblem::NoOperator, 8),
        ("a=\"open", FilterProblem::OpenQuote, 3),
        ("a=\"x\" y", FilterProblem::AfterValue, 7),
        ("a in (x, y", FilterProblem::OpenList, 6),
        ("a in x,,y", FilterProblem::EmptyList, 8),
        ("a in ()", FilterProblem::EmptyList, 7),
        ("a in (x) y", FilterProblem::AfterValue, 10),
        ("exists ", FilterProblem::NoField, 8),
    ] {
        let error = Filter::parse(written).unwrap_err();
        let found =
            matches!(&error, Error::Filter { problem: it, at: Some(place), .. } if (*it, *place) == (problem, at));
        assert!(found, "{written}: {error:?}");
        assert!(error.to_string().contains(&format!("at character {at}")), "{error}");
    }
}

#[test]
fn a_long_filter_is_read_in_a_moment() {
    let spaces = " ".repeat(1 << 20);
    assert_eq!(
        Filter::parse(&format!("a{spaces}={spaces}b{spaces}")).unwrap(),
        Filter::new("a", Comparison::Equal, "b")
    );
    let list = vec!["word"; 1 << 18].join(" ,");
    assert!(Filter::parse(&format!("a in {list} or b{spaces}or{spaces}c=1 or")).is_err());
}

#[test]
fn programs_send_values_with_their_types() {
    use Comparison::*;
    for (sent, expected) in [
        (json!("a=1 or b=2"), Filter::parse("a=1 or b=2").unwrap()),
        (json!({"field": "zip", "op": "=", "value": "02116"}), Filter::new("zip", Equal, text("02116"))),
        (
            json!({"field": "n", "op": ">=", "value": 9007199254740993u64}),
            Filter::new("n", AtLeast, 9007199254740993u64),
        ),
        (json!({"field": "open", "op": "!=", "value": true}), Filter::new("open", NotEqual, true)),
        (json!({"field": "gone", "op": "=", "value": null}), Filter::new("gone", Equal, Literal::Null)),
        (json!({"field": "a", "op": "in", "value": ["x", 1]}), Filter::one_of("a", [text("x"), Literal::from(1)])),
        (json!({"field": "a", "op": "not in", "value": ["x"]}), Filter::none_of("a", [text("x")])),
        (json!({"field": "a or b", "op": "exists"}), Filter::exists("a or b")),
        (
            json!({"any": [{"field": "a", "op": "not exists"}, "b=1"]}),
            Filter::missing("a").or(Filter::new("b", Equal, "1")),
        ),
    ] {
        assert_eq!(serde_json::from_value::<Filter>(sent.clone()).unwrap(), expected, "{sent}");
    }
    for (sent, problem) in [
        (json!(3), FilterProblem::NoCondition),
        (json!({"op": "="}), FilterProblem::NoField),
        (json!({"field": "a"}), FilterProblem::NoOperator),
        (json!({"field": "a", "op": "~", "value": 1}), FilterProblem::NoOperator),
        (json!({"field": "a", "op": "=", "value": [1]}), FilterProblem::NotAValue),
        (json!({"field": "a", "op": "in", "value": 1}), FilterProblem::EmptyList),
        (json!({"any": []}), FilterProblem::EmptyList),
    ] {
        let error = Filter::from_json(&sent).unwrap_err();
        assert!(matches!(&error, Error::Filter { problem: it, .. } if *it == problem), "{sent}: {error:?}");
    }
}

#[test]
fn compares_as_documented() {
    let metadata = json!({
        "year": 2020, "text_year": "2020", "ratio": -0.0, "date": "2021-06-30", "open": true, "gone": null,
        "tags": ["tea", "trade"], "none": [], "a.b": 1, "a": {"b": 2, "c": {"d": [3, 4]}},
        "authors": [{"name": "Ann"}, {"name": "Bob"}, "Carl"],
        "zip": "02116", "sku": "1e3", "version": "1.10", "price": "0.95", "empty": "", "dash": "-", "word": "n/a",
        "big": 9007199254740993u64, "account": 1610521604143693813u64, "least": i64::MIN, "greatest": u64::MAX,
        "tenth": 0.1, "huge": 123456789012345678901234567890.0, "text_big": "123456789012345678901234567890", "list": [5, null],
    });
    let metadata = metadata.as_object().unwrap();
    for (written, expected) in [
        // Numbers, exactly.
        ("year=2020", true),
        ("year=2020.0", true),
        ("year=2.02e3", true),
        ("year=\"2020\"", false),
        ("year>2020", false),
        ("year>=2020", true),
        ("year<1e4", true),
        ("year>=abc", false),
        ("year<abc", false),
        ("ratio=0", true),
        ("tenth=0.1", true),
        ("tenth>=0.1", true),
        ("tenth<0.10", false),
        ("big=9007199254740993", true),
        ("big=9007199254740992", false),
        ("big!=9007199254740992", true),
        ("big>9007199254740992", true),
        ("big<9007199254740993.5", true),
        ("account=1610521604143693812", false),
        ("account in 1610521604143693812, 1610521604143693814", false),
        ("account in 1610521604143693812, 1610521604143693813", true),
        ("least=-9223372036854775808", true),
        ("least<-9223372036854775807", true),
        ("greatest=18446744073709551615", true),
        ("greatest<18446744073709551616", true),
        ("huge=123456789012345678901234567890", true),
        // Texts, letter for letter.
        ("text_year=2020", true),
        ("text_year=2020.0", false),
        ("text_year>2019.5", true),
        ("zip=02116", true),
        ("zip=\"02116\"", true),
        ("zip=2116", false),
        ("zip!=2116", true),
        ("zip in 2116, 02116", true),
        ("zip not in 2116, 2117", true),
        ("sku=1000", false),
        ("sku=1e3", true),
        ("version=1.1", false),
        ("version=1.10", true),
        ("text_big=123456789012345678901234567891", false),
        ("text_big<123456789012345678901234567891", true),
        ("price<1", true),
        ("price>10", false),
        ("price<\"1\"", true),
        ("empty<1", false),
        ("dash<1", false),
        ("word>1", false),
        ("word>a", true),
        ("empty=", true),
        ("date>=2021-06", true),
        ("date<2021-06", false),
        ("date>=2021", true),
        // Anything else.
        ("open=true", true),
        ("open!=true", false),
        ("open=\"true\"", false),
        ("open<z", false),
        ("gone=null", true),
        ("exists gone", false),
        ("not exists gone", true),
        ("exists open", true),
        ("exists none", false),
        ("not exists missing", true),
        ("exists list", true),
        ("not exists list", false),
        ("exists a.c", true),
        // Lists, and fields inside others.
        ("tags=tea", true),
        ("tags=coffee", false),
        ("tags!=coffee", true),
        ("tags!=tea", false),
        ("tags in silk, trade", true),
        ("tags not in silk, trade", false),
        ("tags not in silk, coffee", true),
        ("none=x", false),
        ("none!=x", false),
        ("none not in x", false),
        ("missing=x", false),
        ("missing!=x", false),
        ("missing not in x", false),
        ("a.b=1", true),
        ("a.b=2", false),
        ("a.c.d=4", true),
        ("a.c.d>4", false),
        ("a.c=4", false),
        ("a.=1", false),
        ("authors.name=Bob", true),
        ("authors=Carl", true),
        // One of several.
        ("year=1 or tags=tea", true),
        ("year=1 or tags=silk", false),
        ("missing=1 or not exists missing", true),
    ] {
        assert_eq!(Filter::parse(written).unwrap().accepts(metadata), expected, "{written}");
    }
}

/// What a filter should do, said in another way: over the JSON values themselves, in arithmetic of the machine's.
mod naive {
    use super::*;

    fn leaves<'a>(value: &'a Value, into: &mut Vec<&'a Value>) {
        match value {
            Value::Array(list) => list.iter().for_each(|it| leaves(it, into)),
            other => into.push(other),
        }
    }

    fn integer(text: &str) -> Option<i128> {
        text.parse().ok()
    }

    /// Both are small or both are integers, so that no rounding comes in.
    fn order(value: &Value, literal: &str) -> Option<Ordering> {
        let text = match value {
            Value::String(text) => text.clone(),
            Value::Number(number) => number.to_string(),
            _ => return None,
        };
        if let (Some(a), Some(b)) = (integer(&text), integer(literal)) {
            return Some(a.cmp(&b));
        }
        match (text.parse::<f64>(), literal.parse::<f64>()) {
            (Ok(a), Ok(b)) => a.partial_cmp(&b),
            (Err(_), Ok(_)) if !text.starts_with(|it: char| it.is_ascii_digit()) => None,
            _ if value.is_string() => Some(text.as_str().cmp(literal)),
            _ => None,
        }
    }

    fn same(value: &Value, literal: &str) -> bool {
        match value {
            Value::String(text) => text == literal,
            Value::Number(_) => order(value, literal) == Some(Ordering::Equal),
            other => {
                let written = other.to_string();
                written == literal
            }
        }
    }

    pub fn accepts(metadata: &Map<String, Value>, field: &str, operator: &str, literals: &[&str]) -> bool {
        let mut values = Vec::new();
        metadata.get(field).into_iter().for_each(|value| leaves(value, &mut values));
        let equal = |value: &&Value| literals.iter().any(|literal| same(value, literal));
        let ordered = |wanted: &[Ordering]| {
            values.iter().any(|it| order(it, literals[0]).is_some_and(|order| wanted.contains(&order)))
        };
        let there = values.iter().any(|value| !value.is_null());
        match operator {
            "=" | " in " => values.iter().any(equal),
            "!=" | " not in " => !values.is_empty() && !values.iter().any(equal),
            "<" => ordered(&[Ordering::Less]),
            "<=" => ordered(&[Ordering::Less, Ordering::Equal]),
            ">" => ordered(&[Ordering::Greater]),
            ">=" => ordered(&[Ordering::Greater, Ordering::Equal]),
            "exists " => there,
            _ => !there,
        }
    }
}

fn scalar() -> impl Strategy<Value = Value> {
    prop_oneof![
        (-3..4i64).prop_map(Value::from),
        (9007199254740990u64..9007199254740996).prop_map(Value::from),
        (-8..9i32).prop_map(|quarter| Value::from(f64::from(quarter) / 4.0)),
        prop_oneof!["-?0?[0-3](\\.[05]0?)?", "[ab]?", "2021-0[1-3]", "900719925474099[0-5]"].prop_map(Value::from),
        prop_oneof![Just(Value::Null), any::<bool>().prop_map(Value::from)],
    ]
}

const LITERALS: &str = "-?0?[0-3](\\.[05]0?)?|a|b|true|null|2021-0[1-3]|2021|900719925474099[0-5]";

proptest! {
    #[test]
    fn a_filter_accepts_what_the_values_say(
        value in prop_oneof![
            scalar(),
            prop::collection::vec(scalar(), 0..3).prop_map(Value::from),
        ],
        field in "a|b",
        operator in "=|!=|<|<=|>|>=| in | not in |exists |not exists ",
        literals in prop::collection::vec(LITERALS, 1..4),
    ) {
        let metadata = Map::from_iter([("a".to_owned(), value)]);
        let written = match operator.as_str() {
            "exists " | "not exists " => format!("{operator}{field}"),
            " in " | " not in " => format!("{field}{operator}{}", literals.join(",")),
            _ => format!("{field}{operator}{}", literals[0]),
        };
        let literals: Vec<&str> = match operator.as_str() {
            " in " | " not in " => literals.iter().map(String::as_str).collect(),
            _ => vec![&literals[0]],
        };
        let expected = naive::accepts(&metadata, &field, &operator, &literals);
        let filter = Filter::parse(&written).unwrap();
        prop_assert_eq!(filter.accepts(&metadata), expected, "{} of {:?}", &written, &metadata);
        let either = Filter::parse(&format!("c=1 or {written}")).unwrap();
        prop_assert_eq!(either.accepts(&metadata), expected);
    }

    #[test]
    fn any_text_is_a_filter_or_an_error(text in "([ab=<>!\"\\\\,() \u{e9}]| in | not | or |exists ){0,12}") {
        let _ = Filter::parse(&text).map_err(|error| error.to_string());
    }
}
