//! More than can be done at once: what is refused, what is finished, what is dropped.

use std::io::Write;
use std::net::TcpStream;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::server::{plain, with, with_index};

fn body(documents: usize, words: usize) -> Value {
    let text = "The nurse visited the farmer and the farmer visited the nurse. ".repeat(words.div_ceil(11));
    json!({"query": "The nurse visited the farmer.", "documents": vec![text; documents]})
}

#[test]
fn answers_are_the_same_whoever_asks_at_the_same_time() {
    let server = plain();
    let ask = |n: usize| {
        let documents: Vec<String> =
            (0..20).map(|m| format!("The farmer {n} was visited by the nurse {m} times.")).collect();
        server
            .post("/v1/rerank", &json!({"query": format!("The nurse visited the farmer {n}."), "documents": documents}))
    };
    let results = |n: usize| ask(n).json()["results"].clone();
    let alone: Vec<Value> = (0..16).map(results).collect();
    thread::scope(|scope| {
        let asked: Vec<_> = (0..64).map(|n| scope.spawn(move || (n % 16, results(n % 16)))).collect();
        for answer in asked {
            let (n, results) = answer.join().unwrap();
            assert_eq!(results, alone[n], "bit for bit");
        }
    });
    let requests = server.metric(&["vetted_batch_requests_sum", "queue=\"read\""]);
    let batches = server.metric(&["vetted_batch_requests_count", "queue=\"read\""]);
    assert!(requests > batches, "requests shared batches: {requests} in {batches}");
}

#[test]
fn passages_that_came_before_are_not_encoded_again_and_get_the_same_answer() {
    let long = "The nurse visited the farmer. The farmer thanked her. ".repeat(40);
    let documents = ["The farmer was visited by the nurse.", "", "Tea is hot.", "The farmer visited the nurse.", &long];
    let ask = |server: &crate::server::Server, query: &str| {
        server.post("/v1/rerank", &json!({"query": query, "documents": documents})).json()
    };
    let without = with(|_, mut settings| {
        settings.limits.kept_views_bytes = 0;
        settings
    });
    let server = plain();
    for query in ["The nurse visited the farmer.", "Who visited the farmer?", "The nurse visited the farmer."] {
        let (new, kept) = (ask(&without, query), ask(&server, query));
        assert_eq!(new["results"], kept["results"], "bit for bit");
        assert_eq!(new["usage"], kept["usage"]);
    }
    let kept = |server: &crate::server::Server, kept| {
        server.metric(&["vetted_reranked_passages_total", &format!("kept=\"{kept}\"")])
    };
    // The long one is not kept: of it each query reads other sentences.
    assert_eq!((kept(&server, false), kept(&server, true)), (7.0, 8.0));
    assert_eq!((kept(&without, false), kept(&without, true)), (15.0, 0.0));
    assert!(server.metric(&["vetted_kept_views_bytes"]) > 0.0);
}

#[test]
fn a_full_queue_refuses_with_a_time_to_come_back() {
    let server = with(|_, mut settings| {
        settings.limits.queue = 2;
        settings
    });
    let (answered, refused) = (AtomicUsize::new(0), AtomicUsize::new(0));
    let ask = || {
        let reply = server.post("/v1/rerank", &body(200, 200));
        match reply.status {
            200 => answered.fetch_add(1, Ordering::Relaxed),
            429 => {
                assert_eq!(reply.error(), (429, "overloaded".into()));
                let seconds: u64 = reply.headers["retry-after"].to_str().unwrap().parse().unwrap();
                assert!((1..=60).contains(&seconds));
                refused.fetch_add(1, Ordering::Relaxed)
            }
            _ => panic!("{reply:?}"),
        };
    };
    let ask = &ask;
    thread::scope(|scope| (0..200).for_each(|_| drop(scope.spawn(ask))));
    let (answered, refused) = (answered.into_inner(), refused.into_inner());
    assert_eq!(answered + refused, 200);
    assert!(answered >= 2 && refused > 0, "{answered} answered, {refused} refused");
    assert!(server.metric(&["vetted_queue_refused_total", "queue=\"read\""]) >= refused as f64);
    assert_eq!(server.metric(&["vetted_body_bytes_in_flight"]), 0.0, "all is given back");
    assert_eq!(server.post("/v1/rerank", &body(2, 20)).status, 200);
}

