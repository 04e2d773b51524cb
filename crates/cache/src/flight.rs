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
    landed: Mutex<Option<Result<Arc<Vec<u8>>, String>>>,
    came: Condvar,
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
    /// the same scope with the same attributes while one computes, the others wait for it. When it fails, all of them fail,
    /// and the next call begins anew.
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
        let pilot =
            match self.flights.join((lookup.scope.digest(), lookup.prompt.to_owned(), lookup.attributes.clone())) {
                Ok(pilot) => pilot,
                Err(flight) => return flight.wait(lookup),
            };
        // Who computed before may just have landed.
        let again = Lookup { strategies: Strategies::Exact, ..lookup.clone() };
        if let Some(got) = cached(self.lookup(&again)) {
            pilot.land(Ok(&got.response));
            return Ok(got);
        }
        match compute() {
            Ok(Computed { response, ttl, sources, volatile }) => {
                // Kept first: who comes after the landing finds it.
                let attributes = lookup.attributes.clone();
                let new = NewEntry {
                    attributes,
                    ttl,
                    sources,
                    volatile,
                    ..NewEntry::new(lookup.scope, lookup.prompt, response.clone())
                };
                let stored = self.store(new, &lookup.deadline);
                pilot.land(Ok(&response));
                Ok(Got { response, origin: Origin::Computed(stored) })
            }
            Err(error) => {
                let reason = error.to_string();
                pilot.land(Err(reason.clone()));
                Err(CacheError::Compute { reason })
            }
        }
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
    fn land(&self, outcome: Result<&Vec<u8>, String>) {
        let outcome = outcome.map(|response| Arc::new(response.clone()));
        *self.flight.landed.lock().unwrap_or_else(PoisonError::into_inner) = Some(outcome);
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
    fn wait(&self, lookup: &Lookup<'_>) -> Result<Got, CacheError> {
        let mut landed = self.landed.lock().unwrap_or_else(PoisonError::into_inner);
        loop {
            match &*landed {
                Some(Ok(response)) => return Ok(Got { response: response.to_vec(), origin: Origin::Shared }),
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
