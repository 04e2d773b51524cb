//! The report of `vetted eval retrieval`, as JSON and as text.

use std::time::Duration;

use vetted_evaluation::interval::Bootstrap;
use vetted_evaluation::metrics::retrieval::{Evaluation, Metric, evaluate, standard};
use vetted_evaluation::{Error, Qrels, Ranking, RetrievalReport, Run, RunReport};

/// Two queries; the run answers `found_first` of them with the relevant document first, the others second.
fn evaluation(k: usize, found_first: usize) -> Result<Evaluation, Error> {
    let (mut qrels, mut run) = (Qrels::default(), Run::new("tag"));
    for (index, query) in ["q1", "q2"].into_iter().enumerate() {
        qrels.insert(query, "good", 1)?;
        let good = if index < found_first { 2.0 } else { 0.5 };
        run.insert(query, Ranking::new([("good", good), ("bad", 1.0)])?);
    }
    evaluate(&standard(k.try_into().expect("k is not zero")), &qrels, &run)
}

fn report(k: usize) -> Result<RetrievalReport, Error> {
    let bootstrap = Bootstrap::default();
    let latencies: Vec<Duration> = (1..=21).map(Duration::from_millis).collect();
    let runs = vec![
        RunReport::new("dense", &evaluation(k, 1)?, &bootstrap, &latencies)?,
        RunReport::new("hybrid", &evaluation(k, 2)?, &bootstrap, &[])?,
    ];
    Ok(RetrievalReport { dataset: "bites".into(), split: "test".into(), n_queries: 2, runs })
}

#[test]
fn the_json_has_the_promised_shape() -> Result<(), Box<dyn std::error::Error>> {
    let ndcg = (1.0 + 1.0 / 3.0_f64.log2()) / 2.0;
    let low = 1.0 / 3.0_f64.log2();
    let expected = format!(
        concat!(
            r#"{{"dataset":"bites","split":"test","n_queries":2,"runs":["#,
            r#"{{"pipeline":"dense","ndcg@10":{ndcg},"mrr@10":0.75,"recall@50":1.0,"map@50":0.75,"#,
            r#""ci95":{{"ndcg@10":[{low},1.0],"mrr@10":[0.5,1.0],"recall@50":[1.0,1.0],"map@50":[0.5,1.0]}},"#,
            r#""ms_p50":11.0,"ms_p95":20.0}},"#,
            r#"{{"pipeline":"hybrid","ndcg@10":1.0,"mrr@10":1.0,"recall@50":1.0,"map@50":1.0,"#,
            r#""ci95":{{"ndcg@10":[1.0,1.0],"mrr@10":[1.0,1.0],"recall@50":[1.0,1.0],"map@50":[1.0,1.0]}},"#,
            r#""ms_p50":null,"ms_p95":null}}]}}"#,
        ),
        ndcg = ndcg,
        low = low,
    );
    assert_eq!(serde_json::to_string(&report(50)?)?, expected);
    Ok(())
}

#[test]
fn the_text_is_an_aligned_table() -> Result<(), Error> {
    let expected = "\
bites (test), 2 queries; below each mean, its 95 % interval

pipeline      ndcg@10       mrr@10   recall@100      map@100  ms p50  ms p95
dense          0.8155       0.7500       1.0000       0.7500   11.00   20.00
          0.631-1.000  0.500-1.000  1.000-1.000  0.500-1.000
hybrid         1.0000       1.0000       1.0000       1.0000       -       -
          1.000-1.000  1.000-1.000  1.000-1.000  1.000-1.000
";
    assert_eq!(report(100)?.to_string(), expected);
    Ok(())
}

#[test]
fn runs_with_other_metrics_get_a_header_of_their_own() -> Result<(), Error> {
    let mut report = report(100)?;
    report.runs.push(RunReport::new("bm25", &evaluation(50, 0)?, &Bootstrap::default(), &[])?);
    let text = report.to_string();
    assert_eq!(text.matches("pipeline").count(), 2, "{text}");
    assert!(text.contains("recall@100") && text.contains("recall@50"), "{text}");
    Ok(())
}

#[test]
fn runs_are_compared_over_the_same_queries_only() -> Result<(), Error> {
    let metric: Metric = "mrr@10".parse()?;
    let bootstrap = Bootstrap::default();
    let (worse, better) = (evaluation(100, 1)?, evaluation(100, 2)?);
    assert_eq!(better.difference_from(&worse, metric, &bootstrap)?.mean, 0.25);
    assert_eq!(worse.difference_from(&better, metric, &bootstrap)?.mean, -0.25);

    let not_evaluated = better.difference_from(&worse, "mrr@9".parse()?, &bootstrap);
    assert!(matches!(not_evaluated, Err(Error::NotEvaluated { .. })));
    let mut qrels = Qrels::default();
    qrels.insert("another", "good", 1)?;
    let other = evaluate(&[metric], &qrels, &Run::default())?;
    assert!(matches!(better.difference_from(&other, metric, &bootstrap), Err(Error::Unpaired { .. })));
    Ok(())
}
