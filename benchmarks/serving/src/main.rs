//! Asks an HTTP server over kept connections, and says what came back: as fast as it answers (closed loop), or at a given
//! rate whatever it answers (open loop). Of an open loop latencies count from the moment at which a request was due, so a
//! server that falls behind is not flattered.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use clap::Parser;
use serde_json::json;

/// Prints a JSON line: requests a second that were answered well, latencies of these, and how many had which status.
#[derive(Parser)]
struct Arguments {
    /// Host and port
    #[arg(long)]
    server: String,
    /// The path
    #[arg(long)]
    path: String,
    /// Bodies, one a line, taken in turn
    #[arg(long)]
    bodies: std::path::PathBuf,
    /// Connections
    #[arg(long, default_value_t = 16)]
    connections: u64,
    /// Seconds to measure
    #[arg(long, default_value_t = 10.0)]
    seconds: f64,
    /// Seconds before, whose answers do not count
    #[arg(long, default_value_t = 2.0)]
    warm_up: f64,
    /// Requests a second over all connections; as fast as the server answers, if it is not given
    #[arg(long)]
    rate: Option<f64>,
    /// What a request allows, in milliseconds (X-Request-Timeout-Ms)
    #[arg(long)]
    timeout_ms: Option<u64>,
    /// What is measured, for the line
    #[arg(long, default_value = "")]
    name: String,
}

struct Answer {
    status: u16,
    took: Duration,
}

fn main() -> Result<()> {
    let arguments = Arguments::parse();
    let text = std::fs::read_to_string(&arguments.bodies).context("cannot read --bodies")?;
    let requests: Vec<Vec<u8>> = text.lines().filter(|line| !line.is_empty()).map(|body| request(&arguments, body)).collect();
    if requests.is_empty() {
        bail!("--bodies is empty");
    }
    let (next, stop) = (AtomicU64::new(0), AtomicBool::new(false));
    let start = Instant::now();
    let from = start + Duration::from_secs_f64(arguments.warm_up);
    let until = from + Duration::from_secs_f64(arguments.seconds);
    let answers: Vec<Answer> = thread::scope(|scope| {
        let clients: Vec<_> = (0..arguments.connections)
            .map(|_| scope.spawn(|| client(&arguments, &requests, &next, &stop, start, from, until)))
            .collect();
        clients.into_iter().flat_map(|client| client.join().unwrap_or_default()).collect()
    });
    let mut good: Vec<f64> =
        answers.iter().filter(|it| it.status == 200).map(|it| it.took.as_secs_f64() * 1e3).collect();
    good.sort_by(f64::total_cmp);
    let at = |part: f64| good.get(((good.len() as f64 * part) as usize).min(good.len().saturating_sub(1))).copied();
    let mut statuses = std::collections::BTreeMap::<String, usize>::new();
    for answer in &answers {
        let status = if answer.status == 0 { "broken".to_owned() } else { answer.status.to_string() };
        *statuses.entry(status).or_default() += 1;
    }
    let line = json!({
        "name": arguments.name, "path": arguments.path, "connections": arguments.connections, "asked_per_second": arguments.rate,
        "good_per_second": good.len() as f64 / arguments.seconds, "p50_ms": at(0.5), "p95_ms": at(0.95), "p99_ms": at(0.99),
        "max_ms": good.last(), "statuses": statuses,
    });
    println!("{line}");
    Ok(())
}

fn request(arguments: &Arguments, body: &str) -> Vec<u8> {
    let timeout = arguments.timeout_ms.map(|it| format!("x-request-timeout-ms: {it}\r\n")).unwrap_or_default();
    format!(
        "POST {} HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\ncontent-length: {}\r\n{timeout}\r\n{body}",
        arguments.path,
        body.len()
    )
    .into_bytes()
}

fn client(
    arguments: &Arguments,
    requests: &[Vec<u8>],
    next: &AtomicU64,
    stop: &AtomicBool,
    start: Instant,
    from: Instant,
    until: Instant,
) -> Vec<Answer> {
    let mut answers = Vec::new();
    let mut connection = None;
    while !stop.load(Ordering::Relaxed) {
        let number = next.fetch_add(1, Ordering::Relaxed);
        let due = match arguments.rate {
            Some(rate) => start + Duration::from_secs_f64(number as f64 / rate),
            None => Instant::now(),
        };
        if due >= until {
            stop.store(true, Ordering::Relaxed);
            break;
        }
        thread::sleep(due.saturating_duration_since(Instant::now()));
        let request = &requests[number as usize % requests.len()];
        let status = match ask(&mut connection, &arguments.server, request) {
            Ok(status) => status,
            Err(_) => {
                connection = None;
                0
            }
        };
        if due >= from {
            answers.push(Answer { status, took: due.elapsed() });
        }
    }
    answers
}

fn ask(connection: &mut Option<BufReader<TcpStream>>, server: &str, request: &[u8]) -> Result<u16> {
    if connection.is_none() {
        let stream = TcpStream::connect(server)?;
        stream.set_nodelay(true)?;
        stream.set_read_timeout(Some(Duration::from_secs(120)))?;
        *connection = Some(BufReader::new(stream));
    }
    let Some(stream) = connection else { bail!("no connection") };
    stream.get_mut().write_all(request)?;
    let mut line = String::new();
    stream.read_line(&mut line)?;
    let status = line.split(' ').nth(1).and_then(|it| it.parse().ok()).context("no status")?;
    let (mut length, mut closes) = (None, false);
    loop {
        line.clear();
        if stream.read_line(&mut line)? == 0 {
            bail!("the headers ended");
        }
        let header = line.trim().to_ascii_lowercase();
        match header.split_once(':') {
            None => break,
            Some(("content-length", value)) => length = Some(value.trim().parse::<u64>()?),
            Some(("connection", value)) => closes = value.trim() == "close",
            Some(_) => {}
        }
    }
    let length = length.context("the answer has no length")?;
    std::io::copy(&mut stream.by_ref().take(length), &mut std::io::sink())?;
    if closes {
        *connection = None;
    }
    Ok(status)
}
