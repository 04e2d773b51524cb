//! A log of checked decisions, held against what a calibration promised.

use crate::calibrate::Repeats;
use crate::calibration::{Calibration, Ruling};
use crate::drift::Alarm;
use crate::file_error::FileError;
use crate::logged::{Log, Logged};

/// What a log says about a calibration's promise.
#[derive(Clone, Debug, PartialEq)]
pub struct Audit {
    /// The alarm, after all of them.
    pub alarm: Alarm,
    /// After how many accepted decisions it rang, if it did.
    pub rang_at: Option<u64>,
    /// Decisions that were looked at.
    pub decisions: u64,
    /// Decisions that say the same about the same texts as one before, and were left out: as in a calibration, one pair is one
    /// observation, however popular it is.
    pub repeated: u64,
    /// Decisions of segments that the calibration does not know: it accepts none of these.
    pub unknown_segment: u64,
}

/// Lets the [`Alarm`] look at all decisions of a log, in their order. What became of one is what its `verdict` says, or what the
/// calibration decides by its features.
///
/// # Errors
/// [`FileError::NoDrift`]; [`FileError::OtherDecisions`] where it was made for others;
/// [`FileError::Unjudgeable`] for the first decision about which it can say nothing.
pub fn audit(calibration: &Calibration, log: &Log) -> Result<Audit, FileError> {
    let alarm = Alarm::new(calibration.promise.watched()?);
    log.provenance.check_calibration(&log.path, calibration)?;
    let mut audit = Audit { alarm, rang_at: None, decisions: 0, repeated: 0, unknown_segment: 0 };
    let mut repeats = Repeats::default();
    for it in &log.decisions {
        if !repeats.is_new(&it.texts, it.right, it.segment.as_deref()) {
            audit.repeated += 1;
            continue;
        }
        audit.decisions += 1;
        let ruling = match it.verdict {
            Some(verdict) => verdict,
            None => {
                check(calibration, log, it)?;
                let segment = it.segment.as_deref();
                audit.unknown_segment += u64::from(calibration.of_segment(segment).is_none());
                calibration.decide(&it.features, segment).ruling
            }
        };
        if ruling == Ruling::Accept {
            audit.alarm.audit(it.right);
            if audit.alarm.rings() && audit.rang_at.is_none() {
                audit.rang_at = Some(audit.alarm.counts().0);
            }
        }
    }
    Ok(audit)
}

