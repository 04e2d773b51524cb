//! A document as Qdrant keeps it: a point.

use std::collections::HashMap;
use std::hash::{BuildHasher, RandomState};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use qdrant_client::qdrant::point_id::PointIdOptions;
use qdrant_client::qdrant::value::Kind;
use qdrant_client::qdrant::vector::Vector as Kept;
use qdrant_client::qdrant::vector_output::Vector as Sent;
use qdrant_client::qdrant::vectors::VectorsOptions;
use qdrant_client::qdrant::vectors_output::VectorsOptions as SentVectors;
use qdrant_client::qdrant::with_payload_selector::SelectorOptions as PayloadOptions;
use qdrant_client::qdrant::with_vectors_selector::SelectorOptions as VectorOptions;
use qdrant_client::qdrant::{
    DenseVector, MultiDenseVector, NamedVectors, PayloadIncludeSelector, PointId, PointStruct, SparseVector, Value,
    Vector, Vectors, VectorsOutput, VectorsSelector, WithPayloadSelector, WithVectorsSelector,
};
use serde_json::{Map, Value as Json};
use vetted_corpus::{Document, Passage};
use vetted_tensors::digest::Digest;

use super::filtering::{LENGTH, marks};
use super::words::Counted;
use crate::fetched::{Contents, Fetched};
use crate::writing::Entry;

/// The vectors of the passages.
pub(super) const DENSE: &str = "dense";
/// The vector of a passage, in the collection of the passages.
pub(super) const PASSAGE: &str = "passage";
/// The terms.
pub(super) const WORDS: &str = "words";

/// What is read of a document to rank it.
pub(super) const RANKING: &[&str] = &["id", "metadata", "passages"];
/// What is read of a document to show it and to verify it as well.
pub(super) const WHOLE: &[&str] = &["id", "metadata", "passages", "title", "text", "views"];

/// A payload.
pub(super) type Payload = HashMap<String, Value>;

/// Which point a document is: a number made of its id, which nobody meets a second time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) struct Place(u128);

/// Tells one writing of a document from every other.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Generation(pub(super) i64);

impl Generation {
    pub(super) fn new() -> Generation {
        // Half of 64 bits that nobody can foresee.
        Generation((RandomState::new().hash_one(0) >> 1) as i64)
    }
}

impl Place {
    pub(super) fn of(id: &str) -> Place {
        let mut digest = Digest::default();
        digest.update(id);
        Place::shortened(digest)
    }

    /// Which point a passage of a document is, in the collection of the passages.
    pub(super) fn of_passage(self, generation: Generation, number: usize) -> Place {
        let mut digest = Digest::default();
        digest.update(self.0.to_be_bytes());
        digest.update(generation.0.to_be_bytes());
        digest.update((number as u64).to_be_bytes());
        Place::shortened(digest)
    }

    fn shortened(digest: Digest) -> Place {
        let bytes = digest.bytes();
        let (halves, _) = bytes.as_chunks::<16>();
        Place(u128::from_be_bytes(halves[0]))
    }

    /// `None` for a point that is no document.
    pub(super) fn read(id: Option<&PointId>) -> Option<Place> {
        match id?.point_id_options.as_ref()? {
            PointIdOptions::Uuid(uuid) => Place::parse(uuid),
            PointIdOptions::Num(_) => None,
        }
    }

    /// `None` for a text that is no such number.
    pub(super) fn parse(text: &str) -> Option<Place> {
        u128::from_str_radix(&text.replace('-', ""), 16).ok().map(Place)
    }

    pub(super) fn point(self) -> PointId {
        PointId { point_id_options: Some(PointIdOptions::Uuid(self.text())) }
    }

    /// As a UUID.
    pub(super) fn text(self) -> String {
        let all = format!("{:032x}", self.0);
        [&all[..8], &all[8..12], &all[12..16], &all[16..20], &all[20..]].join("-")
    }
}

