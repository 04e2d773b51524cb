//! Fits the two thresholds by which a search leaves a passage out, `passage_conflict` and `passage_coverage`.
//!
//! `cargo run --release -p vetted --example fit_filter -- BEIR_FOLDER SPLIT [INDEX]`
//!
//! For the first queries of a split it verifies the documents that dense search finds, and for sentences out of relevant
//! documents it verifies twins: the document with that sentence edited so that it conflicts with a statement or no longer
//! answers a question. For each pair of thresholds: what nDCG@10 loses, relative, and the share of twins and of their
//! originals that is rejected. Take the row with most twins rejected among those that lose little, and write it into
//! `thresholds` of the verifier's `config.json`. Use a training or development split.

use std::collections::HashMap;
use std::path::PathBuf;

use vetted::corpus::pairs::Relation;
use vetted::corpus::{ReadOptions, read};
use vetted::verification::{Policy, Verdict};
use vetted::{Engine, PassageSource, Passages, Precision, Search, Verify};
use vetted_evaluation::metrics::retrieval::{evaluate, standard};
use vetted_evaluation::{Dataset, Ranking, Run};
use vetted_synthesis::{Options, sentences, synthesize};

const QUERIES: usize = 150;
const TWINS: usize = 400;
const DEPTH: usize = 20;

/// What a verifier says about a passage, as far as the rule looks at it.
#[derive(Clone, Copy)]
struct Read {
    accepted: bool,
    p_match: f32,
    p_conflict: f32,
    coverage: f32,
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [folder, split, rest @ ..] = arguments.as_slice() else {
        return Err("usage: fit_filter BEIR_FOLDER SPLIT [INDEX]".into());
    };
    let mut dataset = Dataset::load(folder, split)?;
    let documents =
        read(std::slice::from_ref(&dataset.corpus), &ReadOptions::default()).collect::<Result<Vec<_>, _>>()?;
    let temporary = tempfile::tempdir()?;
    let index = rest.first().map_or(temporary.path().join("index"), PathBuf::from);
    let engine = Engine::builder(index).precision(Precision::Bf16).passages(Passages::Whole).open_or_create()?;
    for batch in documents.chunks(256) {
        engine.upsert(batch.to_vec())?;
    }
    let verifier = engine.verifier()?;
    let support = verifier.config().thresholds.support;

    let verify = Verify { policy: Policy::Flag, depth: DEPTH, ..Verify::default() };
    let mut found = Vec::new();
    dataset.queries.truncate(QUERIES);
    for query in &dataset.queries {
        let ranked = engine.rank(&Search::new(&query.text).k(DEPTH).verify(verify))?;
        let read = |vetting: &vetted::Vetting| {
            vetting.vetted().map(|it| Read {
                accepted: it.judgement.verdict == Verdict::Accept,
                p_match: it.judgement.p_match,
                p_conflict: it.judgement.p_conflict,
                coverage: it.coverage,
            })
        };
        let hits = ranked.hits.into_iter().map(|hit| (hit.id, hit.recall_score, read(&hit.vetting)));
        found.push((query.id.clone(), hits.collect::<Vec<_>>()));
    }

    let by_id: HashMap<&str, &str> = documents.iter().map(|it| (it.id.as_str(), it.text.as_str())).collect();
    let relevant = dataset.qrels.iter().flat_map(|(_, judgments)| judgments.iter().map(|(document, _)| document));
    let texts: Vec<&str> = relevant.filter_map(|id| by_id.get(id).copied()).take(TWINS).collect();
    let origins: Vec<(usize, &str)> =
        texts.iter().enumerate().flat_map(|(at, text)| sentences(text).into_iter().map(move |it| (at, it))).collect();
    let made = synthesize(
        origins.iter().map(|(_, sentence)| *sentence),
        &Options { slack: f64::INFINITY, ..Options::default() },
    );
    let mut twins: [Vec<(Read, Option<Read>)>; 2] = Default::default();
    let step = (made.len() / (4 * TWINS)).max(1);
    for pair in made.iter().step_by(step).filter(|it| it.pair.relation == Relation::Support && !it.matches()) {
        let question = pair.pair.query.trim_end().ends_with('?');
        if !question && pair.pair.conflict != Some(true) {
            continue;
        }
        let (at, sentence) = origins[pair.origin];
        let twin = texts[at].replacen(sentence, &pair.pair.candidate, 1);
        let original = texts[at].replacen(sentence, &pair.pair.query, 1);
        let read: Vec<Read> = verifier
            .prepare(&pair.pair.query)?
            .verify_passages(&[PassageSource::Text(&twin), PassageSource::Text(&original)])?
            .iter()
            .map(|it| Read {
                accepted: it.judgement.verdict == Verdict::Accept,
                p_match: it.judgement.p_match,
                p_conflict: it.judgement.p_conflict,
                coverage: it.coverage,
            })
            .collect();
        twins[usize::from(question)].push((read[0], (!question).then_some(read[1])));
    }

    let [statements, questions] = &twins;
    println!("{} queries, {} statements, {} questions", found.len(), statements.len(), questions.len());
    println!("conflict coverage  nDCG@10 kept  statement twins  originals  question twins");
    let ndcg = |kept: &dyn Fn(&Read) -> bool| -> Result<f64, Box<dyn std::error::Error>> {
        let mut run = Run::new("run");
        for (query, hits) in &found {
            let hits = hits.iter().filter(|(_, _, read)| read.as_ref().is_none_or(kept));
            run.insert(query, Ranking::new(hits.map(|(id, score, _)| (id.clone(), *score)))?);
        }
        // Queries that were not asked score nothing, before and after alike.
        let evaluation = evaluate(&standard(std::num::NonZeroUsize::MIN), &dataset.qrels, &run)?;
        let scores = evaluation.iter().next().map(|(_, scores)| scores.iter().sum()).unwrap_or(0.0);
        Ok(scores)
    };
    let dense = ndcg(&|_| true)?;
    for conflict in [0.3f32, 0.5, 0.6, 0.7, 0.8, 0.85, 0.9, 0.95, 0.98] {
        for coverage in [-1.0f32, 0.4, 0.5, 0.6, 0.65, 0.7, 0.75, 0.8] {
            let rejected = |read: &Read| {
                !read.accepted && read.p_match < support && read.coverage >= coverage && read.p_conflict >= conflict
            };
            let kept = ndcg(&|read| !rejected(read))? / dense;
            let share = |of: &mut dyn Iterator<Item = &Read>| {
                let (mut count, mut hit) = (0, 0);
                of.for_each(|read| (count, hit) = (count + 1, hit + usize::from(rejected(read))));
                hit as f64 / f64::from(count.max(1))
            };
            let twin = share(&mut statements.iter().map(|(twin, _)| twin));
            let original = share(&mut statements.iter().filter_map(|(_, original)| original.as_ref()));
            let question = share(&mut questions.iter().map(|(twin, _)| twin));
            println!("{conflict:>8.2} {coverage:>8.2}  {kept:>12.4}  {twin:>15.3}  {original:>9.3}  {question:>14.3}");
        }
    }
    Ok(())
}
