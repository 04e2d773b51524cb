//! Who may ask: keys, web pages, names, TLS.

use std::fs;
use std::path::Path;

use serde_json::json;
use ureq::tls::{Certificate, RootCerts, TlsConfig};
use vetted_server::{Settings, StartError, TlsFiles, start};

use crate::server::{index, plain, settings, with};

/// SHA-256 of `reader`, `writer` and `guest`.
const KEYS: &str = "
reader 3d0941964aa3ebdcb00ccef58b1bb399f9f898465e9886d5aec7f31090a0fb30 read  *
writer b93006774cbdd4b299389a03ac3d88c3a76b460d538795bc12718011a909fba5 write *
guest  84983c60f7daadc1cb8698621f802c0d9f9a3c3c295c810748fb048115c186ec write wiki
";

#[test]
fn keys_are_asked_for_and_allow_what_they_are_for() {
    let server = with(|folder, settings| {
        fs::write(folder.join("keys"), KEYS).unwrap();
        let indexes = vec![index(folder, "notes"), index(folder, "wiki")];
        Settings { keys: Some(folder.join("keys")), indexes, ..settings }
    });
    let rerank = br#"{"query": "Who bit?", "documents": ["The dog bit."]}"#;
    let upsert = |index: &str| json!({"index": index, "documents": [{"id": "a", "text": "b"}]}).to_string();
    let notes = upsert("notes");
    let wiki = upsert("wiki");
    let search = br#"{"query": "Who bit the man?", "index": "notes"}"#;
    for (key, path, body, expected) in [
        ("", "/rerank", &rerank[..], 401),
        ("Bearer nobody", "/rerank", rerank, 401),
        ("Bearer reader", "/rerank", rerank, 200),
        ("reader", "/rerank", rerank, 200),
        ("Bearer reader", "/v1/search", search, 200),
        ("Bearer reader", "/v1/documents", notes.as_bytes(), 403),
        ("Bearer writer", "/v1/documents", notes.as_bytes(), 200),
        ("Bearer guest", "/v1/documents", notes.as_bytes(), 404),
        ("Bearer guest", "/v1/documents", wiki.as_bytes(), 200),
        ("Bearer guest", "/v1/search", search, 404),
    ] {
        let reply = server.send(path, body, &[("authorization", key)]);
        assert_eq!(reply.status, expected, "{key} {path}: {}", reply.text);
        assert_eq!(reply.headers.contains_key("www-authenticate"), expected == 401);
    }
    assert_eq!(server.get("/health/ready").status, 200);
    assert_eq!(server.get("/metrics").error(), (401, "unauthorized".into()));
}

#[test]
fn anything_as_a_key_will_do_where_none_is_asked_for() {
    let server = plain();
    for key in ["", "Bearer ", "Bearer anything", "raw-token"] {
        let body = br#"{"query": "Who bit?", "documents": ["The dog bit."]}"#;
        assert_eq!(server.send("/v1/rerank", body, &[("authorization", key)]).status, 200, "{key}");
    }
}

#[test]
fn web_pages_of_others_may_not_ask() {
    let server = with(|_, settings| Settings {
        origins: vec!["https://chat.example".into()],
        hosts: vec!["vetted.example".into()],
        ..settings
    });
    let body = br#"{"query": "Who bit?", "documents": ["The dog bit."]}"#;
    for (name, value, expected) in [
        ("origin", "https://evil.example", 403),
        ("origin", "null", 403),
        ("origin", "http://localhost.evil.example", 403),
        ("origin", "https://chat.example", 200),
        ("origin", "http://localhost:3000", 200),
        ("origin", "http://127.0.0.1:8080", 200),
        ("host", "evil.example", 403),
        ("host", "vetted.example:8080", 200),
        ("host", "localhost", 200),
    ] {
        let reply = server.send("/rerank", body, &[(name, value)]);
        assert_eq!(reply.status, expected, "{name}: {value}");
        assert!(!reply.headers.contains_key("access-control-allow-origin"), "CORS is off");
    }
}

