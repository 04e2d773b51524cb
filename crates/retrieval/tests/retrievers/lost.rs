//! Servers that come back without their data, and an index that is made anew under the same name: whoever has it open neither writes
//! into nowhere nor finds less without a word.

use std::collections::HashMap;

use vetted_fixtures::redis_server::{Cluster, Server};
use vetted_retrieval::redis::{IndexAddress, RedisIndex, Settings};
use vetted_retrieval::{Query, Retriever};

use crate::corpus::{Chance, entries, manifest};
use crate::{made, opened, patient};

#[test]
fn a_node_that_comes_back_empty_is_named_and_takes_nothing() {
    let Some(cluster) = Cluster::start(&["cluster-require-full-coverage no"]) else { return };
    let url = format!("{}/emptied", cluster.url());
    let index = made(&url);
    let index: &dyn Retriever = &index;
    index.upsert_from(entries(0..90, 80), &HashMap::new()).unwrap();
    cluster.nodes[1].run::<()>("FLUSHALL");
    let vector = Chance(81).vector();
    for query in [Query::dense(&vector), Query::bm25("tea water"), Query::hybrid("tea water", &vector)] {
        let found = index.search(&query.k(90)).unwrap();
        let [not_asked] = found.not_asked.as_slice() else { panic!("{:?}", found.not_asked) };
        assert!(!found.hits.is_empty() && not_asked.part == "shard 2 of 3", "{not_asked}");
        assert!(not_asked.reason.contains("without its data"), "{not_asked}");
    }
    let error = index.upsert_from(entries(0..90, 82), &HashMap::new()).unwrap_err().to_string();
    assert!(error.contains("without its data"), "{error}");
    assert!(index.len().is_err());
    // Who opens it later is told, and finds the rest.
    let later = opened(&url, patient(), true).unwrap();
    let later: &dyn Retriever = &later;
    assert!(later.notices().iter().any(|notice| notice.to_string().contains("shard 2 of 3")));
    assert_eq!(later.search(&Query::dense(&vector)).unwrap().not_asked.len(), 1);
}

#[test]
fn an_index_that_is_made_anew_is_another_one() {
    let Some(server) = Server::start(&[]) else { return };
    let url = format!("{}/anew", server.url());
    let old = made(&url);
    old.upsert_from(entries(0..9, 83), &HashMap::new()).unwrap();
    server.run::<()>("FLUSHALL");
    let vector = Chance(84).vector();
    let old: &dyn Retriever = &old;
    for again in [false, true] {
        if again {
            made(&format!("{url}?shards=5")).upsert_from(entries(0..9, 85), &HashMap::new()).unwrap();
        }
        assert!(old.search(&Query::dense(&vector)).is_err());
        let error = old.upsert_from(entries(0..9, 86), &HashMap::new()).unwrap_err().to_string();
        assert!(error.contains("made anew"), "{error}");
        assert!(old.delete(&["document 1"]).is_err());
    }
}

#[test]
fn documents_whose_index_is_gone_are_not_taken_for_a_new_one_s() {
    let Some(server) = Server::start(&[]) else { return };
    let url = format!("{}/left", server.url());
    made(&url).upsert_from(entries(0..9, 87), &HashMap::new()).unwrap();
    for key in server.run::<Vec<String>>("KEYS *index") {
        server.run::<()>(&format!("DEL {key}"));
    }
    let error =
        RedisIndex::create(IndexAddress::parse(&url).unwrap(), manifest(), patient()).err().unwrap().to_string();
    assert!(error.contains("9 documents of an index whose description is gone"), "{error}");
}

#[test]
fn no_node_is_all_of_them() {
    let Some(cluster) = Cluster::start(&["cluster-require-full-coverage no", "cluster-allow-reads-when-down yes"])
    else {
        return;
    };
    let all: Vec<String> = cluster.nodes.iter().map(|node| format!("127.0.0.1:{}", node.port)).collect();
    let url = format!("redis+cluster://{}/spread", all.join(","));
    made(&url).upsert_from(entries(0..90, 88), &HashMap::new()).unwrap();
    let vector = Chance(89).vector();
    let hasty = Settings { search: std::time::Duration::from_secs(1), ..patient() };
    for node in &cluster.nodes {
        node.pause();
        let index = opened(&url, hasty.clone(), false).unwrap();
        let index: &dyn Retriever = &index;
        let found = index.search(&Query::dense(&vector).k(90)).unwrap();
        assert!(found.not_asked.len() == 1 && !found.hits.is_empty(), "{:?}", found.not_asked);
        node.resume();
    }
}

#[test]
fn who_was_killed_while_making_an_index_leaves_one_that_others_finish() {
    let Some(server) = Server::start(&[]) else { return };
    let url = format!("{}/begun", server.url());
    drop(made(&url));
    // As it is between the index's own key and its shards.
    let json: String = server.run("GET vetted:{begun}:index");
    server.run::<()>("FLUSHALL");
    redis::cmd("SET")
        .arg("vetted:{begun}:index")
        .arg(json.replace("\"complete\":true", "\"complete\":false"))
        .query::<()>(&mut server.connection())
        .unwrap();
    let index = opened(&url, patient(), true).unwrap();
    index.upsert_from(entries(0..9, 90), &HashMap::new()).unwrap();
    assert_eq!(Retriever::len(&opened(&url, patient(), false).unwrap()).unwrap(), 9);
}
