//! A client that is killed leaves every document whole: as it was, or as it was to be. The test starts itself anew as a child, which
//! a variable in the environment tells what to do.

use std::collections::HashMap;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use vetted_fixtures::qdrant_server;
use vetted_fixtures::redis_server::Server;
use vetted_retrieval::{Entry, Retriever};

use crate::corpus::{Chance, entry};
use crate::{made, opened, patient, qdrant};

const URL: &str = "VETTED_TEST_INDEX";
const DOCUMENTS: usize = 12;

/// A document of a version: everything about it follows from its id and the version.
fn versioned(id: usize, version: usize) -> Entry {
    let mut entry = entry(&format!("{id}"), &mut Chance((id * 1000 + version) as u64));
    entry.document.title = format!("{version}");
    entry.document.text = format!("unique{id} {}", entry.document.text);
    let vector = Chance((id * 77 + version) as u64).vector();
    entry.passages = vec![(vetted_corpus::Passage { bytes: 0..6, chars: 0..6 }, vector); 1 + version % 3];
    entry
}

fn start(url: &str) -> Child {
    Command::new(std::env::current_exe().unwrap())
        .args(["killed::writes_until_it_is_killed", "--exact", "--nocapture", "--include-ignored", "--test-threads=1"])
        .env(URL, url)
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap()
}

#[test]
#[ignore = "a child of the next test"]
fn writes_until_it_is_killed() {
    let Ok(url) = std::env::var(URL) else { return };
    let index: Box<dyn Retriever> = match url.starts_with("qdrant") {
        true => Box::new(qdrant::opened(&url, qdrant::patient(), true).unwrap()),
        false => Box::new(opened(&url, patient(), true).unwrap()),
    };
    for version in 0.. {
        let batch: Vec<Entry> = (0..DOCUMENTS).map(|id| versioned(id, version)).collect();
        index.upsert_from(batch, &HashMap::new()).unwrap();
        if version % 4 == 3 {
            index.delete(&["0", "5"]).unwrap();
        }
    }
}

/// Every document that is there is whole. Says how many there are.
fn are_whole(index: &dyn Retriever) -> usize {
    let ids = index.ids().unwrap();
    for id in &ids {
        let document = index.get(id).unwrap().unwrap();
        let expected = versioned(id.parse().unwrap(), document.title.parse().unwrap());
        assert_eq!(document, expected.document);
        let (passages, vectors): (Vec<_>, Vec<_>) = expected.passages.into_iter().unzip();
        assert_eq!(index.passages(id).unwrap(), Some(passages));
        assert_eq!(index.vectors(id).unwrap(), Some(vectors.concat()));
        let views = index.read_views(&[id], |views| views[0].map(<[u8]>::to_vec)).unwrap();
        assert_eq!(views.unwrap_or_default(), expected.views.unwrap_or_default());
        let hits = index.search(&vetted_retrieval::Query::bm25(&format!("unique{id}"))).unwrap().hits;
        assert_eq!(hits.len(), 1);
    }
    // Nothing is left of what was replaced.
    assert_eq!(index.check().unwrap().problems, []);
    ids.len()
}

#[test]
fn a_client_that_is_killed_leaves_every_document_whole() {
    let Some(server) = Server::start(&[]) else { return };
    let url = format!("{}/client?shards=2", server.url());
    let index = made(&url);
    let index: &dyn Retriever = &index;
    let mut seen = 0;
    for round in 0..8 {
        let mut child = start(&url);
        std::thread::sleep(Duration::from_millis(250 + 37 * round));
        child.kill().unwrap();
        child.wait().unwrap();
        seen += are_whole(index);
        // As many vectors and postings as the documents have.
        let passages = index.holdings().unwrap().passages;
        let vectors: usize =
            server.run::<Vec<String>>("KEYS *}:v").iter().map(|key| server.run::<usize>(&format!("VCARD {key}"))).sum();
        assert_eq!(vectors, passages);
        // What was replaced just now may still be fetched, and goes by itself.
        let records = server.run::<Vec<String>>("KEYS *}:d:*").into_iter();
        let lasting = records.filter(|key| server.run::<i64>(&format!("PTTL {key}")) == -1).count();
        assert_eq!(lasting, index.len().unwrap());
    }
    assert!(seen > 0, "the child never wrote anything");
}

#[test]
fn a_client_that_is_killed_leaves_every_document_on_qdrant_whole() {
    let Some(server) = qdrant_server::Server::start(&[]) else { return };
    let url = format!("{}/client", server.url());
    let index = qdrant::made(&url);
    let index: &dyn Retriever = &index;
    let mut seen = 0;
    for round in 0..4 {
        let mut child = start(&url);
        std::thread::sleep(Duration::from_millis(300 + 37 * round));
        child.kill().unwrap();
        child.wait().unwrap();
        // The server may still be doing what it was asked last.
        std::thread::sleep(Duration::from_millis(200));
        seen += are_whole(index);
    }
    assert!(seen > 0, "the child never wrote anything");
}
