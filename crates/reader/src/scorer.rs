//! The family behind one interface.

use vetted_kernels::{Activation, Isa, Linear, Precision, Team};

use crate::architecture::{Architecture, F3, F4, MapTransformer};
use crate::pair::{PackedQuery, Pair};
use crate::readers::{Batch, Reader, max_sim};
use crate::views::{Projection, Shape};
use crate::weights::Weights;
use crate::{Config, Error, LexicalTable, Outputs, Relation, Storage, Views};

/// Pairs read together: their tokens' activations stay in the second-level cache.
const TOGETHER: usize = 3;

/// A loaded verifier.
pub enum Scorer {
    /// Compares what was kept of two texts, each encoded alone.
    Views(Box<ViewScorer>),
    /// Reads both texts in one pass of the encoder.
    Joint(Box<JointScorer>),
}

/// How a verifier is run.
#[derive(Default)]
pub struct Runtime {
    /// Of the reader's matrix products, where most of the time goes; the others stay in f32.
    pub precision: Precision,
    /// Of the views.
    pub storage: Storage,
    /// The base encoder's word embeddings, for verifiers that compare words.
    pub lexical: Option<LexicalTable>,
}

/// A scorer over [`Views`]: all but the cross-encoder.
pub struct ViewScorer {
    config: Config,
    pub(crate) projection: Projection,
    reader: Reader,
}

/// The cross-encoder's head.
pub struct JointScorer {
    config: Config,
    hidden: Linear,
    output: Linear,
}

/// Working memory of [`ViewScorer::score`], reused from call to call so that no candidate costs an allocation.
#[derive(Default)]
pub struct Scratch {
    /// One for each piece of work that runs at the same time as others.
    pieces: Vec<Piece>,
}

#[derive(Default)]
struct Piece {
    pair: Pair,
    transposed: Pair,
    batch: Batch,
    products: vetted_kernels::Scratch,
}

impl Scorer {
    /// Puts a verifier together from its two files.
    ///
    /// # Errors
    /// Those of tensors that are missing, do not fit `config`, are not finite or are not expected; [`Error::Lexical`] when
    /// words are compared and `runtime` brings no table of the base encoder's width.
    pub fn load(config: Config, weights: &Weights, runtime: Runtime) -> Result<Scorer, Error> {
        config.check()?;
        let scorer = match config.architecture {
            Architecture::CrossEncoder => Scorer::Joint(Box::new(JointScorer::load(config, weights)?)),
            _ => Scorer::Views(Box::new(ViewScorer::load(config, weights, runtime)?)),
        };
        weights.finish()?;
        Ok(scorer)
    }

    /// Its description.
    pub fn config(&self) -> &Config {
        match self {
            Scorer::Views(scorer) => &scorer.config,
            Scorer::Joint(scorer) => &scorer.config,
        }
    }
}

impl ViewScorer {
    /// A scorer without parameters: [`Architecture::Cosine`], `F0`, `F1` or `F2`, over hidden states of `hidden` values.
    ///
    /// # Errors
    /// [`Error::ConfigValue`] for the other architectures and for sizes out of range.
    pub fn parameter_free(
        architecture: Architecture,
        hidden: usize,
        max_tokens: usize,
        storage: Storage,
    ) -> Result<ViewScorer, Error> {
        let config = Config::parameter_free(architecture, hidden, max_tokens);
        config.check()?;
        let reader = match config.architecture {
            Architecture::Cosine => Reader::Cosine,
            Architecture::F0 => Reader::F0,
            Architecture::F1 => Reader::F1,
            Architecture::F2(settings) => Reader::F2 { backwards_penalty: settings.backwards_penalty },
            _ => {
                let got = config.architecture.name().into();
                return Err(Error::ConfigValue { field: "architecture", got, expected: "cosine, f0, f1 or f2" });
            }
        };
        let projection = match reader {
            Reader::Cosine => Projection::pooled(hidden, max_tokens, storage),
            _ => Projection::hidden(hidden, max_tokens, storage),
        };
        Ok(ViewScorer { config, projection, reader })
    }

    fn load(config: Config, weights: &Weights, runtime: Runtime) -> Result<ViewScorer, Error> {
        let Runtime { precision, storage, lexical } = runtime;
        let (hidden, max) = (config.base.hidden, config.encoder.max_tokens);
        let trained = |view, traits, range, lexical: Option<LexicalTable>| {
            let shape = Shape { storage, view, traits, lexical: lexical.is_some(), scale: range / 127.0 };
            Projection::trained(weights, hidden, max, shape, lexical)
        };
        let projection = match &config.architecture {
            Architecture::MapTransformer(MapTransformer { view, traits, view_range, lexical: compared, .. }) => {
                let lexical = lexical.filter(|_| *compared);
                if *compared {
                    check_table(lexical.as_ref(), hidden, storage)?;
                }
                trained(*view, *traits, *view_range, lexical)?
            }
            Architecture::F4(F4 { view, view_range, .. }) | Architecture::F3(F3 { view, view_range, .. }) => {
                trained(*view, 0, *view_range, None)?
            }
            _ => {
                let scorer = ViewScorer::parameter_free(config.architecture.clone(), hidden, max, storage)?;
                return Ok(ViewScorer { config, ..scorer });
            }
        };
        let outputs = 3 + config.kinds.len();
        let reader = match &config.architecture {
            Architecture::MapTransformer(shape) => Reader::map_transformer(shape, max, outputs, weights, precision)?,
            Architecture::F4(shape) => Reader::f4(shape, outputs, weights, precision)?,
            Architecture::F3(shape) => Reader::f3(shape, outputs, weights)?,
            _ => Reader::Cosine,
        };
        Ok(ViewScorer { config, projection, reader })
    }

