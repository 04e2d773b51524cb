//! What is measured, one module per kind of task.
//!
//! [`retrieval`] scores a ranked list of documents against graded judgments. [`pairs`] measures how well scores tell
//! pairs of texts that match from pairs that do not, [`calibration`] whether probabilities mean what they say, and
//! [`contrast`] whether two queries that differ in little each find their own document. [`overlap`] says how far the scores of
//! two classes lie apart, and [`geometry`] how an encoder's vectors fill their space.

pub mod calibration;
pub mod contrast;
pub mod geometry;
pub mod overlap;
pub mod pairs;
pub mod retrieval;
