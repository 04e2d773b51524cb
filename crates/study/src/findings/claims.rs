//! What the figures say, in sentences: each is made of the figures, and says so where they do not decide.

use super::tables::{group_name, percent, same};
use super::{ALL_PAIRS, Change, Effect, Encoder, Made, OWN_PAIRS, Separated, Setting, Study, Verifier};
use vetted_evaluation::Error;
use vetted_evaluation::interval::{Bootstrap, Interval};
use vetted_evaluation::metrics::retrieval::mean;

/// A claim of the paper (arXiv 2604.16351), and what became of it here.
pub(super) struct Claim {
    pub(super) claim: &'static str,
    pub(super) found: String,
}

/// A change of an area that is worth a word.
const NOTABLE: f64 = 0.03;

impl Study {
    /// Whether to fine-tune, in a few sentences.
    pub(super) fn verdict(&self, effects: &[Effect]) -> String {
        let main = self.bases().into_iter().find_map(|base| Study::main_effect(effects, base));
        let Some(main) = main else {
            return "**Not measured yet.** No encoder was trained with and without structural negatives.".into();
        };
        let (lost, due) = (&main.b, &main.b_against_a);
        let answer = match direction(lost) {
            Direction::Down => "**No: do not train your retriever for structure.**",
            Direction::Up => "**It did not hurt here.**",
            Direction::Undecided => "**Not decided here.**",
        };
        let change = format!(
            "Trained with structural negatives, {} changes its nDCG@10 by {} ({}; {} queries of {} sets, {})",
            main.base,
            relative(lost),
            absolute(lost),
            lost.queries,
            lost.by_set.len(),
            seeds(lost),
        );
        let cause = match direction(due) {
            Direction::Down => "it is the structural negatives that cost",
            Direction::Up => "structural negatives cost less than the rest of the training",
            Direction::Undecided => "what is lost is lost by training the encoder at all, as far as this run can tell",
        };
        let cause =
            format!("Against the same training without them it is {} ({}): {cause}.", relative(due), absolute(due));
        let gain = self.gained_elsewhere(main).map_or(String::new(), |[untouched, b]| {
            format!(
                " For that its cosine tells pairs that were not made like its training data apart with an AUC of {b:.3} instead of \
                 {untouched:.3} (mean over their sources; 0.5 is chance)."
            )
        });
        format!("{answer} {change}. {cause}{gain}")
    }

    /// Mean areas, untouched and of B, over the sources of pairs other than the study's own.
    fn gained_elsewhere(&self, effect: &Effect) -> Option<[f64; 2]> {
        let others = |encoder: &Encoder| overall(encoder.structure.iter().filter(|group| group.source != OWN_PAIRS));
        let [_, b] = self.models(effect);
        let b: Vec<f64> = b.into_iter().map(others).collect::<Option<_>>()?;
        Some([others(self.untouched(&effect.base)?)?, mean(&b)])
    }

    /// What to do instead, from the verifiers and the ways to search that were measured.
    pub(super) fn advice(&self) -> Vec<String> {
        let mut advice = Vec::new();
        let best_of = |wanted: fn(&Made) -> bool| {
            let of_all = |verifier: &&Verifier| overall(&verifier.structure).unwrap_or(f64::NAN);
            let candidates = self.verifiers.iter().filter(|verifier| wanted(&verifier.made));
            candidates.max_by(|a, b| of_all(a).total_cmp(&of_all(b))).map(|verifier| (verifier, of_all(&verifier)))
        };
        if let (Some((formula, low)), Some((trained, high))) =
            (best_of(|made| *made == Made::Formula), best_of(|made| *made != Made::Formula))
        {
            advice.push(format!(
                "Check results with a verifier instead: over the untouched encoder, {} ({}) tells matching pairs from near \
                 misses with an AUC of {high:.3}, the best formula ({}) with {low:.3} (mean over the sources of pairs).",
                trained.name,
                super::tables::made(trained),
                formula.name,
            ));
        }
        let sets: Vec<&str> = self.fixes.iter().map(|fix| fix.set.as_str()).fold(Vec::new(), |mut sets, set| {
            if !sets.contains(&set) {
                sets.push(set);
            }
            sets
        });
        for set in sets {
            let served = self.fixes.iter().filter(|fix| fix.set == set);
            let served: Vec<String> =
                served.filter_map(|fix| Some(format!("{} {:.0} %", fix.name, 100.0 * fix.served?.value))).collect();
            if !served.is_empty() {
                advice.push(format!(
                    "With near misses planted in {set}, this share of queries gets one as the first answer: {}.",
                    served.join(", ")
                ));
            }
        }
        advice
    }

