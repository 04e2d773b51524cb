//! An entry in bytes, for backends that keep bytes.
//!
//! All numbers are little-endian; a text is its length (u32) and its bytes:
//!
//! ```text
//! entry   format u8 (1), flags u8 (1 volatile, 2 expires, 4 views, 8 copy, 16 cost), stored u64, expires u64 (both in ms since 1970),
//!         id text, scope list, prompt text, response text, attributes list, sources list, views text, vector f32s,
//!         of a copy: the original's id text; of what has a cost: amount f64, currency 3 letters
//! list    count u32, then name text, value text of each
//! f32s    count u32, then the values
//! ```

use std::collections::BTreeMap;
use std::time::{Duration, SystemTime};

use crate::{Cost, Entry, EntryId, Scope, Source};

const FORMAT: u8 = 1;
const VOLATILE: u8 = 1;
const EXPIRES: u8 = 2;
const VIEWS: u8 = 4;
const COPY: u8 = 8;
const COST: u8 = 16;

/// Bytes that are no entry.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("it is not what was once written: {0}")]
pub struct Malformed(pub(crate) &'static str);

impl Entry {
    /// The entry in bytes. Times lose what is below a millisecond.
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut out = Vec::with_capacity(self.size() + 64);
        let flag = |flag: u8, is_set: bool| if is_set { flag } else { 0 };
        out.push(FORMAT);
        out.push(
            flag(VOLATILE, self.volatile)
                | flag(EXPIRES, self.expires_at.is_some())
                | flag(VIEWS, self.views.is_some())
                | flag(COPY, self.copy_of.is_some())
                | flag(COST, self.cost.is_some()),
        );
        out.extend(milliseconds(self.stored_at).to_le_bytes());
        out.extend(self.expires_at.map_or(0, milliseconds).to_le_bytes());
        write_text(&mut out, self.id.as_str().as_bytes());
        write_list(&mut out, self.scope.parts().iter().map(|(name, value)| (name.as_str(), value.as_str())));
        write_text(&mut out, self.prompt.as_bytes());
        write_text(&mut out, &self.response);
        write_list(&mut out, self.attributes.iter().map(|(name, value)| (name.as_str(), value.as_str())));
        write_list(&mut out, self.sources.iter().map(|source| (source.id.as_str(), source.version.as_str())));
        write_text(&mut out, self.views.as_deref().unwrap_or_default());
        write_length(&mut out, self.vector.len());
        self.vector.iter().for_each(|value| out.extend(value.to_le_bytes()));
        if let Some(original) = &self.copy_of {
            write_text(&mut out, original.as_str().as_bytes());
        }
        if let Some(cost) = &self.cost {
            out.extend(cost.amount().to_le_bytes());
            out.extend(cost.currency().as_bytes());
        }
        out
    }

    /// The entry of these bytes.
    ///
    /// # Errors
    /// When they are not what [`to_bytes`](Self::to_bytes) makes.
    pub fn from_bytes(bytes: &[u8]) -> Result<Entry, Malformed> {
        let mut rest = Rest(bytes);
        let [format, flags] = rest.array()?;
        if format != FORMAT {
            return Err(Malformed("it is of another format"));
        }
        let stored_at = moment(u64::from_le_bytes(rest.array()?))?;
        let expires_at = moment(u64::from_le_bytes(rest.array()?))?;
        let id = rest.id()?;
        let parts: BTreeMap<String, String> = rest.list()?.into_iter().collect();
        let entry = Entry {
            id,
            scope: Scope::from(parts),
            prompt: rest.string()?,
            response: rest.text()?.to_vec(),
            attributes: rest.list()?.into_iter().collect(),
            sources: rest.list()?.into_iter().map(|(id, version)| Source { id, version }).collect(),
            views: Some(rest.text()?.to_vec()).filter(|_| flags & VIEWS != 0),
            vector: rest.numbers()?,
            volatile: flags & VOLATILE != 0,
            stored_at,
            expires_at: Some(expires_at).filter(|_| flags & EXPIRES != 0),
            copy_of: if flags & COPY != 0 { Some(rest.id()?) } else { None },
            cost: if flags & COST != 0 { Some(rest.cost()?) } else { None },
        };
        if rest.0.is_empty() { Ok(entry) } else { Err(Malformed("there is more than an entry")) }
    }

    /// About how many bytes it takes.
    pub fn size(&self) -> usize {
        let list = |texts: &mut dyn Iterator<Item = usize>| texts.map(|length| length + 8).sum::<usize>();
        self.prompt.len()
            + self.response.len()
            + self.id.as_str().len()
            + self.views.as_ref().map_or(0, Vec::len)
            + 4 * self.vector.len()
            + list(&mut self.scope.parts().iter().map(|(name, value)| name.len() + value.len()))
            + list(&mut self.attributes.iter().map(|(name, value)| name.len() + value.len()))
            + list(&mut self.sources.iter().map(|source| source.id.len() + source.version.len()))
    }
}

/// Since 1970; 0 for what was before.
pub(crate) fn milliseconds(time: SystemTime) -> u64 {
    let since = time.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
}

fn moment(milliseconds: u64) -> Result<SystemTime, Malformed> {
    SystemTime::UNIX_EPOCH.checked_add(Duration::from_millis(milliseconds)).ok_or(Malformed("a time is out of bounds"))
}

