//! Agents' tools over HTTP: the revision without `initialize`, older clients, keys, bounds.

use std::fs;
use std::io::Write;
use std::net::TcpStream;
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use vetted_server::{Limits, Settings};

use crate::server::{Reply, Server, index, plain, with, with_index};

/// Two statements, and one that says the opposite of the first.
const DOG: &str = "The nurse visited the farmer.";
const MAN: &str = "The farmer visited the nurse.";
const TEA: &str = "Green tea turns bitter in boiling water.";

const READING: [&str; 4] = ["vetted-search", "vetted-verify", "vetted-explain", "vetted-info"];
const ALL: [&str; 6] =
    ["vetted-search", "vetted-verify", "vetted-explain", "vetted-info", "vetted-upsert", "vetted-delete"];

/// A request as the revision of 2026 has it: it says everything itself.
fn ask(server: &Server, method: &str, mut params: Value, headers: &[(&str, &str)]) -> Reply {
    params["_meta"] = json!({
        "io.modelcontextprotocol/protocolVersion": "2026-07-28",
        "io.modelcontextprotocol/clientCapabilities": {},
        "io.modelcontextprotocol/clientInfo": {"name": "test", "version": "1"},
    });
    let name = params["name"].as_str().unwrap_or_default().to_owned();
    let mut all = vec![
        ("content-type", "application/json"),
        ("accept", "application/json, text/event-stream"),
        ("mcp-protocol-version", "2026-07-28"),
        ("mcp-method", method),
    ];
    if !name.is_empty() {
        all.push(("mcp-name", &name));
    }
    all.extend(headers);
    let body = json!({"jsonrpc": "2.0", "id": 7, "method": method, "params": params});
    server.send("/mcp", body.to_string().as_bytes(), &all)
}

fn call_with(server: &Server, tool: &str, arguments: Value, headers: &[(&str, &str)]) -> Value {
    let body = ask(server, "tools/call", json!({"name": tool, "arguments": arguments}), headers).json();
    assert_eq!((&body["jsonrpc"], &body["id"]), (&"2.0".into(), &7.into()), "{body}");
    body["result"].clone()
}

/// The text and what is structured of an answer that must be good.
fn call(server: &Server, tool: &str, arguments: Value) -> (String, Value) {
    let result = call_with(server, tool, arguments, &[]);
    assert_eq!(result["isError"], false, "{result}");
    assert!(result["structuredContent"].is_object(), "{result}");
    (text(&result), result["structuredContent"].clone())
}

/// The text of an answer that must be an error.
fn refused(server: &Server, tool: &str, arguments: Value, headers: &[(&str, &str)]) -> String {
    let result = call_with(server, tool, arguments, headers);
    assert_eq!((&result["isError"], result.get("structuredContent")), (&true.into(), None), "{result}");
    let code = result["_meta"]["vetted/error"]["code"].as_str().unwrap();
    assert!(text(&result).starts_with(&format!("error ({code}): ")), "{result}");
    text(&result)
}

fn text(result: &Value) -> String {
    let content = result["content"].as_array().unwrap();
    assert_eq!((content.len(), &content[0]["type"]), (1, &"text".into()), "{result}");
    content[0]["text"].as_str().unwrap().to_owned()
}

fn tools(list: &Reply) -> Vec<String> {
    let list = list.json();
    list["result"]["tools"].as_array().unwrap().iter().map(|tool| tool["name"].as_str().unwrap().to_owned()).collect()
}

fn with_notes() -> Server {
    let server = with_index();
    let documents = json!({"documents": [
        {"id": "dog", "text": DOG, "metadata": {"year": 1999, "kind": "report"}},
        {"id": "man", "text": MAN},
        {"id": "tea", "title": "Tea", "text": TEA},
    ]});
    let (said, answer) = call(&server, "vetted-upsert", documents);
    let expected =
        json!({"index": "notes", "added": 3, "replaced": 0, "unchanged": 0, "duplicates": 0, "documents": 3});
    assert_eq!(answer, expected);
    assert!(said.contains("3 added") && said.contains("3 documents now"), "{said}");
    server
}

