//! What an OTLP collector is told.

use std::collections::HashMap;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Duration, Instant};

use opentelemetry_proto::tonic::collector::metrics::v1::ExportMetricsServiceRequest;
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::common::v1::any_value::Value as Attribute;
use opentelemetry_proto::tonic::trace::v1::Span;
use prost::Message;
use serde_json::json;
use vetted_server::Settings;

use crate::server::{Server, index, with};

/// A collector: takes what is posted to it.
#[derive(Clone, Default)]
struct Collector(Arc<Mutex<Vec<Posted>>>);

/// A path and a body.
type Posted = (String, Vec<u8>);

impl Collector {
    fn start() -> (Collector, SocketAddr) {
        let collector = Collector::default();
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let (address, own) = (listener.local_addr().unwrap(), collector.clone());
        thread::spawn(move || {
            for stream in listener.incoming() {
                let own = own.clone();
                thread::spawn(move || own.take(&mut BufReader::new(stream.unwrap())));
            }
        });
        (collector, address)
    }

    fn take(&self, stream: &mut BufReader<std::net::TcpStream>) -> Option<()> {
        loop {
            let mut line = String::new();
            stream.read_line(&mut line).ok().filter(|read| *read > 0)?;
            let path = line.split(' ').nth(1)?.to_owned();
            let mut length = 0;
            loop {
                line.clear();
                stream.read_line(&mut line).ok()?;
                match line.trim().to_ascii_lowercase().split_once(':') {
                    Some(("content-length", value)) => length = value.trim().parse().ok()?,
                    Some(_) => {}
                    None => break,
                }
            }
            let mut body = vec![0; length];
            stream.read_exact(&mut body).ok()?;
            self.0.lock().unwrap().push((path, body));
            stream.get_mut().write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n").ok()?;
        }
    }

    fn spans(&self) -> Vec<Span> {
        let posted = self.0.lock().unwrap();
        let requests = posted.iter().filter(|(path, _)| path == "/v1/traces");
        let requests = requests.map(|(_, body)| ExportTraceServiceRequest::decode(body.as_slice()).unwrap());
        let scopes = requests.flat_map(|it| it.resource_spans).flat_map(|it| it.scope_spans);
        scopes.flat_map(|it| it.spans).collect()
    }
}

fn attributes(span: &Span) -> HashMap<String, String> {
    let text = |value: &Attribute| match value {
        Attribute::StringValue(text) => text.clone(),
        Attribute::IntValue(number) => number.to_string(),
        Attribute::BoolValue(value) => value.to_string(),
        other => format!("{other:?}"),
    };
    let all = span.attributes.iter();
    all.filter_map(|it| Some((it.key.clone(), text(it.value.as_ref()?.value.as_ref()?)))).collect()
}

fn server(address: &str) -> Server {
    with(|folder, settings| Settings {
        indexes: vec![index(folder, "notes")],
        otlp: Some(format!("http://{address}/")),
        ..settings
    })
}

#[test]
fn requests_and_searches_are_told_without_their_texts() {
    let (collector, address) = Collector::start();
    let mut server = server(&address.to_string());
    let documents = json!([{"id": "bite", "text": "The dog bit the man."}, {"id": "tea", "text": "Tea is hot."}]);
    server.post("/v1/documents", &documents).json();
    let trace = "0af7651916cd43dd8448eb211c80319c";
    let headers = [("traceparent", &*format!("00-{trace}-b7ad6b7169203331-01"))];
    let reply = server.send("/v1/search", br#"{"query": "Who bit the man?", "k": 7}"#, &headers);
    assert_eq!(reply.json()["hits"][0]["id"], "bite");
    assert_eq!(server.post("/v1/search", &json!({"query": ""})).status, 400);
    let mut stream = std::net::TcpStream::connect(server.address).unwrap();
    stream.write_all(b"SECRET /v1/search HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n").unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    assert!(answer.starts_with("HTTP/1.1 405"), "{answer}");
    server.stop();

    let spans = collector.spans();
    assert!(!format!("{spans:?}").contains("SECRET"), "nobody's words: {spans:#?}");
    let asked: Vec<&Span> = spans.iter().filter(|span| span.name == "POST /v1/search").collect();
    let [good, bad] = asked.as_slice() else { panic!("{spans:#?}") };
    let hex = |bytes: &[u8]| bytes.iter().map(|byte| format!("{byte:02x}")).collect::<String>();
    assert_eq!((hex(&good.trace_id).as_str(), hex(&good.parent_span_id).as_str()), (trace, "b7ad6b7169203331"));
    assert_eq!(attributes(good)["http.response.status_code"], "200");
    assert_eq!(
        (&*attributes(bad)["http.response.status_code"], &*attributes(bad)["error.type"]),
        ("400", "invalid-request")
    );
    assert_eq!(bad.status.clone().unwrap_or_default().code, 0, "what a client did wrong is no error of the server's");

    let search = spans.iter().find(|span| span.name == "retrieval notes").unwrap();
    assert_eq!((&search.trace_id, &search.parent_span_id), (&good.trace_id, &good.span_id));
    let told = attributes(search);
    for (name, value) in [
        ("gen_ai.operation.name", "retrieval"),
        ("gen_ai.data_source.id", "notes"),
        ("gen_ai.retrieval.top_k", "7"),
        ("vetted.retrieval.hits", "2"),
    ] {
        assert_eq!(told[name], value, "{told:?}");
    }
    let stages: Vec<&Span> = spans.iter().filter(|span| span.parent_span_id == search.span_id).collect();
    for stage in ["encode", "recall", "verify", "documents"] {
        let [span] = stages.iter().filter(|span| span.name == stage).collect::<Vec<_>>()[..] else { panic!("{stage}") };
        assert!(span.start_time_unix_nano >= search.start_time_unix_nano);
        assert!(span.end_time_unix_nano <= search.end_time_unix_nano + 1_000_000, "a stage is a part of its search");
    }
    // Nothing of texts, and nothing of what was found.
    assert!(!format!("{spans:?}").contains("bit"), "{spans:#?}");

    let posted = collector.0.lock().unwrap();
    let metrics = posted.iter().filter(|(path, _)| path == "/v1/metrics");
    let metrics: Vec<_> =
        metrics.map(|(_, body)| ExportMetricsServiceRequest::decode(body.as_slice()).unwrap()).collect();
    assert!(format!("{metrics:?}").contains("gen_ai.retrieval.duration"), "{metrics:#?}");
}

#[test]
fn a_collector_that_is_not_there_holds_up_nobody() {
    // Nothing listens on a port that was free a moment ago.
    let address = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let mut server = server(&address.to_string());
    let begun = Instant::now();
    for _ in 0..10 {
        server.post("/v1/search", &json!({"query": "Who bit the man?"})).json();
    }
    server.stop();
    assert!(begun.elapsed() < Duration::from_secs(20));
}
