//! The log: a file that only grows, frame by frame.
//!
//! A frame is what is written and brought to the disk at once: one change, or several that came while the disk was busy. The next
//! frame is begun when this one is on the disk. So a frame that has an intact one after it was on the disk, whole; if it cannot be
//! read, the file was damaged later, and that is an error. A frame at the end that cannot be read was being written when the
//! process died, and nobody was told that it is kept: it is cut off.
//!
//! All numbers are little-endian:
//!
//! ```text
//! file    "vetted cache 1\r\n", mark (8 random bytes), CRC-32 of both, frames
//! frame   mark, length u32, number u64 (0, 1, 2, ...), CRC-32 of the content, CRC-32 of all before; content
//! ```
//!
//! The mark keeps what somebody stores from looking like a frame.

use std::fs::File;
use std::io::{self, BufReader, Read, Seek, SeekFrom, Write};
use std::path::Path;

use vetted_tensors::Replacement;

use super::MemoryNotice;
use super::journal::Change;
use crate::BackendError;

const MAGIC: &[u8; 16] = b"vetted cache 1\r\n";
const FILE_HEADER: usize = 16 + 8 + 4;
const FRAME_HEADER: usize = 8 + 4 + 8 + 4 + 4;

type Mark = [u8; 8];

/// What is known of a log while it is written.
pub(super) struct Format {
    mark: Mark,
    /// The number of the next frame.
    next: u64,
}

/// A log that was read.
pub(super) struct Opened {
    pub(super) file: File,
    pub(super) format: Format,
    /// Where it ends.
    pub(super) length: u64,
    pub(super) notice: Option<MemoryNotice>,
}

/// Opens the log at `path`, or begins one, and hands over all changes in it, in their order.
pub(super) fn open(path: &Path, changed: impl FnMut(Change)) -> Result<Opened, BackendError> {
    let io = |action| move |source| BackendError::Io { action, path: path.to_owned(), source };
    if !path.exists() {
        let (draft, ..) = begin(path).map_err(io("create"))?;
        draft.commit().map_err(io("create"))?;
    }
    let mut file = File::options().read(true).write(true).open(path).map_err(io("open"))?;
    let end = file.metadata().map_err(io("read"))?.len();
    let mark = read_file_header(&mut file, path)?;
    let mut frames =
        Frames { file: BufReader::with_capacity(1 << 20, &file), path, mark, at: FILE_HEADER as u64, end, next: 0 };
    frames.read_all(changed)?;
    let (at, next) = (frames.at, frames.next);
    let mut notice = None;
    if at < end {
        file.set_len(at).and_then(|()| file.sync_all()).map_err(io("cut off the end of"))?;
        notice = Some(MemoryNotice::TailCut { path: path.to_owned(), at, bytes: end - at });
    }
    file.seek(SeekFrom::Start(at)).map_err(io("read"))?;
    Ok(Opened { file, format: Format { mark, next }, length: at, notice })
}

/// A new log, not in its place yet; its format, and its length.
pub(super) fn begin(path: &Path) -> io::Result<(Replacement, Format, u64)> {
    let mut mark = [0; 8];
    getrandom::fill(&mut mark).map_err(io::Error::other)?;
    let mut header = Vec::with_capacity(FILE_HEADER);
    header.extend(MAGIC);
    header.extend(mark);
    header.extend(crc32fast::hash(&header).to_le_bytes());
    let mut draft = Replacement::create(path)?;
    draft.write_all(&header)?;
    Ok((draft, Format { mark, next: 0 }, FILE_HEADER as u64))
}

impl Format {
    /// A frame of `content`, whose header has been left free at its beginning ([`Format::room`]).
    pub(super) fn close(&mut self, mut frame: Vec<u8>) -> Vec<u8> {
        let content = &frame[FRAME_HEADER..];
        // A batch is bounded far below 4 GiB.
        let (length, checksum) = (u32::try_from(content.len()).unwrap_or(u32::MAX), crc32fast::hash(content));
        let mut header = Vec::with_capacity(FRAME_HEADER);
        header.extend(self.mark);
        header.extend(length.to_le_bytes());
        header.extend(self.next.to_le_bytes());
        header.extend(checksum.to_le_bytes());
        header.extend(crc32fast::hash(&header).to_le_bytes());
        frame[..FRAME_HEADER].copy_from_slice(&header);
        self.next += 1;
        frame
    }

    /// Whether the log at `path` is this one.
    pub(super) fn is_of(&self, path: &Path) -> bool {
        File::open(path).is_ok_and(|mut file| read_file_header(&mut file, path).is_ok_and(|mark| mark == self.mark))
    }

    /// A frame without content yet.
    pub(super) fn room() -> Vec<u8> {
        vec![0; FRAME_HEADER]
    }

    /// The frame that was closed last is not in the file.
    pub(super) fn take_back(&mut self) {
        self.next -= 1;
    }
}

fn read_file_header(file: &mut File, path: &Path) -> Result<Mark, BackendError> {
    let mut header = [0; FILE_HEADER];
    let not_a_log = |what| BackendError::NotALog { path: path.to_owned(), what };
    match file.read_exact(&mut header) {
        Ok(()) => {}
        Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => return Err(not_a_log("it is too short")),
        Err(source) => return Err(BackendError::Io { action: "read", path: path.to_owned(), source }),
    }
    if &header[..16] != MAGIC {
        return Err(not_a_log("it does not begin as one, or as one of another version"));
    }
    if crc32fast::hash(&header[..24]).to_le_bytes() != header[24..] {
        return Err(BackendError::Damaged { path: path.to_owned(), at: 16, what: "its first bytes changed" });
    }
    Ok(header[16..24].try_into().unwrap_or_default())
}