#[test]
fn a_client_that_asks_without_saying_hello_is_told_everything() {
    let server = plain();
    let discovered = ask(&server, "server/discover", json!({}), &[]).json()["result"].clone();
    assert!(discovered["supportedVersions"].as_array().unwrap().contains(&"2026-07-28".into()), "{discovered}");
    assert!(discovered["capabilities"]["tools"].is_object() && discovered["ttlMs"].as_u64() > Some(0), "{discovered}");
    assert!(discovered["instructions"].as_str().unwrap().contains("search again in other words"), "{discovered}");
    assert_eq!(discovered["_meta"]["io.modelcontextprotocol/serverInfo"]["name"], "vetted");
    let list = ask(&server, "tools/list", json!({}), &[]);
    assert_eq!(tools(&list), ALL);
    let result = &list.json()["result"];
    assert_eq!((&result["resultType"], &result["cacheScope"]), (&"complete".into(), &"private".into()), "{result}");
    assert!(list.headers["content-type"].to_str().unwrap().starts_with("application/json"));
    assert!(!list.headers.contains_key("mcp-session-id"));
}

#[test]
fn an_older_client_says_hello_and_is_served_without_a_session() {
    let server = with_notes();
    for version in ["2025-03-26", "2025-06-18", "2025-11-25"] {
        let send = |body: Value| {
            let headers = [
                ("content-type", "application/json"),
                ("accept", "application/json, text/event-stream"),
                ("mcp-protocol-version", version),
            ];
            server.send("/mcp", body.to_string().as_bytes(), &headers)
        };
        let hello = json!({"jsonrpc": "2.0", "id": 1, "method": "initialize", "params": {
            "protocolVersion": version, "capabilities": {}, "clientInfo": {"name": "old", "version": "1"}}});
        let hello = send(hello).json()["result"].clone();
        assert_eq!(
            (&hello["protocolVersion"], &hello["serverInfo"]["name"]),
            (&version.into(), &"vetted".into()),
            "{hello}"
        );
        assert_eq!(send(json!({"jsonrpc": "2.0", "method": "notifications/initialized"})).status, 202);
        let list = send(json!({"jsonrpc": "2.0", "id": 2, "method": "tools/list"}));
        assert_eq!(tools(&list), ALL);
        assert!(list.json()["result"].get("ttlMs").is_none(), "it would not know it: {}", list.text);
        let search = json!({"jsonrpc": "2.0", "id": 3, "method": "tools/call",
            "params": {"name": "vetted-search", "arguments": {"query": DOG}}});
        let found = send(search).json()["result"].clone();
        assert_eq!(
            (&found["isError"], &found["structuredContent"]["verified"]),
            (&false.into(), &true.into()),
            "{found}"
        );
        assert_eq!(send(json!({"jsonrpc": "2.0", "id": 4, "method": "ping"})).json()["result"], json!({}));
    }
}

#[test]
fn a_search_says_what_can_be_vouched_for_and_what_to_do_next() {
    let server = with_notes();
    let (said, found) = call(&server, "vetted-search", json!({"query": DOG}));
    assert_eq!(
        (&found["index"], &found["mode"], &found["verified"]),
        (&"notes".into(), &"hybrid".into(), &true.into())
    );
    assert_eq!((&found["hits"][0]["id"], &found["hits"][0]["verdict"]), (&"dog".into(), &"accept".into()), "{found}");
    assert_eq!(
        (&found["rejected"][0]["id"], &found["rejected"][0]["verdict"]),
        (&"man".into(), &"reject".into()),
        "{found}"
    );
    assert!(found["advice"].as_str().unwrap().contains("1 document says the opposite"), "{found}");
    assert!(said.starts_with(found["advice"].as_str().unwrap()), "{said}");
    for line in ["1. accept (supports, ", "[id dog]", "left out: reject (contradicts, ", "[id man]", MAN] {
        assert!(said.contains(line), "{line} in {said}");
    }

    let (said, found) =
        call(&server, "vetted-search", json!({"query": "Mara sold the old boat to Jonas in May.", "k": 2}));
    assert_eq!((&found["verified"], found["hits"].as_array().unwrap().len()), (&false.into(), 2), "{found}");
    assert!(said.contains("can be vouched for") && said.contains("Search again in other words"), "{said}");

    let (said, _) = call(&server, "vetted-search", json!({"query": "tea"}));
    assert!(said.contains("full question or statement"), "{said}");

    let (said, found) = call(&server, "vetted-search", json!({"query": DOG, "filters": ["year=1850"], "mode": "bm25"}));
    assert_eq!((&found["hits"], &found["mode"]), (&json!([]), &"bm25".into()));
    assert!(said.starts_with("Nothing was found."), "{said}");
    let (_, found) =
        call(&server, "vetted-search", json!({"query": DOG, "filters": ["year>=1999", "kind=report"], "mode": null}));
    assert_eq!(found["hits"].as_array().unwrap().len(), 1, "{found}");
    let (_, found) = call(&server, "vetted-search", json!({"query": DOG, "mode": "dense", "index": "notes"}));
    assert_eq!(found["mode"], "dense");
}

