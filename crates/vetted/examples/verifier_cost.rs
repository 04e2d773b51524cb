//! What a candidate costs: the shipped verifier reading stored views, against a cross-encoder of the same base reading both
//! texts anew. One thread; 100 candidates of 64 tokens, a query of 16; the two take turns, medians of the rounds.
//!
//! `cargo run --release -p vetted --example verifier_cost`

use std::time::Instant;

use vetted::{Precision, SHIPPED_VERIFIER, models};
use vetted_encoder::{Replacements, Tensor, TokenEncoder};
use vetted_kernels::Team;
use vetted_reader::{Config, LexicalTable, Relation, Runtime, Scorer, Scratch, Storage, Views, Weights};

const CANDIDATES: usize = 100;
const QUERY_TOKENS: usize = 16;
const CANDIDATE_TOKENS: usize = 64;
const ROUNDS: usize = 9;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let [(_, config), (_, weights)] = SHIPPED_VERIFIER;
    let base = models::ensure(models::DEFAULT_MODEL, &mut |_| {})?;
    println!(
        "{CANDIDATES} candidates of {CANDIDATE_TOKENS} tokens, query of {QUERY_TOKENS}, one thread, medians of {ROUNDS} rounds"
    );
    println!("{:<6} {:>16} {:>22} {:>8}", "", "stored views", "cross-encoder", "ratio");
    for (name, precision) in [("f32", Precision::F32), ("bf16", Precision::Bf16), ("int8", Precision::Int8)] {
        let weights = Weights::parse(weights)?;
        let tensor = |t: vetted_reader::ReplacedTensor| (t.name, Tensor { shape: t.shape, values: t.values });
        let replaced: Replacements = weights.replaced()?.into_iter().map(tensor).collect();
        let encoder = TokenEncoder::open(&base, replaced, precision, CANDIDATE_TOKENS)?;
        let lexical = Some(LexicalTable::new(encoder.words(), encoder.dimensions(), Storage::Int8)?);
        let scorer =
            Scorer::load(Config::parse(config)?, &weights, Runtime { precision, storage: Storage::Int8, lexical })?;
        let Scorer::Views(scorer) = scorer else { return Err("the shipped verifier reads views".into()) };

        // Any words will do: what is done depends on their number alone.
        let ids = |text: usize, tokens: usize| -> Vec<u32> {
            (0..tokens).map(|at| 2000 + ((text * 7919 + at * 104_729) % 20_000) as u32).collect()
        };
        let query = ids(CANDIDATES, QUERY_TOKENS);
        let candidates: Vec<Vec<u32>> = (0..CANDIDATES).map(|text| ids(text, CANDIDATE_TOKENS)).collect();
        let hidden = encoder.token_vectors(&candidates, &mut Team::alone())?;
        let views: Vec<Views> =
            hidden.iter().zip(&candidates).map(|(h, ids)| scorer.views(h.values(), ids)).collect::<Result<_, _>>()?;
        let of_query = encoder.token_vectors(std::slice::from_ref(&query), &mut Team::alone())?;
        let query_views = scorer.views(of_query[0].values(), &query)?;
        let pairs: Vec<(&[u32], &[u32])> = candidates.iter().map(|ids| (query.as_slice(), ids.as_slice())).collect();

        let (mut stored, mut joint) = (Vec::new(), Vec::new());
        let scratch = &mut Scratch::default();
        for _ in 0..ROUNDS {
            let start = Instant::now();
            scorer.score(&query_views, &views, Relation::Support, &mut Team::alone(), scratch)?;
            stored.push(start.elapsed().as_secs_f64() * 1e3);
            let start = Instant::now();
            encoder.joint_vectors(&pairs, &mut Team::alone())?;
            joint.push(start.elapsed().as_secs_f64() * 1e3);
        }
        let [stored, joint] = [stored, joint].map(median);
        println!("{name:<6} {stored:>13.1} ms {joint:>19.1} ms {:>7.0}x", joint / stored);
    }
    Ok(())
}

fn median(mut times: Vec<f64>) -> f64 {
    times.sort_by(f64::total_cmp);
    times[times.len() / 2]
}
