//! Searches with both tiers: what verification may change, what it may not, and what happens when it cannot read.

use std::time::Duration;

use vetted::verification::{Policy, Verdict};
use vetted::{Candidate, Document, Engine, Mode, Search, Unverified, Verify, Vetting};
use vetted_recall::Query;

const SENTENCES: [&str; 8] = [
    "The dog bit the man.",
    "The man bit the dog.",
    "The man was bitten by the dog.",
    "A dog and a man met in the park.",
    "Green tea turns bitter in boiling water.",
    "Mara sold the old boat to Jonas in May.",
    "Jonas sold the old boat to Mara in May.",
    "Kale survives hard frost.",
];

fn engine(folder: &std::path::Path) -> Engine {
    let engine = Engine::builder(folder.join("index")).open_or_create().unwrap();
    let document =
        |(i, text): (usize, &&str)| Document { id: i.to_string(), text: (*text).into(), ..Document::default() };
    engine.upsert(SENTENCES.iter().enumerate().map(document).collect()).unwrap();
    engine
}

/// A candidate's id, the bits of its score, and its verdict with the bits of its two probabilities.
type Facts = (String, u32, Option<(Verdict, u32, u32)>);

fn facts(hits: &[Candidate]) -> Vec<Facts> {
    let vetted = |hit: &Candidate| {
        let judgement = hit.vetting.vetted()?.judgement;
        Some((judgement.verdict, judgement.p_match.to_bits(), judgement.p_conflict.to_bits()))
    };
    hits.iter().map(|hit| (hit.id.clone(), hit.score.to_bits(), vetted(hit))).collect()
}

#[test]
fn without_verification_results_are_recalls_own_bit_for_bit() {
    let folder = tempfile::tempdir().unwrap();
    let engine = engine(folder.path());
    for text in SENTENCES {
        let found = engine.rank(&Search::new(text).k(5).verify(None)).unwrap();
        let encoder = vetted_encoder::Encoder::open(
            &vetted::models::ensure(vetted::models::DEFAULT_MODEL, &mut |_| {}).unwrap(),
            vetted_encoder::Options::default(),
        )
        .unwrap();
        let vector = encoder.embed_one(text, vetted_encoder::Role::Query).unwrap();
        let recalled = engine.index().search(&Query::dense(&vector).k(5)).unwrap();
        let bits: Vec<(String, u32)> = recalled.into_iter().map(|hit| (hit.id, hit.score.to_bits())).collect();
        let found: Vec<(String, u32)> = found.hits.into_iter().map(|hit| (hit.id, hit.score.to_bits())).collect();
        assert_eq!(found, bits);
    }
}

#[test]
fn verification_takes_nothing_but_what_conflicts_and_fills_up() {
    let folder = tempfile::tempdir().unwrap();
    let engine = engine(folder.path());
    let search = Search::new(SENTENCES[0]).k(7);
    let found = engine.rank(&search).unwrap();
    let off = engine.rank(&search.clone().k(8).verify(None)).unwrap();
    assert!(found.rejected.iter().any(|it| it.id == "1"), "{:?}", found.rejected);
    assert!(found.verified() && found.hits[0].vetting.is_accepted());
    assert_eq!(found.hits.len(), 7.min(8 - found.rejected.len()));
    let ids = |hits: &[Candidate]| hits.iter().map(|it| it.id.clone()).collect::<Vec<_>>();
    let left: Vec<String> =
        ids(&off.hits).into_iter().filter(|id| !ids(&found.rejected).contains(id)).take(7).collect();
    assert_eq!(ids(&found.hits), left);
    for hit in &found.hits {
        assert_eq!(off.hits[hit.recall_rank - 1].id, hit.id);
        assert_eq!(off.hits[hit.recall_rank - 1].score.to_bits(), hit.recall_score.to_bits());
    }
}

#[test]
fn what_is_not_read_is_unverified_and_says_why() {
    let folder = tempfile::tempdir().unwrap();
    let engine = engine(folder.path());
    let rank = |verify, text: &str| engine.rank(&Search::new(text).verify(Some(verify))).unwrap();
    let spent = rank(Verify { budget: Some(Duration::ZERO), ..Verify::default() }, SENTENCES[0]);
    let why = |candidate: &Candidate| match &candidate.vetting {
        Vetting::Unverified(why) => why.clone(),
        other => panic!("{other:?}"),
    };
    assert!(spent.hits.iter().all(|hit| matches!(why(hit), Unverified::BudgetSpent)) && !spent.verified());
    assert_eq!(spent.hits.len(), SENTENCES.len(), "a spent budget leaves nothing out");
    let shallow = rank(Verify { depth: 1, ..Verify::default() }, SENTENCES[0]);
    assert!(shallow.hits[1..].iter().all(|hit| matches!(why(hit), Unverified::BeyondDepth)));
    let long = rank(Verify::default(), &SENTENCES[0].repeat(40));
    assert!(long.hits.iter().all(|hit| matches!(why(hit), Unverified::QueryTooLong)));
}

#[test]
fn scores_do_not_depend_on_depth_mode_or_threads() {
    let folder = tempfile::tempdir().unwrap();
    let engine = engine(folder.path());
    let flag = Verify { policy: Policy::Flag, ..Verify::default() };
    let search = Search::new(SENTENCES[5]).verify(flag);
    let expected = facts(&engine.rank(&search).unwrap().hits);
    let alone = Verify { depth: 1, ..flag };
    assert_eq!(facts(&engine.rank(&search.clone().verify(alone)).unwrap().hits)[0], expected[0]);
    let by_words = engine.rank(&search.clone().mode(Mode::Bm25)).unwrap();
    for hit in &facts(&by_words.hits) {
        let same = expected.iter().find(|it| it.0 == hit.0).unwrap();
        assert_eq!(hit.2, same.2, "who recalled it does not matter");
    }
    std::thread::scope(|scope| {
        let threads: Vec<_> = (0..4).map(|_| scope.spawn(|| facts(&engine.rank(&search).unwrap().hits))).collect();
        threads.into_iter().for_each(|thread| assert_eq!(thread.join().unwrap(), expected));
    });
}
