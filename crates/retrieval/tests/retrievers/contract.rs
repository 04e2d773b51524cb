//! The contract that the trait [`Retriever`] states.

use std::collections::HashMap;

use vetted_corpus::Document;
use vetted_kernels::Team;
use vetted_retrieval::{Entry, Error, Filter, Query, Retriever};

use crate::corpus::{Chance, DIMENSIONS, entries, entry};

/// All of it. `make` gives an empty retriever for vectors of [`DIMENSIONS`].
pub fn holds(make: &mut dyn FnMut() -> Box<dyn Retriever>) {
    a_document_comes_back_as_it_was_given(&*make());
    what_is_written_is_found_and_what_is_removed_is_not(&*make());
    filters_come_before_the_ranking(&*make());
    what_cannot_be_kept_is_refused_whole(&*make());
    origins_and_views_are_replaced(&*make());
    a_session_answers_what_belongs_to_its_hits(&*make());
    many_write_and_search_at_once(&*make());
}

fn upsert(retriever: &dyn Retriever, entries: Vec<Entry>) -> (usize, usize, usize) {
    let upserted = retriever.upsert_from(entries, &HashMap::new()).unwrap();
    (upserted.added, upserted.replaced, upserted.duplicates)
}

fn ids(retriever: &dyn Retriever, query: &Query<'_>) -> Vec<String> {
    let found = retriever.search(query).unwrap();
    assert_eq!(found.not_asked, []);
    found.hits.into_iter().map(|hit| hit.id).collect()
}

fn check_kept(retriever: &dyn Retriever, entry: &Entry) {
    let id = &entry.document.id;
    assert_eq!(retriever.get(id).unwrap().as_ref(), Some(&entry.document));
    let (passages, vectors): (Vec<_>, Vec<_>) = entry.passages.iter().cloned().unzip();
    assert_eq!(retriever.passages(id).unwrap(), Some(passages));
    assert_eq!(retriever.vectors(id).unwrap(), Some(vectors.concat()));
    let views = retriever.read_views(&[id], |views| views[0].map(<[u8]>::to_vec)).unwrap();
    assert_eq!(views.unwrap_or_default(), entry.views.clone().unwrap_or_default());
    let session = retriever.session().unwrap();
    assert_eq!(session.unchanged(&[&entry.document]).unwrap(), [true]);
    let other = Document { text: format!("{}.", entry.document.text), ..entry.document.clone() };
    assert_eq!(session.unchanged(&[&other]).unwrap(), [false]);
}

fn a_document_comes_back_as_it_was_given(retriever: &dyn Retriever) {
    assert!(retriever.is_empty().unwrap());
    let given = entries(0..60, 1);
    assert_eq!(upsert(retriever, given.clone()), (60, 0, 0));
    given.iter().for_each(|entry| check_kept(retriever, entry));
    // Replaced by others, and of several with one id by the last.
    let others = entries(0..30, 2);
    assert_eq!(upsert(retriever, [&given[..10], &others[..]].concat()), (0, 30, 10));
    others.iter().chain(&given[30..]).for_each(|entry| check_kept(retriever, entry));
    let holdings = retriever.holdings().unwrap();
    let all: Vec<&Entry> = others.iter().chain(&given[30..]).collect();
    assert_eq!(holdings.documents, 60);
    assert_eq!(holdings.passages, all.iter().map(|entry| entry.passages.len()).sum::<usize>());
    assert!(holdings.bytes >= holdings.bytes_of_views && holdings.bytes_of_views > 0);
    let mut expected: Vec<String> = all.iter().map(|entry| entry.document.id.clone()).collect();
    let mut found = retriever.ids().unwrap();
    expected.sort();
    found.sort();
    assert_eq!(found, expected);
    assert_eq!(retriever.session().unwrap().some_ids(7).unwrap().len(), 7);
    assert_eq!(retriever.check().unwrap().problems, []);
}

