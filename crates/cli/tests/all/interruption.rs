//! Ctrl-C, SIGTERM and kill while a command works: what is said, what is kept, and that the same command goes on.

use std::fs;
use std::path::Path;
use std::process::{Child, Command, Output, Stdio};
use std::time::{Duration, Instant};

use crate::program::{command, json, succeed, vetted};

fn start(folder: &Path, arguments: &[&str]) -> Child {
    command(folder, arguments).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap()
}

fn signal(child: &Child, name: &str) {
    assert!(Command::new("kill").args([name, &child.id().to_string()]).status().unwrap().success());
}

fn until(child: &mut Child, what: &str, there: impl Fn() -> bool) {
    let began = Instant::now();
    while !there() {
        assert!(child.try_wait().unwrap().is_none(), "it ended before {what}");
        assert!(began.elapsed() < Duration::from_secs(120), "no {what}");
        std::thread::sleep(Duration::from_millis(10));
    }
}

fn said(output: &Output) -> String {
    String::from_utf8(output.stderr.clone()).unwrap()
}

#[test]
fn an_interrupted_index_says_what_is_kept_and_goes_on() {
    const DOCUMENTS: usize = 20_000;
    let folder = tempfile::tempdir().unwrap();
    let line = |i: usize| format!("{{\"_id\": \"n{i}\", \"text\": \"note {i} about the sea and storm {}\"}}\n", i % 91);
    fs::write(folder.path().join("many.jsonl"), (0..DOCUMENTS).map(line).collect::<String>()).unwrap();
    let index = ["index", "many.jsonl", "--into", "ix"];
    let documents = || {
        let info = vetted(folder.path(), &["info", "--index", "ix", "--json"]);
        let info = info.status.success().then(|| json(&String::from_utf8(info.stdout).unwrap()));
        info.map_or(0, |info| info["documents"].as_u64().unwrap())
    };
    for (name, status) in [("-INT", 130), ("-TERM", 143)] {
        let before = documents();
        let mut child = start(folder.path(), &index);
        until(&mut child, "new documents", || documents() > before);
        signal(&child, name);
        let output = child.wait_with_output().unwrap();
        let said = said(&output);
        assert_eq!(output.status.code(), Some(status), "{said}");
        assert!(said.contains("stopping after") && said.contains("run the same command again to go on"), "{said}");
        let kept = json(&succeed(folder.path(), &["info", "--index", "ix", "--json", "--check"]));
        let kept = kept["documents"].as_u64().unwrap();
        assert!(said.contains(&format!("{kept} in all")), "{kept} documents are there: {said}");
    }
    let done = json(&succeed(folder.path(), &["index", "many.jsonl", "--into", "ix", "--json"]));
    assert_eq!(done["documents"].as_u64(), Some(DOCUMENTS as u64));
    assert!(done["unchanged"].as_u64().unwrap() >= 256, "what was kept is not encoded again: {done}");
}

#[cfg(feature = "train")]
#[test]
fn an_interrupted_training_ends_as_an_unbroken_one() {
    let folder = tempfile::tempdir().unwrap();
    let mut pairs = "equiv\trelation\ts1\ts2\n".to_owned();
    for i in 0..240 {
        let (one, other) = (format!("lamp {i} is broken"), format!("lamp {} is broken", i + i % 2));
        pairs += &format!("{}\tequivalence\t{one}\t{other}\n", 1 - i % 2);
    }
    fs::write(folder.path().join("pairs.tsv"), pairs).unwrap();
    let recipe = r#"{"architecture": {"architecture": "map-transformer", "view": 24}, "log_every": 2, "batch": 8,
        "evaluate_every": 25, "epochs": 40.0}"#;
    fs::write(folder.path().join("recipe.json"), recipe).unwrap();
    let train = |out| ["train", "verifier", "--data", "pairs.tsv", "--recipe", "recipe.json", "--json", "--out", out];
    let whole = json(&succeed(folder.path(), &train("whole")));
    let steps = whole["steps"].as_u64().unwrap();
    let mut interrupted = 0;
    let lines = || fs::read_to_string(folder.path().join("broken/metrics.jsonl")).unwrap_or_default().lines().count();
    for (name, status) in [("-INT", 130), ("-TERM", 143)] {
        let before = lines();
        let mut child = start(folder.path(), &train("broken"));
        until(&mut child, "a few steps", || lines() >= before + 5);
        signal(&child, name);
        let output = child.wait_with_output().unwrap();
        let said = said(&output);
        assert_eq!(output.status.code(), Some(status), "{said}");
        let last = said.lines().last().unwrap();
        let message = json(last)["error"]["message"].as_str().unwrap().to_owned();
        let step: u64 = message.split(' ').nth(3).unwrap().parse().unwrap();
        assert_eq!(message, format!("interrupted at step {step} of {steps}; run the same command again to go on"));
        if interrupted > 0 {
            assert!(said.contains(&format!("resuming at step {interrupted} of {steps}")), "{said}");
        }
        assert!(step > interrupted && step < steps, "{step}");
        interrupted = step;
    }
    let outcome = command(folder.path(), &train("broken")).output().unwrap();
    assert!(said(&outcome).contains(&format!("resuming at step {interrupted} of {steps}")), "{}", said(&outcome));
    let bytes = |out: &str| fs::read(folder.path().join(out).join("model.safetensors")).unwrap();
    assert!(bytes("whole") == bytes("broken"), "the weights differ");
    let again = command(folder.path(), &train("broken")).output().unwrap();
    assert!(again.status.success() && said(&again).contains("steps were taken before"), "{}", said(&again));
}
