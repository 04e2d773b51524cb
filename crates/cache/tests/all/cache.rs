//! What a cache serves, and what it does not.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Barrier, LazyLock, Mutex};
use std::time::{Duration, SystemTime};

use serde_json::Value;
use vetted::{Deadline, Verdict, Verifier, VerifierOptions};
use vetted_cache::{
    Acceptance, Accepts, Across, Answer, Attributes, Backend, BackendError, Cache, CacheError, CacheSettings,
    Candidate, Change, Computed, DecisionId, Entry, EntryId, Lookup, Memory, MemoryLimits, Miss, NearMiss, NewEntry,
    Origin, Refusal, Scale, Scope, SecondOpinion, Seen, Similarity, Source, Sources, Strategies, Strategy,
    VolatileRule, Wanted,
};
use vetted_encoder::{Encoder, ModelFolder, Options};

use crate::contract::attributes;

static MODELS: LazyLock<(Arc<Verifier>, Arc<Encoder>)> = LazyLock::new(|| {
    let folder = tempfile::tempdir().unwrap();
    let tiny = vetted_fixtures::verifier(folder.path());
    let verifier = Verifier::open(&tiny, VerifierOptions::default(), &mut |_| {}).unwrap();
    let encoder = Encoder::open(&ModelFolder::open(vetted_fixtures::encoder()).unwrap(), Options::default()).unwrap();
    (Arc::new(verifier), Arc::new(encoder))
});

/// A prompt, one that means the same, and near-misses.
const STORED: &str = "The nurse visited the farmer.";
const SAME: &str = "The farmer was visited by the nurse.";
const SWAPPED: &str = "The farmer visited the nurse.";
const NEGATED: &str = "The nurse did not visit the farmer.";

fn cache_over(backend: Arc<dyn Backend>, settings: CacheSettings) -> Cache {
    let (verifier, encoder) = &*MODELS;
    Cache::new(backend, verifier.clone(), encoder.clone(), settings).unwrap()
}

fn cache(settings: CacheSettings) -> Cache {
    cache_over(Arc::new(Memory::new(MemoryLimits::default())), settings)
}

fn scope() -> Scope {
    Scope::new("tests").with(Scope::TENANT, "acme")
}

fn store(cache: &Cache, prompt: &str, response: &str) -> EntryId {
    cache.store(NewEntry::new(&scope(), prompt, response), &Deadline::none()).unwrap().id
}

fn served(answer: &Answer) -> Option<String> {
    answer.hit().map(|hit| String::from_utf8(hit.entry.response.clone()).unwrap())
}

fn asked(cache: &Cache, prompt: &str) -> Answer {
    cache.lookup(&Lookup::new(&scope(), prompt))
}

#[test]
fn what_means_the_same_is_served_and_a_near_miss_is_not() {
    let cache = cache(CacheSettings::default());
    assert_eq!(asked(&cache, STORED).miss(), Some(&Miss::NoCandidate));
    store(&cache, STORED, "one");
    let exact = asked(&cache, STORED);
    let hit = exact.hit().unwrap();
    assert_eq!((hit.strategy, hit.similarity, hit.verification.is_some()), (Strategy::Exact, Similarity::EQUAL, false));

    let semantic = asked(&cache, SAME);
    let hit = semantic.hit().unwrap_or_else(|| panic!("{semantic:?}"));
    assert_eq!((served(&semantic).as_deref(), hit.strategy), (Some("one"), Strategy::Semantic));
    assert_eq!(hit.verification.as_ref().unwrap().verdict(), Verdict::Accept);
    let similarity = hit.similarity;
    assert!((similarity.cosine() + similarity.distance() - 1.0).abs() < 1e-6);

    for near_miss in [SWAPPED, NEGATED] {
        let answer = asked(&cache, near_miss);
        assert_eq!(answer.miss(), Some(&Miss::NotEquivalent), "{near_miss}");
        let judged = &answer.candidates[0];
        assert_eq!(judged.refused, Some(Refusal::NotEquivalent));
        assert!(judged.verification.as_ref().is_some_and(|it| it.verdict() != Verdict::Accept));
    }
}

/// Views change nothing but the time: with those of another verifier, with damaged ones and with none, the answers are the same.
#[test]
fn kept_views_change_no_verdict() {
    let backend = Arc::new(Memory::new(MemoryLimits::default()));
    let cache = cache_over(backend.clone(), CacheSettings::default());
    let id = store(&cache, STORED, "one");
    let kept = cache.get(&scope(), &id).unwrap().unwrap();
    let bits = || {
        let judged = |prompt| cache.explain(&Lookup::new(&scope(), prompt)).unwrap();
        [SAME, SWAPPED, NEGATED].map(|prompt| format!("{:?}", judged(prompt)[0].verification))
    };
    let expected = bits();
    let views = kept.views.clone().unwrap();
    let mut damaged = views.clone();
    *damaged.last_mut().unwrap() ^= 1;
    let mut of_another = views;
    of_another[4] ^= 1;
    for views in [None, Some(damaged), Some(of_another), Some(Vec::new())] {
        backend.put(&Entry { views, ..Entry::clone(&kept) }).unwrap();
        assert_eq!(bits(), expected);
    }
}