#[test]
fn bodies_beyond_the_bound_are_refused() {
    let server = with(|_, mut settings| {
        settings.limits.bytes_in_flight = 100_000;
        settings
    });
    let held = |length: usize| {
        let mut stream = TcpStream::connect(server.address).unwrap();
        write!(
            stream,
            "POST /rerank HTTP/1.1\r\nhost: localhost\r\ncontent-length: 99000\r\n\r\n{}",
            " ".repeat(length)
        )
        .unwrap();
        stream
    };
    let first = held(90_000);
    let begun = Instant::now();
    while server.metric(&["vetted_body_bytes_in_flight"]) < 90_000.0 {
        assert!(begun.elapsed().as_secs() < 20);
    }
    assert_eq!(server.post("/rerank", &body(30, 100)).error(), (429, "overloaded".into()));
    drop(first);
    let begun = Instant::now();
    while server.metric(&["vetted_body_bytes_in_flight"]) > 0.0 {
        assert!(begun.elapsed().as_secs() < 20, "what a client that went away held is given back");
    }
    assert_eq!(server.post("/rerank", &body(30, 100)).status, 200);
}

#[test]
fn a_deadline_ends_a_request_and_the_next_one_is_answered() {
    let server = plain();
    let large = body(1_000, 400).to_string();
    let begun = Instant::now();
    let reply = server.send("/rerank", large.as_bytes(), &[("x-request-timeout-ms", "30")]);
    assert_eq!(reply.error(), (408, "deadline-exceeded".into()));
    assert!(begun.elapsed() < Duration::from_secs(5));
    let begun = Instant::now();
    assert_eq!(server.post("/rerank", &body(1, 10)).status, 200);
    assert!(begun.elapsed() < Duration::from_secs(5), "it does not wait for what was given up");
}

#[test]
fn the_work_of_a_client_that_goes_away_is_dropped() {
    let server = plain();
    let large = body(1_000, 400).to_string();
    for _ in 0..20 {
        let mut stream = TcpStream::connect(server.address).unwrap();
        write!(stream, "POST /rerank HTTP/1.1\r\nhost: localhost\r\ncontent-length: {}\r\n\r\n{large}", large.len())
            .unwrap();
        thread::sleep(Duration::from_millis(5));
    }
    let begun = Instant::now();
    while server.metric(&["vetted_requests_total", "status=\"499\""]) < 20.0 {
        assert!(begun.elapsed() < Duration::from_secs(30), "{}", server.get("/metrics").text);
        thread::sleep(Duration::from_millis(10));
    }
    assert_eq!(server.post("/rerank", &body(1, 10)).status, 200);
    assert_eq!(server.metric(&["vetted_body_bytes_in_flight"]), 0.0);
}

#[test]
fn what_was_accepted_is_finished_when_the_server_stops() {
    let mut server = with_index();
    let (address, asked) = (server.address, AtomicUsize::new(0));
    let url = |path: &str| format!("http://{address}{path}");
    let answers: Vec<u16> = thread::scope(|scope| {
        let asked = &asked;
        let clients: Vec<_> = (0..8)
            .map(|_| {
                let url = url("/rerank");
                scope.spawn(move || {
                    let agent = crate::server::agent();
                    let text = body(100, 200).to_string();
                    asked.fetch_add(1, Ordering::SeqCst);
                    agent.post(url).send(&text).unwrap().status().as_u16()
                })
            })
            .collect();
        // Whoever asks for the figure is in flight, too.
        while asked.load(Ordering::SeqCst) < 8 || server.metric(&["vetted_requests_in_flight"]) < 9.0 {
            thread::sleep(Duration::from_millis(1));
        }
        server.stop();
        clients.into_iter().map(|client| client.join().unwrap()).collect()
    });
    assert_eq!(answers, [200; 8]);
    assert!(TcpStream::connect(address).is_err(), "and nothing more is taken");
}
