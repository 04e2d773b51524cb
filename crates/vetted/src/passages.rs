//! Documents to passages to vectors.

use std::collections::HashSet;
use std::fmt;
use std::ops::Range;

use serde_json::{Map, Value};
use vetted_corpus::{Document, Passage, PassageOptions, cut, leads};
use vetted_encoder::{Encoder, Role};
use vetted_kernels::Team;
use vetted_retrieval::{Entry, matching_words};
use vetted_verifier::{EncodedPassages, PassageText};

use crate::stored_views;
use crate::{Error, PassageViews, Verifier};

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

impl fmt::Display for Passages {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Passages::Cut { max_tokens, overlap_tokens } = self else { return formatter.write_str("whole documents") };
        match max_tokens {
            Some(max_tokens) => write!(formatter, "at most {max_tokens} tokens")?,
            None => write!(formatter, "as many tokens as the model reads")?,
        }
        write!(formatter, ", of which neighbors share {overlap_tokens}")
    }
}

/// What was asked of an index's passages; the rest is the index's own, or the default's.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct AskedPassages {
    pub(crate) all: Option<Passages>,
    pub(crate) max_tokens: Option<usize>,
    pub(crate) overlap_tokens: Option<usize>,
}

impl AskedPassages {
    /// The passages that were asked for, where `own` says what nothing was asked about.
    pub(crate) fn or(self, own: Passages) -> Passages {
        let base = self.all.unwrap_or(own);
        if self.max_tokens.is_none() && self.overlap_tokens.is_none() {
            return base;
        }
        let cut = match base {
            Passages::Whole => Passages::default(),
            cut => cut,
        };
        let Passages::Cut { max_tokens, overlap_tokens } = cut else { return base };
        Passages::Cut {
            max_tokens: self.max_tokens.or(max_tokens),
            overlap_tokens: self.overlap_tokens.unwrap_or(overlap_tokens),
        }
    }
}

/// What encodes documents.
#[derive(Clone, Copy)]
pub(crate) struct Encoders<'a> {
    /// Tier one's.
    pub(crate) encoder: &'a Encoder,
    /// Tier two's, where its views are kept.
    pub(crate) verifier: Option<&'a Verifier>,
}

impl Passages {
    pub(crate) fn write_to(self, manifest: &mut Map<String, Value>) {
        if let Passages::Cut { max_tokens, overlap_tokens } = self {
            manifest.insert("max_tokens".into(), max_tokens.into());
            manifest.insert("overlap_tokens".into(), overlap_tokens.into());
        }
    }

    /// As an index's settings have it ([`wire::IndexInfo::settings`](crate::wire::IndexInfo::settings)).
    pub fn of_settings(manifest: &Map<String, Value>) -> Passages {
        let number = |key| manifest.get(key).and_then(Value::as_u64).map(|n| n as usize);
        match number("overlap_tokens") {
            None => Passages::Whole,
            Some(overlap_tokens) => Passages::Cut { max_tokens: number("max_tokens"), overlap_tokens },
        }
    }
}

/// Cuts and encodes `documents`, all of them in one batch.
pub(crate) fn entries(
    documents: Vec<Document>,
    passages: Passages,
    Encoders { encoder, verifier }: Encoders,
    team: &mut Team,
) -> Result<Vec<Entry>, Error> {
    let cuts: Vec<Vec<Passage>> = team.try_map(&documents, |document| cut_document(document, passages, encoder))?;
    let each = || documents.iter().zip(&cuts).flat_map(|(document, cuts)| cuts.iter().map(move |it| (document, it)));
    let embedded: Vec<String> = each().map(|(document, passage)| embedded_text(document, passage)).collect();
    let EncodedPassages { vectors, views } = match verifier {
        None => {
            let vectors = encoder.embed(&embedded, Role::Document, team)?;
            EncodedPassages { vectors: vectors.iter().map(<[f32]>::to_vec).collect(), views: None }
        }
        Some(verifier) => {
            let verified: Vec<PassageText> =
                documents.iter().zip(&cuts).flat_map(|(document, cuts)| verified_texts(document, cuts)).collect();
            verifier.embed_with_views(&verified, &embedded, encoder, team)?
        }
    };
    let mut vectors = vectors.into_iter();
    let mut views = views.map(Vec::into_iter);
    let entry = |(document, cuts): (Document, Vec<Passage>)| {
        let views = views.as_mut().map(|views| cuts.iter().cloned().zip(views.by_ref().take(cuts.len())).collect());
        Entry {
            document,
            views: views.and_then(|views: Vec<_>| record(verifier?, &views)),
            passages: cuts.into_iter().zip(vectors.by_ref()).collect(),
        }
    };
    Ok(documents.into_iter().zip(cuts).map(entry).collect())
}

