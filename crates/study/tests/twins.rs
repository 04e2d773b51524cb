//! Twins on a small corpus, their metrics on every ranking, and chains on every mix of outcomes.

use std::collections::BTreeSet;
use std::fs;

use proptest::prelude::*;
use vetted_corpus::Document;
use vetted_evaluation::interval::Bootstrap;
use vetted_evaluation::metrics::cascade::{chances, steps};
use vetted_evaluation::metrics::twins::{Answer, Figure, Outcome, Placement, reduction};
use vetted_evaluation::{Dataset, RunReport};
use vetted_pairs::Kind;
use vetted_study::twins::report::PipelineReport;
use vetted_study::twins::{Form, Options, Planted, plant};
use vetted_study::{CascadeReport, TwinsReport};

fn corpus() -> Vec<Document> {
    [
        ("mill", "Anna Berg sold the old mill to Emil Falk in 1921. The roof had fallen in long before."),
        ("nurse", "The young nurse visited the old doctor before the war. Nobody wrote down what they talked about."),
        (
            "bridge",
            "The council closed the narrow bridge in 1954. Twelve lorries were stopped at the northern gate that day.",
        ),
        (
            "museum",
            "Clara Lind founded the small museum in 1911. Visitors came from the whole valley and paid two crowns.",
        ),
        ("gate", "They left. However, nobody came."),
    ]
    .map(|(id, text)| Document { id: id.into(), text: text.into(), ..Document::default() })
    .to_vec()
}

#[test]
fn a_twin_differs_in_one_sentence_and_its_queries_are_neither() {
    let documents = corpus();
    let planted = plant(&documents, &Options::default());
    assert_eq!(planted.twins.len(), 4, "one of each document but the one without a sentence that reads alone");
    for twin in &planted.twins {
        let original =
            documents.iter().find(|document| document.id == twin.original).expect("a document of the corpus");
        assert!(original.text.contains(&twin.sentence) && twin.sentence != twin.edited);
        assert_eq!(twin.document.text, original.text.replacen(&twin.sentence, &twin.edited, 1));
        assert_eq!(twin.document.id, format!("{}~twin", twin.original));
    }
    let statements = planted.queries.iter().filter(|query| query.form == Form::Statement).count();
    assert_eq!(statements, 4);
    assert!(planted.queries.len() > 4, "some sentences can be asked for");
    for query in &planted.queries {
        let twin = &planted.twins[query.twin];
        assert!(query.text != twin.sentence && query.text != twin.edited);
        assert_eq!(query.text.ends_with('?'), query.form == Form::Question, "{query:?}");
    }
}

#[test]
fn the_seed_decides_and_the_order_of_documents_does_not() {
    let mut documents = corpus();
    let options = |seed| Options { seed, ..Options::default() };
    let planted = plant(&documents, &options(3));
    documents.reverse();
    assert_eq!(plant(&documents, &options(3)), planted);
    assert!((4..12).any(|seed| plant(&documents, &options(seed)) != planted));
    let only = Options { kinds: vec![Kind::Negation], twins: 2, ..Options::default() };
    let negations = plant(&documents, &only);
    assert_eq!(negations.twins.len(), 2);
    assert!(negations.twins.iter().all(|twin| twin.kind == Kind::Negation), "{negations:?}");
    assert_eq!(plant(&documents, &Options { first_words: Some(3), ..Options::default() }), Planted::default());
}

