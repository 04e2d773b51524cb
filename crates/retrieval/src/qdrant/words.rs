//! Ranking by words, from postings that are sparse vectors: the arithmetic of the index in a folder.
//!
//! A sparse vector has a value for each of 2^32 *dimensions*. A term is no number, so it gets one by its digest, and two terms may get
//! the same. So that this changes no score, a term has three dimensions, in ranges of their own:
//!
//! - in `first`, 30 bits wide, stands its *posting*: how often it occurs, and how long the text is;
//! - in `mark`, 31 bits wide, stands 2^23, which no posting reaches;
//! - in `other`, 30 bits wide, stands the posting where in the same document another term has the same `first`.
//!
//! A search for all three dimensions of a term, each with weight 1, finds every document with the term, with 2^23 and the posting as its
//! score. What has another term that shares a dimension has less than that, or nothing but the mark. All values are whole numbers below
//! 2^24, which 32-bit floating point adds without rounding, in whatever order.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::atomic::{AtomicU64, Ordering};

use qdrant_client::qdrant::{
    FacetCounts, FacetHit, Filter as Conditions, Query, QueryBatchPoints, QueryPoints, ScoredPoint, SparseVector,
    VectorInput, facet_value, query, vector_input,
};
use vetted_tensors::digest::Digest;

use super::filtering::LENGTH;
use super::points::{Place, WORDS, no_fields};
use super::searching::Searching;
use crate::error::Result;
use crate::text::{length_of, rounded, saturation, terms, weight};

/// More than any posting.
const MARK: f32 = 8_388_608.0;
/// A term that occurs more often in a document counts as if it occurred so often.
const MOST_OCCURRENCES: u32 = (1 << 15) - 1;
/// Lengths of texts: each a byte.
const LENGTHS: u64 = 256;
/// Documents may be added while a search is on its way.
const MARGIN: u64 = 1024;

/// The terms of a document, counted.
pub(super) struct Counted {
    pub(super) terms: SparseVector,
    /// How long the text is, rounded; `None` where there is no term.
    pub(super) length: Option<u8>,
}

/// The dimensions of a term.
#[derive(Clone, Copy)]
struct Dimensions {
    first: u32,
    other: u32,
    mark: u32,
}

impl Dimensions {
    fn of(term: &str) -> Dimensions {
        let mut digest = Digest::default();
        digest.update(term);
        let bytes = digest.bytes();
        let (numbers, _) = bytes.as_chunks::<4>();
        let [first, other, mark] = [0, 1, 2].map(|at: usize| u32::from_be_bytes(numbers[at]));
        Dimensions { first: first >> 2, other: other >> 2 | 1 << 30, mark: mark >> 1 | 1 << 31 }
    }
}

impl Counted {
    pub(super) fn of(text: &str) -> Counted {
        let all = terms(text);
        if all.is_empty() {
            return Counted { terms: SparseVector::default(), length: None };
        }
        let length = rounded(all.len());
        let mut counts: BTreeMap<&str, u32> = BTreeMap::new();
        all.iter().for_each(|term| *counts.entry(term).or_default() += 1);
        Counted {
            terms: sparse(counts.into_iter().map(|(term, count)| (Dimensions::of(term), count)), length),
            length: Some(length),
        }
    }
}

fn sparse(counts: impl Iterator<Item = (Dimensions, u32)>, length: u8) -> SparseVector {
    let mut by_first: BTreeMap<u32, Vec<(Dimensions, u32)>> = BTreeMap::new();
    counts.for_each(|(term, count)| by_first.entry(term.first).or_default().push((term, count)));
    let mut values: BTreeMap<u32, f32> = BTreeMap::new();
    for (first, all) in by_first {
        let alone = all.len() == 1;
        for (term, count) in all {
            let posting = (count.min(MOST_OCCURRENCES) << 8 | u32::from(length)) as f32;
            values.insert(term.mark, MARK);
            values.insert(if alone { first } else { term.other }, posting);
        }
    }
    let (indices, values) = values.into_iter().unzip();
    SparseVector { values, indices }
}

/// That a term is in a document.
struct Posting {
    place: Place,
    /// How often.
    frequency: f32,
    /// How long the text is, rounded.
    length: f32,
}

