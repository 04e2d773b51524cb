//! A tagged sentence and the shallow structure that edits rely on: noun phrases and the main clause.

use std::collections::HashSet;
use std::ops::Range;

use vetted_english::{article, month};

use crate::lexicon::Lexicon;
use crate::tag::Tag;
use crate::tagger::Tagger;
use crate::token::{Token, detokenize};

/// A tagged sentence.
#[derive(Debug, Clone)]
pub struct Sentence {
    /// Its tokens; the first is in lower case unless it is a name.
    pub tokens: Vec<Token>,
    /// Whether it began with a capital.
    pub capitalized: bool,
}

/// A noun phrase without what follows its head: "the old man", "John Smith", "his brother's three books".
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Phrase {
    /// Its tokens.
    pub range: Range<usize>,
    /// What its last noun is.
    pub tag: Tag,
}

/// The main clause of a sentence, as far as it can be told from tags.
#[derive(Debug, Clone)]
pub struct Clause {
    /// What is said before the subject: "In 1990 ,".
    pub fronted: Range<usize>,
    /// The subject with its "of ..." phrase, if it has one.
    pub subject: Range<usize>,
    /// Whether the subject is plural.
    pub plural: bool,
    /// The verb that carries tense.
    pub finite: usize,
    /// The last verb of the group, the same as `finite` when there is no auxiliary.
    pub main: usize,
    /// Whether `finite` can be negated and inverted as it is (be, have + participle, modals, do).
    pub auxiliary: bool,
}

const BE: &[&str] = &["is", "are", "was", "were", "am", "be", "been", "being", "'s", "'re", "'m"];

/// Whether a token is a form of "be".
pub fn is_be(token: &Token) -> bool {
    token.any(BE) && token.tag != Tag::Pos
}

impl Sentence {
    /// Splits and tags a sentence. `None` when it has fewer than three or more than sixty tokens.
    pub fn parse(text: &str) -> Option<Sentence> {
        let mut tokens = Tagger::embedded().tag_sentence(text);
        if !(3..=60).contains(&tokens.len()) {
            return None;
        }
        correct_tags(&mut tokens);
        let at = tokens.iter().position(|token| token.text.chars().any(char::is_alphanumeric))?;
        // "Mount DeVoe", "Phoebe and Nelson": a noun next to names is likely to be one.
        let near_names = tokens.get(at + 1).is_some_and(|next| next.tag.is_name())
            || tokens.get(at + 1).is_some_and(|next| next.any(&["and", ",", "'s", "or"]))
                && tokens.get(at + 2).is_some_and(|next| next.tag.is_name());
        let open_class =
            matches!(tokens[at].tag, Tag::Nn | Tag::Nns | Tag::Jj | Tag::Vbg | Tag::Vb | Tag::Fw | Tag::Uh);
        let unknown = !Tagger::embedded().knows_as_common(&tokens[at].text);
        if open_class && (near_names || unknown) && tokens[at].text.starts_with(char::is_uppercase) {
            tokens[at].tag = Tag::Nnp;
        }
        let first = tokens.get_mut(at)?;
        let capitalized = first.text.chars().next().is_some_and(char::is_uppercase);
        let rest_lower = first.text.chars().skip(1).all(|c| !c.is_uppercase());
        if capitalized && rest_lower && !first.tag.is_name() && !first.is("i") && !always_capitalized(&first.text) {
            first.text = first.lower();
        }
        Some(Sentence { tokens, capitalized })
    }

    /// The text, capitalized as it was.
    pub fn text(&self) -> String {
        detokenize(&self.tokens, self.capitalized)
    }

    /// The same sentence with other tokens; "a" and "an" are adapted where they met a new neighbor.
    pub fn with(&self, mut tokens: Vec<Token>) -> Sentence {
        let known: HashSet<(String, &str)> =
            self.tokens.windows(2).map(|pair| (pair[0].lower(), pair[1].text.as_str())).collect();
        for at in 1..tokens.len() {
            let next = tokens[at].text.clone();
            if tokens[at - 1].any(&["a", "an"]) && !known.contains(&(tokens[at - 1].lower(), next.as_str())) {
                tokens[at - 1].text = article(&next).to_owned();
            }
        }
        Sentence { tokens, capitalized: self.capitalized }
    }

    /// Number of tokens without the marks at the end.
    pub fn end(&self) -> usize {
        self.tokens.iter().rposition(|token| token.tag != Tag::Punct || token.text == ")").map_or(0, |last| last + 1)
    }

    /// Whether it ends in a question mark.
    pub fn is_question(&self) -> bool {
        self.tokens[self.end()..].iter().any(|token| token.text == "?")
    }

    /// The tag at an index; past the end, [`Tag::Punct`].
    pub fn tag(&self, at: usize) -> Tag {
        self.tokens.get(at).map_or(Tag::Punct, |token| token.tag)
    }

    /// The word at an index in lower case; past the end, nothing.
    pub fn word(&self, at: usize) -> String {
        self.tokens.get(at).map_or(String::new(), Token::lower)
    }

