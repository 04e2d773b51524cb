//! Token ids in, one vector per token out: the encoder under tier two.

use rayon::prelude::*;
use vetted_kernels::{Precision, Team};

use crate::encoder::{MIN_TOKENS, batches};
use crate::network::{Memory, Network};
use crate::weights::{Replacements, WeightFile};
use crate::{Encoder, Error, Tokens, Vectors};
use vetted_models::folder::{Architecture, ModelFolder};

/// A model of the BERT family that gives the last layer's vector of every token, with some of its tensors replaced:
/// a verifier ships only what differs from its public base model.
pub struct TokenEncoder {
    tokens: Tokens,
    network: Network,
    dimensions: usize,
    /// The longest input that has positions.
    positions: usize,
    sha256: String,
}

impl TokenEncoder {
    /// Loads the model in `folder` with `replacements` in the place of its own tensors. Texts are cut at `max_tokens`,
    /// special tokens included.
    ///
    /// # Errors
    /// As [`Encoder::open`](crate::Encoder::open); [`Error::BackendUnavailable`] when the model is none that vetted runs
    /// itself; [`Error::TensorMissing`] and [`Error::TensorShape`] when a replacement is for another model.
    pub fn open(
        folder: &ModelFolder,
        replacements: Replacements,
        precision: Precision,
        max_tokens: usize,
    ) -> Result<TokenEncoder, Error> {
        let (Some(path), Architecture::Native(shape)) = (&folder.weights.safetensors, &folder.settings.architecture)
        else {
            let wanted = "model.safetensors of an architecture that vetted runs itself";
            return Err(Error::BackendUnavailable { path: folder.path.clone(), wanted });
        };
        let weights = WeightFile::open(path, replacements)?;
        let positions = folder.settings.architecture.max_tokens().unwrap_or(usize::MAX);
        Ok(TokenEncoder {
            tokens: Tokens::open(folder, max_tokens.min(positions).max(MIN_TOKENS))?,
            network: Network::open(&weights, shape, precision)?,
            dimensions: shape.hidden_size,
            positions,
            sha256: weights.sha256(),
        })
    }

    /// The tokenizer, cutting at the length given when opened.
    pub fn tokens(&self) -> &Tokens {
        &self.tokens
    }

    /// The length of a token's vector.
    pub fn dimensions(&self) -> usize {
        self.dimensions
    }

    /// The SHA-256 of the base model's weights file, in hexadecimal, before any replacement.
    pub fn base_sha256(&self) -> &str {
        &self.sha256
    }

    /// The base model's word embeddings, one row of [`dimensions`](Self::dimensions) values per token id.
    pub fn words(&self) -> &[f32] {
        self.network.words()
    }

    /// The last layer's vector of every token of every text. A text's vectors are the same, bit for bit, whatever the
    /// other texts and the number of threads.
    ///
    /// # Errors
    /// [`Error::UnknownToken`] when an id is not of this model's vocabulary, [`Error::TooManyTokens`] when a text has more
    /// tokens than the model has positions.
    pub fn token_vectors(&self, texts: &[Vec<u32>]) -> Result<Vec<Vectors>, Error> {
        self.check_lengths(texts)?;
        let run = |memory: &mut Memory, batch: &[Vec<u32>], team: &mut Team| {
            self.network.run(batch, team, memory)?;
            Ok(self.by_text(batch, &memory.hidden))
        };
        in_batches(texts, run)
    }

    /// Hidden states, one text's after the other's, apart.
    fn by_text(&self, texts: &[Vec<u32>], hidden: &[f32]) -> Vec<Vectors> {
        let mut rest = hidden;
        let vectors = texts.iter().map(|ids| {
            let (own, after) = rest.split_at(ids.len() * self.dimensions);
            rest = after;
            Vectors::new(own.to_vec(), self.dimensions)
        });
        vectors.collect()
    }

    /// How many of the lowest layers are the same in `encoder`: what [`token_vectors_and_embeddings`] has to compute only
    /// once. Compares all weights, which takes some milliseconds: ask once.
    ///
    /// [`token_vectors_and_embeddings`]: Self::token_vectors_and_embeddings
    pub fn shared_layers(&self, encoder: &Encoder) -> usize {
        encoder.network().map_or(0, |network| self.network.shared_layers(network))
    }

