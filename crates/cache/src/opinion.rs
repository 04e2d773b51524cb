//! A second opinion on what was nearly served, beside everything else.

use std::sync::mpsc::{Receiver, SyncSender, TrySendError, sync_channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;

use vetted::Deadline;

use crate::cache::Core;
use crate::{CacheError, Entry, EntryId, Scope, Volatility};

/// Somebody who takes longer and knows better, such as a large model: asked about entries that were nearly served, off the way of
/// every lookup. Where the answer is yes, the entry is kept under the new prompt too, and served when it comes again.
///
/// What is kept then is a copy: it has the entry's attributes, sources, age and end, and an id of its own. It is served as long
/// as the entry itself stands unchanged.
pub trait SecondOpinion: Send + Sync {
    /// Whether the response to the stored prompt answers the new one. Called on one thread, one question after the other; of
    /// questions that come faster, some are left out.
    fn is_same(&self, near_miss: &NearMiss) -> bool;
}

/// What was nearly served.
#[derive(Clone, Debug)]
pub struct NearMiss {
    /// Where.
    pub scope: Scope,
    /// What was asked.
    pub prompt: String,
    /// The entry that came nearest to being served.
    pub entry: Arc<Entry>,
    /// How sure the verifier was, as [`Acceptance::score`](crate::Acceptance::score) says.
    pub score: f32,
}

/// The thread that asks.
pub(crate) struct Opinions {
    waiting: Option<SyncSender<NearMiss>>,
    thread: Mutex<Option<JoinHandle<()>>>,
}

/// So many questions wait. More are left out.
const WAITING: usize = 256;

impl Opinions {
    pub(crate) fn start(opinion: Arc<dyn SecondOpinion>, core: Arc<Core>) -> Result<Opinions, CacheError> {
        let (waiting, questions) = sync_channel(WAITING);
        let run = move || ask_all(&*opinion, &core, &questions);
        let thread = std::thread::Builder::new().name("vetted-cache-opinions".into()).spawn(run);
        let thread = Mutex::new(Some(thread.map_err(CacheError::Thread)?));
        Ok(Opinions { waiting: Some(waiting), thread })
    }

    pub(crate) fn ask(&self, near_miss: NearMiss) {
        if let Some(Err(TrySendError::Full(_))) = self.waiting.as_ref().map(|waiting| waiting.try_send(near_miss)) {
            tracing::debug!("a second opinion is left out: too many wait");
        }
    }
}

impl Drop for Opinions {
    fn drop(&mut self) {
        // Those that wait are asked; no more come.
        self.waiting = None;
        let thread = self.thread.lock().unwrap_or_else(PoisonError::into_inner).take();
        if thread.is_some_and(|thread| thread.join().is_err()) {
            tracing::error!("the thread that asks for second opinions ended by a panic");
        }
    }
}

fn ask_all(opinion: &dyn SecondOpinion, core: &Core, questions: &Receiver<NearMiss>) {
    for near_miss in questions {
        if opinion.is_same(&near_miss)
            && let Err(error) = keep(core, &near_miss)
        {
            tracing::warn!(%error, "what a second opinion accepted could not be kept");
        }
    }
}

/// Keeps a copy of the entry, if it is still what it was.
fn keep(core: &Core, NearMiss { scope, prompt, entry, .. }: &NearMiss) -> Result<(), CacheError> {
    // The new prompt would not tell any longer that the answer is true for a moment or for a person.
    let (of_original, of_copy) = (Volatility::of(&entry.prompt), Volatility::of(prompt));
    if of_original.or(of_copy) != of_copy {
        return Ok(());
    }
    let now = core.backend.get(scope, &entry.id)?;
    if now.is_none_or(|now| now.response != entry.response || now.stored_at != entry.stored_at) {
        return Ok(());
    }
    let encoded = core.encoded_for_storing(&[prompt], &Deadline::none())?;
    let (vector, views) = encoded.into_iter().next().unwrap_or_default();
    let id = EntryId::of(scope, prompt, &entry.attributes);
    // Of a copy's copy the first one is the original.
    let copy_of = Some(entry.copy_of.clone().unwrap_or_else(|| entry.id.clone()));
    let copy = Entry { id, prompt: prompt.clone(), vector, views, copy_of, ..Entry::clone(entry) };
    Ok(core.backend.put(&copy)?)
}
