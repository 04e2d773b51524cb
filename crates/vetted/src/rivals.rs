//! Near-misses beside what they were made from.
//!
//! Whether a single sentence answers a query is sometimes a close call; which of two that differ in a word answers it better
//! hardly ever is. So of candidates that say nearly the same, one that supports the query clearly less than another is rejected,
//! whatever is thought of it alone.

/// What is compared of a candidate that was verified and not rejected.
pub(crate) struct Contender {
    /// The largest logit of support among its windows.
    pub(crate) best_support: f32,
    /// If it is accepted, that of the window that decided.
    pub(crate) accepted_by: Option<f32>,
    pub(crate) wording: Wording,
}

/// The tokens of a candidate's windows, and which of them decided.
#[derive(Clone, Debug)]
pub(crate) struct Wording {
    windows: Vec<Vec<u32>>,
    decided: usize,
}

/// Windows are nearly the same when they share this part of their tokens (Dice's coefficient of the two multisets): a
/// sentence of twelve tokens with a *not* or with another number, or the same words in another order.
const NEARLY_THE_SAME: f32 = 0.7;

impl Wording {
    /// Of the token ids of each window.
    pub(crate) fn new(windows: impl Iterator<Item = Vec<u32>>, decided: usize) -> Wording {
        let sorted = |mut ids: Vec<u32>| {
            ids.sort_unstable();
            ids
        };
        Wording { windows: windows.map(sorted).collect(), decided }
    }
}

/// For each contender, which other one says nearly the same and supports the query by `margin` logits more: the one that
/// supports it most. Does not depend on the order of the contenders.
pub(crate) fn rivals(contenders: &[Option<Contender>], margin: f32) -> Vec<Option<usize>> {
    let rival = |own: &Option<Contender>| {
        let own = own.as_ref()?;
        let better = contenders.iter().enumerate().filter_map(|(at, other)| {
            let other = other.as_ref()?;
            let support = other.accepted_by?;
            let window = other.wording.windows.get(other.wording.decided)?;
            let beats = support - own.best_support >= margin;
            (beats && own.wording.windows.iter().any(|own| dice(own, window) >= NEARLY_THE_SAME))
                .then_some((at, support))
        });
        better.reduce(|best, next| if next.1 > best.1 { next } else { best }).map(|(at, _)| at)
    };
    contenders.iter().map(rival).collect()
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

    fn contender(best_support: f32, accepted_by: Option<(usize, f32)>, windows: &[&[u32]]) -> Option<Contender> {
        let wording = Wording::new(windows.iter().map(|ids| ids.to_vec()), accepted_by.map_or(0, |it| it.0));
        Some(Contender { best_support, accepted_by: accepted_by.map(|it| it.1), wording })
    }

    #[test]
    fn only_a_better_one_in_nearly_the_same_words_is_a_rival() {
        let original = || contender(4.0, Some((1, 4.0)), &[&[90, 91], &[1, 2, 3, 4, 5, 6]]);
        for (name, other, rival) in [
            ("a word more", contender(1.0, Some((0, 1.0)), &[&[1, 2, 3, 9, 4, 5, 6]]), Some(0)),
            ("another order", contender(1.0, None, &[&[6, 5, 4, 3, 2, 1]]), Some(0)),
            ("a close call", contender(3.5, Some((0, 3.5)), &[&[1, 2, 3, 9, 4, 5, 6]]), None),
            ("supported by something else", contender(3.5, Some((1, 3.5)), &[&[1, 2, 3, 9, 4, 5, 6], &[7, 8]]), None),
            ("other words", contender(1.0, None, &[&[1, 2, 7, 8, 9, 10]]), None),
            ("nearly the same as what decided nothing", contender(1.0, None, &[&[90, 91]]), None),
            ("rejected by itself", None, None),
        ] {
            assert_eq!(rivals(&[original(), other], 1.0), [None, rival], "{name}");
        }
        let unsure = contender(4.0, None, &[&[1, 2, 3, 4, 5, 6]]);
        let worse = contender(1.0, None, &[&[1, 2, 3, 9, 4, 5, 6]]);
        assert_eq!(rivals(&[unsure, worse], 1.0), [None, None], "what is not accepted beats nothing");
    }

    #[test]
    fn the_best_is_never_beaten_and_order_does_not_matter() {
        let make = |support: f32, extra: u32| contender(support, Some((0, support)), &[&[1, 2, 3, 4, 5, 6, extra]]);
        let forward = rivals(&[make(1.0, 7), make(5.0, 8), make(3.0, 9)], 1.0);
        assert_eq!(forward, [Some(1), None, Some(1)]);
        let backward = rivals(&[make(3.0, 9), make(5.0, 8), make(1.0, 7)], 1.0);
        assert_eq!(backward, [Some(1), None, Some(1)]);
    }
}
