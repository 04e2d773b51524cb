//! Verdicts, explanations and the classifier of pairs.

use std::path::{Path, PathBuf};

use serde_json::{Value, json};
use vetted::calibrated::{encoder_model_of, verifier_model};
use vetted::calibration::{Checked, Features, Made, Promise, Request, calibrate};
use vetted::reader::Relation;
use vetted_server::{Settings, start};

use crate::server::{plain, settings, with};

const QUERY: &str = "The nurse visited the farmer.";
const PASSIVE: &str = "The farmer was visited by the nurse.";
const REVERSED: &str = "The farmer visited the nurse.";

#[test]
fn each_candidate_has_its_verdict_with_its_id() {
    let server = plain();
    let candidates = json!([{"id": "a", "text": PASSIVE}, REVERSED, {"text": " "}]);
    let answer = server.post("/v1/verify", &json!({"query": QUERY, "candidates": candidates, "evidence": true})).json();
    let results = answer["results"].as_array().unwrap();
    assert_eq!((&answer["verified"], &answer["relation"]), (&true.into(), &"support".into()));
    let said: Vec<_> = results.iter().map(|it| (it["id"].as_str(), it["verdict"].as_str().unwrap())).collect();
    assert_eq!(said, [(Some("a"), "accept"), (None, "reject"), (None, "unverified")], "{answer}");
    assert_eq!(results[0]["window"], json!({"text": PASSIVE, "start": 0, "end": PASSIVE.len()}));
    assert!(!results[0]["evidence"].as_array().unwrap().is_empty() && results[1]["kind"].is_string(), "{answer}");
    assert_eq!(results[2]["reason"], "no-text");

    let same = json!({"query": QUERY, "candidates": [PASSIVE, REVERSED], "relation": "equivalence"});
    let same = server.post("/v1/verify", &same).json();
    assert_eq!(
        (&same["relation"], &same["results"][1]["verdict"]),
        (&"equivalence".into(), &"reject".into()),
        "{same}"
    );
}

#[test]
fn a_bound_on_false_accepts_changes_no_number() {
    let server = plain();
    let ask = |bound: Value| {
        let body = json!({"query": QUERY, "candidates": [PASSIVE, REVERSED], "max_false_accepts": bound});
        server.post("/v1/verify", &body).json()["results"].clone()
    };
    assert_eq!(ask(Value::Null), ask(json!(1)));
    let strict = ask(json!(0));
    assert_eq!((&strict[0]["p_match"], &strict[1]), (&ask(Value::Null)[0]["p_match"], &ask(Value::Null)[1]));
}

#[test]
fn an_explanation_has_a_map_of_both_texts_tokens() {
    let server = plain();
    let long = format!("It rained. {REVERSED}");
    let answer = server.post("/v1/explain", &json!({"query": QUERY, "candidate": long})).json();
    assert!(answer["verdict"].is_string() && answer["p_conflict"].is_number(), "{answer}");
    let map = &answer["map"];
    let (rows, columns) = (map["query_tokens"].as_array().unwrap(), map["candidate_tokens"].as_array().unwrap());
    let similarities = map["similarities"].as_array().unwrap();
    assert_eq!(similarities.len(), rows.len());
    assert!(similarities.iter().all(|row| row.as_array().unwrap().len() == columns.len()));
    assert_eq!((&rows[0]["special"], &rows[1]["special"]), (&true.into(), &false.into()), "{map}");
    assert!(rows.iter().all(|token| token["weight"].is_number()));
    assert!(long.contains(answer["window"]["text"].as_str().unwrap()));
    let empty = server.post("/v1/explain", &json!({"query": QUERY, "candidate": " "})).json();
    assert!(empty["verdict"] == "unverified" && empty.get("map").is_none(), "{empty}");
}

#[test]
fn pairs_are_classified_as_a_classifier_of_text_embeddings_inference_does() {
    let server = plain();
    let one = server.post("/predict", &json!({"inputs": [PASSIVE, QUERY]})).json();
    let labels = |prediction: &Value| -> Vec<String> {
        prediction.as_array().unwrap().iter().map(|it| it["label"].as_str().unwrap().to_owned()).collect()
    };
    assert_eq!(labels(&one)[0], "match", "{one}");
    let sum: f64 = one.as_array().unwrap().iter().map(|it| it["score"].as_f64().unwrap()).sum();
    assert!((sum - 1.0).abs() < 1e-6);
    let many =
        server.post("/predict", &json!({"inputs": [[PASSIVE, QUERY], [REVERSED, QUERY]], "truncate": true})).json();
    assert_eq!(many[0], one);
    assert_eq!(labels(&many[1])[0], "conflict", "{many}");
    for wrong in
        [json!("alone"), json!(["alone"]), json!([["a", "b", "c"]]), json!([]), json!([1, 2]), json!(["a", ["b"]])]
    {
        let reply = server.post("/predict", &json!({"inputs": wrong}));
        assert_eq!((reply.status, &reply.any_json()["error_type"]), (400, &"Validation".into()), "{wrong}");
    }
}

