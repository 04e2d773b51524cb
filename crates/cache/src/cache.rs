//! A cache: a backend that finds, a verifier that reads, and the rules.

use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime};

use tracing::Span;

use vetted::{Deadline, EncodedPrompt, KeptPrompt, Team, Verification, Verifier};
use vetted_encoder::Encoder;

use crate::answer::{Answer, DecisionId, Hit, Judged, Miss, Outcome, Refusal, Similarity, Strategy, Took};
use crate::decisions::{Decision, Decisions};
use crate::flight::Flights;
use crate::opinion::{NearMiss, Opinions};
use crate::{
    Across, Attributes, Backend, CacheError, CacheSettings, Candidate, Change, Entry, EntryId, Lookup, NewEntry, Scope,
    Seen, Sources, VolatileRule, Volatility, Wanted, telemetry, views,
};

/// A semantic cache. Share one among threads.
pub struct Cache {
    pub(crate) core: Arc<Core>,
    pub(crate) flights: Flights,
    opinions: Option<Opinions>,
}

/// What lookups and second opinions share.
pub(crate) struct Core {
    pub(crate) backend: Arc<dyn Backend>,
    verifier: Arc<Verifier>,
    encoder: Arc<Encoder>,
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

/// A prompt's vector and the record of its views.
type ForStoring = (Vec<f32>, Option<Vec<u8>>);

/// So many of the nearest are read first. The nearest is mostly the one, and reading costs more than finding.
const READ_FIRST: usize = 2;

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
        let fingerprint = format!("{fingerprint}/{precision}");
        let decisions = Decisions::open(settings.decisions.as_deref(), settings.prompts_in_decisions)?;
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

    /// Changes what is kept under an id; says whether there was something.
    ///
    /// # Errors
    /// When it cannot be read or kept.
    pub fn update(&self, scope: &Scope, id: &EntryId, change: Change, deadline: &Deadline) -> Result<bool, CacheError> {
        let scope = self.core.scope(scope);
        let Some(entry) = self.core.backend.get(&scope, id)? else { return Ok(false) };
        let mut entry = Entry::clone(&entry);
        let now = SystemTime::now();
        if let Some(response) = change.response {
            entry.response = response;
            entry.stored_at = now;
        }
        if let Some(attributes) = change.attributes {
            entry.attributes = attributes;
        }
        if let Some(sources) = change.sources {
            entry.sources = sources;
        }
        if let Some(ttl) = change.ttl {
            entry.expires_at = expiry(now, Some(ttl));
        }
        if entry.vector.is_empty() {
            let encoded = self.core.encoded_for_storing(&[&entry.prompt], deadline)?;
            (entry.vector, entry.views) = encoded.into_iter().next().unwrap_or_default();
        }
        self.core.backend.put(&entry)?;
        Ok(true)
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
    /// `feedback.jsonl`, which `vetted calibrate` reads.
    ///
    /// # Errors
    /// When the decision is not known (any more), or cannot be written down.
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

/// A lookup on its way.
struct Asked<'a, 'l> {
    lookup: &'l Lookup<'a>,
    span: Span,
    scope: Scope,
    volatility: Volatility,
    begun: Instant,
    now: SystemTime,
    encoded: Option<EncodedPrompt>,
    judged: Vec<Judged>,
    hits: Vec<Hit>,
    /// What keeps the lookup from going on.
    over: Option<Miss>,
    /// The candidate that came nearest to being accepted of those that were not, and how sure the verifier is.
    nearly: Option<(Arc<Entry>, f32)>,
    score: Option<f32>,
    took: Took,
}

/// What the verifier says of a candidate, if it was asked.
pub(crate) enum Read {
    /// It read.
    Said(Verification),
    /// Longer than it reads.
    TooLong,
}

impl Read {
    fn read(self) -> Option<Verification> {
        match self {
            Read::Said(verification) => Some(verification),
            Read::TooLong => None,
        }
    }
}

impl<'a, 'l> Asked<'a, 'l> {
    fn new(lookup: &'l Lookup<'a>, core: &Core) -> Asked<'a, 'l> {
        let scope = core.scope(lookup.scope);
        Asked {
            lookup,
            span: telemetry::lookup(core.backend.name(), &scope),
            scope,
            volatility: Volatility::of(lookup.prompt),
            begun: Instant::now(),
            now: SystemTime::now(),
            encoded: None,
            judged: Vec::new(),
            hits: Vec::new(),
            over: None,
            nearly: None,
            score: None,
            took: Took::default(),
        }
    }

    fn wanted(&self) -> Wanted<'_> {
        let Lookup { prompt, attributes, deadline, .. } = self.lookup;
        Wanted { scope: &self.scope, prompt, attributes, now: self.now, deadline }
    }

    fn is_done(&self) -> bool {
        self.over.is_some() || self.hits.len() >= self.lookup.most.max(1)
    }

    fn served(&mut self, entry: &Arc<Entry>, strategy: Strategy, similarity: Similarity, read: Option<&Verification>) {
        let (entry, verification) = (entry.clone(), read.cloned());
        let age = self.now.duration_since(entry.stored_at).unwrap_or_default();
        self.hits.push(Hit { entry, strategy, similarity, verification, age });
    }
}

impl Core {
    /// The scope that entries are kept under: vectors of two encoders are never compared.
    pub(crate) fn scope(&self, scope: &Scope) -> Scope {
        scope.clone().with(Scope::ENCODER, &self.fingerprint)
    }

