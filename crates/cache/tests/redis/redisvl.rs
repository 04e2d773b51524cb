//! Caches that RedisVL made. No server with the query engine runs here, so what is sent and understood is held against what
//! RedisVL 0.28 itself stores, asks and reads (`redisvl/recorded.json`, by `redisvl/record.py`), and against the shapes of
//! answers in the query engine's documentation and tests: RESP2 and RESP3.

use std::sync::{Arc, Mutex};
use std::time::SystemTime;

use serde_json::Value as Json;
use vetted::Deadline;
use vetted_cache::redis::{RedisError, Settings, open};
use vetted_cache::{Attributes, Backend, BackendError, Candidate, EntryId, Scope, Wanted};

use crate::contract::{attributes, entry};
use crate::server::patient;
use crate::stand_in::{array, bulk, listening, map, number};

const VECTOR: [f32; 4] = [0.5, 0.5, 0.5, 0.5];

fn recorded() -> Json {
    serde_json::from_str(include_str!("redisvl/recorded.json")).unwrap()
}

fn bulks(texts: &[&str]) -> String {
    array(&texts.iter().map(|text| bulk(text)).collect::<Vec<_>>())
}

/// What FT.INFO answers of RedisVL's index with filterable fields `user` and `year`, in short.
fn info(kind: &str, dimensions: &str, metric: &str, number_type: &str) -> String {
    let field =
        |name: &str, kind: &str| bulks(&["identifier", name, "attribute", name, "type", kind, "SEPARATOR", ","]);
    array(&[
        bulk("index_name"),
        bulk("llmcache"),
        bulk("index_options"),
        array(&[]),
        bulk("index_definition"),
        array(&[
            bulk("key_type"),
            bulk(kind),
            bulk("prefixes"),
            bulks(&["llmcache"]),
            bulk("default_score"),
            bulk("1"),
        ]),
        bulk("attributes"),
        array(&[
            bulks(&["identifier", "prompt", "attribute", "prompt", "type", "TEXT", "WEIGHT", "1"]),
            bulks(&["identifier", "response", "attribute", "response", "type", "TEXT", "WEIGHT", "1"]),
            bulks(&["identifier", "inserted_at", "attribute", "inserted_at", "type", "NUMERIC"]),
            bulks(&["identifier", "updated_at", "attribute", "updated_at", "type", "NUMERIC"]),
            bulks(&[
                "identifier",
                "prompt_vector",
                "attribute",
                "prompt_vector",
                "type",
                "VECTOR",
                "algorithm",
                "FLAT",
                "data_type",
                number_type,
                "dim",
                dimensions,
                "distance_metric",
                metric,
            ]),
            field("user", "TAG"),
            field("year", "NUMERIC"),
        ]),
        bulk("num_docs"),
        bulk("2"),
    ])
}

/// The same since RESP3.
fn info_in_maps() -> String {
    let field = |name: &str, kind: &str, more: &[(&str, String)]| {
        let all = [("identifier", bulk(name)), ("attribute", bulk(name)), ("type", bulk(kind)), ("flags", array(&[]))];
        map(&[&all[..], more].concat())
    };
    let vector = [
        ("algorithm", bulk("FLAT")),
        ("data_type", bulk("FLOAT32")),
        ("dim", number(4)),
        ("distance_metric", bulk("COSINE")),
    ];
    map(&[
        ("index_name", bulk("llmcache")),
        ("index_definition", map(&[("key_type", bulk("HASH")), ("prefixes", bulks(&["llmcache"]))])),
        (
            "attributes",
            array(&[
                field("prompt", "TEXT", &[("WEIGHT", ",1\r\n".to_owned())]),
                field("prompt_vector", "VECTOR", &vector),
                field("user", "TAG", &[("SEPARATOR", bulk(","))]),
                field("year", "NUMERIC", &[]),
            ]),
        ),
    ])
}

