//! `metrics.jsonl`: what happened in a run, a JSON object per line.

use std::io::Write;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::Error;
use crate::held_out::HeldOut;
use crate::tensors::replace;

/// A line of `metrics.jsonl`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Line {
    /// Steps taken.
    pub step: usize,
    /// Passes over the training data.
    pub epoch: f64,
    /// Mean loss since the line before.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub loss: Option<f64>,
    /// The reader's learning rate; where an encoder is trained, its own.
    pub rate: f64,
    /// Norm of the last step's gradients before clipping.
    pub norm: f64,
    /// Training pairs, or triplets, per second since the run began or went on.
    pub pairs_per_second: f64,
    /// On what is held out, at steps that are evaluated.
    #[serde(flatten)]
    pub held_out: HeldOut,
}

/// The file, open at its end.
pub(crate) struct Metrics {
    path: PathBuf,
    file: std::fs::File,
    pub(crate) lines: Vec<Line>,
}

impl Metrics {
    /// Opens the file for a run that has taken `step` steps: later lines, of a run that was killed, are taken out.
    pub(crate) fn open(path: &Path, step: usize) -> Result<Metrics, Error> {
        let mut lines: Vec<Line> = match std::fs::read_to_string(path) {
            Ok(text) => text.lines().map_while(|line| serde_json::from_str(line).ok()).collect(),
            Err(source) if source.kind() == std::io::ErrorKind::NotFound => Vec::new(),
            Err(source) => return Err(Error::Unreadable { path: path.into(), source }),
        };
        lines.retain(|line| line.step <= step);
        let mut text = String::new();
        for line in &lines {
            text.push_str(&to_json(path, line)?);
        }
        replace(path, text.as_bytes())?;
        let file = std::fs::OpenOptions::new().append(true).open(path);
        let file = file.map_err(|source| Error::Unwritable { path: path.into(), source })?;
        Ok(Metrics { path: path.into(), file, lines })
    }

    pub(crate) fn add(&mut self, line: Line) -> Result<(), Error> {
        let text = to_json(&self.path, &line)?;
        let fault = |source| Error::Unwritable { path: self.path.clone(), source };
        self.file.write_all(text.as_bytes()).map_err(fault)?;
        self.lines.push(line);
        Ok(())
    }
}

fn to_json(path: &Path, line: &Line) -> Result<String, Error> {
    let json = serde_json::to_string(line).map_err(|source| Error::Json { path: path.into(), source })?;
    Ok(json + "\n")
}
