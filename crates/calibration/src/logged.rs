//! Logged decisions with feedback: a JSON object a line.

use std::io::BufRead;
use std::path::Path;

use serde::Deserialize;
use serde_json::{Map, Value};
use vetted_corpus::input;

use crate::FileError;
use crate::calibrate::Checked;
use crate::calibration::Ruling;
use crate::score::{Features, OWN_SCORE};
use crate::split::text_key;

/// A decision that was made and checked afterwards.
///
/// | field | |
/// |---|---|
/// | `right` | whether it was (or would have been) right to accept: required |
/// | `score` | a score of one's own, higher is surer; or |
/// | `features` | what was known, by name, as `vetted verify --calibration FILE --json` prints it; one of them, unless there is a `verdict` |
/// | `segment` | a tenant, an intent: optional |
/// | `group` | what stays on one side of the division: a text such as the query, or several; optional |
/// | `verdict` | what became of it: `accept`, `reject`, `abstain` or `unverified`; optional |
///
/// Other fields are ignored.
#[derive(Clone, Debug, PartialEq)]
pub struct Logged {
    /// What was known.
    pub features: Features,
    /// Whether accepting was right.
    pub right: bool,
    /// Its segment, if it names one.
    pub segment: Option<String>,
    /// The texts that it is about: decisions that share one stay together.
    pub texts: Vec<String>,
    /// What became of it, if that was logged. Of what was not verified, nothing: it abstained.
    pub verdict: Option<Ruling>,
}

#[derive(Deserialize)]
struct Line {
    right: bool,
    score: Option<f64>,
    features: Option<Features>,
    group: Option<Value>,
    verdict: Option<Verdict>,
    #[serde(flatten)]
    others: Map<String, Value>,
}

#[derive(Deserialize)]
#[serde(rename_all = "kebab-case")]
enum Verdict {
    Accept,
    Reject,
    Abstain,
    Unverified,
}

/// Whether a file holds logged decisions, by its first line: labelled pairs have no field `right`.
///
/// # Errors
/// When it cannot be read.
pub fn is_logged(path: &Path) -> Result<bool, FileError> {
    let mut lines = Lines::open(path)?;
    while let Some((_, line)) = lines.next()? {
        if !line.trim().is_empty() {
            return Ok(
                serde_json::from_str::<Map<String, Value>>(&line).is_ok_and(|object| object.contains_key("right"))
            );
        }
    }
    Ok(false)
}

/// Reads logged decisions, gzipped if the file's name ends in `.gz`. Empty lines are passed over. A decision's segment stands in
/// the field `segment`, unless another is named.
///
/// # Errors
/// [`FileError::Input`], [`FileError::Line`] with the first line that is wrong.
pub fn read_logged(path: &Path, segment: Option<&str>) -> Result<Vec<Logged>, FileError> {
    let mut lines = Lines::open(path)?;
    let mut all = Vec::new();
    while let Some((number, line)) = lines.next()? {
        if line.trim().is_empty() {
            continue;
        }
        let wrong = |problem: String| FileError::Line { path: path.into(), line: number, problem };
        let Line { right, score, features, group, verdict, mut others } =
            serde_json::from_str(&line).map_err(|error| wrong(error.to_string()))?;
        let features = match (features, score) {
            (Some(features), _) => features,
            (None, Some(score)) => Features::from([(OWN_SCORE, score)]),
            (None, None) if verdict.is_some() => Features::default(),
            (None, None) => {
                return Err(wrong("there is neither a number `score`, nor `features`, nor `verdict`".into()));
            }
        };
        all.push(Logged {
            features,
            right,
            segment: others.remove(segment.unwrap_or("segment")).and_then(text),
            texts: match group {
                Some(Value::Array(texts)) => texts.into_iter().filter_map(text).collect(),
                group => group.and_then(text).into_iter().collect(),
            },
            verdict: verdict.map(|verdict| match verdict {
                Verdict::Accept => Ruling::Accept,
                Verdict::Reject => Ruling::Reject,
                Verdict::Abstain | Verdict::Unverified => Ruling::Abstain,
            }),
        });
    }
    Ok(all)
}

impl From<Logged> for Checked {
    fn from(logged: Logged) -> Checked {
        let Logged { features, right, segment, texts, verdict: _ } = logged;
        Checked { features: Some(features), right, segment, texts }
    }
}

/// Writes checked decisions as a log, without their texts: to calibrate again on them without a model.
///
/// # Errors
/// [`FileError::Unwritable`].
pub fn write_logged(path: &Path, checked: &[Checked]) -> Result<(), FileError> {
    let mut log = Vec::new();
    for Checked { features, right, segment, texts } in checked {
        let mut line = Map::new();
        match features {
            Some(features) => line.insert("features".into(), features.iter().collect()),
            None => line.insert("verdict".into(), "unverified".into()),
        };
        line.insert("right".into(), (*right).into());
        if let Some(segment) = segment {
            line.insert("segment".into(), segment.as_str().into());
        }
        line.insert("group".into(), texts.iter().map(|text| text_key(text)).collect());
        log.extend_from_slice(Value::Object(line).to_string().as_bytes());
        log.push(b'\n');
    }
    vetted_tensors::replace(path, log).map_err(|source| FileError::Unwritable { path: path.into(), source })
}

