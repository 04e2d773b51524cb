//! What every retriever promises, held against all of them: the index in a folder, Redis, single and as a cluster, and Qdrant. Tests
//! that need a real Redis say that they were skipped where `VETTED_REDIS_SERVER` names none, and those of Qdrant where
//! `VETTED_QDRANT_PYTHON` names nothing that can stand in for its server; CI sets both.

mod contract;
mod corpus;
mod degraded;
mod equal;
mod killed;
mod lost;
mod moving;
mod qdrant;
mod unsuitable;

use std::time::Duration;

use vetted_fixtures::redis_server::{Cluster, Server};
use vetted_retrieval::redis::{IndexAddress, RedisIndex, Settings};
use vetted_retrieval::{Error, Index, Retriever};

use corpus::manifest;

/// Time enough for a machine that has much else to do.
fn patient() -> Settings {
    Settings {
        connect: Duration::from_secs(5),
        search: Duration::from_secs(20),
        change: Duration::from_secs(30),
        patience: Duration::from_secs(30),
        connections: 16,
    }
}

/// A new index on Redis.
fn made(url: &str) -> RedisIndex {
    RedisIndex::create(IndexAddress::parse(url).unwrap(), manifest(), patient())
        .unwrap_or_else(|error| panic!("{error}"))
}

fn opened(url: &str, settings: Settings, writable: bool) -> Result<RedisIndex, Error> {
    RedisIndex::open(IndexAddress::parse(url).unwrap(), settings, writable)
}

#[test]
fn the_contract_holds_in_a_folder() {
    let folder = tempfile::tempdir().unwrap();
    let mut number = 0;
    contract::holds(&mut || {
        number += 1;
        Box::new(Index::create(folder.path().join(number.to_string()), manifest()).unwrap()) as Box<dyn Retriever>
    });
}

#[test]
fn the_contract_holds_on_one_redis() {
    let Some(server) = Server::start(&[]) else { return };
    let mut number = 0;
    contract::holds(&mut || {
        number += 1;
        // One shard, then two, then three, and again.
        Box::new(made(&format!("{}/index{number}?shards={}", server.url(), 1 + number % 3))) as Box<dyn Retriever>
    });
}

#[test]
fn the_contract_holds_on_a_cluster() {
    let Some(cluster) = Cluster::start(&[]) else { return };
    let mut number = 0;
    contract::holds(&mut || {
        number += 1;
        Box::new(made(&format!("{}/index{number}", cluster.url()))) as Box<dyn Retriever>
    });
    // A shard for each primary, each on its own.
    assert!(cluster.nodes.iter().all(|node| node.run::<usize>("DBSIZE") > 0));
}
