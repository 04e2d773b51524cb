//! Python's values as the library's, and back.

use pyo3::exceptions::PyTypeError;
use pyo3::prelude::*;
use pyo3::types::{PyBool, PyBytes, PyDict, PyFloat, PyInt, PyList, PyMapping, PyString, PyTuple};
use serde::Serialize;
use serde_json::{Map, Number, Value};
use vetted::reader::Relation;
use vetted::{Document, Filter, Fusion, Mode, Normalization, Precision};

use crate::errors::{invalid, wrong_type};

/// A string that is Unicode: Python's may hold halves of surrogate pairs, which no file and no model knows.
pub fn text(value: &Bound<'_, PyAny>, what: &str) -> PyResult<String> {
    let Ok(string) = value.cast::<PyString>() else { return Err(wrong_type(what, "a str", value)) };
    string.to_str().map(str::to_owned).map_err(|_| {
        invalid(format!(
            "{what} has a lone surrogate, which is no character: decode your bytes with errors=\"replace\", or \
             repair it with text.encode(\"utf-16\", \"surrogatepass\").decode(\"utf-16\", \"replace\")"
        ))
    })
}

/// Strings of any iterable but a string, which is one by mistake.
pub fn texts(value: &Bound<'_, PyAny>, what: &str) -> PyResult<Vec<String>> {
    if value.is_instance_of::<PyString>() || value.is_instance_of::<PyBytes>() {
        return Err(wrong_type(what, "a list of str (put a single text into a list)", value));
    }
    let items = value.try_iter().map_err(|_| wrong_type(what, "a list of str", value))?;
    items.enumerate().map(|(at, item)| text(&item?, &format!("{what}[{at}]"))).collect()
}

/// A relation by its name.
pub fn relation(name: &str) -> PyResult<Relation> {
    match name {
        "support" => Ok(Relation::Support),
        "equivalence" => Ok(Relation::Equivalence),
        other => Err(invalid(format!("relation is {other:?}: it must be \"support\" or \"equivalence\""))),
    }
}

/// An arithmetic by its name; none of `auto`.
pub fn precision(name: &str) -> PyResult<Option<Precision>> {
    match name {
        "auto" => Ok(None),
        "f32" => Ok(Some(Precision::F32)),
        "bf16" => Ok(Some(Precision::Bf16)),
        "int8" => Ok(Some(Precision::Int8)),
        other => Err(invalid(format!("precision is {other:?}: it must be \"auto\", \"f32\", \"bf16\" or \"int8\""))),
    }
}

/// A way to rank by its name; `alpha` is the weight of vectors in `hybrid`.
pub fn mode(name: &str, alpha: f32) -> PyResult<Mode> {
    if !(0.0..=1.0).contains(&alpha) {
        return Err(invalid(format!("alpha is {alpha}: it must be from 0 to 1")));
    }
    match name {
        "dense" => Ok(Mode::Dense),
        "bm25" => Ok(Mode::Bm25),
        "hybrid" => Ok(Mode::Hybrid(Fusion::Score { alpha, normalization: Normalization::MinMax })),
        "hybrid-rrf" => Ok(Mode::Hybrid(Fusion::ReciprocalRank { k: 60.0 })),
        other => {
            Err(invalid(format!("mode is {other:?}: it must be \"dense\", \"bm25\", \"hybrid\" or \"hybrid-rrf\"")))
        }
    }
}

/// Filters as the command line takes them.
pub fn filters(expressions: Vec<String>) -> PyResult<Vec<Filter>> {
    expressions.iter().map(|text| Filter::parse(text).map_err(|error| invalid(error.to_string()))).collect()
}

/// A document that Python gives as (id, title, text, metadata).
pub fn document(
    (id, title, body, metadata): (Bound<'_, PyAny>, Bound<'_, PyAny>, Bound<'_, PyAny>, Bound<'_, PyAny>),
) -> PyResult<Document> {
    let id = text(&id, "a document's id")?;
    if id.is_empty() {
        return Err(invalid("a document's id is empty: give it one"));
    }
    let of = |part: &str| format!("the {part} of document {id:?}");
    let (title, body) = (text(&title, &of("title"))?, text(&body, &of("text"))?);
    let metadata = match value(&metadata, &of("metadata"))? {
        Value::Object(map) => map,
        _ => return Err(wrong_type(&of("metadata"), "a dict", &metadata)),
    };
    Ok(Document { id, title, text: body, metadata })
}

/// As deep as metadata may be nested.
const DEEPEST: usize = 64;

/// A Python value as JSON has it. numpy's numbers and arrays are what their `tolist` says.
pub fn value(given: &Bound<'_, PyAny>, what: &str) -> PyResult<Value> {
    nested(given, what, DEEPEST)
}

