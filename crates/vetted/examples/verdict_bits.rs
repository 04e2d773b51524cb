//! Every number and every verdict of many searches and pairs, in bits: what a change to the code must not change by accident.
//!
//! `cargo run --release -p vetted --example verdict_bits -- INDEX QUERIES.jsonl PAIRS.tsv > before.txt`, and again after the change;
//! `diff` tells what is different. INDEX is one of your own, QUERIES.jsonl has one object with `text` a line (BEIR; the first 100 are
//! asked, in turns by vectors, by both and by words), PAIRS.tsv has a candidate and a query a line.

use std::error::Error;

use vetted::reader::{Outputs, Relation};
use vetted::{Engine, Judgement, Mode, Outcome, Precision, Search, Verifier, VerifierOptions};

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [index, queries, pairs] = arguments.as_slice() else {
        return Err("usage: verdict_bits INDEX QUERIES.jsonl PAIRS.tsv".into());
    };
    let engine = Engine::open(index)?;
    for (number, line) in std::fs::read_to_string(queries)?.lines().take(100).enumerate() {
        let query: serde_json::Value = serde_json::from_str(line)?;
        let text = query["text"].as_str().ok_or("a query without text")?;
        let mode = [Mode::Dense, Mode::Hybrid(Default::default()), Mode::Bm25][number % 3];
        let ranked = engine.rank(&Search::new(text).k(20).mode(mode))?;
        for (what, candidates) in [("hit", &ranked.hits), ("rejected", &ranked.rejected)] {
            for candidate in candidates {
                let score = candidate.score.to_bits();
                print!("search {number} {what} {} {} {score:08x}", candidate.id, candidate.recall_rank);
                if let Some(read) = candidate.outcome.assessment() {
                    print!("{}", bits(&read.judgement, &read.outputs, [read.support_of_all, read.coverage]));
                    print!(" {:?} {:?}", read.judgement.kind, read.window);
                }
                match &candidate.outcome {
                    Outcome::Unverified(why) => println!(" unverified: {why}"),
                    outcome => println!(" {:?}", outcome.verdict()),
                }
            }
        }
    }

    let verifier = Verifier::shipped(VerifierOptions::all_in(Precision::F32), &mut |_| {})?;
    let lines = std::fs::read_to_string(pairs)?;
    let rows: Vec<(&str, &str)> = lines.lines().filter_map(|line| line.split_once('\t')).collect();
    for relation in [Relation::Support, Relation::Equivalence] {
        let asked: Vec<_> = rows.iter().map(|(candidate, query)| (*query, *candidate, relation)).collect();
        for (number, verification) in verifier.verify_pairs(&asked)?.iter().enumerate() {
            print!("pair {relation:?} {number}");
            if let Some(read) = verification.assessment() {
                print!("{}", bits(&read.judgement, &read.outputs, [read.support_of_all, read.coverage]));
                print!(" {:?} {:?}", read.judgement.kind, read.window);
            }
            println!(" {:?}", verification.verdict());
        }
    }
    Ok(())
}

fn bits(judgement: &Judgement, outputs: &Outputs, more: [f32; 2]) -> String {
    let numbers = [judgement.p_match, judgement.p_conflict, outputs.support, outputs.equivalence, outputs.conflict];
    numbers.iter().chain(&more).map(|number| format!(" {:08x}", number.to_bits())).collect()
}
