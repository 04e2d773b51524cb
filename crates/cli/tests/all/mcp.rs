//! `vetted mcp` over real pipes: nothing but messages on standard output, a clean end, errors before the first word.

use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::path::Path;
use std::process::{Child, ChildStdin, ChildStdout, ExitStatus, Stdio};
use std::sync::mpsc;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::program::{command, fail, json, succeed};

/// A client that started `vetted mcp`.
struct Client {
    child: Child,
    input: Option<ChildStdin>,
    /// Every line of standard output, each of which must be a message.
    messages: mpsc::Receiver<Value>,
    id: u64,
}

impl Client {
    fn start(folder: &Path, arguments: &[&str]) -> Client {
        let mut command = command(folder, &[&["mcp"], arguments].concat());
        let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        let (input, output) = (child.stdin.take(), child.stdout.take().unwrap());
        let (send, messages) = mpsc::channel();
        std::thread::spawn(move || read(output, &send));
        Client { child, input, messages, id: 0 }
    }

    /// One that said hello as clients before 2026 do.
    fn greeted(folder: &Path, arguments: &[&str]) -> Client {
        let mut client = Client::start(folder, arguments);
        let hello = client.ask(
            "initialize",
            json!({"protocolVersion": "2025-06-18", "capabilities": {}, "clientInfo": {"name": "test", "version": "1"}}),
        );
        assert_eq!((&hello["serverInfo"]["name"], &hello["protocolVersion"]), (&"vetted".into(), &"2025-06-18".into()));
        client.send(&json!({"jsonrpc": "2.0", "method": "notifications/initialized"}));
        client
    }

    fn send(&mut self, message: &Value) {
        let input = self.input.as_mut().unwrap();
        writeln!(input, "{message}").unwrap();
        input.flush().unwrap();
    }

    fn begin(&mut self, method: &str, params: Value) -> u64 {
        self.id += 1;
        self.send(&json!({"jsonrpc": "2.0", "id": self.id, "method": method, "params": params}));
        self.id
    }

    fn next(&self) -> Value {
        self.messages.recv_timeout(Duration::from_secs(60)).expect("a message")
    }

    fn ask(&mut self, method: &str, params: Value) -> Value {
        let id = self.begin(method, params);
        let message = self.next();
        assert_eq!(message["id"], id, "{message}");
        message.get("result").unwrap_or_else(|| panic!("{message}")).clone()
    }

    fn call(&mut self, tool: &str, arguments: Value) -> Value {
        self.ask("tools/call", json!({"name": tool, "arguments": arguments}))
    }

    fn tools(&mut self) -> Vec<String> {
        let list = self.ask("tools/list", json!({}));
        list["tools"].as_array().unwrap().iter().map(|it| it["name"].as_str().unwrap().to_owned()).collect()
    }

    /// Closes standard input. What the process still says, how it ended, and its standard error.
    fn close(mut self) -> (Vec<Value>, ExitStatus, String) {
        drop(self.input.take());
        self.ended()
    }

    fn ended(mut self) -> (Vec<Value>, ExitStatus, String) {
        let begun = Instant::now();
        let status = loop {
            if let Some(status) = self.child.try_wait().unwrap() {
                break status;
            }
            assert!(begun.elapsed() < Duration::from_secs(30), "it does not end");
            std::thread::sleep(Duration::from_millis(10));
        };
        let mut errors = String::new();
        self.child.stderr.take().unwrap().read_to_string(&mut errors).unwrap();
        (self.messages.iter().collect(), status, errors)
    }
}

