//! Writes generated pairs to a file: `cargo run --release -p vetted-grammar --example generate -- COUNT OUT.tsv SEED`.
//! The command line has the same as `vetted synth --grammar COUNT`.

use vetted_grammar::{Options, generate};
use vetted_pairs as pairs;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [count, path, seed] = &arguments[..] else { return Err("usage: generate COUNT OUT.tsv SEED".into()) };
    let options = Options { seed: seed.parse()?, ..Options::default() };
    let written = pairs::write(path, &generate(count.parse()?, &options))?;
    println!("{written} pairs");
    Ok(())
}
