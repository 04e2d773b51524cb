//! The shapes that programs rely on, field by field: golden files in `tests/all/wire`, with their JSON Schemas. To write them anew
//! after a change that was meant: `VETTED_WRITE_GOLDEN=1 cargo test -p vetted --test all wire`, and read the difference.

use std::fmt::Debug;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use schemars::JsonSchema;
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use vetted::calibrated::CalibratedVerdict;
use vetted::calibration::{Decided, Features, Ruling};
use vetted::reader::{Evidence, Kind, Outputs, Relation, TokenPair};
use vetted::wire::{Encoder, ErrorAnswer, IndexAnswer, IndexInfo, SearchAnswer, VerifyAnswer, VerifyResult};
use vetted::{
    Answer, Assessment, Explanation, Finding, Found, Fusion, Grounds, Hit, Judgement, LeftOut, Mode, Outcome, Part,
    Scores, Search, Snippet, Timing, Unverified, Verification, Verify,
};

fn golden(file: &str, text: &str) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/all/wire").join(file);
    if std::env::var_os("VETTED_WRITE_GOLDEN").is_some() {
        std::fs::write(&path, text).unwrap();
    }
    let expected = std::fs::read_to_string(&path).unwrap_or_default();
    let how = "if that was meant: VETTED_WRITE_GOLDEN=1 cargo test -p vetted --test all wire";
    assert_eq!(text, expected, "{file} has another shape than before; {how}");
}

/// Holds an answer and its schema against their files, and reads the answer back.
fn check<T: Serialize + DeserializeOwned + JsonSchema + PartialEq + Debug>(name: &str, answers: &[T]) {
    let pretty = |value: &Value| serde_json::to_string_pretty(value).unwrap() + "\n";
    let values: Vec<Value> = answers.iter().map(|answer| serde_json::to_value(answer).unwrap()).collect();
    golden(&format!("{name}.json"), &pretty(&Value::Array(values.clone())));
    golden(&format!("{name}.schema.json"), &pretty(&schemars::schema_for!(T).to_value()));
    for (answer, value) in answers.iter().zip(values) {
        assert_eq!(&serde_json::from_value::<T>(value).unwrap(), answer, "what is written is read");
    }
}

fn assessment<Place>(finding: Finding, window: Place) -> Assessment<Place> {
    let (p_match, p_conflict) = match finding {
        Finding::Supports | Finding::Same => (0.9375, 0.0625),
        Finding::Contradicts | Finding::Different => (0.125, 0.875),
        Finding::Neither => (0.25, 0.125),
    };
    let kind = (!matches!(finding, Finding::Supports | Finding::Same)).then_some(Kind::Role);
    let outputs = Outputs { support: 1.0, equivalence: 0.0, conflict: -1.0, kinds: [0.0; Kind::COUNT] };
    let judgement = Judgement { finding, p_match, p_conflict, kind, answer: None };
    Assessment { judgement, outputs, support_of_all: 1.0, coverage: 0.5, window, vouched: None, differs_in: None }
}

/// What a search says of a passage in which support is found.
fn vouched(vouched: f32, window: Part) -> Assessment<Part> {
    Assessment { vouched: Some(vouched), ..assessment(Finding::Supports, window) }
}

fn explanation() -> Explanation {
    let pair = |query, candidate, weight| TokenPair { query, candidate, similarity: 0.75, weight };
    let words = |text: &str| text.split(' ').map(str::to_owned).collect();
    Explanation {
        evidence: Evidence {
            outputs: assessment(Finding::Supports, ()).outputs,
            rows: 3,
            columns: 4,
            map: vec![0.0; 12],
            query: vec![0.0; 3],
            candidate: vec![0.0; 4],
            pairs: vec![pair(0, 0, 3.0), pair(1, 2, 2.5), pair(2, 1, 0.5)],
        },
        query_tokens: words("[CLS] dog bit"),
        candidate_tokens: words("[CLS] bitten dog [SEP]"),
    }
}

