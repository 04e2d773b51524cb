//! Files of pairs, good and bad.

use flate2::{Compression, read::MultiGzDecoder, write::GzEncoder};
use proptest::prelude::*;
use std::{
    fs,
    io::{Read, Write},
    path::Path,
};
use vetted_pairs::{self as pairs, Error, Kind, Label, Pair, Relation, Writer};

/// The pairs in a file of this content.
fn pairs_in(content: impl AsRef<[u8]>) -> Result<Vec<Pair>, Error> {
    read_as("pairs.tsv", content, false)
}

fn read_as(name: &str, content: impl AsRef<[u8]>, labelled: bool) -> Result<Vec<Pair>, Error> {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join(name);
    fs::write(&path, content).unwrap();
    let reader = if labelled { pairs::read_labelled(&path) } else { pairs::read(&path) };
    reader?.collect()
}

/// What reading a file says, with the folder's path taken out.
fn complaint(content: impl AsRef<[u8]>, labelled: bool) -> String {
    let message = match read_as("pairs.tsv", content, labelled) {
        Ok(pairs) => format!("read {pairs:?}"),
        Err(error) => error.to_string(),
    };
    message.rsplit('/').next().unwrap_or_default().to_string()
}

fn gzipped(content: &str) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(content.as_bytes()).unwrap();
    encoder.finish().unwrap()
}

#[test]
fn every_column_is_read_wherever_it_stands() {
    let content = "kind\ts2\tnoise\tequiv\tphenomenon\tsplit\tconflict\tsource\trelation\ts1\n\
                   role\tThe man bit the dog.\tx\t0\tswap\tdev\t1\tbites\tsupport\tThe dog bit the man.\n\
                   \tb\t\tN\t\t\t0\tx\tsupport\ta\n";
    let expected = [
        Pair {
            label: Some(Label::NoMatch),
            relation: Relation::Support,
            conflict: Some(true),
            kind: Some(Kind::Role),
            source: "bites".into(),
            split: "dev".into(),
            phenomenon: "swap".into(),
            ..Pair::new("The dog bit the man.", "The man bit the dog.")
        },
        Pair {
            label: Some(Label::Neutral),
            relation: Relation::Support,
            conflict: Some(false),
            source: "x".into(),
            ..Pair::new("a", "b")
        },
    ];
    assert_eq!(pairs_in(content).unwrap(), expected);
}

#[test]
fn what_is_not_quoting_nor_an_error() {
    let matching = |candidate: &str, query: &str| Pair { label: Some(Label::Match), ..Pair::new(candidate, query) };
    let cases = [
        ("quotes are characters", "s1\ts2\tlabel\n\"a\t5\" pipe\t1\n", matching("\"a", "5\" pipe")),
        ("CRLF, no line end at the end", "s1\ts2\tlabel\r\na\tb\t1", matching("a", "b")),
        ("byte order mark, names and labels with spaces", "\u{feff} s1 \ts2\tlabel\na\tb\t 1 \n", matching("a", "b")),
        ("empty lines", "\n\r\ns1\ts2\tlabel\n\n\r\na\tb\t1\n\n", matching("a", "b")),
        ("equiv goes before label", "label\tequiv\ts1\ts2\nentailment\t1\ta\tb\n", matching("a", "b")),
        ("empty texts", "s1\ts2\tlabel\n\t\t1\n", matching("", "")),
        ("white space of texts", "label\ts1\ts2\n1\t a \tb \n", matching(" a ", "b ")),
        ("columns without a name", "\ts1\t\ts2\tlabel\nx\ta\ty\tb\t1\n", matching("a", "b")),
        ("no label", "s1\ts2\na\tb\n", Pair::new("a", "b")),
        ("an empty label", "s1\ts2\tequiv\na\tb\t\n", Pair::new("a", "b")),
    ];
    for (name, content, expected) in cases {
        assert_eq!(pairs_in(content).unwrap(), [expected], "{name}");
    }
    assert_eq!(pairs_in("s1\ts2\n").unwrap(), []);
}

