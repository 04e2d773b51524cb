//! `/v1/cache/{name}/...`: looking up, storing, changing and removing, in vetted's own shape.

use std::sync::Arc;

use axum::Json;
use axum::extract::{Path, Query, State};
use axum::response::{IntoResponse, Response};
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};
use vetted_cache::Answer;

use crate::ask::Ask;
use crate::auth::Rights;
use crate::caching::{Changed, Changing, Found, Looking, Storing};
use crate::error::{Code, Failure};
use crate::service::{ServedCache, Service};
use crate::shapes::cache::{
    CacheExplainAnswer, CacheShape, CachesAnswer, CandidateShape, ChangedAnswer, ClearRequest, EntryShape,
    FeedbackAnswer, FeedbackRequest, LookupAnswer, LookupRequest, NewEntryShape, RemoveRequest, ScopeParts,
    ServedEntry, StoreAnswer, StoredShape, UpdateRequest, cost, entry_id, pairs, scope, sources, strategies, ttl,
};

/// So many entries may be asked for.
const MOST_ENTRIES: usize = 100;

/// The part of a path that names a cache, or a cache and an entry.
pub(super) type Named<T> = Result<Path<T>, axum::extract::rejection::PathRejection>;

pub(super) fn named<T>(path: Named<T>) -> Result<T, Failure> {
    path.map(|Path(named)| named).map_err(|error| Failure::invalid(error.body_text()))
}

/// The parts of a scope in a query string: `?tenant=acme&user=7`.
type AskedScope = Result<Query<Vec<(String, String)>>, axum::extract::rejection::QueryRejection>;

/// None where nothing is asked for.
fn asked_scope(asked: AskedScope) -> Result<Option<ScopeParts>, Failure> {
    let Query(pairs) = asked.map_err(|error| Failure::invalid(error.body_text()))?;
    let mut parts = ScopeParts::new();
    for (name, value) in pairs {
        if let Some(other) = parts.insert(name.clone(), value) {
            return Err(Failure::invalid(format!(
                "{name:?} is asked for twice, also as {other:?}: of whom is the entry?"
            )));
        }
    }
    Ok((!parts.is_empty()).then_some(parts))
}

/// A body that is an object: an array would be read by places.
fn object<T: DeserializeOwned>(ask: &Ask) -> Result<T, Failure> {
    let object: Map<String, Value> = ask.json()?;
    serde_json::from_value(Value::Object(object)).map_err(|error| Failure::of_json(&error))
}

/// Lists caches.
pub(super) async fn list(State(service): State<Arc<Service>>, ask: Ask) -> Response {
    let writable = service.settings.writable && ask.caller.rights == Rights::Write;
    let seen = service.caches.iter().filter(|cache| ask.caller.may_see(&cache.name));
    let shape = |it: &ServedCache| CacheShape {
        name: it.name.clone(),
        backend: it.cache.backend().name(),
        shadow: it.cache.settings().shadow,
        writable,
    };
    Json(CachesAnswer { caches: seen.map(shape).collect() }).into_response()
}

/// Looks for what may be served.
pub(super) async fn lookup(
    State(service): State<Arc<Service>>,
    name: Named<String>,
    ask: Ask,
) -> Result<Response, Failure> {
    let cache = service.cache(&ask.caller, &named(name)?)?;
    let looking = looking(&service, cache, object(&ask)?, false)?;
    let answer = answered(cache, looking, &ask).await?;
    let entries: Vec<ServedEntry> = match &answer.outcome {
        vetted_cache::Outcome::Hit(hits) => hits.iter().map(ServedEntry::from).collect(),
        vetted_cache::Outcome::Miss(_) => Vec::new(),
    };
    let (miss, why) = (answer.miss().map(|it| it.name().to_owned()), answer.miss().map(ToString::to_string));
    let (cache, hit, decision) = (cache.name.clone(), !entries.is_empty(), answer.decision.to_string());
    Ok(Json(LookupAnswer { cache, hit, miss, why, decision, entries }).into_response())
}

