//! Units: products of powers of symbols, and what one is in another.
//!
//! `mg/L`, `1/(mM h)`, `kg m^2/s^2`: symbols of the SI with their prefixes, symbols that are used beside it, and own symbols for what is
//! counted (`person`, `cell`), each a dimension of its own. A `/` divides by the one factor, or the bracket, that follows it.

use std::fmt;

use thiserror::Error;

/// Base dimensions, by the symbols in which factors are counted.
const BASE: [&str; 7] = ["m", "kg", "s", "A", "K", "mol", "cd"];

/// A symbol: whether it takes prefixes, its factor, and its powers of metre, kilogram, second, ampere, kelvin, mole, candela.
type Symbol = (&'static str, bool, f64, [i8; 7]);

const SYMBOLS: &[Symbol] = &[
    ("m", true, 1.0, [1, 0, 0, 0, 0, 0, 0]),
    ("g", true, 1e-3, [0, 1, 0, 0, 0, 0, 0]),
    ("s", true, 1.0, [0, 0, 1, 0, 0, 0, 0]),
    ("A", true, 1.0, [0, 0, 0, 1, 0, 0, 0]),
    ("K", true, 1.0, [0, 0, 0, 0, 1, 0, 0]),
    ("mol", true, 1.0, [0, 0, 0, 0, 0, 1, 0]),
    ("cd", false, 1.0, [0, 0, 0, 0, 0, 0, 1]),
    // times; a year is the Julian one
    ("min", false, 60.0, [0, 0, 1, 0, 0, 0, 0]),
    ("h", false, 3600.0, [0, 0, 1, 0, 0, 0, 0]),
    ("d", false, 86_400.0, [0, 0, 1, 0, 0, 0, 0]),
    ("week", false, 604_800.0, [0, 0, 1, 0, 0, 0, 0]),
    ("year", false, 31_557_600.0, [0, 0, 1, 0, 0, 0, 0]),
    // amounts and concentrations
    ("L", true, 1e-3, [3, 0, 0, 0, 0, 0, 0]),
    ("M", true, 1e3, [-3, 0, 0, 0, 0, 1, 0]),
    ("t", false, 1e3, [0, 1, 0, 0, 0, 0, 0]),
    ("ha", false, 1e4, [2, 0, 0, 0, 0, 0, 0]),
    ("angstrom", false, 1e-10, [1, 0, 0, 0, 0, 0, 0]),
    // mechanics
    ("N", true, 1.0, [1, 1, -2, 0, 0, 0, 0]),
    ("J", true, 1.0, [2, 1, -2, 0, 0, 0, 0]),
    ("W", true, 1.0, [2, 1, -3, 0, 0, 0, 0]),
    ("Pa", true, 1.0, [-1, 1, -2, 0, 0, 0, 0]),
    ("bar", true, 1e5, [-1, 1, -2, 0, 0, 0, 0]),
    ("Hz", true, 1.0, [0, 0, -1, 0, 0, 0, 0]),
    ("cal", true, 4.184, [2, 1, -2, 0, 0, 0, 0]),
    ("eV", true, 1.602_176_634e-19, [2, 1, -2, 0, 0, 0, 0]),
    // electricity
    ("C", true, 1.0, [0, 0, 1, 1, 0, 0, 0]),
    ("V", true, 1.0, [2, 1, -3, -1, 0, 0, 0]),
    ("Ohm", true, 1.0, [2, 1, -3, -2, 0, 0, 0]),
    ("S", true, 1.0, [-2, -1, 3, 2, 0, 0, 0]),
    ("F", true, 1.0, [-2, -1, 4, 2, 0, 0, 0]),
    // pure numbers
    ("rad", false, 1.0, [0; 7]),
    ("deg", false, std::f64::consts::PI / 180.0, [0; 7]),
    ("%", false, 1e-2, [0; 7]),
];

const PREFIXES: &[(&str, f64)] = &[
    ("f", 1e-15),
    ("p", 1e-12),
    ("n", 1e-9),
    ("u", 1e-6),
    ("µ", 1e-6),
    ("μ", 1e-6),
    ("m", 1e-3),
    ("c", 1e-2),
    ("d", 1e-1),
    ("k", 1e3),
    ("M", 1e6),
    ("G", 1e9),
];

/// Why a text is no unit.
#[derive(Clone, Debug, Error, PartialEq)]
#[non_exhaustive]
pub enum UnitError {
    /// A symbol that is not known.
    #[error("there is no unit `{symbol}`")]
    Unknown {
        /// It.
        symbol: String,
        /// One that is spelled nearly so.
        nearest: Option<String>,
    },
    /// A product after a division, which people read in two ways.
    #[error("`{text}` can be read in two ways")]
    Ambiguous {
        /// The unit.
        text: String,
    },
    /// Something else than a product of powers.
    #[error("`{text}` is no unit")]
    Malformed {
        /// It.
        text: String,
    },
    /// An own symbol that has a meaning already, or is no word.
    #[error("`{symbol}` cannot be a unit of one's own: it is known already, or no word")]
    Taken {
        /// It.
        symbol: String,
    },
}

impl UnitError {
    /// What to do about it.
    pub fn help(&self) -> String {
        match self {
            Self::Unknown { nearest: Some(nearest), .. } => format!("did you mean `{nearest}`?"),
            Self::Unknown { symbol, nearest: None } => {
                format!("declare what is counted in a unit of its own: own_units = [\"{symbol}\"]")
            }
            Self::Ambiguous { .. } => "bracket what is divided by: mg/(L h), or mg h/L".into(),
            Self::Malformed { .. } => "such as mg/L, 1/(mM h) or kg m^2/s^2".into(),
            Self::Taken { .. } => "choose another word".into(),
        }
    }
}

/// One symbol to a power.
#[derive(Clone, Debug, PartialEq)]
struct Factor {
    symbol: String,
    power: f64,
    scale: f64,
    /// Powers of the base dimensions; of an own symbol, its name is the dimension.
    dimension: Option<[i8; 7]>,
}

/// A product of powers of symbols, as it was written.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Unit {
    factors: Vec<Factor>,
}