#[test]
fn errors_name_the_place_and_the_remedy() {
    let cases: &[(&str, &[u8], &str)] = &[
        ("empty", b"", "pairs.tsv: the file is empty; its first line must name its columns, s1 and s2 among them"),
        ("only empty lines", b"\n\r\n", "pairs.tsv: the file is empty"),
        ("no s1", b"s2\tlabel\n", "pairs.tsv:1: the header has no column `s1` (the candidate); it has: s2, label"),
        ("no s2", b"s1\tx\n", "pairs.tsv:1: the header has no column `s2` (the query); it has: s1, x"),
        ("commas", b"s1,s2\n", "pairs.tsv:1: the header has no column `s1` (the candidate); it has: s1,s2"),
        ("twice", b"s1\ts2\ts1\n", "pairs.tsv:1: the header names the column `s1` twice"),
        ("too few", b"s1\ts2\na\tb\nabc\n", "pairs.tsv:3:4: 1 cells, but the header has 2; separate cells by one tab"),
        ("too many", "s1\ts2\nä\tb\tc\n".as_bytes(), "pairs.tsv:2:6: 3 cells, but the header has 2"),
        (
            "label",
            b"s1\ts2\tlabel\nab\tc\tyes\n",
            "pairs.tsv:2:6: `label` is `yes`; expected 1 (match), 0 (no match) or",
        ),
        ("conflict", b"conflict\ts1\ts2\n2\ta\tb\n", "pairs.tsv:2:1: `conflict` is `2`; expected 1 (they contradict"),
        ("kind", b"s1\ts2\tkind\na\tb\tRole\n", "pairs.tsv:2:5: `kind` is `Role`; expected negation, role, "),
        (
            "relation",
            b"s1\ts2\trelation\na\tb\tis\n",
            "pairs.tsv:2:5: `relation` is `is`; expected equivalence or support",
        ),
        ("header", b"s1\ts2\xff\n", "pairs.tsv:1: invalid UTF-8 at byte 5; convert"),
        ("row", b"s1\ts2\r\na\tb\r\na\t\xffb\n", "pairs.tsv:3: invalid UTF-8 at byte 14; convert"),
    ];
    for (name, content, expected) in cases {
        let message = complaint(content, false);
        assert!(message.starts_with(expected), "{name}: {message}");
    }
}

#[test]
fn labels_can_be_insisted_on() {
    assert_eq!(
        complaint("s1\ts2\n", true),
        "pairs.tsv:1: the header has no column `equiv` or `label` (1 match, 0 no match, N neutral); it has: s1, s2"
    );
    assert!(
        complaint("s1\tequiv\ts2\na\t1\tb\na\t \tb\n", true).starts_with("pairs.tsv:3:3: `equiv` is ``; expected 1")
    );
    assert_eq!(read_as("pairs.tsv", "s1\tequiv\ts2\na\t1\tb\n", true).unwrap()[0].label, Some(Label::Match));
}

#[test]
fn after_an_error_the_reader_ends() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("pairs.tsv");
    fs::write(&path, "s1\ts2\na\tb\nwrong\nc\td\n").unwrap();
    let outcomes: Vec<bool> = pairs::read(&path).unwrap().map(|pair| pair.is_ok()).collect();
    assert_eq!(outcomes, [true, false]);
    assert!(matches!(
        pairs::read(folder.path().join("absent.tsv")),
        Err(Error::Input(vetted_corpus::Error::Open { .. }))
    ));
}

#[test]
fn compressed_files_are_read_and_truncated_ones_refused() {
    let content: String =
        std::iter::once("s1\ts2\n".to_string()).chain((0..500).map(|i| format!("a{i}\tb\n"))).collect();
    let compressed = gzipped(&content);
    assert_eq!(read_as("pairs.tsv.gz", &compressed, false).unwrap().len(), 500);
    let truncated = read_as("pairs.tsv.gz", &compressed[..compressed.len() / 2], false);
    assert!(matches!(truncated, Err(Error::Input(vetted_corpus::Error::Read { .. }))), "{truncated:?}");
}

#[test]
fn a_file_is_written_whole_or_not_at_all() {
    let folder = tempfile::tempdir().unwrap();
    let names = || -> Vec<_> { fs::read_dir(&folder).unwrap().map(|entry| entry.unwrap().file_name()).collect() };
    let path = folder.path().join("pairs.tsv");
    fs::write(&path, "before").unwrap();

    let mut writer = Writer::create(&path).unwrap();
    writer.write(&Pair::new("a", "b")).unwrap();
    drop(writer);
    assert_eq!((fs::read_to_string(&path).unwrap().as_str(), names().len()), ("before", 1));

    assert_eq!(pairs::write(&path, [&Pair::new("a\tb\r\nc", "\"d\"")]).unwrap(), 1);
    let expected =
        "source\tsplit\tphenomenon\trelation\tequiv\tconflict\tkind\ts1\ts2\n\t\t\tequivalence\t\t\t\ta b  c\t\"d\"\n";
    assert_eq!((fs::read_to_string(&path).unwrap().as_str(), names().len()), (expected, 1));

    for unwritable in [folder.path().join("absent/pairs.tsv"), folder.path().to_path_buf(), Path::new("/").into()] {
        let outcome = pairs::write(&unwritable, []);
        assert!(matches!(outcome, Err(Error::Write { .. })), "{}: {outcome:?}", unwritable.display());
    }
    assert_eq!(names().len(), 1);
}

#[test]
fn compressed_files_are_the_same_bytes_each_time() {
    let folder = tempfile::tempdir().unwrap();
    let [first, second] = ["first.tsv.gz", "second.tsv.gz"].map(|name| {
        let path = folder.path().join(name);
        pairs::write(&path, [&Pair::new("a", "b")]).unwrap();
        fs::read(path).unwrap()
    });
    assert_eq!(first, second);
    let mut content = String::new();
    MultiGzDecoder::new(first.as_slice()).read_to_string(&mut content).unwrap();
    assert!(content.ends_with("\ta\tb\n"), "{content}");
}

