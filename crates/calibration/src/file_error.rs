//! What can be wrong with a file of decisions or of a calibration, and with using it.

use std::path::PathBuf;

use vetted_pairs::Relation;

/// A file that cannot be used.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum FileError {
    /// It cannot be read.
    #[error("cannot read {}: {source}", path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },

    /// It cannot be written; what was there before is still there.
    #[error("cannot write {}: {source}; check that its folder exists, may be written to and has room", path.display())]
    Unwritable {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },

    /// It is something else.
    #[error("{} is not a calibration: {problem}. `vetted calibrate --out FILE` makes one", path.display())]
    NotACalibration {
        /// The file.
        path: PathBuf,
        /// Why not.
        problem: String,
    },

    /// Another vetted wrote it.
    #[error(
        "{} is a calibration of version {got}, and this vetted reads version {expected}: calibrate anew, or use the vetted that \
         made it",
        path.display()
    )]
    Version {
        /// The file.
        path: PathBuf,
        /// What it says.
        got: String,
        /// What can be read.
        expected: u64,
    },

    /// It is not what was written.
    #[error(
        "{} was changed after it was made (its digest does not fit), so nothing vouches for its thresholds: take the file that \
         `vetted calibrate` wrote, or calibrate anew",
        path.display()
    )]
    Changed {
        /// The file.
        path: PathBuf,
    },

    /// It was made for another model.
    #[error(
        "the calibration was made for the {what} {expected} ({}), and this is {got} ({}): its thresholds say nothing about \
         another. Use the {what} that it was made for, or calibrate anew with this one",
        beginning(expected_sha256),
        beginning(got_sha256)
    )]
    OtherModel {
        /// Verifier or encoder.
        what: &'static str,
        /// Its model.
        expected: String,
        /// That model's digest.
        expected_sha256: String,
        /// The other one.
        got: String,
        /// That one's digest.
        got_sha256: String,
    },

    /// It was made for another question.
    #[error(
        "the calibration is about {expected}, and {got} was asked: ask for {expected} (--relation {expected}), or calibrate with \
         pairs that are labelled for {got}"
    )]
    OtherRelation {
        /// Its relation.
        expected: Relation,
        /// The one asked about.
        got: Relation,
    },

    /// It was made from logged scores, and a verifier's outputs are not these.
    #[error(
        "the calibration was made from logged decisions with scores of their own, so it fits those scores and no verifier. Give \
         labelled pairs to `vetted calibrate`, or logged decisions with the `features` that `vetted verify --calibration --json` \
         prints"
    )]
    OwnScores,

    /// What it promises is an average, which the alarm does not watch.
    #[error(
        "the calibration promises an average over all decisions, and the alarm is about what is accepted: calibrate without \
         `--promise marginal`"
    )]
    NoDrift,

    /// The decisions cannot be read on in, or are not UTF-8.
    #[error(transparent)]
    Input(#[from] vetted_corpus::Error),

    /// A line of logged decisions is wrong.
    #[error("{}:{line}: {problem}; expected {EXPECTED}", path.display())]
    Line {
        /// The file.
        path: PathBuf,
        /// The line.
        line: u64,
        /// What is wrong.
        problem: String,
    },

    /// The first line is neither a labelled pair nor a logged decision.
    #[error(
        "{}:{line}: the line is not a JSON object: {problem}. JSONL has an object in each line: a labelled pair, as \
         {{\"s1\": \"...\", \"s2\": \"...\", \"label\": 1}}, or {EXPECTED}. NaN, Infinity and numbers beyond 1e308 are no JSON: leave \
         such decisions out",
        path.display()
    )]
    NotJson {
        /// The file.
        path: PathBuf,
        /// The line.
        line: u64,
        /// What is wrong.
        problem: String,
    },

    /// Decisions stand together that have nothing to do with each other.
    #[error(
        "{path}:{line}: this decision is {got}, and that of line {first} is {expected}: there is no calibration about both. Keep \
         those of one kind: jq -c 'select({keep})' {path} > kept.jsonl",
        path = path.display()
    )]
    Mixed {
        /// The file.
        path: PathBuf,
        /// The line.
        line: u64,
        /// What is said there.
        got: String,
        /// The line that first said something else.
        first: u64,
        /// What is said there.
        expected: String,
        /// A condition, as `jq` reads it, for the lines that say what the later one says.
        keep: String,
    },

    /// The decisions are about another question or by other models than those that they are to be used for.
    #[error(
        "{}: its decisions are {logged}, and {expected}: what they show says nothing about that. Give other decisions, or {todo}",
        path.display()
    )]
    OtherDecisions {
        /// The file.
        path: PathBuf,
        /// What they say.
        logged: String,
        /// What they are to be used for.
        expected: String,
        /// What else can be done.
        todo: String,
    },

    /// A decision lacks what the calibration decides by.
    #[error(
        "{}:{line}: the decision has {} and lacks {lacks}: the calibration decides by {takes}, so it can say nothing about it. Give \
         decisions that were logged with that (a cache's `feedback.jsonl`, `--decisions-out`, the `features` of `vetted verify \
         --calibration --json`), and leave older ones out; or log a `verdict`",
        path.display(),
        if has.is_empty() { "no features" } else { has }
    )]
    Unjudgeable {
        /// The file.
        path: PathBuf,
        /// The line.
        line: u64,
        /// What the calibration takes.
        takes: String,
        /// What is missing of it.
        lacks: String,
        /// What is there.
        has: String,
    },

    /// The segment that was named is unknown, or none was named.
    #[error(
        "{} The calibration has thresholds of their own for each `{column}`: {known}. For any other calibrate with decisions of \
         that segment",
        match got { Some(got) => format!("nothing is known about the segment {got:?}."), None => "name a segment.".to_owned() }
    )]
    UnknownSegment {
        /// What was named.
        got: Option<String>,
        /// The column of segments.
        column: String,
        /// The segments that there are.
        known: String,
    },
}

const EXPECTED: &str =
    r#"an object such as {"score": 0.93, "right": true}, or with "features": {"match": 4.1} instead of "score""#;

fn beginning(sha256: &str) -> &str {
    sha256.get(..12).unwrap_or(sha256)
}
