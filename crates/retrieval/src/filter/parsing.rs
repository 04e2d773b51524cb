//! Conditions as people type them, and as programs send them.

use serde::{Deserialize, Deserializer, de};
use serde_json::Value;

use super::{Comparison, Condition, Filter, Literal, Test};
use crate::error::{Error, FilterProblem};

/// Reads a filter from left to right.
struct Parser<'text> {
    text: &'text str,
    /// The next byte.
    at: usize,
}

type Parsed<T> = Result<T, (usize, FilterProblem)>;

impl Filter {
    /// Reads conditions joined by `or`; see [`Filter`] for what they look like.
    ///
    /// # Errors
    /// [`Error::Filter`], which says what is wrong, and where.
    pub fn parse(text: &str) -> Result<Self, Error> {
        let mut parser = Parser { text, at: 0 };
        let mut any = Vec::new();
        loop {
            match parser.condition() {
                Ok(condition) => any.push(condition),
                Err((at, problem)) => {
                    let at = text[..at].chars().count() + 1;
                    return Err(Error::Filter { filter: text.to_owned(), at: Some(at), problem });
                }
            }
            if parser.at_end() {
                return Ok(Self { any });
            }
            parser.word("or");
        }
    }

    /// Reads a filter that a program sends: a text as [`parse`](Self::parse) reads it; an object with `field`, `op` (`=`, `!=`,
    /// `<`, `<=`, `>`, `>=`, `in`, `not in`, `exists`, `not exists`) and `value`, which is a text, a number, `true`, `false` or
    /// `null`, or an array of such for `in`; or an object with `any`, an array of filters of which one must fit. Values have
    /// their types: the text `"1"` is not the number `1`.
    ///
    /// # Errors
    /// [`Error::Filter`].
    pub fn from_json(json: &Value) -> Result<Self, Error> {
        let problem = |problem| Error::Filter { filter: json.to_string(), at: None, problem };
        let object = match json {
            Value::String(text) => return Self::parse(text),
            Value::Object(object) => object,
            _ => return Err(problem(FilterProblem::NoCondition)),
        };
        if let Some(any) = object.get("any") {
            let any = any.as_array().filter(|any| !any.is_empty()).ok_or(problem(FilterProblem::EmptyList))?;
            let filters = any.iter().map(Self::from_json).collect::<Result<Vec<_>, _>>()?;
            return Ok(Self { any: filters.into_iter().flat_map(|filter| filter.any).collect() });
        }
        let text = |key: &str| object.get(key).and_then(Value::as_str);
        let field = text("field").filter(|field| !field.is_empty()).ok_or(problem(FilterProblem::NoField))?;
        let value = object.get("value").unwrap_or(&Value::Null);
        let literal = |value: &Value| match value {
            Value::String(text) => Ok(Literal::Text(text.clone())),
            Value::Number(number) => Ok(Literal::Number(number.clone())),
            Value::Bool(value) => Ok(Literal::Bool(*value)),
            Value::Null => Ok(Literal::Null),
            _ => Err(problem(FilterProblem::NotAValue)),
        };
        let list = || -> Result<Vec<Literal>, Error> {
            let list = value.as_array().filter(|list| !list.is_empty()).ok_or(problem(FilterProblem::EmptyList))?;
            list.iter().map(literal).collect()
        };
        let test = match text("op") {
            Some("in") => Test::In(list()?),
            Some("not in") => Test::NotIn(list()?),
            Some("exists") => Test::Exists,
            Some("not exists") => Test::Missing,
            Some(written) => {
                let comparison =
                    Comparison::ALL.iter().find(|(it, _)| *it == written).map(|(_, comparison)| *comparison);
                Test::Compare(comparison.ok_or(problem(FilterProblem::NoOperator))?, literal(value)?)
            }
            None => return Err(problem(FilterProblem::NoOperator)),
        };
        Ok(Condition { field: field.to_owned(), test }.into())
    }
}

