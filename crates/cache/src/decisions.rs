//! What was decided, for those who say later whether it was right.
//!
//! Files of JSON lines, appended to. `feedback.jsonl` has a row for each time that somebody judged a decision:
//!
//! ```json
//! {"relation": "equivalence", "verifier": {...}, "encoder": {...},
//!  "features": {"match": 4.1, "conflict": -5.2, "coverage": 1.0, "words": 0.6, "cosine": 0.88}, "right": true, "segment": "acme",
//!  "group": ["sha256:...", "sha256:..."], "hit": true, "served": true, "accepted": true, "strategy": "semantic", "p_match": 0.98,
//!  "cosine": 0.88, "entry": "...", "decision": "0f...", "at": 1767225600}
//! ```
//!
//! | field | |
//! |---|---|
//! | `relation`, `verifier`, `encoder` | what was asked, and who judged: names, digests, arithmetic |
//! | `features` | what is known of the candidate, as `vetted calibrate` and `vetted drift` read it; of one that was not verified `"verdict": "unverified"` in their place |
//! | `right` | what was said; `segment` is the scope's tenant |
//! | `group` | digests of the stored prompt and of the one that was asked: decisions that share one are not independent |
//! | `hit`, `miss` | whether the lookup found what may be served, or why not |
//! | `served` | whether it was: not in shadow mode |
//! | `accepted` | whether the candidate was accepted as meaning the same, by whatever decides that; rules may have refused it all the same |
//! | `p_match` | the verifier's probability, whatever decides |
//! | `log_odds` | what a calibration compares with its threshold; `score` what a rule of one's own does. No column has two scales |
//!
//! A decision that is judged again gets another row, and the last one counts. `shadow.jsonl` has a row without `right` for each
//! lookup of a cache that only watches, so that the share of those with `hit` is the hit rate that it would have. Where prompts are
//! wanted, rows have `query` and `prompt` (the stored one). A row of equal prompts has no features and stands in
//! `feedback-exact.jsonl`: no threshold decided it.

use std::collections::{HashMap, VecDeque};
use std::fs::{self, File};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};
use std::time::SystemTime;

use serde_json::{Value, json};
use vetted::calibrated::features;
use vetted::calibration::{Features, Provenance, text_key};
use vetted::reader::Relation;

use crate::answer::{DecisionId, Outcome, Strategy};
use crate::encoding::milliseconds;
use crate::looking::Considered;
use crate::settings::Scale;
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
    provenance: Provenance,
    recent: Mutex<Recent>,
    /// One row at a time.
    files: Mutex<HashMap<&'static str, File>>,
}

#[derive(Default)]
struct Recent {
    noted: HashMap<DecisionId, Decision>,
    order: VecDeque<DecisionId>,
}

/// What came of a lookup, and what was decided about one candidate.
#[derive(Clone, Debug)]
pub(crate) struct Decision {
    /// Why nothing may be served, if nothing may.
    miss: Option<&'static str>,
    served: bool,
    segment: Option<String>,
    query: String,
    candidate: Option<Decided>,
}

/// The candidate that was served, or that came nearest to it.
#[derive(Clone, Debug)]
struct Decided {
    strategy: Strategy,
    accepted: bool,
    features: Option<Features>,
    p_match: Option<f32>,
    /// What a rule compared with its threshold, on its scale.
    by_rule: Option<(Scale, f32)>,
    cosine: f32,
    entry: String,
    prompt: String,
}

impl Decision {
    /// Of a lookup that found this, whether it is served or only watched.
    pub(crate) fn of(
        outcome: &Outcome,
        considered: Option<Considered<'_>>,
        scale: Scale,
        shadow: bool,
        lookup: &Lookup<'_>,
    ) -> Decision {
        let candidate = considered.map(|Considered { judged, accepted, score }| {
            let (entry, cosine) = (&judged.entry, judged.similarity.cosine());
            let read = judged.verification.as_ref();
            let known = |verification| {
                let cosine = Some(f64::from(cosine));
                features(verification, Relation::Equivalence, lookup.prompt, &entry.prompt, cosine)
            };
            Decided {
                strategy: judged.strategy,
                accepted,
                features: read.and_then(known),
                p_match: read.and_then(|it| it.judgement()).map(|it| it.p_match),
                by_rule: score.filter(|_| scale != Scale::Probability).map(|score| (scale, score)),
                cosine,
                entry: entry.id.to_string(),
                prompt: entry.prompt.clone(),
            }
        });
        let miss = match outcome {
            Outcome::Hit(_) => None,
            Outcome::Miss(miss) => Some(miss.name()),
        };
        Decision {
            miss,
            served: miss.is_none() && !shadow,
            segment: lookup.scope.part(Scope::TENANT).map(str::to_owned),
            query: lookup.prompt.to_owned(),
            candidate,
        }
    }

    fn row(&self, id: DecisionId, right: Option<bool>, provenance: &Provenance, with_prompts: bool) -> Value {
        let mut row = provenance.fields();
        let mut put = |name: &str, value: Value| {
            if !value.is_null() {
                row.insert(name.to_owned(), value);
            }
        };
        put("right", json!(right));
        put("segment", json!(self.segment));
        put("hit", json!(self.miss.is_none()));
        put("miss", json!(self.miss));
        put("served", json!(self.served));
        put("decision", json!(id.to_string()));
        put("at", json!(milliseconds(SystemTime::now()) / 1000));
        if with_prompts {
            put("query", json!(self.query));
        }
        if let Some(it) = &self.candidate {
            match &it.features {
                Some(features) => put("features", features.iter().collect()),
                None if it.strategy == Strategy::Semantic => put("verdict", "unverified".into()),
                None => {}
            }
            put("group", json!([text_key(&it.prompt), text_key(&self.query)]));
            put("accepted", json!(it.accepted));
            put("strategy", json!(it.strategy.name()));
            put("p_match", json!(it.p_match));
            if let Some((scale, score)) = it.by_rule {
                put(scale.name(), json!(score));
            }
            put("cosine", json!(it.cosine));
            put("entry", json!(it.entry));
            if with_prompts {
                put("prompt", json!(it.prompt));
            }
        }
        Value::Object(row)
    }
}

impl Decisions {
    pub(crate) fn open(
        folder: Option<&Path>,
        with_prompts: bool,
        provenance: Provenance,
    ) -> Result<Decisions, CacheError> {
        if let Some(folder) = folder {
            fs::create_dir_all(folder).map_err(|source| CacheError::Decisions { path: folder.to_owned(), source })?;
        }
        let (recent, files) = (Mutex::default(), Mutex::default());
        Ok(Decisions { folder: folder.map(Path::to_owned), with_prompts, provenance, recent, files })
    }

    /// Remembers a decision about a candidate: of any other there is nothing to judge. Of a cache that only watches each one is
    /// written down; that it cannot be is told in the log, and keeps nobody from an answer.
    pub(crate) fn note(&self, id: DecisionId, shadow: bool, decision: impl FnOnce() -> Decision) {
        if self.folder.is_none() {
            return;
        }
        let decision = decision();
        let row = || decision.row(id, None, &self.provenance, self.with_prompts);
        if shadow && let Err(error) = self.write(SHADOW, &row()) {
            tracing::warn!(%error, "a decision of a cache that only watches is lost");
        }
        if decision.candidate.is_none() {
            return;
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
        let is_exact = decision.candidate.as_ref().is_some_and(|it| it.strategy == Strategy::Exact);
        let file = if is_exact { FEEDBACK_EXACT } else { FEEDBACK };
        self.write(file, &decision.row(id, Some(right), &self.provenance, self.with_prompts))
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
