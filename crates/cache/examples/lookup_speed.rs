//! How long lookups take in a cache of many entries, with verification, and how many of the nearest the search by sketches finds.
//!
//! ```text
//! cargo run --release -p vetted-cache --example lookup_speed -- --entries 100000 --lookups 2000
//! ```
//!
//! Prompts are made from frames and words here: requests that differ in an action, an object and a circumstance, so that every one
//! has many near-misses. A third of the lookups are equal to a stored prompt, a third say it in other words, a third were never
//! stored.

use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime};

use clap::Parser;
use vetted::models::{self, DEFAULT_MODEL};
use vetted::reader::Storage;
use vetted::{Deadline, Precision, Verifier, VerifierOptions};
use vetted_cache::{
    Attributes, Backend, Cache, CacheSettings, Entry, Lookup, Memory, MemoryLimits, NewEntry, Scope, Strategy, Wanted,
};
use vetted_encoder::{Encoder, Options};

#[derive(Parser)]
struct Arguments {
    /// Entries in one scope
    #[arg(long, default_value_t = 100_000)]
    entries: usize,
    /// Lookups that are timed
    #[arg(long, default_value_t = 2_000)]
    lookups: usize,
    /// Clients that ask at once
    #[arg(long, default_value_t = 1)]
    clients: usize,
}

const ACTIONS: [(&str, &str); 20] = [
    ("enable", "turn on"),
    ("disable", "turn off"),
    ("reset", "set back"),
    ("delete", "remove"),
    ("export", "download"),
    ("import", "load"),
    ("rename", "change the name of"),
    ("share", "give others access to"),
    ("archive", "put away"),
    ("restore", "bring back"),
    ("schedule", "plan"),
    ("cancel", "call off"),
    ("verify", "confirm"),
    ("replace", "exchange"),
    ("lock", "close"),
    ("unlock", "open"),
    ("copy", "duplicate"),
    ("merge", "join"),
    ("print", "put on paper"),
    ("sort", "order"),
];
const OBJECTS: [&str; 50] = [
    "the invoice",
    "the password",
    "a shared folder",
    "the calendar",
    "the backup",
    "two-factor login",
    "the monthly report",
    "a user account",
    "the payment method",
    "the delivery address",
    "an API key",
    "the mailing list",
    "the database",
    "a webhook",
    "the dashboard",
    "the audit log",
    "a project",
    "the subscription",
    "the newsletter",
    "a team",
    "the contract",
    "the order",
    "a support ticket",
    "the warehouse list",
    "the price table",
    "a voucher",
    "the phone number",
    "the signature",
    "a template",
    "the search index",
    "the mobile app",
    "the camera",
    "the printer",
    "a meeting room",
    "the alarm",
    "the heating",
    "a playlist",
    "the photo album",
    "the address book",
    "the spreadsheet",
    "a survey",
    "the tax form",
    "the insurance card",
    "a certificate",
    "the firewall rule",
    "the virtual machine",
    "a license",
    "the time sheet",
    "the expense claim",
    "the travel plan",
];
const CIRCUMSTANCES: [&str; 100] = [
    "on Windows",
    "on a Mac",
    "on Linux",
    "on Android",
    "on an iPhone",
    "in the browser",
    "from the command line",
    "for a guest",
    "for an admin",
    "for everyone",
    "for one user",
    "before the deadline",
    "after the update",
    "without a password",
    "with a password",
    "in Germany",
    "in France",
    "in Japan",
    "in Brazil",
    "in Canada",
    "during the night",
    "on weekends",
    "once a week",
    "twice a day",
    "every month",
    "for two hours",
    "for three days",
    "for a year",
    "by email",
    "by phone",
    "by text message",
    "through the website",
    "through the app",
    "in version 2",
    "in version 3",
    "in the free plan",
    "in the paid plan",
    "in dark mode",
    "in large print",
    "for the sales team",
    "for the finance team",
    "for a customer",
    "for a supplier",
    "for a partner",
    "at the office",
    "at home",
    "on the train",
    "on a slow network",
    "without the internet",
    "with a proxy",
    "behind a firewall",
    "in the test system",
    "in production",
    "in the cloud",
    "on premises",
    "with one click",
    "with a script",
    "as a file",
    "as a table",
    "as a picture",
    "in English",
    "in Spanish",
    "in euros",
    "in dollars",
    "in yen",
    "above 100 items",
    "below 100 items",
    "with attachments",
    "without attachments",
    "with comments",
    "without comments",
    "for children",
    "for students",
    "for seniors",
    "for new hires",
    "for former staff",
    "at the start of the month",
    "at the end of the month",
    "in January",
    "in July",
    "on a tablet",
    "on a television",
    "on a watch",
    "with a keyboard",
    "with a mouse",
    "with the voice",
    "in the first step",
    "in the last step",
    "when it is locked",
    "when it is full",
    "when it is empty",
    "when it is shared",
    "if it was deleted",
    "if it is too large",
    "if it is too old",
    "if nobody answers",
    "to save money",
    "to save time",
    "to free space",
    "to keep it private",
];

