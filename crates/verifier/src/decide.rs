//! Numbers to verdicts. Every rule, and every constant that decides, stands in this module; the thresholds that come with a
//! verifier are [`Thresholds`], and nothing else reads them.
//!
//! 1. Two texts: their logits become probabilities and a [`Finding`] ([`Judgement::new`]).
//! 2. A text too long to be read at once: the finding is that of one of its windows (`windows`). Passages that a retriever
//!    found have a rule of their own, for most of them are *about* a query and say neither yes nor no.
//! 3. The finding becomes a verdict, unless too little was read for one ([`conclude`]).
//! 4. What numbers cannot tell is looked at in the texts: other languages ([`language`]), what the tokenizer does not see
//!    ([`characters`]), what must be the same letter by letter ([`literals`]), and questions that are answered by no ([`polarity`],
//!    [`texts`]).
//! 5. Among several candidates one beats another that says nearly the same, but for what the query says ([`rivals`]).
//! 6. A search leaves out what is rejected, or only marks it ([`Policy`]).

mod alignment;
mod asking;
mod characters;
pub(crate) mod language;
mod literals;
mod near_misses;
pub(crate) mod polarity;
mod rivals;
mod texts;
mod vouching;
mod windows;

use std::error::Error as StdError;
use std::fmt;
use std::sync::Arc;

use unicode_segmentation::UnicodeSegmentation;
use vetted_reader::{Calibrations, Change, Kind, Logit, Outputs, Relation, Thresholds, Weighing};

pub use asking::asks;
pub(crate) use near_misses::Said;
pub(crate) use rivals::Wording;
pub use rivals::{Contender, beaten};
pub(crate) use rivals::{WordingRead, rivals, supported_by};
pub(crate) use texts::{Looked, answered, looked_at, may_be_no};
pub use vouching::{Recalled, log_odds};
pub(crate) use vouching::{is_sure, probability};
pub(crate) use windows::combine;
pub use windows::{Window, combine_passage};

use crate::QueryExtent;
use crate::verification::{Assessment, Verification};

/// The shortest query that can say something of something, in words. A shorter one is keywords, and passages neither support
/// nor contradict keywords.
const FEWEST_WORDS: usize = 3;

/// A sentence of fewer tokens, such as a heading, is read with the next. A part of what is kept of texts: whoever changes it
/// counts up [`windows::VERSION`](crate::windows::VERSION).
pub(crate) const FEWEST_TOKENS: usize = 8;

/// Of more windows than this, those that share most words with the query are compared with it.
pub(crate) const MOST_COMPARED: usize = 32;

/// Of a longer text, this beginning is cut into windows, about 16,000 tokens; of a candidate, instead the [`BLOCK`]s that
/// share most words with the query.
pub(crate) const MOST_BYTES: usize = 64 << 10;
pub(crate) const BLOCK: usize = 4 << 10;

/// How much the larger of the probabilities of match and conflict counts beside the query's words and what they mean, where
/// the windows of a text differ (docs/decisions/6).
const CERTAINTY_BESIDE_WORDS: f32 = 0.5;

/// How much probability counts beside coverage where the windows of a passage differ; fitted with
/// [`Thresholds::passage_conflict`] (docs/decisions/6).
const CERTAINTY_IN_CHOICE: f32 = 0.2;

/// Windows are nearly the same when they share this part of their tokens (Dice's coefficient of the two multisets): a
/// sentence of twelve tokens with a *not* or with another number, or the same words in another order.
const NEARLY_THE_SAME: f32 = 0.7;

/// What is found about a query and a candidate.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Finding {
    /// The candidate entails or answers the query.
    Supports,
    /// The candidate and the query cannot both be true.
    Contradicts,
    /// Neither of the two that were asked about, or not clearly enough. Of [`Relation::Support`] this is what a candidate
    /// about something else gets, and one that is not sure enough; of [`Relation::Equivalence`] only the latter.
    Neither,
    /// Both mean the same.
    Same,
    /// They mean different things, whether or not they contradict each other.
    Different,
}

