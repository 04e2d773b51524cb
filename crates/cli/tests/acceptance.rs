//! What the models say that come with vetted: the default encoder (fetched once, 91 MB) and the shipped verifier. Training them
//! anew may change these tests and no other.

use std::fs;
use std::path::Path;
use std::process::{Command, Output};

use serde_json::Value;
use tempfile::TempDir;
use vetted::reader::{Architecture, Relation};
use vetted::{Answer, Document, Engine, Finding, Precision, Verdict, Verification, Verifier, VerifierOptions};

fn vetted(folder: &Path, arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_vetted")).args(arguments).current_dir(folder).output().unwrap()
}

/// Standard output of a run that must succeed.
fn succeed(folder: &Path, arguments: &[&str]) -> String {
    let output = vetted(folder, arguments);
    assert!(output.status.success(), "vetted {arguments:?} failed: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

/// Documents, one a line, indexed into `ix`.
fn indexed(lines: &[&str]) -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("notes.jsonl"), lines.join("\n")).unwrap();
    succeed(folder.path(), &["index", "notes.jsonl", "--into", "ix"]);
    folder
}

fn search(folder: &TempDir, query: &str) -> Value {
    serde_json::from_str(&succeed(folder.path(), &["search", "--index", "ix", "--json", query])).unwrap()
}

fn ids(list: &Value) -> Vec<&str> {
    list.as_array().unwrap().iter().map(|hit| hit["id"].as_str().unwrap()).collect()
}

#[test]
fn the_demo_shows_an_accept_a_reject_with_its_reason_and_an_abstain() {
    let folder = tempfile::tempdir().unwrap();
    let shown = succeed(folder.path(), &["demo"]);
    for part in [
        "vector search alone puts first: Merger news  acquire-a  (left out below)",
        "vector search alone puts first: Frost and tomatoes  frost-tomato  (left out below)",
        "reject: contradicts",
        "Tomato plants die in the first frost.",
        "Quarterly figures, autumn",
        "accept: supports",
        "abstain",
        "Animal control report 114",
    ] {
        assert!(shown.contains(part), "{part} is missing in\n{shown}");
    }
    let own = succeed(folder.path(), &["demo", "Kale survives hard frost."]);
    assert!(own.contains("Frost and kale  frost-kale  (and it is accepted)"), "{own}");
}

#[test]
fn what_is_meant_is_found_in_other_words() {
    let folder = indexed(&[
        r#"{"_id": "dog", "title": "Report", "text": "A dog bit a man on Harbour Street."}"#,
        r#"{"_id": "tea", "title": "Green tea", "text": "Let the kettle stand until the water is at seventy degrees."}"#,
        r#"{"_id": "kale", "title": "Frost", "text": "Kale survives frost, tomatoes do not."}"#,
    ]);
    for (query, expected) in [
        ("how hot should it be for a brew?", "tea"),
        ("which vegetable bears the cold?", "kale"),
        ("an animal injured somebody", "dog"),
    ] {
        assert_eq!(ids(&search(&folder, query)["hits"])[0], expected, "{query}");
    }
}

#[test]
fn a_near_miss_is_left_out_and_what_supports_is_accepted() {
    let folder = indexed(&[
        r#"{"_id": "dog", "text": "The dog bit the man."}"#,
        r#"{"_id": "man", "text": "The man bit the dog."}"#,
        r#"{"_id": "tea", "text": "Green tea turns bitter in boiling water."}"#,
    ]);
    for query in ["The dog bit the man.", "The man was bitten by the dog."] {
        let found = search(&folder, query);
        assert_eq!((ids(&found["hits"])[0], ids(&found["rejected"])), ("dog", vec!["man"]), "{query}: {found}");
        assert_eq!(found["hits"][0]["verdict"], "accept", "{query}: {found}");
        assert!(ids(&found["hits"]).contains(&"tea"), "what is merely about something else stays: {found}");
    }
}

