//! What can go wrong, and what to do about it.

use std::io;
use std::path::PathBuf;

/// The result of an operation on an [`Index`](crate::Index).
pub type Result<T> = std::result::Result<T, Error>;

/// Everything that can go wrong with an index. Whatever the error, documents acknowledged earlier are still there.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The result was no longer wanted before it was there.
    #[error(transparent)]
    Expired(#[from] vetted_kernels::Expired),
    /// The folder holds no index.
    #[error("{path} holds no index: name the folder of an existing index, or create one first", path = .path.display())]
    NotAnIndex {
        /// The folder that was to be opened.
        path: PathBuf,
    },
    /// An index is already there.
    #[error("{path} already holds an index: open it instead, or choose another folder", path = .path.display())]
    AlreadyExists {
        /// The folder that was to be created.
        path: PathBuf,
    },
    /// The folder holds files of somebody else's.
    #[error(
        "{path} is not empty and holds no index: choose a new or an empty folder, so that nothing of yours is mixed \
         with the index's own files",
        path = .path.display()
    )]
    Occupied {
        /// The folder that was to be created.
        path: PathBuf,
    },
    /// Another process is writing to the index.
    #[error(
        "{path} is being written to by {}: wait until it is done, or stop it (searching meanwhile is fine)",
        .process.map_or("another process".to_owned(), |id| format!("process {id}")),
        path = .path.display()
    )]
    Locked {
        /// The index.
        path: PathBuf,
        /// The writer's process id, where it is known.
        process: Option<u32>,
    },
    /// The index is searched by a process that cannot write there, and so cannot tell writers what it reads.
    #[error(
        "{path} is being searched from where it cannot be written to, on a read-only mount or by another user, and what is \
         searched so must not change: stop that process first, or index into another folder",
        path = .path.display()
    )]
    SearchedUnlocked {
        /// The index.
        path: PathBuf,
    },
    /// This process has the index open already.
    #[error(
        "this process has {path} open already: share that `Index` between threads, or drop it before opening again",
        path = .path.display()
    )]
    AlreadyOpen {
        /// The index.
        path: PathBuf,
    },
    /// A change was asked of an index that was opened for reading.
    #[error("{path} was opened for reading: use `Index::open_writable` to change it", path = .path.display())]
    ReadOnly {
        /// The index.
        path: PathBuf,
    },
    /// The index was written in a format this version does not know.
    #[error(
        "{path} is in format {found}, and this version of vetted reads format {supported}: {}",
        if .found > .supported { "update vetted" } else { "index the documents again" },
        path = .path.display()
    )]
    FormatVersion {
        /// The index.
        path: PathBuf,
        /// The format it is in.
        found: u32,
        /// The newest format this version reads.
        supported: u32,
    },
    /// The file that says what the index is cannot be understood.
    #[error(
        "{path} is damaged ({source}): restore it from a backup, or index the documents again into a new folder",
        path = .path.display()
    )]
    ManifestDamaged {
        /// The manifest's file.
        path: PathBuf,
        /// Where it stops making sense.
        source: serde_json::Error,
    },
    /// The store's file is damaged. What to do is in the message: the store is the only copy that is the truth.
    #[error(
        "the store {path} is damaged ({damage}): restore the folder from a backup, or index the documents again into \
         a new folder",
        path = .path.display()
    )]
    StoreDamaged {
        /// The store's folder.
        path: PathBuf,
        /// What was found.
        damage: Damage,
    },
    /// The store reached the limit in [`Settings`](crate::Settings); nothing of the batch was kept.
    #[error(
        "the store {path} reached its limit of {limit} bytes and nothing of this batch was written: raise \
         `Settings::store_limit`, or delete documents",
        path = .path.display()
    )]
    StoreFull {
        /// The store's folder.
        path: PathBuf,
        /// The limit in bytes.
        limit: usize,
    },
    /// The disk or a quota is full, or the disk failed in the middle of writing; nothing of the batch was kept.
    #[error(
        "{path} cannot grow ({source}) and nothing of this batch was written: free some space and run again, documents \
         written earlier are safe",
        path = .path.display()
    )]
    DiskFull {
        /// The folder that could not grow.
        path: PathBuf,
        /// What the operating system said.
        source: io::Error,
    },
    /// One batch is larger than a transaction can be.
    #[error("this batch is too large for one transaction and nothing of it was written: split it")]
    BatchTooLarge,
    /// An index cannot hold vectors of no dimensions.
    #[error("encoder {name} makes vectors of 0 dimensions: an index needs at least 1")]
    NoDimensions {
        /// The encoder's name.
        name: String,
    },
    /// A vector has the wrong length.
    #[error(
        "{} has {got} dimensions where the index has {expected}: was it made by another encoder?",
        vector_of(.document)
    )]
    Dimensions {
        /// The document the vector belongs to; `None` for a query's vector.
        document: Option<String>,
        /// The index's dimensions.
        expected: usize,
        /// The vector's.
        got: usize,
    },
    /// A vector holds a value that is infinite or not a number, and so cannot be compared.
    #[error("{} holds {value} at position {position}: the encoder failed on this text", vector_of(.document))]
    NotFinite {
        /// The document the vector belongs to; `None` for a query's vector.
        document: Option<String>,
        /// Where in the vector.
        position: usize,
        /// What is there.
        value: f32,
    },
    /// A document has no id.
    #[error("a document with an empty id cannot be stored (title {title:?}): give every document an id")]
    EmptyId {
        /// The document's title, to find it by.
        title: String,
    },
    /// A query has no text.
    #[error("the query is empty: say what to search for")]
    EmptyQuery,
    /// The weight of a fusion is out of its range.
    #[error("alpha is {alpha}: it is the dense score's weight, from 0 to 1")]
    Alpha {
        /// The weight that was given.
        alpha: f32,
    },
    /// A filter cannot be understood.
    #[error(
        "the filter {filter:?} {problem}{}: write field=value (or !=, >, >=, <, <=), `field in a, b` or `exists field`, joined \
         by `or`; a value that holds one of these words or signs goes in double quotes",
        .at.map_or(String::new(), |at| format!(" at character {at}"))
    )]
    Filter {
        /// The filter as it was given.
        filter: String,
        /// Where in its text, counted in characters from 1.
        at: Option<usize>,
        /// What is wrong with it.
        problem: FilterProblem,
    },
    /// The text index failed. The documents are safe in the store, and the text index is rebuilt from it.
    #[error(
        "the text index {path} failed ({source}): the documents are safe in the store; open the index for writing to \
         have the text index rebuilt",
        path = .path.display()
    )]
    Text {
        /// The text index's folder.
        path: PathBuf,
        /// What tantivy said.
        source: Box<tantivy::TantivyError>,
    },
    /// The graph of the vectors failed. The documents are safe in the store, and the graph is rebuilt from it.
    #[error(
        "the vector graph {path} failed ({action}: {source}): the documents are safe in the store; search with \
         `Query::exact`, or open the index for writing and call `Index::finish` to have the graph rebuilt",
        path = .path.display()
    )]
    Graph {
        /// The graph's file.
        path: PathBuf,
        /// What was attempted.
        action: &'static str,
        /// What usearch said.
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// Nothing here knows addresses like this one.
    #[error(
        "{scheme}:// leads to no kind of index that this vetted knows: {}name a folder{}{}",
        if scheme.starts_with("qdrant") { "build it with `--features qdrant`, or " } else { "" },
        if cfg!(feature = "redis") { ", or redis://host:6379/NAME" } else { "" },
        if cfg!(feature = "qdrant") { ", or qdrant://host:6334/NAME" } else { "" }
    )]
    UnknownAddress {
        /// What stands before `://`.
        scheme: String,
    },
    /// A server that keeps the documents could not do what it was asked. The message is whole, and has no password in it.
    #[error("{message}")]
    Server {
        /// What kind of thing went wrong.
        problem: ServerProblem,
        /// What happened, and what to do.
        message: String,
    },
    /// The operating system refused something.
    #[error("cannot {action} {path}: {source}", path = .path.display())]
    Io {
        /// What was attempted.
        action: &'static str,
        /// On which file or folder.
        path: PathBuf,
        /// What the operating system said.
        source: io::Error,
    },
    /// The store refused something for a reason that is not listed above.
    #[error("the store {path} failed: {source}", path = .path.display())]
    Store {
        /// The store's folder.
        path: PathBuf,
        /// What LMDB said.
        source: heed::Error,
    },
}