/// A finding on two texts, and its reasons.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Judgement {
    /// What is found.
    pub finding: Finding,
    /// Probability of the relation asked about, in [0, 1].
    pub p_match: f32,
    /// Probability that the two contradict each other, in [0, 1]; 0 from scorers that do not know.
    pub p_conflict: f32,
    /// The likeliest kind of difference, for whatever neither supports nor is the same; none from scorers that do not know
    /// kinds.
    pub kind: Option<Kind>,
    /// What it answers to a question that asks for yes or no, where that is known.
    pub answer: Option<Answer>,
}

/// An answer to a question that asks for yes or no.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Answer {
    /// What is asked is so.
    Yes,
    /// It is not so.
    No,
}

/// What becomes of a candidate, in a word. The same word means the same in every command and every interface.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Verdict {
    /// It can be vouched for: it supports the query, or says the same.
    Accept,
    /// It contradicts the query, is different where equivalence was asked about, or is beaten by a rival.
    Reject,
    /// It was read, and it is none of these.
    Abstain,
    /// It was not read, or not enough of it or of the query; [`Unverified`] says why.
    Unverified,
}

/// Why there is no verdict on a candidate. Nothing unverified is accepted.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum Unverified {
    /// It stands deeper than what was to be verified.
    BeyondDepth,
    /// The time for verifying was spent before it came to it.
    BudgetSpent,
    /// The query is longer than the verifier reads, and what it read of it does not contradict.
    QueryTooLong,
    /// The query is a word or two: keywords say nothing that a passage could support or contradict.
    QueryTooShort,
    /// The query has no text, only a vector.
    QueryWithoutText,
    /// The candidate is longer than the verifier reads at once, so that nobody knows whether all of it says the same.
    CandidateTooLong,
    /// It has no text.
    NoText,
    /// The query or the candidate is of a language that the verifier has not learned.
    NotEnglish,
    /// It looks the same to the verifier only because there are characters that it does not know.
    UnknownCharacters,
    /// The verifier, or what it reads from, failed.
    Failed(Arc<dyn StdError + Send + Sync>),
}

/// What a search does with what is rejected.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Policy {
    /// It stays where it is, with its verdict.
    Flag,
    /// It is left out.
    #[default]
    Filter,
}

/// By which rules a candidate is judged.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Rules {
    /// Those of two texts that somebody holds against each other.
    Pair,
    /// Those of a passage that a retriever found.
    Passage,
}

impl Judgement {
    /// The rule for two texts. `match` is the threshold of the relation asked about:
    ///
    /// | support | `p_conflict < conflict` | `p_conflict >= conflict` |
    /// |---|---|---|
    /// | `p_match >= match` | supports | neither: the reader contradicts itself |
    /// | `p_match < match` | neither | contradicts |
    ///
    /// | equivalence | `p_conflict < conflict` | `p_conflict >= conflict` |
    /// |---|---|---|
    /// | `p_match >= match` | same | neither: the reader contradicts itself |
    /// | `low < p_match < match` | neither: not clear enough | different |
    /// | `p_match <= low` | different | different |
    ///
    /// With a probability that is not a number: neither.
    pub fn new(
        outputs: &Outputs,
        relation: Relation,
        calibration: &Calibrations,
        thresholds: &Thresholds,
    ) -> Judgement {
        let (p_match, threshold) = match relation {
            Relation::Support => (calibration.support.probability(outputs.support), thresholds.support),
            Relation::Equivalence => (calibration.equivalence.probability(outputs.equivalence), thresholds.equivalence),
        };
        let p_conflict = calibration.conflict.probability(outputs.conflict);
        let (matches, conflicts) = (p_match >= threshold, p_conflict >= thresholds.conflict);
        let finding = match relation {
            _ if p_match.is_nan() || p_conflict.is_nan() => Finding::Neither,
            Relation::Support if matches && !conflicts => Finding::Supports,
            Relation::Support if conflicts && !matches => Finding::Contradicts,
            Relation::Equivalence if matches && !conflicts => Finding::Same,
            Relation::Equivalence if !matches && (conflicts || p_match <= thresholds.low) => Finding::Different,
            Relation::Support | Relation::Equivalence => Finding::Neither,
        };
        let kind = outputs.likeliest_kind().filter(|_| !matches!(finding, Finding::Supports | Finding::Same));
        Judgement { finding, p_match, p_conflict, kind: kind.map(|(kind, _)| kind), answer: None }
    }
}

