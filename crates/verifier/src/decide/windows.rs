//! Long candidates: what is found in their windows, combined.

use vetted_reader::Thresholds;

use super::{CERTAINTY_BESIDE_WORDS, CERTAINTY_IN_CHOICE, Finding, Judgement};

/// One window of a candidate that is too long to be read at once.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Window {
    /// How much of the query it covers, in [-1, 1]: [`ViewScorer::coverage`](vetted_reader::ViewScorer::coverage).
    pub coverage: f32,
    /// The part of the query's words that it has, in [0, 1]; 1 where that is not known.
    pub overlap: f32,
    /// What the verifier says about it.
    pub judgement: Judgement,
}

/// What is found about a text by its windows, and which window decided it; none for no windows.
///
/// The window that has most of the query decides: in its words, in what they mean, and by how sure the verifier is of it;
/// whatever stands beside it that looks like support. It *differs* only if it conflicts with the other text, or if every window
/// differs: a part of a text that says the same need not say all of it. The first of equals decides. Of one window, the finding
/// is its own.
pub(crate) fn combine(windows: &[Window], thresholds: &Thresholds) -> Option<(usize, Judgement)> {
    let has = |Window { coverage, overlap, judgement }: &Window| {
        coverage + overlap + CERTAINTY_BESIDE_WORDS * judgement.p_match.max(judgement.p_conflict)
    };
    let deciding = windows.iter().enumerate().reduce(|best, next| if has(next.1) > has(best.1) { next } else { best });
    let (index, Window { judgement, .. }) = deciding?;
    let all_differ = || windows.iter().all(|window| window.judgement.finding == Finding::Different);
    let finding = match judgement.finding {
        Finding::Different if judgement.p_conflict < thresholds.conflict && !all_differ() => Finding::Neither,
        own => own,
    };
    Some((index, Judgement { finding, ..*judgement }))
}

/// What is found about a passage that a retriever found, and which window decided it; none for no windows.
///
/// Retrieval finds what is *about* a query, and most of it neither supports the query nor contradicts it, so a window says
/// something only if it supports the query, or if it conflicts: the more of the query it has, the less likely a conflict will
/// do ([`Thresholds::passage_conflict`]). Of the windows that say something, the one that covers the query best decides, a window
/// that is sure of itself before one that is not: next to the sentence that contradicts a claim there are often others about
/// the same thing that look like support. If no window says anything: *neither*.
pub fn combine_passage(windows: &[Window], thresholds: &Thresholds) -> Option<(usize, Judgement)> {
    let says = |window: &Window| {
        let Judgement { finding, p_match, p_conflict, .. } = window.judgement;
        // A near-miss has the query's words, whatever its views make of them; another wording has what they mean.
        let evidence = p_conflict + window.coverage.max(window.overlap);
        match finding {
            Finding::Supports => Some((Finding::Supports, p_match)),
            _ if p_match < thresholds.support && evidence >= thresholds.passage_conflict => {
                Some((Finding::Contradicts, p_conflict))
            }
            _ => None,
        }
    };
    let deciding = windows.iter().enumerate().filter_map(|(index, window)| {
        let (finding, probability) = says(window)?;
        Some((window.coverage + CERTAINTY_IN_CHOICE * probability, index, finding))
    });
    let (index, finding) = match deciding.reduce(|best, next| if next.0 > best.0 { next } else { best }) {
        Some((_, index, finding)) => (index, finding),
        None => {
            let best = windows.iter().enumerate().reduce(|a, b| if b.1.coverage > a.1.coverage { b } else { a })?;
            (best.0, Finding::Neither)
        }
    };
    Some((index, Judgement { finding, ..windows[index].judgement }))
}

#[cfg(test)]
mod tests {
    use Finding::{Contradicts, Different, Neither, Same, Supports};

    use super::*;

    fn read(coverage: f32, p_match: f32, p_conflict: f32, finding: Finding) -> Window {
        Window {
            coverage,
            overlap: 0.0,
            judgement: Judgement { finding, p_match, p_conflict, kind: None, answer: None },
        }
    }

