//! Which decisions a calibration is made on, and which it is tested on.

use std::collections::HashMap;

use serde::{Deserialize, Serialize};
use vetted_tensors::digest::{self, Digest};

/// The part of the decisions that weights and ladders are made on. The rest tests.
pub const DEVELOPMENT: f64 = 0.3;

/// What keeps decisions on one side.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum GroupedBy {
    /// Any text that they share, directly or through others.
    Texts,
    /// The first text (of pairs, the candidate): by all of them, nearly everything would hang together.
    FirstText,
    /// The last text (of pairs, the query), likewise.
    LastText,
    /// Nothing: each stands alone.
    Nothing,
}

/// Of so many decisions, no group may hold more than one in [`WIDEST`].
const MANY: usize = 100;
const WIDEST: usize = 5;

/// A division of decisions into development and test.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Split {
    /// For each decision, whether it is for development.
    pub development: Vec<bool>,
    /// For each decision, the number of its group.
    pub groups: Vec<usize>,
    /// What makes groups.
    pub grouped_by: GroupedBy,
    /// How many groups there are.
    pub group_count: usize,
    /// How many decisions the largest group has.
    pub largest: usize,
    /// A digest of all of it: equal decisions in equal order are divided equally.
    pub sha256: String,
}

impl Split {
    /// Divides decisions by the texts that each is about. Decisions that share a text (letter case and white space around it
    /// aside) stay together, directly or through others, so that nothing is tested on that is half known. The division depends
    /// on the texts alone: not on their order, and not on other groups. A decision without texts is a group of its own, by its
    /// place.
    ///
    /// Where that would put more than a fifth of many decisions into one group (a few hypotheses held against many passages),
    /// only the text of which there are more different ones keeps them together, or nothing.
    pub fn new<'a>(decisions: impl IntoIterator<Item = &'a [String]>) -> Split {
        let decisions: Vec<&[String]> = decisions.into_iter().collect();
        let divided = |grouped_by| Split::by(&decisions, grouped_by);
        let too_wide = |split: &Split| decisions.len() >= MANY && split.largest * WIDEST > decisions.len();
        let by_texts = divided(GroupedBy::Texts);
        if !too_wide(&by_texts) {
            return by_texts;
        }
        let [first, last] = [divided(GroupedBy::FirstText), divided(GroupedBy::LastText)];
        let by_one = if first.group_count >= last.group_count { first } else { last };
        if too_wide(&by_one) { divided(GroupedBy::Nothing) } else { by_one }
    }

    fn by(decisions: &[&[String]], grouped_by: GroupedBy) -> Split {
        let mut groups = Groups::default();
        let mut members = Vec::with_capacity(decisions.len());
        for (place, texts) in decisions.iter().enumerate() {
            let kept = match grouped_by {
                GroupedBy::Texts => texts,
                GroupedBy::FirstText => texts.get(..1).unwrap_or_default(),
                GroupedBy::LastText => texts.get(texts.len().saturating_sub(1)..).unwrap_or_default(),
                GroupedBy::Nothing => &[],
            };
            let member = match (kept, texts.is_empty()) {
                // The same two texts stay together whatever else does.
                ([], false) => groups.number(texts.iter().map(|text| key(text)).collect()),
                ([], true) => groups.number(format!("decision {place}")),
                ([first, rest @ ..], _) => {
                    let first = groups.number(key(first));
                    for text in rest {
                        let other = groups.number(key(text));
                        groups.join(first, other);
                    }
                    first
                }
            };
            members.push(member);
        }
        let roots: Vec<usize> = members.into_iter().map(|member| groups.root(member)).collect();
        let (mut numbers, mut sizes, mut names) = (HashMap::new(), Vec::new(), Vec::new());
        let of_root = |root: &usize| {
            let next = numbers.len();
            let number = *numbers.entry(*root).or_insert(next);
            if number == next {
                sizes.push(0);
                // Once more: the least of many digests is small.
                names.push(digest::of_bytes(&groups.least[*root]));
            }
            sizes[number] += 1;
            number
        };
        let groups: Vec<usize> = roots.iter().map(of_root).collect();
        let development: Vec<bool> = groups.iter().map(|group| fraction(&names[*group]) < DEVELOPMENT).collect();
        let mut all = Digest::default();
        for (group, is_development) in groups.iter().zip(&development) {
            all.update_delimited(&names[*group]);
            all.update(if *is_development { "d" } else { "t" });
        }
        let largest = sizes.iter().copied().max().unwrap_or(0);
        Split { development, groups, grouped_by, group_count: sizes.len(), largest, sha256: all.hex() }
    }

    /// One of `folds` parts to which the group belongs: for comparing fits within the development decisions.
    pub(crate) fn fold(&self, decision: usize, folds: usize) -> usize {
        self.groups[decision] % folds
    }
}

