//! Whether a text is English, as far as the text tells.
//!
//! The shipped verifier has learned English only, and what it says of other languages is confident and wrong. So a text is left
//! alone that surely is of another one: of another script, or with that language's small words and none of English. Names,
//! codes, titles of works and a word or two tell nothing, and count as English.

use std::collections::HashMap;
use std::sync::LazyLock;

/// So much of a text is looked at.
const MOST_BYTES: usize = 1 << 10;

/// Letters of another script than the Latin one, from which on a text may be of another language; the letters of a formula are
/// fewer.
const FEWEST_LETTERS: usize = 2;

/// The shortest text of which words tell the language.
const FEWEST_WORDS: usize = 3;

/// Small words of English that no other language has that is looked for here.
const ENGLISH: &[&str] = &[
    "the", "of", "and", "are", "were", "been", "this", "that", "these", "those", "with", "from", "for", "by", "which",
    "who", "whom", "whose", "what", "when", "where", "why", "how", "it", "its", "he", "she", "his", "her", "they",
    "their", "them", "you", "your", "our", "us", "my", "have", "has", "does", "did", "doesn", "didn", "isn", "don",
    "not", "but", "would", "could", "should", "can", "may", "might", "must", "will", "there", "than", "then", "into",
    "onto", "about", "between", "after", "before", "during", "all", "any", "each", "every", "some", "such", "more",
    "most", "other", "only", "if", "or", "as", "be", "to", "using", "through", "without", "because", "while", "both",
    "over", "under", "at", "also", "an", "had", "one", "two", "new",
];

/// Small words of other languages. First verbs, pronouns, conjunctions and question words: what a sentence has and a name has
/// not. Then articles and prepositions, which names of people, places and works have in English, too. What is a word of English
/// is left out, whatever else it is.
const LANGUAGES: &[(&str, &str)] = &[
    // German.
    (
        "ist sind waren wird wurde wurden nicht und oder ich wir ihr sie wann warum wie wer kein keine auch haben \
         kann muss darf sich mit auf bei nach für aber dass wenn welche welcher dürfen können soll war",
        "hat der die das dem den des ein eine einen einem einer vom zum zur von zu aus",
    ),
    // French.
    (
        "est sont était étaient été être et ou où ne pas il elle nous vous ils elles qui que quoi quand pourquoi ont \
         avait avec dans sur pour mais ce cette ces très aux peut doit se leur quel quelle",
        "l' d' n' qu' c' j' s' le la les de du des un une à au",
    ),
    // Spanish.
    (
        "es está están era fue fueron ser pero qué cuándo dónde cómo quién por para con sus muy más hay tiene ha han \
         puede debe cuando donde como porque que esta este",
        "el la los las lo le les un una de del al en",
    ),
    // Italian.
    (
        "è sono era erano stato essere che chi quando dove come perché quanto ha hanno può deve per anche più questo \
         questa gli nel nella della sulla dal alla",
        "l' dell' all' un' il lo la le un una di del dei da dal al",
    ),
    // Portuguese.
    (
        "é são está estão era foi foram ser mas que quem quando onde porque quanto não seu sua para por muito mais \
         tem há pode deve isso este esta ao pelo pela um uma",
        "o os um uma de do dos das na",
    ),
    // Dutch.
    (
        "zijn waren wordt werd worden niet maar dat dit deze wanneer waarom waar wie wat ik wij hij zij ze je geen \
         ook heeft hebben kan moet mag met op voor naar uit bij er gaat zich hoe",
        "de het een van en",
    ),
    // Polish.
    (
        "jest są był była było były być nie oraz ale że który która które kiedy gdzie dlaczego jak kto co się przez \
         dla od został została może musi czy tylko jego jej",
        "",
    ),
    // Turkish.
    ("ve bir bu şu değil mi mı mu mü nasıl nerede kim için ile daha çok yok olarak olan gibi zaman neden hangi", ""),
    // Swedish.
    ("är var och inte att det för på av till när varför hur vem har hade kan ska blev ett", "en"),
    // Danish and Norwegian.
    ("er var og ikke det på af til hvornår hvorfor hvor hvem har havde kan skal blev et", "en"),
    // Czech.
    ("je jsou byl byla bylo být ale že který která kdy kde proč jak kdo pro není", ""),
    // Romanian.
    ("este sunt era fost și dar că care când unde cum cine nu pe pentru", ""),
    // Hungarian.
    ("az és nem hogy volt mikor hol miért egy", ""),
    // Finnish.
    ("ovat oli olivat ei mutta että joka milloin missä miksi kuka mitä hän", ""),
    // Indonesian.
    ("yang ke dari tidak adalah ini itu dengan untuk pada kapan mana apa siapa akan telah", ""),
    // Vietnamese.
    ("là và không của có được này khi nào ở đã đang với một những các người trong", ""),
];

