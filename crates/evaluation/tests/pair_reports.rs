//! The reports of `vetted eval pairs` and `vetted eval contrast`, as JSON and as text.

use std::error::Error as StdError;

use serde_json::{Value, json};
use vetted_evaluation::interval::Bootstrap;
use vetted_evaluation::metrics::contrast;
use vetted_evaluation::metrics::pairs::KeepRate;
use vetted_evaluation::pairs::Groups;
use vetted_evaluation::report::Scorer;
use vetted_evaluation::report::contrast as contrast_report;
use vetted_evaluation::report::pairs::{Output, ScorerReport, Scores, Thresholds};
use vetted_evaluation::{ContrastReport, Error, PairsReport};
use vetted_pairs::{Label, Pair, Relation};

/// Source, phenomenon and label of pairs, with a score.
const PAIRS: [(&str, &str, Label, f64); 9] = [
    ("bites", "role", Label::Match, 0.9),
    ("bites", "role", Label::NoMatch, 0.1),
    ("bites", "role", Label::Match, 0.8),
    ("bites", "role", Label::NoMatch, 0.2),
    ("bites", "tense", Label::Match, 0.4),
    ("bites", "tense", Label::Neutral, 0.5),
    ("med", "down", Label::Neutral, 0.6),
    ("med", "down", Label::Neutral, 0.3),
    ("med", "down", Label::Neutral, 0.2),
];

fn pairs() -> Vec<Pair> {
    let pair = |(source, phenomenon, label, _): (&str, &str, Label, f64)| Pair {
        label: Some(label),
        relation: if source == "med" { Relation::Support } else { Relation::Equivalence },
        source: source.to_owned(),
        phenomenon: phenomenon.to_owned(),
        ..Pair::new("candidate", "query")
    };
    PAIRS.into_iter().map(pair).collect()
}

fn scorer(name: &str) -> Scorer {
    Scorer { name: name.into(), params: 7, us_per_pair: 1.5 }
}

fn report(name: &str, output: Output, thresholds: Option<Thresholds>) -> Result<ScorerReport, Error> {
    let values = PAIRS.map(|(.., score)| score);
    let scores = Scores { values: &values, output, thresholds };
    let bootstrap = Bootstrap { resamples: 500.try_into().expect("not zero"), seed: 0 };
    ScorerReport::new(scorer(name), &Groups::new(&pairs())?, scores, KeepRate::default(), &bootstrap)
}

const THRESHOLDS: Option<Thresholds> = Some(Thresholds { support: 0.25, equivalence: 0.5 });

/// Intervals are tested elsewhere: here they become their number of ends.
fn without_intervals(mut report: Value) -> Value {
    let entries = |value: &mut Value| value.as_array_mut().map(std::mem::take).unwrap_or_default();
    let mut scorers = entries(&mut report["scorers"]);
    for scorer in &mut scorers {
        let mut groups = entries(&mut scorer["groups"]);
        for group in &mut groups {
            for (_, interval) in group["ci95"].as_object_mut().into_iter().flatten() {
                *interval = json!(interval.as_array().map(Vec::len));
            }
        }
        scorer["groups"] = Value::Array(groups);
    }
    report["scorers"] = Value::Array(scorers);
    report
}

#[test]
fn the_json_of_pairs_has_the_promised_shape() -> Result<(), Box<dyn StdError>> {
    let report = PairsReport { scorers: vec![report("cosine", Output::Similarity, THRESHOLDS)?] };
    let found = without_intervals(serde_json::to_value(&report)?);
    let expected = json!({"scorers": [{"name": "cosine", "params": 7, "us_per_pair": 1.5, "groups": [
        {"source": "bites", "phenomenon": null, "n": 5, "positives": 3, "skipped": 1,
         "auc": 1.0, "ap": 1.0, "accuracy": 0.8, "rejected@79": 1.0,
         "ci95": {"auc": 2, "ap": 2, "accuracy": 2, "rejected@79": 2}},
        {"source": "bites", "phenomenon": "role", "n": 4, "positives": 2,
         "auc": 1.0, "ap": 1.0, "accuracy": 1.0, "rejected@79": 1.0,
         "ci95": {"auc": 2, "ap": 2, "accuracy": 2, "rejected@79": 2}},
        {"source": "bites", "phenomenon": "tense", "n": 1, "positives": 1, "skipped": 1,
         "auc": null, "ap": null, "accuracy": null, "rejected@79": null, "accepted": 0.0, "ci95": {"accepted": 2}},
        {"source": "med", "phenomenon": null, "n": 3, "positives": 0,
         "auc": null, "ap": null, "accuracy": null, "rejected@79": null, "rejected": 1.0 / 3.0, "ci95": {"rejected": 2}},
        {"source": "med", "phenomenon": "down", "n": 3, "positives": 0,
         "auc": null, "ap": null, "accuracy": null, "rejected@79": null, "rejected": 1.0 / 3.0, "ci95": {"rejected": 2}},
    ]}]});
    assert_eq!(serde_json::to_string_pretty(&found)?, serde_json::to_string_pretty(&expected)?);
    Ok(())
}

