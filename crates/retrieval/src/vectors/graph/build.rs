//! Making the graph, and bringing it up to date.

use std::collections::HashMap;
use std::fs;
use std::path::Path;

use sha2::{Digest as _, Sha256};

use super::file::{Contents, DRAFT, GRAPH, Occurrence, Unusable};
use super::{empty, failure, threads, utf8};
use crate::error::{Error, Result};
use crate::notice::Notice;
use crate::settings::Settings;
use crate::store::Reading;

/// How many documents are looked up before their passages are linked.
const AT_A_TIME: usize = 4096;
/// A graph of which more than one in this many passages is of a removed document is made anew.
const REMOVED_ONE_IN: usize = 5;

/// A document's number, and how many passages it has.
type Document = (u64, u32);

/// What is to be done about a graph.
enum Plan {
    Leave,
    Extend(Contents),
    Rebuild,
}

/// Makes the graph in `folder` hold what the store holds, except for a few documents that are quicker to compare with
/// each query than to link. The new graph is on disk when this returns, and the one before until then. The caller holds
/// the writer's lock.
pub(crate) fn refresh(folder: &Path, reading: &Reading, settings: &Settings) -> Result<Option<Notice>> {
    let documents = reading.passage_counts()?;
    let passages = documents.iter().map(|(_, count)| *count as usize).sum();
    if !settings.wants_graph(passages) {
        return Ok(None);
    }
    let mut notice = None;
    let plan = match Contents::read(&folder.join(GRAPH), reading.dimensions(), || Some(reading.sequence()))
        .and_then(|contents| plan(contents, &documents, settings))
    {
        Ok(plan) => plan,
        Err(Unusable::Missing) => Plan::Rebuild,
        Err(reason) => {
            notice = Some(Notice::GraphRebuilt { reason: reason.to_string(), passages });
            Plan::Rebuild
        }
    };
    let (before, lacking) = match plan {
        Plan::Leave => return Ok(None),
        Plan::Rebuild => (None, documents.as_slice()),
        Plan::Extend(contents) => {
            let held = documents.partition_point(|(number, _)| *number < contents.end);
            (Some(contents), &documents[held..])
        }
    };
    let written = write(folder, reading, before, lacking);
    if written.is_err() {
        // It may be the disk that is full. Whether this works is not what the caller has to know.
        let _ = fs::remove_file(folder.join(DRAFT));
    }
    written.map(|()| notice)
}

/// What is to be done about a graph that can be read. An error means that it is not of this store.
fn plan(contents: Contents, documents: &[Document], settings: &Settings) -> std::result::Result<Plan, Unusable> {
    let mut held: HashMap<u64, u32> = HashMap::new();
    for passage in &contents.passages {
        *held.entry(passage.number).or_default() += 1;
    }
    let (mut living, mut lacking) = (0, 0);
    for (number, count) in documents {
        match held.get(number).copied().unwrap_or(0) {
            held if held == *count && *number < contents.end => living += *count as usize,
            0 if *number >= contents.end => lacking += *count as usize,
            _ => return Err(Unusable::Disagrees { number: *number }),
        }
    }
    let removed = contents.passages.len() - living;
    Ok(if removed > contents.passages.len() / REMOVED_ONE_IN {
        Plan::Rebuild
    } else if lacking > settings.tolerated_tail() {
        Plan::Extend(contents)
    } else {
        Plan::Leave
    })
}

