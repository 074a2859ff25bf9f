//! A condition as a tree.

use super::Variable;
use super::changes::Globs;

/// What is tested.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Expr {
    Any(Vec<Expr>),
    All(Vec<Expr>),
    Not(Box<Expr>),
    Equal(Operand, Operand),
    Matches(Operand, Pattern),
    In(Operand, Vec<Operand>),
    Is(Operand, Predicate),
    /// Does a changed path match one of the globs?
    Changes(Globs),
    /// By itself: all but nothing and false hold.
    Truth(Operand),
}

/// Something that has a value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Operand {
    Word(String),
    Variable(Variable),
    Env(Vec<Operand>),
    Concat(Vec<Operand>),
}

/// What `=~` compares with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Pattern {
    Written { regex: String, offset: usize },
    Called(Operand),
}

/// After `IS`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Predicate {
    Present,
    Blank,
    True,
    False,
}

/// A name whose value an expression asks for.
#[derive(Clone, Copy, Debug)]
pub(super) enum Lookup<'a> {
    Variable(Variable),
    Env(&'a str),
    Changed(&'a Globs),
}

impl Expr {
    /// How many regular expressions it has.
    pub(super) fn patterns(&self) -> usize {
        match self {
            Self::Any(parts) | Self::All(parts) => parts.iter().map(Self::patterns).sum(),
            Self::Not(part) => part.patterns(),
            Self::Matches(..) => 1,
            Self::Equal(..) | Self::In(..) | Self::Is(..) | Self::Changes(_) | Self::Truth(_) => 0,
        }
    }

    /// How many globs it has.
    pub(super) fn globs(&self) -> usize {
        match self {
            Self::Any(parts) | Self::All(parts) => parts.iter().map(Self::globs).sum(),
            Self::Not(part) => part.globs(),
            Self::Changes(globs) => globs.len(),
            Self::Equal(..) | Self::Matches(..) | Self::In(..) | Self::Is(..) | Self::Truth(_) => 0,
        }
    }

    /// Every name it asks for, in the order of the text.
    pub(super) fn lookups<'a>(&'a self, names: &mut Vec<Lookup<'a>>) {
        match self {
            Self::Any(parts) | Self::All(parts) => parts.iter().for_each(|p| p.lookups(names)),
            Self::Not(part) => part.lookups(names),
            Self::Equal(left, right) => [left, right].into_iter().for_each(|o| o.lookups(names)),
            Self::Matches(left, pattern) => {
                left.lookups(names);
                if let Pattern::Called(call) = pattern {
                    call.lookups(names);
                }
            }
            Self::In(left, list) => {
                left.lookups(names);
                list.iter().for_each(|item| item.lookups(names));
            }
            Self::Changes(globs) => names.push(Lookup::Changed(globs)),
            Self::Is(left, _) | Self::Truth(left) => left.lookups(names),
        }
    }
}

impl Operand {
    fn lookups<'a>(&'a self, names: &mut Vec<Lookup<'a>>) {
        match self {
            Self::Word(_) => {}
            Self::Variable(variable) => names.push(Lookup::Variable(*variable)),
            Self::Env(arguments) => match arguments.as_slice() {
                [Self::Word(name)] => names.push(Lookup::Env(name)),
                arguments => arguments.iter().for_each(|a| a.lookups(names)),
            },
            Self::Concat(arguments) => arguments.iter().for_each(|a| a.lookups(names)),
        }
    }
}
