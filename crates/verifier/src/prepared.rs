//! A query that is read once and held against any number of passages.

use std::cell::OnceCell;
use std::ops::Range;
use std::sync::Arc;

use vetted_encoder::{Encoder, Role, Vectors};
use vetted_kernels::Team;
use vetted_reader::{Relation, Scorer, Views};

use crate::Error;
use crate::decide::{
    Contender, Finding, Recalled, Rules, Said, Window, Wording, WordingRead, extent_of_question, is_sure, may_be_no,
    probability, rivals, supported_by,
};
use crate::judging::{Held, QueryTokens, Reading, Terms};
use crate::second_look::QueryText;
use crate::verification::{Assessment, Verification};
use crate::verifier::{Verifier, tensors};
use crate::windows::{PassageText, PassageViews, Wanted, Windows};

/// A query, read once. From [`Verifier::prepare`].
pub struct PreparedQuery {
    verifier: Arc<Verifier>,
    ids: Vec<u32>,
    wanted: Wanted,
    extent: QueryExtent,
    text: QueryText,
    /// None for a cross-encoder.
    tokens: Option<QueryTokens>,
}

/// A query with the passages that are held against it; see [`Verifier::verify_many`].
pub type Asked<'a> = (&'a PreparedQuery, &'a [PassageSource<'a>]);

/// How much of a query there is to hold passages against.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum QueryExtent {
    /// It is read in full.
    Whole,
    /// It is longer than the verifier reads: what contradicts its beginning is rejected, and nothing accepted.
    Beginning,
    /// It is of a language that the verifier has not learned: nothing is accepted and nothing rejected.
    Foreign,
    /// A word or two, which say nothing that a passage could support or contradict: nothing is accepted and nothing rejected.
    Keywords,
}

