//! Fields of documents' metadata, in columns: what filters read instead of every document's JSON.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use serde_json::{Map, Value};

use crate::bits::Bits;
use crate::error::Result;
use crate::filter::{self, Condition, FieldValue, Matcher};

/// The columns of a chunk of documents, each made when a filter first asks for its field.
///
/// A column is shared by all moments that the chunk is part of. A moment may lack documents that another has, so a column
/// says whose values it holds, and is completed where a moment has more.
#[derive(Default)]
pub(crate) struct Columns(Mutex<Vec<(Box<str>, Arc<Column>)>>);

/// Field names come from whoever searches, and there is no end to them.
const MOST_FIELDS: usize = 32;

impl Columns {
    /// Which documents fit, among those `alive`, by their places in the chunk; others may be there as well. `read` gives the
    /// metadata of a living document.
    pub(crate) fn fitting(
        &self,
        condition: &Condition,
        alive: &Bits,
        read: impl FnMut(u32) -> Result<Map<String, Value>>,
    ) -> Result<Arc<Bits>> {
        let found =
            self.lock().iter().find(|(field, _)| **field == *condition.field()).map(|(_, column)| column.clone());
        let column = match found {
            Some(column) if column.known.holds(alive) => column,
            incomplete => {
                let column = Arc::new(Column::complete(incomplete.as_deref(), condition.field(), alive, read)?);
                self.keep(condition.field(), column.clone());
                column
            }
        };
        Ok(column.fitting(condition))
    }

    fn keep(&self, field: &str, column: Arc<Column>) {
        let mut columns = self.lock();
        columns.retain(|(other, _)| **other != *field);
        if columns.len() == MOST_FIELDS {
            columns.remove(0);
        }
        columns.push((field.into(), column));
    }

    fn lock(&self) -> MutexGuard<'_, Vec<(Box<str>, Arc<Column>)>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Clone for Columns {
    fn clone(&self) -> Self {
        Self(Mutex::new(self.lock().clone()))
    }
}

/// One field of the documents of a chunk.
#[derive(Default)]
struct Column {
    /// Whose values are here.
    known: Bits,
    /// The values, each once.
    values: Vec<FieldValue>,
    /// By document, where in `of` its values begin, and at last where they end.
    first: Vec<u32>,
    of: Vec<u32>,
    /// What the last few filters made of it: programs ask with the same filters again and again.
    recent: Mutex<Vec<(Condition, Arc<Bits>)>>,
}

const RECENT: usize = 8;

impl Column {
    /// The column `before`, if there is one, with the values of all who are `alive`.
    fn complete(
        before: Option<&Column>,
        field: &str,
        alive: &Bits,
        mut read: impl FnMut(u32) -> Result<Map<String, Value>>,
    ) -> Result<Self> {
        let nothing = Column::default();
        let before = before.unwrap_or(&nothing);
        let mut column = Column { values: before.values.clone(), first: vec![0], ..Column::default() };
        let mut places: HashMap<FieldValue, u32> = (0..).zip(&before.values).map(|(at, it)| (it.clone(), at)).collect();
        let end = (64 * alive.len_in_words()).max(before.first.len().saturating_sub(1)) as u32;
        for document in 0..end {
            if before.known.get(document) {
                column.known.set(document);
                column.of.extend_from_slice(before.values_of(document));
            } else if alive.get(document) {
                column.known.set(document);
                for value in filter::values(&read(document)?, field) {
                    let values = &mut column.values;
                    column.of.push(*places.entry(value.clone()).or_insert_with(|| {
                        values.push(value);
                        values.len() as u32 - 1
                    }));
                }
            }
            column.first.push(column.of.len() as u32);
        }
        Ok(column)
    }

