//! Basis sets from files: NWChem's format, Gaussian's, and the Basis Set Exchange's JSON.

use std::collections::BTreeMap;
use std::fmt;

use serde::Deserialize;
use thiserror::Error;

use crate::molecule::basis::{BasisError, BasisSet, ShellTemplate};
use crate::molecule::geometry::element::Element;

/// What is wrong with a file, and where.
#[derive(Clone, Debug, Error, PartialEq)]
#[error("{file}:{line}: {problem}")]
pub struct BasisFileError {
    /// Name of the file.
    pub file: String,
    /// The line, from 1.
    pub line: usize,
    /// What is wrong there.
    pub problem: BasisProblem,
}

/// What is wrong with a line.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum BasisProblem {
    /// Neither the head of a shell nor a row of numbers of one.
    Line {
        /// What stands there.
        found: String,
        /// What was to stand there.
        wanted: &'static str,
    },
    /// No element has this symbol.
    Element {
        /// What stands there.
        found: String,
    },
    /// No shell has this letter.
    Letter {
        /// What stands there.
        found: String,
    },
    /// A row has another number of columns than its shell.
    Columns {
        /// How many numbers are needed.
        needed: usize,
        /// How many there are.
        found: usize,
    },
    /// A shell announces more or fewer rows than it has.
    Rows {
        /// How many were announced.
        announced: usize,
        /// How many came.
        found: usize,
    },
    /// The shell is none.
    Shell(BasisError),
    /// Effective core potentials are not supported.
    CorePotential,
    /// The file is no JSON of the Basis Set Exchange.
    Json {
        /// What the parser says.
        why: String,
    },
    /// There is no shell at all.
    Empty,
}

impl fmt::Display for BasisProblem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Line { found, wanted } => {
                write!(f, "\"{found}\" stands where {wanted} was expected")
            }
            Self::Element { found } => write!(f, "\"{found}\" is no element"),
            Self::Letter { found } => {
                write!(f, "\"{found}\" is no kind of shell; S, P, D, F and SP are supported")
            }
            Self::Columns { needed, found } => write!(
                f,
                "{needed} numbers (an exponent and a coefficient for each contraction) were expected, {found} stand here"
            ),
            Self::Rows { announced, found } => {
                write!(f, "the shell announces {announced} primitives and has {found}")
            }
            Self::Shell(source) => write!(f, "{source}"),
            Self::CorePotential => {
                write!(f, "an effective core potential; only sets for all electrons are supported")
            }
            Self::Json { why } => write!(f, "no basis set of the Basis Set Exchange: {why}"),
            Self::Empty => write!(f, "there is no shell"),
        }
    }
}

/// The set of a file's text in any of the formats: JSON begins with a brace, Gaussian's shells announce their rows and elements end
/// with `****`, everything else is read as NWChem's.
///
/// # Errors
/// [`BasisFileError`] with the line.
pub fn parse_basis(text: &str, file: &str) -> Result<BasisSet, BasisFileError> {
    let elements = if text.trim_start().starts_with('{') {
        parse_json(text)
    } else {
        Reader::default().read(text)
    };
    let fault = |(line, problem)| BasisFileError { file: file.to_owned(), line, problem };
    let elements = elements.map_err(fault)?;
    if elements.is_empty() {
        return Err(fault((1, BasisProblem::Empty)));
    }
    Ok(BasisSet { name: file.to_owned(), elements })
}

type Found = BTreeMap<Element, Vec<ShellTemplate>>;
type Fault = (usize, BasisProblem);

/// A shell whose rows are still coming.
struct Open {
    line: usize,
    element: Element,
    momenta: Vec<usize>,
    /// Rows that Gaussian's format announces.
    announced: Option<usize>,
    /// A factor on the exponents' square root.
    scale: f64,
    rows: Vec<Vec<f64>>,
}

/// Reads NWChem's and Gaussian's formats line by line.
#[derive(Default)]
struct Reader {
    found: Found,
    open: Option<Open>,
    /// The element of the lines to come, in Gaussian's format.
    element: Option<Element>,
}

impl Reader {
    fn read(mut self, text: &str) -> Result<Found, Fault> {
        for (at, raw) in text.lines().enumerate() {
            let line = raw.split(['#', '!']).next().unwrap_or("").trim();
            if !line.is_empty() {
                self.line(at + 1, line)?;
            }
        }
        self.close()?;
        Ok(self.found)
    }