    /// The paper's claims that these cells bear on.
    pub(super) fn claims(&self, effects: &[Effect], bootstrap: &Bootstrap) -> Result<Vec<Claim>, Error> {
        let mut claims = Vec::new();
        let mains: Vec<&Effect> = self.bases().iter().filter_map(|base| Study::main_effect(effects, base)).collect();
        for main in &mains {
            let one = |effect: &Effect| {
                let Setting { share, steps, rate } = effect.setting;
                format!(
                    "{} at a share of {share}, {steps} steps, rate {rate:e} ({})",
                    relative(&effect.b_against_a),
                    seeds(&effect.b_against_a)
                )
            };
            let change = &main.b_against_a;
            let below = change.by_set.iter().filter(|(_, change)| change.mean < 0.0).count();
            let by_seed = change.by_seed.iter().map(|change| format!("{change:+.4}")).collect::<Vec<_>>().join(", ");
            let others = effects.iter().filter(|effect| effect.base == main.base && effect.setting != main.setting);
            let others = others.map(|effect| format!("; {}", one(effect))).collect::<String>();
            let found = format!(
                "{} {}: {}, lower on {below} of {} sets, by seed {by_seed}{others}.",
                direction(change).of_a_loss(),
                main.base,
                one(main),
                change.by_set.len(),
            );
            claims.push(Claim { claim: "Structural negatives cost retrieval: 8 to 9 % of nDCG@10 on small encoders, up to 40 % on a mid-sized one", found });
        }
        if let [small, rest @ ..] = &mains[..] {
            for other in rest {
                let Some([a, b]) = self.same_setting(&small.base, other, bootstrap)? else { continue };
                let [[a_low, a_high], [b_low, b_high]] = [&a, &b].map(Change::relative_interval);
                let held = verdict(b_high < a_low, b_low > a_high);
                let found = format!(
                    "{held} {} {}, {} {}: trained alike, on the same {} sets.",
                    small.base,
                    relative(&a),
                    other.base,
                    relative(&b),
                    a.by_set.len()
                );
                claims.push(Claim { claim: "The mid-sized encoder loses more than the small one", found });
            }
        }
        for base in self.bases() {
            let Some(main) = Study::main_effect(effects, base) else { continue };
            let grows = |points: Vec<(f64, f64)>| {
                let list = points.iter().map(|(x, change)| format!("{x}: {change:+.4}")).collect::<Vec<_>>().join(", ");
                let falls = points.windows(2).all(|pair| pair[1].1 < pair[0].1);
                (points.len() > 1).then(|| format!("{} ({list}).", if falls { "Yes" } else { "Not at every point" }))
            };
            let at = main.setting;
            let of_base = || effects.iter().filter(|it| it.base == base && it.setting.rate == at.rate);
            let by_share = of_base().filter(|effect| effect.setting.steps == at.steps);
            let by_steps = of_base().filter(|effect| effect.setting.share == at.share);
            if let Some(found) = grows(by_share.map(|e| (e.setting.share, e.b_against_a.average.mean)).collect()) {
                claims.push(Claim {
                    claim: "The loss grows with the share of structural negatives",
                    found: format!("{base}: {found}"),
                });
            }
            if let Some(found) = grows(by_steps.map(|e| (e.setting.steps as f64, e.b_against_a.average.mean)).collect())
            {
                claims.push(Claim { claim: "The loss grows with training", found: format!("{base}: {found}") });
            }
            claims.push(Claim {
                claim: "B's cosines tell negation and spatial edits apart, hardly role swaps",
                found: self.gained(main),
            });
        }
        claims.extend(self.of_verifiers());
        Ok(claims)
    }

