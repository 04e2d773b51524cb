//! The report of `vetted eval twins`.
//!
//! As JSON it is
//!
//! ```json
//! {"dataset": "scifact", "split": "test", "seed": 1, "documents": 5183, "twins": 270,
//!  "pipelines": [{"pipeline": "dense", "ndcg@10": 0.649, "ci95": {"ndcg@10": [0.6, 0.69]}, "ms_p50": 3.1, "ms_p95": 4.2,
//!    "forms": [{"form": "statement", "n": 270, "contamination@1": 0.48, "contamination@5": 0.97, "contamination@10": 0.99,
//!      "twin-above": 0.48, "original-found@10": 0.99, "abstained": 0.0, "reduction@1": null, "ci95": {"contamination@1": [0.42, 0.54]},
//!      "kinds": [{"kind": "negation", "n": 31, "contamination@1": 0.5, "ci95": {}}]}]}]}
//! ```
//!
//! `ndcg@10` is over the data set's own queries on the corpus without twins; `reduction@1` says by how much less
//! contamination@1 is than that of `dense`, where that was measured too. As text ([`Display`](fmt::Display)) it is tables.

use std::collections::BTreeMap;
use std::fmt;

use serde::Serialize;
use serde::ser::{SerializeMap, Serializer};
use vetted_evaluation::interval::{Bootstrap, Estimate, Interval};
use vetted_evaluation::metrics::twins::{Figure, Placement, reduction};
use vetted_evaluation::report::table;
use vetted_evaluation::{Error, RunReport};
use vetted_pairs::Kind;

use super::{Form, Planted};

/// How pipelines do in a corpus with near-miss twins.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct TwinsReport {
    /// The data set's name.
    pub dataset: String,
    /// Whose relevant documents have twins.
    pub split: String,
    /// The seed of the twins.
    pub seed: u64,
    /// Documents of the corpus, twins not counted.
    pub documents: usize,
    /// How many twins there are.
    pub twins: usize,
    /// One entry per pipeline.
    pub pipelines: Vec<PipelineReport>,
}

/// How one pipeline does.
#[derive(Debug, Clone, PartialEq)]
pub struct PipelineReport {
    /// Its name, its scores with the data set's own queries on the corpus without twins, and its milliseconds there.
    pub clean: RunReport,
    /// One entry for each form of which there are queries.
    pub forms: Vec<FormReport>,
}

/// How a pipeline answers queries of one form.
#[derive(Debug, Clone, PartialEq)]
pub struct FormReport {
    /// The form.
    pub form: Form,
    /// All kinds together.
    pub all: Figures,
    /// By how much less contamination@1 is than the baseline's.
    pub reduction: Option<Estimate>,
    /// By kind of edit.
    pub kinds: BTreeMap<Kind, Figures>,
}

/// The figures of a set of queries.
#[derive(Debug, Clone, PartialEq)]
pub struct Figures {
    /// How many queries.
    pub n: usize,
    /// [`Figure::ALL`], in order.
    pub estimates: [Estimate; Figure::ALL.len()],
}

impl PipelineReport {
    /// Sums up what a pipeline did with every query of `planted`, in their order; `baseline` is what `dense` did with them.
    ///
    /// # Errors
    /// [`Error::Unpaired`] if there are not as many placements as queries.
    pub fn new(
        clean: RunReport,
        planted: &Planted,
        placements: &[Placement],
        baseline: Option<&[Placement]>,
        bootstrap: &Bootstrap,
    ) -> Result<Self, Error> {
        let queries = planted.queries.len();
        for given in [Some(placements), baseline].into_iter().flatten() {
            if given.len() != queries {
                return Err(Error::Unpaired { baseline: queries, system: given.len() });
            }
        }
        let mut forms = Vec::new();
        for form in Form::ALL {
            let of = |kind: Option<Kind>, placements: &[Placement]| -> Vec<Placement> {
                let asked = planted.queries.iter().zip(placements).filter(|(query, _)| query.form == form);
                let fits = |query: &super::TwinQuery| kind.is_none_or(|k| planted.twins[query.twin].kind == k);
                asked.filter(|(query, _)| fits(query)).map(|(_, placement)| *placement).collect()
            };
            let own = of(None, placements);
            if own.is_empty() {
                continue;
            }
            let reduction = match baseline.map(|baseline| of(None, baseline)) {
                Some(baseline) => reduction(Figure::Contamination(1), &baseline, &own, bootstrap)?,
                None => None,
            };
            let mut kinds = BTreeMap::new();
            for kind in Kind::ALL {
                let own = of(Some(kind), placements);
                if !own.is_empty() {
                    kinds.insert(kind, Figures::new(&own, bootstrap)?);
                }
            }
            forms.push(FormReport { form, all: Figures::new(&own, bootstrap)?, reduction, kinds });
        }
        Ok(Self { clean, forms })
    }
}

impl Figures {
    fn new(placements: &[Placement], bootstrap: &Bootstrap) -> Result<Self, Error> {
        let none = Estimate { value: 0.0, ci95: Interval { low: 0.0, high: 0.0 } };
        let mut estimates = [none; Figure::ALL.len()];
        for (estimate, figure) in estimates.iter_mut().zip(Figure::ALL) {
            *estimate = figure.estimate(placements, bootstrap)?;
        }
        Ok(Self { n: placements.len(), estimates })
    }

