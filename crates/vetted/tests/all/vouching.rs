//! Passages are vouched for by all that is known of them, where the verifier has learnt how.

use std::path::Path;

use serde_json::{Value, json};
use vetted::reader::Relation;
use vetted::{
    Candidate, Engine, Fusion, Mode, Outcome, Policy, Ranked, Search, Verdict, Verifier, VerifierOptions, Verify,
    models,
};

use super::{SENTENCES, builder, changed, statements};

/// An offset that settles it by itself.
const ALWAYS: f64 = 30.0;

/// An engine with [`statements`], whose verifier vouches for passages so.
fn engine(folder: &Path, vouching: Option<Value>) -> Engine {
    std::fs::create_dir_all(folder).unwrap();
    let verifier = changed(&folder.join("verifier"), |config| {
        // Support is found in most, surely enough in none.
        config["calibration"]["support"] = json!({"scale": 0.5, "offset": 6.5});
        config["thresholds"] =
            json!({"passage_support": 1.0, "conflict": 1.0, "passage_conflict": 9.0, "rival_margin": 9.0});
        if let Some(vouching) = vouching {
            config["vouching"] = vouching;
        }
    });
    let engine = builder(folder).verifier(verifier).open_or_create().unwrap();
    engine.upsert(statements()).unwrap();
    engine
}

fn fingerprint() -> String {
    models::resolve(&vetted_fixtures::encoder().to_string_lossy()).unwrap().fingerprint().unwrap()
}

/// How a verifier vouches that knows the cosines of this encoder.
fn vouching(encoder: &str, offset: f64, matching: f64, ahead: f64) -> Option<Value> {
    Some(json!({
        "fitted": "by a test", "encoder": encoder, "accept": 0.75, "match_at_least": 0.5, "usual": 0.25, "ahead_at_most": 1.0, "offset": offset,
        "match": matching, "ahead": ahead,
    }))
}

/// Questions about [`SENTENCES`].
const QUESTIONS: [&str; 4] = [
    "Who was bitten by the dog?",
    "What turns bitter in boiling water?",
    "who sold the old boat to Jonas in May",
    "Where did a dog and a man meet?",
];

fn flagged(text: &str) -> Search {
    Search::new(text).verify(Verify { policy: Policy::Flag, ..Verify::default() })
}

fn supports(hit: &Candidate) -> bool {
    matches!(&hit.outcome, Outcome::Accept(read) | Outcome::Abstain(read) if read.judgement.finding == vetted::Finding::Supports)
}

fn accepted(ranked: &Ranked) -> Vec<&str> {
    ranked.hits.iter().filter(|hit| hit.outcome.is_accepted()).map(|hit| hit.id.as_str()).collect()
}

/// What is vouched for each hit, in bits.
fn vouched(hits: &[Candidate]) -> Vec<(String, Option<u32>)> {
    let of = |hit: &Candidate| hit.outcome.assessment().and_then(|read| read.vouched).map(f32::to_bits);
    hits.iter().map(|hit| (hit.id.clone(), of(hit))).collect()
}

#[test]
fn an_answer_is_accepted_by_its_probability_and_nothing_else_changes() {
    let folder = tempfile::tempdir().unwrap();
    let plain = engine(&folder.path().join("plain"), None);
    let knowing = engine(&folder.path().join("knowing"), vouching(&fingerprint(), 0.0, 0.5, 8.0));
    let (mut accepted, mut abstained) = (0, 0);
    for text in QUESTIONS.into_iter().chain(SENTENCES).chain(["Did the man bite the dog?"]) {
        let before = plain.rank(&flagged(text)).unwrap();
        let after = knowing.rank(&flagged(text)).unwrap();
        assert_eq!(before.hits.len(), after.hits.len());
        for (before, after) in before.hits.iter().zip(&after.hits) {
            assert_eq!((&before.id, before.score.to_bits()), (&after.id, after.score.to_bits()), "ranking stays");
            let rejected = |hit: &Candidate| matches!(hit.outcome, Outcome::Reject(..));
            assert_eq!(rejected(before), rejected(after), "what is rejected stays rejected: {text} {}", after.id);
            assert!(before.outcome.assessment().unwrap().vouched.is_none());
            let vouched = after.outcome.assessment().unwrap().vouched;
            if !QUESTIONS.contains(&text) {
                assert!(vouched.is_none(), "what says it all is judged as before: {text}");
                assert_eq!(before.outcome.verdict(), after.outcome.verdict());
                continue;
            }
            match (&after.outcome, vouched) {
                (Outcome::Accept(_), Some(vouched)) => {
                    assert!(vouched >= 0.75);
                    accepted += 1;
                }
                (Outcome::Abstain(_), Some(vouched)) => {
                    assert!(vouched < 0.75);
                    abstained += 1;
                }
                (_, vouched) => assert!(vouched.is_none() && !supports(after), "{text} {after:?}"),
            }
        }
    }
    assert!(accepted > 0 && abstained > 0, "{accepted} {abstained}");
}