    fn line(&mut self, at: usize, line: &str) -> Result<(), Fault> {
        let words: Vec<&str> = line.split_whitespace().collect();
        let first = words[0].to_ascii_uppercase();
        if first == "****" {
            self.close()?;
            self.element = None;
            return Ok(());
        }
        if matches!(first.as_str(), "BASIS" | "END") {
            return self.close();
        }
        if matches!(first.as_str(), "ECP")
            || words.get(1).is_some_and(|w| w.eq_ignore_ascii_case("nelec"))
        {
            return Err((at, BasisProblem::CorePotential));
        }
        if let Some(numbers) = numbers(&words) {
            if self.is_head_of_element(&words) {
                return self.head_of_element(at, words[0]);
            }
            return self.row(at, line, numbers);
        }
        self.close()?;
        if self.element.is_some() {
            return self.gaussian_shell(at, &words);
        }
        match words.as_slice() {
            [symbol, "0"] => self.head_of_element(at, symbol),
            [symbol, letter] => self.head(at, element(at, symbol)?, letter, None, 1.0),
            _ => Err((at, line_problem(line, "a shell, as \"C SP\" or \"C 0\""))),
        }
    }

    /// `-6 0`, an element by its number in Gaussian's format, is no row: there are no negative exponents in one.
    fn is_head_of_element(&self, words: &[&str]) -> bool {
        self.element.is_none() && self.open.is_none() && words.len() == 2 && words[1] == "0"
    }

    fn head_of_element(&mut self, at: usize, symbol: &str) -> Result<(), Fault> {
        let name = symbol.trim_start_matches('-');
        let known = match name.parse() {
            Ok(number) => Element::of_number(number),
            Err(_) => Element::of_symbol(name),
        };
        let unknown = || (at, BasisProblem::Element { found: symbol.to_owned() });
        self.element = Some(known.ok_or_else(unknown)?);
        Ok(())
    }

    fn gaussian_shell(&mut self, at: usize, words: &[&str]) -> Result<(), Fault> {
        let Some(element) = self.element else { return Ok(()) };
        let rows = words.get(1).and_then(|word| word.parse::<usize>().ok());
        let scale = words.get(2).map_or(Some(1.0), |word| number(word));
        match (words.len(), rows, scale) {
            (2 | 3, Some(rows), Some(scale)) if scale > 0.0 => {
                self.head(at, element, words[0], Some(rows), scale)
            }
            _ => {
                Err((at, line_problem(&words.join(" "), "a shell, as \"SP 3 1.00\", or \"****\"")))
            }
        }
    }

    fn head(
        &mut self,
        line: usize,
        element: Element,
        letter: &str,
        announced: Option<usize>,
        scale: f64,
    ) -> Result<(), Fault> {
        let momenta = match letter.to_ascii_uppercase().as_str() {
            "S" => vec![0],
            "P" => vec![1],
            "D" => vec![2],
            "F" => vec![3],
            "SP" | "L" => vec![0, 1],
            other => match "GHIKLM".find(other) {
                Some(above) if other.len() == 1 => {
                    let problem = BasisError::AngularMomentum { l: above + 4 };
                    return Err((line, BasisProblem::Shell(problem)));
                }
                _ => return Err((line, BasisProblem::Letter { found: letter.to_owned() })),
            },
        };
        self.open = Some(Open { line, element, momenta, announced, scale, rows: Vec::new() });
        Ok(())
    }

    fn row(&mut self, at: usize, line: &str, numbers: Vec<f64>) -> Result<(), Fault> {
        let Some(open) = &mut self.open else {
            return Err((at, line_problem(line, "the head of a shell, as \"C SP\"")));
        };
        let found = numbers.len();
        let needed = match (open.rows.first(), open.momenta.len()) {
            (_, 2) => 3,
            (Some(first), _) => first.len(),
            (None, _) => found.max(2),
        };
        if found != needed {
            return Err((at, BasisProblem::Columns { needed, found }));
        }
        open.rows.push(numbers);
        Ok(())
    }

