//! The same engine over documents that somebody else keeps: Redis, single and as a cluster, and Qdrant. Tests that need a real Redis say
//! that they were skipped where `VETTED_REDIS_SERVER` names none, and that of Qdrant where `VETTED_QDRANT_PYTHON` does; CI sets both.

use std::path::Path;

use serde_json::json;
use vetted::{Builder, Engine, Filter, Found, Fusion, Indexed, Mode, Policy, Search, Verify};
use vetted_fixtures::redis_server::{Cluster, Server};

use crate::{SENTENCES, changed, statements};

/// The engine of an address or folder, whose verifier also regards how far passages are ahead of others.
fn builder(place: &str, folder: &Path) -> Builder<'static> {
    let encoder = vetted_fixtures::encoder().to_string_lossy().into_owned();
    let fingerprint = vetted::models::resolve(&encoder).unwrap().fingerprint().unwrap();
    let verifier = changed(folder, |config| {
        config["vouching"] = json!({
            "fitted": "by a test", "encoder": fingerprint, "accept": 0.75, "match_at_least": 0.1, "usual": 0.25, "ahead_at_most": 1.0,
            "offset": 0.1, "match": 0.7, "ahead": 3.0,
        });
    });
    Engine::builder(place).verifier(verifier).model(encoder)
}

/// What must be the same to the bit: everything but the time it took.
fn said(found: &Found) -> String {
    let bits = |score: Option<f32>| score.map(f32::to_bits);
    let hits = found.hits.iter().map(|hit| {
        let scores = (hit.score.to_bits(), bits(hit.scores.dense), bits(hit.scores.bm25));
        format!(
            "{} {scores:?} {:?} {:?} {:?} {:?} {:?}\n",
            hit.id, hit.outcome, hit.window, hit.snippet, hit.metadata, hit.title
        )
    });
    let rejected = found
        .rejected
        .iter()
        .map(|it| format!("out {} {} {:?} {:?}\n", it.id, it.score.to_bits(), it.outcome, it.window));
    hits.chain(rejected).collect()
}

fn documents() -> Vec<vetted::Document> {
    let mut documents = statements();
    for (number, document) in documents.iter_mut().enumerate() {
        document.title = ["", "A title"][number % 2].into();
        document.metadata.insert("number".into(), number.into());
    }
    // One of several passages, and one without text.
    documents.push(crate::document("long", &[SENTENCES.join(" "), "Tea again. ".repeat(80)].concat()));
    documents.push(vetted::Document { id: "bare".into(), title: "Kale survives".into(), ..Default::default() });
    documents
}

fn is_equal(elsewhere: &str) {
    let folder = tempfile::tempdir().unwrap();
    let local = folder.path().join("index").to_string_lossy().into_owned();
    let [local, remote] = [local.as_str(), elsewhere].map(|place| {
        let engine = builder(place, folder.path()).max_tokens(40).overlap_tokens(8).open_or_create().unwrap();
        let indexed = engine.upsert(documents()).unwrap();
        assert_eq!(indexed, Indexed { added: 10, ..Indexed::default() });
        assert_eq!(engine.upsert(documents()).unwrap(), Indexed { unchanged: 10, ..Indexed::default() });
        engine
    });
    let questions = ["Who was bitten by the dog?", "what turns bitter in boiling water", "Kale survives hard frost."];
    for text in SENTENCES.iter().chain(&questions) {
        for mode in [Mode::Dense, Mode::Bm25, Mode::Hybrid(Fusion::default())] {
            for policy in [Policy::Filter, Policy::Flag] {
                let verify = Verify { policy, evidence: policy == Policy::Flag, depth: 5, ..Verify::default() };
                for filter in [None, Some("number>=2")] {
                    let search = Search::new(*text).mode(mode).k(4).verify(verify);
                    let search = filter.iter().fold(search, |it, filter| it.filter(filter.parse::<Filter>().unwrap()));
                    let (expected, found) = (local.search(&search).unwrap(), remote.search(&search).unwrap());
                    assert_eq!(said(&found), said(&expected), "{text} {mode:?} {policy:?} {filter:?}");
                    assert_eq!(found.not_asked, []);
                }
            }
        }
    }
    // Together they get what each would have got alone.
    let all: Vec<Search> = SENTENCES.iter().map(|text| Search::new(*text).k(3)).collect();
    for (one, together) in all.iter().zip(remote.search_many(&all)) {
        assert_eq!(said(&together.unwrap()), said(&local.search(one).unwrap()));
    }
    assert_eq!(remote.delete(&["0", "long", "nobody"]).unwrap(), 2);
    assert_eq!(remote.len().unwrap(), 8);
    assert_eq!(remote.notices().iter().filter(|it| it.to_string().contains("views")).count(), 0);
}

#[test]
fn one_redis_gives_the_verdicts_of_a_folder_bit_for_bit() {
    let Some(server) = Server::start(&[]) else { return };
    is_equal(&format!("{}/notes?shards=2", server.url()));
}

#[test]
fn a_cluster_gives_the_verdicts_of_a_folder_bit_for_bit() {
    let Some(cluster) = Cluster::start(&[]) else { return };
    is_equal(&format!("{}/notes", cluster.url()));
}

#[cfg(feature = "qdrant")]
#[test]
fn qdrant_gives_the_verdicts_of_a_folder_bit_for_bit() {
    let Some(server) = vetted_fixtures::qdrant_server::Server::start(&[]) else { return };
    is_equal(&format!("{}/notes", server.url()));
}

#[test]
fn another_model_or_setting_is_refused_and_no_password_is_repeated() {
    let Some(server) = Server::start(&["requirepass hunter2"]) else { return };
    let folder = tempfile::tempdir().unwrap();
    let place = format!("redis://:hunter2@127.0.0.1:{}/notes", server.port);
    drop(builder(&place, folder.path()).open_or_create().unwrap());
    let refused = [
        builder(&place, folder.path()).max_tokens(12).open(),
        builder(&place, folder.path()).given_vectors("vector", 3).open(),
        builder(&place.replace("notes", "none"), folder.path()).open(),
        builder(&place.replace("hunter2", "hunter3"), folder.path()).open(),
        builder(&place.replace("redis:", "qdrant:"), folder.path()).open(),
        builder(&format!("{place}?shards=x"), folder.path()).open(),
    ];
    for error in refused.into_iter().map(|it| it.err().unwrap()) {
        let said = format!("{error} {error:?}");
        assert!(!said.contains("hunter"), "{said}");
    }
}
