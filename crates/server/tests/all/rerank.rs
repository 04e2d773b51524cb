//! Reranking and scoring in the shapes of each family of clients.

use serde_json::{Value, json};

use crate::server::{plain, with_index};

const QUERY: &str = "The nurse visited the farmer.";
const DOCUMENTS: [&str; 4] = [
    "The farmer visited the nurse.",
    "The farmer was visited by the nurse.",
    "Green tea turns bitter.",
    "The nurse did not visit the farmer.",
];
/// The one that supports the query.
const RIGHT: u64 = 1;

fn indices(results: &Value) -> Vec<u64> {
    results.as_array().unwrap().iter().map(|result| result["index"].as_u64().unwrap()).collect()
}

/// Bodies as clients send them; each gets every document once, the right one first.
#[test]
fn a_shape_is_told_by_what_is_there_and_not_by_what_is_null() {
    let server = plain();
    let texts = json!({"query": "Who bit?", "texts": ["The dog bit."], "documents": null});
    assert!(server.post("/rerank", &texts).json().is_array());
    let documents = json!({"query": "Who bit?", "documents": ["The dog bit."], "texts": null});
    assert!(server.post("/rerank", &documents).json()["results"].is_array());
}

#[test]
fn every_client_gets_its_shape() {
    let server = plain();
    let objects: Vec<Value> = DOCUMENTS.iter().map(|text| json!({"text": text, "source": 7})).collect();
    let parts: Vec<Value> = DOCUMENTS.iter().map(|text| json!({"title": "", "body": text})).collect();
    let bodies = [
        (
            "cohere v2",
            json!({"model": "rerank-v4.0", "query": QUERY, "documents": DOCUMENTS, "top_n": null, "max_tokens_per_doc": null}),
        ),
        (
            "cohere v1",
            json!({"query": QUERY, "documents": objects, "max_chunks_per_doc": 10, "return_documents": true}),
        ),
        ("cohere v1, fields", json!({"query": QUERY, "documents": parts, "rank_fields": ["title", "body"]})),
        (
            "jina",
            json!({"model": "jina-reranker-v2-base-multilingual", "query": QUERY, "documents": DOCUMENTS, "top_n": 4, "return_documents": true}),
        ),
        (
            "vllm",
            json!({"query": QUERY, "documents": DOCUMENTS, "top_n": 0, "truncate_prompt_tokens": -1, "priority": 0}),
        ),
        (
            "infinity",
            json!({"query": QUERY, "documents": DOCUMENTS, "raw_scores": false, "return_documents": false, "model": "default/not-specified"}),
        ),
        ("open webui", json!({"model": "", "query": QUERY, "documents": DOCUMENTS, "top_n": 4})),
        ("no model", json!({"query": QUERY, "documents": DOCUMENTS, "model": null})),
    ];
    let paths = [
        "/rerank",
        "/v1/rerank",
        "/v2/rerank",
        "/reranking",
        "/v1/reranking",
        "/v1/v1/rerank",
        "/v1/v2/rerank",
        "/v2/v2/rerank",
        "/rerank/v2/rerank",
    ];
    for (at, (client, body)) in bodies.iter().enumerate() {
        let reply = server.post(paths[at % paths.len()], body);
        let answer = reply.json();
        let results = answer["results"].as_array().unwrap_or_else(|| panic!("{client}: {answer}"));
        let mut seen = indices(&answer["results"]);
        assert_eq!(seen[0], RIGHT, "{client}: {answer}");
        seen.sort_unstable();
        assert_eq!(seen, [0, 1, 2, 3], "{client}");
        let scores: Vec<f64> = results.iter().map(|result| result["relevance_score"].as_f64().unwrap()).collect();
        assert!(
            scores.iter().all(|score| (0.0..=1.0).contains(score)) && scores.is_sorted_by(|a, b| a >= b),
            "{client}: {scores:?}"
        );
        assert!(answer.get("object").is_none(), "infinity_client raises on it");
        assert!(answer["model"].as_str().is_some_and(|model| !model.is_empty()));
        assert_eq!(answer["meta"]["billed_units"]["search_units"], 1);
        assert!(answer["usage"]["total_tokens"].as_u64() > Some(20), "{answer}");
        let documents = body["return_documents"] == true;
        assert_eq!(results[0]["document"]["text"].as_str(), documents.then_some(DOCUMENTS[1]), "{client}");
        assert!(reply.headers.contains_key("x-compute-time") && reply.headers.contains_key("x-compute-tokens"));
    }
    for path in paths {
        assert_eq!(server.post(path, &bodies[0].1).status, 200, "{path}");
    }
}

