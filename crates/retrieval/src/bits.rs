//! A set of ordinals, a bit for each.

/// A set of small numbers. What was never set is not in it, however great.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Bits {
    words: Vec<u64>,
}

impl Bits {
    /// Whether `at` is in the set.
    pub(crate) fn get(&self, at: u32) -> bool {
        self.words.get(at as usize / 64).is_some_and(|word| word >> (at % 64) & 1 == 1)
    }

    /// Puts `at` into the set.
    pub(crate) fn set(&mut self, at: u32) {
        let word = at as usize / 64;
        if word >= self.words.len() {
            self.words.resize(word + 1, 0);
        }
        self.words[word] |= 1 << (at % 64);
    }

    /// Takes `at` out of the set; says whether it was there.
    pub(crate) fn clear(&mut self, at: u32) -> bool {
        let there = self.get(at);
        if there {
            self.words[at as usize / 64] &= !(1 << (at % 64));
        }
        there
    }

    /// The numbers in the set from `first` on, ascending.
    pub(crate) fn from(&self, first: u32) -> impl Iterator<Item = u32> + '_ {
        let start = (first as usize / 64).min(self.words.len());
        self.words[start..].iter().enumerate().flat_map(move |(at, word)| {
            let base = ((start + at) * 64) as u32;
            let hidden = first.saturating_sub(base);
            let mut rest = if hidden >= 64 { 0 } else { word >> hidden << hidden };
            std::iter::from_fn(move || {
                let bit = (rest != 0).then(|| rest.trailing_zeros())?;
                rest &= rest - 1;
                Some(base + bit)
            })
        })
    }

    /// How many numbers below `end` are in the set.
    pub(crate) fn count_below(&self, end: u32) -> usize {
        let (whole, rest) = (end as usize / 64, end % 64);
        let full: u32 = self.words.iter().take(whole).map(|word| word.count_ones()).sum();
        let last = self.words.get(whole).map_or(0, |word| (word & ((1 << rest) - 1)).count_ones());
        (full + last) as usize
    }

    /// The words of 64 numbers each, from number `first` on, which is a multiple of 64; 0 for those that are not there.
    pub(crate) fn words(&self, first: u32) -> impl Iterator<Item = u64> + '_ {
        self.words.iter().skip(first as usize / 64).copied().chain(std::iter::repeat(0))
    }

    /// How many words there are: no number in the set is as great as 64 times this.
    pub(crate) fn len_in_words(&self) -> usize {
        self.words.len()
    }

    /// Adds the next 64 numbers, after all that there is a word for.
    pub(crate) fn push_word(&mut self, word: u64) {
        self.words.push(word);
    }

    /// Whether everything in `other` is in this set.
    pub(crate) fn holds(&self, other: &Bits) -> bool {
        self.words(0).zip(&other.words).all(|(own, other)| other & !own == 0)
    }

    /// The numbers that are in this set and not in `other`, ascending.
    pub(crate) fn without(&self, other: &Bits) -> Bits {
        Bits { words: self.words.iter().zip(other.words(0)).map(|(own, other)| own & !other).collect() }
    }
}

impl FromIterator<u32> for Bits {
    fn from_iter<I: IntoIterator<Item = u32>>(numbers: I) -> Self {
        let mut bits = Bits::default();
        numbers.into_iter().for_each(|number| bits.set(number));
        bits
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::collections::BTreeSet;

    proptest! {
        #[test]
        fn they_are_a_set(
            changes in prop::collection::vec((0..300u32, any::<bool>()), 0..200),
            other in prop::collection::vec(0..300u32, 0..50),
            bound in 0..400u32,
        ) {
            let (mut bits, mut set) = (Bits::default(), BTreeSet::new());
            for (number, there) in changes {
                match there {
                    true => {
                        bits.set(number);
                        set.insert(number);
                    }
                    false => prop_assert_eq!(bits.clear(number), set.remove(&number)),
                }
            }
            prop_assert!((0..400).all(|number| bits.get(number) == set.contains(&number)));
            prop_assert_eq!(bits.from(bound).collect::<Vec<_>>(), set.range(bound..).copied().collect::<Vec<_>>());
            prop_assert_eq!(bits.count_below(bound), set.range(..bound).count());
            let other: Bits = other.into_iter().collect();
            let without: Vec<_> = set.iter().copied().filter(|number| !other.get(*number)).collect();
            prop_assert_eq!(bits.without(&other).from(0).collect::<Vec<_>>(), without.clone());
            prop_assert_eq!(other.holds(&bits), without.is_empty());
        }
    }
}
