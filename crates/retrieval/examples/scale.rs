//! How an index behaves with many vectors: writing, linking, opening, and searching with the graph and without.
//!
//! ```text
//! cargo run --release -p vetted-retrieval --example scale -- --vectors DIR --count 1000000 --index FOLDER
//! ```
//!
//! `DIR` holds `base.f32` and `queries.f32`, rows of 384 little-endian values each (`benchmarks/vector-index` makes them).
//! An index that is already in `FOLDER` is not written again, so the second run measures a process that only reads. Each
//! line of output is a JSON object.

use std::fs::{self, File};
use std::io::{self, BufReader, Read};
use std::path::{Path, PathBuf};
use std::time::Instant;

use clap::Parser;
use serde_json::{Map, json};
use vetted_corpus::{Document, Passage};
use vetted_retrieval::{EncoderIdentity, Entry, Error, Filter, Hit, Index, Manifest, Query, Settings};

const DIMENSIONS: usize = 384;
const BATCH: usize = 1000;

#[derive(Parser)]
struct Arguments {
    /// The folder of `base.f32` and `queries.f32`.
    #[arg(long)]
    vectors: PathBuf,
    /// How many of the vectors to index.
    #[arg(long, default_value_t = 100_000)]
    count: usize,
    /// How many queries to ask.
    #[arg(long, default_value_t = 500)]
    queries: usize,
    /// The index's folder.
    #[arg(long)]
    index: PathBuf,
    /// From how many passages on a graph is used; as in `Settings` unless given.
    #[arg(long)]
    graph_from: Option<usize>,
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let Arguments { vectors, count, queries, index, graph_from } = Arguments::parse();
    let settings = graph_from.map_or(Settings::default(), |passages| Settings::default().graph_from(passages));
    if !index.exists() {
        write(&vectors.join("base.f32"), count, &index, settings)?;
    }
    let queries = rows(&vectors.join("queries.f32"), queries)?.collect::<io::Result<Vec<_>>>()?;
    search(&index, &queries, settings)?;
    Ok(())
}

fn write(vectors: &Path, count: usize, folder: &Path, settings: Settings) -> Result<(), Box<dyn std::error::Error>> {
    let encoder = EncoderIdentity { name: "measured".into(), fingerprint: "measured".into(), dimensions: DIMENSIONS };
    let index = Index::create_with(folder, Manifest::new(encoder, Map::new()), settings)?;
    let begun = Instant::now();
    let mut batch = Vec::new();
    for (number, vector) in rows(vectors, count)?.enumerate() {
        let metadata = json!({"thousandth": number % 1000}).as_object().cloned().unwrap_or_default();
        let document = Document { id: format!("{number:07}"), text: "a".into(), metadata, ..Document::default() };
        batch.push(Entry { document, passages: vec![(Passage { bytes: 0..1, chars: 0..1 }, vector?)], views: None });
        if batch.len() == BATCH || number + 1 == count {
            index.upsert(std::mem::take(&mut batch))?;
        }
    }
    let seconds = begun.elapsed().as_secs_f64();
    println!("{}", json!({"step": "write", "documents": count, "per_s": count as f64 / seconds}));

    let begun = Instant::now();
    index.search(&Query::bm25("a"))?; // brings the text index up to date, so that what follows is the graph
    println!("{}", json!({"step": "text", "s": begun.elapsed().as_secs_f64()}));
    let (begun, used) = (Instant::now(), processor_seconds());
    index.finish()?;
    let used = processor_seconds().zip(used).map(|(now, then)| now - then);
    println!(
        "{}",
        json!({"step": "link", "s": begun.elapsed().as_secs_f64(), "cpu_s": used, "memory": memory(),
               "notices": index.notices().iter().map(ToString::to_string).collect::<Vec<_>>()})
    );
    Ok(())
}

