//! Tier two as people run it: verify, eval pairs, eval contrast, synth, train, with wrong input included.

use std::fs;
use std::io::Write;
use std::process::Stdio;

use serde_json::Value;

use crate::program::{command, fail, json, succeed, verifier};

/// Labelled pairs of both relations.
const PAIRS: &str = "source\tphenomenon\trelation\tequiv\ts1\ts2\n\
    a\tswap\tequivalence\t0\tThe clerk paid the tenant.\tThe tenant paid the clerk.\n\
    a\tswap\tequivalence\t1\tThe clerk paid the tenant.\tThe tenant was paid by the clerk.\n\
    a\tswap\tequivalence\t0\tTwo red cars and a blue van.\tTwo blue cars and a red van.\n\
    a\tswap\tequivalence\t1\tTwo red cars and a blue van.\tA blue van and two red cars.\n\
    b\t\tsupport\t1\tMara sold the old boat to Jonas in May.\tMara sold a boat to Jonas.\n\
    b\t\tsupport\tN\tMara sold a boat to Jonas.\tMara sold the old boat to Jonas in May.\n";

/// A reader that fits the tiny encoder.
const RECIPE: &str = r#"{"architecture": {"architecture": "map-transformer", "view": 24}}"#;

#[test]
fn verify_judges_each_candidate_with_its_reasons() {
    let folder = tempfile::tempdir().unwrap();
    let long = "The museum opened in 1911. ".repeat(60) + "It closed for good in 1954.";
    let query = "The museum opened in 1911.";
    let arguments = ["verify", "--json", "--evidence", "-q", query, "-c", query];
    let answer = json(&succeed(folder.path(), &[&arguments[..], &["-c", "   ", "-c", &long]].concat()));
    let results = answer["results"].as_array().unwrap();
    assert_eq!((results[0]["verdict"].as_str(), &answer["verified"]), (Some("accept"), &Value::Bool(true)));
    assert!(results[0]["p_match"].as_f64().unwrap() > 0.8, "{answer}");
    let evidence = results[0]["evidence"].as_array().unwrap();
    assert!(evidence.iter().any(|pair| pair["query"] == pair["candidate"]), "{answer}");
    assert_eq!((&results[0]["finding"], &results[0]["kind"]), (&"supports".into(), &Value::Null), "{answer}");
    assert_eq!((&results[1]["verdict"], &results[1]["reason"]), (&"unverified".into(), &"no-text".into()), "{answer}");
    assert!(results[1]["p_match"].is_null() && results[1]["window"].is_null(), "nothing was read: {answer}");
    let window = results[2]["window"].as_array().unwrap();
    let size = window[1].as_u64().unwrap() - window[0].as_u64().unwrap();
    assert!(results[2]["verdict"] == "accept" && size < 500, "a long candidate is judged by its best window: {answer}");

    let alone = json(&succeed(folder.path(), &["verify", "--json", "-q", query, "-c", &long]));
    assert_eq!(alone["results"][0]["p_match"], results[2]["p_match"], "a score does not depend on the batch");
    assert!(alone["results"][0]["evidence"].is_null());
    let verify = ["verify", "-q", query, "-c", query, "-c", "Frost\u{1b}[31m kills tomatoes.", "-c", " "];
    let shown = succeed(folder.path(), &verify);
    for part in ["accept", "supports  match", "reject", "contradicts  match", "unverified", "it has no text"] {
        assert!(shown.contains(part), "{part} is missing in\n{shown}");
    }
    assert!(!shown.contains('\u{1b}') && !shown.contains(" ~ "), "{shown}");
    let evidence = succeed(folder.path(), &[&verify[..], &["--evidence"]].concat());
    assert!(evidence.contains("museum ~ museum"), "{evidence}");
}

#[test]
fn nothing_is_accepted_on_text_that_was_not_read() {
    let folder = tempfile::tempdir().unwrap();
    let sentence = "The museum opened in 1911 and closed for good in 1954, after the roof had fallen in. ";
    let long = sentence.repeat(8);
    let verdict = |relation: &str, query: &str, candidate: &str| {
        let arguments = ["verify", "--json", "--relation", relation, "-q", query, "-c", candidate];
        json(&succeed(folder.path(), &arguments))["results"][0]["verdict"].clone()
    };
    assert_eq!(verdict("support", sentence, &long), "accept", "a part of a long passage is enough to support");
    assert_eq!(verdict("equivalence", sentence, &long), "unverified", "but not to be the same");
    assert_eq!(verdict("support", &long, sentence), "unverified", "the end of the query was not read");
}

