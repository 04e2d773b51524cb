//! Two texts side by side: their similarity maps, and what is known of each token.

use vetted_kernels::{Activation, ByteVectors, Linear, Precision, Scratch};

use crate::LexicalTable;
use crate::lexical::Rows;
use crate::views::{Projection, Values, Views, ids_of, traits_of};

/// A query's views, packed once to be compared with many candidates; from [`ViewScorer::pack`](crate::ViewScorer::pack).
pub struct PackedQuery {
    tokens: usize,
    /// `tokens`, rounded up to whole patches.
    padded: usize,
    /// One for each map: the view, and words where they are compared.
    maps: Vec<Packed>,
    traits: Vec<f32>,
}

/// Which map is which: the view's, and that of word embeddings where these are compared.
pub(crate) const VIEW: usize = 0;
pub(crate) const WORDS: usize = 1;

enum Packed {
    F32(Linear),
    Int8(ByteVectors),
}

/// A pair as the readers see it. Rows are the query's tokens, columns the candidate's; both are padded with zeros to whole
/// patches.
#[derive(Default, Clone)]
pub(crate) struct Pair {
    pub(crate) rows: usize,
    pub(crate) columns: usize,
    pub(crate) padded_rows: usize,
    pub(crate) padded_columns: usize,
    /// Similarity maps, column after column: `map[column * padded_rows + row]`.
    pub(crate) maps: Vec<Vec<f32>>,
    /// Per row: its traits, then its largest similarity in each map.
    pub(crate) row_features: Vec<f32>,
    /// Per column, likewise.
    pub(crate) column_features: Vec<f32>,
    /// Values per row of the features.
    pub(crate) features: usize,
    /// Rows of f32 on their way into a product.
    gathered: Vec<f32>,
}

impl PackedQuery {
    pub(crate) fn new(projection: &Projection, views: &Views, patch: usize) -> PackedQuery {
        let (tokens, padded) = (views.tokens, views.tokens.next_multiple_of(patch));
        let Projection { isa, lexical, shape, .. } = projection;
        let f32s = |mut rows: Vec<f32>, width: usize| {
            rows.resize(padded * width, 0.0);
            Packed::F32(Linear::new(&rows, &[], width, padded, Precision::F32, *isa))
        };
        let bytes = |mut rows: Vec<u8>, mut scales: Vec<f32>, width: usize| {
            rows.resize(padded * width, 128);
            scales.resize(padded, 0.0);
            Packed::Int8(ByteVectors::new(&rows, &scales, width, *isa))
        };
        let (view, ids, traits) = match &views.values {
            Values::F32 { view, traits, ids } => (f32s(view.clone(), shape.view), ids.clone(), traits.clone()),
            Values::Int8(stored) => {
                let (ids, traits, view) = shape.split(stored, tokens);
                let view = bytes(view.to_vec(), vec![shape.scale; tokens], shape.view);
                (view, ids_of(ids).collect(), traits_of(traits).collect())
            }
        };
        let words = lexical.as_ref().map(|LexicalTable { width, rows }| match rows {
            Rows::F32(rows) => f32s(ids.iter().flat_map(|id| Rows::row(rows, *id, *width)).copied().collect(), *width),
            Rows::Int8(rows, scales) => {
                let rows = ids.iter().flat_map(|id| Rows::row(rows, *id, *width)).copied().collect();
                bytes(rows, ids.iter().map(|id| scales[*id as usize]).collect(), *width)
            }
        });
        PackedQuery { tokens, padded, maps: [view].into_iter().chain(words).collect(), traits }
    }
}

impl Pair {
    /// Fills this pair with `query` and `candidate`, which are of the same verifier.
    pub(crate) fn compare(
        &mut self,
        projection: &Projection,
        query: &PackedQuery,
        candidate: &Views,
        patch: usize,
        scratch: &mut Scratch,
    ) {
        self.compare_maps(query.maps.len(), projection, query, candidate, patch, scratch);
    }