fn what_is_written_is_found_and_what_is_removed_is_not(retriever: &dyn Retriever) {
    let mut chance = Chance(3);
    for number in 0..40 {
        let mut entry = entry(&format!("{number}"), &mut chance);
        entry.document.text = format!("word{number} {}", entry.document.text);
        entry.passages = vec![(vetted_corpus::Passage { bytes: 0..4, chars: 0..4 }, chance.vector())];
        let vector = entry.passages[0].1.clone();
        upsert(retriever, vec![entry.clone()]);
        let word = format!("word{number}");
        for query in [Query::dense(&vector), Query::bm25(&word), Query::hybrid(&word, &vector)] {
            assert_eq!(ids(retriever, &query.clone().k(1)), [entry.document.id.clone()]);
        }
        if number % 3 == 0 {
            assert_eq!(retriever.delete(&[&entry.document.id, "nobody"]).unwrap(), 1);
            assert!(!retriever.contains(&entry.document.id).unwrap());
            assert_eq!(ids(retriever, &Query::bm25(&word)), [""; 0]);
            assert!(!ids(retriever, &Query::dense(&vector).k(100)).contains(&entry.document.id));
        }
    }
    assert_eq!(retriever.len().unwrap(), 26);
    assert_eq!(retriever.delete(&[]).unwrap(), 0);
}

fn filters_come_before_the_ranking(retriever: &dyn Retriever) {
    let all = entries(0..300, 4);
    upsert(retriever, all.clone());
    let mut chance = Chance(5);
    let vector = chance.vector();
    for filter in [
        "year>=2021",
        "year<2020",
        "year=2021",
        "year!=2021",
        "lang=de",
        "lang in en, fr",
        "lang not in en",
        "exists year",
        "not exists lang",
        "from.city=Oslo",
        "from.zip=02116",
        "year>2019 or lang=de",
        "lang=fr or lang=de",
        "year>=2021-01",
        "year=2020.5",
        "year=1",
    ] {
        let filter: Filter = filter.parse().unwrap();
        let mut fitting: Vec<&str> =
            all.iter().filter(|it| filter.accepts(&it.document.metadata)).map(|it| it.document.id.as_str()).collect();
        fitting.sort_unstable();
        let mut found = retriever.session().unwrap().ids_that_fit(std::slice::from_ref(&filter)).unwrap();
        found.sort();
        assert_eq!(found, fitting, "{filter}");
        let with_passages =
            all.iter().filter(|it| !it.passages.is_empty() && filter.accepts(&it.document.metadata)).count();
        let dense = Query::dense(&vector).filter(filter.clone());
        assert_eq!(ids(retriever, &dense.clone().k(300)).len(), with_passages, "{filter}");
        let few = ids(retriever, &dense.k(5));
        assert_eq!(few.len(), with_passages.min(5), "{filter}");
        assert!(few.iter().all(|id| fitting.contains(&id.as_str())), "{filter}");
        let words = ids(retriever, &Query::bm25("tea water").filter(filter.clone()).k(3));
        assert!(words.iter().all(|id| fitting.contains(&id.as_str())), "{filter}");
    }
}

fn what_cannot_be_kept_is_refused_whole(retriever: &dyn Retriever) {
    let good = entries(0..3, 6);
    let with_vector = |vector: Vec<f32>| {
        let mut entry = good[0].clone();
        entry.passages = vec![(vetted_corpus::Passage { bytes: 0..1, chars: 0..1 }, vector)];
        entry
    };
    let mut nameless = good[0].clone();
    nameless.document.id.clear();
    let is_refused = |bad: Entry| {
        let error = retriever.upsert_from([&good[..], &[bad]].concat(), &HashMap::new()).unwrap_err();
        assert!(retriever.is_empty().unwrap(), "{error}");
        error
    };
    assert!(matches!(is_refused(with_vector(vec![1.0; 3])), Error::Dimensions { expected: DIMENSIONS, got: 3, .. }));
    assert!(matches!(is_refused(with_vector(vec![f32::NAN; DIMENSIONS])), Error::NotFinite { .. }));
    assert!(matches!(is_refused(nameless), Error::EmptyId { .. }));
    for (query, wrong) in [(Query::dense(&[1.0, 0.0]), "dimensions"), (Query::bm25("  "), "empty")] {
        let error = retriever.search(&query).unwrap_err().to_string();
        assert!(error.contains(wrong), "{error}");
    }
    // There is nothing yet, and that is no error.
    let vector = Chance(7).vector();
    for query in [Query::dense(&vector), Query::bm25("tea"), Query::hybrid("tea", &vector), Query::bm25("the")] {
        assert_eq!(ids(retriever, &query), [""; 0]);
    }
}