impl Drop for Client {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn read(output: ChildStdout, messages: &mpsc::Sender<Value>) {
    for line in BufReader::new(output).lines() {
        let _ = messages.send(json(&line.unwrap()));
    }
}

fn text(result: &Value) -> &str {
    result["content"][0]["text"].as_str().unwrap_or_else(|| panic!("{result}"))
}

fn notes(folder: &Path) {
    let lines = [
        r#"{"_id": "dog", "text": "The dog bit the man."}"#,
        r#"{"_id": "man", "text": "The man bit the dog."}"#,
        r#"{"_id": "tea", "text": "Green tea turns bitter in boiling water."}"#,
    ];
    fs::write(folder.join("notes.jsonl"), lines.join("\n")).unwrap();
    succeed(folder, &["index", "notes.jsonl", "--into", "notes"]);
}

const READING: [&str; 4] = ["vetted-search", "vetted-verify", "vetted-explain", "vetted-info"];

#[test]
fn an_agent_searches_an_index_and_the_process_ends_with_its_client() {
    let folder = tempfile::tempdir().unwrap();
    notes(folder.path());
    let mut client = Client::greeted(folder.path(), &["--index", "notes"]);
    assert_eq!(client.tools(), READING);
    let found = client.call("vetted-search", json!({"query": "The dog bit the man."}));
    assert_eq!((&found["isError"], &found["structuredContent"]["verified"]), (&false.into(), &true.into()), "{found}");
    assert!(text(&found).contains("[id dog]") && text(&found).contains("left out: reject"), "{found}");
    let refused = client.call("vetted-delete", json!({"ids": ["dog"]}));
    assert_eq!(refused["isError"], true, "not offered: {refused}");
    let (rest, status, errors) = client.close();
    assert!(rest.is_empty() && status.success() && errors.is_empty(), "{rest:?} {status} {errors}");
}

#[test]
fn a_client_of_2026_asks_without_saying_hello() {
    let folder = tempfile::tempdir().unwrap();
    let mut client = Client::start(folder.path(), &[]);
    let meta = json!({
        "io.modelcontextprotocol/protocolVersion": "2026-07-28",
        "io.modelcontextprotocol/clientCapabilities": {},
    });
    let discovered = client.ask("server/discover", json!({"_meta": meta}));
    assert!(discovered["supportedVersions"].as_array().unwrap().contains(&"2026-07-28".into()), "{discovered}");
    let arguments = json!({"query": "The dog bit the man.", "candidates": ["The man bit the dog."]});
    let call = json!({"_meta": meta, "name": "vetted-verify", "arguments": arguments});
    let verified = client.ask("tools/call", call);
    assert_eq!(verified["structuredContent"]["results"][0]["verdict"], "reject", "{verified}");
    let call = json!({"_meta": meta, "name": "vetted-search", "arguments": {"query": "The dog bit the man."}});
    let refused = client.ask("tools/call", call);
    assert!(refused["isError"] == true && text(&refused).contains("has no index"), "{refused}");
    assert!(client.close().1.success());
}

#[test]
fn with_write_an_index_is_made_and_what_is_written_stays() {
    let folder = tempfile::tempdir().unwrap();
    let mut client = Client::greeted(folder.path(), &["--index", "memory=new", "--write"]);
    assert_eq!(client.tools(), [&READING[..], &["vetted-upsert", "vetted-delete"]].concat());
    let documents: Vec<Value> =
        (0..40).map(|n| json!({"id": n.to_string(), "text": format!("The dog bit man {n}.")})).collect();
    let written = client.call("vetted-upsert", json!({"documents": documents}));
    assert_eq!(
        (&written["structuredContent"]["added"], &written["structuredContent"]["index"]),
        (&40.into(), &"memory".into())
    );
    let removed = client.call("vetted-delete", json!({"ids": ["0", "x"]}));
    assert_eq!(removed["structuredContent"], json!({"index": "memory", "deleted": 1, "documents": 39}));

    // A second one that writes is told so, in words that the agent reads; one that reads is not disturbed.
    let mut second = Client::greeted(folder.path(), &["--index", "new", "--write"]);
    let refused = second.call("vetted-info", json!({}));
    assert!(refused["isError"] == true && text(&refused).starts_with("error (conflict): "), "{refused}");
    let mut reader = Client::greeted(folder.path(), &["--index", "new"]);
    let found = reader.call("vetted-search", json!({"query": "The dog bit man 7.", "k": 1}));
    assert_eq!(found["structuredContent"]["hits"][0]["id"], "7", "{found}");

    assert!(client.close().1.success());
    let again = second.call("vetted-info", json!({}));
    assert_eq!(again["structuredContent"]["indexes"][0]["documents"], 39, "tried again at the next call: {again}");
    assert!(second.close().1.success());
    let info = json(&succeed(folder.path(), &["info", "--index", "new", "--json", "--check"]));
    assert_eq!(info["documents"], 39);
}

#[test]
fn what_was_asked_before_the_end_is_answered() {
    let folder = tempfile::tempdir().unwrap();
    notes(folder.path());
    let mut client = Client::greeted(folder.path(), &["--index", "notes"]);
    let ids: Vec<u64> = (0..5)
        .map(|_| {
            client.begin("tools/call", json!({"name": "vetted-search", "arguments": {"query": "The dog bit the man."}}))
        })
        .collect();
    let (answers, status, errors) = client.close();
    let mut answered: Vec<u64> =
        answers.iter().filter(|it| it["result"]["isError"] == false).filter_map(|it| it["id"].as_u64()).collect();
    answered.sort();
    assert_eq!((answered, status.success()), (ids, true), "{answers:?} {errors}");
}

#[test]
fn it_ends_at_once_where_its_client_never_says_anything() {
    let folder = tempfile::tempdir().unwrap();
    let (said, status, errors) = Client::start(folder.path(), &[]).close();
    assert!(said.is_empty() && status.success() && errors.is_empty(), "{said:?} {status} {errors}");
}

#[cfg(unix)]
#[test]
fn it_ends_when_it_is_told_to_while_its_client_listens() {
    let folder = tempfile::tempdir().unwrap();
    notes(folder.path());
    for greeted in [false, true] {
        let mut client = match greeted {
            true => Client::greeted(folder.path(), &["--index", "notes", "--write"]),
            false => Client::start(folder.path(), &["--index", "notes", "--write"]),
        };
        match greeted {
            true => assert_eq!(client.call("vetted-info", json!({}))["isError"], false),
            // Until it listens to signals.
            false => std::thread::sleep(Duration::from_millis(500)),
        }
        let told = std::process::Command::new("kill").args(["-TERM", &client.child.id().to_string()]).status().unwrap();
        assert!(told.success());
        let (said, status, errors) = client.ended();
        assert!(said.is_empty() && status.success(), "{greeted}: {said:?} {status} {errors}");
    }
}

#[test]
fn a_call_that_is_cancelled_is_given_up_and_others_go_on() {
    let folder = tempfile::tempdir().unwrap();
    let mut client = Client::greeted(folder.path(), &["--index", "new", "--write"]);
    let documents: Vec<Value> = (0..100)
        .map(|n| json!({"id": n.to_string(), "text": format!("The dog bit man {n}. ").repeat(2_000)}))
        .collect();
    let params =
        json!({"name": "vetted-upsert", "arguments": {"documents": documents}, "_meta": {"progressToken": "p"}});
    let id = client.begin("tools/call", params);
    let progress = client.next();
    assert_eq!(
        (&progress["method"], &progress["params"]["progressToken"]),
        (&"notifications/progress".into(), &"p".into())
    );
    assert!(progress["params"]["progress"].as_f64() >= Some(1.0), "{progress}");
    assert!(progress["params"]["message"].as_str().unwrap().contains(" of 100 documents are written"), "{progress}");
    client.send(&json!({"jsonrpc": "2.0", "method": "notifications/cancelled", "params": {"requestId": id}}));
    // Its answer never comes; the next one does, and says that it did not write them all.
    let next = client.begin("tools/call", json!({"name": "vetted-info", "arguments": {}}));
    let info = loop {
        let message = client.next();
        assert_ne!(message["id"], id, "{message}");
        if message["id"] == next {
            break message["result"].clone();
        }
    };
    let documents = info["structuredContent"]["indexes"][0]["documents"].as_u64().unwrap();
    assert!(documents < 100, "{documents}");
    assert!(client.close().1.success());
}

#[test]
fn what_cannot_be_served_is_said_before_the_first_message() {
    let folder = tempfile::tempdir().unwrap();
    let said = fail(folder.path(), &["mcp", "--index", "none"]);
    assert!(said.contains("none") && said.contains(folder.path().file_name().unwrap().to_str().unwrap()), "{said}");
    notes(folder.path());
    let said = fail(folder.path(), &["mcp", "--index", "notes", "--index", "notes=other"]);
    assert!(said.contains("two indexes are called \"notes\""), "{said}");
    let mut client = Client::start(folder.path(), &[]);
    client.send(&json!({"jsonrpc": "2.0", "method": "notifications/initialized"}));
    let (_, status, errors) = client.ended();
    assert!(status.code() == Some(1) && errors.contains("An MCP client starts this command"), "{status} {errors}");
}
