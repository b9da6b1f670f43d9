//! What is wrong with an input, where, and what to do about it.

use std::borrow::Cow;
use std::fmt::{self, Write as _};
use std::ops::Range;
use std::sync::Arc;

use miette::{
    GraphicalReportHandler, GraphicalTheme, LabeledSpan, MietteError, MietteSpanContents, Severity,
    SourceCode, SourceSpan, SpanContents,
};

/// Problems that are shown: who has more mends some and looks again.
const MOST_SHOWN: usize = 20;
/// Problems that are given as data.
pub const MOST_AS_DATA: usize = 200;
/// Most characters of a line of a file, of a message, and of a name within it, that are shown.
const LONGEST_LINE: usize = 160;
const LONGEST_MESSAGE: usize = 600;

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
        serde_json::json!({ "code": self.code, "message": shown(&self.message), "help": shown(&self.help), "place": place })
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
        None // given by `Located`, which owns the excerpt
    }
}

/// What is shown of a source: the lines about the place, shortened about it, without characters that a terminal would obey.
struct Excerpt {
    name: String,
    text: String,
    /// The place within [`Excerpt::text`].
    span: Range<usize>,
    /// Lines and columns before it in the source.
    line: usize,
    column: usize,
}

impl Excerpt {
    /// The excerpt of `source` about `span`.
    fn new(source: &Source, span: &Range<usize>) -> Self {
        let text = &*source.text;
        let start = floor(text, span.start);
        let end = floor(text, span.end).max(start);
        let line_start = text[..start].rfind('\n').map_or(0, |at| at + 1);
        // the line before and the line after are shown, too
        let first = text[..line_start.saturating_sub(1)].rfind('\n').map_or(0, |at| at + 1);
        let last_line = text[end..].find('\n').map_or(text.len(), |at| end + at + 1);
        let last = text[last_line..].find('\n').map_or(text.len(), |at| last_line + at + 1);
        let line = text[..first].matches('\n').count();
        let (mut shown, mut place, mut column) = (String::new(), 0..0, 0);
        let mut at = first;
        for (number, whole) in text[first..last].split_inclusive('\n').enumerate() {
            let (within, ends) = (at..at + whole.len(), whole.ends_with('\n'));
            let content = whole.trim_end_matches('\n');
            let aim = if within.contains(&start) || (start == within.end && !ends) {
                start - at
            } else {
                0
            };
            let cut = window(content, aim);
            if aim > 0 && number == 0 {
                column = content[..cut.start].chars().count();
            }
            let mark = |byte: usize, target: &mut usize, shown: &str| {
                if (at..=at + content.len()).contains(&byte) {
                    let inside = (byte - at).clamp(cut.start, cut.end);
                    *target = shown.len() + printable(&content[cut.start..inside]).len();
                }
            };
            mark(start, &mut place.start, &shown);
            mark(end, &mut place.end, &shown);
            shown += &printable(&content[cut.clone()]);
            if ends {
                shown.push('\n');
            }
            at += whole.len();
        }
        place.end = place.end.max(place.start);
        Self { name: printable(&source.name).into_owned(), text: shown, span: place, line, column }
    }
}

/// The part of a line that is shown: all of a short one, else what stands about byte `aim`.
fn window(line: &str, aim: usize) -> Range<usize> {
    if line.len() <= LONGEST_LINE {
        return 0..line.len();
    }
    let start = floor(line, aim.saturating_sub(LONGEST_LINE / 4));
    start..floor(line, start + LONGEST_LINE)
}

/// The last character boundary at or before a byte.
fn floor(text: &str, byte: usize) -> usize {
    let mut at = byte.min(text.len());
    while !text.is_char_boundary(at) {
        at -= 1;
    }
    at
}

/// Control characters (but line breaks and tabs) as what they are called, so that a terminal shows them and does not obey.
fn printable(text: &str) -> Cow<'_, str> {
    let obeyed = |c: char| c.is_control() && c != '\n' && c != '\t';
    if !text.contains(obeyed) {
        return Cow::Borrowed(text);
    }
    let each = |c: char| if obeyed(c) { c.escape_default().to_string() } else { c.to_string() };
    Cow::Owned(text.chars().map(each).collect())
}

