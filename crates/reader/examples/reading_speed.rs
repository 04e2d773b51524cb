//! What verifying costs: a query of 16 tokens against 100 stored candidates of 64, on one thread.
//!
//! `cargo run --release -p vetted-reader --example reading_speed [rounds [f32|bf16|int8]] [--json] [--transformer-alone]`
//!
//! `processor ms` is the mean over the rounds of what the thread was given; where other work shares the machine, the others are
//! longer.

use std::time::Instant;

use vetted_kernels::{Isa, Precision, Team};
use vetted_reader::{Config, LexicalTable, Relation, Runtime, Scorer, Scratch, Storage, Views, Weights};

const HIDDEN: usize = 384;
const VOCABULARY: usize = 30_522;
const CANDIDATES: usize = 100;
const QUERY_TOKENS: usize = 16;
const CANDIDATE_TOKENS: usize = 64;

const CONFIG: &str = r#"{
  "format": 1, "architecture": "map-transformer", "name": "speed",
  "base": {"name": "none", "sha256": "", "hidden": 384, "layers": 6},
  "encoder": {"trained_from_layer": 6, "max_tokens": 64},
  "reader": {"view": 48, "traits": 8, "lexical": true, "width": 128, "layers": 2, "heads": 4, "feed_forward": 256, "patch": 4},
  "kinds": ["negation", "role", "binding", "modifier", "comparison", "quantifier", "number", "date", "unit", "direction",
            "order", "modality", "antonym", "entity", "addition", "other"]
}"#;

/// Outputs of the convolutions beside the Transformer.
const CONVOLUTIONS: [usize; 3] = [32, 64, 128];

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let rounds: usize = std::env::args().nth(1).map_or(Ok(30), |rounds| rounds.parse())?;
    let only = std::env::args().nth(2).filter(|only| !only.starts_with("--"));
    let [json, alone] = ["--json", "--transformer-alone"].map(|flag| std::env::args().any(|argument| argument == flag));
    let channels: &[usize] = if alone { &[] } else { &CONVOLUTIONS };
    let config = CONFIG.replace("\"patch\": 4", &format!("\"patch\": 4, \"convolutions\": {channels:?}"));
    let mut noise = Noise(1);
    let weights = weights(&mut noise, channels)?;
    let words = noise.values(VOCABULARY * HIDDEN);
    let hidden: Vec<_> = (0..=CANDIDATES).map(|_| noise.values(CANDIDATE_TOKENS * HIDDEN)).collect();
    let ids: Vec<u32> =
        noise.values((CANDIDATES + 1) * CANDIDATE_TOKENS).iter().map(|x| (x.abs() * 9999.0) as u32).collect();

    if !json {
        println!(
            "{CANDIDATES} candidates x {CANDIDATE_TOKENS} tokens, query {QUERY_TOKENS} tokens, 1 thread, {}",
            Isa::detect().name()
        );
        println!("{:<8} {:<10} {:>10} {:>10} {:>13}", "views", "reader", "median ms", "best ms", "processor ms");
    }
    for (storage, precision) in [
        (Storage::F32, Precision::F32),
        (Storage::Int8, Precision::F32),
        (Storage::Int8, Precision::Bf16),
        (Storage::Int8, Precision::Int8),
    ] {
        if only.as_ref().is_some_and(|only| !format!("{precision:?}").eq_ignore_ascii_case(only)) {
            continue;
        }
        let lexical = Some(LexicalTable::new(&words, HIDDEN, storage)?);
        let runtime = Runtime { precision, storage, lexical };
        let Scorer::Views(scorer) =
            Scorer::load(Config::parse(config.as_bytes())?, &Weights::parse(&weights)?, runtime)?
        else {
            return Err("not a scorer over views".into());
        };
        let query = scorer.views(&hidden[CANDIDATES][..QUERY_TOKENS * HIDDEN], &ids[..QUERY_TOKENS])?;
        let texts = hidden.iter().zip(ids.chunks(CANDIDATE_TOKENS).skip(1)).take(CANDIDATES);
        let candidates: Vec<Views> = texts.map(|(hidden, ids)| scorer.views(hidden, ids)).collect::<Result<_, _>>()?;

        let (mut team, mut scratch) = (Team::alone(), Scratch::default());
        let mut wall = Vec::new();
        let began = processor_milliseconds();
        for _ in 0..rounds {
            let start = Instant::now();
            let outputs = scorer.score(&query, &candidates, Relation::Support, &mut team, &mut scratch)?;
            wall.push(start.elapsed().as_secs_f64() * 1e3);
            assert!(outputs.iter().all(|outputs| outputs.support.is_finite()));
        }
        let processor = (processor_milliseconds() - began) / rounds as f64;
        wall.sort_by(f64::total_cmp);
        let (median, best) = (wall[wall.len() / 2], wall[0]);
        if json {
            println!(
                "{{\"engine\": \"vetted-{storage:?}-{precision:?}\", \"wall_ms\": {median:.3}, \"processor_ms\": {processor:.3}}}"
            );
        } else {
            let (storage, precision) = (format!("{storage:?}"), format!("{precision:?}"));
            println!("{storage:<8} {precision:<10} {median:>10.2} {best:>10.2} {processor:>13.2}");
        }
    }
    Ok(())
}

