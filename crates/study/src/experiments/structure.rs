//! Sentences with a rewrite that says the same and a rival that does not: structural triplets to train on, and pairs of other
//! paragraphs to measure with.

use std::collections::BTreeMap;

use vetted_pairs::triplets::Triplet;
use vetted_pairs::{Kind, Label, Pair};
use vetted_synthesis::{Editor, Rewrite, Variants, sentences};

use crate::findings::OWN_PAIRS;

/// A sentence and what was made of it.
struct Made {
    sentence: String,
    variants: Variants,
}

/// Structural material out of paragraphs, those for measuring apart from those for training.
pub struct Structure {
    training: Vec<Made>,
    measuring: Vec<Made>,
}

/// Of so many paragraphs one is kept for measuring.
const MEASURED: usize = 5;

/// Words of a sentence that is used: long ones are cut in training, and few are alike.
const LENGTH: std::ops::RangeInclusive<usize> = 5..=32;

impl Structure {
    /// Edits the sentences of all paragraphs; equal seeds give equal variants.
    pub fn new(paragraphs: &[String], seed: u64) -> Structure {
        let cut: Vec<Vec<&str>> = paragraphs.iter().map(|paragraph| sentences(paragraph)).collect();
        let editor = Editor::new(cut.iter().flatten().copied());
        let mut structure = Structure { training: Vec::new(), measuring: Vec::new() };
        for (place, sentences) in cut.iter().enumerate() {
            let into = if place % MEASURED == 0 { &mut structure.measuring } else { &mut structure.training };
            let usable = sentences.iter().filter(|text| LENGTH.contains(&text.split_whitespace().count()));
            for (index, sentence) in usable.enumerate() {
                let seed = seed.wrapping_mul(0x9e37_79b9).wrapping_add((place * 1000 + index) as u64);
                if let Some(variants) = editor.variants(sentence, seed)
                    && !variants.rivals.is_empty()
                    && !variants.rewrites.is_empty()
                {
                    into.push(Made { sentence: (*sentence).to_owned(), variants });
                }
            }
        }
        structure
    }

    /// At most `most` triplets: a sentence, a rewrite, a rival; first one a sentence, the kind that was used least, then
    /// more.
    pub fn triplets(&self, most: usize) -> Vec<Triplet> {
        let chosen = choose(&self.training, most);
        let triplet = |(made, rewrite, rival): (&Made, &Rewrite, usize)| Triplet {
            anchor: made.sentence.clone(),
            positive: rewrite.text.clone(),
            negative: made.variants.rivals[rival].text.clone(),
        };
        chosen.into_iter().map(triplet).collect()
    }

    /// Labelled pairs of at most `most` sentences that no triplet is made of, by kind of difference: each sentence with its
    /// rival, and with its rewrite.
    pub fn pairs(&self, most: usize) -> Vec<Pair> {
        labelled(&self.measuring, most)
    }

    /// The same of the sentences that triplets are made of: what verifiers learn from.
    pub fn training_pairs(&self, most: usize) -> Vec<Pair> {
        labelled(&self.training, most)
    }
}

fn labelled(from: &[Made], most: usize) -> Vec<Pair> {
    let mut pairs = Vec::new();
    for (made, rewrite, rival) in choose(from, most) {
        let rival = &made.variants.rivals[rival];
        let pair = |text: &str, label| Pair {
            label: Some(label),
            source: OWN_PAIRS.into(),
            phenomenon: rival.kind.name().into(),
            kind: (label == Label::NoMatch).then_some(rival.kind),
            ..Pair::new(text, &made.sentence)
        };
        pairs.push(pair(&rewrite.text, Label::Match));
        pairs.push(pair(&rival.text, Label::NoMatch));
    }
    pairs
}

/// Sentences, each with a rewrite and the place of a rival, kinds as even as can be.
fn choose(from: &[Made], most: usize) -> Vec<(&Made, &Rewrite, usize)> {
    let mut used: BTreeMap<Kind, usize> = BTreeMap::new();
    let mut chosen = Vec::new();
    let mut taken: Vec<Vec<usize>> = vec![Vec::new(); from.len()];
    // A second and third rival only where there are too few sentences.
    for pass in 0..3 {
        for (made, taken) in from.iter().zip(&mut taken) {
            if chosen.len() >= most {
                return chosen;
            }
            let rivals = made.variants.rivals.iter().enumerate().filter(|(place, _)| !taken.contains(place));
            let rarest = rivals.min_by_key(|(_, rival)| used.get(&rival.kind).copied().unwrap_or(0));
            let Some((place, rival)) = rarest else { continue };
            *used.entry(rival.kind).or_default() += 1;
            taken.push(place);
            let rewrites = &made.variants.rewrites;
            chosen.push((made, &rewrites[(chosen.len() + pass) % rewrites.len()], place));
        }
    }
    chosen
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashSet;

    fn paragraphs() -> Vec<String> {
        let people =
            ["nurse", "doctor", "teacher", "farmer", "sailor", "baker", "lawyer", "painter", "miller", "judge"];
        people
            .iter()
            .zip(people.iter().cycle().skip(3))
            .map(|(one, other)| {
                format!("The {one} visited the old {other} before the war. The {other} did not leave the town.")
            })
            .collect()
    }

    #[test]
    fn what_is_measured_is_not_trained_on() {
        let structure = Structure::new(&paragraphs(), 1);
        let (triplets, pairs) = (structure.triplets(40), structure.pairs(40));
        assert!(triplets.len() >= 8 && pairs.len() >= 4, "{} triplets, {} pairs", triplets.len(), pairs.len());
        let trained: HashSet<&str> = triplets.iter().map(|triplet| triplet.anchor.as_str()).collect();
        assert!(pairs.iter().all(|pair| !trained.contains(pair.query.as_str())));
        assert!(triplets.iter().all(|t| t.anchor != t.positive && t.anchor != t.negative && t.positive != t.negative));
        let labels = |label| pairs.iter().filter(|pair| pair.label == Some(label)).count();
        assert_eq!(labels(Label::Match), labels(Label::NoMatch));
        let kinds: HashSet<&str> = pairs.iter().map(|pair| pair.phenomenon.as_str()).collect();
        assert!(kinds.len() > 1, "{kinds:?}");
    }

    #[test]
    fn no_more_than_asked_for_and_always_the_same() {
        let structure = Structure::new(&paragraphs(), 1);
        assert_eq!(structure.triplets(5).len(), 5);
        assert_eq!(structure.triplets(5), Structure::new(&paragraphs(), 1).triplets(9)[..5]);
    }
}