/// How much there is of a query that passages are searched for. Keywords are judged only where somebody brought the two texts
/// (`vetted verify`, a cache): "enable 2FA" and "disable 2FA" are different, though a search for either says nothing.
pub(crate) fn extent_of_question(query: &str, is_cut: bool) -> QueryExtent {
    match () {
        () if count_words(query) < FEWEST_WORDS => QueryExtent::Keywords,
        () if is_cut => QueryExtent::Beginning,
        () => QueryExtent::Whole,
    }
}

/// What stands between blanks is a word; where a script has none between its words, those that Unicode tells.
fn count_words(text: &str) -> usize {
    let unbroken = |c| matches!(c, '\u{e00}'..='\u{eff}' | '\u{3041}'..='\u{30ff}' | '\u{3400}'..='\u{9fff}');
    text.split_whitespace().map(|word| if word.contains(unbroken) { word.unicode_words().count() } else { 1 }).sum()
}

/// Why no candidate for a query is verified at all, where that is so.
pub fn unanswerable(extent: QueryExtent) -> Option<Unverified> {
    unread_of_query(extent).filter(|why| matches!(why, Unverified::QueryTooShort | Unverified::NotEnglish))
}

/// What of a query was not read.
pub(crate) fn unread_of_query(extent: QueryExtent) -> Option<Unverified> {
    match extent {
        QueryExtent::Whole => None,
        QueryExtent::Beginning => Some(Unverified::QueryTooLong),
        QueryExtent::Keywords => Some(Unverified::QueryTooShort),
        QueryExtent::Foreign => Some(Unverified::NotEnglish),
    }
}

/// What was not read of a query and a candidate of so many windows. Two long texts say the same only as a whole.
pub(crate) fn unread(extent: QueryExtent, relation: Relation, windows: usize) -> Option<Unverified> {
    let of_candidate = (relation == Relation::Equivalence && windows > 1).then_some(Unverified::CandidateTooLong);
    unread_of_query(extent).or(of_candidate)
}

/// The verdict. Support of a passage must be surer than that of a text that somebody brought, for a search reads many
/// sentences, each of which may look like support by mistake; [`is_sure`] says whether it is. On what was read in part, nothing
/// is accepted, but what contradicts the part contradicts the whole; keywords contradict nothing, and what is not understood is
/// nothing.
pub(crate) fn conclude(
    assessment: Assessment,
    unread: Option<Unverified>,
    rules: Rules,
    is_sure: bool,
) -> Verification {
    match (assessment.judgement.finding, unread) {
        (_, Some(why @ (Unverified::QueryTooShort | Unverified::NotEnglish))) => {
            Verification::Unverified(why, Some(assessment))
        }
        (Finding::Contradicts | Finding::Different, _) => Verification::Reject(assessment),
        (_, Some(why)) => Verification::Unverified(why, Some(assessment)),
        (Finding::Supports, None) if rules == Rules::Passage && !is_sure => Verification::Abstain(assessment),
        (Finding::Supports | Finding::Same, None) => Verification::Accept(assessment),
        (Finding::Neither, None) => Verification::Abstain(assessment),
    }
}

/// What a token has done for a judgement: made for the match where there is one, for the conflict where that decides, against
/// the match where there is clearly none; where nothing is clear, anything.
pub(crate) fn weighing(judgement: &Judgement, thresholds: &Thresholds) -> Weighing {
    let Judgement { finding, p_match, p_conflict, .. } = *judgement;
    let (logit, change) = match finding {
        Finding::Supports | Finding::Same => (Logit::Match, Change::Loss),
        Finding::Contradicts => (Logit::Conflict, Change::Loss),
        Finding::Different if p_conflict >= thresholds.conflict => (Logit::Conflict, Change::Loss),
        Finding::Different => (Logit::Match, Change::Gain),
        Finding::Neither if p_match <= thresholds.low && !p_conflict.is_nan() => (Logit::Match, Change::Gain),
        Finding::Neither => (Logit::Match, Change::Any),
    };
    Weighing { logit, change }
}

impl Rules {
    /// So many windows of a candidate are read: those that have most of the query; of a cross-encoder, which cannot tell
    /// before reading, the first.
    pub(crate) fn most_read(self) -> usize {
        match self {
            Rules::Pair => 8,
            Rules::Passage => 4,
        }
    }
}