fn snippet(text: &str) -> Snippet {
    Snippet { text: text.into(), chars: 4..4 + text.chars().count(), matches: Vec::new() }
}

fn hit(rank: usize, outcome: Outcome) -> Hit {
    let window = outcome.assessment().map(|_| snippet("Caf\u{e9}: the dog bit.")).unwrap_or_default();
    Hit {
        rank,
        id: format!("d{rank}"),
        recall_rank: rank + 1,
        score: 0.5,
        scores: Scores { dense: Some(0.5), bm25: None },
        outcome,
        window,
        evidence: None,
        title: "Report".into(),
        snippet: Snippet { matches: std::iter::once(11..14).collect(), ..snippet("Caf\u{e9}: the dog bit.") },
        metadata: json!({"year": 2025}).as_object().unwrap().clone(),
    }
}

#[test]
fn a_search_answers_in_this_shape() {
    let text = Part::Text(4..22);
    let left_out = |id: &str, grounds| LeftOut {
        id: id.into(),
        recall_rank: 1,
        score: 0.75,
        outcome: Outcome::Reject(assessment(Finding::Contradicts, text.clone()), grounds),
        window: snippet("The man bit the dog."),
        title: String::new(),
    };
    let timing = Timing {
        encoding: Duration::from_millis(5),
        ranking: Duration::from_micros(250),
        verifying: Duration::from_millis(8),
        reading: Duration::from_micros(125),
        evidence: Duration::from_millis(2),
    };
    let unverified = [
        Unverified::BeyondDepth,
        Unverified::BudgetSpent,
        Unverified::QueryTooLong,
        Unverified::QueryTooShort,
        Unverified::QueryWithoutText,
        Unverified::NoText,
        Unverified::NotEnglish,
        Unverified::UnknownCharacters,
        Unverified::Failed(Arc::new(std::io::Error::other("the disk failed"))),
    ];
    let mut hits = vec![
        hit(1, Outcome::Accept(vouched(0.96875, text.clone()))),
        hit(2, Outcome::Abstain(assessment(Finding::Neither, Part::Title))),
        hit(3, Outcome::Reject(assessment(Finding::Contradicts, text.clone()), Grounds::Contradicts)),
    ];
    hits[0].evidence = Some(explanation());
    hits.extend((4..).zip(unverified).map(|(rank, why)| hit(rank, Outcome::Unverified(why))));
    let rejected = vec![left_out("d8", Grounds::Contradicts), left_out("d9", Grounds::Rival { id: "d1".into() })];
    let found = Found { hits, rejected, not_asked: Vec::new(), timing };
    let search = Search::new("who was bitten by the dog?").verify(Verify { evidence: true, ..Verify::default() });
    let verified = SearchAnswer::new(Some("q1".into()), &search, &found);

    let timing = Timing { verifying: Duration::ZERO, evidence: Duration::ZERO, ..timing };
    let found = Found { hits: vec![hit(1, Outcome::Off)], rejected: Vec::new(), not_asked: Vec::new(), timing };
    let modes = [Mode::Dense, Mode::Bm25, Mode::Hybrid(Fusion::default())];
    let plain = modes.map(|mode| SearchAnswer::new(None, &Search::new("dogs").mode(mode).verify(None), &found));
    check("search", &[&[verified][..], &plain].concat());
}

