//! Pairs to train on and pairs to be watched by, with no text in both.

use std::collections::HashMap;

use crate::example::Example;
use crate::random::mix;

/// Holds out about `share` of the examples, at most `most` of a source. Texts that stand in one pair, and pairs that share
/// a text (letter case and white space aside), stay together, so that nothing held out is half known from training; what
/// hangs together so widely that it is more than a hundredth of all examples is trained on. The same examples are divided in
/// the same way on every machine, whatever their order.
pub fn hold_out(examples: Vec<Example>, share: f64, most: usize) -> (Vec<Example>, Vec<Example>) {
    let mut groups = Groups::default();
    let members: Vec<usize> = examples.iter().map(|example| groups.join(&example.query, &example.candidate)).collect();
    let roots: Vec<usize> = members.into_iter().map(|text| groups.root(text)).collect();
    let mut sizes: HashMap<usize, usize> = HashMap::new();
    roots.iter().for_each(|root| *sizes.entry(*root).or_default() += 1);
    let widest = (examples.len() / 100).max(20);
    // A group is named after the least hash of its texts, mixed once more: the least of many is small.
    let chosen: Vec<(u64, usize)> = (0..groups.parents.len())
        .filter(|text| groups.parents[*text] == *text && sizes.get(text).is_some_and(|size| *size <= widest))
        .map(|root| (mix(groups.least[root]), root))
        .filter(|(name, _)| (*name >> 11) as f64 / ((1u64 << 53) as f64) < share)
        .collect();
    let mut of_root: HashMap<usize, Vec<usize>> = chosen.iter().map(|(_, root)| (*root, Vec::new())).collect();
    for (index, root) in roots.iter().enumerate() {
        if let Some(of_root) = of_root.get_mut(root) {
            of_root.push(index);
        }
    }
    let mut order = chosen;
    order.sort_unstable();
    let mut held: HashMap<&str, usize> = HashMap::new();
    let mut is_held = vec![false; examples.len()];
    for (_, root) in order {
        let group = &of_root[&root];
        let room = group.iter().all(|index| held.get(&examples[*index].source[..]).is_none_or(|count| *count < most));
        for index in group.iter().filter(|_| room) {
            is_held[*index] = true;
            *held.entry(&examples[*index].source).or_default() += 1;
        }
    }
    let mut is_held = is_held.into_iter();
    examples.into_iter().partition(|_| !is_held.next().unwrap_or(false))
}

/// Texts in groups that grow together (union-find).
#[derive(Default)]
struct Groups {
    numbers: HashMap<String, usize>,
    parents: Vec<usize>,
    /// The least hash of a root's texts.
    least: Vec<u64>,
}

impl Groups {
    /// Puts two texts in one group, and says the number of the first.
    fn join(&mut self, one: &str, other: &str) -> usize {
        let (one, other) = (self.number(one), self.number(other));
        let [a, b] = [one, other].map(|text| self.root(text));
        self.parents[b] = a;
        self.least[a] = self.least[a].min(self.least[b]);
        one
    }

    fn number(&mut self, text: &str) -> usize {
        let plain = text.split_whitespace().collect::<Vec<_>>().join(" ").to_lowercase();
        let hash = hash(&plain);
        *self.numbers.entry(plain).or_insert_with(|| {
            self.parents.push(self.parents.len());
            self.least.push(hash);
            self.parents.len() - 1
        })
    }

    fn root(&mut self, mut text: usize) -> usize {
        while self.parents[text] != text {
            self.parents[text] = self.parents[self.parents[text]];
            text = self.parents[text];
        }
        text
    }
}

/// FNV-1a, mixed: the same on every machine and for every version, which the standard library's hasher does not promise.
fn hash(text: &str) -> u64 {
    let hash = text
        .bytes()
        .fold(0xcbf2_9ce4_8422_2325_u64, |h, byte| (h ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3));
    mix(hash)
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    fn example(query: String, candidate: String, source: &str) -> Example {
        Example { query, candidate, source: source.into(), ..Example::default() }
    }

    #[test]
    fn no_text_is_on_both_sides() {
        // Chains of three pairs, each sharing a text with the next.
        let text = |chain: usize, link: usize| format!("Text {link} of {chain}");
        let pair = |i: usize| example(text(i / 3, i % 3), text(i / 3, i % 3 + 1).to_uppercase() + " ", "chains");
        let examples: Vec<Example> = (0..6000).map(pair).collect();
        let (train, held) = hold_out(examples.clone(), 0.1, usize::MAX);
        assert_eq!(train.len() + held.len(), 6000);
        assert!((450..750).contains(&held.len()), "{} held out", held.len());
        let texts = |examples: &[Example]| -> HashSet<String> {
            examples.iter().flat_map(|e| [&e.query, &e.candidate]).map(|text| text.trim().to_lowercase()).collect()
        };
        assert!(texts(&train).is_disjoint(&texts(&held)));
        let mut turned = examples;
        turned.reverse();
        let (_, again) = hold_out(turned, 0.1, usize::MAX);
        assert_eq!(texts(&held), texts(&again));
    }

    #[test]
    fn what_hangs_together_widely_is_trained_on_and_sources_have_a_most() {
        let hub = (0..500).map(|i| example("a man sleeps".into(), format!("premise {i}"), "hub"));
        let rest = (0..2000).map(|i| example(format!("query {i}"), format!("candidate {i}"), "rest"));
        let (_, held) = hold_out(hub.chain(rest).collect(), 0.5, 30);
        assert_eq!(held.len(), 30);
        assert!(held.iter().all(|example| example.source == "rest"));
    }
}
