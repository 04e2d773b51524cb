//! What goes wrong between a cache and its Redis, in the words that all backends share.

use vetted_redis::RedisError;

use crate::BackendError;

/// The same, in the words that all backends share.
pub(super) fn of_backend(error: RedisError, backend: &'static str, operation: &'static str) -> BackendError {
    match error {
        RedisError::Deadline { .. } => BackendError::Late { backend },
        RedisError::Unreachable { address, reason } => BackendError::Unreachable { backend, address, reason },
        RedisError::Refused { .. }
        | RedisError::NotPermitted { .. }
        | RedisError::Full { .. }
        | RedisError::Answered { .. }
        | RedisError::Unexpected { .. } => BackendError::Refused { backend, operation, reason: error.to_string() },
        _ => BackendError::Unsuitable { backend, reason: error.to_string() },
    }
}
