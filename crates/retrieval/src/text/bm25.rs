//! BM25 over tantivy's postings, and over the documents that tantivy does not hold yet.
//!
//! Robertson and Zaragoza, *The Probabilistic Relevance Framework: BM25 and Beyond* (2009), section 3, with Lucene's
//! idf, ln(1 + (N - n + 0.5) / (n + 0.5)), and without the constant factor k1 + 1, which changes no order.
//!
//! Tantivy's own scorer has fixed constants (k1 = 1.2, b = 0.75) and counts removed documents among the living until
//! their segment is merged. Here a document's score follows from the documents that are there and from nothing else:
//! not from the order in which they came, from what was removed, or from where they are held. All counts are whole
//! numbers, and a document's terms are added up in the query's order.

use tantivy::postings::Postings;
use tantivy::schema::IndexRecordOption;
use tantivy::{DocSet, TERMINATED, TantivyError, Term};

use super::Text;
use crate::bits::Bits;
use crate::ranking::{Best, Candidate};
use crate::roster::{Ordinal, Roster};

/// How soon the second and third occurrence of a term stop to matter: Anserini's value for BEIR.
const K1: f32 = 0.9;
/// How much long documents are held to have more terms only because they are long: Anserini's value for BEIR.
const B: f32 = 0.4;

/// Where fewer than one document in so many has a term of the query, only their scores are kept.
const FEW_ONE_IN: usize = 16;

/// The scores of documents that share a term with a query. Every other document's is 0.
#[derive(Debug)]
pub(crate) enum Matches {
    /// By ordinal, ascending.
    Few(Vec<(Ordinal, f32)>),
    /// At the place of the ordinal.
    Many(Vec<f32>),
}

impl Matches {
    /// Nothing was found.
    pub(crate) fn none() -> Self {
        Matches::Few(Vec::new())
    }

    /// Adds up what each document got, in the order in which it got it.
    fn of(mut contributions: Vec<(Ordinal, f32)>, places: usize) -> Self {
        if contributions.len() < places / FEW_ONE_IN {
            contributions.sort_by_key(|(ordinal, _)| *ordinal);
            let documents = contributions.chunk_by(|(a, _), (b, _)| a == b);
            let sum = |of: &[(Ordinal, f32)]| (of[0].0, of.iter().fold(0.0, |sum, (_, score)| sum + score));
            return Matches::Few(documents.map(sum).collect());
        }
        let mut scores = vec![0.0; places];
        for (ordinal, score) in contributions {
            scores[ordinal as usize] += score;
        }
        Matches::Many(scores)
    }

    /// One document's score.
    pub(crate) fn of_document(&self, ordinal: Ordinal) -> f32 {
        match self {
            Matches::Few(scores) => scores.binary_search_by_key(&ordinal, |(it, _)| *it).map_or(0.0, |at| scores[at].1),
            Matches::Many(scores) => scores.get(ordinal as usize).copied().unwrap_or(0.0),
        }
    }

    /// The best `k` of the allowed documents.
    pub(crate) fn best<'roster>(&self, k: usize, allowed: &Bits, roster: &'roster Roster) -> Vec<Candidate<'roster>> {
        let mut best = Best::new(k, roster);
        let mut offer = |ordinal, score| {
            if score > 0.0 && best.may_keep(score) && allowed.get(ordinal) {
                best.offer(ordinal, score);
            }
        };
        match self {
            Matches::Few(scores) => scores.iter().for_each(|(ordinal, score)| offer(*ordinal, *score)),
            Matches::Many(scores) => (0..).zip(scores).for_each(|(ordinal, score)| offer(ordinal, *score)),
        }
        best.into_ranking()
    }
}

/// The scores of the living documents. A term that the query repeats counts repeatedly.
pub(super) fn scores(text: &Text, query: &[String], roster: &Roster) -> Result<Matches, TantivyError> {
    let (documents, terms) = size(text, roster);
    let average_length = terms as f32 / documents.max(1) as f32;
    let documents = documents as f32;
    let mut contributions: Vec<(Ordinal, f32)> = Vec::new();
    for (at, term) in query.iter().enumerate() {
        if query[..at].contains(term) {
            continue;
        }
        let repetitions = query[at..].iter().filter(|other| *other == term).count();
        let first = contributions.len();
        collect(text, term, average_length, roster, &mut contributions)?;
        let holding = (contributions.len() - first) as f32;
        let weight = weight(repetitions, documents, holding);
        contributions[first..].iter_mut().for_each(|(_, saturation)| *saturation *= weight);
    }
    Ok(Matches::of(contributions, roster.places()))
}

/// How far so many occurrences of a term in a document go towards the most they can count.
pub(crate) fn saturation(frequency: f32, length: f32, average_length: f32) -> f32 {
    frequency / (frequency + K1 * (1.0 - B + B * length / average_length))
}

/// What a term counts that the query repeats so often, where so many of all documents hold it.
pub(crate) fn weight(repetitions: usize, documents: f32, holding: f32) -> f32 {
    repetitions as f32 * (1.0 + (documents - holding + 0.5) / (holding + 0.5)).ln()
}

/// How many living documents have at least one term, and how many terms they have.
fn size(text: &Text, roster: &Roster) -> (u64, u64) {
    let (mut documents, mut terms) = text.base.size();
    for batch in &text.overlay {
        for (ordinal, length) in batch.ordinals.iter().zip(&batch.words.counted().lengths) {
            if roster.is_alive(*ordinal) {
                documents += u64::from(*length > 0);
                terms += u64::from(*length);
            }
        }
    }
    (documents, terms)
}

/// Collects the living documents that hold `term`, each with how far its occurrences go towards the most they can count.
fn collect(
    text: &Text,
    term: &str,
    average_length: f32,
    roster: &Roster,
    into: &mut Vec<(Ordinal, f32)>,
) -> Result<(), TantivyError> {
    let mut occurs = |ordinal: Ordinal, frequency: u32, length: u32| {
        if roster.is_alive(ordinal) {
            let (frequency, length) = (frequency as f32, length as f32);
            into.push((ordinal, saturation(frequency, length, average_length)));
        }
    };
    let field = text.files.fields.text;
    let wanted = Term::from_field_text(field, term);
    for (reader, held) in text.base.segments() {
        let inverted = reader.inverted_index(field)?;
        let Some(mut postings) = inverted.read_postings(&wanted, IndexRecordOption::WithFreqs)? else { continue };
        while postings.doc() != TERMINATED {
            let document = postings.doc();
            occurs(held.ordinal(document), postings.term_freq(), held.length(document));
            postings.advance();
        }
    }
    for batch in &text.overlay {
        let words = batch.words.counted();
        for (at, frequency) in words.postings.get(term).into_iter().flatten() {
            occurs(batch.ordinals[*at as usize], *frequency, words.lengths[*at as usize]);
        }
    }
    Ok(())
}
