//! A verifier as an ONNX model: the whole network in f32, from token ids to logits.

mod readers;

use std::collections::HashMap;

use vetted_reader::Architecture;

use super::graph::{Attribute, Graph};
use crate::Error;
use crate::base::Base;
use crate::model::{base_tensors, stored_parts};
use crate::parameters::Parameters;
use crate::recipe::Recipe;

/// The model as the bytes of a file.
pub(super) fn model(base: &Base, recipe: &Recipe, parameters: &Parameters) -> Result<Vec<u8>, Error> {
    let mut tensors: HashMap<String, (Vec<usize>, Vec<f32>)> = HashMap::new();
    for (name, shape, values) in base_tensors(base)? {
        tensors.insert(format!("encoder.{name}"), (shape, values));
    }
    for parameter in &parameters.list {
        for (name, range, shape) in stored_parts(&parameter.name, &parameter.shape) {
            tensors.insert(name, (shape, parameter.values[range].to_vec()));
        }
    }
    let mut network = Network { graph: Graph::default(), tensors, base, recipe };
    let outputs = 3 + recipe.kinds.len();
    let logits = network.logits()?;
    let inputs = [
        ("query_ids", ["batch", "query_tokens"]),
        ("query_mask", ["batch", "query_tokens"]),
        ("candidate_ids", ["batch", "candidate_tokens"]),
        ("candidate_mask", ["batch", "candidate_tokens"]),
    ];
    Ok(network.graph.finish(&inputs, ("logits", "batch", outputs), &logits))
}

struct Network<'a> {
    graph: Graph,
    /// What is not in the graph yet.
    tensors: HashMap<String, (Vec<usize>, Vec<f32>)>,
    base: &'a Base,
    recipe: &'a Recipe,
}

/// One text as it is in the graph.
struct Text {
    ids: String,
    /// 1.0 for a token: batch x tokens.
    mask: String,
    hidden: String,
}

use Attribute::{Float, Int, Ints};

