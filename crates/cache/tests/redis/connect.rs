//! What is checked before a cache is used, and what is said of what is wrong.

use std::net::TcpListener;
use std::time::{Duration, Instant};

use vetted_cache::redis::{Notice, RedisError, Settings, open};

use crate::server::{Cluster, Server, patient};
use crate::stand_in::{array, bulk, listening};

#[test]
fn a_server_below_the_security_floor_is_used_without_threads_and_named() {
    let Some(server) = Server::start(&[]) else { return };
    let opened = open(&server.url(), &patient()).unwrap();
    assert_eq!(opened.backend.name(), "redis");
    let [Notice::BelowSecurityFloor { version, mended }] = &opened.notices[..] else {
        panic!("{:?}", opened.notices);
    };
    assert_eq!((version.to_string().as_str(), mended.to_string().as_str()), ("8.2.3", "8.2.9"));
    // Without the word, the server would run the search in a thread of its own.
    server.run::<()>("CONFIG SET slowlog-log-slower-than 0");
    open(&server.url(), &patient()).unwrap();
    let slow: Vec<redis::Value> = server.run("SLOWLOG GET 1000");
    let searches: Vec<String> =
        slow.iter().map(|entry| format!("{entry:?}")).filter(|entry| entry.contains("VSIM")).collect();
    assert!(!searches.is_empty() && searches.iter().all(|search| search.contains("NOTHREAD")), "{searches:?}");
}

#[test]
fn a_full_server_s_policy_is_told() {
    let Some(server) = Server::start(&["maxmemory 100mb"]) else { return };
    for (policy, told) in [("noeviction", true), ("allkeys-lru", true), ("volatile-lru", false)] {
        server.run::<()>(&format!("CONFIG SET maxmemory-policy {policy}"));
        let notices = open(&server.url(), &patient()).unwrap().notices;
        let is_told = notices.contains(&Notice::Memory { policy: policy.to_owned() });
        assert_eq!(is_told, told, "{policy}: {notices:?}");
    }
}

#[test]
fn what_a_user_may_not_do_is_said_before_anything_is_stored() {
    let Some(server) = Server::start(&[]) else { return };
    server.run::<()>("ACL SETUSER reader on >secret-of-reader ~* +@all -eval");
    server.run::<()>("ACL SETUSER halfway on >secret-of-halfway ~* +@all -vadd");
    server.run::<()>("ACL SETUSER elsewhere on >secret-of-elsewhere ~other:* +@all");
    server.run::<()>("ACL SETUSER enough on >secret-of-enough resetkeys ~vetted:* +@read +@write +@connection +eval +time +info +vadd +vsim +vrem +vgetattr +vdim");
    server.run::<()>("ACL SETUSER quiet on >secret-of-quiet resetkeys ~vetted:* +@read +@write +@connection +eval +time +vadd +vsim +vrem +vgetattr +vdim");
    let opened = |user: &str| {
        open(&format!("redis://{user}:secret-of-{user}@127.0.0.1:{}", server.port), &patient()).map(|it| it.notices)
    };
    for user in ["reader", "halfway", "elsewhere"] {
        let error = opened(user).unwrap_err();
        assert!(matches!(error, RedisError::NotPermitted { .. }), "{user}: {error}");
        assert!(error.to_string().contains("ACL SETUSER"), "{error}");
        assert!(!format!("{error} {error:?}").contains("secret-of"), "{error}");
    }
    assert_eq!(opened("enough").unwrap().len(), 1);
    let quiet = opened("quiet").unwrap();
    assert!(quiet.contains(&Notice::MemoryUnknown), "{quiet:?}");
    assert!(quiet.iter().any(|notice| matches!(notice, Notice::BelowSecurityFloor { .. })), "{quiet:?}");
}

#[test]
fn a_wrong_password_is_refused_and_never_repeated() {
    let Some(server) = Server::start(&["requirepass right"]) else { return };
    for credentials in ["", ":hunter2@", "me:hunter%32@"] {
        let error = open(&format!("redis://{credentials}127.0.0.1:{}", server.port), &patient()).err().unwrap();
        assert!(matches!(error, RedisError::Refused { .. }), "{error}");
        assert!(!format!("{error} {error:?}").contains("hunter"), "{error}");
    }
    assert!(open(&format!("redis://:right@127.0.0.1:{}", server.port), &patient()).is_ok());
}