/// A server with such an index that answers searches with `answer`, and what was asked of it.
fn server(info: String, answer: String) -> (String, Arc<Mutex<Vec<Vec<String>>>>) {
    let asked = Arc::new(Mutex::new(Vec::new()));
    let heard = asked.clone();
    let url = listening(move |words| match words[0].as_str() {
        "AUTH" | "CLIENT" => "+OK\r\n".to_owned(),
        "HELLO" => bulks(&["version", "8.4.6", "mode", "standalone"]),
        "FT.INFO" => info.clone(),
        "FT.SEARCH" => {
            heard.lock().unwrap().push(words.to_vec());
            answer.clone()
        }
        "HGETALL" => {
            heard.lock().unwrap().push(words.to_vec());
            let stored = recorded();
            let fields = stored["stored"][&words[1]].as_object().cloned().unwrap_or_default();
            // Vectors are no text, and are not looked at.
            let fields = fields.iter().filter(|(name, _)| *name != "prompt_vector");
            let text = |hex: &str| {
                let digits = hex.as_bytes().chunks(2).map(|digits| std::str::from_utf8(digits).unwrap());
                digits.map(|digits| char::from(u8::from_str_radix(digits, 16).unwrap())).collect::<String>()
            };
            array(
                &fields
                    .flat_map(|(name, value)| [bulk(name), bulk(&text(value.as_str().unwrap()))])
                    .collect::<Vec<_>>(),
            )
        }
        _ => format!("-ERR unknown command '{}'\r\n", words[0]),
    });
    (format!("redisvl+{url}?index=llmcache"), asked)
}

fn usual() -> String {
    info("HASH", "4", "COSINE", "FLOAT32")
}

/// What was asked, each with its arguments.
type Commands = Vec<Vec<String>>;

fn backend(info: String, answer: String) -> (Box<dyn Backend>, Arc<Mutex<Commands>>) {
    let (url, asked) = server(info, answer);
    let settings = Settings { dimensions: Some(4), ..patient() };
    (open(&url, &settings).unwrap_or_else(|error| panic!("{error}")).backend, asked)
}

fn nearest(
    backend: &dyn Backend,
    scope: &Scope,
    prompt: &str,
    attributes: &Attributes,
) -> Result<Vec<Candidate>, BackendError> {
    let deadline = Deadline::none();
    backend.nearest(&Wanted { scope, prompt, attributes, now: SystemTime::now(), deadline: &deadline }, &VECTOR, 3)
}

fn scope() -> Scope {
    Scope::new("llm").with(Scope::ENCODER, "the same as RedisVL's")
}

/// A document in an answer of RESP2.
fn document(key: &str, fields: &[(&str, &str)]) -> [String; 2] {
    [bulk(key), bulks(&fields.iter().flat_map(|(name, value)| [*name, *value]).collect::<Vec<_>>())]
}

const FIELDS: [(&str, &str); 6] = [
    ("vector_distance", "0.25"),
    ("entry_id", "e1"),
    ("prompt", "who bit the man?"),
    ("response", "the dog"),
    ("inserted_at", "1764570000.25"),
    ("updated_at", "1764570000.5"),
];