    /// Its description.
    pub fn config(&self) -> &Config {
        &self.config
    }

    /// What is kept of a text: from the encoder's last hidden states of all its tokens, `[CLS]` and `[SEP]` included
    /// (tokens x `base.hidden`), and their ids (not looked at by verifiers that do not compare words).
    ///
    /// # Errors
    /// [`Error::EmptyText`], [`Error::TooManyTokens`], [`Error::NotFinite`], [`Error::UnknownToken`], [`Error::Length`].
    pub fn views(&self, hidden: &[f32], ids: &[u32]) -> Result<Views<'static>, Error> {
        self.projection.views(hidden, ids)
    }

    /// Views from the bytes that [`Views::bytes`] gave, without a copy.
    ///
    /// # Errors
    /// [`Error::Length`] when they are not whole tokens, and those of [`views`](Self::views). Damage that changes no
    /// length is not noticed: keep a checksum.
    pub fn stored<'a>(&self, bytes: &'a [u8]) -> Result<Views<'a>, Error> {
        self.projection.stored(bytes)
    }

    /// Bytes that a token takes in [`Storage::Int8`].
    pub fn token_bytes(&self) -> usize {
        self.projection.shape.token_bytes()
    }

    /// Packs a query, once for all that it is compared with.
    ///
    /// # Errors
    /// [`Error::OtherViews`] when `query` is not of this verifier.
    pub fn pack(&self, query: &Views) -> Result<PackedQuery, Error> {
        match self.projection.fits(query) {
            true => Ok(PackedQuery::new(&self.projection, query, self.reader.patch())),
            false => Err(Error::OtherViews { position: None }),
        }
    }

    /// What the verifier says about `query` and each candidate, in their order: [`pack`](Self::pack) and
    /// [`score_pairs`](Self::score_pairs) in one call.
    ///
    /// # Errors
    /// [`Error::OtherViews`] when views are not of this verifier.
    pub fn score(
        &self,
        query: &Views,
        candidates: &[Views],
        relation: Relation,
        team: &mut Team,
        scratch: &mut Scratch,
    ) -> Result<Vec<Outputs>, Error> {
        let query = self.pack(query)?;
        let pairs: Vec<_> = candidates.iter().map(|candidate| (&query, candidate)).collect();
        self.score_pairs(&pairs, relation, team, scratch)
    }

    /// What the verifier says about pairs of any queries and candidates, in their order. The same for any batch and any
    /// team, bit for bit.
    ///
    /// # Errors
    /// [`Error::OtherViews`] with the position of a candidate whose views are not of this verifier.
    pub fn score_pairs(
        &self,
        pairs: &[(&PackedQuery, &Views)],
        relation: Relation,
        team: &mut Team,
        scratch: &mut Scratch,
    ) -> Result<Vec<Outputs>, Error> {
        self.check(pairs)?;
        let compare = |at: usize, pair: &mut Pair, products: &mut vetted_kernels::Scratch| {
            let (query, candidate) = pairs[at];
            pair.compare(&self.projection, query, candidate, self.reader.patch(), products);
        };
        Ok(self.read(pairs.len(), compare, relation, team, scratch))
    }

    /// How much of its query each candidate covers, in [-1, 1]: the mean over the query's tokens of the largest similarity
    /// in the view. What chooses among the windows of a long text.
    ///
    /// # Errors
    /// As [`score_pairs`](Self::score_pairs).
    pub fn coverage(
        &self,
        pairs: &[(&PackedQuery, &Views)],
        team: &mut Team,
        scratch: &mut Scratch,
    ) -> Result<Vec<f32>, Error> {
        self.check(pairs)?;
        let mut coverage = vec![0.0; pairs.len()];
        let share = team.rows_at_a_time(pairs.len());
        let pieces = pairs.len().div_ceil(share);
        scratch.pieces.resize_with(scratch.pieces.len().max(pieces), Piece::default);
        let work = coverage.chunks_mut(share).zip(pairs.chunks(share)).zip(&mut scratch.pieces);
        team.each(work, |((coverage, pairs), Piece { pair, products, .. })| {
            for (covered, (query, candidate)) in coverage.iter_mut().zip(pairs) {
                pair.compare_views(&self.projection, query, candidate, self.reader.patch(), products);
                *covered = max_sim(pair);
            }
        });
        Ok(coverage)
    }

    /// The pair as the reader sees it.
    pub(crate) fn pair(&self, query: &Views, candidate: &Views) -> Result<Pair, Error> {
        let query = self.pack(query)?;
        self.check(&[(&query, candidate)])?;
        let mut pair = Pair::default();
        pair.compare(&self.projection, &query, candidate, self.reader.patch(), &mut vetted_kernels::Scratch::default());
        Ok(pair)
    }

    /// Reads `count` pairs, which `fill` makes one by one.
    pub(crate) fn read(
        &self,
        count: usize,
        fill: impl Fn(usize, &mut Pair, &mut vetted_kernels::Scratch) + Sync,
        relation: Relation,
        team: &mut Team,
        scratch: &mut Scratch,
    ) -> Vec<Outputs> {
        let mut outputs = vec![Outputs::of_similarity(f32::NAN); count];
        let groups = count.div_ceil(TOGETHER);
        let pieces = if team.size() == 1 { 1 } else { groups.min(4 * team.size()) };
        let share = groups.div_ceil(pieces.max(1)).max(1) * TOGETHER;
        scratch.pieces.resize_with(scratch.pieces.len().max(pieces), Piece::default);
        let work = outputs.chunks_mut(share).enumerate().zip(&mut scratch.pieces);
        team.each(work, |((piece, outputs), Piece { pair, transposed, batch, products })| {
            for (group, outputs) in outputs.chunks_mut(TOGETHER).enumerate() {
                let first = piece * share + group * TOGETHER;
                for index in first..first + outputs.len() {
                    fill(index, pair, products);
                    self.reader.add(pair, batch);
                    if relation == Relation::Equivalence {
                        pair.transpose_into(transposed);
                        self.reader.add(transposed, batch);
                    }
                }
                self.reader.read(batch, &self.config.kinds);
                match relation {
                    Relation::Support => outputs.copy_from_slice(&batch.outputs),
                    Relation::Equivalence => {
                        for (out, [forward, backward]) in outputs.iter_mut().zip(batch.outputs.as_chunks().0) {
                            *out = forward.both_orders(backward);
                        }
                    }
                }
                batch.outputs.clear();
            }
        });
        outputs
    }

    fn check(&self, pairs: &[(&PackedQuery, &Views)]) -> Result<(), Error> {
        match pairs.iter().position(|(_, candidate)| !self.projection.fits(candidate)) {
            Some(position) => Err(Error::OtherViews { position: Some(position) }),
            None => Ok(()),
        }
    }
}

