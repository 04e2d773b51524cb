//! Searches with both tiers: what verification may change, what it may not, and what happens when it cannot read.

use std::time::Duration;

use vetted::{Candidate, Compute, Deadline, Grounds, Mode, Outcome, Policy, Precision, Search, Unverified, Verify};
use vetted_retrieval::Query;

use crate::{SENTENCES, builder, changed, engine, engine_in, facts, statements};

#[test]
fn without_verification_results_are_recalls_own_bit_for_bit() {
    let folder = tempfile::tempdir().unwrap();
    let engine = engine_in(folder.path(), Precision::F32);
    let encoder = vetted_encoder::ModelFolder::open(vetted_fixtures::encoder()).unwrap();
    let encoder = vetted_encoder::Encoder::open(&encoder, vetted_encoder::Options::default()).unwrap();
    for text in SENTENCES {
        let found = engine.rank(&Search::new(text).k(5).verify(None)).unwrap();
        let team = &mut Compute::of_this_process().team();
        let vector = encoder.embed_one(text, vetted_encoder::Role::Query, team).unwrap();
        let recalled = engine.index().search(&Query::dense(&vector).k(5)).unwrap().hits;
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
    assert!(found.verified() && found.hits[0].outcome.is_accepted());
    assert_eq!(found.hits.len(), 7.min(8 - found.rejected.len()));
    let ids = |hits: &[Candidate]| hits.iter().map(|it| it.id.clone()).collect::<Vec<_>>();
    let left: Vec<String> =
        ids(&off.hits).into_iter().filter(|id| !ids(&found.rejected).contains(id)).take(7).collect();
    assert_eq!(ids(&found.hits), left);
    for hit in &found.hits {
        assert_eq!(off.hits[hit.recall_rank - 1].id, hit.id);
        assert_eq!(off.hits[hit.recall_rank - 1].score.to_bits(), hit.score.to_bits());
    }
}

#[test]
fn what_is_not_read_is_unverified_and_says_why() {
    let folder = tempfile::tempdir().unwrap();
    let engine = engine(folder.path());
    let rank = |verify, text: &str| engine.rank(&Search::new(text).verify(Some(verify))).unwrap();
    let spent = rank(Verify { budget: Some(Duration::ZERO), ..Verify::default() }, SENTENCES[0]);
    let why = |candidate: &Candidate| match &candidate.outcome {
        Outcome::Unverified(why) => why.clone(),
        other => panic!("{other:?}"),
    };
    assert!(spent.hits.iter().all(|hit| matches!(why(hit), Unverified::BudgetSpent)) && !spent.verified());
    assert_eq!(spent.hits.len(), SENTENCES.len(), "a spent budget leaves nothing out");
    let shallow = rank(Verify { depth: 1, ..Verify::default() }, SENTENCES[0]);
    assert!(shallow.hits[1..].iter().all(|hit| matches!(why(hit), Unverified::BeyondDepth)));
    let short = rank(Verify::default(), "dog man");
    assert!(short.hits.iter().all(|hit| matches!(why(hit), Unverified::QueryTooShort)) && !short.hits.is_empty());
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

#[test]
fn what_supports_a_query_not_surely_enough_to_vouch_for_it_beats_its_near_misses_all_the_same() {
    let folder = tempfile::tempdir().unwrap();
    // Nothing is accepted, and nothing rejected for what it says alone.
    let verifier = changed(&folder.path().join("unsure"), |config| {
        config["calibration"]["support"] = serde_json::json!({"scale": 0.5, "offset": 0.0});
        config["thresholds"] = serde_json::json!({"passage_support": 1.0, "passage_conflict": 9.0});
    });
    let engine = builder(folder.path()).verifier(verifier).open_or_create().unwrap();
    engine.upsert(statements()).unwrap();
    let found = engine.rank(&Search::new(SENTENCES[0])).unwrap();
    assert!(found.hits.iter().all(|hit| !hit.outcome.is_accepted()));
    let near_miss = found.rejected.iter().find(|hit| hit.id == "1").expect("the man bit the dog");
    let Outcome::Reject(read, Grounds::Rival { id }) = &near_miss.outcome else { panic!("{near_miss:?}") };
    assert!(matches!(id.as_str(), "0" | "2"), "what says the query or the same in other words, not {id}");
    assert!(read.judgement.kind.is_some(), "whatever is rejected says in what it differs");
}

#[test]
fn a_search_says_what_each_stage_took_and_explains_only_what_is_asked_for() {
    let folder = tempfile::tempdir().unwrap();
    let engine = engine(folder.path());
    let search = Search::new(SENTENCES[0]);
    let found = engine.search(&search).unwrap();
    let timing = found.timing;
    assert!(timing.encoding > Duration::ZERO && timing.verifying > Duration::ZERO && timing.reading > Duration::ZERO);
    assert!(timing.evidence == Duration::ZERO && found.hits.iter().all(|hit| hit.evidence.is_none()));
    let evidence = Verify { evidence: true, ..Verify::default() };
    let found = engine.search(&search.verify(evidence)).unwrap();
    let explained = found.timing.evidence > Duration::ZERO && found.hits[0].evidence.is_some();
    assert!(explained && found.timing.total() > found.timing.evidence);
    assert!(found.rejected.iter().any(|it| it.id == "1" && it.window.text == SENTENCES[1]), "{:?}", found.rejected);
}

#[test]
fn searches_answered_together_get_what_each_would_have_got_alone() {
    let folder = tempfile::tempdir().unwrap();
    let engine = engine(folder.path());
    let over = Deadline::after(Duration::ZERO);
    let mut searches: Vec<Search> = SENTENCES.iter().map(|text| Search::new(*text).k(5)).collect();
    searches.extend([
        Search::new("  "),
        Search::new(SENTENCES[0]).mode(Mode::Bm25),
        Search::new(SENTENCES[1]).verify(None),
        Search::new(SENTENCES[2]).deadline(over),
        Search::new("dog park"),
        Search::new(SENTENCES[4]).verify(Verify { depth: 2, policy: Policy::Flag, ..Verify::default() }),
    ]);
    let together = engine.rank_many(&searches);
    assert_eq!(together.len(), searches.len());
    for (search, together) in searches.iter().zip(together) {
        match (engine.rank(search), together) {
            (Ok(alone), Ok(together)) => {
                assert_eq!(facts(&alone.hits), facts(&together.hits), "{}", search.text);
                assert_eq!(facts(&alone.rejected), facts(&together.rejected), "{}", search.text);
            }
            (alone, together) => assert_eq!(
                alone.err().map(|it| it.to_string()),
                together.err().map(|it| it.to_string()),
                "{}",
                search.text
            ),
        }
    }
    assert!(engine.search_many(&[]).is_empty());
}
