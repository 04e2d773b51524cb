//! Thresholds with a promise: calibrate, verify by them, drift, with wrong input included.

use std::fmt::Write;
use std::fs;
use std::path::Path;

use serde_json::{Value, json};

use crate::program::{command, fail, json, succeed, verifier, vetted};

/// A log of decisions: of the surer half one in `wrong_every` is wrong, of the other every second.
fn log(decisions: usize, wrong_every: usize) -> String {
    let mut log = String::new();
    for i in 0..decisions {
        let score = (i * 7919 % decisions) as f64 / decisions as f64;
        let right = if score < 0.5 { i % 2 == 0 } else { i % wrong_every != 0 };
        let segment = ["north", "south"][i % 2];
        let line = json!({"score": score, "right": right, "segment": segment, "query": "not read"});
        writeln!(log, "{line}").unwrap();
    }
    log
}

const PEOPLE: [&str; 12] = [
    "nurse", "farmer", "baker", "judge", "pilot", "singer", "doctor", "teacher", "guard", "clerk", "tenant", "painter",
];
const VERBS: [(&str, &str); 6] = [
    ("visited", "visited"),
    ("helped", "helped"),
    ("paid", "paid"),
    ("followed", "followed"),
    ("thanked", "thanked"),
    ("called", "called"),
];

/// Who did what to whom, in the passive voice: matches and, with the roles changed, near misses.
pub fn pairs() -> Vec<(String, String, bool)> {
    let mut pairs = Vec::new();
    for (i, one) in PEOPLE.iter().enumerate() {
        for other in PEOPLE.iter().skip(i + 1) {
            for (verb, participle) in VERBS {
                let query = format!("The {one} {verb} the {other}.");
                pairs.push((format!("The {other} was {participle} by the {one}."), query.clone(), true));
                pairs.push((format!("The {one} was {participle} by the {other}."), query, false));
            }
        }
    }
    pairs
}

pub fn write_pairs(folder: &Path) {
    let mut table = String::from("s1\ts2\tlabel\tregion\n");
    let mut objects = String::new();
    for (i, (candidate, query, right)) in pairs().into_iter().enumerate() {
        let (label, region) = (u8::from(right), ["north", "south"][i / 2 % 2]);
        writeln!(table, "{candidate}\t{query}\t{label}\t{region}").unwrap();
        writeln!(objects, "{}", json!({"s1": candidate, "s2": query, "label": label, "region": region})).unwrap();
    }
    fs::write(folder.join("pairs.tsv"), &table).unwrap();
    fs::write(folder.join("pairs.csv"), table.replace('\t', ",")).unwrap();
    fs::write(folder.join("pairs.jsonl"), objects).unwrap();
}

fn read(path: &Path) -> Value {
    json(&fs::read_to_string(path).unwrap())
}