/// A passage, as text or as what was kept of it.
#[derive(Clone, Debug)]
pub enum PassageSource<'a> {
    /// To be encoded now.
    Text(PassageText<'a>),
    /// Encoded before, by the same verifier.
    Views(PassageViews<'a>),
}

/// The tokens of a query, how much of it that is, and what else is known of it.
type ReadQuery = (Vec<u32>, QueryExtent, QueryText);

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
    pub fn prepare(self: &Arc<Self>, query: &str) -> Result<PreparedQuery, Error> {
        let mut prepared = self.prepare_many(&[query], &mut self.compute.team())?;
        prepared.pop().ok_or(Error::EmptyQuery)
    }

    /// Reads several queries together, on a team that the caller has.
    ///
    /// # Errors
    /// As [`prepare`](Self::prepare); one query's error is that of all.
    pub fn prepare_many(self: &Arc<Self>, queries: &[&str], team: &mut Team) -> Result<Vec<PreparedQuery>, Error> {
        let _prepare = tracing::debug_span!("verifier.prepare", queries = queries.len()).entered();
        let read = queries.iter().map(|query| self.read_query(query)).collect::<Result<Vec<_>, _>>()?;
        let ids: Vec<Vec<u32>> = read.iter().map(|(ids, ..)| ids.clone()).collect();
        let hidden = self.view_scorer().map(|_| self.encoder.token_vectors(&ids, team)).transpose()?;
        let mut hidden = hidden.map(Vec::into_iter);
        let prepared = queries
            .iter()
            .zip(read)
            .map(|(query, read)| self.prepared(query, read, hidden.as_mut().and_then(Iterator::next)));
        prepared.collect()
    }

    /// As [`prepare_many`](Self::prepare_many), and the vector that `encoder` gives each query: the layers that both share
    /// ([`shared_layers`](Self::shared_layers)) are computed once, which changes neither.
    ///
    /// # Errors
    /// As [`prepare_many`](Self::prepare_many).
    pub fn prepare_many_with(
        self: &Arc<Self>,
        queries: &[&str],
        encoder: &Encoder,
        team: &mut Team,
    ) -> Result<Vec<(PreparedQuery, Vec<f32>)>, Error> {
        let shares = self.view_scorer().is_some() && self.shared_layers(encoder) > 0;
        let read = queries.iter().map(|query| self.read_query(query)).collect::<Result<Vec<_>, _>>()?;
        let mut joint = Vec::with_capacity(queries.len());
        for (query, (ids, ..)) in queries.iter().zip(&read) {
            joint.push(shares && encoder.ids(query, Role::Query)? == *ids);
        }
        if !joint.iter().all(|joint| *joint) {
            // A text that the two encoders read differently: each reads for itself.
            let prepared = self.prepare_many(queries, team)?;
            let vectors = encoder.embed(queries, Role::Query, team)?;
            return Ok(prepared.into_iter().zip(vectors.iter().map(<[f32]>::to_vec)).collect());
        }
        let ids: Vec<Vec<u32>> = read.iter().map(|(ids, ..)| ids.clone()).collect();
        let (hidden, vectors) = self.encoder.token_vectors_and_embeddings(encoder, &ids, team)?;
        let prepared = queries.iter().zip(read).zip(hidden).zip(vectors.iter());
        let prepared = prepared
            .map(|(((query, read), hidden), vector)| Ok((self.prepared(query, read, Some(hidden))?, vector.to_vec())));
        prepared.collect()
    }

    /// `hidden` are the query's own hidden states; none for a cross-encoder.
    fn prepared(
        self: &Arc<Self>,
        query: &str,
        (ids, extent, text): ReadQuery,
        hidden: Option<Vectors>,
    ) -> Result<PreparedQuery, Error> {
        let tokens = self.view_scorer().zip(hidden).map(|(scorer, hidden)| {
            let views = scorer.views(hidden.values(), &ids).map_err(tensors)?;
            QueryTokens::new(scorer, &views)
        });
        let (tokens, wanted) = (tokens.transpose()?, Wanted::new(query, &ids));
        Ok(PreparedQuery { verifier: self.clone(), ids, wanted, extent, text, tokens })
    }

    /// Judges each query's passages, as [`PreparedQuery::verify_passages`] does, all of them together: queries of different
    /// callers share batches, and each gets what it would have got alone, bit for bit. With each verification comes what is
    /// compared among the candidates of one query ([`PreparedQuery::rivals`]), once the texts that
    /// [are needed](PreparedQuery::needs_text) have been [looked at](PreparedQuery::look_again). Queries of another verifier are an error.
    ///
    /// # Errors
    /// As [`PreparedQuery::verify_passages`]; one passage's error is that of all.
    pub fn verify_many(
        self: &Arc<Self>,
        asked: &[Asked<'_>],
        team: &mut Team,
    ) -> Result<Vec<Vec<(Verification, Contender)>>, Error> {
        self.verify_recalled(asked, &[], team)
    }

    /// As [`verify_many`](Self::verify_many), with what recall knows of each query's passages, in their order: a verifier that
    /// has learnt what to make of it ([`Vouching`](vetted_reader::Vouching)) takes it into account where a query asks for
    /// something. Passages of which nothing is given are judged without. As long as it is not known what is rejected, each is
    /// [ahead of all](Recalled::AHEAD_OF_ALL); [`PreparedQuery::vouch`] has the last word.
    ///
    /// # Errors
    /// As [`verify_many`](Self::verify_many).
    pub fn verify_recalled(
        self: &Arc<Self>,
        asked: &[Asked<'_>],
        recalled: &[&[Recalled]],
        team: &mut Team,
    ) -> Result<Vec<Vec<(Verification, Contender)>>, Error> {
        if asked.iter().any(|(query, _)| !Arc::ptr_eq(&query.verifier, self)) {
            return Err(tensors(vetted_reader::Error::OtherViews { position: None }));
        }
        let read = self.read_passages(asked, team)?;
        let known = |at: usize| recalled.get(at).copied().unwrap_or_default();
        Ok(asked
            .iter()
            .zip(read)
            .enumerate()
            .map(|(at, ((query, _), read))| query.contenders(read, known(at)))
            .collect())
    }

    fn read_passages(&self, asked: &[Asked<'_>], team: &mut Team) -> Result<Vec<Read>, Error> {
        let passages = || asked.iter().flat_map(|(query, passages)| passages.iter().map(move |it| (*query, it)));
        let windows = |(query, passage): &(&PreparedQuery, &PassageSource)| match passage {
            PassageSource::Text(text) => self.passage_windows(text).map(|windows| windows.nearest(&query.wanted)),
            PassageSource::Views(_) => Ok(Windows::default()),
        };
        let windows = team.try_map(&passages().collect::<Vec<_>>(), windows)?;
        let Scorer::Views(scorer) = &self.scorer else { return self.read_passages_jointly(asked, windows, team) };
        let encoded = self.encoded(scorer, windows, team)?;
        let mut compared = passages().zip(encoded).map(|((query, passage), encoded)| match passage {
            PassageSource::Text(_) => encoded,
            PassageSource::Views(views) => views.nearest(&query.wanted),
        });
        let compared: Vec<Vec<PassageViews>> =
            asked.iter().map(|(_, passages)| compared.by_ref().take(passages.len()).collect()).collect();
        let held = asked.iter().zip(&compared).filter_map(|((query, _), candidates)| {
            Some(Held { query: query.tokens.as_ref()?, candidates, terms: query.terms() })
        });
        let readings = self.read_views(scorer, &held.collect::<Vec<_>>(), team)?;
        let ids = |views: &Views| views.ids().map(Iterator::collect).unwrap_or_default();
        let read = compared.into_iter().zip(readings).map(|(passages, readings)| Read {
            tokens: passages.iter().map(|passage| passage.views.iter().map(ids).collect()).collect(),
            ranges: passages.into_iter().map(|passage| passage.ranges).collect(),
            readings,
        });
        Ok(read.collect())
    }

    /// By a cross-encoder.
    fn read_passages_jointly(
        &self,
        asked: &[Asked<'_>],
        windows: Vec<Windows>,
        team: &mut Team,
    ) -> Result<Vec<Read>, Error> {
        let mut windows = windows.into_iter();
        let mut read = Vec::with_capacity(asked.len());
        for (query, passages) in asked {
            if let Some(at) = passages.iter().position(|passage| matches!(passage, PassageSource::Views(_))) {
                return Err(tensors(vetted_reader::Error::OtherViews { position: Some(at) }));
            }
            let own: Vec<Windows> = windows.by_ref().take(passages.len()).collect();
            let readings = self.read_jointly(&query.ids, &own, query.terms(), team)?;
            let (ranges, tokens) = own.into_iter().map(|windows| (windows.ranges, windows.ids)).unzip();
            read.push(Read { ranges, tokens, readings });
        }
        Ok(read)
    }

    fn read_query(&self, query: &str) -> Result<ReadQuery, Error> {
        if query.trim().is_empty() {
            return Err(Error::EmptyQuery);
        }
        let is_cut = self.is_cut(query)?;
        let extent = match self.is_foreign(query) {
            true => QueryExtent::Foreign,
            false => extent_of_question(query, is_cut),
        };
        let text = self.query_text(query, is_cut)?;
        Ok((self.encoder.tokens().ids(&text.read)?, extent, text))
    }
}

impl PreparedQuery {
    /// The verifier that read it.
    pub fn verifier(&self) -> &Arc<Verifier> {
        &self.verifier
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
        let verified = self.verifier.verify_many(&[(self, passages)], team)?;
        self.look_at_texts(verified.into_iter().flatten().map(|(it, _)| it).collect(), passages, team)
    }

    /// As [`look_again`](Self::look_again), at those of the passages of which there is a text. (What was kept of a passage is no
    /// text to look at.)
    ///
    /// # Errors
    /// Those of the encoder.
    pub fn look_at_texts(
        &self,
        mut verified: Vec<Verification>,
        passages: &[PassageSource<'_>],
        team: &mut Team,
    ) -> Result<Vec<Verification>, Error> {
        let (mut places, mut texts) = (Vec::new(), Vec::new());
        for (at, (verification, passage)) in verified.iter().zip(passages).enumerate() {
            if let (PassageSource::Text(text), Some(read)) = (passage, verification.assessment()) {
                places.push(at);
                texts.push((verification.clone(), text.text.get(read.window.clone()).unwrap_or_default()));
            }
        }
        for (at, looked) in places.into_iter().zip(self.look_again(texts, team)?) {
            verified[at] = looked;
        }
        Ok(verified)
    }

    /// Whether the [window](crate::Assessment::window) that decided about a passage has to be looked at as a text, by
    /// [`look_again`](Self::look_again), before anything follows from it. What neither says anything nor competes with others
    /// need not.
    pub fn needs_text(&self, verification: &Verification, contender: &Contender) -> bool {
        match verification {
            Verification::Accept(_) | Verification::Reject(_) => true,
            Verification::Abstain(_) => {
                let thresholds = &self.verifier.config().thresholds;
                contender.supported_by.is_some() || (self.text.is_yes_or_no && may_be_no(verification, thresholds))
            }
            Verification::Unverified(..) => false,
        }
    }

    /// What becomes of verifications of [`Verifier::verify_many`] when the text of the window that decided each is looked at:
    /// nothing is said of other languages than English, nothing is accepted that differs from the query in characters that the
    /// verifier does not know, and what answers a question by no is not rejected.
    ///
    /// # Errors
    /// Those of the encoder.
    pub fn look_again(&self, verified: Vec<(Verification, &str)>, team: &mut Team) -> Result<Vec<Verification>, Error> {
        self.verifier.look_again(&self.text, self.terms(), verified, team)
    }

    /// Whether it matters for this query what recall knows of passages.
    pub fn vouches(&self) -> bool {
        self.text.asks && self.verifier.config().vouching.is_some()
    }

    /// Whether a passage in which support is found is accepted, by all that is known of it; the probability is left on what was
    /// read. None where recall does not matter: then what was decided stays.
    pub fn vouch<Place>(&self, read: &mut Assessment<Place>, recalled: &Recalled) -> Option<bool> {
        let config = self.verifier.config();
        let vouching = config.vouching.as_ref().filter(|_| self.vouches())?;
        if read.judgement.finding != Finding::Supports {
            return None;
        }
        read.vouched = probability(&read.judgement, recalled, vouching);
        Some(is_sure(&read.judgement, read.vouched.zip(Some(vouching)), &config.thresholds))
    }

    /// For each contender of [`Verifier::verify_many`] that is still one, which other one beats it: it says nearly the same, but
    /// for what the query says, and supports the query clearly better
    /// ([`Thresholds::rival_margin`](vetted_reader::Thresholds::rival_margin)). What is beaten beats nothing.
    pub fn rivals(&self, contenders: &[Option<Contender>]) -> Vec<Option<usize>> {
        let words = |ids: &[u32]| ids.iter().map(|id| self.verifier.encoder.tokens().word(*id)).collect::<Vec<_>>();
        let said = OnceCell::new();
        rivals(contenders, self.verifier.config().thresholds.rival_margin, |original, other| {
            let said = said.get_or_init(|| Said::new(&words(&self.ids), self.text.is_yes_or_no));
            (other.contradicts() && !self.text.is_yes_or_no)
                || said.is_near_miss(&words(original.ids()), &words(other.ids()))
        })
    }

    /// What [`verify_passages`](Self::verify_passages) combines: what is said about each window that is read of each passage.
    /// For fitting thresholds.
    ///
    /// # Errors
    /// As [`verify_passages`](Self::verify_passages).
    pub fn read_windows(&self, passages: &[PassageSource<'_>]) -> Result<Vec<Vec<Window>>, Error> {
        let read = self.verifier.read_passages(&[(self, passages)], &mut self.verifier.compute.team())?;
        let readings = read.into_iter().flat_map(|read| read.readings);
        Ok(readings.map(|readings| readings.iter().map(|it| it.window).collect()).collect())
    }

    /// What is said of each passage, and what is compared of each among several; no tokens where views do not tell.
    fn contenders(
        &self,
        Read { ranges, tokens, readings }: Read,
        recalled: &[Recalled],
    ) -> Vec<(Verification, Contender)> {
        // A statement says all that a passage must say, so the match alone tells, and what recall knows would only help
        // near-misses (docs/decisions/13).
        let recalled = if self.vouches() { recalled } else { &[] };
        let ranges_read = ranges.iter().map(Vec::as_slice);
        let verified = self.verifier.combined(self.terms(), ranges_read, &readings, recalled);
        let mut contenders = Vec::with_capacity(verified.len());
        for (((verification, ranges), tokens), readings) in verified.into_iter().zip(ranges).zip(tokens).zip(readings) {
            let reading = |window| readings.iter().find(|it| it.index == window);
            let found = |window| reading(window).map(|it| it.window.judgement.finding);
            let supported_by = supported_by(&verification, self.extent, &ranges, found);
            let said = |window| {
                let contradicts = found(window) == Some(Finding::Contradicts);
                reading(window).map(|it| WordingRead { support: it.outputs.support, contradicts })
            };
            let windows = tokens.into_iter().enumerate().map(|(at, ids)| Wording::new(ids, said(at))).collect();
            contenders.push((verification, Contender { supported_by, windows }));
        }
        contenders
    }

    fn terms(&self) -> Terms {
        Terms { extent: self.extent, relation: Relation::Support, rules: Rules::Passage }
    }
}