#[test]
fn a_search_is_asked_as_redisvl_asks_it() {
    let recorded = recorded();
    let (backend, asked) = backend(usual(), array(&[number(0)]));
    let user = scope().with(Scope::USER, "al-i ce,{x}|y");
    assert!(nearest(&*backend, &user, "p", &attributes([("year", "2026")])).unwrap().is_empty());
    assert!(nearest(&*backend, &scope(), "p", &Attributes::new()).unwrap().is_empty());
    let asked = asked.lock().unwrap();
    let theirs: Vec<Vec<&str>> = (recorded["asked"].as_array().unwrap().iter())
        .map(|words| words.as_array().unwrap().iter().map(|word| word.as_str().unwrap()).collect())
        .collect();
    // What comes back, how it is sorted, in which dialect: word for word.
    let ours: Vec<&str> = asked[0].iter().map(String::as_str).collect();
    let between = |words: &[&str], from: &str, count: usize| {
        let at = words.iter().position(|word| *word == from).unwrap();
        words[at..at + count].iter().map(|word| (*word).to_owned()).collect::<Vec<_>>()
    };
    for (from, count) in [("RETURN", 11), ("SORTBY", 3), ("DIALECT", 2)] {
        assert_eq!(between(&ours, from, count), between(&theirs[1], from, count));
    }
    assert_eq!(between(&ours, "PARAMS", 3), ["PARAMS", "2", "vector"]);
    // The filter's clauses, escaped as RedisVL escapes them.
    let clauses = r"@user:{al\-i\ ce\,\{x\}\|y} @year:[2026 2026]";
    assert!(theirs[1][2].contains(clauses), "{}", theirs[1][2]);
    assert_eq!(ours[2], format!("({clauses})=>[KNN 3 @prompt_vector $vector AS vector_distance]"));
    // Who asks for nobody in particular must not find what is somebody's, which only a look at the entries tells.
    assert_eq!(asked[1][2], "*=>[KNN 24 @prompt_vector $vector AS vector_distance]");
    assert!(asked[1].ends_with(&["LIMIT", "0", "24"].map(str::to_owned)), "{:?}", asked[1]);
}

