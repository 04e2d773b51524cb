//! Which nearest-neighbor index should tier one use? `usearch`, `hannoy`, `diskann`, `hnsw_rs` and an exact scan, compared on
//! sentence vectors: 384 dimensions, unit length, inner product.
//!
//! # Corpus
//!
//! `make_vectors.py` beside this crate encodes 1,001,000 English sentences and half sentences with all-MiniLM-L6-v2: both sides
//! of sentence pairs from 24 public sources, the sentences of seven BEIR collections and of SQuAD-format contexts. 1,000 of
//! them, drawn at random, are the queries and are not in the base. A size of *n* means the first *n* rows of the base.
//!
//! # What is measured
//!
//! Each index runs in processes of its own: one builds and saves it, the next opens it, searches and
//! deletes, the last opens it again and inserts.
//!
//! - **build**: wall and CPU seconds with 2 threads, saving not included; bytes on disk after saving.
//! - **open**: milliseconds from nothing to the first answer, the files being in the page cache; resident memory after that.
//! - **search**: recall@10 against the exact answer, milliseconds per query on one thread (median and 95th percentile), queries
//!   per second on one and on two threads, and per second of CPU time: the figure to compare when the machine is shared.
//!   Best of three passes over all queries.
//! - **delete**: seconds to delete every tenth vector; recall@10 over the rest; whether a deleted id is ever returned, before
//!   and after saving and opening again.
//! - **insert**: milliseconds to add one vector to the reopened index; the share of added vectors that a search for them finds.
//!
//! - **damage**: what becomes of a file that was cut short or overwritten in places: an error, a panic, a crash, or nothing.
//!
//! # Running it
//!
//! ```text
//! python3 vector-index/make_vectors.py --data DATA --model MODEL --out VECTORS
//! cargo run --release -p vector-index -- run --vectors VECTORS --size 100000 --out results.jsonl
//! cargo run --release -p vector-index -- scan --vectors VECTORS --size 1000000 --out results.jsonl
//! cargo run --release -p vector-index -- table results.jsonl
//! ```

mod corpus;
mod damage;
mod index;
mod measure;
mod serve;
mod table;

use std::fs::{self, OpenOptions};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, ensure};
use clap::{Args, Parser, Subcommand};

use crate::corpus::{Corpus, GroundTruth};
use crate::index::{Graph, Kind};

#[derive(Parser)]
#[command(about = "Compares nearest-neighbor indexes on sentence vectors")]
struct Cli {
    #[command(subcommand)]
    command: Task,
}

#[derive(Subcommand)]
enum Task {
    /// Build, then serve, each of the indexes, every step in a process of its own.
    Run {
        /// The indexes; all of them when none is named.
        #[arg(long, value_enum, value_delimiter = ',')]
        index: Vec<Kind>,
        #[command(flatten)]
        setting: Setting,
        /// Keep the saved indexes.
        #[arg(long)]
        keep: bool,
    },
    /// Build one index and save it.
    Build {
        #[arg(long, value_enum)]
        index: Kind,
        #[command(flatten)]
        setting: Setting,
    },
    /// Open one saved index and measure search, deletes and inserts.
    Serve {
        #[arg(long, value_enum)]
        index: Kind,
        #[command(flatten)]
        setting: Setting,
        /// Measure search only.
        #[arg(long)]
        search_only: bool,
    },
    /// Open one index that `serve` has deleted from, and measure what became of the deleted, then inserts.
    Reopen {
        #[arg(long, value_enum)]
        index: Kind,
        #[command(flatten)]
        setting: Setting,
    },
    /// Damage copies of one saved index, and open and search them.
    Damage {
        #[arg(long, value_enum)]
        index: Kind,
        #[command(flatten)]
        setting: Setting,
    },
    /// Milliseconds per query of the exact scan for a growing number of vectors.
    Scan {
        #[command(flatten)]
        setting: Setting,
    },
    /// Turn JSON lines into Markdown tables.
    Table {
        /// The file written by `run`.
        results: PathBuf,
    },
}

#[derive(Args, Clone)]
struct Setting {
    /// The folder with `base.f32` and `queries.f32`.
    #[arg(long)]
    vectors: PathBuf,
    /// How many vectors of the base to index.
    #[arg(long)]
    size: usize,
    /// Links per node in the upper layers (M); the bottom layer has twice as many.
    #[arg(long, default_value_t = 16)]
    degree: usize,
    /// Candidates kept while linking a new node.
    #[arg(long, default_value_t = 128)]
    ef_construction: usize,
    /// Candidates kept while searching: each value is a row of the result.
    #[arg(long, value_delimiter = ',', default_values_t = [32, 64, 128, 256, 512])]
    ef_search: Vec<usize>,
    /// Results are appended here, one JSON object per line.
    #[arg(long)]
    out: PathBuf,
    /// Where the indexes are saved; by default the folder of the vectors.
    #[arg(long)]
    scratch: Option<PathBuf>,
}

