//! An index's settings, what is said of it, filters, and documents out of it.

use std::fs;
use std::path::Path;

use serde_json::Value;
use tempfile::TempDir;

use crate::program::{fail, json, succeed, vetted};

/// A folder with `rows.csv`, indexed into `ix`.
fn rows() -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    let rows = "id,text,zip,sku,ver,price\n\
        1,The boat is in the harbor.,02116,1e3,1.10,0.95\n\
        2,The boat is in the park.,2116,1000,1.1,12\n\
        3,The boat was sold.,,,,\n";
    fs::write(folder.path().join("rows.csv"), rows).unwrap();
    succeed(folder.path(), &["index", "rows.csv", "--into", "ix"]);
    folder
}

fn found(folder: &Path, filters: &[&str]) -> Vec<String> {
    let mut arguments = vec!["search", "--index", "ix", "--mode", "bm25", "--verify", "off", "--json", "boat"];
    filters.iter().for_each(|filter| arguments.extend(["--filter", filter]));
    let answer = json(&succeed(folder, &arguments));
    let mut ids: Vec<_> =
        answer["hits"].as_array().unwrap().iter().map(|hit| hit["id"].as_str().unwrap().to_owned()).collect();
    ids.sort();
    ids
}

#[test]
fn cells_of_a_table_are_texts_and_their_numbers_have_an_order() {
    let folder = rows();
    for (filters, expected) in [
        (&["zip=02116"][..], &["1"][..]),
        (&["zip!=2116", "zip!="], &["1"]),
        (&["zip=\"2116\""], &["2"]),
        (&["sku=1000"], &["2"]),
        (&["ver=1.1"], &["2"]),
        (&["ver in 1.10, 1.2"], &["1"]),
        (&["price<1"], &["1"]),
        (&["price<1 or sku=1000"], &["1", "2"]),
        (&["price>1 or sku=1000", "zip=2116 or zip=02116"], &["2"]),
        (&["not exists zip or zip="], &["3"]),
    ] {
        assert_eq!(found(folder.path(), filters), expected, "{filters:?}");
    }
    let wrong = vetted(folder.path(), &["search", "--index", "ix", "--filter", "zip=02116 or never", "boat"]);
    let said = String::from_utf8_lossy(&wrong.stderr);
    assert!(wrong.status.code() == Some(2) && said.contains("at character 14") && said.contains("quotes"), "{said}");
}

#[test]
fn documents_are_deleted_by_filter() {
    let folder = rows();
    let deleted =
        succeed(folder.path(), &["delete", "--index", "ix", "--filter", "price>=0.95", "--filter", "sku=1e3"]);
    assert_eq!(deleted, "1 of 1 document deleted, 2 left\n");
    assert_eq!(found(folder.path(), &[]), ["2", "3"]);
    let deleted = succeed(folder.path(), &["delete", "--index", "ix", "--filter", "zip=nowhere"]);
    assert_eq!(deleted, "0 of 0 documents deleted, 2 left\n");
    assert_eq!(vetted(folder.path(), &["delete", "--index", "ix"]).status.code(), Some(2));
    assert_eq!(vetted(folder.path(), &["delete", "--index", "ix", "2", "--filter", "zip=1"]).status.code(), Some(2));
}

