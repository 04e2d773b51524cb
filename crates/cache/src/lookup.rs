//! What a cache is asked for, and what it is given to keep.

use std::sync::LazyLock;
use std::time::Duration;

use vetted::Deadline;

use crate::{Attributes, Cost, EntryId, Scope, Source, Versions};

/// A question to a cache.
#[derive(Clone)]
pub struct Lookup<'a> {
    /// Where to look. Compared as a whole, before anything is searched.
    pub scope: &'a Scope,
    /// The prompt.
    pub prompt: &'a str,
    /// What an entry must have.
    pub attributes: &'a Attributes,
    /// How to look.
    pub strategies: Strategies,
    /// The least cosine of what is served by meaning. The verifier decides among what is as near as that.
    pub least_cosine: Option<f32>,
    /// So many entries are served at most.
    pub most: usize,
    /// Which versions of documents are current.
    pub sources: Sources<'a>,
    /// What is served of entries that were true for a moment or for a person.
    pub volatile: VolatileRule,
    /// Until when the answer is of use.
    pub deadline: Deadline,
}

/// How to look.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Strategies {
    /// First for the same prompt, then for one that means the same.
    All,
    /// For the same prompt only.
    Exact,
    /// For prompts that mean the same, the same prompt among them.
    Semantic,
}

/// Which versions of documents are current.
#[derive(Clone, Copy)]
pub enum Sources<'a> {
    /// Nobody says: entries that rest on documents are not served.
    Unknown,
    /// These. A document that is not among them is gone.
    Current(&'a Versions),
    /// Those of which this is true.
    Are(&'a (dyn Fn(&Source) -> bool + Sync)),
    /// All. The caller answers for it.
    Trusted,
}

/// What is served of entries that were true for a moment or for a person.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum VolatileRule {
    /// Those of the moment while they are young, those of a person where the scope says who asks.
    #[default]
    Guarded,
    /// All. The caller answers for it.
    Served,
}

/// Something to keep.
#[derive(Clone, Debug)]
pub struct NewEntry<'a> {
    /// For whom it is.
    pub scope: &'a Scope,
    /// The prompt that the response answers.
    pub prompt: &'a str,
    /// The response.
    pub response: Vec<u8>,
    /// What it can be filtered by.
    pub attributes: Attributes,
    /// What it is called; none for a digest of scope, prompt and attributes.
    pub id: Option<EntryId>,
    /// How long it lives; none for as long as the cache says.
    pub ttl: Option<Duration>,
    /// The documents that the response rests on.
    pub sources: Vec<Source>,
    /// Whether it is true for a moment, whatever the prompt's words say.
    pub volatile: bool,
    /// What it cost to make the response.
    pub cost: Option<Cost>,
}

/// What to change of an entry. What is none stays.
#[derive(Clone, Debug, Default)]
pub struct Change {
    /// The response.
    pub response: Option<Vec<u8>>,
    /// All attributes.
    pub attributes: Option<Attributes>,
    /// How long it lives from now on.
    pub ttl: Option<Duration>,
    /// All documents that it rests on.
    pub sources: Option<Vec<Source>>,
}

static NO_ATTRIBUTES: LazyLock<Attributes> = LazyLock::new(Attributes::new);

impl<'a> Lookup<'a> {
    /// For one entry, by all strategies, without a filter.
    pub fn new(scope: &'a Scope, prompt: &'a str) -> Lookup<'a> {
        Lookup {
            scope,
            prompt,
            attributes: &NO_ATTRIBUTES,
            strategies: Strategies::All,
            least_cosine: None,
            most: 1,
            sources: Sources::Unknown,
            volatile: VolatileRule::Guarded,
            deadline: Deadline::none(),
        }
    }
}

impl<'a> NewEntry<'a> {
    /// A response without anything else.
    pub fn new(scope: &'a Scope, prompt: &'a str, response: impl Into<Vec<u8>>) -> NewEntry<'a> {
        NewEntry {
            scope,
            prompt,
            response: response.into(),
            attributes: Attributes::new(),
            id: None,
            ttl: None,
            sources: Vec::new(),
            volatile: false,
            cost: None,
        }
    }
}

impl Strategies {
    pub(crate) fn by_words(self) -> bool {
        self != Strategies::Semantic
    }

    pub(crate) fn by_meaning(self) -> bool {
        self != Strategies::Exact
    }
}

impl Sources<'_> {
    /// The first document that keeps a response from being served.
    pub(crate) fn changed<'s>(&self, sources: &'s [Source]) -> Option<&'s Source> {
        sources.iter().find(|source| match self {
            Sources::Unknown => true,
            Sources::Current(versions) => versions.get(&source.id) != Some(&source.version),
            Sources::Are(current) => !current(source),
            Sources::Trusted => false,
        })
    }
}
