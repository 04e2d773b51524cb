//! Random numbers as a function of what they are for: a resumed run needs no generator's state, only its step.

/// A stream of random numbers (SplitMix64, Steele et al. 2014), begun anew for each purpose.
#[derive(Clone, Debug)]
pub(crate) struct Random(u64);

/// What a stream is for: streams of different purposes have nothing in common.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Purpose {
    Weights = 1,
    Order,
    Swap,
    Dropout,
    Negatives,
    Sample,
    Variation,
}

impl Random {
    /// The stream of a purpose; `place` tells apart, for instance, steps and workers.
    pub(crate) fn new(seed: u64, purpose: Purpose, place: &[u64]) -> Random {
        let mut state = mix(seed ^ 0x9e37_79b9_7f4a_7c15);
        for part in [purpose as u64].iter().chain(place) {
            state = mix(state.wrapping_add(0x9e37_79b9_7f4a_7c15) ^ mix(*part));
        }
        Random(state)
    }

    pub(crate) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        mix(self.0)
    }

    /// From 0 to below 1.
    pub(crate) fn uniform(&mut self) -> f64 {
        (self.next() >> 11) as f64 / (1u64 << 53) as f64
    }

    /// Below `end`, which is not 0.
    pub(crate) fn below(&mut self, end: usize) -> usize {
        ((u128::from(self.next()) * end as u128) >> 64) as usize
    }

    /// Normally distributed with mean 0 and variance 1 (Box and Muller 1958).
    pub(crate) fn normal(&mut self) -> f64 {
        let radius = (-2.0 * (1.0 - self.uniform()).ln()).sqrt();
        radius * (std::f64::consts::TAU * self.uniform()).cos()
    }

    /// In random order (Fisher and Yates).
    pub(crate) fn shuffle<T>(&mut self, items: &mut [T]) {
        for last in (1..items.len()).rev() {
            items.swap(last, self.below(last + 1));
        }
    }
}

/// SplitMix64's last step.
pub(crate) fn mix(mut x: u64) -> u64 {
    x = (x ^ (x >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    x = (x ^ (x >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    x ^ (x >> 31)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn streams_are_even_and_apart() {
        let mut random = Random::new(1, Purpose::Order, &[2, 3]);
        let mean = (0..10_000).map(|_| random.uniform()).sum::<f64>() / 10_000.0;
        assert!((mean - 0.5).abs() < 0.02, "{mean}");
        let spread = (0..10_000).map(|_| random.normal().powi(2)).sum::<f64>() / 10_000.0;
        assert!((spread - 1.0).abs() < 0.05, "{spread}");
        let first = |place: &[u64]| Random::new(1, Purpose::Order, place).next();
        assert_ne!(first(&[2, 3]), first(&[3, 2]));
        assert_ne!(first(&[2]), Random::new(1, Purpose::Swap, &[2]).next());
        let mut items: Vec<usize> = (0..50).collect();
        random.shuffle(&mut items);
        let mut sorted = items.clone();
        sorted.sort_unstable();
        assert!(items != sorted && sorted == (0..50).collect::<Vec<_>>());
    }
}
