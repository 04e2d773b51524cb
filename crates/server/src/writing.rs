//! Changes of an index, one after the other.

use vetted::{Document, Engine, Filter, Indexed};

use crate::error::Failure;
use crate::queue::{Item, Work};

/// A change that waits.
pub(crate) enum Writing {
    /// Documents to add, or to put in the place of others.
    Upsert(Vec<Document>),
    /// Documents to remove, by id.
    Delete(Vec<String>),
    /// Documents to remove whose metadata fit all of these.
    DeleteMatching(Vec<Filter>),
}

/// What was changed.
pub(crate) enum Written {
    Upserted(Indexed),
    Deleted(usize),
}

impl Work for Writing {
    type Answer = Written;

    fn units(&self) -> usize {
        match self {
            Writing::Upsert(documents) => documents.len(),
            Writing::Delete(_) | Writing::DeleteMatching(_) => 1,
        }
    }
}

/// Makes each change. When it is told of, it is on disk.
pub(crate) fn step(engine: &Engine, items: &mut [Item<Writing>]) {
    for item in items {
        let written = match &mut item.work {
            Writing::Upsert(documents) => engine.upsert(std::mem::take(documents)).map(Written::Upserted),
            Writing::Delete(ids) => engine.delete(ids).map(Written::Deleted),
            Writing::DeleteMatching(filters) => {
                engine.ids_that_fit(filters).and_then(|ids| engine.delete(&ids)).map(Written::Deleted)
            }
        };
        item.outcome = Some(written.map_err(Failure::from));
    }
}
