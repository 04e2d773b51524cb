//! How long lookups take on a real Redis with many entries, without the verifier:
//!
//! ```sh
//! .ci/redis && target/redis/redis-server --port 7379 --save "" &
//! cargo run --release -p vetted-cache --features redis --example redis_lookups -- redis://localhost:7379 [ENTRIES]
//! ```
//!
//! Entries are made up: vectors of 384 values around 2,000 centres, prompts of 60 characters, responses of 1 KiB, views of
//! 1 KiB. The scope is cleared before and after.

use std::error::Error;
use std::time::{Duration, Instant, SystemTime};

use vetted::Deadline;
use vetted_cache::redis::{Settings, open};
use vetted_cache::{Attributes, Backend, Entry, EntryId, Scope, Wanted};

const DIMENSIONS: usize = 384;
const CENTRES: u64 = 2_000;
const LOOKUPS: u64 = 2_000;

fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = std::env::args().skip(1);
    let address = arguments.next().ok_or("usage: redis_lookups ADDRESS [ENTRIES]")?;
    let entries: u64 = arguments.next().map_or(Ok(100_000), |count| count.parse())?;
    let settings = Settings { command: Duration::from_secs(60), entries_per_scope: 1 << 24, ..Settings::default() };
    let opened = open(&address, &settings)?;
    opened.notices.iter().for_each(|notice| eprintln!("{notice}"));
    let backend = &*opened.backend;
    let scope = Scope::new("measured");
    backend.clear(&scope)?;

    let since = Instant::now();
    for number in 0..entries {
        backend.put(&entry(&scope, number))?;
    }
    println!("{entries} entries, {:.2} ms each to store", since.elapsed().as_secs_f64() * 1e3 / entries as f64);
    let filters = Attributes::from([("language".to_owned(), "3".to_owned())]);
    for threads in [1, 2, 8] {
        for (name, attributes) in [("", &Attributes::new()), (", one of ten fits the filter", &filters)] {
            let times = measure(threads, |number| {
                let vector = vector(number % entries, number);
                look_up(backend, &scope, attributes, |wanted| {
                    backend.nearest(wanted, &vector, 8).map(|found| found.len())
                })
            })?;
            println!("nearest 8{name}, {threads} at once: {times}");
        }
        let times = measure(threads, |number| {
            let prompt = entry(&scope, number * 31 % entries).prompt;
            look_up(backend, &scope, &Attributes::new(), |wanted| {
                backend.exact(&Wanted { prompt: &prompt, ..*wanted }).map(|found| usize::from(found.is_some()))
            })
        })?;
        println!("exact, {threads} at once: {times}");
    }
    let since = Instant::now();
    let cleared = backend.clear(&scope)?;
    println!("cleared {cleared} in {:.2} s", since.elapsed().as_secs_f64());
    Ok(())
}

fn look_up(
    backend: &dyn Backend,
    scope: &Scope,
    attributes: &Attributes,
    search: impl Fn(&Wanted<'_>) -> Result<usize, vetted_cache::BackendError>,
) -> Result<(), String> {
    let deadline = Deadline::none();
    let wanted = Wanted { scope, prompt: "", attributes, now: SystemTime::now(), deadline: &deadline };
    match search(&wanted) {
        Ok(0) => Err(format!("{} finds nothing", backend.name())),
        Ok(_) => Ok(()),
        Err(error) => Err(error.to_string()),
    }
}

/// Percentiles of so many lookups by so many threads.
fn measure(threads: u64, look_up: impl Fn(u64) -> Result<(), String> + Sync) -> Result<String, String> {
    let each = LOOKUPS / threads;
    let mut times: Vec<Duration> = std::thread::scope(|scope| {
        let workers: Vec<_> = (0..threads)
            .map(|worker| {
                let look_up = &look_up;
                scope.spawn(move || {
                    (0..each)
                        .map(|number| {
                            let since = Instant::now();
                            look_up(worker * each + number).map(|()| since.elapsed())
                        })
                        .collect::<Result<Vec<_>, _>>()
                })
            })
            .collect();
        let times: Result<Vec<_>, _> =
            workers.into_iter().map(|worker| worker.join().map_err(|_| "a worker panicked".to_owned())?).collect();
        times.map(|times| times.concat())
    })?;
    times.sort();
    let at = |share: f64| times[((times.len() - 1) as f64 * share) as usize].as_secs_f64() * 1e3;
    Ok(format!("p50 {:.2} ms, p95 {:.2} ms, p99 {:.2} ms, n {}", at(0.5), at(0.95), at(0.99), times.len()))
}

fn entry(scope: &Scope, number: u64) -> Entry {
    let prompt = format!("prompt number {number:09}, made up for a measurement of lookups");
    Entry {
        id: EntryId::of(scope, &prompt, &Attributes::new()),
        scope: scope.clone(),
        prompt,
        response: vec![b'r'; 1024],
        attributes: Attributes::from([("language".to_owned(), (number % 10).to_string())]),
        vector: vector(number, 0),
        views: Some(vec![7; 1024]),
        sources: Vec::new(),
        volatile: false,
        stored_at: SystemTime::now(),
        expires_at: Some(SystemTime::now() + Duration::from_secs(24 * 3600)),
        copy_of: None,
        cost: None,
    }
}

/// Near one of the centres. Different `turn`s of one number are near each other.
fn vector(number: u64, turn: u64) -> Vec<f32> {
    let noise = |seed: u64, at: usize| {
        let mut state = (seed << 20 | at as u64).wrapping_mul(0x9e37_79b9_7f4a_7c15) ^ 0x5851_f42d_4c95_7f2d;
        state = (state ^ (state >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        state = (state ^ (state >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        ((state ^ (state >> 31)) >> 40) as f32 / (1 << 23) as f32 - 1.0
    };
    let values = (0..DIMENSIONS).map(|at| {
        noise(number % CENTRES, at) + 0.7 * noise(number + 1_000_000, at) + 0.2 * noise(turn + 50_000_000, at)
    });
    let values: Vec<f32> = values.collect();
    let length = values.iter().map(|value| value * value).sum::<f32>().sqrt();
    values.into_iter().map(|value| value / length).collect()
}
