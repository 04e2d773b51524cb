//! Shards that are slow, or gone: what is left answers in time, says what was not asked, and nothing acknowledged is lost.

use std::collections::{BTreeMap, HashMap};
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use vetted_corpus::{Document, Passage};
use vetted_fixtures::redis_server::{Cluster, Server};
use vetted_kernels::{Deadline, Team};
use vetted_retrieval::redis::Settings;
use vetted_retrieval::{Entry, Error, Query, Retriever, ServerProblem};

use crate::corpus::{Chance, entries};
use crate::{made, opened, patient};

/// A cluster whose nodes answer for their slots when others are gone, and that keeps what it acknowledges.
const KEEPING: [&str; 4] =
    ["cluster-require-full-coverage no", "appendonly yes", "appendfsync always", "cluster-allow-reads-when-down yes"];

fn hasty() -> Settings {
    Settings { connect: Duration::from_millis(300), search: Duration::from_millis(600), ..patient() }
}

#[test]
fn a_slow_shard_is_left_out_in_time_and_named() {
    let Some(cluster) = Cluster::start(&KEEPING) else { return };
    let url = format!("{}/slow", cluster.url());
    made(&url).upsert_from(entries(0..90, 30), &HashMap::new()).unwrap();
    let index = opened(&url, hasty(), false).unwrap();
    let index: &dyn Retriever = &index;
    let mut chance = Chance(31);
    let vector = chance.vector();
    let whole = index.search(&Query::dense(&vector).k(90)).unwrap();
    assert_eq!(whole.not_asked, []);
    cluster.nodes[1].pause();
    for query in [Query::dense(&vector), Query::bm25("tea water"), Query::hybrid("tea water", &vector)] {
        let since = Instant::now();
        let found = index.search(&query.k(90)).unwrap();
        // Two ways, each at most 600 ms, for a search by both.
        assert!(since.elapsed() < Duration::from_millis(2500), "{:?}", since.elapsed());
        assert!(!found.hits.is_empty());
        let [not_asked] = found.not_asked.as_slice() else { panic!("{:?}", found.not_asked) };
        assert_eq!(not_asked.part, "shard 2 of 3");
        assert!(not_asked.documents.is_some_and(|documents| (10..60).contains(&documents)), "{not_asked}");
    }
    // The others' hits are those that were found before.
    let found = index.search(&Query::dense(&vector).k(90)).unwrap();
    let ids: Vec<&str> = found.hits.iter().map(|hit| hit.id.as_str()).collect();
    let expected: Vec<&str> = whole.hits.iter().map(|hit| hit.id.as_str()).filter(|id| ids.contains(id)).collect();
    assert_eq!(ids, expected);
    // A deadline that is shorter counts.
    let since = Instant::now();
    let mut team = Team::alone().until(&Deadline::after(Duration::from_millis(250)));
    let found = index.session().unwrap().search(&Query::dense(&vector).k(5), &mut team);
    assert!(since.elapsed() < Duration::from_millis(600), "{:?}", since.elapsed());
    assert!(found.is_ok_and(|found| found.not_asked.len() == 1));
    cluster.nodes[1].resume();
    let since = Instant::now();
    while !index.search(&Query::dense(&vector).k(90)).unwrap().not_asked.is_empty() {
        assert!(since.elapsed() < Duration::from_secs(20), "it does not recover");
    }
    assert_eq!(index.search(&Query::dense(&vector).k(90)).unwrap(), whole);
}

#[test]
fn without_any_shard_there_is_an_error() {
    let Some(mut server) = Server::start(&[]) else { return };
    let url = format!("{}/gone", server.url());
    made(&url).upsert_from(entries(0..9, 32), &HashMap::new()).unwrap();
    let index = opened(&url, hasty(), true).unwrap();
    server.kill();
    let index: &dyn Retriever = &index;
    let error = index.search(&Query::bm25("tea")).unwrap_err();
    assert!(matches!(error, Error::Server { problem: ServerProblem::Unavailable, .. }), "{error}");
    assert!(opened(&url, hasty(), false).is_err());
}

/// A document whose every part says the same number.
pub fn numbered(id: usize, number: usize) -> Entry {
    let text = format!("word{id} number {number}");
    let mut chance = Chance(number as u64);
    let passages = vec![(Passage { bytes: 0..text.len(), chars: 0..text.len() }, chance.vector())];
    let views = Some(number.to_le_bytes().to_vec());
    let mut document = Document { id: format!("{id}"), title: format!("{number}"), text, ..Document::default() };
    document.metadata.insert("number".into(), number.into());
    Entry { document, passages, views }
}

