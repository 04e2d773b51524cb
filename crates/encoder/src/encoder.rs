//! Texts in, vectors out.

use rayon::prelude::*;
use vetted_kernels::{Isa, Precision, Team, l2_normalize};

use crate::Error;
use crate::network::{Memory, Network};
use crate::onnx::Onnx;
use crate::tokens::Tokens;
use crate::weights::{Replacements, WeightFile};
use vetted_models::folder::{Architecture, ModelFolder, Pooling, Settings};

/// What a text is to the model: some put different prompts before queries and documents.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// What is searched for.
    Query,
    /// What is found.
    Document,
}

/// Which engine runs the network.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum Backend {
    /// [`Native`](Backend::Native) where the architecture and the files allow it, else [`Onnx`](Backend::Onnx).
    #[default]
    Auto,
    /// vetted's own kernels, from `model.safetensors`.
    Native,
    /// `rten`, from the ONNX file.
    Onnx,
}

/// How an encoder is loaded.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub struct Options {
    /// The engine.
    pub backend: Backend,
    /// The arithmetic. With [`Backend::Onnx`], `Int8` takes the quantized file and `Bf16` is not to be had.
    pub precision: Precision,
    /// The longest input in tokens, special tokens included, instead of the model's own setting. Never more than its
    /// position embeddings allow.
    pub max_tokens: Option<usize>,
}

/// A loaded encoder. All methods take `&self`: one encoder serves many threads.
pub struct Encoder {
    settings: Settings,
    tokens: Tokens,
    engine: Engine,
    dimensions: usize,
}

enum Engine {
    Native(Box<Network>),
    Onnx(Box<Onnx>),
}

/// Vectors of one length, one after the other.
#[derive(Clone, Debug, PartialEq)]
pub struct Vectors {
    values: Vec<f32>,
    dimensions: usize,
}

/// Tokens that one thread takes at a time: enough rows to keep the matrix kernels busy, few enough for the second-level
/// cache to hold the widest layer.
const BATCH_TOKENS: usize = 256;

impl Encoder {
    /// Loads the model in `folder`.
    ///
    /// # Errors
    /// When a file is missing, damaged or does not fit the others; see [`Error`].
    pub fn open(folder: &ModelFolder, options: Options) -> Result<Encoder, Error> {
        let settings = folder.settings.clone();
        let ceiling = settings.architecture.max_tokens().unwrap_or(usize::MAX);
        let max_tokens = options.max_tokens.unwrap_or(settings.max_tokens).min(ceiling).max(MIN_TOKENS);
        let tokens = Tokens::open(folder, max_tokens)?;
        let engine = Engine::open(folder, options)?;
        let dimensions = match (&engine, &settings.architecture) {
            (Engine::Onnx(onnx), _) => onnx.hidden_size(),
            (Engine::Native(_), architecture) => architecture.hidden_size().unwrap_or(0),
        };
        Ok(Encoder { settings, tokens, engine, dimensions })
    }

    /// The length of a vector.
    pub fn dimensions(&self) -> usize {
        self.dimensions
    }

    /// The tokenizer.
    pub fn tokens(&self) -> &Tokens {
        &self.tokens
    }

    /// The vector of every text, in the order given: pooled and normalized as the model's folder says. What is longer
    /// than the model's longest input is cut off.
    ///
    /// A text's vector is the same, bit for bit, whatever the other texts and the number of threads.
    ///
    /// # Errors
    /// See [`Error`]; none of them depends on the texts' contents with an intact model.
    pub fn embed<T: AsRef<str> + Sync>(&self, texts: &[T], role: Role) -> Result<Vectors, Error> {
        let mut values = vec![0.0; texts.len() * self.dimensions];
        let ids = self.token_ids(texts, role)?;
        match &self.engine {
            Engine::Native(network) => self.embed_native(network, &ids, &mut values)?,
            Engine::Onnx(onnx) => self.embed_onnx(onnx, &ids, &mut values)?,
        }
        let broken = values.chunks_exact(self.dimensions.max(1)).position(|v| v.iter().any(|x| !x.is_finite()));
        match broken {
            None => Ok(Vectors { values, dimensions: self.dimensions }),
            Some(index) => Err(Error::VectorNotFinite { beginning: texts[index].as_ref().chars().take(60).collect() }),
        }
    }

