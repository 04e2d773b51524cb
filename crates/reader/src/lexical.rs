//! Words by themselves: the base encoder's word embeddings, compared without context.

use vetted_kernels::{Isa, l2_normalize};

use crate::{Error, Storage};

/// The base encoder's word embeddings, every row of unit length.
pub struct LexicalTable {
    pub(crate) width: usize,
    pub(crate) rows: Rows,
}

pub(crate) enum Rows {
    F32(Vec<f32>),
    /// Bytes as in [`vetted_kernels::ByteVectors`], and each word's scale.
    Int8(Vec<u8>, Vec<f32>),
}

impl LexicalTable {
    /// Normalizes `words` (vocabulary x `width`, the encoder's word-embedding matrix) and stores them as they are compared:
    /// [`Storage::Int8`] takes a quarter of the space and of the time, and is off by 0.001 (root mean square).
    ///
    /// # Errors
    /// [`Error::Length`] when `words` is not whole rows, [`Error::NotFinite`] with the word's id as the token.
    pub fn new(words: &[f32], width: usize, storage: Storage) -> Result<LexicalTable, Error> {
        if width == 0 || !words.len().is_multiple_of(width) {
            let expected = words.len().next_multiple_of(width.max(1));
            return Err(Error::Length { what: "values of whole word embeddings", expected, got: words.len() });
        }
        if let Some(at) = words.iter().position(|x| !x.is_finite()) {
            return Err(Error::NotFinite { token: at / width });
        }
        let isa = Isa::detect();
        let mut unit = words.to_vec();
        unit.chunks_exact_mut(width).for_each(|row| l2_normalize(isa, row));
        let rows = match storage {
            Storage::F32 => Rows::F32(unit),
            Storage::Int8 => {
                let mut bytes = Vec::with_capacity(unit.len());
                let scale = |row: &[f32]| {
                    let largest = row.iter().fold(0f32, |m, x| m.max(x.abs()));
                    let inverse = if largest > 0.0 { 127.0 / largest } else { 0.0 };
                    bytes.extend(row.iter().map(|x| ((x * inverse).round_ties_even() as i16 + 128) as u8));
                    largest / 127.0
                };
                let scales = unit.chunks_exact(width).map(scale).collect();
                Rows::Int8(bytes, scales)
            }
        };
        Ok(LexicalTable { width, rows })
    }

    /// Values per word.
    pub fn width(&self) -> usize {
        self.width
    }

    /// How many words there are.
    pub fn vocabulary(&self) -> usize {
        match &self.rows {
            Rows::F32(rows) => rows.len() / self.width,
            Rows::Int8(_, scales) => scales.len(),
        }
    }
}

impl Rows {
    /// The row of a word whose id has been checked.
    pub(crate) fn row<T>(rows: &[T], id: u32, width: usize) -> &[T] {
        &rows[id as usize * width..(id as usize + 1) * width]
    }
}
