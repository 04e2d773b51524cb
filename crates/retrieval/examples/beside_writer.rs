//! How long searches take alone, and beside a thread that writes, removes and finishes. The goal is a 99th percentile beside a
//! writer of at most 3 times that without one.
//!
//! ```text
//! cargo run --release -p vetted-retrieval --example beside_writer
//! ```
//!
//! Documents are made: words by Zipf's law, vectors at random. Each line of output is a JSON object, the last of a kind of
//! search with the ratio of the two percentiles.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use clap::Parser;
use serde_json::{Map, json};
use vetted_corpus::{Document, Passage};
use vetted_kernels::Team;
use vetted_retrieval::{EncoderIdentity, Entry, Error, Index, Manifest, Query, Settings};

const DIMENSIONS: usize = 384;
const PASSAGES: usize = 3;
const WORDS: usize = 120;
const VOCABULARY: f64 = 30_000.0;

#[derive(Parser)]
struct Arguments {
    /// How many documents the index has.
    #[arg(long, default_value_t = 5000)]
    documents: usize,
    /// How many seconds each kind of search is measured, alone and again beside the writer.
    #[arg(long, default_value_t = 10.0)]
    seconds: f64,
    /// How many threads search at once.
    #[arg(long, default_value_t = 1)]
    callers: usize,
    /// How many documents the writer replaces at a time.
    #[arg(long, default_value_t = 32)]
    batch: usize,
    /// How many milliseconds the writer rests after each change.
    #[arg(long, default_value_t = 20)]
    pause: u64,
    /// After how many changes the writer finishes the index.
    #[arg(long, default_value_t = 25)]
    finish_every: usize,
    /// From how many passages on a graph is used; as in `Settings` unless given.
    #[arg(long)]
    graph_from: Option<usize>,
}

/// Numbers from 0 to 1 that follow from a seed.
struct Random(u64);

impl Random {
    fn next(&mut self) -> f64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 11) as f64 / (1u64 << 53) as f64
    }

    fn word(&mut self) -> String {
        format!("w{}", (VOCABULARY.powf(self.next()) as usize) - 1)
    }

    fn vector(&mut self) -> Vec<f32> {
        let values: Vec<f32> = (0..DIMENSIONS).map(|_| self.next() as f32 - 0.5).collect();
        let length = values.iter().map(|value| value * value).sum::<f32>().sqrt();
        values.into_iter().map(|value| value / length).collect()
    }
}

fn entry(number: usize, version: usize) -> Entry {
    let mut random = Random((number * 1_000_003 + version) as u64);
    random.next();
    let text = (0..WORDS).map(|_| random.word()).collect::<Vec<_>>().join(" ");
    let metadata = json!({"year": 1950 + number % 75, "version": version});
    let document = Document {
        id: format!("{number:07}"),
        text,
        metadata: metadata.as_object().cloned().unwrap_or_default(),
        ..Document::default()
    };
    let passage = |at: usize| (Passage { bytes: at..at + 1, chars: at..at + 1 }, random.vector());
    Entry { document, passages: (0..PASSAGES).map(passage).collect(), views: None }
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let arguments = Arguments::parse();
    let folder = std::env::temp_dir().join(format!("vetted-beside-writer-{}", std::process::id()));
    let measured = measure(&arguments, &folder);
    std::fs::remove_dir_all(&folder)?;
    measured
}

