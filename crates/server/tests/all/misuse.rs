//! What no client should send: each gets a documented status, and the server goes on.

use std::io::{Read, Write};
use std::net::{Shutdown, TcpStream};
use std::time::Duration;

use serde_json::json;

use crate::server::{Server, plain, with};

const JSON: [(&str, &str); 1] = [("content-type", "application/json")];

/// Routes that take a body, and a body that they take.
const ROUTES: [(&str, &str); 9] = [
    ("/rerank", r#"{"query": "Who bit?", "documents": ["The dog bit."]}"#),
    ("/v2/rerank", r#"{"query": "Who bit?", "documents": ["The dog bit."]}"#),
    ("/score", r#"{"text_1": "Who bit?", "text_2": "The dog bit."}"#),
    ("/predict", r#"{"inputs": ["The dog bit.", "Who bit?"]}"#),
    ("/v1/verify", r#"{"query": "Who bit?", "candidates": ["The dog bit."]}"#),
    ("/v1/explain", r#"{"query": "Who bit?", "candidate": "The dog bit."}"#),
    ("/v1/embeddings", r#"{"input": "The dog bit."}"#),
    ("/embed", r#"{"inputs": "The dog bit."}"#),
    ("/v1/search", r#"{"query": "Who bit?"}"#),
];

#[test]
fn what_is_no_json_or_has_wrong_types_is_refused() {
    let server = crate::server::with_index();
    for (route, good) in ROUTES {
        assert_eq!(server.send(route, good.as_bytes(), &JSON).status, 200, "{route}");
        assert_eq!(server.send(route, good.as_bytes(), &[]).status, 200, "{route}: clients forget the content type");
        let mut bodies: Vec<Vec<u8>> =
            ["", "{", "nonsense", "[]", "7", "null", "{}", "\"text\""].map(|body| body.as_bytes().to_vec()).to_vec();
        bodies.push(good.replace("\"The dog bit.\"", "NaN").into_bytes());
        bodies.push(good.replace("\"The dog bit.\"", "Infinity").into_bytes());
        bodies.push(good.replace("\"The dog bit.\"", "{}").replace("\"Who bit?\"", "{}").into_bytes());
        bodies.push(good.replace("\"The dog bit.\"", "\"\\ud800\"").replace("Who bit?", "\\udfff").into_bytes());
        bodies.push(good.replace("bit", "b\u{0}t").into_bytes());
        // Invalid UTF-8 within a string.
        let mut invalid = good.as_bytes().to_vec();
        let at = good.find("bit").unwrap();
        invalid[at] = 0xff;
        bodies.push(invalid);
        for body in bodies.into_iter().filter(|body| body != good.as_bytes()) {
            let reply = server.send(route, &body, &JSON);
            assert_eq!(reply.status, 400, "{route}: {} -> {}", String::from_utf8_lossy(&body), reply.text);
            assert!(reply.any_json()["error"].is_string() || reply.error().1.starts_with("invalid-"), "{}", reply.text);
        }
    }
}

#[test]
fn too_many_and_too_long_texts_are_refused() {
    let server = with(|_, mut settings| {
        settings.limits.body_bytes = 4 << 20;
        settings.limits.tokens = 10_000;
        settings
    });
    let many = vec!["tea"; 10_000];
    let megabyte = "tea ".repeat(1 << 18);
    let tokens = vec!["tea and tea and tea and tea and tea and tea and tea"; 1_500];
    for (body, status, code) in [
        (json!({"query": "Is it tea?", "documents": []}), 400, "invalid-request"),
        (json!({"query": "Is it tea?", "documents": many}), 422, "limit-exceeded"),
        (json!({"query": "Is it tea?", "documents": [megabyte]}), 422, "limit-exceeded"),
        (json!({"query": megabyte, "documents": ["tea"]}), 422, "limit-exceeded"),
        (json!({"query": "Is it tea?", "documents": tokens}), 422, "limit-exceeded"),
        (json!({"query": "Is it tea?", "documents": ["x".repeat(5 << 20)]}), 413, "body-too-large"),
    ] {
        assert_eq!(server.post("/v1/rerank", &body).error(), (status, code.into()));
    }
    let full = json!({"query": "Is it tea?", "documents": vec!["tea"; 2_000]});
    assert_eq!(server.post("/v1/rerank", &full).json()["results"].as_array().unwrap().len(), 2_000);
    assert_eq!(server.post("/v1/embeddings", &json!({"input": many})).error().0, 422);
    assert_eq!(server.post("/v1/verify", &json!({"query": "Is it?", "candidates": many})).error().0, 422);
}

#[test]
fn unknown_routes_and_methods_are_told() {
    let server = plain();
    for path in ["/v1", "/v3/rerank", "/rerank/", "/v1/documents", "/%00", "/v1/../etc"] {
        let (status, code) = server.get(path).error();
        assert!(
            matches!((status, code.as_str()), (404, "not-found") | (405, "method-not-allowed")),
            "{path}: {status}"
        );
    }
    assert_eq!(server.get("/rerank").error(), (405, "method-not-allowed".into()));
    assert_eq!(server.post("/health/live", &json!({})).error(), (405, "method-not-allowed".into()));
    for timeout in ["0", "-1", "soon", "1e3"] {
        let reply = server.send("/rerank", ROUTES[0].1.as_bytes(), &[("x-request-timeout-ms", timeout)]);
        assert_eq!(reply.error(), (400, "invalid-request".into()), "{timeout}");
    }
}

fn raw(server: &Server, request: &[u8]) -> TcpStream {
    let mut stream = TcpStream::connect(server.address).unwrap();
    stream.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
    stream.write_all(request).unwrap();
    stream
}

fn all(mut stream: TcpStream) -> String {
    let mut answer = Vec::new();
    // A reset is an end, too.
    let _ = stream.read_to_end(&mut answer);
    String::from_utf8_lossy(&answer).into_owned()
}

#[test]
fn slow_and_broken_clients_are_let_go() {
    let server = with(|_, mut settings| {
        settings.limits.read_timeout = Duration::from_millis(300);
        settings
    });
    let head = "POST /rerank HTTP/1.1\r\nhost: localhost\r\ncontent-length: 100\r\n\r\n{\"query\"";
    let slow = all(raw(&server, head.as_bytes()));
    assert!(slow.starts_with("HTTP/1.1 408") && slow.contains("body-timeout"), "{slow}");
    // Headers that never end: the connection is closed.
    let headers = all(raw(&server, b"POST /rerank HTTP/1.1\r\nhost: loc"));
    assert!(headers.is_empty() || headers.starts_with("HTTP/1.1 408"), "{headers}");
    // A body that ends before its length.
    let half = raw(&server, head.as_bytes());
    half.shutdown(Shutdown::Write).unwrap();
    let half = all(half);
    assert!(half.is_empty() || half.starts_with("HTTP/1.1 400"), "{half}");
    for nonsense in [
        "\0\0\0\0\r\n\r\n",
        "GET / HTTP/9.9\r\n\r\n",
        "POST /rerank HTTP/1.1\r\nhost: localhost\r\ncontent-length: -5\r\n\r\n",
        "POST /rerank HTTP/1.1\r\nhost: localhost\r\ntransfer-encoding: chunked\r\n\r\nzz\r\n",
    ] {
        let answer = all(raw(&server, nonsense.as_bytes()));
        assert!(answer.is_empty() || answer.starts_with("HTTP/1.1 400"), "{nonsense:?}: {answer}");
    }
    assert_eq!(server.send("/rerank", ROUTES[0].1.as_bytes(), &JSON).status, 200, "and it goes on");
}

#[test]
fn a_body_that_takes_far_more_parsed_than_sent_is_refused() {
    let server = with(|folder, mut settings| {
        settings.limits.bytes_in_flight = 32 << 20;
        settings.indexes = vec![crate::server::index(folder, "notes")];
        settings
    });
    // Half a megabyte of these takes forty.
    let objects = format!("[{}]", vec![r#"{"a":0}"#; 60_000].join(","));
    let record = format!(r#"{{"id": "a", "text": "b", "c": {objects}}}"#);
    for (route, body, kind) in [
        ("/rerank", format!(r#"{{"query": "a", "documents": {objects}}}"#), "application/json"),
        ("/rerank", format!(r#"{{"query": "a", "documents": ["b"], "unknown": {objects}}}"#), "application/json"),
        ("/v1/verify", format!(r#"{{"query": "a", "candidates": {objects}}}"#), "application/json"),
        ("/v1/documents", record.clone(), "application/json"),
        ("/v1/documents", record, "application/x-ndjson"),
        ("/mcp", objects.clone(), "application/json"),
    ] {
        let reply = server.send(route, body.as_bytes(), &[("content-type", kind)]);
        assert_eq!(reply.error(), (422, "limit-exceeded".into()), "{route}");
    }
    assert_eq!(server.metric(&["vetted_body_bytes_in_flight"]), 0.0, "all is given back");
}

#[test]
fn a_body_that_is_announced_too_large_is_refused_at_once() {
    let server = plain();
    for expect in ["", "expect: 100-continue\r\n"] {
        let begun = std::time::Instant::now();
        let head =
            format!("POST /rerank HTTP/1.1\r\nhost: localhost\r\n{expect}content-length: 99999999999999\r\n\r\n");
        assert!(all(raw(&server, head.as_bytes())).starts_with("HTTP/1.1 413"), "{expect}");
        assert!(begun.elapsed() < Duration::from_secs(10));
    }
}

#[test]
fn http_2_is_not_spoken() {
    let server = plain();
    let answer = all(raw(&server, b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0"));
    assert!(answer.is_empty() || answer.starts_with("HTTP/1.1 4"), "{answer:?}");
}

#[test]
fn searches_are_bounded_and_name_their_index_either_way() {
    let server = crate::server::with_index();
    let words: Vec<String> = (0..10_000).map(|at| format!("w{at}")).collect();
    let years = format!("year in {}", words.join(", "));
    for body in [json!({"query": words.join(" ")}), json!({"query": "tea", "filters": [years]})] {
        assert_eq!(server.post("/v1/search", &body).error(), (422, "limit-exceeded".into()));
    }
    let body = json!({"query": "tea"});
    assert_eq!(server.post("/v1/search?index=notes", &body).status, 200);
    assert_eq!(server.post("/v1/search?index=nobody", &body).error(), (404, "not-found".into()));
}
