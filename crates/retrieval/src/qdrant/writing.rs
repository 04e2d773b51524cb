//! Everything that changes an index on Qdrant.

use std::collections::HashMap;
use std::time::{SystemTime, UNIX_EPOCH};

use qdrant_client::qdrant::condition::ConditionOneOf;
use qdrant_client::qdrant::points_selector::PointsSelectorOneOf;
use qdrant_client::qdrant::points_update_operation::{Operation, SetPayload};
use qdrant_client::qdrant::{
    Condition, DeletePoints, Filter as Conditions, HasIdCondition, PointId, PointStruct, PointsIdsList, PointsSelector,
    PointsUpdateOperation, UpdateBatchPoints, UpsertPoints, WriteOrdering, WriteOrderingType, points_update_operation,
};

use super::dense::LENGTH_TOLERANCE;
use super::failure::failure;
use super::filtering::past;
use super::opening::QdrantIndex;
use super::points::{Generation, Payload, Place, encode_views, generation, origins, passages, point};
use crate::error::{Error, Result, ServerProblem};
use crate::query::check_vector;
use crate::writing::{Entry, Upserted};

/// So many documents, and bytes, are one request. The next comes when it is answered, so a loader is as fast as the server.
const DOCUMENTS_TOGETHER: usize = 64;
const BYTES_TOGETHER: usize = 4 << 20;
/// And so many passages.
const PASSAGES_TOGETHER: usize = 1024;
/// Qdrant's own bound on a multivector: so many values are too many.
const MOST_VALUES: usize = 1 << 20;

impl QdrantIndex {
    pub(super) fn put_all(&self, entries: &[Entry], origins: &HashMap<String, String>) -> Result<Upserted> {
        self.check_writable()?;
        entries.iter().try_for_each(|entry| self.check_entry(entry))?;
        let last: HashMap<&str, usize> =
            entries.iter().enumerate().map(|(at, entry)| (entry.document.id.as_str(), at)).collect();
        let mut upserted = Upserted { duplicates: entries.len() - last.len(), ..Upserted::default() };
        let waiting: Vec<&Entry> = entries
            .iter()
            .enumerate()
            .filter(|(at, entry)| last.get(entry.document.id.as_str()) == Some(at))
            .map(|(_, entry)| entry)
            .collect();
        let mut rest = &waiting[..];
        while !rest.is_empty() {
            let mut bytes = 0;
            let fits = |entry: &&&Entry| {
                let room = bytes < BYTES_TOGETHER;
                bytes += size(entry);
                room
            };
            let some = rest.iter().take(DOCUMENTS_TOGETHER).take_while(fits).count();
            let (these, others) = rest.split_at(some);
            rest = others;
            let replaced = self.put_some(these, origins)?;
            upserted.replaced += replaced;
            upserted.added += these.len() - replaced;
        }
        Ok(upserted)
    }

    /// Writes some documents, and says how many of these were there. Whoever is killed on the way leaves each as it was or as it is to be,
    /// and passages that are nobody's: these propose a document, and are not believed.
    fn put_some(&self, entries: &[&Entry], origins: &HashMap<String, String>) -> Result<usize> {
        let (now, generation) = (now(), Generation::new());
        let old = self.there(&entries.iter().map(|entry| entry.document.id.as_str()).collect::<Vec<_>>())?;
        let passages: Vec<PointStruct> = entries.iter().flat_map(|entry| passages(entry, generation, now)).collect();
        for some in passages.chunks(PASSAGES_TOGETHER) {
            self.put(self.connection.address.passages(), some.to_vec())?;
        }
        let documents = entries.iter().map(|entry| point(entry, origins.get(&entry.document.id), generation, now));
        // From here on, the documents are the new ones.
        self.put(self.connection.address.name.clone(), documents.collect())?;
        self.sweep(&old, Some(generation), now)?;
        Ok(old.len())
    }

    pub(super) fn delete_all(&self, ids: &[&str]) -> Result<usize> {
        self.check_writable()?;
        let mut deleted = 0;
        for some in ids.chunks(DOCUMENTS_TOGETHER) {
            let old = self.there(some)?;
            if !old.is_empty() {
                self.remove(old.keys().map(|place| place.point()).collect())?;
                self.sweep(&old, None, now())?;
            }
            deleted += old.len();
        }
        Ok(deleted)
    }

    /// Removes the passages of writings that are past.
    fn sweep(&self, old: &HashMap<Place, Generation>, new: Option<Generation>, now: i64) -> Result<()> {
        let remove = |(place, old): (&Place, &Generation)| {
            let which = PointsSelectorOneOf::Filter(past(*place, *old, new, now));
            let points = Some(PointsSelector { points_selector_one_of: Some(which) });
            Operation::DeletePoints(points_update_operation::DeletePoints { points, ..Default::default() })
        };
        self.change_together(self.connection.address.passages(), old.iter().map(remove).collect())
    }

    pub(super) fn set_all_views(&self, views: &[(String, Vec<u8>)]) -> Result<usize> {
        self.set(views.iter().map(|(id, views)| (id.as_str(), encode_views(Some(views)))).collect())
    }

    pub(super) fn set_all_origins(&self, all: &[(String, Vec<String>)]) -> Result<usize> {
        let payload = |from: &Vec<String>| Payload::from([("origins".to_owned(), origins(from))]);
        self.set(all.iter().map(|(id, from)| (id.as_str(), payload(from))).collect())
    }

