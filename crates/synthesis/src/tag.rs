//! The parts of speech of the Penn Treebank.

/// Part-of-speech tags of the Penn Treebank (Santorini, 1990), punctuation collapsed into one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[rustfmt::skip]
#[allow(missing_docs)] // the field's own codes, explained by the column of names below
pub enum Tag {
    Cc, Cd, Dt, Ex, Fw, In, Jj, Jjr, Jjs, Md, Nn, Nnp, Nnps, Nns, Pdt, Pos, Prp, PrpS, Rb, Rbr, Rbs, Rp, To, Uh,
    Vb, Vbd, Vbg, Vbn, Vbp, Vbz, Wdt, Wp, WpS, Wrb, Sym, Punct,
}

impl Tag {
    /// Every tag, in the order of their discriminants.
    #[rustfmt::skip]
    pub const ALL: [Tag; 36] = [
        Tag::Cc, Tag::Cd, Tag::Dt, Tag::Ex, Tag::Fw, Tag::In, Tag::Jj, Tag::Jjr, Tag::Jjs, Tag::Md, Tag::Nn, Tag::Nnp,
        Tag::Nnps, Tag::Nns, Tag::Pdt, Tag::Pos, Tag::Prp, Tag::PrpS, Tag::Rb, Tag::Rbr, Tag::Rbs, Tag::Rp, Tag::To,
        Tag::Uh, Tag::Vb, Tag::Vbd, Tag::Vbg, Tag::Vbn, Tag::Vbp, Tag::Vbz, Tag::Wdt, Tag::Wp, Tag::WpS, Tag::Wrb,
        Tag::Sym, Tag::Punct,
    ];

    /// The tag for a code such as `NNS` or `PRP$`; brackets, quotes, commas and the like are [`Tag::Punct`].
    pub fn parse(code: &str) -> Option<Tag> {
        const CODES: [&str; 36] = [
            "CC", "CD", "DT", "EX", "FW", "IN", "JJ", "JJR", "JJS", "MD", "NN", "NNP", "NNPS", "NNS", "PDT", "POS",
            "PRP", "PRP$", "RB", "RBR", "RBS", "RP", "TO", "UH", "VB", "VBD", "VBG", "VBN", "VBP", "VBZ", "WDT", "WP",
            "WP$", "WRB", "SYM", "PUNCT",
        ];
        match code {
            "$" | "#" => Some(Tag::Sym),
            "," | "." | ":" | "``" | "''" | "-LRB-" | "-RRB-" | "HYPH" | "NFP" | "LS" => Some(Tag::Punct),
            "ADD" | "GW" | "XX" | "AFX" => Some(Tag::Fw),
            _ => CODES.iter().position(|known| *known == code).map(|index| Tag::ALL[index]),
        }
    }

    /// Common nouns.
    pub fn is_common_noun(self) -> bool {
        matches!(self, Tag::Nn | Tag::Nns)
    }

    /// Proper nouns.
    pub fn is_name(self) -> bool {
        matches!(self, Tag::Nnp | Tag::Nnps)
    }

    /// Common and proper nouns.
    pub fn is_noun(self) -> bool {
        self.is_common_noun() || self.is_name()
    }

    /// Verb forms that carry tense: past, present, third person, modal.
    pub fn is_finite(self) -> bool {
        matches!(self, Tag::Vbd | Tag::Vbp | Tag::Vbz | Tag::Md)
    }

    /// Any form of a verb, modals included.
    pub fn is_verb(self) -> bool {
        matches!(self, Tag::Vb | Tag::Vbd | Tag::Vbg | Tag::Vbn | Tag::Vbp | Tag::Vbz | Tag::Md)
    }

    /// Adjectives in any degree.
    pub fn is_adjective(self) -> bool {
        matches!(self, Tag::Jj | Tag::Jjr | Tag::Jjs)
    }

    /// Adverbs in any degree.
    pub fn is_adverb(self) -> bool {
        matches!(self, Tag::Rb | Tag::Rbr | Tag::Rbs)
    }
}
