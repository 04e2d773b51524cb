//! Near-misses beside what they were made from.
//!
//! Whether a single sentence answers a query is sometimes a close call; which of two that differ in a word answers it better
//! hardly ever is. So of candidates that say nearly the same, one that supports the query clearly less than another is rejected,
//! whatever is thought of it alone. Near-misses differ in what the query says ([`near_misses`](super::near_misses)); what
//! differs in something else is about something else, and stays.

use std::ops::Range;

use super::{Finding, NEARLY_THE_SAME};
use crate::QueryExtent;
use crate::verification::{Assessment, Verification};

/// A candidate that was verified and not rejected.
pub struct Contender {
    /// The window that decided about it, if that supports the query; not necessarily surely enough to vouch for it.
    pub supported_by: Option<usize>,
    /// Its windows.
    pub windows: Vec<Wording>,
}

/// A window's tokens, and what is said about it where it was read.
#[derive(Clone, Debug)]
pub struct Wording {
    ids: Vec<u32>,
    sorted: Vec<u32>,
    read: Option<WordingRead>,
}

/// What is said about a window.
#[derive(Clone, Copy, Debug)]
pub struct WordingRead {
    /// The logit of support.
    pub support: f32,
    /// Whether it contradicts the query by the rule for two texts.
    pub contradicts: bool,
}

impl Wording {
    /// Of a window's tokens, and what is said about it where it was read.
    pub fn new(ids: Vec<u32>, read: Option<WordingRead>) -> Wording {
        let mut sorted = ids.clone();
        sorted.sort_unstable();
        Wording { ids, sorted, read }
    }

    /// Its tokens.
    pub(crate) fn ids(&self) -> &[u32] {
        &self.ids
    }

    /// Whether it was read, and contradicts the query.
    pub(crate) fn contradicts(&self) -> bool {
        self.read.is_some_and(|read| read.contradicts)
    }

    fn support(&self) -> Option<f32> {
        self.read.map(|read| read.support)
    }
}

/// The window that decided about a candidate, if it supports the whole query by the rule for two texts, and the candidate is
/// not rejected. `windows` are all of the candidate's, `found` tells what is found in one of those read.
pub(crate) fn supported_by(
    verification: &Verification,
    extent: QueryExtent,
    windows: &[Range<usize>],
    found: impl Fn(usize) -> Option<Finding>,
) -> Option<usize> {
    let (Verification::Accept(read) | Verification::Abstain(read)) = verification else { return None };
    let decided = windows.iter().position(|window| *window == read.window)?;
    (extent == QueryExtent::Whole && found(decided) == Some(Finding::Supports)).then_some(decided)
}

/// What is said about a candidate that a rival beats: as of every rejected one, the likeliest kind of difference, and that
/// nobody vouches for it.
pub fn beaten<Place>(mut read: Assessment<Place>) -> Assessment<Place> {
    read.judgement.kind = read.outputs.likeliest_kind().map(|(kind, _)| kind);
    read.vouched = None;
    read
}

/// For each contender, which other one says nearly the same and supports the query by `margin` logits more: of those that are not
/// beaten themselves the one that supports it most. `is_near_miss` tells of a window that supports the query and of one in nearly
/// the same words whether they differ in what the query says. Does not depend on the order of the contenders.
pub fn rivals(
    contenders: &[Option<Contender>],
    margin: f32,
    is_near_miss: impl Fn(&Wording, &Wording) -> bool,
) -> Vec<Option<usize>> {
    let beats = |own: &Option<Contender>| {
        let Some(own) = own else { return Vec::new() };
        let lead = |(at, other): (usize, &Option<Contender>)| Some((at, lead(own, other.as_ref()?, &is_near_miss)?));
        let mut better: Vec<_> =
            contenders.iter().enumerate().filter_map(lead).filter(|(_, lead)| *lead >= margin).collect();
        better.sort_by(|a, b| b.1.total_cmp(&a.1));
        better.into_iter().map(|(at, _)| at).collect()
    };
    let better: Vec<Vec<usize>> = contenders.iter().map(beats).collect();
    let mut fates = vec![Fate::Open; contenders.len()];
    (0..contenders.len()).for_each(|at| settle(at, &better, &mut fates));
    let beaten_by = |fate: &Fate| match fate {
        Fate::BeatenBy(rival) => Some(*rival),
        Fate::Open | Fate::Stays => None,
    };
    fates.iter().map(beaten_by).collect()
}

/// What becomes of a contender among the others.
#[derive(Clone, Copy, PartialEq)]
enum Fate {
    Open,
    Stays,
    BeatenBy(usize),
}

/// Finds out what becomes of the contender at this place; `better` are the ones that would beat each, the best first. What is
/// beaten itself beats nothing, so these come first.
fn settle(at: usize, better: &[Vec<usize>], fates: &mut [Fate]) {
    if fates[at] != Fate::Open {
        return;
    }
    // Until it is known. None comes back to itself, for each supports the query more than the one before.
    fates[at] = Fate::Stays;
    for rival in &better[at] {
        settle(*rival, better, fates);
        if fates[*rival] == Fate::Stays {
            fates[at] = Fate::BeatenBy(*rival);
            return;
        }
    }
}