/// Writes a graph of what is in `before`, if anything, and the documents it is `lacking`.
fn write(folder: &Path, reading: &Reading, before: Option<Contents>, lacking: &[Document]) -> Result<()> {
    let path = folder.join(GRAPH);
    let fail = |action| move |source: Unusable| failure(&folder.join(GRAPH), action, source);
    let dimensions = reading.dimensions();
    let index = empty(dimensions).map_err(fail("create"))?;
    let mut linker = Linker { index, reading, path: &path, rows: HashMap::new(), passages: Vec::new() };
    if let Some(before) = before {
        let path = utf8(&path).map_err(fail("load"))?;
        linker.index.load(path).map_err(Unusable::library).map_err(fail("load"))?;
        linker.recall(before.passages)?;
    }
    linker.link(lacking)?;

    let draft = folder.join(DRAFT);
    let path = utf8(&draft).map_err(fail("save"))?;
    linker.index.save(path).map_err(Unusable::library).map_err(fail("save"))?;
    let io = |action| {
        let path = draft.clone();
        move |source| Error::Io { action, path, source }
    };
    // usearch does not notice if its last bytes could not be written.
    let (got, expected) = (fs::metadata(&draft).map_err(io("read"))?.len(), linker.index.serialized_length() as u64);
    if got != expected {
        return Err(fail("save")(Unusable::Truncated { got, expected }));
    }
    let end = lacking.last().map_or(0, |(number, _)| number + 1);
    let contents = Contents { passages: linker.passages, end, sequence: reading.sequence(), dimensions };
    contents.finish(folder).map_err(io("write"))
}

/// What two vectors share if and only if they are equal.
type Digest = [u8; 32];

/// Adds passages to a graph, those with equal vectors as one.
struct Linker<'link> {
    index: usearch::Index,
    reading: &'link Reading,
    path: &'link Path,
    /// Where each vector is.
    rows: HashMap<Digest, u64>,
    passages: Vec<Occurrence>,
}

impl Linker<'_> {
    /// Takes in what the graph holds already. Of removed documents the store has no vectors any more, so that a new passage
    /// equal to one of theirs gets a row of its own.
    fn recall(&mut self, passages: Vec<Occurrence>) -> Result<()> {
        let dimensions = self.reading.dimensions();
        let mut vectors = Vec::new();
        for document in passages.chunk_by(|a, b| a.number == b.number) {
            let Some(stored) = document.first().map(|it| self.reading.find_vectors(it.number)).transpose()?.flatten()
            else {
                continue;
            };
            vectors.clear();
            stored.read(&mut vectors);
            let digests = vectors.chunks_exact(dimensions).map(digest);
            self.rows.extend(digests.zip(document).map(|(digest, passage)| (digest, passage.row)));
        }
        self.passages = passages;
        Ok(())
    }

    /// Adds the passages of `documents`, with all threads.
    fn link(&mut self, documents: &[Document]) -> Result<()> {
        let fail = |source| failure(self.path, "extend", source);
        let dimensions = self.reading.dimensions();
        let most: usize = documents.iter().map(|(_, count)| *count as usize).sum();
        let mut size = self.index.size() as u64;
        self.index.reserve_capacity_and_threads(size as usize + most, threads::count()).map_err(fail)?;
        for documents in documents.chunks(AT_A_TIME) {
            let mut vectors = Vec::new();
            for stored in self.reading.vectors_of(documents.iter().map(|(number, _)| *number))? {
                stored.read(&mut vectors);
            }
            let digests: Vec<Digest> = vectors.chunks_exact(dimensions).map(digest).collect();
            let owners = documents.iter().flat_map(|(number, count)| std::iter::repeat_n(*number, *count as usize));
            let mut new = Vec::new();
            for ((number, digest), vector) in owners.zip(digests).zip(vectors.chunks_exact(dimensions)) {
                let row = *self.rows.entry(digest).or_insert_with(|| {
                    new.push((size, vector));
                    size += 1;
                    size - 1
                });
                self.passages.push(Occurrence { number, row });
            }
            let added = threads::map(&new, |(row, vector)| self.index.add(*row, vector));
            added.into_iter().collect::<std::result::Result<(), _>>().map_err(fail)?;
        }
        Ok(())
    }
}

fn digest(vector: &[f32]) -> Digest {
    let bytes: Vec<u8> = vector.iter().flat_map(|value| value.to_le_bytes()).collect();
    Sha256::digest(bytes).into()
}