#[test]
fn when_the_nearest_is_rejected_the_next_is_served() {
    let cache = cache(CacheSettings::default());
    store(&cache, SWAPPED, "swapped");
    store(&cache, NEGATED, "negated");
    store(&cache, STORED, "right");
    for extra in 0..3 {
        store(&cache, &format!("The baker greeted the pilot {extra} times."), "other");
    }
    let answer = asked(&cache, SAME);
    assert_eq!(served(&answer).as_deref(), Some("right"), "{answer:?}");
    // The order is recall's: nothing that stood before it was accepted.
    let before = answer.candidates.iter().take_while(|it| it.entry.prompt != STORED);
    assert!(before.into_iter().all(|it| it.refused == Some(Refusal::NotEquivalent)));
    // Each asked alone or together gets the same.
    let scope = scope();
    let lookups = [SAME, SWAPPED, "Nobody knows.", STORED].map(|prompt| Lookup::new(&scope, prompt));
    let together: Vec<Option<String>> = cache.lookup_many(&lookups).iter().map(served).collect();
    let alone: Vec<Option<String>> = lookups.iter().map(|lookup| served(&cache.lookup(lookup))).collect();
    assert_eq!(together, alone);
    assert_eq!(together[3].as_deref(), Some("right"));
}

#[test]
fn strategies_similarity_and_number_are_kept_to() {
    let cache = cache(CacheSettings::default());
    store(&cache, STORED, "one");
    let scope = scope();
    let lookup = |prompt| Lookup::new(&scope, prompt);
    let exact = cache.lookup(&Lookup { strategies: Strategies::Exact, ..lookup(SAME) });
    assert_eq!(exact.miss(), Some(&Miss::NoCandidate));
    assert_eq!(exact.took.embed, Duration::ZERO, "nothing was encoded");
    let semantic = cache.lookup(&Lookup { strategies: Strategies::Semantic, ..lookup(STORED) });
    assert_eq!(semantic.hit().unwrap().strategy, Strategy::Semantic);
    let cosine = asked(&cache, SAME).hit().unwrap().similarity.cosine();
    let near = |least| cache.lookup(&Lookup { least_cosine: Some(least), ..lookup(SAME) });
    assert!(near(cosine - 0.001).hit().is_some());
    assert_eq!(near(cosine + 0.001).miss(), Some(&Miss::BelowSimilarity));
    store(&cache, SAME, "two");
    let several = cache.lookup(&Lookup { most: 5, ..lookup(SAME) });
    let vetted_cache::Outcome::Hit(hits) = &several.outcome else { panic!("{several:?}") };
    let responses: Vec<&[u8]> = hits.iter().map(|hit| hit.entry.response.as_slice()).collect();
    assert_eq!(responses, [b"two", b"one"], "the equal prompt first, and once");
}

#[test]
fn texts_that_cannot_be_read_are_served_to_equal_ones_only() {
    let cache = cache(CacheSettings::default());
    let long = "The nurse visited the farmer and the baker. ".repeat(40);
    let stored = cache.store(NewEntry::new(&scope(), &long, "long"), &Deadline::none()).unwrap();
    assert!(!stored.by_meaning);
    assert_eq!(served(&asked(&cache, &long)).as_deref(), Some("long"));
    assert_eq!(asked(&cache, &format!("{long} Twice.")).miss(), Some(&Miss::TooLong));
    assert_eq!(asked(&cache, STORED).miss(), Some(&Miss::NoCandidate));
    assert_eq!(asked(&cache, " \n").miss(), Some(&Miss::NoText));
    assert_eq!(asked(&cache, "").miss(), Some(&Miss::NoText));
}

#[test]
fn scopes_and_attributes_are_compared_before_the_search() {
    let cache = cache(CacheSettings::default());
    store(&cache, STORED, "acme");
    for other in [Scope::new("tests"), scope().with(Scope::USER, "u"), Scope::new("tests").with(Scope::TENANT, "b")] {
        for prompt in [STORED, SAME] {
            assert_eq!(cache.lookup(&Lookup::new(&other, prompt)).miss(), Some(&Miss::NoCandidate));
        }
    }
    let (english, german) = (attributes([("language", "en")]), attributes([("language", "de")]));
    let scope = scope();
    let new = NewEntry { attributes: english.clone(), ..NewEntry::new(&scope, STORED, "english") };
    cache.store(new, &Deadline::none()).unwrap();
    for (attributes, expected) in [(&english, Some("english")), (&german, None)] {
        for prompt in [STORED, SAME] {
            let answer = cache.lookup(&Lookup { attributes, ..Lookup::new(&scope, prompt) });
            assert_eq!(served(&answer).as_deref(), expected);
        }
    }
}

