//! The in-process backend.
use crate::contract;
use std::sync::Arc;
use vetted_cache::{Memory, MemoryLimits};
#[test]
fn memory_holds_the_contract() {
    contract::holds("memory", &|| Arc::new(Memory::new(MemoryLimits::default())));
}
