//! The graph's file: what usearch writes, then whose vectors they are, then a footer with a checksum of all of it.
//!
//! | bytes | |
//! |---|---|
//! | ... | usearch's own format |
//! | 16 per passage | the number of the document, and the row of the passage's vector; by document, in the order of passages |
//! | 8 | `vetted` and the format, two digits |
//! | 8 each | passages, dimensions, links per row, candidates while linking, first number that is not included, the store's sequence number |
//! | 4 | CRC-32 of everything before |
//!
//! Numbers are `u64`, little-endian. Passages of equal vectors, as of a text that occurs again and again, share a row: in
//! a graph they would be linked to each other and to nothing else, and searches would not get past them.

use std::fs::{self, File};
use std::io::{self, BufRead, BufReader, ErrorKind, Read, Seek, SeekFrom, Write};
use std::path::Path;
use std::time::SystemTime;

use crc32fast::Hasher;
use vetted_tensors::move_into_place;

use crate::vectors::graph::{CANDIDATES_LINKING, CONNECTIVITY, threads};

/// The graph in its folder.
pub(super) const GRAPH: &str = "graph";
/// The graph before it is whole.
pub(super) const DRAFT: &str = "graph.new";

/// Its last digits grow when the file's form changes; a graph of another format is made anew.
const MAGIC: [u8; 8] = *b"vetted01";
const FIELDS: usize = 6;
const FOOTER: usize = MAGIC.len() + 8 * FIELDS + 4;

/// A passage of a document, by where its vector is in the graph.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Occurrence {
    /// The document's number.
    pub(super) number: u64,
    pub(super) row: u64,
}

/// What is known about a graph besides usearch's part.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Contents {
    /// The passages, by ascending number of the document and in their order.
    pub(super) passages: Vec<Occurrence>,
    /// Documents from this number on are not included.
    pub(super) end: u64,
    /// The store's sequence number when the graph was made.
    pub(super) sequence: u64,
    pub(super) dimensions: usize,
}

/// Why a graph cannot be used.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Unusable {
    #[error("there is none yet")]
    Missing,
    #[error("it is not in the form this version writes")]
    Format,
    #[error("it fails its checksum")]
    Checksum,
    #[error("it is newer than the store")]
    AheadOfStore,
    #[error("it disagrees with the store about document number {number}")]
    Disagrees { number: u64 },
    #[error("{got} of its {expected} bytes were written")]
    Truncated { got: u64, expected: u64 },
    #[error("it was replaced while it was opened")]
    Replaced,
    #[error("its path is not UTF-8")]
    Path,
    #[error("{0}")]
    Io(#[from] io::Error),
    #[error("{0}")]
    Library(Box<dyn std::error::Error + Send + Sync>),
}

impl Unusable {
    pub(super) fn library(source: impl std::error::Error + Send + Sync + 'static) -> Self {
        Self::Library(Box::new(source))
    }
}

/// Tells one graph's file from the next.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Stamp {
    length: u64,
    modified: SystemTime,
}

impl Stamp {
    /// The stamp of the graph in `folder`; `None` if there is none.
    pub(crate) fn of(folder: &Path) -> Option<Self> {
        let file = fs::metadata(folder.join(GRAPH)).ok()?;
        Some(Self { length: file.len(), modified: file.modified().ok()? })
    }
}