    fn close(&mut self) -> Result<(), Fault> {
        let Some(open) = self.open.take() else { return Ok(()) };
        let found = open.rows.len();
        if let Some(announced) = open.announced.filter(|announced| *announced != found) {
            return Err((open.line, BasisProblem::Rows { announced, found }));
        }
        let exponents: Vec<f64> =
            open.rows.iter().map(|row| row[0] * open.scale * open.scale).collect();
        let columns = open.rows.first().map_or(0, |row| row.len() - 1);
        let column = |k: usize| open.rows.iter().map(|row| row[k + 1]).collect::<Vec<f64>>();
        let shells = match open.momenta.as_slice() {
            [l] => (0..columns.max(1)).map(|k| (*l, k)).collect::<Vec<_>>(),
            several => several.iter().copied().enumerate().map(|(k, l)| (l, k)).collect(),
        };
        for (l, k) in shells {
            let coefficients = if columns == 0 { Vec::new() } else { column(k) };
            let shell = segment(l, &exponents, &coefficients);
            shell.check().map_err(|source| (open.line, BasisProblem::Shell(source)))?;
            self.found.entry(open.element).or_default().push(shell);
        }
        Ok(())
    }
}

/// A contraction without the primitives that it does not use.
fn segment(l: usize, exponents: &[f64], coefficients: &[f64]) -> ShellTemplate {
    let used = |(_, c): &(&f64, &f64)| **c != 0.0;
    let (exponents, coefficients) =
        exponents.iter().zip(coefficients).filter(used).map(|(a, c)| (*a, *c)).unzip();
    ShellTemplate { l, exponents, coefficients }
}

fn line_problem(found: &str, wanted: &'static str) -> BasisProblem {
    BasisProblem::Line { found: found.to_owned(), wanted }
}

fn element(at: usize, symbol: &str) -> Result<Element, Fault> {
    Element::of_symbol(symbol)
        .ok_or_else(|| (at, BasisProblem::Element { found: symbol.to_owned() }))
}

/// A number, with Fortran's `D` for the exponent too.
fn number(word: &str) -> Option<f64> {
    let begins = word.starts_with(|c: char| c.is_ascii_digit() || matches!(c, '+' | '-' | '.'));
    begins.then(|| word.replace(['D', 'd'], "e").parse().ok()).flatten()
}

fn numbers(words: &[&str]) -> Option<Vec<f64>> {
    words.iter().map(|word| number(word)).collect()
}

#[derive(Deserialize)]
struct JsonSet {
    elements: BTreeMap<String, JsonElement>,
}

#[derive(Deserialize)]
struct JsonElement {
    #[serde(default)]
    electron_shells: Vec<JsonShell>,
    #[serde(default)]
    ecp_potentials: Vec<serde::de::IgnoredAny>,
}

#[derive(Deserialize)]
struct JsonShell {
    angular_momentum: Vec<usize>,
    exponents: Vec<String>,
    coefficients: Vec<Vec<String>>,
}

/// JSON as the Basis Set Exchange gives it. Faults of a shell are told at the line where its element begins.
fn parse_json(text: &str) -> Result<Found, Fault> {
    let set: JsonSet = serde_json::from_str(text)
        .map_err(|error| (error.line(), BasisProblem::Json { why: error.to_string() }))?;
    let mut found = Found::new();
    for (key, of_element) in &set.elements {
        let head = text.lines().position(|line| line.trim().starts_with(&format!("\"{key}\":")));
        let line = head.map_or(1, |at| at + 1);
        let known = key.parse().ok().and_then(Element::of_number);
        let element = known.ok_or_else(|| (line, BasisProblem::Element { found: key.clone() }))?;
        if !of_element.ecp_potentials.is_empty() {
            return Err((line, BasisProblem::CorePotential));
        }
        for shell in &of_element.electron_shells {
            for template in json_shells(shell).map_err(|problem| (line, problem))? {
                found.entry(element).or_default().push(template);
            }
        }
    }
    Ok(found)
}

fn json_shells(shell: &JsonShell) -> Result<Vec<ShellTemplate>, BasisProblem> {
    let parse = |words: &[String]| -> Result<Vec<f64>, BasisProblem> {
        let one = |word: &String| number(word).ok_or_else(|| line_problem(word, "a number"));
        words.iter().map(one).collect()
    };
    let exponents = parse(&shell.exponents)?;
    let (momenta, columns) = (&shell.angular_momentum, shell.coefficients.len());
    if momenta.is_empty() || (momenta.len() > 1 && momenta.len() != columns) {
        return Err(BasisProblem::Columns { needed: momenta.len() + 1, found: columns + 1 });
    }
    let mut templates = Vec::new();
    for (k, column) in shell.coefficients.iter().enumerate() {
        let coefficients = parse(column)?;
        if coefficients.len() != exponents.len() {
            let (exponents, coefficients) = (exponents.len(), coefficients.len());
            return Err(BasisProblem::Shell(BasisError::Lengths { exponents, coefficients }));
        }
        let template = segment(momenta[k.min(momenta.len() - 1)], &exponents, &coefficients);
        template.check().map_err(BasisProblem::Shell)?;
        templates.push(template);
    }
    Ok(templates)
}

