//! The real binary, run as people run it.
#![allow(dead_code)] // each test file uses what it needs

use std::path::Path;
use std::process::{Command, Output};

use serde_json::Value;

/// A run in `folder`, whatever comes of it.
pub fn vetted(folder: &Path, arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_vetted")).args(arguments).current_dir(folder).output().unwrap()
}

/// Standard output of a run that must succeed.
pub fn succeed(folder: &Path, arguments: &[&str]) -> String {
    let output = vetted(folder, arguments);
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "vetted {arguments:?} failed: {errors}");
    String::from_utf8(output.stdout).unwrap()
}

/// Standard error of a run that must fail with status 1.
pub fn fail(folder: &Path, arguments: &[&str]) -> String {
    let output = vetted(folder, arguments);
    assert_eq!(output.status.code(), Some(1), "vetted {arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stderr).unwrap()
}

/// JSON that must be valid.
pub fn json(text: &str) -> Value {
    serde_json::from_str(text).unwrap_or_else(|error| panic!("{error} in {text:?}"))
}
