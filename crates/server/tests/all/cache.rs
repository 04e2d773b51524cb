//! Caches: vetted's own routes, and those of LangCache.

use std::fs;
use std::path::Path;

use serde_json::{Value, json};
use vetted_server::{CacheLimits, CacheStore, MemoryLimits, NamedCache, RedisAddress, Settings, StartError, start};

use crate::server::{Reply, Server, settings, with};

const STORED: &str = "The nurse visited the farmer.";
const SAME: &str = "The farmer was visited by the nurse.";
const SWAPPED: &str = "The farmer visited the nurse.";

fn caches(folder: &Path, names: &[&str]) -> Vec<NamedCache> {
    let cache = |name: &&str| NamedCache { name: (*name).into(), store: CacheStore::Folder(folder.join(name)) };
    names.iter().map(cache).collect()
}

fn with_cache() -> Server {
    with(|folder, settings| Settings { caches: caches(folder, &["answers"]), ..settings })
}

fn lookup(server: &Server, body: &Value) -> Value {
    server.post("/v1/cache/answers/lookup", body).json()
}

/// The first response, if it is a hit.
fn served(answer: &Value) -> Option<&str> {
    let response = answer["entries"].get(0).map(|entry| entry["response"].as_str().unwrap());
    assert_eq!(answer["hit"].as_bool().unwrap(), response.is_some(), "{answer}");
    assert_eq!(answer.get("miss").is_none(), response.is_some(), "{answer}");
    response
}

#[test]
fn what_means_the_same_is_served_with_its_numbers_and_their_scale() {
    let server = with_cache();
    let miss = lookup(&server, &json!({"prompt": STORED}));
    assert_eq!((served(&miss), &miss["miss"]), (None, &"no-candidate".into()));
    let stored = server.post("/v1/cache/answers/entries", &json!({"prompt": STORED, "response": "yes"})).json();
    let id = stored["stored"][0]["id"].as_str().unwrap().to_owned();
    assert_eq!(stored, json!({"cache": "answers", "stored": [{"id": id, "by_meaning": true}]}));

    let exact = lookup(&server, &json!({"prompt": STORED}));
    let entry = &exact["entries"][0];
    assert_eq!(
        (&entry["strategy"], &entry["similarity"], &entry["distance"]),
        (&"exact".into(), &1.0.into(), &0.0.into())
    );
    assert!(entry.get("verification").is_none());
    let semantic = lookup(&server, &json!({"prompt": SAME}));
    assert_eq!(served(&semantic), Some("yes"));
    let entry = &semantic["entries"][0];
    assert_eq!((&entry["id"], &entry["strategy"], &entry["scale"]), (&id.into(), &"semantic".into(), &"cosine".into()));
    let number = |name: &str| entry[name].as_f64().unwrap();
    assert!((number("similarity") + number("distance") - 1.0).abs() < 1e-6);
    assert_eq!(
        (&entry["verification"]["verdict"], &entry["verification"]["finding"]),
        (&"accept".into(), &"same".into())
    );
    assert!(entry["verification"]["p_match"].as_f64().unwrap() > 0.5);

    let swapped = lookup(&server, &json!({"prompt": SWAPPED}));
    assert_eq!((served(&swapped), &swapped["miss"]), (None, &"not-equivalent".into()));
    assert!(swapped["why"].as_str().unwrap().contains("nothing means the same"));
    let explained = server.post("/v1/cache/answers/explain", &json!({"prompt": SWAPPED})).json();
    let candidate = &explained["candidates"][0];
    assert_eq!((&candidate["served"], &candidate["refused"]), (&false.into(), &"not-equivalent".into()));
    assert!(candidate["verification"]["p_conflict"].is_number() && candidate["scale"] == "cosine");

    for (parts, count) in [
        (&["gen_ai_cache_lookups_total", "outcome=\"semantic\""][..], 1.0),
        (&["gen_ai_cache_lookups_total", "outcome=\"exact\"", "system=\"memory\""], 1.0),
        (&["gen_ai_cache_lookups_total", "reason=\"not-equivalent\""], 1.0),
        (&["gen_ai_cache_lookups_total"], 4.0),
        (&["gen_ai_cache_writes_total", "outcome=\"ok\""], 1.0),
        (&["gen_ai_cache_duration_seconds_count", "stage=\"total\""], 4.0),
    ] {
        assert_eq!(server.metric(parts), count, "{parts:?}");
    }
}