#[test]
fn options_that_contradict_an_index_are_an_error() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("a.jsonl"), r#"{"_id": "a", "text": "The boat is in the harbor."}"#).unwrap();
    let index = |folder: &Path, into: &str, options: &[&str]| {
        vetted(folder, &[&["index", "a.jsonl", "--into", into][..], options].concat())
    };
    let made = ["--max-tokens", "64", "--overlap", "8", "--views", "none", "--precision", "f32"];
    assert!(index(folder.path(), "ix", &made).status.success());
    assert!(index(folder.path(), "whole", &["--whole"]).status.success());
    for (into, options, has, asked) in [
        ("ix", &["--max-tokens", "32"][..], "at most 64 tokens, of which neighbors share 8", "at most 32 tokens"),
        ("ix", &["--overlap", "0"], "neighbors share 8", "neighbors share 0"),
        ("ix", &["--whole"], "at most 64 tokens", "whole documents"),
        ("ix", &["--views", "int8"], "views none", "int8"),
        ("ix", &["--precision", "int8"], "precision f32", "int8"),
        ("ix", &["--vectors", "vec"], "made with", "vectors given in \"vec\""),
        ("whole", &["--max-tokens", "32"], "whole documents", "at most 32 tokens"),
    ] {
        fs::write(folder.path().join("a.jsonl"), r#"{"_id": "b", "text": "A boat.", "metadata": {"vec": [1]}}"#)
            .unwrap();
        let output = index(folder.path(), into, options);
        let said = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(1), "{options:?}: {said}");
        assert!(said.contains(has) && said.contains(asked) && said.contains("another folder"), "{options:?}: {said}");
        let info = json(&succeed(folder.path(), &["info", "--index", into, "--json"]));
        assert_eq!(info["documents"], 1, "{options:?}: nothing was indexed");
    }
    // What the index has anyway may be said again, all of it or a part.
    for (into, options) in [
        ("ix", &made[..]),
        ("ix", &["--max-tokens", "64"]),
        ("ix", &["--overlap", "8", "--precision", "auto"]),
        ("ix", &[]),
        ("whole", &["--whole"]),
        ("whole", &[]),
    ] {
        let output = index(folder.path(), into, options);
        assert!(output.status.success(), "{into} {options:?}: {}", String::from_utf8_lossy(&output.stderr));
    }
}

#[test]
fn an_index_is_described_in_words() {
    let folder = rows();
    let info = succeed(folder.path(), &["info", "--index", "ix"]);
    for expected in [
        "documents   3, in 3 passages\n",
        "passages    as many tokens as the model reads, of which neighbors share 32\n",
        "views       int8\n",
        " UTC\n",
        "format      1\n",
    ] {
        assert!(info.contains(expected), "{info}");
    }
    assert!(!info.contains('{'), "{info}");
    let info = json(&succeed(folder.path(), &["info", "--index", "ix", "--json"]));
    let second = |field: &str| info[field].as_u64().unwrap();
    assert_eq!(second("passages"), 3);
    assert!(second("created") > 1_700_000_000 && second("changed") >= second("created"), "{info}");
}

#[test]
fn scores_say_on_what_scale_they_are_and_a_sole_hit_has_one() {
    let folder = rows();
    for (mode, scale) in
        [("dense", "inner-product"), ("bm25", "bm25"), ("hybrid", "fused-scores"), ("hybrid-rrf", "fused-ranks")]
    {
        let search =
            ["search", "--index", "ix", "--mode", mode, "--json", "--verify", "off", "--filter", "zip=02116", "boat"];
        let answer = json(&succeed(folder.path(), &search));
        assert_eq!(answer["score_scale"], scale);
        let score = answer["hits"][0]["score"].as_f64().unwrap();
        assert!(score > 0.0, "{mode}: {answer}");
        if mode == "hybrid" {
            assert_eq!(score, 1.0, "the best by meaning and by words");
        }
    }
}

#[test]
fn words_are_found_however_they_are_encoded() {
    let folder = tempfile::tempdir().unwrap();
    let lines = [
        "{\"_id\": \"nfc\", \"text\": \"The caf\u{e9} is open.\"}",
        "{\"_id\": \"nfd\", \"text\": \"The cafe\u{301} is open.\"}",
        "{\"_id\": \"plain\", \"text\": \"The cafe of the museum.\"}",
        "{\"_id\": \"wide\", \"text\": \"\u{ff32}\u{ff4f}\u{ff4f}\u{ff4d} \u{ff14}\u{ff12} is locked.\"}",
    ];
    fs::write(folder.path().join("a.jsonl"), lines.join("\n")).unwrap();
    succeed(folder.path(), &["index", "a.jsonl", "--into", "ix"]);
    let search = |query: &str| {
        let answer =
            succeed(folder.path(), &["search", "--index", "ix", "--mode", "bm25", "--json", "--verify", "off", query]);
        let mut ids: Vec<Value> =
            json(&answer)["hits"].as_array().unwrap().iter().map(|hit| hit["id"].clone()).collect();
        ids.sort_by_key(Value::to_string);
        ids
    };
    for query in ["caf\u{e9}", "cafe\u{301}", "CAFE"] {
        assert_eq!(search(query), ["nfc", "nfd", "plain"], "{query}");
    }
    assert_eq!(search("Room 42"), ["wide"]);
    assert!(fail(folder.path(), &["search", "--index", "ix", "--mode", "bm25", " "]).contains("empty"));
}