    /// Which of the known documents fit.
    fn fitting(&self, condition: &Condition) -> Arc<Bits> {
        let recent = || self.recent.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((_, fitting)) = recent().iter().find(|(asked, _)| asked == condition) {
            return fitting.clone();
        }
        let matcher = Matcher::from(condition);
        let fits: Vec<bool> = self.values.iter().map(|value| matcher.accepts(value)).collect();
        let fits = |document: &u32| {
            let values = self.values_of(*document).iter();
            condition.accepts_document(values.map(|value| fits[*value as usize]))
        };
        let fitting: Arc<Bits> = Arc::new(self.known.from(0).filter(fits).collect());
        let mut recent = recent();
        if recent.len() == RECENT {
            recent.remove(0);
        }
        recent.push((condition.clone(), fitting.clone()));
        fitting
    }

    fn values_of(&self, document: u32) -> &[u32] {
        let bounds = |at: usize| Some(*self.first.get(at)? as usize..*self.first.get(at + 1)? as usize);
        bounds(document as usize).and_then(|range| self.of.get(range)).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use serde_json::json;

    use crate::filter::Filter;

    impl Columns {
        fn fitting_filter(
            &self,
            filter: &Filter,
            alive: &Bits,
            mut read: impl FnMut(u32) -> Result<Map<String, Value>>,
        ) -> Bits {
            let fitting = filter.conditions().iter().map(|it| self.fitting(it, alive, &mut read).unwrap());
            fitting.flat_map(|bits| bits.from(0).collect::<Vec<_>>()).collect()
        }
    }

    fn metadata(seed: u32) -> Map<String, Value> {
        let value = match seed % 5 {
            0 => json!({}),
            1 => json!({"a": seed % 7, "b": ["x", seed % 3]}),
            2 => json!({"a": format!("{}", seed % 4), "b": {"c": seed}}),
            3 => json!({"a": [], "b.c": seed % 6}),
            _ => json!({"a": [seed % 3, "z"], "b": [{"c": 1}, {"c": seed % 9}]}),
        };
        value.as_object().cloned().unwrap_or_default()
    }

    proptest! {
        #[test]
        fn a_column_accepts_what_a_filter_accepts(
            moments in prop::collection::vec(prop::collection::vec(any::<bool>(), 0..200), 1..5),
            filters in prop::collection::vec(
                (r"a|b|b\.c|none", "=|!=|<|>=| in | not in ", "x|z|0|1|3|10|\"3\"", "|exists |not exists ").prop_map(
                    |(field, operator, wanted, exists)| match exists.as_str() {
                        "" => format!("{field}{operator}{wanted} or a=5"),
                        exists => format!("{exists}{field}"),
                    },
                ),
                1..12,
            ),
        ) {
            let columns = Columns::default();
            for moment in moments {
                let alive: Bits = (0..).zip(&moment).filter(|(_, alive)| **alive).map(|(at, _)| at).collect();
                for filter in &filters {
                    let filter = Filter::parse(filter).unwrap();
                    let read = |document| {
                        assert!(alive.get(document), "what is not there cannot be read");
                        Ok(metadata(document))
                    };
                    let fitting = columns.fitting_filter(&filter, &alive, read);
                    for document in alive.from(0) {
                        prop_assert_eq!(fitting.get(document), filter.accepts(&metadata(document)), "{} {}", filter, document);
                    }
                }
            }
        }
    }

    #[test]
    fn a_column_is_read_once_and_fields_do_not_pile_up() {
        let columns = Columns::default();
        let alive: Bits = (0..100).collect();
        let mut read = 0;
        for year in 0..3 {
            let filter = Filter::parse(&format!("a={year}")).unwrap();
            columns.fitting_filter(&filter, &alive, |document| Ok((read += 1, metadata(document)).1));
        }
        assert_eq!(read, 100);
        for field in 0..100 {
            let filter = Filter::parse(&format!("field{field}=1")).unwrap();
            columns.fitting_filter(&filter, &alive, |document| Ok(metadata(document)));
        }
        assert_eq!(columns.lock().len(), MOST_FIELDS);
    }
}
