//! What searches find.

mod support;

use support::{DIMENSIONS, check, entries, entry, id, manifest, vector};
use vetted_corpus::{Document, Passage};
use vetted_kernels::Compute;
use vetted_retrieval::{Entry, Error, Filter, Fusion, Hit, Index, Normalization, Query};

fn index_of(entries: Vec<Entry>) -> (tempfile::TempDir, Index) {
    let folder = tempfile::tempdir().unwrap();
    let index = Index::create(folder.path().join("index"), manifest()).unwrap();
    index.upsert(entries).unwrap();
    (folder, index)
}

fn ids(hits: &[Hit]) -> Vec<&str> {
    hits.iter().map(|hit| hit.id.as_str()).collect()
}

fn titled(id: &str, title: &str, text: &str) -> Entry {
    let document = Document { id: id.into(), title: title.into(), text: text.into(), ..Document::default() };
    Entry { document, passages: Vec::new(), views: None }
}

/// The dense ranking, the slow and obvious way.
fn brute_force(entries: &[Entry], query: &[f32]) -> Vec<(String, f32, Passage)> {
    let product = |vector: &[f32]| vector.iter().zip(query).map(|(a, b)| a * b).sum::<f32>();
    let mut ranking: Vec<_> = entries
        .iter()
        .map(|entry| {
            let scored = entry.passages.iter().map(|(passage, vector)| (product(vector), passage.clone()));
            let (score, passage) = scored.max_by(|a, b| a.0.total_cmp(&b.0)).unwrap();
            (entry.document.id.clone(), score, passage)
        })
        .collect();
    ranking.sort_by(|a, b| b.1.total_cmp(&a.1).then_with(|| a.0.cmp(&b.0)));
    ranking
}

#[test]
fn dense_is_exact_and_names_the_passage() {
    let corpus = entries(0..1500);
    let (_folder, index) = index_of(corpus.clone());
    for seed in 0..20 {
        let query = vector(1_000_000 + seed);
        let hits = index.search(&Query::dense(&query).k(50)).unwrap();
        assert_eq!(hits.len(), 50);
        for (rank, (hit, (id, score, passage))) in hits.iter().zip(brute_force(&corpus, &query)).enumerate() {
            assert_eq!((&hit.id, hit.rank, hit.passage.as_ref()), (&id, rank + 1, Some(&passage)));
            assert!((hit.score - score).abs() < 1e-6);
            assert_eq!(hit.scores.dense, Some(hit.score));
        }
    }
}

#[test]
fn one_thread_and_many_find_the_same() {
    let (_folder, index) = index_of(entries(0..3000));
    let search = |threads| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        pool.install(|| {
            let snapshot = index.snapshot().unwrap();
            let find = |seed| {
                let vector = vector(seed);
                let query = Query::hybrid("winter harbor engine", &vector).k(100);
                snapshot.search(&query, &mut Compute::of_this_process().team()).unwrap()
            };
            (0..10).map(find).collect::<Vec<_>>()
        })
    };
    let one: Vec<_> = (0..10)
        .map(|seed| index.search(&Query::hybrid("winter harbor engine", &vector(seed)).k(100)).unwrap())
        .collect();
    for threads in [1, 2, 3, 8] {
        assert_eq!(one, search(threads), "{threads} threads");
    }
}

#[test]
fn equal_scores_come_in_the_order_of_ids() {
    let same = |id: &str| Entry {
        document: Document { id: id.into(), text: "copper kettle".into(), ..Document::default() },
        passages: vec![(Passage { bytes: 0..6, chars: 0..6 }, vector(1))],
        views: None,
    };
    let (_folder, index) = index_of(["c", "a", "e", "b", "d"].map(same).into());
    let query = vector(1);
    for query in [Query::dense(&query), Query::bm25("copper"), Query::hybrid("copper", &query)] {
        assert_eq!(ids(&index.search(&query.k(3)).unwrap()), ["a", "b", "c"]);
    }
}

#[test]
fn bm25_computes_the_formula() {
    let (_folder, index) = index_of(vec![
        titled("a", "Copper", "copper kettles boil water"),
        titled("b", "", "water runs downhill"),
        titled("c", "Tin", "a tin kettle"),
    ]);
    let hits = index.search(&Query::bm25("the kettle, the copper kettle!")).unwrap();
    // Lengths without stop words: 5, 3, 3. Kettle counts twice in the query and is in two documents, copper in one.
    let score = |frequency: f64, length: f64, holding: f64| {
        let norm = 0.9 * (1.0 - 0.4 + 0.4 * length / (11.0 / 3.0));
        (1.0 + (3.0 - holding + 0.5) / (holding + 0.5)).ln() * frequency / (frequency + norm)
    };
    let expected = [("a", 2.0 * score(1.0, 5.0, 2.0) + score(2.0, 5.0, 1.0)), ("c", 2.0 * score(1.0, 3.0, 2.0))];
    assert_eq!(hits.len(), expected.len());
    for (hit, (id, score)) in hits.iter().zip(expected) {
        assert_eq!(hit.id, id);
        assert!((f64::from(hit.score) - score).abs() < 1e-6, "{hit:?} {score}");
        assert_eq!((hit.scores.bm25, hit.scores.dense, &hit.passage), (Some(hit.score), None, &None));
    }
}

