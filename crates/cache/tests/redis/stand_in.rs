//! Stands in for servers that do not run here: it speaks the protocol and answers as it is told.

use std::io::{BufRead, BufReader, Write};
use std::net::TcpListener;
use std::sync::Arc;

/// Listens, answers each command with what `answer` says of its words, and returns its address, with a password in it.
pub fn listening(answer: impl Fn(&[String]) -> String + Send + Sync + 'static) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("redis://:hunter2@{}", listener.local_addr().unwrap());
    let answer = Arc::new(answer);
    std::thread::spawn(move || {
        for stream in listener.incoming().map_while(Result::ok) {
            let answer = answer.clone();
            std::thread::spawn(move || {
                let mut writer = stream.try_clone().unwrap();
                let mut reader = BufReader::new(stream);
                while let Some(words) = command(&mut reader) {
                    if writer.write_all(answer(&words).as_bytes()).is_err() {
                        return;
                    }
                }
            });
        }
    });
    url
}

/// One command's words. Bytes that are no text are replaced.
fn command(reader: &mut impl BufRead) -> Option<Vec<String>> {
    let number = |reader: &mut dyn BufRead| {
        let mut line = String::new();
        reader.read_line(&mut line).ok()?;
        line.trim_end().get(1..)?.parse::<usize>().ok()
    };
    let count = number(reader)?;
    (0..count)
        .map(|_| {
            let mut word = vec![0; number(reader)? + 2];
            reader.read_exact(&mut word).ok()?;
            word.truncate(word.len() - 2);
            Some(String::from_utf8_lossy(&word).into_owned())
        })
        .collect()
}

pub fn bulk(text: &str) -> String {
    format!("${}\r\n{text}\r\n", text.len())
}

pub fn number(number: i64) -> String {
    format!(":{number}\r\n")
}

pub fn array(items: &[String]) -> String {
    format!("*{}\r\n{}", items.len(), items.concat())
}

/// Of RESP3.
pub fn map(pairs: &[(&str, String)]) -> String {
    let written: String = pairs.iter().map(|(name, value)| bulk(name) + value).collect();
    format!("%{}\r\n{written}", pairs.len())
}
