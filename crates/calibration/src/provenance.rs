//! Who judged logged decisions, and what was asked.

use std::path::Path;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use vetted_pairs::Relation;

use crate::FileError;
use crate::calibration::{Calibration, Model};

/// Who judged decisions, and what was asked about them: what stands in each row of a log, so that nobody takes them for
/// another verifier's. Of what is not known, nothing.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Provenance {
    /// What was asked.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub relation: Option<Relation>,
    /// The verifier.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub verifier: Option<Model>,
    /// The encoder whose cosine is among the features.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub encoder: Option<Model>,
}

/// What each line of a log says, held against the lines before.
#[derive(Default)]
pub(crate) struct Agreed {
    pub(crate) provenance: Provenance,
    /// The lines that said it first.
    relation_at: u64,
    verifier_at: u64,
    encoder_at: u64,
}

impl Provenance {
    /// The fields `relation`, `verifier` and `encoder` of a row.
    pub fn fields(&self) -> Map<String, Value> {
        match serde_json::to_value(self) {
            Ok(Value::Object(fields)) => fields,
            _ => Map::new(),
        }
    }

    /// What a row says. A model that is no object is somebody's own field and says nothing; one that is must be whole.
    pub(crate) fn of_row(row: &Map<String, Value>) -> Result<Provenance, String> {
        let relation = match row.get("relation") {
            None | Some(Value::Null) => None,
            Some(Value::String(name)) => Some(name.parse::<Relation>().map_err(|error| error.to_string())?),
            Some(other) => return Err(format!("`relation` is {other}, and not `support` or `equivalence`")),
        };
        let model = |name: &str| match row.get(name) {
            Some(model @ Value::Object(_)) => {
                let model = Model::deserialize(model).map_err(|error| format!("`{name}`: {error}"))?;
                Ok::<_, String>(Some(model))
            }
            _ => Ok(None),
        };
        Ok(Provenance { relation, verifier: model("verifier")?, encoder: model("encoder")? })
    }

    /// Fails if the decisions of a log answer another question.
    ///
    /// # Errors
    /// [`FileError::OtherDecisions`].
    pub fn check_relation(&self, path: &Path, asked: Relation) -> Result<(), FileError> {
        match self.relation {
            Some(logged) if logged != asked => Err(FileError::OtherDecisions {
                path: path.into(),
                logged: about(logged),
                expected: format!("{asked} is asked (--relation)"),
                todo: format!("ask for {logged}"),
            }),
            _ => Ok(()),
        }
    }

    /// Fails if the decisions of a log are another verifier's than `told`, or rest on another encoder.
    ///
    /// # Errors
    /// [`FileError::OtherDecisions`].
    pub fn check_models(
        &self,
        path: &Path,
        verifier: Option<&Model>,
        encoder: Option<&Model>,
    ) -> Result<(), FileError> {
        let models =
            [("verifier", "--verifier", &self.verifier, verifier), ("encoder", "--model", &self.encoder, encoder)];
        for (what, option, logged, told) in models {
            if let (Some(logged), Some(told)) = (logged, told)
                && logged.sha256 != told.sha256
            {
                return Err(FileError::OtherDecisions {
                    path: path.into(),
                    logged: judged_by(what, logged),
                    expected: format!("{} is told ({option})", called(told)),
                    todo: format!("leave {option} out (and its variable of the environment): the decisions say it"),
                });
            }
        }
        Ok(())
    }

    /// Fails if a calibration was made for other decisions.
    ///
    /// # Errors
    /// [`FileError::OtherDecisions`].
    pub fn check_calibration(&self, path: &Path, calibration: &Calibration) -> Result<(), FileError> {
        let other = |logged: String, expected: String| {
            let todo = "take the calibration that was made from decisions like these, or calibrate anew".to_owned();
            Err(FileError::OtherDecisions { path: path.into(), logged, expected, todo })
        };
        let models =
            [("verifier", &self.verifier, &calibration.verifier), ("encoder", &self.encoder, &calibration.encoder)];
        for (what, logged, made_for) in models {
            if let (Some(logged), Some(made_for)) = (logged, made_for)
                && logged.sha256 != made_for.sha256
            {
                return other(
                    judged_by(what, logged),
                    format!("the calibration was made for the {what} {}", called(made_for)),
                );
            }
        }
        match self.relation {
            Some(logged) if logged != calibration.relation => {
                other(about(logged), format!("the calibration is about {}", calibration.relation))
            }
            _ => Ok(()),
        }
    }
}

impl Agreed {
    /// Takes another line in; fails if it says something else than a line before.
    pub(crate) fn add(&mut self, said: &Provenance, path: &Path, line: u64) -> Result<(), FileError> {
        let mixed = |got: String, first: u64, expected: String, keep: String| {
            Err(FileError::Mixed { path: path.into(), line, got, first, expected, keep })
        };
        match (said.relation, self.provenance.relation) {
            (Some(said), None) => (self.provenance.relation, self.relation_at) = (Some(said), line),
            (Some(said), Some(before)) if said != before => {
                return mixed(about(said), self.relation_at, about(before), format!(".relation == \"{said}\""));
            }
            _ => {}
        }
        let Provenance { verifier, encoder, .. } = &mut self.provenance;
        let models = [
            ("verifier", &said.verifier, verifier, &mut self.verifier_at),
            ("encoder", &said.encoder, encoder, &mut self.encoder_at),
        ];
        for (what, said, before, at) in models {
            match (said, &*before) {
                (Some(said), None) => (*before, *at) = (Some(said.clone()), line),
                (Some(said), Some(before)) if said.sha256 != before.sha256 => {
                    let keep = format!(".{what}.sha256 == \"{}\"", said.sha256);
                    return mixed(judged_by(what, said), *at, judged_by(what, before), keep);
                }
                _ => {}
            }
        }
        Ok(())
    }
}

fn about(relation: Relation) -> String {
    format!("about {relation}")
}

fn judged_by(what: &str, model: &Model) -> String {
    format!("by the {what} {}", called(model))
}

fn called(model: &Model) -> String {
    format!("{} ({})", model.name, model.sha256.get(..12).unwrap_or(&model.sha256))
}
