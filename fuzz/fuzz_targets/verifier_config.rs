//! A verifier's config.json.
#![no_main]

use libfuzzer_sys::fuzz_target;
use vetted_reader::Config;

fuzz_target!(|data: &[u8]| {
    let _ = Config::parse(data);
});
