//! What tantivy holds, and which documents that is.

use std::sync::Arc;

use tantivy::fieldnorm::FieldNormReader;
use tantivy::index::SegmentId;
use tantivy::{Searcher, SegmentReader, TantivyError};

use super::NOBODY;
use super::files::{Fields, Files};
use crate::bits::Bits;
use crate::roster::{Ordinal, Renumbering, Roster};

/// One commit of tantivy's, as it is searched.
#[derive(Clone)]
pub(super) struct Base {
    searcher: Searcher,
    segments: Vec<Segment>,
}

#[derive(Clone)]
struct Segment {
    held: Arc<Held>,
    /// Of its living documents, those with at least one term.
    documents: u64,
    /// The lengths of its living documents, added up.
    terms: u64,
}

/// The documents of one of tantivy's segments. These never change: segments are written once.
pub(super) struct Held {
    id: SegmentId,
    /// By tantivy's document id; [`NOBODY`] for those that were not there when this was read.
    ordinals: Vec<Ordinal>,
    /// Tantivy's document ids in the order of their ordinals, where these do not ascend anyway.
    sorted: Vec<u32>,
    lengths: FieldNormReader,
}

impl Base {
    /// Looks up tantivy's documents in the roster, except for segments that are known from `before`. Returns as well the
    /// numbers that the roster does not know, or not any more.
    pub(super) fn read(
        files: &Files,
        roster: &Roster,
        before: Option<&Base>,
    ) -> Result<(Self, Vec<u64>), TantivyError> {
        let searcher = files.searcher();
        let known = before.map_or(&[][..], |base| &base.segments);
        let mut strangers = Vec::new();
        let mut segments = Vec::new();
        for reader in searcher.segment_readers() {
            segments.push(match known.iter().find(|segment| segment.held.id == reader.segment_id()) {
                Some(segment) => segment.clone(),
                None => Segment::read(reader, files.fields, roster, &mut strangers)?,
            });
        }
        Ok((Self { searcher, segments }, strangers))
    }

    /// Tantivy's segments, with what is known of their documents.
    pub(super) fn segments(&self) -> impl Iterator<Item = (&SegmentReader, &Held)> {
        self.searcher.segment_readers().iter().zip(self.segments.iter().map(|segment| &*segment.held))
    }

    /// How many living documents have at least one term, and how many terms they have.
    pub(super) fn size(&self) -> (u64, u64) {
        self.segments.iter().fold((0, 0), |(documents, terms), it| (documents + it.documents, terms + it.terms))
    }

    /// Whether a document is here, alive or not.
    pub(super) fn holds(&self, ordinal: Ordinal) -> bool {
        self.segments.iter().any(|segment| segment.held.find(ordinal).is_some())
    }

    /// The ordinals of all documents here, alive or not.
    pub(super) fn held(&self) -> Bits {
        let ordinals = self.segments.iter().flat_map(|segment| segment.held.ordinals.iter().copied());
        ordinals.filter(|ordinal| *ordinal != NOBODY).collect()
    }

    /// Counts a document among the living no more; says whether it is here.
    pub(super) fn remove(&mut self, ordinal: Ordinal) -> bool {
        for Segment { held, documents, terms } in &mut self.segments {
            if let Some(document) = held.find(ordinal) {
                let length = held.length(document);
                *documents -= u64::from(length > 0);
                *terms -= u64::from(length);
                return true;
            }
        }
        false
    }

    /// The same documents under new ordinals.
    pub(super) fn renumbered(&self, ordinals: &Renumbering) -> Self {
        let segments = self.segments.iter().map(|segment| {
            let new = segment.held.ordinals.iter().map(|ordinal| ordinals.of(*ordinal).unwrap_or(NOBODY)).collect();
            let held = Held::new(segment.held.id, new, segment.held.lengths.clone());
            Segment { held: Arc::new(held), ..segment.clone() }
        });
        Self { searcher: self.searcher.clone(), segments: segments.collect() }
    }
}

impl Segment {
    fn read(
        reader: &SegmentReader,
        fields: Fields,
        roster: &Roster,
        strangers: &mut Vec<u64>,
    ) -> Result<Self, TantivyError> {
        let numbers = reader.fast_fields().u64("number")?.first_or_default_col(0);
        let lengths = reader.get_fieldnorms_reader(fields.text)?;
        let mut ordinals = vec![NOBODY; reader.max_doc() as usize];
        let (mut documents, mut terms) = (0, 0);
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
        let held = Arc::new(Held::new(reader.segment_id(), ordinals, lengths));
        Ok(Self { held, documents, terms })
    }
}

impl Held {
    fn new(id: SegmentId, ordinals: Vec<Ordinal>, lengths: FieldNormReader) -> Self {
        let mut sorted = Vec::new();
        if !ordinals.is_sorted() {
            sorted = (0..ordinals.len() as u32).collect();
            sorted.sort_unstable_by_key(|document| ordinals[*document as usize]);
        }
        Self { id, ordinals, sorted, lengths }
    }

    /// The ordinal of one of tantivy's documents; [`NOBODY`] for a stranger.
    pub(super) fn ordinal(&self, document: u32) -> Ordinal {
        self.ordinals[document as usize]
    }

    /// How many terms a document has, about: tantivy keeps it in one byte.
    pub(super) fn length(&self, document: u32) -> u32 {
        self.lengths.fieldnorm(document)
    }

    /// Tantivy's id of a document.
    fn find(&self, ordinal: Ordinal) -> Option<u32> {
        match self.sorted.is_empty() {
            true => self.ordinals.binary_search(&ordinal).ok().map(|at| at as u32),
            false => {
                let by = |document: &u32| self.ordinals[*document as usize];
                self.sorted.binary_search_by_key(&ordinal, by).ok().map(|at| self.sorted[at])
            }
        }
    }
}