impl Network<'_> {
    fn logits(&mut self) -> Result<String, Error> {
        let (summary, withheld) = match &self.recipe.architecture {
            Architecture::CrossEncoder => {
                let cls = self.joint();
                let mixed = self.linear("reader.head.hidden", &cls);
                let mixed = self.node("Tanh", &[&mixed]);
                return Ok(self.linear("reader.head.output", &mixed));
            }
            Architecture::MapTransformer(shape) => self.map_transformer(shape),
            Architecture::F3(shape) => (self.f3(shape), None),
            other => return Err(Error::NotExported { architecture: other.name() }),
        };
        let mixed = self.linear("reader.head.hidden", &summary);
        let mixed = self.gelu(&mixed);
        let logits = self.linear("reader.head.output", &mixed);
        Ok(match withheld {
            Some(withheld) => self.node("Sub", &[&logits, &withheld]),
            None => logits,
        })
    }

    fn node(&mut self, operator: &str, inputs: &[&str]) -> String {
        self.graph.node(operator, inputs, &[])
    }

    /// A weight, put into the graph at its first use.
    fn weight(&mut self, name: &str) -> String {
        if let Some((shape, values)) = self.tensors.remove(name) {
            self.graph.floats(name, &shape, &values);
        }
        name.into()
    }

    /// `x W^T`.
    fn product(&mut self, weight: &str, x: &str) -> String {
        let turned = format!("{weight}.turned");
        if let Some((shape, values)) = self.tensors.remove(weight) {
            let (rows, columns) = (shape[0], values.len() / shape[0].max(1));
            let values: Vec<f32> = (0..columns).flat_map(|c| values.iter().skip(c).step_by(columns).copied()).collect();
            self.graph.floats(&turned, &[columns, rows], &values);
        }
        self.node("MatMul", &[x, &turned])
    }

    fn linear(&mut self, name: &str, x: &str) -> String {
        let product = self.product(&format!("{name}.weight"), x);
        let bias = self.weight(&format!("{name}.bias"));
        self.node("Add", &[&product, &bias])
    }

    fn layer_norm(&mut self, name: &str, x: &str, epsilon: f64) -> String {
        let (gain, bias) = (self.weight(&format!("{name}.weight")), self.weight(&format!("{name}.bias")));
        let attributes = [Int("axis", -1), Float("epsilon", epsilon as f32)];
        self.graph.node("LayerNormalization", &[x, &gain, &bias], &attributes)
    }

    fn gelu(&mut self, x: &str) -> String {
        let root = self.graph.number(std::f32::consts::FRAC_1_SQRT_2);
        let (half, one) = (self.graph.number(0.5), self.graph.number(1.0));
        let scaled = self.node("Mul", &[x, &root]);
        let erf = self.node("Erf", &[&scaled]);
        let twice = self.node("Add", &[&erf, &one]);
        let share = self.node("Mul", &[&twice, &half]);
        self.node("Mul", &[x, &share])
    }

    fn reshape(&mut self, x: &str, shape: &[i64]) -> String {
        let shape = self.graph.ints(shape);
        self.node("Reshape", &[x, &shape])
    }

    fn transpose(&mut self, x: &str, order: &[i64]) -> String {
        self.graph.node("Transpose", &[x], &[Ints("perm", order)])
    }

    fn unsqueeze(&mut self, x: &str, axis: i64) -> String {
        let axes = self.graph.ints(&[axis]);
        self.node("Unsqueeze", &[x, &axes])
    }

    fn concat(&mut self, parts: &[&str], axis: i64) -> String {
        self.graph.node("Concat", parts, &[Int("axis", axis)])
    }

    /// The part of `x` at a place of an axis, which is gone then.
    fn at(&mut self, x: &str, place: i64, axis: i64) -> String {
        let place = self.graph.int(place);
        self.graph.node("Gather", &[x, &place], &[Int("axis", axis)])
    }

    /// How large `x` is along an axis, as a list of one.
    fn size(&mut self, x: &str, axis: i64) -> String {
        let shape = self.node("Shape", &[x]);
        let place = self.graph.ints(&[axis]);
        self.graph.node("Gather", &[&shape, &place], &[Int("axis", 0)])
    }

    /// What attention adds to scores: nothing for tokens, much below zero for padding; batch x 1 x 1 x tokens.
    fn bias(&mut self, mask: &str) -> String {
        let (one, large) = (self.graph.number(1.0), self.graph.number(1e9));
        let less = self.node("Sub", &[mask, &one]);
        let scaled = self.node("Mul", &[&less, &large]);
        let axes = self.graph.ints(&[1, 2]);
        self.node("Unsqueeze", &[&scaled, &axes])
    }

    /// From queries, keys and values (batch x tokens x hidden each) to what attention mixes.
    fn attention(&mut self, parts: [&str; 3], bias: &str, heads: usize, hidden: usize) -> String {
        let width = hidden / heads;
        let [q, k, v] = parts.map(|part| {
            let split = self.reshape(part, &[0, 0, heads as i64, width as i64]);
            self.transpose(&split, &[0, 2, 1, 3])
        });
        let turned = self.transpose(&k, &[0, 1, 3, 2]);
        let scores = self.node("MatMul", &[&q, &turned]);
        let scale = self.graph.number(1.0 / (width as f32).sqrt());
        let scores = self.node("Mul", &[&scores, &scale]);
        let scores = self.node("Add", &[&scores, bias]);
        let weights = self.graph.node("Softmax", &[&scores], &[Int("axis", -1)]);
        let mixed = self.node("MatMul", &[&weights, &v]);
        let mixed = self.transpose(&mixed, &[0, 2, 1, 3]);
        self.reshape(&mixed, &[0, 0, hidden as i64])
    }

    /// The encoder's last layer. `types` are token types, of the first kind when absent.
    fn encode(&mut self, ids: &str, mask: &str, types: Option<&str>) -> String {
        let (shape, float) = (self.base.shape.clone(), [Int("to", 1)]);
        let words = self.weight("encoder.embeddings.word_embeddings.weight");
        let positions = self.weight("encoder.embeddings.position_embeddings.weight");
        let kinds = self.weight("encoder.embeddings.token_type_embeddings.weight");
        // A token's place among those that are none of padding.
        let (axis, one, zero) = (self.graph.int(1), self.graph.int(1), self.graph.int(0));
        let count = self.node("CumSum", &[mask, &axis]);
        let place = self.node("Sub", &[&count, &one]);
        let place = self.node("Max", &[&place, &zero]);
        let word = self.node("Gather", &[&words, ids]);
        let position = self.node("Gather", &[&positions, &place]);
        let kind = match types {
            Some(types) => self.node("Gather", &[&kinds, types]),
            None => self.at(&kinds, 0, 0),
        };
        let sum = self.node("Add", &[&word, &position]);
        let sum = self.node("Add", &[&sum, &kind]);
        let mut x = self.layer_norm("encoder.embeddings.LayerNorm", &sum, shape.epsilon);
        let mask = self.graph.node("Cast", &[mask], &float);
        let bias = self.bias(&mask);
        for layer in 0..shape.layers {
            let name = |part: &str| format!("encoder.encoder.layer.{layer}.{part}");
            let [q, k, v] =
                ["query", "key", "value"].map(|part| self.linear(&name(&format!("attention.self.{part}")), &x));
            let mixed = self.attention([&q, &k, &v], &bias, shape.heads, shape.hidden);
            let mixed = self.linear(&name("attention.output.dense"), &mixed);
            let sum = self.node("Add", &[&mixed, &x]);
            let middle = self.layer_norm(&name("attention.output.LayerNorm"), &sum, shape.epsilon);
            let wide = self.linear(&name("intermediate.dense"), &middle);
            let wide = self.gelu(&wide);
            let out = self.linear(&name("output.dense"), &wide);
            let sum = self.node("Add", &[&out, &middle]);
            x = self.layer_norm(&name("output.LayerNorm"), &sum, shape.epsilon);
        }
        x
    }

    /// CLS of both texts as one: the candidate's tokens but its first follow the query's.
    fn joint(&mut self) -> String {
        let (start, end, axis) = (self.graph.ints(&[1]), self.graph.ints(&[i64::MAX]), self.graph.ints(&[1]));
        let [ids, mask] = ["ids", "mask"].map(|what| {
            let rest = self.node("Slice", &[&format!("candidate_{what}"), &start, &end, &axis]);
            (format!("query_{what}"), rest)
        });
        let zeros = self.node("Sub", &["query_ids", "query_ids"]);
        let rest = self.node("Sub", &[&ids.1, &ids.1]);
        let one = self.graph.int(1);
        let ones = self.node("Add", &[&rest, &one]);
        let types = self.concat(&[&zeros, &ones], 1);
        let (ids, mask) = (self.concat(&[&ids.0, &ids.1], 1), self.concat(&[&mask.0, &mask.1], 1));
        let hidden = self.encode(&ids, &mask, Some(&types));
        self.at(&hidden, 0, 1)
    }

    fn texts(&mut self) -> [Text; 2] {
        ["query", "candidate"].map(|which| {
            let (ids, mask) = (format!("{which}_ids"), format!("{which}_mask"));
            let hidden = self.encode(&ids, &mask, None);
            Text { mask: self.graph.node("Cast", &[&mask], &[Int("to", 1)]), ids, hidden }
        })
    }

    fn unit(&mut self, x: &str) -> String {
        let length = self.graph.node("ReduceL2", &[x], &[Ints("axes", &[-1]), Int("keepdims", 1)]);
        let least = self.graph.number(1e-12);
        let length = self.node("Max", &[&length, &least]);
        self.node("Div", &[x, &length])
    }
}
