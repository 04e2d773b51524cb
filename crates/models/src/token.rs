//! What a user has been given to open gated and private models.

use std::fmt;

/// A token of the Hugging Face hub. It is never printed.
#[derive(Clone, PartialEq, Eq)]
pub struct Token(String);

impl Token {
    /// The token in a text, spaces and line ends around it left out; `None` for nothing, and for what could not be part
    /// of an HTTP header.
    pub fn new(text: &str) -> Option<Self> {
        let token = text.trim();
        (!token.is_empty() && token.bytes().all(|byte| byte.is_ascii_graphic())).then(|| Self(token.into()))
    }

    /// The token itself, for a request.
    #[cfg(feature = "fetch")]
    pub(crate) fn secret(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Token {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("Token(..)")
    }
}
