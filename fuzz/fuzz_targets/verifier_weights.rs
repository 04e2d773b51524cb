//! A verifier's model.safetensors.
#![no_main]

use libfuzzer_sys::fuzz_target;
use vetted_reader::Weights;

fuzz_target!(|data: &[u8]| {
    if let Ok(weights) = Weights::parse(data) {
        let _ = weights.replaced();
        let _ = weights.parameters();
    }
});
