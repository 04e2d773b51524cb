//! What stands at the head of a Markdown file between two lines `---`: settings in YAML, such as title and tags.

use serde_json::{Map, Value};
use yaml_rust2::parser::{Event, EventReceiver, Parser};
use yaml_rust2::{Yaml, YamlLoader};

/// The settings; `None` if this is no YAML, or not a mapping. Settings that say nothing are left out. Aliases are refused:
/// a few lines of them can stand for more text than a machine has room for.
pub(crate) fn settings(yaml: &str) -> Option<Map<String, Value>> {
    let mut aliases = Aliases { found: false };
    Parser::new_from_str(yaml).load(&mut aliases, false).ok()?;
    if aliases.found {
        return None;
    }
    match YamlLoader::load_from_str(yaml).ok()?.into_iter().next()? {
        mapping @ Yaml::Hash(_) => match value(mapping)? {
            Value::Object(settings) => Some(settings),
            _ => None,
        },
        _ => None,
    }
}

struct Aliases {
    found: bool,
}

impl EventReceiver for Aliases {
    fn on_event(&mut self, event: Event) {
        self.found |= matches!(event, Event::Alias(_));
    }
}

/// `None` for what says nothing. YAML that is nested deeply does not parse, so this ends.
fn value(yaml: Yaml) -> Option<Value> {
    Some(match yaml {
        Yaml::Real(number) => match number.parse::<f64>().ok().and_then(serde_json::Number::from_f64) {
            Some(exact) => Value::Number(exact),
            None => Value::String(number),
        },
        Yaml::Integer(number) => number.into(),
        Yaml::String(text) => text.into(),
        Yaml::Boolean(yes) => yes.into(),
        Yaml::Array(values) => values.into_iter().filter_map(value).collect(),
        Yaml::Hash(fields) => {
            let field = |(key, field): (Yaml, Yaml)| {
                let key = match value(key)? {
                    Value::String(key) => key,
                    other => other.to_string(),
                };
                Some((key, value(field)?))
            };
            Value::Object(fields.into_iter().filter_map(field).collect())
        }
        Yaml::Null | Yaml::BadValue | Yaml::Alias(_) => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn settings_become_metadata() {
        let cases = [
            (
                "title: Bridges\ntags: [steel, summer]\nyear: 2024\ndraft: false",
                json!({
                    "title": "Bridges", "tags": ["steel", "summer"], "year": 2024, "draft": false
                }),
            ),
            ("date: 2024-05-01\nweight: 1.5\nnothing:\n", json!({"date": "2024-05-01", "weight": 1.5})),
            ("tags:\n  - a\n  - b\nauthor: {name: Mara}", json!({"tags": ["a", "b"], "author": {"name": "Mara"}})),
            ("1: one", json!({"1": "one"})),
        ];
        for (yaml, expected) in cases {
            assert_eq!(settings(yaml).map(Value::Object), Some(expected), "{yaml:?}");
        }
    }

    #[test]
    fn what_is_no_mapping_is_refused() {
        let deep = "[".repeat(100_000);
        for yaml in ["", "just words", "- a\n- b", "a: [", "a: &x [1]\nb: *x", deep.as_str()] {
            assert_eq!(settings(yaml), None, "{:?}", &yaml[..yaml.len().min(40)]);
        }
    }
}
