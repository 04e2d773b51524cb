//! What goes wrong, as clients read it: a status, a stable code, and a message that says what to do.

use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::json;
use vetted::{ErrorKind, Expired};

/// A request that is not answered as it was asked.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct Failure {
    /// What kind of thing went wrong.
    pub code: Code,
    /// What happened, and what to do.
    pub message: String,
    /// After so many seconds trying again may help.
    pub retry_after: Option<u64>,
}

/// What kind of thing went wrong. Names are stable: programs may depend on them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Code {
    /// The body is not JSON.
    InvalidJson,
    /// The body is JSON, and it is not what the route takes.
    InvalidRequest,
    /// No key was given, or one that the server does not know.
    Unauthorized,
    /// The key may not do this, or the web page that asks may not.
    Forbidden,
    /// There is no such document, index or route.
    NotFound,
    /// The route has no such method.
    MethodNotAllowed,
    /// The body took longer to arrive than the server waits.
    BodyTimeout,
    /// It contradicts what is there.
    Conflict,
    /// The body is larger than the server takes.
    BodyTooLarge,
    /// There are more texts, or longer ones, than the server takes in one request.
    LimitExceeded,
    /// The server has as much to do as it can hold. Try again later.
    Overloaded,
    /// A fault of vetted itself.
    Internal,
    /// A file is not what was once written.
    Damaged,
    /// It cannot be done now.
    Unavailable,
    /// The time allowed for the request was over.
    DeadlineExceeded,
}

/// An answer that is an error. It says the same three times, for each client looks in another place.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ErrorAnswer {
    /// What happened, and what to do: for clients of Cohere.
    pub message: String,
    /// The same: for clients of Jina.
    pub detail: String,
    /// The same, with its code: for clients of OpenAI.
    pub error: ErrorBody,
}

/// An error as OpenAI writes it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ErrorBody {
    /// What happened, and what to do.
    pub message: String,
    /// OpenAI's word for whose fault it is.
    pub r#type: String,
    /// The field that is wrong; vetted says it in the message.
    pub param: Option<String>,
    /// The stable code.
    pub code: Code,
}

/// An error as text-embeddings-inference writes it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct TeiErrorAnswer {
    /// What happened, and what to do.
    pub error: String,
    /// `Validation`, `Overloaded`, `Backend` or `Unhealthy`.
    pub error_type: String,
}

impl Failure {
    /// A failure of this kind.
    pub fn new(code: Code, message: impl Into<String>) -> Failure {
        Failure { code, message: message.into(), retry_after: None }
    }

    /// The body is JSON, and it is not what the route takes.
    pub fn invalid(message: impl Into<String>) -> Failure {
        Failure::new(Code::InvalidRequest, message)
    }

    /// The server has too much to do; it will have done it in about so many seconds.
    pub fn overloaded(message: impl Into<String>, seconds: u64) -> Failure {
        Failure { retry_after: Some(seconds.clamp(1, 60)), ..Failure::new(Code::Overloaded, message) }
    }

    /// What the JSON parser says.
    pub fn of_json(error: &serde_json::Error) -> Failure {
        match error.classify() {
            serde_json::error::Category::Data => {
                Failure::invalid(format!("the body is not what this route takes: {error}"))
            }
            _ => Failure::new(Code::InvalidJson, format!("the body is not JSON: {error}")),
        }
    }

    /// As text-embeddings-inference writes it.
    pub fn into_tei_response(self) -> Response {
        let error_type = match self.code {
            Code::Overloaded => "Overloaded",
            Code::Unavailable => "Unhealthy",
            Code::Internal | Code::Damaged | Code::DeadlineExceeded => "Backend",
            _ => "Validation",
        };
        let body = TeiErrorAnswer { error: self.message.clone(), error_type: error_type.to_owned() };
        self.respond(axum::Json(json!(body)))
    }

    fn respond(self, body: axum::Json<serde_json::Value>) -> Response {
        let mut response = (self.code.status(), body).into_response();
        if let Some(seconds) = self.retry_after {
            response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from(seconds));
        }
        if self.code == Code::Unauthorized {
            response.headers_mut().insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
        }
        response.extensions_mut().insert(self.code);
        response.extensions_mut().insert(self);
        response
    }
}

