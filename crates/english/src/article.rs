//! "a" or "an".

/// "a" or "an" before this word or number, by how it sounds: "an hour", "a unicorn", "an 18".
pub fn article(next: &str) -> &'static str {
    let lower = next.to_lowercase();
    const A: &[&str] =
        &["one", "once", "uni", "use", "usb", "usu", "euro", "eu", "ubi", "uk", "u.s", "us-", "utah", "uter", "ura"];
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
    use super::*;

    #[test]
    fn articles_go_by_sound() {
        let an =
            ["apple", "hour", "unimportant", "unusual", "umbrella", "FBI", "8", "11", "18-year-old", "Österreicher"];
        let a = ["university", "dog", "useful", "USB", "ukulele", "European", "one", "uranium", "7", "110", "U.S."];
        for (words, expected) in [(&an[..], "an"), (&a[..], "a")] {
            words.iter().for_each(|word| assert_eq!(article(word), expected, "{word}"));
        }
    }
}
