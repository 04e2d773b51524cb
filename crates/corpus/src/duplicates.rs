//! Documents whose identifier comes again later in the same input: the last one counts.
//!
//! An input is read as a stream, so that an early document would be written and then replaced by a late one, in every run
//! again. Therefore the identifiers are read first, where they can be read twice, and the early documents are left out.

use crate::{Document, Origin, ReadOptions, input::Source, read::records_of};
use std::{
    collections::{HashMap, HashSet},
    fmt,
    hash::{BuildHasher, RandomState},
};

/// The documents that were left out because a later one has the same identifier.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Duplicates {
    /// How many there were.
    pub count: u64,
    /// The first [`Duplicates::KEPT`] of them, in order.
    pub first: Vec<Duplicate>,
}

/// A document that was left out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Duplicate {
    /// The identifier.
    pub id: String,
    /// Where it stands.
    pub origin: Origin,
}

impl Duplicates {
    /// The largest number that is named.
    pub const KEPT: usize = 10;

    pub(crate) fn add(&mut self, id: String, origin: Origin) {
        self.count += 1;
        if self.first.len() < Duplicates::KEPT {
            self.first.push(Duplicate { id, origin });
        }
    }
}

impl fmt::Display for Duplicate {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}: a later document is also called {:?}, and counts", self.origin, self.id)
    }
}

/// Which identifiers are still to come again.
#[derive(Debug, Default)]
pub(crate) struct Repeated {
    /// How many documents of each identifier that comes more than once were not passed yet.
    to_come: HashMap<String, u64>,
}

impl Repeated {
    /// Reads the identifiers of all `sources` but standard input, which can be read only once. What cannot be read ends it;
    /// that is said when documents are read.
    pub(crate) fn find(sources: &[Source], options: &ReadOptions) -> Repeated {
        let hasher = RandomState::new();
        let mut seen = HashSet::new();
        let mut to_come = HashMap::new();
        let mut add = |id: String| {
            // Of 64 bits, so that a hundred million identifiers fit into memory. Two that share them are told apart by the
            // text of the second, and that costs nothing but its place here.
            if !seen.insert(hasher.hash_one(&id)) {
                *to_come.entry(id).or_insert(1) += 1;
            }
        };
        for source in sources.iter().filter(|source| source.origin.is_some()) {
            if source.format.is_one_document() {
                source.id.clone().into_iter().for_each(&mut add);
                continue;
            }
            let Ok(records) = records_of(source.clone(), Default::default(), options.max_record_bytes) else {
                if options.skips() {
                    continue;
                }
                break;
            };
            let mut whole = true;
            for record in records {
                match record {
                    Ok(record) => {
                        let unusable = options.vectors.as_ref().is_some_and(|field| {
                            let vector = record.document.metadata.get(&field.name);
                            crate::vectors::vector(vector, field.dimensions).is_err()
                        });
                        if !unusable {
                            add(record.document.id);
                        }
                    }
                    Err(problem) if problem.is_bad_record() && options.skips() => {}
                    Err(_) => {
                        whole = options.skips() && source.found;
                        break;
                    }
                }
            }
            if !whole {
                break;
            }
        }
        Repeated { to_come }
    }

    /// Passes a document; says whether one with its identifier is still to come.
    pub(crate) fn pass(&mut self, document: &Document) -> bool {
        let Some(count) = self.to_come.get_mut(&document.id) else { return false };
        *count = count.saturating_sub(1);
        *count > 0
    }
}
