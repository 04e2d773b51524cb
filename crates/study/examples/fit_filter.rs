//! Fits the thresholds by which a search leaves passages out: `passage_conflict` and `rival_margin`.
//!
//! `cargo run --release -p vetted-study --example fit_filter -- BEIR_FOLDER SPLIT [INDEX]`
//!
//! For the first queries of a split it reads the documents that dense search finds; for sentences out of relevant documents it
//! reads twins ([`vetted_study::twins`]): the document with that sentence edited so that it conflicts with a statement or no
//! longer answers a question, beside the original. Two tables follow. By `passage_conflict`: what is kept of nDCG@10, and the
//! share of twins and of originals that is rejected. By `rival_margin`, at the verifier's own `passage_conflict`: the share of twins that is rejected for that or
//! for the original's sake, and of originals for the twin's. Write what you choose into `thresholds` of the verifier's
//! `config.json`. Use a training or development split.

use std::collections::{HashMap, HashSet};
use std::path::PathBuf;

use vetted::Document;
use vetted::corpus::{ReadOptions, read};
use vetted::reader::Thresholds;
use vetted::{
    Engine, Finding, PassageSource, Passages, Precision, QueryExtent, Search, VerifierSource, ViewStorage, Window,
    combine_passage,
};
use vetted_evaluation::metrics::retrieval::{evaluate, standard};
use vetted_evaluation::{Dataset, Ranking, Run};
use vetted_study::twins::{Options, plant};

const QUERIES: usize = 300;
const TWINS: usize = 300;
const DEPTH: usize = 20;

