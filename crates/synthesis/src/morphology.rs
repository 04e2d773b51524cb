//! Inflection of English verbs and nouns, and the choice between "a" and "an".

use std::collections::HashMap;
use std::sync::LazyLock;

use crate::tag::Tag;

/// Base, past and participle of irregular verbs.
static IRREGULAR: LazyLock<Vec<[&'static str; 3]>> = LazyLock::new(|| {
    let lines = include_str!("../data/verbs.txt").lines().filter(|line| !line.starts_with('#'));
    lines.filter_map(|line| line.split_whitespace().collect::<Vec<_>>().try_into().ok()).collect()
});

static BASE_OF: LazyLock<HashMap<&'static str, &'static str>> = LazyLock::new(|| {
    let forms = IRREGULAR.iter().flat_map(|[base, past, participle]| [(*past, *base), (*participle, *base)]);
    let mut bases: HashMap<_, _> = forms.collect();
    // "found", "felt", "lay", "saw", "wound", "bore", "ground": the common reading wins.
    bases.extend([("found", "find"), ("lay", "lie"), ("saw", "see"), ("wound", "wind"), ("lit", "light")]);
    bases
});

/// The form of a verb (given by its base) that goes with a tag: [`Tag::Vbd`], [`Tag::Vbn`], [`Tag::Vbg`], [`Tag::Vbz`];
/// any other tag gives the base.
pub fn conjugate(base: &str, tag: Tag) -> String {
    if base == "be" {
        return match tag {
            Tag::Vbd => "was",
            Tag::Vbn => "been",
            Tag::Vbg => "being",
            Tag::Vbz => "is",
            Tag::Vbp => "are",
            _ => "be",
        }
        .to_owned();
    }
    match tag {
        Tag::Vbd | Tag::Vbn => match IRREGULAR.iter().find(|forms| forms[0] == base) {
            Some([_, past, participle]) => (if tag == Tag::Vbd { *past } else { *participle }).to_owned(),
            None => regular_past(base),
        },
        Tag::Vbg => gerund(base),
        Tag::Vbz if base == "have" => "has".to_owned(),
        Tag::Vbz => plural(base),
        _ => base.to_owned(),
    }
}

/// Bases that a verb form may come from, likeliest first; the caller picks the one that it knows.
pub fn verb_bases(form: &str, tag: Tag) -> Vec<String> {
    let mut bases = Vec::new();
    match tag {
        Tag::Vb | Tag::Vbp => bases.push(form.to_owned()),
        Tag::Vbd | Tag::Vbn => {
            bases.extend(BASE_OF.get(form).map(|base| (*base).to_owned()));
            if let Some(stem) = form.strip_suffix("ied") {
                bases.push(format!("{stem}y"));
            }
            if let Some(stem) = form.strip_suffix("ed") {
                bases.push(stem.to_owned());
                bases.push(format!("{stem}e"));
                bases.extend(undoubled(stem));
            }
        }
        Tag::Vbg => {
            if let Some(stem) = form.strip_suffix("ing") {
                bases.push(stem.to_owned());
                bases.push(format!("{stem}e"));
                bases.extend(undoubled(stem));
                bases.extend(stem.strip_suffix('y').map(|stem| format!("{stem}ie")));
            }
        }
        Tag::Vbz => bases.extend(singular_candidates(form)),
        _ => {}
    }
    bases.retain(|base| conjugate(base, tag) == form);
    bases
}

/// The form of "do" that stands in for a verb of a form, with its tag: "did" for "won".
pub fn do_support(tag: Tag) -> (&'static str, Tag) {
    match tag {
        Tag::Vbd => ("did", Tag::Vbd),
        Tag::Vbz => ("does", Tag::Vbz),
        _ => ("do", Tag::Vbp),
    }
}

/// The base of a form when it has only one plausible one: irregular, or regular with an unambiguous spelling.
pub fn verb_base(form: &str, tag: Tag) -> Option<String> {
    match (form, tag) {
        ("has", _) | ("had", _) => return Some("have".to_owned()),
        ("is" | "are" | "was" | "were" | "been" | "being" | "am", _) => return Some("be".to_owned()),
        ("does" | "did" | "done", _) => return Some("do".to_owned()),
        _ => {}
    }
    let bases = verb_bases(form, tag);
    if let Some(short) = bases.iter().find(|base| doubles(base)) {
        return Some(short.clone());
    }
    match bases.as_slice() {
        [] => None,
        [base] => Some(base.clone()),
        several => {
            several.iter().find(|base| KNOWN_BASES.contains(base.as_str())).or_else(|| likelier(several)).cloned()
        }
    }
}

