//! Reading and writing files: BEIR folders, qrels and runs, good and bad.

use std::error::Error as StdError;
use std::fs;
use std::path::Path;

use tempfile::TempDir;
use vetted_evaluation::{Dataset, Error, Qrels, Ranking, Run, dataset};

type Outcome = Result<(), Box<dyn StdError>>;

const QUERIES: &str = concat!(
    r#"{"_id": "q2", "text": "who bit the dog", "metadata": {"kind": "role"}}"#,
    "\n",
    r#"{"_id": "unjudged", "text": "who bit nobody"}"#,
    "\n\n",
    r#"{"_id": "q1", "text": "who bit the man"}"#,
    "\n",
);
const QRELS: &str =
    "query-id\tcorpus-id\tscore\r\nq1\tdog-bites-man\t2\r\nq2\tman-bites-dog\t1\r\nq2\tdog-bites-man\t0\r\n";

/// A BEIR folder named `bites`, with the parts given as path and content.
fn folder(parts: &[(&str, &str)]) -> Result<TempDir, std::io::Error> {
    let root = tempfile::tempdir()?;
    for (part, content) in parts {
        let path = root.path().join("bites").join(part);
        fs::create_dir_all(path.parent().unwrap_or(Path::new("")))?;
        fs::write(path, content)?;
    }
    Ok(root)
}

/// What loading such a folder says, with the folder's path taken out.
fn complaint(parts: &[(&str, &str)]) -> Result<String, Box<dyn StdError>> {
    let root = folder(parts)?;
    let message = match Dataset::load(root.path().join("bites"), "test") {
        Ok(dataset) => format!("loaded {dataset:?}"),
        Err(error) => error.to_string(),
    };
    Ok(message.replace(&format!("{}/", root.path().display()), ""))
}

#[test]
fn a_beir_folder_loads() -> Outcome {
    let root = folder(&[("corpus.jsonl", ""), ("queries.jsonl", QUERIES), ("qrels/test.tsv", QRELS)])?;
    let path = root.path().join("bites");
    let dataset = Dataset::load(&path, "test")?;
    assert_eq!((dataset.name.as_str(), dataset.split.as_str()), ("bites", "test"));
    assert_eq!(dataset.corpus, path.join("corpus.jsonl"));
    let queries: Vec<_> = dataset.queries.iter().map(|query| (query.id.as_str(), query.text.as_str())).collect();
    assert_eq!(queries, [("q2", "who bit the dog"), ("q1", "who bit the man")]);
    let grade = |query, document| dataset.qrels.get(query)?.grade(document);
    assert_eq!(grade("q1", "dog-bites-man"), Some(2));
    assert_eq!(grade("q2", "dog-bites-man"), Some(0));
    assert_eq!(grade("q1", "man-bites-dog"), None);
    Ok(())
}

#[test]
fn judged_documents_that_the_corpus_lacks_are_counted() -> Outcome {
    let qrels: String = (10..20).map(|number| format!("q1\td{number}\t1\nq2\td{number}\t1\n")).collect();
    let root = folder(&[("corpus.jsonl", ""), ("queries.jsonl", QUERIES), ("qrels/test.tsv", &qrels)])?;
    let dataset = Dataset::load(root.path().join("bites"), "test")?;
    assert_eq!(dataset.missing_documents(|_| true), None);
    let missing = |is_there: fn(&str) -> bool| dataset.missing_documents(is_there).map(|missing| missing.to_string());
    assert_eq!(missing(|id| id != "d17"), Some("1 document (d17)".to_owned()));
    assert_eq!(missing(|id| id < "d13"), Some("7 documents (d13, d14, d15, d16, d17, ...)".to_owned()));
    Ok(())
}

