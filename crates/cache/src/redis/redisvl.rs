//! A cache that RedisVL's `SemanticCache` made, read in place.
//!
//! RedisVL goes on storing; this finds what it stored, so that its hits are verified before they are served. Nothing is
//! written: no entry, no time to live (RedisVL renews it at each of its hits; hits that are served from here do not).
//!
//! RedisVL has no scopes. The parts of a scope other than the cache and the encoder must therefore be filterable fields of the
//! index: an index without a field `tenant` cannot tell tenants apart, and a scope with a tenant is refused. The other way
//! round, an entry with a tenant is only found under that tenant.
//!
//! No server with the query engine runs in this project's tests. What is sent and what is understood is held against what
//! RedisVL 0.28 sends and expects, and against the answers that the query engine's own tests show (`tests/redis/redisvl.rs`).

mod answer;
mod index;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use ::redis::{Cmd, cmd};
use vetted::Deadline;
use vetted_redis::{Connections, Purpose};
use vetted_tensors::digest;

use self::answer::{Found, fields_of, found_in};
use self::index::{Field, Index};
use super::error::of_backend;
use super::{Address, RedisError, Settings};
use crate::{Attributes, Backend, BackendError, Candidate, Entry, EntryId, Scope, Wanted};

/// What errors and telemetry call it.
const NAME: &str = "redisvl";
const PURPOSE: Purpose = Purpose {
    needed: "+hello +ft.info +ft.search +hgetall",
    when_full: "Raise `maxmemory`, or set `maxmemory-policy` to volatile-lru or allkeys-lru",
};
/// Where the server cannot apply every condition, so many times as many are looked through.
const MORE: usize = 8;
/// Two vectors of one prompt by one encoder are nearer than this.
const SAME: f32 = 0.95;

/// A cache of RedisVL: see the [module](self).
pub(super) struct RedisVl {
    connections: Connections,
    settings: Settings,
    index: Index,
}

impl RedisVl {
    /// Connects, and reads what the index is like.
    pub(super) fn open(address: Address, name: &str, settings: Settings) -> Result<RedisVl, RedisError> {
        let connections = Connections::to(address.server, settings.limits(), PURPOSE)?;
        let shown = connections.address().to_string();
        let answer = connections.ask("FT.INFO", cmd("FT.INFO").arg(name).to_owned()).map_err(|error| match error {
            RedisError::Answered { reason, address, command } if reason.to_lowercase().contains("unknown command") => {
                tracing::debug!(%reason, "no query engine");
                RedisError::NoQueryEngine { address, command }
            }
            // "Unknown index name" before Redis 8, "no such index" and "SEARCH_INDEX_NOT_FOUND" since.
            RedisError::Answered { reason, address, .. } => {
                RedisError::Index { address, index: name.to_owned(), reason }
            }
            error => error,
        })?;
        let index = Index::read(name, &answer).map_err(|reason| RedisError::Index {
            address: shown.clone(),
            index: name.to_owned(),
            reason,
        })?;
        match settings.dimensions {
            Some(ours) if ours != index.dimensions => {
                Err(RedisError::Dimensions { address: shown, index: name.to_owned(), theirs: index.dimensions, ours })
            }
            _ => Ok(RedisVl { connections, settings, index }),
        }
    }

