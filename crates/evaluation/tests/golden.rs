//! Agreement with `trec_eval`, on values that `tests/golden/trec_eval.py` had it compute.

use std::collections::{BTreeMap, BTreeSet};

use serde::Deserialize;
use vetted_evaluation::metrics::retrieval::{Metric, evaluate};
use vetted_evaluation::{Qrels, Ranking, Run};

#[derive(Deserialize)]
struct Golden {
    cases: Vec<Case>,
}

#[derive(Deserialize)]
struct Case {
    name: String,
    qrels: BTreeMap<String, BTreeMap<String, i32>>,
    run: BTreeMap<String, BTreeMap<String, f64>>,
    /// Metric, then scores in the order of the sorted queries.
    expected: BTreeMap<String, Vec<f64>>,
}

#[test]
fn every_score_agrees_with_trec_eval() {
    let golden: Golden = serde_json::from_str(include_str!("golden/trec_eval.json")).expect("the golden file is JSON");
    let mut compared = 0;
    for case in &golden.cases {
        let (qrels, run) = (qrels_of(case), run_of(case));
        for (name, expected) in &case.expected {
            let metric: Metric = name.parse().expect("the script uses our names");
            let evaluation = evaluate(&[metric], &qrels, &run).expect("there are queries");
            let scores = evaluation.per_query(metric).expect("it was asked for");
            assert_eq!(scores.len(), expected.len());
            for ((query, score), expected) in evaluation.queries().iter().zip(scores).zip(expected) {
                let at = format!("{}: {name} of {query}", case.name);
                assert!((score - expected).abs() < 1e-6, "{at} is {score}, trec_eval says {expected}");
                compared += 1;
            }
        }
    }
    let distinct: BTreeSet<String> =
        golden.cases.iter().flat_map(|case| case.expected.values().flatten()).map(ToString::to_string).collect();
    assert!(compared > 1000 && distinct.len() > 100, "{compared} values, {} distinct, are no test", distinct.len());
}

fn qrels_of(case: &Case) -> Qrels {
    let mut qrels = Qrels::default();
    for (query, grades) in &case.qrels {
        for (document, grade) in grades {
            qrels.insert(query, document, *grade).expect("one grade each");
        }
    }
    qrels
}

fn run_of(case: &Case) -> Run {
    let mut run = Run::new("golden");
    for (query, scores) in &case.run {
        let scored = scores.iter().map(|(document, score)| (document, *score as f32));
        run.insert(query, Ranking::new(scored).expect("one score each"));
    }
    run
}
