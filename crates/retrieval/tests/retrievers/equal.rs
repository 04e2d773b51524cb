//! Equal documents give equal hits, bit for bit, whoever keeps them and however they came to be what they are.

use std::collections::HashMap;

use vetted_fixtures::qdrant_server;
use vetted_fixtures::redis_server::{Cluster, Server};
use vetted_retrieval::{Fusion, Hit, Index, Normalization, Query, Retriever};

use crate::corpus::{Chance, entries, manifest, unit};
use crate::{made, qdrant};

/// Writes the same to both, in batches of other sizes, and with another history.
fn fill(embedded: &dyn Retriever, other: &dyn Retriever) {
    let (first, second, third) = (entries(0..500, 20), entries(100..300, 21), entries(450..520, 22));
    for (retriever, size) in [(embedded, 37), (other, 61)] {
        for batch in [&first, &second, &third] {
            for some in batch.chunks(size) {
                retriever.upsert_from(some.to_vec(), &HashMap::new()).unwrap();
            }
        }
        let gone: Vec<String> = (0..520).step_by(9).map(|number| format!("document {number}")).collect();
        retriever.delete(&gone.iter().map(String::as_str).collect::<Vec<_>>()).unwrap();
    }
    // A long list of postings is made anew on the way.
    for _ in 0..3 {
        other.upsert_from(second.clone(), &HashMap::new()).unwrap();
    }
    let gone: Vec<String> = (0..520).step_by(9).map(|number| format!("document {number}")).collect();
    other.delete(&gone.iter().map(String::as_str).collect::<Vec<_>>()).unwrap();
}

fn hits(retriever: &dyn Retriever, query: &Query<'_>) -> Vec<Hit> {
    retriever.search(query).unwrap().hits
}

fn is_equal(other: &dyn Retriever, rounds: usize) {
    let folder = tempfile::tempdir().unwrap();
    let embedded = Index::create(folder.path().join("index"), manifest()).unwrap();
    let embedded: &dyn Retriever = &embedded;
    fill(embedded, other);
    let mut chance = Chance(23);
    let score = Fusion::Score { alpha: 0.4, normalization: Normalization::MinMax };
    for round in 0..rounds {
        let vector = chance.vector();
        let text =
            ["tea", "café running not", "kettle kettle steam", "market's tea ran", "the", "βcarotene leaf"][round];
        for filter in
            [None, Some("year>=2020"), Some("lang=en or lang=fr"), Some("not exists year"), Some("from.city!=Oslo")]
        {
            for k in [1, 10, 150, 1000] {
                let mut queries = vec![
                    Query::dense(&vector).exact(),
                    Query::bm25(text),
                    Query::hybrid(text, &vector).exact(),
                    Query::hybrid(text, &vector).fusion(score).depth(50).exact(),
                ];
                if let Some(filter) = filter {
                    queries = queries.into_iter().map(|query| query.filter(filter.parse().unwrap())).collect();
                }
                for (mode, query) in queries.into_iter().enumerate() {
                    let query = query.k(k);
                    assert_eq!(
                        hits(other, &query),
                        hits(embedded, &query),
                        "round {round} mode {mode} k {k} {filter:?}"
                    );
                }
            }
        }
    }
}

#[test]
fn one_redis_finds_what_a_folder_finds() {
    let Some(server) = Server::start(&[]) else { return };
    is_equal(&made(&format!("{}/equal", server.url())), 6);
}

#[test]
fn a_cluster_finds_what_a_folder_finds() {
    let Some(cluster) = Cluster::start(&[]) else { return };
    is_equal(&made(&format!("{}/equal?shards=5", cluster.url())), 6);
}

#[test]
fn qdrant_finds_what_a_folder_finds() {
    let Some(server) = qdrant_server::Server::start(&[]) else { return };
    // What stands in for the server takes its time for a thousand documents.
    is_equal(&qdrant::made(&format!("{}/equal", server.url())), 2);
}

/// Documents that are alike: vectors of 8 bits do not tell which is nearer, so many are scored exactly.
#[test]
fn documents_that_are_alike_are_ranked_as_in_a_folder() {
    let Some(server) = Server::start(&[]) else { return };
    let (folder, mut chance) = (tempfile::tempdir().unwrap(), Chance(92));
    let embedded = Index::create(folder.path().join("index"), manifest()).unwrap();
    let redis = made(&format!("{}/alike", server.url()));
    let center = chance.vector();
    let mut all = entries(0..600, 93);
    for (at, entry) in all.iter_mut().enumerate() {
        // A third says the same, and a third nearly.
        let noise = if at % 3 == 0 { 0.0 } else { 0.004 };
        let near: Vec<f32> = chance.vector().iter().zip(&center).map(|(noisy, value)| value + noise * noisy).collect();
        let vector = if at % 3 == 2 { chance.vector() } else { unit(near) };
        entry.passages = vec![(vetted_corpus::Passage { bytes: 0..1, chars: 0..1 }, vector)];
        let number = (at as f64 - 300.0) / 1000.0;
        entry.document.metadata.insert("number".into(), serde_json::json!(number));
    }
    for retriever in [&embedded as &dyn Retriever, &redis] {
        retriever.upsert_from(all.clone(), &HashMap::new()).unwrap();
    }
    let query = Query::dense(&center).k(20);
    assert_eq!(hits(&redis, &query), hits(&embedded, &query.clone().exact()));
    for filter in
        ["number>=-0.25", "number<=-0.25", "number>0.1", "number<1e-7", "number<1e300", "number>=1", "number<-1e-300"]
    {
        let query = Query::bm25("tea").k(600).filter(filter.parse().unwrap());
        assert_eq!(hits(&redis, &query), hits(&embedded, &query), "{filter}");
        let query = Query::dense(&center).exact().k(600).filter(filter.parse().unwrap());
        assert_eq!(hits(&redis, &query), hits(&embedded, &query), "{filter}");
    }
}
