//! What a tool answers.

use rmcp::model::{CallToolResult, ContentBlock, MetaObject};
use serde::Serialize;
use serde_json::{Value, json};

use crate::error::{Code, Failure};

/// The same twice: for reading, and for programs.
pub(super) struct Answer {
    text: String,
    structured: Value,
}

impl Answer {
    /// `output` has the schema that the tool's definition names.
    ///
    /// # Errors
    /// When it cannot be written as JSON.
    pub(super) fn new(text: String, output: &impl Serialize) -> Result<Answer, Failure> {
        let structured = serde_json::to_value(output)
            .map_err(|error| Failure::new(Code::Internal, format!("the answer cannot be written: {error}")))?;
        Ok(Answer { text, structured })
    }

    pub(super) fn into_result(self) -> CallToolResult {
        let mut result = CallToolResult::structured(self.structured);
        // The protocol proposes the JSON once more. The text says the same in a third of the words.
        result.content = vec![ContentBlock::text(self.text)];
        result
    }
}

/// That a tool did not do what it was asked. Agents read the text; programs find the code beside it, for what is structured has
/// the shape of answers alone.
pub(super) fn refusal(failure: &Failure) -> CallToolResult {
    let Failure { code, message, retry_after } = failure;
    let wait = retry_after.map(|seconds| format!(" (try again in {seconds} s)")).unwrap_or_default();
    let mut result =
        CallToolResult::error(vec![ContentBlock::text(format!("error ({}): {message}{wait}", code.name()))]);
    let mut meta = MetaObject::new();
    meta.0
        .insert("vetted/error".into(), json!({ "code": code, "message": message, "retry_after_seconds": retry_after }));
    result.meta = Some(meta);
    result
}
