//! What a binary says of commands that it was built without.

#[cfg(not(feature = "qdrant"))]
use crate::program::fail;
use crate::program::{succeed, vetted};

#[test]
fn a_command_that_is_not_built_in_says_how_to_get_it() {
    let folder = tempfile::tempdir().unwrap();
    let commands = [
        ("serve", &["serve", "--index", "x"][..]),
        ("serve", &["mcp", "--index", "x"]),
        ("train", &["train", "verifier", "--data", "x"]),
        ("train", &["synth", "--help"]),
        ("train", &["export"]),
        ("study", &["eval", "pairs"]),
        ("study", &["audit", "--base", "a"]),
    ];
    let built_in = |feature: &str| match feature {
        "serve" => cfg!(feature = "serve"),
        "train" => cfg!(feature = "train"),
        _ => cfg!(feature = "study"),
    };
    for (feature, arguments) in commands.into_iter().filter(|(feature, _)| !built_in(feature)) {
        let output = vetted(folder.path(), arguments);
        let said = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(2), "{arguments:?}: {said}");
        assert!(said.contains(&format!("--features {feature}")), "{arguments:?}: {said}");
    }
    let help = succeed(folder.path(), &["--help"]);
    assert!(!help.contains("  eval ") || cfg!(feature = "study"), "{help}");
}

#[test]
#[cfg(not(feature = "qdrant"))]
fn an_address_that_is_not_built_in_says_how_to_get_it() {
    let folder = tempfile::tempdir().unwrap();
    let said = fail(folder.path(), &["search", "dog", "--index", "qdrant://127.0.0.1/notes"]);
    assert!(said.contains("--features qdrant"), "{said}");
}