impl Setting {
    fn graph(&self) -> Graph {
        Graph { degree: self.degree, ef_construction: self.ef_construction }
    }

    fn folder(&self, kind: Kind) -> PathBuf {
        let Graph { degree, ef_construction } = self.graph();
        let name = format!("index-{kind}-{}-{degree}-{ef_construction}", self.size);
        self.scratch.as_ref().unwrap_or(&self.vectors).join(name)
    }

    fn append(&self, record: &impl serde::Serialize) -> Result<()> {
        let line = serde_json::to_string(record)?;
        let mut file = OpenOptions::new().create(true).append(true).open(&self.out)?;
        writeln!(file, "{line}")?;
        println!("{line}");
        Ok(())
    }
}

fn main() -> Result<()> {
    match Cli::parse().command {
        Task::Run { index, setting, keep } => {
            let kinds = if index.is_empty() { Kind::ALL.to_vec() } else { index };
            run(&kinds, &setting, keep)
        }
        Task::Build { index, setting } => build(index, &setting),
        Task::Serve { index, setting, search_only } => {
            let corpus = Corpus::open(&setting.vectors)?;
            let truth = GroundTruth::load_or_compute(&corpus, setting.size)?;
            serve::serve(index, &corpus, &truth, &setting, search_only)
        }
        Task::Reopen { index, setting } => {
            let corpus = Corpus::open(&setting.vectors)?;
            let truth = GroundTruth::load_or_compute(&corpus, setting.size)?;
            serve::reopen(index, &corpus, &truth, &setting)
        }
        Task::Damage { index, setting } => damage::damage(index, &setting),
        Task::Scan { setting } => serve::scan(&Corpus::open(&setting.vectors)?, &setting),
        Task::Table { results } => table::print(&results),
    }
}

fn run(kinds: &[Kind], setting: &Setting, keep: bool) -> Result<()> {
    let corpus = Corpus::open(&setting.vectors)?;
    GroundTruth::load_or_compute(&corpus, setting.size)?;
    for &kind in kinds {
        for step in ["build", "serve", "reopen"] {
            let status = Command::new(std::env::current_exe()?)
                .args([step, "--index", &kind.to_string()])
                .arg("--vectors")
                .arg(&setting.vectors)
                .args(["--size", &setting.size.to_string()])
                .args(["--degree", &setting.degree.to_string()])
                .args(["--ef-construction", &setting.ef_construction.to_string()])
                .args(["--ef-search", &setting.ef_search.iter().map(usize::to_string).collect::<Vec<_>>().join(",")])
                .arg("--out")
                .arg(&setting.out)
                .args(setting.scratch.iter().flat_map(|folder| [Path::new("--scratch"), folder]))
                .status()?;
            if !status.success() {
                eprintln!("{kind}: {step} ended with {status}; going on with the next index");
                break;
            }
        }
        if !keep {
            fs::remove_dir_all(setting.folder(kind)).ok();
        }
    }
    Ok(())
}

fn build(kind: Kind, setting: &Setting) -> Result<()> {
    let corpus = Corpus::open(&setting.vectors)?;
    let vectors = corpus.base(setting.size)?;
    let folder = setting.folder(kind);
    fs::remove_dir_all(&folder).ok();
    fs::create_dir_all(&folder).with_context(|| format!("cannot create {}", folder.display()))?;
    ensure!(setting.degree == 16 || setting.degree == 32, "--degree is 16 or 32: hannoy takes it at compile time");

    let pool = rayon::ThreadPoolBuilder::new().num_threads(2).build()?;
    let clock = measure::Clock::start();
    let index = pool.install(|| kind.build(&vectors, setting.graph(), &folder))?;
    let (wall, cpu) = clock.stop();
    index.save(&folder)?;
    setting.append(&serve::Built {
        step: "build",
        index: kind.to_string(),
        size: setting.size,
        degree: setting.degree,
        ef_construction: setting.ef_construction,
        build_s: wall,
        build_cpu_s: cpu,
        disk_mb: measure::folder_megabytes(&folder)?,
    })
}
