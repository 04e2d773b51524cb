//! Linear layers.

use candle_core::{CpuStorage, CustomOp3, Layout, Result, Shape, Tensor};
use vetted_kernels::{Arithmetic, Isa, Left, Lies, Right, Write, add_column_sums, product};

use super::storage::{floats, result, slice, tensor};

struct Linear {
    isa: Isa,
    arithmetic: Arithmetic,
    biased: bool,
}

pub(super) fn linear(isa: Isa, arithmetic: Arithmetic, x: &Tensor, w: &Tensor, b: Option<&Tensor>) -> Result<Tensor> {
    let (x, w) = (x.contiguous()?, w.contiguous()?);
    let op = Linear { isa, arithmetic, biased: b.is_some() };
    match b {
        Some(b) => x.apply_op3(&w, &b.contiguous()?, op),
        None => x.apply_op3(&w, &w.detach(), op), // a third argument there must be
    }
}

impl CustomOp3 for Linear {
    fn name(&self) -> &'static str {
        "linear"
    }

    fn cpu_fwd(
        &self,
        x: &CpuStorage,
        x_layout: &Layout,
        w: &CpuStorage,
        w_layout: &Layout,
        b: &CpuStorage,
        b_layout: &Layout,
    ) -> Result<(CpuStorage, Shape)> {
        let ((rows, inputs), outputs) = (x_layout.shape().dims2()?, w_layout.dim(0)?);
        let bias = if self.biased { slice(b, b_layout)? } else { &[] };
        let (mut left, mut right) = (Left::default(), Right::default());
        left.pack(self.isa, self.arithmetic, slice(x, x_layout)?, rows, inputs, Lies::AsIs);
        right.pack(self.isa, self.arithmetic, slice(w, w_layout)?, inputs, outputs, Lies::Transposed);
        let mut out = vec![0.0; rows * outputs];
        product(self.isa, &left, &right, Write::Set { bias }, &mut out);
        result(out, (rows, outputs))
    }

    fn bwd(
        &self,
        x: &Tensor,
        w: &Tensor,
        b: &Tensor,
        _: &Tensor,
        gradient: &Tensor,
    ) -> Result<(Option<Tensor>, Option<Tensor>, Option<Tensor>)> {
        let ((rows, inputs), outputs) = (x.dims2()?, w.dim(0)?);
        let (isa, arithmetic) = (self.isa, self.arithmetic);
        let (mut left, mut right) = (Left::default(), Right::default());
        floats(gradient, |gradient| {
            left.pack(isa, arithmetic, gradient, rows, outputs, Lies::AsIs);
            floats(w, |w| {
                right.pack(isa, arithmetic, w, outputs, inputs, Lies::AsIs);
                Ok(())
            })?;
            let mut of_x = vec![0.0; rows * inputs];
            product(isa, &left, &right, Write::Set { bias: &[] }, &mut of_x);

            left.pack(isa, arithmetic, gradient, outputs, rows, Lies::Transposed);
            floats(x, |x| {
                right.pack(isa, arithmetic, x, rows, inputs, Lies::AsIs);
                Ok(())
            })?;
            let mut of_w = vec![0.0; outputs * inputs];
            product(isa, &left, &right, Write::Set { bias: &[] }, &mut of_w);

            let of_b = if self.biased {
                let mut of_b = vec![0.0; outputs];
                add_column_sums(isa, gradient, &mut of_b);
                Some(tensor(of_b, b)?)
            } else {
                None
            };
            Ok((Some(tensor(of_x, x)?), Some(tensor(of_w, w)?), of_b))
        })
    }
}
