//! Expressions as they are written.
//!
//! ```text
//! or > and > not > comparison > sum > product > sign > power, which binds most tightly and groups to the right: -x^2 = -(x^2)
//! ```
//!
//! A parser by precedence climbing (Pratt, "Top down operator precedence", POPL 1973).

use std::ops::Range;

use crate::error::Problem;

/// Nesting beyond which an expression is refused; a row of summands nests as well.
const DEEPEST: usize = 500;

/// An expression with its place, in bytes of the text.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Expression {
    pub(crate) node: Node,
    pub(crate) span: Range<usize>,
    /// Levels below it.
    depth: usize,
}

#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Node {
    Number(f64),
    Name(String),
    Negative(Box<Expression>),
    Not(Box<Expression>),
    Binary(Sign, Box<Expression>, Box<Expression>),
    Call(String, Vec<Expression>),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Sign {
    Add,
    Subtract,
    Multiply,
    Divide,
    Power,
    Less,
    AtMost,
    Greater,
    AtLeast,
    Equal,
    And,
    Or,
}

impl Sign {
    /// How tightly it binds.
    fn precedence(self) -> u8 {
        match self {
            Self::Or => 1,
            Self::And => 2,
            _ if self.is_comparison() => 4,
            Self::Add | Self::Subtract => 5,
            Self::Multiply | Self::Divide => 6,
            _ => 8,
        }
    }

    pub(crate) fn is_comparison(self) -> bool {
        matches!(self, Self::Less | Self::AtMost | Self::Greater | Self::AtLeast | Self::Equal)
    }
}

const NOT: u8 = 3;
const NEGATIVE: u8 = 7;

impl Expression {
    /// Reads a text.
    ///
    /// # Errors
    /// What is wrong, and where.
    pub(crate) fn parse(text: &str) -> Result<Self, (Problem, Range<usize>)> {
        let mut parser = Parser { text, tokens: tokens(text)?, next: 0, open: 0 };
        let expression = parser.at_least(0)?;
        match parser.tokens.get(parser.next) {
            None => Ok(expression),
            Some(token) => Err(parser.left_over(token)),
        }
    }

    /// Calls `found` with every name that is read, calls of functions excepted.
    pub(crate) fn names<'a>(&'a self, found: &mut impl FnMut(&'a str)) {
        match &self.node {
            Node::Number(_) => {}
            Node::Name(name) => found(name),
            Node::Negative(a) | Node::Not(a) => a.names(found),
            Node::Binary(_, a, b) => {
                a.names(found);
                b.names(found);
            }
            Node::Call(_, arguments) => arguments.iter().for_each(|a| a.names(found)),
        }
    }
}

/// Whether a text can be a name: a letter or `_`, then letters, digits and `_`.
pub(crate) fn is_name(text: &str) -> bool {
    let mut letters = text.chars();
    letters.next().is_some_and(|c| c.is_alphabetic() || c == '_')
        && letters.all(|c| c.is_alphanumeric() || c == '_')
}

#[derive(Clone, Debug, PartialEq)]
enum Kind {
    Number(f64),
    Name(String),
    Sign(Sign),
    Not,
    Open,
    Close,
    Comma,
}

#[derive(Clone, Debug)]
struct Token {
    kind: Kind,
    span: Range<usize>,
}

/// Signs of one and of two letters, the longer first.
const SIGNS: &[(&str, Kind)] = &[
    ("<=", Kind::Sign(Sign::AtMost)),
    (">=", Kind::Sign(Sign::AtLeast)),
    ("==", Kind::Sign(Sign::Equal)),
    ("<", Kind::Sign(Sign::Less)),
    (">", Kind::Sign(Sign::Greater)),
    ("=", Kind::Sign(Sign::Equal)),
    ("+", Kind::Sign(Sign::Add)),
    ("-", Kind::Sign(Sign::Subtract)),
    ("*", Kind::Sign(Sign::Multiply)),
    ("/", Kind::Sign(Sign::Divide)),
    ("^", Kind::Sign(Sign::Power)),
    ("(", Kind::Open),
    (")", Kind::Close),
    (",", Kind::Comma),
];

fn tokens(text: &str) -> Result<Vec<Token>, (Problem, Range<usize>)> {
    let (mut tokens, mut at) = (Vec::new(), 0);
    while let Some(first) = text[at..].chars().next() {
        let rest = &text[at..];
        let (kind, length) = if first.is_whitespace() {
            at += first.len_utf8();
            continue;
        } else if first.is_ascii_digit() || first == '.' {
            let length = number_length(rest);
            let number = rest[..length].parse().ok().filter(|v: &f64| v.is_finite());
            let bad = || (Problem::Number { text: rest[..length].into() }, at..at + length);
            (Kind::Number(number.ok_or_else(bad)?), length)
        } else if first.is_alphabetic() || first == '_' {
            let end = rest.find(|c: char| !(c.is_alphanumeric() || c == '_'));
            let word = &rest[..end.unwrap_or(rest.len())];
            let kind = match word {
                "and" => Kind::Sign(Sign::And),
                "or" => Kind::Sign(Sign::Or),
                "not" => Kind::Not,
                name => Kind::Name(name.into()),
            };
            (kind, word.len())
        } else if let Some((sign, kind)) = SIGNS.iter().find(|(s, _)| rest.starts_with(s)) {
            (kind.clone(), sign.len())
        } else {
            return Err((Problem::Letter { letter: first }, at..at + first.len_utf8()));
        };
        tokens.push(Token { kind, span: at..at + length });
        at += length;
    }
    Ok(tokens)
}