/// Two caches over one backend with two encoders never compare their vectors.
#[test]
fn vectors_of_another_encoder_are_never_compared() {
    let backend = Arc::new(Memory::new(MemoryLimits::default()));
    let cache = cache_over(backend.clone(), CacheSettings::default());
    let id = store(&cache, STORED, "one");
    let entry = cache.get(&scope(), &id).unwrap().unwrap();
    assert!(entry.scope.part(Scope::ENCODER).is_some_and(|encoder| !encoder.is_empty()));
    assert_eq!(backend.len(&scope()).unwrap(), 0, "the scope without its encoder has nothing");
}

#[test]
fn what_is_volatile_is_not_served_across_time_or_users() {
    let backend = Arc::new(Memory::new(MemoryLimits::default()));
    let cache =
        cache_over(backend.clone(), CacheSettings { moment: Duration::from_secs(60), ..CacheSettings::default() });
    let user = scope().with(Scope::USER, "u1");
    for (prompt, scope, across) in [
        ("Which nurse visited the farmer today?", scope(), Some(Across::Time)),
        ("Which nurse visited my farmer?", scope(), Some(Across::Users)),
        ("Which nurse visited my farmer?", user.clone(), None),
        ("Which nurse visited my farmer today?", user, Some(Across::Time)),
        ("Which nurse visited the farmer?", scope(), None),
    ] {
        let id = cache.store(NewEntry::new(&scope, prompt, "x"), &Deadline::none()).unwrap().id;
        let lookup = Lookup::new(&scope, prompt);
        if across != Some(Across::Users) {
            assert!(cache.lookup(&lookup).hit().is_some(), "{prompt} is young");
        }
        let mut old = Entry::clone(&cache.get(&scope, &id).unwrap().unwrap());
        old.stored_at = SystemTime::now() - Duration::from_secs(90);
        backend.put(&old).unwrap();
        let answer = cache.lookup(&lookup);
        assert_eq!(answer.miss(), across.map(Miss::Volatile).as_ref(), "{prompt}");
        let trusting = Lookup { volatile: VolatileRule::Served, ..lookup.clone() };
        assert!(cache.lookup(&trusting).hit().is_some());
        // A clock that was set back makes nothing young.
        old.stored_at = SystemTime::now() + Duration::from_secs(90);
        backend.put(&old).unwrap();
        assert_eq!(cache.lookup(&lookup).miss().is_some(), across.is_some(), "{prompt}");
        cache.clear(&scope).unwrap();
    }
    // What the caller calls volatile is so, whatever its words.
    let id =
        cache.store(NewEntry { volatile: true, ..NewEntry::new(&scope(), STORED, "x") }, &Deadline::none()).unwrap().id;
    let mut old = Entry::clone(&cache.get(&scope(), &id).unwrap().unwrap());
    old.stored_at = SystemTime::now() - Duration::from_secs(90);
    backend.put(&old).unwrap();
    for prompt in [STORED, SAME] {
        assert_eq!(asked(&cache, prompt).miss(), Some(&Miss::Volatile(Across::Time)));
    }
}

#[test]
fn what_rests_on_documents_is_served_while_these_are_what_they_were() {
    let cache = cache(CacheSettings::default());
    let source = |id: &str, version: &str| Source { id: id.into(), version: version.into() };
    let sources = vec![source("handbook", "3"), source("faq", "1")];
    cache.store(NewEntry { sources, ..NewEntry::new(&scope(), STORED, "x") }, &Deadline::none()).unwrap();
    let versions = |pairs: &[(&str, &str)]| -> BTreeMap<String, String> {
        pairs.iter().map(|(id, version)| ((*id).to_owned(), (*version).to_owned())).collect()
    };
    let current = versions(&[("handbook", "3"), ("faq", "1"), ("other", "9")]);
    let changed = versions(&[("handbook", "4"), ("faq", "1")]);
    let gone = versions(&[("handbook", "3")]);
    let is_faq = |source: &Source| source.id == "faq";
    let scope = scope();
    for prompt in [STORED, SAME] {
        let ask = |sources| cache.lookup(&Lookup { sources, ..Lookup::new(&scope, prompt) });
        assert!(ask(Sources::Current(&current)).hit().is_some());
        assert!(ask(Sources::Are(&|_| true)).hit().is_some());
        assert!(ask(Sources::Trusted).hit().is_some());
        for (sources, miss) in [
            (Sources::Unknown, Miss::SourcesUnchecked),
            (Sources::Current(&changed), Miss::SourceChanged(source("handbook", "3"))),
            (Sources::Current(&gone), Miss::SourceChanged(source("faq", "1"))),
            (Sources::Are(&is_faq), Miss::SourceChanged(source("handbook", "3"))),
        ] {
            assert_eq!(ask(sources).miss(), Some(&miss));
        }
    }
}