/// Shows every candidate.
pub(super) async fn explain(
    State(service): State<Arc<Service>>,
    name: Named<String>,
    ask: Ask,
) -> Result<Response, Failure> {
    let cache = service.cache(&ask.caller, &named(name)?)?;
    let looking = looking(&service, cache, object(&ask)?, true)?;
    let Found::Candidates(judged) = cache.lookups.submit(looking, ask.deadline).await?.answer else {
        return Err(mistaken());
    };
    let candidates = judged.iter().map(CandidateShape::from).collect();
    Ok(Json(CacheExplainAnswer { cache: cache.name.clone(), candidates }).into_response())
}

fn looking(service: &Service, cache: &ServedCache, request: LookupRequest, explain: bool) -> Result<Looking, Failure> {
    let LookupRequest { prompt, scope: parts, attributes, strategies: names, min_cosine, k, sources, volatile } =
        request;
    check_prompt(service, &prompt)?;
    if min_cosine.is_some_and(|least| !(-1.0..=1.0).contains(&least)) {
        return Err(Failure::invalid("`min_cosine` is a number from -1 to 1"));
    }
    Ok(Looking {
        scope: scope(&cache.name, parts)?,
        prompt,
        attributes: pairs("attributes", attributes)?,
        strategies: strategies(names.as_deref())?,
        least_cosine: min_cosine,
        most: check_count("k", k)?,
        sources,
        volatile: volatile.map(Into::into).unwrap_or_default(),
        explain,
    })
}

pub(super) fn check_count(field: &str, count: Option<usize>) -> Result<usize, Failure> {
    match count.unwrap_or(1) {
        count @ 1..=MOST_ENTRIES => Ok(count),
        _ => Err(Failure::invalid(format!("`{field}` is a number from 1 to {MOST_ENTRIES}"))),
    }
}

pub(super) fn check_prompt(service: &Service, prompt: &str) -> Result<(), Failure> {
    super::check_text(service, "prompt", prompt)
}

/// What may be served.
pub(super) async fn answered(cache: &ServedCache, looking: Looking, ask: &Ask) -> Result<Answer, Failure> {
    match cache.lookups.submit(looking, ask.deadline).await?.answer {
        Found::Answer(answer) => Ok(*answer),
        Found::Candidates(_) => Err(mistaken()),
    }
}

/// Keeps one response or several.
pub(super) async fn store(
    State(service): State<Arc<Service>>,
    name: Named<String>,
    ask: Ask,
) -> Result<Response, Failure> {
    let cache = writable(&service, &ask, &named(name)?)?;
    let given = new_entries(ask.json()?)?;
    let most = service.settings.limits.texts;
    if given.is_empty() || given.len() > most {
        return Err(Failure::invalid(format!("`entries` has {}: give from 1 to {most} at once", given.len())));
    }
    let storing = given.into_iter().map(|entry| storing(&service, &cache.name, entry));
    let stored = keep(cache, storing.collect::<Result<_, _>>()?, &ask).await?;
    let shape = |it: vetted_cache::Stored| StoredShape { id: it.id.to_string(), by_meaning: it.by_meaning };
    let stored = stored.into_iter().map(shape).collect();
    Ok(Json(StoreAnswer { cache: cache.name.clone(), stored }).into_response())
}

/// What a [`StoreRequest`] has. Read by hand, so that a message says which field is wrong.
fn new_entries(body: Value) -> Result<Vec<NewEntryShape>, Failure> {
    let wrong = |error: serde_json::Error| Failure::of_json(&error);
    let objects = |entries: &[Value]| match entries.iter().all(Value::is_object) {
        true => Ok(()),
        false => Err(Failure::invalid("an entry is an object")),
    };
    match body {
        Value::Object(mut object) if object.contains_key("entries") => {
            if let Some(other) = object.keys().find(|name| *name != "entries") {
                let message = format!("beside `entries` there is {other:?}: each entry has its own, put it there");
                return Err(Failure::invalid(message));
            }
            let entries: Vec<Value> =
                serde_json::from_value(object.remove("entries").unwrap_or_default()).map_err(wrong)?;
            objects(&entries)?;
            entries.into_iter().map(|entry| serde_json::from_value(entry).map_err(wrong)).collect()
        }
        other => {
            objects(std::slice::from_ref(&other))?;
            Ok(vec![serde_json::from_value(other).map_err(wrong)?])
        }
    }
}