    /// By how much B's cosine separates better than A's, by kind.
    fn gained(&self, effect: &Effect) -> String {
        let [a, b] = self.models(effect);
        let Some(first) = b.first() else { return String::new() };
        let area = |models: &[&Encoder], group: &Separated| {
            mean(&models.iter().filter_map(|model| Some(same(&model.structure, group)?.auc)).collect::<Vec<_>>())
        };
        let mut gains: Vec<(String, f64, f64)> = first
            .structure
            .iter()
            .filter(|group| group.phenomenon.is_some())
            .map(|group| (group_name(group), area(&b, group) - area(&a, group), area(&b, group)))
            .collect();
        gains.sort_by(|x, y| y.1.total_cmp(&x.1));
        let list = |gains: &[(String, f64, f64)]| {
            let one = |(name, gain, reached): &(String, f64, f64)| format!("{name} {gain:+.3} to {reached:.3}");
            gains.iter().map(one).collect::<Vec<_>>().join("; ")
        };
        let most = 4.min(gains.len());
        let notable = gains.iter().filter(|gain| gain.1 > NOTABLE).count();
        format!(
            "{}: AUC rose by more than {NOTABLE} in {notable} of {} groups. Most: {}. Least: {}.",
            effect.base,
            gains.len(),
            list(&gains[..most]),
            list(&gains[gains.len() - most..]),
        )
    }

    fn of_verifiers(&self) -> Vec<Claim> {
        let mut claims = Vec::new();
        let formulas: Vec<String> = self
            .verifiers
            .iter()
            .filter(|verifier| verifier.made == Made::Formula)
            .filter_map(|verifier| Some(format!("{} {:.3}", verifier.name, overall(&verifier.structure)?)))
            .collect();
        if !formulas.is_empty() {
            claims.push(Claim {
                claim: "Formulas over token similarities give near misses almost the score of paraphrases",
                found: format!("Mean AUC over the sources of pairs (0.5 is chance): {}.", formulas.join(", ")),
            });
        }
        for frozen in self.verifiers.iter().filter(|verifier| matches!(verifier.made, Made::Frozen { .. })) {
            let end_to_end = self
                .verifiers
                .iter()
                .find(|other| other.name == frozen.name && matches!(other.made, Made::EndToEnd { .. }));
            if let Some((end_to_end, low, high)) =
                end_to_end.and_then(|other| Some((other, overall(&frozen.structure)?, overall(&other.structure)?)))
            {
                claims.push(Claim {
                    claim: "Readers of the map learn structure only end to end",
                    found: format!(
                        "{} {}: mean AUC {low:.3} frozen, {high:.3} end to end.",
                        verdict(high - low > NOTABLE, low - high > NOTABLE),
                        end_to_end.name
                    ),
                });
            }
        }
        claims
    }
}

/// Mean area over the sources, each counting the same.
fn overall<'a>(groups: impl IntoIterator<Item = &'a Separated>) -> Option<f64> {
    let sources = groups.into_iter().filter(|group| group.phenomenon.is_none() && group.source != ALL_PAIRS);
    let areas: Vec<f64> = sources.map(|group| group.auc).collect();
    (!areas.is_empty()).then(|| mean(&areas))
}

/// Whether an interval leaves out 0, and on which side.
enum Direction {
    Down,
    Up,
    Undecided,
}

impl Direction {
    fn of_a_loss(&self) -> &'static str {
        verdict(matches!(self, Direction::Down), matches!(self, Direction::Up))
    }
}

fn direction(change: &Change) -> Direction {
    match change.average.interval {
        Interval { high, .. } if high < 0.0 => Direction::Down,
        Interval { low, .. } if low > 0.0 => Direction::Up,
        _ => Direction::Undecided,
    }
}

/// A change in percent with its interval.
fn relative(change: &Change) -> String {
    let [low, high] = change.relative_interval().map(percent);
    format!("{} [{low}, {high}]", percent(change.relative()))
}

/// The same in nDCG@10.
fn absolute(change: &Change) -> String {
    let Interval { low, high } = change.average.interval;
    format!("{:+.4}, 95 % interval [{low:+.4}, {high:+.4}]", change.average.mean)
}

fn seeds(change: &Change) -> String {
    match change.by_seed.len() {
        1 => "1 seed".to_owned(),
        seeds => format!("{seeds} seeds"),
    }
}

fn verdict(held: bool, opposite: bool) -> &'static str {
    match (held, opposite) {
        (true, _) => "Held.",
        (_, true) => "The opposite was found.",
        _ => "Not decided.",
    }
}