#[test]
fn logged_decisions_give_a_threshold_that_keeps_the_bound_and_drift_watches_it() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name);
    fs::write(path("log.jsonl"), log(4000, 200)).unwrap();
    let calibrate = ["calibrate", "--data", "log.jsonl", "--relation", "equivalence", "--max-false-accept", "0.05"];
    let arguments = [&calibrate[..], &["--out", "c.json", "--report", "page", "--json"]].concat();
    let report = json(&succeed(folder.path(), &arguments));
    let threshold = &report["calibration"]["thresholds"][0]["accept"]["threshold"];
    let coverage = threshold["coverage"]["share"].as_f64().unwrap();
    assert!((0.4..0.56).contains(&coverage), "{report}");
    assert!(threshold["wrong"].as_f64().unwrap() < 0.05 * threshold["beyond"].as_f64().unwrap(), "{report}");

    let file = read(&path("c.json"));
    assert_eq!((&file["format"], &file["version"]), (&"vetted calibration".into(), &1.into()));
    let written = &file["calibration"];
    assert_eq!(written, &report["calibration"]);
    assert!(written["verifier"].is_null() && written["data"]["sha256"].as_str().unwrap().len() == 64, "{written}");
    assert_eq!(read(&path("page/calibration.json")), report);
    let page = fs::read_to_string(path("page/calibration.html")).unwrap();
    assert_eq!(page.matches("<svg").count(), 3);
    for foreign in ["http:", "https:", "<script", "src=", "@import", "url("] {
        assert!(!page.contains(foreign), "the page needs {foreign}");
    }
    let markdown = fs::read_to_string(path("page/calibration.md")).unwrap();
    assert!(markdown.starts_with("# What may be accepted?") && markdown.contains("P-CHR AUC"), "{markdown}");

    // The same data, the same file.
    let before = fs::read(path("c.json")).unwrap();
    succeed(folder.path(), &arguments);
    assert_eq!(fs::read(path("c.json")).unwrap(), before);

    let drift = ["drift", "--calibration", "c.json", "--json", "--decisions"];
    let answer = json(&succeed(folder.path(), &[&drift[..], &["log.jsonl"]].concat()));
    assert_eq!((&answer["rings"], &answer["rang_at"]), (&false.into(), &Value::Null), "{answer}");
    fs::write(path("later.jsonl"), log(4000, 5)).unwrap();
    let output = vetted(folder.path(), &[&drift[..], &["later.jsonl"]].concat());
    assert_eq!(output.status.code(), Some(3));
    let answer = json(&String::from_utf8(output.stdout).unwrap());
    assert!(answer["rings"] == true && answer["p_value"].as_f64().unwrap() < 0.05, "{answer}");
    assert!(answer["rang_at"].as_u64().unwrap() < 500, "{answer}");
    // What became of a decision may be logged, too; then nothing is decided anew.
    let accepted =
        "{\"right\": false, \"verdict\": \"accept\"}\n".repeat(20) + "{\"right\": false, \"verdict\": \"abstain\"}";
    fs::write(path("verdicts.jsonl"), accepted).unwrap();
    let output = vetted(folder.path(), &[&drift[..4], &["--decisions", "verdicts.jsonl"]].concat());
    assert_eq!(output.status.code(), Some(3));
    assert!(String::from_utf8(output.stdout).unwrap().contains("\"audited\":20"));
}

#[test]
fn what_cannot_be_promised_is_said_and_accepts_nothing() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("few.jsonl"), log(200, 1000)).unwrap();
    fs::write(folder.path().join("bad.jsonl"), log(4000, 3)).unwrap();
    for (data, rate, said) in [
        ("few.jsonl", "0.01", "takes at least 299 decisions to test on"),
        ("few.jsonl", "0.01", "more labelled decisions would do"),
        ("bad.jsonl", "0.01", "More decisions like these would not help"),
    ] {
        let calibrate =
            ["calibrate", "--data", data, "--relation", "support", "--max-false-accept", rate, "--out", "c.json"];
        let output = vetted(folder.path(), &calibrate);
        let printed = String::from_utf8(output.stdout).unwrap();
        assert_eq!(output.status.code(), Some(3), "{printed}");
        assert!(printed.contains("Accept nothing") && printed.contains(said), "{printed}");
        let file = read(&folder.path().join("c.json"));
        assert!(file["calibration"]["thresholds"][0]["accept"]["nothing"].is_object(), "{file}");
        let drift = ["drift", "--calibration", "c.json", "--decisions", data];
        assert!(succeed(folder.path(), &drift).contains("nothing was accepted"));
    }
    // An average takes far fewer.
    let marginal = ["calibrate", "--data", "few.jsonl", "--relation", "support", "--max-false-accept", "0.05"];
    let printed = succeed(folder.path(), &[&marginal[..], &["--promise", "marginal", "--out", "m.json"]].concat());
    assert!(printed.contains("of all decisions, at most 5 % is accepted and wrong, on average"), "{printed}");
    let message = fail(folder.path(), &["drift", "--calibration", "m.json", "--decisions", "few.jsonl"]);
    assert!(message.contains("promises an average"), "{message}");
}