/// What a server knows of a query's words.
struct Postings {
    /// How many documents have words.
    documents: u64,
    /// The lengths of all of their texts together.
    total: u64,
    /// By term.
    lists: Vec<Vec<Posting>>,
    /// The documents that have one of the terms and may fit, if the server was asked for them.
    may_fit: HashSet<Place>,
    /// How many points the longest of its answers has.
    longest: u64,
}

impl Posting {
    /// `None` for another term's.
    fn read(point: ScoredPoint) -> Option<Posting> {
        let (frequency, length) = unpacked(point.score)?;
        Some(Posting { place: Place::read(point.id.as_ref())?, frequency, length })
    }
}

/// How often a term occurs, and how long the text is, by the score of a search for the term. `None` where it is another's.
fn unpacked(score: f32) -> Option<(f32, f32)> {
    let posting = (score > MARK && score < 2.0 * MARK).then_some((score - MARK) as u32)?;
    Some(((posting >> 8) as f32, length_of((posting & 0xff) as u8) as f32))
}

/// The scores of documents that share a term with a query.
#[derive(Default)]
pub(super) struct Matching {
    scores: HashMap<Place, f32>,
    /// Those that may fit the filters, where the server was asked.
    may_fit: Option<HashSet<Place>>,
}

impl Matching {
    /// One document's score.
    pub(super) fn of_document(&self, place: Place) -> f32 {
        self.scores.get(&place).copied().unwrap_or(0.0)
    }

    /// All documents that share something and may fit, the greatest score first.
    pub(super) fn ranked(&self) -> Vec<(Place, f32)> {
        let may_fit = |place: &Place| self.may_fit.as_ref().is_none_or(|all| all.contains(place));
        let scores = self.scores.iter().map(|(place, score)| (*place, *score));
        let mut ranked: Vec<(Place, f32)> = scores.filter(|(place, score)| *score > 0.0 && may_fit(place)).collect();
        ranked.sort_unstable_by(|(_, a), (_, b)| b.total_cmp(a));
        ranked
    }
}

/// What is known of a collection's size: how many documents it had when it was last counted.
#[derive(Default)]
pub(super) struct Size(AtomicU64);