/// Verbs of the crate's own lists, used to settle spellings such as "hoped" (hope, not hop).
static KNOWN_BASES: LazyLock<std::collections::HashSet<&'static str>> = LazyLock::new(|| {
    let transitive = include_str!("../data/transitive.txt").lines().filter(|line| !line.starts_with('#'));
    let oppositions = include_str!("../data/oppositions.txt").lines().filter(|line| line.starts_with("verb"));
    let synonyms = include_str!("../data/synonyms.txt").lines().filter(|line| line.starts_with("verb"));
    let listed = transitive.chain(oppositions).chain(synonyms).flat_map(str::split_whitespace);
    listed.chain(IRREGULAR.iter().map(|forms| forms[0])).collect()
});

/// Of "receiv" and "receive", "walk" and "walke": English verbs end in "e" after v, s (not ss), c, g, u, z, l after a
/// consonant, and after a single vowel and "t", "r" or "n" only as the lists say, so those are left undecided.
fn likelier(bases: &[String]) -> Option<&String> {
    let stem = bases.iter().min_by_key(|base| base.len())?;
    let with_e = bases.iter().find(|base| base.ends_with('e') && base.len() == stem.len() + 1);
    let letters: Vec<char> = stem.chars().collect();
    let [.., before, last] = letters.as_slice() else { return None };
    let vowel = |letter: &char| "aeiou".contains(*letter);
    let needs_e = matches!(last, 'v' | 'c' | 'u' | 'z')
        || *last == 's' && *before != 's'
        || *last == 'g' && *before != 'n'
        || *last == 'l' && !vowel(before) && *before != 'l' && *before != 'r' && *before != 'w'
        || stem.ends_with("at") && stem.len() > 4 && !stem.ends_with("eat") && !stem.ends_with("oat")
        || [
            "iz", "ir", "ur", "ut", "id", "ib", "ak", "ok", "ik", "am", "im", "om", "in", "ap", "ip", "op", "ad", "od",
            "ud", "ub",
        ]
        .iter()
        .any(|end| stem.ends_with(end))
            && letters.len() >= 3
            && !letters.get(letters.len() - 3).is_some_and(vowel);
    if needs_e { with_e } else { Some(stem) }
}

fn undoubled(stem: &str) -> Option<String> {
    let mut chars = stem.chars().rev();
    let (last, before) = (chars.next()?, chars.next()?);
    // "classed", "called", "stuffed", "buzzed" come from stems that end so; only a few in "l" are doubled.
    let stays = "sfz".contains(last)
        || last == 'l'
            && !["controll", "compell", "expell", "propell", "rebell", "travell", "cancell", "labell", "modell"]
                .contains(&stem);
    (last == before && !"aeiou".contains(last) && !stays).then(|| stem[..stem.len() - last.len_utf8()].to_owned())
}

fn regular_past(base: &str) -> String {
    if let Some(stem) = base.strip_suffix('e') {
        return format!("{stem}ed");
    }
    match base.strip_suffix('y') {
        Some(stem) if !ends_in_vowel(stem) => format!("{stem}ied"),
        _ if doubles(base) => format!("{base}{}ed", &base[base.len() - 1..]),
        _ => format!("{base}ed"),
    }
}

fn gerund(base: &str) -> String {
    match base {
        "lie" | "die" | "tie" => return format!("{}ying", &base[..1]),
        "see" | "flee" | "agree" | "disagree" | "free" | "guarantee" | "dye" => return format!("{base}ing"),
        _ => {}
    }
    match base.strip_suffix('e') {
        Some(stem) if stem.len() > 1 => format!("{stem}ing"),
        _ if doubles(base) => format!("{base}{}ing", &base[base.len() - 1..]),
        _ => format!("{base}ing"),
    }
}

/// Short stems in consonant, vowel, consonant double their last letter, and longer ones stressed at the end.
fn doubles(base: &str) -> bool {
    const STRESSED: &[&str] = &[
        "admit", "begin", "commit", "compel", "control", "defer", "equip", "expel", "forbid", "forget", "occur",
        "omit", "permit", "prefer", "refer", "regret", "submit", "transfer", "transmit", "upset", "kidnap", "propel",
        "rebel", "dispel", "incur", "recur", "quit", "outwit", "unplug", "overlap",
    ];
    let letters: Vec<char> = base.chars().collect();
    let vowel = |letter: char| "aeiou".contains(letter);
    let closed =
        matches!(letters.as_slice(), [.., a, b, c] if !vowel(*a) && vowel(*b) && !vowel(*c) && !"wxy".contains(*c));
    let syllables = letters.windows(2).filter(|pair| vowel(pair[0]) && !vowel(pair[1])).count();
    (closed && syllables == 1) || STRESSED.contains(&base)
}

fn ends_in_vowel(text: &str) -> bool {
    text.chars().next_back().is_some_and(|last| "aeiou".contains(last))
}

