//! What a search should make of everything it knows of a passage: reads searches whose right answers are known, fits the
//! weights by which a verifier vouches for passages ([`vetted::reader::Vouching`]), and says how well they do.
//!
//! ```sh
//! vouch() { cargo run --release -p vetted-study --example vouch -- "$@"; }
//! vouch read FOLDER dense questions questions.tsv.gz nq_oracle,nq_oracle_hneg paragraph     # writes FOLDER/nq_oracle-paragraph.dense.jsonl
//! vouch read FOLDER hybrid squad paragraphs.json
//! vouch read FOLDER dense beir scifact train        # twins of its relevant documents
//! vouch fit FOLDER nq_oracle,medquad,...            # prints `vouching` for the verifier's config.json, and how each source does by the others' weights
//! vouch report FOLDER                               # how each source does by the verifier's own weights
//! ```
//!
//! Reading takes a minute for each source, fitting a few seconds. `VETTED_VERIFIER` names a verifier's folder.

mod fitting;
mod reading;
mod report;
mod scoring;

use std::path::Path;

use reading::Source;
use vetted::{Fusion, Mode};

/// What went wrong.
type Failure = Box<dyn std::error::Error>;

const USAGE: &str = "usage: vouch read FOLDER dense|hybrid (squad FILE | questions FILE SOURCES KINDS | beir FOLDER SPLIT)\n\
                     \x20      vouch fit FOLDER SOURCES\n\
                     \x20      vouch report FOLDER";

fn main() -> Result<(), Failure> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    match arguments.as_slice() {
        ["read", folder, mode, from @ ..] => {
            let mode = match *mode {
                "dense" => Mode::Dense,
                "hybrid" => Mode::Hybrid(Fusion::default()),
                _ => return Err(USAGE.into()),
            };
            let source = match from {
                ["squad", file] => Source::squad(Path::new(file))?,
                ["questions", file, sources, kinds] => Source::questions(Path::new(file), sources, kinds)?,
                ["beir", data, split] => Source::beir(Path::new(data), split)?,
                _ => return Err(USAGE.into()),
            };
            source.read_to(Path::new(folder), mode)
        }
        ["fit", folder, sources] => report::fit(Path::new(folder), &sources.split(',').collect::<Vec<_>>()),
        ["report", folder] => report::report(Path::new(folder)),
        _ => Err(USAGE.into()),
    }
}

/// A verifier's folder, where it is not the shipped one.
fn verifier_folder() -> Option<std::path::PathBuf> {
    std::env::var_os("VETTED_VERIFIER").map(Into::into)
}
