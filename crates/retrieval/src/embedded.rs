//! The index in a folder as a [`Retriever`], and one moment of it as a [`Session`].

use std::borrow::Cow;
use std::collections::HashMap;
use std::path::Path;

use vetted_corpus::{Document, Passage};
use vetted_kernels::Team;

use crate::check::Check;
use crate::error::Result;
use crate::filter::Filter;
use crate::index::Index;
use crate::manifest::Manifest;
use crate::notice::Notice;
use crate::query::Query;
use crate::retriever::{Holdings, Retrieved, Retriever, Session};
use crate::snapshot::Snapshot;
use crate::writing::{Entry, Upserted};

impl Retriever for Index {
    fn manifest(&self) -> &Manifest {
        Index::manifest(self)
    }

    fn location(&self) -> &Path {
        self.directory()
    }

    fn is_remote(&self) -> bool {
        false
    }

    fn session(&self) -> Result<Box<dyn Session>> {
        Ok(Box::new(self.snapshot()?))
    }

    fn len(&self) -> Result<usize> {
        Index::len(self)
    }

    fn holdings(&self) -> Result<Holdings> {
        let (created, changed) = self.dates();
        Ok(Holdings {
            documents: Index::len(self)?,
            passages: self.passage_count()?,
            bytes: self.bytes_on_disk()?,
            bytes_of_views: self.bytes_of_views()?,
            created,
            changed,
        })
    }

    fn upsert_from(&self, entries: Vec<Entry>, origins: &HashMap<String, String>) -> Result<Upserted> {
        Index::upsert_from(self, entries, origins)
    }

    fn set_views(&self, views: &[(String, Vec<u8>)]) -> Result<usize> {
        Index::set_views(self, views)
    }

    fn set_origins(&self, origins: &[(String, Vec<String>)]) -> Result<usize> {
        Index::set_origins(self, origins)
    }

    fn delete(&self, ids: &[&str]) -> Result<usize> {
        Index::delete(self, ids)
    }

    fn origins(&self, ids: &[&str]) -> Result<Vec<Vec<String>>> {
        Index::origins(self, ids)
    }

    fn all_origins(&self) -> Result<Vec<(String, Vec<String>)>> {
        Index::all_origins(self)
    }

    fn finish(&self) -> Result<()> {
        Index::finish(self)
    }

    fn check(&self) -> Result<Check> {
        Index::check(self)
    }

    fn notices(&self) -> Vec<Notice> {
        Index::notices(self)
    }
}

impl Session for Snapshot {
    fn search(&self, query: &Query<'_>, team: &mut Team) -> Result<Retrieved> {
        Ok(Retrieved { hits: Snapshot::search(self, query, team)?, not_asked: Vec::new() })
    }

    fn documents(&self, ids: &[&str]) -> Result<Vec<Option<Document>>> {
        ids.iter().map(|id| self.get(id)).collect()
    }

    fn passages(&self, ids: &[&str]) -> Result<Vec<Option<Vec<Passage>>>> {
        ids.iter().map(|id| Snapshot::passages(self, id)).collect()
    }

    fn vectors(&self, ids: &[&str]) -> Result<Vec<Option<Vec<f32>>>> {
        let reading = self.reading();
        let vectors = |id: &&str| -> Result<Option<Vec<f32>>> {
            let Some((number, _)) = reading.find(id)? else { return Ok(None) };
            let mut vectors = Vec::new();
            reading.vectors(number)?.read(&mut vectors);
            Ok(Some(vectors))
        };
        ids.iter().map(vectors).collect()
    }

    fn views<'session>(&'session self, ids: &[&str]) -> Result<Vec<Option<Cow<'session, [u8]>>>> {
        Ok(Snapshot::views(self, ids)?.into_iter().map(|views| views.map(Cow::Borrowed)).collect())
    }

    fn contains(&self, ids: &[&str]) -> Result<Vec<bool>> {
        ids.iter().map(|id| Snapshot::contains(self, id)).collect()
    }

    fn unchanged(&self, documents: &[&Document]) -> Result<Vec<bool>> {
        documents.iter().map(|document| Snapshot::unchanged(self, document)).collect()
    }

    fn ids_that_fit(&self, filters: &[Filter]) -> Result<Vec<String>> {
        Ok(Snapshot::ids_that_fit(self, filters)?.into_iter().map(str::to_owned).collect())
    }

    fn some_ids(&self, most: usize) -> Result<Vec<String>> {
        Ok(self.ids().skip(self.len().saturating_sub(most)).map(str::to_owned).collect())
    }
}