fn origins_and_views_are_replaced(retriever: &dyn Retriever) {
    let given = entries(0..3, 8);
    let names: Vec<String> = given.iter().map(|entry| entry.document.id.clone()).collect();
    let origins = HashMap::from([(names[0].clone(), "a.txt".to_owned()), (names[1].clone(), "b.txt".to_owned())]);
    retriever.upsert_from(given, &origins).unwrap();
    let [first, second, third] = [0, 1, 2].map(|at| names[at].as_str());
    let owned = |all: &[&str]| all.iter().map(|it| (*it).to_owned()).collect::<Vec<_>>();
    assert_eq!(
        retriever.origins(&[second, third, first, "nobody"]).unwrap(),
        [owned(&["b.txt"]), vec![], owned(&["a.txt"]), vec![]]
    );
    let set = retriever.set_origins(&[(names[2].clone(), owned(&["c", "d"])), ("nobody".into(), vec![])]).unwrap();
    assert_eq!(set, 1);
    let mut all = retriever.all_origins().unwrap();
    all.sort();
    assert_eq!(
        all,
        [
            (names[0].clone(), owned(&["a.txt"])),
            (names[1].clone(), owned(&["b.txt"])),
            (names[2].clone(), owned(&["c", "d"]))
        ]
    );
    assert_eq!(retriever.set_views(&[(names[1].clone(), vec![1, 2, 3]), ("nobody".into(), vec![4])]).unwrap(), 1);
    assert_eq!(
        retriever
            .read_views(&[second, "nobody"], |views| [views[0].map(<[u8]>::to_vec), views[1].map(<[u8]>::to_vec)])
            .unwrap(),
        [Some(vec![1, 2, 3]), None]
    );
}

fn a_session_answers_what_belongs_to_its_hits(retriever: &dyn Retriever) {
    let given = entries(0..50, 9);
    upsert(retriever, given.clone());
    let vector = Chance(10).vector();
    let session = retriever.session().unwrap();
    let hits = session.search(&Query::dense(&vector).k(10), &mut Team::alone()).unwrap().hits;
    let found: Vec<&str> = hits.iter().map(|hit| hit.id.as_str()).collect();
    // Whatever becomes of them now, their documents are those that were found.
    retriever.delete(&found).unwrap();
    let by_id: HashMap<&str, &Entry> = given.iter().map(|entry| (entry.document.id.as_str(), entry)).collect();
    for ((id, document), views) in
        found.iter().zip(session.documents(&found).unwrap()).zip(session.views(&found).unwrap())
    {
        assert_eq!(document.as_ref(), Some(&by_id[id].document));
        assert_eq!(views.as_deref(), by_id[id].views.as_deref());
    }
}

fn many_write_and_search_at_once(retriever: &dyn Retriever) {
    std::thread::scope(|threads| {
        for writer in 0..4u64 {
            threads.spawn(move || {
                let mut chance = Chance(100 + writer);
                for round in 0..15 {
                    let own: Vec<Entry> =
                        (0..8).map(|number| entry(&format!("{writer}/{number}"), &mut chance)).collect();
                    upsert(retriever, own);
                    if round % 5 == 4 {
                        retriever.delete(&[&format!("{writer}/0")]).unwrap();
                    }
                }
            });
        }
        for reader in 0..2u64 {
            threads.spawn(move || {
                let mut chance = Chance(200 + reader);
                for _ in 0..40 {
                    let vector = chance.vector();
                    let hits = retriever.search(&Query::hybrid("tea water", &vector).k(5)).unwrap().hits;
                    assert!(hits.windows(2).all(|pair| pair[0].score >= pair[1].score));
                }
            });
        }
    });
    assert_eq!(retriever.len().unwrap(), 4 * 7);
    assert_eq!(retriever.check().unwrap().problems, []);
}
