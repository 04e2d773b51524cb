//! Documents in, passages out: the start of the pipeline.
//!
//! [`read`] turns files, folders and standard input into one stream of [`Document`]s, whatever their format:
//!
//! ```
//! use std::fs;
//! use vetted_corpus::{OnBadRecord, ReadOptions, read};
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let folder = tempfile::tempdir()?;
//! fs::write(folder.path().join("bread.md"), "# Bread\n\nFlour, water, salt.")?;
//! fs::write(
//!     folder.path().join("corpus.jsonl"),
//!     r#"{"_id": 1, "title": "Tea", "text": "Leaves and hot water.", "origin": "Assam"}
//!        {"_id": 2, "title": "No text"}"#,
//! )?;
//!
//! let options = ReadOptions { on_bad_record: OnBadRecord::Skip, ..ReadOptions::default() };
//! let mut reader = read(&[folder.path().to_path_buf()], &options);
//! let progress = reader.progress();
//! let documents: Vec<_> = reader.by_ref().collect::<Result<_, _>>()?;
//!
//! assert_eq!((documents[0].id.as_str(), documents[0].title.as_str()), ("bread.md", "Bread"));
//! assert_eq!(documents[1].full_text(), "Tea Leaves and hot water.");
//! assert_eq!(documents[1].metadata["origin"], "Assam");
//! assert_eq!(Some(progress.bytes_read()), progress.bytes_total());
//! assert!(reader.skipped().first[0].to_string().contains("corpus.jsonl:2: no field `text`"));
//! # Ok(())
//! # }
//! ```
//!
//! Encoders read a few hundred tokens at a time. [`cut`] divides a longer text into overlapping [`Passage`]s at the ends
//! of paragraphs and sentences, and keeps where each one stands, so that a search result can quote its source:
//!
//! ```
//! use vetted_corpus::{PassageOptions, cut};
//!
//! # fn main() -> Result<(), vetted_corpus::Error> {
//! let text = "Knead the dough. Let it rise.\n\nBake it hot.";
//! let words = |part: &str| part.split_whitespace().count(); // in earnest: the encoder's tokenizer
//! let passages = cut(text, &PassageOptions::new(6, 0)?, words);
//! assert_eq!(&text[passages[1].bytes.clone()], "Bake it hot.");
//! # Ok(())
//! # }
//! ```
//!
//! Whoever reads a text sentence by sentence takes [`cut_sentences`], which knows what each sentence stands under:
//!
//! ```
//! # use vetted_corpus::{PassageOptions, cut_sentences};
//! # fn main() -> Result<(), vetted_corpus::Error> {
//! let text = "# What is not allowed\n\nPets may sleep in the\nhall.";
//! let words = |part: &str| part.split_whitespace().count();
//! let windows = cut_sentences("", text, &PassageOptions::new(60, 0)?, 2, words);
//! assert_eq!(&text[windows[1].bytes.clone()], "Pets may sleep in the\nhall.");
//! assert_eq!(windows[1].read(text), "What is not allowed: Pets may sleep in the\nhall.");
//! # Ok(())
//! # }
//! ```

mod cells;
mod context;
mod document;
#[cfg(feature = "docx")]
mod docx;
mod duplicates;
mod error;
mod fields;
mod folder;
mod front_matter;
mod html;
pub mod input;
mod json;
mod lines;
mod markdown;
mod origin;
mod outline;
mod page;
mod passages;
#[cfg(feature = "pdf")]
mod pdf;
mod read;
mod sentences;
mod table;
mod text_lines;
mod vectors;
mod windows;

pub use context::leads;
pub use document::Document;
pub use duplicates::{Duplicate, Duplicates};
pub use error::{Encoding, Error};
pub use folder::BrokenLink;
pub use origin::Origin;
pub use passages::{Passage, PassageOptions, cut};
#[cfg(feature = "pdf")]
pub use pdf::EXTRACTION_THREAD;
pub use read::{FileIds, IgnoreFiles, OnBadRecord, Progress, ReadOptions, Reader, RepeatedIds, Skipped, read};
pub use sentences::{sentence_starts, sentences};
pub use table::{TableRow, TableRows};
pub use text_lines::{TextLine, read_lines};
pub use vectors::{VectorField, VectorProblem, vector};
pub use windows::{Window, cut_sentences};