/// The symbols that are known.
#[derive(Clone, Debug, Default)]
pub struct Units {
    own: Vec<String>,
}

impl Units {
    /// The usual symbols, and own ones.
    ///
    /// # Errors
    /// [`UnitError::Taken`].
    pub fn with_own(own: &[String]) -> Result<Self, UnitError> {
        for symbol in own {
            let is_word =
                !symbol.is_empty() && symbol.chars().all(|c| c.is_alphabetic() || c == '_');
            if !is_word || known(symbol).is_some() {
                return Err(UnitError::Taken { symbol: symbol.clone() });
            }
        }
        Ok(Self { own: own.to_vec() })
    }

    /// The unit that a text names; an empty text and `1` are pure numbers.
    ///
    /// # Errors
    /// [`UnitError`].
    ///
    /// ```
    /// use cotangent_equations::unit::Units;
    /// let units = Units::default();
    /// let [dose, rate] = ["mg/(L d)", "ug/(mL h)"].map(|text| units.parse(text).unwrap());
    /// assert!((dose.conversion(&rate).unwrap() - 1.0 / 24.0).abs() < 1e-15);
    /// assert!(dose.conversion(&units.parse("mg/L").unwrap()).is_none());
    /// ```
    pub fn parse(&self, text: &str) -> Result<Unit, UnitError> {
        let tokens = tokens(text);
        let mut at = 0;
        let unit = self.product(text, &tokens, &mut at)?;
        if at == tokens.len() { Ok(unit) } else { Err(malformed(text)) }
    }

    fn product(&self, text: &str, tokens: &[&str], at: &mut usize) -> Result<Unit, UnitError> {
        let mut unit = Unit::default();
        let (mut divided, mut started) = (false, false);
        while let Some(&token) = tokens.get(*at).filter(|t| **t != ")") {
            let sign = match token {
                "/" => -1.0,
                _ if divided && token != "*" => {
                    return Err(UnitError::Ambiguous { text: text.into() });
                }
                _ => 1.0,
            };
            if matches!(token, "/" | "*" | "·") {
                if !started {
                    return Err(malformed(text));
                }
                *at += 1;
            }
            divided |= token == "/";
            let factor = self.factor(text, tokens, at)?;
            unit = unit.times(&factor.power(sign));
            started = true;
        }
        if started || tokens.is_empty() { Ok(unit) } else { Err(malformed(text)) }
    }

    fn factor(&self, text: &str, tokens: &[&str], at: &mut usize) -> Result<Unit, UnitError> {
        let Some(&token) = tokens.get(*at) else { return Err(malformed(text)) };
        *at += 1;
        let base = if token == "(" {
            let inner = self.product(text, tokens, at)?;
            if tokens.get(*at) != Some(&")") {
                return Err(malformed(text));
            }
            *at += 1;
            inner
        } else if token == "1" {
            Unit::default()
        } else {
            self.symbol(text, token)?
        };
        if tokens.get(*at) != Some(&"^") {
            return Ok(base);
        }
        let power = tokens.get(*at + 1).and_then(|t| t.parse::<f64>().ok());
        *at += 2;
        power.filter(|p| p.is_finite()).map(|p| base.power(p)).ok_or_else(|| malformed(text))
    }

