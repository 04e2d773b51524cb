//! From encoders' figures to what training changed.

use serde::Serialize;

use super::{Encoder, Study, Training};
use vetted_evaluation::Error;
use vetted_evaluation::comparison::compare;
use vetted_evaluation::interval::{Bootstrap, Difference, Interval, SplitMix64, interval_of};
use vetted_evaluation::metrics::retrieval::mean;

/// By how much nDCG@10 changed between two groups of encoders.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Change {
    /// nDCG@10 before, each set counting the same.
    pub before: f64,
    /// And after.
    pub after: f64,
    /// The change on average over sets, scores being averaged over seeds. For its interval queries are drawn anew inside each
    /// set, and on either side seeds: another seed is another model. `p_value` is that of these models on other queries.
    pub average: Difference,
    /// The change on every set, by name.
    pub by_set: Vec<(String, Difference)>,
    /// The average change of every seed alone.
    pub by_seed: Vec<f64>,
    /// Queries of all sets.
    pub queries: usize,
}

/// What training for structure did to a model in one setting.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Effect {
    /// The model.
    pub base: String,
    /// How A and B were trained.
    #[serde(flatten)]
    pub setting: Setting,
    /// Model A, against the untouched one.
    pub a: Change,
    /// Model B, against the untouched one.
    pub b: Change,
    /// Model B, against A.
    pub b_against_a: Change,
}

/// How encoders were trained, but for the seed.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Setting {
    /// Structural triplets among all: 0 is model A.
    pub share: f64,
    /// A's steps.
    pub steps: usize,
    /// Highest learning rate.
    pub rate: f64,
}

impl Setting {
    /// Model A's, to a model B's.
    pub(super) fn without_structure(self) -> Setting {
        Setting { share: 0.0, ..self }
    }
}

impl From<Training> for Setting {
    fn from(Training { share, steps, rate, .. }: Training) -> Setting {
        Setting { share, steps, rate }
    }
}

impl Change {
    /// The change in parts of what there was before: -0.08 is a loss of 8 %.
    pub fn relative(&self) -> f64 {
        self.average.mean / self.before
    }

    /// The ends of the interval in the same parts.
    pub fn relative_interval(&self) -> [f64; 2] {
        [self.average.interval.low, self.average.interval.high].map(|end| end / self.before)
    }

    /// Between encoders of equal seeds (or one untouched encoder and several), over the sets that all of them have.
    fn between(before: &[&Encoder], after: &[&Encoder], bootstrap: &Bootstrap) -> Result<Option<Change>, Error> {
        let Some(first) = before.first().filter(|_| !after.is_empty()) else { return Ok(None) };
        let mut sets = Vec::new();
        for set in &first.sets {
            let all = |encoders: &[&Encoder]| -> Option<Vec<Vec<f64>>> {
                let of =
                    |encoder: &&Encoder| Some(encoder.sets.iter().find(|other| other.name == set.name)?.ndcg.clone());
                encoders.iter().map(of).collect()
            };
            if let (Some(before), Some(after)) = (all(before), all(after)) {
                sets.push(Measured { name: set.name.clone(), before, after });
            }
        }
        if sets.is_empty() {
            return Ok(None);
        }
        let over_sets = |figure: &dyn Fn(&Measured) -> f64| sets.iter().map(figure).sum::<f64>() / sets.len() as f64;
        let mut differences = Vec::new();
        for set in &sets {
            let (before, after) = (averaged(&set.before), averaged(&set.after));
            if before.len() != after.len() {
                return Err(Error::Unpaired { baseline: before.len(), system: after.len() });
            }
            differences.push(after.iter().zip(before).map(|(after, before)| after - before).collect::<Vec<_>>());
        }
        let compared = |sets: &[Measured], differences: &[Vec<f64>]| -> Result<Difference, Error> {
            let of_queries = compare(&differences.iter().map(Vec::as_slice).collect::<Vec<_>>(), bootstrap)?;
            Ok(Difference { interval: interval(sets, bootstrap)?, ..of_queries })
        };
        let one =
            |index: usize| Ok((sets[index].name.clone(), compared(&sets[index..=index], &differences[index..=index])?));
        let by_set = (0..sets.len()).map(one);
        let by_seed = (0..after.len())
            .map(|seed| over_sets(&|set| mean(&set.after[seed]) - mean(&set.before[seed.min(set.before.len() - 1)])));
        Ok(Some(Change {
            before: over_sets(&|set| mean(&averaged(&set.before))),
            after: over_sets(&|set| mean(&averaged(&set.after))),
            average: compared(&sets, &differences)?,
            by_set: by_set.collect::<Result<_, Error>>()?,
            by_seed: by_seed.collect(),
            queries: differences.iter().map(Vec::len).sum(),
        }))
    }
}