fn storing(service: &Service, cache: &str, given: NewEntryShape) -> Result<Storing, Failure> {
    check_prompt(service, &given.prompt)?;
    Ok(Storing {
        scope: scope(cache, given.scope)?,
        prompt: given.prompt,
        response: given.response,
        attributes: pairs("attributes", given.attributes)?,
        id: given.id.as_deref().map(entry_id).transpose()?,
        ttl: ttl(given.ttl_seconds)?,
        sources: sources(given.sources),
        volatile: given.volatile.unwrap_or_default(),
        cost: given.cost.map(cost).transpose()?,
    })
}

pub(super) async fn keep(
    cache: &ServedCache,
    storing: Vec<Storing>,
    ask: &Ask,
) -> Result<Vec<vetted_cache::Stored>, Failure> {
    match cache.changes.submit(Changing::Store(storing), ask.deadline).await?.answer {
        Changed::Stored(stored) => Ok(stored),
        Changed::Entries(_) | Changed::Entry(_) => Err(mistaken()),
    }
}

/// Shows an entry of the scope that is asked for.
pub(super) async fn get(
    State(service): State<Arc<Service>>,
    path: Named<(String, String)>,
    parts: AskedScope,
    ask: Ask,
) -> Result<Response, Failure> {
    let (name, id) = named(path)?;
    let cache = service.cache(&ask.caller, &name)?;
    let work = Changing::Get(scope(&cache.name, asked_scope(parts)?)?, entry_id(&id)?);
    match cache.changes.submit(work, ask.deadline).await?.answer {
        Changed::Entry(Some(entry)) => Ok(Json(EntryShape::from(&*entry)).into_response()),
        Changed::Entry(None) => Err(no_entry(cache, &id)),
        Changed::Stored(_) | Changed::Entries(_) => Err(mistaken()),
    }
}

/// Changes an entry.
pub(super) async fn update(
    State(service): State<Arc<Service>>,
    path: Named<(String, String)>,
    ask: Ask,
) -> Result<Response, Failure> {
    let (name, id) = named(path)?;
    let cache = writable(&service, &ask, &name)?;
    let UpdateRequest { scope: parts, response, attributes, ttl_seconds, sources: given } = object(&ask)?;
    let change = vetted_cache::Change {
        response: response.map(String::into_bytes),
        attributes: attributes.map(|given| pairs("attributes", Some(given))).transpose()?,
        ttl: ttl(ttl_seconds)?,
        sources: given.map(|given| sources(Some(given))),
    };
    let work = Changing::Update(scope(&cache.name, parts)?, entry_id(&id)?, change);
    match changed(cache, work, &ask).await? {
        0 => Err(no_entry(cache, &id)),
        changed => Ok(count_of(cache, changed)),
    }
}

/// Removes an entry of the scope that is asked for, in the query string or in a body.
pub(super) async fn remove(
    State(service): State<Arc<Service>>,
    path: Named<(String, String)>,
    parts: AskedScope,
    ask: Ask,
) -> Result<Response, Failure> {
    let (name, id) = named(path)?;
    let cache = writable(&service, &ask, &name)?;
    let request: ClearRequest = if ask.is_empty() { ClearRequest::default() } else { object(&ask)? };
    let parts = match (asked_scope(parts)?, request.scope) {
        (Some(_), Some(_)) => {
            return Err(Failure::invalid("give the scope in the query string or in the body, not in both"));
        }
        (asked, given) => asked.or(given),
    };
    let work = Changing::Remove(scope(&cache.name, parts)?, vec![entry_id(&id)?]);
    match changed(cache, work, &ask).await? {
        0 => Err(no_entry(cache, &id)),
        changed => Ok(count_of(cache, changed)),
    }
}

