//! Large indexes: the graph of the vectors finds nearly what comparing with every passage finds, scores it exactly, and
//! is never needed for being right.

mod support;

use std::collections::HashSet;
use std::fs;
use std::path::{Path, PathBuf};

use serde_json::{Map, json};
use support::check;
use vetted_corpus::{Document, Passage};
use vetted_retrieval::{EncoderIdentity, Entry, Hit, Index, Manifest, Notice, Problem, Query, Settings};

const DIMENSIONS: usize = 64;

/// Numbers that follow from a seed, about normally distributed.
struct Random(u64);

impl Random {
    fn next(&mut self) -> f32 {
        let mut uniform = || {
            self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            (self.0 >> 40) as f32 / (1 << 24) as f32 - 0.5
        };
        2.0 * (uniform() + uniform() + uniform())
    }

    fn vector(&mut self) -> Vec<f32> {
        (0..DIMENSIONS).map(|_| self.next()).collect()
    }
}

/// Vectors of length 1 like those of texts: in topics of unequal size, which overlap, and in each of which texts differ in
/// a few directions much and in the rest a little.
struct Topics {
    centers: Vec<Vec<f32>>,
    directions: Vec<Vec<f32>>,
}

impl Topics {
    const DIRECTIONS: usize = 20;

    fn new() -> Self {
        let mut random = Random(42);
        let mut center = || random.vector().into_iter().map(|value| 0.4 * value).collect();
        let centers = (0..100).map(|_| center()).collect();
        Self { centers, directions: (0..Self::DIRECTIONS).map(|_| random.vector()).collect() }
    }

    fn vector(&self, seed: usize) -> Vec<f32> {
        let mut random = Random(seed as u64 + 1);
        random.next();
        // Squared, so that the first topics are the largest.
        let topic = (random.next().abs() / 3.0).powi(2) * self.centers.len() as f32;
        let mut vector = self.centers[topic as usize % self.centers.len()].clone();
        for direction in &self.directions {
            let far = 0.4 * random.next();
            vector.iter_mut().zip(direction).for_each(|(value, along)| *value += far * along);
        }
        vector.iter_mut().for_each(|value| *value += 0.8 * random.next());
        let length = vector.iter().map(|value| value * value).sum::<f32>().sqrt();
        vector.into_iter().map(|value| value / length).collect()
    }

    /// A document whose passages are of the topics of some vectors.
    fn entry(&self, number: usize, passages: usize) -> Entry {
        let text = format!("passage of document {number}");
        let passage = |at: usize| (Passage { bytes: at..at + 1, chars: at..at + 1 }, self.vector(number * 100 + at));
        let metadata = json!({"hundredth": number % 100, "third": number % 3});
        let metadata = metadata.as_object().cloned().unwrap_or_default();
        let document = Document { id: id(number), text, metadata, ..Document::default() };
        Entry { document, passages: (0..passages).map(passage).collect(), views: None }
    }

    fn query(&self, number: usize) -> Vec<f32> {
        self.vector(1_000_000_000 + number)
    }
}

fn id(number: usize) -> String {
    format!("document-{number:05}")
}

fn manifest() -> Manifest {
    let encoder = EncoderIdentity { name: "test".into(), fingerprint: "0123".into(), dimensions: DIMENSIONS };
    Manifest::new(encoder, Map::new())
}

fn settings() -> Settings {
    Settings::default().graph_from(1000)
}

/// An index of so many documents, finished and closed.
fn finished(topics: &Topics, documents: usize, passages: usize) -> (tempfile::TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("index");
    let index = Index::create_with(&path, manifest(), settings()).unwrap();
    for first in (0..documents).step_by(1000) {
        let batch = first..(first + 1000).min(documents);
        index.upsert(batch.map(|number| topics.entry(number, passages)).collect()).unwrap();
    }
    index.finish().unwrap();
    assert!(graph(&path).exists());
    assert_eq!(index.notices(), []);
    (folder, path)
}

fn graph(path: &Path) -> PathBuf {
    path.join("vectors/graph")
}

fn ids(hits: &[Hit]) -> HashSet<&str> {
    hits.iter().map(|hit| hit.id.as_str()).collect()
}