fn stored(number: usize) -> String {
    let (action, object, circumstance) = parts(number);
    format!("How do I {} {object} {circumstance}?", action.0)
}

fn reworded(number: usize) -> String {
    let (action, object, circumstance) = parts(number);
    format!("What is the way to {} {object} {circumstance}?", action.1)
}

fn parts(number: usize) -> (&'static (&'static str, &'static str), &'static str, &'static str) {
    // Every number below 100,000 has parts of its own.
    (&ACTIONS[number % 20], OBJECTS[number / 20 % 50], CIRCUMSTANCES[number / 1000 % 100])
}

fn percentile(sorted: &[Duration], share: f64) -> f64 {
    sorted[((sorted.len() - 1) as f64 * share).round() as usize].as_secs_f64() * 1e3
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let Arguments { entries, lookups, clients } = Arguments::parse();
    let folder = models::ensure(DEFAULT_MODEL, &mut |_| {})?;
    let precision = Precision::fastest();
    let encoder = Arc::new(Encoder::open(&folder, Options { precision, ..Options::default() })?);
    let options = VerifierOptions { precision, reader: Precision::Bf16, storage: Storage::Int8 };
    let loaded = |_: &_| Some(encoder.clone());
    let verifier = Arc::new(Verifier::shipped_over(&loaded, options, &mut |_| {})?);
    let backend = Arc::new(Memory::new(MemoryLimits { entries: entries + 1, bytes: 8 << 30 }));
    let cache = Cache::new(backend.clone(), verifier.clone(), encoder.clone(), CacheSettings::default())?;
    let scope = Scope::new("speed");
    let begun = Instant::now();
    let numbers: Vec<usize> = (0..entries).collect();
    for some in numbers.chunks(512) {
        let prompts: Vec<String> = some.iter().map(|number| stored(*number)).collect();
        let new = prompts.iter().map(|prompt| NewEntry::new(&scope, prompt, vec![b'x'; 400])).collect();
        for outcome in cache.store_many(new, &Deadline::none()) {
            outcome?;
        }
    }
    println!("{entries} entries stored in {:.0} s, {precision:?}", begun.elapsed().as_secs_f64());

    // Spread over all, the same in every run.
    let number = |at: usize| (at * 7919 + 13) % entries;
    let asked = |at: usize| match at % 3 {
        0 => stored(number(at)),
        1 => reworded(number(at)),
        _ => stored(number(at)).replace("How do I", "Who was the first to").replace('?', " in that village?"),
    };
    for at in 0..50 {
        cache.lookup(&Lookup { strategies: vetted_cache::Strategies::Semantic, ..Lookup::new(&scope, &asked(at)) });
    }
    let begun = Instant::now();
    let each = lookups / clients;
    let timed: Vec<(usize, Duration, Option<Strategy>, vetted_cache::Took)> = std::thread::scope(|threads| {
        let client = |client: usize| {
            let (cache, scope, asked) = (&cache, &scope, &asked);
            threads.spawn(move || {
                let one = |at: usize| {
                    let prompt = asked(at);
                    let begun = Instant::now();
                    let answer = cache.lookup(&Lookup::new(scope, &prompt));
                    (at, begun.elapsed(), answer.hit().map(|hit| hit.strategy), answer.took)
                };
                (client * each..(client + 1) * each).map(one).collect::<Vec<_>>()
            })
        };
        let clients: Vec<_> = (0..clients).map(client).collect();
        clients.into_iter().flat_map(|client| client.join().unwrap_or_default()).collect()
    });
    let took = begun.elapsed().as_secs_f64();
    println!("{} lookups by {clients} clients in {took:.1} s: {:.0} a second", timed.len(), timed.len() as f64 / took);
    for (name, kind) in [("all", None), ("equal", Some(0)), ("reworded", Some(1)), ("never stored", Some(2))] {
        let some: Vec<_> = timed.iter().filter(|(at, ..)| kind.is_none_or(|kind| at % 3 == kind)).collect();
        let mut times: Vec<Duration> = some.iter().map(|(_, took, ..)| *took).collect();
        times.sort();
        let hits = some.iter().filter(|(_, _, strategy, _)| strategy.is_some()).count();
        let mean = |stage: fn(&vetted_cache::Took) -> Duration| {
            some.iter().map(|(.., took)| stage(took).as_secs_f64()).sum::<f64>() / some.len() as f64 * 1e3
        };
        println!(
            "{name:13} n {:5}  p50 {:6.2} ms  p90 {:6.2}  p99 {:6.2}  max {:6.2}   mean: embed {:.2} search {:.2} verify {:.2}   hits {hits}",
            some.len(),
            percentile(&times, 0.5),
            percentile(&times, 0.9),
            percentile(&times, 0.99),
            percentile(&times, 1.0),
            mean(|it| it.embed),
            mean(|it| it.search),
            mean(|it| it.verify),
        );
    }

    // The search by sketches against all cosines.
    let every: Vec<Arc<Entry>> = {
        let (none, deadline) = (Attributes::new(), Deadline::none());
        let own = cache.get(&scope, &cache.store(NewEntry::new(&scope, "A probe.", "x"), &deadline)?.id)?;
        let inner = own.ok_or("the probe is gone")?.scope.clone();
        let wanted =
            Wanted { scope: &inner, prompt: "", attributes: &none, now: SystemTime::now(), deadline: &deadline };
        let vector = vec![1.0 / (encoder.dimensions() as f32).sqrt(); encoder.dimensions()];
        backend.nearest(&wanted, &vector, entries)?.into_iter().map(|it| it.entry).collect()
    };
    let (mut found, mut wanted_in_all, mut first) = (0, 0, 0);
    let probes = 300.min(lookups);
    for at in 0..probes {
        let prompt = asked(at);
        let team = &mut verifier.compute().team();
        let vector = verifier.encode_prompts(&[&prompt], &encoder, team)?.remove(0).vector;
        let mut cosines: Vec<(f32, &str)> = every
            .iter()
            .map(|entry| (entry.vector.iter().zip(&vector).map(|(a, b)| a * b).sum(), entry.id.as_str()))
            .collect();
        cosines.sort_by(|a, b| b.0.total_cmp(&a.0));
        let inner = every[0].scope.clone();
        let (none, deadline) = (Attributes::new(), Deadline::none());
        let wanted =
            Wanted { scope: &inner, prompt: "", attributes: &none, now: SystemTime::now(), deadline: &deadline };
        let nearest = backend.nearest(&wanted, &vector, 8)?;
        // Of equally near ones any is right.
        let least = cosines[7].0 - 1e-5;
        found += nearest.iter().filter(|it| it.cosine >= least).count();
        first += usize::from(nearest.first().is_some_and(|it| it.cosine >= cosines[0].0 - 1e-5));
        wanted_in_all += 8;
    }
    println!("sketches: {found} of {wanted_in_all} among the 8 nearest, the nearest of {first} of {probes} prompts");
    Ok(())
}
