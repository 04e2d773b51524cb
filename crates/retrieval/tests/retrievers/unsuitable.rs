//! Servers, keys and users that an index cannot be kept with: each is told by what it is, before anything is lost.

use std::collections::HashMap;
use std::time::Duration;

use vetted_fixtures::redis_server::{Cluster, Server};
use vetted_retrieval::redis::{IndexAddress, RedisIndex, Settings};
use vetted_retrieval::{Error, Place, Query, Retriever, ServerProblem};

use crate::corpus::{Chance, entries, manifest, manifest_of};
use crate::{made, opened, patient};

#[track_caller]
fn is_told(result: Result<RedisIndex, Error>, expected: ServerProblem, says: &str) {
    match result {
        Err(Error::Server { problem, message }) => {
            assert!(problem == expected && message.contains(says), "{problem:?}: {message}");
            assert!(!message.contains("secret"), "{message}");
        }
        Err(error) => panic!("{error}"),
        Ok(_) => panic!("it opens"),
    }
}

#[test]
fn what_is_there_already_is_told_apart() {
    let Some(server) = Server::start(&[]) else { return };
    let url = |name: &str| format!("{}/{name}", server.url());
    is_told(opened(&url("none"), patient(), false), ServerProblem::NotThere, "there is no index");
    assert_eq!(Place::parse(url("none")).unwrap().manifest().unwrap(), None);
    made(&url("notes"));
    let again = RedisIndex::create(IndexAddress::parse(&url("notes")).unwrap(), manifest(), patient());
    is_told(again, ServerProblem::Unsuitable, "already");
    assert_eq!(Place::parse(url("notes")).unwrap().manifest().unwrap(), Some(manifest()));

    // Keys of other types, under every name that an index uses.
    server.run::<()>("SET vetted:{text}:index hello");
    is_told(opened(&url("text"), patient(), false), ServerProblem::Unsuitable, "another version");
    server.run::<()>("LPUSH vetted:{list}:index hello");
    is_told(opened(&url("list"), patient(), false), ServerProblem::Unsuitable, "something else is kept");
    for (key, command) in [("v", "SADD"), ("i", "SADD"), ("s", "LPUSH"), ("x", "LPUSH")] {
        let name = format!("other-{key}");
        made(&url(&name)).upsert_from(entries(0..3, 60), &HashMap::new()).unwrap();
        let all: Vec<String> = server.run(&format!("KEYS vetted:{{{name}.*}}:s"));
        let key = format!("{}{key}", all[0].strip_suffix('s').unwrap());
        server.run::<()>(&format!("DEL {key}"));
        server.run::<()>(&format!("{command} {key} x"));
        is_told(opened(&url(&name), patient(), true), ServerProblem::Unsuitable, "something else is kept");
    }

    // Another encoder's vectors.
    let index = made(&url("encoder"));
    index.upsert_from(entries(0..9, 61), &HashMap::new()).unwrap();
    let others: Vec<String> = server.run("KEYS vetted:{encoder.*}:v");
    server.run::<()>(&format!("DEL {}", others[0]));
    server.run::<()>(&format!("VADD {} VALUES 3 1 0 0 9:0", others[0]));
    is_told(opened(&url("encoder"), patient(), false), ServerProblem::Unsuitable, "3 values where");
    // A process that has it open already is told as well, and the documents that were there stay.
    let with_vectors = entries(9..40, 61).into_iter().filter(|entry| !entry.passages.is_empty()).collect();
    let error = index.upsert_from(with_vectors, &HashMap::new()).unwrap_err();
    assert!(error.to_string().contains("dimension"), "{error}");
    assert_eq!(Retriever::len(&index).unwrap(), 9);
}

#[test]
fn vectors_that_redis_would_rank_otherwise_are_refused() {
    let Some(server) = Server::start(&[]) else { return };
    let index = made(&format!("{}/long", server.url()));
    let mut entry = entries(0..1, 62).remove(0);
    let vector = Chance(63).vector().into_iter().map(|value| value * 2.0).collect();
    entry.passages = vec![(vetted_corpus::Passage { bytes: 0..1, chars: 0..1 }, vector)];
    let error = index.upsert_from(vec![entry], &HashMap::new()).unwrap_err().to_string();
    assert!(error.contains("Normalize"), "{error}");
    let none =
        RedisIndex::create(IndexAddress::parse(&format!("{}/none", server.url())).unwrap(), manifest_of(0), patient());
    assert!(matches!(none, Err(Error::NoDimensions { .. })));
}

#[test]
fn a_full_server_refuses_and_keeps_what_it_has() {
    let Some(server) = Server::start(&["maxmemory-policy noeviction"]) else { return };
    let index = made(&format!("{}/full", server.url()));
    index.upsert_from(entries(0..50, 64), &HashMap::new()).unwrap();
    let used: String = server.run("INFO memory");
    let used: usize = used.lines().find_map(|line| line.strip_prefix("used_memory:")).unwrap().trim().parse().unwrap();
    server.run::<()>(&format!("CONFIG SET maxmemory {}", used + (1 << 20)));
    let full =
        (1..100).find_map(|round| index.upsert_from(entries(50 * round..50 * round + 50, 64), &HashMap::new()).err());
    let error = full.expect("a megabyte holds a thousand documents at most");
    assert!(matches!(error, Error::Server { problem: ServerProblem::Full, .. }), "{error}");
    assert!(error.to_string().contains("maxmemory"), "{error}");
    // What is there is whole, can be searched, and can be removed.
    let index: &dyn Retriever = &index;
    assert_eq!(index.check().unwrap().problems, []);
    assert!(!index.search(&Query::bm25("tea")).unwrap().hits.is_empty());
    // Also by who opens it only now.
    assert_eq!(index.delete(&["document 0"]).unwrap(), 1);
    let later = opened(&format!("{}/full", server.url()), patient(), true).unwrap();
    assert_eq!(Retriever::delete(&later, &["document 1"]).unwrap(), 1);
}