/// For each small word the languages that have it, by their places in [`LANGUAGES`], and whether it is one of the first kind.
static SMALL_WORDS: LazyLock<HashMap<&str, Vec<(usize, bool)>>> = LazyLock::new(|| {
    let mut words: HashMap<&str, Vec<(usize, bool)>> = HashMap::new();
    for (language, (strong, weak)) in LANGUAGES.iter().enumerate() {
        strong.split_whitespace().for_each(|word| words.entry(word).or_default().push((language, true)));
        weak.split_whitespace().for_each(|word| words.entry(word).or_default().push((language, false)));
    }
    words
});

/// Whether `text` is surely of another language than English.
pub(crate) fn is_foreign(text: &str) -> bool {
    let text = &text[..text.floor_char_boundary(MOST_BYTES)];
    other_script(text).unwrap_or_else(|| other_words(text))
}

/// Whether most of the letters are of another script than the Latin one; none where they are Latin.
fn other_script(text: &str) -> Option<bool> {
    let (mut latin, mut other) = (0, 0);
    for letter in text.chars() {
        match letter {
            'a'..='z' | 'A'..='Z' | '\u{c0}'..='\u{24f}' | '\u{1e00}'..='\u{1eff}' => latin += 1,
            // An ideograph or a syllable says about as much as three letters.
            '\u{3041}'..='\u{30ff}' | '\u{3400}'..='\u{9fff}' | '\u{ac00}'..='\u{d7a3}' => other += 3,
            '\u{20000}'..='\u{3ffff}' => other += 3,
            '\u{370}'..='\u{1cff}' if letter.is_alphabetic() => other += 1,
            // Letters of formulas, and what is none.
            _ => {}
        }
    }
    (other > latin).then_some(other > FEWEST_LETTERS)
}

/// Whether the words are of another language: the trigrams say so, and a share of small words, or of words with letters that
/// English does not have, that no name has.
fn other_words(text: &str) -> bool {
    let words: Vec<&str> = words(text).collect();
    if words.len() < FEWEST_WORDS {
        return false;
    }
    let shouts = !text.contains(char::is_lowercase);
    // An abbreviation is no small word: ER, UN.
    let plain = |word: &&&str| shouts || word.chars().count() == 1 || word.contains(char::is_lowercase);
    let plain: Vec<String> = words.iter().filter(plain).map(|word| word.to_lowercase()).collect();
    let (mut english, mut found) = (0, [(0, 0); LANGUAGES.len()]);
    for word in &plain {
        english += usize::from(ENGLISH.contains(&word.as_str()));
        for (language, is_strong) in SMALL_WORDS.get(word.as_str()).into_iter().flatten() {
            let (strong, weak) = &mut found[*language];
            *(if *is_strong { strong } else { weak }) += 1;
        }
    }
    let best = found.into_iter().enumerate().max_by_key(|(_, (strong, weak))| 2 * strong + weak);
    let Some((language, (strong, weak))) = best else { return false };
    let small = strong + weak;
    if 3 * english > small {
        return false;
    }
    let lower_case = |word: &&&str| word.starts_with(char::is_lowercase);
    let content = |word: &&&str| {
        SMALL_WORDS.get(**word).is_none_or(|languages| languages.iter().all(|(other, _)| *other != language))
    };
    let (all, content) = (words.len(), words.iter().filter(lower_case).filter(content).count());
    let marked = words.iter().filter(lower_case).filter(|word| !word.is_ascii() && word.chars().count() > 2).count();
    let Some(info) = whatlang::detect(text).filter(|info| info.lang() != whatlang::Lang::Eng) else { return false };
    let sentence = text.trim_end().ends_with(['.', '?', '!']);
    let share = |part: usize, of: usize| part * of >= all;
    (strong >= 2 && share(small, 6))
        || (strong >= 1 && weak + marked >= 1 && share(small + marked, 6))
        || (strong >= 1 && sentence && english == 0 && content >= 2 && share(small, 4))
        || (weak >= 2 && sentence && content >= 1 && share(small, 3))
        || (weak >= 2 && sentence && marked >= 1 && share(small, 5))
        || (marked >= 1 && sentence && english == 0 && share(marked + small, 5) && info.confidence() > 0.75)
        || (marked >= if sentence { 2 } else { 3 } && english == 0 && share(marked, 2))
}

