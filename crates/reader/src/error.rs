//! What can go wrong between a verifier's folder and a verdict.

/// A verifier that could not be loaded, or texts that it cannot read.
///
/// A caller that gets one must treat the candidate as *not accepted*.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// `config.json` is not JSON, or has a field missing, unknown or of another type.
    #[error("the verifier's config.json does not read: {source}. Compare it with the one of a shipped verifier")]
    Config {
        /// What serde said, with line and column.
        source: serde_json::Error,
    },
    /// `config.json` is of a later version of vetted.
    #[error("the verifier's config.json is of format {got}; this vetted reads format {expected}. Update vetted")]
    Format {
        /// The format in the file.
        got: u64,
        /// The format this version reads.
        expected: u64,
    },
    /// `config.json` names an architecture that does not exist here.
    #[error("no verifier architecture is called {got:?}; there are: {}", crate::architecture::ARCHITECTURES.join(", "))]
    UnknownArchitecture {
        /// The name in the file.
        got: String,
    },
    /// A value in `config.json` is out of its range.
    #[error("{field} is {got} in the verifier's config.json, where it must be {expected}")]
    ConfigValue {
        /// Path of the field, dots between names.
        field: &'static str,
        /// The value in the file.
        got: String,
        /// What is allowed.
        expected: &'static str,
    },
    /// The verifier was trained over another base encoder than the one at hand.
    #[error(
        "the verifier was trained over {name} with SHA-256 {expected}, but the base encoder at hand has {got}. \
         Open it with the base that its config.json names"
    )]
    OtherBase {
        /// The base encoder that the verifier wants.
        name: String,
        /// Its hash.
        expected: String,
        /// The hash of the one at hand.
        got: String,
    },
    /// The weights file is truncated or not safetensors.
    #[error("the verifier's model.safetensors is not whole: {source}. Fetch it again")]
    WeightFile {
        /// What the library said.
        source: vetted_tensors::SafeTensorError,
    },
    /// A tensor that the config implies is not in the file.
    #[error(
        "the verifier's weights have no tensor {tensor:?} (expected shape {expected:?}): config.json and weights differ"
    )]
    TensorMissing {
        /// Its name.
        tensor: String,
        /// The shape by `config.json`.
        expected: Vec<usize>,
    },
    /// A tensor does not have the shape that the config implies.
    #[error(
        "tensor {tensor:?} of the verifier has shape {got:?} where its config.json implies {expected:?}: the two are of \
         different models"
    )]
    TensorShape {
        /// Its name.
        tensor: String,
        /// The shape by `config.json`.
        expected: Vec<usize>,
        /// The shape in the file.
        got: Vec<usize>,
    },
    /// A tensor's element type is not one of those read here.
    #[error(
        "tensor {tensor:?} of the verifier is of type {got}; vetted reads F32, F16, BF16, and I8 beside a `.scale`"
    )]
    TensorType {
        /// Its name.
        tensor: String,
        /// Its type.
        got: String,
    },
    /// Tensors that the config has no use for: it is of another model.
    #[error("the verifier's weights hold tensors that its config.json does not imply: {}", tensors.join(", "))]
    TensorsUnexpected {
        /// Their names.
        tensors: Vec<String>,
    },
    /// A tensor holds NaN or infinity.
    #[error(
        "tensor {tensor:?} of the verifier holds a value that is not finite: training diverged or the file is damaged"
    )]
    TensorNotFinite {
        /// Its name.
        tensor: String,
    },
    /// The reader compares words, and was given no table of word embeddings, or one of another width.
    #[error(
        "this verifier compares word embeddings (`reader.lexical`): give it a lexical table of the base encoder's word \
         embeddings, {expected} values wide; it got {}", got.map_or("none".into(), |width| format!("{width}"))
    )]
    Lexical {
        /// Values per word by `config.json`.
        expected: usize,
        /// Values per word of the table, none when there was no table.
        got: Option<usize>,
    },
    /// A text of no tokens at all: even an empty one has `[CLS]` and `[SEP]`.
    #[error("a text of no tokens cannot be verified")]
    EmptyText,
    /// A text is longer than the verifier reads: cut it into windows.
    #[error("a text of {tokens} tokens is longer than the {max} that this verifier reads: cut it into windows")]
    TooManyTokens {
        /// Its length.
        tokens: usize,
        /// The largest length.
        max: usize,
    },
    /// Hidden states, token ids or stored bytes that do not belong together or to this verifier.
    #[error("{what}: {got} where {expected} are expected")]
    Length {
        /// What is counted.
        what: &'static str,
        /// The number wanted.
        expected: usize,
        /// The number given.
        got: usize,
    },
    /// A hidden state is NaN or infinite: the encoder failed, so nothing may be accepted.
    #[error("the encoder's output for token {token} is not finite: nothing about this text can be vouched for")]
    NotFinite {
        /// The first such token.
        token: usize,
    },
    /// A token id beyond the lexical table.
    #[error(
        "token id {id} is beyond the lexical table's {vocabulary} words: tokenizer and base encoder are of different models"
    )]
    UnknownToken {
        /// The id.
        id: u32,
        /// How many words the table has.
        vocabulary: usize,
    },
    /// Views that were made by another verifier, or stored in another form.
    #[error("the views of {} were made by another verifier: make them again", position.map_or("the query".into(), |c| format!("candidate {c}")))]
    OtherViews {
        /// The candidate, counted from 0; none for the query.
        position: Option<usize>,
    },
}
