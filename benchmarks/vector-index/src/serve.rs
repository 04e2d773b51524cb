//! What a process that serves an index sees: opening, searching, deleting, inserting.

use std::time::Instant;

use anyhow::Result;
use rayon::prelude::*;
use serde::Serialize;

use crate::Setting;
use crate::corpus::{Corpus, GroundTruth};
use crate::index::{Index, Kind, exact::Exact};
use crate::measure::{Clock, folder_megabytes, resident_megabytes, thread_cpu_seconds};

/// Neighbors asked for.
const K: usize = 10;
const PASSES: usize = 3;
/// Every tenth vector is deleted: those whose id leaves this remainder.
const DELETED_REMAINDER: u32 = 3;
/// Recall after deletes is measured with this effort.
const EFFORT_AFTER_DELETES: usize = 128;

#[derive(Serialize)]
pub struct Built {
    pub step: &'static str,
    pub index: String,
    pub size: usize,
    pub degree: usize,
    pub ef_construction: usize,
    pub build_s: f64,
    pub build_cpu_s: f64,
    pub disk_mb: f64,
}

#[derive(Serialize)]
struct Opened {
    step: &'static str,
    index: String,
    size: usize,
    degree: usize,
    ef_construction: usize,
    /// Until the index was open.
    open_ms: f64,
    /// Until the first query was answered.
    first_answer_ms: f64,
    resident_anonymous_mb: f64,
    resident_mapped_mb: f64,
}

#[derive(Serialize)]
struct Searched {
    step: &'static str,
    index: String,
    size: usize,
    degree: usize,
    ef_construction: usize,
    ef_search: usize,
    recall_at_10: f64,
    ms_p50: f64,
    ms_p95: f64,
    queries_per_s: f64,
    queries_per_s_2_threads: f64,
    /// One thread, per second of CPU time: comparable when other processes compete for the cores.
    queries_per_cpu_s: f64,
}

#[derive(Serialize)]
struct Deleted {
    step: &'static str,
    index: String,
    size: usize,
    degree: usize,
    ef_construction: usize,
    deleted: usize,
    delete_s: f64,
    delete_cpu_s: f64,
    recall_at_10: f64,
    /// Queries whose answer held a deleted id.
    answers_with_deleted: usize,
    save_s: f64,
    disk_mb: f64,
}

#[derive(Serialize)]
struct Reopened {
    step: &'static str,
    index: String,
    size: usize,
    degree: usize,
    ef_construction: usize,
    recall_at_10: f64,
    answers_with_deleted: usize,
    inserted: usize,
    insert_ms_each: f64,
    insert_cpu_ms_each: f64,
    /// Share of inserted vectors that are the first answer to themselves.
    inserted_found: f64,
}

