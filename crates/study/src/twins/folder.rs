//! The planted corpus as a BEIR folder, so that other systems can be measured on it.

use std::fs::{self, File};
use std::io::{BufWriter, Write};
use std::path::Path;

use serde_json::json;

use super::Planted;
use vetted_evaluation::Error;

impl Planted {
    /// Writes `corpus.jsonl` (the file `corpus`, then the twins), `queries.jsonl`, `qrels/test.tsv` (originals 1, twins 0) and
    /// `twins.jsonl` (what was changed where).
    ///
    /// # Errors
    /// [`Error::Write`], also when `corpus` cannot be read.
    pub fn write(&self, corpus: &Path, folder: &Path) -> Result<(), Error> {
        let failed = |path: &Path| {
            let path = path.to_owned();
            move |source| Error::Write { path, source }
        };
        let qrels = folder.join("qrels");
        fs::create_dir_all(&qrels).map_err(failed(&qrels))?;
        let path = folder.join("corpus.jsonl");
        self.write_corpus(corpus, &path).map_err(failed(&path))?;
        let queries = self.queries.iter().map(|query| json!({"_id": query.id, "text": query.text}).to_string());
        write_lines(&folder.join("queries.jsonl"), queries)?;
        let judgments = self.queries.iter().flat_map(|query| {
            let twin = &self.twins[query.twin];
            [(&twin.original, 1), (&twin.document.id, 0)].map(|(id, grade)| format!("{}\t{id}\t{grade}", query.id))
        });
        let header = std::iter::once("query-id\tcorpus-id\tscore".to_owned());
        write_lines(&qrels.join("test.tsv"), header.chain(judgments))?;
        let twins = self.twins.iter().enumerate().map(|(index, twin)| {
            let asked = self.queries.iter().filter(|query| query.twin == index);
            let queries: serde_json::Map<_, _> =
                asked.map(|query| (query.form.name().to_owned(), query.text.clone().into())).collect();
            json!({
                "_id": twin.document.id, "original": twin.original, "kind": twin.kind, "operation": twin.operation,
                "sentence": twin.sentence, "edited": twin.edited, "queries": queries,
            })
            .to_string()
        });
        write_lines(&folder.join("twins.jsonl"), twins)
    }

    fn write_corpus(&self, corpus: &Path, path: &Path) -> std::io::Result<()> {
        let original = fs::read(corpus)?;
        let mut writer = BufWriter::new(File::create(path)?);
        writer.write_all(&original)?;
        if original.last().is_some_and(|last| *last != b'\n') {
            writer.write_all(b"\n")?;
        }
        for twin in &self.twins {
            let document = &twin.document;
            let line = json!({
                "_id": document.id, "title": document.title, "text": document.text, "metadata": document.metadata,
            });
            writeln!(writer, "{line}")?;
        }
        writer.flush()
    }
}

fn write_lines(path: &Path, lines: impl Iterator<Item = String>) -> Result<(), Error> {
    let write = || {
        let mut writer = BufWriter::new(File::create(path)?);
        for line in lines {
            writeln!(writer, "{line}")?;
        }
        writer.flush()
    };
    write().map_err(|source| Error::Write { path: path.to_owned(), source })
}
