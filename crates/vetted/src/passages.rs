//! Documents to passages to vectors.

use rayon::prelude::*;
use serde_json::{Map, Value};
use vetted_corpus::{Document, Passage, PassageOptions, cut};
use vetted_encoder::{Encoder, Role};
use vetted_recall::Entry;

use crate::Error;

/// What of a document gets a vector.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Passages {
    /// One vector for the whole document, of as much of its beginning as the model reads: what benchmarks do.
    Whole,
    /// One vector for each passage of at most `max_tokens` tokens, title included, neighbours sharing up to
    /// `overlap_tokens`. `None`: as many as the model reads.
    Cut {
        /// The longest passage in tokens.
        max_tokens: Option<usize>,
        /// How many tokens two neighbours share at most.
        overlap_tokens: usize,
    },
}

impl Default for Passages {
    /// As long as the model reads, sharing 32 tokens.
    fn default() -> Self {
        Passages::Cut { max_tokens: None, overlap_tokens: 32 }
    }
}

impl Passages {
    pub(crate) fn write_to(self, manifest: &mut Map<String, Value>) {
        if let Passages::Cut { max_tokens, overlap_tokens } = self {
            manifest.insert("max_tokens".into(), max_tokens.into());
            manifest.insert("overlap_tokens".into(), overlap_tokens.into());
        }
    }

    pub(crate) fn of(manifest: &Map<String, Value>) -> Passages {
        let number = |key| manifest.get(key).and_then(Value::as_u64).map(|n| n as usize);
        match number("overlap_tokens") {
            None => Passages::Whole,
            Some(overlap_tokens) => Passages::Cut { max_tokens: number("max_tokens"), overlap_tokens },
        }
    }
}

/// Cuts and embeds `documents`, all of them in one batch.
pub(crate) fn entries(documents: Vec<Document>, passages: Passages, encoder: &Encoder) -> Result<Vec<Entry>, Error> {
    let cuts: Vec<Vec<Passage>> =
        documents.par_iter().map(|document| cut_document(document, passages, encoder)).collect::<Result<_, _>>()?;
    let texts: Vec<String> = documents
        .iter()
        .zip(&cuts)
        .flat_map(|(document, cuts)| cuts.iter().map(|passage| embedded_text(document, passage)))
        .collect();
    let vectors = encoder.embed(&texts, Role::Document)?;
    let mut vectors = vectors.iter().map(<[f32]>::to_vec);
    let entry = |(document, cuts): (Document, Vec<Passage>)| Entry {
        document,
        passages: cuts.into_iter().zip(vectors.by_ref()).collect(),
    };
    Ok(documents.into_iter().zip(cuts).map(entry).collect())
}

/// Every passage is read under its document's title: "It was founded in 1887" says more with it.
fn embedded_text(document: &Document, passage: &Passage) -> String {
    let text = &document.text[passage.bytes.clone()];
    match (document.title.trim(), text) {
        ("", text) => text.to_owned(),
        (title, "") => title.to_owned(),
        (title, text) => format!("{title} {text}"),
    }
}

fn cut_document(document: &Document, passages: Passages, encoder: &Encoder) -> Result<Vec<Passage>, Error> {
    let text = &document.text;
    let cut = match passages {
        Passages::Whole => {
            let start = text.len() - text.trim_start().len();
            let bytes = start..start + text.trim().len();
            let first = text[..start].chars().count();
            vec![Passage { chars: first..first + text[bytes.clone()].chars().count(), bytes }]
        }
        Passages::Cut { max_tokens, overlap_tokens } => {
            let tokens = encoder.tokens();
            let longest = tokens.max_tokens().saturating_sub(tokens.special_tokens());
            let longest = max_tokens.map_or(longest, |asked| asked.min(longest)).max(1);
            // A title may take up to half of a passage; what is longer is cut off with the end of the passage.
            let title = tokens.count(document.title.trim())?.min(longest / 2);
            let room = (longest - title).max(1);
            let options = PassageOptions::new(room, overlap_tokens.min(room / 2))?;
            // A tokenizer that fails here fails again, with its message, when the passage is embedded.
            cut(text, &options, |part| tokens.count(part).unwrap_or(usize::MAX / 2))
        }
    };
    let title_only = cut.is_empty() && !document.title.trim().is_empty();
    Ok(if title_only { vec![Passage { bytes: 0..0, chars: 0..0 }] } else { cut })
}