/// The number that all parts of a document say; `None` where it is not there.
pub fn number_of(index: &dyn Retriever, id: usize) -> Option<usize> {
    let id = id.to_string();
    let document = index.get(&id).unwrap()?;
    let number: usize = document.title.parse().unwrap();
    let entry = numbered(id.parse().unwrap(), number);
    assert_eq!(document, entry.document);
    assert_eq!(index.vectors(&id).unwrap(), Some(entry.passages[0].1.clone()));
    assert_eq!(index.read_views(&[&id], |views| views[0].map(<[u8]>::to_vec)).unwrap(), entry.views);
    let found = index.search(&Query::bm25(&format!("word{id}"))).unwrap().hits;
    assert_eq!(found.iter().map(|hit| hit.id.as_str()).collect::<Vec<_>>(), [id.as_str()]);
    let found = index.search(&Query::dense(&entry.passages[0].1).k(1)).unwrap().hits;
    assert!(found[0].score > 0.999);
    Some(number)
}

#[test]
fn what_was_acknowledged_survives_a_node_that_is_killed_under_load() {
    let Some(mut cluster) = Cluster::start(&KEEPING) else { return };
    let url = format!("{}/killed", cluster.url());
    drop(made(&url));
    let index = opened(&url, Settings { patience: Duration::from_secs(60), ..hasty() }, true).unwrap();
    let index: &dyn Retriever = &index;
    const DOCUMENTS: usize = 60;
    let acknowledged = Mutex::new(BTreeMap::new());
    let (next, stop) = (AtomicUsize::new(1), AtomicBool::new(false));
    let (degraded, longest) = (AtomicUsize::new(0), Mutex::new(Duration::ZERO));
    let mut recovery = Duration::ZERO;
    std::thread::scope(|threads| {
        for writer in 0..3 {
            let (acknowledged, next, stop) = (&acknowledged, &next, &stop);
            threads.spawn(move || {
                let mut turn = 0;
                while !stop.load(Ordering::Relaxed) {
                    // Each writer has documents of its own, so the last that it was told is the last there is.
                    let id = (turn * 3 + writer) % DOCUMENTS;
                    turn += 1;
                    let number = next.fetch_add(1, Ordering::Relaxed);
                    index.upsert_from(vec![numbered(id, number)], &HashMap::new()).unwrap();
                    acknowledged.lock().unwrap().insert(id, number);
                }
            });
        }
        let reader = threads.spawn(|| {
            let mut chance = Chance(41);
            while !stop.load(Ordering::Relaxed) {
                let vector = chance.vector();
                let since = Instant::now();
                let found = index.search(&Query::dense(&vector).k(10)).unwrap();
                let mut longest = longest.lock().unwrap();
                *longest = (*longest).max(since.elapsed());
                degraded.fetch_add(found.not_asked.len(), Ordering::Relaxed);
                for hit in found.hits {
                    // No wrong document: its text is of the id under which it was found.
                    assert!(hit.id.parse::<usize>().is_ok_and(|id| id < DOCUMENTS));
                }
            }
        });
        let pause = |milliseconds| std::thread::sleep(Duration::from_millis(milliseconds));
        pause(1000);
        cluster.nodes[0].kill();
        pause(2500);
        cluster.nodes[0].restart();
        let since = Instant::now();
        let vector = Chance(42).vector();
        while !index.search(&Query::dense(&vector)).is_ok_and(|found| found.not_asked.is_empty()) {
            assert!(since.elapsed() < Duration::from_secs(30), "it does not recover");
        }
        recovery = since.elapsed();
        pause(500);
        stop.store(true, Ordering::Relaxed);
        reader.join().unwrap();
    });
    let acknowledged = acknowledged.into_inner().unwrap();
    eprintln!(
        "{} writes acknowledged, {} answers without a shard, longest search {:?}, recovered {recovery:?} after the restart",
        next.load(Ordering::Relaxed) - 1,
        degraded.load(Ordering::Relaxed),
        longest.lock().unwrap()
    );
    assert!(degraded.load(Ordering::Relaxed) > 0, "the killed node was never missed");
    assert!(*longest.lock().unwrap() < Duration::from_secs(4));
    for (id, number) in acknowledged {
        // Writers are done: what was told last is there, whole.
        assert_eq!(number_of(index, id), Some(number), "document {id}");
    }
    assert_eq!(index.check().unwrap().problems, []);
}
