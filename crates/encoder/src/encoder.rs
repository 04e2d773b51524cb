//! Texts in, vectors out.

use vetted_kernels::{Isa, Precision, Team, l2_normalize};

use crate::Error;
use crate::network::{Memory, Network};
use crate::onnx::Onnx;
use crate::tokens::Tokens;
use crate::weights::{Replacements, WeightFile};
use vetted_models::folder::{Architecture, ModelFolder, Pooling};

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

/// A loaded encoder. All methods take `&self`: one encoder serves many threads. Those that compute take the [`Team`] to
/// compute with, and give up with [`Error::Expired`] when its result is no longer wanted.
pub struct Encoder {
    folder: ModelFolder,
    tokens: Tokens,
    engine: Engine,
    dimensions: usize,
    precision: Precision,
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
    /// The arithmetic to run the model in `folder` in unless told: [`Precision::fastest`] on vetted's own kernels, single
    /// precision of an ONNX export.
    pub fn fastest(folder: &ModelFolder) -> Precision {
        match (&folder.weights.safetensors, &folder.settings.architecture) {
            (Some(_), Architecture::Native(_)) => Precision::fastest(),
            _ => Precision::F32,
        }
    }

    /// Loads the model in `folder`.
    ///
    /// # Errors
    /// When a file is missing, damaged or does not fit the others; see [`Error`].
    pub fn open(folder: &ModelFolder, options: Options) -> Result<Encoder, Error> {
        let settings = &folder.settings;
        let ceiling = settings.architecture.max_tokens().unwrap_or(usize::MAX);
        let max_tokens = options.max_tokens.unwrap_or(settings.max_tokens).min(ceiling).max(MIN_TOKENS);
        let tokens = Tokens::open(folder, max_tokens)?;
        let engine = Engine::open(folder, options)?;
        let dimensions = match (&engine, &settings.architecture) {
            (Engine::Onnx(onnx), _) => onnx.hidden_size(),
            (Engine::Native(_), architecture) => architecture.hidden_size().unwrap_or(0),
        };
        Ok(Encoder { folder: folder.clone(), tokens, engine, dimensions, precision: options.precision })
    }

    /// The length of a vector.
    pub fn dimensions(&self) -> usize {
        self.dimensions
    }

    /// The folder it was opened from.
    pub fn folder(&self) -> &ModelFolder {
        &self.folder
    }

