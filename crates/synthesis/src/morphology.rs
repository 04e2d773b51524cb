//! Inflection of English verbs, irregular ones included, and back.

use std::collections::HashMap;
use std::sync::LazyLock;

use vetted_english::{gerund, past, plural, singular_candidates};

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
            None => past(base, doubles(base)),
        },
        Tag::Vbg => gerund(base, doubles(base)),
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

#[cfg(test)]
mod tests {
    use super::{conjugate, verb_base};
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
}