#[test]
fn entries_are_changed_and_removed() {
    let cache = cache(CacheSettings::default());
    let id = store(&cache, STORED, "one");
    assert_eq!(store(&cache, STORED, "two"), id, "storing the same again replaces");
    assert_eq!(cache.len(&scope()).unwrap(), 1);
    let none = Deadline::none();
    let change = Change { response: Some(b"three".into()), ..Change::default() };
    assert!(cache.update(&scope(), &id, change, &none).unwrap());
    assert_eq!(served(&asked(&cache, SAME)).as_deref(), Some("three"));
    let change = Change { attributes: Some(attributes([("language", "en")])), ..Change::default() };
    assert!(cache.update(&scope(), &id, change, &none).unwrap());
    assert_eq!(served(&asked(&cache, STORED)).as_deref(), Some("three"));
    let change = Change { ttl: Some(Duration::from_millis(1)), ..Change::default() };
    assert!(cache.update(&scope(), &id, change, &none).unwrap());
    std::thread::sleep(Duration::from_millis(5));
    assert_eq!(asked(&cache, STORED).miss(), Some(&Miss::NoCandidate));
    assert!(!cache.update(&scope(), &id, Change::default(), &none).unwrap());
    let id = store(&cache, STORED, "one");
    assert_eq!(cache.remove(&scope(), &[id]).unwrap(), 1);
    store(&cache, STORED, "one");
    assert_eq!(cache.remove_where(&scope(), &attributes([("language", "en")])).unwrap(), 0);
    assert_eq!(cache.clear(&scope()).unwrap(), 1);
    assert!(cache.is_empty(&scope()).unwrap());

    let brief = CacheSettings { ttl: Some(Duration::from_millis(1)), ..CacheSettings::default() };
    let cache = self::cache(brief);
    store(&cache, STORED, "one");
    let scope = scope();
    let lasting = NewEntry { ttl: Some(Duration::from_secs(60)), ..NewEntry::new(&scope, SWAPPED, "lasting") };
    cache.store(lasting, &none).unwrap();
    std::thread::sleep(Duration::from_millis(5));
    assert_eq!(asked(&cache, STORED).hit().map(|hit| &*hit.entry.prompt), None);
    assert!(asked(&cache, SWAPPED).hit().is_some());
}

/// A backend that fails, or one whose entries cannot be right.
struct Failing(Memory);

impl Backend for Failing {
    fn name(&self) -> &'static str {
        "failing"
    }

    fn exact(&self, _: &Wanted<'_>) -> Result<Option<Arc<Entry>>, BackendError> {
        Ok(None)
    }

    fn nearest(&self, _: &Wanted<'_>, _: &[f32], _: usize) -> Result<Vec<Candidate>, BackendError> {
        let (backend, address, reason) = ("failing", "nowhere".into(), "it is made to fail".into());
        Err(BackendError::Unreachable { backend, address, reason })
    }

    fn put(&self, entry: &Entry) -> Result<(), BackendError> {
        self.0.put(entry)
    }

    fn replace(&self, was: &Entry, entry: &Entry) -> Result<bool, BackendError> {
        self.0.replace(was, entry)
    }

    fn get(&self, scope: &Scope, id: &EntryId) -> Result<Option<Arc<Entry>>, BackendError> {
        self.0.get(scope, id)
    }

    fn remove(&self, scope: &Scope, ids: &[EntryId]) -> Result<usize, BackendError> {
        self.0.remove(scope, ids)
    }

    fn remove_where(&self, scope: &Scope, attributes: &Attributes) -> Result<usize, BackendError> {
        self.0.remove_where(scope, attributes)
    }

    fn clear(&self, scope: &Scope) -> Result<usize, BackendError> {
        self.0.clear(scope)
    }

    fn len(&self, scope: &Scope) -> Result<usize, BackendError> {
        self.0.len(scope)
    }
}

#[test]
fn what_fails_or_is_late_is_a_miss() {
    let cache = cache_over(Arc::new(Failing(Memory::new(MemoryLimits::default()))), CacheSettings::default());
    store(&cache, STORED, "one");
    let answer = asked(&cache, SAME);
    assert!(matches!(answer.miss(), Some(Miss::BackendFailed(reason)) if reason.contains("nowhere")), "{answer:?}");

    let cache = self::cache(CacheSettings::default());
    store(&cache, STORED, "one");
    let scope = scope();
    for prompt in [STORED, SAME] {
        let late = Lookup { deadline: Deadline::after(Duration::ZERO), ..Lookup::new(&scope, prompt) };
        assert_eq!(cache.lookup(&late).miss(), Some(&Miss::Late));
        assert!(cache.explain(&late).is_err());
    }
}

struct Above(f32);

impl Accepts for Above {
    fn accepts(&self, seen: &Seen<'_>) -> bool {
        self.score(seen) >= self.0
    }

    fn score(&self, seen: &Seen<'_>) -> f32 {
        assert_eq!(seen.tenant, Some("acme"));
        seen.similarity.cosine()
    }
}

