//! The study's tables.

use super::{Effect, Encoder, Figure, Made, Separated, Study, Training, Verifier};
use crate::audit::tables::Table;
use vetted_evaluation::interval::{Bootstrap, Difference};
use vetted_evaluation::metrics::retrieval::mean;

impl Study {
    /// nDCG@10 by set, of the untouched model, A and B, and B against A.
    pub(super) fn retrieval(&self, effect: &Effect) -> Table {
        let Some(untouched) = self.untouched(&effect.base) else { return empty() };
        let [a, b] = self.models(effect);
        let row = |name: &str, difference: &Difference, queries: usize, of: &dyn Fn(&Encoder) -> f64| {
            let over_seeds =
                |models: &[&Encoder]| models.iter().map(|model| of(model)).sum::<f64>() / models.len() as f64;
            vec![
                format!("{name} (n = {queries})"),
                format!("{:.4}", of(untouched)),
                format!("{:.4}", over_seeds(&a)),
                format!("{:.4}", over_seeds(&b)),
                change(difference),
                p_value(difference.p_value),
            ]
        };
        let mut rows = Vec::new();
        for (name, difference) in &effect.b_against_a.by_set {
            let of = |encoder: &Encoder| ndcg(encoder, name);
            let queries = untouched.sets.iter().find(|set| set.name == *name).map_or(0, |set| set.ndcg.len());
            rows.push(row(name, difference, queries, &of));
        }
        let names: Vec<&String> = effect.b_against_a.by_set.iter().map(|(name, _)| name).collect();
        let average =
            |encoder: &Encoder| names.iter().map(|name| ndcg(encoder, name)).sum::<f64>() / names.len() as f64;
        rows.push(row("**average of the sets**", &effect.b_against_a.average, effect.b_against_a.queries, &average));
        Table { header: vec!["nDCG@10", "untouched", "A", "B", "B - A [95 %]", "p"], rows }
    }

    /// Every fine-tuned model against the untouched one, and every B against its A.
    pub(super) fn runs(&self, bootstrap: &Bootstrap) -> Table {
        let mut rows = Vec::new();
        for base in self.bases() {
            let Some(untouched) = self.untouched(base) else { continue };
            let average = |encoder: &Encoder| {
                let sets = encoder.sets.iter().map(|set| mean(&set.ndcg));
                sets.sum::<f64>() / encoder.sets.len() as f64
            };
            let name = format!("{base}, untouched");
            let [a, b, c, d, e] = [(); 5].map(|()| String::new());
            rows.push(vec![name, a, b, c, d, format!("{:.4}", average(untouched)), e]);
            for encoder in self.encoders.iter().filter(|encoder| encoder.base == base) {
                let Some(training) = encoder.training else { continue };
                let model = if training.share == 0.0 { "A" } else { "B" };
                rows.push(vec![
                    format!("{base}, {model}"),
                    format!("{:.2}", training.share),
                    format!("{} ({})", training.steps, training.taken),
                    format!("{:e}", training.rate),
                    training.seed.to_string(),
                    format!("{:.4}", average(encoder)),
                    super::effect::against(untouched, encoder, bootstrap).map(|d| change(&d)).unwrap_or_default(),
                ]);
            }
        }
        Table {
            header: vec!["model", "share", "A's steps (own)", "rate", "seed", "nDCG@10", "against untouched [95 %]"],
            rows,
        }
    }

    /// How the drop grows: a row for each share and number of steps.
    pub(super) fn curve(effects: &[Effect]) -> Table {
        let rows = effects.iter().map(|effect| {
            vec![
                effect.base.clone(),
                format!("{:.2}", effect.setting.share),
                effect.setting.steps.to_string(),
                format!("{:e}", effect.setting.rate),
                effect.b.by_seed.len().to_string(),
                change(&effect.a.average),
                change(&effect.b.average),
                change(&effect.b_against_a.average),
                percent(effect.b_against_a.relative()),
            ]
        });
        let header = vec![
            "model",
            "share",
            "steps",
            "rate",
            "seeds",
            "A - untouched",
            "B - untouched",
            "B - A [95 %]",
            "B - A, %",
        ];
        Table { header, rows: rows.collect() }
    }

