//! Errors as Python's exceptions: one class for each kind of the wire, in `vetted/errors.py`.

use std::any::Any;

use pyo3::exceptions::PyTypeError;
use pyo3::prelude::*;
use pyo3::sync::PyOnceLock;
use pyo3::types::PyModule;
use vetted::ErrorKind;
use vetted_cache::CacheError;

/// What work that ran without the interpreter's lock may end with.
pub enum Fault {
    /// An error of the library: its kind and what it says.
    Known(ErrorKind, String),
    /// The time that was given was over, or somebody cancelled.
    Expired(vetted::Expired),
    /// A panic: a fault of vetted itself.
    Panic(String),
    /// An exception that Python code raised which was called meanwhile.
    Raised(PyErr),
}

impl Fault {
    /// About what was handed in.
    pub fn invalid(message: impl Into<String>) -> Fault {
        Fault::Known(ErrorKind::InvalidInput, message.into())
    }

    /// Of a panic's payload.
    pub fn of_panic(payload: &(dyn Any + Send)) -> Fault {
        let text = payload.downcast_ref::<&str>().copied().map(str::to_owned);
        Fault::Panic(text.or_else(|| payload.downcast_ref::<String>().cloned()).unwrap_or_default())
    }
}

impl From<vetted::Error> for Fault {
    fn from(error: vetted::Error) -> Fault {
        match error {
            vetted::Error::Expired(expired) => Fault::Expired(expired),
            error => Fault::Known(error.kind(), error.to_string()),
        }
    }
}

impl From<vetted::Expired> for Fault {
    fn from(expired: vetted::Expired) -> Fault {
        Fault::Expired(expired)
    }
}

impl From<CacheError> for Fault {
    fn from(error: CacheError) -> Fault {
        match error {
            CacheError::Late(expired) => Fault::Expired(expired),
            error => Fault::Known(error.kind(), error.to_string()),
        }
    }
}

impl From<vetted::calibration::FileError> for Fault {
    fn from(error: vetted::calibration::FileError) -> Fault {
        Fault::Known(vetted::calibration_kind(&error), error.to_string())
    }
}

impl From<Fault> for PyErr {
    fn from(fault: Fault) -> PyErr {
        match fault {
            Fault::Raised(error) => error,
            Fault::Known(kind, message) => raised(class_of(kind), message),
            Fault::Expired(expired @ vetted::Expired::Time) => raised("DeadlineError", expired.to_string()),
            Fault::Expired(expired) => raised("CancelledError", expired.to_string()),
            Fault::Panic(message) => raised(
                "InternalError",
                format!("vetted panicked: {message}. This is a fault of vetted, not of your program; please report it"),
            ),
        }
    }
}

/// What is wrong with something that was handed in, for people.
pub fn invalid(message: impl Into<String>) -> PyErr {
    Fault::invalid(message).into()
}

/// A thing of the wrong type.
pub fn wrong_type(what: &str, expected: &str, got: &Bound<'_, PyAny>) -> PyErr {
    let name = got.get_type().qualname().map_or_else(|_| "something else".to_owned(), |name| name.to_string());
    PyTypeError::new_err(format!("{what} must be {expected}, and it is {name}"))
}

/// Something that contradicts what is there, such as a closed index.
pub fn conflict(message: impl Into<String>) -> PyErr {
    Fault::Known(ErrorKind::Conflict, message.into()).into()
}

fn class_of(kind: ErrorKind) -> &'static str {
    match kind {
        ErrorKind::InvalidInput => "InvalidInputError",
        ErrorKind::NotFound => "NotFoundError",
        ErrorKind::Conflict => "ConflictError",
        ErrorKind::Unavailable => "UnavailableError",
        ErrorKind::Damaged => "DamagedError",
        ErrorKind::Internal => "InternalError",
    }
}

static CLASSES: PyOnceLock<Py<PyModule>> = PyOnceLock::new();

fn raised(class: &str, message: String) -> PyErr {
    Python::attach(|py| {
        let classes = CLASSES.get_or_try_init(py, || py.import("vetted.errors").map(Bound::unbind));
        match classes.and_then(|classes| classes.bind(py).getattr(class)).and_then(|class| class.call1((message,))) {
            Ok(exception) => PyErr::from_value(exception),
            Err(error) => error,
        }
    })
}
