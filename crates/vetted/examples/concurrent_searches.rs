//! How many searches a second one engine answers, and how long each takes, by the number of concurrent callers.
//!
//! `cargo run --release -p vetted --example concurrent_searches -- INDEX QUERIES.jsonl [SECONDS]`
//!
//! INDEX is one of your own (`vetted index corpus.jsonl --into INDEX`), QUERIES.jsonl has one object with `text` a line (BEIR). Each
//! caller is a thread that asks one query after the other for SECONDS (5 unless given); the callers begin at different queries.

use std::error::Error;
use std::sync::Mutex;
use std::time::{Duration, Instant};

use vetted::{Engine, Search};

const CALLERS: [usize; 6] = [1, 2, 4, 8, 16, 32];

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let (index, queries, seconds) = match arguments.as_slice() {
        [index, queries] => (index, queries, 5.0),
        [index, queries, seconds] => (index, queries, seconds.parse()?),
        _ => return Err("usage: concurrent_searches INDEX QUERIES.jsonl [SECONDS]".into()),
    };
    let queries = std::fs::read_to_string(queries)?;
    let queries: Vec<String> = queries
        .lines()
        .map(|line| Ok(serde_json::from_str::<serde_json::Value>(line)?["text"].as_str().ok_or("no text")?.to_owned()))
        .collect::<Result<_, Box<dyn Error>>>()?;
    let engine = Engine::open(index)?;
    engine.search(&Search::new(&queries[0]))?; // loads what is loaded once
    println!("{} documents, {} cores", engine.len()?, std::thread::available_parallelism()?);
    println!("| callers | verification | searches/s | p50 ms | p95 ms | p99 ms | CPU ms/search |");
    println!("|---:|---|---:|---:|---:|---:|---:|");
    for verified in [true, false] {
        for callers in CALLERS {
            let (before, start) = (processor_time(), Instant::now());
            let spent = Mutex::new(Vec::new());
            std::thread::scope(|scope| {
                for caller in 0..callers {
                    let (engine, queries, spent) = (&engine, &queries, &spent);
                    scope.spawn(move || {
                        let mut own = Vec::new();
                        for query in queries.iter().cycle().skip(caller * 7) {
                            if start.elapsed().as_secs_f64() >= seconds {
                                break;
                            }
                            let asked = Instant::now();
                            let mut search = Search::new(query);
                            if !verified {
                                search = search.verify(None);
                            }
                            engine.search(&search).expect("a search that worked before");
                            own.push(asked.elapsed());
                        }
                        spent.lock().expect("no caller panicked").extend(own);
                    });
                }
            });
            let (wall, cpu) = (start.elapsed().as_secs_f64(), processor_time() - before);
            let mut spent: Vec<Duration> = spent.into_inner()?;
            spent.sort_unstable();
            let at = |share: f64| 1e3 * spent[((spent.len() - 1) as f64 * share).round() as usize].as_secs_f64();
            println!(
                "| {callers} | {} | {:.1} | {:.1} | {:.1} | {:.1} | {:.1} |",
                if verified { "yes" } else { "no" },
                spent.len() as f64 / wall,
                at(0.5),
                at(0.95),
                at(0.99),
                1e3 * cpu / spent.len() as f64
            );
        }
    }
    Ok(())
}

/// Processor seconds of this process so far, on Linux; 0 elsewhere.
fn processor_time() -> f64 {
    let stat = std::fs::read_to_string("/proc/self/stat").unwrap_or_default();
    let fields: Vec<&str> = stat.rsplit(')').next().unwrap_or_default().split_whitespace().collect();
    let ticks = |at: usize| fields.get(at).and_then(|it| it.parse::<f64>().ok()).unwrap_or(0.0);
    (ticks(11) + ticks(12)) / 100.0 // user and system time, in hundredths of a second
}
