//! Clauses: an event or state with its participants, and the ways of saying it.

use crate::lexicon::lexicon;
use crate::morphology::Verb;
use crate::phrase::{Gen, Np};

/// When and how complete the event is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Tense {
    Past,
    Present,
    Perfect,
    PastPerfect,
    PastProgressive,
    Future,
}

/// A verb group split where `not`, an adverb or a subject (in a question) goes.
struct Group {
    auxiliary: String,
    rest: String,
    /// The whole without emphasis: `chased` where auxiliary and rest are `did` and `chase`.
    plain: String,
}

/// An event with its participants; what is said about it is in the caller's hands.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Clause {
    pub(crate) subject: Np,
    pub(crate) verb: &'static Verb,
    pub(crate) object: Option<Np>,
    pub(crate) tense: Tense,
    /// Time, place and manner, each of which may be left out without making the clause false.
    pub(crate) adjuncts: Vec<String>,
    pub(crate) negated: bool,
}

impl PartialEq for Verb {
    fn eq(&self, other: &Self) -> bool {
        self.base == other.base
    }
}

fn group(verb: &Verb, tense: Tense, plural: bool, passive: bool) -> Group {
    let be = |one: &str, many: &str| (if plural { many } else { one }).to_owned();
    let (auxiliary, rest) = if passive {
        let done = &verb.participle;
        match tense {
            Tense::Past => (be("was", "were"), done.clone()),
            Tense::Present => (be("is", "are"), done.clone()),
            Tense::Perfect => (be("has", "have"), format!("been {done}")),
            Tense::PastPerfect => ("had".to_owned(), format!("been {done}")),
            Tense::PastProgressive => (be("was", "were"), format!("being {done}")),
            Tense::Future => ("will".to_owned(), format!("be {done}")),
        }
    } else {
        match tense {
            Tense::Past => ("did".to_owned(), verb.base.clone()),
            Tense::Present => (be("does", "do"), verb.base.clone()),
            Tense::Perfect => (be("has", "have"), verb.participle.clone()),
            Tense::PastPerfect => ("had".to_owned(), verb.participle.clone()),
            Tense::PastProgressive => (be("was", "were"), verb.ing.clone()),
            Tense::Future => ("will".to_owned(), verb.base.clone()),
        }
    };
    let plain = match (tense, passive) {
        (Tense::Past, false) => verb.past.clone(),
        (Tense::Present, false) => be(&verb.third, &verb.base),
        _ => format!("{auxiliary} {rest}"),
    };
    Group { auxiliary, rest, plain }
}

fn contracted(auxiliary: &str) -> String {
    match auxiliary {
        "will" => "won't".to_owned(),
        other => format!("{other}n't"),
    }
}

impl Clause {
    /// The verb and what follows it, without adjuncts: `did not chase the otter`.
    pub(crate) fn predicate(&self, g: &mut Gen, plural: bool) -> String {
        let verb = self.finite(g, plural, false);
        match &self.object {
            Some(object) => format!("{verb} {}", object.text()),
            None => verb,
        }
    }

    fn finite(&self, g: &mut Gen, plural: bool, passive: bool) -> String {
        let group = group(self.verb, self.tense, plural, passive);
        if !self.negated {
            return group.plain;
        }
        match g.rng.below(5) {
            0 | 1 => format!("{} {}", contracted(&group.auxiliary), group.rest),
            2 if matches!(self.tense, Tense::Past | Tense::Perfect | Tense::Future) => {
                if self.tense == Tense::Past && !passive {
                    format!("never {}", group.plain)
                } else {
                    format!("{} never {}", group.auxiliary, group.rest)
                }
            }
            _ => format!("{} not {}", group.auxiliary, group.rest),
        }
    }

    /// Subject, verb, object in the active voice, no adjuncts.
    pub(crate) fn active(&self, g: &mut Gen) -> String {
        format!("{} {}", self.subject.text(), self.predicate(g, self.subject.plural))
    }

    /// The passive without adjuncts; the active where there is no object.
    pub(crate) fn passive(&self, g: &mut Gen) -> String {
        let Some(object) = &self.object else { return self.active(g) };
        let verb = self.finite(g, object.plural, true);
        format!("{} {verb} by {}", object.text(), self.subject.text())
    }