    /// The vector of one text.
    ///
    /// # Errors
    /// As [`embed`](Self::embed).
    pub fn embed_one(&self, text: &str, role: Role) -> Result<Vec<f32>, Error> {
        Ok(self.embed(&[text], role)?.values)
    }

    /// The last layer's vector of every token of every text, special tokens included. Tier two has an encoder of its own
    /// for that: [`TokenEncoder`](crate::TokenEncoder).
    ///
    /// # Errors
    /// As [`embed`](Self::embed).
    pub fn token_vectors<T: AsRef<str> + Sync>(&self, texts: &[T], role: Role) -> Result<Vec<Vectors>, Error> {
        let ids = self.token_ids(texts, role)?;
        let one = |memory: &mut Memory, ids: &Vec<u32>| {
            let values = match &self.engine {
                Engine::Native(network) => {
                    network.run(std::slice::from_ref(ids), &mut Team::alone(), memory)?;
                    memory.hidden.clone()
                }
                Engine::Onnx(onnx) => onnx.run(&[ids])?,
            };
            Ok(Vectors { values, dimensions: self.dimensions })
        };
        ids.par_iter().map_init(Memory::default, one).collect()
    }

    /// The token ids that [`embed`](Self::embed) makes of a text.
    ///
    /// # Errors
    /// When the tokenizer fails on it.
    pub fn ids(&self, text: &str, role: Role) -> Result<Vec<u32>, Error> {
        Ok(self.token_ids(&[text], role)?.remove(0))
    }

    /// The network, where vetted runs it itself.
    pub(crate) fn network(&self) -> Option<&Network> {
        match &self.engine {
            Engine::Native(network) => Some(network),
            Engine::Onnx(_) => None,
        }
    }

    fn token_ids<T: AsRef<str> + Sync>(&self, texts: &[T], role: Role) -> Result<Vec<Vec<u32>>, Error> {
        let prompt = match role {
            Role::Query => &self.settings.prompts.query,
            Role::Document => &self.settings.prompts.document,
        };
        let ids = |text: &T| match prompt.as_str() {
            "" => self.tokens.ids(text.as_ref()),
            prompt => self.tokens.ids(&format!("{prompt}{}", text.as_ref())),
        };
        match texts {
            [one] => Ok(vec![ids(one)?]),
            many => many.par_iter().map(ids).collect(),
        }
    }

    fn embed_native(&self, network: &Network, ids: &[Vec<u32>], values: &mut [f32]) -> Result<(), Error> {
        let run = |memory: &mut Memory, batch: &[Vec<u32>], out: &mut [f32], mut team: Team| {
            network.run(batch, &mut team, memory)?;
            let mut start = 0;
            for (ids, vector) in batch.iter().zip(out.chunks_exact_mut(self.dimensions)) {
                let end = start + ids.len() * self.dimensions;
                self.pool(&memory.hidden[start..end], vector);
                start = end;
            }
            Ok(())
        };
        let batches = batches(ids);
        if let [_] = batches[..] {
            return run(&mut Memory::default(), ids, values, Team::gather());
        }
        let mut work = Vec::with_capacity(batches.len());
        let mut rest = values;
        for batch in batches {
            let (out, after) = rest.split_at_mut(batch.len() * self.dimensions);
            work.push((batch, out));
            rest = after;
        }
        work.into_par_iter()
            .try_for_each_init(Memory::default, |memory, (batch, out)| run(memory, batch, out, Team::alone()))
    }

    /// Texts of one length at a time: a graph's results may depend on padding, and padding is work for nothing.
    fn embed_onnx(&self, onnx: &Onnx, ids: &[Vec<u32>], values: &mut [f32]) -> Result<(), Error> {
        let mut order: Vec<usize> = (0..ids.len()).collect();
        order.sort_by_key(|i| ids[*i].len());
        for same_length in order.chunk_by(|a, b| ids[*a].len() == ids[*b].len()) {
            for batch in same_length.chunks(32) {
                let texts: Vec<&[u32]> = batch.iter().map(|i| ids[*i].as_slice()).collect();
                let hidden = onnx.run(&texts)?;
                let length = texts[0].len() * self.dimensions;
                for (i, tokens) in batch.iter().zip(hidden.chunks_exact(length)) {
                    self.pool(tokens, &mut values[i * self.dimensions..(i + 1) * self.dimensions]);
                }
            }
        }
        Ok(())
    }

