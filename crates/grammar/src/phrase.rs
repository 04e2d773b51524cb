//! Noun phrases with their meaning kept apart: determiner, adjectives, head, postmodifier.

use crate::lexicon::{Noun, lexicon};
use crate::sampling::Rng;

/// One thing that a text is about.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Np {
    /// `the`, `a`, `Mira's`, `two`, or nothing for names and substances.
    pub(crate) det: String,
    pub(crate) adjectives: Vec<String>,
    /// The head as it is said: singular or plural, or a name.
    pub(crate) head: String,
    /// `near the harbor`, or nothing.
    pub(crate) post: String,
    pub(crate) plural: bool,
    pub(crate) class: &'static str,
    /// The head's hypernym in the same number, where it has one.
    pub(crate) hypernym: Option<String>,
}

impl Np {
    pub(crate) fn text(&self) -> String {
        let mut text = String::with_capacity(40);
        let adjectives = self.adjectives.iter().map(String::as_str);
        let parts =
            std::iter::once(self.det.as_str()).chain(adjectives).chain([self.head.as_str(), self.post.as_str()]);
        for part in parts.filter(|part| !part.is_empty()) {
            if !text.is_empty() {
                text.push(' ');
            }
            text.push_str(part);
        }
        text
    }

    /// A name or a substance, which takes no determiner.
    pub(crate) fn bare_name(&self) -> bool {
        self.det.is_empty()
    }

    /// `who` for people, `that` for the rest.
    pub(crate) fn relative(&self) -> &'static str {
        if self.class == "person" { "who" } else { "that" }
    }

    /// The relative pronoun after a comma, as a subject: `who` for people and teams, `which` for the rest.
    pub(crate) fn relative_aside(&self) -> &'static str {
        if ["person", "team"].contains(&self.class) { "who" } else { "which" }
    }

    /// The same phrase with other determiner.
    pub(crate) fn with_det(&self, det: &str) -> Np {
        Np { det: det.to_owned(), ..self.clone() }
    }
}

/// What phenomena draw from: words, names, things, circumstances.
pub(crate) struct Gen {
    pub(crate) rng: Rng,
}

impl Gen {
    pub(crate) fn coin(&mut self) -> bool {
        self.rng.chance(0.5)
    }

    pub(crate) fn name(&mut self, kind: &str) -> String {
        let names = lexicon().names(kind);
        if names.is_empty() { String::new() } else { names[self.rng.below(names.len())].clone() }
    }

    /// A given name, sometimes with a surname.
    pub(crate) fn person_name(&mut self) -> String {
        let list = if self.coin() { "female" } else { "male" };
        let given = self.name(list);
        if self.rng.chance(0.3) { format!("{given} {}", self.name("surname")) } else { given }
    }

