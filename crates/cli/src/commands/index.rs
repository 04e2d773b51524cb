//! `vetted index`: documents into an index.

use std::io::{Write, stdout};
use std::path::PathBuf;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use clap::{Args, ValueEnum};
use serde_json::Value;
use vetted::corpus::{OnBadRecord, ReadOptions, Reader, read};
use vetted::wire::IndexAnswer;
use vetted::{Document, Engine, Indexed, ViewStorage};

use super::{PassageArguments, Precision, scorers};
use crate::interruption::Interruption;
use crate::progress::byte_bar;
use crate::terminal::{counted, download_progress, rate, say};

/// Documents whose id is already there replace what was there; unchanged ones are skipped, so after an interruption the
/// same command takes up where it stopped.
#[derive(Args)]
pub struct Index {
    /// JSONL (`_id`, `title`, `text`, `metadata`), CSV or TSV with a header, each also as .gz; .json arrays; folders of
    /// .txt, .md and .html; or `-` for JSONL from standard input
    #[arg(required = true, value_name = "INPUT")]
    inputs: Vec<PathBuf>,
    /// The index's folder, made if it is not there
    #[arg(long, value_name = "DIR", env = "VETTED_INDEX")]
    into: PathBuf,
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
    /// and searches that verify some 20 times as long
    #[arg(long, env = "VETTED_VIEWS", value_enum, default_value = "int8")]
    views: Views,
    /// Who will judge what is found, and so makes the views: `vetted` (the shipped verifier), or a verifier's folder
    #[arg(long, value_name = "DIR", env = "VETTED_VERIFIER", default_value = "vetted")]
    verifier: String,
    /// Count malformed records and go on, instead of stopping at the first
    #[arg(long)]
    skip_bad: bool,
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

/// What was done, over all batches.
#[derive(Default)]
pub struct Outcome {
    /// Documents given.
    pub documents: u64,
    /// What became of them.
    pub indexed: Indexed,
    /// How long it took, model and disk included.
    pub elapsed: Duration,
}

impl Index {
    pub fn run(self) -> Result<()> {
        let on_bad_record = if self.skip_bad { OnBadRecord::Skip } else { OnBadRecord::Stop };
        let mut reader = read(&self.inputs, &ReadOptions { on_bad_record });
        // The first document, before anything is made or fetched: a mistyped path should cost nothing.
        let first = reader.next().transpose()?;
        let mut builder = Engine::builder(&self.into)
            .precision(self.precision.chosen())
            .passages(self.passages.passages())
            .views(self.views.into())
            .verifier(scorers::source(&self.verifier))
            .progress(download_progress());
        if let Some(model) = self.model {
            builder = builder.model(model);
        }
        let Some(first) = first else {
            bail!("no documents in {}: {}", listed(&self.inputs), nothing_found(&reader));
        };
        if let Some(field) = self.vectors {
            let dimensions = first.metadata.get(&field).and_then(Value::as_array).map(Vec::len);
            let dimensions = dimensions.with_context(|| {
                format!("document {:?} has no array of numbers in its field {field:?}, which --vectors names", first.id)
            })?;
            builder = builder.given_vectors(field, dimensions);
        }
        let engine = builder.open_or_create()?;
        let interruption = Interruption::listen("the documents at hand")?;
        let outcome = index_all(&engine, first, &mut reader, &interruption)?;
        let skipped = reader.skipped();
        for error in &skipped.first {
            say(format_args!("skipped: {error}"));
        }
        let Indexed { added, replaced, unchanged, duplicates } = outcome.indexed;
        if self.json {
            let seconds = outcome.elapsed.as_secs_f64();
            let answer = IndexAnswer::new(&engine, outcome.indexed, skipped.count, seconds)?;
            writeln!(stdout(), "{}", serde_json::to_string(&answer)?)?;
        } else {
            writeln!(
                stdout(),
                "{added} added, {replaced} replaced, {unchanged} unchanged, {duplicates} duplicates, {} skipped; \
                 {} in {:.1} s ({}), {} now in {}",
                skipped.count,
                counted(outcome.documents as usize, "document"),
                outcome.elapsed.as_secs_f64(),
                rate(outcome.documents, outcome.elapsed),
                engine.len()?,
                self.into.display(),
            )?;
        }
        Ok(())
    }
}

/// Indexes `first` and all that `reader` still has, in batches, under a progress bar. At an interruption the batch at hand is the
/// last.
pub fn index_all(
    engine: &Engine,
    first: Document,
    reader: &mut Reader,
    interruption: &Interruption,
) -> Result<Outcome> {
    let start = Instant::now();
    let progress = reader.progress();
    let bar = byte_bar(progress.bytes_total());
    let mut outcome = Outcome::default();
    let mut batch = vec![first];
    loop {
        let next = reader.next();
        let full = batch.len() >= BATCH_DOCUMENTS || batch.iter().map(|d| d.text.len()).sum::<usize>() >= BATCH_BYTES;
        if full || !matches!(next, Some(Ok(_))) {
            // What was read before a bad record is kept.
            let documents = std::mem::take(&mut batch);
            outcome.documents += documents.len() as u64;
            add(&mut outcome.indexed, engine.upsert(documents)?);
            bar.set_position(progress.bytes_read());
            bar.set_message(format!("{} documents, {}", outcome.documents, rate(outcome.documents, start.elapsed())));
            if interruption.is_requested() && next.is_some() {
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
            Some(Ok(document)) => batch.push(document),
            Some(Err(error)) => {
                bar.abandon();
                engine.finish()?;
                return Err(anyhow::Error::from(error).context(match outcome.documents {
                    1 => "stopped after 1 document, which is indexed".to_owned(),
                    documents => format!("stopped after {documents} documents, which are indexed"),
                }));
            }
            None => break,
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

fn listed(inputs: &[PathBuf]) -> String {
    inputs.iter().map(|input| input.display().to_string()).collect::<Vec<_>>().join(", ")
}

fn nothing_found(reader: &Reader) -> String {
    let (skipped, ignored) = (reader.skipped().count, reader.ignored_files());
    match (skipped, ignored) {
        (0, 0) => "the input is empty".into(),
        (0, ignored) => format!(
            "{ignored} files are of kinds that vetted does not read (it reads .jsonl, .csv, .tsv, .txt, .md, .html)"
        ),
        (skipped, _) => {
            let first = reader.skipped().first.first().map(ToString::to_string).unwrap_or_default();
            format!("all {skipped} records are malformed, the first: {first}")
        }
    }
}