/// Fails if the decision lacks what the calibration decides by.
fn check(calibration: &Calibration, log: &Log, it: &Logged) -> Result<(), FileError> {
    let quoted = |names: Vec<&str>| names.iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ");
    let takes: Vec<&str> = calibration.score.features.iter().map(|it| it.name.as_str()).collect();
    let lacks: Vec<&str> = takes.iter().filter(|name| it.features.get(name).is_none()).copied().collect();
    let (path, line) = (log.path.clone(), it.line);
    if !lacks.is_empty() {
        let has = quoted(it.features.iter().map(|(name, _)| name).collect());
        return Err(FileError::Unjudgeable { path, line, takes: quoted(takes), lacks: quoted(lacks), has });
    }
    match &calibration.segment_column {
        Some(column) if it.segment.is_none() => Err(FileError::Unjudgeable {
            path,
            line,
            takes: format!("{}, for each `{column}`", quoted(takes)),
            lacks: format!("`{column}`"),
            has: quoted(it.features.iter().map(|(name, _)| name).collect()),
        }),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};
    use vetted_pairs::Relation;

    use super::*;
    use crate::calibration::{Made, Model, Promise};
    use crate::{Checked, Features, Request, calibrate, read_logged};

    type Outcome = Result<(), Box<dyn std::error::Error>>;

    fn model(name: &str) -> Model {
        Model { name: name.into(), sha256: name.repeat(8), precision: "f32".into() }
    }

    /// Accepts from a match of about 0 on: above it one in fifty is wrong, below it nearly everything.
    fn calibration(by_segment: bool) -> Result<Calibration, Box<dyn std::error::Error>> {
        let one = |i: usize| {
            let of_match = (i * 7919 % 4000) as f64 / 500.0 - 4.0;
            Checked {
                features: Some(Features::from([("match", of_match), ("cosine", 0.5)])),
                right: (of_match > 0.0) != i.is_multiple_of(50),
                segment: Some("north".into()),
                texts: vec![format!("one {i}"), format!("other {i}")],
            }
        };
        let request = Request {
            relation: Relation::Equivalence,
            promise: Promise::accepted(0.05, None, 0.95)?,
            features: &["match"],
            verifier: Some(model("verifier")),
            encoder: None,
            encoder_feature: "cosine",
            data_sha256: "ab".repeat(32),
            segment_column: by_segment.then(|| "tenant".to_owned()),
            made: Made { vetted: "0.1.0".into(), date: "2026-12-01".into() },
        };
        Ok(calibrate(&(0..4000).map(one).collect::<Vec<_>>(), request)?.calibration)
    }

    fn audited(calibration: &Calibration, rows: &[Value]) -> Result<Audit, FileError> {
        let folder = tempfile::tempdir().map_err(|source| FileError::Unreadable { path: "a folder".into(), source })?;
        let path = folder.path().join("log.jsonl");
        let text: String = rows.iter().map(|row| format!("{row}\n")).collect();
        std::fs::write(&path, text).map_err(|source| FileError::Unwritable { path: path.clone(), source })?;
        audit(calibration, &read_logged(&path, calibration.segment_column.as_deref())?)
    }

    #[test]
    fn decisions_are_judged_by_their_features_and_each_pair_once() -> Outcome {
        let calibration = calibration(false)?;
        let row = |of_match: f64, right: bool| json!({"features": {"match": of_match, "words": 0.5}, "right": right});
        let pair = |right: bool| {
            let mut row = row(3.0, right);
            row["group"] = json!(["stored", "asked"]);
            row
        };
        let popular = vec![pair(false); 100];
        for (rows, counts, repeated, rings) in [
            (vec![row(3.0, true), row(-3.0, false), json!({"verdict": "unverified", "right": true})], (1, 0), 0, false),
            (vec![row(3.0, false); 30], (30, 30), 0, true),
            // One pair, however often it is asked, is one observation.
            (popular.clone(), (1, 1), 99, false),
            ([popular, vec![pair(true)]].concat(), (2, 1), 99, false),
            // What became of it may be logged, too; then nothing is decided anew.
            (vec![json!({"verdict": "accept", "right": false})], (1, 1), 0, false),
        ] {
            let audit = audited(&calibration, &rows)?;
            assert_eq!(
                (audit.alarm.counts(), audit.repeated, audit.alarm.rings()),
                (counts, repeated, rings),
                "{rows:?}"
            );
            assert_eq!(audit.rang_at.is_some(), rings);
        }
        Ok(())
    }

    #[test]
    fn what_cannot_be_judged_is_an_error_that_says_what_is_missing() -> Outcome {
        let (plain, by_tenant) = (calibration(false)?, calibration(true)?);
        let good = json!({"features": {"match": 1.0}, "right": true, "tenant": "north"});
        let with = |name: &str, value: Value| {
            let mut row = good.clone();
            row[name] = value;
            row
        };
        for (calibration, row, complaint) in [
            (&plain, json!({"score": 0.9, "right": true}), "log.jsonl:2: the decision has `score` and lacks `match`"),
            (&plain, json!({"features": {"cosine": 0.9}, "right": true}), "has `cosine` and lacks `match`"),
            (&by_tenant, json!({"features": {"match": 1.0}, "right": true}), "lacks `tenant`"),
            (
                &plain,
                with("relation", json!("support")),
                "its decisions are about support, and the calibration is about",
            ),
            (&plain, with("verifier", json!(model("other"))), "by the verifier other"),
        ] {
            let message = audited(calibration, &[good.clone(), row]).map_err(|error| error.to_string());
            assert!(message.as_ref().is_err_and(|said| said.contains(complaint)), "{complaint}: {message:?}");
        }
        // Nothing is promised to a tenant of which nothing is known, so nothing is accepted; and that is said.
        let audit = audited(&by_tenant, &[good.clone(), with("tenant", json!("west"))])?;
        assert_eq!((audit.decisions, audit.unknown_segment, audit.alarm.counts().0), (2, 1, 1));
        Ok(())
    }
}
