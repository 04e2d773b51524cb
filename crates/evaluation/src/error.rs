//! Everything that can go wrong while evaluating, each with what to do about it.

use std::io;
use std::path::PathBuf;

/// An error of this crate. Lines and columns are counted from 1, columns in characters.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// A file or folder could not be read.
    #[error("cannot read {path}: {source}")]
    Read {
        /// What was being read.
        path: PathBuf,
        /// Why that failed.
        source: io::Error,
    },

    /// A file could not be written.
    #[error("cannot write {path}: {source}")]
    Write {
        /// What was being written; it may be there in part.
        path: PathBuf,
        /// Why that failed.
        source: io::Error,
    },

    /// A line of a file is not what its format asks for.
    #[error("{path}, line {line}, column {column}: expected {expected}, got {got}")]
    Malformed {
        /// The file.
        path: PathBuf,
        /// The line.
        line: usize,
        /// The column where the unexpected part starts.
        column: usize,
        /// What the format asks for there.
        expected: &'static str,
        /// What is there.
        got: String,
    },

    /// A line of a file of queries is not a query in JSON.
    #[error(
        r#"{path}, line {line}, column {column}: expected a query such as {{"_id": "7", "text": "who bit the dog"}}: {cause}"#
    )]
    MalformedQuery {
        /// The file.
        path: PathBuf,
        /// The line.
        line: usize,
        /// The column at which reading failed.
        column: usize,
        /// What the JSON reader says.
        cause: String,
    },

    /// There is no data set folder at this path.
    #[error("there is no folder {path}: give a BEIR folder, one that holds corpus.jsonl, queries.jsonl and qrels/")]
    MissingFolder {
        /// The path given.
        path: PathBuf,
    },

    /// A data set folder lacks one of its parts.
    #[error("{folder} has no {part}: a BEIR folder holds corpus.jsonl, queries.jsonl and qrels/<split>.tsv")]
    MissingPart {
        /// The data set folder.
        folder: PathBuf,
        /// The part, relative to the folder.
        part: &'static str,
    },

    /// A data set has no judgments for the split asked for.
    #[error("{folder} has no split `{split}`: {}", available_splits(available))]
    MissingSplit {
        /// The data set folder.
        folder: PathBuf,
        /// The split asked for.
        split: String,
        /// The splits that are there, sorted.
        available: Vec<String>,
    },

    /// Two queries have the same identifier.
    #[error(
        "{path}, line {line}: query `{query}` was already given on line {first_line}: give each query an _id of its own"
    )]
    DuplicateQuery {
        /// The file of queries.
        path: PathBuf,
        /// The second line with this identifier.
        line: usize,
        /// The first.
        first_line: usize,
        /// The identifier.
        query: String,
    },

    /// Judgments name queries whose text is not in the data set.
    #[error("{path} judges {missing} absent from queries.jsonl: add their text there, or remove their judgments")]
    UnknownQueries {
        /// The file of judgments.
        path: PathBuf,
        /// How many, and some of them.
        missing: crate::dataset::Missing,
    },

    /// Judgments name documents that the data set does not hold.
    #[error(
        "{path} judges {missing} that {corpus} lacks: no encoder could find them; add them to the corpus, or remove their \
         judgments"
    )]
    UnknownDocuments {
        /// The file of judgments.
        path: PathBuf,
        /// The file of documents.
        corpus: PathBuf,
        /// How many, and some of them.
        missing: crate::dataset::Missing,
    },

    /// The documents of a data set cannot be read.
    #[error(transparent)]
    Documents(#[from] vetted_corpus::Error),

    /// A document is judged twice for one query, with different grades.
    #[error("document `{document}` has grade {first} and grade {second} for query `{query}`: keep one of them")]
    ConflictingJudgments {
        /// The query.
        query: String,
        /// The document.
        document: String,
        /// The grade given first.
        first: i32,
        /// The grade given later.
        second: i32,
    },

    /// A document is ranked twice for one query.
    #[error("document `{document}` is ranked twice for one query: keep its best score only")]
    DuplicateHit {
        /// The document.
        document: String,
    },

    /// A line of a file repeats or contradicts an earlier one.
    #[error("{path}, line {line}: {source}")]
    AtLine {
        /// The file.
        path: PathBuf,
        /// The later of the two lines, or the last line of its query.
        line: usize,
        /// What is wrong there.
        source: Box<Error>,
    },

    /// An identifier cannot stand in a TREC file, whose fields are separated by white space.
    #[error(
        "the {field} `{identifier}` is empty or contains white space, which a TREC run file cannot hold: rename it"
    )]
    UnwritableIdentifier {
        /// Which field: query, document or tag.
        field: &'static str,
        /// The identifier.
        identifier: String,
    },

    /// A metric's name is not known.
    #[error(
        "unknown metric `{got}`: expected ndcg, mrr, recall, map, precision or success, then @ and a cutoff of at least \
         1, such as ndcg@10"
    )]
    UnknownMetric {
        /// The name given.
        got: String,
    },

    /// A metric was asked of an evaluation that did not compute it.
    #[error("{metric} was not evaluated: name it when calling `evaluate`")]
    NotEvaluated {
        /// The metric.
        metric: crate::metrics::retrieval::Metric,
    },

    /// There is nothing to average over.
    #[error("there are no judged queries to average over: check that the qrels are those of the data set")]
    NoQueries,

    /// A score cannot be compared with others.
    #[error("score {position} is not a number (NaN): check the weights of the scorer and the text it was given")]
    NotANumber {
        /// Which of the scores, counted from 1.
        position: usize,
    },

    /// A score that should be a probability is none.
    #[error("score {position} is {got}, not a probability: give numbers in 0..=1, or call the scores similarities")]
    NotAProbability {
        /// Which of the scores, counted from 1.
        position: usize,
        /// The score.
        got: f64,
    },

    /// The numbers of scores and of what was to be scored differ.
    #[error("there are {got} scores for {expected} {what}: give one for each, in the same order")]
    ScoreCount {
        /// What was to be scored.
        what: &'static str,
        /// How many of these there are.
        expected: usize,
        /// How many scores.
        got: usize,
    },

    /// A metric that compares two classes was asked of one.
    #[error(
        "got {positives} pairs that match and {negatives} that do not: ranking one above the other takes both; of one \
         class, measure the accuracy"
    )]
    OneClass {
        /// Number of pairs that match.
        positives: usize,
        /// Number of pairs that do not.
        negatives: usize,
    },

    /// There is nothing to average over.
    #[error("there are no pairs to average over: check that the file has labels 0 and 1")]
    NoPairs,

    /// A pair to be evaluated has no label.
    #[error("pair {position} has no label: fill its column `equiv` (1 match, 0 no match, N neutral), or remove it")]
    Unlabelled {
        /// Which of the pairs, counted from 1.
        position: usize,
    },

    /// A cloud of vectors has no shape.
    #[error("got {got} vectors: the geometry of an encoder takes at least 2 texts, better 500")]
    TooFewVectors {
        /// How many there are.
        got: usize,
    },

    /// A share of positives to keep is out of range.
    #[error("cannot keep {got} % of the positives: give a percentage above 0 and up to 100, such as 79")]
    KeepRate {
        /// The percentage given.
        got: f64,
    },

    /// A file of contrasts is not what it should be.
    #[error(
        r#"{path}, line {line}, column {column}: {cause}; expected a list of contrasts, [{{"q1": "who bit the man", "q2": "who bit the dog", "doc1": "The dog bit the man.", "doc2": "The man bit the dog."}}, ...]"#
    )]
    MalformedContrast {
        /// The file.
        path: PathBuf,
        /// The line.
        line: usize,
        /// The column, in bytes, at which reading failed.
        column: usize,
        /// What the JSON reader says.
        cause: String,
    },

    /// There are no contrasts to average over.
    #[error("there are no contrasts to average over: the list is empty")]
    NoContrasts,

    /// Two runs cannot be compared query by query.
    #[error(
        "the runs to compare have scores for different queries ({baseline} and {system}): evaluate both with the same qrels"
    )]
    Unpaired {
        /// Number of queries of the baseline.
        baseline: usize,
        /// Number of queries of the other system.
        system: usize,
    },
}

fn available_splits(available: &[String]) -> String {
    match available {
        [] => "its qrels folder has no .tsv file".to_owned(),
        splits => format!("choose one of {}", splits.join(", ")),
    }
}
