//! Long candidates: the verdicts on their windows, combined.

use crate::{Judgement, Thresholds, Verdict};

/// One window of a candidate that is too long to be read at once.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Window {
    /// How much of the query it covers, in [-1, 1]: [`ViewScorer::coverage`](crate::ViewScorer::coverage).
    pub coverage: f32,
    /// What the verifier says about it.
    pub judgement: Judgement,
}

/// The verdict on a candidate by its windows, and which window decided it; none for no windows.
///
/// *Accept* if a window is accepted: the likeliest match. *Reject* if the window that best covers the query conflicts with
/// it, or if every window is rejected. *Abstain* otherwise. The first of equals decides. Of one window, the verdict is its
/// own.
pub fn combine(windows: &[Window]) -> Option<(usize, Judgement)> {
    let best = |of: fn(&Window) -> f32, among: fn(&Window) -> bool| {
        let candidates = windows.iter().enumerate().filter(|(_, window)| among(window));
        candidates.reduce(|best, next| if of(next.1) > of(best.1) { next } else { best })
    };
    if let Some((index, window)) = best(|w| w.judgement.p_match, |w| w.judgement.verdict == Verdict::Accept) {
        return Some((index, window.judgement));
    }
    let (index, window) = best(|w| w.coverage, |_| true)?;
    let conflicts = window.judgement.verdict == Verdict::Reject && window.judgement.conflicts;
    let all = windows.iter().all(|w| w.judgement.verdict == Verdict::Reject);
    let verdict = if conflicts || all { Verdict::Reject } else { Verdict::Abstain };
    Some((index, Judgement { verdict, ..window.judgement }))
}

/// The verdict on a passage that recall found, and which window decided it; none for no windows.
///
/// Recall finds what is *about* a query, and most of it neither supports the query nor conflicts with it. So a window is
/// accepted as in [`combine`], but without one the passage is rejected only if the window that best covers the query covers
/// at least [`Thresholds::passage_coverage`] of it and conflicts with it by [`Thresholds::passage_conflict`]; else *abstain*.
pub fn combine_passage(windows: &[Window], thresholds: &Thresholds) -> Option<(usize, Judgement)> {
    let (index, judgement) = combine(windows)?;
    if judgement.verdict == Verdict::Accept {
        return Some((index, judgement));
    }
    let covers = windows[index].coverage >= thresholds.passage_coverage;
    let matches = judgement.p_match >= thresholds.support;
    let conflicts = covers && !matches && judgement.p_conflict >= thresholds.passage_conflict;
    let verdict = if conflicts { Verdict::Reject } else { Verdict::Abstain };
    Some((index, Judgement { verdict, conflicts, ..judgement }))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn window(coverage: f32, verdict: Verdict, conflicts: bool) -> Window {
        Window { coverage, judgement: Judgement { verdict, p_match: coverage, p_conflict: 0.0, kind: None, conflicts } }
    }

    #[test]
    fn a_passage_is_rejected_for_a_conflict_of_what_covers_the_query_and_for_nothing_else() {
        use Verdict::{Abstain, Accept, Reject};
        let thresholds = Thresholds { passage_conflict: 0.8, passage_coverage: 0.6, ..Thresholds::default() };
        let read = |coverage, p_match, p_conflict, verdict| Window {
            coverage,
            judgement: Judgement { verdict, p_match, p_conflict, kind: None, conflicts: p_conflict >= 0.5 },
        };
        let unrelated = read(0.2, 0.01, 0.01, Reject);
        for (windows, expected) in [
            (vec![unrelated], (0, Abstain)),
            (vec![unrelated, unrelated], (0, Abstain)),
            (vec![unrelated, read(0.9, 0.1, 0.9, Reject)], (1, Reject)),
            (vec![read(0.9, 0.1, 0.7, Reject)], (0, Abstain)),
            (vec![read(0.5, 0.1, 0.9, Reject)], (0, Abstain)),
            (vec![read(0.9, 0.6, 0.9, Abstain)], (0, Abstain)),
            (vec![read(0.9, 0.1, f32::NAN, Abstain)], (0, Abstain)),
            (vec![read(f32::NAN, 0.1, 0.9, Reject)], (0, Abstain)),
            (vec![read(0.7, 0.9, 0.1, Accept), read(0.9, 0.1, 0.9, Reject)], (0, Accept)),
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
        let cases: [Case; 8] = [
            (&[], None),
            (&[(0.3, Reject, false)], Some((0, Reject))),
            (&[(0.9, Reject, true), (0.5, Accept, false)], Some((1, Accept))),
            (&[(0.6, Accept, false), (0.7, Accept, false), (0.7, Accept, false)], Some((1, Accept))),
            (&[(0.4, Abstain, false), (0.9, Reject, true)], Some((1, Reject))),
            (&[(0.4, Reject, true), (0.9, Abstain, false)], Some((1, Abstain))),
            (&[(0.4, Abstain, false), (0.9, Reject, false)], Some((1, Abstain))),
            (&[(0.4, Reject, false), (0.9, Reject, false)], Some((1, Reject))),
        ];
        for (windows, expected) in cases {
            let windows: Vec<_> = windows.iter().map(|(c, v, conflicts)| window(*c, *v, *conflicts)).collect();
            assert_eq!(combine(&windows).map(|(index, judgement)| (index, judgement.verdict)), expected);
        }
    }
}
