//! A query that is read once and held against any number of passages.

use vetted_encoder::{Encoder, Role};
use vetted_kernels::Team;
use vetted_verifier::{Relation, Scorer, Scratch, Verdict, Views};

use super::judging::{Rejection, Terms};
use super::windows::{Cut, PassageViews, Wanted, Windows};
use super::{Verification, Verifier, tensors};
use crate::Error;

/// A query, read once. From [`Verifier::prepare`].
pub struct PreparedQuery<'verifier> {
    verifier: &'verifier Verifier,
    text: String,
    ids: Vec<u32>,
    extent: QueryExtent,
    /// None for a cross-encoder.
    views: Option<Views<'static>>,
}

/// How much of a query there is to hold passages against.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum QueryExtent {
    /// It is read in full.
    Whole,
    /// It is longer than the verifier reads: what conflicts with its beginning is rejected, and nothing accepted.
    Beginning,
    /// A word or two, which say nothing that a passage could support or contradict: nothing is accepted and nothing rejected.
    Keywords,
}

/// A passage, as text or as what was kept of it.
#[derive(Clone, Debug)]
pub enum PassageSource<'a> {
    /// To be encoded now.
    Text(&'a str),
    /// Encoded before, by the same verifier.
    Views(PassageViews<'a>),
}

/// The shortest query that can say something of something, in words.
const FEWEST_WORDS: usize = 3;

impl Verifier {
    /// Reads a query.
    ///
    /// # Errors
    /// [`Error::EmptyQuery`]; those of the encoder.
    pub fn prepare(&self, query: &str) -> Result<PreparedQuery<'_>, Error> {
        let (ids, extent) = self.read_query(query)?;
        let views = match self.view_scorer() {
            None => None,
            Some(scorer) => {
                let hidden = self.encoder.token_vectors(std::slice::from_ref(&ids))?;
                Some(scorer.views(hidden[0].values(), &ids).map_err(tensors)?)
            }
        };
        Ok(PreparedQuery { verifier: self, text: query.to_owned(), ids, extent, views })
    }

    /// As [`prepare`](Self::prepare), and the vector that `encoder` gives the query: the `shared` lowest layers of both are
    /// computed once ([`shared_layers`](Self::shared_layers)), which changes neither.
    ///
    /// # Errors
    /// As [`prepare`](Self::prepare).
    pub fn prepare_with(
        &self,
        query: &str,
        encoder: &Encoder,
        shared: usize,
    ) -> Result<(PreparedQuery<'_>, Vec<f32>), Error> {
        let (ids, extent) = self.read_query(query)?;
        match self.view_scorer() {
            Some(scorer) if shared > 0 && encoder.ids(query, Role::Query)? == ids => {
                let texts = std::slice::from_ref(&ids);
                let (hidden, vector) = self.encoder.token_vectors_and_embeddings(encoder, shared, texts)?;
                let views = Some(scorer.views(hidden[0].values(), &ids).map_err(tensors)?);
                let prepared = PreparedQuery { verifier: self, text: query.to_owned(), ids, extent, views };
                Ok((prepared, vector.values().to_vec()))
            }
            _ => Ok((self.prepare(query)?, encoder.embed_one(query, Role::Query)?)),
        }
    }

    fn read_query(&self, query: &str) -> Result<(Vec<u32>, QueryExtent), Error> {
        if query.trim().is_empty() {
            return Err(Error::EmptyQuery);
        }
        let extent = match () {
            () if query.split_whitespace().take(FEWEST_WORDS).count() < FEWEST_WORDS => QueryExtent::Keywords,
            () if self.is_cut(query)? => QueryExtent::Beginning,
            () => QueryExtent::Whole,
        };
        Ok((self.encoder.tokens().ids(query)?, extent))
    }
}

impl PreparedQuery<'_> {
    /// The verifier that read it.
    pub fn verifier(&self) -> &Verifier {
        self.verifier
    }

    /// How much of the query is read.
    pub fn extent(&self) -> QueryExtent {
        self.extent
    }

    /// Judges passages that recall found: as [`Verifier::verify`] by [`Relation::Support`], but what merely does not support
    /// the query is not rejected for it, only what conflicts with it
    /// ([`combine_passage`](vetted_verifier::combine_passage)).
    ///
    /// # Errors
    /// Those of the encoder; [`Error::Verification`] when views are not of this verifier.
    pub fn verify_passages(&self, passages: &[PassageSource<'_>]) -> Result<Vec<Verification>, Error> {
        let terms = Terms {
            query_cut: self.extent == QueryExtent::Beginning,
            relation: Relation::Support,
            rejection: Rejection::Conflict,
        };
        let wanted = Wanted::new(&self.text, &self.ids);
        let windows = |passage: &PassageSource| match passage {
            PassageSource::Text(text) => self.verifier.windows_for(&wanted, text, Cut::Disjoint),
            PassageSource::Views(_) => Ok(Windows::default()),
        };
        let windows = passages.iter().map(windows).collect::<Result<Vec<_>, _>>()?;
        let mut verified = match (&self.verifier.scorer, &self.views) {
            (Scorer::Views(scorer), Some(query)) => {
                let encoded = self.verifier.encoded(scorer, windows)?;
                let passages = passages.iter().zip(encoded).map(|(passage, encoded)| match passage {
                    PassageSource::Text(_) => encoded,
                    PassageSource::Views(views) => views.nearest(&wanted),
                });
                let (team, scratch) = (&mut Team::gather(), &mut Scratch::default());
                self.verifier.judge_views(scorer, query, &passages.collect::<Vec<_>>(), terms, team, scratch)?
            }
            _ => match passages.iter().position(|passage| matches!(passage, PassageSource::Views(_))) {
                Some(at) => return Err(tensors(vetted_verifier::Error::OtherViews { position: Some(at) })),
                None => self.verifier.judge_jointly(&self.ids, &windows, terms)?,
            },
        };
        if self.extent == QueryExtent::Keywords {
            for Verification { judgement, .. } in &mut verified {
                (judgement.verdict, judgement.conflicts) = (Verdict::Abstain, false);
            }
        }
        Ok(verified)
    }
}
