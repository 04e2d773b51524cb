//! Layers on top of each other as one operation: candle's graph sees one node, and the gradients of the weights go straight
//! to where they are summed.

use std::sync::{Arc, Mutex, PoisonError};

use candle_core::{CpuStorage, CustomOp1, Layout, Result, Shape, Tensor};

use super::layer::{Kept, LayerGradients, Masks, PackedLayer, Workspace};
use super::storage::{floats, result, slice, tensor};
use crate::texts::Spans;

/// One worker's memory of a stack, kept from step to step.
#[derive(Default)]
pub(crate) struct StackMemory {
    work: Workspace,
    /// Of every layer.
    kept: Vec<Kept>,
    /// After a backward pass, every layer's. Undefined if `reached` is false.
    pub(crate) gradients: Vec<LayerGradients>,
    /// Whether a gradient came through since the last forward pass.
    pub(crate) reached: bool,
}

/// Trained layers in one worker's graph.
pub(crate) struct Stack {
    pub(crate) layers: Vec<Arc<PackedLayer>>,
    pub(crate) spans: Spans,
    /// One for each layer.
    pub(crate) masks: Vec<Masks>,
    pub(crate) memory: Arc<Mutex<StackMemory>>,
    /// Whether the input's gradient is asked for.
    pub(crate) through: bool,
}

/// The output of layers without gradients.
pub(crate) fn apply(
    x: &Tensor,
    layers: &[Arc<PackedLayer>],
    spans: &Spans,
    memory: &Mutex<StackMemory>,
) -> Result<Tensor> {
    let mut memory = memory.lock().unwrap_or_else(PoisonError::into_inner);
    let StackMemory { work, kept, .. } = &mut *memory;
    kept.resize_with(kept.len().max(1), Kept::default);
    let out = floats(x, |x| {
        let mut x = x.to_vec();
        for layer in layers {
            x = layer.forward(&x, spans, &None, &mut kept[0], work);
        }
        Ok(x)
    })?;
    tensor(out, x)
}

impl CustomOp1 for Stack {
    fn name(&self) -> &'static str {
        "layers"
    }

    fn cpu_fwd(&self, x: &CpuStorage, layout: &Layout) -> Result<(CpuStorage, Shape)> {
        let mut memory = self.memory.lock().unwrap_or_else(PoisonError::into_inner);
        let StackMemory { work, kept, gradients, reached } = &mut *memory;
        *reached = false;
        kept.resize_with(self.layers.len(), Kept::default);
        gradients.resize_with(self.layers.len(), LayerGradients::default);
        let mut x = slice(x, layout)?.to_vec();
        for ((layer, masks), kept) in self.layers.iter().zip(&self.masks).zip(kept) {
            x = layer.forward(&x, &self.spans, masks, kept, work);
        }
        result(x, layout.shape().clone())
    }

    fn bwd(&self, x: &Tensor, _: &Tensor, gradient: &Tensor) -> Result<Option<Tensor>> {
        let mut memory = self.memory.lock().unwrap_or_else(PoisonError::into_inner);
        let StackMemory { work, kept, gradients, reached } = &mut *memory;
        let mut gradient = floats(gradient, |gradient| Ok(gradient.to_vec()))?;
        let layers = self.layers.iter().zip(&self.masks).zip(kept.iter().zip(gradients));
        for (index, ((layer, masks), (kept, gradients))) in layers.enumerate().rev() {
            let through = self.through || index > 0;
            layer.backward(&self.spans, masks, kept, &mut gradient, through, gradients, work);
        }
        *reached = true;
        if self.through { Ok(Some(tensor(gradient, x)?)) } else { Ok(None) }
    }
}