impl JointScorer {
    fn load(config: Config, weights: &Weights) -> Result<JointScorer, Error> {
        let hidden = config.base.hidden;
        let linear = |name: &str, outputs: usize| -> Result<Linear, Error> {
            let weight = weights.take(&format!("reader.head.{name}.weight"), &[outputs, hidden])?;
            let bias = weights.take(&format!("reader.head.{name}.bias"), &[outputs])?;
            Ok(Linear::new(&weight, &bias, hidden, outputs, Precision::F32, Isa::detect()))
        };
        Ok(JointScorer { hidden: linear("hidden", hidden)?, output: linear("output", 3 + config.kinds.len())?, config })
    }

    /// Its description.
    pub fn config(&self) -> &Config {
        &self.config
    }

    /// What is said about each pair, from the last hidden state of the `[CLS]` of `[CLS] query [SEP] candidate [SEP]`:
    /// pairs x `base.hidden`. Of [`Relation::Equivalence`], join the outputs of both orders by
    /// [`Outputs::both_orders`].
    ///
    /// # Errors
    /// [`Error::Length`] when these are not whole rows, [`Error::NotFinite`] with the number of the pair.
    pub fn score(&self, cls: &[f32]) -> Result<Vec<Outputs>, Error> {
        let hidden = self.hidden.inputs();
        if !cls.len().is_multiple_of(hidden) {
            let expected = cls.len().next_multiple_of(hidden);
            return Err(Error::Length { what: "values of whole hidden states", expected, got: cls.len() });
        }
        if let Some(at) = cls.iter().position(|x| !x.is_finite()) {
            return Err(Error::NotFinite { token: at / hidden });
        }
        let (scratch, pairs) = (&mut vetted_kernels::Scratch::default(), cls.len() / hidden);
        let (mut mixed, mut values) = (vec![0.0; cls.len()], vec![0.0; pairs * self.output.outputs()]);
        self.hidden.forward(cls, &mut mixed, Activation::Tanh, scratch);
        self.output.forward(&mixed, &mut values, Activation::None, scratch);
        let rows = values.chunks_exact(self.output.outputs());
        Ok(rows.map(|values| Outputs::of_head(values, &self.config.kinds)).collect())
    }
}

fn check_table(table: Option<&LexicalTable>, expected: usize, storage: Storage) -> Result<(), Error> {
    const IDS: usize = 1 << 16;
    let got = table.map(LexicalTable::width);
    let vocabulary = table.map_or(0, LexicalTable::vocabulary);
    if got != Some(expected) {
        return Err(Error::Lexical { expected, got });
    }
    if storage == Storage::Int8 && vocabulary > IDS {
        return Err(Error::Length {
            what: "words at most, whose ids are stored in 2 bytes",
            expected: IDS,
            got: vocabulary,
        });
    }
    Ok(())
}
