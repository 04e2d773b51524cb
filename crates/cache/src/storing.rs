//! The way of an entry into the backend.

use std::time::{Duration, SystemTime};

use vetted::{Deadline, EncodedPrompt};

use crate::cache::{Core, Stored};
use crate::{CacheError, Entry, EntryId, NewEntry, views};

/// A prompt's vector and the record of its views.
type ForStoring = (Vec<f32>, Option<Vec<u8>>);

impl Core {
    pub(crate) fn store_many(&self, new: Vec<NewEntry<'_>>, deadline: &Deadline) -> Vec<Result<Stored, CacheError>> {
        let prompts: Vec<&str> = new.iter().map(|new| new.prompt).collect();
        let encoded = match self.encoded_for_storing(&prompts, deadline) {
            Ok(encoded) => encoded.into_iter().map(Ok).collect(),
            // One prompt's fault is no other's.
            Err(error) if prompts.len() == 1 => vec![Err(error)],
            Err(_) => {
                let alone = |prompt: &&str| {
                    let encoded = self.encoded_for_storing(&[prompt], deadline)?;
                    Ok(encoded.into_iter().next().unwrap_or_default())
                };
                prompts.iter().map(alone).collect::<Vec<_>>()
            }
        };
        let now = SystemTime::now();
        let entry = |(new, encoded): (NewEntry<'_>, Result<ForStoring, CacheError>)| {
            let (vector, views) = encoded?;
            let scope = self.scope(new.scope);
            Ok(Entry {
                id: new.id.unwrap_or_else(|| EntryId::of(&scope, new.prompt, &new.attributes)),
                scope,
                prompt: new.prompt.to_owned(),
                response: new.response,
                attributes: new.attributes,
                vector,
                views,
                sources: new.sources,
                volatile: new.volatile,
                stored_at: now,
                expires_at: expiry(now, new.ttl.or(self.settings.ttl)),
                copy_of: None,
                cost: new.cost,
            })
        };
        let entries: Vec<Result<Entry, CacheError>> = new.into_iter().zip(encoded).map(entry).collect();
        let kept: Vec<&Entry> = entries.iter().filter_map(|entry| entry.as_ref().ok()).collect();
        let mut kept = self.backend.put_many(&kept).into_iter();
        let stored = |entry: Result<Entry, CacheError>| {
            let entry = entry?;
            kept.next().unwrap_or(Ok(()))?;
            Ok(Stored { by_meaning: !entry.vector.is_empty(), id: entry.id })
        };
        entries.into_iter().map(stored).collect()
    }

    /// Vectors and records of views; nothing for prompts that are served to equal ones only.
    pub(crate) fn encoded_for_storing(
        &self,
        prompts: &[&str],
        deadline: &Deadline,
    ) -> Result<Vec<ForStoring>, CacheError> {
        let mut whole = Vec::with_capacity(prompts.len());
        for prompt in prompts {
            whole.push(!prompt.trim().is_empty() && self.verifier.reads_whole(prompt).map_err(vetted::Error::from)?);
        }
        let read: Vec<&str> =
            prompts.iter().zip(&whole).filter(|(_, whole)| **whole).map(|(prompt, _)| *prompt).collect();
        let encoded = if read.is_empty() { Vec::new() } else { self.encode_prompts(&read, deadline)? };
        let mut encoded = encoded.into_iter();
        let of = |whole: bool| {
            let EncodedPrompt { vector, views } = if whole { encoded.next()? } else { return None };
            Some((vector, views.as_ref().and_then(|own| views::encode(&self.verifier, own))))
        };
        Ok(whole.into_iter().map(of).map(Option::unwrap_or_default).collect())
    }

    pub(crate) fn encode_prompts(
        &self,
        prompts: &[&str],
        deadline: &Deadline,
    ) -> Result<Vec<EncodedPrompt>, CacheError> {
        let mut team = self.verifier.compute().enter(deadline)?;
        let encoded = self.verifier.encode_prompts(prompts, &self.encoder, &mut team);
        Ok(encoded.map_err(vetted::Error::from)?)
    }
}

/// For ever where the clock does not reach so far.
pub(crate) fn expiry(now: SystemTime, ttl: Option<Duration>) -> Option<SystemTime> {
    now.checked_add(ttl?)
}