/// A document as a point.
pub(super) fn point(entry: &Entry, origin: Option<&String>, generation: Generation, now: i64) -> PointStruct {
    let Entry { document, passages, views } = entry;
    let counted = Counted::of(&document.full_text());
    let mut vectors = HashMap::new();
    if !passages.is_empty() {
        let dense = passages.iter().map(|(_, vector)| DenseVector { data: vector.clone() }).collect();
        vectors.insert(DENSE.to_owned(), vector(Kept::MultiDense(MultiDenseVector { vectors: dense })));
    }
    let metadata = encode_metadata(&document.metadata);
    let bytes = document.title.len() + document.text.len() + metadata.len();
    let places =
        passages.iter().flat_map(|(Passage { bytes, chars }, _)| [bytes.start, bytes.end, chars.start, chars.end]);
    let places: Vec<Value> = places.map(|place| Value::from(place as i64)).collect();
    let mut payload: Payload = [
        ("id", Value::from(document.id.clone())),
        ("title", document.title.clone().into()),
        ("text", document.text.clone().into()),
        ("metadata", metadata.into()),
        ("passages", places.into()),
        ("origins", origins(origin.map(std::slice::from_ref).unwrap_or_default())),
        ("vectors", (passages.len() as i64).into()),
        ("bytes", (bytes as i64).into()),
        ("generation", generation.0.into()),
        ("written", now.into()),
    ]
    .into_iter()
    .chain(marks(&document.metadata))
    .map(|(name, value)| (name.to_owned(), value))
    .collect();
    payload.extend(encode_views(views.as_deref()));
    if let Some(length) = counted.length {
        payload.insert(LENGTH.to_owned(), i64::from(length).into());
        vectors.insert(WORDS.to_owned(), vector(Kept::Sparse(counted.terms)));
    }
    let vectors = Some(Vectors { vectors_options: Some(VectorsOptions::Vectors(NamedVectors { vectors })) });
    PointStruct { id: Some(Place::of(&document.id).point()), payload, vectors }
}

/// The passages of a document as points of their own.
pub(super) fn passages(entry: &Entry, generation: Generation, now: i64) -> Vec<PointStruct> {
    let place = Place::of(&entry.document.id);
    let payload =
        [("document", Value::from(place.text())), ("generation", generation.0.into()), ("written", now.into())];
    let payload = payload.into_iter().chain(marks(&entry.document.metadata));
    let payload: Payload = payload.map(|(name, value)| (name.to_owned(), value)).collect();
    let point = |(number, (_, values)): (usize, &(Passage, Vec<f32>))| {
        let dense = vector(Kept::Dense(DenseVector { data: values.clone() }));
        let named = NamedVectors { vectors: [(PASSAGE.to_owned(), dense)].into() };
        PointStruct {
            id: Some(place.of_passage(generation, number).point()),
            payload: payload.clone(),
            vectors: Some(Vectors { vectors_options: Some(VectorsOptions::Vectors(named)) }),
        }
    };
    entry.passages.iter().enumerate().map(point).collect()
}

/// Which writing of the document a payload is of.
pub(super) fn generation(payload: &Payload) -> Option<Generation> {
    match payload.get("generation")?.kind.as_ref()? {
        Kind::IntegerValue(number) => Some(Generation(*number)),
        _ => None,
    }
}

/// What a payload says of views; nothing where there are none.
pub(super) fn encode_views(views: Option<&[u8]>) -> Payload {
    let Some(views) = views else { return Payload::new() };
    let length = Value::from(views.len() as i64);
    [("views".to_owned(), STANDARD.encode(views).into()), ("viewed".to_owned(), length)].into()
}

/// Where a document came from, as a payload says it.
pub(super) fn origins(origins: &[String]) -> Value {
    origins.to_vec().into()
}