/// Regular plural of a noun, also the third person of a verb; a few irregular nouns are known.
pub fn plural(word: &str) -> String {
    if let Some((_, plural)) = PLURALS.iter().find(|(one, _)| *one == word) {
        return (*plural).to_owned();
    }
    match word {
        _ if ["s", "x", "z", "ch", "sh"].iter().any(|end| word.ends_with(end)) => format!("{word}es"),
        _ if ["do", "go", "echo", "hero", "potato", "tomato", "veto"].contains(&word) => format!("{word}es"),
        _ => match word.strip_suffix('y') {
            Some(stem) if !ends_in_vowel(stem) => format!("{stem}ies"),
            _ => format!("{word}s"),
        },
    }
}

/// Singular of a plural noun.
pub fn singular(word: &str) -> Option<String> {
    if let Some((one, _)) = PLURALS.iter().find(|(_, many)| *many == word) {
        return Some((*one).to_owned());
    }
    singular_candidates(word).into_iter().find(|one| plural(one) == word)
}

const PLURALS: &[(&str, &str)] = &[
    ("man", "men"),
    ("woman", "women"),
    ("child", "children"),
    ("person", "people"),
    ("mouse", "mice"),
    ("goose", "geese"),
    ("foot", "feet"),
    ("tooth", "teeth"),
    ("wolf", "wolves"),
    ("knife", "knives"),
    ("wife", "wives"),
    ("life", "lives"),
    ("leaf", "leaves"),
    ("shelf", "shelves"),
    ("scarf", "scarves"),
    ("policeman", "policemen"),
    ("gentleman", "gentlemen"),
    ("sheep", "sheep"),
    ("deer", "deer"),
    ("aircraft", "aircraft"),
];

fn singular_candidates(word: &str) -> Vec<String> {
    let mut bases = Vec::new();
    if let Some(stem) = word.strip_suffix("ies") {
        bases.push(format!("{stem}y"));
    }
    if let Some(stem) = word.strip_suffix("es") {
        bases.push(stem.to_owned());
    }
    if let Some(stem) = word.strip_suffix('s').filter(|stem| !stem.ends_with('s')) {
        bases.push(stem.to_owned());
    }
    bases
}

/// "a" or "an" before this word.
pub fn article(next: &str) -> &'static str {
    let lower = next.to_lowercase();
    const A: &[&str] =
        &["one", "once", "uni", "use", "usu", "euro", "eu", "ubi", "uk", "u.s", "us-", "utah", "uter", "ukrain", "ura"];
    const AN: &[&str] = &[
        "hour", "honest", "honor", "honour", "heir", "fbi", "mp3", "mba", "nba", "nfl", "nhl", "lp", "sms", "hiv", "8",
        "11", "18", "80",
    ];
    let unusual_un = ["unin", "unim", "unid"].iter().any(|start| lower.starts_with(start));
    let vowel = lower.starts_with(|letter: char| "aeiouéáóíäö".contains(letter));
    let sounds_a = !unusual_un && lower != "us" && A.iter().any(|start| lower.starts_with(start));
    let sounds_an = lower != "110" && AN.iter().any(|start| lower.starts_with(start));
    if sounds_an || vowel && !sounds_a { "an" } else { "a" }
}

#[cfg(test)]
mod tests {
    use super::{article, conjugate, plural, singular, verb_base};
    use crate::tag::Tag;

    #[test]
    fn verbs_inflect_both_ways() {
        for (base, past, participle, gerund, third) in [
            ("write", "wrote", "written", "writing", "writes"),
            ("stop", "stopped", "stopped", "stopping", "stops"),
            ("carry", "carried", "carried", "carrying", "carries"),
            ("defeat", "defeated", "defeated", "defeating", "defeats"),
            ("produce", "produced", "produced", "producing", "produces"),
            ("watch", "watched", "watched", "watching", "watches"),
            ("visit", "visited", "visited", "visiting", "visits"),
            ("receive", "received", "received", "receiving", "receives"),
            ("cross", "crossed", "crossed", "crossing", "crosses"),
        ] {
            for (form, tag) in [(past, Tag::Vbd), (participle, Tag::Vbn), (gerund, Tag::Vbg), (third, Tag::Vbz)] {
                assert_eq!(conjugate(base, tag), form);
                assert_eq!(verb_base(form, tag).as_deref(), Some(base), "{form}");
            }
        }
    }

    #[test]
    fn nouns_and_articles() {
        for (one, many) in [("city", "cities"), ("church", "churches"), ("child", "children"), ("dog", "dogs")] {
            assert_eq!(plural(one), many);
            assert_eq!(singular(many).as_deref(), Some(one));
        }
        for (word, expected) in [
            ("apple", "an"),
            ("university", "a"),
            ("hour", "an"),
            ("unimportant", "an"),
            ("dog", "a"),
            ("unusual", "an"),
            ("useful", "a"),
        ] {
            assert_eq!(article(word), expected, "{word}");
        }
    }
}