fn search(folder: &Path, queries: &[Vec<f32>], settings: Settings) -> Result<(), Box<dyn std::error::Error>> {
    let begun = Instant::now();
    let index = Index::open_with(folder, settings)?;
    let open = begun.elapsed().as_secs_f64() * 1e3;
    let first = queries.first().ok_or("no queries")?;
    index.search(&Query::dense(first))?;
    let first_answer = begun.elapsed().as_secs_f64() * 1e3;
    println!(
        "{}",
        json!({"step": "open", "documents": index.len()?, "open_ms": open, "first_answer_ms": first_answer,
               "memory": memory(), "notices": index.notices().iter().map(ToString::to_string).collect::<Vec<_>>()})
    );
    let few = &queries[..queries.len().div_ceil(5)]; // for what takes long
    let exact = timed(&index, few, "exact", |query| Query::dense(query).exact())?;
    let graph = timed(&index, queries, "quickest", Query::dense)?;
    println!("{}", json!({"step": "recall@10", "all": recall(&graph, &exact)}));
    timed(&index, few, "hybrid", |query| Query::hybrid("a", query))?;
    for permille in [1, 10, 50, 100, 200, 500] {
        let filter = Filter::parse(&format!("thousandth<{permille}"))?;
        index.search(&Query::dense(first).filter(filter.clone()))?; // reads the metadata
        let narrowed = |query| Query::dense(query).filter(filter.clone());
        let found = timed(&index, few, &format!("{permille}/1000 allowed"), narrowed)?;
        let exact = timed(&index, &few[..few.len().min(20)], "the same, exact", |query| narrowed(query).exact())?;
        println!("{}", json!({"step": "recall@10", "permille": permille, "of_first": recall(&found, &exact)}));
    }
    println!("{}", json!({"step": "end", "memory": memory()}));
    Ok(())
}

/// Asks every query twice, one after the other, and reports how long the second time took.
fn timed<'query>(
    index: &Index,
    queries: &'query [Vec<f32>],
    name: &str,
    query: impl Fn(&'query [f32]) -> Query<'query>,
) -> Result<Vec<Vec<Hit>>, Error> {
    let (mut times, mut found) = (Vec::new(), Vec::new());
    let (begun, used) = (Instant::now(), processor_seconds());
    for vector in queries {
        index.search(&query(vector))?;
        let begun = Instant::now();
        found.push(index.search(&query(vector))?);
        times.push(begun.elapsed().as_secs_f64() * 1e3);
    }
    let cpu_ms = processor_seconds().zip(used).map(|(now, then)| (now - then) * 1e3 / (2 * queries.len()) as f64);
    let per_s = 2.0 * queries.len() as f64 / begun.elapsed().as_secs_f64();
    times.sort_by(f64::total_cmp);
    let percentile = |share: f64| times[((times.len() - 1) as f64 * share) as usize];
    println!(
        "{}",
        json!({"step": "search", "how": name, "queries": queries.len(), "ms_p50": percentile(0.5),
               "ms_p95": percentile(0.95), "cpu_ms_each": cpu_ms, "per_s": per_s})
    );
    Ok(found)
}

/// The share of the exact hits that was found, over the queries that both were asked.
fn recall(found: &[Vec<Hit>], exact: &[Vec<Hit>]) -> f64 {
    let held = |(found, exact): (&Vec<Hit>, &Vec<Hit>)| {
        exact.iter().filter(|wanted| found.iter().any(|hit| hit.id == wanted.id)).count()
    };
    let wanted: usize = found.iter().zip(exact).map(|(_, exact)| exact.len()).sum();
    found.iter().zip(exact).map(held).sum::<usize>() as f64 / wanted as f64
}

fn rows(path: &Path, count: usize) -> io::Result<impl Iterator<Item = io::Result<Vec<f32>>>> {
    let mut reader = BufReader::with_capacity(1 << 20, File::open(path)?);
    let mut bytes = vec![0; DIMENSIONS * 4];
    Ok((0..count).map(move |_| {
        reader.read_exact(&mut bytes)?;
        Ok(bytes.as_chunks::<4>().0.iter().map(|value| f32::from_le_bytes(*value)).collect())
    }))
}

/// What this process takes, in MB, as Linux tells it: memory of its own, mapped files that are in memory, and the most
/// that both ever were.
fn memory() -> Map<String, serde_json::Value> {
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let value = |line: &str| {
        let (name, rest) = line.split_once(':')?;
        let kilobytes: f64 = rest.split_whitespace().next()?.parse().ok()?;
        matches!(name, "RssAnon" | "RssFile" | "VmHWM").then(|| (name.to_owned(), json!(kilobytes / 1e3)))
    };
    status.lines().filter_map(value).collect()
}

/// Seconds of processor time that this process has used, as Linux tells it.
fn processor_seconds() -> Option<f64> {
    let status = fs::read_to_string("/proc/self/stat").ok()?;
    let fields: Vec<&str> = status.rsplit_once(") ")?.1.split(' ').collect();
    let ticks = |at: usize| fields.get(at)?.parse::<f64>().ok();
    Some((ticks(11)? + ticks(12)?) / 100.0)
}
