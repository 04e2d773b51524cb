//! A slot that moves to another node while it is written to and searched: MOVED, ASK and TRYAGAIN.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use redis::{FromRedisValue, cmd};
use vetted_fixtures::redis_server::{Cluster, Server};
use vetted_retrieval::redis::{IndexAddress, RedisIndex, Settings};
use vetted_retrieval::{Entry, Query, Retriever};

use crate::corpus::{Chance, entries, entry, manifest};
use crate::{made, patient};

fn ask<T: FromRedisValue>(server: &Server, words: &[&str]) -> T {
    let mut command = cmd(words[0]);
    for word in &words[1..] {
        command.arg(word);
    }
    command.query(&mut server.connection()).unwrap()
}

#[test]
fn a_slot_that_moves_under_load_loses_nothing() {
    let Some(cluster) = Cluster::start(&[]) else { return };
    let index = made(&format!("{}/moving", cluster.url()));
    let index: &dyn Retriever = &index;
    index.upsert_from(entries(0..150, 50), &HashMap::new()).unwrap();
    let key = ask::<Vec<String>>(&cluster.nodes[0], &["KEYS", "*}:v"]).pop().unwrap();
    let slot = ask::<u32>(&cluster.nodes[0], &["CLUSTER", "KEYSLOT", &key]).to_string();
    let [from, to] = [0, 2].map(|node: usize| ask::<String>(&cluster.nodes[node], &["CLUSTER", "MYID"]));
    let stop = AtomicBool::new(false);
    let mut last: HashMap<String, Entry> = HashMap::new();
    std::thread::scope(|threads| {
        let stop = &stop;
        let writer = threads.spawn(move || {
            let (mut chance, mut written) = (Chance(51), HashMap::new());
            while !stop.load(Ordering::Relaxed) {
                let id = format!("document {}", chance.number(200));
                let entry = entry(&id, &mut chance);
                index.upsert_from(vec![entry.clone()], &HashMap::new()).unwrap();
                written.insert(id, entry);
            }
            written
        });
        let reader = threads.spawn(move || {
            let mut chance = Chance(52);
            while !stop.load(Ordering::Relaxed) {
                // It may lack a shard while that moves, and says so; it never fails.
                index.search(&Query::dense(&chance.vector()).k(5)).unwrap();
            }
        });
        ask::<()>(&cluster.nodes[2], &["CLUSTER", "SETSLOT", &slot, "IMPORTING", &from]);
        ask::<()>(&cluster.nodes[0], &["CLUSTER", "SETSLOT", &slot, "MIGRATING", &to]);
        let port = cluster.nodes[2].port.to_string();
        loop {
            let keys: Vec<Vec<u8>> = ask(&cluster.nodes[0], &["CLUSTER", "GETKEYSINSLOT", &slot, "20"]);
            if keys.is_empty() {
                break;
            }
            let mut command = cmd("MIGRATE");
            command.arg("127.0.0.1").arg(&port).arg("").arg(0).arg(5000).arg("KEYS");
            for key in &keys {
                command.arg(key);
            }
            command.query::<String>(&mut cluster.nodes[0].connection()).unwrap();
            std::thread::sleep(std::time::Duration::from_millis(10));
        }
        for node in [2, 0, 1] {
            ask::<()>(&cluster.nodes[node], &["CLUSTER", "SETSLOT", &slot, "NODE", &to]);
        }
        std::thread::sleep(std::time::Duration::from_millis(300));
        stop.store(true, Ordering::Relaxed);
        last = writer.join().unwrap();
        reader.join().unwrap();
    });
    assert!(!last.is_empty());
    for (id, entry) in &last {
        assert_eq!(index.get(id).unwrap().as_ref(), Some(&entry.document));
        let views = index.read_views(&[id], |views| views[0].map(<[u8]>::to_vec)).unwrap();
        assert_eq!(views.unwrap_or_default(), entry.views.clone().unwrap_or_default());
    }
    assert_eq!(ask::<usize>(&cluster.nodes[0], &["CLUSTER", "COUNTKEYSINSLOT", &slot]), 0);
    assert_eq!(index.check().unwrap().problems, []);
    assert_eq!(index.search(&Query::bm25("tea")).unwrap().not_asked, []);
}

#[test]
fn while_a_slot_moves_nothing_is_missing_without_a_word() {
    let Some(cluster) = Cluster::start(&[]) else { return };
    let index = RedisIndex::create(
        IndexAddress::parse(&format!("{}/halfway", cluster.url())).unwrap(),
        manifest(),
        Settings { patience: Duration::from_millis(300), search: Duration::from_millis(100), ..patient() },
    )
    .unwrap();
    let index: &dyn Retriever = &index;
    index.upsert_from(entries(0..90, 53), &HashMap::new()).unwrap();
    let key = ask::<Vec<String>>(&cluster.nodes[0], &["KEYS", "*}:v"]).pop().unwrap();
    let slot = ask::<u32>(&cluster.nodes[0], &["CLUSTER", "KEYSLOT", &key]).to_string();
    let [from, to] = [0, 2].map(|node: usize| ask::<String>(&cluster.nodes[node], &["CLUSTER", "MYID"]));
    ask::<()>(&cluster.nodes[2], &["CLUSTER", "SETSLOT", &slot, "IMPORTING", &from]);
    ask::<()>(&cluster.nodes[0], &["CLUSTER", "SETSLOT", &slot, "MIGRATING", &to]);
    let vector = Chance(54).vector();
    let port = cluster.nodes[2].port.to_string();
    for share in [0, 2, 1] {
        // Nothing has moved, then half of the keys, then all.
        let keys: Vec<Vec<u8>> = ask(&cluster.nodes[0], &["CLUSTER", "GETKEYSINSLOT", &slot, "100000"]);
        for key in keys.iter().take(keys.len().checked_div(share).unwrap_or(0)) {
            let mut command = cmd("MIGRATE");
            command.arg("127.0.0.1").arg(&port).arg(key).arg(0).arg(5000);
            command.query::<String>(&mut cluster.nodes[0].connection()).unwrap();
        }
        for (query, all) in
            [(Query::bm25("tea nobodysword water cup leaf kettle steam not ran"), 85), (Query::dense(&vector), 60)]
        {
            let found = index.search(&query.k(90)).unwrap();
            assert!(!found.not_asked.is_empty() || found.hits.len() >= all, "{} of {share}", found.hits.len());
        }
        for number in 0..90 {
            let id = format!("document {number}");
            // There, or not to be had now; never gone.
            assert!(
                index.get(&id).is_ok_and(|document| document.is_some()) || index.get(&id).is_err(),
                "{id} of {share}"
            );
        }
        if share == 1 {
            let deleted = index.delete(&["document 3"]);
            assert!(!deleted.is_ok_and(|deleted| deleted == 0) || index.get("document 3").is_ok_and(|it| it.is_none()));
        }
    }
}
