//! What is trained: named arrays on the host, which every step copies to where it computes.

/// A trained tensor.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Parameter {
    /// As in the exported file, but for query, key and value of a layer, which are one here.
    pub(crate) name: String,
    pub(crate) shape: Vec<usize>,
    pub(crate) values: Vec<f32>,
    pub(crate) part: Part,
}

/// Which learning rate is a parameter's.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Part {
    Encoder,
    Reader,
}

impl Parameter {
    /// Whether weight decay applies: to matrices, not to biases, norms and single vectors.
    pub(crate) fn decays(&self) -> bool {
        self.shape.len() > 1
    }
}

/// All that is trained: the encoder's layers, then the reader's, twelve tensors each (see [`LAYER`] and [`BLOCK`]), then what
/// else there is.
#[derive(Clone, Debug, PartialEq, Default)]
pub(crate) struct Parameters {
    pub(crate) list: Vec<Parameter>,
}

/// One array per parameter, in their order.
pub(crate) type Gradients = Vec<Vec<f32>>;

impl Parameters {
    /// Zeros in every parameter's shape.
    pub(crate) fn zeros(&self) -> Gradients {
        self.list.iter().map(|parameter| vec![0.0; parameter.values.len()]).collect()
    }

    /// How many layers stand first, of the encoder and of the reader.
    pub(crate) fn layers(&self) -> [usize; 2] {
        [ENCODER_LAYER, READER_LAYER]
            .map(|prefix| self.list.iter().filter(|parameter| parameter.name.starts_with(prefix)).count() / LAYER.len())
    }

    /// Numbers in all of them.
    pub(crate) fn count(&self) -> usize {
        self.list.iter().map(|parameter| parameter.values.len()).sum()
    }
}

/// The tensors of an encoder layer, in the order in which its parameters stand, after `encoder.encoder.layer.K.`
/// `qkv` is query, key and value one after the other.
pub(crate) const LAYER: [&str; 12] = [
    "attention.self.qkv.weight",
    "attention.self.qkv.bias",
    "attention.output.dense.weight",
    "attention.output.dense.bias",
    "attention.output.LayerNorm.weight",
    "attention.output.LayerNorm.bias",
    "intermediate.dense.weight",
    "intermediate.dense.bias",
    "output.dense.weight",
    "output.dense.bias",
    "output.LayerNorm.weight",
    "output.LayerNorm.bias",
];

/// The same tensors of a reader's block, after `reader.blocks.K.`
pub(crate) const BLOCK: [&str; 12] = [
    "qkv.weight",
    "qkv.bias",
    "out.weight",
    "out.bias",
    "norm1.weight",
    "norm1.bias",
    "up.weight",
    "up.bias",
    "down.weight",
    "down.bias",
    "norm2.weight",
    "norm2.bias",
];

/// What the names of a layer's tensors begin with.
pub(crate) const ENCODER_LAYER: &str = "encoder.encoder.layer.";
pub(crate) const READER_LAYER: &str = "reader.blocks.";