/// Open the saved index and measure; with `search_only`, leave it as it is.
pub fn serve(kind: Kind, corpus: &Corpus, truth: &GroundTruth, setting: &Setting, search_only: bool) -> Result<()> {
    let folder = setting.folder(kind);
    let capacity = setting.size + corpus.queries.len();
    let graph = setting.graph();
    let index = kind.to_string();
    let (size, degree, ef_construction) = (setting.size, setting.degree, setting.ef_construction);

    let before = resident_megabytes()?;
    let start = Instant::now();
    let mut opened = kind.open(&folder, graph, capacity)?;
    let open_ms = start.elapsed().as_secs_f64() * 1e3;
    opened.searcher()?(corpus.queries.row(0), K, EFFORT_AFTER_DELETES)?;
    let first_answer_ms = start.elapsed().as_secs_f64() * 1e3;

    for &ef_search in &setting.ef_search {
        let searched = search(opened.as_ref(), corpus, ef_search)?;
        setting.append(&Searched {
            step: "search",
            index: index.clone(),
            size,
            degree,
            ef_construction,
            ef_search,
            recall_at_10: recall(&searched.answers, truth, |_| true),
            ms_p50: searched.ms_p50,
            ms_p95: searched.ms_p95,
            queries_per_s: searched.queries_per_s,
            queries_per_s_2_threads: searched.queries_per_s_2_threads,
            queries_per_cpu_s: searched.queries_per_cpu_s,
        })?;
        if kind == Kind::Exact {
            break;
        }
    }
    // After the searches: pages of a mapped file count once they have been touched.
    let after = resident_megabytes()?;
    setting.append(&Opened {
        step: "open",
        index: index.clone(),
        size,
        degree,
        ef_construction,
        open_ms,
        first_answer_ms,
        resident_anonymous_mb: after.0 - before.0,
        resident_mapped_mb: after.1 - before.1,
    })?;
    if search_only {
        return Ok(());
    }

    let pool = rayon::ThreadPoolBuilder::new().num_threads(2).build()?;
    let deleted: Vec<u32> = (0..size as u32).filter(|&id| is_deleted(id)).collect();
    let clock = Clock::start();
    pool.install(|| opened.delete(&deleted))?;
    let (delete_s, delete_cpu_s) = clock.stop();
    let answers = answers(opened.as_ref(), corpus)?;
    let clock = Clock::start();
    opened.save(&folder)?;
    let (save_s, _) = clock.stop();
    setting.append(&Deleted {
        step: "delete",
        index,
        size,
        degree,
        ef_construction,
        deleted: deleted.len(),
        delete_s,
        delete_cpu_s,
        recall_at_10: recall(&answers, truth, |id| !is_deleted(id)),
        answers_with_deleted: answers_with_deleted(&answers),
        save_s,
        disk_mb: folder_megabytes(&folder)?,
    })
}

/// Open what `serve` left and measure what became of the deleted; then insert.
pub fn reopen(kind: Kind, corpus: &Corpus, truth: &GroundTruth, setting: &Setting) -> Result<()> {
    let size = setting.size;
    let inserted = corpus.queries.len();
    let mut index = kind.open(&setting.folder(kind), setting.graph(), size + inserted)?;
    let before = answers(index.as_ref(), corpus)?;

    let pool = rayon::ThreadPoolBuilder::new().num_threads(2).build()?;
    let clock = Clock::start();
    pool.install(|| index.insert(size as u32, &corpus.queries))?;
    let (insert_s, insert_cpu_s) = clock.stop();
    let after = answers(index.as_ref(), corpus)?;
    let itself = |query: usize| size as u32 + query as u32;
    let found = after.iter().enumerate().filter(|(query, answer)| answer.first() == Some(&itself(*query))).count();

    setting.append(&Reopened {
        step: "reopen",
        index: kind.to_string(),
        size,
        degree: setting.degree,
        ef_construction: setting.ef_construction,
        recall_at_10: recall(&before, truth, |id| !is_deleted(id)),
        answers_with_deleted: answers_with_deleted(&before),
        inserted,
        insert_ms_each: insert_s * 1e3 / inserted as f64,
        insert_cpu_ms_each: insert_cpu_s * 1e3 / inserted as f64,
        inserted_found: found as f64 / inserted as f64,
    })
}

fn is_deleted(id: u32) -> bool {
    id % 10 == DELETED_REMAINDER
}

/// Milliseconds per query of the exact scan on one and on two threads, for a growing number of vectors.
pub fn scan(corpus: &Corpus, setting: &Setting) -> Result<()> {
    #[derive(Serialize)]
    struct Scanned {
        step: &'static str,
        size: usize,
        cpu_ms: f64,
        ms_p50: f64,
        ms_p50_2_threads: f64,
    }

    let pool = rayon::ThreadPoolBuilder::new().num_threads(2).build()?;
    for size in [1_000, 5_000, 10_000, 20_000, 50_000, 100_000, 200_000, 500_000, 1_000_000] {
        if size > setting.size {
            break;
        }
        let exact = Exact::build(&corpus.base(size)?);
        let repeats = (50_000_000 / size).clamp(20, corpus.queries.len());
        let queries = || corpus.queries.rows().take(repeats);

        let mut searcher = exact.searcher()?;
        let cpu = thread_cpu_seconds()?;
        let one = queries().map(|query| timed(|| searcher(query, K, K))).collect::<Result<Vec<f64>>>()?;
        let cpu_ms = (thread_cpu_seconds()? - cpu) * 1e3 / repeats as f64;
        let two = queries()
            .map(|query| timed(|| Ok(pool.install(|| exact.search(query, K)))))
            .collect::<Result<Vec<f64>>>()?;
        setting.append(&Scanned { step: "scan", size, cpu_ms, ms_p50: median(one), ms_p50_2_threads: median(two) })?;
    }
    Ok(())
}