/// The windows of a twin and of its original.
type Twin = [Vec<Window>; 2];

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [folder, split, rest @ ..] = arguments.as_slice() else {
        return Err("usage: fit_filter BEIR_FOLDER SPLIT [INDEX]; VETTED_VERIFIER names a verifier's folder".into());
    };
    let mut dataset = Dataset::load(folder, split)?;
    let documents =
        read(std::slice::from_ref(&dataset.corpus), &ReadOptions::default()).collect::<Result<Vec<_>, _>>()?;
    let temporary = tempfile::tempdir()?;
    let index = rest.first().map_or(temporary.path().join("index"), PathBuf::from);
    let verifier = std::env::var_os("VETTED_VERIFIER").map(PathBuf::from);
    let engine = Engine::builder(index)
        .precision(Precision::Bf16)
        .passages(Passages::Whole)
        .views(ViewStorage::None) // an index serves any verifier
        .verifier(verifier.map_or(VerifierSource::Shipped, VerifierSource::Folder))
        .open_or_create()?;
    for batch in documents.chunks(256) {
        engine.upsert(batch.to_vec())?;
    }
    let verifier = engine.verifier()?;
    let by_id: HashMap<&str, &str> = documents.iter().map(|it| (it.id.as_str(), it.text.as_str())).collect();

    // What dense search finds for each query, the first of it read; twice as much, to fill up from.
    let mut found = Vec::new();
    dataset.queries.truncate(QUERIES);
    for query in &dataset.queries {
        let hits = engine.rank(&Search::new(&query.text).k(2 * DEPTH).verify(None))?.hits;
        let asked = verifier.prepare(&query.text)?;
        let texts: Vec<PassageSource> =
            hits.iter().take(DEPTH).map(|hit| PassageSource::Text(by_id[hit.id.as_str()].into())).collect();
        let mut windows = match asked.extent() {
            QueryExtent::Keywords | QueryExtent::Foreign => Vec::new(),
            QueryExtent::Whole | QueryExtent::Beginning => asked.read_windows(&texts)?,
        };
        windows.resize(hits.len(), Vec::new());
        let hits = hits.into_iter().map(|hit| (hit.id, hit.score));
        found.push((query.id.clone(), hits.zip(windows).collect::<Vec<_>>()));
    }

    let relevant = dataset.qrels.iter().flat_map(|(_, judgments)| judgments.iter().map(|(document, _)| document));
    let relevant: HashSet<&str> = relevant.collect();
    let relevant: Vec<Document> = documents.iter().filter(|it| relevant.contains(it.id.as_str())).cloned().collect();
    let planted = plant(&relevant, &Options { twins: TWINS, first_words: None, ..Options::default() });
    let mut twins: [Vec<Twin>; 2] = Default::default();
    for query in &planted.queries {
        let twin = &planted.twins[query.twin];
        let texts =
            [twin.document.text.as_str(), by_id[twin.original.as_str()]].map(|text| PassageSource::Text(text.into()));
        let read = verifier.prepare(&query.text)?.read_windows(&texts)?;
        twins[query.form as usize].extend(<Twin>::try_from(read));
    }

    let own = verifier.config().thresholds;
    let share = |twins: &[Twin], rejected: &dyn Fn(&Twin) -> bool| {
        twins.iter().filter(|twin| rejected(twin)).count() as f64 / twins.len().max(1) as f64
    };
    let rejects = |windows: &[Window], thresholds: &Thresholds| {
        combine_passage(windows, thresholds).is_some_and(|(_, judgement)| judgement.finding == Finding::Contradicts)
    };
    let [statements, questions] = &twins;
    println!("{} queries, {} statements, {} questions\n", found.len(), statements.len(), questions.len());
    println!("passage_conflict  nDCG@10 kept  statements: twins, originals  questions: twins, originals rejected");
    let ndcg = |kept: &dyn Fn(&[Window]) -> bool| -> Result<f64, Box<dyn std::error::Error>> {
        let mut run = Run::new("run");
        for (query, hits) in &found {
            let hits = hits.iter().filter(|(_, windows)| kept(windows)).map(|(hit, _)| hit.clone());
            run.insert(query, Ranking::new(hits)?);
        }
        // Queries that were not asked score nothing, before and after alike.
        let evaluation = evaluate(&standard(std::num::NonZeroUsize::MIN), &dataset.qrels, &run)?;
        Ok(evaluation.iter().next().map(|(_, scores)| scores.iter().sum()).unwrap_or(0.0))
    };
    let dense = ndcg(&|_| true)?;
    for conflict in [1.4f32, 1.5, 1.55, 1.6, 1.65, 1.7, 1.75, 1.8, 1.85, 1.9] {
        let thresholds = Thresholds { passage_conflict: conflict, ..own };
        let kept = ndcg(&|windows| !rejects(windows, &thresholds))? / dense;
        print!("{conflict:>16.2}  {kept:>12.4}");
        for twins in [statements, questions] {
            let twin = share(twins, &|twin| rejects(&twin[0], &thresholds));
            let original = share(twins, &|twin| rejects(&twin[1], &thresholds));
            print!("  {twin:>18.3} {original:>9.3}");
        }
        println!();
    }

    println!("\nrival_margin  statements: twins, originals  questions: twins, originals rejected");
    let calibration = verifier.config().calibration.support;
    let support = |windows: &[Window]| {
        let logit = |p: f32| ((p / (1.0 - p)).ln() - calibration.offset) / calibration.scale;
        windows.iter().map(|window| logit(window.judgement.p_match)).fold(f32::NEG_INFINITY, f32::max)
    };
    for margin in [0.25f32, 0.5, 0.75, 1.0, 1.25, 1.5, 2.0, 3.0] {
        print!("{margin:>12.2}");
        for twins in [statements, questions] {
            let beaten = |worse: &[Window], better: &[Window]| {
                rejects(worse, &own) || !rejects(better, &own) && support(better) - support(worse) >= margin
            };
            let twin = share(twins, &|[twin, original]| beaten(twin, original));
            let original = share(twins, &|[twin, original]| beaten(original, twin));
            print!("  {twin:>18.3} {original:>9.3}");
        }
        println!();
    }
    Ok(())
}
