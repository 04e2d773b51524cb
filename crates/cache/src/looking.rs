//! The way of a lookup: equal prompts, then what is near, read in turn.

use std::cmp::Ordering;
use std::sync::Arc;
use std::time::{Instant, SystemTime};

use tracing::Span;
use vetted::{Deadline, EncodedPrompt, KeptPrompt, Team, Verification};

use crate::answer::{Answer, DecisionId, Hit, Judged, Miss, Outcome, Refusal, Similarity, Strategy, Took};
use crate::cache::Core;
use crate::decisions::Decision;
use crate::{
    Across, CacheError, Candidate, Entry, Lookup, Scope, Seen, Sources, VolatileRule, Volatility, Wanted, telemetry,
    views,
};

/// So many of the nearest are read first. The nearest is mostly the one, and reading costs more than finding.
const READ_FIRST: usize = 2;

/// A lookup on its way.
pub(crate) struct Asked<'a, 'l> {
    pub(crate) lookup: &'l Lookup<'a>,
    pub(crate) span: Span,
    pub(crate) scope: Scope,
    volatility: Volatility,
    begun: Instant,
    now: SystemTime,
    encoded: Option<EncodedPrompt>,
    pub(crate) judged: Vec<Judged>,
    hits: Vec<Hit>,
    /// What keeps the lookup from going on.
    over: Option<Miss>,
    /// The candidate that came nearest to being accepted of those that were not, and how sure the verifier is.
    pub(crate) nearly: Option<(Arc<Entry>, f32)>,
    /// Of each that was judged, what is compared with a threshold.
    scores: Vec<Option<f32>>,
    took: Took,
}

/// The candidate that a decision is about.
pub(crate) struct Considered<'a> {
    pub(crate) judged: &'a Judged,
    /// Whether it was accepted, which rules may have overruled.
    pub(crate) accepted: bool,
    /// What is compared with a threshold; none of equal prompts, and of what was not verified.
    pub(crate) score: Option<f32>,
}

/// What the verifier says of a candidate, if it was asked.
pub(crate) enum Read {
    /// It read.
    Said(Verification),
    /// Longer than it reads.
    TooLong,
}

impl Read {
    pub(crate) fn read(self) -> Option<Verification> {
        match self {
            Read::Said(verification) => Some(verification),
            Read::TooLong => None,
        }
    }
}

impl<'a, 'l> Asked<'a, 'l> {
    pub(crate) fn new(lookup: &'l Lookup<'a>, core: &Core) -> Asked<'a, 'l> {
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
            scores: Vec::new(),
            took: Took::default(),
        }
    }

    pub(crate) fn wanted(&self) -> Wanted<'_> {
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

    fn judge(&mut self, judged: Judged, score: Option<f32>) {
        self.judged.push(judged);
        self.scores.push(score);
    }

    /// The candidate that is served first, or else that came nearest to it: accepted before not, and then as the threshold sees it.
    fn considered(&self) -> Option<Considered<'_>> {
        let all = self.judged.iter().zip(&self.scores).map(|(judged, score)| {
            let accepted = judged.refused.as_ref().is_none_or(Refusal::is_by_rules);
            Considered { judged, accepted, score: *score }
        });
        let read = all.filter(|it| it.judged.refused.is_none() || it.judged.verification.is_some());
        // Of equals, the nearest.
        read.min_by(|a, b| {
            let is_refused = |it: &Considered<'_>| it.judged.refused.is_some();
            let score = |it: &Considered<'_>| it.score.unwrap_or(f32::NEG_INFINITY);
            let by_score = || match is_refused(a) {
                true => b.accepted.cmp(&a.accepted).then_with(|| score(b).total_cmp(&score(a))),
                false => Ordering::Equal,
            };
            is_refused(a).cmp(&is_refused(b)).then_with(by_score)
        })
    }
}

impl Core {
    pub(crate) fn look_by_words(&self, asked: &mut Asked<'_, '_>) {
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
        asked.judge(Judged { entry, strategy: Strategy::Exact, similarity, verification: None, refused }, None);
    }