/// The words of a text, an elided one with its apostrophe: `l'`.
fn words(text: &str) -> impl Iterator<Item = &str> {
    let ends = |(_, c): &(usize, char)| !c.is_alphabetic();
    let mut rest = text;
    std::iter::from_fn(move || {
        rest = rest.trim_start_matches(|c: char| !c.is_alphabetic());
        let end = rest.char_indices().find(ends).map_or(rest.len(), |(at, _)| at);
        let elided = rest[end..].starts_with('\'') && rest[end + 1..].starts_with(char::is_alphabetic);
        let (word, after) = rest.split_at(if elided { end + 1 } else { end });
        rest = after;
        (!word.is_empty()).then_some(word)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Sentences of each language; of those that are too much like English or each other, few are known.
    #[test]
    fn sentences_of_other_languages_are_told_from_english() {
        for text in [
            "Der Laden ist offen.",
            "Der Hund biss den Mann.",
            "Wann hat die Bibliothek geöffnet?",
            "Die Rechnung wurde am Dienstag bezahlt und per Post verschickt.",
            "Le magasin est ouvert.",
            "Le chien a mordu l'homme.",
            "Où se trouve la gare la plus proche ?",
            "La facture a été payée mardi et envoyée par la poste.",
            "La tienda está abierta.",
            "El perro mordió al hombre.",
            "¿Cuándo abre la biblioteca?",
            "No se permite fumar en el balcón.",
            "Il negozio è aperto.",
            "Quando apre la biblioteca?",
            "Non si può fumare sul balcone.",
            "A loja está aberta.",
            "O cachorro mordeu o homem.",
            "A fatura foi paga na terça-feira e enviada pelo correio.",
            "De hond beet de man.",
            "Wanneer gaat de bibliotheek open?",
            "Op het balkon mag niet worden gerookt.",
            "Pies ugryzł mężczyznę.",
            "Rachunek został zapłacony we wtorek i wysłany pocztą.",
            "Köpek adamı ısırdı.",
            "Kahve hafızayı geliştirmez.",
            "Cửa hàng đang mở cửa.",
            "Con chó cắn người đàn ông.",
            "Butiken är öppen och hunden bet mannen.",
            "Perpustakaan itu tidak buka pada hari Minggu.",
            "Магазин открыт.",
            "Собака укусила человека.",
            "Το κατάστημα είναι ανοιχτό.",
            "图书馆什么时候开门？",
            "狗咬了人",
            "図書館はいつ開きますか？",
            "도서관은 언제 문을 엽니까?",
            "متى تفتح المكتبة؟",
            "पुस्तकालय कब खुलता है?",
        ] {
            assert!(is_foreign(text), "{text}");
        }
    }

    #[test]
    fn english_names_codes_and_formulas_are_not_of_another_language() {
        for text in [
            "",
            "The dog bit the man.",
            "does coffee improve memory",
            "printer out of paper",
            "enable 2FA",
            "M4 bolt",
            "SKU-8842-XL",
            "SELECT id FROM users WHERE name = 'a';",
            "let mut x = vec.iter().map(|a| a.id).collect();",
            "kubectl get pods -n kube-system",
            "α-synuclein and β-sheet",
            "x ≠ y",
            "∑ x² ≤ ∞",
            "👨 bit 🐶",
            "Staphylococcus aureus oxacillin resistant",
            "Le Tour de France",
            "Rio de Janeiro",
            "Museo del Prado de Madrid",
            "Ludwig van Beethoven",
            "Béla Bartók violin concerto",
            "crème de la crème",
            "pico de gallo",
            "A man wearing a hat.",
            "NEAT1: a novel non‐coding RNA",
            "Who wrote \"Cien años de soledad\"?",
            "How do you say hello in Japanese (こんにちは)?",
            "What does \"c'est la vie\" mean?",
        ] {
            assert!(!is_foreign(text), "{text}");
        }
    }
}
