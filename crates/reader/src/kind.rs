//! What sets two texts apart.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::Error;

/// What was changed between a text and its near miss, in the order of a verifier's outputs.
///
/// Its [name](Kind::name) is what files, reports and JSON use.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Kind {
    /// One says it is so, the other that it is not.
    Negation,
    /// Who does what to whom.
    Role,
    /// Attributes swapped between things.
    Binding,
    /// One attribute changed.
    Modifier,
    /// A comparison turned round.
    Comparison,
    /// All, some, most, none.
    Quantifier,
    /// A number.
    Number,
    /// A date or a time.
    Date,
    /// A unit of measurement.
    Unit,
    /// To or from, up or down, left or right.
    Direction,
    /// What came before what.
    Order,
    /// Must, may, might.
    Modality,
    /// A word's opposite.
    Antonym,
    /// Another name or thing.
    Entity,
    /// More is said than is known.
    Addition,
    /// None of these.
    Other,
}

impl Kind {
    /// How many kinds there are.
    pub const COUNT: usize = Kind::ALL.len();

    /// All kinds, in order: `Kind::ALL[kind as usize] == kind`.
    pub const ALL: [Kind; 16] = [
        Kind::Negation,
        Kind::Role,
        Kind::Binding,
        Kind::Modifier,
        Kind::Comparison,
        Kind::Quantifier,
        Kind::Number,
        Kind::Date,
        Kind::Unit,
        Kind::Direction,
        Kind::Order,
        Kind::Modality,
        Kind::Antonym,
        Kind::Entity,
        Kind::Addition,
        Kind::Other,
    ];

    /// Its name: lower case.
    pub fn name(self) -> &'static str {
        match self {
            Kind::Negation => "negation",
            Kind::Role => "role",
            Kind::Binding => "binding",
            Kind::Modifier => "modifier",
            Kind::Comparison => "comparison",
            Kind::Quantifier => "quantifier",
            Kind::Number => "number",
            Kind::Date => "date",
            Kind::Unit => "unit",
            Kind::Direction => "direction",
            Kind::Order => "order",
            Kind::Modality => "modality",
            Kind::Antonym => "antonym",
            Kind::Entity => "entity",
            Kind::Addition => "addition",
            Kind::Other => "other",
        }
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        f.pad(self.name())
    }
}

impl FromStr for Kind {
    type Err = Error;

    fn from_str(name: &str) -> Result<Kind, Error> {
        let found = Kind::ALL.into_iter().find(|kind| kind.name() == name);
        found.ok_or_else(|| Error::UnknownKind { got: name.into() })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn order_and_names_agree() {
        for (index, kind) in Kind::ALL.into_iter().enumerate() {
            assert_eq!(kind as usize, index);
            assert_eq!(kind.name().parse::<Kind>().unwrap(), kind);
            assert_eq!(serde_json::to_value(kind).unwrap(), kind.name());
        }
        assert!("Negation".parse::<Kind>().unwrap_err().to_string().contains("negation, role"));
    }
}