/// A document out of its payload and vectors. `None` where something is missing or does not agree.
pub(super) fn document(mut payload: Payload, vectors: Option<VectorsOutput>, dimensions: usize) -> Option<Fetched> {
    let id = text(&mut payload, "id")?;
    let metadata = decode_metadata(&text(&mut payload, "metadata")?)?;
    let passages = decode_passages(&payload)?;
    let vectors = named(vectors).remove(DENSE).and_then(dense).unwrap_or_default();
    if vectors.len() != passages.len().checked_mul(dimensions)? {
        return None;
    }
    let contents = match text(&mut payload, "text") {
        None => None,
        Some(text_) => {
            let views = text(&mut payload, "views").map(|views| STANDARD.decode(views)).transpose().ok()?;
            Some(Contents { title: text(&mut payload, "title")?, text: text_, views })
        }
    };
    Some(Fetched { id, metadata, passages, vectors, contents })
}

/// As [`Fetched`] has it with all contents.
pub(super) fn whole(fetched: &Fetched) -> Option<Document> {
    let Contents { title, text, .. } = fetched.contents.as_ref()?;
    let (id, title, text, metadata) = (fetched.id.clone(), title.clone(), text.clone(), fetched.metadata.clone());
    Some(Document { id, title, text, metadata })
}

/// Nothing where there is nothing.
pub(super) fn encode_metadata(metadata: &Map<String, Json>) -> String {
    if metadata.is_empty() { String::new() } else { serde_json::to_string(metadata).unwrap_or_default() }
}

pub(super) fn decode_metadata(text: &str) -> Option<Map<String, Json>> {
    if text.is_empty() { Some(Map::new()) } else { serde_json::from_str(text).ok() }
}

fn decode_passages(payload: &Payload) -> Option<Vec<Passage>> {
    let numbers = list(payload, "passages")?.iter().map(|value| match value.kind {
        Some(Kind::IntegerValue(number)) => usize::try_from(number).ok(),
        _ => None,
    });
    let numbers: Vec<usize> = numbers.collect::<Option<_>>()?;
    let (places, rest) = numbers.as_chunks::<4>();
    let passage = |[start, end, first, last]: &[usize; 4]| Passage { bytes: *start..*end, chars: *first..*last };
    rest.is_empty().then(|| places.iter().map(passage).collect())
}

/// Where a document came from.
pub(super) fn decode_origins(payload: &Payload) -> Vec<String> {
    let text = |value: &Value| match &value.kind {
        Some(Kind::StringValue(text)) => Some(text.clone()),
        _ => None,
    };
    list(payload, "origins").map(|values| values.iter().filter_map(text).collect()).unwrap_or_default()
}

/// A text of a payload, taken out of it.
pub(super) fn text(payload: &mut Payload, name: &str) -> Option<String> {
    match payload.remove(name)?.kind {
        Some(Kind::StringValue(text)) => Some(text),
        _ => None,
    }
}

/// A count of a payload; 0 where there is none.
pub(super) fn count(payload: &Payload, name: &str) -> u64 {
    match payload.get(name).and_then(|value| value.kind.as_ref()) {
        Some(Kind::IntegerValue(number)) => u64::try_from(*number).unwrap_or(0),
        _ => 0,
    }
}

fn list<'payload>(payload: &'payload Payload, name: &str) -> Option<&'payload [Value]> {
    match payload.get(name)?.kind.as_ref()? {
        Kind::ListValue(list) => Some(&list.values),
        _ => None,
    }
}

/// The vectors of a point by their names.
pub(super) fn named(vectors: Option<VectorsOutput>) -> HashMap<String, Sent> {
    match vectors.and_then(|vectors| vectors.vectors_options) {
        Some(SentVectors::Vectors(named)) => {
            named.vectors.into_iter().map(|(name, vector)| (name, vector.into_vector())).collect()
        }
        _ => HashMap::new(),
    }
}

/// All vectors of a multivector, one after the other.
pub(super) fn dense(vector: Sent) -> Option<Vec<f32>> {
    match vector {
        Sent::MultiDense(all) => Some(all.vectors.into_iter().flat_map(|vector| vector.data).collect()),
        Sent::Dense(one) => Some(one.data),
        Sent::Sparse(_) => None,
    }
}

