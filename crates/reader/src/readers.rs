//! The readers: from a pair's maps to what a verifier says about it.

mod alignment;
mod convolution;
mod map_transformer;
mod padded_map;

use vetted_kernels::Precision;

use crate::pair::{Pair, VIEW};
use crate::transformer::Sequences;
use crate::weights::Weights;
use crate::{Error, Kind, Outputs, architecture};

use convolution::Convolutional;
use map_transformer::MapTransformer;
use padded_map::PaddedMap;

/// One of the family, loaded.
pub(crate) enum Reader {
    Cosine,
    F0,
    F1,
    F2 { backwards_penalty: f32 },
    F3(Box<Convolutional>),
    F4(Box<PaddedMap>),
    MapTransformer(Box<MapTransformer>),
}

/// Pairs that are read together.
#[derive(Default)]
pub(crate) struct Batch {
    sequences: Sequences,
    /// What a reader works on, of one pair.
    patches: Vec<f32>,
    rows: Vec<f32>,
    columns: Vec<f32>,
    mean: Vec<f32>,
    /// Logits by which each pair's support is lowered; none where empty.
    withheld: Vec<f32>,
    /// Head values of those read so far.
    values: Vec<f32>,
    pub(crate) outputs: Vec<Outputs>,
}

impl Reader {
    pub(crate) fn map_transformer(
        shape: &architecture::MapTransformer,
        max_tokens: usize,
        outputs: usize,
        weights: &Weights,
        precision: Precision,
    ) -> Result<Reader, Error> {
        Ok(Reader::MapTransformer(Box::new(MapTransformer::new(shape, max_tokens, outputs, weights, precision)?)))
    }

    pub(crate) fn f4(
        shape: &architecture::F4,
        outputs: usize,
        weights: &Weights,
        precision: Precision,
    ) -> Result<Reader, Error> {
        Ok(Reader::F4(Box::new(PaddedMap::new(shape, outputs, weights, precision)?)))
    }

    pub(crate) fn f3(shape: &architecture::F3, outputs: usize, weights: &Weights) -> Result<Reader, Error> {
        Ok(Reader::F3(Box::new(Convolutional::new(shape, outputs, weights)?)))
    }

    /// The side of the patches to which pairs are padded.
    pub(crate) fn patch(&self) -> usize {
        match self {
            Reader::MapTransformer(reader) => reader.patch(),
            _ => 1,
        }
    }

    /// Adds a pair to those that are read next.
    pub(crate) fn add(&self, pair: &Pair, batch: &mut Batch) {
        let similarity = match self {
            Reader::Cosine => pair.at(VIEW, 0, 0),
            Reader::F0 => alignment::mean(pair),
            Reader::F1 => alignment::max_sim(pair, VIEW),
            Reader::F2 { backwards_penalty } => alignment::soft_monotone(pair, *backwards_penalty, &mut batch.rows),
            Reader::F3(reader) => return reader.read(pair, batch),
            Reader::F4(reader) => return reader.add(pair, batch),
            Reader::MapTransformer(reader) => return reader.add(pair, batch),
        };
        batch.outputs.push(Outputs::of_similarity(similarity));
    }

    /// Reads all pairs added, and leaves what is said about them in [`Batch::outputs`], in their order.
    pub(crate) fn read(&self, batch: &mut Batch, kinds: &[Kind]) {
        let transformer = match self {
            Reader::F4(reader) => Some(reader.transformer()),
            Reader::MapTransformer(reader) => Some(reader.transformer()),
            _ => None,
        };
        if let Some(transformer) = transformer {
            transformer.read(&mut batch.sequences, &mut batch.values);
            batch.sequences.clear();
        }
        let read = batch.values.chunks_exact(3 + kinds.len()).map(|values| Outputs::of_head(values, kinds));
        let withheld = batch.withheld.drain(..).chain(std::iter::repeat(0.0));
        batch.outputs.extend(
            read.zip(withheld).map(|(outputs, withheld)| Outputs { support: outputs.support - withheld, ..outputs }),
        );
        batch.values.clear();
    }
}

/// F1 of a pair, whatever the reader.
pub(crate) fn max_sim(pair: &Pair) -> f32 {
    alignment::max_sim(pair, VIEW)
}
