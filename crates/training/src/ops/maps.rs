//! Similarity maps of pairs of texts, laid out for a reader.

use std::sync::{Mutex, PoisonError};

use candle_core::{CpuStorage, CustomOp2, Layout as TensorLayout, Result, Shape, Tensor};
use vetted_kernels::{Isa, dots};

use super::padding::Padding;
use super::storage::{floats, result, slice, tensor};
use super::{Backend, Ops};
use crate::texts::Spans;

/// How maps become rows for a reader.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Layout {
    /// Patches of the true grid: one or two maps, then the features of the patch's rows and of its columns, then which row and
    /// which column of patches it is, then 1; before them a row for CLS. `positions` rows and columns of patches at most.
    Patches { patch: usize, maps: usize, traits: usize, positions: usize },
    /// Patches of a padded square: map, row maxima and column maxima, then which patch it is, then 1; before them a row
    /// for CLS.
    Square { patch: usize, grid: usize },
    /// A row per cell of the true grid: of each map its value, the row's maximum and the column's.
    Cells { maps: usize },
}

/// Where a feature comes from. `map` is 0 for the views' and 1 for the words'.
#[derive(Clone, Copy, Debug)]
enum Source {
    Map { map: usize, row: usize, column: usize },
    RowMaximum { map: usize, row: usize },
    ColumnMaximum { map: usize, column: usize },
    RowTrait { row: usize, index: usize },
    ColumnTrait { column: usize, index: usize },
    One,
}

impl Layout {
    /// Values in a row.
    pub(crate) fn width(self) -> usize {
        match self {
            Layout::Patches { patch, maps, traits, positions } => {
                maps * patch * patch + 2 * patch * (traits + maps) + 2 * positions + 2
            }
            Layout::Square { patch, grid } => 3 * patch * patch + (grid / patch) * (grid / patch) + 2,
            Layout::Cells { maps } => 3 * maps,
        }
    }

    /// Rows of a pair of `m` and `n` tokens.
    pub(crate) fn rows(self, m: usize, n: usize) -> usize {
        match self {
            Layout::Patches { patch, .. } => 1 + m.div_ceil(patch) * n.div_ceil(patch),
            Layout::Square { patch, grid } => 1 + (grid / patch) * (grid / patch),
            Layout::Cells { .. } => m * n,
        }
    }

    /// Calls `at` with every feature that is not 0 by layout: its place among the pair's values, and its source.
    fn visit(self, m: usize, n: usize, mut at: impl FnMut(usize, Source)) {
        let width = self.width();
        match self {
            Layout::Patches { patch, maps, traits, positions } => {
                at(width - 1, Source::One);
                let (map, side, columns) = (patch * patch, patch * (traits + maps), n.div_ceil(patch));
                for (index, start) in (width..self.rows(m, n) * width).step_by(width).enumerate() {
                    let (block_row, block_column) = (index / columns, index % columns);
                    let rows = block_row * patch..((block_row + 1) * patch).min(m);
                    let across = block_column * patch..((block_column + 1) * patch).min(n);
                    for (r, row) in rows.clone().enumerate() {
                        for (c, column) in across.clone().enumerate() {
                            let place = start + r * patch + c;
                            (0..maps).for_each(|m| at(place + m * map, Source::Map { map: m, row, column }));
                        }
                    }
                    for (r, row) in rows.enumerate() {
                        let start = start + maps * map + r * (traits + maps);
                        (0..traits).for_each(|index| at(start + index, Source::RowTrait { row, index }));
                        (0..maps).for_each(|map| at(start + traits + map, Source::RowMaximum { map, row }));
                    }
                    for (c, column) in across.enumerate() {
                        let start = start + maps * map + side + c * (traits + maps);
                        (0..traits).for_each(|index| at(start + index, Source::ColumnTrait { column, index }));
                        (0..maps).for_each(|map| at(start + traits + map, Source::ColumnMaximum { map, column }));
                    }
                    let start = start + maps * map + 2 * side;
                    at(start + block_row, Source::One);
                    at(start + positions + block_column, Source::One);
                    at(start + 2 * positions, Source::One);
                }
            }
            Layout::Square { patch, grid } => {
                at(width - 1, Source::One);
                let (map, columns) = (patch * patch, grid / patch);
                for (index, start) in (width..self.rows(m, n) * width).step_by(width).enumerate() {
                    let (block_row, block_column) = (index / columns, index % columns);
                    for (r, row) in (block_row * patch..((block_row + 1) * patch).min(m)).enumerate() {
                        for (c, column) in (block_column * patch..((block_column + 1) * patch).min(n)).enumerate() {
                            let start = start + r * patch + c;
                            at(start, Source::Map { map: 0, row, column });
                            at(start + map, Source::RowMaximum { map: 0, row });
                            at(start + 2 * map, Source::ColumnMaximum { map: 0, column });
                        }
                    }
                    at(start + 3 * map + index, Source::One);
                    at(start + width - 2, Source::One);
                }
            }
            Layout::Cells { maps } => {
                for cell in 0..m * n {
                    let (row, column) = (cell / n, cell % n);
                    for map in 0..maps {
                        let place = 3 * (maps * cell + map);
                        at(place, Source::Map { map, row, column });
                        at(place + 1, Source::RowMaximum { map, row });
                        at(place + 2, Source::ColumnMaximum { map, column });
                    }
                }
            }
        }
    }
}

