//! What is kept of a text.

use std::borrow::Cow;

use vetted_kernels::{Activation, Isa, Linear, Precision, Scratch, l2_normalize};

use crate::weights::Weights;
use crate::{Error, LexicalTable};

/// How the values of views are kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Default)]
pub enum Storage {
    /// Four bytes a value.
    F32,
    /// One byte a value, the scale being the same for all texts: a token takes `view + traits` bytes, and 2 more for its
    /// id where words are compared. Maps are exact in integers; a map's values are off by 0.0022 (root mean square) at
    /// the default range.
    #[default]
    Int8,
}

/// What a verifier keeps of a text: enough to compare it with any other, and nothing else.
///
/// Made by [`ViewScorer::views`](crate::ViewScorer::views), and well-formed by construction: at least one token, no more
/// than the verifier reads, every value finite.
#[derive(Clone, Debug, PartialEq)]
pub struct Views<'a> {
    pub(crate) tokens: usize,
    /// Whether the bytes begin with ids.
    pub(crate) has_ids: bool,
    pub(crate) values: Values<'a>,
}

#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Values<'a> {
    F32 {
        view: Vec<f32>,
        traits: Vec<f32>,
        ids: Vec<u32>,
    },
    /// Ids (2 bytes each, little endian), then traits, then the view, each token by token.
    Int8(Cow<'a, [u8]>),
}

impl Views<'_> {
    /// How many tokens the text has.
    pub fn tokens(&self) -> usize {
        self.tokens
    }

    /// The tokens, by their ids; none of a verifier that does not compare words.
    pub fn ids(&self) -> Option<impl Iterator<Item = u32> + '_> {
        let (wide, narrow): (&[u32], &[u8]) = match &self.values {
            Values::F32 { ids, .. } if ids.len() == self.tokens => (ids, &[]),
            Values::Int8(bytes) if self.has_ids => (&[], bytes.get(..2 * self.tokens)?),
            _ => return None,
        };
        Some(wide.iter().copied().chain(ids_of(narrow)))
    }

    /// The bytes to store, of [`Storage::Int8`]; read again by [`ViewScorer::stored`](crate::ViewScorer::stored).
    pub fn bytes(&self) -> Option<&[u8]> {
        match &self.values {
            Values::F32 { .. } => None,
            Values::Int8(bytes) => Some(bytes),
        }
    }
}

/// How views are made of hidden states.
pub(crate) struct Projection {
    pub(crate) isa: Isa,
    hidden: usize,
    max_tokens: usize,
    view: View,
    traits: Option<Linear>,
    pub(crate) lexical: Option<LexicalTable>,
    pub(crate) shape: Shape,
}

enum View {
    /// The mean of all tokens: one row for the text.
    Pooled,
    /// The hidden states themselves.
    Hidden,
    /// Hidden states in fewer dimensions.
    Linear(Linear),
}

/// What views of one verifier look like.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Shape {
    pub(crate) storage: Storage,
    pub(crate) view: usize,
    pub(crate) traits: usize,
    pub(crate) lexical: bool,
    /// What one unit of a byte of the view stands for.
    pub(crate) scale: f32,
}

/// What one unit of a byte of a trait stands for: traits lie in [-1, 1].
const TRAIT_SCALE: f32 = 1.0 / 127.0;

impl Shape {
    /// Bytes of a token, of [`Storage::Int8`].
    pub(crate) fn token_bytes(&self) -> usize {
        self.view + self.traits + if self.lexical { 2 } else { 0 }
    }

    /// The parts of stored bytes: ids, traits, view.
    pub(crate) fn split<'a>(&self, bytes: &'a [u8], tokens: usize) -> (&'a [u8], &'a [u8], &'a [u8]) {
        let (ids, rest) = bytes.split_at(if self.lexical { 2 * tokens } else { 0 });
        let (traits, view) = rest.split_at(tokens * self.traits);
        (ids, traits, view)
    }
}