    /// Clefts and pseudo-clefts of an affirmative past clause with an object.
    fn cleft(&self, g: &mut Gen) -> String {
        let Some(object) = &self.object else { return self.active(g) };
        let (subject, object_text) = (self.subject.text(), object.text());
        let verb = self.finite(g, self.subject.plural, false);
        let passive = self.finite(g, object.plural, true);
        match g.rng.below(6) {
            0 => format!("it was {subject} {} {verb} {object_text}", self.subject.relative()),
            1 => format!("it was {object_text} that {subject} {verb}"),
            2 if self.subject.class == "person" && !self.subject.plural => {
                let verb = self.finite(g, false, false);
                format!("the one who {verb} {object_text} was {subject}")
            }
            3 if object.class != "person" && !object.plural => format!("what {subject} {verb} was {object_text}"),
            4 => format!("it was {object_text} that {passive} by {subject}"),
            5 => format!("it was by {subject} that {object_text} {passive}"),
            _ => format!("it was {subject} {} {verb} {object_text}", self.subject.relative()),
        }
    }

    /// The active or the passive, no adjuncts: for places where a cleft sounds odd.
    pub(crate) fn voiced(&self, g: &mut Gen) -> String {
        if g.rng.chance(0.6) { self.active(g) } else { self.passive(g) }
    }

    /// The core in one of its forms, no adjuncts.
    pub(crate) fn core(&self, g: &mut Gen) -> String {
        let clefts = !self.negated && matches!(self.tense, Tense::Past) && self.definite();
        match g.rng.below(20) {
            0..=9 => self.active(g),
            10..=15 => self.passive(g),
            _ if clefts => self.cleft(g),
            _ => self.active(g),
        }
    }

    fn definite(&self) -> bool {
        let definite = |np: &Np| !["a", "two", "three", "several"].contains(&np.det.as_str());
        definite(&self.subject) && self.object.as_ref().is_none_or(definite)
    }

    /// The clause in one of its forms, adjuncts fronted or at the end.
    pub(crate) fn text(&self, g: &mut Gen) -> String {
        let core = self.core(g);
        self.with_adjuncts(core, g)
    }

    /// Puts the adjuncts around a core.
    pub(crate) fn with_adjuncts(&self, core: String, g: &mut Gen) -> String {
        let mut front = String::new();
        let mut back = core;
        let mut adjuncts = self.adjuncts.clone();
        g.rng.shuffle(&mut adjuncts);
        for adjunct in adjuncts {
            let frontable = !adjunct.ends_with("ly") && adjunct != "again";
            if front.is_empty() && frontable && g.rng.chance(0.35) {
                front = format!("{adjunct} , ");
            } else {
                back = format!("{back} {adjunct}");
            }
        }
        front + &back
    }

    /// As a yes-no question, without adjuncts.
    pub(crate) fn yes_no(&self, g: &mut Gen) -> String {
        let passive = self.object.is_some() && g.rng.chance(0.4);
        let (topic, other) = match (&self.object, passive) {
            (Some(object), true) => (object, format!("by {}", self.subject.text())),
            (Some(object), false) => (&self.subject, object.text()),
            (None, _) => (&self.subject, String::new()),
        };
        let group = group(self.verb, self.tense, topic.plural, passive);
        format!("{} {} {} {other}", group.auxiliary, topic.text(), group.rest)
    }

    /// `who chased the otter`, in either voice.
    pub(crate) fn who_subject(&self) -> String {
        let word = if ["person", "team", "org", "country"].contains(&self.subject.class) { "who" } else { "what" };
        let group = group(self.verb, self.tense, false, false);
        format!("{word} {} {}", group.plain, self.object.as_ref().map(Np::text).unwrap_or_default())
    }

    /// `who did the heron chase`, or `who was chased by the heron`.
    pub(crate) fn who_object(&self, g: &mut Gen) -> String {
        let class = self.object.as_ref().map_or("", |object| object.class);
        let word = if ["person", "team", "org"].contains(&class) { "who" } else { "what" };
        if g.coin() {
            let group = group(self.verb, self.tense, self.subject.plural, false);
            format!("{word} {} {} {}", group.auxiliary, self.subject.text(), group.rest)
        } else {
            let group = group(self.verb, self.tense, false, true);
            format!("{word} {} by {}", group.plain, self.subject.text())
        }
    }

