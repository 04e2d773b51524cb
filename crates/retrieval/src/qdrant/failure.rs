//! What goes wrong between vetted and Qdrant, in words that say what to do.

use std::time::Duration;

use qdrant_client::QdrantError;

use super::QdrantAddress;
use crate::error::{Error, ServerProblem};

/// An error of this kind, with a message that is whole.
pub(super) fn failure(problem: ServerProblem, message: String) -> Error {
    Error::Server { problem, message }
}

/// That there was no answer in time.
pub(super) fn late(address: &QdrantAddress, what: &str, within: Duration) -> Error {
    let message = format!("the Qdrant of {address} did not answer {what} within {} ms", within.as_millis());
    failure(ServerProblem::Unavailable, message)
}

/// That it answered, and that this is no answer to what it was asked.
pub(super) fn unexpected(address: &QdrantAddress, what: &str, reason: &str) -> Error {
    failure(
        ServerProblem::Answered,
        format!("the Qdrant of {address} answered {what} with what is no answer: {reason}"),
    )
}

/// Whether trying again may help.
pub(super) fn may_pass(error: &Error) -> bool {
    matches!(error, Error::Server { problem: ServerProblem::Unavailable, .. })
}

/// An error of the client in our words, without the key.
pub(super) fn told(address: &QdrantAddress, what: &str, error: &QdrantError) -> Error {
    let (code, said) = match error {
        QdrantError::ResponseError { status } | QdrantError::ResourceExhaustedError { status, .. } => {
            (format!("{:?}", status.code()), status.message().to_owned())
        }
        other => ("".to_owned(), other.to_string()),
    };
    let reason = shortened(address.without_key(&said));
    let has = |part: &str| said.contains(part);
    let (problem, message) = match code.as_str() {
        _ if matches!(error, QdrantError::ResourceExhaustedError { .. }) => {
            (ServerProblem::Unavailable, format!("the Qdrant of {address} asks to wait with {what}: {reason}"))
        }
        "Unauthenticated" | "PermissionDenied" => (
            ServerProblem::Refused,
            format!(
                "the Qdrant of {address} refuses {what}: {reason}. Set QDRANT_API_KEY to a key that may read the collection, and \
                 write to it where documents are indexed"
            ),
        ),
        _ if has("No space left") || has("out of memory") || has("not enough disk") => (
            ServerProblem::Full,
            format!(
                "the Qdrant of {address} has no room left for {what}: {reason}. What was written before is there; make room, and run again"
            ),
        ),
        "NotFound" => (
            ServerProblem::NotThere,
            format!("there is no index at {address} (any longer): {reason}. Create it with `vetted index --into`"),
        ),
        "Unavailable" | "Cancelled" | "Unknown" | "DeadlineExceeded" | "Aborted" => {
            (ServerProblem::Unavailable, format!("the Qdrant of {address} cannot be reached for {what}: {reason}"))
        }
        // So the client says that it has no connection.
        "Internal" if has("Failed to connect") => {
            (ServerProblem::Unavailable, format!("the Qdrant of {address} cannot be reached: {reason}"))
        }
        _ if has("trict mode") => (
            ServerProblem::Refused,
            format!(
                "the Qdrant of {address} is set up to refuse {what} (its strict mode): {reason}. Searches by words ask for all documents \
                 that have a word: raise or remove `max_query_limit` of the collection, or search by vectors"
            ),
        ),
        _ => (ServerProblem::Answered, format!("the Qdrant of {address} answered {what} with an error: {reason}")),
    };
    failure(problem, message)
}

fn shortened(mut text: String) -> String {
    if let Some((end, _)) = text.char_indices().nth(300) {
        text.truncate(end);
        text.push_str(" ...");
    }
    text
}
