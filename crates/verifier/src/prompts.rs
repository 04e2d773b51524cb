//! Prompts that may mean the same: each is read once, kept, and held against the next ones.

use vetted_encoder::{Encoder, Role};
use vetted_kernels::Team;
use vetted_reader::Relation;

use crate::decide::Rules;
use crate::judging::{Held, QueryTokens, Terms};
use crate::verification::Verification;
use crate::verifier::Verifier;
use crate::windows::{Cut, PassageViews, Wanted, Windows};
use crate::{Error, QueryExtent};

/// What both tiers make of a prompt.
#[derive(Clone, Debug, PartialEq)]
pub struct EncodedPrompt {
    /// Tier one's vector, as that of a query.
    pub vector: Vec<f32>,
    /// Tier two's views. None of a cross-encoder, which reads both texts together, and none of a prompt that is longer than
    /// the verifier reads at once.
    pub views: Option<PassageViews<'static>>,
}

/// A prompt, and its views where they are kept.
#[derive(Clone, Debug)]
pub struct KeptPrompt<'a> {
    /// The prompt.
    pub text: &'a str,
    /// Its views, from [`Verifier::encode_prompts`] of the same verifier.
    pub views: Option<PassageViews<'a>>,
}

impl Verifier {
    /// Whether a text is read to its end: longer ones are never accepted as saying the same.
    ///
    /// # Errors
    /// Those of the encoder.
    pub fn reads_whole(&self, text: &str) -> Result<bool, Error> {
        Ok(!self.is_cut(text)?)
    }

    /// For each prompt the vector that `encoder` gives it, and its views. The layers that both encoders share are computed once,
    /// which changes neither.
    ///
    /// # Errors
    /// Those of the encoders.
    pub fn encode_prompts(
        &self,
        prompts: &[&str],
        encoder: &Encoder,
        team: &mut Team,
    ) -> Result<Vec<EncodedPrompt>, Error> {
        let _encode = tracing::debug_span!("verifier.encode_prompts", prompts = prompts.len()).entered();
        let read = team.try_map(prompts, |prompt| self.whole(prompt))?;
        let shares = self.shared_layers(encoder) > 0;
        let mut joint = Vec::with_capacity(prompts.len());
        for (prompt, windows) in prompts.iter().zip(&read) {
            let same = |ids: &Vec<u32>| Ok::<_, Error>(encoder.ids(prompt, Role::Query)? == *ids);
            joint.push(match windows {
                Some(windows) if shares => same(&windows.ids[0])?,
                _ => false,
            });
        }
        let ids = read.iter().zip(&joint).filter(|(_, joint)| **joint);
        let ids: Vec<Vec<u32>> = ids.filter_map(|(windows, _)| Some(windows.as_ref()?.ids[0].clone())).collect();
        let apart: Vec<&str> =
            prompts.iter().zip(&joint).filter(|(_, joint)| !**joint).map(|(prompt, _)| *prompt).collect();
        let (mut joint_vectors, mut joint_views) = (Vec::new(), Vec::new());
        if let (Some(scorer), false) = (self.view_scorer(), ids.is_empty()) {
            let (hidden, vectors) = self.encoder.token_vectors_and_embeddings(encoder, &ids, team)?;
            joint_views = crate::encoding::views_of(scorer, &hidden, &ids, team)?;
            joint_vectors = vectors.iter().map(<[f32]>::to_vec).collect();
        }
        let apart_vectors = encoder.embed(&apart, Role::Query, team)?;
        let alone: Vec<Windows> = read
            .iter()
            .zip(&joint)
            .filter(|(_, joint)| !**joint)
            .filter_map(|(windows, _)| windows.as_ref())
            .map(|windows| Windows { ranges: windows.ranges.clone(), ids: windows.ids.clone() })
            .collect();
        let alone_views = match self.view_scorer() {
            Some(scorer) => self.encoded(scorer, alone, team)?,
            None => Vec::new(),
        };
        let (mut joint_vectors, mut joint_views) = (joint_vectors.into_iter(), joint_views.into_iter());
        let (mut apart_vectors, mut alone_views) = (apart_vectors.iter().map(<[f32]>::to_vec), alone_views.into_iter());
        let mut encoded = Vec::with_capacity(prompts.len());
        for (windows, joint) in read.into_iter().zip(joint) {
            let vector = if joint { joint_vectors.next() } else { apart_vectors.next() };
            let views = windows.and_then(|windows| match joint {
                true => joint_views.next().map(|views| PassageViews { ranges: windows.ranges, views: vec![views] }),
                false => alone_views.next(),
            });
            encoded.push(EncodedPrompt { vector: vector.unwrap_or_default(), views });
        }
        Ok(encoded)
    }

