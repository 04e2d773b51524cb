//! Ranking by vectors: what Qdrant proposes, scored again with the exact vectors.

use std::collections::HashSet;

use qdrant_client::qdrant::{
    DenseVector, QuantizationSearchParams, Query, QueryPoints, ScoredPoint, SearchParams, VectorInput, query,
    vector_input,
};
use vetted_kernels::Team;

use super::points::{DENSE, PASSAGE, Place, RANKING, WHOLE, fields, text, vectors};
use super::searching::{Ranked, Searching};
use crate::error::Result;
use crate::fetched::Nearest;

/// So many more than were asked for are scored here, at least: what is nearly equal may come in another order.
const SPARE: usize = 8;
/// How many candidates the search in a graph keeps in view, at least. The more, the less it misses.
const EFFORT: usize = 256;
/// Beyond so many documents, only what ranks them is fetched with them.
const FETCHED_WHOLE: usize = 192;
/// More are not asked for in one way.
const MOST: usize = 1 << 20;
/// Vectors are at most so much longer than 1.
pub(super) const LENGTH_TOLERANCE: f32 = 1e-3;

impl Searching<'_> {
    /// The nearest documents that fit, best first, with exact scores.
    pub(super) fn nearest(&mut self, nearest: &Nearest<'_>, team: &Team) -> Result<Vec<Ranked>> {
        if nearest.k == 0 {
            return Ok(Vec::new());
        }
        let mut count = nearest.k.saturating_add(SPARE.max(nearest.k / 4)).min(MOST);
        if !nearest.exact {
            // Several passages may be of one document.
            count = count.saturating_mul(2).min(MOST);
        }
        let mut exact = nearest.exact;
        loop {
            team.check()?;
            let Proposed { places, least, full } = self.propose(nearest.vector, count, exact)?;
            let mut best: Vec<Ranked> = Vec::with_capacity(places.len());
            for place in places {
                let Some(document) = self.fitting(place) else { continue };
                if let Some((_, score)) = document.best_passage(nearest.vector) {
                    best.push(Ranked { place, score, document });
                }
            }
            best.sort_by(Ranked::order);
            let enough = best.len() >= nearest.k;
            // Whatever was not proposed is less near than the least, as the server sees it.
            let proven = || best[nearest.k - 1].score > least + error_bound(nearest.vector);
            let done = match (full, nearest.exact) {
                (true, true) => enough && proven(),
                (true, false) => enough,
                // A graph may not have led to all that fit the filters.
                (false, _) => enough || exact || self.conditions.is_none(),
            };
            if done || count >= MOST {
                best.truncate(nearest.k);
                return Ok(best);
            }
            if full {
                count = count.saturating_mul(4).min(MOST);
            } else {
                exact = true;
            }
        }
    }

    /// Asks for the nearest documents, and fetches them. Says also whether there may be more, and how near the last is then.
    fn propose(&mut self, vector: &[f32], count: usize, exact: bool) -> Result<Proposed> {
        let name = &self.connection.address.name;
        // A graph of single passages misses less than one of multivectors. Where all are compared, documents are sent at once.
        let (collection_name, using, with_payload, with_vectors) = match exact {
            false => (self.connection.address.passages(), PASSAGE, fields(&["document"]), None),
            true => {
                let contents = if count <= FETCHED_WHOLE { WHOLE } else { RANKING };
                (name.clone(), DENSE, fields(contents), vectors(&[DENSE]))
            }
        };
        let nearest =
            VectorInput { variant: Some(vector_input::Variant::Dense(DenseVector { data: vector.to_vec() })) };
        let quantization = QuantizationSearchParams { ignore: Some(exact), rescore: Some(true), ..Default::default() };
        let params = SearchParams {
            exact: Some(exact),
            hnsw_ef: Some(EFFORT.max(count) as u64),
            quantization: Some(quantization),
            ..SearchParams::default()
        };
        let question = QueryPoints {
            collection_name,
            query: Some(Query { variant: Some(query::Variant::Nearest(nearest)) }),
            using: Some(using.to_owned()),
            filter: self.conditions.clone(),
            params: Some(params),
            limit: Some(count as u64),
            with_payload,
            with_vectors,
            ..QueryPoints::default()
        };
        let found = self.connection.ask_until("a search for vectors", self.until, |client| {
            let question = question.clone();
            async move { Ok(client.query(question).await?.result) }
        })?;
        let full = found.len() >= count;
        let mut places: Vec<Place> = Vec::with_capacity(found.len());
        let mut known = HashSet::with_capacity(found.len());
        let mut least = f32::INFINITY;
        for ScoredPoint { id, mut payload, vectors, score, .. } in found {
            least = least.min(score);
            let place = match exact {
                true => Place::read(id.as_ref()),
                false => text(&mut payload, "document").and_then(|document| Place::parse(&document)),
            };
            let Some(place) = place.filter(|place| known.insert(*place)) else { continue };
            if exact {
                self.keep(place, payload, vectors);
            }
            places.push(place);
        }
        self.fetch(&places, if places.len() <= FETCHED_WHOLE { WHOLE } else { RANKING })?;
        Ok(Proposed { places, least, full })
    }
}

/// What the server proposes.
struct Proposed {
    /// Documents, each once.
    places: Vec<Place>,
    /// Where `full`, nothing that was not proposed is nearer than this, as the server sees it.
    least: f32,
    /// There may be more.
    full: bool,
}

/// How far two sums of the same products may be from each other, added in two orders. No vector that is kept is longer than 1.
fn error_bound(vector: &[f32]) -> f32 {
    let length = vector.iter().map(|value| value * value).sum::<f32>().sqrt();
    // Each is off by at most dimensions * 2^-24 of the sum of all products' sizes, which is at most the lengths' product.
    2.0 * vector.len() as f32 * f32::EPSILON * length * (1.0 + LENGTH_TOLERANCE)
}
