//! `vetted index`: documents into an index.

use std::io::{Write, stdout};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use anyhow::{Result, bail};
use clap::{Args, ValueEnum};
use vetted::corpus::{Reader, VectorField};
use vetted::wire::IndexAnswer;
use vetted::{Document, Engine, Gone, Indexed, Sighted, ViewStorage};

use self::input::Input;
use super::{PassageArguments, Precision, scorers, sync};
use crate::interruption::Interruption;
use crate::progress::byte_bar;
use crate::terminal::{counted, download_progress, rate};

pub mod input;

/// Documents whose id is already there replace what was there; unchanged ones are skipped, so after an interruption the
/// same command takes up where it stopped. An index keeps the settings that it was made with; options that ask for others are
/// an error.
#[derive(Args)]
pub struct Index {
    #[command(flatten)]
    pub input: Input,
    /// The index's folder, or where it is on a server (redis://host:6379/NAME, qdrant://host:6334/NAME; ?shards=N for a new one);
    /// made if it is not there
    #[arg(long, value_name = "DIR", env = "VETTED_INDEX", hide_env_values = true)]
    pub into: PathBuf,
    /// The encoder of a new index: a name (`vetted models list`) or a model folder [default: all-MiniLM-L6-v2]
    #[arg(long, env = "VETTED_MODEL")]
    model: Option<String>,
    /// The documents of a new index bring vectors of an encoder of your own in this field, as arrays of numbers: one vector a
    /// document, compared by the inner product. Searches then bring theirs by --vector
    #[arg(long, value_name = "FIELD", conflicts_with = "model")]
    vectors: Option<String>,
    /// The arithmetic of a new index's encoder, and of the verifier's
    #[arg(long, env = "VETTED_PRECISION", value_enum, default_value = "auto")]
    precision: Precision,
    #[command(flatten)]
    passages: PassageArguments,
    /// Whether a new index keeps what verification needs, about 60 bytes a token. With `none`, indexing takes half the time,
    /// and searches that verify some 20 times as long [default: int8]
    #[arg(long, env = "VETTED_VIEWS", value_enum)]
    views: Option<Views>,
    /// Who will judge what is found, and so makes the views: `vetted` (the shipped verifier), or a verifier's folder
    #[arg(long, value_name = "DIR", env = "VETTED_VERIFIER", default_value = "vetted")]
    verifier: String,
    /// Print the outcome as JSON
    #[arg(long)]
    json: bool,
}

/// What is kept for verification.
#[derive(Clone, Copy, ValueEnum)]
enum Views {
    /// A byte a value
    Int8,
    /// Nothing
    None,
}

impl From<Views> for ViewStorage {
    fn from(views: Views) -> Self {
        match views {
            Views::Int8 => ViewStorage::Int8,
            Views::None => ViewStorage::None,
        }
    }
}

/// What `sync` does with documents that are gone from where they came from: it removes them.
pub struct Pruning {
    /// Also if all of them are gone.
    pub allow_empty: bool,
}

/// A document as it was read: with the file it came from.
pub type Read = (Document, Option<PathBuf>);

/// What was done, over all batches.
#[derive(Default)]
pub struct Outcome {
    /// Documents given.
    pub documents: u64,
    /// What became of them.
    pub indexed: Indexed,
    /// Which they were, and where.
    pub sighted: Sighted,
    /// How long it took, model and disk included.
    pub elapsed: Duration,
}

impl Index {
    pub fn run(self) -> Result<()> {
        self.run_with(None)
    }

    /// Indexes, and then removes what is gone, if that is asked for.
    pub fn run_with(self, pruning: Option<Pruning>) -> Result<()> {
        let mut reader = self.input.read(self.vector_field()?);
        let files: Vec<(String, PathBuf)> = reader.files().map(|(id, file)| (id.into(), file.into())).collect();
        // The first document, before anything is made or fetched: a mistyped path should cost nothing.
        let first = next(&mut reader)?;
        let mut builder = Engine::builder(&self.into)
            .precision(self.precision.chosen())
            .views(self.views.map(ViewStorage::from))
            .verifier(scorers::source(&self.verifier))
            .progress(download_progress());
        builder = self.passages.ask(builder);
        if let Some(model) = &self.model {
            builder = builder.model(model);
        }
        if let (Some(field), Some(dimensions)) = (&self.vectors, reader.vector_dimensions()) {
            builder = builder.given_vectors(field, dimensions);
        }
        let allow_empty = pruning.as_ref().is_some_and(|pruning| pruning.allow_empty);
        let (engine, outcome) = match first {
            Some(first) => {
                let engine = builder.open_or_create()?;
                check_origins(&engine, &files)?;
                let interruption = Interruption::listen("the documents at hand")?;
                let outcome = index_all(&engine, first, &mut reader, &interruption)?;
                (engine, outcome)
            }
            None if allow_empty => (builder.open_writable()?, Outcome::default()),
            None => {
                input::report_left_out(&reader);
                let hint = match pruning {
                    Some(_) => "; to remove all that came from there: --allow-empty",
                    None => "",
                };
                bail!("no documents in {}: {}{hint}", self.input.listed(), input::nothing_found(&reader));
            }
        };
        input::report_left_out(&reader);
        let gone = match &pruning {
            Some(_) => engine.gone(reader.roots(), reader.unreadable(), &outcome.sighted)?,
            None => Gone::default(),
        };
        if !allow_empty {
            sync::check_emptied(&gone)?;
        }
        let deleted = engine.prune(&gone)?;
        if pruning.is_some() {
            sync::report(&gone);
            engine.finish()?;
        }
        let Indexed { added, replaced, unchanged, .. } = outcome.indexed;
        if self.json {
            let seconds = outcome.elapsed.as_secs_f64();
            let answer = IndexAnswer::new(&engine, outcome.indexed, &reader, deleted, seconds)?;
            writeln!(stdout(), "{}", serde_json::to_string(&answer)?)?;
        } else {
            let duplicates = outcome.indexed.duplicates as u64 + reader.duplicates().count;
            let deleted = if pruning.is_some() { format!("{deleted} deleted, ") } else { String::new() };
            writeln!(
                stdout(),
                "{added} added, {replaced} replaced, {unchanged} unchanged, {deleted}{}, {} skipped; \
                 {} in {:.1} s ({}), {} now in {}",
                counted(duplicates as usize, "duplicate"),
                reader.skipped().count,
                counted(outcome.documents as usize, "document"),
                outcome.elapsed.as_secs_f64(),
                rate(outcome.documents, outcome.elapsed),
                engine.len()?,
                engine.folder().display(),
            )?;
        }
        Ok(())
    }

