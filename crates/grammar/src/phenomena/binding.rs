//! Which attribute belongs to which thing, which modifiers may go, and which words name the same or wider things.

use super::arguments::plain_event;
use super::{Room, draft};
use crate::phrase::{Gen, Np};
use crate::{Draft, Kind, Verdict};

/// Classes with groups of adjectives of which a thing has one at a time.
const COLORED: [&str; 10] =
    ["vehicle", "machine", "device", "tool", "furniture", "garment", "container", "toy", "building", "structure"];

/// Two things with an attribute each, exchanged or not.
pub(super) fn binding(g: &mut Gen) -> Option<Draft> {
    let class = if g.rng.chance(0.6) {
        *g.rng.one(&COLORED)
    } else {
        *g.rng.one(&["animal", "document", "food", "plant", "artwork", "instrument", "software"])
    };
    let (x, y) = g.two(class, class);
    let (p, q) = g.adjective_pair(class)?;
    if x.head == y.head {
        return None;
    }
    let (xn, yn) = (x.head.clone(), y.head.clone());
    if g.rng.chance(0.25) {
        return numbers(g, &x, &y);
    }
    if g.rng.chance(0.3) {
        return in_event(g);
    }
    let styles = g.rng.below(2);
    let say = |g: &mut Gen, p: &str, q: &str| -> String {
        // Either thing may come first.
        let flip = g.coin();
        let ((xn, p), (yn, q)) = if flip { ((&yn, q), (&xn, p)) } else { ((&xn, p), (&yn, q)) };
        if styles == 0 {
            match g.rng.below(5) {
                0 => format!("the {xn} is {p} and the {yn} is {q}"),
                1 => format!("there is a {p} {xn} and a {q} {yn}"),
                2 => format!("a {p} {xn} and a {q} {yn} are there"),
                3 => format!("there is a {xn} that is {p} , and a {yn} that is {q}"),
                _ => format!("the {yn} is {q} , while the {xn} is {p}"),
            }
        } else {
            match g.rng.below(4) {
                0 => format!("{{name}} bought a {p} {xn} and a {q} {yn}"),
                1 => format!("{{name}} bought a {xn} that was {p} and a {yn} that was {q}"),
                2 => format!("a {p} {xn} and a {q} {yn} were bought by {{name}}"),
                _ => format!("the {xn} that {{name}} bought was {p} , and the {yn} was {q}"),
            }
        }
    };
    let buyer = g.person_name();
    let s1 = say(g, p, q).replace("{name}", &buyer);
    let (s2, verdict, kind) = match g.rng.below(10) {
        0..=3 => (say(g, p, q), Verdict::Equivalent, Kind::Addition),
        4..=6 => (say(g, q, p), Verdict::Neither(None), Kind::Binding),
        7 => {
            let one = if g.coin() { format!("the {xn} is {p}") } else { format!("the {yn} is {q}") };
            (one, Verdict::Forward, Kind::Addition)
        }
        8 => {
            let one = if g.coin() { format!("the {xn} is {q}") } else { format!("the {yn} is {p}") };
            (one, Verdict::Neither(None), Kind::Binding)
        }
        _ => {
            let (_, other) = g.adjective(class)?;
            if other == p || other == q {
                return None;
            }
            if g.coin() {
                (say(g, other, q), Verdict::Neither(None), Kind::Modifier)
            } else {
                (say(g, p, other), Verdict::Neither(None), Kind::Modifier)
            }
        }
    };
    // "the cup" picks up "a cup" of the first text, so both directions are read in one scene.
    let s2 = s2.replace("{name}", &buyer);
    let directed = verdict == Verdict::Forward;
    let made = draft(&s1, &s2, verdict, kind, Room::Clause, g);
    Some(if directed { made.directed() } else { made })
}

/// Two groups with a number each.
fn numbers(g: &mut Gen, x: &Np, y: &Np) -> Option<Draft> {
    x.hypernym.as_ref()?;
    let (x, y) = (g.pluralized(x), g.pluralized(y));
    let n = g.rng.between(2, 12);
    let m = n + *g.rng.one(&[1, 2, 3, -1, 5]);
    if m < 2 {
        return None;
    }
    let place = g.place(x.class);
    let say = |g: &mut Gen, n: i64, m: i64| {
        let ((x, n), (y, m)) = if g.coin() { ((&x.head, n), (&y.head, m)) } else { ((&y.head, m), (&x.head, n)) };
        let (n, m) = (crate::morphology::number_word(n), crate::morphology::number_word(m));
        match g.rng.below(4) {
            0 => format!("there were exactly {n} {x} and {m} {y} {place}"),
            1 => format!("{place} , there were exactly {n} {x} and {m} {y}"),
            2 => format!("exactly {n} {x} and {m} {y} were counted {place}"),
            _ => format!("the number of {x} {place} was {n} , and that of {y} was {m}"),
        }
    };
    let s1 = say(g, n, m);
    let (s2, verdict) = match g.rng.below(6) {
        0..=2 => (say(g, n, m), Verdict::Equivalent),
        3 | 4 => (say(g, m, n), Verdict::Neither(Some(true))),
        _ => (say(g, n, m + 4), Verdict::Neither(Some(true))),
    };
    Some(draft(&s1, &s2, verdict, Kind::Binding, Room::Clause, g))
}