pub(crate) fn write_length(out: &mut Vec<u8>, length: usize) {
    // Bodies are bounded far below 4 GiB before they come here; what were longer would be read as damaged, never as another.
    out.extend(u32::try_from(length).unwrap_or(u32::MAX).to_le_bytes());
}

pub(crate) fn write_text(out: &mut Vec<u8>, text: &[u8]) {
    write_length(out, text.len());
    out.extend(text);
}

pub(crate) fn write_list<'a>(out: &mut Vec<u8>, pairs: impl ExactSizeIterator<Item = (&'a str, &'a str)>) {
    write_length(out, pairs.len());
    for (name, value) in pairs {
        write_text(out, name.as_bytes());
        write_text(out, value.as_bytes());
    }
}

/// What is not read yet.
pub(crate) struct Rest<'a>(pub(crate) &'a [u8]);

impl<'a> Rest<'a> {
    pub(crate) fn array<const N: usize>(&mut self) -> Result<[u8; N], Malformed> {
        let (first, rest) = self.0.split_first_chunk::<N>().ok_or(SHORT)?;
        self.0 = rest;
        Ok(*first)
    }

    fn length(&mut self) -> Result<usize, Malformed> {
        Ok(u32::from_le_bytes(self.array()?) as usize)
    }

    pub(crate) fn text(&mut self) -> Result<&'a [u8], Malformed> {
        let length = self.length()?;
        let (text, rest) = self.0.split_at_checked(length).ok_or(SHORT)?;
        self.0 = rest;
        Ok(text)
    }

    pub(crate) fn string(&mut self) -> Result<String, Malformed> {
        String::from_utf8(self.text()?.to_vec()).map_err(|_| Malformed("a text is not UTF-8"))
    }

    fn cost(&mut self) -> Result<Cost, Malformed> {
        let amount = f64::from_le_bytes(self.array()?);
        let currency: [u8; 3] = self.array()?;
        let currency = std::str::from_utf8(&currency).unwrap_or_default();
        Cost::new(amount, currency).map_err(|_| Malformed("its cost is none"))
    }

    fn id(&mut self) -> Result<EntryId, Malformed> {
        EntryId::new(self.string()?).map_err(|_| Malformed("an id is none"))
    }

    pub(crate) fn list(&mut self) -> Result<Vec<(String, String)>, Malformed> {
        let count = self.length()?;
        // Each takes eight bytes at least: a count that is wrong reserves nothing.
        if count > self.0.len() / 8 {
            return Err(SHORT);
        }
        (0..count).map(|_| Ok((self.string()?, self.string()?))).collect()
    }

    fn numbers(&mut self) -> Result<Vec<f32>, Malformed> {
        let count = self.length()?;
        let (numbers, rest) = self.0.split_at_checked(count.checked_mul(4).ok_or(SHORT)?).ok_or(SHORT)?;
        self.0 = rest;
        let (numbers, _) = numbers.as_chunks::<4>();
        Ok(numbers.iter().map(|bytes| f32::from_le_bytes(*bytes)).collect())
    }
}

const SHORT: Malformed = Malformed("it ends too soon");

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::Attributes;

    fn entries() -> impl Strategy<Value = Entry> {
        let pairs = || prop::collection::btree_map(".{0,4}", ".{0,4}", 0..3);
        let bytes = || prop::collection::vec(any::<u8>(), 0..20);
        let times = (0..1u64 << 45, prop::option::of(0..1u64 << 45));
        (
            (pairs(), ".{0,9}", bytes(), pairs(), pairs()),
            (
                prop::option::of(bytes()),
                prop::collection::vec(-1f32..1.0, 0..9),
                any::<bool>(),
                prop::option::of("[a-f0-9]{1,9}"),
            ),
            times,
        )
            .prop_map(
                |((scope, prompt, response, attributes, sources), (views, vector, volatile, original), times)| {
                    let scope = Scope::from(scope);
                    let at = |ms: u64| SystemTime::UNIX_EPOCH + Duration::from_millis(ms);
                    Entry {
                        id: EntryId::of(&scope, &prompt, &Attributes::new()),
                        sources: sources.into_iter().map(|(id, version)| Source { id, version }).collect(),
                        stored_at: at(times.0),
                        expires_at: times.1.map(at),
                        scope,
                        prompt,
                        response,
                        attributes,
                        views,
                        vector,
                        volatile,
                        copy_of: original.map(|id| EntryId::new(id).unwrap()),
                        cost: (times.0 % 2 == 0).then(|| Cost::new(times.0 as f64 / 1e6, "USD").unwrap()),
                    }
                },
            )
    }

    proptest! {
        #[test]
        fn an_entry_comes_back_from_its_bytes_and_from_no_part_of_them(entry in entries(), cut: prop::sample::Index) {
            let bytes = entry.to_bytes();
            prop_assert_eq!(Entry::from_bytes(&bytes), Ok(entry));
            prop_assert!(Entry::from_bytes(&bytes[..cut.index(bytes.len())]).is_err());
            prop_assert!(Entry::from_bytes(&[&bytes[..], &[0]].concat()).is_err());
        }

        #[test]
        fn arbitrary_bytes_are_an_error_and_no_panic(mut bytes: Vec<u8>) {
            if let Some(first) = bytes.first_mut() {
                *first = FORMAT;
            }
            let _ = Entry::from_bytes(&bytes);
        }
    }
}
