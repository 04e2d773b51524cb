//! What a system retrieved: ranked documents per query, and the TREC file format for it.

use std::collections::{BTreeMap, HashSet};
use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::path::Path;

use crate::Error;
use crate::lines;

/// The rankings of one system for a set of queries.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Run {
    tag: String,
    rankings: BTreeMap<String, Ranking>,
}

/// The documents retrieved for one query, each once, in the order in which `trec_eval` ranks them: by score,
/// descending, then by document identifier, descending (as bytes).
///
/// The order in which a system listed documents of equal score does not count, so that no metric depends on it.
/// Scores are `f32` because those of `trec_eval` 9 are: what is equal as `f32` is a tie (its development branch has since
/// moved to doubles). A score that is not a number
/// (NaN) ranks below all others (`trec_eval` leaves that case undefined).
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Ranking {
    hits: Vec<Hit>,
}

/// A retrieved document.
#[derive(Debug, Clone, PartialEq)]
pub struct Hit {
    /// The document's identifier.
    pub document: String,
    /// Its score; higher is better.
    pub score: f32,
}

impl Ranking {
    /// Ranks documents by their scores.
    ///
    /// # Errors
    /// [`Error::DuplicateHit`] if a document is there twice.
    pub fn new<D: Into<String>>(scored: impl IntoIterator<Item = (D, f32)>) -> Result<Self, Error> {
        let mut hits: Vec<Hit> =
            scored.into_iter().map(|(document, score)| Hit { document: document.into(), score }).collect();
        let mut seen = HashSet::with_capacity(hits.len());
        if let Some(repeated) = hits.iter().find(|hit| !seen.insert(hit.document.as_str())) {
            return Err(Error::DuplicateHit { document: repeated.document.clone() });
        }
        hits.sort_unstable_by(trec_eval_order);
        Ok(Self { hits })
    }

    /// The documents, best first.
    pub fn hits(&self) -> &[Hit] {
        &self.hits
    }
}

fn trec_eval_order(a: &Hit, b: &Hit) -> std::cmp::Ordering {
    // `partial_cmp` finds 0.0 and -0.0 equal, as C does; it has no answer only where a NaN is involved.
    let by_score = b.score.partial_cmp(&a.score).unwrap_or_else(|| a.score.is_nan().cmp(&b.score.is_nan()));
    by_score.then_with(|| b.document.cmp(&a.document))
}

impl Run {
    /// A run without rankings. The tag names the system, in files.
    pub fn new(tag: impl Into<String>) -> Self {
        Self { tag: tag.into(), rankings: BTreeMap::new() }
    }

    /// Reads a TREC run file: query, `Q0`, document, rank, score and tag separated by white space.
    ///
    /// Documents are ranked by score; the rank and `Q0` fields are ignored, as `trec_eval` does. Queries may come in
    /// any order. The run has the tag of the first line.
    ///
    /// # Errors
    /// [`Error::Read`], [`Error::Malformed`], or [`Error::AtLine`] with [`Error::DuplicateHit`] (the line is then the
    /// last one of its query).
    pub fn read(path: impl AsRef<Path>) -> Result<Self, Error> {
        let path = path.as_ref();
        let mut tag = None;
        let mut queries: BTreeMap<String, (usize, Vec<(String, f32)>)> = BTreeMap::new();
        lines::for_each(path, |line| {
            let [query, _, document, _, score, line_tag] =
                line.space_separated("query, Q0, document, rank, score and tag separated by white space")?;
            // trec_eval reads a double and then narrows it; reading an f32 at once rounds differently in rare cases.
            let score: f64 = line.parse(score, "a score, a number such as 0.25")?;
            tag.get_or_insert_with(|| line_tag.to_owned());
            if !queries.contains_key(query) {
                queries.insert(query.to_owned(), (line.number, Vec::new()));
            }
            if let Some((last_line, scored)) = queries.get_mut(query) {
                *last_line = line.number;
                scored.push((document.to_owned(), score as f32));
            }
            Ok(())
        })?;

        let mut run = Self::new(tag.unwrap_or_default());
        for (query, (line, scored)) in queries {
            let ranking = Ranking::new(scored).map_err(|error| Error::AtLine {
                path: path.to_owned(),
                line,
                source: Box::new(error),
            })?;
            run.insert(query, ranking);
        }
        Ok(run)
    }