    fn look_by_words(&self, asked: &mut Asked<'_, '_>) {
        if !asked.lookup.strategies.by_words() {
            return;
        }
        let begun = Instant::now();
        let found = telemetry::stage("search").in_scope(|| self.backend.exact(&asked.wanted()));
        asked.took.search += begun.elapsed();
        let entry = match found {
            Ok(Some(entry)) => entry,
            Ok(None) => return,
            Err(error) => {
                asked.over = Some(error.into());
                return;
            }
        };
        let refused = self.refused_by_rules(&entry, asked);
        let similarity = Similarity::EQUAL;
        if refused.is_none() {
            asked.served(&entry, Strategy::Exact, similarity, None);
        }
        asked.judged.push(Judged { entry, strategy: Strategy::Exact, similarity, verification: None, refused });
    }

    /// Encodes the prompts of those that are not answered yet.
    fn encode(&self, asked: &mut [Asked<'_, '_>]) {
        let mut open = Vec::new();
        for asked in asked.iter_mut().filter(|asked| !asked.is_done() && asked.lookup.strategies.by_meaning()) {
            match self.verifier.reads_whole(asked.lookup.prompt) {
                _ if asked.lookup.prompt.trim().is_empty() => asked.over = Some(Miss::NoText),
                Ok(true) => open.push(asked),
                Ok(false) => asked.over = Some(Miss::TooLong),
                Err(error) => asked.over = Some(vetted::Error::from(error).into()),
            }
        }
        // Of several together, nobody's deadline ends the others' work.
        let deadline = match open.as_slice() {
            [asked] => asked.lookup.deadline.clone(),
            _ => Deadline::none(),
        };
        let begun = Instant::now();
        let prompts: Vec<&str> = open.iter().map(|asked| asked.lookup.prompt).collect();
        if prompts.is_empty() {
            return;
        }
        let encoded = telemetry::stage("embed").in_scope(|| self.encode_prompts(&prompts, &deadline));
        let took = begun.elapsed();
        match encoded {
            Ok(encoded) => {
                for (asked, encoded) in open.into_iter().zip(encoded) {
                    asked.took.embed = took;
                    asked.encoded = Some(encoded);
                }
            }
            Err(CacheError::Late(_)) => open.into_iter().for_each(|asked| asked.over = Some(Miss::Late)),
            // One prompt's fault is no other's.
            Err(_) => {
                for asked in open {
                    match self.encode_prompts(&[asked.lookup.prompt], &asked.lookup.deadline) {
                        Ok(mut encoded) => asked.encoded = encoded.pop(),
                        Err(error) => asked.over = Some(error.into()),
                    }
                    asked.took.embed = took;
                }
            }
        }
    }