impl Policy {
    /// Whether a candidate with this verdict is left out.
    pub fn leaves_out(self, verdict: Option<Verdict>) -> bool {
        self == Policy::Filter && verdict == Some(Verdict::Reject)
    }
}

impl Finding {
    /// Its name, as in JSON.
    pub fn name(self) -> &'static str {
        match self {
            Finding::Supports => "supports",
            Finding::Contradicts => "contradicts",
            Finding::Neither => "neither",
            Finding::Same => "same",
            Finding::Different => "different",
        }
    }
}

impl Answer {
    /// Its name, as in JSON.
    pub fn name(self) -> &'static str {
        match self {
            Answer::Yes => "yes",
            Answer::No => "no",
        }
    }
}

impl Verdict {
    /// Its name, as in JSON.
    pub fn name(self) -> &'static str {
        match self {
            Verdict::Accept => "accept",
            Verdict::Reject => "reject",
            Verdict::Abstain => "abstain",
            Verdict::Unverified => "unverified",
        }
    }
}

impl Unverified {
    /// Its name, as in JSON.
    pub fn name(&self) -> &'static str {
        match self {
            Unverified::BeyondDepth => "beyond-depth",
            Unverified::BudgetSpent => "budget-spent",
            Unverified::QueryTooLong => "query-too-long",
            Unverified::QueryTooShort => "query-too-short",
            Unverified::QueryWithoutText => "query-without-text",
            Unverified::CandidateTooLong => "candidate-too-long",
            Unverified::NoText => "no-text",
            Unverified::NotEnglish => "not-english",
            Unverified::UnknownCharacters => "unknown-characters",
            Unverified::Failed(_) => "failed",
        }
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.pad(self.name())
    }
}

impl fmt::Display for Verdict {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.pad(self.name())
    }
}

impl fmt::Display for Unverified {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Unverified::BeyondDepth => "it stands deeper than what was to be verified",
            Unverified::BudgetSpent => "the time for verifying was spent",
            Unverified::QueryTooLong => "the query is longer than the verifier reads",
            Unverified::QueryTooShort => "the query is a word or two and states nothing",
            Unverified::QueryWithoutText => "the query has no text, only a vector",
            Unverified::CandidateTooLong => "it is longer than the verifier reads at once",
            Unverified::NoText => "it has no text",
            Unverified::NotEnglish => "it is not English, and the verifier reads nothing else",
            Unverified::UnknownCharacters => "it has characters that the verifier does not know",
            Unverified::Failed(error) => return error.fmt(formatter),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn outputs(p_match: f32, p_conflict: f32) -> Outputs {
        let logit = |p: f32| (p / (1.0 - p)).ln();
        let mut kinds = [f32::NEG_INFINITY; Kind::COUNT];
        kinds[Kind::Role as usize] = 2.0;
        kinds[Kind::Date as usize] = 1.0;
        Outputs { support: logit(p_match), equivalence: logit(p_match), conflict: logit(p_conflict), kinds }
    }

    fn judge(p_match: f32, p_conflict: f32, relation: Relation) -> Judgement {
        Judgement::new(&outputs(p_match, p_conflict), relation, &Calibrations::default(), &Thresholds::default())
    }

    fn assessment(judgement: Judgement) -> Assessment {
        let outputs = outputs(0.5, 0.5);
        Assessment {
            judgement,
            outputs,
            support_of_all: 0.0,
            coverage: 1.0,
            window: 0..1,
            vouched: None,
            differs_in: None,
        }
    }

    #[test]
    fn the_rule_for_two_texts_is_the_table() {
        use Finding::{Contradicts, Different, Neither, Same, Supports};
        for (p_match, p_conflict, support, equivalence) in [
            (0.9, 0.1, Supports, Same),
            (0.9, 0.9, Neither, Neither),
            (0.4, 0.1, Neither, Neither),
            (0.4, 0.9, Contradicts, Different),
            (0.1, 0.1, Neither, Different),
            (0.1, 0.9, Contradicts, Different),
            (f32::NAN, 0.1, Neither, Neither),
            (0.1, f32::NAN, Neither, Neither),
        ] {
            for (relation, finding) in [(Relation::Support, support), (Relation::Equivalence, equivalence)] {
                let judgement = judge(p_match, p_conflict, relation);
                assert_eq!(judgement.finding, finding, "match {p_match}, conflict {p_conflict}");
                let differs = !matches!(finding, Supports | Same);
                assert_eq!(judgement.kind, differs.then_some(Kind::Role));
            }
        }
    }