#[cfg(test)]
mod tests {
    use super::*;

    const NWCHEM: &str = "# a set\nBASIS \"ao basis\" SPHERICAL\nC S\n 3.0D+0 0.5 0.0\n 1.0 0.5 1.0\nC SP\n 0.2 1.0 1.0\nEND\n";
    const GAUSSIAN: &str = "! a set\n****\nC 0\nS 2 1.00\n 3.0 0.5\n 1.0 0.5\nS 1 1.00\n 1.0 1.0\nSP 1 1.00\n 0.2 1.0 1.0\n****\n";
    const JSON: &str = r#"{"elements": {
        "6": {"electron_shells": [
            {"angular_momentum": [0], "exponents": ["3.0", "1.0"], "coefficients": [["0.5", "0.5"], ["0.0", "1.0"]]},
            {"angular_momentum": [0, 1], "exponents": ["0.2"], "coefficients": [["1.0"], ["1.0"]]}]}}}"#;

    #[test]
    fn the_three_formats_say_the_same() {
        let [nwchem, gaussian, json] =
            [NWCHEM, GAUSSIAN, JSON].map(|text| parse_basis(text, "set").unwrap());
        assert_eq!(nwchem.elements, gaussian.elements);
        assert_eq!(nwchem.elements, json.elements);
        let shells = &nwchem.elements[&Element::of_symbol("C").unwrap()];
        let shape: Vec<_> = shells.iter().map(|s| (s.l, s.exponents.clone())).collect();
        let wanted = [(0, vec![3.0, 1.0]), (0, vec![1.0]), (0, vec![0.2]), (1, vec![0.2])];
        assert_eq!(shape, wanted);
    }

    fn fault(text: &str, from: &str, to: &str) -> (usize, BasisProblem) {
        assert!(text.contains(from));
        let error = parse_basis(&text.replacen(from, to, 1), "set.nw").unwrap_err();
        assert!(error.to_string().starts_with(&format!("set.nw:{}: ", error.line)), "{error}");
        (error.line, error.problem)
    }

    #[test]
    fn every_fault_is_named_with_its_line() {
        use BasisProblem::{Columns, Element, Empty, Json, Letter, Line, Rows, Shell};
        assert!(matches!(fault(NWCHEM, "C S\n", "Q S\n"), (3, Element { .. })));
        assert!(matches!(fault(NWCHEM, "C S\n", "C W\n"), (3, Letter { .. })));
        assert!(matches!(fault(NWCHEM, "C S\n", ""), (3, Line { .. })));
        let high = fault(NWCHEM, "C S\n", "C G\n");
        assert!(matches!(high, (3, Shell(BasisError::AngularMomentum { l: 4 }))));
        let short = fault(NWCHEM, " 1.0 0.5 1.0", " 1.0 0.5");
        assert!(matches!(short, (5, Columns { needed: 3, found: 2 })));
        let sp = fault(NWCHEM, " 0.2 1.0 1.0", " 0.2 1.0");
        assert!(matches!(sp, (7, Columns { needed: 3, found: 2 })));
        let negative = fault(NWCHEM, "0.2 1.0", "-0.2 1.0");
        assert!(matches!(negative, (6, Shell(BasisError::Exponent { .. }))));
        let no_rows = fault(NWCHEM, " 0.2 1.0 1.0\n", "");
        assert!(matches!(no_rows, (6, Shell(BasisError::Lengths { .. }))));
        let zero = fault(NWCHEM, " 0.2 1.0 1.0", " 0.2 0.0 1.0");
        assert!(matches!(zero, (6, Shell(BasisError::Lengths { .. }))));
        assert!(matches!(fault(GAUSSIAN, "S 2", "S 3"), (4, Rows { announced: 3, found: 2 })));
        assert!(matches!(fault(GAUSSIAN, "S 2", "S x"), (4, Line { .. })));
        assert!(matches!(fault(JSON, "\"6\"", "\"x\""), (2, Element { .. })));
        assert!(matches!(fault(JSON, "\"3.0\", ", ""), (2, Shell(BasisError::Lengths { .. }))));
        assert!(matches!(fault(JSON, "angular_momentum", "momentum"), (3, Json { .. })));
        assert!(matches!(fault("BASIS\nEND\n", "END", "END"), (1, Empty)));
    }
}
