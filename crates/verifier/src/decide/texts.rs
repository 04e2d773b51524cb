//! What becomes of a verdict when the texts themselves are looked at.

use vetted_encoder::Unseen;
use vetted_reader::{Kind, Relation, Thresholds};

use super::literals::{self, Agreement};
use super::{Answer, Finding, Judgement, Unverified, characters};
use crate::verification::{Assessment, Verification};

/// A query, or the part of a candidate that decided.
#[derive(Clone, Copy)]
pub(crate) struct Looked<'a> {
    pub(crate) text: &'a str,
    /// What the tokenizer does not see of it.
    pub(crate) unseen: &'a Unseen,
}

/// The verdict when query and candidate have been looked at, and whether the candidate's part that decided `is_foreign`.
pub(crate) fn looked_at(
    verification: Verification,
    is_foreign: bool,
    (query, candidate): (Looked<'_>, Looked<'_>),
    relation: Relation,
) -> Verification {
    match verification {
        Verification::Accept(read) | Verification::Abstain(read) | Verification::Reject(read) if is_foreign => {
            Verification::Unverified(Unverified::NotEnglish, Some(read))
        }
        Verification::Accept(read) if !characters::agree(query.unseen, candidate.unseen, relation) => {
            Verification::Unverified(Unverified::UnknownCharacters, Some(read))
        }
        Verification::Accept(read) => {
            held_to_literals(read, (query.text, candidate.text), relation, Verification::Accept)
        }
        // Not sure enough by the shipped threshold, but perhaps by somebody's own.
        Verification::Abstain(read) if relation == Relation::Equivalence => {
            held_to_literals(read, (query.text, candidate.text), relation, Verification::Abstain)
        }
        other => other,
    }
}

/// What its meaning makes of a candidate, unless the two texts differ in what must be the same letter by letter.
fn held_to_literals(
    read: Assessment,
    (query, candidate): (&str, &str),
    relation: Relation,
    meant: fn(Assessment) -> Verification,
) -> Verification {
    let agreement = match relation {
        Relation::Equivalence => literals::agreement(query, candidate),
        Relation::Support => {
            literals::is_said_with_another_value(query, candidate).map_or(Agreement::Agree, Agreement::Doubtful)
        }
    };
    let found = |finding, kind| {
        let judgement = Judgement { finding, kind: Some(kind), ..read.judgement };
        Assessment { judgement, vouched: None, differs_in: Some(kind), ..read.clone() }
    };
    match agreement {
        Agreement::Agree => meant(read),
        Agreement::Doubtful(kind) => Verification::Abstain(found(Finding::Neither, kind)),
        Agreement::Differ(kind) => Verification::Reject(found(Finding::Different, kind)),
    }
}

/// Whether what is said about a candidate may be the answer no, to a question that asks for yes or no: a difference of polarity,
/// or one that may be that ("unsafe", "not all"), but not one of who does what, of when or of how much.
pub(crate) fn may_be_no(verification: &Verification, thresholds: &Thresholds) -> bool {
    let (Verification::Reject(read) | Verification::Abstain(read)) = verification else { return false };
    let Judgement { finding, p_conflict, kind, .. } = read.judgement;
    let differs =
        matches!(kind, None | Some(Kind::Negation | Kind::Antonym | Kind::Quantifier | Kind::Modality | Kind::Other));
    differs && finding != Finding::Supports && p_conflict >= thresholds.conflict
}

/// What becomes of a candidate that may answer no. A question asserts nothing, so it is not rejected. It is accepted if, without
/// what it denies, it supports what is asked: `affirmed` says so, by the rule for two texts, as surely as of a passage.
pub(crate) fn answered(
    verification: Verification,
    affirmed: Option<&Assessment>,
    thresholds: &Thresholds,
) -> Verification {
    let (Verification::Reject(read) | Verification::Abstain(read)) = verification else { return verification };
    let supports = |affirmed: &&Assessment| {
        affirmed.judgement.finding == Finding::Supports && affirmed.judgement.p_match >= thresholds.passage_support
    };
    match affirmed.filter(supports) {
        Some(affirmed) => {
            let judgement = Judgement { answer: Some(Answer::No), ..affirmed.judgement };
            let support_of_all = affirmed.outputs.support;
            Verification::Accept(Assessment { judgement, outputs: affirmed.outputs, support_of_all, ..read })
        }
        None => {
            let judgement = Judgement { finding: Finding::Neither, ..read.judgement };
            Verification::Abstain(Assessment { judgement, ..read })
        }
    }
}

#[cfg(test)]
mod tests {
    use vetted_reader::Outputs;

    use super::*;
    use crate::decide::Verdict;

