//! What belongs to what: relative clauses, participles, appositions and prepositional phrases inside a sentence, and
//! which of its nouns the verbs are about.

use super::arguments::plain_event;
use super::{Room, draft};
use crate::clause::Clause;
use crate::phrase::{Gen, Np};
use crate::{Draft, Kind, Verdict};

/// A sentence and the events that it tells.
struct Told {
    text: String,
    facts: Vec<Clause>,
    /// The two things of the embedded event or phrase; the second may do nothing at all.
    pair: [Np; 2],
}

/// What puts a second thing into the subject's phrase without its doing anything.
const BESIDES: [&str; 16] = [
    "just behind",
    "a few meters from",
    "on the far side of",
    "in the shadow of",
    "older than",
    "in the same picture as",
    "right next to",
    "on the list after",
    "bought together with",
    "listed in the same report as",
    "at some distance from",
    "often confused with",
    "named after",
    "not unlike",
    "in the place of",
    "described as similar to",
];

/// Main event over a subject that carries an embedded event about two other things.
fn told(g: &mut Gen) -> Option<Told> {
    // event: `subject` V `object`, both of one class, so that either could be what the main verb is about.
    let mut event = plain_event(g, true);
    if g.rng.chance(0.25) {
        event.subject = g.varied(&event.subject);
        event.object = event.object.as_ref().map(|np| g.varied(np));
    }
    let (x, y) = (event.subject.clone(), event.object.clone()?);
    let past = event.verb.past.clone();
    let (done, doing) = (&event.verb.participle, &event.verb.ing);
    let main = |g: &mut Gen, subject: &Np| g.intransitive(subject.clone());
    let (xt, yt) = (x.text(), y.text());
    let (text, facts) = match g.rng.below(12) {
        // Relative clause on the subject.
        0 => {
            let fact = main(g, &x);
            let vp = fact.predicate(g, x.plural);
            let text = if x.bare_name() || x.plural {
                let who = x.relative_aside();
                format!("{xt} , {who} {past} {yt} , {vp}")
            } else {
                format!("{xt} {} {past} {yt} {vp}", x.relative())
            };
            (text, vec![fact, event])
        }
        // Relative clause on the object.
        1 => {
            let fact = main(g, &y);
            let vp = fact.predicate(g, y.plural);
            let text = if y.bare_name() || y.plural {
                let who = if ["person", "team"].contains(&y.class) { "whom" } else { "which" };
                format!("{yt} , {who} {xt} {past} , {vp}")
            } else {
                format!("{yt} that {xt} {past} {vp}")
            };
            (text, vec![fact, event])
        }
        // Reduced relative or participle after the noun.
        2 => {
            let fact = main(g, &y);
            let vp = fact.predicate(g, y.plural);
            let text = if y.bare_name() {
                format!("{yt} , {done} by {xt} , {vp}")
            } else {
                format!("{yt} {done} by {xt} {vp}")
            };
            (text, vec![fact, event])
        }
        // Participle in front.
        3 => {
            let fact = main(g, &y);
            let vp = fact.predicate(g, y.plural);
            (format!("{done} by {xt} , {yt} {vp}"), vec![fact, event])
        }
        4 => {
            let fact = main(g, &x);
            let vp = fact.predicate(g, x.plural);
            let lead = if g.coin() { format!("having {done}") } else { format!("after {doing}") };
            (format!("{lead} {yt} , {xt} {vp}"), vec![fact, event])
        }
        // Relative clause on the object of another verb.
        5 | 6 => {
            let other = g.other(x.class, &[&x, &y]);
            let mut outer = event.clone();
            outer.verb = g.other_verb(&event)?;
            outer.subject = other;
            outer.object = Some(x.clone());
            let head = outer.active(g);
            let text = if x.bare_name() || x.plural {
                let who = x.relative_aside();
                format!("{head} , {who} {past} {yt}")
            } else {
                format!("{head} {} {past} {yt}", x.relative())
            };
            (text, vec![outer, event])
        }
        // Center-embedded object relative, then a transitive main verb.
        7 => {
            let other = g.other(x.class, &[&x, &y]);
            let mut outer = event.clone();
            outer.verb = g.other_verb(&event)?;
            outer.subject = y.clone();
            outer.object = Some(other);
            let vp = outer.predicate(g, y.plural);
            let text = if y.bare_name() || y.plural {
                format!("{yt} , {done} by {xt} , {vp}")
            } else {
                format!("{yt} that {xt} {past} {vp}")
            };
            (text, vec![outer, event])
        }
        // Prepositional phrase: the noun inside it does nothing.
        8 | 9 => {
            if x.bare_name() && x.class != "person" {
                return None;
            }
            let near = g.rng.pick(&BESIDES);
            let outer = if g.coin() {
                main(g, &x)
            } else {
                Clause { object: Some(g.other(x.class, &[&x, &y])), ..event.clone() }
            };
            let vp = outer.predicate(g, x.plural);
            (format!("{xt} , {near} {yt} , {vp}"), vec![outer])
        }
        // Apposition and possession.
        10 if x.class == "person" => {
            let kin = g.rng.pick(&["cousin", "neighbor", "sister", "roommate", "uncle", "best friend"]);
            let fact = main(g, &x);
            let vp = fact.predicate(g, false);
            let text = if g.coin() {
                format!("{xt} , a {kin} of {yt} , {vp}")
            } else {
                format!("{xt} , who lives with {yt} , {vp}")
            };
            (text, vec![fact])
        }
        // Coordination inside a subordinate clause.
        _ => {
            let fact = main(g, &y);
            let vp = fact.predicate(g, y.plural);
            let link = g.rng.pick(&["because", "after", "although", "when", "even though", "as soon as"]);
            let active = event.active(g);
            let text =
                if g.coin() { format!("{link} {active} , {yt} {vp}") } else { format!("{yt} {vp} {link} {active}") };
            (text, vec![fact, event])
        }
    };
    Some(Told { text, facts, pair: [x, y] })
}

/// A sentence with an embedded event, and one event that it tells or seems to tell.
pub(super) fn attachment(g: &mut Gen) -> Option<Draft> {
    let Told { text, facts, pair } = told(g)?;
    let mut claim = g.rng.one(&facts).clone();
    let mut cast: Vec<Np> = pair.to_vec();
    for fact in &facts {
        for np in std::iter::once(&fact.subject).chain(&fact.object) {
            if !cast.contains(np) {
                cast.push(np.clone());
            }
        }
    }
    if g.rng.chance(0.55) {
        if claim.object.is_some() && g.rng.chance(0.6) {
            claim = claim.swapped();
        } else {
            // The verb of one event with a participant of another.
            let class = claim.subject.class;
            let others: Vec<&Np> = cast.iter().filter(|np| np.class == class && **np != claim.subject).collect();
            claim.subject = (*others.get(g.rng.below(others.len()))?).clone();
        }
    }
    if Some(&claim.subject) == claim.object.as_ref() {
        return None;
    }
    let text = if g.rng.chance(0.35) {
        let time = g.listed("time-past");
        format!("{} , {text}", g.fill(time))
    } else {
        text
    };
    let verdict = if facts.contains(&claim) { Verdict::Forward } else { Verdict::Neither(None) };
    let s2 = claim.core(g);
    Some(draft(&text, &s2, verdict, Kind::Role, Room::Clause, g).directed())
}