    fn look_by_meaning(&self, asked: &mut Asked<'_, '_>) {
        let Some(encoded) = asked.encoded.take() else { return };
        if asked.is_done() {
            return;
        }
        let begun = Instant::now();
        let most = self.settings.candidates.max(asked.lookup.most);
        let search = || self.backend.nearest(&asked.wanted(), &encoded.vector, most);
        let candidates = telemetry::stage("search").in_scope(search);
        asked.took.search += begun.elapsed();
        let candidates = match candidates {
            Ok(candidates) => candidates,
            Err(error) => {
                asked.over = Some(error.into());
                return;
            }
        };
        let begun = Instant::now();
        let read = telemetry::stage("verify").in_scope(|| self.read_in_turn(asked, &encoded, &candidates));
        if let Err(error) = read {
            asked.over = Some(error.into());
        }
        asked.took.verify = begun.elapsed();
    }

    /// Reads the nearest first, and the others only where these are not served.
    fn read_in_turn(
        &self,
        asked: &mut Asked<'_, '_>,
        encoded: &EncodedPrompt,
        candidates: &[Candidate],
    ) -> Result<(), CacheError> {
        // What is not near enough need not be read; the equal prompt was looked at.
        let is_near = |it: &Candidate| asked.lookup.least_cosine.is_none_or(|least| it.cosine >= least);
        let near = candidates.iter().take_while(|it| is_near(it)).count();
        let equal = asked.judged.first().map(|judged| judged.entry.id.clone());
        let mut team = self.verifier.compute().enter(&asked.lookup.deadline)?;
        let mut at = 0;
        while at < near && !asked.is_done() {
            let end = if at == 0 { near.min(READ_FIRST) } else { near };
            let verified = self.verify(asked.lookup.prompt, encoded, &candidates[at..end], &mut team)?;
            for (place, read) in (at..end).zip(verified) {
                let candidate = &candidates[place];
                if asked.is_done() || Some(&candidate.entry.id) == equal.as_ref() {
                    continue;
                }
                let similarity = Similarity::of_cosine(candidate.cosine);
                let refused = self.refused(place, candidates, &read, asked);
                let score = self.score(place, candidates, &read, asked);
                let verification = read.read();
                if refused.is_none() {
                    asked.score = asked.score.or(score);
                    asked.served(&candidate.entry, Strategy::Semantic, similarity, verification.as_ref());
                } else if refused == Some(Refusal::NotEquivalent)
                    && let Some(score) = score
                    && asked.nearly.as_ref().is_none_or(|(_, best)| score > *best)
                {
                    asked.nearly = Some((candidate.entry.clone(), score));
                }
                let (entry, strategy) = (candidate.entry.clone(), Strategy::Semantic);
                asked.judged.push(Judged { entry, strategy, similarity, verification, refused });
            }
            at = end;
        }
        for candidate in &candidates[near..] {
            if asked.is_done() {
                break;
            }
            let (similarity, refused) = (Similarity::of_cosine(candidate.cosine), Some(Refusal::BelowSimilarity));
            let (entry, strategy) = (candidate.entry.clone(), Strategy::Semantic);
            asked.judged.push(Judged { entry, strategy, similarity, verification: None, refused });
        }
        Ok(())
    }

    /// What the verifier says of each candidate.
    fn verify(
        &self,
        prompt: &str,
        encoded: &EncodedPrompt,
        candidates: &[Candidate],
        team: &mut Team,
    ) -> Result<Vec<Read>, CacheError> {
        let mut kept = Vec::with_capacity(candidates.len());
        for Candidate { entry, .. } in candidates {
            let views = entry.views.as_deref().and_then(|record| views::decode(&self.verifier, record, &entry.prompt));
            // What has views is read to its end.
            let is_read = views.is_some() || self.verifier.reads_whole(&entry.prompt).map_err(vetted::Error::from)?;
            kept.push(is_read.then_some(KeptPrompt { text: &entry.prompt, views }));
        }
        let own = KeptPrompt { text: prompt, views: encoded.views.clone() };
        let read: Vec<KeptPrompt<'_>> = kept.iter().flatten().cloned().collect();
        let mut verified = match read.is_empty() {
            true => Vec::new(),
            false => self.verifier.verify_prompt(&own, &read, team).map_err(vetted::Error::from)?,
        }
        .into_iter();
        let said = |kept: Option<KeptPrompt<'_>>| match kept.and_then(|_| verified.next()) {
            Some(verification) => Read::Said(verification),
            None => Read::TooLong,
        };
        Ok(kept.into_iter().map(said).collect())
    }

