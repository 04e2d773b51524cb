//! What holds of every scorer whatever the texts, and what becomes of bad input.

use proptest::prelude::*;
use vetted_kernels::{Compute, Precision, Team};
use vetted_reader::{
    Architecture, Change, Config, Error, F2, LexicalTable, Logit, Outputs, Relation, Runtime, Scorer, Scratch, Storage,
    ViewScorer, Views, Weighing, Weights,
};

const HIDDEN: usize = 24;
const WORDS: usize = 40;
const MAX: usize = 16;

/// A token weighs what the match loses without it.
const LOSS: fn(&Outputs) -> Weighing = |_| Weighing { logit: Logit::Match, change: Change::Loss };

fn fixture(name: &str) -> Vec<u8> {
    std::fs::read(format!("{}/tests/fixtures/{name}", env!("CARGO_MANIFEST_DIR"))).unwrap()
}

/// Values between -1 and 1 that depend on `seed`.
fn values(count: usize, seed: usize) -> Vec<f32> {
    (0..count).map(|i| ((i * 29 + seed * 7919) as f32 * 12.9898).sin()).collect()
}

fn load(name: &str, storage: Storage, precision: Precision) -> Result<Scorer, Error> {
    let config = Config::parse(&fixture(&format!("{name}.json")))?;
    let lexical = Some(LexicalTable::new(&values(WORDS * HIDDEN, 3), HIDDEN, storage)?);
    let weights = fixture(&format!("{name}.safetensors"));
    Scorer::load(config, &Weights::parse(&weights)?, Runtime { precision, storage, lexical })
}

fn view_scorer(name: &str, storage: Storage, precision: Precision) -> ViewScorer {
    match load(name, storage, precision) {
        Ok(Scorer::Views(scorer)) => *scorer,
        _ => panic!("{name} is no scorer over views"),
    }
}

/// Every scorer over views, in both forms of storage.
fn family(precision: Precision) -> Vec<ViewScorer> {
    let storages = [Storage::F32, Storage::Int8];
    let trained = ["map-transformer-0", "map-transformer-1", "both-0", "f4-0", "f3-0"];
    let free =
        [Architecture::Cosine, Architecture::F0, Architecture::F1, Architecture::F2(F2 { backwards_penalty: 0.3 })];
    storages
        .into_iter()
        .flat_map(|storage| {
            let trained = trained.map(|name| view_scorer(name, storage, precision));
            let free = free.clone().map(|a| ViewScorer::parameter_free(a, HIDDEN, MAX, storage).unwrap());
            trained.into_iter().chain(free)
        })
        .collect()
}

fn text(scorer: &ViewScorer, tokens: usize, seed: usize) -> Views<'static> {
    let ids: Vec<u32> = (0..tokens).map(|i| ((i * 31 + seed) % WORDS) as u32).collect();
    scorer.views(&values(tokens * HIDDEN, seed), &ids).unwrap()
}

