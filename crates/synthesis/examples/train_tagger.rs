//! Trains the part-of-speech tagger from CoNLL-U files and writes `data/tagger.bin`.
//!
//! `cargo run --release -p vetted-synthesis --example train_tagger -- MODEL.bin HELD_OUT.conllu TRAIN.conllu...`

use std::path::Path;

use vetted_synthesis::tag::Tag;
use vetted_synthesis::tagger::Tagger;
use vetted_synthesis::token::Token;

fn main() -> std::io::Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [model, held_out, train @ ..] = arguments.as_slice() else {
        eprintln!("usage: train_tagger MODEL.bin HELD_OUT.conllu TRAIN.conllu...");
        std::process::exit(2);
    };
    let held_out = read(Path::new(held_out))?;
    let held: std::collections::HashSet<String> = held_out.iter().map(|sentence| text(sentence)).collect();
    let mut sentences = Vec::new();
    for path in train {
        sentences.extend(read(Path::new(path))?.into_iter().filter(|sentence| !held.contains(&text(sentence))));
    }
    // Captions and queries come without capitals: one sentence in eight is also seen in lower case.
    let lowered: Vec<Vec<Token>> = sentences.iter().step_by(8).map(|sentence| lower(sentence)).collect();
    sentences.extend(lowered);
    eprintln!("{} sentences to learn from, {} held out", sentences.len(), held_out.len());
    let tagger = Tagger::train(&sentences, 8, 1);
    std::fs::write(model, tagger.to_bytes())?;
    let tagger = Tagger::from_bytes(&tagger.to_bytes());
    let (mut right, mut total) = (0, 0);
    for gold in &held_out {
        let mut guess = gold.clone();
        tagger.tag(&mut guess);
        total += gold.len();
        right += gold.iter().zip(&guess).filter(|(gold, guess)| gold.tag == guess.tag).count();
    }
    println!("accuracy on held-out tokens: {right}/{total} = {:.4}", f64::from(right as u32) / f64::from(total as u32));
    Ok(())
}

fn text(sentence: &[Token]) -> String {
    sentence.iter().map(|token| token.text.as_str()).collect::<Vec<_>>().join(" ")
}

fn lower(sentence: &[Token]) -> Vec<Token> {
    sentence.iter().map(|token| Token { text: token.text.to_lowercase(), ..token.clone() }).collect()
}

/// Sentences of a CoNLL-U file; words that the treebank splits at hyphens are joined again.
fn read(path: &Path) -> std::io::Result<Vec<Vec<Token>>> {
    let (mut sentences, mut sentence, mut glued): (Vec<Vec<Token>>, Vec<Token>, bool) = Default::default();
    for line in std::fs::read_to_string(path)?.lines().chain([""]) {
        let columns: Vec<&str> = line.split('\t').collect();
        let [id, form, _, _, code, .., misc] = columns.as_slice() else {
            if line.is_empty() && !sentence.is_empty() {
                sentences.push(std::mem::take(&mut sentence));
                glued = false;
            }
            continue;
        };
        if !id.bytes().all(|byte| byte.is_ascii_digit()) {
            continue;
        }
        let Some(tag) = Tag::parse(code) else { continue };
        let hyphen = *code == "HYPH" && *form == "-";
        let after_hyphen = sentence.last().is_some_and(|last| last.text.len() > 1 && last.text.ends_with('-'));
        match sentence.last_mut() {
            Some(last) if glued && (hyphen && last.tag != Tag::Punct || after_hyphen) => {
                last.text.push_str(form);
                if !hyphen {
                    last.tag = if matches!(tag, Tag::Vbn | Tag::Vbg | Tag::Vbd | Tag::Vb) { Tag::Jj } else { tag };
                }
            }
            _ => sentence.push(Token { text: (*form).to_owned(), space: !glued, tag }),
        }
        glued = misc.contains("SpaceAfter=No");
    }
    Ok(sentences)
}
