//! Filters in the language of vector sets.
//!
//! Beside each vector stands JSON: under `m` the document's marks, and for each field, under `l` and `h` with the field's mark,
//! the least and the greatest number. A document without metadata has none of it.

use serde_json::{Map, Value as Json, json};

use crate::filter::{Filter, Marks, Need};

/// What stands beside the vectors of a document with these metadata; nothing without any.
pub(super) fn attributes(metadata: &Map<String, Json>) -> String {
    if metadata.is_empty() {
        return String::new();
    }
    let Marks { marks, bounds } = Marks::of(metadata);
    let mut fields = Map::new();
    fields.insert("m".into(), json!(marks));
    for (field, (least, greatest)) in bounds {
        fields.insert(format!("l{field}"), json!(least));
        fields.insert(format!("h{field}"), json!(greatest));
    }
    Json::Object(fields).to_string()
}

/// What no fitting document fails, if there is anything.
pub(super) fn expression(filters: &[Filter]) -> Option<String> {
    let all: Vec<String> = filters.iter().filter_map(one).collect();
    (!all.is_empty()).then(|| all.join(" and "))
}

fn one(filter: &Filter) -> Option<String> {
    let any = filter.needs()?;
    // Where a field is missing the server says no to all of an expression, whatever stands beside it. So what asks for a field
    // stands alone, or is not asked.
    let is_bound = |need: &Need| matches!(need, Need::AtLeast(..) | Need::AtMost(..));
    if any.len() > 1 && any.iter().flatten().any(is_bound) {
        return None;
    }
    let need = |need: &Need| match need {
        Need::Mark(mark) => format!("\"{mark}\" in .m"),
        Need::NoMark(mark) => format!("not (\"{mark}\" in .m)"),
        Need::AtLeast(field, number) => format!(".h{field} >= {number:e}"),
        Need::AtMost(field, number) => format!(".l{field} <= {number:e}"),
    };
    let all = |all: &Vec<Need>| format!("({})", all.iter().map(need).collect::<Vec<_>>().join(" and "));
    Some(format!("({})", any.iter().map(all).collect::<Vec<_>>().join(" or ")))
}
