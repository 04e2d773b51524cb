//! How long a whole search takes with many passages: the query encoded for both tiers, recall, and the candidates verified.
//!
//! `cargo run --release -p vetted --example search_speed -- INDEX PASSAGES QUERIES.jsonl`
//!
//! INDEX is one of your own with the views kept. It is copied until there are so many passages: each copy has the text and the views
//! of an original, and its vector turned a little by noise (a cosine of about 0.9), so that recall has as much to tell apart and the
//! verifier as much to read. Each query is then searched alone, with and without verification in turns.

use std::error::Error;
use std::time::Duration;

use vetted::models::ensure;
use vetted::retrieval::{Entry, Index};
use vetted::{Engine, Search, Timing};
use vetted_encoder::{Encoder, Options, Role};

/// Documents written at a time.
const BATCH: usize = 1000;

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [index, passages, queries] = arguments.as_slice() else {
        return Err("usage: search_speed INDEX PASSAGES QUERIES.jsonl".into());
    };
    let wanted: usize = passages.parse()?;
    let queries = std::fs::read_to_string(queries)?;
    let queries: Vec<String> = queries
        .lines()
        .map(|line| Ok(serde_json::from_str::<serde_json::Value>(line)?["text"].as_str().ok_or("no text")?.to_owned()))
        .collect::<Result<_, Box<dyn Error>>>()?;
    let folder = tempfile::tempdir()?;
    let copies = folder.path().join("index");
    copy(&Engine::open(index)?, &copies, wanted)?;

    let engine = Engine::open(&copies)?;
    engine.search(&Search::new(&queries[0]))?; // loads what is loaded once
    let (mut with, mut without) = (Vec::new(), Vec::new());
    for query in &queries {
        without.push(engine.rank(&Search::new(query).verify(None))?.timing);
        with.push(engine.rank(&Search::new(query))?.timing);
    }
    println!("{} passages, {} queries, ms p50 (p95)", engine.len()?, queries.len());
    println!("recall alone       {}", line(&without, Timing::total));
    println!("with verification  {}", line(&with, Timing::total));
    println!("  encoding         {}", line(&with, |it| it.encoding));
    println!("  ranking          {}", line(&with, |it| it.ranking));
    println!("  verifying 20     {}", line(&with, |it| it.verifying));
    Ok(())
}

/// As many copies of `source`'s one-passage documents as are wanted, in a new index.
fn copy(source: &Engine, target: &std::path::Path, wanted: usize) -> Result<(), Box<dyn Error>> {
    let encoder = Encoder::open(&ensure(source.model(), &mut |_| {})?, Options::default())?;
    let index = Index::create(target, source.index().manifest().clone())?;
    let ids = source.index().ids()?;
    let mut noise = 0x9e37_79b9_7f4a_7c15u64;
    let (mut round, mut made) = (0, 0);
    let mut vectors: Vec<Vec<f32>> = Vec::new();
    while made < wanted {
        for (batch, ids) in ids.chunks(BATCH).enumerate() {
            let documents = ids.iter().map(|id| Ok(source.get(id)?.ok_or("a document vanished")?));
            let documents = documents.collect::<Result<Vec<_>, Box<dyn Error>>>()?;
            if round == 0 {
                let texts: Vec<&str> = documents.iter().map(|document| document.text.as_str()).collect();
                vectors.extend(
                    encoder
                        .embed(&texts, Role::Document, &mut vetted::Compute::of_this_process().team())?
                        .iter()
                        .map(<[f32]>::to_vec),
                );
            }
            let views = source
                .index()
                .read_views(ids, |views| views.iter().map(|views| views.map(<[u8]>::to_vec)).collect::<Vec<_>>())?;
            let mut entries = Vec::with_capacity(BATCH);
            for (at, (mut document, views)) in documents.into_iter().zip(views).enumerate() {
                let passages = source.index().passages(&document.id)?.unwrap_or_default();
                let [passage] = passages.as_slice() else { continue };
                let vector = turned(&vectors[batch * BATCH + at], &mut noise);
                document.id = format!("{}#{round}", document.id);
                entries.push(Entry { document, passages: vec![(passage.clone(), vector)], views });
            }
            entries.truncate(wanted - made);
            made += entries.len();
            index.upsert(entries)?;
        }
        round += 1;
    }
    Ok(index.finish()?)
}

/// `vector` with noise of half its length, at length 1.
fn turned(vector: &[f32], state: &mut u64) -> Vec<f32> {
    let scale = (12.0 / vector.len() as f32).sqrt() / 2.0; // uniform noise in [-0.5, 0.5] has a variance of 1/12
    let noisy = vector.iter().map(|x| {
        *state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        x + scale * ((*state >> 40) as f32 / (1u64 << 24) as f32 - 0.5)
    });
    let noisy: Vec<f32> = noisy.collect();
    let length = noisy.iter().map(|x| x * x).sum::<f32>().sqrt();
    noisy.into_iter().map(|x| x / length).collect()
}

fn line(timings: &[Timing], part: impl Fn(Timing) -> Duration) -> String {
    let mut times: Vec<f64> = timings.iter().map(|timing| part(*timing).as_secs_f64() * 1e3).collect();
    times.sort_by(f64::total_cmp);
    let quantile = |q: usize| times[(times.len() * q / 100).min(times.len() - 1)];
    format!("{:>7.2} ({:.2})", quantile(50), quantile(95))
}