impl Contents {
    /// Reads the end of the graph at `path` and compares the checksum of the whole file. `newest` gives the sequence number
    /// of the store as it is after the file was opened; `None` if it does not.
    pub(super) fn read(path: &Path, dimensions: usize, newest: impl FnOnce() -> Option<u64>) -> Result<Self, Unusable> {
        let mut file = File::open(path).map_err(|error| match error.kind() {
            ErrorKind::NotFound => Unusable::Missing,
            _ => Unusable::Io(error),
        })?;
        let length = file.metadata()?.len();
        let start = length.checked_sub(FOOTER as u64).ok_or(Unusable::Format)?;
        file.seek(SeekFrom::Start(start))?;
        let mut footer = [0; FOOTER];
        file.read_exact(&mut footer)?;
        let (magic, rest) = footer.split_at(MAGIC.len());
        let (fields, checksum) = rest.as_chunks::<8>();
        let field = |at: usize| fields.get(at).map_or(0, |bytes| u64::from_le_bytes(*bytes));
        let [passages, held, connectivity, candidates, end, sequence] = [0, 1, 2, 3, 4, 5].map(field);
        let expected = (dimensions as u64, CONNECTIVITY as u64, CANDIDATES_LINKING as u64);
        if magic != MAGIC || (held, connectivity, candidates) != expected {
            return Err(Unusable::Format);
        }
        if newest().is_none_or(|it| it < sequence) {
            return Err(Unusable::AheadOfStore);
        }
        if checksum != checksum_of(path, length - 4, PIECE)?.to_le_bytes() {
            return Err(Unusable::Checksum);
        }
        let start = passages.checked_mul(16).and_then(|bytes| start.checked_sub(bytes)).ok_or(Unusable::Format)?;
        file.seek(SeekFrom::Start(start))?;
        let mut reader = BufReader::new(file);
        let mut number = || {
            let mut bytes = [0; 8];
            reader.read_exact(&mut bytes).map(|()| u64::from_le_bytes(bytes))
        };
        let mut occurrence = || Ok(Occurrence { number: number()?, row: number()? });
        let passages = (0..passages).map(|_| occurrence()).collect::<io::Result<_>>()?;
        Ok(Self { passages, end, sequence, dimensions })
    }

    /// Completes the draft that usearch has just written in `folder`, and puts it in the place of the graph before.
    pub(super) fn finish(&self, folder: &Path) -> io::Result<()> {
        let path = folder.join(DRAFT);
        let numbers = self.passages.iter().flat_map(|passage| [passage.number, passage.row]);
        let mut bytes: Vec<u8> = numbers.flat_map(u64::to_le_bytes).collect();
        bytes.extend_from_slice(&MAGIC);
        let sizes = [self.passages.len(), self.dimensions, CONNECTIVITY, CANDIDATES_LINKING].map(|it| it as u64);
        bytes.extend(sizes.into_iter().chain([self.end, self.sequence]).flat_map(u64::to_le_bytes));
        let mut file = File::options().append(true).open(&path)?;
        file.write_all(&bytes)?;
        let length = file.metadata()?.len();
        let checksum = checksum_of(&path, length, PIECE)?;
        file.write_all(&checksum.to_le_bytes())?;
        drop(file);
        move_into_place(&path, &folder.join(GRAPH))
    }
}

/// How much of a file one thread takes at a time.
const PIECE: u64 = 16 << 20;

/// The CRC-32 of a file's first `length` bytes, read by several threads in pieces.
fn checksum_of(path: &Path, length: u64, piece: u64) -> io::Result<u32> {
    let checksum_at = |start: u64| -> io::Result<Hasher> {
        let mut file = File::open(path)?;
        file.seek(SeekFrom::Start(start))?;
        let mut reader = BufReader::with_capacity(1 << 18, file.take(piece.min(length - start)));
        let mut checksum = Hasher::new();
        loop {
            let bytes = reader.fill_buf()?;
            if bytes.is_empty() {
                return Ok(checksum);
            }
            checksum.update(bytes);
            let read = bytes.len();
            reader.consume(read);
        }
    };
    let starts: Vec<u64> = (0..length.div_ceil(piece)).map(|at| at * piece).collect();
    let mut checksum = Hasher::new();
    for piece in threads::map(&starts, |start| checksum_at(*start)) {
        checksum.combine(&piece?);
    }
    Ok(checksum.finalize())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_checksum_of_pieces_is_that_of_the_whole() {
        let bytes: Vec<u8> = (0..10_000u32).map(|at| ((at * at) >> 3) as u8).collect();
        let file = tempfile::NamedTempFile::new().unwrap();
        fs::write(file.path(), &bytes).unwrap();
        for length in [0, 1, 999, 1000, 1001, 10_000] {
            let expected = crc32fast::hash(&bytes[..length]);
            assert_eq!(checksum_of(file.path(), length as u64, 1000).unwrap(), expected);
        }
    }
}
