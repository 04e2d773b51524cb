//! What was decided, for those who say later whether it was right.
//!
//! Two files of JSON lines, appended to. `feedback.jsonl` has a row for each decision that somebody judged:
//!
//! ```json
//! {"score": 0.93, "right": true, "segment": "acme", "strategy": "semantic", "cosine": 0.88, "served": true, "decision": "0f…", "at": 1767225600}
//! ```
//!
//! `score` and `right` are what `vetted calibrate` reads, `segment` is the scope's tenant. `shadow.jsonl` has a row without
//! `right` for each decision of a cache that only watches. Where prompts are wanted, both have `query` and `prompt` (the stored
//! one). A row of equal prompts has no score and stands in `feedback-exact.jsonl`: no threshold decided it.

use std::collections::{HashMap, VecDeque};
use std::fs::{self, File};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};
use std::time::SystemTime;

use serde_json::{Map, Value, json};

use crate::answer::{DecisionId, Judged, Outcome, Strategy};
use crate::encoding::milliseconds;
use crate::{CacheError, Lookup, Scope};

/// So many decisions are remembered.
const REMEMBERED: usize = 65_536;

const FEEDBACK: &str = "feedback.jsonl";
const FEEDBACK_EXACT: &str = "feedback-exact.jsonl";
const SHADOW: &str = "shadow.jsonl";

/// Decisions that were taken lately, and where they are written down.
pub(crate) struct Decisions {
    folder: Option<PathBuf>,
    with_prompts: bool,
    recent: Mutex<Recent>,
    /// One row at a time.
    files: Mutex<HashMap<&'static str, File>>,
}

#[derive(Default)]
struct Recent {
    noted: HashMap<DecisionId, Decision>,
    order: VecDeque<DecisionId>,
}

/// What was decided about the candidate that was served, or that came nearest to it.
#[derive(Clone, Debug)]
pub(crate) struct Decision {
    strategy: Strategy,
    score: Option<f32>,
    cosine: f32,
    served: bool,
    segment: Option<String>,
    entry: String,
    /// What was asked, and the stored prompt.
    prompts: (String, String),
}

impl Decision {
    /// None where there was no candidate.
    pub(crate) fn of(
        outcome: &Outcome,
        judged: &[Judged],
        score: Option<f32>,
        lookup: &Lookup<'_>,
    ) -> Option<Decision> {
        let (entry, strategy, similarity, score, served) = match outcome {
            Outcome::Hit(hits) => {
                let hit = hits.first()?;
                let score = score.filter(|_| hit.strategy == Strategy::Semantic);
                (&hit.entry, hit.strategy, hit.similarity, score, true)
            }
            Outcome::Miss(_) => {
                let read = judged.iter().filter_map(|it| Some((it, it.verification.as_ref()?.judgement()?.p_match)));
                let (nearest, p_match) = read.max_by(|a, b| a.1.total_cmp(&b.1))?;
                (&nearest.entry, nearest.strategy, nearest.similarity, score.or(Some(p_match)), false)
            }
        };
        Some(Decision {
            strategy,
            score,
            cosine: similarity.cosine(),
            served,
            segment: lookup.scope.part(Scope::TENANT).map(str::to_owned),
            entry: entry.id.to_string(),
            prompts: (lookup.prompt.to_owned(), entry.prompt.clone()),
        })
    }

    fn row(&self, id: DecisionId, right: Option<bool>, with_prompts: bool) -> Value {
        let mut row = Map::new();
        let mut put = |name: &str, value: Value| {
            if !value.is_null() {
                row.insert(name.to_owned(), value);
            }
        };
        put("score", json!(self.score));
        put("right", json!(right));
        put("segment", json!(self.segment));
        put("strategy", json!(self.strategy.name()));
        put("cosine", json!(self.cosine));
        put("served", json!(self.served));
        put("entry", json!(self.entry));
        put("decision", json!(id.to_string()));
        put("at", json!(milliseconds(SystemTime::now()) / 1000));
        if with_prompts {
            put("query", json!(self.prompts.0));
            put("prompt", json!(self.prompts.1));
        }
        Value::Object(row)
    }
}

impl Decisions {
    pub(crate) fn open(folder: Option<&Path>, with_prompts: bool) -> Result<Decisions, CacheError> {
        if let Some(folder) = folder {
            fs::create_dir_all(folder).map_err(|source| CacheError::Decisions { path: folder.to_owned(), source })?;
        }
        let (recent, files) = (Mutex::default(), Mutex::default());
        Ok(Decisions { folder: folder.map(Path::to_owned), with_prompts, recent, files })
    }

    /// Remembers a decision. Of a cache that only watches it is written down; that it cannot be is told in the log, and keeps
    /// nobody from an answer.
    pub(crate) fn note(&self, id: DecisionId, decision: Decision, shadow: bool) {
        if self.folder.is_none() {
            return;
        }
        if shadow && let Err(error) = self.write(SHADOW, &decision.row(id, None, self.with_prompts)) {
            tracing::warn!(%error, "a decision of a cache that only watches is lost");
        }
        let mut recent = self.recent.lock().unwrap_or_else(PoisonError::into_inner);
        recent.noted.insert(id, decision);
        recent.order.push_back(id);
        if recent.order.len() > REMEMBERED
            && let Some(oldest) = recent.order.pop_front()
        {
            recent.noted.remove(&oldest);
        }
    }

    pub(crate) fn feedback(&self, id: DecisionId, right: bool) -> Result<(), CacheError> {
        if self.folder.is_none() {
            return Err(CacheError::NoDecisions);
        }
        let noted = self.recent.lock().unwrap_or_else(PoisonError::into_inner).noted.get(&id).cloned();
        let unknown = || CacheError::UnknownDecision { decision: id.to_string(), remembered: REMEMBERED };
        let decision = noted.ok_or_else(unknown)?;
        let file = if decision.score.is_some() { FEEDBACK } else { FEEDBACK_EXACT };
        self.write(file, &decision.row(id, Some(right), self.with_prompts))
    }

    fn write(&self, name: &'static str, row: &Value) -> Result<(), CacheError> {
        let Some(folder) = &self.folder else { return Ok(()) };
        let path = folder.join(name);
        let fault = |source| CacheError::Decisions { path: path.clone(), source };
        let mut files = self.files.lock().unwrap_or_else(PoisonError::into_inner);
        if !files.contains_key(name) {
            let file = File::options().create(true).append(true).open(&path).map_err(fault)?;
            files.insert(name, file);
        }
        // One call for each row, so that two processes' rows do not mix.
        let line = format!("{row}\n");
        files.get_mut(name).map_or(Ok(()), |file| file.write_all(line.as_bytes())).map_err(fault)
    }
}