#[test]
fn every_architecture_that_is_trained_can_be_opened() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("pairs.tsv"), PAIRS.to_owned() + PAIRS.split_once('\n').unwrap().1).unwrap();
    let recipe = |name: &str, architecture: &str| {
        let recipe = format!(r#"{{"architecture": {{"architecture": {architecture}}}}}"#);
        fs::write(folder.path().join(name), recipe).unwrap();
    };
    recipe("maps.json", r#""map-transformer", "lexical": false, "view": 32"#);
    recipe("f3.json", r#""f3", "view": 32"#);
    recipe("f4.json", r#""f4", "view": 32"#);
    for options in [
        &["--recipe", "f3.json"][..],
        &["--recipe", "f4.json"],
        &["--architecture", "cross-encoder"],
        &["--recipe", "maps.json"],
    ] {
        let out = options[1];
        let train = ["train", "verifier", "--data", "pairs.tsv", "--epochs", "1", "--train-from-layer", "1", "--out"];
        let out = format!("{out}.verifier");
        succeed(folder.path(), &[&train[..], &[&out], options].concat());
        let verify =
            ["verify", "--json", "--verifier", &out, "-q", "a boat", "-c", "a boat", "-c", "Mara sold a boat."];
        let answer = json(&succeed(folder.path(), &verify));
        assert!(answer["results"][1]["p_match"].as_f64().is_some_and(|p| (0.0..=1.0).contains(&p)), "{out}: {answer}");
    }
}

#[test]
fn candidates_come_from_standard_input_by_the_thousand() {
    let folder = tempfile::tempdir().unwrap();
    let verify = ["verify", "--json", "--precision", "bf16", "-q", "Lamp 7 is broken."];
    let mut child = command(folder.path(), &verify).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    let lines: String = (0..2000).map(|i| format!("Lamp {i} is broken.\n")).collect();
    child.stdin.take().unwrap().write_all(lines.as_bytes()).unwrap();
    let output = child.wait_with_output().unwrap();
    let answer = json(&String::from_utf8(output.stdout).unwrap());
    let results = answer["results"].as_array().unwrap();
    assert_eq!(results.len(), 2000);
    let alone = ["verify", "--json", "--precision", "bf16", "-q", "Lamp 7 is broken.", "-c", "Lamp 1234 is broken."];
    let alone = json(&succeed(folder.path(), &alone));
    assert_eq!(alone["results"][0]["p_match"], results[1234]["p_match"], "a score does not depend on the batch");
}

#[test]
fn pairs_and_contrasts_are_measured() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("pairs.tsv"), PAIRS).unwrap();
    let scorers = verifier() + ",cosine,f0,f1,f2";
    let report =
        json(&succeed(folder.path(), &["eval", "pairs", "--data", "pairs.tsv", "--scorer", &scorers, "--json"]));
    let names: Vec<&str> = report["scorers"].as_array().unwrap().iter().map(|s| s["name"].as_str().unwrap()).collect();
    assert_eq!(names.join(","), scorers);
    for scorer in report["scorers"].as_array().unwrap() {
        assert!(scorer["us_per_pair"].as_f64().unwrap() > 0.0);
        assert_eq!(scorer["params"].as_u64().unwrap() > 0, scorer["name"] == verifier());
        let group = &scorer["groups"][0];
        assert_eq!(
            (&group["source"], group["n"].as_u64(), group["positives"].as_u64()),
            (&"a".into(), Some(4), Some(2))
        );
        assert!(group["auc"].as_f64().is_some() && group["ci95"]["auc"].is_array() | group["ci95"]["auc"].is_object());
        assert!(group["rejected@79"].as_f64().is_some(), "{group}");
    }
    let contrast = r#"[{"q1": "Who paid the tenant?", "q2": "Whom did the tenant pay?",
        "doc1": "The clerk paid the tenant.", "doc2": "The tenant paid the clerk."}]"#;
    fs::write(folder.path().join("contrast.json"), contrast).unwrap();
    let report =
        json(&succeed(folder.path(), &["eval", "contrast", "--data", "contrast.json", "--scorer", "f1", "--json"]));
    assert_eq!(report["scorers"][0]["n"], 1, "{report}");
}