/// Two groups of encoders on a set: nDCG@10 by seed, then by query.
struct Measured {
    name: String,
    before: Vec<Vec<f64>>,
    after: Vec<Vec<f64>>,
}

/// The interval of the mean change over the sets, by percentiles over samples of seeds and queries. A sample's seeds are those of
/// whole models, the same on all sets.
fn interval(sets: &[Measured], bootstrap: &Bootstrap) -> Result<Interval, Error> {
    let mut random = SplitMix64(bootstrap.seed);
    let mut draw = |count: usize| -> Vec<usize> { (0..count).map(|_| random.below(count)).collect() };
    let seeds = sets.first().map_or([0; 2], |set| [set.before.len(), set.after.len()]);
    let mean_of = |runs: &[Vec<f64>], drawn: &[usize], query: usize| {
        drawn.iter().map(|seed| runs[*seed][query]).sum::<f64>() / drawn.len() as f64
    };
    let mut sample = || {
        let [before, after] = seeds.map(&mut draw);
        let of_set = |set: &Measured| {
            let queries = draw(set.before[0].len());
            let change = |query: &usize| mean_of(&set.after, &after, *query) - mean_of(&set.before, &before, *query);
            queries.iter().map(change).sum::<f64>() / queries.len() as f64
        };
        sets.iter().map(of_set).sum::<f64>() / sets.len() as f64
    };
    interval_of(&(0..bootstrap.resamples.get()).map(|_| sample()).collect::<Vec<_>>())
}

/// Every query's score, averaged over seeds.
fn averaged(seeds: &[Vec<f64>]) -> Vec<f64> {
    let queries = seeds.first().map_or(0, Vec::len);
    (0..queries).map(|query| seeds.iter().map(|ndcg| ndcg[query]).sum::<f64>() / seeds.len() as f64).collect()
}

impl Study {
    /// The models that encoders were made from, in the order they were measured in.
    pub fn bases(&self) -> Vec<&str> {
        let mut bases: Vec<&str> = Vec::new();
        for encoder in &self.encoders {
            if !bases.contains(&encoder.base.as_str()) {
                bases.push(&encoder.base);
            }
        }
        bases
    }

    /// The model as it comes.
    pub fn untouched(&self, base: &str) -> Option<&Encoder> {
        self.encoders.iter().find(|encoder| encoder.base == base && encoder.training.is_none())
    }

    /// Its fine-tuned versions of one setting, by seed.
    pub fn tuned(&self, base: &str, setting: Setting) -> Vec<(&Encoder, Training)> {
        let tuned = self.encoders.iter().filter(|encoder| encoder.base == base);
        let mut tuned: Vec<_> = tuned
            .filter_map(|encoder| Some((encoder, encoder.training?)))
            .filter(|(_, training)| Setting::from(*training) == setting)
            .collect();
        tuned.sort_by_key(|(_, training)| training.seed);
        tuned
    }

