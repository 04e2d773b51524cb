//! Caches on real Redis servers. Without `VETTED_REDIS_SERVER` these tests say that they were skipped; CI sets it.

mod connect;
#[path = "../all/contract.rs"]
#[allow(dead_code)]
mod contract;
mod failures;
mod kept;
mod redisvl;
mod room;
mod server;
mod stand_in;
mod tls;

use server::{Cluster, Server, cache};
use vetted_cache::{Backend, Scope};

/// What the last check of the contract left in its scopes.
fn clear_walls(backend: &dyn Backend) {
    let walls = Scope::new("contract").with("check", "walls");
    for scope in [
        walls.clone(),
        walls.clone().with(Scope::USER, "a"),
        walls.clone().with(Scope::USER, "b"),
        walls.clone().with(Scope::TENANT, "a"),
    ] {
        backend.clear(&scope).unwrap();
    }
}

#[test]
fn the_contract_holds_on_one_server() {
    let Some(server) = Server::start(&[]) else { return };
    let backend = cache(&server.url());
    contract::holds("contract", &|| backend.clone());
    clear_walls(&*backend);
    assert_eq!(server.run::<usize>("DBSIZE"), 0, "what is cleared leaves nothing behind");
}

#[test]
fn the_contract_holds_on_a_cluster() {
    let Some(cluster) = Cluster::start(&[]) else { return };
    let backend = cache(&cluster.url());
    contract::holds("contract", &|| backend.clone());
    clear_walls(&*backend);
    for node in &cluster.nodes {
        assert_eq!(node.run::<usize>("DBSIZE"), 0, "what is cleared leaves nothing behind");
    }
}