/// The share of what comparing with every passage finds that is found, where equals are as good. Every query has as many hits as it should, with the
/// scores they should have.
fn recall<'query>(index: &Index, queries: impl Iterator<Item = Query<'query>>) -> f64 {
    let (mut found, mut wanted) = (0, 0);
    for query in queries {
        let (hits, exact) = (index.search(&query).unwrap(), index.search(&query.clone().exact()).unwrap());
        assert_eq!(hits.len(), exact.len());
        wanted += exact.len();
        let worst = exact.last().map_or(0.0, |hit| hit.score);
        for hit in &hits {
            if let Some(same) = exact.iter().find(|other| other.id == hit.id) {
                assert_eq!((same.score, &same.passage), (hit.score, &hit.passage));
            }
            found += usize::from(hit.score >= worst);
        }
    }
    assert!(wanted > 0);
    found as f64 / wanted as f64
}

#[test]
fn the_graph_finds_nearly_everything() {
    let topics = Topics::new();
    let (_folder, path) = finished(&topics, 20_000, 1);
    let index = Index::open_with(&path, settings()).unwrap();
    let queries: Vec<_> = (0..200).map(|number| topics.query(number)).collect();
    let found = recall(&index, queries.iter().map(|query| Query::dense(query)));
    assert!(found >= 0.98, "{found}");
    assert_eq!(index.notices(), []);
    check(&index);
    // A graph is searched by one thread, but by many at once, and more than there are processors.
    let search = || queries.iter().map(|query| index.search(&Query::dense(query)).unwrap()).collect::<Vec<_>>();
    let alone = search();
    std::thread::scope(|scope| {
        let threads: Vec<_> = (0..8).map(|_| scope.spawn(search)).collect();
        threads.into_iter().for_each(|thread| assert_eq!(thread.join().unwrap(), alone));
    });
}

#[test]
fn the_graph_is_asked_and_what_it_holds_is_checked() {
    // Where the graph belongs to other vectors, it finds other documents, with the right scores; and `check` tells.
    let topics = Topics::new();
    let (_folder, path) = finished(&topics, 2000, 1);
    let moved = Topics { centers: topics.directions.clone(), directions: topics.centers[..20].to_vec() };
    let (_other, foreign) = finished(&moved, 2000, 1);
    fs::copy(graph(&foreign), graph(&path)).unwrap();
    let index = Index::open_with(&path, settings()).unwrap();
    let queries: Vec<_> = (0..20).map(|number| topics.query(number)).collect();
    let found = recall(&index, queries.iter().map(|query| Query::dense(query)));
    assert!(found < 0.5, "{found}");
    let problems = index.check().unwrap().problems;
    assert_eq!(problems.len(), 2000);
    assert!(problems.iter().all(|it| matches!(it, Problem::VectorIndex { .. })));
}

#[test]
fn the_same_text_again_and_again_hides_nothing() {
    let topics = Topics::new();
    let folder = tempfile::tempdir().unwrap();
    let index = Index::create_with(folder.path().join("index"), manifest(), settings()).unwrap();
    let vector = |number: usize| if number.is_multiple_of(2) { 0 } else { number * 100 };
    let entry = |number: usize| {
        let passages = vec![(Passage { bytes: 0..1, chars: 0..1 }, topics.vector(vector(number)))];
        Entry { passages, ..topics.entry(number, 0) }
    };
    index.upsert((0..6000).map(entry).collect()).unwrap();
    index.finish().unwrap();
    let queries: Vec<_> = (0..50).map(|number| topics.query(number)).collect();
    let found = recall(&index, queries.iter().map(|query| Query::dense(query)));
    assert!(found >= 0.98, "{found}");
    let own: Vec<_> = (1..100).step_by(2).map(|number| topics.vector(vector(number))).collect();
    let found = recall(&index, own.iter().map(|query| Query::dense(query).k(1)));
    assert_eq!(found, 1.0);
    let again = topics.vector(0);
    let again = Query::dense(&again).k(50);
    assert_eq!(index.search(&again).unwrap(), index.search(&again.clone().exact()).unwrap());
    check(&index);
    // What is written later and is equal to a passage in the graph is linked with it.
    let length = fs::metadata(graph(index.directory())).unwrap().len();
    index.upsert((6000..7000).map(|number| entry(2 * number)).collect()).unwrap();
    index.finish().unwrap();
    let grown = fs::metadata(graph(index.directory())).unwrap().len() - length;
    assert_eq!(grown, 1000 * 16);
    assert_eq!(index.search(&again).unwrap(), index.search(&again.clone().exact()).unwrap());
    check(&index);
}