fn score(scorer: &ViewScorer, query: &Views, candidates: &[Views], relation: Relation) -> Vec<Outputs> {
    scorer.score(query, candidates, relation, &mut Team::alone(), &mut Scratch::default()).unwrap()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(12))]

    #[test]
    fn a_pairs_score_does_not_depend_on_its_batch_or_on_threads(
        query in 1..=MAX, lengths in prop::collection::vec(1..=MAX, 1..40), seed in 0usize..1000, both: bool,
    ) {
        let relation = if both { Relation::Equivalence } else { Relation::Support };
        for precision in [Precision::F32, Precision::Bf16, Precision::Int8] {
            let mut scratch = Scratch::default();
            for scorer in family(precision) {
                let query = text(&scorer, query, seed);
                let candidates: Vec<_> = lengths.iter().enumerate().map(|(i, n)| text(&scorer, *n, seed + i)).collect();
                let all = score(&scorer, &query, &candidates, relation);
                let shared = scorer.score(&query, &candidates, relation, &mut Compute::of_this_process().team(), &mut scratch).unwrap();
                prop_assert_eq!(&all, &shared);
                for (candidate, expected) in candidates.iter().zip(&all) {
                    prop_assert_eq!(&score(&scorer, &query, std::slice::from_ref(candidate), relation)[0], expected);
                }
            }
        }
    }

    #[test]
    fn scores_without_parameters_are_similarities(m in 1..=MAX, n in 1..=MAX, seed in 0usize..1000) {
        for storage in [Storage::F32, Storage::Int8] {
            for architecture in [Architecture::Cosine, Architecture::F0, Architecture::F1, Architecture::F2(F2::default())] {
                let scorer = ViewScorer::parameter_free(architecture.clone(), HIDDEN, MAX, storage).unwrap();
                let (query, candidate) = (text(&scorer, m, seed), text(&scorer, n, seed + 1));
                // A byte's rounding can lengthen a unit vector by half a percent.
                let outputs = score(&scorer, &query, &[candidate, query.clone()], Relation::Support);
                prop_assert!(outputs[0].support.abs() < 1.02);
                if matches!(architecture, Architecture::F1 | Architecture::Cosine) {
                    prop_assert!((outputs[1].support - 1.0).abs() < 0.02, "of a text with itself: {}", outputs[1].support);
                    prop_assert!(outputs[0].support < outputs[1].support + 0.02);
                }
            }
        }
    }

    /// Why the paper needs more than these: the order of the words is nothing to them.
    #[test]
    fn cosine_mean_and_max_sim_do_not_see_the_order(n in 2..=MAX, seed in 0usize..1000, turn in 1usize..15) {
        for architecture in [Architecture::Cosine, Architecture::F0, Architecture::F1] {
            let scorer = ViewScorer::parameter_free(architecture, HIDDEN, MAX, Storage::F32).unwrap();
            let hidden = values(n * HIDDEN, seed);
            let mut turned = hidden.clone();
            turned.rotate_left(turn % n * HIDDEN);
            let [hidden, turned] = [hidden, turned].map(|hidden| scorer.views(&hidden, &[]).unwrap());
            let outputs = score(&scorer, &text(&scorer, 5, seed + 9), &[hidden, turned], Relation::Support);
            prop_assert!((outputs[0].support - outputs[1].support).abs() < 1e-5);
        }
    }

    #[test]
    fn equivalence_has_no_direction(m in 1..=MAX, n in 1..=MAX, seed in 0usize..1000) {
        for scorer in family(Precision::F32) {
            let (a, b) = (text(&scorer, m, seed), text(&scorer, n, seed + 1));
            let one = score(&scorer, &a, std::slice::from_ref(&b), Relation::Equivalence)[0].equivalence;
            let other = score(&scorer, &b, std::slice::from_ref(&a), Relation::Equivalence)[0].equivalence;
prop_assert!((one - other).abs() < 1e-4, "{} {}", one, other);
        }
    }

    #[test]
    fn stored_views_are_the_views(n in 1..=MAX, seed in 0usize..1000) {
        for scorer in family(Precision::F32) {
            let views = text(&scorer, n, seed);
            if let Some(bytes) = views.bytes() {
                prop_assert_eq!(bytes.len(), views.tokens() * scorer.token_bytes());
                prop_assert_eq!(&scorer.stored(bytes).unwrap(), &views);
                prop_assert!(scorer.stored(&bytes[1..]).is_err());
            }
        }
    }

    #[test]
    fn evidence_explains_the_outputs_and_is_the_same_each_time(m in 2..=MAX, n in 2..=MAX, seed in 0usize..1000) {
        let scorer = view_scorer("map-transformer-0", Storage::Int8, Precision::F32);
        let (query, candidate) = (text(&scorer, m, seed), text(&scorer, n, seed + 1));
        let explain = |mut team: Team| {
            scorer.evidence(&query, &candidate, Relation::Support, LOSS, &mut team, &mut Scratch::default()).unwrap()
        };
        let evidence = explain(Team::alone());
        prop_assert_eq!(&evidence, &explain(Compute::of_this_process().team()));
        let outputs = score(&scorer, &query, std::slice::from_ref(&candidate), Relation::Support)[0];
        prop_assert_eq!(evidence.outputs, outputs);
        prop_assert_eq!((evidence.rows, evidence.columns, evidence.map.len()), (m, n, m * n));
        prop_assert!(evidence.pairs.is_sorted_by(|a, b| a.weight >= b.weight));
        for pair in &evidence.pairs {
            prop_assert!(pair.weight > 0.0);
            prop_assert_eq!(pair.similarity, evidence.map[pair.query * n + pair.candidate]);
        }
        let total = |weights: &[f32]| weights.iter().filter(|w| **w > 0.0).sum::<f32>();
        let shared: f32 = evidence.pairs.iter().map(|pair| pair.weight).sum();
        prop_assert!((shared - total(&evidence.query) - total(&evidence.candidate)).abs() < 1e-3);
    }
}

