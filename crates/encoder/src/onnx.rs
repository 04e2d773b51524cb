//! Any encoder with an ONNX export, run by `rten`.

use std::path::{Path, PathBuf};

use rten::{Model, NodeId, ValueOrView};
use rten_tensor::prelude::*;
use rten_tensor::{NdTensor, NdTensorView};

use crate::Error;

/// A loaded ONNX graph.
pub(crate) struct Onnx {
    path: PathBuf,
    model: Model,
    output: NodeId,
    hidden: usize,
}

impl Onnx {
    /// Loads `path` and runs it once on a single token, so that a graph that is no encoder fails here.
    pub(crate) fn open(path: &Path) -> Result<Onnx, Error> {
        let model =
            Model::load_file(path).map_err(|source| Error::Onnx { path: path.into(), source: Box::new(source) })?;
        let output = ["last_hidden_state", "token_embeddings"]
            .into_iter()
            .find_map(|name| model.find_node(name))
            .or_else(|| model.output_ids().first().copied());
        let Some(output) = output else { return Err(Error::NoTokenVectors { path: path.into() }) };
        let mut onnx = Onnx { path: path.into(), model, output, hidden: 0 };
        onnx.hidden = onnx.forward(&[&[0]])?.size(2);
        Ok(onnx)
    }

    pub(crate) fn hidden_size(&self) -> usize {
        self.hidden
    }

    /// Token vectors of texts of one length, one text after the other: `tokens` x `hidden`.
    pub(crate) fn run(&self, texts: &[&[u32]]) -> Result<Vec<f32>, Error> {
        Ok(self.forward(texts)?.into_data())
    }

    fn forward(&self, texts: &[&[u32]]) -> Result<NdTensor<f32, 3>, Error> {
        let fault = |source: rten::RunError| Error::Onnx { path: self.path.clone(), source: Box::new(source) };
        let length = texts.first().map_or(0, |ids| ids.len());
        let ids: Vec<i32> = texts.iter().flat_map(|ids| ids.iter().map(|id| *id as i32)).collect();
        let (ones, zeros) = (vec![1i32; ids.len()], vec![0i32; ids.len()]);
        let shape = [texts.len(), length];
        let mut inputs: Vec<(NodeId, ValueOrView)> = Vec::new();
        for node in self.model.input_ids() {
            let name = self.model.node_info(*node).and_then(|info| info.name().map(str::to_owned)).unwrap_or_default();
            let values = match name.as_str() {
                "input_ids" => &ids,
                "attention_mask" => &ones,
                "token_type_ids" => &zeros,
                _ => return Err(Error::UnknownInput { path: self.path.clone(), input: name }),
            };
            inputs.push((*node, NdTensorView::from_data(shape, values.as_slice()).into()));
        }
        let [output] = self.model.run_n(inputs, [self.output], None).map_err(fault)?;
        output.try_into().map_err(|_| Error::NoTokenVectors { path: self.path.clone() })
    }
}