#[test]
fn a_cluster_is_found_behind_any_address_of_one() {
    let Some(cluster) = Cluster::start(&[]) else { return };
    let single = format!("redis://127.0.0.1:{}", cluster.nodes[2].port);
    let backend = open(&single, &patient()).unwrap().backend;
    // Scopes lie on different nodes, and all are reached.
    for number in 0..12 {
        let scope = vetted_cache::Scope::new(format!("scope {number}"));
        backend.put(&crate::contract::entry(&scope, "prompt", number)).unwrap();
        assert_eq!(backend.len(&scope).unwrap(), 1);
    }
    assert!(cluster.nodes.iter().all(|node| node.run::<usize>("DBSIZE") > 0));
}

#[test]
fn settings_that_make_no_sense_are_refused() {
    for settings in [
        Settings { prefix: String::new(), ..Settings::default() },
        Settings { prefix: "a{b}".into(), ..Settings::default() },
        Settings { command: Duration::ZERO, ..Settings::default() },
        Settings { connections: 0, ..Settings::default() },
        Settings { entries_per_scope: 0, ..Settings::default() },
    ] {
        let error = open("redis://127.0.0.1:1", &settings).err().unwrap();
        assert!(matches!(error, RedisError::Settings { .. }), "{error}");
    }
}

/// What older and other servers answer to the first questions.
fn other_server(version: &'static str) -> String {
    listening(move |words| match words[0].as_str() {
        "AUTH" | "CLIENT" => "+OK\r\n".to_owned(),
        "HELLO" => array(&[bulk("version"), bulk(version), bulk("mode"), bulk("standalone")]),
        "INFO" => {
            bulk(&format!("# Server\r\nredis_version:{version}\r\nmaxmemory:0\r\nmaxmemory_policy:noeviction\r\n"))
        }
        _ => "-ERR Unknown Redis command called from script script: 00, on @user_script:9.\r\n".to_owned(),
    })
}

#[test]
fn servers_without_vector_sets_are_named_with_what_to_install() {
    let error = open(&other_server("7.4.2"), &patient()).err().unwrap();
    assert!(matches!(&error, RedisError::TooOld { version, .. } if version == "7.4.2"), "{error}");
    assert!(error.to_string().contains("Install Redis 8"), "{error}");
    let url = listening(|words| match words[0].as_str() {
        "AUTH" | "CLIENT" => "+OK\r\n".to_owned(),
        "INFO" => bulk("# Server\r\nredis_version:5.0.14\r\n"),
        name => format!("-ERR unknown command `{name}`, with args beginning with: \r\n"),
    });
    let error = open(&url, &patient()).err().unwrap();
    assert!(matches!(&error, RedisError::TooOld { version, .. } if version == "5.0.14"), "{error}");
    // Valkey calls itself 9 and has no vector sets.
    let error = open(&other_server("9.1.2"), &patient()).err().unwrap();
    assert!(matches!(&error, RedisError::NoVectorSets { .. }), "{error}");
    assert!(error.to_string().contains("Install"), "{error}");
}

#[test]
fn a_server_that_repeats_the_password_does_not_get_it_into_a_message() {
    let url = listening(|words| format!("-ERR unknown command, with args beginning with: {}\r\n", words.join(" ")));
    let error = open(&url, &patient()).err().unwrap();
    assert!(!format!("{error} {error:?}").contains("hunter2"), "{error}");
}

#[test]
fn a_server_that_says_nothing_or_too_little_is_not_waited_for() {
    let silent = TcpListener::bind("127.0.0.1:0").unwrap();
    let trickling = listening(|_| {
        std::thread::sleep(Duration::from_millis(50));
        "$1000000000\r\n".to_owned()
    });
    let settings =
        Settings { connect: Duration::from_millis(300), command: Duration::from_millis(300), ..Settings::default() };
    for url in [format!("redis://{}", silent.local_addr().unwrap()), trickling] {
        let since = Instant::now();
        let error = open(&url, &settings).err().unwrap();
        assert!(matches!(error, RedisError::Deadline { .. }), "{error}");
        assert!(since.elapsed() < Duration::from_secs(3), "{:?}", since.elapsed());
    }
    let closed = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let error = open(&format!("redis://{closed}"), &settings).err().unwrap();
    assert!(matches!(error, RedisError::Unreachable { .. }), "{error}");
}