    #[test]
    fn nothing_is_accepted_on_text_that_was_not_read_and_keywords_contradict_nothing() {
        use QueryExtent::{Beginning, Foreign, Keywords, Whole};
        use Relation::{Equivalence, Support};
        use Verdict::{Abstain, Accept, Reject, Unverified};
        for (extent, relation, windows, [of_match, of_none, of_conflict]) in [
            (Whole, Support, 1, [Accept, Abstain, Reject]),
            (Whole, Support, 9, [Accept, Abstain, Reject]),
            (Whole, Equivalence, 1, [Accept, Abstain, Reject]),
            (Whole, Equivalence, 2, [Unverified, Unverified, Reject]),
            (Beginning, Support, 1, [Unverified, Unverified, Reject]),
            (Beginning, Equivalence, 1, [Unverified, Unverified, Reject]),
            (Keywords, Support, 1, [Unverified, Unverified, Unverified]),
            (Foreign, Support, 1, [Unverified, Unverified, Unverified]),
            (Foreign, Equivalence, 1, [Unverified, Unverified, Unverified]),
        ] {
            for ((p_match, p_conflict), verdict) in
                [(0.95, 0.1), (0.4, 0.1), (0.1, 0.9)].into_iter().zip([of_match, of_none, of_conflict])
            {
                let read = assessment(judge(p_match, p_conflict, relation));
                let unread = unread(extent, relation, windows);
                let concluded = conclude(read, unread, Rules::Pair, false);
                assert_eq!(concluded.verdict(), verdict, "{extent:?} {relation:?} {windows} {p_match}");
            }
        }
    }

    #[test]
    fn words_are_counted_in_scripts_without_blanks_too() {
        for (query, words) in
            [("M4 bolt", 2), ("wi-fi password", 2), ("who bit him", 3), ("\u{72d7}\u{54ac}\u{4e86}\u{4eba}", 4)]
        {
            assert_eq!(count_words(query), words, "{query}");
        }
    }

    #[test]
    fn support_of_a_passage_must_be_surer_than_that_of_a_text() {
        for (is_sure, pair, passage) in
            [(false, Verdict::Accept, Verdict::Abstain), (true, Verdict::Accept, Verdict::Accept)]
        {
            let verdict =
                |rules| conclude(assessment(judge(0.8, 0.1, Relation::Support)), None, rules, is_sure).verdict();
            assert_eq!((verdict(Rules::Pair), verdict(Rules::Passage)), (pair, passage));
        }
    }

    #[test]
    fn only_a_filter_leaves_out_and_only_what_is_rejected() {
        for verdict in
            [None, Some(Verdict::Accept), Some(Verdict::Reject), Some(Verdict::Abstain), Some(Verdict::Unverified)]
        {
            assert_eq!(Policy::Filter.leaves_out(verdict), verdict == Some(Verdict::Reject));
            assert!(!Policy::Flag.leaves_out(verdict));
        }
    }

    #[test]
    fn what_a_token_weighs_is_the_change_of_what_decided() {
        for (p_match, p_conflict, relation, logit, change) in [
            (0.9, 0.1, Relation::Support, Logit::Match, Change::Loss),
            (0.1, 0.9, Relation::Support, Logit::Conflict, Change::Loss),
            (0.1, 0.1, Relation::Support, Logit::Match, Change::Gain),
            (0.4, 0.1, Relation::Support, Logit::Match, Change::Any),
            (0.1, f32::NAN, Relation::Support, Logit::Match, Change::Any),
            (0.9, 0.9, Relation::Equivalence, Logit::Match, Change::Any),
            (0.1, 0.1, Relation::Equivalence, Logit::Match, Change::Gain),
            (0.4, 0.9, Relation::Equivalence, Logit::Conflict, Change::Loss),
        ] {
            let weighing = weighing(&judge(p_match, p_conflict, relation), &Thresholds::default());
            assert_eq!(weighing, Weighing { logit, change }, "{p_match} {p_conflict} {relation:?}");
        }
    }
}