#[test]
fn what_redisvl_reads_is_read_the_same() {
    let recorded = recorded();
    let (hit, answer) = (&recorded["read"][0], recorded["answer"].as_str().unwrap().to_owned());
    let fields = [
        ("user", bulk("alice")),
        ("year", bulk("2026")),
        ("metadata", bulk(r#"{"model": "gpt"}"#)),
        ("vector_distance", bulk("0.0421")),
    ];
    let fields =
        [&FIELDS[1..].iter().map(|(name, value)| (*name, bulk(value))).collect::<Vec<_>>()[..], &fields].concat();
    let in_maps = map(&[
        ("attributes", array(&[])),
        ("format", bulk("STRING")),
        (
            "results",
            array(&[map(&[("id", bulk("llmcache:e1")), ("extra_attributes", map(&fields)), ("values", array(&[]))])]),
        ),
        ("total_results", number(1)),
        ("warning", array(&[])),
    ]);
    for (info, answer) in [(usual(), answer), (info_in_maps(), in_maps)] {
        let (backend, _) = backend(info, answer);
        assert_eq!(backend.name(), "redisvl");
        let found =
            nearest(&*backend, &scope().with(Scope::USER, "alice"), "who bit whom?", &Attributes::new()).unwrap();
        let [candidate] = &found[..] else { panic!("{found:?}") };
        assert_eq!(candidate.entry.id.as_str(), hit["entry_id"]);
        assert_eq!(candidate.entry.prompt, hit["prompt"].as_str().unwrap());
        assert_eq!(candidate.entry.response, hit["response"].as_str().unwrap().as_bytes());
        let distance = hit["vector_distance"].as_f64().unwrap() as f32;
        assert!((candidate.cosine - (1.0 - distance)).abs() < 1e-6, "a distance is no similarity");
        let stored = candidate.entry.stored_at.duration_since(SystemTime::UNIX_EPOCH).unwrap().as_secs_f64();
        assert_eq!(stored, hit["updated_at"].as_f64().unwrap());
        assert_eq!(candidate.entry.attributes["year"], hit["year"].as_str().unwrap());
        assert_eq!(backend.len(&scope()).unwrap(), 1);
    }
}

#[test]
fn entries_are_found_by_their_prompts_as_redisvl_names_them() {
    let (backend, _) = backend(usual(), array(&[number(0)]));
    let deadline = Deadline::none();
    let exact = |scope: &Scope, prompt: &str, attributes: &Attributes| {
        let wanted = Wanted { scope, prompt, attributes, now: SystemTime::now(), deadline: &deadline };
        backend.exact(&wanted).unwrap().map(|entry| String::from_utf8(entry.response.clone()).unwrap())
    };
    let none = Attributes::new();
    assert_eq!(exact(&scope(), "who bit the man?", &none).as_deref(), Some("the dog \0 did"));
    assert_eq!(exact(&scope(), "who bit the man", &none), None);
    let alice = scope().with(Scope::USER, "al-i ce,{x}");
    let year = attributes([("year", "2026")]);
    assert_eq!(exact(&alice, "who bit the man?", &year).as_deref(), Some("the dog, said al-i ce"));
    // Her entry has a year too, so it is named by that; and it is hers.
    assert_eq!(exact(&alice, "who bit the man?", &none), None);
    assert_eq!(exact(&scope(), "who bit the man?", &year), None);
    assert_eq!(exact(&scope(), "who bit the man?", &attributes([("other", "x")])), None);

    let hers = EntryId::new("ba3e4b2fa0bc8e45f068bd85a46f0b294fd9638944dae6bdd18130ea4c334bdb").unwrap();
    let found = backend.get(&alice, &hers).unwrap().unwrap();
    assert_eq!(found.attributes["metadata"], r#"{"model": "gpt", "n": 1}"#);
    assert_eq!(backend.get(&scope(), &hers).unwrap(), None, "it is hers alone");
    assert_eq!(backend.get(&alice, &EntryId::new("absent").unwrap()).unwrap(), None);
}

#[test]
fn nobody_finds_what_is_somebody_else_s() {
    let of = |user: &'static str| {
        let mut fields = FIELDS.to_vec();
        fields.push(("user", user));
        document("llmcache:e1", &fields)
    };
    let (backend, _) =
        backend(usual(), array(&[&[number(2)], &of("alice")[..], &document("llmcache:e2", &FIELDS)].concat()));
    let none = Attributes::new();
    let found = |scope: &Scope| nearest(&*backend, scope, "p", &none).unwrap().len();
    assert_eq!((found(&scope()), found(&scope().with(Scope::USER, "alice"))), (1, 1));
    // Whatever the server's filter let pass: tags there are without upper case and parted at commas.
    for other in ["bob", "Alice", "alice,bob", ""] {
        assert_eq!(found(&scope().with(Scope::USER, other)), 0, "{other}");
    }
    // There is no field that could tell tenants apart.
    let tenant = scope().with(Scope::TENANT, "acme");
    for error in [
        nearest(&*backend, &tenant, "p", &none).unwrap_err(),
        backend.get(&tenant, &EntryId::new("e2").unwrap()).unwrap_err(),
        backend.len(&tenant).unwrap_err(),
    ] {
        assert!(matches!(error, BackendError::Unsuitable { .. }) && error.to_string().contains("`tenant`"), "{error}");
    }
    assert!(nearest(&*backend, &scope(), "p", &attributes([("other", "x")])).unwrap().is_empty());
}

#[test]
fn what_is_not_whole_is_left_out() {
    let without = |name: &str| {
        let fields: Vec<_> = FIELDS.into_iter().filter(|field| field.0 != name).collect();
        document("llmcache:e1", &fields)
    };
    let with = |name: &'static str, value: &'static str| {
        let fields: Vec<_> =
            FIELDS.into_iter().map(|field| if field.0 == name { (name, value) } else { field }).collect();
        document("llmcache:e1", &fields)
    };
    for broken in [
        // Expired while a search ran in the background.
        [bulk("llmcache:e1"), "*-1\r\n".to_owned()],
        [bulk("llmcache:e1"), "$-1\r\n".to_owned()],
        without("prompt"),
        without("response"),
        without("vector_distance"),
        with("vector_distance", "nan"),
        with("vector_distance", "near"),
        with("entry_id", "not an id"),
    ] {
        let answer = array(&[&[number(2)], &broken[..], &document("llmcache:e2", &with_id("e2"))].concat());
        let (backend, _) = backend(usual(), answer);
        let found = nearest(&*backend, &scope(), "p", &Attributes::new()).unwrap();
        let ids: Vec<&str> = found.iter().map(|it| it.entry.id.as_str()).collect();
        assert_eq!(ids, ["e2"], "{broken:?}");
    }
    for answer in ["+OK\r\n", "*0\r\n", "%0\r\n", "-ERR timed out\r\n", "$-1\r\n"] {
        let (backend, _) = backend(usual(), answer.to_owned());
        let error = nearest(&*backend, &scope(), "p", &Attributes::new()).unwrap_err();
        assert!(matches!(error, BackendError::Refused { .. }), "{answer:?}: {error}");
    }
}

fn with_id(id: &'static str) -> Vec<(&'static str, &'static str)> {
    FIELDS.into_iter().map(|field| if field.0 == "entry_id" { ("entry_id", id) } else { field }).collect()
}

#[test]
fn vectors_of_another_encoder_are_noticed() {
    let (backend, _) = backend(usual(), array(&[&[number(1)], &document("llmcache:e1", &FIELDS)[..]].concat()));
    // Another prompt may be as far. The same one may not.
    assert_eq!(nearest(&*backend, &scope(), "who was bitten?", &Attributes::new()).unwrap().len(), 1);
    let error = nearest(&*backend, &scope(), "who bit the man?", &Attributes::new()).unwrap_err();
    assert!(matches!(error, BackendError::Unsuitable { .. }) && error.to_string().contains("encoder"), "{error}");
    let deadline = Deadline::none();
    let (scope, none) = (scope(), Attributes::new());
    let wanted = Wanted { scope: &scope, prompt: "p", attributes: &none, now: SystemTime::now(), deadline: &deadline };
    let error = backend.nearest(&wanted, &[1.0, 0.0], 3).unwrap_err();
    assert!(matches!(error, BackendError::Dimensions { expected: 4, got: 2 }), "{error}");
}

#[test]
fn an_index_that_cannot_be_used_is_told_when_it_is_opened() {
    let settings = Settings { dimensions: Some(384), ..patient() };
    let opened = |info: String| open(&server(info, String::new()).0, &settings).err().unwrap();
    let error = opened(usual());
    assert!(matches!(error, RedisError::Dimensions { theirs: 4, ours: 384, .. }), "{error}");
    for (info, says) in [
        (info("JSON", "384", "COSINE", "FLOAT32"), "JSON"),
        (info("HASH", "384", "L2", "FLOAT32"), "cosine"),
        (info("HASH", "384", "COSINE", "FLOAT16"), "float16"),
        ("-ERR llmcache: no such index\r\n".to_owned(), "no such index"),
        ("-Unknown index name\r\n".to_owned(), "index name"),
        ("*0\r\n".to_owned(), "hashes"),
    ] {
        let error = opened(info);
        assert!(matches!(error, RedisError::Index { .. }) && error.to_string().contains(says), "{error}");
    }
    let error = opened("-ERR unknown command 'FT.INFO', with args beginning with: 'llmcache'\r\n".to_owned());
    assert!(matches!(error, RedisError::NoQueryEngine { .. }), "{error}");
    let error = opened("-NOPERM User me has no permissions to run the 'ft.info' command\r\n".to_owned());
    assert!(error.to_string().contains("+ft.info"), "{error}");
    assert!(!format!("{error:?}").contains("hunter2"));
}

#[test]
fn nothing_is_written() {
    let (backend, asked) = backend(usual(), array(&[number(0)]));
    let (scope, none) = (scope(), Attributes::new());
    let id = EntryId::new("e1").unwrap();
    for error in [
        backend.put(&entry(&scope, "p", 1)).unwrap_err(),
        backend.remove(&scope, std::slice::from_ref(&id)).unwrap_err(),
        backend.remove_where(&scope, &none).unwrap_err(),
        backend.clear(&scope).unwrap_err(),
    ] {
        assert!(error.to_string().contains("RedisVL is read in place"), "{error}");
    }
    backend.served(&scope, &id);
    assert!(asked.lock().unwrap().is_empty());
}
