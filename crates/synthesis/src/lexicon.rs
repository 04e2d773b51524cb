//! The crate's own word lists.

use std::collections::{HashMap, HashSet};
use std::sync::LazyLock;

use vetted_english::{plural, singular};

use crate::morphology::{conjugate, verb_bases};
use crate::tag::Tag;

/// Word classes of the lists.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Class {
    /// Adjectives in their base degree.
    Adjective,
    /// Nouns in the singular.
    Noun,
    /// Verbs in their base form.
    Verb,
    /// Adverbs.
    Adverb,
    /// Prepositions and conjunctions.
    Preposition,
}

impl Class {
    fn parse(name: &str) -> Option<Class> {
        match name {
            "adj" => Some(Class::Adjective),
            "noun" => Some(Class::Noun),
            "verb" => Some(Class::Verb),
            "adv" => Some(Class::Adverb),
            "in" => Some(Class::Preposition),
            _ => None,
        }
    }

    /// The class of words with a tag; none for tags whose words are in no list.
    pub fn of(tag: Tag) -> Option<Class> {
        match tag {
            Tag::Jj => Some(Class::Adjective),
            Tag::Nn | Tag::Nns => Some(Class::Noun),
            Tag::Vb | Tag::Vbd | Tag::Vbg | Tag::Vbn | Tag::Vbp | Tag::Vbz => Some(Class::Verb),
            Tag::Rb => Some(Class::Adverb),
            Tag::In => Some(Class::Preposition),
            _ => None,
        }
    }
}

