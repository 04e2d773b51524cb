//! Searches with both tiers: what verification may change, what it may not, and what happens when it cannot read.

use std::time::Duration;

use vetted::reader::{Architecture, Relation};
use vetted::{
    Cancellation, Candidate, Compute, Deadline, Document, Engine, Expired, Finding, Grounds, Mode, Notice, Outcome,
    Part, Passages, Policy, Search, Unverified, Verdict, Verifier, VerifierOptions, Verify, ViewStorage,
};
use vetted_retrieval::Query;

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
    let said = |hit: &Candidate| {
        let judgement = hit.outcome.assessment()?.judgement;
        Some((hit.outcome.verdict()?, judgement.p_match.to_bits(), judgement.p_conflict.to_bits()))
    };
    hits.iter().map(|hit| (hit.id.clone(), hit.score.to_bits(), said(hit))).collect()
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
        let vector = encoder
            .embed_one(text, vetted_encoder::Role::Query, &mut vetted::Compute::of_this_process().team())
            .unwrap();
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

/// Long enough for several passages of several windows each, a title alone, and nothing at all.
fn documents() -> Vec<Document> {
    let document =
        |(i, text): (usize, &&str)| Document { id: i.to_string(), text: (*text).into(), ..Document::default() };
    let mut documents: Vec<Document> = SENTENCES.iter().enumerate().map(document).collect();
    let filler = "Rain fell on the harbour all night and nobody left the house. ".repeat(12);
    documents.push(Document {
        id: "long".into(),
        title: "A report".into(),
        text: format!("{filler}The dog bit the man. {filler}"),
        ..Document::default()
    });
    documents.push(Document { id: "title".into(), title: "The man bit the dog.".into(), ..Document::default() });
    documents.push(Document { id: "empty".into(), text: " \n".into(), ..Document::default() });
    documents
}

fn engine_with(folder: &std::path::Path, views: ViewStorage) -> Engine {
    let passages = Passages::Cut { max_tokens: Some(128), overlap_tokens: 16 };
    let engine = Engine::builder(folder).passages(passages).views(views).open_or_create().unwrap();
    engine.upsert(documents()).unwrap();
    engine.finish().unwrap();
    engine
}

#[test]
fn kept_views_change_nothing_but_the_time() {
    let folder = tempfile::tempdir().unwrap();
    let kept = engine_with(&folder.path().join("kept"), ViewStorage::Int8);
    let encoded = engine_with(&folder.path().join("encoded"), ViewStorage::None);
    assert!(kept.index().bytes_of_views().unwrap() > 0);
    assert_eq!(kept.views(), ViewStorage::Int8);
    for (text, mode) in [
        (SENTENCES[0], Mode::Dense),
        (SENTENCES[0], Mode::Bm25),
        ("who was bitten by the dog?", Mode::Hybrid(vetted::Fusion::default())),
    ] {
        let flag = Verify { policy: Policy::Flag, ..Verify::default() };
        let rank = |engine: &Engine| engine.rank(&Search::new(text).k(20).mode(mode).verify(flag)).unwrap();
        let (a, b) = (rank(&kept), rank(&encoded));
        assert_eq!(facts(&a.hits), facts(&b.hits));
        let parts = |hits: &[Candidate]| {
            hits.iter().map(|hit| hit.outcome.assessment().map(|it| it.window.clone())).collect::<Vec<_>>()
        };
        assert_eq!(parts(&a.hits), parts(&b.hits));
        let long = a.hits.iter().find(|hit| hit.id == "long").unwrap();
        if let (Mode::Bm25, Some(Part::Text(bytes))) = (mode, long.outcome.assessment().map(|it| &it.window)) {
            assert!(
                kept.get("long").unwrap().unwrap().text[bytes.clone()].contains("dog bit"),
                "the passage with the words"
            );
        }
    }
    assert_eq!(kept.notices(), []);
}