#[test]
fn filters_come_before_the_graph_too() {
    let topics = Topics::new();
    let (_folder, path) = finished(&topics, 6000, 1);
    let index = Index::open_with(&path, settings()).unwrap();
    for filter in ["third=1", "hundredth>=90", "hundredth=7"] {
        let queries: Vec<_> = (0..50).map(|number| topics.query(number)).collect();
        let query = |query| Query::dense(query).filter(filter.parse().unwrap());
        let found = recall(&index, queries.iter().map(|it| query(it).k(20)));
        assert!(found >= 0.98, "{filter}: {found}");
        for hit in index.search(&query(&queries[0])).unwrap() {
            let filter: vetted_retrieval::Filter = filter.parse().unwrap();
            assert!(filter.accepts(&index.get(&hit.id).unwrap().unwrap().metadata));
        }
    }
}

#[test]
fn there_are_k_documents_however_many_passages_they_have() {
    let topics = Topics::new();
    let (_folder, path) = finished(&topics, 300, 20);
    let index = Index::open_with(&path, settings()).unwrap();
    for k in [1, 10, 100, 299, 300, 1000, usize::MAX / 4] {
        let query = topics.query(k % 97);
        let hits = index.search(&Query::dense(&query).k(k)).unwrap();
        assert_eq!((hits.len(), ids(&hits).len()), (k.min(300), k.min(300)));
        assert!(recall(&index, [Query::dense(&query).k(k)].into_iter()) >= 0.9);
        let hybrid = Query::hybrid("passage of document 7", &query).k(k);
        assert_eq!(index.search(&hybrid).unwrap().len(), k.min(300));
    }
}

#[test]
fn a_graph_that_lags_behind_hides_nothing() {
    let topics = Topics::new();
    let (_folder, path) = finished(&topics, 3000, 1);
    let index = Index::open_writable_with(&path, settings()).unwrap();
    let length = fs::metadata(graph(&path)).unwrap().len();
    index.search(&Query::dense(&topics.query(0))).unwrap();
    index.delete(&[id(5), id(6)]).unwrap();
    let moved = |number: usize| Entry { document: topics.entry(number, 0).document, ..topics.entry(number + 9000, 1) };
    index.upsert(vec![moved(7), topics.entry(3000, 2)]).unwrap();
    let holds = |index: &Index| {
        let nearest = |number: usize| {
            let vector = topics.vector(number * 100);
            index.search(&Query::dense(&vector)).unwrap().swap_remove(0).id
        };
        for gone in [5, 6, 7] {
            assert_ne!(nearest(gone), id(gone));
        }
        assert_eq!([8, 9007, 3000].map(nearest), [8, 7, 3000].map(id));
        assert_eq!(index.notices(), []);
        check(index);
    };
    holds(&index);
    drop(index); // without `finish`, as if killed
    holds(&Index::open_with(&path, settings()).unwrap());

    let index = Index::open_writable_with(&path, settings()).unwrap();
    assert_eq!(index.notices(), [Notice::TextCaughtUp { added: 2, removed: 3 }]);
    index.finish().unwrap();
    assert_eq!(fs::metadata(graph(&path)).unwrap().len(), length, "a few documents are no reason to write it anew");
    index.upsert((4000..4500).map(|number| topics.entry(number, 1)).collect()).unwrap();
    index.finish().unwrap();
    let longer = fs::metadata(graph(&path)).unwrap().len();
    assert!(longer > length + length / 8, "{length} {longer}");
    holds(&index);
    index.delete(&(1000..2500).map(id).collect::<Vec<_>>()).unwrap();
    holds(&index);
    index.finish().unwrap();
    let shorter = fs::metadata(graph(&path)).unwrap().len();
    assert!(shorter < length, "{length} {shorter}");
    holds(&index);
    drop(index);
    holds(&Index::open_with(&path, settings()).unwrap());
}