    /// As [`compare`](Self::compare), with the map of the views alone: all that coverage looks at.
    pub(crate) fn compare_views(
        &mut self,
        projection: &Projection,
        query: &PackedQuery,
        candidate: &Views,
        patch: usize,
        scratch: &mut Scratch,
    ) {
        self.compare_maps(1, projection, query, candidate, patch, scratch);
    }

    fn compare_maps(
        &mut self,
        maps: usize,
        projection: &Projection,
        query: &PackedQuery,
        candidate: &Views,
        patch: usize,
        scratch: &mut Scratch,
    ) {
        let shape = &projection.shape;
        (self.rows, self.padded_rows) = (query.tokens, query.padded);
        (self.columns, self.padded_columns) = (candidate.tokens, candidate.tokens.next_multiple_of(patch));
        self.features = shape.traits + maps;
        self.maps.resize_with(maps, Vec::new);
        let (compared, whole) = (self.columns * self.padded_rows, self.padded_columns * self.padded_rows);
        for map in &mut self.maps {
            map.resize(whole, 0.0);
            map[compared..].fill(0.0);
        }
        let (view_map, word_map) = self.maps.split_at_mut(1);
        let view_map = &mut view_map[0][..compared];
        let tokens = candidate.tokens;
        self.column_features.clear();
        self.column_features.resize(self.padded_columns * self.features, 0.0);
        let columns = self.column_features.chunks_exact_mut(self.features);
        match &candidate.values {
            Values::F32 { view, traits, .. } => {
                query.maps[0].products_of_values(view, view_map, scratch);
                put(columns, traits.iter().copied(), shape.traits);
            }
            Values::Int8(stored) => {
                let (_, traits, view) = shape.split(stored, tokens);
                let rows = view.chunks_exact(shape.view).map(|row| (row, shape.scale));
                query.maps[0].products_of_bytes(rows, view_map, scratch);
                put(columns, traits_of(traits), shape.traits);
            }
        }
        if let (Some(table), Some(words), Some(map)) = (&projection.lexical, query.maps.get(1), word_map.first_mut()) {
            let map = &mut map[..compared];
            match &candidate.values {
                Values::F32 { ids, .. } => words.compare(table, ids.iter().copied(), map, &mut self.gathered, scratch),
                Values::Int8(stored) => {
                    let (ids, _, _) = shape.split(stored, tokens);
                    words.compare(table, ids_of(ids), map, &mut self.gathered, scratch);
                }
            }
        }
        self.row_features.clear();
        self.row_features.resize(self.padded_rows * self.features, 0.0);
        put(self.row_features.chunks_exact_mut(self.features), query.traits.iter().copied(), shape.traits);
        self.find_maxima();
    }

    /// The similarity of a row and a column in a map.
    pub(crate) fn at(&self, map: usize, row: usize, column: usize) -> f32 {
        self.maps[map][column * self.padded_rows + row]
    }

    /// The largest similarity of a row in a map.
    pub(crate) fn row_maximum(&self, map: usize, row: usize) -> f32 {
        self.row_features[(row + 1) * self.features - self.maps.len() + map]
    }

    /// As [`row_maximum`](Self::row_maximum), of a column.
    pub(crate) fn column_maximum(&self, map: usize, column: usize) -> f32 {
        self.column_features[(column + 1) * self.features - self.maps.len() + map]
    }

    /// Makes `out` the same pair with query and candidate in each other's place.
    pub(crate) fn transpose_into(&self, out: &mut Pair) {
        (out.rows, out.padded_rows) = (self.columns, self.padded_columns);
        (out.columns, out.padded_columns) = (self.rows, self.padded_rows);
        out.features = self.features;
        out.row_features.clone_from(&self.column_features);
        out.column_features.clone_from(&self.row_features);
        out.maps.resize_with(self.maps.len(), Vec::new);
        for (map, transposed) in self.maps.iter().zip(&mut out.maps) {
            transposed.resize(map.len(), 0.0);
            for (row, column) in transposed.chunks_exact_mut(self.padded_columns).enumerate() {
                for (value, similarities) in column.iter_mut().zip(map.chunks_exact(self.padded_rows)) {
                    *value = similarities[row];
                }
            }
        }
    }