#[test]
fn a_bad_folder_says_what_is_wrong_and_what_to_do() -> Outcome {
    let corpus = ("corpus.jsonl", "");
    let queries = ("queries.jsonl", QUERIES);
    let with_qrels = |qrels| complaint(&[corpus, queries, ("qrels/test.tsv", qrels)]);
    let with_queries = |text| complaint(&[corpus, ("queries.jsonl", text), ("qrels/test.tsv", QRELS)]);
    let cases = [
        (complaint(&[])?, "there is no folder bites: give a BEIR folder"),
        (complaint(&[corpus, queries])?, "bites has no qrels: a BEIR folder holds"),
        (complaint(&[queries, ("qrels/test.tsv", QRELS)])?, "bites has no corpus.jsonl"),
        (complaint(&[corpus, ("qrels/test.tsv", QRELS)])?, "bites has no queries.jsonl"),
        (
            complaint(&[corpus, queries, ("qrels/train.tsv", QRELS), ("qrels/dev.tsv", QRELS), ("qrels/x.txt", "")])?,
            "bites has no split `test`: choose one of dev, train",
        ),
        (complaint(&[corpus, queries, ("qrels/x.txt", "")])?, "its qrels folder has no .tsv file"),
        (with_qrels("query-id\tcorpus-id\tscore\n")?, "there are no judged queries"),
        (
            with_qrels("q1\td1\t1\nq2\td1\n")?,
            "bites/qrels/test.tsv, line 2, column 6: expected query-id, corpus-id and score separated by tabs, got 2 fields",
        ),
        (
            with_qrels("q1\td1\t1\t0.5\n")?,
            "line 1, column 9: expected query-id, corpus-id and score separated by tabs, got 4 fields",
        ),
        (
            with_qrels("é\td1\thigh\n")?,
            "line 1, column 6: expected a grade, a whole number such as 0, 1 or 2, got `high`",
        ),
        (with_qrels("q1\td1\t99999999999\n")?, "got `99999999999`"),
        (with_qrels("q1\t\t1\n")?, "line 1, column 4: expected a document identifier, got nothing"),
        (
            with_qrels("q1\td1\t1\nq1\td1\t1\nq1\td1\t2\n")?,
            "bites/qrels/test.tsv, line 3: document `d1` has grade 1 and grade 2 for query `q1`",
        ),
        (
            with_qrels("q1\td1\t1\nq7\td1\t1\nq8\td1\t1\n")?,
            "bites/qrels/test.tsv judges 2 queries (q7, q8) absent from queries.jsonl: add their text",
        ),
        (
            with_queries("{\"_id\": \"q1\", \"text\": \"a\"}\n{\"_id\": \"é\", \"text\": }\n")?,
            "bites/queries.jsonl, line 2, column 22: expected a query such as {\"_id\": \"7\", \"text\": \"who bit the dog\"}: expected value",
        ),
        (with_queries("{\"_id\": \"q1\"}\n")?, ": missing field `text`"),
        (with_queries("{\"_id\": 7, \"text\": \"a\"}\n")?, "expected a string"),
        (
            with_queries("{\"_id\": \"q1\", \"text\": \"a\"}\n\n{\"_id\": \"q1\", \"text\": \"b\"}\n")?,
            "bites/queries.jsonl, line 3: query `q1` was already given on line 1",
        ),
    ];
    for (message, expected) in cases {
        assert!(message.contains(expected), "expected: {expected}\n     got: {message}");
    }
    Ok(())
}

#[test]
fn bytes_that_are_no_text_are_located() -> Outcome {
    let folder = tempfile::tempdir()?;
    let path = folder.path().join("qrels");
    fs::write(&path, b"q1 0 d1 1\nq\xc3\xa9 0 \xff 1\n")?;
    let error = Qrels::read_trec(&path).expect_err("0xff is not UTF-8");
    assert!(matches!(error, Error::Malformed { line: 2, column: 6, .. }), "{error}");
    assert!(error.to_string().ends_with("expected UTF-8 text, got the byte 0xff"), "{error}");
    Ok(())
}