/// By how many logits the window that `other` is supported by supports the query more than whatever `own` says that `other`
/// does not; none if `own` says nothing that is a near-miss of it. What both say, word for word, tells them not apart.
fn lead(own: &Contender, other: &Contender, is_near_miss: impl Fn(&Wording, &Wording) -> bool) -> Option<f32> {
    let window = &other.windows[other.supported_by?];
    let says = |contender: &Contender, window: &Wording| contender.windows.iter().any(|it| it.ids == window.ids);
    if says(own, window) {
        return None;
    }
    let mut has_near_miss = false;
    let mut best = f32::NEG_INFINITY;
    for wording in own.windows.iter().filter(|wording| !says(other, wording)) {
        has_near_miss = has_near_miss
            || (dice(&wording.sorted, &window.sorted) >= NEARLY_THE_SAME && is_near_miss(window, wording));
        best = best.max(wording.support().unwrap_or(f32::NEG_INFINITY));
    }
    has_near_miss.then_some(window.support()? - best)
}

/// Dice's coefficient of two sorted multisets.
fn dice(a: &[u32], b: &[u32]) -> f32 {
    let (mut i, mut j, mut shared) = (0, 0, 0);
    while let (Some(x), Some(y)) = (a.get(i), b.get(j)) {
        match x.cmp(y) {
            std::cmp::Ordering::Less => i += 1,
            std::cmp::Ordering::Greater => j += 1,
            std::cmp::Ordering::Equal => (i, j, shared) = (i + 1, j + 1, shared + 1),
        }
    }
    2.0 * shared as f32 / (a.len() + b.len()).max(1) as f32
}

#[cfg(test)]
mod tests {
    use super::*;

    fn contender(supported_by: Option<usize>, windows: &[(&[u32], f32)]) -> Option<Contender> {
        let read = |support| Some(WordingRead { support, contradicts: false });
        let windows = windows.iter().map(|(ids, support)| Wording::new(ids.to_vec(), read(*support))).collect();
        Some(Contender { supported_by, windows })
    }

    fn rivals(contenders: &[Option<Contender>], margin: f32) -> Vec<Option<usize>> {
        super::rivals(contenders, margin, |_, _| true)
    }

    #[test]
    fn only_a_better_one_in_nearly_the_same_words_is_a_rival() {
        const ORIGINAL: &[u32] = &[1, 2, 3, 4, 5, 6];
        const EDITED: &[u32] = &[1, 2, 3, 9, 4, 5, 6];
        const BESIDE: &[u32] = &[90, 91];
        let original = || contender(Some(1), &[(BESIDE, 3.0), (ORIGINAL, 4.0)]);
        for (name, other, rival) in [
            ("a word more", contender(Some(0), &[(EDITED, 1.0)]), Some(0)),
            ("another order", contender(None, &[(&[6, 5, 4, 3, 2, 1], 1.0)]), Some(0)),
            ("a close call", contender(Some(0), &[(EDITED, 3.5)]), None),
            ("supported by something of its own", contender(Some(1), &[(EDITED, 1.0), (&[7, 8], 3.5)]), None),
            ("supported by what both say", contender(Some(0), &[(BESIDE, 3.0), (EDITED, 1.0)]), Some(0)),
            ("the same", contender(Some(0), &[(ORIGINAL, 4.0), (EDITED, 1.0)]), None),
            ("other words", contender(None, &[(&[1, 2, 7, 8, 9, 10], 1.0)]), None),
            ("nearly the same as what decided nothing", contender(None, &[(&[90, 91, 92], 1.0)]), None),
            ("rejected by itself", None, None),
        ] {
            assert_eq!(rivals(&[original(), other], 1.0), [None, rival], "{name}");
        }
        let unsure = contender(None, &[(ORIGINAL, 4.0)]);
        let worse = contender(None, &[(EDITED, 1.0)]);
        assert_eq!(rivals(&[unsure, worse], 1.0), [None, None], "what does not support the query beats nothing");
        let unread = Some(Contender { supported_by: None, windows: vec![Wording::new(EDITED.to_vec(), None)] });
        assert_eq!(rivals(&[original(), unread], 1.0), [None, Some(0)]);
    }

    #[test]
    fn the_best_is_never_beaten_and_order_does_not_matter() {
        let make = |support: f32, extra: u32| contender(Some(0), &[(&[1, 2, 3, 4, 5, 6, extra], support)]);
        let forward = rivals(&[make(1.0, 7), make(5.0, 8), make(3.0, 9)], 1.0);
        assert_eq!(forward, [Some(1), None, Some(1)]);
        let backward = rivals(&[make(3.0, 9), make(5.0, 8), make(1.0, 7)], 1.0);
        assert_eq!(backward, [Some(1), None, Some(1)]);
    }

    #[test]
    fn what_is_beaten_beats_nothing_and_siblings_do_not_compete() {
        let make = |support: f32, extra: u32| contender(Some(0), &[(&[1, 2, 3, 4, 5, 6, extra], support)]);
        let contenders = [make(1.0, 7), make(5.0, 8), make(3.0, 9)];
        // 9 is a near-miss of 8, and 7 of 9, but not of 8.
        let chain = |original: &Wording, other: &Wording| matches!((original.ids[6], other.ids[6]), (8, 9) | (9, 7));
        assert_eq!(super::rivals(&contenders, 1.0, chain), [None, None, Some(1)]);
        assert_eq!(super::rivals(&contenders, 1.0, |_, _| false), [None, None, None]);
    }
}
