//! What stands in both texts letter by letter, and must be the same: numbers, units, times, versions, addresses, options, signs.
//!
//! The reader compares meanings of words, and to it 10 and 100, `<` and `>`, *ban* and *unban* mean nearly the same. What its
//! tokenizer folds (letters' case, accents) it does not see at all. So a pair that it finds the same is the same only if the
//! values of both texts agree, in their places. Equal values may be written in several ways: 1,500 and 1500, two and 2, 5 pm and
//! 17:00, 50 % and 50 percent.

mod chunks;
mod contrasts;
mod joining;
mod quantities;
mod spelling;
mod text;

use vetted_reader::Kind;

use self::text::{Compared, Item, Sign, Text, Value};
use super::alignment::{Gap, gaps};
use super::polarity;
use contrasts::contrast;

/// Whether two texts agree in what must be the same.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Agreement {
    /// As far as one sees.
    Agree,
    /// They may mean different things: nothing is accepted.
    Doubtful(Kind),
    /// They surely do: nothing else differs than one value, sign or word, and it excludes the other's.
    Differ(Kind),
}

/// Whether two texts that may mean the same agree. The order of the two does not matter.
pub(crate) fn agreement(one: &str, other: &str) -> Agreement {
    if one == other {
        return Agreement::Agree;
    }
    // Of several ways to lay one text beside the other, the same is taken whichever comes first.
    let (one, other) = if one < other { (one, other) } else { (other, one) };
    let (one, other) = (Text::read(one), Text::read(other));
    let excludes = minimal(&one, &other);
    if let Some(Exclusion { kind, is_sure: true }) = excludes
        && denials(&one) == denials(&other)
    {
        return Agreement::Differ(kind);
    }
    let doubt = doubt(&one, &other).or_else(|| doubt(&other, &one)).or(excludes.map(|it| it.kind));
    doubt.map_or(Agreement::Agree, Agreement::Doubtful)
}

/// Whether `window` says a part of `claim` with another value, and all the rest of it as it stands there.
pub(crate) fn is_said_with_another_value(claim: &str, window: &str) -> Option<Kind> {
    let (claim, window) = (Text::read(claim), Text::read(window));
    let mut found = None;
    for (own, other) in gaps(&claim.items, &window.items, is_same) {
        // The window may say more after it.
        let other = other.get(..own.len()).unwrap_or(other);
        match exclusion((own, other)) {
            _ if own.is_empty() => {}
            Some(Exclusion { kind, is_sure: true }) if found.is_none() && !is_word_gap(own) => found = Some(kind),
            _ => return None,
        }
    }
    found
}

/// How what stands in one gap excludes what stands in its place.
#[derive(Clone, Copy)]
struct Exclusion {
    kind: Kind,
    is_sure: bool,
}

fn is_word_gap(gap: &[Item]) -> bool {
    gap.iter().any(|item| matches!(item, Item::Word(_)))
}

/// How the texts exclude each other, if they differ in one place only.
fn minimal(one: &Text, other: &Text) -> Option<Exclusion> {
    let gaps = gaps(&one.items, &other.items, is_same);
    match gaps.as_slice() {
        [gap] => exclusion(*gap),
        _ => None,
    }
}

fn exclusion((own, other): Gap<'_, Item>) -> Option<Exclusion> {
    let sure = |kind| Some(Exclusion { kind, is_sure: true });
    let unsure = |kind| Some(Exclusion { kind, is_sure: false });
    let (own, other) = match (own, other) {
        ([own], [other]) => (own, other),
        // "in to", "out of".
        ([Item::Word(own), Item::Word(_)], [Item::Word(other), Item::Word(_)]) => {
            return contrast(own, other).and_then(|contrast| unsure(contrast.kind));
        }
        _ => return None,
    };
    match (own, other) {
        (Item::Value(Value::Quantity(own)), Item::Value(Value::Quantity(other))) => {
            match (own.value == other.value, own.units_agree(other)) {
                (true, false) if own.units_look_alike(other) => unsure(Kind::Unit),
                (true, false) => sure(Kind::Unit),
                (false, true) if own.is_year() && other.is_year() => sure(Kind::Date),
                (false, true) => sure(Kind::Number),
                _ => unsure(Kind::Number),
            }
        }
        (Item::Value(Value::Time(_)), Item::Value(Value::Time(_))) => sure(Kind::Date),
        (Item::Value(Value::Code(own)), Item::Value(Value::Code(other))) => {
            let letters = |code: &str| code.chars().filter(|c| c.is_alphanumeric()).collect::<String>();
            if letters(&own.folded) == letters(&other.folded) { unsure(Kind::Entity) } else { sure(Kind::Number) }
        }
        (Item::Value(_), Item::Value(_)) => unsure(Kind::Number),
        (Item::Sign(own), Item::Sign(other)) => match (own, other) {
            (Sign::Compares { compared: own, .. }, Sign::Compares { compared: other, .. }) => {
                if own.is_opposite(*other) { sure(Kind::Comparison) } else { unsure(Kind::Comparison) }
            }
            (Sign::Computes(_), Sign::Computes(_)) => sure(Kind::Other),
            _ => unsure(Kind::Other),
        },
        (Item::Word(own), Item::Word(other)) => {
            let contrast = contrast(own, other)?;
            if contrast.anywhere { sure(contrast.kind) } else { unsure(contrast.kind) }
        }
        (Item::Value(_), _) | (_, Item::Value(_)) => unsure(Kind::Entity),
        _ => None,
    }
}

