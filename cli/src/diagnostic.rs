//! What is wrong with an input, where, and what to do about it.

use std::fmt::{self, Write as _};
use std::ops::Range;
use std::sync::Arc;

use miette::{
    GraphicalReportHandler, GraphicalTheme, LabeledSpan, NamedSource, Severity, SourceCode,
};

/// A text that diagnostics point into: a file, or an argument of the command line.
#[derive(Clone, Debug)]
pub struct Source {
    /// Path of the file, or `--set`.
    pub name: String,
    /// Its text.
    pub text: Arc<str>,
}

impl Source {
    /// Line and column of a byte, both from 1.
    pub fn position(&self, byte: usize) -> (usize, usize) {
        let before = &self.text[..byte.min(self.text.len())];
        let line = before.matches('\n').count() + 1;
        let column = before.rsplit('\n').next().map_or(0, |l| l.chars().count()) + 1;
        (line, column)
    }
}

/// One problem.
#[derive(Clone, Debug)]
pub struct Diagnostic {
    /// Stable name, such as `cotangent::scenario::unknown_key`.
    pub code: &'static str,
    /// What is wrong.
    pub message: String,
    /// Where, if in a text.
    pub place: Option<(Source, Range<usize>, String)>,
    /// What to do.
    pub help: String,
}

impl Diagnostic {
    /// A problem at a place in a text; `label` stands beside the underlined characters.
    pub fn at(
        code: &'static str,
        message: impl Into<String>,
        source: &Source,
        span: Range<usize>,
        label: impl Into<String>,
        help: impl Into<String>,
    ) -> Self {
        let place = Some((source.clone(), span, label.into()));
        Self { code, message: message.into(), place, help: help.into() }
    }

    /// A problem without a place.
    pub fn plain(code: &'static str, message: impl Into<String>, help: impl Into<String>) -> Self {
        Self { code, message: message.into(), place: None, help: help.into() }
    }

    /// For machines: code, message, help, and where it stands (lines and columns count from 1).
    pub fn to_json(&self) -> serde_json::Value {
        let place = self.place.as_ref().map(|(source, span, _)| {
            let (line, column) = source.position(span.start);
            serde_json::json!({ "file": source.name, "line": line, "column": column })
        });
        serde_json::json!({ "code": self.code, "message": self.message, "help": self.help, "place": place })
    }

    /// `file:line:column: message`, for editors.
    pub fn short(&self) -> String {
        let Some((source, span, _)) = &self.place else { return self.message.clone() };
        let (line, column) = source.position(span.start);
        format!("{}:{line}:{column}: {}", source.name, self.message)
    }
}

impl fmt::Display for Diagnostic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for Diagnostic {}

impl miette::Diagnostic for Diagnostic {
    fn code<'a>(&'a self) -> Option<Box<dyn fmt::Display + 'a>> {
        Some(Box::new(self.code))
    }
    fn severity(&self) -> Option<Severity> {
        Some(Severity::Error)
    }
    fn help<'a>(&'a self) -> Option<Box<dyn fmt::Display + 'a>> {
        (!self.help.is_empty()).then(|| Box::new(&self.help) as Box<dyn fmt::Display>)
    }
    fn labels(&self) -> Option<Box<dyn Iterator<Item = LabeledSpan> + '_>> {
        let (_, span, label) = self.place.as_ref()?;
        let span = LabeledSpan::new(Some(label.clone()), span.start, span.len().max(1));
        Some(Box::new(std::iter::once(span)))
    }
    fn source_code(&self) -> Option<&dyn SourceCode> {
        None // given by `Located`, which owns a named source
    }
}

/// A diagnostic with its text, as miette wants it.
struct Located<'a>(&'a Diagnostic, Option<NamedSource<String>>);

impl fmt::Debug for Located<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}
impl fmt::Display for Located<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self.0, f)
    }
}
impl std::error::Error for Located<'_> {}
impl miette::Diagnostic for Located<'_> {
    fn code<'a>(&'a self) -> Option<Box<dyn fmt::Display + 'a>> {
        self.0.code()
    }
    fn help<'a>(&'a self) -> Option<Box<dyn fmt::Display + 'a>> {
        self.0.help()
    }
    fn labels(&self) -> Option<Box<dyn Iterator<Item = LabeledSpan> + '_>> {
        self.0.labels()
    }
    fn source_code(&self) -> Option<&dyn SourceCode> {
        self.1.as_ref().map(|s| s as &dyn SourceCode)
    }
}

/// Everything that is wrong with an input, for a person.
pub fn render(diagnostics: &[Diagnostic], colour: bool) -> String {
    let theme = if colour { GraphicalTheme::unicode() } else { GraphicalTheme::unicode_nocolor() };
    let handler = GraphicalReportHandler::new_themed(theme).with_width(100).with_links(false);
    let mut text = String::new();
    for diagnostic in diagnostics {
        let source =
            diagnostic.place.as_ref().map(|(s, ..)| NamedSource::new(&s.name, s.text.to_string()));
        let mut one = String::new();
        if handler.render_report(&mut one, &Located(diagnostic, source)).is_err() {
            one = diagnostic.short();
        }
        let _ = writeln!(text, "{}", one.trim_end());
    }
    text
}

/// The nearest of `names`, where one is near enough to be what was meant.
pub fn nearest<'a>(name: &str, names: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let scored = names.into_iter().map(|n| (strsim::damerau_levenshtein(name, n), n));
    scored.filter(|(d, n)| *d <= 1 + n.len() / 3).min().map(|(_, n)| n)
}