/// Digits, a point, digits, and an exponent where digits follow it.
fn number_length(text: &str) -> usize {
    let digits = |from: usize| {
        let rest = &text[from..];
        from + rest.find(|c: char| !c.is_ascii_digit()).unwrap_or(rest.len())
    };
    let mut end = digits(0);
    if text[end..].starts_with('.') {
        end = digits(end + 1);
    }
    let exponent =
        text[end..].strip_prefix(['e', 'E']).map(|r| r.strip_prefix(['+', '-']).unwrap_or(r));
    match exponent {
        Some(rest) if rest.starts_with(|c: char| c.is_ascii_digit()) => {
            digits(text.len() - rest.len())
        }
        _ => end,
    }
}

struct Parser<'a> {
    text: &'a str,
    tokens: Vec<Token>,
    next: usize,
    /// Brackets and signs that are open.
    open: usize,
}

type Parsed = Result<Expression, (Problem, Range<usize>)>;

impl Parser<'_> {
    /// An expression whose signs bind at least so tightly.
    fn at_least(&mut self, least: u8) -> Parsed {
        self.open += 1;
        if self.open > DEEPEST {
            return Err((Problem::TooDeep { most: DEEPEST }, self.here()));
        }
        let mut left = self.operand()?;
        let mut compared = false;
        while let Some(&Kind::Sign(sign)) = self.tokens.get(self.next).map(|t| &t.kind) {
            let precedence = sign.precedence();
            if precedence < least {
                break;
            }
            if sign.is_comparison() && std::mem::replace(&mut compared, true) {
                return Err((Problem::ChainedComparison, self.here()));
            }
            self.next += 1;
            let right =
                self.at_least(if sign == Sign::Power { NEGATIVE } else { precedence + 1 })?;
            left = binary(sign, left, right)?;
        }
        self.open -= 1;
        Ok(left)
    }

    fn operand(&mut self) -> Parsed {
        let Some(token) = self.tokens.get(self.next).cloned() else {
            return Err((Problem::Incomplete, self.here()));
        };
        self.next += 1;
        let start = token.span.start;
        match token.kind {
            Kind::Number(v) => Ok(Expression { node: Node::Number(v), span: token.span, depth: 0 }),
            Kind::Name(name) if self.is_next(&Kind::Open) => self.call(name, start),
            Kind::Name(name) => {
                Ok(Expression { node: Node::Name(name), span: token.span, depth: 0 })
            }
            Kind::Open => {
                let inner = self.at_least(0)?;
                let end = self.expect_close(start)?;
                Ok(Expression { span: start..end, ..inner })
            }
            Kind::Sign(Sign::Add) => self.at_least(NEGATIVE),
            Kind::Sign(Sign::Subtract) => {
                let inner = self.at_least(NEGATIVE)?;
                let (span, depth) = (start..inner.span.end, inner.depth + 1);
                Ok(Expression { node: Node::Negative(Box::new(inner)), span, depth })
            }
            Kind::Not => {
                let inner = self.at_least(NOT)?;
                let (span, depth) = (start..inner.span.end, inner.depth + 1);
                Ok(Expression { node: Node::Not(Box::new(inner)), span, depth })
            }
            Kind::Sign(_) | Kind::Close | Kind::Comma => {
                let text = self.text[token.span.clone()].to_owned();
                Err((Problem::Unexpected { text }, token.span))
            }
        }
    }

    fn call(&mut self, name: String, start: usize) -> Parsed {
        let bracket = self.tokens[self.next].span.start;
        self.next += 1;
        let mut arguments = Vec::new();
        if !self.is_next(&Kind::Close) {
            arguments.push(self.at_least(0)?);
            while self.is_next(&Kind::Comma) {
                self.next += 1;
                arguments.push(self.at_least(0)?);
            }
        }
        let end = self.expect_close(bracket)?;
        let depth = 1 + arguments.iter().map(|a| a.depth).max().unwrap_or(0);
        Ok(Expression { node: Node::Call(name, arguments), span: start..end, depth })
    }

    fn is_next(&self, kind: &Kind) -> bool {
        self.tokens.get(self.next).is_some_and(|t| t.kind == *kind)
    }

    /// The end of the bracket that was opened at `open`.
    fn expect_close(&mut self, open: usize) -> Result<usize, (Problem, Range<usize>)> {
        match self.tokens.get(self.next) {
            Some(token) if token.kind == Kind::Close => {
                self.next += 1;
                Ok(token.span.end)
            }
            Some(token) => Err(self.left_over(token)),
            None => Err((Problem::Unclosed, open..open + 1)),
        }
    }

    /// What is wrong with a token that cannot follow.
    fn left_over(&self, token: &Token) -> (Problem, Range<usize>) {
        let text = self.text[token.span.clone()].to_owned();
        let starts_operand = matches!(token.kind, Kind::Number(_) | Kind::Name(_) | Kind::Open);
        let problem =
            if starts_operand { Problem::NoSign { text } } else { Problem::Unexpected { text } };
        (problem, token.span.clone())
    }

    /// The token at hand, or the end of the text.
    fn here(&self) -> Range<usize> {
        let end = self.text.trim_end().len();
        self.tokens.get(self.next).map_or(end..end, |t| t.span.clone())
    }
}