impl Compared {
    fn is_opposite(self, other: Compared) -> bool {
        use Compared::{AtLeast, AtMost, Equal, Less, More, Unequal};
        matches!(
            (self, other),
            (Less | AtMost, More | AtLeast) | (More | AtLeast, Less | AtMost) | (Equal, Unequal) | (Unequal, Equal)
        )
    }
}

/// Whether two parts say the same, in another form perhaps.
fn is_same(one: &Item, other: &Item) -> bool {
    match (one, other) {
        (Item::Word(one), Item::Word(other)) => one.stem == other.stem,
        (Item::Value(one), Item::Value(other)) => same_value(one, other),
        (Item::Sign(one), Item::Sign(other)) => same_sign(*one, *other),
        (Item::Word(word), Item::Value(Value::Quantity(quantity)))
        | (Item::Value(Value::Quantity(quantity)), Item::Word(word)) => word.number() == Some(quantity.value),
        _ => false,
    }
}

fn same_value(one: &Value, other: &Value) -> bool {
    match (one, other) {
        (Value::Quantity(one), Value::Quantity(other)) => one.is_same(other),
        (Value::Time(one), Value::Time(other)) => one == other,
        (Value::Code(one), Value::Code(other)) => one.is_same(other),
        _ => false,
    }
}

fn same_sign(one: Sign, other: Sign) -> bool {
    match (one, other) {
        (Sign::Compares { compared: one, .. }, Sign::Compares { compared: other, .. }) => one == other,
        (one, other) => one == other,
    }
}

/// What one sees in `one` that makes it doubtful whether `other` says the same.
fn doubt(one: &Text, other: &Text) -> Option<Kind> {
    values(one, other)
        .or_else(|| signs(one, other))
        .or_else(|| opposites(one, other))
        .or_else(|| spelling::differs(one, other).then_some(Kind::Entity))
}

/// A value of `one` that `other` does not have, or has in another place.
fn values(one: &Text, other: &Text) -> Option<Kind> {
    let value = |(at, item): (usize, &Item)| matches!(item, Item::Value(_)).then_some(at);
    let own: Vec<usize> = one.items.iter().enumerate().filter_map(value).collect();
    let mut free = vec![true; other.items.len()];
    let (mut pairs, mut alone) = (Vec::with_capacity(own.len()), Vec::new());
    for at in own {
        let item = &one.items[at];
        let twin = |only_values: bool| {
            (0..free.len()).find(|twin| {
                let candidate = &other.items[*twin];
                free[*twin] && (!only_values || matches!(candidate, Item::Value(_))) && is_same(item, candidate)
            })
        };
        match twin(true).or_else(|| twin(false)) {
            Some(twin) => {
                free[twin] = false;
                pairs.push((at, twin));
            }
            None if is_one(item) && other.has_article => {}
            None => alone.push(at),
        }
    }
    if let Some(at) = alone.first() {
        let is_value = |(at, item): (usize, &Item)| free[at] && matches!(item, Item::Value(_));
        return match other.items.iter().enumerate().any(is_value) {
            true => Some(kind_of(&one.items[*at])),
            // What one of two wordings leaves out is for the reader to judge; of the same wording, it is one thing more.
            false => adds_to(other, one).then_some(Kind::Addition),
        };
    }
    let is_crossed = |(a, b): (&(usize, usize), &(usize, usize))| {
        let straight = shared_context(one, a.0, other, a.1) + shared_context(one, b.0, other, b.1);
        let crossed = shared_context(one, a.0, other, b.1) + shared_context(one, b.0, other, a.1);
        let is_reordered = (a.0 < b.0) != (a.1 < b.1);
        if is_list(one, a.0, b.0) && is_list(other, a.1, b.1) {
            return false;
        }
        crossed > straight || (is_reordered && crossed == straight)
    };
    for (at, a) in pairs.iter().enumerate() {
        let others = pairs[at + 1..].iter().filter(|b| !is_same(&one.items[a.0], &one.items[b.0]));
        if others.into_iter().any(|b| is_crossed((a, b))) {
            return Some(kind_of(&one.items[a.0]));
        }
    }
    None
}