    /// What an entry must have, by field: the parts of the scope and the attributes. None if no entry can have it.
    fn conditions<'a>(
        &self,
        scope: &'a Scope,
        attributes: &'a Attributes,
    ) -> Result<Option<BTreeMap<&'a str, &'a str>>, BackendError> {
        let mut conditions = BTreeMap::new();
        for (name, value) in parts(scope) {
            if !self.index.fields.contains_key(name) {
                return Err(BackendError::Unsuitable {
                    backend: NAME,
                    reason: format!(
                        "its index `{}` has no filterable field `{name}`, so it cannot tell apart for whom an entry is. Ask \
                         without this part of the scope, or let RedisVL store it: filterable_fields=[{{\"name\": \"{name}\", \
                         \"type\": \"tag\"}}]",
                        self.index.name
                    ),
                });
            }
            conditions.insert(name, value);
        }
        for (name, value) in attributes {
            let is_contradicted = conditions.insert(name, value).is_some_and(|other| other != value);
            if is_contradicted || !(self.index.fields.contains_key(name.as_str()) || name == "metadata") {
                return Ok(None);
            }
        }
        Ok(Some(conditions))
    }

    /// What is kept, as an entry for this scope: unless it is not for it, or something is missing.
    fn entry(&self, key: &str, fields: &Found, wanted: &Wanted<'_>) -> Option<Entry> {
        let text = |name: &str| fields.get(name).and_then(|value| std::str::from_utf8(value).ok());
        let id = text("entry_id").or_else(|| self.index.id_of(key))?;
        let moment = |name: &str| {
            let seconds: f64 = text(name)?.parse().ok()?;
            SystemTime::UNIX_EPOCH.checked_add(Duration::try_from_secs_f64(seconds).ok()?)
        };
        let attributes: Attributes = (self.index.fields.keys().map(String::as_str).chain(["metadata"]))
            .filter_map(|name| Some((name.to_owned(), text(name)?.to_owned())))
            .collect();
        // For whom it is must be the same on both sides, also where one says nothing.
        let walls = [Scope::TENANT, Scope::USER, Scope::MODEL, Scope::INSTRUCTIONS].into_iter();
        let named = parts(wanted.scope).map(|(name, _)| name);
        for name in walls.chain(named) {
            if attributes.get(name).map(String::as_str).filter(|value| !value.is_empty()) != wanted.scope.part(name) {
                return None;
            }
        }
        let prompt = text("prompt")?.to_owned();
        let entry = Entry {
            id: EntryId::new(id).ok()?,
            scope: wanted.scope.clone(),
            // Nobody said so when it was stored; the cache looks at the prompt itself.
            volatile: false,
            prompt,
            response: fields.get("response")?.clone(),
            attributes,
            vector: Vec::new(),
            views: None,
            sources: Vec::new(),
            stored_at: moment("updated_at").or_else(|| moment("inserted_at"))?,
            // Redis takes it away itself.
            expires_at: None,
            copy_of: None,
            cost: None,
        };
        entry.fits(wanted.attributes).then_some(entry)
    }

    /// What is kept under an id, if it is all right.
    fn by_id(&self, id: &str, wanted: &Wanted<'_>, within: Duration) -> Result<Option<Arc<Entry>>, BackendError> {
        let key = self.index.key(id);
        let answer = (self.connections.ask_within("HGETALL", cmd("HGETALL").arg(&key).to_owned(), within))
            .map_err(|error| of_backend(error, NAME, "an entry by its id"))?;
        let fields = fields_of(&answer).unwrap_or_default();
        Ok(self.entry(&key, &fields, wanted).map(Arc::new))
    }

    fn search(&self, query: String, vector: Option<&[f32]>, count: usize) -> Cmd {
        let mut command = cmd("FT.SEARCH");
        command.arg(&self.index.name).arg(query);
        if let Some(vector) = vector {
            let mut fields = vec!["entry_id", "prompt", "response", "inserted_at", "updated_at", "metadata"];
            fields.extend(self.index.fields.keys().map(String::as_str));
            fields.push(answer::DISTANCE);
            command.arg("RETURN").arg(fields.len());
            for field in fields {
                command.arg(field);
            }
            command.arg("SORTBY").arg(answer::DISTANCE).arg("ASC");
            command.arg("PARAMS").arg(2).arg("vector").arg(self.index.number.blob(vector));
        }
        command.arg("DIALECT").arg(2).arg("LIMIT").arg(0).arg(count);
        command
    }

    fn time_left(&self, deadline: &Deadline) -> Result<Duration, BackendError> {
        deadline.check().map_err(|_| BackendError::Late { backend: NAME })?;
        Ok(deadline.remaining().map_or(self.settings.command, |left| left.min(self.settings.command)))
    }
}

