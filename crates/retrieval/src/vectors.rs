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
use std::sync::Arc;

use vetted_kernels::Team;

use crate::bits::Bits;
use crate::error::Result;
use crate::notice::Notice;
use crate::ranking::Candidate;
use crate::roster::{Ordinal, Renumbering, Roster};
use crate::settings::Settings;
use crate::store::Reading;
use exact::ExactScan;
pub(crate) use graph::refresh;
use graph::{Graph, Stamp};

/// Where in the index's folder the graph is.
pub(crate) const FOLDER: &str = "vectors";

/// The vector index at one moment. A clone shares everything with the original.
#[derive(Clone)]
pub(crate) struct Vectors {
    searched: Searched,
    /// The graph's file when it was last looked at.
    seen: Option<Stamp>,
}

#[derive(Clone)]
enum Searched {
    Scan(ExactScan),
    Graph(Arc<Graph>),
}

/// What a search may find, and where: the documents of one moment.
#[derive(Clone, Copy)]
pub(crate) struct Scope<'search> {
    pub(crate) reading: &'search Reading,
    pub(crate) roster: &'search Roster,
    /// The ordinals of documents that may be found.
    pub(crate) allowed: &'search Bits,
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
    /// Opens the graph if the index is so large that it should have one, and loads all vectors otherwise. A notice says
    /// when there is no graph where one should be.
    pub(crate) fn load(
        reading: &Reading,
        roster: &Roster,
        folder: &Path,
        settings: &Settings,
    ) -> Result<(Self, Option<Notice>)> {
        let counts = reading.passage_counts()?;
        let passages = counts.iter().map(|(_, count)| *count as usize).sum();
        let seen = Stamp::of(folder);
        let mut notice = None;
        if settings.wants_graph(passages) {
            match Graph::open(folder, roster, reading, &counts) {
                Ok(graph) => return Ok((Self { searched: Searched::Graph(Arc::new(graph)), seen }, None)),
                Err(reason) => notice = Some(Notice::GraphUnusable { reason: reason.to_string(), passages }),
            }
        }
        Ok((Self { searched: Searched::Scan(ExactScan::load(reading, roster)?), seen }, notice))
    }

    /// Whether loading anew would make no difference: nobody has written another graph meanwhile.
    pub(crate) fn is_current(&self, folder: &Path, settings: &Settings) -> bool {
        match &self.searched {
            Searched::Scan(scan) if !settings.wants_graph(scan.len()) => true,
            _ => self.seen == Stamp::of(folder),
        }
    }

    /// Whether the vectors themselves are here, and those of new documents have to be added.
    pub(crate) fn keeps_all(&self) -> bool {
        matches!(self.searched, Searched::Scan(_))
    }

    /// Takes in the documents of the store's from an ordinal on, which is greater than all before it.
    pub(crate) fn load_from(&mut self, first: Ordinal, reading: &Reading, roster: &Roster) -> Result<()> {
        match &mut self.searched {
            Searched::Scan(scan) => scan.load_from(first, reading, roster),
            Searched::Graph(_) => Ok(()),
        }
    }

    /// Takes in documents that were just written, whose ordinals ascend and are greater than all before.
    pub(crate) fn add<'a>(&mut self, documents: impl Iterator<Item = (Ordinal, &'a [f32])>, alive: &Bits) {
        if let Searched::Scan(scan) = &mut self.searched {
            scan.add(documents, alive);
        }
    }

    /// Takes note that a document was removed, so that it is not `alive` any more.
    pub(crate) fn remove(&mut self, ordinal: Ordinal, alive: &Bits) {
        if let Searched::Scan(scan) = &mut self.searched {
            scan.remove(ordinal, alive);
        }
    }

    /// The same vectors under new ordinals.
    pub(crate) fn renumbered(&self, ordinals: &Renumbering) -> Self {
        let searched = match &self.searched {
            Searched::Scan(scan) => Searched::Scan(scan.renumbered(ordinals)),
            Searched::Graph(graph) => Searched::Graph(Arc::new(graph.renumbered(ordinals))),
        };
        Self { searched, seen: self.seen }
    }

    /// The `k` allowed documents whose best passage has the greatest inner product with `query`; if fewer have passages,
    /// all of them.
    pub(crate) fn nearest<'search>(
        &self,
        query: &[f32],
        k: usize,
        scope: Scope<'search>,
        method: Method,
        team: &mut Team,
    ) -> Result<Vec<Candidate<'search>>> {
        let graph = match &self.searched {
            Searched::Scan(scan) => return Ok(scan.nearest(query, k, scope.allowed, scope.roster, team)),
            Searched::Graph(graph) => graph,
        };
        let mut candidates = match method {
            Method::Quickest => graph.candidates(query, k, scope)?,
            Method::Exact => None,
        };
        let documents: Vec<Ordinal> = match &mut candidates {
            Some(candidates) => {
                candidates.extend(graph.lacking(scope.allowed).filter(|ordinal| scope.allowed.get(*ordinal)));
                candidates.sort_unstable();
                std::mem::take(candidates)
            }
            None => scope.allowed.from(0).collect(),
        };
        stored::nearest(query, k, &documents, scope, team)
    }

    /// The best passage of one document for `query`, as its index and inner product; `None` if it has no passages.
    pub(crate) fn best_passage(&self, query: &[f32], ordinal: Ordinal, scope: Scope<'_>) -> Result<Option<(u32, f32)>> {
        match &self.searched {
            Searched::Scan(scan) => Ok(scan.best_passage(query, ordinal)),
            Searched::Graph(_) => stored::best_passage(query, ordinal, scope),
        }
    }

    /// The ordinals of documents whose vectors are here as they are in the store, or are looked up there.
    pub(crate) fn agreement(&self, reading: &Reading, roster: &Roster) -> Result<Bits> {
        let rows = match &self.searched {
            Searched::Scan(_) => Vec::new(),
            Searched::Graph(graph) => graph.rows_by_document(),
        };
        let looked_up: Bits = match &self.searched {
            Searched::Scan(_) => Bits::default(),
            Searched::Graph(graph) => graph.lacking(roster.alive()).collect(),
        };
        let (mut agrees, mut vectors) = (Bits::default(), Vec::new());
        for (ordinal, number) in roster.living() {
            vectors.clear();
            reading.vectors(number)?.read(&mut vectors);
            let same = match &self.searched {
                Searched::Scan(scan) => scan.vectors(ordinal) == vectors,
                Searched::Graph(_) if looked_up.get(ordinal) => true,
                Searched::Graph(graph) => rows.get(ordinal as usize).is_some_and(|rows| graph.holds(rows, &vectors)),
            };
            if same {
                agrees.set(ordinal);
            }
        }
        Ok(agrees)
    }
}
