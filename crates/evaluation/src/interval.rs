//! How sure to be of a figure: bootstrap intervals, intervals of proportions, and the paired comparison of two runs.
//!
//! A set of queries, or of pairs, is a sample of all that users may ask. The bootstrap (Efron and Tibshirani, *An
//! Introduction to the Bootstrap*, 1993; for retrieval: Sakai, *Evaluating Evaluation Metrics based on the Bootstrap*,
//! SIGIR 2006) asks how much a figure would move had the sample been another: it draws as many queries again, with
//! replacement, many times over.

use std::num::NonZeroU32;

use serde::Serialize;

use crate::Error;
use crate::metrics::retrieval::mean;
use crate::percentile::percentiles;

/// How to resample. Equal settings on equal scores give equal results, on every machine.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Bootstrap {
    /// How many samples to draw. Default: 10,000; from seed to seed an end of an interval then moves
    /// by about 1.3 % of the interval's half-width (standard error of a 2.5 % quantile).
    pub resamples: NonZeroU32,
    /// Where the pseudo-random sequence starts. Default: 0.
    pub seed: u64,
}

/// A 95 % confidence interval. In JSON: `[low, high]`.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
#[serde(into = "[f64; 2]")]
pub struct Interval {
    /// The lower end.
    pub low: f64,
    /// The upper end.
    pub high: f64,
}

/// A figure and how sure to be of it.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Estimate {
    /// The figure, as measured on the whole sample.
    pub value: f64,
    /// Its 95 % interval.
    pub ci95: Interval,
}

/// The difference of two runs over the same queries.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Difference {
    /// The mean over queries of the system's score minus the baseline's: positive where the system is better.
    pub mean: f64,
    /// The interval of that mean.
    pub interval: Interval,
    /// Two-sided: how likely a difference at least this large would be, were there none. In `0..=1`, never 0.
    pub p_value: f64,
}

impl Bootstrap {
    /// The interval of the mean of `scores`, one per query, by percentiles of the resampled means (Efron and
    /// Tibshirani, chapter 13).
    ///
    /// # Errors
    /// [`Error::NoQueries`] if there are no scores.
    pub fn mean(&self, scores: &[f64]) -> Result<Interval, Error> {
        interval_of(&self.resampled_means(scores))
    }

    /// Compares two runs query by query: `baseline[i]` and `system[i]` are scores of the same query.
    ///
    /// The p-value is that of the paired bootstrap test: the differences are shifted so that their mean is 0, and it
    /// is the fraction of the resampled means that lie at least as far from 0 as the mean that was observed (Efron and
    /// Tibshirani, section 16.4), counting the observed sample itself as one of them.
    ///
    /// # Errors
    /// [`Error::Unpaired`] if the numbers of scores differ, [`Error::NoQueries`] if there are none.
    pub fn difference(&self, baseline: &[f64], system: &[f64]) -> Result<Difference, Error> {
        if baseline.len() != system.len() {
            return Err(Error::Unpaired { baseline: baseline.len(), system: system.len() });
        }
        let differences: Vec<f64> = system.iter().zip(baseline).map(|(system, baseline)| system - baseline).collect();
        let means = self.resampled_means(&differences);
        let interval = interval_of(&means)?;
        let observed = mean(&differences);
        let as_far = means.iter().filter(|resampled| (**resampled - observed).abs() >= observed.abs()).count();
        Ok(Difference { mean: observed, interval, p_value: (as_far + 1) as f64 / (means.len() + 1) as f64 })
    }

    /// The intervals of several statistics at once, by percentiles over samples that are drawn stratum by stratum: each
    /// holds as many members of every stratum as there are, whose indices `statistics` is given, one list per stratum.
    ///
    /// Classes as strata keep both of them in every sample, however few the members of one.
    pub(crate) fn stratified<const N: usize>(
        &self,
        sizes: [usize; 2],
        mut statistics: impl FnMut(&[Vec<usize>; 2]) -> [f64; N],
    ) -> Result<[Interval; N], Error> {
        let mut random = SplitMix64(self.seed);
        let mut drawn = sizes.map(|size| vec![0; size]);
        let mut samples = [(); N].map(|()| Vec::with_capacity(self.resamples.get() as usize));
        for _ in 0..self.resamples.get() {
            for indices in &mut drawn {
                let size = indices.len();
                indices.fill_with(|| random.below(size));
            }
            for (sample, statistic) in samples.iter_mut().zip(statistics(&drawn)) {
                sample.push(statistic);
            }
        }
        let mut intervals = [Interval { low: 0.0, high: 0.0 }; N];
        for (interval, sample) in intervals.iter_mut().zip(&samples) {
            *interval = interval_of(sample)?;
        }
        Ok(intervals)
    }

