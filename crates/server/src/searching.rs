//! Searches of different clients, answered together.

use std::time::{Duration, Instant, SystemTime};

use vetted::{Engine, Found, Search, Timing};

use crate::error::Failure;
use crate::queue::{Done, Item, Work};
use crate::service::{ServedIndex, Service};

/// A search that waits.
pub(crate) struct Searching(pub(crate) Search);

impl Work for Searching {
    type Answer = Found;

    fn units(&self) -> usize {
        // What verifying takes is far more than the rest.
        1 + self.0.verify.map_or(0, |verify| verify.depth)
    }
}

/// Searches, and counts what was found.
pub(crate) async fn find(
    service: &Service,
    index: &ServedIndex,
    search: &Search,
    deadline: Instant,
) -> Result<Done<Found>, Failure> {
    let begun = (SystemTime::now(), Instant::now());
    let outcome = index.searches.submit(Searching(search.clone()), deadline).await;
    if let Some(telemetry) = &service.telemetry {
        telemetry.retrieved(&index.name, search, begun, &outcome);
    }
    let done = outcome?;
    let found = &done.answer;
    service.metrics.searched(&found.timing);
    for outcome in found.hits.iter().map(|hit| &hit.outcome).chain(found.rejected.iter().map(|it| &it.outcome)) {
        if let Some(verdict) = outcome.verdict() {
            service.metrics.verdict(verdict, outcome.assessment().and_then(|read| read.judgement.kind));
        }
    }
    Ok(done)
}

/// The stages of a search in their order, as they are counted and traced, and how long each took.
pub(crate) fn stages(timing: &Timing) -> [(&'static str, Duration); 5] {
    [
        ("encode", timing.encoding),
        ("recall", timing.ranking),
        ("verify", timing.verifying),
        ("documents", timing.reading),
        ("evidence", timing.evidence),
    ]
}

/// Answers all of them.
pub(crate) fn step(engine: &Engine, items: &mut [Item<Searching>]) {
    let searches: Vec<Search> = items.iter().map(|item| item.work.0.clone().deadline(item.deadline.clone())).collect();
    for (item, found) in items.iter_mut().zip(engine.search_many(&searches)) {
        item.outcome = Some(found.map_err(Into::into));
    }
}
