//! From scores to the report.

use super::{
    AuditReport, BINS, Distribution, Exceeded, FEWEST_PAIRS, GroupReport, Ndcg, Part, Separation, SetReport, Settings,
    System,
};
use vetted_evaluation::Error;
use vetted_evaluation::comparison::compare;
use vetted_evaluation::interval::{Bootstrap, Difference, Estimate};
use vetted_evaluation::metrics::overlap::overlap;
use vetted_evaluation::metrics::pairs::{KeepRate, RankedPairs};
use vetted_evaluation::metrics::retrieval::mean;
use vetted_evaluation::pairs::Groups;

/// What all systems reach on a retrieval set.
#[derive(Debug, Clone, PartialEq)]
pub struct SetScores {
    /// The set's name.
    pub name: String,
    /// Documents searched.
    pub documents: usize,
    /// For every system its nDCG@10 on every query, queries in the same order.
    pub ndcg: Vec<Vec<f64>>,
}

/// Labelled pairs and what all systems say of them.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct PairScores<'a> {
    /// The pairs, grouped.
    pub groups: &'a Groups,
    /// For every system a score of every pair, in the order of the pairs.
    pub scores: &'a [Vec<f64>],
}

impl AuditReport {
    /// Compares `systems`, of which the first is the base.
    ///
    /// # Errors
    /// [`Error::ScoreCount`] unless there are scores of every system for every query and every pair; [`Error::NoQueries`]
    /// for a set without queries; [`Error::NotANumber`].
    pub fn new(
        settings: Settings,
        systems: Vec<System>,
        sets: &[SetScores],
        pairs: Option<PairScores<'_>>,
    ) -> Result<Self, Error> {
        let bootstrap = Bootstrap {
            resamples: settings.resamples.try_into().unwrap_or(Bootstrap::default().resamples),
            seed: settings.seed,
        };
        let mut reports = Vec::with_capacity(sets.len());
        for set in sets {
            check("systems", systems.len(), set.ndcg.len())?;
            let queries = set.ndcg.first().map_or(0, Vec::len);
            set.ndcg.iter().try_for_each(|scores| check("queries", queries, scores.len()))?;
            let scores = (0..systems.len()).map(|system| {
                let change = change(&[set], system, &bootstrap)?;
                Ok(Ndcg { ndcg: mean(&set.ndcg[system]), change })
            });
            let scores = scores.collect::<Result<_, Error>>()?;
            reports.push(SetReport { name: set.name.clone(), queries, documents: set.documents, scores });
        }
        let all: Vec<&SetScores> = sets.iter().collect();
        let average = |system: usize| {
            let ndcg = sets.iter().map(|set| mean(&set.ndcg[system])).sum::<f64>() / sets.len() as f64;
            Ok(Ndcg { ndcg, change: change(&all, system, &bootstrap)? })
        };
        let average: Vec<Ndcg> = match sets {
            [] => Vec::new(),
            _ => (0..systems.len()).map(average).collect::<Result<_, Error>>()?,
        };
        let drop = |(system, average): (&System, &Ndcg)| {
            let drop = average.change.map_or(0.0, |change| -change.mean);
            let exceeded = system.part == Part::Tuned && drop > settings.max_drop;
            exceeded.then(|| Exceeded { system: system.name.clone(), drop })
        };
        let exceeded = systems.iter().zip(&average).filter_map(drop).collect();
        let (groups, distributions) = match pairs {
            None => Default::default(),
            Some(pairs) => {
                check("systems", systems.len(), pairs.scores.len())?;
                pairs.scores.iter().try_for_each(|scores| check("pairs", pairs.groups.pairs(), scores.len()))?;
                (pairs.reports(&bootstrap)?, pairs.distributions())
            }
        };
        Ok(Self { settings, systems, sets: reports, average, groups, distributions, exceeded })
    }
}