#[test]
fn an_index_from_before_there_were_views_is_searched_and_added_to() {
    let folder = tempfile::tempdir().unwrap();
    let expected = {
        let engine = engine_with(folder.path(), ViewStorage::None);
        facts(&engine.rank(&Search::new(SENTENCES[0])).unwrap().hits)
    };
    let path = folder.path().join("vetted.json");
    let mut manifest: serde_json::Value = serde_json::from_slice(&std::fs::read(&path).unwrap()).unwrap();
    assert_eq!(manifest["passage_options"].as_object_mut().unwrap().remove("views"), Some("none".into()));
    std::fs::write(&path, manifest.to_string()).unwrap();
    let engine = Engine::builder(folder.path()).open_writable().unwrap();
    assert_eq!(engine.views(), ViewStorage::None);
    assert_eq!(facts(&engine.rank(&Search::new(SENTENCES[0])).unwrap().hits), expected);
    engine.upsert(vec![Document { id: "new".into(), text: "A new one.".into(), ..Document::default() }]).unwrap();
    assert_eq!(engine.index().bytes_of_views().unwrap(), 0);
}

#[test]
fn a_passage_of_128_tokens_takes_less_than_8_kib() {
    let folder = tempfile::tempdir().unwrap();
    let engine = Engine::builder(folder.path()).open_or_create().unwrap();
    // 21 tokens and the two that every sentence costs, as in English prose.
    let sentence = "Rain fell on the harbour all that night and nobody left the stone house until the sun was up. ";
    let text = format!("{}It was.", sentence.repeat(6));
    engine.upsert(vec![Document { id: "128".into(), text, ..Document::default() }]).unwrap();
    let bytes = engine.index().read_views(&["128"], |views| views[0].map_or(0, <[u8]>::len)).unwrap();
    assert!((7000..8192).contains(&bytes), "{bytes}");
}

/// The shipped verifier with another `config.json`, in `folder`.
fn changed(folder: &std::path::Path, change: impl FnOnce(&mut serde_json::Value)) -> std::path::PathBuf {
    std::fs::create_dir(folder).unwrap();
    let [(_, config), (weights_name, weights)] = vetted::SHIPPED_VERIFIER;
    let mut config: serde_json::Value = serde_json::from_slice(config).unwrap();
    change(&mut config);
    std::fs::write(folder.join("config.json"), config.to_string()).unwrap();
    std::fs::write(folder.join(weights_name), weights).unwrap();
    folder.into()
}

#[test]
fn what_supports_a_query_not_surely_enough_to_vouch_for_it_beats_its_near_misses_all_the_same() {
    let folder = tempfile::tempdir().unwrap();
    // Nothing is accepted, and nothing rejected for what it says alone.
    let verifier = changed(&folder.path().join("unsure"), |config| {
        config["thresholds"] = serde_json::json!({"passage_support": 1.0, "passage_conflict": 9.0});
    });
    let engine = Engine::builder(folder.path().join("index")).verifier(verifier).open_or_create().unwrap();
    engine.upsert(documents()).unwrap();
    let found = engine.rank(&Search::new(SENTENCES[0])).unwrap();
    assert!(found.hits.iter().all(|hit| !hit.outcome.is_accepted()));
    let near_miss = found.rejected.iter().find(|hit| hit.id == "1").expect("the man bit the dog");
    let Outcome::Reject(read, Grounds::Rival { id }) = &near_miss.outcome else { panic!("{near_miss:?}") };
    assert!(matches!(id.as_str(), "0" | "2"), "what says the query or the same in other words, not {id}");
    assert!(read.judgement.kind.is_some(), "whatever is rejected says in what it differs");
}

