//! What `benchmarks/python/measure.py` holds Python against: reads a query and candidates, a line each, up to the first line
//! `again`; then for each such line it verifies them all and prints how many seconds that took.

use std::io::{BufRead, Write, stdin, stdout};
use std::time::Instant;

use vetted::reader::Relation;
use vetted::{Precision, Verifier, VerifierOptions};

fn main() -> anyhow::Result<()> {
    let verifier = Verifier::shipped(VerifierOptions::all_in(Precision::F32), &mut |_| {})?;
    let (mut texts, mut out) = (Vec::new(), stdout().lock());
    writeln!(out, "ready")?;
    out.flush()?;
    for line in stdin().lock().lines() {
        let line = line?;
        if line != "again" {
            texts.push(line);
            continue;
        }
        let Some((query, candidates)) = texts.split_first() else { anyhow::bail!("give a query first") };
        let start = Instant::now();
        let verified = verifier.verify(query, candidates, Relation::Support)?;
        let took = start.elapsed().as_secs_f64();
        anyhow::ensure!(verified.len() == candidates.len(), "a verdict is missing");
        writeln!(out, "{took}")?;
        out.flush()?;
    }
    Ok(())
}