    /// Says of each candidate whether it means the same as the prompt: what [`verify`](Self::verify) says by
    /// [`Relation::Equivalence`], bit for bit. What has views is not encoded again.
    ///
    /// # Errors
    /// As [`verify`](Self::verify); [`Error::Reader`] when views are not of this verifier.
    pub fn verify_prompt<'a>(
        &self,
        prompt: &KeptPrompt<'a>,
        candidates: &[KeptPrompt<'a>],
        team: &mut Team,
    ) -> Result<Vec<Verification>, Error> {
        if prompt.text.trim().is_empty() {
            return Err(Error::EmptyQuery);
        }
        let _verify = tracing::debug_span!("verifier.verify_prompt", candidates = candidates.len()).entered();
        let Some(scorer) = self.view_scorer() else {
            let texts: Vec<&str> = candidates.iter().map(|candidate| candidate.text).collect();
            let verified = self.verify_queries(&[(prompt.text, &texts, Relation::Equivalence)], team)?;
            return Ok(verified.into_iter().flatten().collect());
        };
        let extent = match self.is_cut(prompt.text)? {
            _ if self.is_foreign(prompt.text) => QueryExtent::Foreign,
            true => QueryExtent::Beginning,
            false => QueryExtent::Whole,
        };
        let terms = Terms { extent, relation: Relation::Equivalence, rules: Rules::Pair };
        // Of two questions that may mean the same, each is read as it stands.
        let text = self.query_text(prompt.text, true)?;
        let ids = self.encoder.tokens().ids(&text.read)?;
        let wanted = Wanted::new(prompt.text, &ids);

        let mut unread = Vec::new();
        if prompt.views.is_none() {
            unread.push(Windows { ranges: std::iter::once(0..0).collect(), ids: vec![ids] });
        }
        let without = candidates.iter().filter(|candidate| candidate.views.is_none());
        unread.extend(team.try_map(without, |candidate| self.windows_for(&wanted, candidate.text, Cut::Overlapping))?);
        let mut encoded = self.encoded(scorer, unread, team)?.into_iter();
        let mut next = |views: &Option<PassageViews<'a>>| match views {
            Some(views) => views.clone(),
            None => encoded.next().unwrap_or_else(|| PassageViews { ranges: Vec::new(), views: Vec::new() }),
        };
        let own = next(&prompt.views);
        let query = own.views.first().ok_or(Error::EmptyQuery)?;
        let query = QueryTokens::new(scorer, query)?;
        let held: Vec<PassageViews<'a>> = candidates.iter().map(|candidate| next(&candidate.views)).collect();
        let read = self.read_views(scorer, &[Held { query: &query, candidates: &held, terms }], team)?;
        let read = read.into_iter().next().unwrap_or_default();
        let verified = self.combined(terms, held.iter().map(|it| it.ranges.as_slice()), &read, &[]);
        let windows = verified.into_iter().zip(candidates);
        let windows = windows.map(|(verified, candidate)| crate::verifier::deciding(verified, candidate.text));
        self.look_again(&text, terms, windows.collect(), team)
    }

    /// The one window that a prompt is: read in the same way as a query and as a candidate.
    fn whole(&self, prompt: &str) -> Result<Option<Windows>, Error> {
        if self.view_scorer().is_none() || prompt.trim().is_empty() || self.is_cut(prompt)? {
            return Ok(None);
        }
        let windows = self.windows_of("", prompt, Cut::Overlapping)?;
        let is_whole = windows.ids.len() == 1 && windows.ids[0] == self.encoder.tokens().ids(prompt)?;
        Ok(is_whole.then_some(windows))
    }
}

#[cfg(test)]
mod tests {
    use std::sync::LazyLock;

    use vetted_encoder::{ModelFolder, Options};

    use super::*;
    use crate::VerifierOptions;

    static MODELS: LazyLock<(Verifier, Encoder)> = LazyLock::new(|| {
        let folder = tempfile::tempdir().unwrap();
        let tiny = vetted_fixtures::verifier(folder.path());
        let encoder =
            Encoder::open(&ModelFolder::open(vetted_fixtures::encoder()).unwrap(), Options::default()).unwrap();
        (Verifier::open(&tiny, VerifierOptions::default(), &mut |_| {}).unwrap(), encoder)
    });

    const PROMPTS: [&str; 8] = [
        "The nurse visited the farmer.",
        "The farmer visited the nurse.",
        "The farmer was visited by the nurse.",
        "  The nurse did not visit the farmer.\n",
        "Did the nurse visit the farmer?",
        "nurse",
        "Who visited the farmer? The nurse did. Then she went home, and nobody saw her again.",
        "La infirmi\u{e8}re a visit\u{e9} le fermier.",
    ];

    /// The numbers behind verdicts, by their bits.
    fn bits(verified: &[Verification]) -> Vec<String> {
        verified.iter().map(|it| format!("{it:?}")).collect()
    }

    #[test]
    fn kept_prompts_get_the_verdicts_that_their_texts_get() {
        let (verifier, encoder) = &*MODELS;
        let long = "The nurse visited the farmer and the baker. ".repeat(30);
        let texts: Vec<&str> = PROMPTS.into_iter().chain([long.as_str(), " "]).collect();
        let team = &mut verifier.compute().team();
        let encoded = verifier.encode_prompts(&texts, encoder, team).unwrap();
        let has_views: Vec<bool> = encoded.iter().map(|it| it.views.is_some()).collect();
        assert_eq!(has_views, texts.iter().map(|text| *text != long && *text != " ").collect::<Vec<_>>());
        for (text, encoded) in texts.iter().zip(&encoded) {
            assert_eq!(encoded.vector, encoder.embed_one(text, Role::Query, team).unwrap());
            assert_eq!(*encoded, verifier.encode_prompts(&[text], encoder, team).unwrap()[0]);
        }
        let kept = |with_views: bool| {
            let views = |it: &EncodedPrompt| it.views.clone().filter(|_| with_views);
            let kept = texts.iter().zip(&encoded).map(|(text, it)| KeptPrompt { text, views: views(it) });
            kept.collect::<Vec<_>>()
        };
        for (at, query) in texts.iter().enumerate().take(texts.len() - 1) {
            let expected = bits(&verifier.verify(query, &texts, Relation::Equivalence).unwrap());
            for (own, candidates) in [(true, true), (true, false), (false, true), (false, false)] {
                let verified = verifier.verify_prompt(&kept(own)[at], &kept(candidates), team).unwrap();
                assert_eq!(bits(&verified), expected, "{query:?}");
            }
        }
        assert!(matches!(verifier.verify_prompt(&kept(true)[texts.len() - 1], &[], team), Err(Error::EmptyQuery)));
    }
}