/// How far a system is from the base, over the queries of all `sets`.
fn change(sets: &[&SetScores], system: usize, bootstrap: &Bootstrap) -> Result<Option<Difference>, Error> {
    if system == 0 {
        return Ok(None);
    }
    let of_set = |set: &&SetScores| -> Vec<f64> {
        set.ndcg[system].iter().zip(&set.ndcg[0]).map(|(system, base)| system - base).collect()
    };
    let differences: Vec<Vec<f64>> = sets.iter().map(of_set).collect();
    let differences: Vec<&[f64]> = differences.iter().map(Vec::as_slice).collect();
    compare(&differences, bootstrap).map(Some)
}

fn check(what: &'static str, expected: usize, got: usize) -> Result<(), Error> {
    if expected == got { Ok(()) } else { Err(Error::ScoreCount { what, expected, got }) }
}

impl PairScores<'_> {
    fn reports(&self, bootstrap: &Bootstrap) -> Result<Vec<GroupReport>, Error> {
        // A source that is the only one is all pairs.
        let sources = self.groups.iter().filter(|group| group.phenomenon.is_none()).count();
        let by_group = self.groups.iter().filter(|group| sources > 1 || group.phenomenon.is_some());
        let by_group = by_group.map(|group| {
            let source = group.source.clone().filter(|_| sources > 1);
            (source, group.phenomenon.clone(), group.members.iter().map(|m| (m.index, m.matches)).collect::<Vec<_>>())
        });
        let mut reports = Vec::new();
        for (source, phenomenon, members) in std::iter::once((None, None, self.everything())).chain(by_group) {
            let matches = members.iter().filter(|(_, matches)| *matches).count();
            let near_misses = members.len() - matches;
            if matches < FEWEST_PAIRS || near_misses < FEWEST_PAIRS {
                continue;
            }
            let figures = self.scores.iter().map(|scores| Separation::of(scores, &members, bootstrap));
            let figures = figures.collect::<Result<_, Error>>()?;
            reports.push(GroupReport { source, phenomenon, matches, near_misses, figures });
        }
        Ok(reports)
    }

    fn distributions(&self) -> Vec<Distribution> {
        let members = self.everything();
        self.scores.iter().map(|scores| Distribution::of(scores, &members)).collect()
    }

    /// Every pair that counts: index and whether it matches.
    fn everything(&self) -> Vec<(usize, bool)> {
        let sources = self.groups.iter().filter(|group| group.phenomenon.is_none());
        sources.flat_map(|group| group.members.iter().map(|member| (member.index, member.matches))).collect()
    }
}

impl Separation {
    fn of(scores: &[f64], members: &[(usize, bool)], bootstrap: &Bootstrap) -> Result<Self, Error> {
        let class = |wanted: bool| -> Vec<f64> {
            members.iter().filter(|(_, matches)| *matches == wanted).map(|(index, _)| scores[*index]).collect()
        };
        let (matches, near_misses) = (class(true), class(false));
        let ranked = RankedPairs::new(members.iter().map(|(index, matches)| (scores[*index], *matches)))?;
        let ci95 = ranked.intervals(KeepRate::default(), bootstrap)?.auc;
        Ok(Self {
            auc: Estimate { value: ranked.auc(), ci95 },
            mean_match: mean(&matches),
            mean_near_miss: mean(&near_misses),
            overlap: overlap(&matches, &near_misses)?,
        })
    }
}

impl Distribution {
    fn of(scores: &[f64], members: &[(usize, bool)]) -> Self {
        let low = if members.iter().any(|(index, _)| scores[*index] < 0.0) { -1.0 } else { 0.0 };
        let mut distribution = Self { low, matches: vec![0; BINS], near_misses: vec![0; BINS] };
        for (index, matches) in members {
            let place = (scores[*index] - low) / (1.0 - low) * BINS as f64;
            let bin = (place.max(0.0) as usize).min(BINS - 1);
            match matches {
                true => distribution.matches[bin] += 1,
                false => distribution.near_misses[bin] += 1,
            }
        }
        distribution
    }
}
