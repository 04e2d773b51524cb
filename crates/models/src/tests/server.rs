//! A hub on the loopback interface, which can break off, lie and refuse.

use std::collections::HashMap;
use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

use serde_json::json;
use vetted_tensors::digest::of_bytes;

use super::MODEL;

/// What the hub does with one request; when its list is used up, it serves.
#[derive(Clone, Copy, PartialEq)]
pub enum Answer {
    Serve,
    /// Hangs up after this many bytes of the body.
    BreakAfter(usize),
    /// Serves the whole file whatever range was asked for.
    IgnoreRange,
    Status(u16),
    /// The same, and says why in the hub's way.
    Refuse(u16, &'static str),
    /// Sends the client to another host name, as the hub does for large files.
    Redirect,
    /// Waits before it serves.
    Slow(Duration),
}

/// An HTTP server with the hub's addresses.
pub struct Hub {
    pub address: String,
    requests: Arc<Mutex<Vec<Request>>>,
}

struct Request {
    path: String,
    /// The first byte asked for.
    from: u64,
    token: Option<String>,
}

impl Hub {
    /// A hub with the pinned revision of `org/tiny`.
    pub fn start(files: &[(&str, Vec<u8>)], answers: &[Answer]) -> Self {
        let address = |(path, content): &(&str, Vec<u8>)| (format!("/org/{MODEL}/resolve/rev/{path}"), content.clone());
        Self::serve(files.iter().map(address).collect(), answers)
    }

    /// A hub with one repository, `org/tiny`, whose branch `main` is at `commit`. Weights are stored as large files.
    pub fn with_repository(commit: &str, files: &[(&str, Vec<u8>)], answers: &[Answer]) -> Self {
        let siblings = files.iter().map(|(path, content)| {
            let (size, digest) = (content.len(), of_bytes(content));
            match path.ends_with(".safetensors") || path.contains(".onnx") {
                true => json!({"rfilename": path, "lfs": {"sha256": digest, "size": size}}),
                false => json!({"rfilename": path, "size": size, "blobId": digest[..40]}),
            }
        });
        let listing = json!({"sha": commit, "siblings": siblings.collect::<Vec<_>>()}).to_string();
        let mut routes: HashMap<_, _> = ["main", commit, "refs%2Fpr%2F1"]
            .map(|revision| {
                (format!("/api/models/org/{MODEL}/revision/{revision}?blobs=true"), listing.clone().into_bytes())
            })
            .into();
        for (path, content) in files {
            routes.insert(format!("/org/{MODEL}/resolve/{commit}/{path}"), content.clone());
        }
        Self::serve(routes, answers)
    }

    fn serve(files: HashMap<String, Vec<u8>>, answers: &[Answer]) -> Self {
        let answers = answers.to_vec();
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = format!("http://{}", listener.local_addr().unwrap());
        let requests = Arc::new(Mutex::new(Vec::new()));
        let log = Arc::clone(&requests);
        let mut answers = answers.into_iter();
        thread::spawn(move || {
            for stream in listener.incoming() {
                let answer = answers.next().unwrap_or(Answer::Serve);
                // A client that hangs up early is part of the tests.
                let _ = serve(stream.unwrap(), answer, &files, &log);
            }
        });
        Self { address, requests }
    }

    /// Path in the repository and first byte asked for, one per request.
    pub fn requests(&self) -> Vec<(String, u64)> {
        let requests = self.requests.lock().unwrap();
        let file = |path: &str| path.rsplit("/rev/").next().unwrap().to_owned();
        requests.iter().map(|request| (file(&request.path), request.from)).collect()
    }

    pub fn paths(&self) -> Vec<String> {
        self.requests.lock().unwrap().iter().map(|request| request.path.clone()).collect()
    }

    pub fn tokens(&self) -> Vec<Option<String>> {
        self.requests.lock().unwrap().iter().map(|request| request.token.clone()).collect()
    }
}

fn serve(
    mut stream: TcpStream,
    answer: Answer,
    files: &HashMap<String, Vec<u8>>,
    log: &Mutex<Vec<Request>>,
) -> std::io::Result<()> {
    let mut head = Vec::new();
    let mut byte = [0];
    while !head.ends_with(b"\r\n\r\n") && stream.read(&mut byte)? == 1 {
        head.push(byte[0]);
    }
    let head = String::from_utf8(head).unwrap();
    let path = head.split(' ').nth(1).unwrap().to_owned();
    let range = head.lines().find_map(|line| line.to_lowercase().strip_prefix("range: bytes=").map(str::to_owned));
    let from: usize = range.map_or(0, |range| range.trim_end_matches('-').parse().unwrap());
    let token =
        head.lines().find_map(|line| line.to_lowercase().starts_with("authorization: ").then(|| line[15..].to_owned()));
    log.lock().unwrap().push(Request { path: path.clone(), from: from as u64, token });
    if let Answer::Refuse(status, code) = answer {
        return write!(
            stream,
            "HTTP/1.1 {status} No\r\nX-Error-Code: {code}\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
        );
    }
    if answer == Answer::Redirect {
        let port = stream.local_addr()?.port();
        return write!(
            stream,
            "HTTP/1.1 302 Found\r\nLocation: http://localhost:{port}{path}?signed\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
        );
    }
    let Some(content) = files.get(path.trim_end_matches("?signed")) else {
        return stream.write_all(b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\nConnection: close\r\n\r\n");
    };
    let from = if answer == Answer::IgnoreRange { 0 } else { from };
    let body = &content[from..];
    match answer {
        Answer::Status(status) => {
            return write!(stream, "HTTP/1.1 {status} No\r\nContent-Length: 0\r\nConnection: close\r\n\r\n");
        }
        Answer::Slow(pause) => thread::sleep(pause),
        _ => {}
    }
    let length = body.len();
    if from == 0 {
        write!(stream, "HTTP/1.1 200 OK\r\n")?;
    } else {
        let (last, all) = (content.len() - 1, content.len());
        write!(stream, "HTTP/1.1 206 Partial Content\r\nContent-Range: bytes {from}-{last}/{all}\r\n")?;
    }
    write!(stream, "Content-Length: {length}\r\nConnection: close\r\n\r\n")?;
    match answer {
        Answer::BreakAfter(bytes) => stream.write_all(&body[..bytes.min(length)]),
        _ => stream.write_all(body),
    }
}
