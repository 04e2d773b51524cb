//! Whether a promise still holds, asked after every decision that is checked.

use serde::{Deserialize, Serialize};

use crate::Bound;

/// The stakes, as parts of the largest that cannot lose everything at once. Small ones notice a rate a little above the bound
/// after long, large ones a great one at once; the mixture is about as good as the best of them.
const STAKES: [f64; 5] = [0.02, 0.05, 0.1, 0.25, 0.5];

/// An alarm that may be looked at after each decision, for ever.
///
/// It bets against the claim that at most `rate` of what is accepted is wrong: the stake is won when an accepted answer turns
/// out to be wrong, and lost slowly when not. While the claim is true the expected fortune does not grow, so that it reaches
/// `1 / delta` with probability `delta` at most (Ville's inequality; Waudby-Smith and Ramdas, *Estimating means of bounded
/// random variables by betting*, 2024). A test that is repeated after each decision would cry wolf sooner or later.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Alarm {
    bound: Bound,
    /// The logarithm of what each stake has become.
    fortunes: [f64; STAKES.len()],
    /// How many accepted answers were checked.
    audited: u64,
    /// How many of them were wrong.
    wrong: u64,
    /// The largest logarithm of the mixture so far: an alarm that rang has rung.
    highest: f64,
}

impl Alarm {
    /// For a bound that was promised.
    pub fn new(bound: Bound) -> Alarm {
        Alarm { bound, fortunes: [0.0; STAKES.len()], audited: 0, wrong: 0, highest: 0.0 }
    }

    /// Counts one accepted answer that somebody checked. They must be drawn without looking at their content, all or a random
    /// part: complaints alone are a biased sample.
    pub fn audit(&mut self, right: bool) {
        let rate = self.bound.rate();
        self.audited += 1;
        self.wrong += u64::from(!right);
        let gain = f64::from(u8::from(!right)) - rate;
        for (fortune, stake) in self.fortunes.iter_mut().zip(STAKES) {
            *fortune += (stake / rate * gain).ln_1p();
        }
        self.highest = self.highest.max(self.fortune());
    }

    /// Whether the claim is refuted, once and for all.
    pub fn rings(&self) -> bool {
        self.highest >= -self.bound.delta().ln()
    }

    /// How much evidence against the claim there is now, as a p-value that holds at any time: 1 is none.
    pub fn p_value(&self) -> f64 {
        (-self.highest).exp().min(1.0)
    }

    /// The largest fortune so far: how many times the stake was won by betting against the claim. 1 is none.
    pub fn e_value(&self) -> f64 {
        self.highest.exp()
    }

    /// How many accepted answers were checked, and how many were wrong.
    pub fn counts(&self) -> (u64, u64) {
        (self.audited, self.wrong)
    }

    /// The logarithm of the mean of the fortunes.
    fn fortune(&self) -> f64 {
        let most = self.fortunes.iter().copied().fold(f64::NEG_INFINITY, f64::max);
        let sum: f64 = self.fortunes.iter().map(|fortune| (fortune - most).exp()).sum();
        most + (sum / STAKES.len() as f64).ln()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Error;

    /// SplitMix64 (Steele, Lea and Flood 2014): a fraction of [0, 1) for each call.
    fn random(state: &mut u64) -> f64 {
        *state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let z = (*state ^ (*state >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        ((z ^ (z >> 31)) >> 11) as f64 / (1u64 << 53) as f64
    }

    /// After how many of `most` decisions it rings.
    fn rings_after(rate: f64, most: usize, state: &mut u64) -> Result<Option<usize>, Error> {
        let mut alarm = Alarm::new(Bound::new(0.02, 0.95)?);
        Ok((1..=most).find(|_| {
            alarm.audit(random(state) >= rate);
            alarm.rings()
        }))
    }

    #[test]
    fn it_seldom_rings_while_the_promise_holds_and_always_when_it_does_not() -> Result<(), Error> {
        let mut state = 1;
        let mut false_alarms = 0;
        for _ in 0..500 {
            false_alarms += usize::from(rings_after(0.02, 3000, &mut state)?.is_some());
        }
        // At most 5 %, and two standard errors of 500 runs.
        assert!(false_alarms <= 35, "{false_alarms} of 500");
        for (rate, most) in [(0.2, 200), (0.06, 2500)] {
            for _ in 0..50 {
                assert!(rings_after(rate, most, &mut state)?.is_some(), "{rate} is not noticed within {most}");
            }
        }
        Ok(())
    }

    #[test]
    fn an_alarm_that_rang_goes_on_ringing_and_survives_a_restart() -> Result<(), Box<dyn std::error::Error>> {
        let mut alarm = Alarm::new(Bound::new(0.02, 0.95)?);
        (0..20).for_each(|_| alarm.audit(false));
        assert!(alarm.rings() && alarm.p_value() < 0.05);
        (0..1000).for_each(|_| alarm.audit(true));
        assert!(alarm.rings());
        assert_eq!(alarm.counts(), (1020, 20));
        let restarted: Alarm = serde_json::from_str(&serde_json::to_string(&alarm)?)?;
        assert_eq!(restarted.counts(), alarm.counts());
        assert!(restarted.rings());
        Ok(())
    }
}
