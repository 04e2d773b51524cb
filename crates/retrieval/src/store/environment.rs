//! Opening LMDB: the one place in this crate that needs `unsafe`.

use std::fs::{self, File};
use std::io::{self, ErrorKind};
use std::path::Path;

use heed::{Env, EnvFlags, EnvOpenOptions, WithoutTls};

use super::failure;
use crate::error::{Damage, Error, Result};

/// LMDB's file in the store's folder.
pub(crate) const DATA: &str = "data.mdb";
/// LMDB's table of those who read, and its locks.
const LOCK: &str = "lock.mdb";
/// How many processes and threads can search at once.
const READERS: u32 = 1022;

/// What the store is opened for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Access {
    Read,
    /// Without entering the table of those who read. Nobody may write meanwhile.
    ReadUnlocked,
    Write,
}

impl Access {
    /// How to read the store in the folder `path`: without locks only where the lock file cannot be written.
    pub(crate) fn to_read(path: &Path) -> Self {
        match File::options().read(true).write(true).create(true).truncate(false).open(path.join(LOCK)) {
            Err(error) if is_refused(&error) => Access::ReadUnlocked,
            _ => Access::Read,
        }
    }
}

/// Opens the LMDB environment in the folder `path`.
///
/// Readers enter themselves into LMDB's lock file, so that a writer leaves alone what they look at. Where that file cannot be
/// written, because the file system is read-only or the index is another user's, they read without.
///
/// LMDB reserves address space for `limit` bytes, and takes memory and disk only for what is written. Where that much
/// address space is not to be had (`ulimit -v`), less is reserved.
pub(super) fn open(path: &Path, access: Access, limit: usize, tables: u32) -> Result<Env<WithoutTls>> {
    let needed = fs::metadata(path.join(DATA)).map_or(0, |data| data.len() as usize);
    let mut size = whole_pages(limit.max(needed));
    loop {
        match try_open(path, access, size, tables) {
            Err(heed::Error::Io(error)) if out_of_memory(&error) && size / 2 > needed.max(SMALLEST) => {
                size = whole_pages(size / 2);
            }
            opened => {
                let environment = opened.map_err(|source| match source {
                    heed::Error::Io(source) if is_refused(&source) => {
                        Error::Io { action: "open", path: path.join(DATA), source }
                    }
                    source => failure(path, limit, source),
                })?;
                check_length(path, &environment)?;
                return Ok(environment);
            }
        }
    }
}

/// Makes LMDB's files, which it would make unreadable to everybody but their owner. Who may read them is for the folder and the
/// umask to say, as of other files.
pub(super) fn make_files(path: &Path) -> Result<()> {
    for file in [DATA, LOCK] {
        let path = path.join(file);
        let made = File::options().create(true).append(true).open(&path);
        made.map_err(|source| Error::Io { action: "create", path, source })?;
    }
    Ok(())
}

/// LMDB would make a new store where there is none, and the loss would go unnoticed.
pub(super) fn check_present(path: &Path) -> Result<()> {
    match fs::metadata(path.join(DATA)) {
        Ok(data) if data.len() > 0 => Ok(()),
        Err(source) if source.kind() != ErrorKind::NotFound => {
            Err(Error::Io { action: "read", path: path.join(DATA), source })
        }
        _ => Err(Error::StoreDamaged { path: path.to_owned(), damage: Damage::Missing { file: DATA } }),
    }
}

/// Below this, less address space would not help anybody.
const SMALLEST: usize = 1 << 24;

#[allow(unsafe_code)]
fn try_open(path: &Path, access: Access, size: usize, tables: u32) -> heed::Result<Env<WithoutTls>> {
    let mut options = EnvOpenOptions::new().read_txn_without_tls();
    options.map_size(size).max_dbs(tables).max_readers(READERS);
    let flags = match access {
        Access::Read => EnvFlags::READ_ONLY,
        Access::ReadUnlocked => EnvFlags::READ_ONLY | EnvFlags::NO_LOCK,
        Access::Write => EnvFlags::empty(),
    };
    // SAFETY: LMDB maps its file into memory, so the file must be changed by LMDB alone and only under LMDB's own
    // locks. It lies in a folder of ours that nothing else writes to; heed refuses to open one environment twice in a process;
    // the documentation says that network file systems, where these locks do not work, are not supported. READ_ONLY takes
    // rights away and cannot break anything. Without locks, the file must not change at all: whoever opens it so holds the
    // index's ReaderLock, which keeps writers away; where there is no file to lock, the documentation says that nobody may
    // write.
    unsafe {
        options.flags(flags);
        options.open(path)
    }
}

/// LMDB would crash on touching a page that the file does not have, so a file that was cut short is found here.
fn check_length(path: &Path, environment: &Env<WithoutTls>) -> Result<()> {
    let page = u64::from(environment.unnamed_database_stat().page_size);
    let expected = (environment.info().last_page_number as u64 + 1) * page;
    let got = environment.real_disk_size().map_err(|source| failure(path, 0, source))?;
    if got < expected {
        let damage = Damage::Truncated { expected, got };
        return Err(Error::StoreDamaged { path: path.to_owned(), damage });
    }
    Ok(())
}

/// LMDB wants a map of whole pages; 64 KiB is a multiple of every page size in use.
fn whole_pages(bytes: usize) -> usize {
    const UNIT: usize = 1 << 16;
    bytes.div_ceil(UNIT).max(1).saturating_mul(UNIT)
}

fn out_of_memory(error: &io::Error) -> bool {
    error.kind() == ErrorKind::OutOfMemory
}

/// Whether the operating system does not let this process write here.
fn is_refused(error: &io::Error) -> bool {
    matches!(error.kind(), ErrorKind::PermissionDenied | ErrorKind::ReadOnlyFilesystem)
}