#[test]
fn a_page_whose_name_was_made_to_mean_this_machine_may_not_ask() {
    let server = with(|_, settings| Settings {
        listen: "0.0.0.0:0".parse().unwrap(),
        open_to_all: true,
        hosts: vec!["vetted.example".into()],
        ..settings
    });
    let url = format!("http://127.0.0.1:{}/rerank", server.address.port());
    let body = br#"{"query": "Who bit?", "documents": ["The dog bit."]}"#;
    for (host, page, expected) in [
        ("evil.example", Some(("origin", "http://evil.example")), 403),
        ("evil.example", Some(("sec-fetch-site", "same-origin")), 403),
        ("vetted.example", Some(("origin", "http://vetted.example")), 200),
        ("192.0.2.7:8080", Some(("origin", "http://192.0.2.7:8080")), 200),
        // A program, in a network where this machine has a name.
        ("vetted:8080", None, 200),
    ] {
        let request = crate::server::agent().post(&url).header("host", host);
        let request = page.into_iter().fold(request, |request, (name, value)| request.header(name, value));
        assert_eq!(request.send(body).unwrap().status(), expected, "{host} {page:?}");
    }
}

#[test]
fn it_does_not_listen_beyond_the_machine_without_keys() {
    let folder = tempfile::tempdir().unwrap();
    let listen = "0.0.0.0:0".parse().unwrap();
    let refused = start(Settings { listen, ..settings(folder.path()) }).err().unwrap();
    assert!(matches!(refused, StartError::OpenToAll { .. }), "{refused}");
    start(Settings { listen, open_to_all: true, ..settings(folder.path()) }).unwrap().stop();
    for (keys, part) in [("", "no keys"), ("a b c", ":1:")] {
        fs::write(folder.path().join("keys"), keys).unwrap();
        let refused =
            start(Settings { keys: Some(folder.path().join("keys")), ..settings(folder.path()) }).err().unwrap();
        assert!(refused.to_string().contains(part), "{refused}");
    }
    let same = vec![index(folder.path(), "a"), index(folder.path(), "a")];
    let refused = start(Settings { indexes: same, ..settings(folder.path()) }).err().unwrap();
    assert!(matches!(refused, StartError::SameName { .. }), "{refused}");
}

#[test]
fn a_server_that_is_read_only_changes_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let indexes = vec![index(folder.path(), "notes")];
    let writable = Settings { indexes, ..settings(folder.path()) };
    start(writable.clone()).unwrap().stop();
    let running = start(Settings { writable: false, ..writable }).unwrap();
    let url = format!("http://{}/v1/documents", running.address());
    let reply = crate::server::agent().post(url).send(r#"{"id": "a", "text": "b"}"#).unwrap();
    assert_eq!(reply.status(), 403);
}

#[test]
fn tls_is_spoken_where_a_certificate_is_given() {
    let file = |name: &str| Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/tls").join(name);
    let (certificate, key) = (file("certificate.pem"), file("key.pem"));
    let tls = Some(TlsFiles { certificate: certificate.clone(), key: key.clone() });
    let server = with(|_, settings| Settings { tls, ..settings });
    let known = Certificate::from_pem(&fs::read(&certificate).unwrap()).unwrap();
    let roots = RootCerts::new_with_certs(&[known]);
    let config = ureq::Agent::config_builder().tls_config(TlsConfig::builder().root_certs(roots).build()).build();
    let agent = ureq::Agent::new_with_config(config);
    let url = |scheme: &str| format!("{scheme}://localhost:{}/health/live", server.address.port());
    assert_eq!(agent.get(url("https")).call().unwrap().status(), 200);
    assert!(agent.get(url("http")).call().is_err(), "nothing is said without it");

    let folder = tempfile::tempdir().unwrap();
    let wrong = Some(TlsFiles { certificate: key.clone(), key });
    let refused = start(Settings { tls: wrong, ..settings(folder.path()) }).err().unwrap();
    assert!(matches!(refused, StartError::Tls { .. }), "{refused}");
}
