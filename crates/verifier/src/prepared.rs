//! A query that is read once and held against any number of passages.

use std::ops::Range;

use vetted_encoder::{Encoder, Role, Vectors};
use vetted_kernels::Team;
use vetted_reader::{Relation, Scorer, Scratch, Views};

use crate::Error;
use crate::decide::{Contender, FEWEST_WORDS, Rules, Window, Wording, supported_by};
use crate::judging::{Reading, Terms};
use crate::verification::Verification;
use crate::verifier::{Verifier, tensors};
use crate::windows::{Cut, PassageViews, Wanted, Windows};

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
    /// It is longer than the verifier reads: what contradicts its beginning is rejected, and nothing accepted.
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

/// Each passage's windows, their tokens, and what is said about those that are read.
struct Read {
    ranges: Vec<Vec<Range<usize>>>,
    tokens: Vec<Vec<Vec<u32>>>,
    readings: Vec<Vec<Reading>>,
}

impl Verifier {
    /// Reads a query.
    ///
    /// # Errors
    /// [`Error::EmptyQuery`]; those of the encoder.
    pub fn prepare(&self, query: &str) -> Result<PreparedQuery<'_>, Error> {
        self.prepare_alone(query, &mut self.compute.team())
    }

    /// As [`prepare`](Self::prepare), on a team that the caller has.
    ///
    /// # Errors
    /// As [`prepare`](Self::prepare).
    pub fn prepare_alone(&self, query: &str, team: &mut Team) -> Result<PreparedQuery<'_>, Error> {
        let _prepare = tracing::debug_span!("verifier.prepare").entered();
        let (ids, extent) = self.read_query(query)?;
        let encoded = |_| self.encoder.token_vectors(std::slice::from_ref(&ids), team);
        let hidden = self.view_scorer().map(encoded).transpose()?;
        self.prepared(query, ids, extent, hidden)
    }

    /// `hidden` are the query's own hidden states; none for a cross-encoder.
    fn prepared(
        &self,
        query: &str,
        ids: Vec<u32>,
        extent: QueryExtent,
        hidden: Option<Vec<Vectors>>,
    ) -> Result<PreparedQuery<'_>, Error> {
        let views = self.view_scorer().zip(hidden).map(|(scorer, hidden)| scorer.views(hidden[0].values(), &ids));
        let views = views.transpose().map_err(tensors)?;
        Ok(PreparedQuery { verifier: self, text: query.to_owned(), ids, extent, views })
    }

    /// As [`prepare`](Self::prepare), and the vector that `encoder` gives the query: the layers that both share
    /// ([`shared_layers`](Self::shared_layers)) are computed once, which changes neither.
    ///
    /// # Errors
    /// As [`prepare`](Self::prepare).
    pub fn prepare_with(
        &self,
        query: &str,
        encoder: &Encoder,
        team: &mut Team,
    ) -> Result<(PreparedQuery<'_>, Vec<f32>), Error> {
        let (ids, extent) = self.read_query(query)?;
        match self.view_scorer() {
            Some(_) if self.shared_layers(encoder) > 0 && encoder.ids(query, Role::Query)? == ids => {
                let texts = std::slice::from_ref(&ids);
                let (hidden, vector) = self.encoder.token_vectors_and_embeddings(encoder, texts, team)?;
                Ok((self.prepared(query, ids, extent, Some(hidden))?, vector.values().to_vec()))
            }
            _ => Ok((self.prepare_alone(query, team)?, encoder.embed_one(query, Role::Query, team)?)),
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

    /// Judges passages that a retriever found: as [`Verifier::verify`] by [`Relation::Support`], but by the rules for passages,
    /// which take more for support and for a conflict ([`combine_passage`](crate::combine_passage)).
    ///
    /// # Errors
    /// Those of the encoder; [`Error::Reader`] when views are not of this verifier.
    pub fn verify_passages(&self, passages: &[PassageSource<'_>]) -> Result<Vec<Verification>, Error> {
        let team = &mut self.verifier.compute.team();
        Ok(self.verify_contenders(passages, team)?.into_iter().map(|(verification, _)| verification).collect())
    }

    /// As [`verify_passages`](Self::verify_passages), with what is compared of each among several; no tokens where views do not
    /// tell.
    ///
    /// # Errors
    /// As [`verify_passages`](Self::verify_passages).
    pub fn verify_contenders(
        &self,
        passages: &[PassageSource<'_>],
        team: &mut Team,
    ) -> Result<Vec<(Verification, Contender)>, Error> {
        let Read { ranges, tokens, readings } = self.read(passages, team)?;
        let verified = self.verifier.combined(self.terms(), ranges.iter().map(Vec::as_slice), &readings);
        let mut contenders = Vec::with_capacity(verified.len());
        for (((verification, ranges), tokens), readings) in verified.into_iter().zip(ranges).zip(tokens).zip(readings) {
            let reading = |window| readings.iter().find(|it| it.index == window);
            let found = |window| reading(window).map(|it| it.window.judgement.finding);
            let supported_by = supported_by(&verification, self.extent, &ranges, found);
            let support = |window| reading(window).map(|it| it.outputs.support);
            let windows = tokens.into_iter().enumerate().map(|(at, ids)| Wording::new(ids, support(at))).collect();
            contenders.push((verification, Contender { supported_by, windows }));
        }
        Ok(contenders)
    }

    /// What [`verify_passages`](Self::verify_passages) combines: what is said about each window that is read of each passage.
    /// For fitting thresholds.
    ///
    /// # Errors
    /// As [`verify_passages`](Self::verify_passages).
    pub fn read_windows(&self, passages: &[PassageSource<'_>]) -> Result<Vec<Vec<Window>>, Error> {
        let readings = self.read(passages, &mut self.verifier.compute.team())?.readings;
        Ok(readings.into_iter().map(|readings| readings.iter().map(|it| it.window).collect()).collect())
    }

    fn terms(&self) -> Terms {
        Terms { extent: self.extent, relation: Relation::Support, rules: Rules::Passage }
    }

    fn read(&self, passages: &[PassageSource<'_>], team: &mut Team) -> Result<Read, Error> {
        let wanted = Wanted::new(&self.text, &self.ids);
        let windows = |passage: &PassageSource| match passage {
            PassageSource::Text(text) => {
                self.verifier.windows(text, Cut::Sentences).map(|windows| windows.nearest(&wanted))
            }
            PassageSource::Views(_) => Ok(Windows::default()),
        };
        let windows = team.try_map(passages, windows)?;
        match (&self.verifier.scorer, &self.views) {
            (Scorer::Views(scorer), Some(query)) => {
                let encoded = self.verifier.encoded(scorer, windows, team)?;
                let passages = passages.iter().zip(encoded).map(|(passage, encoded)| match passage {
                    PassageSource::Text(_) => encoded,
                    PassageSource::Views(views) => views.nearest(&wanted),
                });
                let passages: Vec<PassageViews> = passages.collect();
                let scratch = &mut Scratch::default();
                let readings = self.verifier.read_views(scorer, query, &passages, self.terms(), team, scratch)?;
                let ids = |views: &Views| views.ids().map(Iterator::collect).unwrap_or_default();
                let tokens = passages.iter().map(|passage| passage.views.iter().map(ids).collect()).collect();
                Ok(Read { ranges: passages.into_iter().map(|passage| passage.ranges).collect(), tokens, readings })
            }
            _ => match passages.iter().position(|passage| matches!(passage, PassageSource::Views(_))) {
                Some(at) => Err(tensors(vetted_reader::Error::OtherViews { position: Some(at) })),
                None => {
                    let readings = self.verifier.read_jointly(&self.ids, &windows, self.terms(), team)?;
                    let (ranges, tokens) = windows.into_iter().map(|windows| (windows.ranges, windows.ids)).unzip();
                    Ok(Read { ranges, tokens, readings })
                }
            },
        }
    }
}
