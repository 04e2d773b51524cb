//! An ONNX graph as it is built (onnx.ai, operator set 17).

use super::protobuf::Message;

/// Nodes and constants so far. A value is known by its name.
#[derive(Default)]
pub(super) struct Graph {
    graph: Message,
    names: usize,
}

/// What a node says beside its inputs.
pub(super) enum Attribute<'a> {
    Int(&'a str, i64),
    Ints(&'a str, &'a [i64]),
    Float(&'a str, f32),
}

/// ONNX's names for element types.
const FLOAT: i64 = 1;
const INT64: i64 = 7;

impl Graph {
    /// Adds a node with one output, and says what that is called.
    pub(super) fn node(&mut self, operator: &str, inputs: &[&str], attributes: &[Attribute]) -> String {
        let output = self.name(operator);
        let mut node = Message::default();
        for input in inputs {
            node = node.text(1, input);
        }
        node = node.text(2, &output).text(3, &output).text(4, operator);
        for attribute in attributes {
            node = node.message(5, &attribute.message());
        }
        self.graph = std::mem::take(&mut self.graph).message(1, &node);
        output
    }

    /// A constant array under a name of its own.
    pub(super) fn floats(&mut self, name: &str, shape: &[usize], values: &[f32]) -> String {
        let bytes: Vec<u8> = values.iter().flat_map(|value| value.to_le_bytes()).collect();
        self.constant(name, FLOAT, shape, &bytes);
        name.into()
    }

    /// A number.
    pub(super) fn number(&mut self, value: f32) -> String {
        let name = self.name("number");
        self.floats(&name, &[], &[value])
    }

    /// A list of whole numbers.
    pub(super) fn ints(&mut self, values: &[i64]) -> String {
        let name = self.name("ints");
        let bytes: Vec<u8> = values.iter().flat_map(|value| value.to_le_bytes()).collect();
        self.constant(&name, INT64, &[values.len()], &bytes);
        name
    }

    /// A whole number.
    pub(super) fn int(&mut self, value: i64) -> String {
        let name = self.name("int");
        self.constant(&name, INT64, &[], &value.to_le_bytes());
        name
    }

    /// The model: int64 inputs and one float output, each with the names of its dimensions or their sizes.
    pub(super) fn finish(self, inputs: &[(&str, [&str; 2])], output: (&str, &str, usize), result: &str) -> Vec<u8> {
        let named = |name: &str| Message::default().text(2, name);
        let value = |name: &str, element: i64, dimensions: &[Message]| {
            let shape = dimensions.iter().fold(Message::default(), |shape, dimension| shape.message(1, dimension));
            let tensor = Message::default().int(1, element).message(2, &shape);
            Message::default().text(1, name).message(2, &Message::default().message(1, &tensor))
        };
        let (name, batch, width) = output;
        let last = Message::default().text(1, result).text(2, name).text(3, name).text(4, "Identity");
        let mut graph = self.graph.message(1, &last).text(2, "verifier");
        for (name, dimensions) in inputs {
            graph = graph.message(11, &value(name, INT64, &dimensions.map(named)));
        }
        let width = Message::default().int(1, width as i64);
        graph = graph.message(12, &value(name, FLOAT, &[named(batch), width]));
        let operators = Message::default().text(1, "").int(2, 17);
        Message::default().int(1, 8).text(2, "vetted").message(7, &graph).message(8, &operators).into_bytes()
    }

    fn constant(&mut self, name: &str, element: i64, shape: &[usize], bytes: &[u8]) {
        let shape = shape.iter().fold(Message::default(), |tensor, size| tensor.int(1, *size as i64));
        let tensor = shape.int(2, element).text(8, name).bytes(9, bytes);
        self.graph = std::mem::take(&mut self.graph).message(5, &tensor);
    }

    fn name(&mut self, of: &str) -> String {
        self.names += 1;
        format!("{of}_{}", self.names)
    }
}

impl Attribute<'_> {
    fn message(&self) -> Message {
        match self {
            Attribute::Float(name, value) => Message::default().text(1, name).float(2, *value).int(20, 1),
            Attribute::Int(name, value) => Message::default().text(1, name).int(3, *value).int(20, 2),
            Attribute::Ints(name, values) => {
                values.iter().fold(Message::default().text(1, name), |message, value| message.int(8, *value)).int(20, 7)
            }
        }
    }
}
