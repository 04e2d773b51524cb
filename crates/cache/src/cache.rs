//! A cache: a backend that finds, a verifier that reads, and the rules.

use std::sync::Arc;
use std::time::SystemTime;

use vetted::calibrated::verifier_model;
use vetted::calibration::{Model, Provenance};
use vetted::reader::Relation;
use vetted::{Deadline, Verifier};
use vetted_encoder::Encoder;

use crate::answer::{Answer, DecisionId, Judged, Miss, Outcome, Similarity, Strategy, Took};
use crate::decisions::Decisions;
use crate::flight::Flights;
use crate::looking::{Asked, nothing};
use crate::opinion::{NearMiss, Opinions};
use crate::storing::expiry;
use crate::{Attributes, Backend, CacheError, CacheSettings, Change, Entry, EntryId, Lookup, NewEntry, Scope};

/// So often a change is tried while others change the same entry.
const TRIES: usize = 32;

/// A semantic cache. Share one among threads.
pub struct Cache {
    pub(crate) core: Arc<Core>,
    pub(crate) flights: Flights,
    opinions: Option<Opinions>,
}

/// What lookups and second opinions share.
pub(crate) struct Core {
    pub(crate) backend: Arc<dyn Backend>,
    pub(crate) verifier: Arc<Verifier>,
    pub(crate) encoder: Arc<Encoder>,
    /// Of the encoder, for scopes.
    fingerprint: String,
    pub(crate) settings: CacheSettings,
    pub(crate) decisions: Decisions,
}

/// What was stored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stored {
    /// Under which id.
    pub id: EntryId,
    /// Whether it is found by meaning too: not what is blank, and not what is longer than the verifier reads.
    pub by_meaning: bool,
}

impl Cache {
    /// A cache over a backend. `encoder` gives prompts their vectors.
    ///
    /// # Errors
    /// When the encoder's files cannot be read, or decisions cannot be written down where the settings say.
    pub fn new(
        backend: Arc<dyn Backend>,
        verifier: Arc<Verifier>,
        encoder: Arc<Encoder>,
        settings: CacheSettings,
    ) -> Result<Cache, CacheError> {
        let fingerprint = encoder.folder().fingerprint().map_err(vetted::Error::from)?;
        let precision = format!("{:?}", encoder.precision()).to_lowercase();
        let provenance = Provenance {
            relation: Some(Relation::Equivalence),
            verifier: Some(verifier_model(&verifier)),
            encoder: Some(Model {
                name: encoder.folder().name.clone(),
                sha256: fingerprint.clone(),
                precision: precision.clone(),
            }),
        };
        let fingerprint = format!("{fingerprint}/{precision}");
        let decisions = Decisions::open(settings.decisions.as_deref(), settings.prompts_in_decisions, provenance)?;
        let opinion = settings.second_opinion.clone();
        let core = Arc::new(Core { backend, verifier, encoder, fingerprint, settings, decisions });
        let opinions = opinion.map(|opinion| Opinions::start(opinion, core.clone())).transpose()?;
        Ok(Cache { core, flights: Flights::default(), opinions })
    }

    /// Looks for what may be served. What goes wrong is a miss with the reason.
    pub fn lookup(&self, lookup: &Lookup<'_>) -> Answer {
        let mut answers = self.lookup_many(std::slice::from_ref(lookup));
        answers.pop().unwrap_or_else(|| Answer::missed(Miss::Late, Took::default()))
    }