#[test]
fn the_verdict_stands_in_a_field_of_its_own_and_filters_only_if_asked() {
    let server = plain();
    let mut body = json!({"query": QUERY, "documents": DOCUMENTS});
    let answer = server.post("/v2/rerank", &body).json();
    let verdict = |index: u64| {
        let results = answer["results"].as_array().unwrap();
        results.iter().find(|result| result["index"] == index).unwrap()["vetted"].clone()
    };
    assert_eq!((&verdict(1)["verdict"], &verdict(1)["finding"]), (&"accept".into(), &"supports".into()));
    assert_eq!((&verdict(0)["verdict"], &verdict(0)["reason"]), (&"reject".into(), &"contradicts".into()));
    assert!(verdict(0)["p_conflict"].as_f64() > verdict(1)["p_conflict"].as_f64());
    body["vetted"] = json!({"mode": "filter"});
    let filtered = server.post("/v2/rerank", &body).json();
    let left = indices(&filtered["results"]);
    assert!(left.contains(&1) && left.contains(&2) && !left.contains(&0), "{filtered}");
    body["top_n"] = json!(1);
    assert_eq!(indices(&server.post("/v2/rerank", &body).json()["results"]), [RIGHT]);
}

#[test]
fn the_sentence_that_decided_is_given_in_code_points() {
    let server = plain();
    let before = "Ärzte 🐕 tranken Tee. ";
    let documents = [format!("{before}The farmer was visited by the nurse. Es war spät."), "Green tea.".to_owned()];
    let mut body = json!({"query": QUERY, "documents": documents, "relevant_spans": {"mode": "enabled"}});
    let answer = server.post("/v2/rerank", &body).json();
    let span = &answer["results"][0]["relevant_spans"][0];
    let start = before.chars().count() as u64;
    let sentence: String = documents[0]
        .chars()
        .skip(span["start"].as_u64().unwrap() as usize)
        .take((span["end"].as_u64().unwrap() - span["start"].as_u64().unwrap()) as usize)
        .collect();
    assert_eq!(sentence.trim(), "The farmer was visited by the nurse.", "{answer}");
    assert!(span["start"].as_u64() >= Some(start - 1) && span["score"].as_f64() > Some(0.1), "{span}");
    for (name, value) in [("mode", json!("disabled")), ("threshold", json!(1.1)), ("max_spans", json!(0))] {
        body["relevant_spans"] = json!({"mode": "enabled", "threshold": null, "max_spans": null});
        body["relevant_spans"][name] = value;
        let answer = server.post("/v2/rerank", &body).json();
        assert!(answer["results"][0].get("relevant_spans").is_none(), "{name}: {answer}");
    }
}

#[test]
fn text_embeddings_inference_gets_a_bare_array() {
    let server = plain();
    for path in ["/rerank", "/v1/rerank"] {
        let body =
            json!({"query": QUERY, "texts": DOCUMENTS, "top_n": 4, "truncation_direction": "Right", "truncate": null});
        let ranks = server.post(path, &body).json();
        let mut seen = indices(&ranks);
        assert_eq!((seen[0], seen.len()), (RIGHT, 4), "{ranks}");
        seen.sort_unstable();
        assert_eq!(seen, [0, 1, 2, 3]);
        assert!(ranks[0].get("text").is_none());
        let texts =
            server.post(path, &json!({"query": QUERY, "texts": DOCUMENTS, "return_text": true, "raw_scores": true}));
        let texts = texts.json();
        assert_eq!(texts[0]["text"], DOCUMENTS[1]);
        let (raw, score) = (texts[0]["score"].as_f64().unwrap(), ranks[0]["score"].as_f64().unwrap());
        assert!((1.0 / (1.0 + (-raw).exp()) - score).abs() < 1e-6, "{raw} is the logit of {score}");
    }
    let wrong = server.post("/rerank", &json!({"query": QUERY, "texts": []}));
    let body = wrong.any_json();
    assert_eq!((wrong.status, body["error_type"].as_str()), (400, Some("Validation")), "{body}");
    assert!(body["error"].is_string());
}

#[test]
fn pairs_are_scored_as_vllm_does() {
    let server = plain();
    let one_by_many = server.post("/score", &json!({"model": "m", "text_1": QUERY, "text_2": DOCUMENTS})).json();
    let ranked = server.post("/rerank", &json!({"query": QUERY, "documents": DOCUMENTS})).json();
    for result in ranked["results"].as_array().unwrap() {
        let index = result["index"].as_u64().unwrap() as usize;
        assert_eq!(one_by_many["data"][index]["score"], result["relevance_score"], "a pair alone says the same");
    }
    let pairs = json!({"text_1": [QUERY, QUERY], "text_2": DOCUMENTS[..2]});
    assert_eq!(server.post("/v1/score", &pairs).json()["data"].as_array().unwrap().len(), 2);
    let uneven = server.post("/score", &json!({"text_1": [QUERY, QUERY], "text_2": DOCUMENTS}));
    assert_eq!(uneven.error(), (400, "invalid-request".into()));
}

#[test]
fn keywords_are_ranked_and_vouched_for_by_nothing() {
    let server = with_index();
    let answer = server.post("/rerank", &json!({"query": "nurse farmer", "documents": DOCUMENTS})).json();
    let results = answer["results"].as_array().unwrap();
    assert_eq!(results.len(), 4);
    assert!(results.iter().all(|result| result["vetted"]["reason"] == "query-too-short"), "{answer}");
}