/// Two sets of words, each interchangeable within, that contradict each other.
#[derive(Debug)]
pub struct Opposition {
    /// Whether whatever is not the one is the other.
    pub complementary: bool,
    /// The two sets.
    pub poles: [Vec<&'static str>; 2],
}

/// Words of one sort that exclude each other.
#[derive(Debug)]
pub struct Siblings {
    /// Whether they name things (`entity`) rather than properties (`modifier`).
    pub things: bool,
    /// The words.
    pub words: Vec<&'static str>,
    /// A wider term for all of them, where the list has one.
    pub above: Option<&'static str>,
}

/// For every class, where in a list its words are.
type Index<T> = [HashMap<&'static str, Vec<T>>; 5];

/// All lists, indexed.
#[derive(Debug)]
pub struct Lexicon {
    oppositions: Vec<Opposition>,
    opposition_of: Index<(usize, usize)>,
    synonyms: Vec<Vec<&'static str>>,
    synonyms_of: Index<usize>,
    siblings: Vec<Siblings>,
    siblings_of: Index<usize>,
    transitive: HashSet<&'static str>,
    people: HashSet<&'static str>,
    given_names: HashSet<&'static str>,
}

static EMBEDDED: LazyLock<Lexicon> = LazyLock::new(Lexicon::read);

fn lines(text: &'static str) -> impl Iterator<Item = &'static str> {
    text.lines().filter(|line| !line.starts_with('#') && !line.is_empty())
}

impl Lexicon {
    /// The lists that come with the crate, indexed once.
    pub fn embedded() -> &'static Lexicon {
        &EMBEDDED
    }

    fn read() -> Lexicon {
        let mut lexicon = Lexicon {
            oppositions: Vec::new(),
            opposition_of: Index::default(),
            synonyms: Vec::new(),
            synonyms_of: Index::default(),
            siblings: Vec::new(),
            siblings_of: Index::default(),
            transitive: lines(include_str!("../data/transitive.txt")).flat_map(str::split_whitespace).collect(),
            people: HashSet::new(),
            given_names: HashSet::new(),
        };
        for line in lines(include_str!("../data/oppositions.txt")) {
            let Some((class, words)) = line.split_once(' ') else { continue };
            let Some((one, other)) = words.split_once('|') else { continue };
            let Some(kind) = Class::parse(class.trim_end_matches('!')) else { continue };
            let poles = [one, other].map(|pole| pole.split_whitespace().collect::<Vec<_>>());
            for (side, pole) in poles.iter().enumerate() {
                for word in pole {
                    lexicon.opposition_of[kind as usize]
                        .entry(word)
                        .or_default()
                        .push((lexicon.oppositions.len(), side));
                }
            }
            lexicon.oppositions.push(Opposition { complementary: class.ends_with('!'), poles });
        }
        for line in lines(include_str!("../data/synonyms.txt")) {
            let mut words = line.split_whitespace();
            let Some(class) = words.next().and_then(Class::parse) else { continue };
            let words: Vec<&str> = words.collect();
            for word in &words {
                lexicon.synonyms_of[class as usize].entry(word).or_default().push(lexicon.synonyms.len());
            }
            lexicon.synonyms.push(words);
        }
        for line in lines(include_str!("../data/siblings.txt")) {
            let Some((head, words)) = line.split_once(':') else { continue };
            let things = head.starts_with("entity");
            let class = match (things, head.contains(" verbs ")) {
                (_, true) => Class::Verb,
                (true, _) => Class::Noun,
                (false, _) => Class::Adjective,
            };
            let words: Vec<&str> = words.split_whitespace().collect();
            for word in &words {
                lexicon.siblings_of[class as usize].entry(word).or_default().push(lexicon.siblings.len());
            }
            lexicon.siblings.push(Siblings { things, words, above: head.split_once('<').map(|(_, above)| above) });
        }
        for line in lines(include_str!("../data/people.txt")) {
            match line.split_once(' ') {
                Some(("noun", words)) => lexicon.people.extend(words.split_whitespace()),
                Some((_, words)) => lexicon.given_names.extend(words.split_whitespace()),
                None => {}
            }
        }
        lexicon
    }

    /// Oppositions that a base form belongs to, with the side it is on.
    pub fn oppositions(&self, class: Class, base: &str) -> impl Iterator<Item = (&Opposition, usize)> {
        let found = find(&self.opposition_of, class, base);
        found.iter().map(|(index, side)| (&self.oppositions[*index], *side))
    }

    /// Words that may stand in for a base form: synonyms, and the other words of its poles.
    pub fn synonyms(&self, class: Class, base: &str) -> Vec<&'static str> {
        let groups = find(&self.synonyms_of, class, base).iter().map(|index| &self.synonyms[*index]);
        let poles =
            find(&self.opposition_of, class, base).iter().map(|(index, side)| &self.oppositions[*index].poles[*side]);
        groups.chain(poles).flatten().copied().filter(|word| *word != base).collect()
    }

    /// Sets of siblings that a base form belongs to.
    pub fn siblings(&self, class: Class, base: &str) -> impl Iterator<Item = &Siblings> {
        find(&self.siblings_of, class, base).iter().map(|index| &self.siblings[*index])
    }

    /// Whether a verb (by its base) takes an object that it does something to.
    pub fn is_transitive(&self, base: &str) -> bool {
        self.transitive.contains(base)
    }

    /// Whether a noun names people or animals.
    pub fn is_person(&self, noun: &str) -> bool {
        self.people.contains(noun) || singular(noun).is_some_and(|one| self.people.contains(one.as_str()))
    }

    /// Whether a word is a given name.
    pub fn is_given_name(&self, word: &str) -> bool {
        self.given_names.contains(word.to_lowercase().as_str())
    }

    /// The base form of a word with a tag, when `known` accepts one.
    pub fn base(&self, word: &str, tag: Tag, known: impl Fn(Class, &str) -> bool) -> Option<(Class, String)> {
        let class = Class::of(tag)?;
        let bases = match (class, tag) {
            (Class::Verb, _) => verb_bases(word, tag),
            (_, Tag::Nns) => singular(word).into_iter().collect(),
            _ => vec![word.to_owned()],
        };
        bases.into_iter().find(|base| known(class, base)).map(|base| (class, base))
    }
}

fn find<'a, T>(index: &'a Index<T>, class: Class, base: &str) -> &'a [T] {
    index[class as usize].get(base).map_or(&[], Vec::as_slice)
}

/// The form of a base that goes with a tag.
pub fn inflect(base: &str, tag: Tag) -> String {
    match tag {
        Tag::Nns => plural(base),
        Tag::Vb | Tag::Vbd | Tag::Vbg | Tag::Vbn | Tag::Vbp | Tag::Vbz => conjugate(base, tag),
        _ => base.replace('_', " "),
    }
}
