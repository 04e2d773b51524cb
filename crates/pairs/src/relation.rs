//! What it means for two texts to match.

use crate::UnknownName;
use serde::{Deserialize, Serialize};
use std::{fmt, str::FromStr};

/// The relation that a pair's label is about.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Relation {
    /// The same meaning. It has no direction: what holds of (a, b) holds of (b, a).
    #[default]
    Equivalence,
    /// The candidate entails, or answers, the query. It is directed.
    Support,
}

impl Relation {
    pub(crate) const EXPECTED: &str = "equivalence or support";

    /// Its name in files and reports.
    pub fn name(self) -> &'static str {
        match self {
            Relation::Equivalence => "equivalence",
            Relation::Support => "support",
        }
    }
}

impl fmt::Display for Relation {
    /// Its [name](Relation::name).
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.pad(self.name())
    }
}

impl FromStr for Relation {
    type Err = UnknownName;

    /// Reads a [name](Relation::name); [`UnknownName`] if it is none.
    fn from_str(name: &str) -> Result<Relation, UnknownName> {
        let known = [Relation::Equivalence, Relation::Support].into_iter().find(|relation| relation.name() == name);
        known.ok_or_else(|| UnknownName { what: "relation", got: name.to_string(), expected: Relation::EXPECTED })
    }
}
