//! What only an index on Qdrant meets: keys, collections of somebody else's, a server that is old, slow, gone or killed.

use std::collections::{BTreeMap, HashMap};
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use qdrant_client::qdrant::vectors_config::Config;
use qdrant_client::qdrant::{CreateCollection, DeleteFieldIndexCollection, VectorParams, VectorsConfig};
use vetted_fixtures::qdrant_server::Server;
use vetted_kernels::{Deadline, Team};
use vetted_retrieval::qdrant::{QdrantAddress, QdrantIndex, Settings};
use vetted_retrieval::{Error, Place, Query, Retriever, ServerProblem};

use crate::contract;
use crate::corpus::{Chance, entries, manifest, manifest_of};
use crate::degraded::{number_of, numbered};

/// Time enough for a machine that has much else to do.
pub fn patient() -> Settings {
    Settings {
        connect: Duration::from_secs(10),
        search: Duration::from_secs(30),
        change: Duration::from_secs(30),
        patience: Duration::from_secs(30),
    }
}

fn hasty() -> Settings {
    Settings { connect: Duration::from_millis(300), search: Duration::from_millis(600), ..patient() }
}

pub fn made(url: &str) -> QdrantIndex {
    create(url).unwrap_or_else(|error| panic!("{error}"))
}

fn create(url: &str) -> Result<QdrantIndex, Error> {
    QdrantIndex::create(QdrantAddress::parse(url).unwrap(), manifest(), patient())
}

pub fn opened(url: &str, settings: Settings, writable: bool) -> Result<QdrantIndex, Error> {
    QdrantIndex::open(QdrantAddress::parse(url).unwrap(), settings, writable)
}

#[track_caller]
fn is_told<T>(result: Result<T, Error>, expected: ServerProblem, says: &str) {
    match result {
        Err(Error::Server { problem, message }) => {
            assert!(problem == expected && message.contains(says), "{problem:?}: {message}");
            assert!(!message.contains("secret"), "{message}");
        }
        Err(error) => panic!("{error}"),
        Ok(_) => panic!("it opens"),
    }
}

/// Asks the server past the index.
fn ask<T>(server: &Server, request: impl AsyncFnOnce(qdrant_client::Qdrant) -> T) -> T {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let client = qdrant_client::Qdrant::from_url(&server.url().replace("qdrant", "http"));
    runtime.block_on(request(client.skip_compatibility_check().build().unwrap()))
}

#[test]
fn the_contract_holds_on_qdrant() {
    let Some(server) = Server::start(&[]) else { return };
    let mut number = 0;
    contract::holds(&mut || {
        number += 1;
        Box::new(made(&format!("{}/index{number}", server.url()))) as Box<dyn Retriever>
    });
}

#[test]
fn what_is_there_already_is_told_apart() {
    let Some(server) = Server::start(&[]) else { return };
    let url = |name: &str| format!("{}/{name}", server.url());
    is_told(opened(&url("none"), patient(), false), ServerProblem::NotThere, "there is no index");
    assert_eq!(Place::parse(url("none")).unwrap().manifest().unwrap(), None);
    let index = made(&url("notes"));
    is_told(create(&url("notes")), ServerProblem::Unsuitable, "already");
    assert_eq!(Place::parse(url("notes")).unwrap().manifest().unwrap(), Some(manifest()));
    assert_eq!(opened(&url("notes"), patient(), false).unwrap().manifest(), &manifest());
    let error = opened(&url("notes"), patient(), false).unwrap().delete(&["x"]).unwrap_err();
    assert!(matches!(error, Error::ReadOnly { .. }), "{error}");

    // A collection of somebody else's, and one that says what the index says and has other vectors.
    let metadata = ask(&server, async |client| {
        client.collection_info("notes").await.unwrap().result.unwrap().config.unwrap().metadata
    });
    let vectors = VectorParams { size: 3, distance: 3, ..VectorParams::default() };
    for (name, metadata, says) in
        [("foreign", HashMap::new(), "does not say that it is an index"), ("other", metadata, "lacks the vectors")]
    {
        let vectors_config = Some(VectorsConfig {
            config: Some(Config::ParamsMap(qdrant_client::qdrant::VectorParamsMap {
                map: [("dense".to_owned(), vectors)].into(),
            })),
        });
        let request = CreateCollection { collection_name: name.into(), vectors_config, metadata, ..Default::default() };
        ask(&server, async |client| client.create_collection(request).await.unwrap());
        is_told(opened(&url(name), patient(), true), ServerProblem::Unsuitable, says);
    }

    // Vectors that cannot be kept, and an encoder that makes none.
    let mut entry = entries(0..1, 62).remove(0);
    let vector = Chance(63).vector().into_iter().map(|value| value * 2.0).collect();
    entry.passages = vec![(vetted_corpus::Passage { bytes: 0..1, chars: 0..1 }, vector)];
    is_told(index.upsert_from(vec![entry], &HashMap::new()), ServerProblem::Unsuitable, "Normalize");
    let none = QdrantIndex::create(QdrantAddress::parse(&url("empty")).unwrap(), manifest_of(0), patient());
    assert!(matches!(none, Err(Error::NoDimensions { .. })));

    // Who made it was killed before it was done: readers are told, and whoever writes does the rest.
    let request = DeleteFieldIndexCollection {
        collection_name: "notes".into(),
        wait: Some(true),
        field_name: "length".into(),
        ..Default::default()
    };
    ask(&server, async |client| client.delete_field_index(request).await.unwrap());
    is_told(opened(&url("notes"), patient(), false), ServerProblem::Unsuitable, "not made to its end");
    opened(&url("notes"), patient(), true).unwrap();
    opened(&url("notes"), patient(), false).unwrap();
}