#[test]
fn what_is_accepted_can_be_decided_by_a_calibration() {
    let p_match = {
        let cache = cache(CacheSettings::default());
        store(&cache, STORED, "one");
        asked(&cache, SAME).hit().unwrap().judgement().unwrap().p_match
    };
    for (acceptance, hit) in [
        (Acceptance::Probability(p_match - 0.001), true),
        (Acceptance::Probability(p_match + 0.001), false),
        (Acceptance::Probability(f32::NAN), false),
        (Acceptance::By(Arc::new(Above(-1.0))), true),
        (Acceptance::By(Arc::new(Above(2.0))), false),
    ] {
        let cache = cache(CacheSettings { acceptance, ..CacheSettings::default() });
        store(&cache, STORED, "one");
        assert_eq!(asked(&cache, SAME).hit().is_some(), hit);
    }
    // What cannot be read is never accepted, whatever the rule.
    let cache = cache(CacheSettings { acceptance: Acceptance::By(Arc::new(Above(-1.0))), ..CacheSettings::default() });
    store(&cache, "The nurse visited 农民.", "one");
    let answer = asked(&cache, "The nurse visited 面包师.");
    assert!(answer.hit().is_none(), "{answer:?}");
}

fn rows(folder: &std::path::Path, name: &str) -> Vec<Value> {
    let text = std::fs::read_to_string(folder.join(name)).unwrap_or_default();
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

#[test]
fn feedback_is_written_down_for_calibration() {
    let folder = tempfile::tempdir().unwrap();
    let settings = CacheSettings { decisions: Some(folder.path().join("decisions")), ..CacheSettings::default() };
    let cache = cache(settings.clone());
    store(&cache, STORED, "one");
    let semantic = asked(&cache, SAME);
    cache.feedback(semantic.decision, true).unwrap();
    let refused = asked(&cache, SWAPPED);
    cache.feedback(refused.decision, false).unwrap();
    cache.feedback(asked(&cache, STORED).decision, true).unwrap();
    let elsewhere = Scope::new("elsewhere");
    let nothing = cache.lookup(&Lookup::new(&elsewhere, SAME)).decision;
    for unknown in [DecisionId::parse("00000000000000000000000000000001").unwrap(), nothing] {
        assert!(matches!(cache.feedback(unknown, true), Err(CacheError::UnknownDecision { .. })), "nothing to judge");
    }
    let rows = |name| rows(&folder.path().join("decisions"), name);
    let [served, not] = rows("feedback.jsonl").try_into().unwrap();
    let p_match = semantic.hit().unwrap().judgement().unwrap().p_match;
    assert!((served["p_match"].as_f64().unwrap() - f64::from(p_match)).abs() < 1e-6);
    assert!(not["p_match"].as_f64().unwrap() < served["p_match"].as_f64().unwrap());
    for (row, right, accepted) in [(&served, true, true), (&not, false, false)] {
        assert_eq!((&row["right"], &row["segment"]), (&right.into(), &"acme".into()));
        for name in ["hit", "served", "accepted"] {
            assert_eq!(row[name], accepted, "{name}: {row}");
        }
        // What `vetted calibrate` would find if it read the pair, and by whom.
        let features: Vec<&str> = row["features"].as_object().unwrap().keys().map(String::as_str).collect();
        assert_eq!(features, ["conflict", "cosine", "coverage", "match", "words"]);
        assert_eq!((&row["relation"], &row["verifier"]["sha256"]), (&"equivalence".into(), &MODELS.0.digest().into()));
        assert_eq!(row["encoder"]["sha256"].as_str().unwrap().len(), 64);
        assert!(row.get("log_odds").is_none() && row.get("score").is_none() && row.get("verdict").is_none(), "{row}");
        assert!(row.get("query").is_none() && row.get("prompt").is_none(), "prompts only where they are asked for");
    }
    assert_eq!((served.get("miss"), &not["miss"]), (None, &"not-equivalent".into()));
    // What is about the same stored prompt is one group, and its other text is not.
    assert_eq!((&served["group"][0], served["group"][1] == not["group"][1]), (&not["group"][0], false));
    assert!(served["group"][0].as_str().unwrap().starts_with("sha256:"));
    let [exact] = rows("feedback-exact.jsonl").try_into().unwrap();
    assert_eq!((exact.get("features"), &exact["strategy"], &exact["hit"]), (None, &"exact".into(), &true.into()));

    let cache = self::cache(CacheSettings { prompts_in_decisions: true, ..settings });
    store(&cache, STORED, "one");
    cache.feedback(asked(&cache, SAME).decision, true).unwrap();
    let last = rows("feedback.jsonl").pop().unwrap();
    assert_eq!((&last["query"], &last["prompt"]), (&SAME.into(), &STORED.into()));
    let silent = self::cache(CacheSettings::default());
    assert!(matches!(silent.feedback(semantic.decision, true), Err(CacheError::NoDecisions)));
}

/// Log-odds, as of a calibration: the cosine moved.
struct LogOddsAbove(f32);

impl Accepts for LogOddsAbove {
    fn accepts(&self, seen: &Seen<'_>) -> bool {
        self.score(seen) >= self.0
    }

    fn score(&self, seen: &Seen<'_>) -> f32 {
        10.0 + seen.similarity.cosine()
    }

    fn scale(&self) -> Scale {
        Scale::LogOdds
    }
}

#[test]
fn no_column_of_feedback_has_two_scales() {
    let probability = Acceptance::Probability(0.5);
    let (log_odds, own) = (Acceptance::By(Arc::new(LogOddsAbove(10.9))), Acceptance::By(Arc::new(Above(0.9))));
    for (acceptance, column, least) in
        [(probability, None, 0.0), (log_odds, Some("log_odds"), 9.0), (own, Some("score"), -1.0)]
    {
        let folder = tempfile::tempdir().unwrap();
        let decisions = Some(folder.path().to_owned());
        let cache = cache(CacheSettings { acceptance, decisions, ..CacheSettings::default() });
        store(&cache, STORED, "one");
        // Served and not: near enough for the rules above, and not.
        let asked = [SAME, SWAPPED, "Nobody knows what a baker greeted."].map(|prompt| asked(&cache, prompt));
        asked.iter().for_each(|answer| cache.feedback(answer.decision, true).unwrap());
        let rows = rows(folder.path(), "feedback.jsonl");
        let served: Vec<bool> = rows.iter().map(|row| row["served"].as_bool().unwrap()).collect();
        assert!(served.contains(&true) && served.contains(&false), "{rows:?}");
        for row in &rows {
            assert!((0.0..=1.0).contains(&row["p_match"].as_f64().unwrap()), "{row}");
            for name in ["log_odds", "score"] {
                assert_eq!(row.get(name).is_some(), column == Some(name), "{row}");
            }
            assert!(column.is_none_or(|name| row[name].as_f64().unwrap() > least), "{row}");
        }
    }
}

#[test]
fn a_decision_is_about_what_was_served_or_came_nearest_to_it() {
    let folder = tempfile::tempdir().unwrap();
    let decisions = Some(folder.path().to_owned());
    let cache = cache(CacheSettings { decisions, ..CacheSettings::default() });
    let row = |prompt: &str| {
        let answer = asked(&cache, prompt);
        cache.feedback(answer.decision, true).unwrap();
        rows(folder.path(), "feedback.jsonl").pop().unwrap()
    };
    store(&cache, NEGATED, "negated");
    let stored = store(&cache, STORED, "one");
    assert_eq!(row(SAME)["entry"], stored.as_str());
    // Accepted, and kept back by a rule: the decision about meaning the same was a yes.
    let mut old = Entry::clone(&cache.get(&scope(), &stored).unwrap().unwrap());
    old.stored_at = SystemTime::now() - Duration::from_secs(90);
    old.volatile = true;
    cache.backend().put(&old).unwrap();
    let kept_back = row(SAME);
    assert_eq!((&kept_back["entry"], &kept_back["accepted"]), (&stored.as_str().into(), &true.into()));
    assert_eq!((&kept_back["hit"], &kept_back["miss"]), (&false.into(), &"volatile-time".into()));
    // What the verifier cannot read is not accepted by any calibration, and that is what is said.
    cache.clear(&scope()).unwrap();
    store(&cache, "The nurse visited \u{519c}\u{6c11}.", "one");
    let unread = row("The nurse visited \u{9762}\u{5305}\u{5e08}.");
    assert_eq!((&unread["verdict"], unread.get("features")), (&"unverified".into(), None), "{unread}");
    assert_eq!((&unread["accepted"], &unread["hit"]), (&false.into(), &false.into()));
}

#[test]
fn a_cache_that_only_watches_serves_nothing_and_writes_down_what_it_would_have() {
    let folder = tempfile::tempdir().unwrap();
    let decisions = Some(folder.path().to_owned());
    let cache = cache(CacheSettings { shadow: true, decisions, ..CacheSettings::default() });
    let early = asked(&cache, SAME);
    let id = store(&cache, STORED, "one");
    let answers = [STORED, SAME, SWAPPED].map(|prompt| asked(&cache, prompt));
    let scope = scope();
    let late = cache.lookup(&Lookup { deadline: Deadline::after(Duration::ZERO), ..Lookup::new(&scope, SAME) });
    let misses: Vec<&Miss> = answers.iter().map(|answer| answer.miss().unwrap()).collect();
    assert_eq!(misses, [&Miss::Shadow, &Miss::Shadow, &Miss::NotEquivalent]);
    cache.feedback(answers[1].decision, true).unwrap();
    let rows_of = |name| rows(folder.path(), name);
    // A row for each lookup, so that the share of those with `hit` is the hit rate.
    let shadow = rows_of("shadow.jsonl");
    let said: Vec<_> = shadow.iter().map(|row| (row["hit"].as_bool().unwrap(), row["miss"].as_str())).collect();
    let missed = |miss| (false, Some(miss));
    let expected = [missed("no-candidate"), (true, None), (true, None), missed("not-equivalent"), missed("late")];
    assert_eq!(said, expected);
    assert!(shadow.iter().all(|row| row["served"] == false && row.get("right").is_none()), "{shadow:?}");
    let strategies: Vec<Option<&str>> = shadow.iter().map(|row| row["strategy"].as_str()).collect();
    assert_eq!(strategies, [None, Some("exact"), Some("semantic"), Some("semantic"), None]);
    assert_eq!(shadow[2]["entry"], id.as_str());
    for (row, answer) in shadow.iter().zip([&early].into_iter().chain(&answers).chain([&late])) {
        assert_eq!(row["decision"], answer.decision.to_string());
    }
    let feedback = rows_of("feedback.jsonl");
    assert_eq!((feedback.len(), &feedback[0]["hit"], &feedback[0]["served"]), (1, &true.into(), &false.into()));
}

#[test]
fn explaining_shows_every_candidate_and_serves_nothing() {
    let cache = cache(CacheSettings::default());
    for prompt in [STORED, SWAPPED, NEGATED] {
        store(&cache, prompt, "x");
    }
    let judged = cache.explain(&Lookup::new(&scope(), SAME)).unwrap();
    assert_eq!(judged.len(), 3);
    assert!(judged.is_sorted_by(|a, b| a.similarity >= b.similarity));
    for it in &judged {
        let verification = it.verification.as_ref().unwrap();
        assert_eq!(it.refused.is_none(), it.entry.prompt == STORED, "{it:?}");
        assert!(verification.judgement().is_some());
    }
    let judged = cache.explain(&Lookup::new(&scope(), STORED)).unwrap();
    assert_eq!((judged.len(), judged[0].strategy), (4, Strategy::Exact));
}

#[test]
fn of_equal_prompts_one_is_computed_and_the_others_wait() {
    const CALLERS: usize = 6;
    let cache = cache(CacheSettings::default());
    let (computed, barrier) = (AtomicUsize::new(0), Barrier::new(CALLERS));
    let origins = Mutex::new(Vec::new());
    std::thread::scope(|threads| {
        for _ in 0..CALLERS {
            threads.spawn(|| {
                barrier.wait();
                let compute = || {
                    computed.fetch_add(1, Ordering::Relaxed);
                    std::thread::sleep(Duration::from_millis(100));
                    Ok::<_, String>(Computed::from(b"made".to_vec()))
                };
                let got = cache.get_or_compute(&Lookup::new(&scope(), STORED), compute).unwrap();
                assert_eq!(got.response, b"made");
                origins.lock().unwrap().push(matches!(got.origin, Origin::Computed(Ok(_))));
            });
        }
    });
    assert_eq!(computed.load(Ordering::Relaxed), 1);
    assert_eq!(origins.lock().unwrap().iter().filter(|it| **it).count(), 1);
    let got = cache.get_or_compute(&Lookup::new(&scope(), SAME), || Err::<Computed, _>("not asked")).unwrap();
    assert!(matches!(got.origin, Origin::Cached(_)));
}

/// How many of four that ask at the same time compute for themselves.
fn computed_by(lookups: [&Lookup<'_>; 4]) -> usize {
    let cache = cache(CacheSettings::default());
    let (computed, barrier) = (AtomicUsize::new(0), Barrier::new(4));
    std::thread::scope(|threads| {
        for lookup in lookups {
            let (cache, computed, barrier) = (&cache, &computed, &barrier);
            threads.spawn(move || {
                barrier.wait();
                let compute = || {
                    computed.fetch_add(1, Ordering::Relaxed);
                    std::thread::sleep(Duration::from_millis(150));
                    let sources = vec![Source { id: "terms".into(), version: "7".into() }];
                    Ok::<_, String>(Computed { sources, ..Computed::from(b"made".to_vec()) })
                };
                cache.get_or_compute(lookup, compute).unwrap();
            });
        }
    });
    computed.into_inner()
}

#[test]
fn nobody_is_given_what_was_computed_for_somebody_else() {
    let scope = scope();
    let (of_seven, of_eight) = ([7, 8].map(|it| BTreeMap::from([("terms".to_owned(), it.to_string())]))).into();
    let asking = |prompt, sources| Lookup { sources, ..Lookup::new(&scope, prompt) };
    let seven = asking(STORED, Sources::Current(&of_seven));
    let eight = asking(STORED, Sources::Current(&of_eight));
    assert_eq!(computed_by([&seven; 4]), 1);
    // Whoever has other documents takes nothing that rests on these, however many there are.
    assert!(computed_by([&seven, &eight, &seven, &eight]) >= 2);
    let mine = asking("Where is my order?", Sources::Trusted);
    assert_eq!(computed_by([&mine; 4]), 4, "nobody says who asks");
    let known = scope.clone().with(Scope::USER, "ann");
    let mine = Lookup { scope: &known, ..mine };
    assert_eq!(computed_by([&mine; 4]), 1);
}

#[test]
fn a_failure_wakes_everybody_and_the_next_begins_anew() {
    let cache = cache(CacheSettings::default());
    let barrier = Barrier::new(4);
    std::thread::scope(|threads| {
        for caller in 0..4 {
            let (cache, barrier) = (&cache, &barrier);
            threads.spawn(move || {
                barrier.wait();
                let compute = || -> Result<Computed, String> {
                    std::thread::sleep(Duration::from_millis(100));
                    Err(format!("caller {caller} failed"))
                };
                let error = cache.get_or_compute(&Lookup::new(&scope(), STORED), compute).unwrap_err();
                assert!(matches!(error, CacheError::Compute { .. }), "{error}");
            });
        }
    });
    let waiting = Barrier::new(2);
    std::thread::scope(|threads| {
        let panicking = threads.spawn(|| {
            cache.get_or_compute(&Lookup::new(&scope(), STORED), || -> Result<Computed, String> {
                waiting.wait();
                std::thread::sleep(Duration::from_millis(50));
                panic!("on purpose")
            })
        });
        waiting.wait();
        let compute = || -> Result<Computed, String> { panic!("somebody else computes") };
        let error = cache.get_or_compute(&Lookup::new(&scope(), STORED), compute).unwrap_err();
        assert!(error.to_string().contains("panicked"), "{error}");
        assert!(panicking.join().is_err());
    });
    let got = cache.get_or_compute(&Lookup::new(&scope(), STORED), || Ok::<_, String>(b"x".to_vec().into())).unwrap();
    assert!(matches!(got.origin, Origin::Computed(Ok(_))));
    // Nobody waits beyond his deadline.
    let scope = scope();
    let began = Barrier::new(2);
    std::thread::scope(|threads| {
        threads.spawn(|| {
            let slow = || {
                began.wait();
                std::thread::sleep(Duration::from_millis(300));
                Ok::<_, String>(Computed::default())
            };
            cache.get_or_compute(&Lookup::new(&scope, "slow"), slow).unwrap();
        });
        began.wait();
        let deadline = Deadline::after(Duration::from_millis(20));
        let hurried = Lookup { deadline, ..Lookup::new(&scope, "slow") };
        let error = cache.get_or_compute(&hurried, || Ok::<_, String>(Computed::default())).unwrap_err();
        assert!(matches!(error, CacheError::Late(_)), "{error}");
    });
}

/// Says yes to one prompt, and writes down what it was asked.
#[derive(Default)]
struct Opinion(Mutex<Vec<(String, String)>>);

impl SecondOpinion for Opinion {
    fn is_same(&self, near_miss: &NearMiss) -> bool {
        self.0.lock().unwrap().push((near_miss.prompt.clone(), near_miss.entry.prompt.clone()));
        near_miss.prompt == SWAPPED
    }
}

#[test]
fn a_second_opinion_makes_a_near_miss_servable() {
    let opinion = Arc::new(Opinion::default());
    let settings = CacheSettings { second_opinion: Some(opinion.clone()), ..CacheSettings::default() };
    let backend = Arc::new(Memory::new(MemoryLimits::default()));
    let cache = cache_over(backend.clone(), settings.clone());
    store(&cache, STORED, "one");
    for prompt in [SAME, SWAPPED, NEGATED] {
        asked(&cache, prompt);
    }
    // Waits for what was asked.
    drop(cache);
    let questions = opinion.0.lock().unwrap().clone();
    assert_eq!(questions[0], (SWAPPED.to_owned(), STORED.to_owned()));
    assert_eq!((questions.len(), questions[1].0.as_str()), (2, NEGATED));
    let cache = cache_over(backend, settings);
    let answer = asked(&cache, SWAPPED);
    assert_eq!((served(&answer).as_deref(), answer.hit().unwrap().strategy), (Some("one"), Strategy::Exact));
    assert_eq!(asked(&cache, NEGATED).hit().map(|hit| &*hit.entry.prompt), None);
    let copy = answer.hit().unwrap().entry.clone();
    let (scope, original) = (copy.scope.clone(), copy.copy_of.clone().unwrap());

    // Whoever changes or removes the original changes what the copy may say.
    let change = |response: &[u8]| {
        let change = Change { response: Some(response.to_vec()), ..Change::default() };
        assert!(cache.update(&scope, &original, change, &Deadline::none()).unwrap());
    };
    change(b"two");
    assert_eq!(asked(&cache, SWAPPED).miss(), Some(&Miss::OriginalGone));
    change(b"one");
    assert_eq!(served(&asked(&cache, SWAPPED)).as_deref(), Some("one"));
    cache.remove(&scope, std::slice::from_ref(&original)).unwrap();
    assert_eq!(asked(&cache, SWAPPED).miss(), Some(&Miss::OriginalGone));
}
