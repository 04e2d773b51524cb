//! The text index: BM25 over titles and texts, in tantivy.
//!
//! It is a cache of the store. What it holds on disk is, for each document, its number and the terms of its title and
//! text; tantivy's commit message records which sequence number of the store it includes.

mod analysis;
mod bm25;
mod matching;

pub use matching::matching_words;

use std::fs;
use std::path::{Path, PathBuf};

use tantivy::directory::MmapDirectory;
use tantivy::indexer::IndexWriter;
use tantivy::schema::{
    FAST, Field, INDEXED, IndexRecordOption, NumericOptions, Schema, TextFieldIndexing, TextOptions,
};
use tantivy::tokenizer::TextAnalyzer;
use tantivy::{IndexReader, IndexSettings, ReloadPolicy, TantivyDocument, TantivyError, Term};

use crate::error::{Error, Result};
use crate::roster::Roster;
use crate::settings::Settings;
use crate::store::Snapshot;
use analysis::EnglishTokenizer;
pub(crate) use analysis::terms;
use bm25::Bm25;

/// Where in the index's folder the text index is.
pub(crate) const FOLDER: &str = "text";
/// Grows when the schema or the analysis changes. A text index of another format is rebuilt.
const FORMAT: u32 = 1;
const TOKENIZER: &str = "vetted-english";

/// The text index on disk, and as it is searched.
pub(crate) struct TextIndex {
    path: PathBuf,
    index: tantivy::Index,
    reader: IndexReader,
    fields: Fields,
    sequence: Option<u64>,
    writer: Option<IndexWriter>,
    bm25: Bm25,
}

#[derive(Clone, Copy)]
struct Fields {
    number: Field,
    text: Field,
}

/// What bringing the text index up to date changed.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Difference {
    pub(crate) added: usize,
    pub(crate) removed: usize,
}

impl TextIndex {
    /// Opens the text index in the folder `path`; an error means that it has to be rebuilt.
    ///
    /// Reads all of it to compare checksums: tantivy trusts its files, and would panic on damaged ones.
    pub(crate) fn open(path: &Path, roster: &Roster) -> std::result::Result<Self, TantivyError> {
        let index = tantivy::Index::open_in_dir(path)?;
        let (schema, fields) = schema();
        if index.schema() != schema {
            return Err(TantivyError::SchemaError("it was written by another version of vetted".to_owned()));
        }
        let damaged = index.validate_checksum()?;
        if let Some(file) = damaged.into_iter().min() {
            return Err(TantivyError::InternalError(format!("{} fails its checksum", file.display())));
        }
        Self::new(path, index, fields, roster)
    }

    /// Makes an empty text index in the folder `path`, in place of whatever is there.
    pub(crate) fn create(path: &Path) -> Result<Self> {
        let io = |action, source| Error::Io { action, path: path.to_owned(), source };
        if path.exists() {
            fs::remove_dir_all(path).map_err(|source| io("remove", source))?;
        }
        fs::create_dir_all(path).map_err(|source| io("create", source))?;
        let created = || {
            let (schema, fields) = schema();
            let directory = MmapDirectory::open(path)?;
            let index = tantivy::Index::create(directory, schema, IndexSettings::default())?;
            Self::new(path, index, fields, &Roster::default())
        };
        created().map_err(|source| failure(path, source))
    }

    fn new(
        path: &Path,
        index: tantivy::Index,
        fields: Fields,
        roster: &Roster,
    ) -> std::result::Result<Self, TantivyError> {
        index.tokenizers().register(TOKENIZER, TextAnalyzer::from(EnglishTokenizer::default()));
        let sequence = sequence_on_disk(&index)?;
        let reader = index.reader_builder().reload_policy(ReloadPolicy::Manual).num_warming_threads(0).try_into()?;
        let bm25 = Bm25::new(&reader.searcher(), fields, roster)?;
        Ok(Self { path: path.to_owned(), index, reader, fields, sequence, writer: None, bm25 })
    }

    /// The sequence number of the store that the index includes; `None` if it does not say.
    pub(crate) fn sequence(&self) -> Option<u64> {
        self.sequence
    }

    /// Reads what is on disk now, and looks up its documents in `roster`.
    pub(crate) fn reload(&mut self, roster: &Roster) -> std::result::Result<(), TantivyError> {
        // In this order: what is then searched may be newer than the sequence number says, but not older.
        self.sequence = sequence_on_disk(&self.index)?;
        self.reader.reload()?;
        self.bm25 = Bm25::new(&self.reader.searcher(), self.fields, roster)?;
        Ok(())
    }