#[test]
fn servers_that_cannot_be_used_are_told() {
    let Some(server) = Server::start(&["--key", "secret-key", "--read-key", "secret-reader"]) else { return };
    let url = |key: &str| format!("qdrant://{key}127.0.0.1:{}/notes", server.port);
    let index = made(&url(":secret-key@"));
    index.upsert_from(entries(0..20, 70), &HashMap::new()).unwrap();
    for wrong in ["", ":secret-but-wrong@"] {
        is_told(opened(&url(wrong), patient(), false), ServerProblem::Refused, "QDRANT_API_KEY");
    }
    // Who may only read searches.
    let reader = opened(&url(":secret-reader@"), patient(), false).unwrap_or_else(|error| panic!("{error}"));
    let reader: &dyn Retriever = &reader;
    assert!(!reader.search(&Query::bm25("tea")).unwrap().hits.is_empty());
    is_told(opened(&url(":secret-reader@"), patient(), true), ServerProblem::Refused, "QDRANT_API_KEY");
    // One that is too old.
    let Some(old) = Server::start(&["--version", "1.15.4"]) else { return };
    is_told(create(&format!("{}/notes", old.url())), ServerProblem::Unsuitable, "1.16");
    // And none.
    let since = Instant::now();
    is_told(opened("qdrant://127.0.0.1:1/notes", hasty(), false), ServerProblem::Unavailable, "cannot be reached");
    assert!(since.elapsed() < Duration::from_secs(5));
}

#[test]
fn a_server_that_hangs_is_given_up_in_time() {
    let Some(server) = Server::start(&[]) else { return };
    let url = format!("{}/slow", server.url());
    made(&url).upsert_from(entries(0..40, 71), &HashMap::new()).unwrap();
    let settings = Settings { search: Duration::from_millis(600), ..patient() };
    let index = opened(&url, settings, false).unwrap();
    let index: &dyn Retriever = &index;
    let vector = Chance(72).vector();
    server.pause();
    for query in [Query::dense(&vector), Query::bm25("tea water"), Query::hybrid("tea water", &vector)] {
        let since = Instant::now();
        is_told(index.search(&query), ServerProblem::Unavailable, "did not answer");
        assert!(since.elapsed() < Duration::from_millis(1500), "{:?}", since.elapsed());
    }
    // A deadline that is shorter counts.
    let since = Instant::now();
    let mut team = Team::alone().until(&Deadline::after(Duration::from_millis(200)));
    assert!(index.session().unwrap().search(&Query::dense(&vector), &mut team).is_err());
    assert!(since.elapsed() < Duration::from_millis(500), "{:?}", since.elapsed());
    server.resume();
    let since = Instant::now();
    while index.search(&Query::dense(&vector)).is_err() {
        assert!(since.elapsed() < Duration::from_secs(20), "it does not recover");
    }
}

#[test]
fn what_was_acknowledged_survives_a_server_that_is_killed_under_load() {
    let Some(mut server) = Server::start(&[]) else { return };
    let url = format!("{}/killed", server.url());
    drop(made(&url));
    let index = opened(&url, Settings { patience: Duration::from_secs(60), ..hasty() }, true).unwrap();
    let index: &dyn Retriever = &index;
    let (done, next, failed, found) =
        (AtomicBool::new(false), AtomicUsize::new(1), AtomicUsize::new(0), AtomicUsize::new(0));
    let acknowledged: Mutex<BTreeMap<usize, usize>> = Mutex::default();
    std::thread::scope(|threads| {
        for writer in 0..2 {
            let (done, next, acknowledged) = (&done, &next, &acknowledged);
            threads.spawn(move || {
                for id in (0..8).cycle() {
                    if done.load(Ordering::Relaxed) {
                        break;
                    }
                    // Each writer has documents of its own.
                    let (id, number) = (2 * id + writer, next.fetch_add(1, Ordering::Relaxed));
                    index.upsert_from(vec![numbered(id, number)], &HashMap::new()).unwrap();
                    acknowledged.lock().unwrap().insert(id, number);
                }
            });
        }
        let (done, failed, found) = (&done, &failed, &found);
        threads.spawn(move || {
            while !done.load(Ordering::Relaxed) {
                match index.search(&Query::bm25("number")) {
                    Ok(_) => found.fetch_add(1, Ordering::Relaxed),
                    Err(Error::Server { problem: ServerProblem::Unavailable, .. }) => {
                        failed.fetch_add(1, Ordering::Relaxed)
                    }
                    Err(error) => panic!("{error}"),
                };
            }
        });
        std::thread::sleep(Duration::from_millis(600));
        server.kill();
        std::thread::sleep(Duration::from_millis(300));
        server.restart();
        let since = Instant::now();
        let before = found.load(Ordering::Relaxed);
        while found.load(Ordering::Relaxed) == before {
            assert!(since.elapsed() < Duration::from_secs(20), "it does not recover");
            std::thread::sleep(Duration::from_millis(5));
        }
        eprintln!("recovered {:?} after the restart", since.elapsed());
        std::thread::sleep(Duration::from_millis(300));
        done.store(true, Ordering::Relaxed);
    });
    assert!(failed.load(Ordering::Relaxed) > 0, "the killed server was never missed");
    let acknowledged = acknowledged.into_inner().unwrap();
    assert!(acknowledged.len() > 8, "{acknowledged:?}");
    for (id, number) in acknowledged {
        // Writers are done: what was told last is there, whole.
        assert_eq!(number_of(index, id), Some(number), "document {id}");
    }
    assert_eq!(index.check().unwrap().problems, []);
}
