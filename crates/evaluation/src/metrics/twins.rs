//! What becomes of queries in a corpus with near-miss twins.

use crate::Error;
use crate::interval::{Bootstrap, Estimate};
use crate::metrics::retrieval::mean;

/// What a pipeline answered to a query.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Answer {
    /// Documents, best first.
    pub ranking: Vec<String>,
    /// Place in `ranking`, from 0, of the document that an agent acts on: the first, or, of a pipeline that verifies, the
    /// first it vouches for. None when there is none: the agent stops.
    pub acted_on: Option<usize>,
}

/// Where a query's two documents came to stand.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Placement {
    /// Rank of the document that supports the query, from 1.
    pub original: Option<usize>,
    /// Rank of its twin, from 1.
    pub twin: Option<usize>,
    /// What came of acting on the answer.
    pub outcome: Outcome,
}

/// What comes of acting on an answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Outcome {
    /// The document that supports the query.
    Right,
    /// Nothing: the pipeline had nothing to vouch for.
    Abstained,
    /// The twin, taken as truth.
    Twin,
    /// Some other document, taken as truth. It may support the query too: nobody judged it.
    Other,
}

impl Outcome {
    /// All of them; `Outcome::ALL[outcome as usize] == outcome`.
    pub const ALL: [Outcome; 4] = [Outcome::Right, Outcome::Abstained, Outcome::Twin, Outcome::Other];
}

impl Placement {
    /// Reads an answer.
    pub fn of(answer: &Answer, original: &str, twin: &str) -> Placement {
        let rank = |id: &str| answer.ranking.iter().position(|hit| hit == id).map(|place| place + 1);
        let taken = answer.acted_on.and_then(|place| answer.ranking.get(place));
        let outcome = match taken {
            None => Outcome::Abstained,
            Some(id) if id == original => Outcome::Right,
            Some(id) if id == twin => Outcome::Twin,
            Some(_) => Outcome::Other,
        };
        Placement { original: rank(original), twin: rank(twin), outcome }
    }

    /// Whether the twin is among the first `k`.
    pub fn contaminated(&self, k: usize) -> bool {
        self.twin.is_some_and(|rank| rank <= k)
    }

    /// Whether the twin is there and its original is below it or missing.
    pub fn twin_above(&self) -> bool {
        self.twin.is_some_and(|twin| self.original.is_none_or(|original| twin < original))
    }

    /// Whether the original is among the first `k`.
    pub fn found(&self, k: usize) -> bool {
        self.original.is_some_and(|rank| rank <= k)
    }
}

/// A figure of placements.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Figure {
    /// The share of queries whose first `k` documents hold the twin.
    Contamination(usize),
    /// The share whose twin ranks above the original, or is there without it.
    TwinAbove,
    /// The share whose first `k` documents hold the original.
    Found(usize),
    /// The share to which nothing was vouched for.
    Abstained,
}

impl Figure {
    /// Those that reports have, in their order.
    pub const ALL: [Figure; 6] = [
        Figure::Contamination(1),
        Figure::Contamination(5),
        Figure::Contamination(10),
        Figure::TwinAbove,
        Figure::Found(10),
        Figure::Abstained,
    ];

    /// Its name in reports and JSON: `contamination@1`.
    pub fn name(self) -> String {
        match self {
            Figure::Contamination(k) => format!("contamination@{k}"),
            Figure::TwinAbove => "twin-above".to_owned(),
            Figure::Found(k) => format!("original-found@{k}"),
            Figure::Abstained => "abstained".to_owned(),
        }
    }

    fn of(self, placement: &Placement) -> bool {
        match self {
            Figure::Contamination(k) => placement.contaminated(k),
            Figure::TwinAbove => placement.twin_above(),
            Figure::Found(k) => placement.found(k),
            Figure::Abstained => placement.outcome == Outcome::Abstained,
        }
    }

    /// The share of placements of which it holds, with its bootstrap interval.
    ///
    /// # Errors
    /// [`Error::NoQueries`] if there are none.
    pub fn estimate(self, placements: &[Placement], bootstrap: &Bootstrap) -> Result<Estimate, Error> {
        let scores = self.scores(placements);
        Ok(Estimate { value: mean(&scores), ci95: bootstrap.mean(&scores)? })
    }

    fn scores(self, placements: &[Placement]) -> Vec<f64> {
        placements.iter().map(|placement| f64::from(u8::from(self.of(placement)))).collect()
    }
}

/// By how much less of a share a system has than a baseline over the same queries: 1 is none left, 0 as much. The interval
/// is that of queries drawn again for both at once. None where the baseline has none to lose.
///
/// # Errors
/// [`Error::Unpaired`] if the numbers of queries differ, [`Error::NoQueries`] if there are none.
pub fn reduction(
    figure: Figure,
    baseline: &[Placement],
    system: &[Placement],
    bootstrap: &Bootstrap,
) -> Result<Option<Estimate>, Error> {
    if baseline.len() != system.len() {
        return Err(Error::Unpaired { baseline: baseline.len(), system: system.len() });
    }
    let (baseline, system) = (figure.scores(baseline), figure.scores(system));
    let over = |indices: &mut dyn Iterator<Item = usize>| {
        let (mut before, mut after) = (0.0, 0.0);
        indices.for_each(|index| (before, after) = (before + baseline[index], after + system[index]));
        // A sample without anything to lose shows no reduction.
        if before == 0.0 { 0.0 } else { 1.0 - after / before }
    };
    if baseline.iter().all(|score| *score == 0.0) {
        return Ok(None);
    }
    let value = over(&mut (0..baseline.len()));
    let [ci95] = bootstrap.stratified([baseline.len(), 0], |[drawn, _]| [over(&mut drawn.iter().copied())])?;
    Ok(Some(Estimate { value, ci95 }))
}
