//! What it costs to keep documents on Redis instead of in a folder: loading, memory, what is missed, how long a search takes.
//!
//! ```text
//! vetted index sentences.jsonl --into corpus.index       # encodes once; run it again and it goes on
//! cargo run --release -p vetted-study --features redis --example sharded_index -- \
//!     corpus.index queries.jsonl redis://127.0.0.1:7000/bench?shards=3 [PASSAGES]
//! ```
//!
//! The documents of the index in the folder are copied to Redis with the vectors and views that they have, the first PASSAGES of them
//! (all unless told), so nothing is encoded again, and a copy that was interrupted goes on. Then each query is searched in
//! both, in turns: by vectors without verification, held against the exact nearest (`recall@10`), by words, by both, and with
//! 20 candidates verified. The last line is JSON.

use std::collections::HashMap;
use std::error::Error;
use std::path::Path;
use std::time::{Duration, Instant};

use serde_json::json;
use vetted::retrieval::redis::{IndexAddress, RedisIndex, Settings};
use vetted::retrieval::{Entry, Index, Manifest, Query, Retriever};
use vetted::{Compute, Engine, Fusion, Mode, Search};
use vetted_encoder::Role;

/// Documents copied at a time.
const BATCH: usize = 2000;

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let (folder, queries, place, passages) = match arguments.as_slice() {
        [folder, queries, place] => (folder, queries, place, usize::MAX),
        [folder, queries, place, passages] => (folder, queries, place, passages.parse()?),
        _ => {
            return Err("usage: sharded_index FOLDER QUERIES.jsonl redis://HOST:PORT/NAME[?shards=N] [PASSAGES]".into());
        }
    };
    let queries: Vec<String> = std::fs::read_to_string(queries)?
        .lines()
        .map(|line| Ok(serde_json::from_str::<serde_json::Value>(line)?["text"].as_str().ok_or("no text")?.to_owned()))
        .collect::<Result<_, Box<dyn Error>>>()?;

    let before = used_memory(place)?;
    let (copied, loading) = copy(Path::new(folder), place, passages)?;
    let memory = used_memory(place)?.saturating_sub(before);
    let (local, remote) = (open(folder)?, open(place)?);
    let held = remote.index().holdings()?;
    println!("{} passages of {} documents in {place}", held.passages, held.documents);
    if copied > 0 {
        let seconds = loading.as_secs_f64();
        println!("loaded {copied} documents in {seconds:.1} s, {:.0} a second", copied as f64 / seconds);
        println!(
            "memory: {:.0} bytes a passage, of which {:.0} are kept as they are",
            memory as f64 / copied as f64,
            held.bytes as f64 / held.passages as f64
        );
    }

    let whole = local.len()? == held.documents;
    let recall = recall(&local, &remote, &queries, whole)?;
    println!("recall@10 against exact: {recall}");
    let mut rows = Vec::new();
    let modes = [("dense", Mode::Dense), ("words", Mode::Bm25), ("hybrid", Mode::Hybrid(Fusion::default()))];
    for (name, mode) in modes {
        rows.push(timed(&format!("{name}, not verified"), &local, &remote, &queries, |text| {
            Search::new(text).mode(mode).verify(None)
        })?);
    }
    rows.push(timed("dense, 20 verified", &local, &remote, &queries, |text| Search::new(text))?);
    println!("| search | folder p50 (p95) ms | Redis p50 (p95) ms | more at p50 |\n|---|---|---|---|");
    for Row { name, local, remote } in &rows {
        println!(
            "| {name} | {:.2} ({:.2}) | {:.2} ({:.2}) | {:+.2} |",
            local.0,
            local.1,
            remote.0,
            remote.1,
            remote.0 - local.0
        );
    }
    let rows: Vec<_> = rows.iter().map(|row| json!({"search": row.name, "folder_ms": [row.local.0, row.local.1], "redis_ms": [row.remote.0, row.remote.1]})).collect();
    println!(
        "{}",
        json!({
            "passages": held.passages, "queries": queries.len(), "loaded": copied, "load_seconds": loading.as_secs_f64(),
            "memory_bytes": memory, "record_bytes": held.bytes, "recall_at_10": recall, "searches": rows,
        })
    );
    Ok(())
}

fn open(place: &str) -> Result<Engine, vetted::Error> {
    Engine::builder(place).open()
}