/// What maps are made of: a row per token.
pub(crate) struct Tokens<'a> {
    /// Unit vectors whose products are the first map.
    pub(crate) views: &'a Tensor,
    /// Scalars beside them, if any.
    pub(crate) traits: Option<&'a Tensor>,
    /// Unit vectors whose products are the second map, which is 0 without them.
    pub(crate) words: Option<&'a Tensor>,
    /// Which tokens are a text.
    pub(crate) spans: &'a Spans,
}

impl Ops {
    /// The maps of `pairs` (query and candidate, by their numbers among the texts) in the given layout: rows of
    /// [`Layout::width`] values, and which of them belong to each pair. `words` get no gradient.
    pub(crate) fn maps(&self, tokens: &Tokens, pairs: &[(usize, usize)], layout: Layout) -> Result<(Tensor, Spans)> {
        let lengths =
            |(query, candidate): &(usize, usize)| (tokens.spans.get(*query).len(), tokens.spans.get(*candidate).len());
        let rows = pairs.iter().map(lengths).map(|(m, n)| layout.rows(m, n));
        let spans = Spans::of_lengths(rows);
        let features = match self.backend {
            Backend::Kernels { isa, .. } => {
                let words = match tokens.words {
                    Some(words) => floats(words, |words| Ok(words.to_vec()))?,
                    None => Vec::new(),
                };
                let words_width = words.len() / tokens.spans.rows().max(1);
                let maps = Maps {
                    isa,
                    layout,
                    texts: tokens.spans.clone(),
                    pairs: pairs.to_vec(),
                    spans: spans.clone(),
                    words,
                    words_width,
                    maxima: Mutex::default(),
                };
                let traits = match tokens.traits {
                    Some(traits) => traits.contiguous()?,
                    None => tokens.views.detach(), // a second argument there must be
                };
                tokens.views.contiguous()?.apply_op2(&traits, maps)?
            }
            Backend::Plain => maps_plain(tokens, pairs, layout)?,
        };
        Ok((features, spans))
    }
}

struct Maps {
    isa: Isa,
    layout: Layout,
    texts: Spans,
    pairs: Vec<(usize, usize)>,
    spans: Spans,
    words: Vec<f32>,
    words_width: usize,
    /// For each pair, the column of every row's maximum of the first map, then the row of every column's.
    maxima: Mutex<Vec<u32>>,
}

/// One pair's maps and their maxima.
#[derive(Default)]
struct Grid {
    map: Vec<f32>,
    rows: Vec<(f32, u32)>,
    columns: Vec<(f32, u32)>,
}

impl Grid {
    fn clear(&mut self, m: usize, n: usize) {
        self.map.clear();
        self.map.resize(m * n, 0.0);
        self.rows.clear();
        self.rows.resize(m, (0.0, 0));
        self.columns.clear();
        self.columns.resize(n, (0.0, 0));
    }

