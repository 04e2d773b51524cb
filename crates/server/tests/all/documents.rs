//! Documents in and out, and searches that see them at once.

use std::io::{Read, Write};
use std::net::TcpStream;

use serde_json::{Value, json};

use crate::server::{Server, index, plain, with, with_index};

const JSON_LINES: [(&str, &str); 1] = [("content-type", "application/x-ndjson")];

fn found(server: &Server, query: &str) -> Vec<String> {
    let answer = server.post("/v1/search", &json!({"query": query, "verify": "flag"})).json();
    answer["hits"].as_array().unwrap().iter().map(|hit| hit["id"].as_str().unwrap().to_owned()).collect()
}

#[test]
fn a_change_is_seen_by_the_very_next_search() {
    let server = with_index();
    let documents = json!({"documents": [
        {"id": "dog", "text": "The dog bit the man.", "year": 1999},
        {"_id": 7, "title": "Tea", "text": "Green tea turns bitter.", "metadata": {"year": 2001}},
    ]});
    let answer = server.post("/v1/documents", &documents).json();
    assert_eq!(answer, json!({"index": "notes", "added": 2, "replaced": 0, "unchanged": 0, "duplicates": 0}));
    assert_eq!(server.post("/v1/documents", &documents).json()["unchanged"], 2);
    assert_eq!(found(&server, "The dog bit the man.")[0], "dog");

    for round in 0..20 {
        let text = format!("The nurse visited the farmer {round} times.");
        let one = json!({"id": "dog", "text": text});
        assert_eq!(server.post("/v1/documents", &one).json()["replaced"], 1);
        let answer = server.post("/v1/search", &json!({"query": text, "k": 1, "verify": "off"})).json();
        assert_eq!((&answer["hits"][0]["id"], &answer["hits"][0]["snippet"]["text"]), (&"dog".into(), &text.into()));
        assert_eq!(server.get("/v1/documents/dog").json()["metadata"], json!({}));
    }
    assert_eq!(server.delete("/v1/documents/dog", None).json()["deleted"], 1);
    assert_eq!(found(&server, "The nurse visited the farmer 19 times."), ["7"]);
    for reply in [server.get("/v1/documents/dog"), server.delete("/v1/documents/dog", None)] {
        assert_eq!(reply.error(), (404, "not-found".into()));
    }
    let shown = server.get("/v1/documents/7").json();
    assert_eq!((&shown["title"], &shown["metadata"]), (&"Tea".into(), &json!({"year": 2001})));
}

#[test]
fn documents_are_removed_by_their_ids_and_by_their_metadata() {
    let server = with_index();
    let documents: Vec<Value> =
        (0..10).map(|n| json!({"id": format!("a/{n}"), "text": "Tea.", "year": 1990 + n})).collect();
    assert_eq!(server.post("/v1/documents", &json!(documents)).json()["added"], 10);
    assert_eq!(server.get("/v1/documents/a/3").json()["id"], "a/3", "an id may have slashes");
    let removed = server.delete("/v1/documents", Some(&json!({"filters": ["year>=1994", "year!=1999"]}))).json();
    assert_eq!(removed, json!({"index": "notes", "deleted": 5}));
    assert_eq!(
        server.delete("/v1/documents", Some(&json!({"ids": ["a/0", "a/1", "a/9", "none"]}))).json()["deleted"],
        3
    );
    let mut left = found(&server, "Tea and more tea.");
    left.sort();
    assert_eq!(left, ["a/2", "a/3"]);
    for wrong in
        [json!({}), json!({"ids": []}), json!({"ids": ["a"], "filters": ["a=b"]}), json!({"filters": ["year"]})]
    {
        assert_eq!(server.delete("/v1/documents", Some(&wrong)).error(), (400, "invalid-request".into()), "{wrong}");
    }
    assert_eq!(server.delete("/v1/documents", None).error().0, 400, "not everything");
}

#[test]
fn lines_are_written_as_they_come_and_a_mistake_keeps_what_stood_before() {
    let server = with_index();
    let lines: String = (0..600).map(|n| format!("{{\"_id\": {n}, \"text\": \"Report {n}.\"}}\n\n")).collect();
    let answer = server.send("/v1/documents?index=notes", lines.as_bytes(), &JSON_LINES).json();
    assert_eq!((&answer["added"], &answer["index"]), (&600.into(), &"notes".into()));
    let broken =
        format!("{{\"id\": \"x\", \"text\": \"One.\"}}\n{{\"id\": \"y\"}}\n{}", "{\"id\": \"z\", \"text\": \"Two.\"}");
    let reply = server.send("/v1/documents", broken.as_bytes(), &JSON_LINES);
    assert_eq!(reply.error(), (400, "invalid-request".into()));
    assert!(reply.text.contains(":2:") && reply.text.contains("1 added"), "{}", reply.text);
    assert_eq!((server.get("/v1/documents/x").status, server.get("/v1/documents/z").status), (200, 404));
    for (line, code) in [
        ("nonsense", "invalid-json"),
        ("[1]", "invalid-request"),
        ("{\"id\": \"a\", \"text\": \"\\ud800\"}", "invalid-json"),
    ] {
        let reply = server.send("/v1/documents", line.as_bytes(), &JSON_LINES);
        assert_eq!(reply.error(), (400, code.into()), "{line}");
        assert!(reply.text.contains("line 1"), "{}", reply.text);
    }
    assert_eq!(server.send("/v1/documents", b"", &JSON_LINES).json()["added"], 0);
}