#[test]
fn scopes_attributes_strategies_and_sources_are_kept_to() {
    let server = with_cache();
    let entries = json!({"entries": [
        {"prompt": STORED, "response": "acme", "scope": {"tenant": "acme"}},
        {"prompt": STORED, "response": "german", "attributes": {"language": "de"}, "id": "own-id", "cost": {"amount": 0.5, "currency": "EUR"}},
        {"prompt": SWAPPED, "response": "sourced", "sources": [{"id": "handbook", "version": "3"}]},
    ]});
    assert_eq!(server.post("/v1/cache/answers/entries", &entries).json()["stored"][1]["id"], "own-id");
    for (body, expected) in [
        (json!({"prompt": SAME, "scope": {"tenant": "acme"}}), Some("acme")),
        (json!({"prompt": SAME, "scope": {"tenant": "other"}}), None),
        (json!({"prompt": SAME, "scope": {"tenant": "acme", "user": "u"}}), None),
        (json!({"prompt": SAME}), Some("german")),
        (json!({"prompt": SAME, "attributes": {"language": "de"}}), Some("german")),
        (json!({"prompt": SAME, "attributes": {"language": "en"}}), None),
        (json!({"prompt": SAME, "strategies": ["exact"]}), None),
        (json!({"prompt": SAME, "strategies": ["semantic"]}), Some("german")),
        (json!({"prompt": SAME, "min_cosine": 1.0}), None),
        (json!({"prompt": SWAPPED}), None),
        (json!({"prompt": SWAPPED, "sources": {"handbook": "3", "other": "1"}}), Some("sourced")),
        (json!({"prompt": SWAPPED, "sources": {"handbook": "4"}}), None),
        (json!({"prompt": SWAPPED, "sources": {}}), None),
        (json!({"prompt": SAME, "scope": null, "attributes": null, "k": null, "volatile": null}), Some("german")),
    ] {
        let answer = lookup(&server, &body);
        assert_eq!(served(&answer), expected, "{body}: {answer}");
    }
    for (parts, amount) in [("gen_ai_cache_saved_count", 4.0), ("gen_ai_cache_saved_sum", 2.0)] {
        assert_eq!(server.metric(&[parts, "currency=\"EUR\""]), amount, "{parts}");
    }
    for cost in
        [json!({"amount": -1, "currency": "EUR"}), json!({"amount": 1, "currency": "euro"}), json!({"amount": 1})]
    {
        let entry = json!({"prompt": STORED, "response": "x", "cost": cost});
        assert_eq!(server.post("/v1/cache/answers/entries", &entry).error(), (400, "invalid-request".into()), "{cost}");
    }
}

