//! Searches of different clients, answered together.

use vetted::{Engine, Found, Search};

use crate::queue::{Item, Work};

/// A search that waits.
pub(crate) struct Searching(pub(crate) Search);

impl Work for Searching {
    type Answer = Found;

    fn units(&self) -> usize {
        // What verifying takes is far more than the rest.
        1 + self.0.verify.map_or(0, |verify| verify.depth)
    }
}

/// Answers all of them.
pub(crate) fn step(engine: &Engine, items: &mut [Item<Searching>]) {
    let searches: Vec<Search> = items.iter().map(|item| item.work.0.clone().deadline(item.deadline.clone())).collect();
    for (item, found) in items.iter_mut().zip(engine.search_many(&searches)) {
        item.outcome = Some(found.map_err(Into::into));
    }
}