/// That this thread has had so far, on Linux; 0 elsewhere. Other work may share the machine.
fn processor_milliseconds() -> f64 {
    let stat = std::fs::read_to_string("/proc/thread-self/schedstat").unwrap_or_default();
    stat.split(' ').next().and_then(|nanoseconds| nanoseconds.parse::<f64>().ok()).unwrap_or_default() / 1e6
}

/// Random weights of the shapes that `CONFIG` and the convolutions' channels imply, as a safetensors file.
fn weights(noise: &mut Noise, channels: &[usize]) -> Result<Vec<u8>, safetensors::SafeTensorError> {
    let mut shapes = vec![
        ("view.weight".to_owned(), vec![48, HIDDEN]),
        ("traits.weight".to_owned(), vec![8, HIDDEN]),
        ("traits.bias".to_owned(), vec![8]),
        ("reader.patch.map.weight".to_owned(), vec![128, 32]),
        ("reader.patch.row.weight".to_owned(), vec![128, 40]),
        ("reader.patch.column.weight".to_owned(), vec![128, 40]),
        ("reader.patch.bias".to_owned(), vec![128]),
        ("reader.positions.row".to_owned(), vec![16, 128]),
        ("reader.positions.column".to_owned(), vec![16, 128]),
        ("reader.cls".to_owned(), vec![128]),
    ];
    for (stage, (inputs, outputs)) in [6].iter().chain(channels).zip(channels).enumerate() {
        let name = |part: &str| format!("reader.convolutions.{stage}.{part}");
        shapes.push((name("weight"), vec![*outputs, *inputs, 3, 3]));
        shapes.extend(["bias", "norm.weight", "norm.bias"].map(|part| (name(part), vec![*outputs])));
    }
    let mut linear = |name: String, outputs: usize, inputs: usize| {
        shapes.push((format!("{name}.weight"), vec![outputs, inputs]));
        shapes.push((format!("{name}.bias"), vec![outputs]));
    };
    linear("reader.head.hidden".into(), 128, 128);
    linear("reader.head.output".into(), 19, 128);
    for block in 0..2 {
        for (part, outputs, inputs) in [("qkv", 384, 128), ("out", 128, 128), ("up", 256, 128), ("down", 128, 256)] {
            linear(format!("reader.blocks.{block}.{part}"), outputs, inputs);
        }
    }
    let norms = (0..2).flat_map(|b| [format!("reader.blocks.{b}.norm1"), format!("reader.blocks.{b}.norm2")]);
    for norm in norms.chain(["reader.norm_in".into(), "reader.norm_out".into()]) {
        shapes.extend([(format!("{norm}.weight"), vec![128]), (format!("{norm}.bias"), vec![128])]);
    }
    let data: Vec<Vec<u8>> = shapes
        .iter()
        .map(|(_, shape)| {
            let width = *shape.last().unwrap_or(&1) as f32;
            let values = noise.values(shape.iter().product());
            values.iter().flat_map(|x| (x * 2.0 / width.sqrt()).to_le_bytes()).collect()
        })
        .collect();
    let views = shapes.iter().zip(&data).map(|((name, shape), data)| {
        let view = safetensors::tensor::TensorView::new(safetensors::Dtype::F32, shape.clone(), data)?;
        Ok((name.clone(), view))
    });
    let views: Vec<_> = views.collect::<Result<_, safetensors::SafeTensorError>>()?;
    safetensors::serialize(views, None)
}

/// Values in [-1, 1) (xorshift).
struct Noise(u64);

impl Noise {
    fn values(&mut self, count: usize) -> Vec<f32> {
        let mut next = || {
            self.0 ^= self.0 << 13;
            self.0 ^= self.0 >> 7;
            self.0 ^= self.0 << 17;
            (self.0 >> 40) as f32 / (1u64 << 23) as f32 - 1.0
        };
        (0..count).map(|_| next()).collect()
    }
}
