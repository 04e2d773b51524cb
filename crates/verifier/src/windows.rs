//! Long candidates: the verdicts on their windows, combined.

use crate::{Judgement, Verdict};

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

#[cfg(test)]
mod tests {
    use super::*;

    fn window(coverage: f32, verdict: Verdict, conflicts: bool) -> Window {
        Window { coverage, judgement: Judgement { verdict, p_match: coverage, p_conflict: 0.0, kind: None, conflicts } }
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