fn pair() -> impl Strategy<Value = Pair> {
    let text = || "[ -~äß\u{2028}😀]{0,12}";
    let label = prop::sample::select(vec![None, Some(Label::Match), Some(Label::NoMatch), Some(Label::Neutral)]);
    let relation = prop::sample::select(vec![Relation::Equivalence, Relation::Support]);
    let kind = prop::option::of(prop::sample::select(Kind::ALL.to_vec()));
    let texts = (text(), text(), text(), text(), text());
    (texts, label, relation, prop::option::of(any::<bool>()), kind).prop_map(
        |((candidate, query, source, split, phenomenon), label, relation, conflict, kind)| Pair {
            candidate,
            query,
            label,
            relation,
            conflict,
            kind,
            source,
            split,
            phenomenon,
        },
    )
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn what_is_written_is_read(written in prop::collection::vec(pair(), 0..8), name in "[ab]\\.tsv(\\.gz)?") {
        let folder = tempfile::tempdir()?;
        let path = folder.path().join(name);
        prop_assert_eq!(pairs::write(&path, &written)?, written.len() as u64);
        let read: Vec<Pair> = pairs::read(&path)?.collect::<Result<_, _>>()?;
        prop_assert_eq!(read, written);
    }

    #[test]
    fn no_bytes_make_it_panic(content in prop::collection::vec(prop_oneof![Just(b'\t'), Just(b'\n'), any::<u8>()], 0..64)) {
        let _ = pairs_in([b"s1\ts2\tlabel\n".as_slice(), &content].concat());
        let _ = pairs_in(content);
    }
}

#[test]
fn csv_and_jsonl_hold_the_same_pairs_as_a_table() {
    let table = "s1\ts2\tequiv\trelation\tkind\ttenant\nSay \"a\", b\tc\t0\tsupport\trole\tnorth\nd\te\tN\t\t\t7\n";
    let csv = "s1,s2,equiv,relation,kind,tenant\r\n\"Say \"\"a\"\", b\",c,0,support,role,north\r\nd,e,N,,,7\r\n";
    let objects = "{\"s1\": \"Say \\\"a\\\", b\", \"s2\": \"c\", \"label\": false, \"relation\": \"support\", \"kind\": \"role\", \
                   \"tenant\": \"north\"}\n\n{\"s2\": \"e\", \"s1\": \"d\", \"equiv\": \"N\", \"label\": 1, \"kind\": null, \"tenant\": 7}";
    let read = |name: &str, content: &[u8]| {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join(name);
        fs::write(&path, content).unwrap();
        let mut reader = pairs::read_labelled(&path).unwrap().with_column("tenant").unwrap();
        let mut read = Vec::new();
        while let Some(pair) = reader.next() {
            read.push((pair.unwrap(), reader.cell().to_owned()));
        }
        assert!(reader.named_relation());
        read
    };
    let expected = read("pairs.tsv", table.as_bytes());
    assert_eq!((expected.len(), expected[0].1.as_str(), expected[1].1.as_str()), (2, "north", "7"));
    assert_eq!((expected[0].0.label, expected[1].0.label), (Some(Label::NoMatch), Some(Label::Neutral)));
    for (name, content) in [
        ("pairs.csv", csv.as_bytes().to_vec()),
        ("pairs.csv.gz", gzipped(csv)),
        ("pairs.jsonl", objects.as_bytes().to_vec()),
        ("pairs.ndjson.gz", gzipped(objects)),
    ] {
        assert_eq!(read(name, &content), expected, "{name}");
    }
}

#[test]
fn what_is_wrong_in_csv_and_jsonl_is_said_with_its_line() {
    let message = |name: &str, content: &str| match read_as(name, content, true) {
        Ok(pairs) => panic!("read {pairs:?}"),
        Err(error) => error.to_string(),
    };
    for (name, content, expected) in [
        ("p.csv", "s1,s2,label\na,b\n", "p.csv:2:1: 2 cells, but the header has 3"),
        ("p.csv", "s1,s2,label\n\"a,b,1\n", "p.csv:2"),
        ("p.csv", "s1,label\n", "the header has no column `s2`"),
        ("p.csv", "", "the file is empty"),
        ("p.jsonl", "{\"s1\": \"a\", \"s2\": \"b\", \"label\": 2}", "p.jsonl:1:1: `label` is `2`; expected 1 (match)"),
        ("p.jsonl", "\n{\"s1\": \"a\", \"label\": 1}", "p.jsonl:2:1: `s2` is ``; expected a text"),
        ("p.jsonl", "{\"s1\": 3, \"s2\": \"b\", \"label\": 1}", "`s1` is `3`; expected a text"),
        ("p.jsonl", "{\"s1\": \"a\", \"s2\": \"b\"}", "`label` is ``"),
        ("p.jsonl", "[1]", "p.jsonl:1:1: malformed JSON"),
    ] {
        let message = message(name, content);
        assert!(message.contains(expected), "{content}: {message}");
    }
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("p.tsv");
    fs::write(&path, "s1\ts2\tlabel\n").unwrap();
    let error = pairs::read(&path).unwrap().with_column("tenant").unwrap_err().to_string();
    assert!(error.contains("no column `tenant`; there are: s1, s2, label"), "{error}");
}