#[test]
fn evidence_of_max_sim_is_the_token_that_found_its_twin() {
    let scorer = ViewScorer::parameter_free(Architecture::F1, 2, MAX, Storage::F32).unwrap();
    let query = scorer.views(&[1.0, 0.0, 0.3, 1.0], &[]).unwrap();
    let candidate = scorer.views(&[-1.0, 0.3, 1.0, 0.0], &[]).unwrap();
    let (mut team, mut scratch) = (Team::alone(), Scratch::default());
    let evidence = scorer.evidence(&query, &candidate, Relation::Support, LOSS, &mut team, &mut scratch).unwrap();
    assert_eq!((evidence.pairs[0].query, evidence.pairs[0].candidate), (0, 1));
}

#[test]
fn thousands_of_candidates_at_once() {
    let scorer = view_scorer("map-transformer-0", Storage::Int8, Precision::F32);
    let query = text(&scorer, 5, 0);
    let candidates: Vec<_> = (0..3000).map(|i| text(&scorer, 1 + i % MAX, i)).collect();
    let outputs = scorer.score(
        &query,
        &candidates,
        Relation::Support,
        &mut Compute::of_this_process().team(),
        &mut Scratch::default(),
    );
    assert!(outputs.unwrap().iter().all(|outputs| outputs.support.is_finite()));
    assert!(score(&scorer, &query, &[], Relation::Support).is_empty());
}

#[test]
fn texts_that_cannot_be_read_are_refused() {
    for scorer in family(Precision::F32) {
        let ids = [0; MAX + 1];
        let views = |hidden: &[f32]| scorer.views(hidden, &ids[..hidden.len() / HIDDEN]);
        assert!(matches!(views(&[]), Err(Error::EmptyText)));
        assert!(matches!(views(&values((MAX + 1) * HIDDEN, 1)), Err(Error::TooManyTokens { tokens: 17, max: MAX })));
        assert!(matches!(views(&values(HIDDEN + 1, 1)), Err(Error::Length { .. })));
        for bad in [f32::NAN, f32::INFINITY, f32::NEG_INFINITY] {
            let mut hidden = values(3 * HIDDEN, 1);
            hidden[HIDDEN + 2] = bad;
            assert!(matches!(views(&hidden), Err(Error::NotFinite { token: 1 })));
        }
        let zeros = views(&[0.0; 2 * HIDDEN]).unwrap();
        let huge = views(&[f32::MAX; 2 * HIDDEN]);
        assert!(matches!(huge, Err(Error::NotFinite { .. })) || huge.is_ok_and(|views| views.tokens() > 0));
        assert!(score(&scorer, &zeros, std::slice::from_ref(&zeros), Relation::Support)[0].support.is_finite());
    }
    let scorer = view_scorer("map-transformer-0", Storage::Int8, Precision::F32);
    let hidden = values(2 * HIDDEN, 1);
    assert!(matches!(scorer.views(&hidden, &[0]), Err(Error::Length { expected: 2, got: 1, .. })));
    assert!(matches!(scorer.views(&hidden, &[0, 40]), Err(Error::UnknownToken { id: 40, vocabulary: WORDS })));
    let other = view_scorer("map-transformer-1", Storage::Int8, Precision::F32);
    let (own, foreign) = (text(&scorer, 3, 0), text(&other, 3, 0));
    let (team, scratch) = (&mut Team::alone(), &mut Scratch::default());
    let result = scorer.score(&own, &[own.clone(), foreign.clone()], Relation::Support, team, scratch);
    assert!(matches!(result, Err(Error::OtherViews { position: Some(1) })));
    assert!(matches!(scorer.pack(&foreign), Err(Error::OtherViews { position: None })));
}