#[test]
fn probabilities_are_calibrated_and_thresholds_optional() -> Result<(), Box<dyn StdError>> {
    let report = serde_json::to_value(report("verifier", Output::Probability, None)?)?;
    let (bites, med) = (&report["groups"][0], &report["groups"][3]);
    assert_eq!(bites["accuracy"], Value::Null);
    let brier = (0.1_f64.powi(2) * 2.0 + 0.2_f64.powi(2) * 2.0 + 0.6_f64.powi(2)) / 5.0;
    assert!((bites["brier"].as_f64().unwrap_or_default() - brier).abs() < 1e-12, "{bites}");
    assert!((bites["ece"].as_f64().unwrap_or_default() - 0.24).abs() < 1e-12, "{bites}");
    assert!(bites["ci95"]["brier"].is_array() && bites["ci95"].get("accuracy").is_none(), "{bites}");
    assert!(med.get("rejected").is_none() && med["ci95"] == json!({}), "{med}");
    Ok(())
}

#[test]
fn the_text_of_pairs_is_a_table_per_scorer() -> Result<(), Error> {
    let cosine = report("cosine", Output::Similarity, THRESHOLDS)?;
    let text = PairsReport { scorers: vec![cosine.clone()] }.to_string();
    let expected = "\
cosine, 7 parameters, 1.5 µs a pair; below a source's figures, their 95 % intervals

source   n  positives          auc           ap         accuracy  rejected@79
bites    5          3       1.0000       1.0000           0.8000       1.0000
                       1.000-1.000  1.000-1.000      0.376-0.964  1.000-1.000
  role   4          2       1.0000       1.0000           1.0000       1.0000
  tense  1          1            -            -  accepted 0.0000            -
med      3          0            -            -  rejected 0.3333            -
                                                     0.061-0.792
neutral pairs skipped: 1
";
    assert_eq!(text, expected);

    let verifier = report("verifier", Output::Probability, None)?;
    let both = PairsReport { scorers: vec![cosine, verifier] }.to_string();
    let comparison =
        "\nAUC by source\n\nsource  cosine  verifier\nbites   1.0000    1.0000\nmed          -         -\n";
    assert!(both.ends_with(comparison), "{both}");
    assert!(both.starts_with(&text) && both.contains("  brier     ece\n"), "{both}");
    Ok(())
}

#[test]
fn scores_must_fit_the_pairs() -> Result<(), Error> {
    let groups = Groups::new(&pairs())?;
    let outcome = |values: &[f64], output| {
        let scores = Scores { values, output, thresholds: None };
        ScorerReport::new(scorer("any"), &groups, scores, KeepRate::default(), &Bootstrap::default())
    };
    let mut values = PAIRS.map(|(.., score)| score);
    let missing = outcome(&values[1..], Output::Probability);
    assert!(matches!(missing, Err(Error::ScoreCount { expected: 9, got: 8, .. })), "{missing:?}");
    // The sixth pair is neutral and skipped, and its score is checked all the same.
    values[5] = 1.5;
    let improbable = outcome(&values, Output::Probability);
    assert!(matches!(improbable, Err(Error::NotAProbability { position: 6, .. })), "{improbable:?}");
    values[5] = f64::NAN;
    let not_a_number = outcome(&values, Output::Similarity);
    assert!(matches!(not_a_number, Err(Error::NotANumber { position: 6 })), "{not_a_number:?}");
    Ok(())
}

fn contrast_report() -> Result<ContrastReport, Error> {
    let scores = [[0.9, 0.1, 0.1, 0.9].into(), [0.9, 0.1, 0.9, 0.1].into()];
    let accuracy = contrast::evaluate(&scores, &Bootstrap::default())?;
    Ok(ContrastReport { scorers: vec![contrast_report::ScorerReport { scorer: scorer("f1"), accuracy }] })
}

#[test]
fn the_json_of_contrasts_has_the_promised_shape() -> Result<(), Box<dyn StdError>> {
    let mut report = serde_json::to_value(contrast_report()?)?;
    let wilson = report["scorers"][0]["ci95"]["pairwise_accuracy"].take();
    assert!((wilson[0].as_f64().unwrap_or_default() - 0.094_531).abs() < 1e-5, "{wilson}");
    let expected = json!({"scorers": [{"name": "f1", "params": 7, "us_per_pair": 1.5, "n": 2,
        "pairwise_accuracy": 0.5, "query_accuracy": 0.75,
        "ci95": {"pairwise_accuracy": null, "query_accuracy": [0.5, 1.0]}}]});
    assert_eq!(report.to_string(), expected.to_string());
    Ok(())
}

#[test]
fn the_text_of_contrasts_is_a_table() -> Result<(), Error> {
    let expected = "\
contrasts; pairwise: both queries rank right (chance 0.25); below each figure, its 95 % interval

scorer  contrasts     pairwise      queries  parameters  µs a pair
f1              2       0.5000       0.7500           7        1.5
                   0.095-0.905  0.500-1.000
";
    assert_eq!(contrast_report()?.to_string(), expected);
    Ok(())
}