impl Searching<'_> {
    /// Asks for the postings of all terms of a text.
    pub(super) fn matching(&self, text: &str) -> Result<Matching> {
        let query = terms(text);
        let mut distinct: Vec<&str> = Vec::with_capacity(query.len());
        query.iter().for_each(|term| {
            if !distinct.contains(&term.as_str()) {
                distinct.push(term)
            }
        });
        if distinct.is_empty() {
            return Ok(Matching::default());
        }
        let known = self.size.0.load(Ordering::Relaxed);
        let mut limit = known + known / 4 + MARGIN;
        let found = loop {
            let found = self.postings(&distinct, limit)?;
            self.size.0.store(found.documents, Ordering::Relaxed);
            if found.longest < limit {
                break found;
            }
            limit = (found.documents + found.documents / 4 + MARGIN).max(limit.saturating_mul(2));
        };
        let documents = found.documents as f32;
        let average_length = found.total as f32 / found.documents.max(1) as f32;
        let may_fit = self.conditions.is_some().then_some(found.may_fit);
        let mut matching = Matching { may_fit, ..Matching::default() };
        for (term, list) in distinct.iter().zip(found.lists) {
            let repetitions = query.iter().filter(|other| other == term).count();
            let weight = weight(repetitions, documents, list.len() as f32);
            for Posting { place, frequency, length } in list {
                *matching.scores.entry(place).or_default() += saturation(frequency, length, average_length) * weight;
            }
        }
        Ok(matching)
    }

    /// What there is of each term: of all documents, and of those that may fit, if the server can apply filters.
    fn postings(&self, terms: &[&str], limit: u64) -> Result<Postings> {
        let ask = |filter: &Option<Conditions>| {
            terms.iter().map(|term| self.postings_of(term, filter.clone(), limit)).collect::<Vec<QueryPoints>>()
        };
        let mut query_points = ask(&None);
        if self.conditions.is_some() {
            query_points.extend(ask(&self.conditions));
        }
        let asked = query_points.len();
        let collection_name = self.collection().to_owned();
        let batch = QueryBatchPoints { collection_name: collection_name.clone(), query_points, ..Default::default() };
        let (key, limit, exact) = (LENGTH.to_owned(), Some(LENGTHS), Some(true));
        let lengths = FacetCounts { collection_name, key, limit, exact, ..FacetCounts::default() };
        let what = "a search for words";
        let (lengths, found) = self.connection.ask_until(what, self.until, |client| {
            let (batch, lengths) = (batch.clone(), lengths.clone());
            async move {
                let (lengths, found) = tokio::join!(client.facet(lengths), client.query_batch(batch));
                Ok((lengths?.hits, found?.result))
            }
        })?;
        let wrong = |reason: &str| self.connection.unexpected(what, reason);
        let length = |hit: FacetHit| match hit.value.and_then(|value| value.variant) {
            Some(facet_value::Variant::IntegerValue(length)) => Some((u8::try_from(length).ok()?, hit.count)),
            _ => None,
        };
        let lengths: Option<Vec<(u8, u64)>> = lengths.into_iter().map(length).collect();
        let lengths = lengths.ok_or_else(|| wrong("the length of a text is none"))?;
        if found.len() != asked {
            return Err(wrong("it answers another number of questions"));
        }
        let longest = found.iter().map(|list| list.result.len() as u64).max().unwrap_or(0);
        let mut all: Vec<Vec<Posting>> =
            found.into_iter().map(|list| list.result.into_iter().filter_map(Posting::read).collect()).collect();
        let may_fit = all.split_off(terms.len());
        let may_fit = may_fit.into_iter().flatten().map(|posting| posting.place).collect();
        let documents = lengths.iter().map(|(_, documents)| documents).sum();
        let total = lengths.iter().map(|(length, documents)| u64::from(length_of(*length)) * documents).sum();
        Ok(Postings { documents, total, lists: all, may_fit, longest })
    }

    fn postings_of(&self, term: &str, filter: Option<Conditions>, limit: u64) -> QueryPoints {
        let Dimensions { first, other, mark } = Dimensions::of(term);
        let terms = SparseVector { indices: vec![first, other, mark], values: vec![1.0; 3] };
        let nearest = VectorInput { variant: Some(vector_input::Variant::Sparse(terms)) };
        QueryPoints {
            collection_name: self.collection().to_owned(),
            query: Some(Query { variant: Some(query::Variant::Nearest(nearest)) }),
            using: Some(WORDS.to_owned()),
            filter,
            limit: Some(limit),
            with_payload: no_fields(),
            ..QueryPoints::default()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The score of a search for a term, as a server computes it.
    fn score(document: &SparseVector, term: Dimensions) -> f32 {
        let value = |dimension: u32| {
            document.indices.iter().position(|other| *other == dimension).map_or(0.0, |at| document.values[at])
        };
        value(term.first) + value(term.other) + value(term.mark)
    }

    #[test]
    fn a_term_is_counted_and_no_other_is_taken_for_it() {
        let a = Dimensions { first: 7, other: 1 << 30 | 3, mark: 1 << 31 | 5 };
        // These share dimensions with it, and the last shares none.
        let same_first = Dimensions { first: 7, other: 1 << 30 | 4, mark: 1 << 31 | 6 };
        let same_mark = Dimensions { first: 8, other: 1 << 30 | 4, ..a };
        let none = Dimensions { first: 8, other: 1 << 30 | 4, mark: 1 << 31 | 6 };
        let length = rounded(20);
        let found = |counts: &[(Dimensions, u32)], term| unpacked(score(&sparse(counts.iter().copied(), length), term));
        let once_or = |count: u32| Some((count as f32, 20.0));
        for other in [same_first, same_mark, none] {
            assert_eq!(found(&[(a, 3)], a), once_or(3));
            assert_eq!(found(&[(other, 9)], a), None);
            assert_eq!(found(&[(a, 3), (other, 9)], a), once_or(3));
            assert_eq!(found(&[(a, 3), (other, 9)], other), once_or(9));
        }
        assert_eq!(found(&[(a, 1_000_000)], a), once_or(MOST_OCCURRENCES));
    }

    #[test]
    fn dimensions_of_terms_lie_in_ranges_of_their_own() {
        for term in ["tea", "water", "", "β"] {
            let Dimensions { first, other, mark } = Dimensions::of(term);
            assert!(first < 1 << 30 && (1 << 30..1 << 31).contains(&other) && mark >= 1 << 31);
        }
        assert_eq!(Counted::of(" ").length, None);
        assert_eq!(Counted::of("tea tea water").terms.indices.len(), 4);
    }
}