    fn compute(&mut self, isa: Isa, query: &[f32], candidate: &[f32], m: usize, n: usize) {
        self.clear(m, n);
        let width = query.len() / m.max(1);
        for (vector, row) in query.chunks_exact(width.max(1)).zip(self.map.chunks_exact_mut(n.max(1))) {
            dots(isa, vector, candidate, row);
        }
        self.rows.fill((f32::NEG_INFINITY, 0));
        self.columns.fill((f32::NEG_INFINITY, 0));
        for (r, (values, of_row)) in self.map.chunks_exact(n.max(1)).zip(&mut self.rows).enumerate() {
            for (c, (value, of_column)) in values.iter().zip(&mut self.columns).enumerate() {
                if *value > of_row.0 {
                    *of_row = (*value, c as u32);
                }
                if *value > of_column.0 {
                    *of_column = (*value, r as u32);
                }
            }
        }
    }
}

impl Maps {
    fn traits(&self) -> usize {
        if let Layout::Patches { traits, .. } = self.layout { traits } else { 0 }
    }
}

impl CustomOp2 for Maps {
    fn name(&self) -> &'static str {
        "maps"
    }

    fn cpu_fwd(
        &self,
        views: &CpuStorage,
        views_layout: &TensorLayout,
        traits: &CpuStorage,
        traits_layout: &TensorLayout,
    ) -> Result<(CpuStorage, Shape)> {
        let (_, width) = views_layout.shape().dims2()?;
        let (views, traits) = (slice(views, views_layout)?, slice(traits, traits_layout)?);
        let (count, feature_width) = (self.traits(), self.layout.width());
        let mut out = vec![0.0; self.spans.rows() * feature_width];
        let mut maxima = self.maxima.lock().unwrap_or_else(PoisonError::into_inner);
        maxima.clear();
        let mut grids = [Grid::default(), Grid::default()];
        for ((query, candidate), rows) in self.pairs.iter().zip(self.spans.iter()) {
            let (q, c) = (self.texts.get(*query), self.texts.get(*candidate));
            let (m, n) = (q.len(), c.len());
            grids[0].compute(
                self.isa,
                &views[q.start * width..q.end * width],
                &views[c.start * width..c.end * width],
                m,
                n,
            );
            maxima.extend(grids[0].rows.iter().chain(&grids[0].columns).map(|(_, place)| place));
            if self.words_width > 0 {
                let words = |span: &std::ops::Range<usize>| {
                    &self.words[span.start * self.words_width..span.end * self.words_width]
                };
                grids[1].compute(self.isa, words(&q), words(&c), m, n);
            } else {
                grids[1].clear(m, n);
            }
            let out = &mut out[rows.start * feature_width..rows.end * feature_width];
            self.layout.visit(m, n, |at, source| {
                out[at] = match source {
                    Source::Map { map, row, column } => grids[map].map[row * n + column],
                    Source::RowMaximum { map, row } => grids[map].rows[row].0,
                    Source::ColumnMaximum { map, column } => grids[map].columns[column].0,
                    Source::RowTrait { row, index } => traits[(q.start + row) * count + index],
                    Source::ColumnTrait { column, index } => traits[(c.start + column) * count + index],
                    Source::One => 1.0,
                }
            });
        }
        result(out, (self.spans.rows(), feature_width))
    }

    fn bwd(
        &self,
        views: &Tensor,
        traits: &Tensor,
        _: &Tensor,
        gradient: &Tensor,
    ) -> Result<(Option<Tensor>, Option<Tensor>)> {
        let (_, width) = views.dims2()?;
        let (count, feature_width) = (self.traits(), self.layout.width());
        let maxima = self.maxima.lock().unwrap_or_else(PoisonError::into_inner);
        let mut of_views = vec![0.0; views.elem_count()];
        let mut of_traits = vec![0.0; self.texts.rows() * count];
        floats(views, |views| {
            floats(gradient, |gradient| {
                let (mut of_map, mut maxima) = (Vec::new(), &maxima[..]);
                for ((query, candidate), rows) in self.pairs.iter().zip(self.spans.iter()) {
                    let (q, c) = (self.texts.get(*query), self.texts.get(*candidate));
                    let (m, n) = (q.len(), c.len());
                    let (of_rows, rest) = maxima.split_at(m);
                    let (of_columns, rest) = rest.split_at(n);
                    maxima = rest;
                    of_map.clear();
                    of_map.resize(m * n, 0.0);
                    let gradient = &gradient[rows.start * feature_width..rows.end * feature_width];
                    self.layout.visit(m, n, |at, source| match source {
                        Source::Map { map: 0, row, column } => of_map[row * n + column] += gradient[at],
                        Source::RowMaximum { map: 0, row } => of_map[row * n + of_rows[row] as usize] += gradient[at],
                        Source::ColumnMaximum { map: 0, column } => {
                            of_map[of_columns[column] as usize * n + column] += gradient[at];
                        }
                        Source::RowTrait { row, index } => of_traits[(q.start + row) * count + index] += gradient[at],
                        Source::ColumnTrait { column, index } => {
                            of_traits[(c.start + column) * count + index] += gradient[at];
                        }
                        Source::Map { .. } | Source::RowMaximum { .. } | Source::ColumnMaximum { .. } | Source::One => {
                        }
                    });
                    for (row, slopes) in (q.clone()).zip(of_map.chunks_exact(n.max(1))) {
                        for (column, slope) in c.clone().zip(slopes) {
                            let (a, b) = (row * width..(row + 1) * width, column * width..(column + 1) * width);
                            add_scaled(&mut of_views[a.clone()], &views[b.clone()], *slope);
                            add_scaled(&mut of_views[b], &views[a], *slope);
                        }
                    }
                }
                Ok(())
            })
        })?;
        let of_traits = if count > 0 { Some(tensor(of_traits, traits)?) } else { None };
        Ok((Some(tensor(of_views, views)?), of_traits))
    }
}

