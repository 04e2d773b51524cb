//! `vetted-study` at the smallest size: that it measures, keeps what it measured, and writes its page.

#![cfg(feature = "experiments")]

use std::fs;
use std::path::Path;
use std::process::{Command, Output};

use serde_json::Value;

fn study(folder: &Path, arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_vetted-study")).args(arguments).current_dir(folder).output().unwrap()
}

/// Standard error of a run that must fail with status 1.
fn fail(folder: &Path, arguments: &[&str]) -> String {
    let output = study(folder, arguments);
    assert_eq!(output.status.code(), Some(1), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stderr).unwrap()
}

fn json(text: &str) -> Value {
    serde_json::from_str(text).unwrap_or_else(|error| panic!("{error} in {text:?}"))
}

/// A tiny encoder with random weights, of the encoder crate's tests, with an activation that is trained.
fn tiny(folder: &Path) {
    let golden = Path::new(env!("CARGO_MANIFEST_DIR")).join("../encoder/tests/golden/families/bert");
    let out = folder.join("tiny");
    fs::create_dir_all(&out).unwrap();
    for file in ["tokenizer.json", "model.safetensors"] {
        fs::copy(golden.join(file), out.join(file)).unwrap();
    }
    let mut config = json(&fs::read_to_string(golden.join("config.json")).unwrap());
    config["hidden_act"] = "gelu".into();
    fs::write(out.join("config.json"), config.to_string()).unwrap();
}

/// A retrieval set and a file of questions.
fn data(folder: &Path) {
    let people = ["nurse", "doctor", "teacher", "farmer", "sailor", "baker", "lawyer", "painter", "miller", "judge"];
    let things = ["dog", "tea", "kettle", "water", "bridge", "summer", "heat", "steel", "salt", "bread"];
    let sentence = |index: usize| {
        format!("The {} visited the old {} before the war.", people[index % 10], people[(index + 3) % 10])
    };
    let paragraphs: Vec<_> = (0..60)
        .map(|index| {
            let context = format!("{} The {} was in town in 19{:02}.", sentence(index), things[index % 10], 10 + index);
            let question = format!("When was the {} in town with the {}?", things[index % 10], people[index % 10]);
            serde_json::json!({"context": context, "qas": [{"question": question}]})
        })
        .collect();
    let squad = serde_json::json!({"data": [{"paragraphs": paragraphs}]});
    fs::write(folder.join("squad.json"), squad.to_string()).unwrap();
    fs::create_dir_all(folder.join("set/qrels")).unwrap();
    let lines = |letter: &str| -> String {
        (0..10)
            .map(|n| {
                format!(
                    "{{\"_id\": \"{letter}{n}\", \"text\": \"the {} and the {}\"}}\n",
                    things[n],
                    things[(n + 1) % 10]
                )
            })
            .collect()
    };
    fs::write(folder.join("set/corpus.jsonl"), lines("d")).unwrap();
    fs::write(folder.join("set/queries.jsonl"), lines("q")).unwrap();
    fs::write(folder.join("set/qrels/test.tsv"), (0..10).map(|n| format!("q{n}\td{n}\t1\n")).collect::<String>())
        .unwrap();
}

const STUDY: [&str; 19] = [
    "--part",
    "encoders",
    "--base",
    "tiny",
    "--data",
    "set",
    "--questions",
    "squad.json",
    "--work",
    "work",
    "--out",
    "page",
    "--steps",
    "2",
    "--batch",
    "4",
    "--seeds",
    "1",
    "--rate=1e-3",
];

#[test]
fn a_study_is_made_once_and_its_page_says_what_was_found() {
    let folder = tempfile::tempdir().unwrap();
    tiny(folder.path());
    data(folder.path());
    let arguments = [&STUDY[..], &["--shares", "0.25"]].concat();
    let first = study(folder.path(), &arguments);
    let said = String::from_utf8_lossy(&first.stderr);
    assert!(first.status.success(), "{said}");
    for cell in [
        "tiny-untouched",
        "tiny-a-steps2-rate1e-3-seed0",
        "tiny-b50-steps2-rate1e-3-seed0",
        "tiny-b25-steps2-rate1e-3-seed0",
    ] {
        assert!(said.contains(&format!("{cell}: done")), "{cell}: {said}");
    }
    let read = |name: &str| fs::read_to_string(folder.path().join("page").join(name)).unwrap();
    let page = read("README.md");
    assert!(page.starts_with("# Should I fine-tune my retriever to see structure?\n\n**"), "{page}");
    for part in [
        "### tiny: share 0.",
        "| set (n = 10)",
        "**average of the sets**",
        "tiny, untouched",
        "--shares 0.25",
        "![Change",
    ] {
        assert!(page.contains(part), "{part} is not in {page}");
    }
    assert!(
        read("figures.csv").starts_with("experiment,base,model,share,steps,rate,seed,on,metric,value,low,high,n\n")
    );
    let written = json(&read("study.json"));
    assert_eq!(written["cells"]["encoders"].as_array().unwrap().len(), 4);
    assert_eq!(written["effects"].as_array().unwrap().len(), 2);
    for picture in ["sets.svg", "structure.svg", "curves.svg"] {
        assert!(read(picture).starts_with("<svg"), "{picture}");
    }

    let again = study(folder.path(), &arguments);
    let said = String::from_utf8_lossy(&again.stderr);
    assert!(said.contains("tiny-b50-steps2-rate1e-3-seed0: kept") && !said.contains("measuring"), "{said}");
    assert_eq!(read("README.md"), page);

    // Another rate stands beside the first, as a setting of its own.
    let gentle = study(folder.path(), &[&STUDY[..18], &["--rate=1e-5"]].concat());
    assert!(gentle.status.success(), "{}", String::from_utf8_lossy(&gentle.stderr));
    assert_eq!(json(&read("study.json"))["effects"].as_array().unwrap().len(), 3);

    // What was measured otherwise is measured again.
    let other = study(folder.path(), &[&STUDY[..], &["--max-tokens", "8"]].concat());
    let said = String::from_utf8_lossy(&other.stderr);
    assert!(
        said.contains("tiny-untouched: kept") && said.contains("tiny-a-steps2-rate1e-3-seed0: measuring"),
        "{said}"
    );
}

#[test]
fn wrong_input_is_named() {
    let folder = tempfile::tempdir().unwrap();
    tiny(folder.path());
    data(folder.path());
    let with = |more: &[&str]| fail(folder.path(), &[&STUDY[..], more].concat());
    assert!(with(&["--share", "1"]).contains("a share is 1: it must be above 0 and at most 0.9"));
    assert!(with(&["--part", "verifiers"]).contains("leave --base out, or give --part encoders"));
    fs::write(folder.path().join("set/qrels/test.tsv"), "q0\td99\t1\n").unwrap();
    assert!(with(&[]).contains("judges 1 document (d99)"));
    fs::write(folder.path().join("squad.json"), "{}").unwrap();
    let message = with(&[]);
    assert!(message.contains("squad.json:1:") && message.contains("expected SQuAD's format"), "{message}");
}
