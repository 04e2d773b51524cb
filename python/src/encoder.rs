//! Tier one's model alone: texts in, vectors out.

use std::sync::Arc;

use pyo3::prelude::*;
use pyo3::types::PyByteArray;
use vetted::Precision;
use vetted::models::Progress;
use vetted_encoder::Role;

use crate::errors::{Fault, conflict, invalid};
use crate::running::{Cancellation, OfProcess, Told, Wanted, compute, run};
use crate::values::{bytes_of, precision, texts};

/// So many texts are encoded between two looks at the caller's wish to stop.
const TOGETHER: usize = 1024;

/// An encoder that is loaded.
#[pyclass(frozen, module = "vetted._vetted")]
pub struct Encoder {
    open: OfProcess<Arc<vetted::Encoder>>,
}

#[pymethods]
impl Encoder {
    #[new]
    #[pyo3(signature = (model, precision_name, progress))]
    fn new(
        py: Python<'_>,
        model: Option<String>,
        precision_name: &str,
        progress: Option<Py<PyAny>>,
    ) -> PyResult<Encoder> {
        let precision = precision(precision_name)?.unwrap_or_else(Precision::fastest);
        let encoder = run(py, &Wanted::new(None, None)?, move || {
            let mut told = Told::new(progress);
            let loaded = crate::verifier::encoder(model.as_deref(), precision, &mut |progress: Progress<'_>| {
                told.tell(&progress);
            })?;
            told.end().map(|()| loaded)
        })?;
        Ok(Encoder { open: OfProcess::new(encoder) })
    }

    /// How many numbers a vector has.
    #[getter]
    fn dimensions(&self) -> PyResult<usize> {
        Ok(self.here()?.dimensions())
    }

    /// The model's name.
    #[getter]
    fn name(&self) -> PyResult<String> {
        Ok(self.here()?.folder().name.clone())
    }

    /// The vectors of texts, as the bytes of float32: one after the other.
    #[pyo3(signature = (given, role, timeout, cancellation))]
    fn encode<'py>(
        &self,
        py: Python<'py>,
        given: &Bound<'py, PyAny>,
        role: &str,
        timeout: Option<f64>,
        cancellation: Option<&Cancellation>,
    ) -> PyResult<Bound<'py, PyByteArray>> {
        let (encoder, given) = (self.here()?.clone(), texts(given, "texts")?);
        let wanted = Wanted::new(timeout, cancellation)?;
        let role = match role {
            "query" => Role::Query,
            "document" => Role::Document,
            other => return Err(invalid(format!("role is {other:?}: it must be \"query\" or \"document\""))),
        };
        let deadline = wanted.deadline.clone();
        let bytes = run(py, &wanted, move || {
            let mut bytes = Vec::with_capacity(given.len() * encoder.dimensions() * size_of::<f32>());
            for some in given.chunks(TOGETHER) {
                let mut team = compute().enter(&deadline)?;
                let vectors = encoder.embed(some, role, &mut team).map_err(vetted::Error::from)?;
                bytes.extend(bytes_of(vectors.values()));
            }
            Ok::<_, Fault>(bytes)
        })?;
        Ok(PyByteArray::new(py, &bytes))
    }
}

impl Encoder {
    fn here(&self) -> PyResult<&Arc<vetted::Encoder>> {
        self.open.get().ok_or_else(|| conflict("this encoder was loaded before the process forked: load it again"))
    }
}
