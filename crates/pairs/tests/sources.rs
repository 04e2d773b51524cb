//! The sources that the recipes come with: what is known about public data sets.

use vetted_pairs::{Kind, Label, Negatives, Pair, Relation, Sources};

fn recipe() -> Sources {
    Sources::read(concat!(env!("CARGO_MANIFEST_DIR"), "/../../recipes/sources.json")).expect("the recipe's file")
}

fn pairs_in(content: &str, sources: Sources) -> Vec<Pair> {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("pairs.tsv");
    std::fs::write(&path, content).expect("written");
    vetted_pairs::read(&path).expect("a header").with_sources(sources).collect::<Result<_, _>>().expect("pairs")
}

/// The data sets whose name this library once had built in, with what it knew about each.
#[test]
fn the_recipes_know_what_the_library_once_did() {
    let sources = recipe();
    let support = "snli cad_nli sick conjnli scone monli help xnli_en fever_symmetric climate_fever med hans_regen \
                   hossain hossain_neg_RTE scramble scramble_true";
    for name in support.split_whitespace() {
        let known = sources.get(name).expect(name);
        assert_eq!((known.relation, known.claim_first), (Relation::Support, name == "fever_symmetric"), "{name}");
        // `vetted synth --negate` took a 0 of the named ones for a contradiction, and training of all.
        let conflict = (!name.starts_with("hossain")).then_some(true);
        assert_eq!(known.negatives, Negatives { kind: None, conflict }, "{name}");
    }
    for (name, kind, conflict) in [
        ("becel_mrpc_neg", Kind::Negation, Some(true)),
        ("becel_snli_neg", Kind::Negation, Some(true)),
        ("cannot_wikifactcheck-english", Kind::Negation, Some(true)),
        ("cannot_sentiment-labelled-sentences", Kind::Negation, Some(true)),
        ("cannot_antonym-substitution", Kind::Antonym, Some(true)),
        ("paws_wiki", Kind::Role, None),
        ("negclip_coco", Kind::Role, None),
    ] {
        let known = sources.get(name).expect(name);
        assert_eq!((known.relation, known.claim_first), (Relation::Equivalence, false), "{name}");
        assert_eq!(known.negatives, Negatives { kind: Some(kind), conflict }, "{name}");
    }
    for unknown in ["qqp", "mrpc", "not_snli", "snli2", "questions", "grammar", ""] {
        assert_eq!(sources.get(unknown), None, "{unknown}");
    }
}

#[test]
fn no_name_decides_anything_by_itself() {
    let content = "source\tequiv\ts1\ts2\nfever_symmetric\t0\tclaim\tevidence\npaws_wiki\t0\ta\tb\n";
    for pair in pairs_in(content, Sources::default()) {
        assert_eq!((pair.relation, pair.conflict, pair.kind), (Relation::Equivalence, None, None), "{pair:?}");
        assert!(pair.query == "evidence" || pair.query == "b");
    }
}

#[test]
fn what_the_file_does_not_say_is_filled_in() {
    let content = "source\trelation\tequiv\tconflict\tkind\ts1\ts2\n\
                   fever_symmetric\t\t0\t\t\tclaim\tevidence\n\
                   fever_symmetric\tsupport\t0\t\t\tevidence\tclaim\n\
                   paws_wiki\t\t0\t\t\ta\tb\n\
                   paws_wiki\t\t0\t1\tdate\ta\tb\n\
                   paws_wiki\t\t1\t\t\ta\tb\n\
                   snli\t\tN\t\t\ta\tb\n\
                   snli\tequivalence\t1\t\t\ta\tb\n";
    let role =
        Pair { label: Some(Label::NoMatch), kind: Some(Kind::Role), source: "paws_wiki".into(), ..Pair::new("a", "b") };
    let refuted = Pair {
        label: Some(Label::NoMatch),
        relation: Relation::Support,
        conflict: Some(true),
        source: "fever_symmetric".into(),
        ..Pair::new("evidence", "claim")
    };
    let neutral =
        Pair { label: Some(Label::Neutral), relation: Relation::Support, source: "snli".into(), ..Pair::new("a", "b") };
    let expected = [
        refuted.clone(),
        refuted,
        role.clone(),
        Pair { conflict: Some(true), kind: Some(Kind::Date), ..role.clone() },
        Pair { label: Some(Label::Match), kind: None, ..role },
        neutral.clone(),
        Pair { label: Some(Label::Match), relation: Relation::Equivalence, ..neutral },
    ];
    assert_eq!(pairs_in(content, recipe()), expected);
}
