//! What is measured, one module per kind of task.
//!
//! [`retrieval`] scores a ranked list of documents against graded judgments. [`pairs`] measures how well scores tell
//! pairs of texts that match from pairs that do not, [`calibration`] whether probabilities mean what they say, and
//! [`contrast`] whether two queries that differ in little each find their own document. [`twins`] follows queries in a
//! corpus with near-miss twins, [`cascade`] an agent that needs several of them answered right in a row. [`overlap`] says how
//! far the scores of two classes lie apart, and [`geometry`] how an encoder's vectors fill their space.

pub mod calibration;
pub mod cascade;
pub mod contrast;
pub mod geometry;
pub mod overlap;
pub mod pairs;
pub mod retrieval;
pub mod twins;
