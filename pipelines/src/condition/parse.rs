//! The grammar: `or` of `and` of `not`, parentheses and terms.

use std::ops::Range;

use winnow::Parser;
use winnow::ascii::Caseless;
use winnow::error::EmptyError;
use winnow::stream::{LocatingSlice, Location, Stream};
use winnow::token::{literal, take_while};

use super::changes::{Globs, MAX_GLOBS};
use super::expr::{Expr, Operand, Pattern, Predicate};
use super::{ConditionError, Variable};

/// Longest condition, in bytes.
pub const MAX_LENGTH: usize = 128 * 1024;
/// Deepest nesting of parentheses and NOTs: far beyond what people write.
pub const MAX_DEPTH: usize = 64;

type Parsed<T> = Result<T, ConditionError>;

pub(super) fn parse(text: &str) -> Parsed<Expr> {
    if text.len() > MAX_LENGTH {
        let message = format!("the condition has {} bytes; at most {MAX_LENGTH}", text.len());
        return Err(ConditionError { message, offset: 0 });
    }
    // A line that ends in `\` goes on: as many blanks, so that every place stays where it was.
    let continued = without_continuations(text);
    let mut parser = Conditions { rest: LocatingSlice::new(&continued), depth: 0, globs: 0 };
    parser.space();
    let expr = parser.any()?;
    match parser.rest.peek_token() {
        None => Ok(expr),
        Some(_) => Err(parser.unexpected("AND, OR or the end")),
    }
}

fn without_continuations(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find('\\') {
        let (before, after) = rest.split_at(at);
        out.push_str(before);
        let blank = after[1..].find(|c: char| !c.is_whitespace()).map_or(after.len(), |n| n + 1);
        let goes_on = after[..blank].contains(['\n', '\r']);
        if goes_on {
            out.extend(std::iter::repeat_n(' ', blank));
        } else {
            out.push('\\');
        }
        rest = &after[if goes_on { blank } else { 1 }..];
    }
    out.push_str(rest);
    out
}

struct Conditions<'a> {
    rest: LocatingSlice<&'a str>,
    depth: usize,
    /// So far, of all `changes(…)`.
    globs: usize,
}