/// A tenant may be a number.
fn text(value: Value) -> Option<String> {
    match value {
        Value::Null => None,
        Value::String(text) => Some(text),
        other => Some(other.to_string()),
    }
}

struct Lines {
    input: input::Input,
    number: u64,
}

impl Lines {
    fn open(path: &Path) -> Result<Lines, FileError> {
        Ok(Lines { input: input::open(path)?, number: 0 })
    }

    fn next(&mut self) -> Result<Option<(u64, String)>, FileError> {
        let (mut line, path) = (Vec::new(), &self.input.path);
        let read = self.input.bytes.read_until(b'\n', &mut line);
        let read = read.map_err(|source| vetted_corpus::Error::Read { path: path.clone(), source })?;
        if read == 0 {
            return Ok(None);
        }
        self.number += 1;
        match String::from_utf8(line) {
            Ok(line) => Ok(Some((self.number, line))),
            Err(_) => Err(FileError::Line { path: path.clone(), line: self.number, problem: "it is not UTF-8".into() }),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read_as(content: &str) -> Result<Vec<Logged>, FileError> {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("log.jsonl");
        std::fs::write(&path, content).expect("written");
        read_logged(&path, None)
    }

    #[test]
    fn scores_and_features_are_read_with_what_is_known_beside_them() {
        let content = "{\"score\": 0.5, \"right\": true, \"segment\": 7, \"answer\": \"x\"}\n\n\
            {\"features\": {\"match\": -2, \"cosine\": 0.5}, \"right\": false, \"group\": \"q\", \"verdict\": \"accept\"}\n\
            {\"right\": false, \"verdict\": \"unverified\"}";
        let read = read_as(content).expect("readable");
        assert_eq!((read[0].features.get(OWN_SCORE), read[0].segment.as_deref()), (Some(0.5), Some("7")));
        assert_eq!((read[1].features.get("match"), read[1].verdict), (Some(-2.0), Some(Ruling::Accept)));
        assert_eq!((read[1].right, &read[1].texts[..]), (false, &["q".to_owned()][..]));
        assert_eq!(read[2].verdict, Some(Ruling::Abstain));
    }

    #[test]
    fn what_is_written_is_read_and_has_no_text() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("log.jsonl");
        let checked = [
            Checked {
                features: Some(Features::from([("match", 1.25), ("cosine", 0.5)])),
                right: true,
                segment: Some("north".into()),
                texts: vec!["a secret".into(), "another".into()],
            },
            Checked { texts: vec!["a secret".into(), "third".into()], ..Checked::default() },
        ];
        write_logged(&path, &checked).expect("written");
        assert!(!std::fs::read_to_string(&path).expect("readable").contains("secret"));
        let read: Vec<Checked> = read_logged(&path, None).expect("readable").into_iter().map(Checked::from).collect();
        assert_eq!(
            (&read[0].features, read[0].right, &read[0].segment),
            (&checked[0].features, true, &checked[0].segment)
        );
        assert_eq!(read[1].features, Some(Features::default()));
        let split = |checked: &[Checked]| crate::Split::new(checked.iter().map(|it| it.texts.as_slice()));
        assert_eq!(split(&read), split(&checked));
    }

    #[test]
    fn what_is_wrong_is_said_with_its_line() {
        for (line, problem) in [
            (r#"{"score": NaN, "right": true}"#, "log.jsonl:2: expected value"),
            (r#"{"score": 1e999, "right": true}"#, "number out of range"),
            (r#"{"score": null, "right": true}"#, "neither a number `score`, nor `features`"),
            (r#"{"score": "0.5", "right": true}"#, "invalid type: string"),
            (r#"{"score": 0.5}"#, "missing field `right`"),
            (r#"{"score": 0.5, "right": 1}"#, "invalid type: integer"),
            (r#"{"features": {"match": null}, "right": true}"#, "invalid type: null"),
            ("[]", "invalid"),
        ] {
            let message = read_as(&format!("{{\"score\": 1, \"right\": true}}\n{line}\n")).expect_err(line).to_string();
            assert!(message.contains(problem) && message.contains(":2:"), "{line}: {message}");
        }
    }

    #[test]
    fn a_log_is_told_from_pairs_by_its_first_line() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("file");
        for (content, logged) in [
            ("\n{\"score\": 1, \"right\": true}", true),
            ("{\"s1\": \"a\", \"s2\": \"b\", \"label\": 1}", false),
            ("s1\ts2\tlabel\n", false),
            ("", false),
        ] {
            std::fs::write(&path, content).expect("written");
            assert_eq!(is_logged(&path).expect("readable"), logged, "{content}");
        }
        assert!(is_logged(&folder.path().join("nowhere")).is_err());
    }
}
