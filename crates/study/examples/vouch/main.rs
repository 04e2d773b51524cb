//! Reads.

mod reading;

use std::path::Path;

use reading::Source;

/// What went wrong.
type Failure = Box<dyn std::error::Error>;

fn main() -> Result<(), Failure> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    match arguments.as_slice() {
        ["read", folder, "squad", file] => Source::squad(Path::new(file))?.read_to(Path::new(folder)),
        ["read", folder, "questions", file, sources, kinds] => {
            Source::questions(Path::new(file), sources, kinds)?.read_to(Path::new(folder))
        }
        ["read", folder, "beir", data, split] => Source::beir(Path::new(data), split)?.read_to(Path::new(folder)),
        ["count", folder] => {
            println!("{}", reading::kept(Path::new(folder))?.len());
            Ok(())
        }
        _ => Err("usage".into()),
    }
}
