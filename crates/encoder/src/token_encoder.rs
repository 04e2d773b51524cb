//! Token ids in, one vector per token out: the encoder under tier two.

use vetted_kernels::{Precision, Team};

use crate::encoder::{MIN_TOKENS, batches};
use crate::network::{Memory, Network};
use crate::weights::{Replacements, WeightFile};
use crate::{Encoder, Error, Tokens, Vectors};
use vetted_models::folder::{Architecture, ModelFolder, Transformer};

/// A model of the BERT family that gives the last layer's vector of every token, with some of its tensors replaced:
/// a verifier ships only what differs from its public base model.
///
/// Made [`over`](Self::over) the base's own [`Encoder`], it shares with it whatever is not replaced: embeddings and layers are in
/// memory once, and the lowest layers that both have are computed once where both read the same text.
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
        let (weights, shape) = weights(folder, replacements)?;
        let network = Network::open(&weights, shape, precision)?;
        TokenEncoder::of(folder, &weights, network, max_tokens)
    }

    /// As [`open`](Self::open) of `base`'s folder and in its arithmetic, over what `base` has loaded: only what is replaced takes
    /// memory and time to load.
    ///
    /// # Errors
    /// As [`open`](Self::open).
    pub fn over(base: &Encoder, replacements: Replacements, max_tokens: usize) -> Result<TokenEncoder, Error> {
        let (weights, _) = weights(base.folder(), replacements)?;
        let network = base.network().ok_or_else(|| not_native(base.folder()))?.with_replacements(&weights)?;
        TokenEncoder::of(base.folder(), &weights, network, max_tokens)
    }

    fn of(
        folder: &ModelFolder,
        weights: &WeightFile,
        network: Network,
        max_tokens: usize,
    ) -> Result<TokenEncoder, Error> {
        let architecture = &folder.settings.architecture;
        let positions = architecture.max_tokens().unwrap_or(usize::MAX);
        Ok(TokenEncoder {
            tokens: Tokens::open(folder, max_tokens.min(positions).max(MIN_TOKENS))?,
            network,
            dimensions: architecture.hidden_size().unwrap_or(0),
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

    /// How many of its lowest layers are those of `encoder`, embeddings included: 0 unless it was made [`over`](Self::over) it,
    /// or both over the same one.
    pub fn shared_layers(&self, encoder: &Encoder) -> usize {
        encoder.network().map_or(0, |network| self.network.shared_layers(network))
    }

    /// The last layer's vector of every token of every text. A text's vectors are the same, bit for bit, whatever the
    /// other texts and the number of threads.
    ///
    /// # Errors
    /// [`Error::UnknownToken`] when an id is not of this model's vocabulary, [`Error::TooManyTokens`] when a text has more
    /// tokens than the model has positions; [`Error::Expired`] when the result is no longer wanted.
    pub fn token_vectors(&self, texts: &[Vec<u32>], team: &mut Team) -> Result<Vec<Vectors>, Error> {
        self.check_lengths(texts)?;
        let run = |memory: &mut Memory, batch: &[Vec<u32>], team: &mut Team| {
            self.network.run(batch, team, memory)?;
            Ok(self.by_text(batch, &memory.hidden))
        };
        Ok(each_batch(texts, team, run)?.into_iter().flatten().collect())
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

    /// What [`token_vectors`](Self::token_vectors) says of these texts, and what [`Encoder::embed_ids`] does, the layers that both
    /// [share](Self::shared_layers) computed once: the same as from each alone, bit for bit.
    ///
    /// # Errors
    /// As [`token_vectors`](Self::token_vectors); [`Error::VectorNotFinite`].
    pub fn token_vectors_and_embeddings(
        &self,
        encoder: &Encoder,
        texts: &[Vec<u32>],
        team: &mut Team,
    ) -> Result<(Vec<Vectors>, Vectors), Error> {
        let shared = self.shared_layers(encoder);
        let (1.., Some(network)) = (shared, encoder.network()) else {
            return Ok((self.token_vectors(texts, team)?, encoder.embed_ids(texts, team)?));
        };
        self.check_lengths(texts)?;
        let run = |memory: &mut Memory, batch: &[Vec<u32>], team: &mut Team| {
            self.network.run_below(shared, batch, team, memory)?;
            let below = memory.hidden.clone();
            self.network.run_above(shared, batch, team, memory)?;
            let vectors = self.by_text(batch, &memory.hidden);
            memory.hidden = below;
            network.run_above(shared, batch, team, memory)?;
            let mut pooled = vec![0.0; batch.len() * encoder.dimensions()];
            encoder.pool_batch(batch, &memory.hidden, &mut pooled);
            Ok((vectors, pooled))
        };
        let (vectors, pooled): (Vec<_>, Vec<_>) = each_batch(texts, team, run)?.into_iter().unzip();
        Ok((vectors.concat(), encoder.finite(pooled.concat(), texts)?))
    }

    /// The first token's vector of every pair read together, `[CLS] first [SEP] second [SEP]`: what a cross-encoder's
    /// head reads. Both texts of a pair are given with their special tokens, as [`Tokens::ids`] makes them.
    ///
    /// # Errors
    /// As [`token_vectors`](Self::token_vectors).
    pub fn joint_vectors(&self, pairs: &[(&[u32], &[u32])], team: &mut Team) -> Result<Vectors, Error> {
        let joint: Vec<Vec<u32>> = pairs.iter().map(|(a, b)| [a, b.get(1..).unwrap_or_default()].concat()).collect();
        self.check_lengths(&joint)?;
        let run = |memory: &mut Memory, (batch, start): (&[Vec<u32>], usize), team: &mut Team| {
            let second: Vec<usize> = pairs[start..start + batch.len()].iter().map(|(first, _)| first.len()).collect();
            self.network.run_joint(batch, &second, team, memory)?;
            let mut at = 0;
            let mut values = Vec::with_capacity(batch.len() * self.dimensions);
            for ids in batch {
                values.extend_from_slice(&memory.hidden[at..at + self.dimensions]);
                at += ids.len() * self.dimensions;
            }
            Ok(values)
        };
        let mut start = 0;
        let work = batches(&joint).into_iter().map(|batch| {
            start += batch.len();
            (batch, start - batch.len())
        });
        let parts = team.map(work, Memory::default, run).into_iter().collect::<Result<Vec<_>, Error>>()?;
        Ok(Vectors::new(parts.concat(), self.dimensions))
    }

    fn check_lengths(&self, texts: &[Vec<u32>]) -> Result<(), Error> {
        match texts.iter().map(Vec::len).find(|tokens| *tokens > self.positions) {
            None => Ok(()),
            Some(tokens) => Err(Error::TooManyTokens { tokens, positions: self.positions }),
        }
    }
}

/// The weights of a model that vetted runs itself, and the network's shape.
fn weights(folder: &ModelFolder, replacements: Replacements) -> Result<(WeightFile, &Transformer), Error> {
    match (&folder.weights.safetensors, &folder.settings.architecture) {
        (Some(path), Architecture::Native(shape)) => Ok((WeightFile::open(path, replacements)?, shape)),
        _ => Err(not_native(folder)),
    }
}

fn not_native(folder: &ModelFolder) -> Error {
    let wanted = "model.safetensors of an architecture that vetted runs itself";
    Error::BackendUnavailable { path: folder.path.clone(), wanted }
}

/// What `run` makes of each batch of the texts: of a single one by all threads together, of many by each thread one.
fn each_batch<Out: Send>(
    texts: &[Vec<u32>],
    team: &mut Team,
    run: impl Fn(&mut Memory, &[Vec<u32>], &mut Team) -> Result<Out, Error> + Sync,
) -> Result<Vec<Out>, Error> {
    team.map(batches(texts), Memory::default, run).into_iter().collect()
}