    #[test]
    fn a_passage_contradicts_by_a_conflict_of_what_covers_the_query_and_by_nothing_else() {
        let thresholds = Thresholds { passage_support: 0.65, passage_conflict: 1.7, ..Thresholds::default() };
        let unrelated = read(0.2, 0.01, 0.01, Neither);
        let near_miss = Window { overlap: 1.0, ..read(0.3, 0.1, 0.8, Contradicts) };
        for (windows, expected) in [
            (vec![unrelated], (0, Neither)),
            (vec![unrelated, unrelated], (0, Neither)),
            (vec![unrelated, read(0.9, 0.1, 0.9, Contradicts)], (1, Contradicts)),
            (vec![unrelated, near_miss], (1, Contradicts)),
            (vec![read(0.9, 0.1, 0.7, Contradicts)], (0, Neither)),
            (vec![read(0.5, 0.1, 0.9, Contradicts)], (0, Neither)),
            (vec![read(0.75, 0.1, 0.96, Contradicts)], (0, Contradicts)),
            (vec![read(0.9, 0.6, 0.9, Neither)], (0, Neither)),
            (vec![read(0.9, 0.1, f32::NAN, Neither)], (0, Neither)),
            (vec![read(f32::NAN, 0.1, 0.9, Contradicts)], (0, Neither)),
            // The sentence that contradicts decides, not one beside it that looks like support.
            (vec![read(0.7, 0.7, 0.1, Supports), read(0.9, 0.1, 0.9, Contradicts)], (1, Contradicts)),
            (vec![read(0.9, 0.7, 0.1, Supports), read(0.8, 0.1, 0.9, Contradicts)], (0, Supports)),
            (vec![read(0.80, 0.6, 0.1, Supports), read(0.79, 0.0, 1.0, Contradicts)], (1, Contradicts)),
            // Support that is not sure enough to vouch for a passage decides all the same.
            (vec![read(0.9, 0.6, 0.1, Supports)], (0, Supports)),
            (vec![read(0.9, 0.6, 0.1, Supports), read(0.7, 0.1, 0.95, Contradicts)], (0, Supports)),
        ] {
            let (index, judgement) = combine_passage(&windows, &thresholds).unwrap();
            assert_eq!((index, judgement.finding), expected, "{windows:?}");
        }
        assert_eq!(combine_passage(&[], &thresholds), None);
    }

    #[test]
    fn windows_combine_by_the_rule() {
        type Case<'a> = (&'a [(f32, Finding, bool)], Option<(usize, Finding)>);
        let cases: [Case; 10] = [
            (&[], None),
            (&[(0.3, Neither, false)], Some((0, Neither))),
            // What looks like support beside the sentence that contradicts decides nothing; nor does a conflict beside support.
            (&[(0.9, Contradicts, true), (0.5, Supports, false)], Some((0, Contradicts))),
            (&[(0.5, Contradicts, true), (0.9, Supports, false)], Some((1, Supports))),
            (&[(0.6, Supports, false), (0.7, Supports, false), (0.7, Supports, false)], Some((1, Supports))),
            (&[(f32::NAN, Contradicts, true), (0.9, Supports, false)], Some((0, Contradicts))),
            (&[(0.4, Different, true), (0.9, Same, false)], Some((1, Same))),
            (&[(0.4, Same, false), (0.9, Different, false)], Some((1, Neither))),
            (&[(0.4, Same, false), (0.9, Different, true)], Some((1, Different))),
            (&[(0.4, Different, false), (0.9, Different, false)], Some((1, Different))),
        ];
        for (windows, expected) in cases {
            let window = |&(coverage, finding, conflicts): &(f32, Finding, bool)| {
                read(coverage, coverage, if conflicts { 0.5 } else { 0.0 }, finding)
            };
            let windows: Vec<_> = windows.iter().map(window).collect();
            let combined = combine(&windows, &Thresholds::default());
            assert_eq!(combined.map(|(index, judgement)| (index, judgement.finding)), expected);
        }
    }
}