#[test]
fn a_key_of_somebody_else_is_named_and_nothing_of_the_document_is_written() {
    let Some(server) = Server::start(&[]) else { return };
    let index = made(&format!("{}/foreign", server.url()));
    let index: &dyn Retriever = &index;
    let mut entry = entries(0..1, 91).remove(0);
    entry.document.text = "alpha bravo zebra".into();
    let shard: Vec<String> = server.run("KEYS vetted:{foreign.*}:s");
    let base = shard[0].strip_suffix('s').unwrap();
    for key in ["w:zebra", "d:1"] {
        server.run::<()>(&format!("LPUSH {base}{key} x"));
        let error = index.upsert_from(vec![entry.clone()], &HashMap::new()).unwrap_err().to_string();
        assert!(error.contains(&format!("{base}{key} is a list")), "{error}");
        assert!(index.is_empty().unwrap() && server.run::<Vec<String>>(&format!("KEYS {base}w:alpha")).is_empty());
        server.run::<()>(&format!("DEL {base}{key}"));
    }
    assert_eq!(index.upsert_from(vec![entry], &HashMap::new()).unwrap().added, 1);
}

#[test]
fn a_server_that_would_drop_documents_is_told() {
    let Some(server) = Server::start(&["maxmemory 100mb"]) else { return };
    for (policy, told) in [("noeviction", false), ("allkeys-lru", true), ("volatile-lru", true)] {
        server.run::<()>(&format!("CONFIG SET maxmemory-policy {policy}"));
        let index = made(&format!("{}/{policy}", server.url()));
        let notices: Vec<String> = Retriever::notices(&index).iter().map(ToString::to_string).collect();
        assert_eq!(notices.iter().any(|notice| notice.contains("drops documents")), told, "{policy}: {notices:?}");
    }
}

#[test]
fn a_replica_is_searched_and_takes_no_changes() {
    let (Some(primary), Some(replica)) = (Server::start(&[]), Server::start(&[])) else { return };
    let index = made(&format!("{}/copied", primary.url()));
    index.upsert_from(entries(0..40, 65), &HashMap::new()).unwrap();
    replica.run::<()>(&format!("REPLICAOF 127.0.0.1 {}", primary.port));
    let is_there = || replica.run::<String>("INFO replication").contains("master_link_status:up");
    let since = std::time::Instant::now();
    while !is_there() || replica.run::<usize>("DBSIZE") < primary.run::<usize>("DBSIZE") {
        assert!(since.elapsed() < Duration::from_secs(30), "the replica does not follow");
        std::thread::sleep(Duration::from_millis(50));
    }
    let url = format!("{}/copied", replica.url());
    let copy = opened(&url, patient(), false).unwrap();
    let copy: &dyn Retriever = &copy;
    let vector = Chance(66).vector();
    let index: &dyn Retriever = &index;
    assert_eq!(copy.search(&Query::dense(&vector)).unwrap(), index.search(&Query::dense(&vector)).unwrap());
    let hasty = Settings { patience: Duration::from_millis(200), ..patient() };
    is_told(opened(&url, hasty, true), ServerProblem::Unavailable, "read only replica");
}

#[test]
fn what_a_user_may_not_do_is_said_with_what_it_takes() {
    let Some(server) = Server::start(&[]) else { return };
    server.run::<()>("ACL SETUSER reader on >secret ~vetted:* +@read +@connection +info +eval +vsim +vdim");
    server.run::<()>("ACL SETUSER elsewhere on >secret ~other:* +@all");
    server.run::<()>("ACL SETUSER enough on >secret resetkeys ~vetted:* +@read +@write +@connection +eval +info +vadd +vsim +vrem +vdim");
    let url = |user: &str| format!("redis://{user}:secret@127.0.0.1:{}/acl", server.port);
    let create = |user: &str| RedisIndex::create(IndexAddress::parse(&url(user)).unwrap(), manifest(), patient());
    is_told(create("elsewhere"), ServerProblem::Refused, "ACL SETUSER");
    is_told(create("reader"), ServerProblem::Refused, "ACL SETUSER");
    let index = create("enough").unwrap_or_else(|error| panic!("{error}"));
    index.upsert_from(entries(0..9, 67), &HashMap::new()).unwrap();
    // Who may only read searches.
    let reader = opened(&url("reader"), patient(), false).unwrap_or_else(|error| panic!("{error}"));
    let reader: &dyn Retriever = &reader;
    assert!(!reader.search(&Query::bm25("tea")).unwrap().hits.is_empty());
    let error = reader.delete(&["document 1"]).unwrap_err();
    assert!(matches!(error, Error::ReadOnly { .. }), "{error}");
    is_told(opened(&url("reader"), patient(), true), ServerProblem::Refused, "ACL SETUSER");
    let wrong = url("enough").replace("secret", "secret-but-wrong");
    is_told(opened(&wrong, patient(), false), ServerProblem::Refused, "refuses this user");
}

#[test]
fn an_index_of_a_cluster_is_found_behind_any_of_its_nodes() {
    let Some(cluster) = Cluster::start(&[]) else { return };
    made(&format!("{}/notes", cluster.url())).upsert_from(entries(0..30, 68), &HashMap::new()).unwrap();
    let other = opened(&format!("redis://127.0.0.1:{}/notes", cluster.nodes[2].port), patient(), false).unwrap();
    assert_eq!(Retriever::len(&other).unwrap(), 30);
}
