//! Dropout (Srivastava et al. 2014).

use candle_core::{Result, Tensor};

use crate::random::{Purpose, Random};

/// Which values are dropped in one forward pass.
pub(crate) struct Dropout {
    rate: f64,
    random: Random,
}

impl Dropout {
    /// Drops `rate` of the values, from 0 to below 1.
    pub(crate) fn new(rate: f64, random: Random) -> Dropout {
        Dropout { rate, random }
    }

    /// Drops nothing.
    pub(crate) fn none() -> Dropout {
        Dropout { rate: 0.0, random: Random::new(0, Purpose::Dropout, &[]) }
    }

    /// The factors of `count` values: 0 for a share of them, and for the others what keeps the mean. None when nothing is
    /// dropped.
    pub(crate) fn mask(&mut self, count: usize) -> Option<Vec<f32>> {
        if self.rate == 0.0 {
            return None;
        }
        let kept = (1.0 / (1.0 - self.rate)) as f32;
        // Four decisions out of every 64 random bits.
        let threshold = (self.rate * 65536.0) as u64;
        let mut mask = Vec::with_capacity(count + 3);
        while mask.len() < count {
            let bits = self.random.next();
            mask.extend([0, 16, 32, 48].map(|shift| if (bits >> shift) & 0xffff < threshold { 0.0 } else { kept }));
        }
        mask.truncate(count);
        Some(mask)
    }

    /// `x` times such factors.
    pub(crate) fn apply(&mut self, x: &Tensor) -> Result<Tensor> {
        match self.mask(x.elem_count()) {
            Some(mask) => x * Tensor::from_vec(mask, x.shape(), x.device())?,
            None => Ok(x.clone()),
        }
    }
}