    fn named(&self) -> impl Iterator<Item = (String, Estimate)> {
        Figure::ALL.into_iter().map(Figure::name).zip(self.estimates)
    }

    fn write_into<M: SerializeMap>(&self, map: &mut M) -> Result<(), M::Error> {
        map.serialize_entry("n", &self.n)?;
        self.named().try_for_each(|(name, estimate)| map.serialize_entry(&name, &estimate.value))
    }
}

impl Serialize for Figures {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        self.write_into(&mut map)?;
        map.serialize_entry("ci95", &intervals(self.named()))?;
        map.end()
    }
}

impl Serialize for FormReport {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("form", &self.form)?;
        self.all.write_into(&mut map)?;
        map.serialize_entry("reduction@1", &self.reduction.map(|reduction| reduction.value))?;
        let reduction = self.reduction.map(|reduction| ("reduction@1".to_owned(), reduction));
        map.serialize_entry("ci95", &intervals(self.all.named().chain(reduction)))?;
        #[derive(Serialize)]
        struct OfKind<'a> {
            kind: Kind,
            #[serde(flatten)]
            figures: &'a Figures,
        }
        let kinds: Vec<OfKind> = self.kinds.iter().map(|(kind, figures)| OfKind { kind: *kind, figures }).collect();
        map.serialize_entry("kinds", &kinds)?;
        map.end()
    }
}

impl Serialize for PipelineReport {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        #[derive(Serialize)]
        struct Joined<'a> {
            #[serde(flatten)]
            clean: &'a RunReport,
            forms: &'a [FormReport],
        }
        Joined { clean: &self.clean, forms: &self.forms }.serialize(serializer)
    }
}

fn intervals(named: impl Iterator<Item = (String, Estimate)>) -> serde_json::Map<String, serde_json::Value> {
    named.map(|(name, estimate)| (name, <[f64; 2]>::from(estimate.ci95).to_vec().into())).collect()
}

impl fmt::Display for TwinsReport {
    /// For each form a table of pipelines and one of kinds; then the scores without twins.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { dataset, split, seed, documents, twins, .. } = self;
        writeln!(f, "{dataset} ({split}), {documents} documents and {twins} twins of them (seed {seed})")?;
        for form in Form::ALL {
            let of_form = |report: &PipelineReport| report.forms.iter().position(|found| found.form == form);
            let measured: Vec<(&str, &FormReport)> = self
                .pipelines
                .iter()
                .filter_map(|report| Some((report.clean.pipeline.as_str(), &report.forms[of_form(report)?])))
                .collect();
            let Some((_, first)) = measured.first() else { continue };
            writeln!(f, "\n{}s, n = {}; below each share, its 95 % interval\n", form.name(), first.all.n)?;
            let titles = ["pipeline", "twin@1", "twin@5", "twin@10", "twin above", "found@10", "abstained", "less@1"];
            let rows = measured.iter().flat_map(|(name, report)| report.rows(name));
            let header = titles.map(ToOwned::to_owned).to_vec();
            f.write_str(&table::aligned(&std::iter::once(header).chain(rows).collect::<Vec<_>>()))?;
            writeln!(f, "\ntwin@1 by kind of edit\n")?;
            f.write_str(&table::aligned(&by_kind(&measured)))?;
        }
        writeln!(f, "\nthe data set's own queries on the corpus without twins\n")?;
        let runs: Vec<&RunReport> = self.pipelines.iter().map(|report| &report.clean).collect();
        f.write_str(&RunReport::table(&runs))
    }
}

impl FormReport {
    fn rows(&self, pipeline: &str) -> [Vec<String>; 2] {
        let estimates = || self.all.estimates.into_iter().map(Some).chain([self.reduction]);
        let value = |estimate: Option<Estimate>| estimate.map_or("-".to_owned(), |it| format!("{:.3}", it.value));
        let interval = |estimate: Option<Estimate>| {
            estimate.map_or(String::new(), |it| format!("{:.3}-{:.3}", it.ci95.low, it.ci95.high))
        };
        [
            std::iter::once(pipeline.to_owned()).chain(estimates().map(value)).collect(),
            std::iter::once(String::new()).chain(estimates().map(interval)).collect(),
        ]
    }
}

/// A line a kind, a column a pipeline.
fn by_kind(measured: &[(&str, &FormReport)]) -> Vec<Vec<String>> {
    let names = measured.iter().map(|(name, _)| (*name).to_owned());
    let header = ["kind", "n"].map(ToOwned::to_owned).into_iter().chain(names).collect();
    let Some((_, first)) = measured.first() else { return vec![header] };
    let row = |(kind, figures): (&Kind, &Figures)| -> Vec<String> {
        let shares = measured.iter().map(|(_, report)| {
            report.kinds.get(kind).map_or("-".to_owned(), |figures| format!("{:.3}", figures.estimates[0].value))
        });
        [kind.name().to_owned(), figures.n.to_string()].into_iter().chain(shares).collect()
    };
    std::iter::once(header).chain(first.kinds.iter().map(row)).collect()
}