    /// The means of samples drawn from `scores` with replacement; none if there are no scores.
    fn resampled_means(&self, scores: &[f64]) -> Vec<f64> {
        if scores.is_empty() {
            return Vec::new();
        }
        let mut random = SplitMix64(self.seed);
        let mut resample = || {
            let sum: f64 = scores.iter().map(|_| scores[random.below(scores.len())]).sum();
            sum / scores.len() as f64
        };
        (0..self.resamples.get()).map(|_| resample()).collect()
    }
}

impl Default for Bootstrap {
    fn default() -> Self {
        const RESAMPLES: NonZeroU32 = NonZeroU32::new(10_000).unwrap();
        Self { resamples: RESAMPLES, seed: 0 }
    }
}

impl Estimate {
    /// The share of `hits` among `trials`, with Wilson's score interval (Wilson, *Probable Inference, the Law of
    /// Succession, and Statistical Inference*, JASA 22, 1927), or `None` if there were no trials.
    ///
    /// Unlike the bootstrap it says something where every trial, or none, was a hit.
    ///
    /// ```
    /// use vetted_evaluation::interval::Estimate;
    /// let all_seven = Estimate::of_proportion(7, 7).expect("there were trials");
    /// assert_eq!(all_seven.value, 1.0);
    /// assert!((all_seven.ci95.low - 0.646).abs() < 1e-3 && all_seven.ci95.high == 1.0);
    /// ```
    pub fn of_proportion(hits: usize, trials: usize) -> Option<Self> {
        /// The 97.5 % quantile of the normal distribution.
        const Z: f64 = 1.959_963_984_540_054;
        if trials == 0 {
            return None;
        }
        let (n, value) = (trials as f64, hits as f64 / trials as f64);
        let scale = 1.0 / (1.0 + Z * Z / n);
        let center = scale * (value + Z * Z / (2.0 * n));
        let reach = scale * Z * (value * (1.0 - value) / n + Z * Z / (4.0 * n * n)).sqrt();
        // Rounding must not put the value itself outside.
        let ci95 = Interval { low: (center - reach).clamp(0.0, value), high: (center + reach).clamp(value, 1.0) };
        Some(Self { value, ci95 })
    }
}

impl From<Interval> for [f64; 2] {
    fn from(interval: Interval) -> Self {
        [interval.low, interval.high]
    }
}

/// The interval that holds 95 % of `means`, each of a sample.
///
/// # Errors
/// [`Error::NoQueries`] when there are none.
pub fn interval_of(means: &[f64]) -> Result<Interval, Error> {
    let [low, high] = percentiles(means, [2.5, 97.5]).ok_or(Error::NoQueries)?;
    Ok(Interval { low, high })
}

/// The generator of Steele, Lea and Flood, *Fast Splittable Pseudorandom Number Generators*, OOPSLA 2014. Written out
/// here because results must not change with the version of a dependency.
#[derive(Debug, Clone)]
pub struct SplitMix64(
    /// The state; any number is a good seed.
    pub u64,
);

impl SplitMix64 {
    /// The next number.
    #[expect(clippy::should_implement_trait, reason = "it never ends")]
    pub fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// A number in `0..bound`; for bounds of this size the bias, below bound / 2^64, is nothing.
    pub fn below(&mut self, bound: usize) -> usize {
        ((u128::from(self.next()) * bound as u128) >> 64) as usize
    }
}

#[cfg(test)]
mod tests {
    use super::{Bootstrap, Estimate, Interval, SplitMix64};
    use crate::Error;

    #[test]
    fn the_generator_gives_the_published_sequence() {
        // The first outputs for seed 1234567 as Rosetta Code lists them (Pseudo-random numbers/Splitmix64).
        let mut random = SplitMix64(1_234_567);
        let expected = [6_457_827_717_110_365_317, 3_203_168_211_198_807_973, 9_817_491_932_198_370_423_u64];
        assert_eq!([random.next(), random.next(), random.next()], expected);
    }