/// These fields of payloads.
pub(super) fn fields(names: &[&str]) -> Option<WithPayloadSelector> {
    let fields = names.iter().map(|name| (*name).to_owned()).collect();
    Some(WithPayloadSelector { selector_options: Some(PayloadOptions::Include(PayloadIncludeSelector { fields })) })
}

/// These vectors.
pub(super) fn vectors(names: &[&str]) -> Option<WithVectorsSelector> {
    let names: Vec<String> = names.iter().map(|name| (*name).to_owned()).collect();
    (!names.is_empty())
        .then_some(WithVectorsSelector { selector_options: Some(VectorOptions::Include(VectorsSelector { names })) })
}

/// Nothing of payloads.
pub(super) fn no_fields() -> Option<WithPayloadSelector> {
    Some(false.into())
}

fn vector(vector: Kept) -> Vector {
    Vector { vector: Some(vector), ..Vector::default() }
}

/// The terms of a text as a sparse vector has them.
pub(super) fn sparse(vector: Sent) -> Option<SparseVector> {
    match vector {
        Sent::Sparse(sparse) => Some(sparse),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use qdrant_client::qdrant::{NamedVectorsOutput, VectorOutput};
    use serde_json::json;

    use super::*;

    /// What a server sends of a point.
    fn sent(point: &PointStruct) -> VectorsOutput {
        let Some(VectorsOptions::Vectors(named)) = point.vectors.clone().unwrap().vectors_options else { panic!() };
        let output = |vector: Vector| VectorOutput {
            vector: match vector.vector {
                Some(Kept::MultiDense(all)) => Some(Sent::MultiDense(all)),
                Some(Kept::Sparse(sparse)) => Some(Sent::Sparse(sparse)),
                _ => None,
            },
            ..VectorOutput::default()
        };
        let vectors = named.vectors.into_iter().map(|(name, vector)| (name, output(vector))).collect();
        VectorsOutput { vectors_options: Some(SentVectors::Vectors(NamedVectorsOutput { vectors })) }
    }

    proptest! {
        #[test]
        fn what_was_written_is_read(
            title in "\\PC{0,20}", body in "(?s).{0,200}", passages in 0usize..4, views in prop::option::of(prop::collection::vec(any::<u8>(), 0..50)),
        ) {
            let metadata = json!({"z": u64::MAX, "a": 1e-7, "b": [null, {"c": "\u{0}"}], "d": 1.0});
            let document_ = Document { id: "x".into(), title, text: body, metadata: metadata.as_object().unwrap().clone() };
            let passage = |at: usize| (Passage { bytes: at..at + 7, chars: at..at + 5 }, vec![at as f32, -0.0, f32::MIN_POSITIVE]);
            let entry = Entry { document: document_, passages: (0..passages).map(passage).collect(), views };
            let point = point(&entry, Some(&"here".to_owned()), Generation(7), 5);
            prop_assert_eq!(decode_origins(&point.payload), ["here"]);
            prop_assert_eq!(Place::read(point.id.as_ref()), Some(Place::of("x")));
            prop_assert_eq!(generation(&point.payload), Some(Generation(7)));
            let read = document(point.payload.clone(), Some(sent(&point)), 3).unwrap();
            prop_assert_eq!(whole(&read), Some(entry.document));
            prop_assert_eq!(&read.contents.as_ref().unwrap().views, &entry.views);
            let (places, vectors): (Vec<_>, Vec<Vec<f32>>) = entry.passages.into_iter().unzip();
            prop_assert_eq!(&read.passages, &places);
            let bits = |values: &[f32]| values.iter().map(|value| value.to_bits()).collect::<Vec<_>>();
            prop_assert_eq!(bits(&read.vectors), bits(&vectors.concat()));
            // Vectors that are not as many as the passages are no document.
            prop_assert!(passages == 0 || document(point.payload.clone(), None, 3).is_none());
            for missing in ["id", "metadata", "passages"] {
                let mut payload = point.payload.clone();
                payload.remove(missing);
                prop_assert!(document(payload, Some(sent(&point)), 3).is_none());
            }
        }
    }
}
