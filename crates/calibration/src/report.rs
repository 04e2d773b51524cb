//! What a calibration found, for people: the sentences and tables of the page. [`html`](Report::html) is the page, `Display` the
//! same as Markdown; serialized it is the page's JSON.

mod charts;
mod html;
mod markdown;

use serde::Serialize;

use crate::calibration::{Calibration, Missing, Promise, Side, Threshold};
use crate::measured::{Measured, OtherBound};
use crate::split::GroupedBy;

/// A calibration and what was measured on its test decisions.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Report {
    /// What goes into the file.
    pub calibration: Calibration,
    /// What the test decisions look like.
    pub measured: Measured,
}

/// A table of the page. The first column is words, the others are figures.
struct Table {
    header: Vec<&'static str>,
    rows: Vec<Vec<String>>,
}

/// What the words mean.
const GLOSSARY: [(&str, &str); 8] = [
    (
        "Promise",
        "It holds if the decisions to come are like those that were calibrated on: the same kind of texts, the same way of \
         finding candidates, the same share of matches. No statistics can promise that; `vetted drift` notices when it stops.",
    ),
    (
        "Confidence",
        "Whoever calibrates again and again on new data like this gets a threshold that keeps the bound in at least this part of \
         all cases.",
    ),
    (
        "Coverage",
        "The share of all decisions that is accepted. What the verifier could not read counts as not accepted.",
    ),
    ("Wrong", "Accepted although it does not match: a pair labelled 0 or N, or a logged decision with `right` false."),
    (
        "Development and test",
        "Weights are fitted, and the thresholds that may be chosen are laid out, on one part of the data; they are tested on the \
         rest, once. Decisions that share a text are on one side.",
    ),
    (
        "Expected calibration error",
        "How far probabilities are from what was so, on average: 0.02 means that of the decisions given 0.9, about 0.88 to 0.92 are \
         right.",
    ),
    (
        "P-CHR AUC",
        "The mean precision of a cache over all hit rates, whatever the threshold (arXiv 2606.19719). Its ceiling depends on the \
         share of matches, so compare the share of the ceiling.",
    ),
    (
        "ORR",
        "Operational retention: how much of the ranking's quality (PR-AUC) is left in a cache, where every query counts.",
    ),
];

impl Report {
    /// What may be accepted, in a sentence.
    pub fn verdict(&self) -> String {
        let of_accepted = self.promise();
        let all = &self.calibration.thresholds;
        match &all[..] {
            [only] => match &only.accept {
                Side::Threshold(it) => {
                    format!("Accept from a probability of {} up: {of_accepted}. {}", shown(it.probability), covered(it))
                }
                Side::Nothing(missing) => format!("Accept nothing: {}", wanting(missing, &of_accepted)),
            },
            _ => {
                let some = all.iter().filter(|it| it.accept.threshold().is_some()).count();
                match some {
                    0 => format!(
                        "Accept nothing: in none of the {} segments can it be shown that {of_accepted}.",
                        all.len()
                    ),
                    _ => {
                        format!("Accept by segment, in {some} of {}: {of_accepted}, in all of them at once.", all.len())
                    }
                }
            }
        }
    }

    /// What is promised, as the second half of a sentence.
    fn promise(&self) -> String {
        match self.calibration.promise {
            Promise::Accepted { accept, .. } => format!(
                "of what is accepted, at most {} is wrong, with {} confidence",
                percent(accept.rate()),
                percent(accept.confidence())
            ),
            Promise::Marginal { accept, .. } => {
                format!("of all decisions, at most {} is accepted and wrong, on average", percent(accept))
            }
        }
    }