    /// The word before an index in lower case; before the start, nothing.
    pub fn before(&self, at: usize) -> String {
        at.checked_sub(1).map_or(String::new(), |at| self.word(at))
    }

    /// Whether any token of the whole sentence is one of these words.
    pub fn has(&self, words: &[&str]) -> bool {
        self.tokens.iter().any(|token| token.any(words))
    }

    /// Whether something in it negates or restricts, so that edits elsewhere may not mean what they usually do.
    pub fn has_negation(&self) -> bool {
        self.has(&[
            "not", "n't", "n’t", "no", "never", "none", "nobody", "nothing", "neither", "nor", "without", "hardly",
            "rarely", "seldom", "barely", "scarcely", "few", "little", "unless", "cannot", "nowhere", "lack", "lacks",
            "lacked", "only",
        ])
    }

    /// All noun phrases from left to right.
    pub fn phrases(&self) -> Vec<Phrase> {
        let mut phrases = Vec::new();
        let mut at = 0;
        while at < self.tokens.len() {
            match self.phrase_at(at) {
                Some(phrase) => {
                    at = phrase.range.end;
                    phrases.push(phrase);
                }
                None => at += 1,
            }
        }
        phrases
    }

    /// The noun phrase that begins at an index.
    pub fn phrase_at(&self, start: usize) -> Option<Phrase> {
        if self.tag(start) == Tag::Prp {
            return Some(Phrase { range: start..start + 1, tag: Tag::Prp });
        }
        let mut at = start;
        while matches!(self.tag(at), Tag::Pdt | Tag::Dt | Tag::PrpS) {
            at += 1;
        }
        let mut last_noun = None;
        loop {
            match self.tag(at) {
                tag if tag.is_noun() => last_noun = Some((at, tag)),
                Tag::Pos if last_noun.is_some() && (self.tag(at + 1).is_noun() || self.tag(at + 1).is_adjective()) => {}
                Tag::Jj | Tag::Jjr | Tag::Jjs
                    if last_noun.is_none() || self.before(at) == "'s" || self.tag(at + 1).is_noun() => {}
                Tag::Cd => last_noun = Some((at, Tag::Cd)),
                Tag::Vbn | Tag::Vbg if last_noun.is_none() && at > start && self.tag(at + 1).is_noun() => {}
                Tag::Rb if self.tag(at + 1).is_adjective() && last_noun.is_none() && at > start => {}
                _ => break,
            }
            at += 1;
        }
        let (noun, tag) = last_noun?;
        Some(Phrase { range: start..noun + 1, tag })
    }

    /// The noun phrase at an index together with "of" phrases, conjuncts and parentheses that belong to it.
    pub fn full_phrase_at(&self, start: usize) -> Option<(Range<usize>, bool)> {
        let phrase = self.phrase_at(start)?;
        let mut end = phrase.range.end;
        let mut plural = matches!(phrase.tag, Tag::Nns | Tag::Nnps)
            || phrase.tag == Tag::Prp && self.tokens[start].any(&["we", "they", "you", "them", "us"]);
        loop {
            if self.word(end) == "of"
                && let Some(next) = self.phrase_at(end + 1)
            {
                end = next.range.end;
            } else if self.word(end) == "and"
                && let Some(next) = self.phrase_at(end + 1)
                && (start == 0 || !self.tag(next.range.end).is_finite())
            {
                end = next.range.end;
                plural = true;
            } else if self.word(end) == "(" {
                end = (end..self.tokens.len()).find(|at| self.tokens[*at].text == ")")? + 1;
            } else {
                return Some((start..end, plural));
            }
        }
    }

    /// The main clause, when the sentence begins with its subject (after a fronted phrase and a comma, maybe).
    pub fn clause(&self) -> Option<Clause> {
        let starts_fronted = matches!(self.tag(0), Tag::In | Tag::Rb | Tag::To) || self.word(0) == "during";
        let start = if starts_fronted && self.phrase_at(0).is_none() {
            let comma = (1..self.tokens.len().min(10)).find(|at| self.tokens[*at].text == ",")?;
            if self.tokens[..comma].iter().any(|token| token.tag.is_verb() || token.tag == Tag::Wdt) {
                return None;
            }
            comma + 1
        } else {
            0
        };
        let (subject, plural) = self.full_phrase_at(start)?;
        let mut finite = subject.end;
        while self.tag(finite) == Tag::Rb && !self.tokens[finite].any(&["not", "n't", "never"]) {
            finite += 1;
        }
        if !self.tag(finite).is_finite() {
            return None;
        }
        let mut main = self.last_verb(finite);
        let finite_token = &self.tokens[finite];
        let have = finite_token.any(&["has", "have", "had", "'ve"])
            && self.tokens[finite + 1..=main].iter().any(|token| token.tag == Tag::Vbn || is_be(token));
        let do_support = finite_token.any(&["do", "does", "did"]) && main != finite;
        let auxiliary = is_be(finite_token) || self.tag(finite) == Tag::Md || have || do_support;
        if !auxiliary && main != finite {
            // "began working", "helped develop": the tense carrier is a full verb of its own.
            main = finite;
        }
        Some(Clause { fronted: 0..start, subject, plural, finite, main, auxiliary })
    }

