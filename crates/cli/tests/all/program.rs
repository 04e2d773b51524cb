//! The real binary, run as people run it, over the tiny models.

use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::sync::LazyLock;

use serde_json::Value;

/// The variables under which the tiny models take the place of those that people use.
static TINY: LazyLock<Vec<(&str, PathBuf)>> =
    LazyLock::new(|| vetted_fixtures::environment(&Path::new(env!("CARGO_TARGET_TMPDIR")).join("tiny-models")));

/// The tiny verifier's folder, where a command takes none from the environment.
pub fn verifier() -> String {
    let (_, folder) = TINY.iter().find(|(name, _)| *name == "VETTED_VERIFIER").unwrap();
    folder.to_str().unwrap().to_owned()
}

/// A run in `folder`, not started yet.
pub fn command(folder: &Path, arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_vetted"));
    command.args(arguments).current_dir(folder).envs(TINY.iter().cloned());
    command
}

/// A run in `folder`, whatever comes of it.
pub fn vetted(folder: &Path, arguments: &[&str]) -> Output {
    command(folder, arguments).output().unwrap()
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