    /// What else is to be known, a sentence each.
    fn remarks(&self) -> Vec<String> {
        let Calibration { data, thresholds, score, .. } = &self.calibration;
        let mut remarks = Vec::new();
        for it in thresholds {
            let of = it.segment.as_ref().map(|name| format!(" in {name}")).unwrap_or_default();
            match &it.reject {
                Some(Side::Threshold(reject)) => remarks.push(format!(
                    "Reject{of} up to a probability of {}: {} of {} decisions there were right after all. Abstain between.",
                    shown(reject.probability),
                    grouped(reject.wrong),
                    grouped(reject.beyond)
                )),
                Some(Side::Nothing(missing)) => {
                    remarks.push(format!("Reject nothing{of}: {}", wanting(missing, "the bound holds")));
                }
                None => {}
            }
            if let (Some(name), Side::Nothing(missing)) = (&it.segment, &it.accept) {
                remarks.push(format!("Accept nothing in {name}: {}", wanting(missing, "the bound holds")));
            }
        }
        if let [alone, all] = &self.measured.fits[..] {
            let kept = if all.kept { all } else { alone };
            let other = if all.kept { alone } else { all };
            remarks.push(format!(
                "The score is made of {}: log loss {:.4} on decisions that it was not fitted on, against {:.4} of {}.{}",
                kept.features.join(", "),
                kept.log_loss,
                other.log_loss,
                other.features.join(", "),
                if all.kept { "" } else { " More features were not clearly better." }
            ));
        }
        if data.repeated > 0 {
            remarks.push(format!("{} decisions say the same as another and were left out.", grouped(data.repeated)));
        }
        if data.unverified > 0 {
            remarks.push(format!(
                "On {} decisions the verifier gave no verdict: they are never accepted, and count as not covered.",
                grouped(data.unverified)
            ));
        }
        if data.groups < data.decisions * 4 / 5 || data.grouped_by != GroupedBy::Texts {
            let consequence = match data.groups < data.decisions / 2 {
                true => "the promise is much bolder than it says: label pairs about more texts",
                false => "the promise is a little bolder than it says",
            };
            let what = match data.grouped_by {
                GroupedBy::Texts => "text",
                GroupedBy::FirstText => "candidate (queries they share all over)",
                GroupedBy::LastText => "query (candidates they share all over)",
                GroupedBy::Nothing => "pair of texts (single ones they share all over)",
            };
            remarks.push(format!(
                "The {} decisions are {} groups that share no {what}, the largest of {}. What shares a text is not independent, so \
                 that {consequence}.",
                grouped(data.decisions),
                grouped(data.groups),
                grouped(data.largest_group)
            ));
        }
        if score.features.iter().any(|it| it.weight < 0.0 && it.name == "match") {
            remarks.push("Here a match by the verifier speaks against acceptance: look at the labels.".into());
        }
        remarks
    }

    fn thresholds(&self) -> Table {
        let rejects = self.calibration.thresholds.iter().any(|it| it.reject.is_some());
        let mut header = vec!["segment", "test decisions", "accept from", "accepted", "coverage", "wrong", "at most"];
        if rejects {
            header.extend(["reject up to", "rejected", "of them right", "at most"]);
        }
        let side = |side: &Side| match side {
            Side::Threshold(it) => [
                shown(it.probability),
                grouped(it.beyond),
                format!(
                    "{} ({} to {})",
                    percent(it.coverage.share),
                    percent(it.coverage.low),
                    percent(it.coverage.high)
                ),
                grouped(it.wrong),
                percent(it.upper),
            ],
            Side::Nothing(missing) => {
                let more =
                    missing.more.map_or("no number would do".into(), |more| format!("about {} more", about(more)));
                ["never".into(), "0".into(), more, "-".into(), "-".into()]
            }
        };
        let rows = self.calibration.thresholds.iter().map(|it| {
            let mut row = vec![it.segment.clone().unwrap_or_else(|| "all".into()), grouped(it.decisions)];
            row.extend(side(&it.accept));
            if rejects {
                let [from, beyond, _, wrong, upper] = it.reject.as_ref().map(side).unwrap_or_default();
                row.extend([from, beyond, wrong, upper]);
            }
            row
        });
        Table { header, rows: rows.collect() }
    }

    fn other_bounds(&self) -> Table {
        let row = |OtherBound { rate, coverage, missing }: &OtherBound| {
            let wanting = match (coverage, missing) {
                (Some(_), _) => "nothing".to_owned(),
                (None, Some(Missing { more: Some(more), .. })) => format!("about {} more", about(*more)),
                (None, _) => "no number would do".to_owned(),
            };
            vec![percent(*rate), coverage.map_or("none".into(), percent), wanting]
        };
        let header = vec!["at most wrong", "coverage", "labelled decisions missing"];
        Table { header, rows: self.measured.other_bounds.iter().map(row).collect() }
    }

    fn ranking(&self) -> Table {
        let Measured { operational, expected_calibration_error, brier, .. } = &self.measured;
        let optional = |value: Option<f64>| value.map_or("-".into(), |value| format!("{value:.3}"));
        let rows = [
            ("share of matches", percent(operational.matches)),
            ("AUC: right above wrong", optional(operational.auc)),
            ("P-CHR AUC", format!("{:.3}", operational.p_chr_auc)),
            ("its ceiling", format!("{:.3}", operational.ceiling)),
            ("of the ceiling", percent(operational.of_ceiling)),
            ("PR-AUC", optional(operational.pr_auc)),
            ("ORR", optional(operational.operational_retention)),
            ("expected calibration error", format!("{expected_calibration_error:.3}")),
            ("Brier score", format!("{brier:.3}")),
        ];
        let rows = rows.into_iter().map(|(name, value)| vec![name.to_owned(), value]).collect();
        Table { header: vec!["figure", "on the test decisions"], rows }
    }

