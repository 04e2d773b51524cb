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
}

impl Default for Settings {
    fn default() -> Self {
        Self { store_limit: 1 << 40, text_memory: 100_000_000, text_threads: 2 }
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