    pub(crate) fn noun(&mut self, class: &str) -> &'static Noun {
        let nouns = lexicon().nouns.get(class).map_or(&lexicon().nouns["animal"], |nouns| nouns);
        &nouns[self.rng.below(nouns.len())]
    }

    /// An adjective that fits the class, with its dimension.
    pub(crate) fn adjective(&mut self, class: &str) -> Option<(&'static str, &'static str)> {
        let groups = lexicon().adjectives.get(class)?;
        let group = self.rng.one(groups);
        Some((group.dimension, self.rng.one(&group.words).as_str()))
    }

    /// Two different adjectives of one dimension that fit the class.
    pub(crate) fn adjective_pair(&mut self, class: &str) -> Option<(&'static str, &'static str)> {
        let groups = lexicon().adjectives.get(class)?;
        let group = self.rng.one(groups);
        let first = self.rng.below(group.words.len());
        let second = (first + 1 + self.rng.below(group.words.len() - 1)) % group.words.len();
        Some((&group.words[first], &group.words[second]))
    }

    /// A definite or named thing of the class.
    pub(crate) fn np(&mut self, class: &'static str) -> Np {
        let named = |head: String, plural: bool| Np {
            det: String::new(),
            adjectives: Vec::new(),
            head,
            post: String::new(),
            plural,
            class,
            hypernym: None,
        };
        match class {
            "person" if self.rng.chance(0.55) => named(self.person_name(), false),
            "org" => {
                if self.rng.chance(0.75) {
                    named(format!("{} {}", self.name("stem"), self.name("suffix")), false)
                } else {
                    let noun = self.rng.pick(&[
                        "shipping firm",
                        "brewery",
                        "start-up",
                        "insurer",
                        "retailer",
                        "airline",
                        "bank",
                        "publisher",
                        "mining company",
                        "telecom operator",
                        "dairy cooperative",
                        "toy maker",
                    ]);
                    Np { det: "the".into(), adjectives: vec![self.name("nationality")], ..named(noun.into(), false) }
                }
            }
            "team" => Np { det: "the".into(), ..named(format!("{} {}", self.name("city"), self.name("mascot")), true) },
            "country" => named(self.name("country"), false),
            "city" => named(self.name("city"), false),
            "river" => Np { det: "the".into(), ..named(self.name("river"), false) },
            "planet" | "chemical" | "disease" | "medicine" => named(self.noun(class).singular.clone(), false),
            _ => {
                let noun = self.noun(class);
                let plural = false;
                let mut np = Np {
                    det: "the".into(),
                    adjectives: Vec::new(),
                    head: noun.singular.clone(),
                    post: String::new(),
                    plural,
                    class,
                    hypernym: Some(noun.hypernym.0.clone()),
                };
                if self.rng.chance(0.45)
                    && let Some((_, adjective)) = self.adjective(class)
                {
                    np.adjectives.push(adjective.to_owned());
                }
                if self.rng.chance(0.12) && class != "event" && class != "water" && class != "landform" {
                    np.det = format!("{}'s", self.person_name());
                } else if self.rng.chance(0.08) {
                    np.post = format!("from {}", self.name("city"));
                }
                np
            }
        }
    }

    /// The same thing, indefinite or plural now and then, where it is countable and not named.
    pub(crate) fn varied(&mut self, np: &Np) -> Np {
        if np.hypernym.is_none() || np.det != "the" {
            return np.clone();
        }
        match self.rng.below(10) {
            0..=3 => np.with_det("a"),
            4..=6 => self.pluralized(np),
            _ => np.clone(),
        }
    }

    /// The plural of a countable phrase, its head found again in the word lists.
    pub(crate) fn pluralized(&mut self, np: &Np) -> Np {
        let Some(noun) = lexicon().nouns.get(np.class).and_then(|n| n.iter().find(|n| n.singular == np.head)) else {
            return np.clone();
        };
        let det = self.rng.pick(&["the", "two", "three", "several", "the two"]);
        Np {
            det: det.to_owned(),
            head: noun.plural.clone(),
            hypernym: Some(noun.hypernym.1.clone()),
            plural: true,
            ..np.clone()
        }
    }

    /// Two things of given classes whose heads differ.
    pub(crate) fn two(&mut self, first: &'static str, second: &'static str) -> (Np, Np) {
        let one = self.np(first);
        (one.clone(), self.other(second, &[&one]))
    }

    /// A thing that shares no word with the given ones, as far as a few tries find.
    pub(crate) fn other(&mut self, class: &'static str, than: &[&Np]) -> Np {
        let mut found = self.np(class);
        for _ in 0..12 {
            let clashes = than.iter().any(|np| {
                found.head.split(' ').any(|word| np.text().contains(word))
                    || Some(&found.head) == np.hypernym.as_ref()
                    || found.hypernym.as_ref() == Some(&np.head)
            });
            if !clashes {
                break;
            }
            found = self.np(class);
        }
        found
    }

    /// Fills `{city}` and the like in a pattern.
    pub(crate) fn fill(&mut self, pattern: &str) -> String {
        let mut filled = String::with_capacity(pattern.len() + 16);
        let mut rest = pattern;
        while let Some((before, after)) = rest.split_once('{') {
            let (slot, after) = after.split_once('}').unwrap_or((after, ""));
            filled.push_str(before);
            let value = match slot {
                "year" => self.rng.between(1890, 2023).to_string(),
                "day" => self.rng.between(2, 28).to_string(),
                "digit" => self.rng.between(2, 9).to_string(),
                "name" => self.person_name(),
                "foodplural" => self.noun("food").plural.clone(),
                "season" | "ordinal" => self.listed(slot).to_owned(),
                class if lexicon().nouns.contains_key(class) => {
                    let class = lexicon().nouns.keys().find(|key| **key == class).copied().unwrap_or("animal");
                    self.noun(class).singular.clone()
                }
                kind => self.name(kind),
            };
            filled.push_str(&value);
            rest = after;
        }
        filled + rest
    }

    /// The first cell of a random row of a list.
    pub(crate) fn listed(&mut self, list: &str) -> &'static str {
        let rows = lexicon().list(list);
        if rows.is_empty() { "" } else { rows[self.rng.below(rows.len())][0] }
    }

    /// A place that suits things of the class.
    pub(crate) fn place(&mut self, class: &str) -> String {
        let own = format!("place-{class}");
        let list = if lexicon().list(&own).is_empty() { "place-any" } else { &own };
        let pattern = self.listed(list);
        self.fill(pattern)
    }

    /// A full clause about something else.
    pub(crate) fn distractor(&mut self) -> String {
        let pattern = self.listed("distractor");
        self.fill(pattern)
    }
}