    /// Makes a row as if its token said nothing: no similarity to anything, no traits.
    pub(crate) fn hide_row(&mut self, row: usize) {
        for map in &mut self.maps {
            map.chunks_exact_mut(self.padded_rows).for_each(|column| column[row] = 0.0);
        }
        self.row_features[row * self.features..][..self.features].fill(0.0);
        self.find_maxima();
    }

    /// As [`hide_row`](Self::hide_row), of a column.
    pub(crate) fn hide_column(&mut self, column: usize) {
        for map in &mut self.maps {
            map[column * self.padded_rows..][..self.padded_rows].fill(0.0);
        }
        self.column_features[column * self.features..][..self.features].fill(0.0);
        self.find_maxima();
    }

    fn find_maxima(&mut self) {
        let Pair { rows, columns, padded_rows, maps, row_features, column_features, features, gathered, .. } = self;
        let first = *features - maps.len();
        for (m, map) in maps.iter().enumerate() {
            gathered.clear();
            gathered.resize(*padded_rows, f32::NEG_INFINITY);
            let by_column = map.chunks_exact(*padded_rows).zip(column_features.chunks_exact_mut(*features));
            for (similarities, features) in by_column.take(*columns) {
                let mut largest = f32::NEG_INFINITY;
                for (row_largest, s) in gathered.iter_mut().zip(similarities) {
                    *row_largest = if *s > *row_largest { *s } else { *row_largest };
                }
                for s in &similarities[..*rows] {
                    largest = if *s > largest { *s } else { largest };
                }
                features[first + m] = largest;
            }
            for (features, largest) in row_features.chunks_exact_mut(*features).zip(&*gathered).take(*rows) {
                features[first + m] = *largest;
            }
        }
    }
}

/// Writes the traits of each token to the beginning of its features.
fn put<'a>(rows: impl Iterator<Item = &'a mut [f32]>, traits: impl Iterator<Item = f32>, count: usize) {
    if count == 0 {
        return;
    }
    let mut traits = traits;
    for row in rows {
        row[..count].iter_mut().zip(&mut traits).for_each(|(value, x)| *value = x);
    }
}

impl Packed {
    /// The products with every row of `values`. A packed query and a candidate of one verifier are stored alike.
    fn products_of_values(&self, values: &[f32], out: &mut [f32], scratch: &mut Scratch) {
        match self {
            Packed::F32(packed) => packed.forward(values, out, Activation::None, scratch),
            Packed::Int8(_) => unreachable!("views of one verifier are stored alike"),
        }
    }

    fn products_of_bytes<'a>(
        &self,
        rows: impl Iterator<Item = (&'a [u8], f32)>,
        out: &mut [f32],
        scratch: &mut Scratch,
    ) {
        match self {
            Packed::Int8(packed) => packed.products(rows, out, scratch),
            Packed::F32(_) => unreachable!("views of one verifier are stored alike"),
        }
    }

    /// The products of the query's words with others, given by their ids.
    fn compare(
        &self,
        table: &LexicalTable,
        ids: impl Iterator<Item = u32>,
        out: &mut [f32],
        gathered: &mut Vec<f32>,
        scratch: &mut Scratch,
    ) {
        let width = table.width;
        match &table.rows {
            Rows::F32(rows) => {
                gathered.clear();
                ids.for_each(|id| gathered.extend_from_slice(Rows::row(rows, id, width)));
                self.products_of_values(gathered, out, scratch);
            }
            Rows::Int8(rows, scales) => {
                let words = ids.map(|id| (Rows::row(rows, id, width), scales[id as usize]));
                self.products_of_bytes(words, out, scratch);
            }
        }
    }
}
