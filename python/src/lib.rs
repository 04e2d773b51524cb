//! vetted for Python: the part of the wheel that is compiled. The Python beside it (`vetted/`) is what people import; it makes
//! classes of the tuples that come from here.
//!
//! * `running`: work without the interpreter's lock, with Ctrl-C, panics, forks and progress
//! * `errors`: errors as exceptions
//! * `values`, `verdicts`: values there and back
//! * `encoder`, `verifier`, `index`, `cache`, `calibration`: what there is to call

mod cache;
mod calibration;
mod encoder;
mod errors;
mod index;
mod running;
mod values;
mod verdicts;
mod verifier;

use pyo3::prelude::*;

/// What is compiled. Import `vetted` instead.
#[pymodule(gil_used = false)]
mod _vetted {
    use std::ffi::OsString;
    use std::process::ExitCode;

    use pyo3::prelude::*;

    #[pymodule_export]
    use crate::cache::Cache;
    #[pymodule_export]
    use crate::calibration::{Calibration, calibrate_file, calibrate_pairs, calibrate_scores, is_logged_file};
    #[pymodule_export]
    use crate::encoder::Encoder;
    use crate::errors::Fault;
    #[pymodule_export]
    use crate::index::Index;
    #[pymodule_export]
    use crate::running::Cancellation;
    use crate::running::{Wanted, run};
    #[pymodule_export]
    use crate::verifier::Verifier;

    #[pymodule_init]
    fn init(module: &Bound<'_, PyModule>) -> PyResult<()> {
        module.add("__version__", env!("CARGO_PKG_VERSION"))
    }

    /// All of the program `vetted`: does what the arguments say, of which the first is its name, and returns the exit status.
    #[pyfunction]
    fn main(py: Python<'_>, arguments: Vec<OsString>) -> u8 {
        let status = py.detach(|| vetted_cli::run(arguments));
        // A status is not to be had as a number otherwise.
        (0..=u8::MAX).find(|number| ExitCode::from(*number) == status).unwrap_or(1)
    }

    /// Panics, so that tests can see what becomes of it.
    #[pyfunction]
    fn _panic(py: Python<'_>, message: String) -> PyResult<()> {
        run(py, &Wanted::new(None, None)?, move || -> Result<(), Fault> { panic!("{message}") })
    }
}