/// Documents with the vectors that they bring in `field` of their metadata, which is taken out of it: one passage each.
pub(crate) fn given_entries(
    given: Vec<(Document, Option<Vec<f32>>)>,
    field: &str,
    verifier: Option<&Verifier>,
    team: &mut Team,
) -> Result<Vec<Entry>, Error> {
    let mut entries = Vec::with_capacity(given.len());
    let (mut documents, vectors): (Vec<Document>, Vec<_>) = given.into_iter().unzip();
    let vectors = vectors.into_iter().map(Option::unwrap_or_default);
    for document in &mut documents {
        document.metadata.shift_remove(field);
    }
    let passages: Vec<Passage> = documents.iter().map(|document| whole(&document.text)).collect();
    let texts =
        documents.iter().zip(&passages).flat_map(|(it, passage)| verified_texts(it, std::slice::from_ref(passage)));
    let texts: Vec<PassageText> = texts.collect();
    let views = verifier.map(|verifier| verifier.passage_views_with(&texts, team)).transpose()?.flatten();
    let mut views = views.map(Vec::into_iter);
    for ((document, passage), vector) in documents.into_iter().zip(passages).zip(vectors) {
        let views = views.as_mut().and_then(Iterator::next);
        let views = views.zip(verifier).and_then(|(views, verifier)| record(verifier, &[(passage.clone(), views)]));
        entries.push(Entry { document, passages: vec![(passage, vector)], views });
    }
    Ok(entries)
}

/// The views of a document that is in the index already, cut into these passages.
pub(crate) fn renewed_views(
    document: &Document,
    passages: Vec<Passage>,
    verifier: &Verifier,
    team: &mut Team,
) -> Result<Option<Vec<u8>>, Error> {
    let views = verifier.passage_views_with(&verified_texts(document, &passages), team)?;
    Ok(views.and_then(|views| record(verifier, &passages.into_iter().zip(views).collect::<Vec<_>>())))
}

fn record(verifier: &Verifier, passages: &[(Passage, PassageViews)]) -> Option<Vec<u8>> {
    stored_views::encode(verifier.views_fingerprint(), passages)
}

/// What of each passage is verified: its text with what stands above it.
pub(crate) fn verified_texts<'a>(document: &'a Document, passages: &[Passage]) -> Vec<PassageText<'a>> {
    let starts: Vec<usize> = passages.iter().map(|passage| passage.bytes.start).collect();
    let verified = |(passage, lead): (&Passage, String)| {
        let lead = if passage.bytes.is_empty() { String::new() } else { lead };
        PassageText { lead: lead.into(), text: verified_text(document, &passage.bytes).into() }
    };
    passages.iter().zip(leads(&document.text, &starts)).map(verified).collect()
}

/// The text of a passage, or the title of a document that has nothing else.
pub(crate) fn verified_text<'a>(document: &'a Document, passage: &Range<usize>) -> &'a str {
    if passage.is_empty() { &document.title } else { document.text.get(passage.clone()).unwrap_or_default() }
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

/// The passage that has most of the query's words, as BM25 sees words; of equals the first.
pub(crate) fn with_most_words(text: &str, passages: Vec<Passage>, query: &str) -> Option<Passage> {
    if passages.len() < 2 {
        return passages.into_iter().next();
    }
    let words = |passage: &Passage| {
        let part = text.get(passage.bytes.clone()).unwrap_or_default();
        let found = matching_words(query, part).into_iter().filter_map(|word| part.get(word));
        found.map(str::to_lowercase).collect::<HashSet<_>>().len()
    };
    let counted = passages.into_iter().map(|passage| (words(&passage), passage));
    counted.reduce(|best, next| if next.0 > best.0 { next } else { best }).map(|(_, passage)| passage)
}

/// All of a text, without the white space around it.
fn whole(text: &str) -> Passage {
    let start = text.len() - text.trim_start().len();
    let bytes = start..start + text.trim().len();
    let first = text[..start].chars().count();
    Passage { chars: first..first + text[bytes.clone()].chars().count(), bytes }
}

fn cut_document(document: &Document, passages: Passages, encoder: &Encoder) -> Result<Vec<Passage>, Error> {
    let text = &document.text;
    let cut = match passages {
        Passages::Whole => vec![whole(text)],
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
