//! Embeddings in both shapes, and what a server says of its models.

use serde_json::{Value, json};

use crate::server::{plain, with_index};

fn floats(vector: &Value) -> Vec<f32> {
    vector.as_array().unwrap().iter().map(|x| x.as_f64().unwrap() as f32).collect()
}

#[test]
fn vectors_are_the_same_in_every_shape() {
    let server = plain();
    let texts = ["The dog bit the man.", "Green tea."];
    let answer = server.post("/v1/embeddings", &json!({"model": "any", "input": texts, "user": null})).json();
    assert_eq!((&answer["object"], answer["data"].as_array().unwrap().len()), (&"list".into(), 2));
    assert!(answer["usage"]["prompt_tokens"].as_u64() > Some(6), "{answer}");
    let first = floats(&answer["data"][0]["embedding"]);
    let norm: f32 = first.iter().map(|x| x * x).sum();
    assert!((norm - 1.0).abs() < 1e-4, "{norm}");

    let body = json!({"input": texts[0], "encoding_format": "base64", "dimensions": first.len()});
    let base64 = server.post("/embeddings", &body).json();
    let text = base64["data"][0]["embedding"].as_str().unwrap();
    let bytes = base64::Engine::decode(&base64::engine::general_purpose::STANDARD, text).unwrap();
    let decoded: Vec<f32> = bytes.chunks_exact(4).map(|it| f32::from_le_bytes(it.try_into().unwrap())).collect();
    assert_eq!(decoded, first);

    let tei = server.post("/embed", &json!({"inputs": texts, "truncate": true})).json();
    assert_eq!(floats(&tei[0]), first);
    assert_eq!(floats(&server.post("/embed", &json!({"inputs": texts[1]})).json()[0]), floats(&tei[1]));
}

#[test]
fn tokens_are_refused_with_what_to_set() {
    let server = plain();
    for input in [json!([1, 2, 3]), json!([[1, 2], [3]])] {
        let reply = server.post("/v1/embeddings", &json!({"input": input}));
        assert_eq!(reply.error(), (400, "invalid-request".into()));
        assert!(reply.text.contains("check_embedding_ctx_length=False"), "{}", reply.text);
        assert_eq!(server.post("/embed", &json!({"inputs": input})).any_json()["error_type"], "Validation");
    }
    for body in [
        json!({"input": []}),
        json!({"input": 7}),
        json!({}),
        json!({"input": "a", "dimensions": 3}),
        json!({"input": "a", "encoding_format": "int8"}),
    ] {
        assert_eq!(server.post("/v1/embeddings", &body).error().0, 400, "{body}");
    }
}

#[test]
fn a_server_says_what_it_serves() {
    let server = with_index();
    let models = server.get("/v1/models").json();
    assert!(models["data"].as_array().unwrap().len() >= 2 && models["data"][0]["object"] == "model", "{models}");
    let info = server.get("/info").json();
    assert!(
        info["model_type"]["reranker"]["id2label"]["0"] == "match" && info["max_client_batch_size"].is_u64(),
        "{info}"
    );
    let indexes = server.get("/v1/indexes").json();
    assert_eq!(indexes["indexes"][0]["name"], "notes", "{indexes}");
    assert_eq!(server.get("/health/live").status, 200);
    assert_eq!(server.get("/health/ready").status, 200);
}
