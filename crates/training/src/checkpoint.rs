//! A run's state on disk: after a kill at any moment, the run goes on from there as if nothing had been.

use std::collections::HashMap;
use std::path::Path;

use serde::{Deserialize, Serialize};

use crate::Error;
use crate::optimizer::Optimizer;
use crate::parameters::Parameters;
use crate::tensors::{Stored, TensorFile, write_tensors};

/// What a run is, apart from its weights. All its random numbers are functions of the recipe's seed and the step.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct State {
    /// Steps taken.
    pub(crate) step: usize,
    /// The norm of the last step's gradients, where its evaluation and its line of metrics are still to come.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) unsettled: Option<f64>,
    /// The best selection figure so far and its step.
    pub(crate) best: Option<(f64, usize)>,
    /// Evaluations since.
    pub(crate) without_best: usize,
    /// The loss summed over the steps since the last line of metrics, and how many they are.
    pub(crate) loss_sum: f64,
    pub(crate) loss_steps: usize,
    /// Seconds of training so far.
    pub(crate) seconds: f64,
    /// What the run was made of.
    pub(crate) origin: Origin,
}

/// What must be the same for a run to go on.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Origin {
    /// The recipe as JSON.
    pub(crate) recipe: serde_json::Value,
    /// Digests.
    pub(crate) base: String,
    pub(crate) start: Option<String>,
    pub(crate) train: String,
    pub(crate) held_out: String,
}

/// The metadata key of the state.
const STATE: &str = "state";

/// Writes everything to `path`, in one step.
pub(crate) fn save(path: &Path, state: &State, parameters: &Parameters, optimizer: &Optimizer) -> Result<(), Error> {
    let mut tensors = Vec::with_capacity(3 * parameters.list.len());
    let moments = optimizer.first.iter().zip(&optimizer.second);
    for (parameter, (first, second)) in parameters.list.iter().zip(moments) {
        for (kind, values) in KINDS.iter().zip([&parameter.values, first, second]) {
            tensors.push(Stored::f32(format!("{kind}.{}", parameter.name), &parameter.shape, values));
        }
    }
    let state = serde_json::to_string(state).map_err(|source| Error::Json { path: path.into(), source })?;
    write_tensors(path, &tensors, Some(HashMap::from([(STATE.into(), state)])))
}

/// What is kept of every parameter.
const KINDS: [&str; 3] = ["values", "first", "second"];

/// Reads what [`save`] wrote into `parameters` and `optimizer`, if it is of the run `origin`.
pub(crate) fn load(
    path: &Path,
    origin: &Origin,
    parameters: &mut Parameters,
    optimizer: &mut Optimizer,
) -> Result<State, Error> {
    let file = TensorFile::open(path)?;
    let state = file.metadata().remove(STATE).unwrap_or_default();
    let state: State = serde_json::from_str(&state).map_err(|source| Error::Json { path: path.into(), source })?;
    let Origin { recipe, base, start, train, held_out } = &state.origin;
    let same = [
        ("recipe", *recipe == origin.recipe),
        ("base encoder", *base == origin.base),
        ("verifier to start from", *start == origin.start),
        ("set of training pairs", *train == origin.train),
        ("set of held-out pairs", *held_out == origin.held_out),
    ];
    if let Some((what, _)) = same.into_iter().find(|(_, same)| !same) {
        return Err(Error::OtherRun { path: path.into(), what });
    }
    let moments = optimizer.first.iter_mut().zip(&mut optimizer.second);
    for (parameter, (first, second)) in parameters.list.iter_mut().zip(moments) {
        for (kind, values) in KINDS.iter().zip([&mut parameter.values, first, second]) {
            *values = file.tensor(&format!("{kind}.{}", parameter.name), &parameter.shape)?;
        }
    }
    Ok(state)
}
