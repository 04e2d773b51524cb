//! The vector index: documents by the inner product of their best passage with a query.
//!
//! Small indexes are searched by an [`ExactScan`] of all vectors, in memory. From [`Settings::graph_from`] passages on a
//! [`Graph`] names candidates, and [`stored`] scores them exactly with the vectors in the store. So every score is an
//! exact inner product, whoever found the document.
//!
//! The graph on disk is a cache of the store: [`Graph::refresh`] makes it, and it may lag behind. Documents get
//! ascending numbers, so those it lacks are the ones from some number on: the *tail*, which is compared with every query
//! one by one. Those it has too many are not allowed to be found.

mod exact;
mod graph;
mod stored;

use std::path::Path;

use crate::error::Result;
use crate::notice::Notice;
use crate::ranking::Candidate;
use crate::roster::{Ordinal, Roster};
use crate::settings::Settings;
use crate::store::Snapshot;
use exact::ExactScan;
pub(crate) use graph::refresh;
use graph::{Graph, Stamp};

/// Where in the index's folder the graph is.
pub(crate) const FOLDER: &str = "vectors";

/// The vector index of one process.
pub(crate) struct Vectors {
    searched: Searched,
    /// The graph's file when it was last looked at.
    seen: Option<Stamp>,
}

enum Searched {
    Scan(ExactScan),
    Graph(Graph),
}

/// What a search may find, and where: the documents of one moment.
#[derive(Clone, Copy)]
pub(crate) struct Scope<'search> {
    pub(crate) snapshot: &'search Snapshot<'search>,
    pub(crate) roster: &'search Roster,
    /// By ordinal, whether the document may be found.
    pub(crate) allowed: &'search [bool],
}

/// Who chooses the candidates.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Method {
    /// The graph if there is one, for most queries.
    Quickest,
    /// Every document that is allowed is one.
    Exact,
}

impl Vectors {
    /// Opens the graph if the index is so large that it should have one, and loads all vectors otherwise.
    pub(crate) fn load(
        snapshot: &Snapshot<'_>,
        roster: &Roster,
        folder: &Path,
        settings: &Settings,
        notices: &mut Vec<Notice>,
    ) -> Result<Self> {
        let passages = snapshot.passage_counts()?.iter().map(|(_, count)| *count as usize).sum();
        let seen = Stamp::of(folder);
        if settings.wants_graph(passages) {
            match Graph::open(folder, roster, snapshot) {
                Ok(graph) => return Ok(Self { searched: Searched::Graph(graph), seen }),
                Err(reason) => notices.push(Notice::GraphUnusable { reason: reason.to_string(), passages }),
            }
        }
        Ok(Self { searched: Searched::Scan(ExactScan::load(snapshot, roster)?), seen })
    }

    /// Whether loading anew would make no difference: nobody has written another graph meanwhile.
    pub(crate) fn is_current(&self, folder: &Path, settings: &Settings) -> bool {
        match &self.searched {
            Searched::Scan(scan) if !settings.wants_graph(scan.len()) => true,
            _ => self.seen == Stamp::of(folder),
        }
    }

    /// Takes in a document of the store's, whose ordinal is greater than all before it.
    pub(crate) fn load_one(&mut self, snapshot: &Snapshot<'_>, ordinal: Ordinal, number: u64) -> Result<()> {
        match &mut self.searched {
            Searched::Scan(scan) => scan.load_one(snapshot, ordinal, number),
            Searched::Graph(_) => Ok(()),
        }
    }

    /// Takes in a document that was just written, whose ordinal is greater than all before it.
    pub(crate) fn add(&mut self, ordinal: Ordinal, vectors: &[f32]) {
        if let Searched::Scan(scan) = &mut self.searched {
            scan.add(ordinal, vectors);
        }
    }

    /// The `k` allowed documents whose best passage has the greatest inner product with `query`; if fewer have passages,
    /// all of them.
    pub(crate) fn nearest<'search>(
        &self,
        query: &[f32],
        k: usize,
        scope: Scope<'search>,
        method: Method,
    ) -> Result<Vec<Candidate<'search>>> {
        let graph = match &self.searched {
            Searched::Scan(scan) => return Ok(scan.nearest(query, k, scope.allowed, scope.roster.ids())),
            Searched::Graph(graph) => graph,
        };
        if method == Method::Quickest
            && let Some(mut candidates) = graph.candidates(query, k, scope)?
        {
            candidates.sort_unstable();
            candidates.extend(allowed_from(graph.end(), scope.allowed));
            return stored::nearest(query, k, &candidates, scope);
        }
        stored::nearest(query, k, &allowed_from(0, scope.allowed), scope)
    }

    /// The best passage of one document for `query`, as its index and inner product; `None` if it has no passages.
    pub(crate) fn best_passage(&self, query: &[f32], ordinal: Ordinal, scope: Scope<'_>) -> Result<Option<(u32, f32)>> {
        match &self.searched {
            Searched::Scan(scan) => Ok(scan.best_passage(query, ordinal)),
            Searched::Graph(_) => stored::best_passage(query, ordinal, scope),
        }
    }

    /// By ordinal, whether the document's vectors are here as they are in the store, or are looked up there.
    pub(crate) fn agreement(&self, snapshot: &Snapshot<'_>, roster: &Roster) -> Result<Vec<bool>> {
        let mut agrees = vec![true; roster.places()];
        let rows = match &self.searched {
            Searched::Scan(_) => Vec::new(),
            Searched::Graph(graph) => graph.rows_by_document(),
        };
        let mut vectors = Vec::new();
        for (ordinal, number) in roster.living() {
            vectors.clear();
            snapshot.vectors(number)?.read(&mut vectors);
            agrees[ordinal as usize] = match &self.searched {
                Searched::Scan(scan) => scan.vectors(ordinal) == vectors,
                Searched::Graph(graph) if ordinal < graph.end() => {
                    rows.get(ordinal as usize).is_some_and(|rows| graph.holds(rows, &vectors))
                }
                Searched::Graph(_) => true,
            };
        }
        Ok(agrees)
    }
}

fn allowed_from(first: Ordinal, allowed: &[bool]) -> Vec<Ordinal> {
    let rest = (first..).zip(allowed.iter().skip(first as usize));
    rest.filter(|(_, allowed)| **allowed).map(|(ordinal, _)| ordinal).collect()
}