    fn symbol(&self, text: &str, token: &str) -> Result<Unit, UnitError> {
        let symbol = token.to_owned();
        if self.own.iter().any(|o| o == token) {
            let factor = Factor { symbol, power: 1.0, scale: 1.0, dimension: None };
            return Ok(Unit { factors: vec![factor] });
        }
        if let Some((scale, dimension)) = known(token) {
            let factor = Factor { symbol, power: 1.0, scale, dimension: Some(dimension) };
            return Ok(Unit { factors: vec![factor] });
        }
        if !token.chars().all(|c| c.is_alphabetic() || c == '_' || c == '%') {
            return Err(malformed(text));
        }
        let names = SYMBOLS.iter().map(|(s, ..)| *s).chain(self.own.iter().map(String::as_str));
        // symbols are short: a slip is another case, or one letter of a longer word
        let near = |n: &&str| {
            n.eq_ignore_ascii_case(token) || (n.len() > 2 && strsim::osa_distance(n, token) == 1)
        };
        let nearest = names.into_iter().find(near).map(str::to_owned);
        Err(UnitError::Unknown { symbol, nearest })
    }
}

fn malformed(text: &str) -> UnitError {
    UnitError::Malformed { text: text.into() }
}

/// Factor and dimension of a symbol with or without a prefix.
fn known(symbol: &str) -> Option<(f64, [i8; 7])> {
    if let Some((_, _, scale, dimension)) = SYMBOLS.iter().find(|(s, ..)| *s == symbol) {
        return Some((*scale, *dimension));
    }
    PREFIXES.iter().find_map(|(prefix, factor)| {
        let rest = symbol.strip_prefix(prefix)?;
        let (.., scale, dimension) = SYMBOLS.iter().find(|(s, takes, ..)| *takes && *s == rest)?;
        Some((factor * scale, *dimension))
    })
}

/// Words, numbers after `^`, and single signs.
fn tokens(text: &str) -> Vec<&str> {
    let (mut tokens, mut rest) = (Vec::new(), text.trim_start());
    while let Some(first) = rest.chars().next() {
        let is_word = |c: char| c.is_alphabetic() || c == '_' || c == '%';
        let is_number = |c: char| c.is_ascii_digit() || c == '.' || c == '-';
        let all = |is: &dyn Fn(char) -> bool| rest.find(|c| !is(c)).unwrap_or(rest.len());
        let length = match first {
            c if is_word(c) => all(&is_word),
            c if is_number(c) => all(&is_number),
            c => c.len_utf8(),
        };
        tokens.push(&rest[..length]);
        rest = rest[length..].trim_start();
    }
    tokens
}

impl Unit {
    /// The product of two.
    #[must_use]
    pub fn times(&self, other: &Self) -> Self {
        let mut factors = self.factors.clone();
        for factor in &other.factors {
            match factors.iter_mut().find(|f| f.symbol == factor.symbol) {
                Some(same) => same.power += factor.power,
                None => factors.push(factor.clone()),
            }
        }
        factors.retain(|f| f.power.abs() > 1e-12);
        Self { factors }
    }

    /// It to a power.
    #[must_use]
    pub fn power(&self, power: f64) -> Self {
        let mut factors = self.factors.clone();
        factors.iter_mut().for_each(|f| f.power *= power);
        factors.retain(|f| f.power.abs() > 1e-12);
        Self { factors }
    }

    /// The quotient of two.
    #[must_use]
    pub fn per(&self, other: &Self) -> Self {
        self.times(&other.power(-1.0))
    }

    /// What a number in this unit is multiplied by to be in another; `None` where that is of another dimension.
    pub fn conversion(&self, to: &Self) -> Option<f64> {
        if self == to {
            return Some(1.0);
        }
        self.per(to).as_number()
    }

