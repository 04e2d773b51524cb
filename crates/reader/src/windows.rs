//! Long candidates: the verdicts on their windows, combined.

use crate::{Judgement, Thresholds, Verdict};

/// One window of a candidate that is too long to be read at once.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Window {
    /// How much of the query it covers, in [-1, 1]: [`ViewScorer::coverage`](crate::ViewScorer::coverage).
    pub coverage: f32,
    /// The part of the query's words that it has, in [0, 1]; 1 where that is not known.
    pub overlap: f32,
    /// What the verifier says about it.
    pub judgement: Judgement,
}

/// The verdict on a candidate by its windows, and which window decided it; none for no windows.
///
/// The window that has most of the query decides: in its words, in what they mean, and by how sure the verifier is of it.
/// *Accept* if it is accepted, whatever stands beside it that looks like support; *reject* if it conflicts with the query, or if
/// every window is rejected; *abstain* otherwise. The first of equals decides. Of one window, the verdict is its own.
pub fn combine(windows: &[Window]) -> Option<(usize, Judgement)> {
    let has = |Window { coverage, overlap, judgement }: &Window| {
        coverage + overlap + CERTAINTY_BESIDE_WORDS * judgement.p_match.max(judgement.p_conflict)
    };
    let deciding = windows.iter().enumerate().reduce(|best, next| if has(next.1) > has(best.1) { next } else { best });
    let (index, Window { judgement, .. }) = deciding?;
    let all_rejected = || windows.iter().all(|window| window.judgement.verdict == Verdict::Reject);
    let verdict = match judgement.verdict {
        Verdict::Reject if !judgement.conflicts && !all_rejected() => Verdict::Abstain,
        own => own,
    };
    Some((index, Judgement { verdict, ..*judgement }))
}

/// How much the larger of the probabilities of match and conflict counts beside the query's words and what they mean, where a
/// candidate's windows differ (docs/decisions/6).
const CERTAINTY_BESIDE_WORDS: f32 = 0.5;

/// The verdict on a passage that recall found, and which window decided it; none for no windows.
///
/// Recall finds what is *about* a query, and most of it neither supports the query nor conflicts with it, so a window says
/// something only if it is accepted, or if it conflicts: the more of the query it has, the less likely a conflict will do
/// ([`Thresholds::passage_conflict`]). Of the windows that say something, the one that covers the query best decides, a window
/// that is sure of itself before one that is not: next to the sentence that contradicts a claim there are often others about
/// the same thing that look like support. *Accept* takes more than that of two texts ([`Thresholds::passage_support`]), for a
/// search reads many; less than that keeps a passage, as *abstain*. If no window says anything: *abstain*.
pub fn combine_passage(windows: &[Window], thresholds: &Thresholds) -> Option<(usize, Judgement)> {
    let says = |window: &Window| {
        let Judgement { verdict, p_match, p_conflict, .. } = window.judgement;
        // A near-miss has the query's words, whatever its views make of them; another wording has what they mean.
        let evidence = p_conflict + window.coverage.max(window.overlap);
        match verdict {
            Verdict::Accept if p_match >= thresholds.passage_support => Some((Verdict::Accept, p_match)),
            Verdict::Accept => Some((Verdict::Abstain, p_match)),
            _ if p_match < thresholds.support && evidence >= thresholds.passage_conflict => {
                Some((Verdict::Reject, p_conflict))
            }
            _ => None,
        }
    };
    let deciding = windows.iter().enumerate().filter_map(|(index, window)| {
        let (verdict, probability) = says(window)?;
        Some((window.coverage + CERTAINTY_IN_CHOICE * probability, index, verdict))
    });
    let (index, verdict) = match deciding.reduce(|best, next| if next.0 > best.0 { next } else { best }) {
        Some((_, index, verdict)) => (index, verdict),
        None => {
            let best = windows.iter().enumerate().reduce(|a, b| if b.1.coverage > a.1.coverage { b } else { a })?;
            (best.0, Verdict::Abstain)
        }
    };
    Some((index, Judgement { verdict, conflicts: verdict == Verdict::Reject, ..windows[index].judgement }))
}

/// How much probability counts beside coverage when windows differ; fitted with [`Thresholds::passage_conflict`]
/// (docs/decisions/6).
const CERTAINTY_IN_CHOICE: f32 = 0.2;

#[cfg(test)]
mod tests {
    use super::*;