/// Removes entries by their ids or by their attributes.
pub(super) async fn remove_many(
    State(service): State<Arc<Service>>,
    name: Named<String>,
    ask: Ask,
) -> Result<Response, Failure> {
    let cache = writable(&service, &ask, &named(name)?)?;
    let RemoveRequest { scope: parts, ids, attributes } = object(&ask)?;
    let scope = scope(&cache.name, parts)?;
    let work = match (ids.unwrap_or_default(), pairs("attributes", attributes)?) {
        (ids, attributes) if attributes.is_empty() && !ids.is_empty() => {
            Changing::Remove(scope, ids.iter().map(|id| entry_id(id)).collect::<Result<_, _>>()?)
        }
        (ids, attributes) if ids.is_empty() && !attributes.is_empty() => Changing::RemoveWhere(scope, attributes),
        _ => return Err(Failure::invalid("give either `ids` or `attributes`, with at least one")),
    };
    let changed = changed(cache, work, &ask).await?;
    Ok(count_of(cache, changed))
}

/// Removes all entries of a scope.
pub(super) async fn clear(
    State(service): State<Arc<Service>>,
    name: Named<String>,
    ask: Ask,
) -> Result<Response, Failure> {
    let cache = writable(&service, &ask, &named(name)?)?;
    let request: ClearRequest = if ask.is_empty() { ClearRequest::default() } else { object(&ask)? };
    let changed = changed(cache, Changing::Clear(scope(&cache.name, request.scope)?), &ask).await?;
    Ok(count_of(cache, changed))
}

/// Says whether a decision was right.
pub(super) async fn feedback(
    State(service): State<Arc<Service>>,
    name: Named<String>,
    ask: Ask,
) -> Result<Response, Failure> {
    let cache = writable(&service, &ask, &named(name)?)?;
    let FeedbackRequest { decision, right } = object(&ask)?;
    let parsed = vetted_cache::DecisionId::parse(&decision);
    let id =
        parsed.ok_or_else(|| Failure::invalid("`decision` is not 32 hexadecimal digits, as a lookup answers them"))?;
    let own = cache.cache.clone();
    let kept = tokio::task::spawn_blocking(move || own.feedback(id, right)).await;
    kept.map_err(|error| Failure::new(Code::Internal, format!("keeping feedback failed: {error}")))??;
    Ok(Json(FeedbackAnswer { cache: cache.name.clone(), decision }).into_response())
}

/// The cache, if the caller may change it.
pub(super) fn writable<'a>(service: &'a Service, ask: &Ask, name: &str) -> Result<&'a ServedCache, Failure> {
    ask.caller.check_writes()?;
    if !service.settings.writable {
        return Err(Failure::new(Code::Forbidden, "this server was started with --read-only"));
    }
    service.cache(&ask.caller, name)
}

pub(super) async fn changed(cache: &ServedCache, work: Changing, ask: &Ask) -> Result<usize, Failure> {
    match cache.changes.submit(work, ask.deadline).await?.answer {
        Changed::Entries(changed) => Ok(changed),
        Changed::Stored(_) | Changed::Entry(_) => Err(mistaken()),
    }
}

fn count_of(cache: &ServedCache, changed: usize) -> Response {
    Json(ChangedAnswer { cache: cache.name.clone(), changed }).into_response()
}

fn no_entry(cache: &ServedCache, id: &str) -> Failure {
    Failure::new(Code::NotFound, format!("the cache {:?} has no entry {id:?} in this scope", cache.name))
}

pub(super) fn mistaken() -> Failure {
    Failure::new(Code::Internal, "the cache did something else than it was told")
}
