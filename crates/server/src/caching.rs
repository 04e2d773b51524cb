//! Lookups and changes of caches, as queues hand them over.

use std::sync::Arc;

use vetted::Deadline;
use vetted_cache::{
    Answer, Attributes, Cache, CacheError, Change, Cost, Entry, EntryId, Judged, Lookup, NewEntry, Scope, Source,
    Sources, Stored, Strategies, Versions, VolatileRule,
};

use crate::error::{Code, Failure};
use crate::metrics::CacheMetrics;
use crate::queue::{Item, Work};

/// A lookup that waits.
pub(crate) struct Looking {
    pub(crate) scope: Scope,
    pub(crate) prompt: String,
    pub(crate) attributes: Attributes,
    pub(crate) strategies: Strategies,
    pub(crate) least_cosine: Option<f32>,
    pub(crate) most: usize,
    /// The current versions of documents; none where the client does not say.
    pub(crate) sources: Option<Versions>,
    pub(crate) volatile: VolatileRule,
    /// Whether every candidate is wanted and nothing served.
    pub(crate) explain: bool,
}

/// What a lookup found.
pub(crate) enum Found {
    Answer(Box<Answer>),
    Candidates(Vec<Judged>),
}

/// A change that waits.
pub(crate) enum Changing {
    Store(Vec<Storing>),
    Update(Scope, EntryId, Change),
    Remove(Scope, Vec<EntryId>),
    RemoveWhere(Scope, Attributes),
    Clear(Scope),
    Get(Scope, EntryId),
}

/// A response to keep.
pub(crate) struct Storing {
    pub(crate) scope: Scope,
    pub(crate) prompt: String,
    pub(crate) response: String,
    pub(crate) attributes: Attributes,
    pub(crate) id: Option<EntryId>,
    pub(crate) ttl: Option<std::time::Duration>,
    pub(crate) sources: Vec<Source>,
    pub(crate) volatile: bool,
    pub(crate) cost: Option<Cost>,
}

/// What was changed.
pub(crate) enum Changed {
    Stored(Vec<Stored>),
    /// So many entries.
    Entries(usize),
    Entry(Option<Arc<Entry>>),
}

impl Work for Looking {
    type Answer = Found;

    fn units(&self) -> usize {
        1
    }
}

impl Work for Changing {
    type Answer = Changed;

    fn units(&self) -> usize {
        match self {
            Changing::Store(new) => new.len(),
            _ => 1,
        }
    }
}

/// Answers lookups of several clients together.
pub(crate) fn look(cache: &Cache, metrics: &CacheMetrics, items: &mut [Item<Looking>]) {
    for item in items.iter_mut().filter(|item| item.work.explain) {
        let explained = cache.explain(&lookup(&item.work, &item.deadline));
        item.outcome = Some(explained.map(Found::Candidates).map_err(Failure::from));
    }
    let mut open: Vec<&mut Item<Looking>> = items.iter_mut().filter(|item| item.outcome.is_none()).collect();
    let lookups: Vec<Lookup<'_>> = open.iter().map(|item| lookup(&item.work, &item.deadline)).collect();
    let answers = cache.lookup_many(&lookups);
    for (item, answer) in open.iter_mut().zip(answers) {
        metrics.looked(&answer);
        item.outcome = Some(Ok(Found::Answer(Box::new(answer))));
    }
}

fn lookup<'a>(work: &'a Looking, deadline: &Deadline) -> Lookup<'a> {
    Lookup {
        scope: &work.scope,
        prompt: &work.prompt,
        attributes: &work.attributes,
        strategies: work.strategies,
        least_cosine: work.least_cosine,
        most: work.most,
        sources: work.sources.as_ref().map_or(Sources::Unknown, Sources::Current),
        volatile: work.volatile,
        deadline: deadline.clone(),
    }
}

/// Makes changes in the order in which they came; responses that come one after the other are kept together.
pub(crate) fn change(cache: &Cache, metrics: &CacheMetrics, items: &mut [Item<Changing>]) {
    for run in items.chunk_by_mut(|a, b| matches!((&a.work, &b.work), (Changing::Store(_), Changing::Store(_)))) {
        if matches!(run[0].work, Changing::Store(_)) {
            store(cache, metrics, run);
            continue;
        }
        for item in run {
            let changed = match &mut item.work {
                Changing::Store(_) => continue,
                Changing::Update(scope, id, change) => {
                    let updated = cache.update(scope, id, std::mem::take(change), &item.deadline);
                    updated.map(|updated| Changed::Entries(usize::from(updated)))
                }
                Changing::Remove(scope, ids) => cache.remove(scope, ids).map(Changed::Entries),
                Changing::RemoveWhere(scope, attributes) => cache.remove_where(scope, attributes).map(Changed::Entries),
                Changing::Clear(scope) => cache.clear(scope).map(Changed::Entries),
                Changing::Get(scope, id) => cache.get(scope, id).map(Changed::Entry),
            };
            if !matches!(item.work, Changing::Get(..)) {
                metrics.written(changed.is_ok());
            }
            item.outcome = Some(changed.map_err(Failure::from));
        }
    }
    metrics.evicted(cache.backend().evicted());
}

fn store(cache: &Cache, metrics: &CacheMetrics, items: &mut [Item<Changing>]) {
    // One deadline for what is encoded together; each request's own was looked at before.
    let deadline = match items {
        [item] => item.deadline.clone(),
        _ => Deadline::none(),
    };
    let mut new = Vec::new();
    for item in items.iter() {
        let Changing::Store(own) = &item.work else { continue };
        new.extend(own.iter().map(|storing| NewEntry {
            attributes: storing.attributes.clone(),
            id: storing.id.clone(),
            ttl: storing.ttl,
            sources: storing.sources.clone(),
            volatile: storing.volatile,
            cost: storing.cost,
            ..NewEntry::new(&storing.scope, &storing.prompt, storing.response.as_bytes())
        }));
    }
    let mut stored = cache.store_many(new, &deadline).into_iter();
    for item in items {
        let Changing::Store(own) = &item.work else { continue };
        let outcomes: Vec<Result<Stored, CacheError>> = stored.by_ref().take(own.len()).collect();
        outcomes.iter().for_each(|outcome| metrics.written(outcome.is_ok()));
        let all = outcomes.into_iter().collect::<Result<Vec<_>, _>>();
        item.outcome = Some(all.map(Changed::Stored).map_err(Failure::from));
    }
}

impl From<CacheError> for Failure {
    fn from(error: CacheError) -> Failure {
        match error {
            CacheError::Late(expired) => expired.into(),
            error => Failure::new(Code::from(error.kind()), error.to_string()),
        }
    }
}
