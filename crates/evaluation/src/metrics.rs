//! What is measured, one module per kind of task.
//!
//! [`retrieval`] scores a ranked list of documents against graded judgments. [`pairs`] measures how well scores tell
//! pairs of texts that match from pairs that do not, [`calibration`] whether probabilities mean what they say, and
//! [`contrast`] whether two queries that differ in little each find their own document. [`twins`] follows queries in a
//! corpus with near-miss twins, [`cascade`] an agent that needs several of them answered right in a row.

pub mod calibration;
pub mod cascade;
pub mod contrast;
pub mod pairs;
pub mod retrieval;
pub mod twins;