    fn read(finding: Finding, p_match: f32, p_conflict: f32, kind: Option<Kind>) -> Assessment {
        let outputs = Outputs { support: 0.0, equivalence: 0.0, conflict: 0.0, kinds: [0.0; Kind::COUNT] };
        let judgement = Judgement { finding, p_match, p_conflict, kind, answer: None };
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
    fn nothing_is_said_of_another_language_and_nothing_accepted_on_unknown_characters() {
        let key = Unseen { unknown: vec!["\u{1f511}".into()], mistaken: Vec::new() };
        let lock = Unseen { unknown: vec!["\u{1f512}".into()], mistaken: Vec::new() };
        let accept = || Verification::Accept(read(Finding::Supports, 0.9, 0.0, None));
        let reject = || Verification::Reject(read(Finding::Contradicts, 0.0, 0.9, Some(Kind::Role)));
        let look = |it, is_foreign, other| {
            let texts = (Looked { text: "", unseen: &key }, Looked { text: "", unseen: other });
            looked_at(it, is_foreign, texts, Relation::Support).verdict()
        };
        assert_eq!(look(accept(), false, &key), Verdict::Accept);
        assert_eq!(look(accept(), false, &lock), Verdict::Unverified);
        assert_eq!(look(reject(), false, &lock), Verdict::Reject);
        assert_eq!(look(accept(), true, &key), Verdict::Unverified);
        assert_eq!(look(reject(), true, &key), Verdict::Unverified);
    }

    #[test]
    fn what_differs_letter_by_letter_is_not_accepted_however_sure_the_reader_is() {
        use Relation::{Equivalence, Support};
        let nothing = Unseen::default();
        let accept = |finding| Verification::Accept(read(finding, 0.99, 0.0, None));
        let abstain = || Verification::Abstain(read(Finding::Neither, 0.45, 0.0, Some(Kind::Entity)));
        let reject = || Verification::Reject(read(Finding::Different, 0.01, 0.0, Some(Kind::Role)));
        for (verification, relation, query, candidate, verdict, finding, kind) in [
            (
                accept(Finding::Same),
                Equivalence,
                "Wait 3 days",
                "Wait three days",
                Verdict::Accept,
                Finding::Same,
                None,
            ),
            (
                accept(Finding::Same),
                Equivalence,
                "Wait 3 days",
                "Wait 4 days",
                Verdict::Reject,
                Finding::Different,
                Some(Kind::Number),
            ),
            (
                accept(Finding::Same),
                Equivalence,
                "Wait 3 days in 4 towns",
                "Wait 4 days in 3 towns",
                Verdict::Abstain,
                Finding::Neither,
                Some(Kind::Number),
            ),
            (
                abstain(),
                Equivalence,
                "Wait 3 days",
                "Wait 4 days",
                Verdict::Reject,
                Finding::Different,
                Some(Kind::Number),
            ),
            (abstain(), Equivalence, "Wait 3 days", "Wait 3 days.", Verdict::Abstain, Finding::Neither, None),
            (reject(), Equivalence, "Wait 3 days", "Wait 4 days", Verdict::Reject, Finding::Different, None),
            (
                accept(Finding::Supports),
                Support,
                "Kim waited 3 days.",
                "Kim waited 4 days.",
                Verdict::Abstain,
                Finding::Neither,
                Some(Kind::Number),
            ),
            (
                accept(Finding::Supports),
                Support,
                "Kim waited.",
                "Kim waited 4 days.",
                Verdict::Accept,
                Finding::Supports,
                None,
            ),
        ] {
            let texts = (Looked { text: query, unseen: &nothing }, Looked { text: candidate, unseen: &nothing });
            let looked = looked_at(verification, false, texts, relation);
            let found = looked.judgement().map(|it| it.finding);
            assert_eq!((looked.verdict(), found, looked.differs_in()), (verdict, Some(finding), kind), "{candidate}");
        }
    }

    #[test]
    fn no_is_an_answer_if_nothing_but_polarity_differs() {
        let thresholds = Thresholds::default();
        let reject = |kind| Verification::Reject(read(Finding::Contradicts, 0.0, 0.9, Some(kind)));
        assert!(may_be_no(&reject(Kind::Negation), &thresholds) && may_be_no(&reject(Kind::Antonym), &thresholds));
        assert!(may_be_no(&reject(Kind::Other), &thresholds));
        assert!(!may_be_no(&reject(Kind::Role), &thresholds) && !may_be_no(&reject(Kind::Date), &thresholds));
        assert!(!may_be_no(&Verification::Accept(read(Finding::Supports, 0.9, 0.0, None)), &thresholds));

        let affirmed = |p_match| read(Finding::Supports, p_match, 0.0, None);
        for (affirmed, verdict, answer) in [
            (Some(affirmed(0.95)), Verdict::Accept, Some(Answer::No)),
            (Some(affirmed(0.7)), Verdict::Abstain, None),
            (Some(read(Finding::Neither, 0.2, 0.0, Some(Kind::Entity))), Verdict::Abstain, None),
            (None, Verdict::Abstain, None),
        ] {
            let answered = answered(reject(Kind::Negation), affirmed.as_ref(), &thresholds);
            assert_eq!((answered.verdict(), answered.judgement().and_then(|it| it.answer)), (verdict, answer));
        }
    }
}