#[test]
fn of_two_that_say_nearly_the_same_the_worse_one_is_left_out() {
    let folder = indexed(&[
        r#"{"_id": "right", "text": "Each repeat comprises two helices joined by a short loop. It was found in 2011."}"#,
        r#"{"_id": "wrong", "text": "Hardly any repeat comprises two helices joined by a short loop. It was found in 2011."}"#,
    ]);
    let found = search(&folder, "How many helices does each repeat comprise, joined by a short loop?");
    assert_eq!((ids(&found["hits"]), ids(&found["rejected"])), (vec!["right"], vec!["wrong"]), "{found}");
}

#[test]
fn what_differs_in_something_else_than_the_query_says_is_kept() {
    let folder = indexed(&[
        r#"{"_id": "1", "text": "The harbor museum is open on Fridays."}"#,
        r#"{"_id": "2", "text": "The castle museum is open on Sundays."}"#,
        r#"{"_id": "3", "text": "The railway museum is closed on Fridays."}"#,
    ]);
    let found = search(&folder, "When is the museum open?");
    assert!(ids(&found["rejected"]).is_empty(), "{found}");
    let records: Vec<String> = (1..20)
        .map(|n| format!(r#"{{"_id": "{n}", "text": "Report {n}: the lift in house {} is stuck."}}"#, n + 7))
        .collect();
    let folder = indexed(&records.iter().map(String::as_str).collect::<Vec<_>>());
    assert!(ids(&search(&folder, "the lift is stuck")["rejected"]).is_empty());
}

#[test]
fn a_question_is_answered_by_no_and_not_contradicted() {
    let folder = indexed(&[
        r#"{"_id": "no", "text": "The ferry does not run in winter."}"#,
        r#"{"_id": "tea", "text": "Green tea turns bitter in boiling water."}"#,
    ]);
    for query in ["Does the ferry run in winter?", "does the ferry run in winter", "Doesn't the ferry run in winter?"] {
        let found = search(&folder, query);
        assert_eq!(
            (&found["hits"][0]["id"], &found["hits"][0]["verdict"]),
            (&"no".into(), &"accept".into()),
            "{found}"
        );
        assert_eq!(
            (&found["hits"][0]["answer"], &found["rejected"]),
            (&"no".into(), &Value::Array(Vec::new())),
            "{query}"
        );
    }
    // What asserts, or presupposes, is contradicted.
    let verifier = verifier(VerifierOptions::default());
    for query in ["The ferry runs in winter.", "Why does the ferry run in winter?"] {
        let verified = verifier.verify(query, &["The ferry does not run in winter."], Relation::Support).unwrap();
        assert_eq!(verified[0].verdict(), Verdict::Reject, "{query}");
    }
    let candidates =
        ["The ferry runs in winter.", "The ferry doesn't run in winter.", "The bus does not run in winter."];
    let verified = verifier.verify("Does the ferry run in winter?", &candidates, Relation::Support).unwrap();
    let said: Vec<_> = verified.iter().map(|one| (one.verdict(), one.judgement().and_then(|it| it.answer))).collect();
    assert_eq!(said[..2], [(Verdict::Accept, Some(Answer::Yes)), (Verdict::Accept, Some(Answer::No))]);
    assert!(said[2].0 != Verdict::Accept && said[2].1.is_none(), "{said:?}");
}

#[test]
fn what_the_verifier_cannot_read_is_unverified() {
    let verifier = verifier(VerifierOptions::default());
    for (query, candidate, reason) in [
        ("\u{1f98a} saw \u{1f422}", "\u{1f422} saw \u{1f98a}", "unknown-characters"),
        ("Press \u{1f53c} to start", "Press \u{1f53d} to start", "unknown-characters"),
        ("the sum a \u{2260} b holds", "the sum a = b holds", "unknown-characters"),
        ("the sum a = b holds", "the sum a \u{2260} b holds", "unknown-characters"),
        ("Die T\u{fc}r ist geschlossen.", "Die T\u{fc}r ist nicht geschlossen.", "not-english"),
        ("The door is closed.", "La porte n'est pas ferm\u{e9}e.", "not-english"),
        (
            "\u{732b}\u{304c}\u{9b5a}\u{3092}\u{98df}\u{3079}\u{305f}",
            "\u{9b5a}\u{304c}\u{732b}\u{3092}\u{98df}\u{3079}\u{305f}",
            "not-english",
        ),
    ] {
        for relation in [Relation::Support, Relation::Equivalence] {
            match &verifier.verify(query, &[candidate], relation).unwrap()[0] {
                Verification::Unverified(why, _) => assert_eq!(why.name(), reason, "{query} / {candidate}"),
                other => panic!("{query} / {candidate}: {other:?}"),
            }
        }
    }
    for same in ["\u{1f98a} saw \u{1f422}", "the sum a \u{2260} b holds"] {
        assert_eq!(verifier.verify(same, &[same], Relation::Support).unwrap()[0].verdict(), Verdict::Accept, "{same}");
    }
    let folder = indexed(&[
        "{\"_id\": \"1\", \"text\": \"\u{1f98a} saw \u{1f422} in the garden.\"}",
        r#"{"_id": "2", "text": "Der Hund hat den Mann nicht gebissen."}"#,
    ]);
    let found = search(&folder, "\u{1f422} saw \u{1f98a} in the garden.");
    assert_eq!(
        (&found["verified"], &found["hits"][0]["reason"]),
        (&false.into(), &"unknown-characters".into()),
        "{found}"
    );
    let found = search(&folder, "Der Hund hat den Mann gebissen.");
    assert!(found["hits"].as_array().unwrap().iter().all(|hit| hit["reason"] == "not-english"), "{found}");
}

fn verifier(options: VerifierOptions) -> Verifier {
    Verifier::shipped(options, &mut |_| {}).unwrap()
}

#[test]
fn what_merely_does_not_support_is_not_rejected_and_white_space_is_unverified() {
    let verifier = verifier(VerifierOptions::default());
    let candidates = ["The man was bitten by the dog.", "The man bit the dog.", "Kale survives hard frost.", " \n"];
    let verified = verifier.verify("The dog bit the man.", &candidates, Relation::Support).unwrap();
    let said: Vec<_> = verified.iter().map(|one| (one.verdict(), one.judgement().map(|it| it.finding))).collect();
    assert_eq!(
        said,
        [
            (Verdict::Accept, Some(Finding::Supports)),
            (Verdict::Reject, Some(Finding::Contradicts)),
            (Verdict::Abstain, Some(Finding::Neither)),
            (Verdict::Unverified, None),
        ]
    );
    let verified = verifier.verify("The dog bit the man.", &candidates[..3], Relation::Equivalence).unwrap();
    let found: Vec<_> = verified.iter().filter_map(|one| one.judgement().map(|it| it.finding)).collect();
    assert_eq!(found, [Finding::Same, Finding::Different, Finding::Different]);
}

#[test]
fn a_sentence_that_two_long_documents_share_does_not_hide_the_one_in_which_they_differ() {
    let verifier = verifier(VerifierOptions::default());
    let rest = "Mara and Jonas had known each other for years, and the harbor was busy that spring. ".repeat(8);
    let shared = "Mara sold her old boat to Jonas in May.";
    let [right, wrong] = ["In May Mara sold Jonas the old boat.", "In May Jonas sold Mara the old boat."]
        .map(|sentence| format!("{shared} {rest} {sentence}"));
    let (query, documents) = ("Mara sold the old boat to Jonas in May.", [right, wrong]);
    let verified = verifier.verify(query, &documents, Relation::Support).unwrap();
    assert!(verified[0].support_of_all() > verified[1].support_of_all(), "{verified:?}");

    // Similarities do not add up.
    let max_sim = Verifier::parameter_free(Architecture::F1, VerifierOptions::default(), &mut |_| {}).unwrap();
    let verified = max_sim.verify(query, &documents, Relation::Support).unwrap();
    assert!(verified.iter().all(|it| it.support_of_all() <= 1.0), "{verified:?}");
}

#[test]
fn of_a_long_document_the_sentence_decides_that_has_the_query_s_words() {
    let verifier = verifier(VerifierOptions::default());
    // More sentences than are read, none of which says anything about the query.
    let rest =
        "The harbor was built in 1903 by the city. Ferries leave every morning for the islands. Many visitors come in \
                summer to see the old lighthouse and its museum. The fish market opens at six and closes at noon. "
            .repeat(3);
    let documents = ["The captain sold the boat to his sister.", "The captain did not sell the boat to his sister."]
        .map(|sentence| (sentence, format!("{rest}{sentence} {rest}")));
    let texts = documents.each_ref().map(|(_, text)| text);
    let verified = verifier.verify("The captain sold the boat to his sister.", &texts, Relation::Support).unwrap();
    for ((sentence, text), verification) in documents.iter().zip(&verified) {
        let window = verification.assessment().unwrap().window.clone();
        assert_eq!(text[window].trim(), *sentence);
    }
    assert_eq!(verified[0].verdict(), Verdict::Accept);
    assert_eq!(verified[1].verdict(), Verdict::Reject);
}

#[test]
fn a_passage_of_128_tokens_takes_less_than_8_kib() {
    let folder = tempfile::tempdir().unwrap();
    let engine = Engine::builder(folder.path()).open_or_create().unwrap();
    // 21 tokens and the two that every sentence costs, as in English prose.
    let sentence = "Rain fell on the harbour all that night and nobody left the stone house until the sun was up. ";
    let text = format!("{}It was.", sentence.repeat(6));
    engine.upsert(vec![Document { id: "128".into(), text, ..Document::default() }]).unwrap();
    let bytes = engine.index().read_views(&["128"], |views| views[0].map_or(0, <[u8]>::len)).unwrap();
    assert!((7000..8192).contains(&bytes), "{bytes}");
}

/// The first eight bytes of the records in indexes that vetted of commit 863442a wrote, with the weights shipped then. That
/// version cut sentences at every line end.
#[test]
fn what_was_kept_before_is_not_used() {
    const KEPT_F32: [u8; 8] = [0xf2, 0x1f, 0x6f, 0x72, 0x14, 0xcb, 0x31, 0x05];
    const KEPT_BF16: [u8; 8] = [0x9c, 0xd7, 0xa0, 0xfc, 0x5b, 0x50, 0x8e, 0x42];
    for precision in [Precision::F32, Precision::Bf16] {
        let verifier = verifier(VerifierOptions::all_in(precision));
        let own = verifier.views_fingerprint();
        assert!(verifier.makes_views_of(&own) && !verifier.makes_views_of(&own[..7]), "{precision:?}");
        assert!(!verifier.makes_views_of(&KEPT_F32) && !verifier.makes_views_of(&KEPT_BF16), "{precision:?}");
    }
}

/// What a search in one file says about a query: the verdict on the file, which may be among what is left out.
fn verdict_on(name: &str, text: &str, query: &str) -> (String, String) {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join(name), text).unwrap();
    succeed(folder.path(), &["index", name, "--into", "ix"]);
    let found = search(&folder, query);
    let one = found["hits"].get(0).or(found["rejected"].get(0)).unwrap();
    (one["verdict"].as_str().unwrap_or("reject").to_owned(), one["window"]["text"].as_str().unwrap().to_owned())
}

#[test]
fn where_lines_end_changes_no_verdict() {
    for (query, text) in [
        (
            "Employees may work from home on Fridays.",
            "Under the new policy of the board it is no longer the case that\nemployees may work from home on Fridays.",
        ),
        (
            "The lid can be opened while the drum is spinning.",
            "With the new lock it has been made impossible that\nthe lid can be opened while the drum is spinning.",
        ),
        (
            "Children under six travel for free on all ferries.",
            "Since the first of May it is not true any more, as many still believe, that\nchildren under six travel for free \
             on all ferries.",
        ),
        (
            "The API returns results in the order of the input.",
            "As the manual says on its first page, there is no promise that\nthe API returns results in the order of the input.",
        ),
        (
            "The vaccine protects against infection for ten years.",
            "In their long study of all data they found no evidence whatsoever that\nthe vaccine protects against infection \
             for ten years.",
        ),
        (
            "The backup job deletes old snapshots automatically.",
            "The backup job of the server does\nnot delete old snapshots automatically.",
        ),
        (
            "The backup job deletes old snapshots automatically.",
            "The nightly backup job deletes\nold snapshots automatically. Ask the team.",
        ),
        (
            "The server restarts when the config file changes.",
            "The server restarts when the config\nfile changes. It takes a second.",
        ),
        ("The admin approved the refund.", "After a long talk on Monday the admin\nrejected the refund."),
        (
            "Passwords are stored in plain text.",
            "Passwords of our users are never,\nunder any circumstances, stored in plain text.",
        ),
    ] {
        let flat = text.replace('\n', " ");
        for name in ["note.txt", "note.md"] {
            let (wrapped, line) = (verdict_on(name, text, query), verdict_on(name, &flat, query));
            assert_eq!(wrapped.0, line.0, "{name}: {text}");
            assert_eq!(wrapped.1.replace('\n', " "), line.1, "{name}: {text}");
            if !["deletes\nold", "config\nfile"].iter().any(|part| text.contains(part)) {
                assert_ne!(wrapped.0, "accept", "{name}: {text}");
            }
        }
    }
}

#[test]
fn a_full_stop_after_an_abbreviation_hides_no_negation() {
    for (query, text) in [
        (
            "The merger with the bank was approved by the regulator.",
            "No reliable source, least of all the newspapers in the U.S. Midwest, claims that the merger with the bank was \
             approved by the regulator.",
        ),
        (
            "Tenants may keep small pets in their flats.",
            "The rule was dropped, as explained in the letter of Prof. Weber, that tenants may keep small pets in their flats.",
        ),
        (
            "Aspirin reduces mortality in healthy adults.",
            "There is no proof, says the well known cardiologist Dr. Smith, that aspirin reduces mortality in healthy adults.",
        ),
    ] {
        let (verdict, window) = verdict_on("note.txt", text, query);
        assert_eq!(window, text);
        // Of "the rule was dropped that ..." the reader thinks that it says so, however it is cut.
        assert!(verdict != "accept" || text.contains("dropped"), "{text}");
    }
}

#[test]
fn headings_lines_above_lists_and_markup_reach_the_verdict() {
    for (query, text, verdict, window) in [
        (
            "The program encrypts files at rest.",
            "# What this program does not do at the moment\n\nThe program encrypts files at rest.",
            "reject",
            "The program encrypts files at rest.",
        ),
        (
            "The program encrypts files at rest.",
            "# Security of the program and its data\n\nThe program encrypts files at rest.",
            "accept",
            "The program encrypts files at rest.",
        ),
        (
            "Guests may smoke on the balcony.",
            "The following statements about the rules of the house are wrong:\n\n- guests may park in the yard\n- guests may \
             smoke on the balcony",
            "abstain",
            "guests may smoke on the balcony",
        ),
        (
            "Guests may smoke on the balcony.",
            "These are the rules of the house for this summer:\n\n- guests may park in the yard\n- guests may smoke on the \
             balcony",
            "accept",
            "guests may smoke on the balcony",
        ),
        (
            "Guests may smoke on the balcony.",
            "Guests may <b>not</b> smoke on the balcony.",
            "reject",
            "Guests may not smoke on the balcony.",
        ),
    ] {
        let (found, shown) = verdict_on("note.md", text, query);
        assert_eq!(found, verdict, "{text}");
        // A short heading is shown with the sentence below it.
        assert!(shown.ends_with(window), "{shown}");
    }
}