#[test]
fn what_merely_does_not_support_is_not_rejected_and_white_space_is_unverified() {
    let verifier = Verifier::shipped(VerifierOptions::default(), &mut |_| {}).unwrap();
    let candidates = ["The man was bitten by the dog.", "The man bit the dog.", "Kale survives hard frost.", " \n"];
    let verified = verifier.verify(SENTENCES[0], &candidates, Relation::Support).unwrap();
    let said: Vec<_> = verified.iter().map(|one| (one.verdict(), one.judgement().map(|it| it.finding))).collect();
    assert_eq!(
        said,
        [
            (Verdict::Accept, Some(Finding::Supports)),
            (Verdict::Reject, Some(Finding::Contradicts)),
            (Verdict::Abstain, Some(Finding::Neither)),
            (Verdict::Unverified, None),
        ]
    );
    let verified = verifier.verify(SENTENCES[0], &candidates[..3], Relation::Equivalence).unwrap();
    let found: Vec<_> = verified.iter().filter_map(|one| one.judgement().map(|it| it.finding)).collect();
    assert_eq!(found, [Finding::Same, Finding::Different, Finding::Different]);
}

#[test]
fn views_kept_by_a_version_before_are_used_and_new_ones_are_kept_under_the_new_name() {
    // The fingerprint under which vetted of commit 863442a kept the shipped verifier's views in f32.
    const BEFORE: [u8; 8] = [0xf2, 0x1f, 0x6f, 0x72, 0x14, 0xcb, 0x31, 0x05];
    let folder = tempfile::tempdir().unwrap();
    let engine = engine_with(folder.path(), ViewStorage::Int8);
    let ids: Vec<String> = documents().into_iter().map(|document| document.id).collect();
    let records = |engine: &Engine| -> Vec<(String, Vec<u8>)> {
        let kept = |records: &[Option<&[u8]>]| records.iter().map(|it| it.map(<[u8]>::to_vec)).collect::<Vec<_>>();
        let kept = engine.index().read_views(&ids, |records| kept(records)).unwrap();
        ids.iter().cloned().zip(kept).filter_map(|(id, record)| Some((id, record?))).collect()
    };
    let now = engine.verifier().unwrap().views_fingerprint();
    let mut kept = records(&engine);
    for (id, record) in &mut kept {
        assert_eq!(record[..8], now, "{id}");
        record[..8].copy_from_slice(&BEFORE);
    }
    engine.index().set_views(&kept).unwrap();
    let search = Search::new(SENTENCES[0]);
    let expected = facts(&engine.rank(&search).unwrap().hits);
    assert_eq!(engine.notices(), [], "views from before are this verifier's own");
    assert_eq!(engine.upsert(documents()).unwrap().unchanged, documents().len());
    assert_eq!(records(&engine), kept, "and are not made again");
    assert_eq!(facts(&engine.rank(&search).unwrap().hits), expected);
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
fn views_of_another_verifier_are_not_used_until_they_are_renewed() {
    let folder = tempfile::tempdir().unwrap();
    let index = folder.path().join("index");
    // A different way to store views, the same weights.
    let other =
        changed(&folder.path().join("verifier"), |config| config["reader"]["view_range"] = serde_json::json!(0.7));
    drop(engine_with(&index, ViewStorage::Int8));

    // Other thresholds judge the same views, and so does another weight of missing words.
    let strict = changed(&folder.path().join("strict"), |config| {
        config["thresholds"] = serde_json::json!({"passage_conflict": 0.1});
        config["reader"]["missing_words"] = 2.into();
    });
    let engine = Engine::builder(&index).verifier(strict).open().unwrap();
    assert!(engine.rank(&Search::new(SENTENCES[4])).unwrap().rejected.len() > 5, "it rejects what does not match");
    assert_eq!(engine.notices(), []);
    drop(engine);

    let open = || Engine::builder(&index).verifier(other.clone()).open_writable().unwrap();
    let engine = open();
    let search = Search::new(SENTENCES[0]);
    let before = facts(&engine.rank(&search).unwrap().hits);
    engine.rank(&search).unwrap();
    assert_eq!(engine.notices(), [Notice::OtherViews], "said once");
    let indexed = engine.upsert(documents()).unwrap();
    assert_eq!((indexed.unchanged, indexed.replaced), (documents().len(), 0));
    drop(engine);
    let engine = open();
    assert_eq!(facts(&engine.rank(&search).unwrap().hits), before);
    assert_eq!(engine.notices(), []);
}

#[test]
fn damaged_views_are_encoded_anew_and_reported() {
    let folder = tempfile::tempdir().unwrap();
    let engine = engine_with(folder.path(), ViewStorage::Int8);
    let search = Search::new(SENTENCES[0]);
    let expected = facts(&engine.rank(&search).unwrap().hits);
    let whole = engine.index().read_views(&["0"], |views| views[0].unwrap().to_vec()).unwrap();
    for damage in [9, 30, whole.len() - 1] {
        let mut views = whole.clone();
        views[damage] ^= 0x40;
        engine.index().set_views(&[("0".into(), views)]).unwrap();
        assert_eq!(facts(&engine.rank(&search).unwrap().hits), expected, "byte {damage}");
        assert_eq!(engine.notices(), [Notice::DamagedViews { id: "0".into() }], "byte {damage}");
    }
    engine.index().set_views(&[("0".into(), whole[..20].to_vec())]).unwrap();
    assert_eq!(facts(&engine.rank(&search).unwrap().hits), expected);
}

#[test]
fn both_tiers_share_the_layers_that_were_not_trained() {
    let folder = tempfile::tempdir().unwrap();
    let engine = engine(folder.path());
    let (verifier, encoder) = (engine.verifier().unwrap(), engine.encoder().unwrap());
    assert_eq!(verifier.shared_layers(&encoder), verifier.config().encoder.trained_from_layer);
    let own = vetted_encoder::Encoder::open(encoder.folder(), vetted_encoder::Options::default()).unwrap();
    let options = VerifierOptions { reader: vetted::Precision::Bf16, ..VerifierOptions::default() };
    let alone = Verifier::shipped(options, &mut |_| {}).unwrap();
    assert_eq!(alone.shared_layers(&encoder), 0, "what is not in memory once is not taken for shared");
    let team = &mut Compute::of_this_process().team();
    for text in SENTENCES {
        let (_, vector) = verifier.prepare_many_with(&[text], &encoder, team).unwrap().remove(0);
        let expected = own.embed_one(text, vetted_encoder::Role::Query, team).unwrap();
        assert!(
            vector.iter().zip(&expected).all(|(a, b)| a.to_bits() == b.to_bits()) && vector.len() == expected.len()
        );
        let verified = |verifier: &Verifier| {
            let verified = verifier.verify(text, &SENTENCES, Relation::Support).unwrap();
            verified.iter().map(|it| (it.verdict(), it.assessment().cloned())).collect::<Vec<_>>()
        };
        assert_eq!(verified(&verifier), verified(&alone));
    }
}

#[test]
fn a_search_that_is_no_longer_wanted_is_given_up() {
    let folder = tempfile::tempdir().unwrap();
    let engine = engine(folder.path());
    let search = |deadline| engine.search(&Search::new(SENTENCES[0]).deadline(deadline));
    let late = search(Deadline::after(Duration::ZERO)).unwrap_err();
    assert!(matches!(late, vetted::Error::Expired(Expired::Time)), "{late}");
    let cancellation = Cancellation::default();
    let deadline = Deadline::after(Duration::from_secs(600)).or_cancelled(&cancellation);
    assert!(!search(deadline.clone()).unwrap().hits.is_empty());
    cancellation.cancel();
    assert!(matches!(search(deadline), Err(vetted::Error::Expired(Expired::Cancelled))));
}

#[test]
fn documents_may_bring_their_vectors_and_are_vetted_all_the_same() {
    let folder = tempfile::tempdir().unwrap();
    let builder = || Engine::builder(folder.path()).given_vectors("embedding", 2);
    let engine = builder().open_or_create().unwrap();
    let document = |id: &str, text: &str, vector: serde_json::Value| Document {
        id: id.into(),
        text: text.into(),
        metadata: [("embedding".to_owned(), vector), ("year".to_owned(), 2026.into())].into_iter().collect(),
        ..Document::default()
    };
    let texts =
        [("bit", SENTENCES[0], [1.0, 0.0]), ("bitten", SENTENCES[1], [0.9, 0.1]), ("tea", SENTENCES[4], [0.0, 1.0])];
    engine
        .upsert(texts.iter().map(|(id, text, vector)| document(id, text, serde_json::json!(vector))).collect())
        .unwrap();
    drop(engine);
    let engine = Engine::open(folder.path()).unwrap();
    let search = Search::new("The man was bitten by the dog.").vector(vec![1.0, 0.0]);
    let found = engine.search(&search).unwrap();
    assert_eq!(found.hits[0].id, "bit");
    assert!(found.hits[0].outcome.is_accepted() && found.rejected.iter().any(|it| it.id == "bitten"));
    assert!(!found.hits[0].metadata.contains_key("embedding") && found.hits[0].metadata.contains_key("year"));

    let missing = engine.search(&Search::new("The man was bitten by the dog.")).unwrap_err();
    assert!(matches!(missing, vetted::Error::NoEncoder { .. }), "{missing}");
    assert!(engine.search(&search.clone().vector(vec![1.0])).is_err(), "one dimension of two");
    drop(engine);
    let engine = builder().open_or_create().unwrap();
    for vector in [serde_json::json!("no vector"), serde_json::json!([1.0]), serde_json::Value::Null] {
        assert!(engine.upsert(vec![document("other", "Text.", vector)]).is_err());
    }
    assert_eq!(engine.len().unwrap(), 3);
    let moved = engine.upsert(vec![document("tea", SENTENCES[4], serde_json::json!([1.5, 0.0]))]).unwrap();
    assert_eq!(moved.replaced, 1, "the text is the same, the vector is not");
    assert_eq!(engine.search(&search.verify(None)).unwrap().hits[0].id, "tea");
}

#[test]
fn a_sentence_that_two_long_documents_share_does_not_hide_the_one_in_which_they_differ() {
    let verifier = Verifier::shipped(VerifierOptions::default(), &mut |_| {}).unwrap();
    let rest = "Mara and Jonas had known each other for years, and the harbor was busy that spring. ".repeat(8);
    let shared = "Mara sold her old boat to Jonas in May.";
    let [right, wrong] = ["In May Mara sold Jonas the old boat.", "In May Jonas sold Mara the old boat."]
        .map(|sentence| format!("{shared} {rest} {sentence}"));
    let (query, documents) = ("Mara sold the old boat to Jonas in May.", [right, wrong]);
    let verified = verifier.verify(query, &documents, Relation::Support).unwrap();
    assert!(verified[0].support_of_all() > verified[1].support_of_all(), "{verified:?}");

    // Similarities do not add up.
    let max_sim = Verifier::parameter_free(Architecture::F1, VerifierOptions::default(), &mut |_| {}).unwrap();
    let verified = max_sim.verify(query, &documents, Relation::Support).unwrap();
    assert!(verified.iter().all(|it| it.support_of_all() <= 1.0), "{verified:?}");
}

#[test]
fn of_a_long_document_the_sentence_decides_that_has_the_query_s_words() {
    let verifier = Verifier::shipped(VerifierOptions::default(), &mut |_| {}).unwrap();
    // More sentences than are read, none of which says anything about the query.
    let rest =
        "The harbor was built in 1903 by the city. Ferries leave every morning for the islands. Many visitors come in \
                summer to see the old lighthouse and its museum. The fish market opens at six and closes at noon. "
            .repeat(3);
    let documents = ["The captain sold the boat to his sister.", "The captain did not sell the boat to his sister."]
        .map(|sentence| (sentence, format!("{rest}{sentence} {rest}")));
    let texts = documents.each_ref().map(|(_, text)| text);
    let verified = verifier.verify("The captain sold the boat to his sister.", &texts, Relation::Support).unwrap();
    for ((sentence, text), verification) in documents.iter().zip(&verified) {
        let window = verification.assessment().unwrap().window.clone();
        assert_eq!(text[window].trim(), *sentence);
    }
    assert_eq!(verified[0].verdict(), Verdict::Accept);
    assert_eq!(verified[1].verdict(), Verdict::Reject);
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
