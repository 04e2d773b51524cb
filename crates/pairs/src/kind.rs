//! What tells two texts apart.

use crate::UnknownName;
use serde::{Deserialize, Serialize};
use std::{fmt, str::FromStr};

/// What was changed between two texts that do not match, or what would have to be.
///
/// Files, reports and JSON write its [name](Kind::name). The order of the variants is that of a verifier's outputs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Kind {
    /// One says that something is so, the other that it is not.
    Negation,
    /// Who does what to whom: agent and patient have changed places.
    Role,
    /// Attributes are swapped between things: a red cube and a blue ball, a blue cube and a red ball.
    Binding,
    /// One attribute is another: a red cube, a green cube.
    Modifier,
    /// A comparison points the other way: larger, smaller.
    Comparison,
    /// All, some, none, most, only.
    Quantifier,
    /// Another number, of whatever is counted or measured.
    Number,
    /// Another day, year or time.
    Date,
    /// The same number of another unit.
    Unit,
    /// From and to, left and right, up and down.
    Direction,
    /// What came first: before, after.
    Order,
    /// What is so against what may, must or should be.
    Modality,
    /// A word against its opposite.
    Antonym,
    /// Another name or thing.
    Entity,
    /// One says more than the other lets one know.
    Addition,
    /// None of these.
    Other,
}

impl Kind {
    /// How many kinds there are.
    pub const COUNT: usize = Kind::ALL.len();

    /// All kinds, in order; `Kind::ALL[kind as usize] == kind`.
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

    pub(crate) const EXPECTED: &str = "negation, role, binding, modifier, comparison, quantifier, number, date, unit, \
                                       direction, order, modality, antonym, entity, addition or other";

    /// Its name in files, reports and JSON.
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
    /// Its [name](Kind::name).
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.pad(self.name())
    }
}

impl FromStr for Kind {
    type Err = UnknownName;

    /// Reads a [name](Kind::name); [`UnknownName`] if it is none.
    fn from_str(name: &str) -> Result<Kind, UnknownName> {
        let known = Kind::ALL.into_iter().find(|kind| kind.name() == name);
        known.ok_or_else(|| UnknownName { what: "kind", got: name.to_string(), expected: Kind::EXPECTED })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kind_has_its_place_and_one_name_everywhere() {
        for (place, kind) in Kind::ALL.into_iter().enumerate() {
            assert_eq!(kind as usize, place);
            assert_eq!(kind.name().parse::<Kind>().unwrap(), kind);
            assert_eq!(serde_json::to_string(&kind).unwrap(), format!("\"{kind}\""));
            assert!(Kind::EXPECTED.contains(kind.name()), "{kind}");
        }
        assert!(
            "Negation".parse::<Kind>().unwrap_err().to_string().starts_with("unknown kind `Negation`; expected neg")
        );
    }
}