fn binary(sign: Sign, left: Expression, right: Expression) -> Parsed {
    let (span, depth) = (left.span.start..right.span.end, 1 + left.depth.max(right.depth));
    if depth > DEEPEST {
        return Err((Problem::TooDeep { most: DEEPEST }, span));
    }
    Ok(Expression { node: Node::Binary(sign, Box::new(left), Box::new(right)), span, depth })
}

#[cfg(test)]
mod tests {
    use super::{Expression, Node, Sign};
    use crate::error::Problem;

    /// With every bracket.
    fn shown(e: &Expression) -> String {
        match &e.node {
            Node::Number(v) => v.to_string(),
            Node::Name(name) => name.clone(),
            Node::Negative(a) => format!("(-{})", shown(a)),
            Node::Not(a) => format!("(not {})", shown(a)),
            Node::Binary(sign, a, b) => {
                let sign = match sign {
                    Sign::Add => "+",
                    Sign::Subtract => "-",
                    Sign::Multiply => "*",
                    Sign::Divide => "/",
                    Sign::Power => "^",
                    Sign::Less => "<",
                    Sign::AtMost => "<=",
                    Sign::AtLeast => ">=",
                    Sign::Greater => ">",
                    Sign::Equal => "=",
                    Sign::And => "and",
                    Sign::Or => "or",
                };
                format!("({} {sign} {})", shown(a), shown(b))
            }
            Node::Call(name, arguments) => {
                format!("{name}[{}]", arguments.iter().map(shown).collect::<Vec<_>>().join(","))
            }
        }
    }

    #[test]
    fn signs_bind_as_in_mathematics() {
        for (text, tree) in [
            ("a - b - c", "((a - b) - c)"),
            ("a / b * c", "((a / b) * c)"),
            ("-x^2", "(-(x ^ 2))"),
            ("2^-x^2", "(2 ^ (-(x ^ 2)))"),
            ("a^b^c", "(a ^ (b ^ c))"),
            ("-a * b", "((-a) * b)"),
            (
                "a + b < c * d and not x > 1 or y = 2",
                "((((a + b) < (c * d)) and (not (x > 1))) or (y = 2))",
            ),
            ("if(t < t_0, 1.5e-3, max(a, .5))", "if[(t < t_0),0.0015,max[a,0.5]]"),
            ("3e*2", ""),
            ("β_0 * (1 + +x)", "(β_0 * (1 + x))"),
        ] {
            match Expression::parse(text) {
                Ok(e) => assert_eq!(shown(&e), tree, "{text}"),
                Err(e) => assert_eq!(tree, "", "{text}: {e:?}"),
            }
        }
    }

    #[test]
    fn slips_are_found_where_they_are() {
        let text = |text: &str| text.to_owned();
        for (written, problem, place) in [
            ("a + ", Problem::Incomplete, 3..3),
            ("a b", Problem::NoSign { text: text("b") }, 2..3),
            ("2 x", Problem::NoSign { text: text("x") }, 2..3),
            ("(a + b", Problem::Unclosed, 0..1),
            ("sin(a, b", Problem::Unclosed, 3..4),
            ("a + b)", Problem::Unexpected { text: text(")") }, 5..6),
            ("a * / b", Problem::Unexpected { text: text("/") }, 4..5),
            ("a < b < c", Problem::ChainedComparison, 6..7),
            ("a ? b", Problem::Letter { letter: '?' }, 2..3),
            ("1e999", Problem::Number { text: text("1e999") }, 0..5),
            ("", Problem::Incomplete, 0..0),
        ] {
            assert_eq!(Expression::parse(written).unwrap_err(), (problem, place), "{written}");
        }
        let deep = ["(".repeat(100_000), "-".repeat(100_000), format!("x{}", "+x".repeat(100_000))];
        for text in deep {
            assert!(matches!(Expression::parse(&text), Err((Problem::TooDeep { .. }, _))));
        }
    }
}
