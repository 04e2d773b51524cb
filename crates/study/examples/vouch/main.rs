//! Reads.

mod reading;

use std::path::Path;

use reading::Source;
use vetted::{Fusion, Mode};

/// What went wrong.
type Failure = Box<dyn std::error::Error>;

fn main() -> Result<(), Failure> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    match arguments.as_slice() {
        ["read", folder, mode, from @ ..] => {
            let mode = match *mode {
                "bm25" => Mode::Bm25,
                "hybrid" => Mode::Hybrid(Fusion::default()),
                _ => Mode::Dense,
            };
            let source = match from {
                ["squad", file] => Source::squad(Path::new(file))?,
                ["questions", file, sources, kinds] => Source::questions(Path::new(file), sources, kinds)?,
                ["beir", data, split] => Source::beir(Path::new(data), split)?,
                _ => return Err("usage".into()),
            };
            source.read_to(Path::new(folder), mode)
        }
        ["count", folder] => {
            println!("{}", reading::kept(Path::new(folder))?.len());
            Ok(())
        }
        _ => Err("usage".into()),
    }
}