    /// Areas under the ROC curve by kind of difference: untouched, A, B.
    pub(super) fn structure(&self, effect: &Effect) -> Table {
        let Some(untouched) = self.untouched(&effect.base) else { return empty() };
        let [a, b] = self.models(effect);
        let rows = untouched.structure.iter().map(|group| {
            let over_seeds = |models: &[&Encoder]| {
                let areas: Vec<f64> =
                    models.iter().filter_map(|model| Some(same(&model.structure, group)?.auc)).collect();
                format!("{:.3}", mean(&areas))
            };
            vec![group_name(group), n(group), area(group), over_seeds(&a), over_seeds(&b)]
        });
        Table { header: vec!["AUC of the cosine", "pairs", "untouched [95 %]", "A", "B"], rows: rows.collect() }
    }

    /// The shape of the vectors.
    pub(super) fn shapes(&self) -> Table {
        let rows =
            self.encoders.iter().filter(|encoder| encoder.training.is_none_or(|training| training.seed == 0)).map(
                |encoder| {
                    let shape = encoder.geometry;
                    let name = match encoder.training {
                        None => format!("{}, untouched", encoder.base),
                        Some(Training { share, steps, rate, .. }) => {
                            let model = if share == 0.0 { "A".to_owned() } else { format!("B, share {share:.2}") };
                            format!("{}, {model}, {steps} steps, rate {rate:e}", encoder.base)
                        }
                    };
                    vec![
                        name,
                        format!("{:.1} of {}", shape.effective_rank, shape.dimensions),
                        format!("{:.3}", shape.anisotropy),
                        format!("{:.3}", shape.mean_similarity),
                    ]
                },
            );
        let header = vec!["seed 0", "effective rank", "anisotropy", "mean cosine of two documents"];
        Table { header, rows: rows.collect() }
    }

    /// What scorers of pairs reach: a row each, a column for each source.
    pub(super) fn scorers(&self) -> Table {
        let sources = self.sources();
        let mut header = vec!["over the untouched base", "trained", "numbers", "µs a pair"];
        header.extend(sources.iter().map(|_| "AUC"));
        let mut rows =
            vec![[vec![String::new(); 4], sources.iter().map(|source| format!("**{source}**")).collect()].concat()];
        for verifier in &self.verifiers {
            let mut row = vec![
                verifier.name.clone(),
                made(verifier),
                verifier.parameters.to_string(),
                format!("{:.0}", verifier.microseconds),
            ];
            for source in &sources {
                let group =
                    verifier.structure.iter().find(|group| group.source == *source && group.phenomenon.is_none());
                row.push(group.map(area).unwrap_or_default());
            }
            rows.push(row);
        }
        Table { header, rows }
    }

    /// The same by kind of difference, for the pairs that the study made.
    pub(super) fn scorers_by_kind(&self, source: &str) -> Table {
        let Some(first) = self.verifiers.first() else { return empty() };
        let kinds: Vec<&Separated> =
            first.structure.iter().filter(|group| group.source == source && group.phenomenon.is_some()).collect();
        let rows = kinds.iter().map(|kind| {
            let areas = self.verifiers.iter().map(|verifier| {
                same(&verifier.structure, kind).map(|group| format!("{:.3}", group.auc)).unwrap_or_default()
            });
            [kind.phenomenon.clone().unwrap_or_default(), n(kind)].into_iter().chain(areas).collect()
        });
        let mut header = vec!["AUC", "pairs"];
        header.extend(self.verifiers.iter().map(|_| ""));
        let names = self.verifiers.iter().map(|verifier| match verifier.made {
            Made::Frozen { .. } => format!("**{}**, frozen", verifier.name),
            _ => format!("**{}**", verifier.name),
        });
        let names = [String::new(), String::new()].into_iter().chain(names).collect();
        Table { header, rows: std::iter::once(names).chain(rows).collect() }
    }

