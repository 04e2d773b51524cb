//! Relevance judgments: which documents answer which query, and how well.

use std::collections::BTreeMap;
use std::path::Path;

use crate::Error;
use crate::lines::{self, Line};

/// The judgments of a set of queries.
///
/// A grade of 1 or more means relevant, more being better; 0 means judged and not relevant. Negative grades (in TREC:
/// pooled but not judged, or spam) are kept and count as not relevant, as `trec_eval` does.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Qrels {
    queries: BTreeMap<String, Judgments>,
}

/// The judgments of one query.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Judgments {
    grades: BTreeMap<String, i32>,
}

impl Qrels {
    /// Reads a BEIR file: `query-id`, `corpus-id` and `score` separated by tabs. The header line may be absent.
    ///
    /// # Errors
    /// [`Error::Read`], [`Error::Malformed`], or [`Error::AtLine`] with [`Error::ConflictingJudgments`].
    pub fn read_beir(path: impl AsRef<Path>) -> Result<Self, Error> {
        Self::read(path.as_ref(), |line| {
            let [query, document, grade] = line.tab_separated("query-id, corpus-id and score separated by tabs")?;
            let is_header = line.number == 1 && query.trim().eq_ignore_ascii_case("query-id");
            Ok((!is_header).then_some([query, document, grade]))
        })
    }

    /// Reads a TREC file: query, iteration (ignored), document and grade separated by white space.
    ///
    /// # Errors
    /// As [`Qrels::read_beir`].
    pub fn read_trec(path: impl AsRef<Path>) -> Result<Self, Error> {
        Self::read(path.as_ref(), |line| {
            let [query, _, document, grade] =
                line.space_separated("query, iteration, document and grade separated by white space")?;
            Ok(Some([query, document, grade]))
        })
    }

    /// Adds one judgment. Giving the same one again changes nothing.
    ///
    /// # Errors
    /// [`Error::ConflictingJudgments`] if this document has another grade for this query.
    pub fn insert(&mut self, query: impl Into<String>, document: impl Into<String>, grade: i32) -> Result<(), Error> {
        let (query, document) = (query.into(), document.into());
        let judgments = self.queries.entry(query.clone()).or_default();
        match judgments.grades.get(&document) {
            Some(&first) if first != grade => {
                Err(Error::ConflictingJudgments { query, document, first, second: grade })
            }
            _ => {
                judgments.grades.insert(document, grade);
                Ok(())
            }
        }
    }

    /// The judgments of one query, or `None` if it was not judged.
    pub fn get(&self, query: &str) -> Option<&Judgments> {
        self.queries.get(query)
    }

    /// Every judged query with its judgments, sorted by query identifier.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = (&str, &Judgments)> {
        self.queries.iter().map(|(query, judgments)| (query.as_str(), judgments))
    }

    /// The number of judged queries, those with no relevant document included.
    pub fn len(&self) -> usize {
        self.queries.len()
    }

    /// Whether no query was judged.
    pub fn is_empty(&self) -> bool {
        self.queries.is_empty()
    }

    fn read(
        path: &Path,
        fields_of: impl for<'a> Fn(&Line<'a>) -> Result<Option<[&'a str; 3]>, Error>,
    ) -> Result<Self, Error> {
        let mut qrels = Self::default();
        lines::for_each(path, |line| {
            let Some([query, document, grade]) = fields_of(&line)? else {
                return Ok(());
            };
            let query = line.identifier(query, "a query identifier")?;
            let document = line.identifier(document, "a document identifier")?;
            let grade = line.parse(grade, "a grade, a whole number such as 0, 1 or 2")?;
            qrels.insert(query, document, grade).map_err(|error| line.locate(error))
        })?;
        Ok(qrels)
    }
}

impl Judgments {
    /// The grade of a document, or `None` if it was not judged for this query.
    pub fn grade(&self, document: &str) -> Option<i32> {
        self.grades.get(document).copied()
    }

    /// Every judged document with its grade, sorted by document identifier.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = (&str, i32)> {
        self.grades.iter().map(|(document, grade)| (document.as_str(), *grade))
    }

    /// The number of relevant documents: those with a grade of 1 or more.
    pub fn relevant(&self) -> usize {
        self.grades.values().filter(|grade| **grade >= 1).count()
    }
}
