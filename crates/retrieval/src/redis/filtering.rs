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

/// So many conditions are handed over, at most. The server checks each beside each vector, on one thread: beyond, it is quicker to
/// fetch documents and look.
const MOST_CONDITIONS: usize = 16;

/// What no fitting document fails, if there is anything.
pub(super) fn expression(filters: &[Filter]) -> Option<String> {
    let mut left = MOST_CONDITIONS;
    let mut all = Vec::new();
    for any in filters.iter().filter_map(Filter::needs) {
        let conditions: usize = any.iter().map(Vec::len).sum();
        if let Some(some) = one(&any)
            && conditions <= left
        {
            left -= conditions;
            all.push(some);
        }
    }
    (!all.is_empty()).then(|| all.join(" and "))
}

fn one(any: &[Vec<Need>]) -> Option<String> {
    // Where a field is missing the server says no to all of an expression, whatever stands beside it. So what asks for a field
    // stands alone, or is not asked.
    let is_bound = |need: &Need| matches!(need, Need::AtLeast(..) | Need::AtMost(..));
    if any.len() > 1 && any.iter().flatten().any(is_bound) {
        return None;
    }
    // The server reads numbers of so many digits, and no more.
    let is_long = |need: &Need| matches!(need, Need::AtLeast(_, number) | Need::AtMost(_, number) if number.to_string().len() > 100);
    if any.iter().flatten().any(is_long) {
        return None;
    }
    let need = |need: &Need| match need {
        Need::Mark(mark) => format!("\"{mark}\" in .m"),
        Need::NoMark(mark) => format!("not (\"{mark}\" in .m)"),
        // Without an exponent: the server does not read one that is negative.
        Need::AtLeast(field, number) => format!(".h{field} >= {number}"),
        Need::AtMost(field, number) => format!(".l{field} <= {number}"),
    };
    let all = |all: &Vec<Need>| format!("({})", all.iter().map(need).collect::<Vec<_>>().join(" and "));
    Some(format!("({})", any.iter().map(all).collect::<Vec<_>>().join(" or ")))
}
