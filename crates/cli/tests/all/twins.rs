//! Near-miss twins and chains of retrievals, by the program as people run it.

use std::fs;

use serde_json::Value;
use tempfile::TempDir;

use crate::program::{fail, json, succeed};

/// A BEIR folder of four short records.
fn records() -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    fs::create_dir(folder.path().join("qrels")).unwrap();
    let write = |name: &str, text: &str| fs::write(folder.path().join(name), text).unwrap();
    let documents = [
        ("mill", "Anna Berg sold the old mill to Emil Falk in 1921. The roof had fallen in long before."),
        ("nurse", "The young nurse visited the old doctor before the war. Nobody wrote down what was said."),
        ("bridge", "The council closed the narrow bridge in 1954. Twelve lorries were stopped that day."),
        ("museum", "Clara Lind founded the small museum in 1911. Visitors came from the whole valley."),
    ];
    let line = |(id, text): &(&str, &str)| format!("{{\"_id\": \"{id}\", \"title\": \"\", \"text\": \"{text}\"}}\n");
    write("corpus.jsonl", &documents.iter().map(line).collect::<String>());
    write(
        "queries.jsonl",
        "{\"_id\": \"q1\", \"text\": \"who owned the mill\"}\n{\"_id\": \"q2\", \"text\": \"museums, bridges, doctors\"}\n",
    );
    write("qrels/test.tsv", "query-id\tcorpus-id\tscore\nq1\tmill\t1\nq2\tmuseum\t1\nq2\tbridge\t1\nq2\tnurse\t1\n");
    folder
}

#[test]
fn twins_are_planted_and_counted_for_every_pipeline() {
    let folder = records();
    let twins = |rest: &[&str]| {
        let arguments = ["eval", "twins", "--data", ".", "--precision", "bf16", "--index", "kept", "--json"];
        json(&succeed(folder.path(), &[&arguments[..], rest].concat()))
    };
    let report = twins(&["--out", "planted"]);
    let counts = |key: &str| report[key].as_u64().unwrap();
    assert_eq!((counts("documents"), counts("twins")), (4, 4));
    let pipelines = report["pipelines"].as_array().unwrap();
    let names: Vec<&str> = pipelines.iter().map(|pipeline| pipeline["pipeline"].as_str().unwrap()).collect();
    assert_eq!(names, ["dense", "bm25", "hybrid", "hybrid-rrf", "maxsim", "vetted"]);
    for pipeline in pipelines {
        let form = &pipeline["forms"][0];
        assert_eq!((&form["form"], &form["n"]), (&"statement".into(), &4.into()));
        let share = |name: &str| form[name].as_f64().unwrap();
        assert!(share("contamination@1") <= share("contamination@5") && share("contamination@5") <= 1.0);
        assert!(pipeline["ndcg@10"].as_f64().unwrap() > 0.5, "the clean corpus is easy: {pipeline}");
    }
    assert_eq!(pipelines[0]["forms"][0]["contamination@10"], 1.0, "dense finds every twin among eight documents");
    assert!(pipelines[5]["forms"][0]["contamination@10"].as_f64().unwrap() < 1.0, "vetted rejects some");

    let again = twins(&["--pipeline", "dense,vetted"]);
    assert_eq!(again["pipelines"][1]["forms"], pipelines[5]["forms"], "the kept index gives the same");
    let off = twins(&["--pipeline", "dense,vetted", "--verify", "off"]);
    let figures = |pipeline: &Value| {
        let form = &pipeline["forms"][0];
        (form["contamination@1"].clone(), form["twin-above"].clone(), pipeline["ndcg@10"].clone())
    };
    assert_eq!(figures(&off["pipelines"][1]), figures(&off["pipelines"][0]), "with verification off, vetted is dense");

    // What was written is a data set of its own.
    let planted = ["eval", "retrieval", "--data", "planted", "--pipeline", "bm25,maxsim", "--json"];
    let report = json(&succeed(folder.path(), &planted));
    assert!(report["n_queries"].as_u64().unwrap() >= 4 && report["runs"][1]["pipeline"] == "maxsim", "{report}");
    let twins = fs::read_to_string(folder.path().join("planted/twins.jsonl")).unwrap();
    assert!(twins.lines().map(json).all(|twin| twin["sentence"] != twin["edited"]));
}

#[test]
fn a_chain_is_followed_and_drawn() {
    let folder = records();
    let cascade = ["eval", "cascade", "--data", ".", "--precision", "bf16", "--pipeline", "dense,vetted"];
    let report =
        json(&succeed(folder.path(), &[&cascade[..], &["--longest", "3", "--out", "plot.svg", "--json"]].concat()));
    for pipeline in report["forms"][0]["pipelines"].as_array().unwrap() {
        let steps = pipeline["steps"].as_array().unwrap();
        assert_eq!(steps.len(), 3);
        for step in steps {
            let total: f64 = ["success", "abstained", "silent"].iter().map(|end| step[*end].as_f64().unwrap()).sum();
            assert!((total - 1.0).abs() < 1e-9, "{step}");
        }
    }
    assert_eq!(report["forms"][0]["pipelines"][0]["steps"][0]["abstained"], 0.0, "dense cannot abstain");
    assert!(fs::read_to_string(folder.path().join("plot.svg")).unwrap().starts_with("<svg"));
    assert!(succeed(folder.path(), &cascade).contains("a wrong document taken as truth"));
}

#[test]
fn wrong_input_is_told() {
    let folder = records();
    let eval = |rest: &[&str]| fail(folder.path(), &[&["eval", "twins", "--data", "."], rest].concat());
    let message = eval(&["--pipeline", "cross-encoder"]);
    assert!(message.contains("--cross-encoder DIR") && message.contains("train verifier"), "{message}");
    assert!(eval(&["--pipeline", "cross-encoder", "--cross-encoder", "nowhere"]).contains("nowhere"));
    let message = eval(&["--kind", "unit", "--pipeline", "bm25"]);
    assert!(message.contains("no relevant document") && message.contains("sentence"), "{message}");
    for command in ["twins", "cascade"] {
        // Before the model is looked for, let alone the corpus encoded.
        let eval = ["eval", command, "--data", ".", "--kind", "unit", "--model", "no-such-model"];
        let message = fail(folder.path(), &eval);
        assert!(message.contains("no relevant document of") && message.contains("(4 are there)"), "{message}");
    }
    fs::remove_file(folder.path().join("queries.jsonl")).unwrap();
    assert!(eval(&[]).contains("queries.jsonl"));
}