/// Subject and object of an event with an adjective each, exchanged between them or not.
fn in_event(g: &mut Gen) -> Option<Draft> {
    let mut event = plain_event(g, true);
    let class = event.subject.class;
    let (p, q) = g.adjective_pair(class)?;
    let dress = |np: &mut Np, adjective: &str| {
        np.adjectives = vec![adjective.to_owned()];
        np.post.clear();
        np.det = "the".to_owned();
    };
    if event.subject.bare_name() || event.object.as_ref()?.bare_name() {
        return None;
    }
    let mut exchanged = event.clone();
    dress(&mut event.subject, p);
    dress(event.object.as_mut()?, q);
    dress(&mut exchanged.subject, q);
    dress(exchanged.object.as_mut()?, p);
    if g.rng.chance(0.3) {
        // Everything exchanged: adjectives and roles, or roles only.
        let swapped = if g.coin() { exchanged.swapped() } else { event.swapped() };
        return Some(draft(&event.core(g), &swapped.core(g), Verdict::Neither(None), Kind::Role, Room::Clause, g));
    }
    let s1 = event.core(g);
    let (s2, verdict) = match g.rng.below(6) {
        0..=2 => (event.core(g), Verdict::Equivalent),
        3 | 4 => (exchanged.core(g), Verdict::Neither(None)),
        _ => {
            event.subject.adjectives.clear();
            (event.core(g), Verdict::Forward)
        }
    };
    Some(draft(&s1, &s2, verdict, Kind::Binding, Room::Clause, g))
}

/// Adjectives that say the thing is not, or need not be, what the noun says, and such as leave it what it is.
const PRIVATIVE: &[(&str, bool)] = &[
    ("fake", false),
    ("former", false),
    ("toy", false),
    ("imaginary", false),
    ("alleged", false),
    ("would-be", false),
    ("counterfeit", false),
    ("fictional", false),
    ("supposed", false),
    ("mock", false),
    ("genuine", true),
    ("well-known", true),
    ("second", true),
    ("heavy", true),
    ("foreign", true),
    ("impressive", true),
    ("small", true),
    ("ordinary", true),
    ("remarkable", true),
    ("so-called but very real", true),
];

/// What someone got, described by adjectives that may cancel their noun; the hypothesis names one of the things.
fn privative(g: &mut Gen) -> Option<Draft> {
    let class = *g.rng.one(&["gem", "vehicle", "building", "instrument", "artwork", "document", "tool", "device"]);
    let items: Vec<(&str, bool, &crate::lexicon::Noun)> = (0..2)
        .map(|_| {
            let (adjective, remains) = *g.rng.one(PRIVATIVE);
            (adjective, remains, g.noun(class))
        })
        .collect();
    if items[0].2.singular == items[1].2.singular || items[0].0 == items[1].0 {
        return None;
    }
    let name = g.person_name();
    let (verb, participle) = *g.rng.one(&[
        ("photographed", "photographed"),
        ("described", "described"),
        ("drew", "drawn"),
        ("examined", "examined"),
        ("showed us", "shown to us"),
    ]);
    let said = |item: &(&str, bool, &crate::lexicon::Noun)| format!("a {} {}", item.0, item.2.singular);
    let two = g.rng.chance(0.65);
    let things = if two { format!("{} and {}", said(&items[0]), said(&items[1])) } else { said(&items[0]) };
    let s1 = match g.rng.below(3) {
        0 => format!("what {name} {verb} was {things}"),
        1 => format!("{name} {verb} {things}"),
        _ => format!("{things} {} {participle} by {name}", if two { "were" } else { "was" }),
    };
    let asked = &items[if two { g.rng.below(2) } else { 0 }];
    let other = &items[1];
    // The noun alone follows unless the adjective cancels it; noun with its own adjective follows; with another's does not.
    let (head, follows, kind) = match g.rng.below(8) {
        0..=3 => (asked.2.singular.clone(), asked.1, Kind::Modifier),
        4 if items.iter().all(|item| item.2.hypernym.0 != asked.2.hypernym.0 || std::ptr::eq(item, asked)) => {
            (asked.2.hypernym.0.clone(), asked.1, Kind::Modifier)
        }
        5 | 6 => (format!("{} {}", asked.0, asked.2.singular), true, Kind::Modifier),
        _ if two && std::ptr::eq(asked, &items[0]) => {
            (format!("{} {}", other.0, asked.2.singular), false, Kind::Binding)
        }
        _ => return None,
    };
    let s2 = if g.coin() { format!("{name} {verb} a {head}") } else { format!("a {head} was {participle} by {name}") };
    let verdict = if follows { Verdict::Forward } else { Verdict::Neither(None) };
    Some(draft(&s1, &s2, verdict, kind, Room::Clause, g).directed())
}

