//! The text index on disk: tantivy's files.
//!
//! They hold for each document its number and the terms of its title and text; tantivy's commit message records which
//! sequence number of the store they include.

use std::fs;
use std::path::{Path, PathBuf};

use tantivy::indexer::IndexWriter;
use tantivy::schema::{
    FAST, Field, INDEXED, IndexRecordOption, NumericOptions, Schema, TextFieldIndexing, TextOptions,
};
use tantivy::tokenizer::TextAnalyzer;
use tantivy::{IndexReader, IndexSettings, ReloadPolicy, Searcher, TantivyDocument, TantivyError, Term};

use super::Difference;
use super::analysis::EnglishTokenizer;
use super::directory::{FileAccess, TextDirectory};
use crate::error::{Error, Result};
use crate::settings::Settings;
use crate::store::Reading;

/// Where in the index's folder the text index is.
pub(crate) const FOLDER: &str = "text";
/// Grows when the schema or the analysis changes. A text index of another format is rebuilt.
const FORMAT: u32 = 2;
/// Names the analysis in the schema, so that versions of vetted with another one rebuild the files too.
const TOKENIZER: &str = "vetted-english-2";

/// Tantivy's files, open.
pub(crate) struct Files {
    path: PathBuf,
    index: tantivy::Index,
    reader: IndexReader,
    pub(super) fields: Fields,
}

#[derive(Clone, Copy)]
pub(super) struct Fields {
    pub(super) number: Field,
    pub(super) text: Field,
}

/// What writes to the files: kept from one commit to the next, because it merges in the background.
pub(crate) type Writer = Option<IndexWriter>;

impl Files {
    /// Opens the text index in the folder `path`; an error means that it has to be rebuilt.
    ///
    /// Reads all of it to compare checksums: tantivy trusts its files, and would panic on damaged ones.
    pub(crate) fn open(path: &Path) -> std::result::Result<Self, TantivyError> {
        Self::open_in(path, FileAccess::ReadAndWrite)
    }

    /// As [`open`](Self::open), without ever writing anything.
    pub(crate) fn open_read_only(path: &Path) -> std::result::Result<Self, TantivyError> {
        Self::open_in(path, FileAccess::Read)
    }

    fn open_in(path: &Path, access: FileAccess) -> std::result::Result<Self, TantivyError> {
        let index = tantivy::Index::open(TextDirectory::open(path, access)?)?;
        let (schema, fields) = schema();
        if index.schema() != schema {
            return Err(TantivyError::SchemaError("it was written by another version of vetted".to_owned()));
        }
        let damaged = index.validate_checksum()?;
        if let Some(file) = damaged.into_iter().min() {
            return Err(TantivyError::InternalError(format!("{} fails its checksum", file.display())));
        }
        Self::new(path, index, fields)
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
            let directory = TextDirectory::open(path, FileAccess::ReadAndWrite)?;
            let index = tantivy::Index::create(directory, schema, IndexSettings::default())?;
            Self::new(path, index, fields)
        };
        created().map_err(|source| failure(path, source))
    }

    /// An empty text index in memory, in place of files in the folder `path` that cannot be used.
    pub(crate) fn in_memory(path: &Path) -> std::result::Result<Self, TantivyError> {
        let (schema, fields) = schema();
        Self::new(path, tantivy::Index::create_in_ram(schema), fields)
    }

    fn new(path: &Path, index: tantivy::Index, fields: Fields) -> std::result::Result<Self, TantivyError> {
        index.tokenizers().register(TOKENIZER, TextAnalyzer::from(EnglishTokenizer::default()));
        let reader = index.reader_builder().reload_policy(ReloadPolicy::Manual).num_warming_threads(0).try_into()?;
        Ok(Self { path: path.to_owned(), index, reader, fields })
    }

    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// Makes [`searcher`](Self::searcher) give what is on disk now.
    pub(crate) fn reload(&self) -> std::result::Result<(), TantivyError> {
        self.reader.reload()
    }

    pub(super) fn searcher(&self) -> Searcher {
        self.reader.searcher()
    }

    /// The sequence number of the store that the files include; `None` if they do not say.
    pub(crate) fn sequence(&self) -> std::result::Result<Option<u64>, TantivyError> {
        let message = self.index.load_metas()?.payload.unwrap_or_default();
        let parts = message.split_once(' ').filter(|(format, _)| format.parse() == Ok(FORMAT));
        Ok(parts.and_then(|(_, sequence)| sequence.parse().ok()))
    }

    /// Adds and removes documents of the moment that is read, on disk.
    pub(crate) fn write(
        &self,
        writer: &mut Writer,
        Difference { added, removed }: &Difference,
        reading: &Reading,
        settings: &Settings,
    ) -> Result<()> {
        let fail = |source| failure(&self.path, source);
        let mut open = match writer.take() {
            Some(writer) => writer,
            None => self.new_writer(settings).map_err(fail)?,
        };
        for number in removed {
            open.delete_term(Term::from_field_u64(self.fields.number, *number));
        }
        for number in added {
            let mut document = TantivyDocument::default();
            document.add_u64(self.fields.number, *number);
            document.add_text(self.fields.text, reading.id_and_text(*number)?.1);
            open.add_document(document).map_err(fail)?;
        }
        let mut commit = open.prepare_commit().map_err(fail)?;
        commit.set_payload(&format!("{FORMAT} {}", reading.sequence()));
        commit.commit().map_err(fail)?;
        // Only a writer that went through all of this is used again: after a failure it is in no known state.
        *writer = Some(open);
        Ok(())
    }

    fn new_writer(&self, settings: &Settings) -> std::result::Result<IndexWriter, TantivyError> {
        let writer = self.index.writer_with_num_threads(settings.writer_threads(), settings.writer_memory())?;
        // A killed writer's unfinished files bear the names that the next one chooses, and would be in its way.
        writer.garbage_collect_files().wait()?;
        Ok(writer)
    }

    /// Lets go of the writer once its merges are done; says whether there was one.
    pub(crate) fn settle(&self, writer: &mut Writer) -> Result<bool> {
        let Some(writer) = writer.take() else { return Ok(false) };
        writer.wait_merging_threads().map_err(|source| failure(&self.path, source))?;
        Ok(true)
    }
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
