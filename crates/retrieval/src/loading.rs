//! Loading the vectors and the text index when a search first needs them, and the text index when an index is opened for
//! writing. Writers are not disturbed: what they write meanwhile is added afterwards. A process that only reads writes nothing.

use std::sync::Arc;
use std::time::Duration;

use crate::error::{Error, Result};
use crate::notice::Notice;
use crate::roster::{Ordinal, Roster};
use crate::shared::{Shared, lock};
use crate::state::State;
use crate::store::Reading;
use crate::text::{Files, Text, Writer, failure};
use crate::vectors::Vectors;

/// How often it is tried to add what was loaded to a state that others change.
const ATTEMPTS: usize = 100;

impl Shared {
    /// The vectors of a state that lacks them, or whose vectors `serve` not. From now on, states have them.
    pub(crate) fn load_vectors(
        &self,
        state: &Arc<State>,
        reading: &Reading,
        serve: impl Fn(&Vectors) -> bool,
    ) -> Result<Vectors> {
        let _one_at_a_time = lock(&self.loading_vectors);
        // Another search may have been faster.
        let current = self.states.current();
        if let Some(vectors) = &current.vectors
            && is_same_moment(&current, state)
            && serve(vectors)
        {
            return Ok(vectors.clone());
        }
        let (vectors, notice) = Vectors::load(reading, &state.roster, &self.vectors_folder(), &self.settings)?;
        notice.into_iter().for_each(|notice| self.notices.add(notice));
        self.install(
            state,
            vectors.clone(),
            |vectors, state| state.vectors = Some(vectors),
            |vectors, known, now| {
                for (ordinal, _) in known.removed_until(now.state) {
                    vectors.remove(ordinal, now.state.roster.alive());
                }
                vectors.load_from(known.roster.places() as Ordinal, now.reading, &now.state.roster)
            },
        )?;
        Ok(vectors)
    }

    /// The text index of a state that lacks it. From now on, states have it.
    pub(crate) fn load_text(&self, state: &Arc<State>, reading: &Reading) -> Result<Text> {
        let _one_at_a_time = lock(&self.loading_text);
        let current = self.states.current();
        if let Some(text) = &current.text
            && is_same_moment(&current, state)
        {
            return Ok(text.clone());
        }
        let text = self.open_text(&state.roster, reading)?;
        self.install(
            state,
            text.clone(),
            |text, state| state.text = Some(text),
            |text, known, now| {
                text.remove(now.state.sequence, &known.removed_until(now.state));
                text.load_from(known.roster.places() as Ordinal, now.reading, &now.state.roster)
            },
        )?;
        Ok(text)
    }

    /// Makes states have what was loaded for one of them. `put` puts it into a state, after `follow` has added to it what was
    /// written since.
    fn install<Part: Clone>(
        &self,
        state: &Arc<State>,
        mut part: Part,
        put: impl Fn(Part, &mut State),
        follow: impl Fn(&mut Part, &State, Now<'_>) -> Result<()>,
    ) -> Result<()> {
        let mut known = state.clone();
        for _ in 0..ATTEMPTS {
            let current = self.states.current();
            if !current.roster.numbers_as(&known.roster) {
                return Ok(()); // Ordinals were given anew meanwhile. The next search loads again.
            }
            if current.sequence != known.sequence {
                let reading = self.store.read()?;
                if reading.sequence() != current.sequence || current.sequence < known.sequence {
                    std::thread::sleep(Duration::from_millis(1)); // A transaction is just being made durable.
                    continue;
                }
                follow(&mut part, &known, Now { state: &current, reading: &reading })?;
                known = current.clone();
            }
            let mut new = State::clone(&current);
            put(part.clone(), &mut new);
            if self.states.replace(&current, Arc::new(new)) {
                return Ok(());
            }
        }
        Ok(())
    }

    /// Opens the text index for the documents of `roster`, for whoever only reads. Nothing is written: what the files lack, or
    /// all words where the files cannot be used, is counted in memory.
    fn read_text(&self, roster: &Roster, reading: &Reading) -> Result<Text> {
        let path = self.text_folder();
        let open = |files: Files| Text::open(files, roster, reading.sequence());
        let mut text = match Files::open_read_only(&path).and_then(open) {
            Ok(text) => text,
            Err(source) => {
                let text = Files::in_memory(&path).and_then(open).map_err(|source| failure(&path, source))?;
                self.notices.add(Notice::TextUnusable { reason: source.to_string(), documents: roster.len() });
                text
            }
        };
        text.load_missing(reading, roster)?;
        Ok(text)
    }

    /// Opens the text index for the documents of `roster`. The process that writes brings one that is late or damaged up to
    /// date on disk, or makes it anew.
    pub(crate) fn open_text(&self, roster: &Roster, reading: &Reading) -> Result<Text> {
        if !self.writable {
            return self.read_text(roster, reading);
        }
        let path = self.text_folder();
        let opened = Files::open(&path).and_then(|files| Text::open(files, roster, reading.sequence()));
        if let Ok(text) = &opened
            && text.difference(roster).is_empty()
        {
            return Ok(text.clone());
        }
        let mut writer = lock(&self.text_writer);
        let updated = opened
            .map_err(|source| failure(&path, source))
            .and_then(|text| self.update_text(&text, roster, reading, &mut writer));
        let (text, notice) = match updated {
            Ok((text, added, removed)) => (text, Notice::TextCaughtUp { added, removed }),
            Err(Error::Text { source, .. }) => {
                *writer = None;
                let (text, documents) = self.rebuild_text(roster, reading, &mut writer)?;
                (text, Notice::TextRebuilt { reason: source.to_string(), documents })
            }
            Err(other) => return Err(other),
        };
        self.notices.add(notice);
        Ok(text)
    }

    /// Writes to the text index what it lacks. Returns as well how many documents were added and removed.
    fn update_text(
        &self,
        text: &Text,
        roster: &Roster,
        reading: &Reading,
        writer: &mut Writer,
    ) -> Result<(Text, usize, usize)> {
        let difference = text.difference(roster);
        text.files().write(writer, &difference, reading, &self.settings)?;
        let text = reread(text, roster, reading.sequence())?;
        Ok((text, difference.added.len(), difference.removed.len()))
    }

    /// Makes the text index anew in an empty folder. Returns as well how many documents it has.
    pub(crate) fn rebuild_text(
        &self,
        roster: &Roster,
        reading: &Reading,
        writer: &mut Writer,
    ) -> Result<(Text, usize)> {
        let path = self.text_folder();
        let empty = Text::open(Files::create(&path)?, roster, reading.sequence());
        let empty = empty.map_err(|source| failure(&path, source))?;
        let (text, documents, _) = self.update_text(&empty, roster, reading, writer)?;
        Ok((text, documents))
    }
}

/// The state that a part is to be added to, and the store at the same moment.
struct Now<'a> {
    state: &'a State,
    reading: &'a Reading,
}

impl State {
    /// The documents that are here and not in a later state.
    fn removed_until(&self, later: &State) -> Vec<(Ordinal, u64)> {
        let removed = self.roster.alive().without(later.roster.alive());
        removed.from(0).map(|ordinal| (ordinal, self.roster.number(ordinal))).collect()
    }
}

fn is_same_moment(a: &State, b: &State) -> bool {
    a.sequence == b.sequence && a.roster.numbers_as(&b.roster)
}

/// The text index as it is on disk now.
fn reread(text: &Text, roster: &Roster, included: u64) -> Result<Text> {
    let files = text.files();
    let renewed = files.reload().and_then(|()| text.renewed(files, roster, included));
    renewed.map_err(|source| failure(files.path(), source))
}
