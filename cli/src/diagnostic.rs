//! What is wrong with an input, as a terminal shows it: the message, the place with its neighbours, and what to do.

use std::fmt::{self, Write as _};
use std::ops::Range;

use cotangent_scenarios::diagnostic::{Diagnostic, Place, Source, floor, printable, shown};
use miette::{
    GraphicalReportHandler, GraphicalTheme, LabeledSpan, MietteError, MietteSpanContents, Severity,
    SourceCode, SourceSpan, SpanContents,
};

/// Problems that are shown: who has more mends some and looks again.
const MOST_SHOWN: usize = 20;
/// Problems that are given as data.
pub const MOST_AS_DATA: usize = 200;
/// Most characters of a line of a file that are shown.
const LONGEST_LINE: usize = 160;

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
        let excerpt = diagnostic.place.as_ref().map(|p| Excerpt::new(&p.source, &p.span));
        let place = diagnostic.place.as_ref().zip(excerpt.as_ref()).map(|(place, excerpt)| {
            let (source, span) = (place.source.clone(), excerpt.span.clone());
            Box::new(Place { source, span, label: shown(&place.label) })
        });
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
        Some(Box::new(self.diagnostic.code))
    }
    fn severity(&self) -> Option<Severity> {
        Some(Severity::Error)
    }
    fn help<'a>(&'a self) -> Option<Box<dyn fmt::Display + 'a>> {
        let help = &self.diagnostic.help;
        (!help.is_empty()).then(|| Box::new(help) as Box<dyn fmt::Display>)
    }
    fn labels(&self) -> Option<Box<dyn Iterator<Item = LabeledSpan> + '_>> {
        let Place { span, label, .. } = self.diagnostic.place.as_deref()?;
        let span = LabeledSpan::new(Some(label.clone()), span.start, span.len().max(1));
        Some(Box::new(std::iter::once(span)))
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

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::{Diagnostic, Excerpt, Source, render};
    use cotangent_scenarios::diagnostic::LONGEST_MESSAGE;

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
}
