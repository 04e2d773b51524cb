//! One computes, and who asks the same meanwhile waits for it.

use std::collections::HashMap;
use std::fmt::Display;
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::time::Duration;

use crate::answer::Answer;
use crate::{Attributes, Cache, CacheError, Lookup, NewEntry, ScopeDigest, Source, Stored, Strategies};

/// A response that was computed, to be kept.
#[derive(Clone, Debug, Default)]
pub struct Computed {
    /// The response.
    pub response: Vec<u8>,
    /// How long it lives; none for as long as the cache says.
    pub ttl: Option<Duration>,
    /// The documents that it rests on.
    pub sources: Vec<Source>,
    /// Whether it is true for a moment, whatever the prompt's words say.
    pub volatile: bool,
}

/// A response, wherever it comes from.
#[derive(Debug)]
pub struct Got {
    /// The response.
    pub response: Vec<u8>,
    /// Where it comes from.
    pub origin: Origin,
}

/// Where a response comes from.
#[derive(Debug)]
pub enum Origin {
    /// The cache had it.
    Cached(Box<Answer>),
    /// It was computed for this call, and kept, or could not be kept.
    Computed(Result<Stored, CacheError>),
    /// It was computed for another call that came before.
    Shared,
}

/// What is being computed.
#[derive(Default)]
pub(crate) struct Flights(Mutex<HashMap<Key, Arc<Flight>>>);

type Key = (ScopeDigest, String, Attributes);

#[derive(Default)]
struct Flight {
    landed: Mutex<Option<Result<Arc<Landed>, String>>>,
    came: Condvar,
}

/// What was computed, as far as others may take it.
struct Landed {
    response: Vec<u8>,
    sources: Vec<Source>,
}

/// Wakes everybody, whatever happens to who computes.
struct Pilot<'a> {
    flights: &'a Flights,
    key: Key,
    flight: Arc<Flight>,
}

impl From<Vec<u8>> for Computed {
    fn from(response: Vec<u8>) -> Self {
        Computed { response, ..Computed::default() }
    }
}

impl Cache {
    /// What the cache has for the lookup, or what `compute` makes, which is then kept. Of callers that ask for the same prompt in
    /// the same scope with the same attributes while one computes, the others wait for it, unless what it makes is not for them:
    /// the prompt is about whoever asks and the scope does not say who does, or the response rests on other versions of documents
    /// than theirs. When it fails, all of them fail, and the next call begins anew.
    ///
    /// # Errors
    /// When the response cannot be computed, or there is no time to wait. A response that cannot be kept is returned all the same.
    pub fn get_or_compute<E: Display>(
        &self,
        lookup: &Lookup<'_>,
        compute: impl FnOnce() -> Result<Computed, E>,
    ) -> Result<Got, CacheError> {
        let answer = self.lookup(lookup);
        if let Some(got) = cached(answer) {
            return Ok(got);
        }
        if self.core.is_for_one(lookup) {
            return self.compute_and_keep(lookup, compute, None);
        }
        let key = (lookup.scope.digest(), lookup.prompt.to_owned(), lookup.attributes.clone());
        let pilot = match self.flights.join(key) {
            Ok(pilot) => pilot,
            Err(flight) => {
                let landed = flight.wait(lookup)?;
                return match lookup.sources.changed(&landed.sources) {
                    None => Ok(Got { response: landed.response.clone(), origin: Origin::Shared }),
                    Some(_) => self.compute_and_keep(lookup, compute, None),
                };
            }
        };
        // Who computed before may just have landed.
        let again = Lookup { strategies: Strategies::Exact, ..lookup.clone() };
        let answer = self.lookup(&again);
        if let Some(hit) = answer.hit() {
            pilot.land(Ok(Landed { response: hit.entry.response.clone(), sources: hit.entry.sources.clone() }));
            return Ok(Got { response: hit.entry.response.clone(), origin: Origin::Cached(Box::new(answer)) });
        }
        self.compute_and_keep(lookup, compute, Some(pilot))
    }

    fn compute_and_keep<E: Display>(
        &self,
        lookup: &Lookup<'_>,
        compute: impl FnOnce() -> Result<Computed, E>,
        pilot: Option<Pilot<'_>>,
    ) -> Result<Got, CacheError> {
        let computed = compute().map_err(|error| error.to_string());
        let Computed { response, ttl, sources, volatile } = match computed {
            Ok(computed) => computed,
            Err(reason) => {
                if let Some(pilot) = pilot {
                    pilot.land(Err(reason.clone()));
                }
                return Err(CacheError::Compute { reason });
            }
        };
        // Kept first: who comes after the landing finds it.
        let new = NewEntry {
            attributes: lookup.attributes.clone(),
            ttl,
            sources: sources.clone(),
            volatile,
            ..NewEntry::new(lookup.scope, lookup.prompt, response.clone())
        };
        let stored = self.store(new, &lookup.deadline);
        if let Some(pilot) = pilot {
            pilot.land(Ok(Landed { response: response.clone(), sources }));
        }
        Ok(Got { response, origin: Origin::Computed(stored) })
    }
}

fn cached(answer: Answer) -> Option<Got> {
    let response = answer.hit()?.entry.response.clone();
    Some(Got { response, origin: Origin::Cached(Box::new(answer)) })
}

impl Flights {
    /// The right to compute, or the flight of who has it.
    fn join(&self, key: Key) -> Result<Pilot<'_>, Arc<Flight>> {
        let mut flights = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(flight) = flights.get(&key) {
            return Err(flight.clone());
        }
        let flight = Arc::<Flight>::default();
        flights.insert(key.clone(), flight.clone());
        Ok(Pilot { flights: self, key, flight })
    }
}

impl Pilot<'_> {
    fn land(&self, outcome: Result<Landed, String>) {
        *self.flight.landed.lock().unwrap_or_else(PoisonError::into_inner) = Some(outcome.map(Arc::new));
    }
}

impl Drop for Pilot<'_> {
    fn drop(&mut self) {
        self.flights.0.lock().unwrap_or_else(PoisonError::into_inner).remove(&self.key);
        let mut landed = self.flight.landed.lock().unwrap_or_else(PoisonError::into_inner);
        landed.get_or_insert_with(|| Err("it panicked".to_owned()));
        self.flight.came.notify_all();
    }
}

impl Flight {
    fn wait(&self, lookup: &Lookup<'_>) -> Result<Arc<Landed>, CacheError> {
        let mut landed = self.landed.lock().unwrap_or_else(PoisonError::into_inner);
        loop {
            match &*landed {
                Some(Ok(landed)) => return Ok(landed.clone()),
                Some(Err(reason)) => return Err(CacheError::Compute { reason: reason.clone() }),
                None => {}
            }
            lookup.deadline.check()?;
            // A cancellation is looked for now and then.
            let patience = lookup.deadline.remaining().unwrap_or(Duration::MAX).min(Duration::from_millis(50));
            (landed, _) = self.came.wait_timeout(landed, patience).unwrap_or_else(PoisonError::into_inner);
        }
    }
}