#[test]
fn pairs_give_a_calibration_that_verify_decides_by() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name);
    write_pairs(folder.path());
    let calibrate = |data: &str, relation: &str, out: &str, more: &[&str]| {
        let arguments =
            ["calibrate", "--data", data, "--relation", relation, "--max-false-accept", "0.2", "--out", out, "--json"];
        let output = vetted(folder.path(), &[&arguments[..], more].concat());
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        json(&String::from_utf8(output.stdout).unwrap())
    };
    let report = calibrate(
        "pairs.tsv",
        "equivalence",
        "c.json",
        &["--max-false-reject", "0.2", "--decisions-out", "seen.jsonl"],
    );
    let calibration = &report["calibration"];
    assert_eq!(calibration["verifier"]["sha256"].as_str().unwrap().len(), 64);
    assert_eq!(calibration["data"]["decisions"], pairs().len());
    let weights = calibration["score"]["features"].as_array().unwrap();
    assert!(weights.iter().any(|it| it["name"] == "match"), "{calibration}");
    assert_eq!(report["measured"]["fits"].as_array().unwrap().len(), 2, "alone, and together with the cosine");

    // Every format says the same, and so do the decisions that were kept, without a model.
    let thresholds = |report: &Value| report["calibration"]["thresholds"].clone();
    for data in ["pairs.csv", "pairs.jsonl"] {
        let other = calibrate(data, "equivalence", "other.json", &["--max-false-reject", "0.2"]);
        assert_eq!(thresholds(&other), thresholds(&report), "{data}");
    }
    let again = calibrate("seen.jsonl", "equivalence", "again.json", &["--max-false-reject", "0.2"]);
    // Numbers in decimal digits may differ in the last bit.
    let seen = |report: &Value| {
        let accept = &thresholds(report)[0]["accept"]["threshold"];
        (accept["beyond"].as_u64(), accept["wrong"].as_u64(), format!("{:.9}", accept["score"].as_f64().unwrap()))
    };
    assert_eq!(seen(&again), seen(&report));
    assert_eq!(again["calibration"]["verifier"]["sha256"], calibration["verifier"]["sha256"]);
    assert_eq!(again["calibration"]["data"]["split_sha256"], calibration["data"]["split_sha256"]);

    let query = "The nurse helped the farmer.";
    let verify = ["verify", "-q", query, "-c", "The farmer was helped by the nurse.", "-c", "   ", "--relation"];
    for file in ["c.json", "again.json"] {
        let answer =
            json(&succeed(folder.path(), &[&verify[..], &["equivalence", "--calibration", file, "--json"]].concat()));
        let [read, unread] = &answer["results"].as_array().unwrap()[..] else { panic!("{answer}") };
        let accept = calibration["thresholds"][0]["accept"]["threshold"]["score"].as_f64().unwrap();
        let reject = calibration["thresholds"][0]["reject"]["threshold"]["score"].as_f64();
        let score = read["calibrated"]["score"].as_f64().unwrap();
        let expected = match score {
            score if score >= accept => "accept",
            score if reject.is_some_and(|reject| score <= reject) => "reject",
            _ => "abstain",
        };
        assert_eq!(read["verdict"], expected, "{answer}");
        let probability = read["calibrated"]["probability"].as_f64().unwrap();
        assert!((probability - 1.0 / (1.0 + (-score).exp())).abs() < 1e-9, "{answer}");
        assert!(read["calibrated"]["features"]["match"].is_number(), "{answer}");
        assert_eq!((&unread["verdict"], &unread["calibrated"]["probability"]), (&"unverified".into(), &Value::Null));
    }
    let shown = succeed(folder.path(), &[&verify[..], &["equivalence", "--calibration", "c.json"]].concat());
    assert!(shown.contains("calibrated: right to accept with a probability of 0."), "{shown}");
    // What is printed becomes a line of a log.
    let answer =
        json(&succeed(folder.path(), &[&verify[..], &["equivalence", "--calibration", "c.json", "--json"]].concat()));
    let result = &answer["results"][0];
    let line = json!({"features": result["calibrated"]["features"], "verdict": result["verdict"], "right": true});
    fs::write(path("one.jsonl"), line.to_string()).unwrap();
    succeed(folder.path(), &["drift", "--calibration", "c.json", "--decisions", "one.jsonl"]);
}