#[test]
fn any_text_is_a_query() {
    let (_folder, index) = index_of(vec![titled("a", "", "copper AND tin, 100% pure")]);
    for (text, found) in [
        ("copper AND (tin OR", true),
        ("\"copper", true),
        ("title:copper^2 +tin -zinc ~ * ? [ TO ] \\", true),
        ("pure\0copper \u{202e}", true),
        ("zinc", false),
        ("the and of", false),
        ("!?", false),
    ] {
        assert_eq!(index.search(&Query::bm25(text)).unwrap().len(), usize::from(found), "{text:?}");
    }
    for text in ["", " \t\n"] {
        assert!(matches!(index.search(&Query::bm25(text)), Err(Error::EmptyQuery)));
        assert!(matches!(index.search(&Query::hybrid(text, &vector(0))), Err(Error::EmptyQuery)));
    }
}

#[test]
fn scores_do_not_depend_on_history() {
    let (_folder, straight) = index_of(entries(0..200));
    let (_other, crooked) = index_of(Vec::new());
    for batch in 0..10 {
        let old = (0..300).filter(|number| number % 10 == batch);
        crooked.upsert(old.map(|number| entry(number, 1)).collect()).unwrap();
        crooked.search(&Query::bm25("winter")).unwrap();
    }
    crooked.upsert(entries((0..200).rev())).unwrap();
    assert_eq!(crooked.delete(&(200..300).map(id).collect::<Vec<_>>()).unwrap(), 100);
    check(&crooked);
    for seed in 0..5 {
        let query = vector(seed);
        let query = Query::hybrid("copper lantern thunder number7", &query).k(200);
        assert_eq!(straight.search(&query).unwrap(), crooked.search(&query).unwrap());
    }
}

#[test]
fn filters_come_before_the_ranking_in_every_mode() {
    let (_folder, index) = index_of(entries(0..400));
    let vector = vector(5);
    for query in [Query::dense(&vector), Query::bm25("winter harbor copper"), Query::hybrid("winter", &vector)] {
        let query = query.k(8).filter("year>=2015".parse().unwrap()).filter("parity=odd".parse().unwrap());
        let hits = index.search(&query).unwrap();
        assert_eq!(hits.len(), 8);
        for hit in hits {
            let metadata = index.get(&hit.id).unwrap().unwrap().metadata;
            assert!(metadata["year"].as_i64() >= Some(2015) && metadata["parity"] == "odd", "{metadata:?}");
        }
        let nothing = query.filter(Filter::parse("color=red").unwrap());
        assert_eq!(index.search(&nothing).unwrap(), []);
    }
}

#[test]
fn hybrid_knows_both_scores_of_every_hit() {
    let (_folder, index) = index_of(entries(0..300));
    let vector = vector(77);
    let text = "glacier number42";
    for fusion in
        [Fusion::ReciprocalRank { k: 60.0 }, Fusion::Score { alpha: 0.5, normalization: Normalization::MinMax }]
    {
        let hits = index.search(&Query::hybrid(text, &vector).fusion(fusion).depth(20).k(30)).unwrap();
        let dense = index.search(&Query::dense(&vector).k(300)).unwrap();
        let bm25 = index.search(&Query::bm25(text).k(300)).unwrap();
        assert_eq!(hits.len(), 30);
        for hit in &hits {
            let same = |other: &&Hit| other.id == hit.id;
            assert_eq!(hit.scores.dense, dense.iter().find(same).map(|other| other.score));
            assert_eq!(hit.scores.bm25, bm25.iter().find(same).map(|other| other.score));
        }
        assert!(hits.is_sorted_by(|a, b| a.score > b.score || a.score == b.score && a.id < b.id));
    }
}

#[test]
fn all_weight_on_one_side_is_that_side() {
    let (_folder, index) = index_of(entries(0..300));
    let vector = vector(3);
    let text = "saffron orchard";
    let fused = |alpha| {
        let fusion = Fusion::Score { alpha, normalization: Normalization::MinMax };
        index.search(&Query::hybrid(text, &vector).fusion(fusion)).unwrap()
    };
    assert_eq!(ids(&fused(1.0)), ids(&index.search(&Query::dense(&vector)).unwrap()));
    assert_eq!(ids(&fused(0.0)), ids(&index.search(&Query::bm25(text)).unwrap()));
    for alpha in [-0.1, 1.1, f32::NAN] {
        let fusion = Fusion::Score { alpha, normalization: Normalization::MinMax };
        assert!(matches!(index.search(&Query::hybrid(text, &vector).fusion(fusion)), Err(Error::Alpha { .. })));
    }
}

#[test]
fn a_query_vector_of_another_encoder_is_refused() {
    let (_folder, index) = index_of(entries(0..3));
    let long = vec![0.0; DIMENSIONS + 1];
    assert!(matches!(index.search(&Query::dense(&long)), Err(Error::Dimensions { document: None, got: 9, .. })));
    let broken = [f32::NAN; DIMENSIONS];
    assert!(matches!(index.search(&Query::dense(&broken)), Err(Error::NotFinite { document: None, .. })));
}

#[test]
fn an_empty_index_finds_nothing() {
    let (_folder, index) = index_of(Vec::new());
    let vector = vector(1);
    for query in
        [Query::dense(&vector), Query::bm25("winter"), Query::hybrid("winter", &vector), Query::dense(&vector).k(0)]
    {
        assert_eq!(index.search(&query).unwrap(), []);
    }
}
