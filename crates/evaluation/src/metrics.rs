//! What is measured, one module per kind of task.
//!
//! [`retrieval`] scores a ranked list of documents against graded judgments.

pub mod retrieval;