impl<'de> Deserialize<'de> for Filter {
    /// As [`Filter::from_json`].
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Self::from_json(&Value::deserialize(deserializer)?).map_err(de::Error::custom)
    }
}

impl<'text> Parser<'text> {
    fn condition(&mut self) -> Parsed<Condition> {
        if let Some(condition) = self.presence() {
            return condition;
        }
        let begin = self.skip_space();
        let (field, after) = self.field()?;
        if field.is_empty() {
            return Err((begin, FilterProblem::NoField));
        }
        let test = match after {
            After::Comparison(comparison) => Test::Compare(comparison, self.value(None)?),
            After::In => Test::In(self.list()?),
            After::NotIn => Test::NotIn(self.list()?),
        };
        Ok(Condition { field, test })
    }

    /// `exists field` or `not exists field`; `None` if that is not what comes next.
    fn presence(&mut self) -> Option<Parsed<Condition>> {
        let begin = self.at;
        let not = self.word("not");
        if !self.word("exists") {
            self.at = begin;
            return None;
        }
        let at = self.skip_space();
        // A field may be called `exists`.
        if Comparison::ALL.iter().any(|(written, _)| self.rest().starts_with(written)) {
            self.at = begin;
            return None;
        }
        let field = match self.quoted() {
            Some(field) => field,
            None => Ok(self.take(is_or).trim().to_owned()),
        };
        let test = if not { Test::Missing } else { Test::Exists };
        Some(field.and_then(|field| match field.is_empty() {
            true => Err((at, FilterProblem::NoField)),
            false => Ok(Condition { field, test }),
        }))
    }

    /// A field and the operator behind it.
    fn field(&mut self) -> Parsed<(String, After)> {
        let begin = self.skip_space();
        let quoted = self.quoted().transpose()?;
        let field = match &quoted {
            Some(_) => "",
            None => self.take(|rest| is_or(rest) || After::of(rest).is_some()),
        };
        self.skip_space_before_operator();
        let (after, length) = After::of(self.rest()).ok_or((begin, FilterProblem::NoOperator))?;
        self.at += length;
        Ok((quoted.unwrap_or_else(|| field.trim().to_owned()), after))
    }

    /// One value, up to `or` or, within a list, up to one of the characters `ends`.
    fn value(&mut self, ends: Option<&[char]>) -> Parsed<Literal> {
        self.skip_space();
        if let Some(text) = self.quoted() {
            return text.map(Literal::Text);
        }
        let is_end = |rest: &str| is_or(rest) || ends.is_some_and(|ends| rest.starts_with(ends));
        Ok(Literal::Bare(self.take(is_end).trim().to_owned()))
    }

    /// `a, b` or `(a, b)`.
    fn list(&mut self) -> Parsed<Vec<Literal>> {
        let begin = self.skip_space();
        let brackets = self.symbol('(');
        let ends: &[char] = if brackets { &[',', ')'] } else { &[','] };
        let mut list = Vec::new();
        loop {
            let at = self.skip_space();
            let value = self.value(Some(ends))?;
            if value == Literal::Bare(String::new()) {
                return Err((at, FilterProblem::EmptyList));
            }
            list.push(value);
            if self.symbol(',') {
                continue;
            }
            return match brackets && !self.symbol(')') {
                true => Err((begin, FilterProblem::OpenList)),
                false if brackets && !self.at_end() && !is_or(self.rest()) => {
                    Err((self.skip_space(), FilterProblem::AfterValue))
                }
                false => Ok(list),
            };
        }
    }

    /// A text in double quotes, in which a backslash makes a quote or a backslash ordinary; `None` if no quote comes next.
    fn quoted(&mut self) -> Option<Parsed<String>> {
        let begin = self.at;
        if !self.rest().starts_with('"') {
            return None;
        }
        let (mut text, mut escaped) = (String::new(), false);
        for (offset, character) in self.rest().char_indices().skip(1) {
            match character {
                '\\' if !escaped => escaped = true,
                '"' if !escaped => {
                    self.at += offset + 1;
                    return Some(self.check_after_quote().map(|()| text));
                }
                character => {
                    if escaped && !matches!(character, '"' | '\\') {
                        text.push('\\');
                    }
                    text.push(character);
                    escaped = false;
                }
            }
        }
        Some(Err((begin, FilterProblem::OpenQuote)))
    }

