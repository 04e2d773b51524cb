//! Makes pairs from a file with one sentence per line and prints the shortcut and fluency checks.
//!
//! `cargo run --release -p vetted-synthesis --example check -- IN.txt [--slack X]`

use vetted_synthesis::{Options, Tally, report, synthesize};

fn main() -> std::io::Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let (input, slack) = match arguments.as_slice() {
        [input] => (input, 1.0),
        [input, flag, slack] if flag == "--slack" => (input, slack.parse().unwrap_or(1.0)),
        _ => {
            eprintln!("usage: check IN.txt [--slack X]");
            std::process::exit(2);
        }
    };
    let text = std::fs::read_to_string(input)?;
    let pairs = synthesize(text.lines(), &Options { slack, ..Options::default() });
    let report = report(&pairs, text.lines());
    println!("bag of words: AUC {:.3} on {} pairs", report.shortcut.auc, report.shortcut.pairs);
    println!("  pairs  edited    odd");
    let line = |name: &str, matches: bool, tally: &Tally| {
        let label = if matches { "match" } else { "no match" };
        println!("{:7} {:7} {:5.1} %  {name}, {label}", tally.pairs, tally.edited, 100.0 * tally.odd_share());
    };
    report.kinds.iter().for_each(|((kind, matches), tally)| line(kind.name(), *matches, tally));
    println!();
    report.operations.iter().for_each(|((operation, matches), tally)| line(operation, *matches, tally));
    Ok(())
}