#[test]
fn texts_that_an_agent_brings_are_verified_and_explained() {
    let server = plain();
    let passive = "The farmer was visited by the nurse.";
    let verify = json!({"query": DOG, "candidates": [passive, MAN, " "]});
    let (said, answer) = call(&server, "vetted-verify", verify);
    let verdicts: Vec<_> =
        answer["results"].as_array().unwrap().iter().map(|it| it["verdict"].as_str().unwrap()).collect();
    assert_eq!(verdicts, ["accept", "reject", "unverified"], "{answer}");
    assert_eq!((&answer["verified"], &answer["relation"]), (&true.into(), &"support".into()));
    assert!(said.contains("the texts disagree") && said.contains("candidate 1: reject (contradicts"), "{said}");

    let same = json!({"query": DOG, "candidates": [MAN], "relation": "equivalence"});
    let (said, answer) = call(&server, "vetted-verify", same);
    assert_eq!((&answer["verified"], &answer["relation"]), (&false.into(), &"equivalence".into()));
    assert!(said.starts_with("Not verified: none of 1 means the same, and 1 means something else."), "{said}");

    let long = format!("It rained. {MAN}");
    let (said, answer) = call(&server, "vetted-explain", json!({"query": DOG, "candidate": long}));
    assert!(answer["verdict"].is_string() && long.contains(answer["window"]["text"].as_str().unwrap()), "{answer}");
    let tokens: Vec<_> =
        answer["query_tokens"].as_array().unwrap().iter().map(|it| it["token"].as_str().unwrap()).collect();
    assert!(tokens.contains(&"nurse") && !tokens.contains(&"[CLS]"), "{answer}");
    assert!(said.contains("decided by: ") && said.contains("query: "), "{said}");
    let (said, answer) = call(&server, "vetted-explain", json!({"query": DOG, "candidate": " "}));
    assert!(answer["verdict"] == "unverified" && said.contains("no words to show"), "{said}");
}

#[test]
fn indexes_are_listed_and_documents_are_read_changed_and_removed() {
    let server = with_notes();
    let (said, info) = call(&server, "vetted-info", json!({}));
    let notes = &info["indexes"][0];
    assert_eq!((&notes["name"], &notes["documents"], &notes["writable"]), (&"notes".into(), &3.into(), &true.into()));
    assert_eq!(notes["fields"], json!({"kind": "report", "year": 1999}));
    assert!(said.contains("\"notes\": 3 documents") && said.contains("year (as 1999)"), "{said}");

    let long = "Each sentence is a little longer than the one before. ".repeat(1_000);
    let upsert = json!({"documents": [{"id": "tea", "text": long, "metadata": {"year": 2001}}, {"id": "dog", "text": DOG,
        "metadata": {"year": 1999, "kind": "report"}}]});
    let (_, answer) = call(&server, "vetted-upsert", upsert);
    assert_eq!((&answer["replaced"], &answer["unchanged"], &answer["documents"]), (&1.into(), &1.into(), &3.into()));
    let (said, info) = call(&server, "vetted-info", json!({"id": "tea", "offset": 20_000}));
    let shown = &info["document"];
    assert_eq!(
        (&shown["next"], &shown["offset"], &shown["characters"]),
        (&40_000.into(), &20_000.into(), &long.len().into())
    );
    assert_eq!((&shown["text"], &shown["metadata"]), (&long[20_000..40_000].into(), &json!({"year": 2001})));
    assert!(said.contains("go on with offset 40000"), "{}", &said[..200]);

    let (said, answer) = call(&server, "vetted-delete", json!({"ids": ["tea", "none"]}));
    assert_eq!(answer, json!({"index": "notes", "deleted": 1, "documents": 2}));
    assert!(said.contains("1 of 2 were there"), "{said}");
    let said = refused(&server, "vetted-info", json!({"id": "tea"}), &[]);
    assert!(said.contains("no document \"tea\""), "{said}");
}

