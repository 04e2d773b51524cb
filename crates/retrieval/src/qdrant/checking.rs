//! Does everything agree?

use std::collections::HashSet;

use qdrant_client::qdrant::PointId;

use super::opening::QdrantIndex;
use super::points::{DENSE, Generation, Place, WHOLE, WORDS, document, generation, named, sparse, text, whole};
use super::session::READ_TOGETHER;
use super::words::Counted;
use crate::check::{Check, Problem};
use crate::error::Result;

impl QdrantIndex {
    /// Reads every document: its point is that of its id, has as many vectors as passages, its sparse vector has the words of its text,
    /// and its passages are points of their own. Passages that are nobody's are no problem.
    pub(super) fn check_all(&self) -> Result<Check> {
        let mut check = Check::default();
        let mut passages: Vec<(String, Vec<PointId>)> = Vec::new();
        let fields = [WHOLE, &["generation"]].concat();
        self.qdrant_session().walk(None, &fields, &[DENSE, WORDS], |mut point| {
            check.documents += 1;
            let place = Place::read(point.id.as_ref());
            let known = text(&mut point.payload.clone(), "id");
            let id = known.clone().unwrap_or_else(|| format!("{:?}", point.id));
            let written = generation(&point.payload);
            let words = named(point.vectors.clone()).remove(WORDS).and_then(sparse);
            let fetched = document(std::mem::take(&mut point.payload), point.vectors, self.manifest.encoder.dimensions);
            let is_its = known.is_some_and(|known| place == Some(Place::of(&known)));
            let Some(fetched) = fetched.filter(|_| is_its) else {
                check.problems.push(Problem::Altered { id });
                return;
            };
            check.passages += fetched.passages.len();
            let numbers = 0..fetched.passages.len();
            let written = written.unwrap_or(Generation(-1));
            passages.push((id.clone(), numbers.map(|at| Place::of(&id).of_passage(written, at).point()).collect()));
            let Some(document) = whole(&fetched) else {
                check.problems.push(Problem::Altered { id });
                return;
            };
            let expected = Counted::of(&document.full_text()).terms;
            let mut found = words.unwrap_or_default();
            let mut pairs: Vec<(u32, f32)> = found.indices.drain(..).zip(found.values.drain(..)).collect();
            pairs.sort_by_key(|(dimension, _)| *dimension);
            if !pairs.into_iter().eq(expected.indices.into_iter().zip(expected.values)) {
                check.problems.push(Problem::TextIndex { id });
            }
        })?;
        for some in passages.chunks(READ_TOGETHER) {
            let wanted = some.iter().flat_map(|(_, points)| points.iter().cloned()).collect();
            let found: HashSet<Place> = self.qdrant_session().passages_there(wanted)?.into_iter().collect();
            let is_there = |point: &PointId| Place::read(Some(point)).is_some_and(|place| found.contains(&place));
            let lost = some.iter().filter(|(_, points)| !points.iter().all(is_there));
            check.problems.extend(lost.map(|(id, _)| Problem::VectorIndex { id: id.clone() }));
        }
        Ok(check)
    }
}