    fn check_after_quote(&mut self) -> Parsed<()> {
        let rest = self.rest();
        let ends = rest.trim_start().is_empty() || is_or(rest) || rest.trim_start().starts_with([',', ')']);
        match ends || After::of(rest).is_some() || After::of(rest.trim_start()).is_some() {
            true => Ok(()),
            false => Err((self.skip_space(), FilterProblem::AfterValue)),
        }
    }

    /// All up to where `is_end` is true of the rest. Of white space it is asked once, where that begins.
    fn take(&mut self, is_end: impl Fn(&str) -> bool) -> &'text str {
        let rest = self.rest();
        let mut after_space = false;
        let ends = |(at, character): &(usize, char)| {
            let asked = !(std::mem::replace(&mut after_space, character.is_whitespace()) && character.is_whitespace());
            asked && is_end(&rest[*at..])
        };
        let end = rest.char_indices().find(ends).map_or(rest.len(), |(at, _)| at);
        self.at += end;
        &rest[..end]
    }

    /// Steps over a word if it comes next, and says whether it does.
    fn word(&mut self, word: &str) -> bool {
        let rest = self.rest().trim_start();
        let length = word_length(rest, word);
        if let Some(length) = length {
            self.at = self.text.len() - rest.len() + length;
        }
        length.is_some()
    }

    fn symbol(&mut self, symbol: char) -> bool {
        let rest = self.rest().trim_start();
        let found = rest.starts_with(symbol);
        if found {
            self.at = self.text.len() - rest.len() + symbol.len_utf8();
        }
        found
    }

    fn skip_space(&mut self) -> usize {
        self.at = self.text.len() - self.rest().trim_start().len();
        self.at
    }

    /// The words `in` and `not in` need the space before them.
    fn skip_space_before_operator(&mut self) {
        if After::of(self.rest()).is_none() {
            self.skip_space();
        }
    }

    fn rest(&self) -> &'text str {
        &self.text[self.at..]
    }

    fn at_end(&self) -> bool {
        self.rest().trim_start().is_empty()
    }
}

/// What stands behind a field.
#[derive(Clone, Copy)]
enum After {
    Comparison(Comparison),
    In,
    NotIn,
}

impl After {
    /// The operator that a text begins with, and how long it is.
    fn of(text: &str) -> Option<(After, usize)> {
        let symbol = Comparison::ALL.iter().find(|(written, _)| text.starts_with(written));
        if let Some((written, comparison)) = symbol {
            return Some((After::Comparison(*comparison), written.len()));
        }
        // Words stand apart.
        let trimmed = text.trim_start();
        let space = text.len() - trimmed.len();
        if space == 0 {
            return None;
        }
        if let Some(length) = word_length(trimmed, "in") {
            return Some((After::In, space + length));
        }
        let after_not = &trimmed[word_length(trimmed, "not")?..];
        let in_word = after_not.trim_start();
        Some((After::NotIn, text.len() - in_word.len() + word_length(in_word, "in")?))
    }
}

/// Whether the word `or` comes next, apart from what is before and behind it.
fn is_or(text: &str) -> bool {
    let trimmed = text.trim_start();
    trimmed.len() < text.len() && word_length(trimmed, "or").is_some()
}

/// The length of `word` if a text begins with it, in small or capital letters, and it ends there.
fn word_length(text: &str, word: &str) -> Option<usize> {
    let begins = text.get(..word.len())?.eq_ignore_ascii_case(word);
    let ends = text[word.len()..].chars().next().is_none_or(|next| next.is_whitespace() || matches!(next, '(' | '"'));
    (begins && ends).then_some(word.len())
}