impl<'a> Conditions<'a> {
    /// What one of winnow's parsers takes, if it takes anything.
    fn take(
        &mut self,
        mut parser: impl Parser<LocatingSlice<&'a str>, &'a str, EmptyError>,
    ) -> Option<&'a str> {
        let start = self.rest.checkpoint();
        let taken = parser.parse_next(&mut self.rest).ok();
        if taken.is_none() {
            self.rest.reset(&start);
        }
        taken
    }

    fn offset(&self) -> usize {
        self.rest.current_token_start()
    }

    fn space(&mut self) {
        self.take(take_while(0.., char::is_whitespace));
    }

    /// A sign, and the blanks after it.
    fn sign(&mut self, sign: &'static str) -> bool {
        let found = self.take(literal(sign)).is_some();
        if found {
            self.space();
        }
        found
    }

    /// A word of the language, whatever its capitals, that is not the beginning of a longer one.
    fn keyword(&mut self, word: &'static str) -> bool {
        let start = self.rest.checkpoint();
        let found = self.take(literal(Caseless(word))).is_some()
            && !self.rest.peek_token().is_some_and(|c| c.is_alphanumeric() || c == '_');
        if found {
            self.space();
        } else {
            self.rest.reset(&start);
        }
        found
    }

    fn error<T>(&self, message: impl Into<String>) -> Parsed<T> {
        Err(ConditionError { message: message.into(), offset: self.offset() })
    }

    fn unexpected(&self, wanted: &str) -> ConditionError {
        let rest: &str = self.rest.as_ref();
        let word: String = rest.split_whitespace().next().unwrap_or("").chars().take(40).collect();
        let message = match word.as_str() {
            "" => format!("the condition ends where {wanted} should be"),
            word => format!("`{word}` stands where {wanted} should be"),
        };
        ConditionError { message, offset: self.offset() }
    }

    fn any(&mut self) -> Parsed<Expr> {
        let mut parts = vec![self.all()?];
        while self.keyword("or") || self.sign("||") {
            parts.push(self.all()?);
        }
        Ok(single(parts, Expr::Any))
    }

    fn all(&mut self) -> Parsed<Expr> {
        let mut parts = vec![self.part()?];
        while self.keyword("and") || self.sign("&&") {
            parts.push(self.part()?);
        }
        Ok(single(parts, Expr::All))
    }

    fn part(&mut self) -> Parsed<Expr> {
        if self.depth == MAX_DEPTH {
            return self
                .error(format!("parentheses and NOTs are nested more than {MAX_DEPTH} deep here"));
        }
        self.depth += 1;
        let open = self.offset();
        let part = if self.sign("(") {
            let inside = self.any()?;
            self.close(open)?;
            inside
        } else if self.keyword("not") || self.sign("!") {
            Expr::Not(Box::new(self.part()?))
        } else {
            self.term()?
        };
        self.depth -= 1;
        Ok(part)
    }

    fn close(&mut self, open: usize) -> Parsed<()> {
        if self.sign(")") {
            return Ok(());
        }
        match self.rest.peek_token() {
            None => {
                let message = "this parenthesis is never closed".to_owned();
                Err(ConditionError { message, offset: open })
            }
            Some(_) => Err(self.unexpected("`)`")),
        }
    }

    fn term(&mut self) -> Parsed<Expr> {
        if let Some(open) = self.function("changes") {
            return Ok(Expr::Changes(self.globs(open)?));
        }
        let left = self.operand()?;
        if let Some(expr) = self.list_test(&left)? {
            return Ok(expr);
        }
        if self.keyword("is") {
            let negated = self.keyword("not");
            let test = Expr::Is(left, self.predicate()?);
            return Ok(if negated { Expr::Not(Box::new(test)) } else { test });
        }
        if self.sign("=~") || self.sign("~=") {
            return Ok(Expr::Matches(left, self.pattern()?));
        }
        if self.sign("!~") {
            return Ok(Expr::Not(Box::new(Expr::Matches(left, self.pattern()?))));
        }
        if self.sign("==") || self.sign("=") {
            return Ok(Expr::Equal(left, self.operand()?));
        }
        if self.sign("!=") {
            return Ok(Expr::Not(Box::new(Expr::Equal(left, self.operand()?))));
        }
        Ok(Expr::Truth(left))
    }

    /// `IN (a, b)`, `NOT IN (a, b)`
    fn list_test(&mut self, left: &Operand) -> Parsed<Option<Expr>> {
        let start = self.rest.checkpoint();
        let negated = self.keyword("not");
        if !self.keyword("in") {
            self.rest.reset(&start);
            return Ok(None);
        }
        let open = self.offset();
        if !self.sign("(") {
            return Err(self.unexpected("`(` and a list of values"));
        }
        let list = self.list()?;
        if list.is_empty() {
            return Err(self.unexpected("a value"));
        }
        self.close(open)?;
        let test = Expr::In(left.clone(), list);
        Ok(Some(if negated { Expr::Not(Box::new(test)) } else { test }))
    }

    /// Values with commas between them; a comma too many at the end is passed over.
    fn list(&mut self) -> Parsed<Vec<Operand>> {
        let mut list = Vec::new();
        while let Some(item) = self.value()? {
            list.push(item);
            if !self.sign(",") {
                break;
            }
        }
        Ok(list)
    }

    fn predicate(&mut self) -> Parsed<Predicate> {
        let all = [
            ("present", Predicate::Present),
            ("blank", Predicate::Blank),
            ("true", Predicate::True),
            ("false", Predicate::False),
        ];
        let found = all.into_iter().find(|(word, _)| self.keyword(word));
        found
            .map(|(_, predicate)| predicate)
            .ok_or_else(|| self.unexpected("present, blank, true or false"))
    }

    fn operand(&mut self) -> Parsed<Operand> {
        self.value()?.ok_or_else(|| self.unexpected("a value"))
    }

    fn value(&mut self) -> Parsed<Option<Operand>> {
        if let Some(variable) = self.variable() {
            return Ok(Some(Operand::Variable(variable)));
        }
        if let Some(call) = self.call()? {
            return Ok(Some(call));
        }
        match self.quoted()? {
            Some(text) => Ok(Some(Operand::Word(text))),
            None => self.word(),
        }
    }

    /// Only in lower case, and only before a blank, `=`, `)`, `|` or the end: `BRANCH` and
    /// `branch!` are words.
    fn variable(&mut self) -> Option<Variable> {
        let start = self.rest.checkpoint();
        for variable in Variable::ALL {
            let found = self.take(literal(variable.name())).is_some();
            let ends = |c: char| c.is_whitespace() || matches!(c, '=' | ')' | '|');
            if found && self.rest.peek_token().is_none_or(ends) {
                self.space();
                return Some(variable);
            }
            self.rest.reset(&start);
        }
        None
    }

    /// `env(NAME)`, `concat(a, b)`
    fn call(&mut self) -> Parsed<Option<Operand>> {
        let found =
            ["env", "concat"].into_iter().find_map(|name| Some((name, self.function(name)?)));
        let Some((name, open)) = found else { return Ok(None) };
        // A call within a call within a call is nested, too.
        if self.depth == MAX_DEPTH {
            return self.error(format!("calls are nested more than {MAX_DEPTH} deep here"));
        }
        self.depth += 1;
        let list = self.list()?;
        self.close(open)?;
        self.depth -= 1;
        Ok(Some(if name == "env" { Operand::Env(list) } else { Operand::Concat(list) }))
    }

    /// `NAME(`, and where the parenthesis is.
    fn function(&mut self, name: &'static str) -> Option<usize> {
        let start = self.rest.checkpoint();
        if self.keyword(name) {
            let open = self.offset();
            if self.sign("(") {
                return Some(open);
            }
        }
        self.rest.reset(&start);
        None
    }

    /// The globs of `changes(…)`, after its parenthesis.
    fn globs(&mut self, open: usize) -> Parsed<Globs> {
        let mut globs = Globs::default();
        loop {
            let offset = self.offset();
            let glob = match self.quoted()? {
                Some(glob) => glob,
                None => self.bare_glob().to_owned(),
            };
            if glob.is_empty() {
                // A comma too many at the end is passed over, as in other lists.
                break;
            }
            self.globs += 1;
            if self.globs > MAX_GLOBS {
                let message = format!("a condition has at most {MAX_GLOBS} globs");
                return Err(ConditionError { message, offset });
            }
            globs.add(&glob, offset)?;
            if !self.sign(",") {
                break;
            }
        }
        if globs.len() == 0 {
            return Err(self.unexpected("a glob like `src/**`"));
        }
        self.close(open)?;
        Ok(globs)
    }

    /// Up to a blank, `)` or a comma that is not within braces: `{a,b}/**` is one glob.
    fn bare_glob(&mut self) -> &'a str {
        let rest: &'a str = self.rest.as_ref();
        let mut braces = 0_usize;
        let end = rest.find(|c: char| {
            match c {
                '{' => braces += 1,
                '}' => braces = braces.saturating_sub(1),
                _ => {}
            }
            c.is_whitespace() || matches!(c, '(' | ')' | '"' | '\'') || (c == ',' && braces == 0)
        });
        let glob = self.rest.next_slice(end.unwrap_or(rest.len()));
        self.space();
        glob
    }

    fn quoted(&mut self) -> Parsed<Option<String>> {
        let open = self.offset();
        let quote = match self.rest.peek_token() {
            Some(quote @ ('"' | '\'')) => quote,
            Some(_) | None => return Ok(None),
        };
        self.rest.next_token();
        let text = self.take(take_while(0.., move |c| c != quote)).unwrap_or_default().to_owned();
        if self.rest.next_token().is_none() {
            let message = format!("this {quote} has no partner");
            return Err(ConditionError { message, offset: open });
        }
        self.space();
        Ok(Some(text))
    }

    fn word(&mut self) -> Parsed<Option<Operand>> {
        let in_word = |c: char| !c.is_whitespace() && !"()\"',=!".contains(c);
        let start = self.offset();
        let Some(word) = self.take(take_while(1.., in_word)) else { return Ok(None) };
        if word.starts_with('$') {
            let message = "a condition knows no `$NAME`".to_owned();
            return Err(ConditionError { message, offset: start });
        }
        self.space();
        Ok(Some(Operand::Word(word.to_owned())))
    }

    /// `/…/`, or everything up to the next blank without the `)` it ends in; or a call.
    fn pattern(&mut self) -> Parsed<Pattern> {
        if let Some(call) = self.call()? {
            return Ok(Pattern::Called(call));
        }
        let offset = self.offset();
        let rest: &'a str = self.rest.as_ref();
        let range = if rest.starts_with('/') { delimited(rest) } else { bare(rest) };
        if range.is_empty() {
            return Err(self.unexpected("a regular expression"));
        }
        let written = &rest[range.clone()];
        self.rest.next_slice(range.end);
        self.space();
        let inside = written.strip_prefix('/').unwrap_or(written);
        let regex = inside.strip_suffix('/').unwrap_or(inside).to_owned();
        Ok(Pattern::Written { regex, offset })
    }
}

fn single(mut parts: Vec<Expr>, many: fn(Vec<Expr>) -> Expr) -> Expr {
    match parts.pop() {
        Some(only) if parts.is_empty() => only,
        Some(last) => {
            parts.push(last);
            many(parts)
        }
        None => many(parts),
    }
}

/// Up to the next `/` that has no `\` before it, else to the end.
fn delimited(text: &str) -> Range<usize> {
    let mut escaped = false;
    for (at, c) in text.char_indices().skip(1) {
        if c == '/' && !escaped {
            return 0..at + 1;
        }
        escaped = c == '\\' && !escaped;
    }
    0..text.len()
}

fn bare(text: &str) -> Range<usize> {
    let end = text.find(char::is_whitespace).unwrap_or(text.len());
    0..text[..end].trim_end_matches(')').len()
}
