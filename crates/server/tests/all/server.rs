//! A server of one test's own, and a client that keeps what it is told.

use std::net::SocketAddr;
use std::path::Path;
use std::time::Duration;

use serde_json::Value;
use tempfile::TempDir;
use vetted_server::{IndexSettings, Running, Settings, start};

/// A server that ends with its test.
pub struct Server {
    pub address: SocketAddr,
    running: Option<Running>,
    _folder: TempDir,
}

/// What a server answered.
#[derive(Debug)]
pub struct Reply {
    pub status: u16,
    pub headers: ureq::http::HeaderMap,
    pub text: String,
}

/// Settings for the tiny models, on a port that is free.
pub fn settings(folder: &Path) -> Settings {
    Settings {
        listen: "127.0.0.1:0".parse().unwrap(),
        verifier: vetted_fixtures::verifier(folder).into(),
        model: Some(vetted_fixtures::encoder().to_str().unwrap().to_owned()),
        ..Settings::default()
    }
}

/// A server without an index.
pub fn plain() -> Server {
    with(|_, settings| settings)
}

/// A server with an index that is called `notes` and is empty.
pub fn with_index() -> Server {
    with(|folder, settings| Settings { indexes: vec![index(folder, "notes")], ..settings })
}

/// An index in the server's folder.
pub fn index(folder: &Path, name: &str) -> IndexSettings {
    IndexSettings { name: name.into(), folder: folder.join(name) }
}

/// A server with other settings.
pub fn with(change: impl FnOnce(&Path, Settings) -> Settings) -> Server {
    let folder = tempfile::tempdir().unwrap();
    let settings = change(folder.path(), settings(folder.path()));
    let running = start(settings).unwrap();
    Server { address: running.address(), running: Some(running), _folder: folder }
}

impl Server {
    /// Ends it: what was accepted is finished.
    pub fn stop(&mut self) {
        self.running.take().unwrap().stop();
    }

    pub fn get(&self, path: &str) -> Reply {
        reply(agent().get(self.url(path)).call())
    }

    pub fn post(&self, path: &str, body: &Value) -> Reply {
        self.send(path, body.to_string().as_bytes(), &[("content-type", "application/json")])
    }

    pub fn send(&self, path: &str, body: &[u8], headers: &[(&str, &str)]) -> Reply {
        let request = headers.iter().fold(agent().post(self.url(path)), |it, (name, value)| it.header(*name, *value));
        reply(request.send(body))
    }

    pub fn patch(&self, path: &str, body: &Value) -> Reply {
        reply(agent().patch(self.url(path)).send(body.to_string().as_bytes()))
    }

    pub fn delete(&self, path: &str, body: Option<&Value>) -> Reply {
        match body {
            None => reply(agent().delete(self.url(path)).call()),
            Some(body) => reply(agent().delete(self.url(path)).force_send_body().send(body.to_string().as_bytes())),
        }
    }

    /// The value of a counter, all its labels taken together; only lines that have all of `parts`.
    pub fn metric(&self, parts: &[&str]) -> f64 {
        let text = self.get("/metrics").text;
        let lines = text.lines().filter(|line| !line.starts_with('#') && parts.iter().all(|part| line.contains(part)));
        lines.filter_map(|line| line.rsplit(' ').next()?.parse::<f64>().ok()).sum()
    }

    pub fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }
}

/// Waits for each answer, whatever it is.
pub fn agent() -> ureq::Agent {
    let timeout = Some(Duration::from_secs(60));
    ureq::Agent::config_builder().http_status_as_error(false).timeout_global(timeout).build().into()
}

fn reply(answer: Result<ureq::http::Response<ureq::Body>, ureq::Error>) -> Reply {
    let mut answer = answer.unwrap();
    let text = answer.body_mut().read_to_string().unwrap();
    Reply { status: answer.status().as_u16(), headers: answer.headers().clone(), text }
}

impl Reply {
    /// The body of an answer that must be good.
    pub fn json(&self) -> Value {
        assert_eq!(self.status, 200, "{self:?}");
        self.any_json()
    }

    /// The body, whatever the status.
    pub fn any_json(&self) -> Value {
        serde_json::from_str(&self.text).unwrap_or_else(|error| panic!("{error} in {:?}", self.text))
    }

    /// Status and code of an answer that must be an error, which says the same in three places.
    pub fn error(&self) -> (u16, String) {
        let body = self.any_json();
        let message = body["message"].as_str().unwrap_or_else(|| panic!("{body}"));
        assert!(!message.is_empty());
        assert_eq!((body["detail"].as_str(), body["error"]["message"].as_str()), (Some(message), Some(message)));
        assert!(body["error"]["type"].is_string() && body["error"]["param"].is_null(), "{body}");
        (self.status, body["error"]["code"].as_str().unwrap_or_else(|| panic!("{body}")).to_owned())
    }
}