    fn refused(&self, at: usize, candidates: &[Candidate], read: &Read, asked: &Asked<'_, '_>) -> Option<Refusal> {
        let Candidate { entry, cosine } = &candidates[at];
        if asked.lookup.least_cosine.is_some_and(|least| *cosine < least) {
            return Some(Refusal::BelowSimilarity);
        }
        match read {
            Read::TooLong => Some(Refusal::TooLong),
            Read::Said(verification) => {
                let seen = seen(at, candidates, verification, asked.lookup.prompt, asked.lookup.scope);
                match self.settings.acceptance.accepts(&seen) {
                    true => self.refused_by_rules(entry, asked),
                    false => Some(Refusal::NotEquivalent),
                }
            }
        }
    }

    fn score(&self, at: usize, candidates: &[Candidate], read: &Read, asked: &Asked<'_, '_>) -> Option<f32> {
        match read {
            Read::TooLong => None,
            Read::Said(verification) => self.settings.acceptance.score(&seen(
                at,
                candidates,
                verification,
                asked.lookup.prompt,
                asked.lookup.scope,
            )),
        }
    }

    /// What keeps a response from being served to a prompt that means the same.
    fn refused_by_rules(&self, entry: &Entry, asked: &Asked<'_, '_>) -> Option<Refusal> {
        if asked.lookup.volatile == VolatileRule::Guarded {
            let volatility = asked.volatility.or(Volatility::of(&entry.prompt));
            // A clock that was set back makes no entry young.
            let is_young = asked.now.duration_since(entry.stored_at).is_ok_and(|age| age <= self.settings.moment);
            if (volatility.of_the_moment || entry.volatile) && !is_young {
                return Some(Refusal::Volatile(Across::Time));
            }
            if volatility.of_a_person && asked.lookup.scope.part(Scope::USER).is_none() {
                return Some(Refusal::Volatile(Across::Users));
            }
        }
        match (asked.lookup.sources, asked.lookup.sources.changed(&entry.sources)) {
            (_, None) => None,
            (Sources::Unknown, Some(_)) => Some(Refusal::SourcesUnchecked),
            (_, Some(source)) => Some(Refusal::SourceChanged(source.clone())),
        }
    }

    fn conclude(&self, mut asked: Asked<'_, '_>) -> Answer {
        asked.took.total = asked.begun.elapsed();
        let outcome = match asked.hits.is_empty() {
            // What failed after something was found does not take it away.
            false => Outcome::Hit(std::mem::take(&mut asked.hits)),
            true => Outcome::Miss(match asked.over.take() {
                Some(miss) => miss,
                None => {
                    let reasons = asked.judged.iter().filter_map(|judged| judged.refused.as_ref());
                    reasons.max_by_key(|reason| reason.came_far()).map_or(Miss::NoCandidate, Refusal::as_miss)
                }
            }),
        };
        let decision = DecisionId::random();
        let noted = Decision::of(&outcome, &asked.judged, asked.score, asked.lookup);
        if let Some(noted) = noted {
            self.decisions.note(decision, noted, self.settings.shadow);
        }
        let outcome = match outcome {
            Outcome::Hit(_) if self.settings.shadow => Outcome::Miss(Miss::Shadow),
            outcome => outcome,
        };
        telemetry::concluded(&asked.span, &outcome);
        if let Outcome::Hit(hits) = &outcome {
            hits.iter().for_each(|hit| self.backend.served(&asked.scope, &hit.entry.id));
        }
        Answer { decision, outcome, candidates: asked.judged, took: asked.took }
    }