#[test]
fn a_calibration_is_refused_where_it_does_not_fit() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name);
    write_pairs(folder.path());
    let made = ["calibrate", "--data", "pairs.tsv", "--relation", "support", "--max-false-accept", "0.3", "--out"];
    vetted(folder.path(), &[&made[..], &["c.json"]].concat());
    vetted(folder.path(), &[&made[..], &["regions.json", "--by-segment", "region"]].concat());
    fs::write(path("log.jsonl"), log(1000, 200)).unwrap();
    let own =
        ["calibrate", "--data", "log.jsonl", "--relation", "support", "--max-false-accept", "0.3", "--out", "own.json"];
    succeed(folder.path(), &own);

    // The same verifier under another name in its files.
    fs::create_dir(path("other")).unwrap();
    let config = fs::read_to_string(Path::new(&verifier()).join("config.json")).unwrap();
    let mut config = json(&config);
    config["name"] = "other".into();
    fs::write(path("other/config.json"), config.to_string()).unwrap();
    fs::copy(Path::new(&verifier()).join("model.safetensors"), path("other/model.safetensors")).unwrap();

    let written = fs::read_to_string(path("c.json")).unwrap();
    let mut edited = json(&written);
    edited["calibration"]["made"]["date"] = "1999-01-01".into();
    fs::write(path("edited.json"), edited.to_string()).unwrap();
    let mut added = json(&written);
    added["calibration"]["note"] = "mine".into();
    fs::write(path("added.json"), added.to_string()).unwrap();
    fs::write(path("version.json"), written.replace("\"version\": 1", "\"version\": 2")).unwrap();
    fs::write(path("cut.json"), &written[..written.len() / 2]).unwrap();
    // Blanks and line ends say nothing.
    fs::write(path("compact.json"), json(&written).to_string()).unwrap();

    fn verify<'a>(more: &[&'a str]) -> Vec<&'a str> {
        [&["verify", "-q", "The nurse paid the judge.", "-c", "The nurse paid the judge."], more].concat()
    }
    for good in [&["--calibration", "c.json"][..], &["--calibration", "compact.json"]] {
        succeed(folder.path(), &verify(good));
    }
    succeed(folder.path(), &verify(&["--calibration", "regions.json", "--segment", "south"]));
    for (more, complaint) in [
        (&["--calibration", "c.json", "--relation", "equivalence"][..], "is about support, and equivalence was asked"),
        (&["--calibration", "c.json", "--verifier", "other"], "was made for the verifier"),
        (&["--calibration", "own.json"], "fits those scores and no verifier"),
        (&["--calibration", "edited.json"], "was changed after it was made"),
        (&["--calibration", "added.json"], "was changed after it was made"),
        (&["--calibration", "version.json"], "version 2, and this vetted reads version 1"),
        (&["--calibration", "cut.json"], "is not a calibration"),
        (&["--calibration", "pairs.tsv"], "is not a calibration"),
        (&["--calibration", "nowhere.json"], "cannot read nowhere.json"),
        (
            &["--calibration", "regions.json"],
            "name a segment. The calibration has thresholds of their own for each `region`: north, south",
        ),
        (&["--calibration", "regions.json", "--segment", "west"], "nothing is known about the segment \"west\""),
    ] {
        let message = fail(folder.path(), &verify(more));
        assert!(message.contains(complaint), "{more:?}: {message}");
    }
    let kind =
        |more: &[&str]| json(&fail(folder.path(), &verify(&[more, &["--json"]].concat())))["error"]["kind"].clone();
    assert_eq!(kind(&["--calibration", "edited.json"]), "damaged");
    assert_eq!(kind(&["--calibration", "c.json", "--verifier", "other"]), "conflict");
    assert_eq!(kind(&["--calibration", "nowhere.json"]), "not-found");
}

