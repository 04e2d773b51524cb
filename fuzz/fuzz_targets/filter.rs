//! Filters as they are typed: `year>=2024`.
#![no_main]

use libfuzzer_sys::fuzz_target;
use vetted_retrieval::Filter;

fuzz_target!(|text: &str| {
    let _ = text.parse::<Filter>();
});
