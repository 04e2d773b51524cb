//! How much an index may take.

/// Limits of an index. None of them is kept in the index: each process chooses its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct Settings {
    /// The most bytes that the store's file may have. Address space is reserved for them; memory and disk are taken
    /// only for what is written. 1 TiB unless told otherwise.
    pub store_limit: usize,
    /// How many bytes of memory the text index may use while it is written, shared by its threads. At least 15 MB per
    /// thread; 100 MB unless told otherwise.
    pub text_memory: usize,
    /// How many threads write the text index: from 1 to 8, 2 unless told otherwise.
    pub text_threads: usize,
    /// From how many passages on a graph of the vectors is kept, which answers dense queries approximately; below, every
    /// query is compared with every passage. 50,000 unless told otherwise: up to there comparing takes less than 10 ms
    /// of one core, about as long as encoding the query, is exact, and needs neither linking nor a file. `usize::MAX` for
    /// never.
    pub graph_from: usize,
}

impl Default for Settings {
    fn default() -> Self {
        Self { store_limit: 1 << 40, text_memory: 100_000_000, text_threads: 2, graph_from: 50_000 }
    }
}

impl Settings {
    /// Sets [`Settings::store_limit`].
    pub fn store_limit(mut self, bytes: usize) -> Self {
        self.store_limit = bytes;
        self
    }

    /// Sets [`Settings::text_memory`].
    pub fn text_memory(mut self, bytes: usize) -> Self {
        self.text_memory = bytes;
        self
    }

    /// Sets [`Settings::text_threads`].
    pub fn text_threads(mut self, threads: usize) -> Self {
        self.text_threads = threads;
        self
    }

    /// Sets [`Settings::graph_from`].
    pub fn graph_from(mut self, passages: usize) -> Self {
        self.graph_from = passages;
        self
    }

    /// Whether an index of so many passages should have a graph.
    pub(crate) fn wants_graph(&self, passages: usize) -> bool {
        passages > 0 && passages >= self.graph_from
    }

    /// How many passages the graph may lack after [`Index::finish`](crate::Index::finish). Comparing them with a query
    /// takes as long as a search of the graph; linking even one takes as long as reading and writing the whole file.
    pub(crate) fn tolerated_tail(&self) -> usize {
        self.graph_from / 50
    }

    /// The threads that tantivy is to use: as many as asked, within what it allows.
    pub(crate) fn writer_threads(&self) -> usize {
        self.text_threads.clamp(1, 8)
    }

    /// The memory that tantivy is to use: as much as asked, and at least what it needs.
    pub(crate) fn writer_memory(&self) -> usize {
        const LEAST_PER_THREAD: usize = 15_000_000;
        self.text_memory.max(LEAST_PER_THREAD * self.writer_threads())
    }
}
