//! The readers of maps as parts of a graph.

use super::Attribute::{Int, Ints};
use super::{Network, Text};
use vetted_reader::{F3, MapTransformer};

/// Both maps' ingredients of one architecture.
struct Maps {
    /// Each batch x query tokens x candidate tokens; 0 beyond the texts.
    maps: Vec<String>,
    /// Each batch x query tokens.
    row_maxima: Vec<String>,
    /// Each batch x candidate tokens.
    column_maxima: Vec<String>,
    /// 1.0 inside both texts.
    keep: String,
}

impl Network<'_> {
    fn maps(&mut self, texts: &[Text; 2], lexical: bool) -> Maps {
        let [query, candidate] = texts;
        let (rows, columns) = (self.unsqueeze(&query.mask, 2), self.unsqueeze(&candidate.mask, 1));
        let keep = self.node("Mul", &[&rows, &columns]);
        let narrow = self.tensors.contains_key("view.weight");
        let views = [query, candidate].map(|text| {
            let view = if narrow { self.product("view.weight", &text.hidden) } else { text.hidden.clone() };
            self.unit(&view)
        });
        let mut sides = vec![views];
        if lexical {
            let table = self.weight("encoder.embeddings.word_embeddings.weight");
            sides.push([query, candidate].map(|text| {
                let words = self.node("Gather", &[&table, &text.ids]);
                self.unit(&words)
            }));
        }
        let (one, far) = (self.graph.number(1.0), self.graph.number(4.0));
        let outside = self.node("Sub", &[&keep, &one]);
        let outside = self.node("Mul", &[&outside, &far]);
        let mut maps = Maps { maps: Vec::new(), row_maxima: Vec::new(), column_maxima: Vec::new(), keep };
        for [rows, columns] in sides {
            let turned = self.transpose(&columns, &[0, 2, 1]);
            let map = self.node("MatMul", &[&rows, &turned]);
            let map = self.node("Mul", &[&map, &maps.keep]);
            let masked = self.node("Add", &[&map, &outside]);
            let mut maximum = |axis: i64, mask: &str| {
                let maximum = self.graph.node("ReduceMax", &[&masked], &[Ints("axes", &[axis]), Int("keepdims", 0)]);
                self.node("Mul", &[&maximum, mask])
            };
            maps.row_maxima.push(maximum(2, &query.mask));
            maps.column_maxima.push(maximum(1, &candidate.mask));
            maps.maps.push(map);
        }
        maps
    }

    /// Zeros after the end of an axis up to a multiple of `side`; the others are as given before and after it.
    fn pad_to(&mut self, x: &str, axis: usize, rank: usize, side: usize) -> String {
        let size = self.size(x, axis as i64);
        let (sides, zero) = (self.graph.ints(&[side as i64]), self.graph.ints(&[0]));
        let less = self.node("Sub", &[&zero, &size]);
        let missing = self.node("Mod", &[&less, &sides]);
        self.pad(x, axis, rank, &missing)
    }

    fn pad(&mut self, x: &str, axis: usize, rank: usize, missing: &str) -> String {
        let before = self.graph.ints(&vec![0; rank + axis]);
        let mut parts = vec![before];
        parts.push(missing.into());
        if axis + 1 < rank {
            parts.push(self.graph.ints(&vec![0; rank - axis - 1]));
        }
        let parts: Vec<&str> = parts.iter().map(String::as_str).collect();
        let pads = self.concat(&parts, 0);
        self.node("Pad", &[x, &pads])
    }

    /// What is read of a pair, and what is taken from its logits where words are missing.
    pub(super) fn map_transformer(&mut self, shape: &MapTransformer) -> (String, Option<String>) {
        let MapTransformer { traits, lexical, patch, .. } = *shape;
        let texts = self.texts();
        let maps = self.maps(&texts, lexical);
        let (count, p) = (shape.maps(), patch as i64);
        let stacked: Vec<String> = maps.maps.iter().map(|map| self.unsqueeze(map, 1)).collect();
        let stacked = self.concat(&stacked.iter().map(String::as_str).collect::<Vec<_>>(), 1);
        let stacked = self.pad_to(&stacked, 2, 4, patch);
        let stacked = self.pad_to(&stacked, 3, 4, patch);
        let blocks = |network: &mut Self, x: &str, axis: i64| {
            let size = network.size(x, axis);
            let sides = network.graph.ints(&[p]);
            network.node("Div", &[&size, &sides])
        };
        let (down, across) = (blocks(self, &stacked, 2), blocks(self, &stacked, 3));
        let batch = self.size(&stacked, 0);
        let (of_maps, side) = (self.graph.ints(&[count as i64]), self.graph.ints(&[p]));
        let split = self.concat(&[&batch, &of_maps, &down, &side, &across, &side], 0);
        let grid = self.node("Reshape", &[&stacked, &split]);
        let grid = self.transpose(&grid, &[0, 2, 4, 1, 3, 5]);
        let values = self.graph.ints(&[count as i64 * p * p]);
        let joined = self.concat(&[&batch, &down, &across, &values], 0);
        let grid = self.node("Reshape", &[&grid, &joined]);
        let tokens = self.product("reader.patch.map.weight", &grid);
        let sides =
            [("row", &texts[0], &maps.row_maxima, &down, 2), ("column", &texts[1], &maps.column_maxima, &across, 1)]
                .map(|(name, text, maxima, blocks, axis)| self.side(name, text, maxima, blocks, axis, traits, patch));
        let bias = self.weight("reader.patch.bias");
        let tokens =
            [&sides[0], &sides[1], &bias].into_iter().fold(tokens, |sum, part| self.node("Add", &[&sum, part]));
        let width = self.graph.ints(&[shape.width as i64]);
        let all = self.graph.ints(&[-1]);
        let flat = self.concat(&[&batch, &all, &width], 0);
        let tokens = self.node("Reshape", &[&tokens, &flat]);
        // A patch counts when any of its places is inside both texts: when its first is.
        let masks = [(&texts[0].mask, 2), (&texts[1].mask, 1)].map(|(mask, axis)| {
            let padded = self.pad_to(mask, 1, 2, patch);
            let split = self.reshape(&padded, &[0, -1, p]);
            let first = self.at(&split, 0, 2);
            self.unsqueeze(&first, axis)
        });
        let mask = self.node("Mul", &[&masks[0], &masks[1]]);
        let mask = self.reshape(&mask, &[0, -1]);
        let cls = self.transformer(&tokens, &mask, &batch, shape.layers, shape.heads, shape.width);
        let summary = match shape.convolutions.len() {
            0 => cls,
            stages => {
                let mean = self.convolutions(&maps, stages);
                self.node("Add", &[&cls, &mean])
            }
        };
        let withheld = (shape.missing_words > 0.0).then(|| self.withheld(&texts[0], &maps, shape.missing_words));
        (summary, withheld)
    }

    /// What candidates lose of their support for words of the query that they lack, and nothing of the other outputs.
    fn withheld(&mut self, query: &Text, maps: &Maps, missing_words: f32) -> String {
        let mean = [Ints("axes", &[1]), Int("keepdims", 1)];
        let of_words = &maps.row_maxima[maps.row_maxima.len() - 1];
        let [covered, tokens] = [of_words, &query.mask].map(|x| self.graph.node("ReduceMean", &[x], &mean));
        let covered = self.node("Div", &[&covered, &tokens]);
        let one = self.graph.number(1.0);
        let missing = self.node("Sub", &[&one, &covered]);
        let outputs = 3 + self.recipe.kinds.len();
        let mut of_outputs = vec![0.0; outputs];
        of_outputs[0] = missing_words;
        self.graph.floats("missing_words", &[1, outputs], &of_outputs);
        self.node("Mul", &[&missing, "missing_words"])
    }

    /// What a block of rows, or of columns, adds to its patches.
    #[allow(clippy::too_many_arguments)]
    fn side(
        &mut self,
        name: &str,
        text: &Text,
        maxima: &[String],
        blocks: &str,
        axis: i64,
        traits: usize,
        patch: usize,
    ) -> String {
        let mut parts = Vec::new();
        if traits > 0 {
            let values = self.linear("traits", &text.hidden);
            let values = self.node("Tanh", &[&values]);
            let mask = self.unsqueeze(&text.mask, 2);
            parts.push(self.node("Mul", &[&values, &mask]));
        }
        for maximum in maxima {
            parts.push(self.unsqueeze(maximum, 2));
        }
        let features = self.concat(&parts.iter().map(String::as_str).collect::<Vec<_>>(), 2);
        let features = self.pad_to(&features, 1, 3, patch);
        let width = patch * (traits + maxima.len());
        let features = self.reshape(&features, &[0, -1, width as i64]);
        let values = self.product(&format!("reader.patch.{name}.weight"), &features);
        let table = self.weight(&format!("reader.positions.{name}"));
        let (start, rows) = (self.graph.ints(&[0]), self.graph.ints(&[0]));
        let positions = self.node("Slice", &[&table, &start, blocks, &rows]);
        let values = self.node("Add", &[&values, &positions]);
        self.unsqueeze(&values, axis)
    }

    /// Each map, its row maxima and its column maxima over the grid: batch x 3 for each map x rows x columns.
    fn channels(&mut self, maps: &Maps) -> String {
        let mut channels = Vec::new();
        for (map, (rows, columns)) in maps.maps.iter().zip(maps.row_maxima.iter().zip(&maps.column_maxima)) {
            let (rows, columns) = (self.unsqueeze(rows, 2), self.unsqueeze(columns, 1));
            for channel in [map, &rows, &columns] {
                let inside = self.node("Mul", &[channel, &maps.keep]);
                channels.push(self.unsqueeze(&inside, 1));
            }
        }
        self.concat(&channels.iter().map(String::as_str).collect::<Vec<_>>(), 1)
    }

    /// What the reader's blocks make of CLS before `tokens`.
    fn transformer(
        &mut self,
        tokens: &str,
        mask: &str,
        batch: &str,
        layers: usize,
        heads: usize,
        width: usize,
    ) -> String {
        let cls = self.weight("reader.cls");
        let (one, size) = (self.graph.ints(&[1]), self.graph.ints(&[width as i64]));
        let first = self.concat(&[batch, &one, &size], 0);
        let cls = self.node("Expand", &[&cls, &first]);
        let x = self.concat(&[&cls, tokens], 1);
        let mut x = self.layer_norm("reader.norm_in", &x, 1e-5);
        let whole = self.concat(&[batch, &one], 0);
        let seen = self.graph.number(1.0);
        let seen = self.node("Expand", &[&seen, &whole]);
        let mask = self.concat(&[&seen, mask], 1);
        let bias = self.bias(&mask);
        for block in 0..layers {
            let name = |part: &str| format!("reader.blocks.{block}.{part}");
            let normed = self.layer_norm(&name("norm1"), &x, 1e-5);
            let qkv = self.linear(&name("qkv"), &normed);
            let split = self.reshape(&qkv, &[0, 0, 3, width as i64]);
            let [q, k, v] = [0, 1, 2].map(|part| self.at(&split, part, 2));
            let mixed = self.attention([&q, &k, &v], &bias, heads, width);
            let mixed = self.linear(&name("out"), &mixed);
            x = self.node("Add", &[&x, &mixed]);
            let normed = self.layer_norm(&name("norm2"), &x, 1e-5);
            let wide = self.linear(&name("up"), &normed);
            let wide = self.gelu(&wide);
            let mixed = self.linear(&name("down"), &wide);
            x = self.node("Add", &[&x, &mixed]);
        }
        let cls = self.at(&x, 0, 1);
        self.layer_norm("reader.norm_out", &cls, 1e-5)
    }

    pub(super) fn f3(&mut self, shape: &F3) -> String {
        let texts = self.texts();
        let maps = self.maps(&texts, false);
        self.convolutions(&maps, shape.channels.len())
    }

    /// Stages of convolutions, and the mean of the last one over the places inside both texts.
    fn convolutions(&mut self, maps: &Maps, stages: usize) -> String {
        let mut x = self.channels(maps);
        let mut inside = self.unsqueeze(&maps.keep, 1);
        let one = self.graph.number(1.0);
        let pool = [Ints("kernel_shape", &[2, 2]), Ints("strides", &[2, 2]), Int("ceil_mode", 1)];
        for stage in 0..stages {
            let name = |part: &str| format!("reader.convolutions.{stage}.{part}");
            let (weight, bias) = (self.weight(&name("weight")), self.weight(&name("bias")));
            x = self.graph.node("Conv", &[&x, &weight, &bias], &[Ints("pads", &[1, 1, 1, 1])]);
            x = self.transpose(&x, &[0, 2, 3, 1]);
            x = self.layer_norm(&name("norm"), &x, 1e-5);
            x = self.gelu(&x);
            x = self.transpose(&x, &[0, 3, 1, 2]);
            // Places outside are below all others in the maximum, and zero afterwards.
            let outside = self.node("Sub", &[&inside, &one]);
            let far = self.graph.number(1e9);
            let lowered = self.node("Mul", &[&outside, &far]);
            x = self.node("Mul", &[&x, &inside]);
            x = self.node("Add", &[&x, &lowered]);
            x = self.graph.node("MaxPool", &[&x], &pool);
            inside = self.graph.node("MaxPool", &[&inside], &pool);
            x = self.node("Mul", &[&x, &inside]);
        }
        let places = [Ints("axes", &[2, 3]), Int("keepdims", 0)];
        let [sum, count] = [&x, &inside].map(|x| self.graph.node("ReduceMean", &[x], &places));
        self.node("Div", &[&sum, &count])
    }
}