    /// Where documents bring their vectors: in the field that an index has them from, or in that which a new one will.
    pub fn vector_field(&self) -> Result<Option<VectorField>> {
        let known = Engine::given_vectors_of(&self.into)?;
        let of_new = || self.vectors.clone().map(|name| VectorField { name, dimensions: None });
        let of_old = known.map(|(name, dimensions)| VectorField { name, dimensions: Some(dimensions) });
        Ok(of_old.or_else(of_new))
    }
}

/// The next document and its file.
pub fn next(reader: &mut Reader) -> Result<Option<Read>, vetted::corpus::Error> {
    let document = reader.next().transpose()?;
    let file = || reader.origin().and_then(|origin| origin.absolute.clone());
    Ok(document.map(|document| (document, file())))
}

/// Fails if a file would take the place of another that is still there. (Of two files in one run the reader says so.)
fn check_origins(engine: &Engine, files: &[(String, PathBuf)]) -> Result<()> {
    let ids: Vec<&str> = files.iter().map(|(id, _)| id.as_str()).collect();
    for ((id, file), origins) in files.iter().zip(engine.index().origins(&ids)?) {
        let same = |other: &Path| other.canonicalize().ok() == file.canonicalize().ok();
        let other = origins.iter().map(Path::new).find(|other| other.exists() && !same(other));
        if let Some(other) = other {
            bail!(
                "{} would take the place of {} in {}, as both are called {id:?}; nothing was indexed. Index it with \
                 --folder-in-ids, or into another index",
                file.display(),
                other.display(),
                engine.folder().display()
            );
        }
    }
    Ok(())
}

/// Indexes `first` and all that `reader` still has, in batches, under a progress bar. At an interruption the batch at hand is the
/// last.
pub fn index_all(engine: &Engine, first: Read, reader: &mut Reader, interruption: &Interruption) -> Result<Outcome> {
    let start = Instant::now();
    let progress = reader.progress();
    let bar = byte_bar(progress.bytes_total());
    let mut outcome = Outcome::default();
    outcome.sighted.add(&first.0.id, first.1.as_deref());
    let mut batch = vec![first];
    loop {
        let next = next(reader);
        let bytes = || batch.iter().map(|(document, _)| document.text.len()).sum::<usize>();
        let full = batch.len() >= BATCH_DOCUMENTS || bytes() >= BATCH_BYTES;
        if full || !matches!(next, Ok(Some(_))) {
            // What was read before a bad record is kept.
            let documents = std::mem::take(&mut batch);
            outcome.documents += documents.len() as u64;
            add(&mut outcome.indexed, engine.upsert_from(documents)?);
            bar.set_position(progress.bytes_read());
            bar.set_message(format!(
                "{}, {}",
                counted(outcome.documents as usize, "document"),
                rate(outcome.documents, start.elapsed())
            ));
            if interruption.is_requested() && matches!(next, Ok(Some(_))) {
                bar.abandon();
                engine.finish()?;
                let said = format!(
                    "interrupted: {} of this input are on disk, {} in all; run the same command again to go on",
                    counted(outcome.documents as usize, "document"),
                    engine.len()?
                );
                return Err(interruption.error(said).into());
            }
        }
        match next {
            Ok(Some((document, file))) => {
                outcome.sighted.add(&document.id, file.as_deref());
                batch.push((document, file));
            }
            Err(error) => {
                bar.abandon();
                engine.finish()?;
                return Err(anyhow::Error::from(error).context(match outcome.documents {
                    1 => "stopped after 1 document, which is indexed".to_owned(),
                    documents => format!("stopped after {documents} documents, which are indexed"),
                }));
            }
            Ok(None) => break,
        }
    }
    bar.set_message("writing the text index");
    engine.finish()?;
    bar.finish_and_clear();
    outcome.elapsed = start.elapsed();
    Ok(outcome)
}

/// Enough texts to keep all processors busy, few enough that a killed process loses little.
const BATCH_DOCUMENTS: usize = 256;
const BATCH_BYTES: usize = 1 << 20;

fn add(total: &mut Indexed, batch: Indexed) {
    total.added += batch.added;
    total.replaced += batch.replaced;
    total.unchanged += batch.unchanged;
    total.duplicates += batch.duplicates;
}
