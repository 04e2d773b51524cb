//! From what a cache decides, by what people say of it, to thresholds that it serves by: the whole way, as people go it.

use std::fs;
use std::io::Read;
use std::path::Path;

use serde_json::{Value, json};

use crate::calibration::{pairs, write_pairs};
use crate::program::{command, fail, json, succeed, verifier, vetted};
use crate::serving::{Served, post, serve, signal};

/// A lookup, and whether what is stored answers it.
struct Asked {
    case: usize,
    prompt: String,
    right: bool,
}

/// Each prompt in a scope of its own: the one that is stored there is what every decision is about.
fn asked() -> (Vec<Value>, Vec<Asked>) {
    let (mut entries, mut all) = (Vec::new(), Vec::new());
    for (at, (prompt, stored, right)) in pairs().into_iter().enumerate() {
        if right {
            entries.push(json!({"prompt": stored, "response": "yes", "scope": scope(at / 2)}));
        }
        all.push(Asked { case: at / 2, prompt, right });
    }
    (entries, all)
}

fn scope(case: usize) -> Value {
    json!({"tenant": "acme", "case": case.to_string()})
}

fn cache(served: &Served, route: &str, body: &Value) -> Value {
    let (status, answer) = post(&format!("{}/v1/cache/answers/{route}", served.url), body);
    assert_eq!(status, 200, "{route} {body}: {answer}");
    answer
}

/// What a lookup answers, after somebody said whether its decision is right.
fn judged(served: &Served, asked: &Asked, right: bool) -> Value {
    let answer = cache(served, "lookup", &json!({"prompt": asked.prompt, "scope": scope(asked.case)}));
    cache(served, "feedback", &json!({"decision": answer["decision"], "right": right}));
    answer
}

fn rows(path: &Path) -> Vec<Value> {
    fs::read_to_string(path).unwrap().lines().map(json).collect()
}

fn ended(mut served: Served) -> String {
    signal(&served.child, "-TERM");
    let mut said = String::new();
    served.child.stderr.take().unwrap().read_to_string(&mut said).unwrap();
    assert!(served.child.wait().unwrap().success(), "{said}");
    said
}

#[test]
fn what_a_cache_logs_becomes_the_bound_that_it_serves_by() {
    let folder = tempfile::tempdir().unwrap();
    let here = folder.path();
    let (feedback, shadow) =
        ("answers.cache/decisions/feedback.jsonl", here.join("answers.cache/decisions/shadow.jsonl"));
    let (entries, all) = asked();

    // It watches, and people say of each decision whether it was right: of the first one three times.
    let served = serve(here, &["--cache", "answers.cache", "--cache-shadow"]);
    cache(&served, "entries", &json!({"entries": entries}));
    let answers: Vec<Value> = all.iter().map(|it| judged(&served, it, it.right)).collect();
    for right in [!all[0].right, all[0].right] {
        cache(&served, "feedback", &json!({"decision": answers[0]["decision"], "right": right}));
    }
    for case in &all[..8] {
        let nowhere = cache(&served, "lookup", &json!({"prompt": case.prompt, "scope": {"tenant": "other"}}));
        assert_eq!(nowhere["miss"], "no-candidate");
    }
    ended(served);
    let watched = rows(&shadow);
    let share = |of: &dyn Fn(&Value) -> bool| watched.iter().filter(|row| of(row)).count();
    assert_eq!(watched.len(), all.len() + 8, "a row for each lookup");
    assert_eq!(share(&|row| row["served"] == true), 0);
    assert_eq!(share(&|row| row["hit"] == true), answers.iter().filter(|it| it["miss"] == "shadow").count());
    assert_eq!(share(&|row| row["miss"] == "no-candidate"), 8);
    assert!(share(&|row| row["hit"] == true) > 100, "the tiny verifier accepts something");

    // No model runs, and none is named: the log says who judged.
    let arguments = [
        "calibrate",
        "--data",
        feedback,
        "--relation",
        "equivalence",
        "--max-false-accept",
        "0.2",
        "--out",
        "same.json",
    ];
    let output = command(here, &[&arguments[..], &["--json"]].concat())
        .env_remove("VETTED_VERIFIER")
        .env_remove("VETTED_MODEL")
        .output()
        .unwrap();
    let said = String::from_utf8(output.stderr).unwrap();
    assert!(output.status.success() && said.contains("2 lines were overruled") && !said.contains("warning"), "{said}");
    let calibration = json(&String::from_utf8(output.stdout).unwrap())["calibration"].clone();
    let data = &calibration["data"];
    assert_eq!((&data["decisions"], &data["repeated"]), (&all.len().into(), &0.into()), "each decision once");
    assert_eq!((&data["groups"], &data["largest_group"]), (&entries.len().into(), &2.into()), "by the stored prompt");
    let threshold = calibration["thresholds"][0]["accept"]["threshold"]["score"].as_f64().unwrap();

    // It serves by that, and no more than that.
    let by = serve(here, &["--cache", "answers.cache", "--calibration", "same.json"]);
    let some = &all[..200];
    let hits: Vec<bool> = some.iter().map(|it| judged(&by, it, it.right)["hit"] == true).collect();
    let said = ended(by);
    assert!(!said.contains("calibration"), "it bounds what is served, so there is nothing to say: {said}");
    let log = rows(&here.join(feedback));
    let lately = &log[log.len() - some.len()..];
    for (row, hit) in lately.iter().zip(&hits) {
        assert_eq!((&row["served"], &row["accepted"]), (&(*hit).into(), &(*hit).into()), "{row}");
        // On one scale, whatever came of it. What is written has fewer digits than what was compared.
        let beyond = row["log_odds"].as_f64().unwrap() - threshold;
        assert!(beyond.abs() < 1e-4 || (beyond > 0.0) == *hit, "{row}");
        assert_eq!(row["verifier"], calibration["verifier"], "{row}");
    }
    let served = hits.iter().filter(|hit| **hit).count();
    assert!(served > 20, "{served}");

    // Later: does it still hold? As its own log says it does.
    fs::write(here.join("lately.jsonl"), lines(lately)).unwrap();
    let drift = ["drift", "--calibration", "same.json", "--json", "--decisions"];
    let answer = json(&succeed(here, &[&drift[..], &["lately.jsonl"]].concat()));
    assert_eq!((&answer["rings"], &answer["repeated"]), (&false.into(), &0.into()));
    let is_about_all = |answer: &Value| answer["audited"].as_u64().unwrap().abs_diff(served as u64) <= 1;
    assert!(is_about_all(&answer), "{served} were served, one of them perhaps at the threshold itself: {answer}");
    let whole = json(&succeed(here, &[&drift[..], &[feedback]].concat()));
    assert_eq!(
        (&whole["repeated"], &whole["decisions"]),
        (&some.len().into(), &all.len().into()),
        "a pair counts once"
    );
    assert!(whole["audited"].as_u64() > answer["audited"].as_u64(), "{whole}");

    // Whoever judged thought better of it: the last word counts, and the alarm rings.
    let wrong: Vec<Value> = lately
        .iter()
        .cloned()
        .map(|mut row| {
            row["right"] = false.into();
            row
        })
        .collect();
    fs::write(here.join("wrong.jsonl"), lines(lately) + &lines(&wrong)).unwrap();
    let output = vetted(here, &[&drift[..], &["wrong.jsonl"]].concat());
    assert_eq!(output.status.code(), Some(3));
    let answer = json(&String::from_utf8(output.stdout).unwrap());
    assert!(is_about_all(&answer) && answer["audited"] == answer["wrong"], "{answer}");
}

