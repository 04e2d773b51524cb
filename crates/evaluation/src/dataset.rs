//! BEIR data sets (Thakur et al., *BEIR: A Heterogeneous Benchmark for Zero-shot Evaluation of Information Retrieval
//! Models*, NeurIPS 2021): a folder with `corpus.jsonl`, `queries.jsonl` and `qrels/<split>.tsv`.
//!
//! The documents themselves are read by the crate `vetted-corpus`; here is where they are, and a check that the
//! judgments are about them.

use std::collections::{BTreeSet, HashMap};
use std::fmt;
use std::fs;
use std::path::{Path, PathBuf};

use serde::Deserialize;

use crate::lines;
use crate::{Error, Qrels};

/// One split of a data set: its judged queries and their judgments.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Dataset {
    /// The name of the folder.
    pub name: String,
    /// The split: `test`, as a rule, or `dev` or `train`.
    pub split: String,
    /// The file of documents; it is there, and was not read.
    pub corpus: PathBuf,
    /// The queries that this split judges, in the order of their file.
    pub queries: Vec<Query>,
    /// The judgments.
    pub qrels: Qrels,
}

/// A query.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Query {
    /// Its identifier, the one that the judgments use.
    #[serde(rename = "_id")]
    pub id: String,
    /// What to search for.
    pub text: String,
}

/// Identifiers that something refers to and that are not there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Missing {
    /// What they identify: `query` or `document`.
    pub kind: &'static str,
    /// How many they are, each counted once; at least 1.
    pub count: usize,
    /// The first few of them, sorted.
    pub examples: Vec<String>,
}

impl Dataset {
    /// Reads the queries and judgments of a split.
    ///
    /// # Errors
    /// [`Error::MissingFolder`], [`Error::MissingPart`], [`Error::MissingSplit`] (which lists those that are there);
    /// [`Error::Malformed`], [`Error::MalformedQuery`],
    /// [`Error::DuplicateQuery`] and those of [`Qrels::read_beir`] for a bad line;
    /// [`Error::UnknownQueries`] if a judged query has no text, [`Error::NoQueries`] if none is judged.
    pub fn load(folder: impl AsRef<Path>, split: &str) -> Result<Self, Error> {
        let folder = folder.as_ref();
        let available = splits(folder)?;
        let corpus = part(folder, "corpus.jsonl")?;
        let queries_path = part(folder, "queries.jsonl")?;
        if !available.iter().any(|name| name == split) {
            return Err(Error::MissingSplit { folder: folder.to_owned(), split: split.to_owned(), available });
        }
        let qrels_path = folder.join("qrels").join(format!("{split}.tsv"));
        let qrels = Qrels::read_beir(&qrels_path)?;
        if qrels.is_empty() {
            return Err(Error::NoQueries);
        }

        let mut queries = read_queries(&queries_path)?;
        queries.retain(|query| qrels.get(&query.id).is_some());
        let with_text: BTreeSet<&str> = queries.iter().map(|query| query.id.as_str()).collect();
        let without_text = qrels.iter().map(|(query, _)| query).filter(|query| !with_text.contains(query));
        if let Some(missing) = Missing::of("query", without_text.collect()) {
            return Err(Error::UnknownQueries { path: qrels_path, missing });
        }
        Ok(Self { name: name_of(folder), split: split.to_owned(), corpus, queries, qrels })
    }

    /// The judged documents that the corpus lacks, or `None` if it has them all. `is_there` tells whether the corpus
    /// holds the document with this identifier.
    ///
    /// Such judgments lower every recall-like metric, as no system can find these documents. Some public data sets
    /// have a few, so this is for the caller to weigh, not an error.
    pub fn missing_documents(&self, is_there: impl Fn(&str) -> bool) -> Option<Missing> {
        let judged = self.qrels.iter().flat_map(|(_, judgments)| judgments.iter().map(|(document, _)| document));
        Missing::of("document", judged.filter(|document| !is_there(document)).collect())
    }
}

/// The splits that a data set folder has judgments for, sorted.
///
/// # Errors
/// [`Error::MissingFolder`], [`Error::MissingPart`] if there is no `qrels` folder, [`Error::Read`].
pub fn splits(folder: impl AsRef<Path>) -> Result<Vec<String>, Error> {
    let folder = folder.as_ref();
    if !folder.is_dir() {
        return Err(Error::MissingFolder { path: folder.to_owned() });
    }
    let qrels = part(folder, "qrels")?;
    let failed = |source| Error::Read { path: qrels.clone(), source };
    let mut splits = Vec::new();
    for entry in fs::read_dir(&qrels).map_err(failed)? {
        let file = entry.map_err(failed)?.path();
        if file.extension().is_some_and(|extension| extension == "tsv") {
            splits.extend(file.file_stem().map(|stem| stem.to_string_lossy().into_owned()));
        }
    }
    splits.sort_unstable();
    Ok(splits)
}

fn part(folder: &Path, part: &'static str) -> Result<PathBuf, Error> {
    let path = folder.join(part);
    if path.exists() { Ok(path) } else { Err(Error::MissingPart { folder: folder.to_owned(), part }) }
}

fn read_queries(path: &Path) -> Result<Vec<Query>, Error> {
    let mut queries = Vec::new();
    let mut line_of: HashMap<String, usize> = HashMap::new();
    lines::for_each(path, |line| {
        let query: Query = serde_json::from_str(line.text).map_err(|error| {
            // The reader's own position is within this one line; it is said before the message.
            let message = error.to_string();
            let cause = message.rsplit_once(" at line ").map_or(message.as_str(), |(cause, _)| cause);
            Error::MalformedQuery {
                path: path.to_owned(),
                line: line.number,
                column: line.column(error.column().saturating_sub(1)),
                cause: cause.to_owned(),
            }
        })?;
        if let Some(first_line) = line_of.insert(query.id.clone(), line.number) {
            return Err(Error::DuplicateQuery {
                path: path.to_owned(),
                line: line.number,
                first_line,
                query: query.id,
            });
        }
        queries.push(query);
        Ok(())
    })?;
    Ok(queries)
}

fn name_of(folder: &Path) -> String {
    // `.` and `..` have no name of their own; the folder they stand for does.
    let named = folder.file_name().map(ToOwned::to_owned);
    let resolved = || folder.canonicalize().ok()?.file_name().map(ToOwned::to_owned);
    named.or_else(resolved).unwrap_or_default().to_string_lossy().into_owned()
}

impl Missing {
    const EXAMPLES: usize = 5;

    fn of(kind: &'static str, identifiers: BTreeSet<&str>) -> Option<Self> {
        let examples = identifiers.iter().take(Self::EXAMPLES).map(|&identifier| identifier.to_owned()).collect();
        (!identifiers.is_empty()).then_some(Self { kind, count: identifiers.len(), examples })
    }
}

impl fmt::Display for Missing {
    /// `1 document (d7)`, or `12 documents (d1, d2, d3, d4, d5, ...)`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let plural = match (self.count, self.kind) {
            (1, kind) => kind.to_owned(),
            (_, "query") => "queries".to_owned(),
            (_, kind) => format!("{kind}s"),
        };
        let more = if self.count > self.examples.len() { ", ..." } else { "" };
        write!(f, "{} {plural} ({}{more})", self.count, self.examples.join(", "))
    }
}
