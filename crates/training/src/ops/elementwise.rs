//! Functions of a row or a value at a time.

use candle_core::{CpuStorage, CustomOp1, CustomOp3, Layout, Result, Shape, Tensor};
use vetted_kernels::{Activation, Isa};

use super::storage::{floats, result, slice, tensor};

pub(super) fn layer_norm(isa: Isa, x: &Tensor, gain: &Tensor, bias: &Tensor, epsilon: f64) -> Result<Tensor> {
    x.contiguous()?.apply_op3(gain, bias, LayerNorm { isa, epsilon: epsilon as f32 })
}

pub(super) fn gelu(isa: Isa, x: &Tensor) -> Result<Tensor> {
    x.contiguous()?.apply_op1(Gelu { isa })
}

pub(super) fn l2_normalize(isa: Isa, x: &Tensor) -> Result<Tensor> {
    x.contiguous()?.apply_op1(L2Normalize { isa })
}

struct LayerNorm {
    isa: Isa,
    epsilon: f32,
}

impl CustomOp3 for LayerNorm {
    fn name(&self) -> &'static str {
        "layer-norm"
    }

    fn cpu_fwd(
        &self,
        x: &CpuStorage,
        x_layout: &Layout,
        gain: &CpuStorage,
        gain_layout: &Layout,
        bias: &CpuStorage,
        bias_layout: &Layout,
    ) -> Result<(CpuStorage, Shape)> {
        let x = slice(x, x_layout)?;
        let mut out = vec![0.0; x.len()];
        let (gain, bias) = (slice(gain, gain_layout)?, slice(bias, bias_layout)?);
        vetted_kernels::layer_norm(self.isa, x, gain, bias, self.epsilon, &mut out);
        result(out, x_layout.shape().clone())
    }

    fn bwd(
        &self,
        x: &Tensor,
        gain: &Tensor,
        bias: &Tensor,
        _: &Tensor,
        gradient: &Tensor,
    ) -> Result<(Option<Tensor>, Option<Tensor>, Option<Tensor>)> {
        let width = gain.elem_count();
        let (mut of_gain, mut of_bias) = (vec![0.0; width], vec![0.0; width]);
        let mut of_x = floats(gradient, |gradient| Ok(gradient.to_vec()))?;
        floats(x, |x| {
            floats(gain, |gain| {
                let (of_gain, of_bias) = (&mut of_gain, &mut of_bias);
                vetted_kernels::layer_norm_gradient(self.isa, x, gain, self.epsilon, &mut of_x, of_gain, of_bias);
                Ok(())
            })
        })?;
        Ok((Some(tensor(of_x, x)?), Some(tensor(of_gain, gain)?), Some(tensor(of_bias, bias)?)))
    }
}

struct Gelu {
    isa: Isa,
}

impl CustomOp1 for Gelu {
    fn name(&self) -> &'static str {
        "gelu"
    }

    fn cpu_fwd(&self, x: &CpuStorage, layout: &Layout) -> Result<(CpuStorage, Shape)> {
        let mut out = slice(x, layout)?.to_vec();
        vetted_kernels::activate(self.isa, Activation::Gelu, &mut out);
        result(out, layout.shape().clone())
    }

    fn bwd(&self, x: &Tensor, _: &Tensor, gradient: &Tensor) -> Result<Option<Tensor>> {
        let mut of_x = floats(gradient, |gradient| Ok(gradient.to_vec()))?;
        floats(x, |x| {
            vetted_kernels::gelu_gradient(self.isa, x, &mut of_x);
            Ok(())
        })?;
        Ok(Some(tensor(of_x, x)?))
    }
}

struct L2Normalize {
    isa: Isa,
}

impl CustomOp1 for L2Normalize {
    fn name(&self) -> &'static str {
        "l2-normalize"
    }

    fn cpu_fwd(&self, x: &CpuStorage, layout: &Layout) -> Result<(CpuStorage, Shape)> {
        let (_, width) = layout.shape().dims2()?;
        let mut out = slice(x, layout)?.to_vec();
        out.chunks_exact_mut(width).for_each(|row| vetted_kernels::l2_normalize(self.isa, row));
        result(out, layout.shape().clone())
    }

    fn bwd(&self, x: &Tensor, unit: &Tensor, gradient: &Tensor) -> Result<Option<Tensor>> {
        let (_, width) = x.dims2()?;
        let mut of_x = floats(gradient, |gradient| Ok(gradient.to_vec()))?;
        floats(x, |x| {
            floats(unit, |unit| {
                let dot = |a: &[f32], b: &[f32]| vetted_kernels::dot(self.isa, a, b);
                let rows = x.chunks_exact(width).zip(unit.chunks_exact(width));
                for (of_x, (x, unit)) in of_x.chunks_exact_mut(width).zip(rows) {
                    let along = dot(of_x, unit);
                    let inverse = 1.0 / dot(x, x).sqrt().max(1e-12);
                    of_x.iter_mut().zip(unit).for_each(|(g, u)| *g = (*g - u * along) * inverse);
                }
                Ok(())
            })
        })?;
        Ok(Some(tensor(of_x, x)?))
    }
}