fn lines(rows: &[Value]) -> String {
    rows.iter().map(|row| format!("{row}\n")).collect()
}

#[test]
fn what_does_not_fit_a_log_is_refused_and_said() {
    let folder = tempfile::tempdir().unwrap();
    let here = folder.path();
    write_pairs(here);
    let calibrate = |data: &str, relation: &str, more: &[&str]| -> Vec<String> {
        let arguments = ["calibrate", "--data", data, "--relation", relation, "--max-false-accept", "0.2"];
        arguments.iter().chain(more).map(ToString::to_string).collect()
    };
    fn borrowed(arguments: &[String]) -> Vec<&str> {
        arguments.iter().map(String::as_str).collect()
    }
    let made = calibrate("pairs.tsv", "equivalence", &["--out", "same.json", "--decisions-out", "seen.jsonl"]);
    succeed(here, &borrowed(&made));
    let seen = rows(&here.join("seen.jsonl"));
    let write = |name: &str, change: &dyn Fn(usize, &mut Value)| {
        let mut changed = seen.clone();
        changed.iter_mut().enumerate().for_each(|(at, row)| change(at, row));
        fs::write(here.join(name), lines(&changed)).unwrap();
    };
    // The same verifier under another name in its files is another one.
    fs::create_dir(here.join("other")).unwrap();
    let mut config = json(&fs::read_to_string(Path::new(&verifier()).join("config.json")).unwrap());
    config["name"] = "other".into();
    fs::write(here.join("other/config.json"), config.to_string()).unwrap();
    fs::copy(Path::new(&verifier()).join("model.safetensors"), here.join("other/model.safetensors")).unwrap();
    let remove = |row: &mut Value, name: &str| drop(row.as_object_mut().unwrap().remove(name));
    write("mixed.jsonl", &|at, row| {
        if at > 5 {
            row["verifier"]["sha256"] = "ab".repeat(32).into()
        }
    });
    write("asked.jsonl", &|at, row| {
        if at > 5 {
            row["relation"] = "support".into()
        }
    });
    write("scores.jsonl", &|at, row| {
        if at < 3 {
            remove(row, "features");
            row["score"] = 0.5.into()
        }
    });
    write("foreign.jsonl", &|_, row| row["verifier"]["sha256"] = "ab".repeat(32).into());
    write("support.jsonl", &|_, row| row["relation"] = "support".into());
    write("old.jsonl", &|_, row| ["verifier", "encoder", "relation"].iter().for_each(|name| remove(row, name)));
    // As caches wrote them before.
    let old =
        r#"{"score": 0.93, "right": true, "segment": "acme", "strategy": "semantic", "cosine": 0.88, "served": true}"#;
    fs::write(here.join("older.jsonl"), format!("{old}\n").repeat(12)).unwrap();
    fs::write(here.join("nan.jsonl"), "{\"score\": NaN, \"right\": true}\n").unwrap();
    fs::write(here.join("large.jsonl"), "{\"score\": 1e999, \"right\": true}\n").unwrap();
    fs::write(here.join("shadow.jsonl"), r#"{"hit": true, "features": {"match": 1}, "decision": "0f"}"#).unwrap();

    for (data, relation, more, complaint) in [
        ("seen.jsonl", "support", &[][..], "its decisions are about equivalence, and support is asked"),
        ("seen.jsonl", "equivalence", &["--verifier", "other"], "leave --verifier out"),
        ("mixed.jsonl", "equivalence", &[], "mixed.jsonl:7: this decision is by the verifier"),
        ("asked.jsonl", "equivalence", &[], "asked.jsonl:7: this decision is about support"),
        ("scores.jsonl", "equivalence", &[], "scores.jsonl:4: this decision is one with `features`"),
        ("foreign.jsonl", "equivalence", &[], "leave --verifier out"),
        ("nan.jsonl", "equivalence", &[], "nan.jsonl:1: the line is not a JSON object: expected value"),
        ("large.jsonl", "equivalence", &[], "large.jsonl:1: the line is not a JSON object: number out of range"),
        ("shadow.jsonl", "equivalence", &[], "shadow.jsonl:1: missing field `right`"),
    ] {
        let more = [more, &["--out", "no.json"]].concat();
        let message = fail(here, &borrowed(&calibrate(data, relation, &more)));
        assert!(message.contains(complaint), "{data} {relation}: {message}");
    }
    assert!(!here.join("no.json").exists(), "what was refused wrote nothing");
    for (decisions, complaint) in [
        ("older.jsonl", "older.jsonl:1: the decision has `score` and lacks `match`"),
        ("foreign.jsonl", "the calibration was made for the verifier"),
        ("support.jsonl", "its decisions are about support, and the calibration is about equivalence"),
    ] {
        let message = fail(here, &["drift", "--calibration", "same.json", "--decisions", decisions]);
        assert!(message.contains(complaint), "{decisions}: {message}");
    }
    // What does not say is read, with a warning.
    let read_ones = seen.iter().filter(|row| row.get("features").is_some()).count();
    let warning = format!("{read_ones} decisions do not say who judged them");
    let output = vetted(here, &borrowed(&calibrate("old.jsonl", "equivalence", &["--out", "old.json"])));
    let said = String::from_utf8(output.stderr).unwrap();
    assert!(output.status.success() && said.contains(&warning), "{said}");
    let again = vetted(here, &borrowed(&calibrate("seen.jsonl", "equivalence", &["--out", "again.json"])));
    assert!(again.status.success() && !String::from_utf8(again.stderr).unwrap().contains("warning"));
    for name in ["old.json", "again.json"] {
        assert_eq!(read(here, name)["verifier"]["sha256"], read(here, "same.json")["verifier"]["sha256"]);
    }
    assert_eq!(read(here, "old.json")["thresholds"], read(here, "again.json")["thresholds"]);
    let drift = vetted(here, &["drift", "--calibration", "same.json", "--decisions", "old.jsonl"]);
    let said = String::from_utf8(drift.stderr).unwrap();
    assert!(drift.status.success() && said.contains(&warning), "{said}");
}

fn read(folder: &Path, name: &str) -> Value {
    json(&fs::read_to_string(folder.join(name)).unwrap())["calibration"].clone()
}

#[test]
fn a_cache_that_a_calibration_does_not_bound_says_so_when_it_is_started() {
    let folder = tempfile::tempdir().unwrap();
    let here = folder.path();
    write_pairs(here);
    for (out, relation, rate, more, complaint) in [
        (
            "support.json",
            "support",
            "0.3",
            &[][..],
            "the calibration is about support, so it bounds nothing that the cache serves",
        ),
        (
            "nothing.json",
            "equivalence",
            "0.001",
            &[],
            "the calibration accepts nothing, so the cache serves nothing but equal prompts",
        ),
        (
            "regions.json",
            "equivalence",
            "0.4",
            &["--by-segment", "region"],
            "for each `region`, which the cache takes the scope's tenant for",
        ),
    ] {
        let made =
            ["calibrate", "--data", "pairs.tsv", "--relation", relation, "--max-false-accept", rate, "--out", out];
        vetted(here, &[&made[..], more].concat());
        let said = ended(serve(here, &["--cache", "one.cache", "--cache", "two.cache", "--calibration", out]));
        for name in ["one", "two"] {
            let of_cache = said.lines().find(|line| line.contains(complaint) && line.contains(name));
            assert!(of_cache.is_some_and(|line| line.contains("WARN")), "{out}: {said}");
        }
        // Without a cache there is nothing to say.
        assert!(!ended(serve(here, &["--calibration", out])).contains(complaint));
    }
}