/// A message as it is shown: printable, and cut in the middle where a name within it is endless.
fn shown(text: &str) -> String {
    let text = printable(text);
    if text.len() <= LONGEST_MESSAGE {
        return text.into_owned();
    }
    let (head, tail) =
        (floor(&text, LONGEST_MESSAGE / 2), floor(&text, text.len() - LONGEST_MESSAGE / 4));
    format!("{} ... {}", &text[..head], &text[tail..])
}

impl SourceCode for Excerpt {
    fn read_span<'a>(
        &'a self,
        span: &SourceSpan,
        before: usize,
        after: usize,
    ) -> Result<Box<dyn SpanContents<'a> + 'a>, MietteError> {
        let part = self.text.read_span(span, before, after)?;
        Ok(Box::new(MietteSpanContents::new_named(
            self.name.clone(),
            part.data(),
            *part.span(),
            part.line() + self.line,
            part.column() + if part.line() == 0 { self.column } else { 0 },
            part.line_count(),
        )))
    }
}

/// A diagnostic as it is shown, with its excerpt.
struct Located {
    diagnostic: Diagnostic,
    excerpt: Option<Excerpt>,
}

impl Located {
    fn new(diagnostic: &Diagnostic) -> Self {
        let excerpt = diagnostic.place.as_ref().map(|(s, span, _)| Excerpt::new(s, span));
        let place = diagnostic
            .place
            .as_ref()
            .zip(excerpt.as_ref())
            .map(|((s, _, label), e)| (s.clone(), e.span.clone(), shown(label)));
        let (message, help) = (shown(&diagnostic.message), shown(&diagnostic.help));
        Self { diagnostic: Diagnostic { code: diagnostic.code, message, place, help }, excerpt }
    }
}

impl fmt::Debug for Located {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.diagnostic.fmt(f)
    }
}
impl fmt::Display for Located {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.diagnostic, f)
    }
}
impl std::error::Error for Located {}
impl miette::Diagnostic for Located {
    fn code<'a>(&'a self) -> Option<Box<dyn fmt::Display + 'a>> {
        self.diagnostic.code()
    }
    fn help<'a>(&'a self) -> Option<Box<dyn fmt::Display + 'a>> {
        self.diagnostic.help()
    }
    fn labels(&self) -> Option<Box<dyn Iterator<Item = LabeledSpan> + '_>> {
        self.diagnostic.labels()
    }
    fn source_code(&self) -> Option<&dyn SourceCode> {
        self.excerpt.as_ref().map(|e| e as &dyn SourceCode)
    }
}

/// What is wrong with an input, for a person: the first problems in full, and how many there are.
pub fn render(diagnostics: &[Diagnostic], colour: bool) -> String {
    let theme = if colour { GraphicalTheme::unicode() } else { GraphicalTheme::unicode_nocolor() };
    let handler = GraphicalReportHandler::new_themed(theme).with_width(100).with_links(false);
    let mut text = String::new();
    for diagnostic in diagnostics.iter().take(MOST_SHOWN) {
        let mut report = String::new();
        if handler.render_report(&mut report, &Located::new(diagnostic)).is_err() {
            report = shown(&diagnostic.short());
        }
        let _ = writeln!(text, "{}", report.trim_end());
    }
    if let more @ 1.. = diagnostics.len().saturating_sub(MOST_SHOWN) {
        let _ = writeln!(text, "and {more} more problems");
    }
    text
}

/// The nearest of `names`, where one is near enough to be what was meant.
pub fn nearest<'a>(name: &str, names: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let allowed = |n: &str| 1 + n.len() / 3;
    // names whose lengths differ by more are not near; a name may be as long as a file
    let length = name.chars().count();
    let close = |n: &&str| {
        length.abs_diff(n.chars().count()) <= allowed(n) && letters_differ(name, n) <= allowed(n)
    };
    let scored = names.into_iter().filter(close).map(|n| (strsim::osa_distance(name, n), n));
    scored.filter(|(d, n)| *d <= allowed(n)).min().map(|(_, n)| n)
}