/// `config.json` of the first map Transformer with one piece of text replaced by another.
fn edited(from: &str, to: &str) -> Result<Scorer, Error> {
    let json = String::from_utf8(fixture("map-transformer-0.json")).unwrap();
    assert!(json.contains(from), "{from}");
    let lexical = Some(LexicalTable::new(&values(WORDS * HIDDEN, 3), HIDDEN, Storage::F32)?);
    let weights = fixture("map-transformer-0.safetensors");
    let config = Config::parse(json.replace(from, to).as_bytes())?;
    Scorer::load(config, &Weights::parse(&weights)?, Runtime { lexical, ..Runtime::default() })
}

#[test]
fn a_config_that_does_not_fit_says_where() {
    let cases = [
        ("\"format\": 1", "\"format\": 2", "of format 2; this vetted reads format 1"),
        ("\"map-transformer\"", "\"mapper\"", "no verifier architecture is called \"mapper\""),
        (
            "\"view\": 8",
            "\"view\": 9",
            "tensor \"view.weight\" of the verifier has shape [8, 24] where its config.json implies [9, 24]",
        ),
        ("\"traits\": 3", "\"traits\": 0", "has shape [16, 20] where its config.json implies [16, 8]"),
        ("\"layers\": 2,\n  \"heads\"", "\"layers\": 3,\n  \"heads\"", "no tensor \"reader.blocks.2."),
        ("\"layers\": 2,\n  \"heads\"", "\"layers\": 1,\n  \"heads\"", "does not imply: reader.blocks.1."),
        ("\"heads\": 4", "\"heads\": 5", "reader.heads is 5"),
        ("\"heads\": 4", "\"heads\": 4, \"dropout\": 0.1", "unknown field `dropout`"),
        ("\"max_tokens\": 16", "\"max_tokens\": 0", "encoder.max_tokens is 0"),
        ("\"role\"", "\"negation\"", "kinds is negation"),
        ("\"role\"", "\"roles\"", "unknown variant `roles`"),
        ("\"low\": 0.25", "\"low\": 0.75", "thresholds.low is 0.75"),
        ("\"scale\": 1", "\"scale\": 0", "calibration.*.scale is 0"),
    ];
    for (from, to, message) in cases {
        let error = edited(from, to).err().unwrap_or_else(|| panic!("{to} was accepted")).to_string();
        assert!(error.contains(message), "{to}: {error}");
    }
    let config = Config::parse(&fixture("map-transformer-0.json")).unwrap();
    assert_eq!(Config::parse(&serde_json::to_vec(&config).unwrap()).unwrap(), config);
    assert!(config.check_base("00").is_ok());
    assert!(config.check_base("ff").unwrap_err().to_string().contains("has ff"));
    let weights = fixture("map-transformer-0.safetensors");
    let bare = Scorer::load(config, &Weights::parse(&weights).unwrap(), Runtime::default());
    assert!(matches!(bare, Err(Error::Lexical { expected: HIDDEN, got: None })));
}

#[test]
fn a_scorer_without_parameters_may_have_a_folder_too() {
    let json = r#"{"format": 1, "architecture": "f1", "name": "calibrated", "encoder": {"trained_from_layer": 6, "max_tokens": 64},
        "base": {"name": "base", "sha256": "00", "hidden": 2, "layers": 6},
        "calibration": {"support": {"scale": 10, "offset": -9}}}"#;
    let weights = safetensors::serialize::<String, safetensors::tensor::TensorView, _>([], None).unwrap();
    let weights = Weights::parse(&weights).unwrap();
    let scorer = Scorer::load(Config::parse(json.as_bytes()).unwrap(), &weights, Runtime::default()).unwrap();
    assert_eq!((scorer.config().name.as_str(), scorer.config().calibration.support.scale), ("calibrated", 10.0));
}
