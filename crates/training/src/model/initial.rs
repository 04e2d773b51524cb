//! Weights before the first step.

use candle_core::Device;
use vetted_reader::{Architecture, F4, MapTransformer};

use super::encoder::{QKV, layer_tensors};
use super::layers::layer_shapes;
use super::{Bound, Model, Worker};
use crate::Error;
use crate::base::Base;
use crate::ops::floats;
use crate::parameters::{BLOCK, ENCODER_LAYER, LAYER, Parameter, Parameters, Part, READER_LAYER};
use crate::random::{Purpose, Random};
use crate::recipe::Recipe;
use crate::tensors::TensorFile;
use crate::texts::Texts;

/// How a tensor begins.
#[derive(Clone, Copy, Debug)]
enum Initial {
    /// Even between plus and minus one over the root of the inputs, as PyTorch's layers begin.
    Even {
        inputs: usize,
    },
    /// Normal with a standard deviation of 0.02.
    Normal,
    Ones,
    Zeros,
}

/// Where weights come from.
#[derive(Clone, Copy)]
pub(crate) enum Start<'a> {
    /// The encoder's from the base, the reader's at random.
    Fresh,
    /// What a verifier's weights have in the same shape from there, the rest as for [`Start::Fresh`].
    From(&'a TensorFile),
    /// All from a verifier's weights.
    Only(&'a TensorFile),
}

/// Everything a recipe trains, as it is before the first step.
pub(crate) fn read_parameters(base: &Base, recipe: &Recipe, start: Start) -> Result<Parameters, Error> {
    let taken = |name: &str, shape: &[usize]| match start {
        Start::Fresh => Ok(None),
        Start::From(file) if !file.has(name) => Ok(None),
        Start::From(file) => match file.tensor(name, shape) {
            Err(Error::TensorShape { .. }) => Ok(None),
            other => other.map(Some),
        },
        Start::Only(file) => file.tensor(name, shape).map(Some),
    };
    let mut list = layer_parameters(base, recipe.trained_from_layer)?;
    for Parameter { name, shape, values, .. } in &mut list {
        for (stored, range, shape) in stored_parts(name, shape) {
            if let Some(taken) = taken(&stored, &shape)? {
                values[range].copy_from_slice(&taken);
            }
        }
    }
    let names = reader(&recipe.architecture, base.shape.hidden, 3 + recipe.kinds.len(), recipe.max_tokens);
    for (index, (name, shape, initial)) in names.into_iter().enumerate() {
        let count = shape.iter().product();
        let values = taken(&name, &shape)?.unwrap_or_else(|| {
            let mut random = Random::new(recipe.seed, Purpose::Weights, &[index as u64]);
            let mut value = || match initial {
                Initial::Even { inputs } => (2.0 * random.uniform() - 1.0) / (inputs as f64).sqrt(),
                Initial::Normal => 0.02 * random.normal(),
                Initial::Ones => 1.0,
                Initial::Zeros => 0.0,
            };
            (0..count).map(|_| value() as f32).collect()
        });
        // The view is the encoder's last layer, so to speak: at the reader's rate it leaves the directions that it begins with.
        let part = if name == VIEW { Part::Encoder } else { Part::Reader };
        list.push(Parameter { name, shape, values, part });
    }
    if let Start::From(file) = start {
        silence_new_branches(&mut list, file);
    }
    if let (Start::From(_), true) = (start, recipe.spread_head) {
        list.iter_mut().filter(|parameter| parameter.name.starts_with(HEAD)).for_each(spread);
    }
    Ok(Parameters { list })
}

/// The base's layers from `first` on.
pub(crate) fn layer_parameters(base: &Base, first: usize) -> Result<Vec<Parameter>, Error> {
    let mut list = Vec::new();
    for layer in first..base.shape.layers {
        let shapes = layer_shapes(base.shape.hidden, base.shape.feed_forward);
        for (part, (values, shape)) in LAYER.iter().zip(layer_tensors(base, layer)?.into_iter().zip(shapes)) {
            list.push(Parameter { name: format!("{ENCODER_LAYER}{layer}.{part}"), shape, values, part: Part::Encoder });
        }
    }
    Ok(list)
}

/// What a reader has beside what `file`'s had, convolutions or a Transformer, adds nothing at first: the new verifier begins
/// by saying what the old one said.
fn silence_new_branches(list: &mut [Parameter], file: &TensorFile) {
    let last_convolution =
        list.iter().rposition(|p| p.name.starts_with(CONVOLUTIONS) && p.name.ends_with("norm.weight"));
    let last_norm = list.iter().position(|p| p.name == NORM_OUT);
    let (Some(last_convolution), Some(last_norm)) = (last_convolution, last_norm) else { return };
    for (new, old) in [(last_convolution, last_norm), (last_norm, last_convolution)] {
        if !file.has(&list[new].name) && file.has(&list[old].name) {
            list[new].values.fill(0.0);
        }
    }
}

/// Makes the outputs for support and conflict that for equivalence and its opposite.
fn spread(Parameter { shape, values, .. }: &mut Parameter) {
    let width = values.len() / shape[0].max(1);
    let equivalence = values[width..2 * width].to_vec();
    values[..width].copy_from_slice(&equivalence);
    values[2 * width..3 * width].iter_mut().zip(equivalence).for_each(|(conflict, same)| *conflict = -same);
}

/// The tensors under which a parameter is stored: the name and shape of each, and which of the values are its.
pub(crate) fn stored_parts(name: &str, shape: &[usize]) -> Vec<(String, std::ops::Range<usize>, Vec<usize>)> {
    let count: usize = shape.iter().product();
    match name.split_once("attention.self.qkv") {
        None => vec![(name.into(), 0..count, shape.to_vec())],
        Some((before, after)) => {
            let part = count / QKV.len();
            let mut shape = shape.to_vec();
            shape[0] /= QKV.len();
            let names = QKV.iter().map(|which| format!("{before}attention.self.{which}{after}")).enumerate();
            names.map(|(index, name)| (name, index * part..(index + 1) * part, shape.clone())).collect()
        }
    }
}

/// The reader's tensors: first its blocks'.
fn reader(
    architecture: &Architecture,
    hidden: usize,
    outputs: usize,
    max_tokens: usize,
) -> Vec<(String, Vec<usize>, Initial)> {
    let mut list = Vec::new();
    if let Architecture::MapTransformer(MapTransformer { width, layers, feed_forward, .. })
    | Architecture::F4(F4 { width, layers, feed_forward, .. }) = architecture
    {
        (0..*layers).for_each(|block| list.extend(block_tensors(block, *width, *feed_forward)));
    }
    let view = match architecture {
        Architecture::MapTransformer(shape) => shape.view,
        Architecture::F4(shape) => shape.view,
        Architecture::F3(shape) => shape.view,
        _ => hidden,
    };
    if view < hidden {
        list.push((VIEW.into(), vec![view, hidden], Initial::Even { inputs: hidden }));
    }
    let width = match architecture {
        Architecture::MapTransformer(shape) => {
            let MapTransformer { traits, width, patch, convolutions: channels, .. } = shape;
            let maps = shape.maps();
            if *traits > 0 {
                linear(&mut list, "traits", hidden, *traits);
            }
            let (map, side) = (maps * patch * patch, patch * (traits + maps));
            for (part, inputs) in [("map", map), ("row", side), ("column", side)] {
                list.push((format!("reader.patch.{part}.weight"), vec![*width, inputs], Initial::Even { inputs }));
            }
            list.push(("reader.patch.bias".into(), vec![*width], Initial::Zeros));
            for side in ["row", "column"] {
                let name = format!("reader.positions.{side}");
                list.push((name, vec![max_tokens.div_ceil(*patch), *width], Initial::Normal));
            }
            ends(&mut list, *width);
            convolutions(&mut list, 3 * maps, channels);
            *width
        }
        Architecture::F4(F4 { grid, patch, width, .. }) => {
            let map = 3 * patch * patch;
            list.push(("reader.patch.map.weight".into(), vec![*width, map], Initial::Even { inputs: map }));
            list.push(("reader.patch.bias".into(), vec![*width], Initial::Zeros));
            list.push(("reader.positions".into(), vec![(grid / patch).pow(2), *width], Initial::Normal));
            ends(&mut list, *width);
            *width
        }
        Architecture::F3(shape) => convolutions(&mut list, 3, &shape.channels),
        _ => hidden,
    };
    linear(&mut list, "reader.head.hidden", width, width);
    linear(&mut list, HEAD, width, outputs);
    list
}

/// The narrow view of the token vectors.
const VIEW: &str = "view.weight";

/// The layer whose outputs are the logits.
const HEAD: &str = "reader.head.output";

/// What the names of the convolutions' tensors begin with.
const CONVOLUTIONS: &str = "reader.convolutions";

/// What the Transformer's output is multiplied by.
const NORM_OUT: &str = "reader.norm_out.weight";

/// Stages of convolutions; how many channels the last one has.
fn convolutions(list: &mut Vec<(String, Vec<usize>, Initial)>, mut inputs: usize, channels: &[usize]) -> usize {
    for (stage, channels) in channels.iter().enumerate() {
        let name = |part: &str| format!("{CONVOLUTIONS}.{stage}.{part}");
        let even = Initial::Even { inputs: 9 * inputs };
        list.push((name("weight"), vec![*channels, inputs, 3, 3], even));
        list.push((name("bias"), vec![*channels], even));
        norm(list, &name("norm"), *channels);
        inputs = *channels;
    }
    inputs
}

fn block_tensors(
    block: usize,
    width: usize,
    feed_forward: usize,
) -> impl Iterator<Item = (String, Vec<usize>, Initial)> {
    BLOCK.iter().zip(layer_shapes(width, feed_forward)).map(move |(part, shape)| {
        let inputs = if part.starts_with("down") { feed_forward } else { width };
        let initial = match *part {
            "norm1.weight" | "norm2.weight" => Initial::Ones,
            "norm1.bias" | "norm2.bias" => Initial::Zeros,
            _ => Initial::Even { inputs },
        };
        (format!("{READER_LAYER}{block}.{part}"), shape, initial)
    })
}

/// What a Transformer has beside its blocks.
fn ends(list: &mut Vec<(String, Vec<usize>, Initial)>, width: usize) {
    list.push(("reader.cls".into(), vec![width], Initial::Normal));
    norm(list, "reader.norm_in", width);
    norm(list, "reader.norm_out", width);
}

fn linear(list: &mut Vec<(String, Vec<usize>, Initial)>, name: &str, inputs: usize, outputs: usize) {
    let even = Initial::Even { inputs };
    list.push((format!("{name}.weight"), vec![outputs, inputs], even));
    list.push((format!("{name}.bias"), vec![outputs], even));
}

fn norm(list: &mut Vec<(String, Vec<usize>, Initial)>, name: &str, width: usize) {
    list.push((format!("{name}.weight"), vec![width], Initial::Ones));
    list.push((format!("{name}.bias"), vec![width], Initial::Zeros));
}

/// The `view` directions that keep most of the products between the texts' unit token vectors: the principal ones, not
/// centered. Narrow maps are then close to the full cosine from the first step, where random directions cost 0.04 of
/// PAWS AUC after an epoch (measured with the prototype). They are turned at random among themselves, which no product notices: principal
/// components differ so much in size that some would leave the range in which a view is stored. Of a `wide` view, where an earlier
/// verifier has one, those that keep most of its products.
pub(crate) fn principal_view(
    model: &Model,
    bound: &Bound,
    texts: &Texts,
    view: usize,
    wide: Option<&[f32]>,
    seed: u64,
) -> Result<Vec<f32>, Error> {
    let hidden = model.hidden(bound, texts, &Worker::default(), false)?.to_device(&Device::Cpu)?;
    let inputs = model.encoder.shape.hidden;
    let of_f64 = |row: &[f32]| -> Vec<f64> { row.iter().map(|v| f64::from(*v)).collect() };
    let axes: Option<Vec<Vec<f64>>> = wide.map(|wide| wide.chunks_exact(inputs).map(of_f64).collect());
    let width = axes.as_ref().map_or(inputs, Vec::len);
    let mut moments = vec![0f64; width * width];
    floats(&hidden, |rows| {
        for row in rows.chunks_exact(inputs) {
            let row = of_f64(row);
            let row = match &axes {
                None => row,
                Some(axes) => axes.iter().map(|axis| dot(axis, &row)).collect(),
            };
            let square = dot(&row, &row).max(1e-24);
            for (moments, value) in moments.chunks_exact_mut(width).zip(&row) {
                moments.iter_mut().zip(&row).for_each(|(m, v)| *m += value / square * v);
            }
        }
        Ok(())
    })?;
    let mut random = Random::new(seed, Purpose::Weights, &[u64::MAX]);
    let mut normal = |rows: usize, columns: usize| -> Vec<Vec<f64>> {
        (0..rows).map(|_| (0..columns).map(|_| random.normal()).collect()).collect()
    };
    let mut directions = normal(view, width);
    for _ in 0..ITERATIONS {
        for direction in &mut directions {
            *direction = moments.chunks_exact(width).map(|row| dot(row, direction)).collect();
        }
        orthonormalize(&mut directions);
    }
    let mut turn = normal(view, view);
    orthonormalize(&mut turn);
    let mut turned = mixed(&turn, &directions);
    if let Some(axes) = &axes {
        turned = mixed(&turned, axes);
    }
    Ok(turned.concat().into_iter().map(|v| v as f32).collect())
}

/// Each row's weighted sum of `vectors`.
fn mixed(rows: &[Vec<f64>], vectors: &[Vec<f64>]) -> Vec<Vec<f64>> {
    let width = vectors.first().map_or(0, Vec::len);
    let sum = |row: &Vec<f64>, at: usize| row.iter().zip(vectors).map(|(share, vector)| share * vector[at]).sum();
    rows.iter().map(|row| (0..width).map(|at| sum(row, at)).collect()).collect()
}

/// Of subspace iteration; the directions need not be exact.
const ITERATIONS: usize = 20;

fn orthonormalize(directions: &mut [Vec<f64>]) {
    for index in 0..directions.len() {
        let (before, rest) = directions.split_at_mut(index);
        let Some(direction) = rest.first_mut() else { return };
        for other in before {
            let along = dot(other, direction);
            direction.iter_mut().zip(other).for_each(|(d, o)| *d -= along * *o);
        }
        let length = dot(direction, direction).sqrt().max(1e-12);
        direction.iter_mut().for_each(|d| *d /= length);
    }
}

fn dot(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).map(|(a, b)| a * b).sum()
}