/// Whether `long` says all that `short` says, in the same order, and something more.
fn adds_to(short: &Text, long: &Text) -> bool {
    gaps(&short.items, &long.items, is_same).iter().all(|(own, _)| own.is_empty())
}

/// Whether the two places are of a list, of which the order does not matter: "500 and 1000".
fn is_list(text: &Text, a: usize, b: usize) -> bool {
    let (first, last) = (a.min(b), a.max(b));
    let word = |at: usize| match &text.items[at] {
        Item::Word(word) => word.folded.as_str(),
        _ => "",
    };
    let between = first > 0 && word(first - 1) == "between";
    last == first + 2 && matches!(word(first + 1), "and" | "or") && !between
}

fn is_one(item: &Item) -> bool {
    matches!(item, Item::Value(Value::Quantity(quantity)) if quantity.value == 1.0)
}

fn kind_of(item: &Item) -> Kind {
    match item {
        Item::Value(Value::Time(_)) => Kind::Date,
        Item::Value(Value::Quantity(quantity)) if quantity.is_year() => Kind::Date,
        Item::Value(Value::Code(code)) if !code.written.contains(|c: char| c.is_ascii_digit()) => Kind::Entity,
        _ => Kind::Number,
    }
}

/// How much of what stands around two places is the same: what is nearest counts most, and words that say something more than
/// small ones.
fn shared_context(one: &Text, at: usize, other: &Text, twin: usize) -> u32 {
    let near =
        |text: &Text, at: usize, step: isize| at.checked_add_signed(step).and_then(|at| text.items.get(at).cloned());
    [(-2, 1), (-1, 2), (1, 2), (2, 1)]
        .into_iter()
        .map(|(step, weight)| match (near(one, at, step), near(other, twin, step)) {
            (Some(own), Some(other)) if is_same(&own, &other) => match &own {
                Item::Word(word) if word.folded.len() < 4 => weight,
                Item::Value(_) => weight,
                _ => 3 * weight,
            },
            _ => 0,
        })
        .sum()
}

/// A sign of `one` that is another in `other`. In words, one text may say it and the other not.
fn signs(one: &Text, other: &Text) -> Option<Kind> {
    let of = |text: &Text| -> Vec<Sign> {
        let sign = |item: &Item| match item {
            Item::Sign(sign) => Some(*sign),
            _ => None,
        };
        text.items.iter().filter_map(sign).collect()
    };
    let (own, other) = (of(one), of(other));
    let lacks = |sign: &Sign, signs: &[Sign]| !signs.iter().any(|it| same_sign(*sign, *it));
    let compares = |sign: &Sign| matches!(sign, Sign::Compares { .. });
    let in_words = |sign: &Sign| matches!(sign, Sign::Compares { in_words: true, .. });
    for sign in own.iter().filter(|sign| lacks(sign, &other)) {
        if compares(sign) && (!in_words(sign) || other.iter().any(|it| compares(it) && lacks(it, &own))) {
            return Some(Kind::Comparison);
        }
    }
    let computed = |signs: &[Sign]| signs.iter().filter(|sign| !compares(sign)).copied().collect::<Vec<_>>();
    let (own, other) = (computed(&own), computed(&other));
    (!own.is_empty() && !other.is_empty() && own != other).then_some(Kind::Other)
}

/// A word of `one` that `other` has the opposite of, and not itself; unless one denies it.
fn opposites(one: &Text, other: &Text) -> Option<Kind> {
    let missing = |text: &Text, in_text: &Text| -> Vec<text::Word> {
        text.words().filter(|word| !in_text.words().any(|it| it.stem == word.stem)).cloned().collect()
    };
    let (own, others) = (missing(one, other), missing(other, one));
    let found = own
        .iter()
        .find_map(|own| others.iter().find_map(|other| contrast(own, other).filter(|contrast| contrast.anywhere)))?;
    (denials(one) == denials(other)).then_some(found.kind)
}

/// Whether an odd number of words deny.
fn denials(text: &Text) -> bool {
    let words: Vec<&str> = text.words().map(|word| word.folded.as_str()).collect();
    polarity::denials_among(&words) % 2 == 1
}

#[cfg(test)]
mod tests;