impl IntoResponse for Failure {
    fn into_response(self) -> Response {
        let Failure { code, message, .. } = &self;
        let error =
            ErrorBody { message: message.clone(), r#type: code.openai_type().to_owned(), param: None, code: *code };
        let body = ErrorAnswer { message: message.clone(), detail: message.clone(), error };
        self.respond(axum::Json(json!(body)))
    }
}

impl Code {
    /// Every code.
    pub const ALL: [Code; 15] = [
        Code::InvalidJson,
        Code::InvalidRequest,
        Code::Unauthorized,
        Code::Forbidden,
        Code::NotFound,
        Code::MethodNotAllowed,
        Code::BodyTimeout,
        Code::Conflict,
        Code::BodyTooLarge,
        Code::LimitExceeded,
        Code::Overloaded,
        Code::Internal,
        Code::Damaged,
        Code::Unavailable,
        Code::DeadlineExceeded,
    ];

    /// The HTTP status. Clients of Cohere and of LlamaIndex try again after 408, 409, 429 and every 5xx, so what will be wrong
    /// again is none of these.
    pub fn status(self) -> StatusCode {
        match self {
            Code::InvalidJson | Code::InvalidRequest => StatusCode::BAD_REQUEST,
            Code::Unauthorized => StatusCode::UNAUTHORIZED,
            Code::Forbidden => StatusCode::FORBIDDEN,
            Code::NotFound => StatusCode::NOT_FOUND,
            Code::MethodNotAllowed => StatusCode::METHOD_NOT_ALLOWED,
            // It was the client who said how long, so this is no fault of the server's.
            Code::BodyTimeout | Code::DeadlineExceeded => StatusCode::REQUEST_TIMEOUT,
            Code::Conflict => StatusCode::CONFLICT,
            Code::BodyTooLarge => StatusCode::PAYLOAD_TOO_LARGE,
            Code::LimitExceeded => StatusCode::UNPROCESSABLE_ENTITY,
            Code::Overloaded => StatusCode::TOO_MANY_REQUESTS,
            Code::Internal | Code::Damaged => StatusCode::INTERNAL_SERVER_ERROR,
            Code::Unavailable => StatusCode::SERVICE_UNAVAILABLE,
        }
    }

    /// Its name, as in JSON.
    pub fn name(self) -> String {
        json!(self).as_str().unwrap_or_default().to_owned()
    }

    fn openai_type(self) -> &'static str {
        match self {
            Code::Unauthorized => "authentication_error",
            Code::Forbidden => "permission_error",
            Code::Overloaded => "rate_limit_error",
            code if code.status().is_server_error() => "server_error",
            _ => "invalid_request_error",
        }
    }
}

impl From<ErrorKind> for Code {
    fn from(kind: ErrorKind) -> Code {
        match kind {
            ErrorKind::InvalidInput => Code::InvalidRequest,
            ErrorKind::NotFound => Code::NotFound,
            ErrorKind::Conflict => Code::Conflict,
            ErrorKind::Unavailable => Code::Unavailable,
            ErrorKind::Damaged => Code::Damaged,
            ErrorKind::Internal => Code::Internal,
        }
    }
}

impl From<Expired> for Failure {
    fn from(expired: Expired) -> Failure {
        match expired {
            Expired::Time => Failure::new(
                Code::DeadlineExceeded,
                "the time allowed for this request was over before it was done: allow more (X-Request-Timeout-Ms), or ask for less",
            ),
            // Nobody is there to read it.
            Expired::Cancelled => Failure::new(Code::Unavailable, "the request was cancelled"),
        }
    }
}

impl From<vetted::Error> for Failure {
    fn from(error: vetted::Error) -> Failure {
        match error {
            vetted::Error::Expired(expired) => expired.into(),
            error => Failure::new(error.kind().into(), error.to_string()),
        }
    }
}

impl From<vetted_encoder::Error> for Failure {
    fn from(error: vetted_encoder::Error) -> Failure {
        vetted::Error::from(error).into()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_wrong_again_is_never_tried_again() {
        for code in Code::ALL {
            let retried = matches!(code.status().as_u16(), 408 | 409 | 429 | 500..=599);
            let passes = matches!(
                code,
                Code::BodyTimeout
                    | Code::Conflict
                    | Code::Overloaded
                    | Code::Internal
                    | Code::Damaged
                    | Code::Unavailable
                    | Code::DeadlineExceeded
            );
            assert_eq!(retried, passes, "{code:?}");
        }
    }

    #[test]
    fn every_code_has_its_own_name() {
        let names: std::collections::HashSet<String> = Code::ALL.into_iter().map(Code::name).collect();
        assert_eq!(names.len(), Code::ALL.len());
        assert!(names.contains("deadline-exceeded"), "{names:?}");
    }
}
