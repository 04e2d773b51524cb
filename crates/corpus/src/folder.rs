//! What of a folder is read: its files by name, without what ignore files and globs leave out.

use crate::{
    Error, ReadOptions,
    input::{Format, Plan, Source, format_of},
    read::IgnoreFiles,
};
use ignore::{DirEntry, WalkBuilder, overrides::OverrideBuilder};
use std::{
    fs, io,
    path::{Path, PathBuf},
};

/// The ignore file that only vetted reads, beside `.gitignore` and `.ignore`.
const IGNORE_FILE: &str = ".vettedignore";

/// A symbolic link in a folder that leads nowhere, or back to a folder that it lies in. It is passed over.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BrokenLink {
    /// The link.
    pub path: PathBuf,
    /// Where it leads.
    pub target: PathBuf,
    /// Whether it leads in a circle; else there is nothing at its end.
    pub circular: bool,
}

impl Plan {
    /// Adds the files of `folder`. What fails inside it is kept in [`Plan::failed`], and the rest is listed.
    pub(crate) fn add_folder(&mut self, folder: &Path, options: &ReadOptions) -> Result<(), Error> {
        let root = absolute(folder);
        let mut globs = OverrideBuilder::new(folder);
        let excluded = options.exclude.iter().map(|glob| (glob, format!("!{glob}")));
        let included = options.include.iter().map(|glob| (glob, glob.clone()));
        for (glob, rule) in included.chain(excluded) {
            globs.add(&rule).map_err(|error| Error::Glob { glob: glob.clone(), problem: error.to_string() })?;
        }
        let globs = globs.build().map_err(|error| Error::Glob { glob: String::new(), problem: error.to_string() })?;
        let honoured = options.ignore_files == IgnoreFiles::Honoured;
        // Inside a repository the ignore files above count too, as they do for git. Elsewhere only the folder's own do: a
        // stray `.gitignore` far above says nothing about it.
        let in_repository = root.ancestors().any(|above| above.join(".git").exists());
        let mut walk = WalkBuilder::new(folder);
        walk.standard_filters(honoured)
            .hidden(true)
            .follow_links(true)
            .overrides(globs)
            .parents(honoured && in_repository)
            .require_git(in_repository)
            .sort_by_file_name(|a, b| a.cmp(b));
        if honoured {
            walk.add_custom_ignore_filename(IGNORE_FILE);
        }
        for entry in walk.build() {
            match entry {
                Ok(entry) => self.add_entry(entry, folder, &root, options),
                Err(error) => self.add_failure(error, folder, &root),
            }
        }
        Ok(())
    }

    fn add_entry(&mut self, entry: DirEntry, folder: &Path, root: &Path, options: &ReadOptions) {
        if !entry.file_type().is_some_and(|kind| kind.is_file()) {
            return;
        }
        match format_of(entry.path()) {
            // In a folder, `.json` is more often a setting than a corpus.
            Some((format, compressed)) if format != Format::JsonArray => {
                let bytes = entry.metadata().map_or(0, |metadata| metadata.len());
                let below = entry.path().strip_prefix(folder).unwrap_or(entry.path()).to_path_buf();
                let id = options.file_ids.id(root, &below);
                let origin = Some(root.join(below));
                self.add(Source { path: entry.into_path(), format, compressed, id, origin, found: true }, bytes);
            }
            _ => *self.unread.entry(kind(entry.path())).or_default() += 1,
        }
    }

    fn add_failure(&mut self, error: ignore::Error, folder: &Path, root: &Path) {
        let path = path_of(&error).unwrap_or(folder).to_path_buf();
        let followed = fs::metadata(&path);
        let circular = is_loop(&error) || followed.as_ref().is_err_and(leads_to_itself);
        let below = path.strip_prefix(folder).unwrap_or(&path);
        if let (true, Ok(target)) = (circular || followed.is_err(), fs::read_link(&path)) {
            // What lay behind a link may be away for a while only.
            self.unreadable.push(root.join(below));
            return self.links.push(BrokenLink { path, target, circular });
        }
        self.unreadable.push(root.join(below));
        let source = error.into_io_error().unwrap_or_else(|| io::Error::other("it cannot be listed"));
        self.failed.push(Error::Folder { path, source });
    }
}

/// The path as it is from the root, links in it resolved; as it was given where that cannot be said.
pub(crate) fn absolute(path: &Path) -> PathBuf {
    path.canonicalize().or_else(|_| std::path::absolute(path)).unwrap_or_else(|_| path.to_path_buf())
}

/// The kind of a file by its name: its extension with the dot, in small letters.
fn kind(path: &Path) -> String {
    match path.extension() {
        Some(extension) => format!(".{}", extension.to_string_lossy().to_lowercase()),
        None => "without an extension".into(),
    }
}

fn path_of(error: &ignore::Error) -> Option<&Path> {
    match error {
        ignore::Error::WithPath { path, .. } => Some(path),
        ignore::Error::Loop { child, .. } => Some(child),
        ignore::Error::WithDepth { err, .. } | ignore::Error::WithLineNumber { err, .. } => path_of(err),
        _ => None,
    }
}

/// Whether a link leads to a folder that it lies in.
fn is_loop(error: &ignore::Error) -> bool {
    match error {
        ignore::Error::Loop { .. } => true,
        ignore::Error::WithPath { err, .. }
        | ignore::Error::WithDepth { err, .. }
        | ignore::Error::WithLineNumber { err, .. } => is_loop(err),
        _ => false,
    }
}

/// Whether the operating system went round and round.
fn leads_to_itself(error: &io::Error) -> bool {
    /// What Linux says (ELOOP).
    const TOO_MANY_LINKS: i32 = 40;
    cfg!(target_os = "linux") && error.raw_os_error() == Some(TOO_MANY_LINKS)
}