impl Backend for RedisVl {
    fn name(&self) -> &'static str {
        NAME
    }

    /// RedisVL names an entry by a digest of its prompt and of its filters. So the entry is found whose filters are exactly the
    /// conditions; one with more of them is found by its vector.
    fn exact(&self, wanted: &Wanted<'_>) -> Result<Option<Arc<Entry>>, BackendError> {
        let within = self.time_left(wanted.deadline)?;
        let Some(conditions) = self.conditions(wanted.scope, wanted.attributes)? else { return Ok(None) };
        let entry = self.by_id(&id_of(wanted.prompt, &conditions), wanted, within)?;
        Ok(entry.filter(|entry| entry.prompt == wanted.prompt))
    }

    fn nearest(&self, wanted: &Wanted<'_>, vector: &[f32], k: usize) -> Result<Vec<Candidate>, BackendError> {
        let within = self.time_left(wanted.deadline)?;
        if vector.len() != self.index.dimensions {
            return Err(BackendError::Dimensions { expected: self.index.dimensions, got: vector.len() });
        }
        let Some(conditions) = self.conditions(wanted.scope, wanted.attributes)? else { return Ok(Vec::new()) };
        if k == 0 {
            return Ok(Vec::new());
        }
        let filter = filter(&self.index, &conditions);
        let count = if filter.is_all { k } else { k.saturating_mul(MORE) };
        let before = if filter.clauses.is_empty() { "*".to_owned() } else { format!("({})", filter.clauses.join(" ")) };
        let query = format!("{before}=>[KNN {count} @{} $vector AS {}]", self.index.vector, answer::DISTANCE);
        let told = |error: RedisError| of_backend(error, NAME, "a search");
        let answer =
            self.connections.ask_within("FT.SEARCH", self.search(query, Some(vector), count), within).map_err(told)?;
        let documents =
            found_in(&answer).map_err(|reason| told(self.connections.unexpected("FT.SEARCH", &reason)))?.documents;
        let mut candidates = Vec::new();
        for (key, fields) in documents {
            let Some(distance) = answer::distance(&fields) else { continue };
            let Some(entry) = self.entry(&key, &fields, wanted) else { continue };
            let cosine = (1.0 - distance).clamp(-1.0, 1.0);
            if entry.prompt == wanted.prompt && cosine < SAME {
                return Err(BackendError::Unsuitable {
                    backend: NAME,
                    reason: format!(
                        "the vector that RedisVL stored of a prompt and the encoder's of the same prompt have a cosine of \
                         {cosine:.2}: configure the encoder that RedisVL's vectorizer used"
                    ),
                });
            }
            candidates.push(Candidate { entry: Arc::new(entry), cosine });
        }
        candidates.sort_by(|a, b| b.cosine.total_cmp(&a.cosine).then_with(|| a.entry.id.cmp(&b.entry.id)));
        candidates.truncate(k);
        Ok(candidates)
    }

    fn put(&self, _: &Entry) -> Result<(), BackendError> {
        Err(read_only("an entry to keep"))
    }

    fn replace(&self, _: &Entry, _: &Entry) -> Result<bool, BackendError> {
        Err(read_only("an entry to change"))
    }

    fn get(&self, scope: &Scope, id: &EntryId) -> Result<Option<Arc<Entry>>, BackendError> {
        let (none, forever) = (Attributes::new(), Deadline::none());
        self.conditions(scope, &none)?;
        let wanted = Wanted { scope, prompt: "", attributes: &none, now: SystemTime::now(), deadline: &forever };
        self.by_id(id.as_str(), &wanted, self.settings.command)
    }

    fn remove(&self, _: &Scope, _: &[EntryId]) -> Result<usize, BackendError> {
        Err(read_only("a removal"))
    }

    fn remove_where(&self, _: &Scope, _: &Attributes) -> Result<usize, BackendError> {
        Err(read_only("a removal"))
    }

    fn clear(&self, _: &Scope) -> Result<usize, BackendError> {
        Err(read_only("a removal"))
    }

    /// As the index counts: where it cannot apply a condition, what it counts is too much.
    fn len(&self, scope: &Scope) -> Result<usize, BackendError> {
        let none = Attributes::new();
        let Some(conditions) = self.conditions(scope, &none)? else { return Ok(0) };
        let clauses = filter(&self.index, &conditions).clauses;
        let query = if clauses.is_empty() { "*".to_owned() } else { clauses.join(" ") };
        let told = |error: RedisError| of_backend(error, NAME, "the number of entries");
        let answer = self.connections.ask("FT.SEARCH", self.search(query, None, 0)).map_err(told)?;
        let found = found_in(&answer).map_err(|reason| told(self.connections.unexpected("FT.SEARCH", &reason)))?;
        Ok(found.total)
    }
}