    #[test]
    fn the_interval_is_that_of_the_normal_approximation() -> Result<(), Error> {
        // 400 scores spread evenly over 0..1: mean 0.5, standard error sqrt(1/12/400) = 0.01443.
        let scores: Vec<f64> = (0..400).map(|i| (f64::from(i) + 0.5) / 400.0).collect();
        let interval = Bootstrap::default().mean(&scores)?;
        assert!((interval.low - (0.5 - 1.96 * 0.01443)).abs() < 0.001, "{interval:?}");
        assert!((interval.high - (0.5 + 1.96 * 0.01443)).abs() < 0.001, "{interval:?}");
        Ok(())
    }

    #[test]
    fn the_p_value_is_that_of_the_z_test() -> Result<(), Error> {
        // Differences alternate 0.1 ± 1 over 400 queries: standard error 0.05, z = 2, two-sided p = 0.0455.
        let baseline = vec![0.0; 400];
        let system: Vec<f64> = (0..400).map(|i| if i % 2 == 0 { 1.1 } else { -0.9 }).collect();
        let difference = Bootstrap::default().difference(&baseline, &system)?;
        assert!((difference.mean - 0.1).abs() < 1e-12);
        assert!((difference.p_value - 0.0455).abs() < 0.01, "{difference:?}");
        assert!((difference.interval.low - 0.002).abs() < 0.005, "{difference:?}");
        Ok(())
    }

    #[test]
    fn proportions_have_wilsons_interval() {
        // scipy.stats.binomtest(hits, trials).proportion_ci(method="wilson"), SciPy 1.17.
        for (hits, trials, low, high) in
            [(8, 10, 0.490_162, 0.943_318), (0, 5, 0.0, 0.434_482), (50, 100, 0.403_832, 0.596_168)]
        {
            let Interval { low: found_low, high: found_high } =
                Estimate::of_proportion(hits, trials).expect("trials").ci95;
            assert!(
                (found_low - low).abs() < 1e-5 && (found_high - high).abs() < 1e-5,
                "{hits}/{trials}: {found_low}-{found_high}"
            );
        }
        assert_eq!(Estimate::of_proportion(0, 0), None);
    }

    #[test]
    fn strata_keep_their_sizes_and_vary() -> Result<(), Error> {
        let [size, mean] = Bootstrap::default().stratified([3, 400], |[few, many]| {
            assert!(few.iter().all(|index| *index < 3) && many.iter().all(|index| *index < 400));
            [few.len() as f64, many.iter().map(|index| *index as f64).sum::<f64>() / many.len() as f64]
        })?;
        assert_eq!(<[f64; 2]>::from(size), [3.0, 3.0]);
        // The mean of 0..400 is 199.5, its standard error 115.47 / 20.
        let reach = 1.96 * 115.47 / 20.0;
        assert!((mean.low - (199.5 - reach)).abs() < 0.5 && (mean.high - (199.5 + reach)).abs() < 0.5, "{mean:?}");
        Ok(())
    }

    #[test]
    fn equal_runs_do_not_differ() -> Result<(), Error> {
        let scores = [0.1, 0.9, 0.4];
        let difference = Bootstrap::default().difference(&scores, &scores)?;
        assert_eq!((difference.mean, difference.p_value), (0.0, 1.0));
        assert_eq!(<[f64; 2]>::from(difference.interval), [0.0, 0.0]);
        Ok(())
    }

    #[test]
    fn the_seed_decides() -> Result<(), Error> {
        let scores = [0.13, 0.92, 0.41, 0.77, 0.05, 0.38];
        let with = |seed| Bootstrap { seed, ..Bootstrap::default() }.mean(&scores);
        assert_eq!(with(1)?, with(1)?);
        let few = |seed| Bootstrap { seed, resamples: 7.try_into().expect("not zero") }.mean(&scores);
        assert_ne!(few(1)?, few(2)?);
        Ok(())
    }

    #[test]
    fn nothing_to_resample_is_an_error() {
        let bootstrap = Bootstrap::default();
        assert!(matches!(bootstrap.mean(&[]), Err(Error::NoQueries)));
        assert!(matches!(bootstrap.difference(&[], &[]), Err(Error::NoQueries)));
        let unpaired = bootstrap.difference(&[0.0], &[0.0, 1.0]);
        assert!(matches!(unpaired, Err(Error::Unpaired { baseline: 1, system: 2 })));
    }
}
