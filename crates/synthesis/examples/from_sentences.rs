//! Makes pairs from a file with one sentence per line.
//!
//! `cargo run --release -p vetted-synthesis --example from_sentences -- IN.txt OUT.tsv [--seed N] [--per-sentence N] [--slack X] [--unbalanced]`

use std::time::Instant;

use vetted_pairs as pairs;
use vetted_synthesis::{Options, synthesize};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut arguments = std::env::args().skip(1);
    let (mut paths, mut options) = (Vec::new(), Options::default());
    while let Some(argument) = arguments.next() {
        if argument == "--slack" {
            options.slack = arguments.next().and_then(|text| text.parse().ok()).unwrap_or(1.0);
            continue;
        }
        let mut number = || arguments.next().and_then(|text| text.parse().ok()).unwrap_or(1);
        match argument.as_str() {
            "--seed" => options.seed = number(),
            "--per-sentence" => options.per_sentence = number() as usize,
            "--unbalanced" => options.slack = f64::INFINITY,
            _ => paths.push(argument),
        }
    }
    let [input, output] = paths.as_slice() else {
        eprintln!("usage: from_sentences IN.txt OUT.tsv [--seed N] [--per-sentence N] [--slack X] [--unbalanced]");
        std::process::exit(2);
    };
    let text = std::fs::read_to_string(input)?;
    let started = Instant::now();
    let made = synthesize(text.lines(), &options);
    let seconds = started.elapsed().as_secs_f64();
    let sentences = text.lines().count();
    eprintln!(
        "{sentences} sentences, {} pairs, {seconds:.1} s, {:.0} sentences/s",
        made.len(),
        sentences as f64 / seconds
    );
    pairs::write(output, made.iter().map(|made| &made.pair))?;
    Ok(())
}
