//! What the figures say, in sentences, and what to do.

use super::{AuditReport, Part};
use vetted_evaluation::interval::Difference;

impl AuditReport {
    /// Pass or fail, in a sentence.
    pub fn verdict(&self) -> String {
        let allowed = self.settings.max_drop;
        match &self.exceeded[..] {
            _ if self.average.is_empty() => "No retrieval set was given, so nothing is said about the cost.".to_owned(),
            [] => format!("Pass: no tuned encoder loses more than {allowed} nDCG@10 on average."),
            many => {
                let losses = many.iter().map(|one| format!("{} loses {:.4}", one.system, one.drop));
                let losses = losses.collect::<Vec<_>>().join(", ");
                format!("Fail: {losses} nDCG@10 on average; {allowed} is allowed.")
            }
        }
    }

    /// What was found, system by system.
    pub(super) fn findings(&self) -> Vec<String> {
        let tuned = self.tuned().flat_map(|system| [self.cost(system), self.gain(system), self.shape(system)]);
        let two_tier = self.two_tier().into_iter().flat_map(|system| [self.cost(system), self.gain(system)]);
        tuned.chain(two_tier).flatten().collect()
    }

    /// What to do about it, tuned system by tuned system.
    pub(super) fn advice(&self) -> Vec<String> {
        self.tuned().map(|system| self.advise(system)).collect()
    }

    fn cost(&self, system: usize) -> Option<String> {
        let base = self.average.first()?;
        let change = self.average[system].change?;
        let name = &self.systems[system].name;
        let Difference { mean, interval, p_value } = change;
        let sets = match self.sets.len() {
            1 => "on one retrieval set".to_owned(),
            many => format!("on average over {many} retrieval sets"),
        };
        let numbers = format!(
            "({:+.4} {sets}, 95 % interval {:+.4} to {:+.4}, p = {p_value:.4}; {:+.1} % of the base's {:.4})",
            mean,
            interval.low,
            interval.high,
            100.0 * mean / base.ndcg.max(f64::MIN_POSITIVE),
            base.ndcg
        );
        let what = match Direction::of(change) {
            Direction::Loss => "finds less than the base",
            Direction::Gain => "finds more than the base",
            Direction::Unclear => "cannot be told from the base in retrieval by these queries",
        };
        let worst = self.sets.iter().filter_map(|set| Some((set.scores[system].change?.mean, &set.name)));
        let worst = worst.filter(|_| self.sets.len() > 1).min_by(|a, b| a.0.total_cmp(&b.0));
        let worst = worst.filter(|(mean, _)| *mean < 0.0).map(|(mean, set)| format!(" Worst on {set}: {mean:+.4}."));
        Some(format!("{name} {what} {numbers}.{}", worst.unwrap_or_default()))
    }

    fn gain(&self, system: usize) -> Option<String> {
        let all = self.groups.first()?;
        let (base, tuned) = (all.figures[0], all.figures[system]);
        let name = &self.systems[system].name;
        let better = match tuned.auc.value - base.auc.value {
            _ if tuned.auc.ci95.low > base.auc.ci95.high => "tells near misses from paraphrases better",
            _ if tuned.auc.ci95.high < base.auc.ci95.low => "tells near misses from paraphrases worse",
            _ => "tells near misses from paraphrases about as well",
        };
        Some(format!(
            "{name} {better}: AUC {:.3} against the base's {:.3} on {} pairs; the scores of the two kinds overlap by {:.0} % \
             (base {:.0} %).",
            tuned.auc.value,
            base.auc.value,
            all.matches + all.near_misses,
            100.0 * tuned.overlap,
            100.0 * base.overlap
        ))
    }

    fn shape(&self, system: usize) -> Option<String> {
        let (base, tuned) = (self.systems[0].geometry?, self.systems[system].geometry?);
        Some(format!(
            "{}'s vectors fill {:.0} of {} dimensions (effective rank; base {:.0} of {}), and two unrelated texts have a mean \
             cosine of {:.2} (base {:.2}).",
            self.systems[system].name,
            tuned.effective_rank,
            tuned.dimensions,
            base.effective_rank,
            base.dimensions,
            tuned.mean_similarity,
            base.mean_similarity
        ))
    }