impl Error {
    /// Whether it says that there is no index where one was to be opened.
    pub fn is_no_index(&self) -> bool {
        matches!(self, Error::NotAnIndex { .. } | Error::Server { problem: ServerProblem::NotThere, .. })
    }
}

/// What kind of thing went wrong between an index and the server that keeps it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum ServerProblem {
    /// The address or a setting cannot be used.
    Address,
    /// There is no index of that name.
    NotThere,
    /// It cannot be reached, or did not answer in time.
    Unavailable,
    /// It refuses the user, or what the user may not do.
    Refused,
    /// It has no room left.
    Full,
    /// It is too old, lacks something, or keeps something else there.
    Unsuitable,
    /// It answered with an error, or with no answer to what it was asked.
    Answered,
}

/// How a store's file is damaged.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Damage {
    /// The file is not there, or empty.
    #[error("its file {file:?} is missing or empty")]
    Missing {
        /// The file's name.
        file: &'static str,
    },
    /// The file lacks its end.
    #[error("its file has {got} bytes of at least {expected}")]
    Truncated {
        /// How long the file should at least be.
        expected: u64,
        /// How long it is.
        got: u64,
    },
    /// The file is not a store at all, or its structure is broken.
    #[error("{source}")]
    Structure {
        /// What LMDB said.
        source: heed::Error,
    },
    /// A table is missing.
    #[error("its table {table:?} is missing")]
    Table {
        /// The table's name.
        table: &'static str,
    },
    /// A record cannot be read.
    #[error("record {number} of table {table:?} cannot be read")]
    Record {
        /// The table's name.
        table: &'static str,
        /// The document's number.
        number: u64,
    },
}

/// What is wrong with a filter.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum FilterProblem {
    /// There is no operator: `=`, `!=`, `>=`, `<=`, `>`, `<`, `in` or `not in`.
    #[error("has no operator in the condition")]
    NoOperator,
    /// There is nothing where a field should be named.
    #[error("names no field")]
    NoField,
    /// A quote is not closed.
    #[error("does not close the quote")]
    OpenQuote,
    /// A list's bracket is not closed.
    #[error("does not close the list")]
    OpenList,
    /// A list has no values, or there is none between two commas.
    #[error("lacks a value of a list")]
    EmptyList,
    /// Something else than `or` follows a value.
    #[error("has more text than a value")]
    AfterValue,
    /// Of JSON: it is neither a text nor an object.
    #[error("is neither a text nor an object")]
    NoCondition,
    /// Of JSON: a value is an array or an object.
    #[error("has a value that is neither text, number, true, false nor null")]
    NotAValue,
}

fn vector_of(document: &Option<String>) -> String {
    match document {
        Some(id) => format!("a vector of document {id:?}"),
        None => "the query's vector".to_owned(),
    }
}