#[test]
fn what_cannot_be_done_is_told_with_what_to_do() {
    let server = with_notes();
    let many: Vec<String> = (0..51).map(|n| n.to_string()).collect();
    let ids: Vec<String> = (0..101).map(|n| n.to_string()).collect();
    for (tool, arguments, expected) in [
        ("vetted-search", json!({}), "missing field `query`"),
        ("vetted-search", json!({"query": " "}), "`query` is empty"),
        ("vetted-search", json!({"query": "q".repeat(4_001)}), "more than 4000 characters"),
        ("vetted-search", json!({"query": DOG, "k": 51}), "from 1 to 50"),
        ("vetted-search", json!({"query": DOG, "k": 0}), "from 1 to 50"),
        ("vetted-search", json!({"query": DOG, "limit": 3}), "unknown field `limit`, expected one of `query`"),
        (
            "vetted-search",
            json!({"query": DOG, "mode": "vector"}),
            "unknown variant `vector`, expected one of `hybrid`",
        ),
        ("vetted-search", json!({"query": DOG, "filters": ["year"]}), "year"),
        ("vetted-search", json!({"query": DOG, "index": "wiki"}), "there are: notes"),
        ("vetted-verify", json!({"query": DOG, "candidates": []}), "`candidates` is empty"),
        ("vetted-verify", json!({"query": DOG, "candidates": many}), "at most 50"),
        (
            "vetted-verify",
            json!({"query": DOG, "candidates": [DOG], "relation": "equivalence", "passages": true}),
            "`support`",
        ),
        ("vetted-info", json!({"id": "none"}), "take ids from hits"),
        ("vetted-upsert", json!({"documents": []}), "`documents` is empty"),
        ("vetted-upsert", json!({"documents": [{"id": " ", "text": "a"}]}), "`documents[0]` has an empty `id`"),
        ("vetted-upsert", json!({"documents": [{"id": "a"}]}), "missing field `text`"),
        ("vetted-delete", json!({"ids": ids}), "at most 100"),
    ] {
        let said = refused(&server, tool, arguments.clone(), &[]);
        assert!(said.contains(expected), "{tool} {arguments}: {said}");
    }
}

#[test]
fn a_request_that_is_none_is_an_error_of_the_protocol() {
    let server = with_index();
    let unknown = ask(&server, "tools/call", json!({"name": "vetted-forget", "arguments": {}}), &[]).any_json();
    assert_eq!(unknown["error"]["code"], -32602, "{unknown}");
    assert!(unknown["error"]["message"].as_str().unwrap().contains("vetted-search"), "{unknown}");
    assert_eq!(ask(&server, "resources/nothing", json!({}), &[]).status, 404);
    let get = crate::server::agent().get(server.url("/mcp")).header("accept", "text/event-stream").call().unwrap();
    assert_eq!((get.status().as_u16(), get.headers()["allow"].to_str().unwrap()), (405, "POST"));
    let headers = [("content-type", "application/json"), ("accept", "application/json, text/event-stream")];
    for body in ["{", "[]", "{\"jsonrpc\": \"2.0\"}", ""] {
        let reply = server.send("/mcp", body.as_bytes(), &headers);
        assert!((400..500).contains(&reply.status), "{body}: {} {}", reply.status, reply.text);
    }
    let timeout = ask(&server, "tools/list", json!({}), &[("x-request-timeout-ms", "soon")]);
    assert_eq!(timeout.error(), (400, "invalid-request".into()));
}

#[test]
fn keys_decide_which_tools_and_indexes_an_agent_has() {
    const KEYS: &str = "
reader 3d0941964aa3ebdcb00ccef58b1bb399f9f898465e9886d5aec7f31090a0fb30 read  *
writer b93006774cbdd4b299389a03ac3d88c3a76b460d538795bc12718011a909fba5 write *
guest  84983c60f7daadc1cb8698621f802c0d9f9a3c3c295c810748fb048115c186ec write wiki
";
    let server = with(|folder, settings| {
        fs::write(folder.join("keys"), KEYS).unwrap();
        let indexes = vec![index(folder, "notes"), index(folder, "wiki")];
        Settings { keys: Some(folder.join("keys")), indexes, ..settings }
    });
    let nobody = ask(&server, "tools/list", json!({}), &[]);
    assert_eq!((nobody.status, nobody.headers.contains_key("www-authenticate")), (401, true));
    let (reader, writer, guest) = (
        [("authorization", "Bearer reader")],
        [("authorization", "Bearer writer")],
        [("authorization", "Bearer guest")],
    );
    assert_eq!(tools(&ask(&server, "tools/list", json!({}), &reader)), READING);
    assert_eq!(tools(&ask(&server, "tools/list", json!({}), &writer)), ALL);
    let upsert = |index: &str| json!({"index": index, "documents": [{"id": "a", "text": DOG}]});
    assert!(refused(&server, "vetted-upsert", upsert("notes"), &reader).contains("for reading"));
    assert!(refused(&server, "vetted-upsert", upsert("notes"), &guest).contains("there are: wiki"));
    assert_eq!(call_with(&server, "vetted-upsert", upsert("notes"), &writer)["isError"], false);
    let named = |headers: &[(&str, &str)]| -> Vec<String> {
        let info = call_with(&server, "vetted-info", json!({}), headers)["structuredContent"].clone();
        info["indexes"].as_array().unwrap().iter().map(|it| it["name"].as_str().unwrap().to_owned()).collect()
    };
    assert_eq!((named(&reader), named(&guest)), (vec!["notes".to_owned(), "wiki".into()], vec!["wiki".to_owned()]));
    let unclear = refused(&server, "vetted-search", json!({"query": DOG}), &reader);
    assert!(unclear.contains("notes, wiki"), "{unclear}");
}