/// What came is on disk while the rest is still on its way.
#[test]
fn a_stream_is_indexed_before_it_ends() {
    let server = with_index();
    let mut stream = TcpStream::connect(server.address).unwrap();
    write!(stream, "POST /v1/documents HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/jsonl\r\ntransfer-encoding: chunked\r\n\r\n").unwrap();
    let lines: String = (0..300).map(|n| format!("{{\"id\": \"{n}\", \"text\": \"Report {n}.\"}}\n")).collect();
    write!(stream, "{:x}\r\n{lines}\r\n", lines.len()).unwrap();
    stream.flush().unwrap();
    let begun = std::time::Instant::now();
    while server.get("/v1/documents/0").status != 200 {
        assert!(begun.elapsed().as_secs() < 30);
    }
    assert_eq!(server.get("/v1/documents/299").status, 404);
    write!(stream, "0\r\n\r\n").unwrap();
    let mut answer = String::new();
    stream.set_read_timeout(Some(std::time::Duration::from_secs(30))).unwrap();
    let mut buffer = [0; 4096];
    while !answer.contains("duplicates") {
        let read = stream.read(&mut buffer).unwrap();
        assert!(read > 0, "{answer}");
        answer.push_str(&String::from_utf8_lossy(&buffer[..read]));
    }
    assert!(answer.contains("\"added\":300"), "{answer}");
    assert_eq!(server.get("/v1/documents/299").status, 200);
}

#[test]
fn searches_take_filters_modes_and_depths() {
    let server = with_index();
    let documents = json!([
        {"id": "right", "text": "The farmer was visited by the nurse.", "year": 2001},
        {"id": "wrong", "text": "The farmer visited the nurse.", "year": 2002},
        {"id": "tea", "text": "Green tea turns bitter.", "year": 2003},
    ]);
    server.post("/v1/documents", &documents).json();
    let query = "The nurse visited the farmer.";
    for mode in ["dense", "bm25", "hybrid", "hybrid-rrf"] {
        let body = json!({"query": query, "mode": mode, "evidence": true, "k": 2, "model": "any"});
        let answer = server.post("/v1/search", &body).json();
        assert_eq!((&answer["mode"], &answer["verified"]), (&mode.into(), &true.into()), "{answer}");
        assert_eq!(answer["rejected"][0]["id"], "wrong", "{answer}");
        let right = answer["hits"].as_array().unwrap().iter().find(|hit| hit["id"] == "right").unwrap();
        assert!(right["verdict"] == "accept" && !right["evidence"].as_array().unwrap().is_empty(), "{right}");
        assert!(answer["ms"]["total"].is_number() && answer["index"] == "notes");
    }
    let only = server.post("/v1/search", &json!({"query": query, "filters": ["year>2002"]})).json();
    assert_eq!((only["hits"].as_array().unwrap().len(), &only["hits"][0]["id"]), (1, &"tea".into()));
    let shallow =
        server.post("/v1/search", &json!({"query": query, "depth": 1, "verify": "flag", "budget_ms": 5000})).json();
    assert!(shallow["hits"].as_array().unwrap().iter().any(|hit| hit["reason"] == "beyond-depth"), "{shallow}");
    for (body, status) in [
        (json!({"query": ""}), 400),
        (json!({"query": query, "k": 0}), 400),
        (json!({"query": query, "k": -1}), 400),
        (json!({"query": query, "k": 1_000_000}), 422),
        (json!({"query": query, "alpha": 2}), 400),
        (json!({"query": query, "filters": ["nonsense"]}), 400),
        (json!({"query": query, "mode": "magic"}), 400),
        (json!({"query": query, "index": "other"}), 404),
        (json!({"query": query, "vector": [1.0]}), 400),
    ] {
        assert_eq!(server.post("/v1/search", &body).error().0, status, "{body}");
    }
}

#[test]
fn several_indexes_are_told_apart_and_no_index_is_told() {
    let server = with(|folder, settings| vetted_server::Settings {
        indexes: vec![index(folder, "notes"), index(folder, "wiki")],
        ..settings
    });
    let body = json!({"index": "wiki", "documents": [{"id": "a", "text": "Tea."}]});
    assert_eq!(server.post("/v1/documents", &body).json()["index"], "wiki");
    assert_eq!(server.get("/v1/documents/a?index=wiki").status, 200);
    assert_eq!(server.get("/v1/documents/a?index=notes").status, 404);
    let ambiguous = server.get("/v1/documents/a");
    assert_eq!(ambiguous.error(), (400, "invalid-request".into()));
    assert!(ambiguous.text.contains("notes, wiki"), "{}", ambiguous.text);
    let none = plain();
    assert_eq!(none.post("/v1/search", &json!({"query": "Is there tea?"})).error(), (404, "not-found".into()));
    assert_eq!(none.get("/v1/indexes").json(), json!({"indexes": []}));
}

#[test]
fn what_was_sent_wrongly_is_told() {
    let server = with_index();
    for (body, part) in [
        (json!({"documents": []}), "empty"),
        (json!([]), "empty"),
        (json!({"documents": 7}), "not an array"),
        (json!({"text": "no id"}), "`_id` or `id`"),
        (json!([{"id": "a", "text": "b"}, {"id": " ", "text": "c"}]), "the body:2"),
        (json!([{"id": "a", "text": 7}]), "`text` is a number"),
        (json!([7]), "document 1 is not an object"),
        (json!("text"), "neither"),
        (json!({"index": 7, "documents": [{"id": "a", "text": "b"}]}), "not a string"),
    ] {
        let reply = server.post("/v1/documents", &body);
        assert_eq!(reply.error(), (400, "invalid-request".into()), "{body}");
        assert!(reply.text.contains(part), "{body}: {}", reply.text);
    }
    assert_eq!(server.get("/v1/documents/a").status, 404, "of a batch with a mistake nothing is kept");
}
