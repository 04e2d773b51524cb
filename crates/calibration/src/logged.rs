//! Logged decisions with feedback: a JSON object a line.

use std::collections::{BTreeSet, HashMap};
use std::io::BufRead;
use std::path::{Path, PathBuf};

use serde::Deserialize;
use serde_json::{Map, Value};
use vetted_corpus::input;

use crate::FileError;
use crate::calibrate::Checked;
use crate::calibration::Ruling;
use crate::provenance::{Agreed, Provenance};
use crate::score::{Features, OWN_SCORE};
use crate::split::key;

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
/// | `relation`, `verifier`, `encoder` | what was asked, and who judged ([`Provenance`]): optional, and all that say it must say the same |
/// | `decision` | its name, of 32 hexadecimal digits: of several lines about one decision the last counts; optional |
///
/// Other fields are ignored.
#[derive(Clone, Debug, PartialEq)]
pub struct Logged {
    /// The line that it stands in.
    pub line: u64,
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

/// Decisions that were logged, in their order.
#[derive(Clone, Debug, PartialEq)]
pub struct Log {
    /// The file.
    pub path: PathBuf,
    /// Its decisions, each once.
    pub decisions: Vec<Logged>,
    /// What they say about who judged; all that say something say the same.
    pub provenance: Provenance,
    /// Decisions with features that do not say who judged, or what was asked.
    pub unnamed: u64,
    /// The arithmetics that their models ran in, in order.
    pub precisions: BTreeSet<String>,
    /// Lines that a later line about the same decision overruled.
    pub overruled: u64,
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

/// Whether a file holds logged decisions, by its first line: labelled pairs have no field `right`. (Nor have decisions that nobody
/// checked; what is wrong with these is better told as such.)
///
/// # Errors
/// When it cannot be read. [`FileError::NotJson`] where the line should be JSON, by the file's name or by its first character.
pub fn is_logged(path: &Path) -> Result<bool, FileError> {
    let mut lines = Lines::open(path)?;
    let (number, line) = loop {
        match lines.next()? {
            Some((_, line)) if line.trim().is_empty() => {}
            Some(numbered) => break numbered,
            None => return Ok(false),
        }
    };
    if !line.trim_start().starts_with('{') && !is_json_lines(path) {
        return Ok(false);
    }
    match serde_json::from_str::<Map<String, Value>>(&line) {
        Ok(object) => Ok(["right", "features", "decision"].iter().any(|name| object.contains_key(*name))),
        Err(error) => Err(FileError::NotJson { path: path.into(), line: number, problem: error.to_string() }),
    }
}

fn is_json_lines(path: &Path) -> bool {
    let name = path.file_name().map(|name| name.to_string_lossy().to_lowercase()).unwrap_or_default();
    let name = name.strip_suffix(".gz").unwrap_or(&name);
    [".jsonl", ".ndjson"].iter().any(|ending| name.ends_with(ending))
}

/// Reads logged decisions, gzipped if the file's name ends in `.gz`. Empty lines are passed over. A decision's segment stands in
/// the field `segment`, unless another is named.
///
/// # Errors
/// [`FileError::Input`], [`FileError::Line`] with the first line that is wrong, [`FileError::Mixed`] where decisions of several
/// verifiers or about several questions stand together.
pub fn read_logged(path: &Path, segment: Option<&str>) -> Result<Log, FileError> {
    let mut lines = Lines::open(path)?;
    let (mut all, mut agreed) = (Vec::new(), Agreed::default());
    let (mut places, mut overruled) = (HashMap::new(), 0);
    let (mut unnamed, mut precisions) = (0, BTreeSet::new());
    while let Some((number, line)) = lines.next()? {
        if line.trim().is_empty() {
            continue;
        }
        let wrong = |problem: String| FileError::Line { path: path.into(), line: number, problem };
        let Line { right, score, features, group, verdict, mut others } =
            serde_json::from_str(&line).map_err(|error| wrong(error.to_string()))?;
        let said = Provenance::of_row(&others).map_err(wrong)?;
        agreed.add(&said, path, number)?;
        precisions.extend([&said.verifier, &said.encoder].into_iter().flatten().map(|it| it.precision.clone()));
        unnamed += u64::from(features.is_some() && (said.relation.is_none() || said.verifier.is_none()));
        let features = match (features, score) {
            (None, None) if verdict.is_none() => {
                return Err(wrong("there is neither a number `score`, nor `features`, nor `verdict`".into()));
            }
            (features, score) => {
                let mut features = features.unwrap_or_default();
                score.into_iter().for_each(|score| features.set(OWN_SCORE, score));
                features
            }
        };
        // The last word about a decision counts, and stands where it was said.
        if let Some(decision) = others.get("decision").and_then(Value::as_str).filter(|it| is_decision(it))
            && let Some(before) = places.insert(decision.to_lowercase(), all.len())
        {
            all[before] = None;
            overruled += 1;
        }
        all.push(Some(Logged {
            line: number,
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
        }));
    }
    let decisions = all.into_iter().flatten().collect();
    Ok(Log { path: path.into(), decisions, provenance: agreed.provenance, unnamed, precisions, overruled })
}

/// As a cache names decisions. Another field of that name says nothing.
fn is_decision(text: &str) -> bool {
    text.len() == 32 && text.bytes().all(|byte| byte.is_ascii_hexdigit())
}

impl Log {
    /// The features that all decisions have of which something is known. A score beside features is none of them.
    ///
    /// # Errors
    /// [`FileError::Mixed`] for the first decision that lacks one which the first decision has: what is made of some features
    /// says nothing about others.
    pub fn features(&self) -> Result<Vec<String>, FileError> {
        let mut known = self.decisions.iter().filter(|it| it.features.iter().next().is_some());
        let Some(first) = known.next() else { return Ok(Vec::new()) };
        let has_own_alone = |it: &Logged| it.features.iter().all(|(name, _)| name == OWN_SCORE);
        let kind = |it: &Logged| match has_own_alone(it) {
            true => "one with a `score` of its own".to_owned(),
            false => "one with `features`".to_owned(),
        };
        let names = first.features.iter().map(|(name, _)| name.to_owned());
        let names: Vec<String> = names.filter(|name| name != OWN_SCORE || has_own_alone(first)).collect();
        for it in known {
            let Some(lacking) = names.iter().find(|name| it.features.get(name).is_none()) else { continue };
            let (got, expected, keep) = match has_own_alone(it) == has_own_alone(first) {
                true => (
                    format!("one without the feature `{lacking}`"),
                    "one with it".to_owned(),
                    format!(".features.{lacking} or .verdict"),
                ),
                false => (kind(it), kind(first), ".features or .verdict".to_owned()),
            };
            let (path, line, first) = (self.path.clone(), it.line, first.line);
            return Err(FileError::Mixed { path, line, got, first, expected, keep });
        }
        Ok(names)
    }
}

impl From<Logged> for Checked {
    fn from(logged: Logged) -> Checked {
        let Logged { line: _, features, right, segment, texts, verdict: _ } = logged;
        Checked { features: Some(features), right, segment, texts }
    }
}

/// Writes checked decisions as a log, without their texts: to calibrate again on them without a model. Each says who judged.
///
/// # Errors
/// [`FileError::Unwritable`].
pub fn write_logged(path: &Path, checked: &[Checked], provenance: &Provenance) -> Result<(), FileError> {
    let mut log = Vec::new();
    let named = provenance.fields();
    for Checked { features, right, segment, texts } in checked {
        let mut line = named.clone();
        match features {
            Some(features) => line.insert("features".into(), features.iter().collect()),
            None => line.insert("verdict".into(), "unverified".into()),
        };
        line.insert("right".into(), (*right).into());
        if let Some(segment) = segment {
            line.insert("segment".into(), segment.as_str().into());
        }
        line.insert("group".into(), texts.iter().map(|text| key(text)).collect());
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

const BYTE_ORDER_MARK: &[u8] = b"\xef\xbb\xbf";

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
        if self.number == 1 && line.starts_with(BYTE_ORDER_MARK) {
            line.drain(..BYTE_ORDER_MARK.len());
        }
        match String::from_utf8(line) {
            Ok(line) => Ok(Some((self.number, line))),
            Err(_) => Err(FileError::Line { path: path.clone(), line: self.number, problem: "it is not UTF-8".into() }),
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;
    use vetted_pairs::Relation;

    use super::*;
    use crate::calibration::Model;

    fn read_as(content: &str) -> Result<Log, FileError> {
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
        let read = read_as(content).expect("readable").decisions;
        assert_eq!(read.iter().map(|it| it.line).collect::<Vec<_>>(), [1, 3, 4]);
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
        let provenance = Provenance { relation: Some(Relation::Support), verifier: Some(model("a")), encoder: None };
        write_logged(&path, &checked, &provenance).expect("written");
        assert!(!std::fs::read_to_string(&path).expect("readable").contains("secret"));
        let log = read_logged(&path, None).expect("readable");
        assert_eq!((&log.provenance, log.unnamed), (&provenance, 0));
        let read: Vec<Checked> = log.decisions.into_iter().map(Checked::from).collect();
        assert_eq!(
            (&read[0].features, read[0].right, &read[0].segment),
            (&checked[0].features, true, &checked[0].segment)
        );
        assert_eq!(read[1].features, Some(Features::default()));
        let split = |checked: &[Checked]| crate::Split::new(checked.iter().map(|it| it.texts.as_slice()));
        assert_eq!(split(&read), split(&checked));
        // Once more it is the same, byte for byte.
        let again = folder.path().join("again.jsonl");
        let read: Vec<Checked> = read
            .into_iter()
            .map(|it| Checked { features: it.features.filter(|it| it.iter().next().is_some()), ..it })
            .collect();
        write_logged(&again, &read, &provenance).expect("written");
        assert_eq!(std::fs::read(&again).expect("readable"), std::fs::read(&path).expect("readable"));
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
            (r#"{"score": 1, "right": true, "relation": "same"}"#, "same"),
            (r#"{"score": 1, "right": true, "relation": 7}"#, "`relation` is 7"),
            (r#"{"score": 1, "right": true, "verifier": {"name": "a"}}"#, "`verifier`: missing field"),
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
            ("\u{feff}{\"score\": 1, \"right\": true}", true),
            // What nobody checked is no pair, either.
            ("{\"decision\": \"0f\", \"hit\": true}", true),
        ] {
            std::fs::write(&path, content).expect("written");
            assert_eq!(is_logged(&path).expect("readable"), logged, "{content}");
        }
        assert!(is_logged(&folder.path().join("nowhere")).is_err());
    }

    #[test]
    fn a_first_line_that_is_not_json_is_said_to_be_so() {
        let folder = tempfile::tempdir().expect("a folder");
        for (name, content, problem) in [
            (
                "a.jsonl",
                "{\"score\": NaN, \"right\": true}\n",
                "a.jsonl:1: the line is not a JSON object: expected value",
            ),
            ("b", "\n{\"score\": 1e999, \"right\": true}\n", "b:2: the line is not a JSON object: number out of range"),
            ("c.jsonl", "s1\ts2\tlabel\n", "c.jsonl:1: the line is not a JSON object"),
            ("d.ndjson", "[1]", "d.ndjson:1: the line is not a JSON object"),
        ] {
            let path = folder.path().join(name);
            std::fs::write(&path, content).expect("written");
            let message = is_logged(&path).expect_err(name).to_string();
            assert!(message.contains(problem), "{message}");
        }
    }

    fn model(name: &str) -> Model {
        Model { name: name.into(), sha256: name.repeat(64), precision: "f32".into() }
    }

    #[test]
    fn the_last_word_about_a_decision_counts_once() {
        let row = |decision: &str, right: bool| json!({"score": 1, "right": right, "decision": decision}).to_string();
        let (one, other) = ("0f".repeat(16), "ab".repeat(16));
        let rows = [row(&one, true), row(&other, true), row(&one, true), row(&one.to_uppercase(), false)];
        let log = read_as(&rows.join("\n")).expect("readable");
        let said: Vec<(u64, bool)> = log.decisions.iter().map(|it| (it.line, it.right)).collect();
        assert_eq!((said, log.overruled), (vec![(2, true), (4, false)], 2));
        // Somebody's own field of that name is no decision's name.
        let log = read_as(&[row("approve", true), row("approve", false)].join("\n")).expect("readable");
        assert_eq!((log.decisions.len(), log.overruled), (2, 0));
    }

    #[test]
    fn decisions_of_several_verifiers_and_questions_are_not_read_together() {
        let row = |relation: &str, verifier: &str, encoder: &str| {
            let (verifier, encoder) = (json!(model(verifier)), json!(model(encoder)));
            json!({"features": {"match": 1}, "right": true, "relation": relation, "verifier": verifier, "encoder": encoder})
        };
        let named = row("equivalence", "a", "e");
        let unnamed = json!({"features": {"match": 1}, "right": true, "verifier": "mine"});
        for (other, complaint) in [
            (row("support", "a", "e"), "this decision is about support, and that of line 1 is about equivalence"),
            (row("equivalence", "b", "e"), "by the verifier b (bbbbbbbbbbbb), and that of line 1 is by the verifier a"),
            (row("equivalence", "a", "f"), "by the encoder f"),
        ] {
            let message = read_as(&format!("{named}\n{unnamed}\n{other}\n")).expect_err(complaint).to_string();
            assert!(
                message.contains(complaint) && message.contains("log.jsonl:3") && message.contains("jq"),
                "{message}"
            );
        }
        // What does not say is read, and counted.
        let log = read_as(&format!("{unnamed}\n{named}\n")).expect("readable");
        assert_eq!((log.unnamed, log.provenance.relation), (1, Some(Relation::Equivalence)));
        assert_eq!(log.provenance.verifier, Some(model("a")));
        let path = Path::new("log.jsonl");
        let named = &log.provenance;
        assert!(named.check_relation(path, Relation::Equivalence).is_ok());
        assert!(named.check_models(path, Some(&model("a")), Some(&model("e"))).is_ok());
        assert!(named.check_models(path, None, None).is_ok());
        assert!(Provenance::default().check_models(path, Some(&model("a")), None).is_ok());
        for (error, complaint) in [
            (named.check_relation(path, Relation::Support), "are about equivalence, and support is asked"),
            (named.check_models(path, Some(&model("b")), None), "leave --verifier out"),
            (named.check_models(path, None, Some(&model("b"))), "leave --model out"),
        ] {
            assert!(error.expect_err(complaint).to_string().contains(complaint), "{complaint}");
        }
    }

    #[test]
    fn features_are_those_that_all_decisions_have() {
        let (score, features) =
            (r#"{"score": 1, "right": true}"#, r#"{"features": {"cosine": 1, "match": 1}, "right": true}"#);
        let both = r#"{"score": 1, "features": {"cosine": 1, "match": 1}, "right": true}"#;
        let (few, unread) =
            (r#"{"features": {"match": 1}, "right": true}"#, r#"{"verdict": "unverified", "right": true}"#);
        for (rows, expected) in [
            (&[score, unread, score][..], &["score"][..]),
            (&[score, both], &["score"]),
            (&[unread, features, both], &["cosine", "match"]),
            (&[both, features], &["cosine", "match"]),
            (&[few, features], &["match"]),
            (&[unread], &[]),
        ] {
            assert_eq!(read_as(&rows.join("\n")).expect("readable").features().expect("alike"), expected);
        }
        for (rows, complaint) in [
            (
                [score, features],
                "this decision is one with `features`, and that of line 1 is one with a `score` of its own",
            ),
            ([features, score], "is one with a `score` of its own, and that of line 1 is one with `features`"),
            ([features, few], "without the feature `cosine`"),
        ] {
            let error = read_as(&rows.join("\n")).expect("readable").features().expect_err(complaint).to_string();
            assert!(error.contains(complaint) && error.contains(":2:"), "{error}");
        }
    }
}