#[test]
fn a_server_that_only_reads_offers_no_tools_that_write() {
    let folder = tempfile::tempdir().unwrap();
    let mut first = with(|_, settings| Settings { indexes: vec![index(folder.path(), "notes")], ..settings });
    call(&first, "vetted-upsert", json!({"documents": [{"id": "dog", "text": DOG}]}));
    first.stop();
    let server =
        with(|_, settings| Settings { indexes: vec![index(folder.path(), "notes")], writable: false, ..settings });
    assert_eq!(tools(&ask(&server, "tools/list", json!({}), &[])), READING);
    let said = refused(&server, "vetted-delete", json!({"ids": ["dog"]}), &[]);
    assert!(said.contains("only read"), "{said}");
    let (_, found) = call(&server, "vetted-search", json!({"query": DOG}));
    assert_eq!(found["hits"][0]["id"], "dog");
}

#[test]
fn web_pages_of_others_have_no_tools() {
    let server = with(|_, settings| Settings { origins: vec!["https://chat.example".into()], ..settings });
    for (name, value, expected) in [
        ("origin", "https://evil.example", 403),
        ("origin", "null", 403),
        ("origin", "http://localhost.evil.example", 403),
        ("host", "evil.example", 403),
        ("origin", "https://chat.example", 200),
        ("origin", "http://localhost:6274", 200),
    ] {
        let reply = ask(&server, "tools/list", json!({}), &[(name, value)]);
        assert_eq!(reply.status, expected, "{name}: {value}: {}", reply.text);
    }
}

#[test]
fn bodies_and_times_have_the_server_s_bounds() {
    let server = with(|folder, settings| Settings {
        indexes: vec![index(folder, "notes")],
        limits: Limits { body_bytes: 100_000, ..settings.limits },
        ..settings
    });
    let large = json!({"name": "vetted-verify", "arguments": {"query": DOG, "candidates": ["x".repeat(100_000)]}});
    assert_eq!(ask(&server, "tools/call", large, &[]).error(), (413, "body-too-large".into()));
    let candidates: Vec<String> = (0..50).map(|n| format!("{MAN} Report {n}. {}", TEA.repeat(20))).collect();
    let slow = json!({"query": DOG, "candidates": candidates});
    let said = refused(&server, "vetted-verify", slow.clone(), &[("x-request-timeout-ms", "1")]);
    assert!(said.starts_with("error (deadline-exceeded): "), "{said}");
    let (said, answer) = call(&server, "vetted-verify", slow);
    assert_eq!(answer["results"].as_array().unwrap().len() as u64 + answer["left_off"].as_u64().unwrap(), 50);
    assert!(said.len() < 30_000 && answer.to_string().len() < 45_000);
    assert_eq!(server.metric(&["vetted_requests_total", "route=\"/mcp\"", "status=\"413\""]), 1.0);
}

#[test]
fn what_a_client_asked_for_that_went_away_is_given_up() {
    let server = with_index();
    let text = "The nurse visited the farmer. ".repeat(2_000);
    let documents: Vec<Value> = (0..100).map(|n| json!({"id": n.to_string(), "text": text})).collect();
    let params = json!({"name": "vetted-upsert", "arguments": {"documents": documents}});
    let body = json!({"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": params}).to_string();
    let mut client = TcpStream::connect(server.address).unwrap();
    let head = format!(
        "POST /mcp HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\naccept: application/json, text/event-stream\r\n\
         mcp-protocol-version: 2025-06-18\r\ncontent-length: {}\r\n\r\n",
        body.len()
    );
    client.write_all(head.as_bytes()).unwrap();
    client.write_all(body.as_bytes()).unwrap();
    let documents = || call(&server, "vetted-info", json!({})).1["indexes"][0]["documents"].as_u64().unwrap();
    let begun = Instant::now();
    while documents() == 0 {
        assert!(begun.elapsed() < Duration::from_secs(60), "nothing is written");
    }
    drop(client);
    // What is being written is finished; nothing more begins.
    let (mut before, mut now) = (0, documents());
    while now != before {
        std::thread::sleep(Duration::from_secs(2));
        (before, now) = (now, documents());
    }
    assert!(now < 100, "all of it was written for nobody");
}
