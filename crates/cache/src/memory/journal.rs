//! Changes, and what is written of them.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::encoding::{Malformed, Rest, write_list, write_text};
use crate::{Attributes, Entry, EntryId, ScopeDigest};

/// One change. Made in the same order, changes lead to the same entries.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Change {
    Put(Arc<Entry>),
    Remove(ScopeDigest, Vec<EntryId>),
    RemoveWhere(ScopeDigest, Attributes),
    Clear(ScopeDigest),
}

const PUT: u8 = 1;
const REMOVE: u8 = 2;
const REMOVE_WHERE: u8 = 3;
const CLEAR: u8 = 4;

impl Change {
    /// Appends a record: its kind (one byte) and its content, with its length before it.
    pub(super) fn write_to(&self, out: &mut Vec<u8>) {
        let mut content = Vec::new();
        let kind = match self {
            Change::Put(entry) => {
                content = entry.to_bytes();
                PUT
            }
            Change::Remove(scope, ids) => {
                content.extend(scope.bytes());
                write_list(&mut content, ids.iter().map(|id| (id.as_str(), "")));
                REMOVE
            }
            Change::RemoveWhere(scope, attributes) => {
                content.extend(scope.bytes());
                write_list(&mut content, attributes.iter().map(|(name, value)| (name.as_str(), value.as_str())));
                REMOVE_WHERE
            }
            Change::Clear(scope) => {
                content.extend(scope.bytes());
                CLEAR
            }
        };
        out.push(kind);
        write_text(out, &content);
    }

    /// All changes of a frame's content.
    pub(super) fn read_all(bytes: &[u8]) -> Result<Vec<Change>, Malformed> {
        let mut rest = Rest(bytes);
        let mut changes = Vec::new();
        while !rest.0.is_empty() {
            let [kind] = rest.array()?;
            changes.push(Change::read(kind, rest.text()?)?);
        }
        Ok(changes)
    }

    fn read(kind: u8, content: &[u8]) -> Result<Change, Malformed> {
        let mut rest = Rest(content);
        let change = match kind {
            PUT => return Ok(Change::Put(Arc::new(Entry::from_bytes(content)?))),
            REMOVE => {
                let scope = ScopeDigest::from(rest.array()?);
                let id = |(id, _)| EntryId::new(id).map_err(|_| Malformed("an id is none"));
                Change::Remove(scope, rest.list()?.into_iter().map(id).collect::<Result<_, _>>()?)
            }
            REMOVE_WHERE => {
                let scope = ScopeDigest::from(rest.array()?);
                Change::RemoveWhere(scope, rest.list()?.into_iter().collect::<BTreeMap<_, _>>())
            }
            CLEAR => Change::Clear(ScopeDigest::from(rest.array()?)),
            _ => return Err(Malformed("a change is of no known kind")),
        };
        if rest.0.is_empty() { Ok(change) } else { Err(Malformed("there is more than a change")) }
    }
}
