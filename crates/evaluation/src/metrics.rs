//! What is measured, one module per kind of task.
//!
//! [`retrieval`] scores a ranked list of documents against graded judgments. [`pairs`] measures how well scores tell
//! pairs of texts that match from pairs that do not, [`calibration`] whether probabilities mean what they say, and
//! [`contrast`] whether two queries that differ in little each find their own document.

pub mod calibration;
pub mod contrast;
pub mod pairs;
pub mod retrieval;
