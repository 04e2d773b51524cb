//! Passages to what is kept of them.

use std::ops::Range;

use vetted_encoder::{Encoder, Role, Vectors};
use vetted_kernels::Team;
use vetted_reader::{ViewScorer, Views};

use crate::Error;
use crate::decide::MOST_COMPARED;
use crate::verifier::{Verifier, tensors};
use crate::windows::{PassageText, PassageViews, Windows};

/// What both tiers make of passages.
pub struct EncodedPassages {
    /// Tier one's.
    pub vectors: Vec<Vec<f32>>,
    /// Tier two's, where the verifier has views.
    pub views: Option<Vec<PassageViews<'static>>>,
}

/// So many texts are encoded at once: enough to keep all cores busy, few enough to hold.
const TEXTS_TOGETHER: usize = 1024;

impl Verifier {
    /// What [`PreparedQuery::verify_passages`](crate::PreparedQuery::verify_passages) needs of passages, to be kept instead of
    /// encoding them for every query; none of a cross-encoder, which reads both texts together. Of a passage of more than
    /// 64 KiB, the beginning is read.
    ///
    /// # Errors
    /// Those of the encoder.
    pub fn passage_views<T: AsRef<str> + Sync>(
        &self,
        passages: &[T],
    ) -> Result<Option<Vec<PassageViews<'static>>>, Error> {
        let passages: Vec<PassageText> = passages.iter().map(|text| text.as_ref().into()).collect();
        self.passage_views_with(&passages, &mut self.compute.team())
    }

    /// As [`passage_views`](Self::passage_views), of passages with what stands above them, on a team that the caller has.
    ///
    /// # Errors
    /// As [`passage_views`](Self::passage_views).
    pub fn passage_views_with(
        &self,
        passages: &[PassageText],
        team: &mut Team,
    ) -> Result<Option<Vec<PassageViews<'static>>>, Error> {
        let Some(scorer) = self.view_scorer() else { return Ok(None) };
        let windows = team.try_map(passages, |passage| self.passage_windows(passage))?;
        self.encoded(scorer, windows, team).map(Some)
    }

    /// As [`passage_views_with`](Self::passage_views_with), but only of passages of which every query reads everything: none of
    /// longer ones, of which a query reads some sentences, and none by a cross-encoder.
    ///
    /// # Errors
    /// As [`passage_views`](Self::passage_views).
    pub fn views_of_short_passages(
        &self,
        passages: &[PassageText],
        team: &mut Team,
    ) -> Result<Vec<Option<PassageViews<'static>>>, Error> {
        let Some(scorer) = self.view_scorer() else { return Ok(vec![None; passages.len()]) };
        let windows = team.try_map(passages, |passage| self.passage_windows(passage))?;
        let short: Vec<bool> = windows.iter().map(|windows| windows.ids.len() <= MOST_COMPARED).collect();
        let windows = windows.into_iter().zip(&short).filter(|(_, short)| **short).map(|(windows, _)| windows);
        let mut views = self.encoded(scorer, windows.collect(), team)?.into_iter();
        Ok(short.into_iter().map(|short| short.then(|| views.next()).flatten()).collect())
    }

    /// For each passage the vector that `encoder` gives `embedded` (the passage under its title) and the views of the passage
    /// itself. Where the two are one short text, the layers that both encoders share are computed once, which changes neither.
    ///
    /// # Errors
    /// Those of the encoders.
    pub fn embed_with_views(
        &self,
        passages: &[PassageText],
        embedded: &[String],
        encoder: &Encoder,
        team: &mut Team,
    ) -> Result<EncodedPassages, Error> {
        let Some(scorer) = self.view_scorer() else {
            let vectors = encoder.embed(embedded, Role::Document, team)?;
            return Ok(EncodedPassages { vectors: vectors.iter().map(<[f32]>::to_vec).collect(), views: None });
        };
        let windows = team.try_map(passages, |passage| self.passage_windows(passage))?;
        let shared = self.shared_layers(encoder) > 0;
        let same = |(windows, text): (&Windows, &String)| match windows.ids.as_slice() {
            [ids] if shared => Ok::<_, Error>(encoder.ids(text, Role::Document)? == *ids),
            _ => Ok(false),
        };
        let same = team.try_map(windows.iter().zip(embedded), same)?;

        let apart: Vec<&String> = same.iter().zip(embedded).filter(|(same, _)| !**same).map(|(_, text)| text).collect();
        let apart = encoder.embed(&apart, Role::Document, team)?;
        let (mut ids, mut once, mut twice) = (Vec::new(), Vec::new(), Vec::new());
        for (windows, same) in windows.into_iter().zip(&same) {
            match same {
                true => {
                    ids.extend(windows.ids);
                    once.push(windows.ranges);
                }
                false => twice.push(windows),
            }
        }
        let (mut joint_vectors, mut joint_views) = (Vec::new(), Vec::new());
        for some in ids.chunks(TEXTS_TOGETHER) {
            let (hidden, vectors) = self.encoder.token_vectors_and_embeddings(encoder, some, team)?;
            joint_views.extend(views_of(scorer, &hidden, some, team)?);
            joint_vectors.extend(vectors.iter().map(<[f32]>::to_vec));
        }
        let joint =
            once.into_iter().zip(joint_views).map(|(ranges, views)| PassageViews { ranges, views: vec![views] });
        let (mut joint, mut joint_vectors) = (joint, joint_vectors.into_iter());
        let (mut views, mut vectors) =
            (self.encoded(scorer, twice, team)?.into_iter(), apart.iter().map(<[f32]>::to_vec));
        let of = |same: bool| match same {
            true => (joint_vectors.next(), joint.next()),
            false => (vectors.next(), views.next()),
        };
        let (vectors, views): (Vec<_>, Vec<_>) = same.into_iter().map(of).unzip();
        let (vectors, views) = (vectors.into_iter().flatten().collect(), views.into_iter().flatten().collect());
        Ok(EncodedPassages { vectors, views: Some(views) })
    }

    /// The views of all windows, encoded together.
    pub(crate) fn encoded(
        &self,
        scorer: &ViewScorer,
        passages: Vec<Windows>,
        team: &mut Team,
    ) -> Result<Vec<PassageViews<'static>>, Error> {
        let _encode = tracing::debug_span!("verifier.encode", texts = passages.len()).entered();
        let (ranges, ids): (Vec<_>, Vec<_>) = passages.into_iter().map(|it| (it.ranges, it.ids)).unzip();
        let ids: Vec<Vec<u32>> = ids.into_iter().flatten().collect();
        let mut views = self.views(scorer, &ids, team)?.into_iter();
        let passage =
            |ranges: Vec<Range<usize>>| PassageViews { views: views.by_ref().take(ranges.len()).collect(), ranges };
        Ok(ranges.into_iter().map(passage).collect())
    }

    /// Views are much smaller than the token vectors they are made of, so these are never all there at once.
    fn views(&self, scorer: &ViewScorer, ids: &[Vec<u32>], team: &mut Team) -> Result<Vec<Views<'static>>, Error> {
        let mut views = Vec::with_capacity(ids.len());
        for some in ids.chunks(TEXTS_TOGETHER) {
            views.extend(views_of(scorer, &self.encoder.token_vectors(some, team)?, some, team)?);
        }
        Ok(views)
    }
}

pub(crate) fn views_of(
    scorer: &ViewScorer,
    hidden: &[Vectors],
    ids: &[Vec<u32>],
    team: &mut Team,
) -> Result<Vec<Views<'static>>, Error> {
    team.try_map(hidden.iter().zip(ids), |(hidden, ids)| scorer.views(hidden.values(), ids)).map_err(tensors)
}