#[test]
fn entries_are_changed_removed_and_expire() {
    let server = with_cache();
    let path = "/v1/cache/answers/entries";
    let store = |prompt: &str, more: Value| {
        let mut body = json!({"prompt": prompt, "response": "one"});
        body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        server.post(path, &body).json()["stored"][0]["id"].as_str().unwrap().to_owned()
    };
    let id = store(STORED, json!({}));
    assert_eq!(store(STORED, json!({})), id);
    let own = format!("{path}/{id}");
    assert_eq!(server.get(&own).json()["response"], "one");
    assert_eq!(server.patch(&own, &json!({"response": "two"})).json()["changed"], 1);
    assert_eq!(served(&lookup(&server, &json!({"prompt": SAME}))), Some("two"));
    assert_eq!(server.delete(&own, None).json()["changed"], 1);
    for reply in [server.delete(&own, None), server.get(&own), server.patch(&own, &json!({"response": "x"}))] {
        assert_eq!(reply.error(), (404, "not-found".into()));
    }
    store(STORED, json!({"ttl_seconds": 0.05}));
    std::thread::sleep(std::time::Duration::from_millis(80));
    assert_eq!(served(&lookup(&server, &json!({"prompt": STORED}))), None);
    store(STORED, json!({"attributes": {"a": "b"}}));
    store(SWAPPED, json!({"attributes": {"a": "c"}, "id": "swapped"}));
    let scoped = format!("{path}/{}", store(SWAPPED, json!({"scope": {"tenant": "t", "user": "7"}})));
    assert_eq!(server.get(&format!("{scoped}?user=7&tenant=t")).json()["response"], "one");
    for other in ["", "?tenant=t", "?tenant=u&user=7"] {
        assert_eq!(server.get(&format!("{scoped}{other}")).error(), (404, "not-found".into()), "{other}");
    }
    for wrong in ["?tenant=t&tenant=u", "?cache=answers"] {
        assert_eq!(server.get(&format!("{scoped}{wrong}")).error(), (400, "invalid-request".into()), "{wrong}");
    }
    let own = format!("{scoped}?tenant=t&user=7");
    assert_eq!(server.delete(&own, Some(&json!({"scope": {"tenant": "t"}}))).error(), (400, "invalid-request".into()));
    assert_eq!(server.delete(&own, None).json()["changed"], 1);
    store(SWAPPED, json!({"scope": {"tenant": "t"}}));
    assert_eq!(server.delete(path, Some(&json!({"attributes": {"a": "b"}}))).json()["changed"], 1);
    assert_eq!(server.delete(path, Some(&json!({"ids": ["swapped", "absent"]}))).json()["changed"], 1);
    for wrong in
        [json!({}), json!({"ids": []}), json!({"ids": ["a"], "attributes": {"a": "b"}}), json!({"ids": ["a b"]})]
    {
        assert_eq!(server.delete(path, Some(&wrong)).error(), (400, "invalid-request".into()), "{wrong}");
    }
    let clear = |body: &[u8]| server.send("/v1/cache/answers/clear", body, &[]).json()["changed"].clone();
    assert_eq!(clear(b""), 0, "the scope without parts");
    assert_eq!(clear(br#"{"scope": {"tenant": "t"}}"#), 1);
}

#[test]
fn feedback_and_shadow_are_written_down() {
    let folder = tempfile::tempdir().unwrap();
    let shadow = CacheLimits { shadow: true, log_prompts: true, ..CacheLimits::default() };
    let caches = caches(folder.path(), &["answers"]);
    let server = with(|_, settings| Settings { caches: caches.clone(), cache: shadow, ..settings });
    server.post("/v1/cache/answers/entries", &json!({"prompt": STORED, "response": "yes"})).json();
    let answer = lookup(&server, &json!({"prompt": SAME, "scope": {}}));
    assert_eq!((served(&answer), &answer["miss"]), (None, &"shadow".into()));
    let feedback =
        |decision: &Value| server.post("/v1/cache/answers/feedback", &json!({"decision": decision, "right": true}));
    assert_eq!(feedback(&answer["decision"]).json()["decision"], answer["decision"]);
    assert_eq!(feedback(&"0".repeat(32).into()).error(), (404, "not-found".into()));
    assert_eq!(feedback(&"soon".into()).error(), (400, "invalid-request".into()));
    let row = |file: &str| -> Value {
        let text = fs::read_to_string(folder.path().join("answers/decisions").join(file)).unwrap();
        serde_json::from_str(text.lines().next().unwrap()).unwrap()
    };
    let (shadow, feedback) = (row("shadow.jsonl"), row("feedback.jsonl"));
    assert_eq!((&shadow["hit"], &shadow["served"], shadow.get("right")), (&true.into(), &false.into(), None));
    assert_eq!(
        (&feedback["right"], &feedback["query"], &feedback["prompt"]),
        (&true.into(), &SAME.into(), &STORED.into())
    );
    assert!(feedback["p_match"].as_f64().unwrap() > 0.5);
}

#[test]
fn what_was_stored_is_there_after_a_restart() {
    let folder = tempfile::tempdir().unwrap();
    let caches = caches(folder.path(), &["answers"]);
    let mut server = with(|_, settings| Settings { caches: caches.clone(), ..settings });
    server.post("/v1/cache/answers/entries", &json!({"prompt": STORED, "response": "yes"})).json();
    let second = start(Settings { caches: caches.clone(), ..settings(folder.path()) });
    assert!(matches!(second, Err(StartError::Cache { .. })), "one process at a time");
    server.stop();
    let server = with(|_, settings| Settings { caches, ..settings });
    assert_eq!(served(&lookup(&server, &json!({"prompt": SAME}))), Some("yes"));
}

#[test]
fn many_clients_store_and_look_up_at_once() {
    let server = with_cache();
    std::thread::scope(|threads| {
        for client in 0..4 {
            let server = &server;
            threads.spawn(move || {
                for round in 0..10 {
                    let prompt = format!("The nurse visited farmer {client} {round} times.");
                    let body = json!({"prompt": prompt, "response": prompt});
                    server.post("/v1/cache/answers/entries", &body).json();
                    assert_eq!(served(&lookup(server, &json!({"prompt": prompt}))), Some(prompt.as_str()));
                }
            });
        }
    });
    let small =
        CacheLimits { memory: MemoryLimits { entries: 3, ..MemoryLimits::default() }, ..CacheLimits::default() };
    let server = with(|folder, settings| Settings { caches: caches(folder, &["answers"]), cache: small, ..settings });
    for number in 0..8 {
        let body = json!({"prompt": format!("Prompt {number}."), "response": "x"});
        server.post("/v1/cache/answers/entries", &body).json();
    }
    assert_eq!(server.metric(&["gen_ai_cache_evictions_total", "cause=\"room\""]), 5.0);
}

/// SHA-256 of `reader`, `writer` and `guest`.
const KEYS: &str = "
reader 3d0941964aa3ebdcb00ccef58b1bb399f9f898465e9886d5aec7f31090a0fb30 read  *
writer b93006774cbdd4b299389a03ac3d88c3a76b460d538795bc12718011a909fba5 write *
guest  84983c60f7daadc1cb8698621f802c0d9f9a3c3c295c810748fb048115c186ec write wiki
";

#[test]
fn keys_are_for_caches_as_for_indexes() {
    let server = with(|folder, settings| {
        fs::write(folder.join("keys"), KEYS).unwrap();
        Settings { keys: Some(folder.join("keys")), caches: caches(folder, &["answers", "wiki"]), ..settings }
    });
    let (entry, prompt) = (br#"{"prompt": "Who bit the man?", "response": "x"}"#, br#"{"prompt": "Who bit the man?"}"#);
    for (key, path, body, expected) in [
        ("", "/v1/cache/answers/lookup", &prompt[..], 401),
        ("Bearer reader", "/v1/cache/answers/lookup", prompt, 200),
        ("Bearer reader", "/v1/cache/answers/explain", prompt, 200),
        ("Bearer reader", "/v1/cache/answers/entries", entry, 403),
        ("Bearer reader", "/v1/cache/answers/clear", b"", 403),
        ("Bearer writer", "/v1/cache/answers/entries", entry, 200),
        ("Bearer guest", "/v1/cache/answers/entries", entry, 404),
        ("Bearer guest", "/v1/cache/wiki/entries", entry, 200),
        ("Bearer guest", "/v1/cache/answers/lookup", prompt, 404),
    ] {
        let reply = server.send(path, body, &[("authorization", key)]);
        assert_eq!(reply.status, expected, "{key} {path}: {}", reply.text);
    }
    for (key, path, body, expected, kind) in [
        ("", "/v1/caches/answers/entries/search", &prompt[..], 401, "authentication-failed"),
        ("Bearer nobody", "/v1/caches/answers/entries/search", prompt, 401, "authentication-failed"),
        ("Bearer reader", "/v1/caches/answers/entries", entry, 403, "insufficient-permissions"),
        ("Bearer reader", "/v1/caches/answers/flush", b"", 403, "insufficient-permissions"),
        ("Bearer guest", "/v1/caches/answers/entries/search", prompt, 404, "resource-not-found"),
        ("Bearer writer", "/v1/caches/none/entries/search", prompt, 404, "resource-not-found"),
        ("Bearer writer", "/v1/caches/answers/other", prompt, 404, "resource-not-found"),
    ] {
        problem(&server.send(path, body, &[("authorization", key)]), expected, kind);
    }
    let read_only =
        with(|folder, settings| Settings { writable: false, caches: caches(folder, &["answers"]), ..settings });
    assert_eq!(read_only.send("/v1/cache/answers/entries", entry, &[]).error(), (403, "forbidden".into()));
    assert_eq!(read_only.send("/v1/cache/answers/lookup", prompt, &[]).status, 200);
}

/// An error as LangCache's clients read it.
fn problem(reply: &Reply, status: u16, kind: &str) {
    let body = reply.any_json();
    assert_eq!((reply.status, &body["type"]), (status, &format!("/errors/{kind}").into()), "{body}");
    assert_eq!(body["status"], status);
    assert!(body["title"].is_string() && body["detail"].as_str().is_some_and(|detail| !detail.is_empty()), "{body}");
    assert!(reply.headers["content-type"].to_str().unwrap().starts_with("application/json"));
}

#[test]
fn langcache_s_clients_are_answered_in_their_shape() {
    let server = with_cache();
    let path = "/v1/caches/answers/entries";
    let set =
        server.post(path, &json!({"prompt": STORED, "response": "yes", "attributes": {"a": "b"}, "ttlMillis": 60_000}));
    assert_eq!(set.status, 201, "{set:?}");
    let id = set.any_json()["entryId"].as_str().unwrap().to_owned();
    let search = |body: Value| server.post("/v1/caches/answers/entries/search", &body).json()["data"].clone();
    let exact = search(json!({"prompt": STORED}));
    let expected = json!([{"id": id, "prompt": STORED, "response": "yes", "attributes": {"a": "b"}, "similarity": 1.0,
        "searchStrategy": "exact"}]);
    assert_eq!(exact, expected);
    let semantic =
        search(json!({"prompt": SAME, "searchStrategies": ["exact", "semantic"], "similarityThreshold": 0.5}));
    assert_eq!(semantic[0]["searchStrategy"], "semantic");
    let similarity = semantic[0]["similarity"].as_f64().unwrap();
    let cosine = lookup(&server, &json!({"prompt": SAME}))["entries"][0]["similarity"].as_f64().unwrap();
    assert!((similarity - (1.0 + cosine) / 2.0).abs() < 1e-6, "{similarity} of {cosine}");
    for miss in [
        json!({"prompt": SWAPPED}),
        json!({"prompt": SAME, "searchStrategies": ["exact"]}),
        json!({"prompt": SAME, "similarityThreshold": similarity + 0.001}),
        json!({"prompt": SAME, "attributes": {"a": "c"}}),
    ] {
        assert_eq!(search(miss.clone()), json!([]), "{miss}");
    }
    let talk = |body: Value| server.post("/v1/caches/answers/conversations/search", &body).json();
    let answer = talk(json!({"prompt": SAME, "context": ["Who visited whom yesterday?"]}));
    assert_eq!((&answer["actualPrompt"], answer["data"].as_array().unwrap().len()), (&SAME.into(), 1));
    server.post(path, &json!({"prompt": "And on Windows?", "response": "x"}));
    assert_eq!(talk(json!({"prompt": "And on Windows?", "context": ["How do I turn it off?"]}))["data"], json!([]));
    assert_eq!(talk(json!({"prompt": "And on Windows?"}))["data"].as_array().unwrap().len(), 1);

    assert_eq!(server.delete(path, Some(&json!({"attributes": {"a": "b"}}))).json(), json!({"deletedEntriesCount": 1}));
    for _ in 0..2 {
        let reply = server.delete(&format!("{path}/{id}"), None);
        assert_eq!((reply.status, reply.text.as_str()), (204, ""));
    }
    let flush = server.send("/v1/caches/answers/flush", b"", &[]);
    assert_eq!((flush.status, flush.text.as_str()), (204, ""));
    assert_eq!(search(json!({"prompt": "And on Windows?"})), json!([]));
}

#[test]
fn what_no_client_should_send_is_a_clear_4xx() {
    let server = with_cache();
    let long = "x".repeat(600 << 10);
    let pairs: Value =
        (0..100).map(|number| (number.to_string(), json!("v"))).collect::<serde_json::Map<_, _>>().into();
    for (path, body, status) in [
        ("lookup", json!({}), 400),
        ("lookup", json!({"prompt": " "}), 400),
        ("lookup", json!({"prompt": 7}), 400),
        ("lookup", json!({"prompt": long}), 422),
        ("lookup", json!({"prompt": "a", "k": 0}), 400),
        ("lookup", json!({"prompt": "a", "k": 101}), 400),
        ("lookup", json!({"prompt": "a", "min_cosine": 2}), 400),
        ("lookup", json!({"prompt": "a", "strategies": []}), 400),
        ("lookup", json!({"prompt": "a", "strategies": ["fuzzy"]}), 400),
        ("lookup", json!({"prompt": "a", "scope": {"cache": "other"}}), 400),
        // What is misspelt would be served to anybody, or emptied for everybody.
        ("lookup", json!({"prompt": "a", "Scope": {"tenant": "t"}}), 400),
        ("lookup", json!({"prompt": "a", "source": {"handbook": "3"}}), 400),
        ("lookup", json!(["a"]), 400),
        ("explain", json!({"prompt": "a", "scop": {"tenant": "t"}}), 400),
        ("entries", json!({"prompt": "a", "response": "b", "ttl": 5}), 400),
        (
            "entries",
            json!({"prompt": "a", "response": "b", "sources": [{"id": "a", "version": "1", "Version": "2"}]}),
            400,
        ),
        ("entries", json!(["a", "b"]), 400),
        ("entries", json!({"entries": [["a", "b"]]}), 400),
        ("entries", json!({"scope": {"tenant": "t"}, "entries": [{"prompt": "a", "response": "b"}]}), 400),
        ("clear", json!({"scop": {"tenant": "t"}}), 400),
        ("clear", json!([]), 400),
        ("feedback", json!({"decision": "0".repeat(32), "right": true, "wrong": false}), 400),
        ("lookup", json!({"prompt": "a", "scope": {"encoder": "other"}}), 400),
        ("lookup", json!({"prompt": "a", "attributes": pairs}), 400),
        ("lookup", json!({"prompt": "a", "attributes": {"a": 1}}), 400),
        ("entries", json!({"prompt": "a"}), 400),
        ("entries", json!({"entries": []}), 400),
        ("entries", json!({"entries": [{"prompt": "a", "response": "b", "id": "a/b"}]}), 400),
        ("entries", json!({"prompt": "a", "response": "b", "ttl_seconds": -1}), 400),
        ("entries", json!({"prompt": "a", "response": "b", "ttl_seconds": 1e300}), 400),
        ("entries", json!({"prompt": "", "response": "b"}), 400),
        ("feedback", json!({"decision": "0"}), 400),
        ("clear", json!([]), 400),
    ] {
        let reply = server.post(&format!("/v1/cache/answers/{path}"), &body);
        assert_eq!(reply.error().0, status, "{path} {}", body.to_string().chars().take(200).collect::<String>());
    }
    for (path, body) in [
        ("entries/search", json!({"prompt": "a", "similarityThreshold": 1.5})),
        ("entries/search", json!({"prompt": "a", "maxResults": 0})),
        ("entries/search", json!({"prompt": "a", "searchStrategies": ["fuzzy"]})),
        ("entries/search", json!({})),
        ("entries/search", json!({"prompt": long})),
        ("entries", json!({"prompt": "a"})),
        ("entries", json!({"prompt": "a", "response": "b", "ttlMillis": -1})),
    ] {
        problem(&server.post(&format!("/v1/caches/answers/{path}"), &body), 400, "invalid-data");
    }
    problem(&server.delete("/v1/caches/answers/entries", Some(&json!({"attributes": {}}))), 400, "invalid-data");
    problem(&server.delete("/v1/caches/answers/entries/a%20b", None), 400, "invalid-data");
    problem(&server.get("/v1/caches/answers/entries"), 400, "invalid-data");
    for path in ["/v1/cache/none/lookup", "/v1/cache/answers/other"] {
        assert_eq!(server.post(path, &json!({"prompt": "a"})).error().0, 404, "{path}");
    }
    assert_eq!(server.post("/v1/cache/%ff/lookup", &json!({"prompt": "a"})).status, 400);
    // It goes on.
    assert_eq!(served(&lookup(&server, &json!({"prompt": STORED}))), None);
    let folder = tempfile::tempdir().unwrap();
    let same = [caches(folder.path(), &["a"]), caches(folder.path(), &["a"])].concat();
    let error = start(Settings { caches: same, ..settings(folder.path()) }).err().unwrap();
    assert!(matches!(error, StartError::SameCacheName { .. }), "{error}");
}

#[test]
fn a_calibration_of_equivalence_decides_what_is_served() {
    let calibrated = with(|folder, settings| Settings {
        caches: caches(folder, &["answers"]),
        calibration: Some(crate::verdicts::calibration(folder)),
        ..settings
    });
    // By what it was made from, a high cosine is right in the north, and nothing is in the south; elsewhere nothing is known.
    for (tenant, hit) in [("north", true), ("south", false), ("west", false)] {
        let scope = json!({"tenant": tenant});
        let entry = json!({"prompt": STORED, "response": "yes", "scope": scope});
        assert_eq!(calibrated.post("/v1/cache/answers/entries", &entry).status, 200);
        let answer = lookup(&calibrated, &json!({"prompt": SAME, "scope": scope}));
        assert_eq!(served(&answer).is_some(), hit, "{tenant}: {answer}");
    }
}

#[test]
fn a_cache_lies_on_redis() {
    let on = |address: &str| {
        let cache =
            NamedCache { name: "answers".into(), store: CacheStore::Redis(RedisAddress::parse(address).unwrap()) };
        move |_: &Path, settings| Settings { caches: vec![cache], ..settings }
    };
    // Nothing listens there.
    let folder = tempfile::tempdir().unwrap();
    let refused = start(on("redis://user:secret@127.0.0.1:1")(folder.path(), settings(folder.path())));
    let error = refused.err().map(|error| error.to_string()).unwrap_or_default();
    assert!(error.contains("answers") && error.contains("127.0.0.1:1") && !error.contains("secret"), "{error}");

    let Some(redis) = Redis::start() else { return };
    let server = with(on(&redis.address));
    server.post("/v1/cache/answers/entries", &json!({"prompt": STORED, "response": "yes"})).json();
    assert_eq!(served(&lookup(&server, &json!({"prompt": SAME}))), Some("yes"));
    assert_eq!(served(&lookup(&server, &json!({"prompt": SWAPPED}))), None);
    drop(redis);
    let gone = lookup(&server, &json!({"prompt": STORED}));
    assert_eq!((served(&gone), &gone["miss"]), (None, &"backend-failed".into()), "a server that is gone is a miss");
}

/// A real Redis, which ends with its test.
struct Redis {
    address: String,
    process: std::process::Child,
    _folder: tempfile::TempDir,
}

impl Redis {
    fn start() -> Option<Redis> {
        let Some(program) = std::env::var_os("VETTED_REDIS_SERVER") else {
            eprintln!("SKIPPED: it needs a real Redis. Run: VETTED_REDIS_SERVER=$(.ci/redis) cargo test ...");
            return None;
        };
        let folder = tempfile::tempdir().unwrap();
        let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let process = std::process::Command::new(program)
            .args(["--port", &port.to_string(), "--bind", "127.0.0.1", "--save", "", "--dir"])
            .arg(folder.path())
            .stdout(std::process::Stdio::null())
            .spawn()
            .unwrap();
        while std::net::TcpStream::connect(("127.0.0.1", port)).is_err() {
            std::thread::sleep(std::time::Duration::from_millis(20));
        }
        Some(Redis { address: format!("redis://127.0.0.1:{port}"), process, _folder: folder })
    }
}

impl Drop for Redis {
    fn drop(&mut self) {
        self.process.kill().unwrap();
        self.process.wait().unwrap();
    }
}