#[test]
fn what_is_written_is_a_data_set() -> Result<(), Box<dyn std::error::Error>> {
    let planted = plant(&corpus(), &Options::default());
    let folder = tempfile::tempdir()?;
    let source = folder.path().join("source.jsonl");
    let lines: Vec<String> = corpus().iter().map(serde_json::to_string).collect::<Result<_, _>>()?;
    fs::write(&source, lines.join("\n"))?;
    let out = folder.path().join("planted");
    planted.write(&source, &out)?;
    let dataset = Dataset::load(&out, "test")?;
    assert_eq!(dataset.queries.len(), planted.queries.len());
    let read = vetted_corpus::read(std::slice::from_ref(&dataset.corpus), &vetted_corpus::ReadOptions::default());
    let documents: Vec<Document> = read.collect::<Result<_, _>>()?;
    let ids: BTreeSet<&str> = documents.iter().map(|document| document.id.as_str()).collect();
    assert_eq!((documents.len(), ids.len()), (9, 9));
    assert!(dataset.missing_documents(|id| ids.contains(id)).is_none());
    for (_, judged) in dataset.qrels.iter() {
        assert_eq!(judged.iter().map(|(_, grade)| grade).sum::<i32>(), 1, "the original, and not the twin");
    }
    assert_eq!(fs::read_to_string(out.join("twins.jsonl"))?.lines().count(), 4);
    Ok(())
}

/// Original first for even queries, the twin first for odd ones; a verifier removes the twins.
fn placements(n: usize, verified: bool) -> Vec<Placement> {
    let place = |index: usize| {
        let ranking: &[&str] = match (verified, index.is_multiple_of(2)) {
            (true, _) => &["d", "x"],
            (false, true) => &["d", "d~twin", "x"],
            (false, false) => &["d~twin", "x", "d"],
        };
        let ranking = ranking.iter().map(|id| (*id).to_owned()).collect();
        Placement::of(&Answer { ranking, acted_on: Some(0) }, "d", "d~twin")
    };
    (0..n).map(place).collect()
}

#[test]
fn reports_say_what_happened() -> Result<(), Box<dyn std::error::Error>> {
    let planted = plant(&corpus(), &Options::default());
    let (dense, vetted) = (placements(planted.queries.len(), false), placements(planted.queries.len(), true));
    let clean =
        |pipeline: &str| RunReport { pipeline: pipeline.into(), scores: Vec::new(), ms_p50: None, ms_p95: None };
    let bootstrap = Bootstrap { resamples: 200.try_into()?, ..Bootstrap::default() };
    let report = TwinsReport {
        dataset: "mills".into(),
        split: "test".into(),
        seed: 1,
        documents: 5,
        twins: 4,
        pipelines: vec![
            PipelineReport::new(clean("dense"), &planted, &dense, None, &bootstrap)?,
            PipelineReport::new(clean("vetted"), &planted, &vetted, Some(&dense), &bootstrap)?,
        ],
    };
    let json = serde_json::to_value(&report)?;
    let (dense_form, vetted_form) = (&json["pipelines"][0]["forms"][0], &json["pipelines"][1]["forms"][0]);
    assert_eq!((&dense_form["form"], &dense_form["n"]), (&"statement".into(), &4.into()));
    assert_eq!((&dense_form["contamination@5"], &dense_form["reduction@1"]), (&1.0.into(), &serde_json::Value::Null));
    assert_eq!((&vetted_form["contamination@1"], &vetted_form["reduction@1"]), (&0.0.into(), &1.0.into()));
    assert_eq!(vetted_form["ci95"]["reduction@1"].as_array().map(Vec::len), Some(2));
    let by_kind =
        dense_form["kinds"].as_array().expect("kinds").iter().map(|kind| kind["n"].as_u64().expect("n")).sum::<u64>();
    assert_eq!(by_kind, 4);
    let text = report.to_string();
    assert!(text.contains("statements, n = 4") && text.contains("twin@1 by kind of edit"), "{text}");

    let pipelines = [("dense".to_owned(), dense), ("vetted".to_owned(), vetted)];
    let cascade = CascadeReport::new(("mills", "test", 1), &planted, &pipelines, 3, &bootstrap)?;
    let json = serde_json::to_value(&cascade)?;
    assert_eq!(json["forms"][0]["pipelines"][1]["steps"][2]["success"], 1.0);
    assert!(cascade.to_string().contains("h = 3"));
    let svg = cascade.picture();
    assert!(svg.starts_with("<svg") && svg.contains("retrievals in a row") && svg.contains("vetted"));
    Ok(())
}

