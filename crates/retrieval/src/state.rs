//! What an index keeps in memory, and how it follows the store.

use std::collections::HashSet;
use std::path::{Path, PathBuf};

use crate::error::{Error, Result};
use crate::lock::WriterLock;
use crate::notice::Notice;
use crate::roster::Roster;
use crate::settings::Settings;
use crate::store::Snapshot;
use crate::text::{self, Difference, TextIndex};
use crate::vectors::{self, Vectors};

/// The caches of one moment. The vectors and the text index are loaded when a query first needs them.
pub(crate) struct State {
    /// The store's sequence number that the roster and the vectors include.
    sequence: u64,
    roster: Roster,
    vectors: Option<Vectors>,
    text: Option<TextIndex>,
    /// The store's sequence number that the text index includes in memory.
    text_sequence: Option<u64>,
}

/// What a query needs besides the roster.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Needs {
    pub(crate) vectors: bool,
    pub(crate) text: bool,
}

/// What following the store takes.
pub(crate) struct Surroundings<'index> {
    /// The index's folder.
    pub(crate) directory: &'index Path,
    pub(crate) settings: &'index Settings,
    /// Whether this index holds the writer's lock.
    pub(crate) writable: bool,
}

impl Surroundings<'_> {
    /// Where the graph of the vectors is.
    fn vectors(&self) -> PathBuf {
        self.directory.join(vectors::FOLDER)
    }
}

/// A document that was written, as the caches take it.
pub(crate) struct Written {
    pub(crate) number: u64,
    pub(crate) id: String,
    /// The passages' vectors one after the other.
    pub(crate) vectors: Vec<f32>,
}

impl State {
    pub(crate) fn load(snapshot: &Snapshot<'_>) -> Result<Self> {
        Ok(Self {
            sequence: snapshot.sequence()?,
            roster: Roster::load(snapshot)?,
            vectors: None,
            text: None,
            text_sequence: None,
        })
    }

    /// Whether a query with these needs can be answered as of `snapshot`.
    pub(crate) fn serves(&self, snapshot: &Snapshot<'_>, needs: Needs, around: &Surroundings<'_>) -> Result<bool> {
        let current = self.sequence == snapshot.sequence()? && !self.roster.is_sparse();
        let vectors = !needs.vectors || self.has_current_vectors(around);
        let text = !needs.text || self.text_sequence == Some(self.sequence);
        Ok(current && vectors && text)
    }

    /// Makes [`State::serves`] true, except that the text index may lack changes that another process is about to make;
    /// a notice says so.
    pub(crate) fn follow(
        &mut self,
        snapshot: &Snapshot<'_>,
        needs: Needs,
        around: &Surroundings<'_>,
        notices: &mut Vec<Notice>,
    ) -> Result<()> {
        if self.sequence != snapshot.sequence()? {
            self.follow_roster(snapshot)?;
        }
        if self.roster.is_sparse() {
            *self = Self { text: self.text.take(), ..Self::load(snapshot)? };
            if let Some(text) = &mut self.text {
                let path = around.directory.join(text::FOLDER);
                text.reload(&self.roster).map_err(|source| text::failure(&path, source))?;
            }
        }
        if needs.vectors && !self.has_current_vectors(around) {
            self.vectors = None; // before the new ones take memory
            self.vectors = Some(Vectors::load(snapshot, &self.roster, &around.vectors(), around.settings, notices)?);
        }
        if needs.text && self.text_sequence != Some(self.sequence) {
            self.follow_text(snapshot, around, notices)?;
        }
        Ok(())
    }

    /// Takes in what this process has just written.
    pub(crate) fn apply(&mut self, sequence: u64, removed: &[u64], added: Vec<Written>) {
        for number in removed {
            self.roster.remove(*number);
        }
        for Written { number, id, vectors } in added {
            let ordinal = self.roster.add(number, id);
            if let Some(index) = &mut self.vectors {
                index.add(ordinal, &vectors);
            }
        }
        self.sequence = sequence;
    }