    /// What [`token_vectors`](Self::token_vectors) says of these texts, and what [`Encoder::embed`] does, the `shared` lowest
    /// layers computed once: the same as from each alone, bit for bit. `shared` is at most what
    /// [`shared_layers`](Self::shared_layers) says; of an encoder that shares none, nothing is gained.
    ///
    /// # Errors
    /// As [`token_vectors`](Self::token_vectors); [`Error::VectorNotFinite`].
    pub fn token_vectors_and_embeddings(
        &self,
        encoder: &Encoder,
        shared: usize,
        texts: &[Vec<u32>],
    ) -> Result<(Vec<Vectors>, Vectors), Error> {
        self.check_lengths(texts)?;
        let Some(network) = encoder.network() else {
            return Err(Error::NothingShared);
        };
        let width = encoder.dimensions();
        let run = |memory: &mut Memory, batch: &[Vec<u32>], team: &mut Team| {
            self.network.run_below(shared, batch, team, memory)?;
            let below = memory.hidden.clone();
            self.network.run_above(shared, batch, team, memory);
            let vectors = self.by_text(batch, &memory.hidden);
            memory.hidden = below;
            network.run_above(shared, batch, team, memory);
            let (mut pooled, mut rest) = (vec![0.0; batch.len() * width], memory.hidden.as_slice());
            for (ids, vector) in batch.iter().zip(pooled.chunks_exact_mut(width)) {
                let (own, after) = rest.split_at(ids.len() * width);
                rest = after;
                encoder.pool(own, vector);
            }
            Ok(vec![(vectors, pooled)])
        };
        let (vectors, pooled): (Vec<_>, Vec<_>) = in_batches(texts, run)?.into_iter().unzip();
        let pooled = pooled.concat();
        match pooled.iter().position(|x| !x.is_finite()) {
            None => Ok((vectors.concat(), Vectors::new(pooled, width))),
            Some(at) => {
                let beginning = texts[at / width].iter().take(12).map(|id| self.tokens.word(*id)).collect();
                Err(Error::VectorNotFinite { beginning })
            }
        }
    }

    /// The first token's vector of every pair read together, `[CLS] first [SEP] second [SEP]`: what a cross-encoder's
    /// head reads. Both texts of a pair are given with their special tokens, as [`Tokens::ids`] makes them.
    ///
    /// # Errors
    /// As [`token_vectors`](Self::token_vectors).
    pub fn joint_vectors(&self, pairs: &[(&[u32], &[u32])]) -> Result<Vectors, Error> {
        let joint: Vec<Vec<u32>> = pairs.iter().map(|(a, b)| [a, b.get(1..).unwrap_or_default()].concat()).collect();
        self.check_lengths(&joint)?;
        let run = |memory: &mut Memory, (batch, start): &(&[Vec<u32>], usize)| {
            let second: Vec<usize> = pairs[*start..*start + batch.len()].iter().map(|(first, _)| first.len()).collect();
            self.network.run_joint(batch, &second, &mut Team::alone(), memory)?;
            let mut at = 0;
            let mut values = Vec::with_capacity(batch.len() * self.dimensions);
            for ids in *batch {
                values.extend_from_slice(&memory.hidden[at..at + self.dimensions]);
                at += ids.len() * self.dimensions;
            }
            Ok(values)
        };
        let mut start = 0;
        let work: Vec<(&[Vec<u32>], usize)> = batches(&joint)
            .into_iter()
            .map(|batch| {
                start += batch.len();
                (batch, start - batch.len())
            })
            .collect();
        let parts = work.par_iter().map_init(Memory::default, run).collect::<Result<Vec<_>, Error>>()?;
        Ok(Vectors::new(parts.concat(), self.dimensions))
    }

    fn check_lengths(&self, texts: &[Vec<u32>]) -> Result<(), Error> {
        match texts.iter().map(Vec::len).find(|tokens| *tokens > self.positions) {
            None => Ok(()),
            Some(tokens) => Err(Error::TooManyTokens { tokens, positions: self.positions }),
        }
    }
}

/// What `run` makes of the texts: of few by all threads together, of many by each thread a batch.
fn in_batches<Out: Send>(
    texts: &[Vec<u32>],
    run: impl Fn(&mut Memory, &[Vec<u32>], &mut Team) -> Result<Vec<Out>, Error> + Sync,
) -> Result<Vec<Out>, Error> {
    match &batches(texts)[..] {
        [] => Ok(Vec::new()),
        [one] => run(&mut Memory::default(), one, &mut Team::gather()),
        many => {
            let parts =
                many.par_iter().map_init(Memory::default, |memory, batch| run(memory, batch, &mut Team::alone()));
            Ok(parts.collect::<Result<Vec<_>, Error>>()?.into_iter().flatten().collect())
        }
    }
}