#[test]
fn chains_are_those_of_drawing_without_putting_back() {
    use Outcome::{Abstained, Other, Right, Twin};
    let found = chances(&[Right, Right, Right, Twin, Abstained, Other], 8);
    assert_eq!(found.len(), 6, "there are no more queries");
    let close = |a: f64, b: f64| assert!((a - b).abs() < 1e-12, "{a} is not {b}");
    close(found[0].success, 3.0 / 6.0);
    close(found[1].success, 3.0 / 6.0 * 2.0 / 5.0);
    close(found[1].twin, 1.0 / 6.0 + 3.0 / 6.0 * 1.0 / 5.0);
    close(found[3].success, 0.0);
}

fn outcome() -> impl Strategy<Value = Outcome> {
    prop_oneof![5 => Just(Outcome::Right), 1 => Just(Outcome::Abstained), 1 => Just(Outcome::Twin), 1 => Just(Outcome::Other)]
}

fn answer() -> impl Strategy<Value = Answer> {
    let ids = (0..14_usize).prop_map(|id| match id {
        0 => "d".to_owned(),
        1 => "d~twin".to_owned(),
        other => format!("x{other}"),
    });
    (prop::collection::btree_set(ids, 0..14), any::<prop::sample::Index>(), prop::option::of(0..14_usize)).prop_map(
        |(ids, rotation, acted_on)| {
            let mut ranking: Vec<String> = ids.into_iter().collect();
            if !ranking.is_empty() {
                let by = rotation.index(ranking.len());
                ranking.rotate_left(by);
            }
            Answer { ranking, acted_on }
        },
    )
}

proptest! {
    #[test]
    fn shares_are_shares_and_contamination_grows_with_k(answers in prop::collection::vec(answer(), 1..20)) {
        let placed: Vec<Placement> = answers.iter().map(|answer| Placement::of(answer, "d", "d~twin")).collect();
        let bootstrap = Bootstrap { resamples: 20.try_into().unwrap(), ..Bootstrap::default() };
        let value = |figure: Figure| figure.estimate(&placed, &bootstrap).map(|estimate| estimate.value);
        let mut last = 0.0;
        for k in 1..16 {
            let share = value(Figure::Contamination(k))?;
            prop_assert!((0.0..=1.0).contains(&share) && share >= last);
            last = share;
        }
        for figure in Figure::ALL {
            prop_assert!((0.0..=1.0).contains(&value(figure)?));
        }
        for placement in &placed {
            prop_assert!(!(placement.twin_above() && placement.twin.is_none()));
            prop_assert!(placement.original.is_none() || placement.original != placement.twin);
        }
        let same = reduction(Figure::Contamination(1), &placed, &placed, &bootstrap)?;
        prop_assert_eq!(same.map(|estimate| estimate.value), (value(Figure::Contamination(1))? > 0.0).then_some(0.0));
    }

    #[test]
    fn chances_add_up_and_success_only_falls(outcomes in prop::collection::vec(outcome(), 1..30)) {
        let bootstrap = Bootstrap { resamples: 20.try_into().unwrap(), ..Bootstrap::default() };
        let mut last = 1.0;
        for step in steps(&outcomes, 8, &bootstrap)? {
            let chances = step.chances;
            for share in [chances.success, chances.abstained, chances.twin, chances.other] {
                prop_assert!((-1e-12..=1.0 + 1e-12).contains(&share), "{step:?}");
            }
            prop_assert!((chances.success + chances.abstained + chances.twin + chances.other - 1.0).abs() < 1e-9, "{step:?}");
            prop_assert!(chances.success <= last);
            last = chances.success;
        }
    }
}