    /// `when` and `where` questions: the wh-word followed by the yes-no form.
    pub(crate) fn wh_circumstance(&self, word: &str, g: &mut Gen) -> String {
        format!("{word} {}", self.yes_no(g))
    }

    /// Subject and object exchanged.
    pub(crate) fn swapped(&self) -> Clause {
        let mut swapped = self.clone();
        if let Some(object) = swapped.object.as_mut() {
            std::mem::swap(&mut swapped.subject, object);
        }
        swapped
    }

    pub(crate) fn negate(&self) -> Clause {
        Clause { negated: !self.negated, ..self.clone() }
    }
}

impl Gen {
    /// A tense, mostly past.
    pub(crate) fn tense(&mut self) -> Tense {
        match self.rng.below(12) {
            0 => Tense::Perfect,
            1 => Tense::Future,
            2 => Tense::PastProgressive,
            3 => Tense::Present,
            4 => Tense::PastPerfect,
            _ => Tense::Past,
        }
    }

    /// Up to two circumstances of an event.
    pub(crate) fn adjuncts(&mut self, class: &str, tense: Tense, most: usize) -> Vec<String> {
        let mut adjuncts = Vec::new();
        let count = self.rng.below(most + 1);
        let mut kinds = [0, 1, 2];
        self.rng.shuffle(&mut kinds);
        for kind in kinds.into_iter().take(count) {
            match (kind, tense) {
                (0, _) => adjuncts.push(self.place(class)),
                (1, Tense::Past) => {
                    let pattern = self.listed("time-past");
                    adjuncts.push(self.fill(pattern));
                }
                (1, Tense::Future) => {
                    let pattern = self.listed("time-future");
                    adjuncts.push(self.fill(pattern));
                }
                (1, Tense::Present) => {
                    let pattern = self.listed("time-present");
                    adjuncts.push(self.fill(pattern));
                }
                (2, Tense::Past) if ["animal", "person", "vehicle"].contains(&class) => {
                    adjuncts.push(self.listed("manner").to_owned());
                }
                _ => {}
            }
        }
        adjuncts
    }

    /// A clause with an object; when `reversible`, both participants are of one class, so that a swap makes sense too.
    pub(crate) fn transitive(&mut self, reversible: bool) -> Clause {
        let frames = &lexicon().transitive;
        let mut frame = self.rng.one(frames);
        while reversible && frame.object != Some(frame.subject) {
            frame = self.rng.one(frames);
        }
        let object_class = frame.object.unwrap_or(frame.subject);
        let (subject, object) = self.two(frame.subject, object_class);
        let verb = self.rng.one(&frame.verbs);
        let tense = self.tense();
        let adjuncts = self.adjuncts(frame.subject, tense, 2);
        Clause { subject, verb, object: Some(object), tense, adjuncts, negated: false }
    }

    /// A clause without object about a thing of the class.
    pub(crate) fn intransitive(&mut self, subject: Np) -> Clause {
        let frame = lexicon().intransitive.get(subject.class).unwrap_or(&lexicon().intransitive["animal"]);
        let verb = self.rng.one(&frame.verbs);
        let tense = Tense::Past;
        Clause { subject, verb, object: None, tense, adjuncts: Vec::new(), negated: false }
    }

    /// Another verb that fits the same participants, if the word lists have one.
    pub(crate) fn other_verb(&mut self, clause: &Clause) -> Option<&'static Verb> {
        let object = clause.object.as_ref().map(|np| np.class);
        let frames: Vec<&'static Vec<Verb>> = if object.is_some() {
            let fits = |frame: &&crate::lexicon::Frame| frame.subject == clause.subject.class && frame.object == object;
            lexicon().transitive.iter().filter(fits).map(|frame| &frame.verbs).collect()
        } else {
            lexicon().intransitive.get(clause.subject.class).map(|frame| &frame.verbs).into_iter().collect()
        };
        let verbs = *frames.first()?;
        let verb = self.rng.one(verbs);
        (verb != clause.verb).then_some(verb)
    }
}