/// What stands for a text in a log that does not hold the text itself: decisions are divided as with the text.
pub fn text_key(text: &str) -> String {
    format!("{KEY}{}", digest::of_bytes(text.trim().to_lowercase()))
}

const KEY: &str = "sha256:";

/// The same, of a text or of what stands for it.
pub(crate) fn key(text: &str) -> String {
    if text.starts_with(KEY) { text.to_owned() } else { text_key(text) }
}

/// A digest as a fraction of [0, 1).
fn fraction(digest: &str) -> f64 {
    let leading = digest.get(..13).and_then(|digits| u64::from_str_radix(digits, 16).ok()).unwrap_or(0);
    leading as f64 / (1u64 << 52) as f64
}

/// Texts in groups that grow together (union-find).
#[derive(Default)]
struct Groups {
    numbers: HashMap<String, usize>,
    parents: Vec<usize>,
    /// The least key of a root's texts.
    least: Vec<String>,
}

impl Groups {
    fn number(&mut self, key: String) -> usize {
        let next = self.parents.len();
        let number = *self.numbers.entry(key.clone()).or_insert(next);
        if number == next {
            self.parents.push(next);
            self.least.push(key);
        }
        number
    }

    fn root(&mut self, mut member: usize) -> usize {
        while self.parents[member] != member {
            self.parents[member] = self.parents[self.parents[member]];
            member = self.parents[member];
        }
        member
    }

    fn join(&mut self, one: usize, other: usize) {
        let (one, other) = (self.root(one), self.root(other));
        if one != other {
            self.parents[other] = one;
            if self.least[other] < self.least[one] {
                self.least[one] = self.least[other].clone();
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn texts(pairs: &[(&str, &str)]) -> Vec<Vec<String>> {
        pairs.iter().map(|(a, b)| vec![a.to_string(), b.to_string()]).collect()
    }

    fn split(texts: &[Vec<String>]) -> Split {
        Split::new(texts.iter().map(Vec::as_slice))
    }

    #[test]
    fn decisions_that_share_a_text_stay_together() {
        let chained = texts(&[("a", "b"), ("c", "d"), (" B ", "e"), ("e", "C"), ("x", "y")]);
        let split = split(&chained);
        assert_eq!(split.groups, [0, 0, 0, 0, 1]);
        assert_eq!((split.group_count, split.largest), (2, 4));
        assert!(split.development[..4].iter().all(|side| *side == split.development[0]));
    }

    #[test]
    fn a_few_queries_do_not_keep_everything_together() {
        let against = |candidates: usize, queries: usize| -> Vec<Vec<String>> {
            (0..3000).map(|i| vec![format!("passage {}", i % candidates), format!("claim {}", i % queries)]).collect()
        };
        for (candidates, queries, grouped_by, groups) in [
            (1000, 7, GroupedBy::FirstText, 1000),
            (7, 1000, GroupedBy::LastText, 1000),
            (3000, 3000, GroupedBy::Texts, 3000),
            (2, 3, GroupedBy::Nothing, 6),
        ] {
            let split = split(&against(candidates, queries));
            assert_eq!((split.grouped_by, split.group_count), (grouped_by, groups), "{candidates} {queries}");
        }
    }

    #[test]
    fn the_division_depends_on_the_texts_alone() {
        let pairs: Vec<Vec<String>> = (0..5000).map(|i| vec![format!("question {i}"), format!("other {i}")]).collect();
        let forwards = split(&pairs);
        let share = forwards.development.iter().filter(|it| **it).count() as f64 / 5000.0;
        assert!((share - DEVELOPMENT).abs() < 0.02, "{share}");
        let turned: Vec<Vec<String>> = pairs.iter().rev().cloned().collect();
        let mut backwards = split(&turned).development;
        backwards.reverse();
        assert_eq!(backwards, forwards.development);
        assert_eq!(split(&pairs).sha256, forwards.sha256);
        assert_ne!(split(&turned).sha256, forwards.sha256);
        // By their keys alone they are divided as by themselves.
        let keys: Vec<Vec<String>> = pairs.iter().map(|it| it.iter().map(|text| text_key(text)).collect()).collect();
        assert_eq!(split(&keys), forwards);
        // Without the others it is on the same side.
        assert_eq!(split(&pairs[7..8]).development[0], forwards.development[7]);
        assert_eq!(split(&[vec![], vec![]]).group_count, 2);
    }
}