#[test]
fn splits_are_listed() -> Outcome {
    let root = folder(&[("qrels/test.tsv", ""), ("qrels/dev.tsv", ""), ("qrels/README.md", "")])?;
    assert_eq!(dataset::splits(root.path().join("bites"))?, ["dev", "test"]);
    Ok(())
}

#[test]
fn trec_and_beir_qrels_say_the_same() -> Outcome {
    let folder = tempfile::tempdir()?;
    let path = |name| folder.path().join(name);
    fs::write(path("beir"), "\u{feff}query-id\tcorpus-id\tscore\nq1\td1\t1\nq1\td2\t-1\n")?;
    fs::write(path("beir without header"), "q1\td1\t1\nq1\td2\t-1")?;
    fs::write(path("trec"), "q1 0 d1 1\r\n\r\nq1\t0   d2\t-1\r\n")?;
    let beir = Qrels::read_beir(path("beir"))?;
    assert_eq!(beir.iter().map(|(_, judgments)| judgments.iter().len()).sum::<usize>(), 2);
    assert_eq!(Qrels::read_beir(path("beir without header"))?, beir);
    assert_eq!(Qrels::read_trec(path("trec"))?, beir);
    Ok(())
}

#[test]
fn runs_are_written_in_the_trec_format() -> Outcome {
    let folder = tempfile::tempdir()?;
    let path = folder.path().join("run.trec");
    let mut run = Run::new("dense");
    run.insert("q2", Ranking::new([("d1", 0.1), ("d2", 0.25)])?);
    run.insert("q1", Ranking::new([("d1", 1.0), ("d2", 1.0)])?);
    run.save(&path)?;
    let expected = "q1 Q0 d2 1 1 dense\nq1 Q0 d1 2 1 dense\nq2 Q0 d2 1 0.25 dense\nq2 Q0 d1 2 0.1 dense\n";
    assert_eq!(fs::read_to_string(&path)?, expected);
    Ok(())
}

#[test]
fn a_bad_run_file_says_where() -> Outcome {
    let folder = tempfile::tempdir()?;
    let path = folder.path().join("run.trec");
    let cases = [
        (
            "q1 Q0 d1 1 0.5 tag\nq1 Q0 d2 2 best tag\n",
            "line 2, column 12: expected a score, a number such as 0.25, got `best`",
        ),
        ("q1 Q0 d1 1 0.5\n", "line 1, column 15: expected query, Q0, document, rank, score and tag"),
        ("q1 Q0 d1 1 0.5 tag more\n", "line 1, column 20: expected query, Q0"),
        ("q1 Q0 d1 1 2 tag\nq1 Q0 d1 2 1 tag\nq2 Q0 d1 1 1 tag\n", "line 2: document `d1` is ranked twice"),
    ];
    for (content, expected) in cases {
        fs::write(&path, content)?;
        let message = Run::read(&path).expect_err(expected).to_string();
        assert!(message.contains(expected), "expected: {expected}\n     got: {message}");
        assert!(message.contains("run.trec"), "{message} names no file");
    }
    Ok(())
}

#[test]
fn what_the_format_cannot_hold_is_refused_before_writing() -> Outcome {
    let folder = tempfile::tempdir()?;
    let path = folder.path().join("run.trec");
    for (tag, query, document) in
        [("a tag", "q", "d"), ("", "q", "d"), ("tag", "q 1", "d"), ("tag", "q", "d\t1"), ("tag", "q", "")]
    {
        let mut run = Run::new(tag);
        run.insert(query, Ranking::new([(document, 1.0)])?);
        assert!(matches!(run.save(&path), Err(Error::UnwritableIdentifier { .. })), "{tag:?} {query:?} {document:?}");
    }
    assert!(!path.exists());
    let mut run = Run::new("tag");
    run.insert("q", Ranking::new([("d", 1.0)])?);
    assert!(matches!(run.save(folder.path().join("absent/run.trec")), Err(Error::Write { .. })));
    assert!(matches!(Run::read(folder.path().join("absent")), Err(Error::Read { .. })));
    Ok(())
}