#[test]
fn each_segment_has_its_threshold() {
    let folder = tempfile::tempdir().unwrap();
    // In the south a third of what looks sure is wrong.
    let south = log(6000, 3).lines().filter(|it| it.contains("south")).collect::<Vec<_>>().join("\n");
    let north = log(6000, 500).lines().filter(|it| it.contains("north")).collect::<Vec<_>>().join("\n");
    fs::write(folder.path().join("log.jsonl"), format!("{north}\n{south}\n")).unwrap();
    let calibrate =
        ["calibrate", "--data", "log.jsonl", "--relation", "support", "--max-false-accept", "0.05", "--out", "c.json"];
    let report = json(&succeed(folder.path(), &[&calibrate[..], &["--by-segment", "segment", "--json"]].concat()));
    let [north, south] = &report["calibration"]["thresholds"].as_array().unwrap()[..] else { panic!("{report}") };
    assert!(north["segment"] == "north" && north["accept"]["threshold"]["beyond"].as_u64() > Some(500), "{north}");
    assert!(south["segment"] == "south" && south["accept"]["nothing"].is_object(), "{south}");
    let message = fail(folder.path(), &[&calibrate[..], &["--by-segment", "query_type"]].concat());
    assert!(message.contains("decision 1 names no segment"), "{message}");
}

#[test]
fn data_that_cannot_be_calibrated_on_are_refused() {
    let folder = tempfile::tempdir().unwrap();
    let write = |name: &str, content: &str| fs::write(folder.path().join(name), content).unwrap();
    write("empty.tsv", "");
    write("header.tsv", "s1\ts2\tlabel\n");
    write("matches.tsv", "s1\ts2\tlabel\nA dog bit a man.\tA man was bitten.\t1\n");
    write("other.tsv", "s1\ts2\tlabel\trelation\na\tb\t1\tsupport\n");
    write("unread.tsv", "s1\ts2\tlabel\n \tb\t1\n \tc\t0\n");
    write("unlabelled.tsv", "s1\ts2\na\tb\n");
    write("nan.jsonl", "{\"score\": 1, \"right\": true}\n{\"score\": NaN, \"right\": true}\n");
    write("right.jsonl", "{\"score\": 1, \"right\": true}\n{\"score\": 2, \"right\": true}\n");
    write("log.jsonl", &log(100, 5));
    let calibrate = |data: &str, more: &[&str]| {
        let mut arguments = vec!["calibrate", "--data", data, "--out", "c.json"];
        arguments.extend(if more.contains(&"--relation") { &[][..] } else { &["--relation", "equivalence"] });
        arguments.extend(if more.contains(&"--max-false-accept") { &[][..] } else { &["--max-false-accept", "0.1"] });
        arguments.extend(more);
        fail(folder.path(), &arguments)
    };
    for (data, more, complaint) in [
        ("empty.tsv", &[][..], "the file is empty"),
        ("header.tsv", &[], "there are no decisions"),
        ("matches.tsv", &[], "all 1 decisions are right to accept"),
        ("other.tsv", &[], "none of the 1 pairs is about equivalence"),
        ("unread.tsv", &[], "none of the 2 decisions has a score"),
        ("unlabelled.tsv", &[], "`equiv` or `label`"),
        ("nan.jsonl", &[], "nan.jsonl:2: expected value"),
        ("right.jsonl", &[], "all 2 decisions are right"),
        ("nowhere.tsv", &[], "nowhere.tsv"),
        ("matches.tsv", &["--by-segment", "tenant"], "there is no column `tenant`"),
        ("log.jsonl", &["--max-false-accept", "1.5"], "the rate of errors is 1.5"),
        ("log.jsonl", &["--max-false-reject", "0"], "the rate of errors is 0"),
        ("log.jsonl", &["--confidence", "1"], "the confidence is 1"),
        ("log.jsonl", &["--out", "nowhere/c.json"], "cannot write nowhere/c.json"),
    ] {
        let more: Vec<&str> = more.to_vec();
        let message = match more.contains(&"--out") {
            true => fail(
                folder.path(),
                &[&["calibrate", "--data", data, "--relation", "support", "--max-false-accept", "0.1"], &more[..]]
                    .concat(),
            ),
            false => calibrate(data, &more),
        };
        assert!(message.contains(complaint), "{data} {more:?}: {message}");
    }
    assert!(!folder.path().join("c.json").exists(), "what was refused wrote nothing");
    let output = command(folder.path(), &["calibrate", "--data", "log.jsonl"]).output().unwrap();
    assert_eq!(output.status.code(), Some(2), "what is to be promised must be said");
}