/// Copies documents that are not there yet; says how many, and how long that took.
fn copy(folder: &Path, place: &str, most: usize) -> Result<(usize, Duration), Box<dyn Error>> {
    let source = Index::open(folder)?;
    let source: &dyn Retriever = &source;
    let address = IndexAddress::parse(place)?;
    let manifest: Manifest = source.manifest().clone();
    let target = match RedisIndex::open(address.clone(), Settings::default(), true) {
        Err(error) if error.is_no_index() => RedisIndex::create(address, manifest, Settings::default())?,
        opened => opened?,
    };
    let ids = source.ids()?;
    let (mut copied, mut took, mut passages) = (0, Duration::ZERO, 0);
    for ids in ids.chunks(BATCH) {
        if passages >= most {
            break;
        }
        let session = source.session()?;
        let ids: Vec<&str> = ids.iter().map(String::as_str).collect();
        let (documents, places) = (session.documents(&ids)?, session.passages(&ids)?);
        let (vectors, views) = (session.vectors(&ids)?, session.views(&ids)?);
        let dimensions = source.manifest().encoder.dimensions;
        let mut entries = Vec::with_capacity(BATCH);
        for (((document, places), vectors), views) in documents.into_iter().zip(places).zip(vectors).zip(views) {
            let (Some(document), Some(places), Some(vectors)) = (document, places, vectors) else { continue };
            if passages >= most {
                break;
            }
            passages += places.len();
            let parts = places.into_iter().zip(vectors.chunks(dimensions).map(<[f32]>::to_vec)).collect();
            entries.push(Entry { document, passages: parts, views: views.map(|views| views.into_owned()) });
        }
        let known = target.session()?.unchanged(&entries.iter().map(|entry| &entry.document).collect::<Vec<_>>())?;
        let new: Vec<Entry> =
            entries.into_iter().zip(known).filter(|(_, known)| !known).map(|(entry, _)| entry).collect();
        copied += new.len();
        let since = Instant::now();
        target.upsert_from(new, &HashMap::new())?;
        took += since.elapsed();
        if copied > 0 {
            eprint!("\r{copied} copied, {:.0} a second ", copied as f64 / took.as_secs_f64());
        }
    }
    eprintln!();
    Ok((copied, took))
}

/// Of the ten nearest by exact comparison, how many are found. Where Redis has all that the folder has, the folder says which they
/// are; else Redis compares everything itself.
fn recall(local: &Engine, remote: &Engine, queries: &[String], whole: bool) -> Result<f64, Box<dyn Error>> {
    let (encoder, compute) = (local.encoder()?, Compute::of_this_process());
    let (mut found, mut wanted) = (0, 0);
    for text in queries {
        let vector = encoder.embed_one(text, Role::Query, &mut compute.team())?;
        let ids = |engine: &Engine, query: Query<'_>| -> Result<Vec<String>, Box<dyn Error>> {
            Ok(engine.index().search(&query.k(10))?.hits.into_iter().map(|hit| hit.id).collect())
        };
        let exact = ids(if whole { local } else { remote }, Query::dense(&vector).exact())?;
        let quick = ids(remote, Query::dense(&vector))?;
        wanted += exact.len();
        found += exact.iter().filter(|id| quick.contains(id)).count();
    }
    Ok(found as f64 / wanted.max(1) as f64)
}

/// One kind of search: p50 and p95 in milliseconds, in the folder and on Redis.
struct Row {
    name: String,
    local: (f64, f64),
    remote: (f64, f64),
}

fn timed(
    name: &str,
    local: &Engine,
    remote: &Engine,
    queries: &[String],
    search: impl Fn(&str) -> Search,
) -> Result<Row, Box<dyn Error>> {
    let mut times: [Vec<f64>; 2] = [Vec::new(), Vec::new()];
    // What is loaded once is loaded before.
    for engine in [local, remote] {
        engine.search(&search(&queries[0]))?;
    }
    for (at, text) in queries.iter().enumerate() {
        let mut both = [(0, local), (1, remote)];
        if at % 2 == 1 {
            both.reverse();
        }
        for (which, engine) in both {
            let since = Instant::now();
            let found = engine.search(&search(text))?;
            times[which].push(since.elapsed().as_secs_f64() * 1e3);
            if let Some(part) = found.not_asked.first() {
                return Err(part.to_string().into());
            }
        }
    }
    let [local, remote] = times.map(|mut times| {
        times.sort_by(f64::total_cmp);
        let at = |percent: usize| times[(times.len() * percent / 100).min(times.len() - 1)];
        (at(50), at(95))
    });
    Ok(Row { name: name.into(), local, remote })
}

/// What all primaries use, in bytes.
fn used_memory(place: &str) -> Result<u64, Box<dyn Error>> {
    Ok(RedisIndex::memory_at(&IndexAddress::parse(place)?, &Settings::default())?)
}
