//! Seconds that [`cut`](vetted_corpus::cut) takes for a text of 10 MB with a real tokenizer. The text is the documents of
//! a corpus, several times if they are fewer; `cargo run --release -p vetted-corpus --example passage_speed -- \
//! TOKENIZER.json CORPUS.jsonl`

use std::{error::Error, path::PathBuf, time::Instant};
use tokenizers::Tokenizer;
use vetted_corpus::{PassageOptions, ReadOptions, cut, read};

const BYTES: usize = 10_000_000;

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<PathBuf> = std::env::args_os().skip(1).map(PathBuf::from).collect();
    let [tokenizer, corpus] = arguments.as_slice() else {
        return Err("usage: passage_speed TOKENIZER.json CORPUS.jsonl".into());
    };
    let mut tokenizer = Tokenizer::from_file(tokenizer).map_err(|error| error.to_string())?;
    tokenizer.with_padding(None).with_truncation(None).map_err(|error| error.to_string())?;
    let count = |text: &str| tokenizer.encode_fast(text, false).map_or(0, |encoding| encoding.len());

    let mut texts = Vec::new();
    for document in read(std::slice::from_ref(corpus), &ReadOptions::default()) {
        texts.push(document?.text);
    }
    let bytes: usize = texts.iter().map(String::len).sum();
    let times = BYTES.div_ceil(bytes.max(1));
    let joined = |separator: &str| {
        let mut text = vec![texts.join(separator); times].join(separator);
        text.truncate(text.floor_char_boundary(BYTES));
        text
    };
    let one_line = joined(" ");
    let start = Instant::now();
    println!("one tokenization: {} tokens, {:.1} s", count(&one_line), start.elapsed().as_secs_f64());

    let no_sentences = one_line.replace(['.', '!', '?'], " ");
    let cases = [
        ("paragraphs", joined("\n\n")),
        ("one line", one_line),
        ("one line without sentences", no_sentences),
        ("lines, one empty at the end", joined("\n") + "\n\nEnd."),
        ("one word", "x".repeat(BYTES)),
    ];
    let options = PassageOptions::new(254, 32)?;
    for (name, text) in cases {
        let start = Instant::now();
        let passages = cut(&text, &options, count);
        println!("{name}: {} passages, {:.1} s", passages.len(), start.elapsed().as_secs_f64());
    }
    Ok(())
}