impl Projection {
    /// The mean of all tokens.
    pub(crate) fn pooled(hidden: usize, max_tokens: usize, storage: Storage) -> Projection {
        let shape = Shape { storage, view: hidden, traits: 0, lexical: false, scale: 1.0 / 127.0 };
        Projection { isa: Isa::detect(), hidden, max_tokens, view: View::Pooled, traits: None, lexical: None, shape }
    }

    /// Every token's hidden state.
    pub(crate) fn hidden(hidden: usize, max_tokens: usize, storage: Storage) -> Projection {
        Projection { view: View::Hidden, ..Projection::pooled(hidden, max_tokens, storage) }
    }

    /// Trained: `view.weight`, which may be absent when the view is as wide as the hidden states, and `traits`.
    pub(crate) fn trained(
        weights: &Weights,
        hidden: usize,
        max_tokens: usize,
        shape: Shape,
        lexical: Option<LexicalTable>,
    ) -> Result<Projection, Error> {
        let Shape { view, traits, .. } = shape;
        let isa = Isa::detect();
        let linear =
            |weight: &[f32], bias: &[f32], outputs| Linear::new(weight, bias, hidden, outputs, Precision::F32, isa);
        let projection = if view == hidden && !weights.has("view.weight") {
            View::Hidden
        } else {
            View::Linear(linear(&weights.take("view.weight", &[view, hidden])?, &[], view))
        };
        let trait_layer = if traits == 0 {
            None
        } else {
            let weight = weights.take("traits.weight", &[traits, hidden])?;
            Some(linear(&weight, &weights.take("traits.bias", &[traits])?, traits))
        };
        Ok(Projection { isa, hidden, max_tokens, view: projection, traits: trait_layer, lexical, shape })
    }

