//! How fast training is: `cargo run --release -p vetted-training --example training_speed -- MODEL [TOKENS] [RECIPE.json]`.
//!
//! Pairs of random words, both texts of TOKENS tokens (15 by default), the default recipe but for RECIPE. Prints pairs per second and, since
//! other work may share the processor, its milliseconds per pair.

use std::ops::ControlFlow;

use vetted_training::{Base, Error, Example, Progress, Recipe, train};

const STEPS: usize = 60;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut arguments = std::env::args().skip(1);
    let base = Base::open(arguments.next().ok_or("give a model folder")?)?;
    let tokens: usize = arguments.next().map_or(Ok(15), |tokens| tokens.parse())?;
    let recipe: Recipe = match arguments.next() {
        Some(path) => serde_json::from_slice(&std::fs::read(path)?)?,
        None => Recipe::default(),
    };
    let recipe = Recipe { epochs: 1.0, log_every: STEPS, checkpoint_every: STEPS, ..recipe };
    let words =
        ["cat", "dog", "house", "river", "red", "blue", "runs", "sees", "old", "new", "big", "tree", "car", "man"];
    let mut state = 1u64;
    let mut word = || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        words[(state >> 33) as usize % words.len()]
    };
    let mut text = || (0..tokens.saturating_sub(2)).map(|_| word()).collect::<Vec<_>>().join(" ");
    let pair = |index| Example {
        query: text(),
        candidate: text(),
        equivalence: Some(index % 2 == 0),
        symmetric: true,
        weight: 1.0,
        ..Example::default()
    };
    let pairs: Vec<Example> = (0..STEPS * recipe.batch).map(pair).collect();
    let out = std::env::temp_dir().join(format!("vetted-speed-{}", std::process::id()));
    let mut began = None;
    let result: Result<_, Error> = train(&recipe, &base, None, &pairs, &[], &out, &mut |progress: &Progress| {
        if progress.step == 10 {
            began = Some((std::time::Instant::now(), processor_milliseconds()));
        }
        if let (Some((time, processor)), true) = (began, progress.step + 1 == progress.steps) {
            let pairs = ((progress.step - 10) * recipe.batch) as f64;
            let rate = pairs / time.elapsed().as_secs_f64();
            let used = (processor_milliseconds() - processor) / pairs;
            println!("2 x {tokens} tokens: {rate:.0} pairs/s, {used:.2} ms of processor time per pair");
        }
        ControlFlow::Continue(())
    });
    std::fs::remove_dir_all(&out)?;
    result?;
    Ok(())
}

/// Of this process so far, on Linux; 0 elsewhere.
fn processor_milliseconds() -> f64 {
    let stat = std::fs::read_to_string("/proc/self/stat").unwrap_or_default();
    let fields = stat.rsplit(')').next().unwrap_or_default().split_whitespace();
    fields.skip(11).take(2).filter_map(|ticks| ticks.parse::<f64>().ok()).sum::<f64>() * 10.0
}
