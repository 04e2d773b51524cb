//! Regular inflection of nouns and verbs.

/// The plural of a noun, and the third person of a verb, which is spelled the same way. Common irregular nouns are known.
pub fn plural(word: &str) -> String {
    if let Some((_, plural)) = IRREGULAR.iter().find(|(one, _)| *one == word) {
        return (*plural).to_owned();
    }
    match word {
        _ if ["s", "x", "z", "ch", "sh"].iter().any(|end| word.ends_with(end)) => format!("{word}es"),
        _ if IN_OES.contains(&word.rsplit(' ').next().unwrap_or(word)) => format!("{word}es"),
        _ => match word.strip_suffix('y') {
            Some(stem) if !ends_in_vowel(stem) => format!("{stem}ies"),
            _ => format!("{word}s"),
        },
    }
}

/// The singular of a plural noun; none of a word that is none.
pub fn singular(word: &str) -> Option<String> {
    if let Some((one, _)) = IRREGULAR.iter().find(|(_, many)| *many == word) {
        return Some((*one).to_owned());
    }
    singular_candidates(word).into_iter().find(|one| plural(one) == word)
}

/// Words that a regular plural, or a verb's third person, may come from.
pub fn singular_candidates(word: &str) -> Vec<String> {
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

/// The past of a regular verb. `doubles` says whether it doubles its last letter: "stopped", but "visited".
pub fn past(base: &str, doubles: bool) -> String {
    if base.ends_with('e') {
        return format!("{base}d");
    }
    match base.strip_suffix('y') {
        Some(stem) if !ends_in_vowel(stem) => format!("{stem}ied"),
        _ => doubled(base, doubles) + "ed",
    }
}

/// The form of a verb in "ing"; `doubles` as for [`past`].
pub fn gerund(base: &str, doubles: bool) -> String {
    if let Some(stem) = base.strip_suffix("ie") {
        return format!("{stem}ying");
    }
    let stays = ["ee", "ye", "oe"].iter().any(|end| base.ends_with(end));
    match base.strip_suffix('e') {
        Some(stem) if !stays && stem.len() > 1 => format!("{stem}ing"),
        _ => doubled(base, doubles) + "ing",
    }
}

fn doubled(base: &str, doubles: bool) -> String {
    base.chars().chain(base.chars().last().filter(|_| doubles)).collect()
}

fn ends_in_vowel(text: &str) -> bool {
    text.ends_with(|last| "aeiou".contains(last))
}

/// Words in "o" that take "es".
const IN_OES: [&str; 22] = [
    "cargo", "dingo", "do", "echo", "embargo", "flamingo", "forgo", "ginkgo", "go", "hero", "mango", "outdo", "outgo",
    "potato", "redo", "tomato", "tornado", "torpedo", "tuxedo", "undergo", "undo", "veto",
];

const IRREGULAR: &[(&str, &str)] = &[
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nouns_have_plurals_and_back() {
        for (one, many) in [
            ("city", "cities"),
            ("day", "days"),
            ("church", "churches"),
            ("child", "children"),
            ("dog", "dogs"),
            ("sweet potato", "sweet potatoes"),
            ("photo", "photos"),
        ] {
            assert_eq!(plural(one), many);
            assert_eq!(singular(many).as_deref(), Some(one));
        }
        assert_eq!(singular("dog"), None);
    }

    #[test]
    fn regular_verbs_inflect() {
        for (base, doubles, expected) in [
            ("carry", false, ["carried", "carrying", "carries"]),
            ("hug", true, ["hugged", "hugging", "hugs"]),
            ("visit", false, ["visited", "visiting", "visits"]),
            ("crush", false, ["crushed", "crushing", "crushes"]),
            ("dye", false, ["dyed", "dyeing", "dyes"]),
            ("tie", false, ["tied", "tying", "ties"]),
            ("agree", false, ["agreed", "agreeing", "agrees"]),
            ("stay", false, ["stayed", "staying", "stays"]),
            ("undergo", false, ["undergoed", "undergoing", "undergoes"]),
        ] {
            assert_eq!([past(base, doubles), gerund(base, doubles), plural(base)], expected, "{base}");
        }
    }
}