#[test]
fn a_verification_answers_in_this_shape() {
    let results = |verifications: Vec<Verification>| {
        let result = |(at, one): (usize, &Verification)| {
            VerifyResult::new(at, "The man was bitten.", one, (at == 0).then(explanation).as_ref())
                .id((at == 1).then(|| "c7".into()))
        };
        verifications.iter().enumerate().map(result).collect::<Vec<_>>()
    };
    let answering = |answer| {
        let read = assessment(Finding::Supports, 0..19);
        Assessment { judgement: Judgement { answer: Some(answer), ..read.judgement }, ..read }
    };
    let support = results(vec![
        Verification::Accept(assessment(Finding::Supports, 0..19)),
        Verification::Reject(assessment(Finding::Contradicts, 0..19)),
        Verification::Abstain(assessment(Finding::Neither, 0..19)),
        Verification::Unverified(Unverified::NoText, None),
        Verification::Unverified(Unverified::QueryTooLong, Some(assessment(Finding::Supports, 0..19))),
        Verification::Accept(answering(Answer::Yes)),
        Verification::Accept(answering(Answer::No)),
    ]);
    let equivalence = results(vec![
        Verification::Accept(assessment(Finding::Same, 0..19)),
        Verification::Reject(assessment(Finding::Different, 0..19)),
        Verification::Unverified(Unverified::CandidateTooLong, Some(assessment(Finding::Same, 0..19))),
    ]);
    let query = || "The dog bit the man.".to_owned();
    let verdict = |ruling| CalibratedVerdict {
        decided: Decided { ruling, score: Some(1.5), probability: Some(0.875) },
        features: Some(Features::from([("cosine", 0.5), ("match", 1.0)])),
    };
    let unread = CalibratedVerdict {
        decided: Decided { ruling: Ruling::Abstain, score: None, probability: None },
        features: None,
    };
    let read = Verification::Accept(assessment(Finding::Same, 0..19));
    let unverified = Verification::Unverified(Unverified::NoText, None);
    let calibrated = [
        (&read, verdict(Ruling::Accept), None),
        (&read, verdict(Ruling::Reject), Some("north")),
        (&read, verdict(Ruling::Abstain), None),
        (&unverified, unread, None),
    ]
    .into_iter()
    .enumerate()
    .map(|(at, (verification, verdict, segment))| {
        VerifyResult::new(at, "The man was bitten.", verification, None).calibrated(verification, &verdict, segment)
    });
    check(
        "verify",
        &[
            VerifyAnswer::new(query(), Relation::Support, support),
            VerifyAnswer::new(query(), Relation::Equivalence, equivalence),
            VerifyAnswer::new(query(), Relation::Equivalence, calibrated.collect()),
            VerifyAnswer::new(query(), Relation::Support, Vec::new()),
        ],
    );
}

#[test]
fn an_index_is_told_in_this_shape() {
    let encoder = Encoder { name: "all-MiniLM-L6-v2".into(), fingerprint: "00ff".into(), dimensions: 384 };
    let settings = json!({"model": "all-MiniLM-L6-v2", "precision": "f32", "views": "int8"});
    check(
        "info",
        &[IndexInfo {
            index: "notes.index".into(),
            documents: 3,
            passages: 5,
            created: Some(1_780_000_000),
            changed: None,
            bytes: 40_960,
            bytes_of_views: 1024,
            format: 1,
            encoder,
            settings: settings.as_object().unwrap().clone(),
        }],
    );
    check(
        "index",
        &[IndexAnswer {
            index: "notes.index".into(),
            model: "all-MiniLM-L6-v2".into(),
            documents: 3,
            added: 2,
            replaced: 1,
            unchanged: 0,
            duplicates: 0,
            deleted: 1,
            skipped: 1,
            empty: 2,
            broken_links: 0,
            unread: [(".png".to_owned(), 3)].into_iter().collect(),
            seconds: 0.5,
        }],
    );
}

#[test]
fn an_error_is_told_in_this_shape() {
    let index = || "notes.index".into();
    let errors = [
        vetted::Error::EmptyQuery,
        vetted::Error::Retrieval(vetted::retrieval::Error::NotAnIndex { path: index() }),
        vetted::Error::ModelMismatch { index: index(), expected: "a".into(), got: "b".into() },
        vetted::Error::Manifest { index: index(), missing: "its model" },
    ];
    check("error", &errors.each_ref().map(ErrorAnswer::from));
}
