//! What must hold of every metric on every ranking.

use std::collections::BTreeMap;

use proptest::prelude::*;
use vetted_evaluation::metrics::retrieval::{Evaluation, Metric, evaluate};
use vetted_evaluation::{Error, Qrels, Ranking, Run};

const NAMES: [&str; 6] = ["ndcg", "mrr", "recall", "map", "precision", "success"];

/// Every metric at a cutoff, on one query.
fn scores(grades: &BTreeMap<String, i32>, scored: &[(String, f32)], k: usize) -> Result<Vec<f64>, Error> {
    let mut qrels = Qrels::default();
    for (document, grade) in grades {
        qrels.insert("q", document, *grade)?;
    }
    let mut run = Run::new("tag");
    run.insert("q", Ranking::new(scored.iter().cloned())?);
    let metrics = NAMES.iter().map(|name| format!("{name}@{k}").parse()).collect::<Result<Vec<Metric>, Error>>()?;
    let evaluation: Evaluation = evaluate(&metrics, &qrels, &run)?;
    Ok(metrics.iter().filter_map(|metric| evaluation.mean(*metric)).collect())
}

fn document() -> impl Strategy<Value = String> {
    (0..20_u8).prop_map(|number| format!("d{number}"))
}

fn judged() -> impl Strategy<Value = BTreeMap<String, i32>> {
    prop::collection::btree_map(document(), -1..4_i32, 1..12)
}

/// Documents with scores, each document once; ties, infinities and NaN included.
fn scored() -> impl Strategy<Value = Vec<(String, f32)>> {
    let score = prop_oneof![4 => (0..4_u8).prop_map(f32::from), 4 => -1.0..1.0_f32, 1 => prop::num::f32::ANY];
    prop::collection::btree_map(document(), score, 0..20).prop_map(|scored| scored.into_iter().collect())
}

proptest! {
    #[test]
    fn scores_are_between_zero_and_one(grades in judged(), scored in scored(), k in 1..25_usize) {
        for (name, score) in NAMES.iter().zip(scores(&grades, &scored, k)?) {
            prop_assert!((0.0..=1.0 + 1e-12).contains(&score), "{name}@{k} is {score}");
        }
    }

    #[test]
    fn the_order_in_which_hits_are_given_does_not_count(
        grades in judged(),
        (scored, shuffled) in scored().prop_flat_map(|scored| (Just(scored.clone()), Just(scored).prop_shuffle())),
        k in 1..25_usize,
    ) {
        prop_assert_eq!(scores(&grades, &scored, k)?, scores(&grades, &shuffled, k)?);
    }

    #[test]
    fn the_ideal_ranking_scores_one(grades in judged(), k in 1..25_usize) {
        let relevant = grades.values().filter(|grade| **grade >= 1).count();
        prop_assume!(relevant > 0);
        let ideal: Vec<_> = grades.iter().map(|(document, grade)| (document.clone(), *grade as f32)).collect();
        let within = relevant.min(k) as f64;
        let share = within / relevant as f64;
        let expected = [1.0, 1.0, share, share, within / k as f64, 1.0];
        for ((name, score), expected) in NAMES.iter().zip(scores(&grades, &ideal, k)?).zip(expected) {
            prop_assert!((score - expected).abs() < 1e-12, "{name}@{k} is {score}, not {expected}");
        }
    }

    #[test]
    fn moving_a_best_document_to_the_top_never_lowers_a_score(
        grades in judged(),
        mut scored in scored(),
        k in 1..25_usize,
    ) {
        let best = grades.iter().max_by_key(|(_, grade)| **grade).map(|(document, _)| document.clone());
        let best = best.unwrap_or_default();
        prop_assume!(grades.get(&best) >= Some(&1));
        scored.iter_mut().for_each(|(_, score)| *score = score.clamp(-1e30, 1e30));
        let before = scores(&grades, &scored, k)?;
        scored.retain(|(document, _)| *document != best);
        scored.push((best, f32::INFINITY));
        let after = scores(&grades, &scored, k)?;
        for ((name, before), after) in NAMES.iter().zip(before).zip(after) {
            prop_assert!(after >= before - 1e-12, "{name}@{k} fell from {before} to {after}");
        }
    }

    #[test]
    fn documents_beyond_the_cutoff_do_not_count(grades in judged(), scored in scored(), k in 1..25_usize) {
        let first: Vec<_> =
            Ranking::new(scored.iter().cloned())?.hits().iter().take(k).map(|hit| (hit.document.clone(), hit.score)).collect();
        prop_assert_eq!(scores(&grades, &scored, k)?, scores(&grades, &first, k)?);
    }

    #[test]
    fn looking_deeper_never_lowers_recall_like_metrics(grades in judged(), scored in scored(), k in 1..25_usize) {
        let (shallow, deep) = (scores(&grades, &scored, k)?, scores(&grades, &scored, k + 1)?);
        for (index, name) in NAMES.iter().enumerate().filter(|(_, name)| !["ndcg", "precision"].contains(name)) {
            prop_assert!(deep[index] >= shallow[index], "{name}@{k}");
        }
    }

    #[test]
    fn runs_survive_being_written_and_read(rankings in prop::collection::btree_map("[a-zé]{1,3}", scored(), 0..4)) {
        let mut run = Run::new("tag");
        for (query, scored) in rankings {
            // The format cannot hold a query without hits, and a NaN differs from itself.
            let scored: Vec<_> = scored.into_iter().filter(|(_, score)| !score.is_nan()).collect();
            if !scored.is_empty() {
                run.insert(query, Ranking::new(scored)?);
            }
        }
        prop_assume!(run.iter().len() > 0);
        let folder = tempfile::tempdir()?;
        let path = folder.path().join("run.trec");
        run.save(&path)?;
        prop_assert_eq!(Run::read(&path)?, run);
    }
}