    /// Encodes the prompts of those that are not answered yet.
    pub(crate) fn encode(&self, asked: &mut [Asked<'_, '_>]) {
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

    pub(crate) fn look_by_meaning(&self, asked: &mut Asked<'_, '_>) {
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
                    asked.served(&candidate.entry, Strategy::Semantic, similarity, verification.as_ref());
                } else if refused == Some(Refusal::NotEquivalent)
                    && let Some(score) = score
                    && asked.nearly.as_ref().is_none_or(|(_, best)| score > *best)
                {
                    asked.nearly = Some((candidate.entry.clone(), score));
                }
                let (entry, strategy) = (candidate.entry.clone(), Strategy::Semantic);
                asked.judge(Judged { entry, strategy, similarity, verification, refused }, score);
            }
            at = end;
        }
        for candidate in &candidates[near..] {
            if asked.is_done() {
                break;
            }
            let (similarity, refused) = (Similarity::of_cosine(candidate.cosine), Some(Refusal::BelowSimilarity));
            let (entry, strategy) = (candidate.entry.clone(), Strategy::Semantic);
            asked.judge(Judged { entry, strategy, similarity, verification: None, refused }, None);
        }
        Ok(())
    }

    /// What the verifier says of each candidate.
    pub(crate) fn verify(
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

    pub(crate) fn refused(
        &self,
        at: usize,
        candidates: &[Candidate],
        read: &Read,
        asked: &Asked<'_, '_>,
    ) -> Option<Refusal> {
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
    pub(crate) fn refused_by_rules(&self, entry: &Entry, asked: &Asked<'_, '_>) -> Option<Refusal> {
        if asked.lookup.volatile == VolatileRule::Guarded {
            let volatility = asked.volatility.or(Volatility::of(&entry.prompt));
            // A clock that was set back makes no entry young.
            let is_young = asked.now.duration_since(entry.stored_at).is_ok_and(|age| age <= self.settings.moment);
            if (volatility.of_the_moment || entry.volatile) && !is_young {
                return Some(Refusal::Volatile(Across::Time));
            }
            if volatility.of_a_person && !says_who_asks(asked.lookup.scope) {
                return Some(Refusal::Volatile(Across::Users));
            }
        }
        match (asked.lookup.sources, asked.lookup.sources.changed(&entry.sources)) {
            (_, None) => (!self.stands(entry, asked)).then_some(Refusal::OriginalGone),
            (Sources::Unknown, Some(_)) => Some(Refusal::SourcesUnchecked),
            (_, Some(source)) => Some(Refusal::SourceChanged(source.clone())),
        }
    }

    /// Whether it is no copy, or its original still says the same. What cannot be looked up does not.
    fn stands(&self, entry: &Entry, asked: &Asked<'_, '_>) -> bool {
        let Some(original) = &entry.copy_of else { return true };
        match self.backend.get(&asked.scope, original) {
            Ok(Some(original)) => !original.is_over(asked.now) && original.response == entry.response,
            Ok(None) => false,
            Err(error) => {
                tracing::warn!(%error, "whether a copied answer still stands cannot be looked up: it is not served");
                false
            }
        }
    }

    /// Whether the answer is for whoever asks, and nobody knows who does.
    pub(crate) fn is_for_one(&self, lookup: &Lookup<'_>) -> bool {
        lookup.volatile == VolatileRule::Guarded
            && Volatility::of(lookup.prompt).of_a_person
            && !says_who_asks(lookup.scope)
    }

    pub(crate) fn conclude(&self, mut asked: Asked<'_, '_>) -> Answer {
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
        let (scale, shadow) = (self.settings.acceptance.scale(), self.settings.shadow);
        let noted = || Decision::of(&outcome, asked.considered(), scale, shadow, asked.lookup);
        self.decisions.note(decision, shadow, noted);
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
}

impl Answer {
    pub(crate) fn missed(miss: Miss, took: Took) -> Answer {
        Answer { decision: DecisionId::random(), outcome: Outcome::Miss(miss), candidates: Vec::new(), took }
    }
}

/// A blank name is nobody's.
fn says_who_asks(scope: &Scope) -> bool {
    scope.part(Scope::USER).is_some_and(|user| !user.trim().is_empty())
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

pub(crate) fn nothing() -> EncodedPrompt {
    EncodedPrompt { vector: Vec::new(), views: None }
}
