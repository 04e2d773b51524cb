//! What is known about English by rule and short list: number words, articles, months, regular inflection.
//!
//! ```
//! use vetted_english::{article, gerund, grouped, month, past, plural, spelled};
//!
//! assert_eq!((article("hour"), article("unicorn")), ("an", "a"));
//! assert_eq!((spelled(42).as_deref(), grouped(1_234_567).as_str()), (Some("forty-two"), "1,234,567"));
//! assert_eq!(month("may"), Some(4));
//! assert_eq!((plural("city"), past("carry", false), gerund("stop", true)), ("cities".into(), "carried".into(), "stopping".into()));
//! ```
//!
//! Whatever needs a dictionary, such as irregular verbs, is not here.

mod article;
mod calendar;
mod inflection;
mod numbers;

pub use article::article;
pub use calendar::{MONTHS, month};
pub use inflection::{gerund, past, plural, singular, singular_candidates};
pub use numbers::{grouped, spelled, unspelled};