fn read_only(operation: &'static str) -> BackendError {
    let reason = "a cache of RedisVL is read in place, and only the program that made it changes it".to_owned();
    BackendError::Refused { backend: NAME, operation, reason }
}

/// The parts of a scope that are about who asks and for what. The cache is the index, and the encoder was checked.
fn parts(scope: &Scope) -> impl Iterator<Item = (&str, &str)> {
    let all = scope.parts().iter().map(|(name, value)| (name.as_str(), value.as_str()));
    all.filter(|(name, _)| ![Scope::CACHE, Scope::ENCODER].contains(name))
}

/// The id that RedisVL gives to an entry with this prompt and these filters.
fn id_of(prompt: &str, filters: &BTreeMap<&str, &str>) -> String {
    let filters: Vec<String> = filters.iter().map(|(name, value)| format!("{name}{value}")).collect();
    digest::of_bytes(format!("{prompt}{}", filters.join(" ")))
}

/// Conditions as the query engine reads them.
struct Filter {
    clauses: Vec<String>,
    /// The server applies all of them.
    is_all: bool,
}

/// What stands in a filter narrows the search; what an entry has is compared again when it is read.
fn filter(index: &Index, conditions: &BTreeMap<&str, &str>) -> Filter {
    let mut clauses = Vec::new();
    for (name, value) in conditions {
        let is_plain = name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
        match index.fields.get(*name) {
            Some(Field::Tag) if is_plain && !value.is_empty() => {
                clauses.push(format!("@{name}:{{{}}}", escaped(value)))
            }
            Some(Field::Numeric) if is_plain && value.parse().is_ok_and(f64::is_finite) => {
                clauses.push(format!("@{name}:[{value} {value}]"));
            }
            _ => {}
        }
    }
    let has_walls = [Scope::TENANT, Scope::USER, Scope::MODEL, Scope::INSTRUCTIONS]
        .iter()
        .any(|name| index.fields.contains_key(*name) && !conditions.contains_key(name));
    Filter { is_all: clauses.len() == conditions.len() && !has_walls, clauses }
}

/// A tag as the query engine reads it: what is no letter, digit or underscore stands behind a backslash.
fn escaped(tag: &str) -> String {
    let mut escaped = String::with_capacity(tag.len() * 2);
    for character in tag.chars() {
        if character.is_ascii() && !character.is_ascii_alphanumeric() && character != '_' {
            escaped.push('\\');
        }
        escaped.push(character);
    }
    escaped
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_are_those_that_redisvl_gives() {
        // Printed by redisvl 0.28.0: tests/redis/redisvl/record.py.
        for (filters, id) in [
            (vec![], "6dd3d3bcc88cf77c20658c0a4b8f010efcd092b8010889e8ab7e1a29fa0b1a27"),
            (
                vec![("user", "al-i ce,{x}"), ("year", "2026")],
                "ba3e4b2fa0bc8e45f068bd85a46f0b294fd9638944dae6bdd18130ea4c334bdb",
            ),
        ] {
            assert_eq!(id_of("who bit the man?", &filters.into_iter().collect()), id);
        }
    }

    #[test]
    fn a_tag_stays_one_tag() {
        for (tag, written) in [
            ("alice_1", "alice_1"),
            ("al-i ce,{x}|y", r"al\-i\ ce\,\{x\}\|y"),
            (r#"a"}) | (@b:{c\"#, r#"a\"\}\)\ \|\ \(\@b\:\{c\\"#),
            ("\u{e9}\u{1f600}", "\u{e9}\u{1f600}"),
        ] {
            assert_eq!(escaped(tag), written);
        }
    }
}
