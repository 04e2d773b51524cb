//! What public data sets leave unsaid about their negatives.

use super::Kind;

/// What is known of the pairs of a source that do not match, where its file has no columns for it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Negatives {
    /// What tells the texts apart.
    pub kind: Kind,
    /// Whether they contradict each other; none where that differs from pair to pair.
    pub conflict: Option<bool>,
}

impl Negatives {
    /// The negatives of a public source; none of a source that is not known, or whose negatives are of many kinds.
    ///
    /// The negated halves of BECEL (Jang et al., *BECEL: Benchmark for Consistency Evaluation of Language Models*, COLING
    /// 2022) and of CANNOT (Anschütz et al., *This is not correct! Negation-aware Evaluation of Language Generation
    /// Systems*, INLG 2023) contradict their partners. PAWS (Zhang et al., *PAWS: Paraphrase Adversaries from Word
    /// Scrambling*, NAACL 2019) and NegCLIP's captions (Yuksekgonul et al., ICLR 2023) swap words: neither text supports the
    /// other then, and both may be true.
    pub fn of_source(source: &str) -> Option<Negatives> {
        let contradicting = |kind| Some(Negatives { kind, conflict: Some(true) });
        match source {
            "becel_mrpc_neg"
            | "becel_snli_neg"
            | "cannot_wikifactcheck-english"
            | "cannot_sentiment-labelled-sentences" => contradicting(Kind::Negation),
            "cannot_antonym-substitution" => contradicting(Kind::Antonym),
            "paws_wiki" | "negclip_coco" => Some(Negatives { kind: Kind::Role, conflict: None }),
            _ => None,
        }
    }
}