    /// Answers several lookups. Their prompts are encoded together, and each gets what it would have got alone.
    pub fn lookup_many(&self, lookups: &[Lookup<'_>]) -> Vec<Answer> {
        let mut asked: Vec<Asked<'_, '_>> = lookups.iter().map(|lookup| Asked::new(lookup, &self.core)).collect();
        for asked in &mut asked {
            let span = asked.span.clone();
            let _entered = span.enter();
            self.core.look_by_words(asked);
        }
        self.core.encode(&mut asked);
        let answers = asked.into_iter().map(|mut asked| {
            let span = asked.span.clone();
            let _entered = span.enter();
            self.core.look_by_meaning(&mut asked);
            let nearly = asked.nearly.take();
            let (scope, prompt) = (asked.scope.clone(), asked.lookup.prompt);
            let answer = self.core.conclude(asked);
            if let (Some(opinions), Some(nearly), Outcome::Miss(_)) = (&self.opinions, nearly, &answer.outcome) {
                opinions.ask(NearMiss { scope, prompt: prompt.to_owned(), entry: nearly.0, score: nearly.1 });
            }
            answer
        });
        answers.collect()
    }

    /// Every candidate that a lookup would look at, each with what the verifier says and why it is or is not served. Nothing is
    /// served, counted or written down.
    ///
    /// # Errors
    /// When the prompt cannot be encoded or verified, or the backend cannot be asked.
    pub fn explain(&self, lookup: &Lookup<'_>) -> Result<Vec<Judged>, CacheError> {
        let core = &self.core;
        let mut asked = Asked::new(lookup, core);
        let exact = core.backend.exact(&asked.wanted())?;
        if let Some(entry) = exact {
            let refused = core.refused_by_rules(&entry, &asked);
            let (strategy, similarity) = (Strategy::Exact, Similarity::EQUAL);
            asked.judged.push(Judged { entry, strategy, similarity, verification: None, refused });
        }
        if lookup.prompt.trim().is_empty() || !core.verifier.reads_whole(lookup.prompt).map_err(vetted::Error::from)? {
            return Ok(asked.judged);
        }
        let encoded = core.encode_prompts(&[lookup.prompt], &lookup.deadline)?.pop().unwrap_or_else(nothing);
        let candidates = core.backend.nearest(&asked.wanted(), &encoded.vector, core.settings.candidates)?;
        let mut team = core.verifier.compute().enter(&lookup.deadline)?;
        let verified = core.verify(lookup.prompt, &encoded, &candidates, &mut team)?;
        for (at, (candidate, verification)) in candidates.iter().zip(verified).enumerate() {
            let similarity = Similarity::of_cosine(candidate.cosine);
            let refused = core.refused(at, &candidates, &verification, &asked);
            let (entry, strategy, verification) = (candidate.entry.clone(), Strategy::Semantic, verification.read());
            asked.judged.push(Judged { entry, strategy, similarity, verification, refused });
        }
        Ok(asked.judged)
    }

    /// Keeps a response.
    ///
    /// # Errors
    /// When the prompt cannot be encoded, or the entry cannot be kept; what was kept before is then still there.
    pub fn store(&self, new: NewEntry<'_>, deadline: &Deadline) -> Result<Stored, CacheError> {
        let stored = self.store_many(vec![new], deadline).pop();
        stored.unwrap_or(Err(CacheError::Late(vetted::Expired::Time)))
    }

    /// Keeps several responses: their prompts are encoded together, and brought to the disk together. Each is kept or not for
    /// itself.
    pub fn store_many(&self, new: Vec<NewEntry<'_>>, deadline: &Deadline) -> Vec<Result<Stored, CacheError>> {
        self.core.store_many(new, deadline)
    }

    /// Changes what is kept under an id; says whether there was something. What somebody else does to the entry meanwhile is not
    /// lost: a removal stays, and another change is changed further.
    ///
    /// # Errors
    /// When it cannot be read or kept.
    pub fn update(&self, scope: &Scope, id: &EntryId, change: Change, deadline: &Deadline) -> Result<bool, CacheError> {
        let scope = self.core.scope(scope);
        for _ in 0..TRIES {
            let Some(was) = self.core.backend.get(&scope, id)? else { return Ok(false) };
            let entry = self.changed(&was, &change, deadline)?;
            if self.core.backend.replace(&was, &entry)? {
                return Ok(true);
            }
        }
        Err(CacheError::Contended { id: id.clone() })
    }

    fn changed(&self, was: &Entry, change: &Change, deadline: &Deadline) -> Result<Entry, CacheError> {
        let mut entry = was.clone();
        let now = SystemTime::now();
        if let Some(response) = &change.response {
            entry.response = response.clone();
            entry.stored_at = now;
            // It says something of its own now.
            entry.copy_of = None;
        }
        if let Some(attributes) = &change.attributes {
            entry.attributes = attributes.clone();
        }
        if let Some(sources) = &change.sources {
            entry.sources = sources.clone();
        }
        if let Some(ttl) = change.ttl {
            entry.expires_at = expiry(now, Some(ttl));
        }
        if entry.vector.is_empty() {
            let encoded = self.core.encoded_for_storing(&[&entry.prompt], deadline)?;
            (entry.vector, entry.views) = encoded.into_iter().next().unwrap_or_default();
        }
        Ok(entry)
    }

    /// Removes the entries with these ids; says how many there were.
    ///
    /// # Errors
    /// When the removal cannot be kept.
    pub fn remove(&self, scope: &Scope, ids: &[EntryId]) -> Result<usize, CacheError> {
        Ok(self.core.backend.remove(&self.core.scope(scope), ids)?)
    }

    /// Removes the entries that have all of these attributes; says how many there were.
    ///
    /// # Errors
    /// As [`remove`](Self::remove).
    pub fn remove_where(&self, scope: &Scope, attributes: &Attributes) -> Result<usize, CacheError> {
        Ok(self.core.backend.remove_where(&self.core.scope(scope), attributes)?)
    }

    /// Removes all of a scope; says how many entries there were.
    ///
    /// # Errors
    /// As [`remove`](Self::remove).
    pub fn clear(&self, scope: &Scope) -> Result<usize, CacheError> {
        Ok(self.core.backend.clear(&self.core.scope(scope))?)
    }

    /// The entry with this id.
    ///
    /// # Errors
    /// When the backend cannot be asked.
    pub fn get(&self, scope: &Scope, id: &EntryId) -> Result<Option<Arc<Entry>>, CacheError> {
        Ok(self.core.backend.get(&self.core.scope(scope), id)?)
    }

    /// How many entries a scope has.
    ///
    /// # Errors
    /// When the backend cannot be asked.
    pub fn len(&self, scope: &Scope) -> Result<usize, CacheError> {
        Ok(self.core.backend.len(&self.core.scope(scope))?)
    }

    /// Whether a scope has none.
    ///
    /// # Errors
    /// When the backend cannot be asked.
    pub fn is_empty(&self, scope: &Scope) -> Result<bool, CacheError> {
        Ok(self.len(scope)? == 0)
    }

    /// Says whether what was decided was right: whether what was served, or would have been, answers the prompt. Appended to
    /// `feedback.jsonl`, which `vetted calibrate` and `vetted drift` read; of several words about one decision the last counts.
    ///
    /// # Errors
    /// When the decision is not known (any more), was about no candidate, or cannot be written down.
    pub fn feedback(&self, decision: DecisionId, right: bool) -> Result<(), CacheError> {
        self.core.decisions.feedback(decision, right)
    }

    /// Where entries are kept.
    pub fn backend(&self) -> &dyn Backend {
        &*self.core.backend
    }

    /// How it decides.
    pub fn settings(&self) -> &CacheSettings {
        &self.core.settings
    }
}

impl Core {
    /// The scope that entries are kept under: vectors of two encoders are never compared.
    pub(crate) fn scope(&self, scope: &Scope) -> Scope {
        scope.clone().with(Scope::ENCODER, &self.fingerprint)
    }
}