    /// The last verb of the group that begins with a finite one, adverbs between them passed over; itself, if it is alone.
    pub fn last_verb(&self, finite: usize) -> usize {
        let group = (finite + 1..self.tokens.len())
            .take_while(|at| matches!(self.tag(*at), Tag::Rb | Tag::Vb | Tag::Vbn | Tag::Vbg));
        group.filter(|at| self.tag(*at) != Tag::Rb).last().unwrap_or(finite)
    }

    /// Whether the phrase is about people or animals: a given name, or a noun of that kind.
    pub fn is_person(&self, range: Range<usize>) -> bool {
        let lexicon = Lexicon::embedded();
        let Some(phrase) = self.phrase_at(range.start) else { return false };
        let head = &self.tokens[phrase.range.end - 1];
        match head.tag {
            Tag::Nnp => self.tokens[phrase.range.clone()].iter().any(|token| lexicon.is_given_name(&token.text)),
            Tag::Nn | Tag::Nns => lexicon.is_person(&head.lower()),
            _ => false,
        }
    }
}

/// Words that begin with a capital anywhere.
fn always_capitalized(word: &str) -> bool {
    let lower = word.to_lowercase();
    month(&lower).is_some()
        || ["monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"].contains(&lower.as_str())
        || Lexicon::embedded()
            .siblings(crate::lexicon::Class::Adjective, &lower)
            .any(|group| group.words.contains(&"american") || group.words.contains(&"jewish"))
}

const NOUNS_IN_ING: &[&str] = &[
    "building",
    "ceiling",
    "wedding",
    "string",
    "king",
    "ring",
    "spring",
    "morning",
    "evening",
    "clothing",
    "painting",
    "thing",
    "wing",
    "meeting",
    "setting",
    "ending",
    "opening",
    "crossing",
    "parking",
    "railing",
    "lighting",
    "training",
    "housing",
    "hearing",
    "offering",
    "swing",
    "sling",
    "sibling",
    "being",
    "nothing",
    "something",
    "anything",
    "everything",
    "during",
    "according",
    "rating",
    "filling",
    "wiring",
    "drawing",
    "feeling",
    "gathering",
    "funding",
    "engineering",
    "marketing",
    "banking",
    "shopping",
    "frosting",
    "icing",
    "topping",
    "pudding",
    "stocking",
    "boxing",
    "wrestling",
    "bedding",
    "landing",
    "awning",
    "flooring",
    "listing",
    "warning",
    "beginning",
    "finding",
];

/// Mends what the tagger, which sees two tags back and no further, gets wrong about verbs.
fn correct_tags(tokens: &mut [Token]) {
    for at in 0..tokens.len() {
        let month = month(&tokens[at].text).is_some() && tokens[at].text.starts_with(char::is_uppercase);
        if month && at > 0 && tokens.get(at + 1).is_some_and(|next| next.tag == Tag::Cd || next.text == ",") {
            tokens[at].tag = Tag::Nnp;
        }
        if tokens[at].tag.is_finite()
            && tokens[at].text.ends_with("ing")
            && !tokens[at].any(&["bring", "sing", "ring", "swing", "cling"])
        {
            tokens[at].tag = Tag::Vbg;
        }
        let after = tokens.get(at + 1).map_or(Tag::Punct, |next| next.tag);
        let participle = tokens[at].tag == Tag::Nn
            && at > 0
            && tokens[at - 1].tag.is_noun()
            && matches!(
                after,
                Tag::Dt | Tag::In | Tag::PrpS | Tag::Rp | Tag::Rb | Tag::To | Tag::Punct | Tag::Cc | Tag::Cd
            )
            && tokens[at].text.ends_with("ing")
            && !tokens[at].any(NOUNS_IN_ING);
        if participle {
            tokens[at].tag = Tag::Vbg;
        }
        if tokens[at].tag != Tag::Vbd && tokens[at].tag != Tag::Vbn {
            continue;
        }
        let mut back = at;
        while back > 0 && tokens[back - 1].tag == Tag::Rb {
            back -= 1;
        }
        let auxiliary =
            back > 0 && (is_be(&tokens[back - 1]) || tokens[back - 1].any(&["has", "have", "had", "having", "'ve"]));
        if auxiliary && !is_be(&tokens[at]) && !tokens[at].is("did") {
            tokens[at].tag = Tag::Vbn;
        } else if tokens[at].tag == Tag::Vbn
            && at > 0
            && (matches!(tokens[at - 1].tag, Tag::Prp) && !tokens[at - 1].any(&["it", "you", "him", "them"]))
        {
            tokens[at].tag = Tag::Vbd;
        }
    }
}