/// An adjective left out, put in, replaced, or given to the other participant.
pub(super) fn modifier(g: &mut Gen) -> Option<Draft> {
    if g.rng.chance(0.35) {
        return privative(g);
    }
    let reversible = g.coin();
    let mut event = plain_event(g, reversible);
    event.adjuncts = g.adjuncts(event.subject.class, event.tense, 2);
    let object = event.object.as_mut()?;
    for np in [&mut event.subject, &mut *object] {
        np.adjectives.clear();
        np.post.clear();
    }
    // Adjectives of subject and object; a thing without adjectives in the word lists has none.
    let mut pair = |class: &str, bare: bool| if bare { None } else { g.adjective_pair(class) };
    let subject_words = pair(event.subject.class, event.subject.bare_name());
    let object_words = pair(object.class, object.bare_name());
    let (words, on_subject) = match (subject_words, object_words) {
        (Some(words), None) => (words, true),
        (None, Some(words)) => (words, false),
        (Some(one), Some(two)) => {
            if g.coin() {
                (one, true)
            } else {
                (two, false)
            }
        }
        (None, None) => return None,
    };
    let rest = match (subject_words, object_words) {
        (Some(one), Some(two)) => Some(if on_subject { two } else { one }),
        _ => None,
    };
    let dressed = |target: Option<&str>, other: Option<&str>| {
        let mut clause = event.clone();
        let (target, other) = (target.map(str::to_owned), other.map(str::to_owned));
        let (on, off) = if on_subject { (target, other) } else { (other, target) };
        clause.subject.adjectives.extend(on);
        if let Some(object) = clause.object.as_mut() {
            object.adjectives.extend(off);
        }
        clause
    };
    let both = rest.filter(|_| g.coin());
    let second = both.map(|words| words.0);
    let first = dressed(Some(words.0), second);
    let exchangeable = both.is_some() && Some(event.subject.class) == event.object.as_ref().map(|np| np.class);
    let (other, verdict) = match g.rng.below(11) {
        9 | 10 if exchangeable => (dressed(second, Some(words.0)), Verdict::Neither(None)),
        0..=2 => (first.clone(), Verdict::Equivalent),
        3 | 4 => (dressed(None, second), Verdict::Forward),
        5 => (dressed(Some(words.1), second), Verdict::Neither(None)),
        6 => (dressed(None, Some(both?.1)), Verdict::Neither(None)),
        7 => (dressed(None, None), Verdict::Forward),
        _ => (dressed(None, Some(rest.filter(|_| both.is_none())?.0)), Verdict::Neither(None)),
    };
    Some(draft(&first.text(g), &other.text(g), verdict, Kind::Modifier, Room::Clause, g))
}

/// A word replaced by a wider one, a sister, or a narrower one; denied or not.
pub(super) fn lexical(g: &mut Gen) -> Option<Draft> {
    let mut event = plain_event(g, false);
    let on_subject = g.coin();
    let target = if on_subject { event.subject.clone() } else { event.object.clone()? };
    target.hypernym.as_ref()?;
    let mut narrow = event.clone();
    let mut wide_np = target.with_det("a");
    wide_np.post.clear();
    let narrow_np = wide_np.clone();
    wide_np.head = wide_np.hypernym.clone()?;
    let put = |clause: &mut crate::clause::Clause, np: &Np| {
        if on_subject { clause.subject = np.clone() } else { clause.object = Some(np.clone()) }
    };
    put(&mut narrow, &narrow_np);
    put(&mut event, &wide_np);
    let denied = !on_subject && g.rng.chance(0.35);
    narrow.negated = denied;
    event.negated = denied;
    let say = |g: &mut Gen, clause: &crate::clause::Clause| if denied { clause.active(g) } else { clause.core(g) };
    let s1 = say(g, &narrow);
    let (s2, verdict, kind) = match g.rng.below(5) {
        0..=2 => {
            let verdict = if denied { Verdict::Backward } else { Verdict::Forward };
            (say(g, &event), verdict, Kind::Addition)
        }
        3 => {
            let again = say(g, &narrow);
            (again, Verdict::Equivalent, Kind::Addition)
        }
        _ => {
            let sister = g.noun(target.class);
            if sister.singular == narrow_np.head || narrow_np.hypernym.as_ref() == Some(&sister.singular) {
                return None;
            }
            let mut other = narrow.clone();
            let np = Np { head: sister.singular.clone(), ..narrow_np.clone() };
            put(&mut other, &np);
            (say(g, &other), Verdict::Neither(None), Kind::Entity)
        }
    };
    Some(draft(&s1, &s2, verdict, kind, Room::Clause, g))
}
