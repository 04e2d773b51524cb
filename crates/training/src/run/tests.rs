//! When a run writes checkpoints, and that this changes nothing: over a parabola, whose steps take no time.

use super::*;
use crate::parameters::{Parameter, Part};
use crate::recipe::Decay;

/// Finds the least of (x - 3)^2.
struct Parabola;

impl Trainee for Parabola {
    type Fitted = ();

    const MEASURED_UNTRAINED: bool = false;

    fn learn(&self, _: &[usize], _: usize, parameters: &Parameters, gradients: &mut [Gradients]) -> Result<f64, Error> {
        let distance = parameters.list[0].values[0] - 3.0;
        gradients.iter_mut().flatten().for_each(|values| values.fill(distance));
        Ok(f64::from(distance * distance))
    }

    fn is_watched(&self) -> bool {
        true
    }

    fn evaluate(&self, parameters: &Parameters) -> Result<(HeldOut, ()), Error> {
        let distance = f64::from((parameters.list[0].values[0] - 3.0).abs());
        Ok((HeldOut { retrieval: Some(-distance), ..HeldOut::default() }, ()))
    }

    fn export(&self, _: &Parameters, (): ()) -> Result<(), Error> {
        Ok(())
    }
}

fn origin() -> Origin {
    let nothing = String::new;
    Origin { recipe: serde_json::Value::Null, base: nothing(), start: None, train: nothing(), held_out: nothing() }
}

const STEPS: usize = 40;

fn begin(out: &Path, between: Between) -> Run<'_, Parabola> {
    let rates = Rates { encoder: 0.1, reader: 0.1, weight_decay: 0.0, warm_up: 0.1, decay: Decay::Linear, clip: 1.0 };
    let plan = Plan {
        batches: vec![vec![0]; STEPS],
        batch: 1,
        examples: 1,
        rates,
        shown_rate: 0.1,
        log_every: 7,
        evaluate_every: 10,
        checkpoint_every: usize::MAX,
        between,
        patience: None,
    };
    let only = Parameter { name: "x".into(), shape: vec![1], values: vec![0.0], part: Part::Reader };
    Run::begin(Parabola, plan, Parameters { list: vec![only] }, origin(), out, &[]).unwrap()
}

/// The step of the checkpoint in a folder, and whether its evaluation is still to come.
fn kept(out: &Path) -> (usize, bool) {
    let file = crate::tensors::TensorFile::open(&out.join(CHECKPOINT)).unwrap();
    let state: State = serde_json::from_str(&file.metadata().remove("state").unwrap()).unwrap();
    (state.step, state.unsettled.is_some())
}

/// What lines of metrics say of a step, its loss and what is held out.
type Lines = Vec<(usize, Option<f64>, HeldOut)>;

/// What a run leaves, without what it says about time.
fn result(out: &Path) -> (Vec<u32>, Lines) {
    let file = crate::tensors::TensorFile::open(&out.join(CHECKPOINT)).unwrap();
    let tensor = |name: &str| file.tensor(name, &[1]).unwrap()[0].to_bits();
    let lines = Metrics::open(&out.join(METRICS), STEPS).unwrap().lines;
    (
        ["values.x", "first.x", "second.x"].map(tensor).to_vec(),
        lines.into_iter().map(|line| (line.step, line.loss, line.held_out)).collect(),
    )
}

const ALWAYS: Between = Between { first: Duration::ZERO, later: Duration::ZERO };
const NEVER: Between = Between { first: Duration::MAX, later: Duration::MAX };

#[test]
fn checkpoints_come_with_time() {
    let nowhere = [NEVER, ALWAYS].map(|_| tempfile::tempdir().unwrap());
    for ((between, expected), out) in [(NEVER, 0), (ALWAYS, 25)].into_iter().zip(&nowhere) {
        let mut at = None;
        let on = &mut |progress: &Progress| {
            if progress.step == 25 {
                at = Some(kept(out.path()));
            }
            ControlFlow::Continue(())
        };
        begin(out.path(), between).complete(on).unwrap();
        assert_eq!(at, Some((expected, false)), "{between:?}");
    }
    assert_eq!(result(nowhere[0].path()), result(nowhere[1].path()), "the time of checkpoints changed the result");
    let soon = Between { first: Duration::from_secs(10), later: Duration::from_secs(120) };
    let ago = |seconds: u64| Instant::now().checked_sub(Duration::from_secs(seconds)).unwrap();
    for (began, saved, expected) in
        [(9, None, false), (11, None, true), (300, Some(119), false), (300, Some(121), true)]
    {
        let clock = Clock { began: ago(began), before: 0.0, saved: saved.map(ago) };
        assert_eq!(clock.is_time(soon), expected, "{began}, {saved:?}");
    }
}

#[test]
fn an_interrupted_run_ends_where_an_unbroken_one_does() {
    let whole = tempfile::tempdir().unwrap();
    begin(whole.path(), NEVER).complete(&mut |_| ControlFlow::Continue(())).unwrap();
    let cases = [
        // Between two steps, right before an evaluation, and at a line of metrics.
        (Stage::Training, 3, (3, false)),
        (Stage::Evaluating, 20, (20, true)),
        (Stage::Training, 20, (20, false)),
        (Stage::Training, 28, (28, false)),
        (Stage::Evaluating, STEPS, (STEPS, true)),
    ];
    for (stage, step, left) in cases {
        let out = tempfile::tempdir().unwrap();
        let stop = &mut |progress: &Progress| match (progress.stage, progress.step) == (stage, step) {
            true => ControlFlow::Break(()),
            false => ControlFlow::Continue(()),
        };
        let error = begin(out.path(), NEVER).complete(stop).unwrap_err();
        assert_eq!(error.to_string(), format!("interrupted at step {step} of 40; run the same command again to go on"));
        assert_eq!(kept(out.path()), left);
        let mut seen = Vec::new();
        let outcome = begin(out.path(), NEVER)
            .complete(&mut |progress| {
                seen.push((progress.stage, progress.step));
                ControlFlow::Continue(())
            })
            .unwrap();
        assert_eq!(seen[0], (Stage::Resuming, step));
        assert_eq!(outcome.steps, STEPS);
        assert_eq!(result(out.path()), result(whole.path()), "after {stage:?} {step}");
    }
    // Who has nothing left to do is not stopped.
    begin(whole.path(), NEVER).complete(&mut |_| ControlFlow::Break(())).unwrap();
}

#[test]
fn a_run_that_is_killed_after_its_line_and_before_its_checkpoint_writes_the_line_once() {
    let (whole, out) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    begin(whole.path(), NEVER).complete(&mut |_| ControlFlow::Continue(())).unwrap();
    // With ALWAYS there is a checkpoint before the evaluation of step 10; the line of step 10 is there already.
    let stop = &mut |progress: &Progress| match (progress.stage, progress.step) {
        (Stage::Evaluating, 10) => ControlFlow::Break(()),
        _ => ControlFlow::Continue(()),
    };
    begin(out.path(), ALWAYS).complete(stop).unwrap_err();
    let lines = std::fs::read_to_string(whole.path().join(METRICS)).unwrap();
    let until: String = lines.lines().take(2).map(|line| format!("{line}\n")).collect();
    std::fs::write(out.path().join(METRICS), until).unwrap();
    begin(out.path(), NEVER).complete(&mut |_| ControlFlow::Continue(())).unwrap();
    assert_eq!(result(out.path()), result(whole.path()));
}