fn nested(given: &Bound<'_, PyAny>, what: &str, depth: usize) -> PyResult<Value> {
    let Some(depth) = depth.checked_sub(1) else {
        return Err(invalid(format!("{what} is nested more than {DEEPEST} levels deep, or contains itself")));
    };
    if given.is_none() {
        return Ok(Value::Null);
    }
    if let Ok(boolean) = given.cast::<PyBool>() {
        return Ok(Value::Bool(boolean.is_true()));
    }
    if given.is_instance_of::<PyString>() {
        return Ok(Value::String(text(given, what)?));
    }
    if given.is_instance_of::<PyInt>() {
        let number = given.extract::<i64>().map(Number::from).or_else(|_| given.extract::<u64>().map(Number::from));
        return number.map(Value::Number).map_err(|_| {
            invalid(format!("{what} has the number {given}, which is larger than 64 bits: give it as a str"))
        });
    }
    if given.is_instance_of::<PyFloat>() {
        let number: f64 = given.extract()?;
        return Number::from_f64(number).map(Value::Number).ok_or_else(|| {
            invalid(format!("{what} has the number {number}, which JSON does not know: leave it out, or give None"))
        });
    }
    if let Ok(mapping) = given.cast::<PyMapping>() {
        let mut map = Map::new();
        for item in mapping.items()?.iter() {
            let (key, item): (Bound<'_, PyAny>, Bound<'_, PyAny>) = item.extract()?;
            let key = text(&key, &format!("a key of {what}"))?;
            let item = nested(&item, what, depth)?;
            map.insert(key, item);
        }
        return Ok(Value::Object(map));
    }
    if given.is_instance_of::<PyList>() || given.is_instance_of::<PyTuple>() {
        let items = given.try_iter()?.map(|item| nested(&item?, what, depth));
        return Ok(Value::Array(items.collect::<PyResult<_>>()?));
    }
    match given.call_method0("tolist") {
        Ok(listed) => nested(&listed, what, depth),
        Err(_) => Err(wrong_type(
            &format!("every value in {what}"),
            "None, bool, int, float, str, list, dict or an array of numpy (a date goes in as its isoformat())",
            given,
        )),
    }
}

/// What JSON says as Python has it.
pub fn python<'py>(py: Python<'py>, value: &Value) -> PyResult<Bound<'py, PyAny>> {
    Ok(match value {
        Value::Null => py.None().into_bound(py),
        Value::Bool(boolean) => PyBool::new(py, *boolean).to_owned().into_any(),
        Value::Number(number) => match (number.as_i64(), number.as_u64()) {
            (Some(integer), _) => integer.into_pyobject(py)?.into_any(),
            (None, Some(integer)) => integer.into_pyobject(py)?.into_any(),
            (None, None) => number.as_f64().into_pyobject(py)?,
        },
        Value::String(text) => PyString::new(py, text).into_any(),
        Value::Array(items) => {
            let items = items.iter().map(|item| python(py, item)).collect::<PyResult<Vec<_>>>()?;
            PyList::new(py, items)?.into_any()
        }
        Value::Object(map) => dict(py, map)?.into_any(),
    })
}

/// A JSON object as Python has it.
pub fn dict<'py>(py: Python<'py>, map: &Map<String, Value>) -> PyResult<Bound<'py, PyDict>> {
    let dict = PyDict::new(py);
    for (key, value) in map {
        dict.set_item(key, python(py, value)?)?;
    }
    Ok(dict)
}

/// What the wire calls something.
pub fn name(value: impl Serialize) -> Option<String> {
    match serde_json::to_value(value) {
        Ok(Value::String(name)) => Some(name),
        _ => None,
    }
}

/// Numbers in single precision, as the bytes that `numpy.frombuffer` takes.
pub fn bytes_of(numbers: &[f32]) -> Vec<u8> {
    numbers.iter().flat_map(|number| number.to_ne_bytes()).collect()
}

/// Numbers in single precision out of such bytes.
pub fn numbers_of(bytes: &[u8], what: &str) -> PyResult<Vec<f32>> {
    let (chunks, rest) = bytes.as_chunks::<4>();
    if !rest.is_empty() {
        return Err(PyTypeError::new_err(format!("{what} must be an array of float32")));
    }
    let numbers: Vec<f32> = chunks.iter().map(|bytes| f32::from_ne_bytes(*bytes)).collect();
    match numbers.iter().position(|number| !number.is_finite()) {
        None => Ok(numbers),
        Some(at) => Err(invalid(format!(
            "{what} has {} at position {at}: nothing is near to what is no number; look where it comes from",
            numbers[at]
        ))),
    }
}