    /// Replaces fields of payloads. A document's are replaced together.
    fn set(&self, values: Vec<(&str, Payload)>) -> Result<usize> {
        self.check_writable()?;
        let mut changed = 0;
        for some in values.chunks(DOCUMENTS_TOGETHER) {
            let there = self.there(&some.iter().map(|(id, _)| *id).collect::<Vec<_>>())?;
            let some = some.iter().filter(|(id, _)| there.contains_key(&Place::of(id)));
            // By a condition, because nothing should happen to a document that is gone by then.
            let set = |(id, payload): &(&str, Payload)| {
                let is_it = HasIdCondition { has_id: vec![Place::of(id).point()] };
                let must = vec![Condition { condition_one_of: Some(ConditionOneOf::HasId(is_it)) }];
                let which = PointsSelectorOneOf::Filter(Conditions { must, ..Conditions::default() });
                let points_selector = Some(PointsSelector { points_selector_one_of: Some(which) });
                Operation::SetPayload(SetPayload { payload: payload.clone(), points_selector, ..SetPayload::default() })
            };
            self.change_together(self.connection.address.name.clone(), some.map(set).collect())?;
            changed += there.len();
        }
        Ok(changed)
    }

    /// Several changes in one request. Each is whole or not at all; all of them are not.
    fn change_together(&self, collection_name: String, operations: Vec<Operation>) -> Result<()> {
        if operations.is_empty() {
            return Ok(());
        }
        let operation = |operation| PointsUpdateOperation { operation: Some(operation) };
        let request = UpdateBatchPoints {
            collection_name,
            wait: Some(true),
            operations: operations.into_iter().map(operation).collect(),
            ordering: ordering(),
            ..UpdateBatchPoints::default()
        };
        self.connection.ask_patiently("a change", self.connection.settings.patience, |client| {
            let request = request.clone();
            async move { client.update_points_batch(request).await }
        })?;
        Ok(())
    }

    fn put(&self, collection_name: String, points: Vec<PointStruct>) -> Result<()> {
        let request =
            UpsertPoints { collection_name, wait: Some(true), points, ordering: ordering(), ..UpsertPoints::default() };
        self.connection.ask_patiently("a change", self.connection.settings.patience, |client| {
            let request = request.clone();
            async move { client.upsert_points(request).await }
        })?;
        Ok(())
    }

    pub(super) fn remove(&self, ids: Vec<PointId>) -> Result<()> {
        let which = PointsSelectorOneOf::Points(PointsIdsList { ids });
        let request = DeletePoints {
            collection_name: self.connection.address.name.clone(),
            wait: Some(true),
            points: Some(PointsSelector { points_selector_one_of: Some(which) }),
            ordering: ordering(),
            ..DeletePoints::default()
        };
        self.connection.ask_patiently("a change", self.connection.settings.patience, |client| {
            let request = request.clone();
            async move { client.delete_points(request).await }
        })?;
        Ok(())
    }

    /// Which of these documents are there, and which writing of each.
    fn there(&self, ids: &[&str]) -> Result<HashMap<Place, Generation>> {
        let found = self.qdrant_session().points(ids, &["generation"], &[], self.connection.settings.patience)?;
        let none = Generation(-1);
        Ok(found.into_iter().map(|(place, point)| (place, generation(&point.payload).unwrap_or(none))).collect())
    }

    fn check_entry(&self, entry: &Entry) -> Result<()> {
        let id = &entry.document.id;
        if id.is_empty() {
            return Err(Error::EmptyId { title: entry.document.title.clone() });
        }
        let values = entry.passages.len().saturating_mul(self.manifest.encoder.dimensions);
        if values >= MOST_VALUES {
            return Err(failure(
                ServerProblem::Unsuitable,
                format!(
                    "document {id:?} has {} passages: Qdrant keeps less than {MOST_VALUES} values of vectors in a point. Split it, or \
                     keep the index in a folder",
                    entry.passages.len()
                ),
            ));
        }
        for (_, vector) in &entry.passages {
            check_vector(vector, self.manifest.encoder.dimensions, Some(id))?;
            let length = vector.iter().map(|value| value * value).sum::<f32>().sqrt();
            if length > 1.0 + LENGTH_TOLERANCE {
                return Err(failure(
                    ServerProblem::Unsuitable,
                    format!(
                        "a vector of document {id:?} has length {length}: an index on Qdrant takes vectors of length 1 at most, so that \
                         it is known what a search cannot have missed. Normalize them, or keep the index in a folder"
                    ),
                ));
            }
        }
        Ok(())
    }
}

/// Changes of one document come to all of its replicas in one order, whoever makes them.
fn ordering() -> Option<WriteOrdering> {
    Some(WriteOrdering { r#type: WriteOrderingType::Medium.into() })
}

/// About how many bytes a document is on its way.
fn size(Entry { document, passages, views }: &Entry) -> usize {
    let vectors: usize = passages.iter().map(|(_, vector)| 4 * vector.len()).sum();
    document.title.len() + 4 * document.text.len() + vectors + views.as_ref().map_or(0, |views| views.len() / 3 * 4)
}

/// Seconds since 1970.
pub(super) fn now() -> i64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs() as i64)
}