    /// Ways to search, side by side.
    pub(super) fn ways(&self) -> Table {
        let figure =
            |figure: Option<Figure>| figure.map(|figure| estimate(figure.value, figure.interval)).unwrap_or_default();
        let rows = self.fixes.iter().map(|fix| {
            vec![
                fix.set.clone(),
                fix.name.clone(),
                format!("{} (n = {})", figure(Some(fix.ndcg)), fix.ndcg.n),
                figure(fix.served),
                figure(fix.found),
                figure(fix.abstained),
                fix.served.map(|served| served.n.to_string()).unwrap_or_default(),
                format!("{:.0}", fix.milliseconds),
            ]
        });
        let header = vec![
            "set",
            "search",
            "nDCG@10 [95 %]",
            "near miss first",
            "right in 10",
            "abstained",
            "n planted",
            "ms p50",
        ];
        Table { header, rows: rows.collect() }
    }

    /// The models A and B of an effect, by seed.
    pub(super) fn models(&self, effect: &Effect) -> [Vec<&Encoder>; 2] {
        let settings = [effect.setting.without_structure(), effect.setting];
        let [a, b] = settings.map(|setting| self.tuned(&effect.base, setting));
        let with = |these: &[(&'_ Encoder, Training)], seed: u64| these.iter().any(|(_, other)| other.seed == seed);
        [
            a.iter().filter(|(_, training)| with(&b, training.seed)).map(|(encoder, _)| *encoder).collect(),
            b.iter().filter(|(_, training)| with(&a, training.seed)).map(|(encoder, _)| *encoder).collect(),
        ]
    }

    /// The sources of pairs that scorers were measured on, in their order.
    pub(super) fn sources(&self) -> Vec<String> {
        let groups = self.verifiers.first().map(|verifier| &verifier.structure[..]).unwrap_or_default();
        groups.iter().filter(|group| group.phenomenon.is_none()).map(|group| group.source.clone()).collect()
    }
}

/// The group of the same pairs among another scorer's.
pub(super) fn same<'a>(groups: &'a [Separated], wanted: &Separated) -> Option<&'a Separated> {
    groups.iter().find(|group| group.source == wanted.source && group.phenomenon == wanted.phenomenon)
}

pub(super) fn group_name(group: &Separated) -> String {
    match &group.phenomenon {
        None => format!("**{}**", group.source),
        Some(phenomenon) => format!("{}: {phenomenon}", group.source),
    }
}

/// What a scorer needed to be trained.
pub(super) fn made(verifier: &Verifier) -> String {
    match verifier.made {
        Made::Formula => "no".into(),
        Made::Frozen { visits } => format!("frozen, {visits} training pairs"),
        Made::EndToEnd { visits } => format!("end to end, {visits} training pairs"),
        Made::Shipped => "weights shipped that day".into(),
    }
}

/// A change with its interval; in bold where that leaves out 0.
pub(super) fn change(difference: &Difference) -> String {
    let (low, high) = (difference.interval.low, difference.interval.high);
    let text = format!("{:+.4} [{low:+.4}, {high:+.4}]", difference.mean);
    if low > 0.0 || high < 0.0 { format!("**{text}**") } else { text }
}

/// A part in percent, with its sign.
pub(super) fn percent(part: f64) -> String {
    format!("{:+.1} %", 100.0 * part)
}

fn ndcg(encoder: &Encoder, set: &str) -> f64 {
    encoder.sets.iter().find(|other| other.name == set).map_or(f64::NAN, |set| mean(&set.ndcg))
}

fn area(group: &Separated) -> String {
    estimate(group.auc, group.interval)
}

fn estimate(value: f64, interval: [f64; 2]) -> String {
    format!("{value:.3} [{:.3}, {:.3}]", interval[0], interval[1])
}

fn n(group: &Separated) -> String {
    (group.matches + group.near_misses).to_string()
}

fn p_value(p: f64) -> String {
    if p < 0.001 { "< 0.001".into() } else { format!("{p:.3}") }
}

fn empty() -> Table {
    Table { header: Vec::new(), rows: Vec::new() }
}