    fn features(&self) -> Table {
        let score = &self.calibration.score;
        let mut rows: Vec<Vec<String>> = score
            .features
            .iter()
            .map(|it| vec![it.name.clone(), format!("{:+.3}", it.weight), format!("{:+.3}", it.of_deviation)])
            .collect();
        rows.push(vec!["(constant)".into(), format!("{:+.3}", score.intercept), "-".into()]);
        Table { header: vec!["feature", "log-odds for 1", "for one standard deviation"], rows }
    }

    fn origin(&self) -> Table {
        let Calibration { made, relation, verifier, encoder, data, .. } = &self.calibration;
        let model = |model: &Option<crate::Model>| match model {
            Some(it) => format!("{} ({}, {})", it.name, it.precision, short(&it.sha256)),
            None => "none".into(),
        };
        let rows = [
            ("made by", format!("vetted {}, {}", made.vetted, made.date)),
            ("relation", relation.name().to_owned()),
            ("verifier", model(verifier)),
            ("encoder", model(encoder)),
            ("data", short(&data.sha256)),
            ("decisions", format!("{}, {} of them right", grouped(data.decisions), grouped(data.right))),
            (
                "division",
                format!(
                    "{} for development, {} for the test ({})",
                    grouped(data.development),
                    grouped(data.test),
                    short(&data.split_sha256)
                ),
            ),
        ];
        let rows = rows.into_iter().map(|(name, value)| vec![name.to_owned(), value]).collect();
        Table { header: vec!["what", "which"], rows }
    }
}

fn covered(it: &Threshold) -> String {
    format!(
        "That covers {} of all decisions ({} to {}). In the test {} were accepted, {} of them wrong.",
        percent(it.coverage.share),
        percent(it.coverage.low),
        percent(it.coverage.high),
        grouped(it.beyond),
        grouped(it.wrong)
    )
}

fn wanting(missing: &Missing, promise: &str) -> String {
    let Missing { decisions, fewest, more } = missing;
    let shortly = match decisions < fewest {
        true => format!(
            "to show that {promise} takes at least {} decisions to test on, and there are {}.",
            grouped(*fewest),
            grouped(*decisions)
        ),
        false => format!("for no threshold could it be shown that {promise}."),
    };
    match more {
        Some(more) => {
            format!("{shortly} About {} more labelled decisions would do, if they are like these.", about(*more))
        }
        None => format!("{shortly} More decisions like these would not help: even of the surest, too many are wrong."),
    }
}

fn short(sha256: &str) -> String {
    format!("{}...", sha256.get(..12).unwrap_or(sha256))
}

/// A share in per cent, with as many digits as it takes.
fn percent(share: f64) -> String {
    let percent = 100.0 * share;
    let digits = match percent {
        _ if (percent - percent.round()).abs() < 1e-9 => 0,
        percent if percent < 1.0 => 2,
        _ => 1,
    };
    format!("{percent:.digits$} %")
}

/// A probability, with more digits near 1 and 0.
fn shown(probability: f64) -> String {
    let edge = probability.min(1.0 - probability);
    let digits = if edge < 1e-4 {
        6
    } else if edge < 0.01 {
        4
    } else {
        3
    };
    format!("{probability:.digits$}")
}

/// An estimate, rounded up to two digits.
fn about(count: u64) -> String {
    let unit = 10u64.pow(count.max(1).ilog10().saturating_sub(1));
    grouped(count.div_ceil(unit) * unit)
}

/// A count with commas.
fn grouped(count: u64) -> String {
    let digits = count.to_string();
    let mut text = String::new();
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_written_as_people_read_them() {
        assert_eq!([0, 999, 1000, 1_234_567].map(grouped), ["0", "999", "1,000", "1,234,567"]);
        assert_eq!([0, 7, 99, 101, 54_879].map(about), ["0", "7", "99", "110", "55,000"]);
        assert_eq!([0.01, 0.005, 0.4217, 0.0, 1.0].map(percent), ["1 %", "0.50 %", "42.2 %", "0 %", "100 %"]);
        assert_eq!([0.87654, 0.99876, 0.0000123].map(shown), ["0.877", "0.9988", "0.000012"]);
    }
}