#[test]
fn cosines_count_only_where_they_are_those_that_the_verifier_knows() {
    let folder = tempfile::tempdir().unwrap();
    let known = engine(&folder.path().join("known"), vouching(&fingerprint(), ALWAYS, 0.0, 0.0));
    let other = engine(&folder.path().join("other"), vouching("another encoder", ALWAYS, 0.0, 0.0));
    let search = flagged(QUESTIONS[0]);
    let vector =
        known.encoder().unwrap().embed(&[QUESTIONS[0]], vetted_encoder::Role::Query, &mut known.compute().team());
    let vector = vector.unwrap().iter().next().unwrap().to_vec();
    for (engine, search, count) in [
        (&known, search.clone(), true),
        (&known, search.clone().mode(Mode::Hybrid(Fusion::default())), true),
        (&known, search.clone().mode(Mode::Bm25), false),
        (&known, search.clone().vector(vector), false),
        (&other, search, false),
    ] {
        let ranked = engine.rank(&search).unwrap();
        assert!(ranked.hits.iter().any(supports), "{ranked:#?}");
        // By the match alone, nothing is sure enough here.
        assert_eq!(!accepted(&ranked).is_empty(), count, "{search:?}");
        assert_eq!(vouched(&ranked.hits).iter().any(|it| it.1.is_some()), count, "{search:?}");
    }
}

#[test]
fn what_is_vouched_for_does_not_depend_on_how_much_is_asked_for_or_by_whom() {
    let folder = tempfile::tempdir().unwrap();
    let engine = engine(folder.path(), vouching(&fingerprint(), -1.0, 0.5, 4.0));
    let searches: Vec<Search> = [Mode::Dense, Mode::Hybrid(Fusion::default())]
        .into_iter()
        .flat_map(|mode| QUESTIONS.map(|text| flagged(text).mode(mode)))
        .collect();
    let together = engine.rank_many(&searches);
    for (search, together) in searches.iter().zip(together) {
        let together = vouched(&together.unwrap().hits);
        assert!(together.iter().any(|it| it.1.is_some()), "{search:?}");
        assert_eq!(vouched(&engine.rank(search).unwrap().hits), together, "alone");
        let verify = Verify { depth: 2, policy: Policy::Flag, ..Verify::default() };
        let few = engine.rank(&search.clone().k(1).verify(verify)).unwrap();
        assert_eq!(vouched(&few.hits), together[..1], "one of two read");
    }
}

#[test]
fn texts_that_somebody_brings_are_judged_as_before() {
    let folder = tempfile::tempdir().unwrap();
    let open = |name: &str, change: &dyn Fn(&mut Value)| {
        let folder = changed(&folder.path().join(name), change);
        Verifier::open(&folder, VerifierOptions::default(), &mut |_| {}).unwrap()
    };
    let plain = open("plain", &|_| {});
    let knowing = open("knowing", &|config| {
        config["vouching"] = vouching(&fingerprint(), -30.0, 0.0, 0.0).unwrap();
    });
    let mut accepted = 0;
    for relation in [Relation::Support, Relation::Equivalence] {
        for query in SENTENCES.into_iter().chain(QUESTIONS) {
            let [before, after] =
                [&plain, &knowing].map(|verifier| verifier.verify(query, &SENTENCES, relation).unwrap());
            for (before, after) in before.iter().zip(&after) {
                assert_eq!(before.verdict(), after.verdict());
                assert_eq!(before.assessment(), after.assessment());
                accepted += usize::from(after.verdict() == Verdict::Accept);
            }
        }
    }
    assert!(accepted > 0);
}