#[test]
fn what_cannot_be_asked_is_told() {
    let server = plain();
    for (body, code) in [
        (json!({"query": " ", "candidates": ["a"]}), "invalid-request"),
        (json!({"query": QUERY, "candidates": []}), "invalid-request"),
        (json!({"query": QUERY, "candidates": [1]}), "invalid-request"),
        (json!({"query": QUERY, "candidates": ["a"], "relation": "entails"}), "invalid-request"),
        (json!({"query": QUERY, "candidates": ["a"], "relation": "equivalence", "passages": true}), "invalid-request"),
        (json!({"query": QUERY, "candidates": ["a"], "max_false_accepts": 1.5}), "invalid-request"),
        (json!({"candidates": ["a"]}), "invalid-request"),
    ] {
        assert_eq!(server.post("/v1/verify", &body).error(), (400, code.into()), "{body}");
    }
}

/// A calibration of equivalence for the tiny models, by segment, that takes the cosine.
pub fn calibration(folder: &Path) -> PathBuf {
    let verifier =
        vetted::Verifier::open(&vetted_fixtures::verifier(folder), vetted::VerifierOptions::default(), &mut |_| {})
            .unwrap();
    let encoder = vetted::models::resolve(vetted_fixtures::encoder().to_str().unwrap()).unwrap();
    // Made-up decisions in which only the cosine tells right from wrong, the better the higher; in the south nothing does.
    let decision = |i: usize| {
        let cosine = (i * 7919 % 4000) as f64 / 4000.0;
        let features = Features::from([("match", (i * 31 % 17) as f64), ("cosine", cosine)]);
        let segment = ["north", "south"][i % 2];
        let right = if segment == "north" { cosine > 0.5 } else { i % 4 == 1 };
        Checked { features: Some(features), right, segment: Some(segment.into()), texts: vec![format!("text {i}")] }
    };
    let decisions: Vec<Checked> = (0..4000).map(decision).collect();
    let request = Request {
        relation: Relation::Equivalence,
        promise: Promise::accepted(0.05, None, 0.95).unwrap(),
        features: &["match", "cosine"],
        verifier: Some(verifier_model(&verifier)),
        encoder: Some(encoder_model_of(&encoder, vetted::Precision::F32).unwrap()),
        encoder_feature: "cosine",
        data_sha256: "00".repeat(32),
        segment_column: Some("region".into()),
        made: Made { vetted: "0.1.0".into(), date: "2026-12-01".into() },
    };
    let path = folder.join("calibration.json");
    calibrate(&decisions, request).unwrap().calibration.write(&path).unwrap();
    path
}

#[test]
fn a_calibration_decides_where_its_relation_is_asked() {
    let server = with(|folder, settings| Settings { calibration: Some(calibration(folder)), ..settings });
    let ask = |relation: &str, segment: Value| {
        let body = json!({"query": QUERY, "candidates": [QUERY, " "], "relation": relation, "segment": segment});
        server.post("/v1/verify", &body)
    };
    let north = ask("equivalence", json!("north")).json();
    let [same, unread] = &north["results"].as_array().unwrap()[..] else { panic!("{north}") };
    assert_eq!((&same["verdict"], &same["calibrated"]["segment"]), (&"accept".into(), &"north".into()), "{north}");
    assert!((same["calibrated"]["features"]["cosine"].as_f64().unwrap() - 1.0).abs() < 1e-3, "{north}");
    assert_eq!((&unread["verdict"], &unread["calibrated"]["probability"]), (&"unverified".into(), &Value::Null));
    // The same numbers in the south: nothing was promised there.
    let south = ask("equivalence", json!("south")).json();
    assert_eq!((&south["results"][0]["verdict"], &south["verified"]), (&"abstain".into(), &false.into()), "{south}");
    for segment in [json!("west"), Value::Null] {
        let refused = ask("equivalence", segment);
        assert_eq!(refused.status, 400, "{}", refused.text);
        assert!(refused.text.contains("north, south"), "{}", refused.text);
    }
    // Another question is answered as without it.
    let support = ask("support", Value::Null).json();
    assert!(support["results"][0].get("calibrated").is_none(), "{support}");
    assert_eq!(support["results"], {
        let body = json!({"query": QUERY, "candidates": [QUERY, " "]});
        plain().post("/v1/verify", &body).json()["results"].clone()
    });

    let folder = tempfile::tempdir().unwrap();
    let mut refused = settings(folder.path());
    let file = calibration(folder.path());
    std::fs::write(&file, std::fs::read_to_string(&file).unwrap().replace("\"north\"", "\"west\"")).unwrap();
    refused.calibration = Some(file);
    let error = start(refused).err().map(|error| error.to_string()).unwrap_or_default();
    assert!(error.contains("was changed after it was made"), "{error}");
}