fn add_scaled(out: &mut [f32], values: &[f32], factor: f32) {
    out.iter_mut().zip(values).for_each(|(o, v)| *o += v * factor);
}

/// All values that features can come from in one long vector, and one selection from it.
fn maps_plain(tokens: &Tokens, pairs: &[(usize, usize)], layout: Layout) -> Result<Tensor> {
    let device = tokens.views.device();
    let queries = Padding::new(tokens.spans, pairs.iter().map(|pair| pair.0), device)?;
    let candidates = Padding::new(tokens.spans, pairs.iter().map(|pair| pair.1), device)?;
    let longest = tokens.spans.longest();
    let empty = ((queries.mask.unsqueeze(2)?.broadcast_mul(&candidates.mask.unsqueeze(1)?)? - 1.0)? * 4.0)?;
    let (mut parts, mut starts, mut length) = (Vec::new(), Vec::new(), 0);
    let mut add = |part: Tensor| -> Result<()> {
        starts.push(length);
        length += part.elem_count();
        parts.push(part.flatten_all()?);
        Ok(())
    };
    let zeros = Tensor::zeros((tokens.spans.rows(), 1), tokens.views.dtype(), device)?;
    for vectors in [tokens.views, tokens.words.unwrap_or(&zeros)] {
        let map = queries.pad(vectors)?.matmul(&candidates.pad(vectors)?.transpose(1, 2)?.contiguous()?)?;
        let masked = (&map + &empty)?;
        add(masked.max(2)?)?;
        add(masked.max(1)?)?;
        add(map)?;
    }
    add(tokens.traits.cloned().unwrap_or(zeros.clone()))?;
    add(Tensor::new(&[0f32, 1.0], device)?)?;
    let traits = if let Layout::Patches { traits, .. } = layout { traits } else { 0 };
    let zero = length - 2;
    let mut selected = Vec::new();
    for (pair, (query, candidate)) in pairs.iter().enumerate() {
        let (q, c) = (tokens.spans.get(*query), tokens.spans.get(*candidate));
        let (m, n) = (q.len(), c.len());
        let first = selected.len();
        selected.resize(first + layout.rows(m, n) * layout.width(), zero as u32);
        layout.visit(m, n, |at, source| {
            let place = match source {
                Source::RowMaximum { map, row } => starts[3 * map] + pair * longest + row,
                Source::ColumnMaximum { map, column } => starts[3 * map + 1] + pair * longest + column,
                Source::Map { map, row, column } => starts[3 * map + 2] + (pair * longest + row) * longest + column,
                Source::RowTrait { row, index } => starts[6] + (q.start + row) * traits + index,
                Source::ColumnTrait { column, index } => starts[6] + (c.start + column) * traits + index,
                Source::One => zero + 1,
            };
            selected[first + at] = place as u32;
        });
    }
    let rows = selected.len() / layout.width();
    let selected = Tensor::from_vec(selected, rows * layout.width(), device)?;
    Tensor::cat(&parts, 0)?.index_select(&selected, 0)?.reshape((rows, layout.width()))
}
