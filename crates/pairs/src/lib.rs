//! Labelled pairs of texts: what a verifier learns from, and what it is measured with.
//!
//! A [`Pair`] is a *candidate* (also passage or premise) and a *query* (also claim or hypothesis), labelled whether the two
//! match. What "match" means is the pair's [`Relation`]: the same meaning in both directions, or the candidate
//! supporting the query. The [`Kind`] names what tells two texts apart.
//!
//! # The file
//!
//! Tab-separated text in UTF-8, gzipped if its name ends in `.gz`, under a header that names the columns in any order:
//!
//! | column | | cells |
//! |---|---|---|
//! | `s1` | required | the candidate |
//! | `s2` | required | the query |
//! | `equiv`, or `label` | required by `read_labelled` | `1` match, `0` no match, `N` neutral or undecided |
//! | `source`, `split`, `phenomenon` | optional | any text |
//! | `relation` | optional | `equivalence` or `support`; empty: what [`Sources`] say, else equivalence |
//! | `conflict` | optional | `1` they contradict each other, `0` they do not, empty: what [`Sources`] say, else unknown |
//! | `kind` | optional | what tells the texts apart, a [`Kind`]; empty: what [`Sources`] say, else unknown |
//!
//! Other columns are ignored; so is `label` beside `equiv`. There is no quoting: a double quote is a character like any
//! other, and a text holds neither tabs nor line ends, for which `write` puts spaces. Lines end in LF or CRLF, and empty
//! ones are passed over. An empty text is a text.
//!
//! A file whose name ends in `.csv` is read as CSV with quotes, with the same columns; one that ends in `.jsonl` or `.ndjson`
//! as a JSON object a line, with the same fields (`true` and `false` are labels, too). Only tab-separated text is written.
//!
//! Many public data sets lack the optional columns, and some put the claim into `s1`. The name of a data set decides
//! nothing here: a file of [`Sources`] says what is known about each, and [`Reader::with_sources`] applies it.
//!
//! ```
//! # #[cfg(feature = "files")]
//! # fn main() -> Result<(), vetted_pairs::Error> {
//! use vetted_pairs::{Kind, Label, Pair, Relation};
//!
//! # let folder = tempfile::tempdir().expect("a temporary folder");
//! # let path = folder.path().join("pairs.tsv.gz");
//! let bites = Pair {
//!     label: Some(Label::NoMatch),
//!     kind: Some(Kind::Role),
//!     ..Pair::new("The dog bit the man.", "The man bit the dog.")
//! };
//! vetted_pairs::write(&path, [&bites])?;
//!
//! let read: Vec<Pair> = vetted_pairs::read(&path)?.collect::<Result<_, _>>()?;
//! assert_eq!(read, [bites]);
//! assert_eq!(read[0].relation, Relation::Equivalence);
//! # Ok(())
//! # }
//! # #[cfg(not(feature = "files"))]
//! # fn main() {}
//! ```
//!
//! [`squad`] reads questions about passages with their answers, [`triplets`] what sentence encoders are fine-tuned on.
//!
//! # Features
//!
//! `files` (on by default) is all that reads and writes. Without it only the types of a pair are left.

mod error;
mod kind;
mod pair;
#[cfg(feature = "files")]
mod read;
mod relation;
#[cfg(feature = "files")]
mod rows;
#[cfg(feature = "files")]
mod sources;
#[cfg(feature = "files")]
pub mod squad;
#[cfg(feature = "files")]
pub mod triplets;
#[cfg(feature = "files")]
mod write;

#[cfg(feature = "files")]
pub use error::Error;
pub use error::UnknownName;
pub use kind::Kind;
pub use pair::{Label, Pair};
#[cfg(feature = "files")]
pub use read::{Reader, read, read_labelled};
pub use relation::Relation;
#[cfg(feature = "files")]
pub use sources::{Negatives, Source, Sources};
#[cfg(feature = "files")]
pub use write::{Writer, write};