    pub(crate) fn store_many(&self, new: Vec<NewEntry<'_>>, deadline: &Deadline) -> Vec<Result<Stored, CacheError>> {
        let prompts: Vec<&str> = new.iter().map(|new| new.prompt).collect();
        let encoded = match self.encoded_for_storing(&prompts, deadline) {
            Ok(encoded) => encoded.into_iter().map(Ok).collect(),
            // One prompt's fault is no other's.
            Err(error) if prompts.len() == 1 => vec![Err(error)],
            Err(_) => {
                let alone = |prompt: &&str| {
                    let encoded = self.encoded_for_storing(&[prompt], deadline)?;
                    Ok(encoded.into_iter().next().unwrap_or_default())
                };
                prompts.iter().map(alone).collect::<Vec<_>>()
            }
        };
        let now = SystemTime::now();
        let entry = |(new, encoded): (NewEntry<'_>, Result<ForStoring, CacheError>)| {
            let (vector, views) = encoded?;
            let scope = self.scope(new.scope);
            Ok(Entry {
                id: new.id.unwrap_or_else(|| EntryId::of(&scope, new.prompt, &new.attributes)),
                scope,
                prompt: new.prompt.to_owned(),
                response: new.response,
                attributes: new.attributes,
                vector,
                views,
                sources: new.sources,
                volatile: new.volatile,
                stored_at: now,
                expires_at: expiry(now, new.ttl.or(self.settings.ttl)),
            })
        };
        let entries: Vec<Result<Entry, CacheError>> = new.into_iter().zip(encoded).map(entry).collect();
        let kept: Vec<&Entry> = entries.iter().filter_map(|entry| entry.as_ref().ok()).collect();
        let mut kept = self.backend.put_many(&kept).into_iter();
        let stored = |entry: Result<Entry, CacheError>| {
            let entry = entry?;
            kept.next().unwrap_or(Ok(()))?;
            Ok(Stored { by_meaning: !entry.vector.is_empty(), id: entry.id })
        };
        entries.into_iter().map(stored).collect()
    }

    /// Vectors and records of views; nothing for prompts that are served to equal ones only.
    pub(crate) fn encoded_for_storing(
        &self,
        prompts: &[&str],
        deadline: &Deadline,
    ) -> Result<Vec<ForStoring>, CacheError> {
        let mut whole = Vec::with_capacity(prompts.len());
        for prompt in prompts {
            whole.push(!prompt.trim().is_empty() && self.verifier.reads_whole(prompt).map_err(vetted::Error::from)?);
        }
        let read: Vec<&str> =
            prompts.iter().zip(&whole).filter(|(_, whole)| **whole).map(|(prompt, _)| *prompt).collect();
        let encoded = if read.is_empty() { Vec::new() } else { self.encode_prompts(&read, deadline)? };
        let mut encoded = encoded.into_iter();
        let of = |whole: bool| {
            let EncodedPrompt { vector, views } = if whole { encoded.next()? } else { return None };
            Some((vector, views.as_ref().and_then(|own| views::encode(&self.verifier, own))))
        };
        Ok(whole.into_iter().map(of).map(Option::unwrap_or_default).collect())
    }

    fn encode_prompts(&self, prompts: &[&str], deadline: &Deadline) -> Result<Vec<EncodedPrompt>, CacheError> {
        let mut team = self.verifier.compute().enter(deadline)?;
        let encoded = self.verifier.encode_prompts(prompts, &self.encoder, &mut team);
        Ok(encoded.map_err(vetted::Error::from)?)
    }
}

impl Answer {
    fn missed(miss: Miss, took: Took) -> Answer {
        Answer { decision: DecisionId::random(), outcome: Outcome::Miss(miss), candidates: Vec::new(), took }
    }
}

fn seen<'a>(
    at: usize,
    candidates: &'a [Candidate],
    verification: &'a Verification,
    prompt: &'a str,
    scope: &'a Scope,
) -> Seen<'a> {
    let Candidate { entry, cosine, .. } = &candidates[at];
    let gap = candidates.get(at + 1).map(|next| cosine - next.cosine);
    let (similarity, tenant) = (Similarity::of_cosine(*cosine), scope.part(Scope::TENANT));
    Seen { prompt, kept: &entry.prompt, similarity, gap, verification, tenant }
}

fn nothing() -> EncodedPrompt {
    EncodedPrompt { vector: Vec::new(), views: None }
}

/// For ever where the clock does not reach so far.
fn expiry(now: SystemTime, ttl: Option<Duration>) -> Option<SystemTime> {
    now.checked_add(ttl?)
}