    fn advise(&self, system: usize) -> String {
        let (base, name) = (&self.systems[0].name, &self.systems[system].name);
        let instead = self.instead(system);
        let Some(change) = self.average.get(system).and_then(|average| average.change) else {
            return format!("{name}: measure retrieval too (--data) before you ship it. {instead}");
        };
        if self.exceeded.iter().any(|one| one.system == *name) {
            return format!("Do not put {name} in {base}'s place: what it loses is more than you allow. {instead}");
        }
        match Direction::of(change) {
            Direction::Loss => format!(
                "{name} passes, and yet its loss is no chance: ask whether the gain on pairs is worth it. {instead}"
            ),
            Direction::Gain => format!("On these sets {name} may take {base}'s place: it finds more."),
            Direction::Unclear if [change.interval.low, change.interval.high] == [0.0, 0.0] => {
                format!("On these sets {name} finds what {base} finds: measure on others before you decide. {instead}")
            }
            Direction::Unclear => format!(
                "On these sets {name} may take {base}'s place, but they could not show a loss smaller than {:.3}: give more queries \
                 to be surer. {instead}",
                // No minus before a zero.
                0.0 - change.interval.low.min(0.0)
            ),
        }
    }

    /// What the untouched base with a verifier behind it offers against a tuned system.
    fn instead(&self, system: usize) -> String {
        let Some(two_tier) = self.two_tier() else {
            return "What two tiers would give was not measured.".to_owned();
        };
        let base = &self.systems[0].name;
        let Some(all) = self.groups.first() else { return String::new() };
        let (tuned, tiers) = (all.figures[system].auc, all.figures[two_tier].auc);
        let change = self.average.get(two_tier).and_then(|average| average.change);
        let cost = change.map(|change| format!(", at {:+.4} nDCG@10", change.mean)).unwrap_or_default();
        if change.is_some_and(|change| -change.mean > self.settings.max_drop) {
            return format!(
                "Keep {base} for recall, but do not let this verifier filter what it finds: on these sets that costs more than \
                 you allow too (pair AUC {:.3} against {:.3}{cost}). Let it flag candidates, or train one on your own queries \
                 (`vetted train verifier`).",
                tiers.value, tuned.value
            );
        }
        match tiers.value > tuned.value {
            true => format!(
                "Keep {base} for recall and put a verifier behind it: that separates the pairs with AUC {:.3} instead of {:.3}{cost}.",
                tiers.value, tuned.value
            ),
            false => format!(
                "The verifier behind {base} separates these pairs less well (AUC {:.3} against {:.3}{cost}): train one on your own \
                 pairs (`vetted train verifier`), and keep {base} for recall.",
                tiers.value, tuned.value
            ),
        }
    }
}

/// Where a change lies with its whole interval.
enum Direction {
    Loss,
    Gain,
    Unclear,
}

impl Direction {
    fn of(change: Difference) -> Direction {
        match change.interval {
            interval if interval.high < 0.0 => Direction::Loss,
            interval if interval.low > 0.0 => Direction::Gain,
            _ => Direction::Unclear,
        }
    }
}

impl Part {
    /// In a word or two.
    pub(super) fn describe(self) -> &'static str {
        match self {
            Part::Base => "the base, before fine-tuning",
            Part::Tuned => "fine-tuned",
            Part::TwoTier => "the untouched base for recall, and a verifier that reads what it finds",
        }
    }
}

/// What each figure is, for someone who meets it here.
pub(super) const GLOSSARY: [(&str, &str); 7] = [
    (
        "nDCG@10",
        "How good the first ten documents of a search are, from 0 to 1: right ones count more the higher they stand. Every \
         document is embedded whole, cut at the model's longest input, and search is exact.",
    ),
    (
        "change, interval, p",
        "The system's nDCG@10 minus the base's on the same queries. The interval is a 95 % bootstrap over queries; one that \
         excludes 0 is unlikely to be chance. p is that of the paired randomization test. The average counts every set the same.",
    ),
    (
        "near miss",
        "A text with almost the same words as another and a different meaning: roles exchanged, a negation, another number. A \
         match says the same, or follows.",
    ),
    (
        "pair AUC",
        "How often a match scores above a near miss; 0.5 is chance, 1 is perfect. Encoders are scored by the cosine of the two \
         texts' vectors, the two-tier system by the verifier's probability of a match, so their means are not comparable.",
    ),
    ("overlap", "The share of the two kinds of pairs that no threshold on the score can keep apart: 0 % is best."),
    (
        "mean similarity, anisotropy, effective rank",
        "The shape of the cloud of vectors of a sample of texts: the mean cosine of two unrelated texts, the share of the variance in \
         one direction, and how many dimensions are in use. Fewer dimensions and higher similarity leave less room to tell topics apart.",
    ),
    (
        "uniformity",
        "The logarithm of the mean of exp(-2 |x - y|²) over pairs: the lower, the more evenly vectors are spread.",
    ),
];