/// Milliseconds that `work` takes.
fn timed<T>(work: impl FnOnce() -> Result<T>) -> Result<f64> {
    let start = Instant::now();
    work()?;
    Ok(start.elapsed().as_secs_f64() * 1e3)
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}

struct Search {
    answers: Vec<Vec<u32>>,
    ms_p50: f64,
    ms_p95: f64,
    queries_per_s: f64,
    queries_per_s_2_threads: f64,
    queries_per_cpu_s: f64,
}

/// All queries, on one thread and on two, several times.
fn search(index: &dyn Index, corpus: &Corpus, ef_search: usize) -> Result<Search> {
    let count = corpus.queries.len();
    let pool = rayon::ThreadPoolBuilder::new().num_threads(2).build()?;
    let mut best = Search {
        answers: Vec::new(),
        ms_p50: f64::INFINITY,
        ms_p95: f64::INFINITY,
        queries_per_s: 0.0,
        queries_per_s_2_threads: 0.0,
        queries_per_cpu_s: 0.0,
    };
    for _ in 0..PASSES {
        let mut searcher = index.searcher()?;
        let mut milliseconds = Vec::with_capacity(count);
        let mut answers = Vec::with_capacity(count);
        let (wall, cpu) = (Instant::now(), thread_cpu_seconds()?);
        for query in corpus.queries.rows() {
            let start = Instant::now();
            answers.push(searcher(query, K, ef_search)?);
            milliseconds.push(start.elapsed().as_secs_f64() * 1e3);
        }
        let (wall, cpu) = (wall.elapsed().as_secs_f64(), thread_cpu_seconds()? - cpu);
        drop(searcher);
        milliseconds.sort_by(f64::total_cmp);
        best.answers = answers;
        best.ms_p50 = best.ms_p50.min(milliseconds[count / 2]);
        best.ms_p95 = best.ms_p95.min(milliseconds[count * 95 / 100]);
        best.queries_per_s = best.queries_per_s.max(count as f64 / wall);
        best.queries_per_cpu_s = best.queries_per_cpu_s.max(count as f64 / cpu);

        let clock = Clock::start();
        pool.install(|| {
            (0..2).into_par_iter().try_for_each(|thread| {
                let mut searcher = index.searcher()?;
                (thread..count)
                    .step_by(2)
                    .try_for_each(|query| searcher(corpus.queries.row(query), K, ef_search).map(drop))
            })
        })?;
        best.queries_per_s_2_threads = best.queries_per_s_2_threads.max(count as f64 / clock.stop().0);
    }
    Ok(best)
}

/// The answers to all queries, one pass on one thread.
fn answers(index: &dyn Index, corpus: &Corpus) -> Result<Vec<Vec<u32>>> {
    let mut searcher = index.searcher()?;
    corpus.queries.rows().map(|query| searcher(query, K, EFFORT_AFTER_DELETES)).collect()
}

/// The share of the ten true neighbors among the alive that the answers hold.
fn recall(answers: &[Vec<u32>], truth: &GroundTruth, alive: impl Fn(u32) -> bool) -> f64 {
    let mut hits = 0;
    let mut wanted = 0;
    for (query, answer) in answers.iter().enumerate() {
        let neighbors = truth.neighbors(query, K, &alive);
        hits += neighbors.iter().filter(|id| answer.contains(id)).count();
        wanted += neighbors.len();
    }
    hits as f64 / wanted as f64
}

fn answers_with_deleted(answers: &[Vec<u32>]) -> usize {
    answers.iter().filter(|answer| answer.iter().any(|&id| is_deleted(id))).count()
}
