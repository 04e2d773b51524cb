//! A data set with its documents in memory, for encoders that search it exactly.

use std::collections::HashSet;
use std::num::NonZeroUsize;
use std::path::Path;

use vetted_corpus::{ReadOptions, read};

use crate::metrics::retrieval::{Measure, evaluate};
use crate::{Dataset, Error, Ranking, Run};

/// One split of a BEIR data set and all its documents.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Collection {
    /// Queries and judgments.
    pub dataset: Dataset,
    /// Of every document.
    pub ids: Vec<String>,
    /// Title and text of every document, in the same order.
    pub texts: Vec<String>,
}

/// A document, by its place in the collection, and its score.
pub type Hit = (usize, f32);

impl Collection {
    /// Reads a BEIR folder, all of whose judged documents must be there: no encoder could find the others.
    ///
    /// # Errors
    /// As [`Dataset::load`]; [`Error::Documents`] when the corpus cannot be read; [`Error::UnknownDocuments`].
    pub fn load(folder: impl AsRef<Path>, split: &str) -> Result<Self, Error> {
        let folder = folder.as_ref();
        let dataset = Dataset::load(folder, split)?;
        let (mut ids, mut texts) = (Vec::new(), Vec::new());
        for document in read(std::slice::from_ref(&dataset.corpus), &ReadOptions::default()) {
            let document = document?;
            texts.push(document.full_text().into_owned());
            ids.push(document.id);
        }
        let known: HashSet<&str> = ids.iter().map(String::as_str).collect();
        if let Some(missing) = dataset.missing_documents(|id| known.contains(id)) {
            let path = folder.join("qrels").join(format!("{split}.tsv"));
            return Err(Error::UnknownDocuments { path, corpus: dataset.corpus, missing });
        }
        Ok(Self { dataset, ids, texts })
    }

    /// The texts of the judged queries, in the order of [`Dataset::queries`].
    pub fn queries(&self) -> Vec<String> {
        self.dataset.queries.iter().map(|query| query.text.clone()).collect()
    }

    /// A smaller collection: all judged documents, and of the others as many as make `most` in all, spread evenly.
    #[must_use]
    pub fn at_most(mut self, most: usize) -> Self {
        let qrels = self.dataset.qrels.iter();
        let judged: HashSet<&str> = qrels.flat_map(|(_, judged)| judged.iter().map(|(document, _)| document)).collect();
        let is_judged: Vec<bool> = self.ids.iter().map(|id| judged.contains(id.as_str())).collect();
        let others = is_judged.iter().filter(|judged| !**judged).count();
        let wanted = most.saturating_sub(self.ids.len() - others).min(others);
        let mut seen = 0;
        let kept: Vec<bool> = is_judged
            .iter()
            .map(|judged| {
                seen += usize::from(!judged);
                *judged || seen * wanted / others > (seen - 1) * wanted / others
            })
            .collect();
        let mut keep = kept.iter().copied().cycle();
        self.ids.retain(|_| keep.next().unwrap_or(true));
        let mut keep = kept.iter().copied().cycle();
        self.texts.retain(|_| keep.next().unwrap_or(true));
        self
    }

    /// nDCG@10 of every judged query, sorted by query identifier. `hits` are those of each of the
    /// [queries](Dataset::queries), in that order.
    ///
    /// # Errors
    /// [`Error::ScoreCount`] unless there is a ranking for every query; [`Error::DuplicateHit`].
    pub fn ndcg_at_10(&self, hits: &[Vec<Hit>]) -> Result<Vec<f64>, Error> {
        const TEN: NonZeroUsize = NonZeroUsize::new(10).expect("10 is not zero");
        let (expected, got) = (self.dataset.queries.len(), hits.len());
        if expected != got {
            return Err(Error::ScoreCount { what: "queries", expected, got });
        }
        let metric = Measure::Ndcg.at(TEN);
        let mut run = Run::new("dense");
        for (query, hits) in self.dataset.queries.iter().zip(hits) {
            run.insert(&query.id, Ranking::new(hits.iter().map(|(place, score)| (&self.ids[*place][..], *score)))?);
        }
        let evaluation = evaluate(&[metric], &self.dataset.qrels, &run)?;
        Ok(evaluation.per_query(metric).map(<[f64]>::to_vec).unwrap_or_default())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn folder(qrels: &str) -> tempfile::TempDir {
        let folder = tempfile::tempdir().unwrap();
        std::fs::create_dir(folder.path().join("qrels")).unwrap();
        let corpus: String =
            (0..10).map(|n| format!("{{\"_id\": \"d{n}\", \"title\": \"T{n}\", \"text\": \"text\"}}\n")).collect();
        for (name, content) in [
            ("corpus.jsonl", &corpus[..]),
            ("queries.jsonl", r#"{"_id": "q", "text": "?"}"#),
            ("qrels/test.tsv", qrels),
        ] {
            std::fs::write(folder.path().join(name), content).unwrap();
        }
        folder
    }

    #[test]
    fn a_smaller_collection_keeps_what_is_judged() -> Result<(), Error> {
        let folder = folder("q\td3\t1\nq\td4\t0\n");
        let whole = Collection::load(folder.path(), "test")?;
        assert_eq!((whole.ids.len(), &whole.texts[3][..]), (10, "T3 text"));
        for (most, kept) in [(0, 2), (2, 2), (5, 5), (10, 10), (99, 10)] {
            let small = whole.clone().at_most(most);
            assert_eq!((small.ids.len(), small.texts.len()), (kept, kept));
            assert!(small.ids.contains(&"d3".to_owned()) && small.ids.contains(&"d4".to_owned()));
            let place = small.ids.iter().position(|id| id == "d3").unwrap();
            assert_eq!(small.texts[place], "T3 text");
        }
        assert_eq!(whole.ndcg_at_10(&[vec![(3, 0.9), (4, 0.8)]])?, [1.0]);
        assert!(matches!(whole.ndcg_at_10(&[]), Err(Error::ScoreCount { expected: 1, got: 0, .. })));
        Ok(())
    }

    #[test]
    fn judged_documents_that_are_not_there_are_named() {
        let folder = folder("q\td3\t1\nq\td77\t1\n");
        let message = Collection::load(folder.path(), "test").unwrap_err().to_string();
        assert!(message.contains("1 document (d77)") && message.contains("test.tsv"), "{message}");
    }
}
