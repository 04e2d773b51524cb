//! BM25 over tantivy's postings.
//!
//! Robertson and Zaragoza, *The Probabilistic Relevance Framework: BM25 and Beyond* (2009), section 3, with Lucene's
//! idf, ln(1 + (N - n + 0.5) / (n + 0.5)), and without the constant factor k1 + 1, which changes no order.
//!
//! Tantivy's own scorer has fixed constants (k1 = 1.2, b = 0.75) and counts removed documents among the living until
//! their segment is merged. Here a document's score follows from the documents that are there and from nothing else:
//! not from the order in which they came, from what was removed, or from how tantivy divided them into segments.

use tantivy::fieldnorm::FieldNormReader;
use tantivy::postings::Postings;
use tantivy::schema::IndexRecordOption;
use tantivy::{DocSet, Searcher, TERMINATED, TantivyError, Term};

use super::Fields;
use crate::roster::{Ordinal, Roster};

/// How soon the second and third occurrence of a term stop to matter: Anserini's value for BEIR.
const K1: f32 = 0.9;
/// How much long documents are held to have more terms only because they are long: Anserini's value for BEIR.
const B: f32 = 0.4;

/// Stands for a document of tantivy's that the store does not hold.
const STRANGER: Ordinal = Ordinal::MAX;

/// One state of the text index, for searching.
pub(super) struct Bm25 {
    searcher: Searcher,
    fields: Fields,
    segments: Vec<Segment>,
    /// Documents with at least one term.
    documents: f32,
    average_length: f32,
    /// Numbers that the roster did not know.
    strangers: Vec<u64>,
}

struct Segment {
    /// By tantivy's document id.
    ordinals: Vec<Ordinal>,
    lengths: FieldNormReader,
}

impl Bm25 {
    /// Looks up tantivy's documents in the roster.
    pub(super) fn new(searcher: &Searcher, fields: Fields, roster: &Roster) -> Result<Self, TantivyError> {
        let mut segments = Vec::new();
        let mut strangers = Vec::new();
        let (mut documents, mut terms) = (0u64, 0u64);
        for reader in searcher.segment_readers() {
            let numbers = reader.fast_fields().u64("number")?.first_or_default_col(0);
            let lengths = reader.get_fieldnorms_reader(fields.text)?;
            let mut ordinals = vec![STRANGER; reader.max_doc() as usize];
            for document in reader.doc_ids_alive() {
                let number = numbers.get_val(document);
                let Some(ordinal) = roster.ordinal(number) else {
                    strangers.push(number);
                    continue;
                };
                ordinals[document as usize] = ordinal;
                let length = lengths.fieldnorm(document);
                documents += u64::from(length > 0);
                terms += u64::from(length);
            }
            segments.push(Segment { ordinals, lengths });
        }
        let average_length = terms as f32 / documents.max(1) as f32;
        Ok(Self {
            searcher: searcher.clone(),
            fields,
            segments,
            documents: documents as f32,
            average_length,
            strangers,
        })
    }

    /// The scores of all documents, by ordinal below `places`. A term that the query repeats counts repeatedly.
    pub(super) fn scores(&self, query: &[String], places: usize) -> Result<Vec<f32>, TantivyError> {
        let mut scores = vec![0.0; places];
        let mut occurrences: Vec<(Ordinal, f32)> = Vec::new();
        for (at, term) in query.iter().enumerate() {
            if query[..at].contains(term) {
                continue;
            }
            let repetitions = query[at..].iter().filter(|other| *other == term).count();
            occurrences.clear();
            self.collect(&Term::from_field_text(self.fields.text, term), &mut occurrences)?;
            let holding = occurrences.len() as f32;
            let idf = (1.0 + (self.documents - holding + 0.5) / (holding + 0.5)).ln();
            let weight = repetitions as f32 * idf;
            for (ordinal, saturation) in &occurrences {
                scores[*ordinal as usize] += weight * saturation;
            }
        }
        Ok(scores)
    }

    /// Collects the documents that hold `term`, each with how far its occurrences go towards the most they can count.
    fn collect(&self, term: &Term, into: &mut Vec<(Ordinal, f32)>) -> Result<(), TantivyError> {
        for (segment, reader) in self.segments.iter().zip(self.searcher.segment_readers()) {
            let inverted = reader.inverted_index(self.fields.text)?;
            let Some(mut postings) = inverted.read_postings(term, IndexRecordOption::WithFreqs)? else { continue };
            while postings.doc() != TERMINATED {
                let document = postings.doc();
                let ordinal = segment.ordinals[document as usize];
                if ordinal != STRANGER {
                    let frequency = postings.term_freq() as f32;
                    let length = segment.lengths.fieldnorm(document) as f32;
                    let norm = K1 * (1.0 - B + B * length / self.average_length);
                    into.push((ordinal, frequency / (frequency + norm)));
                }
                postings.advance();
            }
        }
        Ok(())
    }

    /// By ordinal below `places`, whether the text index holds the document.
    pub(super) fn held(&self, places: usize) -> Vec<bool> {
        let mut held = vec![false; places];
        for ordinal in self.shared() {
            held[ordinal as usize] = true;
        }
        held
    }

    /// The numbers of documents that the text index holds and the store, as of `roster`, does not.
    pub(super) fn superfluous(&self, roster: &Roster) -> Vec<u64> {
        let removed = self.shared().filter(|ordinal| !roster.is_alive(*ordinal));
        self.strangers.iter().copied().chain(removed.map(|ordinal| roster.number(ordinal))).collect()
    }

    /// The documents that the roster knew as well.
    fn shared(&self) -> impl Iterator<Item = Ordinal> + '_ {
        self.segments.iter().flat_map(|it| it.ordinals.iter().copied()).filter(|ordinal| *ordinal != STRANGER)
    }
}