    /// One vector out of a text's token vectors (`tokens` x `dimensions`).
    pub(crate) fn pool(&self, tokens: &[f32], vector: &mut [f32]) {
        let count = (tokens.len() / vector.len()) as f32;
        let rows = tokens.chunks_exact(vector.len());
        match self.settings.pooling {
            Pooling::Cls => vector.copy_from_slice(&tokens[..vector.len()]),
            Pooling::Max => {
                vector.fill(f32::NEG_INFINITY);
                rows.for_each(|row| vector.iter_mut().zip(row).for_each(|(v, x)| *v = v.max(*x)));
            }
            Pooling::Mean | Pooling::MeanSqrtLen => {
                vector.fill(0.0);
                rows.for_each(|row| vector.iter_mut().zip(row).for_each(|(v, x)| *v += x));
                let divisor = if self.settings.pooling == Pooling::Mean { count } else { count.sqrt() };
                vector.iter_mut().for_each(|v| *v /= divisor);
            }
        }
        if self.settings.normalize {
            l2_normalize(Isa::detect(), vector);
        }
    }
}

/// Special tokens and one more: what a tokenizer's truncation needs at the least.
pub(crate) const MIN_TOKENS: usize = 4;

/// Neighbouring texts in batches of at least [`BATCH_TOKENS`] tokens, but for the last.
pub(crate) fn batches(ids: &[Vec<u32>]) -> Vec<&[Vec<u32>]> {
    let (mut batches, mut start, mut tokens) = (Vec::new(), 0, 0);
    for (i, text) in ids.iter().enumerate() {
        tokens += text.len();
        if tokens >= BATCH_TOKENS || i + 1 == ids.len() {
            batches.push(&ids[start..=i]);
            (start, tokens) = (i + 1, 0);
        }
    }
    batches
}

impl Engine {
    fn open(folder: &ModelFolder, options: Options) -> Result<Engine, Error> {
        let weights = &folder.weights;
        let missing = |wanted| Error::BackendUnavailable { path: folder.path.clone(), wanted };
        let native = match (&weights.safetensors, &folder.settings.architecture) {
            (Some(path), Architecture::Native(shape)) => Some((path, shape)),
            _ => None,
        };
        match (options.backend, native) {
            (Backend::Auto | Backend::Native, Some((path, shape))) => {
                let weights = WeightFile::open(path, Replacements::new())?;
                Ok(Engine::Native(Box::new(Network::open(&weights, shape, options.precision)?)))
            }
            (Backend::Native, None) => Err(missing("model.safetensors of an architecture that vetted runs itself")),
            (Backend::Auto | Backend::Onnx, _) => {
                let path = match options.precision {
                    Precision::F32 => weights.onnx.as_ref().ok_or(missing("onnx/model.onnx"))?,
                    Precision::Int8 => weights.onnx_int8.as_ref().ok_or(missing("quantized ONNX file"))?,
                    Precision::Bf16 => return Err(missing("bf16 ONNX file")),
                };
                Ok(Engine::Onnx(Box::new(Onnx::open(path)?)))
            }
        }
    }
}

impl Vectors {
    /// `values` cut into vectors of `dimensions` each.
    pub(crate) fn new(values: Vec<f32>, dimensions: usize) -> Vectors {
        Vectors { values, dimensions }
    }

    /// How many vectors there are.
    pub fn len(&self) -> usize {
        self.values.len() / self.dimensions.max(1)
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.values.is_empty()
    }

    /// The length of each.
    pub fn dimensions(&self) -> usize {
        self.dimensions
    }

    /// Vector after vector.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = &[f32]> {
        self.values.chunks_exact(self.dimensions.max(1))
    }

    /// All values: `len` x `dimensions`, row-major.
    pub fn values(&self) -> &[f32] {
        &self.values
    }
}