    fn window(coverage: f32, verdict: Verdict, conflicts: bool) -> Window {
        Window {
            coverage,
            overlap: 1.0,
            judgement: Judgement { verdict, p_match: coverage, p_conflict: 0.0, kind: None, conflicts },
        }
    }

    #[test]
    fn a_passage_is_rejected_for_a_conflict_of_what_covers_the_query_and_for_nothing_else() {
        use Verdict::{Abstain, Accept, Reject};
        let thresholds = Thresholds { passage_support: 0.65, passage_conflict: 1.7, ..Thresholds::default() };
        let read = |coverage, p_match, p_conflict, verdict| Window {
            coverage,
            overlap: 0.0,
            judgement: Judgement { verdict, p_match, p_conflict, kind: None, conflicts: p_conflict >= 0.5 },
        };
        let unrelated = read(0.2, 0.01, 0.01, Reject);
        let near_miss = Window { overlap: 1.0, ..read(0.3, 0.1, 0.8, Reject) };
        for (windows, expected) in [
            (vec![unrelated], (0, Abstain)),
            (vec![unrelated, unrelated], (0, Abstain)),
            (vec![unrelated, read(0.9, 0.1, 0.9, Reject)], (1, Reject)),
            (vec![unrelated, near_miss], (1, Reject)),
            (vec![read(0.9, 0.1, 0.7, Reject)], (0, Abstain)),
            (vec![read(0.5, 0.1, 0.9, Reject)], (0, Abstain)),
            (vec![read(0.75, 0.1, 0.96, Reject)], (0, Reject)),
            (vec![read(0.9, 0.6, 0.9, Abstain)], (0, Abstain)),
            (vec![read(0.9, 0.1, f32::NAN, Abstain)], (0, Abstain)),
            (vec![read(f32::NAN, 0.1, 0.9, Reject)], (0, Abstain)),
            // The sentence that contradicts decides, not one beside it that looks like support.
            (vec![read(0.7, 0.7, 0.1, Accept), read(0.9, 0.1, 0.9, Reject)], (1, Reject)),
            (vec![read(0.9, 0.7, 0.1, Accept), read(0.8, 0.1, 0.9, Reject)], (0, Accept)),
            (vec![read(0.80, 0.6, 0.1, Accept), read(0.79, 0.0, 1.0, Reject)], (1, Reject)),
            // Support that is not sure enough keeps a passage, and does not vouch for it.
            (vec![read(0.9, 0.6, 0.1, Accept)], (0, Abstain)),
            (vec![read(0.9, 0.6, 0.1, Accept), read(0.7, 0.1, 0.95, Reject)], (0, Abstain)),
        ] {
            let (index, judgement) = combine_passage(&windows, &thresholds).unwrap();
            assert_eq!((index, judgement.verdict), expected, "{windows:?}");
            assert_eq!(judgement.conflicts, judgement.verdict == Reject);
        }
        assert_eq!(combine_passage(&[], &thresholds), None);
    }

    #[test]
    fn windows_combine_by_the_rule() {
        use Verdict::{Abstain, Accept, Reject};
        type Case<'a> = (&'a [(f32, Verdict, bool)], Option<(usize, Verdict)>);
        let cases: [Case; 9] = [
            (&[], None),
            (&[(0.3, Reject, false)], Some((0, Reject))),
            // What looks like support beside the sentence that contradicts decides nothing; nor does a conflict beside support.
            (&[(0.9, Reject, true), (0.5, Accept, false)], Some((0, Reject))),
            (&[(0.5, Reject, true), (0.9, Accept, false)], Some((1, Accept))),
            (&[(0.6, Accept, false), (0.7, Accept, false), (0.7, Accept, false)], Some((1, Accept))),
            (&[(0.4, Reject, true), (0.9, Abstain, false)], Some((1, Abstain))),
            (&[(0.4, Accept, false), (0.9, Reject, false)], Some((1, Abstain))),
            (&[(0.4, Reject, false), (0.9, Reject, false)], Some((1, Reject))),
            (&[(f32::NAN, Reject, true), (0.9, Accept, false)], Some((0, Reject))),
        ];
        for (windows, expected) in cases {
            let windows: Vec<_> = windows.iter().map(|(c, v, conflicts)| window(*c, *v, *conflicts)).collect();
            assert_eq!(combine(&windows).map(|(index, judgement)| (index, judgement.verdict)), expected);
        }
    }
}
