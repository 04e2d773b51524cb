//! How a long measurement says what it is doing.

use vetted::models::Progress;

/// What a measurement is doing.
#[derive(Debug)]
#[non_exhaustive]
pub enum Event<'a> {
    /// So many things of one name are about to be worked through.
    Begun {
        /// What they are, and for which model.
        what: &'a str,
        /// How many.
        total: u64,
    },
    /// So many more of them are done.
    Advanced(u64),
    /// All are done.
    Ended,
    /// A model is arriving.
    Fetching(Progress<'a>),
    /// Something that a reader of the results should know.
    Note(&'a str),
}

/// Whoever is told. The calls of one measurement follow each other.
pub type Watch<'a> = &'a dyn Fn(Event<'_>);

/// Tells nobody.
pub fn silent(_: Event<'_>) {}
