//! The word lists under `data/`, grouped so that sentences are sensible: who can do what to what.

use std::collections::HashMap;
use std::sync::LazyLock;

use vetted_english::plural;

use crate::morphology::Verb;

/// A noun and a noun that is true of everything it names (`dog` of `poodle`).
#[derive(Debug)]
pub(crate) struct Noun {
    pub(crate) singular: String,
    pub(crate) plural: String,
    pub(crate) hypernym: (String, String),
}

/// Verbs that a subject of one class can take, with an object of another or none.
#[derive(Debug)]
pub(crate) struct Frame {
    pub(crate) subject: &'static str,
    pub(crate) object: Option<&'static str>,
    pub(crate) verbs: Vec<Verb>,
}

/// Adjectives of one dimension: a thing has at most one of them, except in groups named `state` or `temper`.
#[derive(Debug)]
pub(crate) struct AdjectiveGroup {
    pub(crate) dimension: &'static str,
    pub(crate) words: Vec<String>,
}

/// A relation between two things of a class, with every way of saying it of `{a}` and `{b}`.
#[derive(Debug)]
pub(crate) struct Predicate {
    pub(crate) class: &'static str,
    pub(crate) logic: &'static str,
    pub(crate) topic: &'static str,
    pub(crate) patterns: Vec<&'static str>,
}

/// All words.
#[derive(Debug)]
pub(crate) struct Lexicon {
    pub(crate) nouns: HashMap<&'static str, Vec<Noun>>,
    pub(crate) adjectives: HashMap<&'static str, Vec<AdjectiveGroup>>,
    pub(crate) transitive: Vec<Frame>,
    pub(crate) intransitive: HashMap<&'static str, Frame>,
    pub(crate) predicates: Vec<Predicate>,
    names: HashMap<&'static str, Vec<String>>,
    lists: HashMap<&'static str, Vec<Vec<&'static str>>>,
}

static LEXICON: LazyLock<Lexicon> = LazyLock::new(Lexicon::read);

/// The words, read once.
pub(crate) fn lexicon() -> &'static Lexicon {
    &LEXICON
}

impl Lexicon {
    fn read() -> Self {
        Self {
            nouns: nouns(include_str!("../data/nouns.txt")),
            adjectives: adjectives(include_str!("../data/adjectives.txt")),
            transitive: frames(include_str!("../data/verbs.txt")).filter(|frame| frame.object.is_some()).collect(),
            intransitive: frames(include_str!("../data/verbs.txt"))
                .filter(|frame| frame.object.is_none())
                .map(|frame| (frame.subject, frame))
                .collect(),
            predicates: predicates(include_str!("../data/predicates.txt")),
            names: names(include_str!("../data/names.txt")),
            lists: lists(include_str!("../data/lists.txt")),
        }
    }

    /// The names of a kind (`city`, `surname`); empty when the kind is unknown.
    pub(crate) fn names(&self, kind: &str) -> &[String] {
        self.names.get(kind).map_or(&[], Vec::as_slice)
    }

    /// A named list of rows, each of as many cells as its lines have; empty when unknown.
    pub(crate) fn list(&self, name: &str) -> &[Vec<&'static str>] {
        self.lists.get(name).map_or(&[], Vec::as_slice)
    }
}

fn lines(text: &'static str) -> impl Iterator<Item = &'static str> {
    text.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with('#'))
}

fn spaced(word: &str) -> String {
    word.replace('_', " ")
}

fn forms(entry: &str) -> (String, String) {
    match entry.split_once('|') {
        Some((singular, many)) => (spaced(singular), spaced(many)),
        None => (spaced(entry), plural(&spaced(entry))),
    }
}

fn bracketed(line: &'static str) -> Option<(&'static str, &'static str)> {
    let (head, rest) = line.strip_prefix('[')?.split_once(']')?;
    Some((head, rest.trim()))
}

fn nouns(text: &'static str) -> HashMap<&'static str, Vec<Noun>> {
    let mut classes: HashMap<&'static str, Vec<Noun>> = HashMap::new();
    for (class, rest) in lines(text).filter_map(bracketed) {
        let Some((hypernym, members)) = rest.split_once(':') else { continue };
        for member in members.split_whitespace() {
            let (singular, plural) = forms(member);
            classes.entry(class).or_default().push(Noun { singular, plural, hypernym: forms(hypernym) });
        }
    }
    classes
}

fn adjectives(text: &'static str) -> HashMap<&'static str, Vec<AdjectiveGroup>> {
    let mut classes: HashMap<&'static str, Vec<AdjectiveGroup>> = HashMap::new();
    for (heads, rest) in lines(text).filter_map(bracketed) {
        let Some((dimension, words)) = rest.split_once(':') else { continue };
        for class in heads.split_whitespace() {
            let words = words.split_whitespace().map(spaced).collect();
            classes.entry(class).or_default().push(AdjectiveGroup { dimension, words });
        }
    }
    classes
}

fn frames(text: &'static str) -> impl Iterator<Item = Frame> {
    lines(text).filter_map(|line| {
        let (head, verbs) = line.split_once(':')?;
        let verbs = verbs.split_whitespace().map(Verb::parse).collect();
        Some(match head.split_once('>') {
            Some((subject, object)) => Frame { subject: subject.trim(), object: Some(object.trim()), verbs },
            None => Frame { subject: head.trim(), object: None, verbs },
        })
    })
}

fn names(text: &'static str) -> HashMap<&'static str, Vec<String>> {
    lines(text)
        .filter_map(bracketed)
        .map(|(kind, rest)| (kind, rest.split_whitespace().map(spaced).collect()))
        .collect()
}

fn predicates(text: &'static str) -> Vec<Predicate> {
    lines(text)
        .filter_map(bracketed)
        .filter_map(|(head, rest)| {
            let mut head = head.split_whitespace();
            Some(Predicate {
                class: head.next()?,
                logic: head.next()?,
                topic: head.next()?,
                patterns: rest.split(';').map(str::trim).collect(),
            })
        })
        .collect()
}

/// `[name] cell = cell; cell = cell`: rows separated by `;`, cells by `=`.
fn lists(text: &'static str) -> HashMap<&'static str, Vec<Vec<&'static str>>> {
    let mut lists: HashMap<&'static str, Vec<Vec<&'static str>>> = HashMap::new();
    for (name, rest) in lines(text).filter_map(bracketed) {
        let rows = rest.split(';').map(|row| row.split('=').map(str::trim).collect::<Vec<_>>());
        lists.entry(name).or_default().extend(rows.filter(|row| row.iter().any(|cell| !cell.is_empty())));
    }
    lists
}