#[test]
fn changes_and_searches_go_on_while_the_graph_is_made() {
    let topics = Topics::new();
    let (_folder, path) = finished(&topics, 1000, 1);
    let index = Index::open_writable_with(&path, settings()).unwrap();
    index.upsert((1000..5000).map(|number| topics.entry(number, 1)).collect()).unwrap();
    std::thread::scope(|scope| {
        let finishing = [(); 2].map(|()| scope.spawn(|| index.finish().unwrap()));
        let mut number = 5000;
        while !finishing.iter().all(|thread| thread.is_finished()) || number == 5000 {
            index.upsert(vec![topics.entry(number, 1)]).unwrap();
            index.delete(&[id(number - 5000)]).unwrap();
            let vector = topics.vector(number * 100);
            assert_eq!(index.search(&Query::dense(&vector)).unwrap()[0].id, id(number));
            number += 1;
        }
    });
    check(&index);
    index.finish().unwrap();
    check(&index);
    assert_eq!(index.notices(), []);
}

#[test]
fn a_graph_in_any_state_is_noticed_and_rebuilt() {
    /// What happens to the file's bytes.
    type Accident = (&'static str, fn(&mut Vec<u8>));
    let wreck: [Accident; 6] = [
        ("empty", Vec::clear),
        ("cut short", |bytes| bytes.truncate(bytes.len() * 2 / 3)),
        ("one bit flipped", |bytes| bytes[100_000] ^= 0x10),
        ("checksum flipped", |bytes| bytes.last_mut().into_iter().for_each(|byte| *byte ^= 1)),
        ("another format", |bytes| {
            let at = bytes.windows(8).rposition(|it| it == b"vetted01").unwrap();
            bytes[at + 7] = b'9';
        }),
        ("another file", |bytes| *bytes = b"something else, and longer than any footer ".repeat(9)),
    ];
    let topics = Topics::new();
    let (_folder, path) = finished(&topics, 1500, 1);
    let query = topics.query(1);
    let query = Query::dense(&query);
    let exact = Index::open_with(&path, settings()).unwrap().search(&query.clone().exact()).unwrap();
    let wrecked = |state: &str, wreck: &mut dyn FnMut()| {
        wreck();
        let reader = Index::open_with(&path, settings()).unwrap();
        assert_eq!(reader.search(&query).unwrap(), exact, "{state}");
        let notices = reader.notices();
        assert!(matches!(notices[..], [Notice::GraphUnusable { passages: 1500, .. }]), "{state}: {notices:?}");
        check(&reader);
        drop(reader);
        let writer = Index::open_writable_with(&path, settings()).unwrap();
        writer.finish().unwrap();
        let rebuilt = writer.notices();
        assert_eq!(rebuilt.len(), usize::from(state != "missing"), "{state}: {rebuilt:?}");
        assert!(rebuilt.iter().all(|it| matches!(it, Notice::GraphRebuilt { passages: 1500, .. })), "{rebuilt:?}");
        assert_eq!(writer.search(&query).unwrap().len(), 10);
        check(&writer);
        assert_eq!(writer.notices(), []);
    };
    for (state, wreck) in wreck {
        wrecked(state, &mut || {
            let mut bytes = fs::read(graph(&path)).unwrap();
            wreck(&mut bytes);
            fs::write(graph(&path), bytes).unwrap();
        });
    }
    wrecked("missing", &mut || fs::remove_dir_all(path.join("vectors")).unwrap());
    wrecked("missing", &mut || {
        fs::rename(graph(&path), path.join("vectors/graph.new")).unwrap(); // as a kill before the last step leaves it
    });
}

#[test]
fn small_indexes_have_no_graph() {
    let topics = Topics::new();
    let (_folder, path) = finished(&topics, 1000, 1);
    let large = Settings::default().graph_from(1001);
    fs::remove_file(graph(&path)).unwrap();
    let index = Index::open_writable_with(&path, large).unwrap();
    index.finish().unwrap();
    assert!(!graph(&path).exists());
    let query = topics.query(0);
    assert_eq!(recall(&index, [Query::dense(&query)].into_iter()), 1.0);
    assert_eq!(index.notices(), []);
    // It grows while it is open, and another graph takes over as soon as there is one.
    index.upsert((2000..2500).map(|number| topics.entry(number, 1)).collect()).unwrap();
    assert_eq!(recall(&index, [Query::dense(&query)].into_iter()), 1.0);
    index.finish().unwrap();
    assert!(graph(&path).exists());
    check(&index);
    assert_eq!(index.notices(), []);
}