    /// All effects that were measured: a model A, a model B and the untouched one, with equal seeds.
    ///
    /// # Errors
    /// [`Error::Unpaired`] when cells were measured on different queries; [`Error::NotANumber`].
    pub fn effects(&self, bootstrap: &Bootstrap) -> Result<Vec<Effect>, Error> {
        let mut effects = Vec::new();
        for base in self.bases() {
            let Some(untouched) = self.untouched(base) else { continue };
            let of_base = self.encoders.iter().filter(|encoder| encoder.base == base).filter_map(|e| e.training);
            let mut settings: Vec<Setting> =
                of_base.filter(|training| training.share > 0.0).map(Setting::from).collect();
            settings.sort_by(|a, b| {
                a.rate.total_cmp(&b.rate).then(a.share.total_cmp(&b.share)).then(a.steps.cmp(&b.steps))
            });
            settings.dedup();
            for setting in settings {
                let (a, b) = (self.tuned(base, setting.without_structure()), self.tuned(base, setting));
                let with = |these: &[(&'_ Encoder, Training)], others: &[(&'_ Encoder, Training)]| -> Vec<usize> {
                    let has = |seed: u64| others.iter().any(|(_, training)| training.seed == seed);
                    (0..these.len()).filter(|index| has(these[*index].1.seed)).collect()
                };
                let a_kept: Vec<&Encoder> = with(&a, &b).into_iter().map(|index| a[index].0).collect();
                let b_kept: Vec<&Encoder> = with(&b, &a).into_iter().map(|index| b[index].0).collect();
                let changes = (
                    Change::between(&[untouched], &a_kept, bootstrap)?,
                    Change::between(&[untouched], &b_kept, bootstrap)?,
                    Change::between(&a_kept, &b_kept, bootstrap)?,
                );
                if let (Some(a), Some(b), Some(b_against_a)) = changes {
                    effects.push(Effect { base: base.into(), setting, a, b, b_against_a });
                }
            }
        }
        Ok(effects)
    }

    /// The effect that is measured best: with the most seeds, then the most steps.
    pub fn main_effect<'a>(effects: &'a [Effect], base: &str) -> Option<&'a Effect> {
        let of_base = effects.iter().filter(|effect| effect.base == base);
        of_base.max_by_key(|effect| (effect.b_against_a.by_seed.len(), effect.setting.steps))
    }

    /// The same setting's B against A on two models, over the sets that all were measured on; `None` where the other model was
    /// not trained so.
    ///
    /// # Errors
    /// As [`effects`](Self::effects).
    pub fn same_setting(
        &self,
        other: &str,
        effect: &Effect,
        bootstrap: &Bootstrap,
    ) -> Result<Option<[Change; 2]>, Error> {
        let names = |base| -> Vec<&str> {
            self.untouched(base).map(|it| it.sets.iter().map(|set| &set.name[..]).collect()).unwrap_or_default()
        };
        let (ours, theirs) = (names(&effect.base), names(other));
        let mut shared = Study { encoders: self.encoders.clone(), ..Study::default() };
        shared.encoders.retain(|encoder| encoder.training.is_none_or(|it| it.rate == effect.setting.rate));
        for encoder in &mut shared.encoders {
            encoder.sets.retain(|set| ours.contains(&&set.name[..]) && theirs.contains(&&set.name[..]));
        }
        let effects = shared.effects(bootstrap)?;
        let of = |base: &str| effects.iter().find(|it| it.base == base && it.setting == effect.setting);
        Ok(of(other).zip(of(&effect.base)).map(|(a, b)| [a, b].map(|it| it.b_against_a.clone())))
    }
}

/// How far an encoder's nDCG@10 is from another's, on average over the sets that both have; `None` where they do not compare.
pub(super) fn against(before: &Encoder, after: &Encoder, bootstrap: &Bootstrap) -> Option<Difference> {
    Change::between(&[before], &[after], bootstrap).ok().flatten().map(|change| change.average)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn measured(before: &[f64], after: &[f64]) -> Measured {
        // Forty queries, the second half 0.2 better than the first in every run.
        let run = |level: &f64| (0..40).map(|query| level + if query < 20 { -0.1 } else { 0.1 }).collect::<Vec<f64>>();
        let runs = |levels: &[f64]| levels.iter().map(run).collect();
        Measured { name: String::new(), before: runs(before), after: runs(after) }
    }

    #[test]
    fn seeds_that_disagree_widen_the_interval() -> Result<(), Error> {
        let bootstrap = Bootstrap::default();
        let agreed = interval(&[measured(&[0.5, 0.5, 0.5], &[0.4, 0.4, 0.4])], &bootstrap)?;
        assert!((agreed.low + 0.1).abs() < 1e-9 && (agreed.high + 0.1).abs() < 1e-9, "{agreed:?}: queries pair");
        let apart = interval(&[measured(&[0.5, 0.5, 0.5], &[0.2, 0.4, 0.6])], &bootstrap)?;
        // All three drawn alike is 1/27 on either side, more than 2.5 %.
        assert!((apart.low + 0.3).abs() < 1e-9 && (apart.high - 0.1).abs() < 1e-9, "{apart:?}");
        Ok(())
    }
}