    /// Writes a TREC run file: queries sorted by identifier, ranks from 1. Reading it back gives an equal run, except
    /// for queries without hits, which the format cannot hold (they count as zero either way).
    ///
    /// # Errors
    /// [`Error::UnwritableIdentifier`], before anything is written, or [`Error::Write`].
    pub fn save(&self, path: impl AsRef<Path>) -> Result<(), Error> {
        self.check_identifiers()?;
        let path = path.as_ref();
        File::create(path)
            .and_then(|file| {
                let mut writer = BufWriter::new(file);
                self.write_lines(&mut writer)?;
                writer.flush()
            })
            .map_err(|source| Error::Write { path: path.to_owned(), source })
    }

    /// Sets the ranking of a query and returns the one it replaces, if any.
    pub fn insert(&mut self, query: impl Into<String>, ranking: Ranking) -> Option<Ranking> {
        self.rankings.insert(query.into(), ranking)
    }

    /// The ranking of a query, or `None` if this run does not have it.
    pub fn get(&self, query: &str) -> Option<&Ranking> {
        self.rankings.get(query)
    }

    /// Every query with its ranking, sorted by query identifier.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = (&str, &Ranking)> {
        self.rankings.iter().map(|(query, ranking)| (query.as_str(), ranking))
    }

    /// The name of the system.
    pub fn tag(&self) -> &str {
        &self.tag
    }

    fn check_identifiers(&self) -> Result<(), Error> {
        let queries = self.iter().map(|(query, _)| ("query", query));
        let documents =
            self.iter().flat_map(|(_, ranking)| &ranking.hits).map(|hit| ("document", hit.document.as_str()));
        let mut fields = std::iter::once(("tag", self.tag())).chain(queries).chain(documents);
        match fields.find(|(_, text)| text.is_empty() || text.contains(char::is_whitespace)) {
            None => Ok(()),
            Some((field, text)) => Err(Error::UnwritableIdentifier { field, identifier: text.to_owned() }),
        }
    }

    fn write_lines(&self, writer: &mut impl Write) -> io::Result<()> {
        for (query, ranking) in self.iter() {
            for (rank, hit) in (1..).zip(&ranking.hits) {
                writeln!(writer, "{query} Q0 {} {rank} {} {}", hit.document, hit.score, self.tag)?;
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::Ranking;

    #[test]
    fn ranks_as_trec_eval_does() {
        let nan = f32::NAN;
        type Case<'a> = (&'a str, &'a [(&'a str, f32)], &'a [&'a str]);
        let cases: [Case; 5] = [
            ("score, descending", &[("a", 1.0), ("b", 3.0), ("c", 2.0)], &["b", "c", "a"]),
            ("ties by identifier, descending", &[("d9", 1.0), ("d10", 1.0), ("é", 1.0)], &["é", "d9", "d10"]),
            ("equal as f32", &[("a", 1.000_000_001_f64 as f32), ("b", 1.0)], &["b", "a"]),
            ("both zeros are equal", &[("a", 0.0), ("b", -0.0)], &["b", "a"]),
            (
                "not a number is last",
                &[("a", nan), ("b", f32::NEG_INFINITY), ("c", nan), ("d", 0.0)],
                &["d", "b", "c", "a"],
            ),
        ];
        for (name, scored, expected) in cases {
            let ranking = Ranking::new(scored.iter().copied()).expect(name);
            let documents: Vec<&str> = ranking.hits().iter().map(|hit| hit.document.as_str()).collect();
            assert_eq!(documents, expected, "{name}");
        }
    }
}
