//! Labels by enumeration of possible worlds: what holds in every world where something else holds.

use crate::Verdict;

/// Compares two meanings over all worlds: one entails the other when no world has the first without the second.
pub(crate) fn compare<W>(worlds: &[W], first: impl Fn(&W) -> bool, second: impl Fn(&W) -> bool) -> Verdict {
    let (mut forward, mut backward, mut together) = (true, true, false);
    for world in worlds {
        let (one, two) = (first(world), second(world));
        forward &= !one || two;
        backward &= !two || one;
        together |= one && two;
    }
    Verdict::new(forward, backward, Some(!together))
}

/// All ways to give three things places in an order, ties included (some places may stay empty).
pub(crate) fn orders() -> Vec<[u8; 3]> {
    let mut worlds = Vec::with_capacity(27);
    for a in 0..3 {
        for b in 0..3 {
            for c in 0..3 {
                worlds.push([a, b, c]);
            }
        }
    }
    worlds
}

/// What a measure may be: every value that tells the given bounds apart.
pub(crate) fn values(bounds: &[f64]) -> Vec<f64> {
    let mut values: Vec<f64> = bounds.iter().flat_map(|bound| [bound - 1e-3, *bound, bound + 1e-3]).collect();
    values.sort_by(f64::total_cmp);
    let between: Vec<f64> = values.windows(2).map(|pair| f64::midpoint(pair[0], pair[1])).collect();
    values.extend(between);
    values
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn verdicts_follow_from_worlds() {
        let counts: Vec<u32> = (0..10).collect();
        assert_eq!(compare(&counts, |n| *n >= 3, |n| *n > 2), Verdict::Equivalent);
        assert_eq!(compare(&counts, |n| *n == 3, |n| *n >= 3), Verdict::Forward);
        assert_eq!(compare(&counts, |n| *n >= 3, |n| *n == 3), Verdict::Backward);
        assert_eq!(compare(&counts, |n| *n < 3, |n| *n > 5), Verdict::Neither(Some(true)));
        assert_eq!(compare(&counts, |n| *n < 7, |n| *n > 5), Verdict::Neither(Some(false)));
    }

    #[test]
    fn orders_are_transitive() {
        let worlds = orders();
        assert_eq!(compare(&worlds, |o| o[0] > o[1] && o[1] > o[2], |o| o[0] > o[2]), Verdict::Forward);
    }
}
