//! `vetted sync`: an index brought into line with files and folders, what is gone from there removed.

use std::io::{Write, stdout};

use anyhow::{Result, bail};
use clap::Args;
use vetted::{Engine, Gone, Indexed, Sighted};

use super::index::{Index, Pruning, input};
use crate::terminal::{printable, say};

/// As `vetted index`; then it removes the documents that came from these files and folders before, and are not there any more.
/// What came from elsewhere stays, and so does what came from a file or folder that cannot be read.
#[derive(Args)]
pub struct Sync {
    #[command(flatten)]
    index: Index,
    /// Say what would be done, and do nothing
    #[arg(long)]
    dry_run: bool,
    /// Remove everything that came from the files and folders, if they hold nothing any more
    #[arg(long)]
    allow_empty: bool,
}

impl Sync {
    pub fn run(self) -> Result<()> {
        if self.index.input.inputs.iter().any(|input| input.as_os_str() == "-") {
            bail!("nobody can tell what is gone from standard input: sync reads files and folders");
        }
        match self.dry_run {
            true => self.foresee(),
            false => self.index.run_with(Some(Pruning { allow_empty: self.allow_empty })),
        }
    }

    fn foresee(self) -> Result<()> {
        let Index { input, into, .. } = &self.index;
        let engine = Engine::open(into)?;
        let mut reader = input.read(self.index.vector_field()?);
        let (mut sighted, mut sum) = (Sighted::default(), Indexed::default());
        while let Some(document) = reader.next().transpose()? {
            sighted.add(&document.id, reader.origin().and_then(|origin| origin.absolute.as_deref()));
            let Indexed { added, replaced, unchanged, .. } = engine.foresee(&document)?;
            sum.added += added;
            sum.replaced += replaced;
            sum.unchanged += unchanged;
        }
        let gone = engine.gone(reader.roots(), reader.unreadable(), &sighted)?;
        input::report_left_out(&reader);
        report(&gone);
        if !self.allow_empty {
            check_emptied(&gone)?;
        }
        let mut out = stdout().lock();
        for id in &gone.documents {
            writeln!(out, "would delete {}", printable(id))?;
        }
        let Indexed { added, replaced, unchanged, .. } = sum;
        let deleted = gone.documents.len();
        writeln!(out, "would add {added}, replace {replaced}, leave {unchanged} unchanged, delete {deleted}")?;
        Ok(())
    }
}

/// Fails if nothing is left of a folder that had documents: it may only not be mounted.
pub fn check_emptied(gone: &Gone) -> Result<()> {
    match gone.emptied.first() {
        Some(root) if !gone.documents.is_empty() => bail!(
            "no document came from {}, which had some before: nothing was removed. If it is empty on purpose: --allow-empty",
            root.display()
        ),
        _ => Ok(()),
    }
}

/// Says which documents stay although nobody has seen them.
pub fn report(gone: &Gone) {
    if gone.unreadable > 0 {
        say(format_args!(
            "note: {} documents stay, as the file or folder they came from could not be read",
            gone.unreadable
        ));
    }
    if gone.unknown > 0 {
        say(format_args!(
            "note: of {} documents it is not known where they came from (standard input, a program, or an earlier version of \
             vetted): they stay",
            gone.unknown
        ));
    }
}