struct Frames<'a> {
    file: BufReader<&'a File>,
    path: &'a Path,
    mark: Mark,
    /// Where the next frame begins, or where the intact ones end.
    at: u64,
    end: u64,
    next: u64,
}

/// What the header of a frame says.
struct Header {
    length: u32,
    number: u64,
    checksum: u32,
}

impl Frames<'_> {
    /// Reads up to the end of what is intact.
    fn read_all(&mut self, mut changed: impl FnMut(Change)) -> Result<(), BackendError> {
        while self.at < self.end {
            let what = match self.read_frame()? {
                Ok(content) => match Change::read_all(&content) {
                    Ok(changes) => {
                        changes.into_iter().for_each(&mut changed);
                        self.at += (FRAME_HEADER + content.len()) as u64;
                        self.next += 1;
                        continue;
                    }
                    // Its checksum is right, so this is what was written.
                    Err(_) => return Err(self.damaged("a change cannot be read")),
                },
                Err(what) => what,
            };
            return if self.has_frame_after()? { Err(self.damaged(what)) } else { Ok(()) };
        }
        Ok(())
    }

    /// The next frame's content, or what is wrong with it.
    fn read_frame(&mut self) -> Result<Result<Vec<u8>, &'static str>, BackendError> {
        let rest = self.end - self.at;
        if rest < FRAME_HEADER as u64 {
            return Ok(Err("a frame is too short"));
        }
        let mut header = [0; FRAME_HEADER];
        self.read_exact(&mut header)?;
        let Some(Header { length, number, checksum }) = read_header(&header, self.mark) else {
            return Ok(Err("a frame does not begin as one"));
        };
        // It was begun, so the one before it was on the disk.
        if number != self.next {
            return Err(self.damaged("a frame is missing"));
        }
        if u64::from(length) > rest - FRAME_HEADER as u64 {
            return Ok(Err("a frame is longer than the file"));
        }
        let mut content = vec![0; length as usize];
        self.read_exact(&mut content)?;
        Ok(if crc32fast::hash(&content) == checksum { Ok(content) } else { Err("a frame's checksum is wrong") })
    }

    fn read_exact(&mut self, into: &mut [u8]) -> Result<(), BackendError> {
        self.file.read_exact(into).map_err(|source| self.io(source))
    }

    /// Whether the beginning of a frame stands anywhere after that of the one that cannot be read.
    fn has_frame_after(&mut self) -> Result<bool, BackendError> {
        let mut at = self.at + 1;
        let mut block = vec![0; 1 << 20];
        // A header may lie across two blocks.
        while at + FRAME_HEADER as u64 <= self.end {
            let length = (self.end - at).min(block.len() as u64) as usize;
            self.file.seek(SeekFrom::Start(at)).map_err(|source| self.io(source))?;
            self.file.read_exact(&mut block[..length]).map_err(|source| self.io(source))?;
            let is_header = |header: &[u8]| {
                header.starts_with(&self.mark)
                    && read_header(header, self.mark).is_some_and(|header| header.number >= self.next)
            };
            if block[..length].windows(FRAME_HEADER).any(is_header) {
                return Ok(true);
            }
            at += (length - (FRAME_HEADER - 1)) as u64;
        }
        Ok(false)
    }

    fn damaged(&self, what: &'static str) -> BackendError {
        BackendError::Damaged { path: self.path.to_owned(), at: self.at, what }
    }

    fn io(&self, source: io::Error) -> BackendError {
        BackendError::Io { action: "read", path: self.path.to_owned(), source }
    }
}

fn read_header(header: &[u8], mark: Mark) -> Option<Header> {
    let (said, checksum) = header.split_last_chunk::<4>()?;
    let mut rest = crate::encoding::Rest(said);
    let same = rest.array::<8>().ok()? == mark && crc32fast::hash(said).to_le_bytes() == *checksum;
    let length = u32::from_le_bytes(rest.array().ok()?);
    let number = u64::from_le_bytes(rest.array().ok()?);
    let checksum = u32::from_le_bytes(rest.array().ok()?);
    same.then_some(Header { length, number, checksum })
}

/// The contents of whole frames that stand one after the other in `bytes`.
pub(super) fn contents(bytes: &[u8]) -> io::Result<Vec<Vec<u8>>> {
    let (mut rest, mut contents) = (bytes, Vec::new());
    while !rest.is_empty() {
        let broken = || io::Error::from(io::ErrorKind::InvalidData);
        let (header, after) = rest.split_at_checked(FRAME_HEADER).ok_or_else(broken)?;
        let mark = header.first_chunk().copied().unwrap_or_default();
        let header = read_header(header, mark).ok_or_else(broken)?;
        let (content, after) = after.split_at_checked(header.length as usize).ok_or_else(broken)?;
        if crc32fast::hash(content) != header.checksum {
            return Err(broken());
        }
        contents.push(content.to_vec());
        rest = after;
    }
    Ok(contents)
}
