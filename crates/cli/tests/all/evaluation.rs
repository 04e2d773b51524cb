//! `vetted eval retrieval`: its report, and the pipelines that it compares.

use std::fs;

use crate::program::{fail, json, succeed, vetted};

#[test]
fn the_evaluation_reports_what_it_promises() {
    let folder = tempfile::tempdir().unwrap();
    fs::create_dir(folder.path().join("qrels")).unwrap();
    let write = |name: &str, text: &str| fs::write(folder.path().join(name), text).unwrap();
    write(
        "corpus.jsonl",
        "{\"_id\": \"d1\", \"title\": \"Tea\", \"text\": \"leaves in hot water\"}\n{\"_id\": \"d2\", \"title\": \"Bread\", \"text\": \"flour and salt\"}\n",
    );
    write("queries.jsonl", "{\"_id\": \"q1\", \"text\": \"hot water\"}\n{\"_id\": \"q2\", \"text\": \"flour\"}\n");
    write("qrels/test.tsv", "query-id\tcorpus-id\tscore\nq1\td1\t1\nq2\td2\t1\n");
    let report = succeed(
        folder.path(),
        &[
            "eval",
            "retrieval",
            "--data",
            ".",
            "--pipeline",
            "dense,bm25,hybrid",
            "--k",
            "50",
            "--json",
            "--run-file",
            "out.trec",
        ],
    );
    let report = json(&report);
    assert_eq!((&report["split"], &report["n_queries"]), (&"test".into(), &2.into()));
    for (run, pipeline) in report["runs"].as_array().unwrap().iter().zip(["dense", "bm25", "hybrid"]) {
        assert_eq!(run["pipeline"], pipeline);
        for metric in ["ndcg@10", "mrr@10", "recall@50", "map@50"] {
            assert_eq!(run[metric], 1.0, "{pipeline} {metric}");
            assert_eq!(run["ci95"][metric].as_array().unwrap().len(), 2);
        }
        assert!(run["ms_p50"].as_f64().unwrap() <= run["ms_p95"].as_f64().unwrap());
        let trec = fs::read_to_string(folder.path().join(format!("out.{pipeline}.trec"))).unwrap();
        assert!(trec.starts_with("q1 Q0 d1 1 "), "{trec}");
    }
    assert!(fail(folder.path(), &["eval", "retrieval", "--data", ".", "--split", "dev"]).contains("test"));

    // Every retriever goes with every reader.
    let pipelines = "hybrid+vetted,bm25+vetted,hybrid-rrf+maxsim,dense+vetted,vetted";
    let eval = ["eval", "retrieval", "--data", ".", "--pipeline", pipelines, "--json"];
    let report = json(&succeed(folder.path(), &eval));
    let runs = report["runs"].as_array().unwrap();
    let names: Vec<&str> = runs.iter().map(|run| run["pipeline"].as_str().unwrap()).collect();
    assert_eq!(names.join(","), pipelines);
    assert_eq!(runs[3]["ndcg@10"], runs[4]["ndcg@10"], "`vetted` is dense+vetted");
    let wrong = vetted(folder.path(), &["eval", "retrieval", "--data", ".", "--pipeline", "vetted+dense"]);
    let said = String::from_utf8_lossy(&wrong.stderr);
    assert!(wrong.status.code() == Some(2) && said.contains("such as hybrid+vetted"), "{said}");
}