/// Letters of one name that the other has not, in whichever there are more: at most the edits between them, at a tenth of the
/// price. Of names beyond ASCII, 0.
fn letters_differ(a: &str, b: &str) -> usize {
    if !(a.is_ascii() && b.is_ascii()) {
        return 0;
    }
    let mut surplus = [0_i32; 128];
    a.bytes().for_each(|c| surplus[usize::from(c)] += 1);
    b.bytes().for_each(|c| surplus[usize::from(c)] -= 1);
    let (more, less) = surplus.iter().fold((0, 0), |(m, l), s| (m + s.max(&0), l - s.min(&0)));
    usize::try_from(more.max(less)).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::{Diagnostic, Excerpt, LONGEST_MESSAGE, Source, nearest, render};

    fn source(text: &str) -> Source {
        Source { name: "s.toml".into(), text: Arc::from(text) }
    }

    #[test]
    fn an_excerpt_shows_the_place_and_its_neighbours_only() {
        let text = "first\nsecond\nthird = 3\nfourth\nfifth\n";
        let at = text.find('3').unwrap();
        let excerpt = Excerpt::new(&source(text), &(at..at + 1));
        assert_eq!(excerpt.text, "second\nthird = 3\nfourth\n");
        assert_eq!(&excerpt.text[excerpt.span.clone()], "3");
        assert_eq!(excerpt.line, 1);
    }

    #[test]
    fn a_line_without_end_is_shown_about_the_place() {
        let text = format!("{} = 1\nb = 2\n", "k".repeat(1_000_000));
        let diagnostic =
            Diagnostic::at("c", format!("unknown {text}"), &source(&text), 0..1_000_000, "no", "");
        let said = render(&[diagnostic], false);
        assert!(said.len() < 3 * LONGEST_MESSAGE, "{}", said.len());
        assert!(said.contains("s.toml:1:1"), "{said}");
        let at = 500_000;
        let excerpt = Excerpt::new(&source(&text), &(at..at + 2));
        assert_eq!(&excerpt.text[excerpt.span.clone()], "kk");
        assert_eq!(excerpt.column + excerpt.span.start, at);
    }

    #[test]
    fn control_characters_are_shown_and_not_obeyed() {
        let text = "a = \"\u{1b}[2Jx\u{7}\"\n";
        let message = "unknown \u{1b}]0;title\u{7}".to_owned();
        let at = text.find('x').unwrap();
        let diagnostic = Diagnostic::at("c", message, &source(text), at..at + 1, "here", "");
        let said = render(&[diagnostic], false);
        assert!(!said.contains(|c: char| c.is_control() && c != '\n'), "{said:?}");
        assert!(said.contains("\\u{1b}[2Jx"), "{said}");
    }

    #[test]
    fn thousands_of_problems_are_counted_and_a_few_shown() {
        let text = "k = 1\n".repeat(5000);
        let all: Vec<_> = (0..5000)
            .map(|k| {
                Diagnostic::at(
                    "c",
                    format!("problem {k}"),
                    &source(&text),
                    6 * k..6 * k + 1,
                    "",
                    "",
                )
            })
            .collect();
        let said = render(&all, false);
        assert!(said.contains("problem 19") && !said.contains("problem 20"));
        assert!(said.ends_with("and 4980 more problems\n"), "{}", said.len());
    }

    #[test]
    fn a_slip_finds_its_name_and_nonsense_none() {
        let names = ["stop.max_iterations", "stop.max_evaluations", "scf.steps"];
        assert_eq!(nearest("scf.stpes", names), Some("scf.steps"));
        assert_eq!(nearest("stop.max_iteration", names), Some("stop.max_iterations"));
        assert_eq!(nearest("colour", names), None);
        assert_eq!(nearest(&"x".repeat(1_000_000), names), None);
    }
}