    /// The number that it is, where it is of no dimension: 0.01 for `%`, 1000 for `g/mg`.
    pub fn as_number(&self) -> Option<f64> {
        let mut dimension = [0.0; BASE.len()];
        for factor in &self.factors {
            let powers = factor.dimension?;
            dimension.iter_mut().zip(powers).for_each(|(d, p)| *d += f64::from(p) * factor.power);
        }
        if dimension.iter().any(|d| d.abs() > 1e-9) {
            return None;
        }
        let (over, under): (Vec<&Factor>, Vec<&Factor>) =
            self.factors.iter().partition(|f| f.power > 0.0);
        let product =
            |f: &[&Factor]| f.iter().map(|f| f.scale.powf(f.power.abs())).product::<f64>();
        Some(product(&over) / product(&under))
    }

    /// Whether it is written as a pure number.
    pub fn is_none(&self) -> bool {
        self.factors.is_empty()
    }
}

impl fmt::Display for Unit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let shown = |factor: &Factor| match factor.power.abs() {
            1.0 => factor.symbol.clone(),
            power => format!("{}^{power}", factor.symbol),
        };
        let (over, under): (Vec<&Factor>, Vec<&Factor>) =
            self.factors.iter().partition(|f| f.power > 0.0);
        let joined = |of: &[&Factor]| of.iter().map(|f| shown(f)).collect::<Vec<_>>().join(" ");
        match (over.len(), under.len()) {
            (_, 0) => f.write_str(&joined(&over)),
            (0, 1) => write!(f, "1/{}", joined(&under)),
            (0, _) => write!(f, "1/({})", joined(&under)),
            (_, 1) => write!(f, "{}/{}", joined(&over), joined(&under)),
            _ => write!(f, "{}/({})", joined(&over), joined(&under)),
        }
    }
}

/// `0.55 1/year` as a number and the text of its unit; `None` where a text is not a number followed by a unit.
pub fn quantity(text: &str) -> Option<(f64, &str)> {
    let text = text.trim();
    let split = text.find(char::is_whitespace).unwrap_or(text.len());
    let (number, unit) = (text[..split].parse::<f64>().ok()?, text[split..].trim());
    let is_expression =
        unit.starts_with(['+', '-', '*', '/', '^', '<', '>', '=', '!', ',', ')', '&', '|']);
    (number.is_finite() && !is_expression).then_some((number, unit))
}

#[cfg(test)]
mod tests {
    use super::{UnitError, Units, quantity};

    fn parsed(text: &str) -> super::Unit {
        Units::with_own(&["person".into()]).unwrap().parse(text).unwrap()
    }

    #[test]
    fn units_convert_within_their_dimension_only() {
        for (from, to, factor) in [
            ("mg/L", "g/mL", 1e-6),
            ("1/h", "1/d", 24.0),
            ("N m", "J", 1.0),
            ("kg m^2/s^2", "mJ", 1e3),
            ("uM", "nmol/L", 1e3),
            ("person/d", "person/week", 7.0),
            ("m^0.5 m^1.5", "cm^2", 1e4),
            ("%", "", 0.01),
            ("1/(s s)", "Hz^2", 1.0),
            ("rad/s", "1/s", 1.0),
        ] {
            let found = parsed(from).conversion(&parsed(to)).expect(from);
            assert!((found / factor - 1.0).abs() < 1e-12, "{from} in {to}: {found}");
        }
        for (from, to) in [("mg", "mL"), ("person", ""), ("1/h", "h"), ("mol", "g")] {
            assert_eq!(parsed(from).conversion(&parsed(to)), None, "{from} in {to}");
        }
        for written in ["mg/L", "1/(mM h)", "kg m^2/s^2", "person", ""] {
            assert_eq!(parsed(written).to_string(), written);
        }
    }

    #[test]
    fn what_is_no_unit_is_refused() {
        let units = Units::default();
        let unknown = |symbol: &str, nearest: Option<&str>| UnitError::Unknown {
            symbol: symbol.into(),
            nearest: nearest.map(str::to_owned),
        };
        assert_eq!(units.parse("yaer"), Err(unknown("yaer", Some("year"))));
        assert_eq!(units.parse("person"), Err(unknown("person", None)));
        assert_eq!(units.parse("mg/L h"), Err(UnitError::Ambiguous { text: "mg/L h".into() }));
        for text in ["/h", "mg/", "(mg", "mg)", "m^", "m^x", "2 m", "mg//L", "m^^2", "()"] {
            let found = units.parse(text);
            assert!(found.is_err(), "{text}: {found:?}");
        }
        assert!(
            Units::with_own(&["mg".into()]).is_err() && Units::with_own(&["a b".into()]).is_err()
        );
        assert_eq!(quantity("0.55 1/year"), Some((0.55, "1/year")));
        assert_eq!(quantity("3 * x"), None);
        assert_eq!(quantity("x 3"), None);
    }
}
