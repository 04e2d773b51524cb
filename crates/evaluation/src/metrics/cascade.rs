//! An agent that needs several correct retrievals in a row.
//!
//! It draws distinct queries and acts on each answer. A chain succeeds when every answer is right; it ends at the first that
//! is not, stopped by the pipeline (it abstained) or silently wrong. The chances over all chains that could be drawn are
//! computed, not sampled: with `R` of `n` queries answered right, `h` distinct ones are all among them with probability
//! `R/n * (R-1)/(n-1) * ...`.

use serde::ser::{Serialize, Serializer};
use serde_json::json;

use crate::Error;
use crate::interval::{Bootstrap, Interval};
use crate::metrics::twins::Outcome;

/// How chains of one length end; the four add up to 1.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Chances {
    /// Every answer was right.
    pub success: f64,
    /// The agent was told that nothing could be vouched for, and stopped.
    pub abstained: f64,
    /// A twin was taken as truth.
    pub twin: f64,
    /// Another document was taken as truth.
    pub other: f64,
}

impl Chances {
    /// A wrong document was taken as truth, whichever.
    pub fn silent(&self) -> f64 {
        self.twin + self.other
    }
}

/// [`Chances`] with the 95 % intervals of two of them.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Step {
    /// The number of retrievals.
    pub length: usize,
    /// How chains of that length end.
    pub chances: Chances,
    /// Of success.
    pub success_ci95: Interval,
    /// Of a silent error.
    pub silent_ci95: Interval,
}

impl Serialize for Step {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let Step { length, chances, success_ci95, silent_ci95 } = self;
        json!({
            "h": length, "success": chances.success, "abstained": chances.abstained, "twin": chances.twin,
            "other": chances.other, "silent": chances.silent(), "ci95": {"success": success_ci95, "silent": silent_ci95},
        })
        .serialize(serializer)
    }
}

/// How chains of 1, 2, ... `longest` distinct queries end, given what came of each query; shorter if there are fewer queries.
pub fn chances(outcomes: &[Outcome], longest: usize) -> Vec<Chances> {
    let mut counts = [0_usize; 4];
    outcomes.iter().for_each(|outcome| counts[*outcome as usize] += 1);
    of_counts(counts, longest)
}

/// The same, with intervals: queries are drawn again, all chains over them followed anew.
///
/// # Errors
/// [`Error::NoQueries`] if there are no outcomes.
pub fn steps(outcomes: &[Outcome], longest: usize, bootstrap: &Bootstrap) -> Result<Vec<Step>, Error> {
    let exact = chances(outcomes, longest);
    let mut steps = Vec::with_capacity(exact.len());
    for (at, chances) in exact.into_iter().enumerate() {
        let [success_ci95, silent_ci95] = bootstrap.stratified([outcomes.len(), 0], |[drawn, _]| {
            let mut counts = [0; 4];
            drawn.iter().for_each(|index| counts[outcomes[*index] as usize] += 1);
            of_counts(counts, at + 1).last().map_or([0.0; 2], |chances| [chances.success, chances.silent()])
        })?;
        steps.push(Step { length: at + 1, chances, success_ci95, silent_ci95 });
    }
    if steps.is_empty() { Err(Error::NoQueries) } else { Ok(steps) }
}

/// `counts` by [`Outcome`].
fn of_counts(counts: [usize; 4], longest: usize) -> Vec<Chances> {
    let [right, abstained, twin, other] = counts;
    let n: usize = counts.iter().sum();
    let mut so_far = Chances { success: 1.0, abstained: 0.0, twin: 0.0, other: 0.0 };
    (0..longest.min(n))
        .map(|drawn| {
            // Of the queries not drawn yet; those drawn were all right, or the chain has ended.
            let share = |count: usize| so_far.success * count as f64 / (n - drawn) as f64;
            so_far = Chances {
                success: share(right.saturating_sub(drawn)),
                abstained: so_far.abstained + share(abstained),
                twin: so_far.twin + share(twin),
                other: so_far.other + share(other),
            };
            so_far
        })
        .collect()
}