fn measure(arguments: &Arguments, folder: &std::path::Path) -> Result<(), Box<dyn std::error::Error>> {
    let settings = arguments.graph_from.map_or(Settings::default(), |from| Settings::default().graph_from(from));
    let encoder = EncoderIdentity { name: "made".into(), fingerprint: "made".into(), dimensions: DIMENSIONS };
    let index = Index::create_with(folder, Manifest::new(encoder, Map::new()), settings)?;
    let numbers: Vec<usize> = (0..arguments.documents).collect();
    for numbers in numbers.chunks(500) {
        index.upsert(numbers.iter().map(|number| entry(*number, 0)).collect())?;
    }
    index.finish()?;
    for kind in ["dense", "bm25", "hybrid", "hybrid, filtered"] {
        let alone = percentiles(search(&index, arguments, kind)?);
        println!("{}", json!({"search": kind, "beside": "nobody", "ms": alone}));
        let (end, changes, finished) = (AtomicBool::new(false), AtomicUsize::new(0), AtomicUsize::new(0));
        let beside = std::thread::scope(|scope| {
            let writer = scope.spawn(|| write(&index, arguments, &end, &changes, &finished));
            let times = search(&index, arguments, kind);
            end.store(true, Ordering::Relaxed);
            match writer.join() {
                Ok(written) => written.and(times),
                Err(panic) => std::panic::resume_unwind(panic),
            }
        })?;
        let beside = percentiles(beside);
        let writer = json!({"changes": changes.into_inner(), "finished": finished.into_inner()});
        println!("{}", json!({"search": kind, "beside": writer, "ms": beside}));
        let ratio = |at: &str| Some(beside.get(at)?.as_f64()? / alone.get(at)?.as_f64()?);
        println!("{}", json!({"search": kind, "p50_ratio": ratio("p50"), "p99_ratio": ratio("p99")}));
    }
    println!("{}", json!({"notices": index.notices().iter().map(ToString::to_string).collect::<Vec<_>>()}));
    Ok(())
}

/// How many milliseconds each search took, by all callers.
fn search(index: &Index, arguments: &Arguments, kind: &str) -> Result<Vec<f64>, Error> {
    let end = Instant::now() + Duration::from_secs_f64(arguments.seconds);
    let call = |caller: usize| -> Result<Vec<f64>, Error> {
        let mut random = Random(caller as u64 + 77);
        let mut times = Vec::new();
        while Instant::now() < end {
            let (vector, text) = (random.vector(), (0..6).map(|_| random.word()).collect::<Vec<_>>().join(" "));
            let query = match kind {
                "dense" => Query::dense(&vector),
                "bm25" => Query::bm25(&text),
                "hybrid" => Query::hybrid(&text, &vector),
                _ => Query::hybrid(&text, &vector).filter("year>=1990".parse()?),
            };
            let begun = Instant::now();
            index.snapshot()?.search(&query, &mut Team::alone())?;
            times.push(begun.elapsed().as_secs_f64() * 1e3);
        }
        Ok(times)
    };
    std::thread::scope(|scope| {
        let callers: Vec<_> = (0..arguments.callers).map(|caller| scope.spawn(move || call(caller))).collect();
        let mut times = Vec::new();
        for caller in callers {
            match caller.join() {
                Ok(its) => times.extend(its?),
                Err(panic) => std::panic::resume_unwind(panic),
            }
        }
        Ok(times)
    })
}

/// Replaces documents, removes some, writes them again, and finishes, until it is told to end.
fn write(
    index: &Index,
    arguments: &Arguments,
    end: &AtomicBool,
    changes: &AtomicUsize,
    finished: &AtomicUsize,
) -> Result<(), Error> {
    for round in 1.. {
        let numbers = (0..arguments.batch).map(|at| (round * arguments.batch + at) % arguments.documents);
        // Made before the clock of anybody's search runs beside it: it is the encoder's work that this stands for.
        let entries: Vec<Entry> = numbers.map(|number| entry(number, round)).collect();
        let gone: Vec<String> = entries.iter().take(4).map(|entry| entry.document.id.clone()).collect();
        if end.load(Ordering::Relaxed) {
            return Ok(());
        }
        index.delete(&gone)?;
        index.upsert(entries)?;
        changes.fetch_add(2, Ordering::Relaxed);
        if round % arguments.finish_every == 0 {
            index.finish()?;
            finished.fetch_add(1, Ordering::Relaxed);
        }
        std::thread::sleep(Duration::from_millis(arguments.pause));
    }
    Ok(())
}

fn percentiles(mut times: Vec<f64>) -> Map<String, serde_json::Value> {
    times.sort_by(f64::total_cmp);
    let at = |share: f64| times.get(((times.len().max(1) - 1) as f64 * share) as usize).copied();
    let values =
        [("searches", json!(times.len())), ("p50", json!(at(0.5))), ("p95", json!(at(0.95))), ("p99", json!(at(0.99)))];
    values.into_iter().map(|(name, value)| (name.to_owned(), value)).collect()
}