#[test]
fn pairs_are_made_of_documents_and_a_verifier_of_pairs() {
    let folder = tempfile::tempdir().unwrap();
    let sentences: String = (0..40)
        .map(|i| {
            let (a, b, year) = (["Anna", "Boris", "Clara", "David"][i % 4], ["Emil", "Fiona", "Georg"][i % 3], 1900 + i);
            format!("{a} sold the old mill to {b} in {year}. The red gate and the green door were painted before the storm.\n")
        })
        .collect();
    fs::create_dir(folder.path().join("notes")).unwrap();
    fs::write(folder.path().join("notes/a.txt"), sentences).unwrap();
    let synth = ["synth", "notes", "--grammar", "200", "--slack", "3", "--json"];
    let report = json(&succeed(folder.path(), &[&synth[..], &["--out", "pairs.tsv.gz"]].concat()));
    assert!(report["pairs"].as_u64().unwrap() > 250 && report["shortcut"]["auc"].is_number(), "{report}");
    succeed(folder.path(), &[&synth[..], &["--out", "again.tsv.gz"]].concat());
    let bytes = |name: &str| fs::read(folder.path().join(name)).unwrap();
    assert_eq!(bytes("pairs.tsv.gz"), bytes("again.tsv.gz"), "the same seed gives the same pairs");

    fs::write(folder.path().join("recipe.json"), RECIPE).unwrap();
    let train = ["train", "verifier", "--data", "pairs.tsv.gz", "--frozen", "--epochs", "0.2", "--out", "mine"];
    let outcome = json(&succeed(folder.path(), &[&train[..], &["--recipe", "recipe.json", "--json"]].concat()));
    assert!(outcome["steps"].as_u64().unwrap() >= 1, "{outcome}");
    for file in ["config.json", "model.safetensors", "metrics.jsonl", "curve.svg"] {
        assert!(folder.path().join("mine").join(file).is_file(), "{file} is missing");
    }
    let verify = ["verify", "--verifier", "mine", "--json", "-q", "a", "-c", "b"];
    assert!(succeed(folder.path(), &verify).contains("p_match"));

    // The same files, damaged in several ways.
    let mine = folder.path().join("mine");
    let (config, weights) = (fs::read_to_string(mine.join("config.json")).unwrap(), bytes("mine/model.safetensors"));
    let other_base = {
        let mut value = json(&config);
        value["base"]["sha256"] = "0".repeat(64).into();
        value.to_string()
    };
    for (config, weights, complaint) in [
        (&*config, &weights[..weights.len() - 100], "not whole"),
        (&other_base, &weights[..], "all-MiniLM-L6-v2"),
        (&config.replace("\"feed_forward\": 256", "\"feed_forward\": 64"), &weights[..], "shape"),
        (&config.replace("map-transformer", "oracle"), &weights[..], "oracle"),
        ("{", &weights[..], "config.json"),
    ] {
        fs::write(mine.join("config.json"), config).unwrap();
        fs::write(mine.join("model.safetensors"), weights).unwrap();
        let message = fail(folder.path(), &verify);
        assert!(message.contains(complaint) && message.contains("mine"), "{complaint}: {message}");
    }
}

#[test]
fn answers_become_statements_and_labelled_pairs_get_negations() {
    let folder = tempfile::tempdir().unwrap();
    let passage = "The museum is large. Ann Lee founded the museum in Columbus in 1990. It has a garden.";
    let answers = format!(r#"[{{"text": "1990", "answer_start": {}}}]"#, passage.find("1990").unwrap());
    let asked = format!(r#"{{"question": "When did Ann Lee found the museum?", "answers": {answers}}}"#);
    let file = format!(r#"{{"data": [{{"paragraphs": [{{"context": "{passage}", "qas": [{asked}]}}]}}]}}"#);
    fs::write(folder.path().join("asked.json"), file).unwrap();
    fs::write(folder.path().join("pairs.tsv"), PAIRS).unwrap();
    let synth = ["synth", "--answers", "asked.json", "--negate", "pairs.tsv", "--out", "made.tsv", "--json"];
    let report = json(&succeed(folder.path(), &synth));
    let (stated, negated) = (report["answers_stated"].as_u64().unwrap(), report["negated"].as_u64().unwrap());
    assert!(stated >= 3 && negated >= 1 && report["pairs"] == stated + negated, "{report}");
    let made = fs::read_to_string(folder.path().join("made.tsv")).unwrap();
    assert!(made.contains("Ann Lee founded the museum in 1990."), "{made}");

    let message = fail(folder.path(), &["synth", "--answers", "pairs.tsv", "--out", "x.tsv"]);
    assert!(message.contains("pairs.tsv") && message.contains("SQuAD"), "{message}");
}

#[test]
fn wrong_input_is_told() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("no-label.tsv"), "s1\ts2\na\tb\n").unwrap();
    fs::write(folder.path().join("empty.tsv"), "").unwrap();
    fs::write(folder.path().join("numbers.txt"), "1 2\n").unwrap();
    fs::write(folder.path().join("pairs.tsv"), PAIRS).unwrap();
    fs::write(folder.path().join("recipe.json"), RECIPE).unwrap();
    for (arguments, complaint) in [
        (&["verify", "-q", "  ", "-c", "a"][..], "query is empty"),
        (&["verify", "-q", "a", "-c", "b", "--verifier", "nowhere"], "nowhere"),
        (&["eval", "pairs", "--data", "no-label.tsv"], "equiv"),
        (&["eval", "pairs", "--data", "empty.tsv"], "empty.tsv"),
        (&["eval", "pairs", "--data", "pairs.tsv", "--sources", "no-label.tsv"], "no-label.tsv:1:1: malformed JSON"),
        (&["eval", "contrast", "--data", "no-label.tsv"], "q1"),
        (&["synth", "numbers.txt", "--out", "x.tsv"], "English"),
        (&["synth", "missing", "--out", "x.tsv"], "missing"),
        (&["verify", "--verifier", "cosine", "-q", "a", "-c", "b"], "a formula without verdicts"),
        (
            &["train", "verifier", "--data", "pairs.tsv", "--recipe", "recipe.json", "--out", "x", "--share", "qqp=1"],
            "name no source",
        ),
        (&["train", "verifier", "--data", "no-label.tsv", "--out", "x"], "equiv"),
        (&["export", "--verifier", "nowhere", "--out", "x.onnx"], "nowhere"),
    ] {
        let message = fail(folder.path(), arguments);
        assert!(message.contains(complaint), "vetted {arguments:?}: {message}");
    }
}