    pub(crate) fn roster(&self) -> &Roster {
        &self.roster
    }

    pub(crate) fn vectors(&self) -> Option<&Vectors> {
        self.vectors.as_ref()
    }

    fn has_current_vectors(&self, around: &Surroundings<'_>) -> bool {
        self.vectors.as_ref().is_some_and(|index| index.is_current(&around.vectors(), around.settings))
    }

    pub(crate) fn text(&self) -> Option<&TextIndex> {
        self.text.as_ref()
    }

    /// Ends the text index's background work.
    pub(crate) fn settle(&mut self) -> Result<()> {
        match &mut self.text {
            Some(text) => text.settle(&self.roster),
            None => Ok(()),
        }
    }

    /// Takes in what another process has written: the difference of the store's numbers and the roster's.
    fn follow_roster(&mut self, snapshot: &Snapshot<'_>) -> Result<()> {
        let mut stored = HashSet::new();
        let mut added = Vec::new();
        snapshot.each_id(|number, id| {
            stored.insert(number);
            if self.roster.ordinal(number).is_none() {
                added.push((number, id));
            }
        })?;
        let removed: Vec<u64> =
            self.roster.living().map(|(_, number)| number).filter(|it| !stored.contains(it)).collect();
        removed.into_iter().for_each(|number| self.roster.remove(number));
        added.sort_unstable_by_key(|(number, _)| *number);
        for (number, id) in added {
            let ordinal = self.roster.add(number, id);
            if let Some(index) = &mut self.vectors {
                index.load_one(snapshot, ordinal, number)?;
            }
        }
        self.sequence = snapshot.sequence()?;
        Ok(())
    }

    /// Brings the text index up to date: in memory if the one on disk is, and on disk if nobody else is writing.
    fn follow_text(
        &mut self,
        snapshot: &Snapshot<'_>,
        around: &Surroundings<'_>,
        notices: &mut Vec<Notice>,
    ) -> Result<()> {
        let path = around.directory.join(text::FOLDER);
        let first_use = self.text.is_none();
        let opened = match self.text.take() {
            Some(text) if around.writable => Ok(text),
            Some(mut text) => text.reload(&self.roster).map(|()| text),
            None => TextIndex::open(&path, &self.roster),
        };
        self.text_sequence = opened.as_ref().ok().and_then(TextIndex::sequence);
        if self.text_sequence == Some(self.sequence) {
            self.text = opened.ok();
            return Ok(());
        }
        // A reader repairs what a killed writer left behind, but does not wait for a living one.
        let lock = if around.writable { None } else { WriterLock::take(around.directory).ok() };
        if !around.writable && lock.is_none() {
            let text = opened.map_err(|source| text::failure(&path, source))?;
            let missing = text.difference(&self.roster).added;
            notices.extend((missing > 0).then_some(Notice::TextBehind { missing }));
            self.text = Some(text);
            return Ok(());
        }
        let updated = opened.map_err(|source| text::failure(&path, source)).and_then(|mut text| {
            let difference = text.catch_up(snapshot, &self.roster, around.settings)?;
            Ok((text, difference))
        });
        let mut text = match updated {
            Ok((text, Difference { added, removed })) => {
                if first_use && added + removed > 0 {
                    notices.push(Notice::TextCaughtUp { added, removed });
                }
                text
            }
            Err(Error::Text { source, .. }) => {
                let mut text = TextIndex::create(&path)?;
                let documents = text.catch_up(snapshot, &self.roster, around.settings)?.added;
                notices.push(Notice::TextRebuilt { reason: source.to_string(), documents });
                text
            }
            Err(other) => return Err(other),
        };
        if lock.is_some() {
            text.settle(&self.roster)?;
        }
        self.text = Some(text);
        self.text_sequence = Some(self.sequence);
        Ok(())
    }
}