    /// The arithmetic.
    pub fn precision(&self) -> Precision {
        self.precision
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
    pub fn embed<T: AsRef<str> + Sync>(&self, texts: &[T], role: Role, team: &mut Team) -> Result<Vectors, Error> {
        let ids = self.token_ids(texts, role, team)?;
        self.embed_ids(&ids, team)
    }

    /// As [`embed`](Self::embed), of texts whose [`ids`](Self::ids) are known.
    ///
    /// # Errors
    /// As [`embed`](Self::embed).
    pub fn embed_ids(&self, ids: &[Vec<u32>], team: &mut Team) -> Result<Vectors, Error> {
        let mut values = vec![0.0; ids.len() * self.dimensions];
        match &self.engine {
            Engine::Native(network) => self.embed_native(network, ids, &mut values, team)?,
            Engine::Onnx(onnx) => self.embed_onnx(onnx, ids, &mut values, team)?,
        }
        self.finite(values, ids)
    }

    /// What was pooled of texts with these ids, checked.
    pub(crate) fn finite(&self, values: Vec<f32>, ids: &[Vec<u32>]) -> Result<Vectors, Error> {
        match values.iter().position(|x| !x.is_finite()) {
            None => Ok(Vectors { values, dimensions: self.dimensions }),
            Some(at) => Err(Error::VectorNotFinite { beginning: self.tokens.beginning(&ids[at / self.dimensions]) }),
        }
    }

    /// The vector of one text.
    ///
    /// # Errors
    /// As [`embed`](Self::embed).
    pub fn embed_one(&self, text: &str, role: Role, team: &mut Team) -> Result<Vec<f32>, Error> {
        Ok(self.embed(&[text], role, team)?.values)
    }

    /// The last layer's vector of every token of every text, special tokens included. Tier two has an encoder of its own
    /// for that: [`TokenEncoder`](crate::TokenEncoder).
    ///
    /// # Errors
    /// As [`embed`](Self::embed).
    pub fn token_vectors<T: AsRef<str> + Sync>(
        &self,
        texts: &[T],
        role: Role,
        team: &mut Team,
    ) -> Result<Vec<Vectors>, Error> {
        let ids = self.token_ids(texts, role, team)?;
        let one = |memory: &mut Memory, ids: &Vec<u32>, team: &mut Team| {
            let values = match &self.engine {
                Engine::Native(network) => {
                    network.run(std::slice::from_ref(ids), team, memory)?;
                    memory.hidden.clone()
                }
                Engine::Onnx(onnx) => onnx.run(&[ids])?,
            };
            Ok(Vectors { values, dimensions: self.dimensions })
        };
        team.map(&ids, Memory::default, one).into_iter().collect()
    }

    /// The token ids that [`embed`](Self::embed) makes of a text.
    ///
    /// # Errors
    /// When the tokenizer fails on it.
    pub fn ids(&self, text: &str, role: Role) -> Result<Vec<u32>, Error> {
        match self.prompt(role) {
            "" => self.tokens.ids(text),
            prompt => self.tokens.ids(&format!("{prompt}{text}")),
        }
    }

    /// The network, where vetted runs it itself.
    pub(crate) fn network(&self) -> Option<&Network> {
        match &self.engine {
            Engine::Native(network) => Some(network),
            Engine::Onnx(_) => None,
        }
    }

    fn token_ids<T: AsRef<str> + Sync>(
        &self,
        texts: &[T],
        role: Role,
        team: &mut Team,
    ) -> Result<Vec<Vec<u32>>, Error> {
        team.try_map(texts, |text| self.ids(text.as_ref(), role))
    }

    fn prompt(&self, role: Role) -> &str {
        match role {
            Role::Query => &self.folder.settings.prompts.query,
            Role::Document => &self.folder.settings.prompts.document,
        }
    }

    fn embed_native(
        &self,
        network: &Network,
        ids: &[Vec<u32>],
        values: &mut [f32],
        team: &mut Team,
    ) -> Result<(), Error> {
        let run = |memory: &mut Memory, (batch, out): (&[Vec<u32>], &mut [f32]), team: &mut Team| {
            network.run(batch, team, memory)?;
            self.pool_batch(batch, &memory.hidden, out);
            Ok(())
        };
        let mut work = Vec::new();
        let mut rest = values;
        for batch in batches(ids) {
            let (out, after) = rest.split_at_mut(batch.len() * self.dimensions);
            work.push((batch, out));
            rest = after;
        }
        team.map(work, Memory::default, run).into_iter().collect()
    }

    /// One vector for each of these texts, whose token vectors lie one text's after the other's in `hidden`.
    pub(crate) fn pool_batch(&self, batch: &[Vec<u32>], hidden: &[f32], out: &mut [f32]) {
        let mut rest = hidden;
        for (ids, vector) in batch.iter().zip(out.chunks_exact_mut(self.dimensions)) {
            let (own, after) = rest.split_at(ids.len() * self.dimensions);
            rest = after;
            self.pool(own, vector);
        }
    }

    /// Texts of one length at a time: a graph's results may depend on padding, and padding is work for nothing.
    fn embed_onnx(&self, onnx: &Onnx, ids: &[Vec<u32>], values: &mut [f32], team: &Team) -> Result<(), Error> {
        let mut order: Vec<usize> = (0..ids.len()).collect();
        order.sort_by_key(|i| ids[*i].len());
        for same_length in order.chunk_by(|a, b| ids[*a].len() == ids[*b].len()) {
            for batch in same_length.chunks(32) {
                team.check()?;
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
    fn pool(&self, tokens: &[f32], vector: &mut [f32]) {
        let count = (tokens.len() / vector.len()) as f32;
        let rows = tokens.chunks_exact(vector.len());
        match self.folder.settings.pooling {
            Pooling::Cls => vector.copy_from_slice(&tokens[..vector.len()]),
            Pooling::Max => {
                vector.fill(f32::NEG_INFINITY);
                rows.for_each(|row| vector.iter_mut().zip(row).for_each(|(v, x)| *v = v.max(*x)));
            }
            Pooling::Mean | Pooling::MeanSqrtLen => {
                vector.fill(0.0);
                rows.for_each(|row| vector.iter_mut().zip(row).for_each(|(v, x)| *v += x));
                let divisor = if self.folder.settings.pooling == Pooling::Mean { count } else { count.sqrt() };
                vector.iter_mut().for_each(|v| *v /= divisor);
            }
        }
        if self.folder.settings.normalize {
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