    /// See [`ViewScorer::views`](crate::ViewScorer::views).
    pub(crate) fn views(&self, hidden: &[f32], ids: &[u32]) -> Result<Views<'static>, Error> {
        let tokens = self.tokens(hidden, ids)?;
        let scratch = &mut Scratch::default();
        let mut view = match &self.view {
            View::Pooled => {
                let mut mean = vec![0.0; self.hidden];
                hidden.chunks_exact(self.hidden).for_each(|row| mean.iter_mut().zip(row).for_each(|(m, x)| *m += x));
                mean
            }
            View::Hidden => hidden.to_vec(),
            View::Linear(layer) => {
                let mut view = vec![0.0; tokens * self.shape.view];
                layer.forward(hidden, &mut view, Activation::None, scratch);
                view
            }
        };
        view.chunks_exact_mut(self.shape.view).for_each(|row| l2_normalize(self.isa, row));
        let mut traits = vec![0.0; tokens * self.shape.traits];
        if let Some(layer) = &self.traits {
            layer.forward(hidden, &mut traits, Activation::Tanh, scratch);
        }
        if let Some(at) = view.iter().position(|x| !x.is_finite()) {
            return Err(Error::NotFinite { token: at / self.shape.view }); // the sum of squares overflowed
        }
        let tokens = view.len() / self.shape.view;
        let ids = if self.shape.lexical { ids } else { &[] };
        let values = match self.shape.storage {
            Storage::F32 => Values::F32 { view, traits, ids: ids.to_vec() },
            Storage::Int8 => {
                let mut bytes = Vec::with_capacity(tokens * self.shape.token_bytes());
                bytes.extend(ids.iter().flat_map(|id| (*id as u16).to_le_bytes()));
                bytes.extend(traits.iter().map(|x| to_byte(*x, TRAIT_SCALE)));
                bytes.extend(view.iter().map(|x| to_byte(*x, self.shape.scale)));
                Values::Int8(bytes.into())
            }
        };
        Ok(Views { tokens, has_ids: self.shape.lexical, values })
    }

    /// See [`ViewScorer::stored`](crate::ViewScorer::stored).
    pub(crate) fn stored<'a>(&self, bytes: &'a [u8]) -> Result<Views<'a>, Error> {
        let per_token = self.shape.token_bytes();
        let tokens = bytes.len() / per_token;
        if self.shape.storage != Storage::Int8 {
            return Err(Error::Length {
                what: "stored bytes of a verifier that keeps f32",
                expected: 0,
                got: bytes.len(),
            });
        }
        if bytes.len() != tokens * per_token {
            let expected = bytes.len().next_multiple_of(per_token);
            return Err(Error::Length { what: "stored bytes of whole tokens", expected, got: bytes.len() });
        }
        self.check_count(tokens)?;
        if matches!(self.view, View::Pooled) && tokens != 1 {
            return Err(Error::Length { what: "stored bytes of a pooled text", expected: per_token, got: bytes.len() });
        }
        let (ids, _, _) = self.shape.split(bytes, tokens);
        ids_of(ids).try_for_each(|id| self.check_id(id))?;
        Ok(Views { tokens, has_ids: self.shape.lexical, values: Values::Int8(bytes.into()) })
    }

    /// Whether `views` are of this verifier.
    pub(crate) fn fits(&self, views: &Views) -> bool {
        let Shape { storage, view, traits, lexical, .. } = self.shape;
        views.tokens <= self.max_tokens
            && match &views.values {
                Values::F32 { view: v, traits: t, ids } => {
                    storage == Storage::F32
                        && v.len() == views.tokens * view
                        && t.len() == views.tokens * traits
                        && ids.len() == if lexical { views.tokens } else { 0 }
                }
                Values::Int8(bytes) => {
                    storage == Storage::Int8 && bytes.len() == views.tokens * self.shape.token_bytes()
                }
            }
    }

    fn tokens(&self, hidden: &[f32], ids: &[u32]) -> Result<usize, Error> {
        let tokens = hidden.len() / self.hidden;
        if hidden.len() != tokens * self.hidden {
            let expected = hidden.len().next_multiple_of(self.hidden);
            return Err(Error::Length { what: "values of whole hidden states", expected, got: hidden.len() });
        }
        self.check_count(tokens)?;
        if let Some(at) = hidden.iter().position(|x| !x.is_finite()) {
            return Err(Error::NotFinite { token: at / self.hidden });
        }
        if self.shape.lexical {
            if ids.len() != tokens {
                return Err(Error::Length { what: "token ids of a text", expected: tokens, got: ids.len() });
            }
            ids.iter().try_for_each(|id| self.check_id(*id))?;
        }
        Ok(tokens)
    }

    fn check_count(&self, tokens: usize) -> Result<(), Error> {
        match tokens {
            0 => Err(Error::EmptyText),
            _ if tokens > self.max_tokens => Err(Error::TooManyTokens { tokens, max: self.max_tokens }),
            _ => Ok(()),
        }
    }

    fn check_id(&self, id: u32) -> Result<(), Error> {
        let vocabulary = self.lexical.as_ref().map_or(usize::MAX, LexicalTable::vocabulary);
        if (id as usize) < vocabulary { Ok(()) } else { Err(Error::UnknownToken { id, vocabulary }) }
    }
}

/// `x` in units of `scale`, cut to a byte's range, shifted by 128.
fn to_byte(x: f32, scale: f32) -> u8 {
    ((x / scale).round_ties_even().clamp(-127.0, 127.0) as i16 + 128) as u8
}

/// The token ids that stored bytes stand for.
pub(crate) fn ids_of(bytes: &[u8]) -> impl Iterator<Item = u32> {
    bytes.as_chunks::<2>().0.iter().map(|id| u32::from(u16::from_le_bytes(*id)))
}

/// The traits that stored bytes stand for.
pub(crate) fn traits_of(bytes: &[u8]) -> impl Iterator<Item = f32> {
    bytes.iter().map(|byte| (f32::from(*byte) - 128.0) * TRAIT_SCALE)
}