    /// How the index differs from the store: what is to be added and what to be removed.
    pub(crate) fn difference(&self, roster: &Roster) -> Difference {
        let held = self.bm25.held(roster.places());
        let missing = roster.alive().iter().zip(&held).filter(|(alive, held)| **alive && !**held).count();
        Difference { added: missing, removed: self.bm25.superfluous(roster).len() }
    }

    /// Makes the index hold the documents that the store holds, on disk and for searching.
    pub(crate) fn catch_up(
        &mut self,
        snapshot: &Snapshot<'_>,
        roster: &Roster,
        settings: &Settings,
    ) -> Result<Difference> {
        let path = self.path.clone();
        let fail = |source| failure(&path, source);
        let mut writer = match self.writer.take() {
            Some(writer) => writer,
            None => self.new_writer(settings).map_err(fail)?,
        };
        let Fields { number: number_field, text: text_field } = self.fields;
        let superfluous = self.bm25.superfluous(roster);
        for number in &superfluous {
            writer.delete_term(Term::from_field_u64(number_field, *number));
        }
        let mut difference = Difference { added: 0, removed: superfluous.len() };
        let held = self.bm25.held(roster.places());
        for (ordinal, number) in roster.living() {
            if held[ordinal as usize] {
                continue;
            }
            let mut document = TantivyDocument::default();
            document.add_u64(number_field, number);
            document.add_text(text_field, snapshot.full_text(number)?);
            writer.add_document(document).map_err(fail)?;
            difference.added += 1;
        }
        let mut commit = writer.prepare_commit().map_err(fail)?;
        commit.set_payload(&format!("{FORMAT} {}", snapshot.sequence()?));
        commit.commit().map_err(fail)?;
        // Only a writer that went through all of this is used again: after a failure it is in no known state.
        self.writer = Some(writer);
        self.reload(roster).map_err(fail)?;
        Ok(difference)
    }

    fn new_writer(&self, settings: &Settings) -> std::result::Result<IndexWriter, TantivyError> {
        let writer = self.index.writer_with_num_threads(settings.writer_threads(), settings.writer_memory())?;
        // A killed writer's unfinished files bear the names that the next one chooses, and would be in its way.
        writer.garbage_collect_files().wait()?;
        Ok(writer)
    }

    /// Lets go of the writer once its merges are done.
    pub(crate) fn settle(&mut self, roster: &Roster) -> Result<()> {
        if let Some(writer) = self.writer.take() {
            let merged = writer.wait_merging_threads().and_then(|()| self.reload(roster));
            merged.map_err(|source| failure(&self.path, source))?;
        }
        Ok(())
    }

    /// By ordinal, the documents' BM25 scores for `query`; 0 for those that share no term with it.
    pub(crate) fn scores(&self, query: &str, places: usize) -> Result<Vec<f32>> {
        self.bm25.scores(&terms(query), places).map_err(|source| failure(&self.path, source))
    }

    /// By ordinal below `places`, whether it holds the document.
    pub(crate) fn held(&self, places: usize) -> Vec<bool> {
        self.bm25.held(places)
    }
}

fn sequence_on_disk(index: &tantivy::Index) -> std::result::Result<Option<u64>, TantivyError> {
    let message = index.load_metas()?.payload.unwrap_or_default();
    Ok(message.split_once(' ').filter(|(format, _)| format.parse() == Ok(FORMAT)).and_then(|(_, it)| it.parse().ok()))
}

fn schema() -> (Schema, Fields) {
    let mut schema = Schema::builder();
    let number = schema.add_u64_field("number", NumericOptions::from(INDEXED | FAST));
    let indexing = TextFieldIndexing::default()
        .set_tokenizer(TOKENIZER)
        .set_index_option(IndexRecordOption::WithFreqs)
        .set_fieldnorms(true);
    let text = schema.add_text_field("text", TextOptions::default().set_indexing_options(indexing));
    (schema.build(), Fields { number, text })
}

/// What an error of tantivy means to the user.
pub(crate) fn failure(path: &Path, source: TantivyError) -> Error {
    let path = path.to_owned();
    Error::Text { path, source: Box::new(source) }
}
