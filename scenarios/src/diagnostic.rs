//! What is wrong with an input, where, and what to do about it.

use std::borrow::Cow;
use std::fmt;
use std::ops::Range;
use std::sync::Arc;

/// Most characters of a message that are shown.
pub const LONGEST_MESSAGE: usize = 600;

/// Code of settings that contradict each other.
pub(crate) const CONTRADICTION: &str = "cotangent::scenario::contradiction";

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

/// Where something is wrong.
#[derive(Clone, Debug)]
pub struct Place {
    /// The text.
    pub source: Source,
    /// Bytes of it.
    pub span: Range<usize>,
    /// What stands beside the underlined characters.
    pub label: String,
}

/// One problem.
#[derive(Clone, Debug)]
pub struct Diagnostic {
    /// Stable name, such as `cotangent::scenario::unknown_key`.
    pub code: &'static str,
    /// What is wrong.
    pub message: String,
    /// Where, if in a text.
    pub place: Option<Box<Place>>,
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
        let place = Some(Box::new(Place { source: source.clone(), span, label: label.into() }));
        Self { code, message: message.into(), place, help: help.into() }
    }

    /// A problem without a place.
    pub fn plain(code: &'static str, message: impl Into<String>, help: impl Into<String>) -> Self {
        Self { code, message: message.into(), place: None, help: help.into() }
    }

    /// For machines: code, message, help, and where it stands (lines and columns count from 1).
    pub fn to_json(&self) -> serde_json::Value {
        let place = self.place.as_deref().map(|Place { source, span, .. }| {
            let (line, column) = source.position(span.start);
            serde_json::json!({ "file": source.name, "line": line, "column": column })
        });
        serde_json::json!({ "code": self.code, "message": shown(&self.message), "help": shown(&self.help), "place": place })
    }

    /// `file:line:column: message`, for editors.
    pub fn short(&self) -> String {
        let Some(Place { source, span, .. }) = self.place.as_deref() else {
            return self.message.clone();
        };
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

/// The last character boundary at or before a byte.
pub fn floor(text: &str, byte: usize) -> usize {
    let mut at = byte.min(text.len());
    while !text.is_char_boundary(at) {
        at -= 1;
    }
    at
}

/// Control characters (but line breaks and tabs) as what they are called, so that a terminal shows them and does not obey.
pub fn printable(text: &str) -> Cow<'_, str> {
    let obeyed = |c: char| c.is_control() && c != '\n' && c != '\t';
    if !text.contains(obeyed) {
        return Cow::Borrowed(text);
    }
    let each = |c: char| if obeyed(c) { c.escape_default().to_string() } else { c.to_string() };
    Cow::Owned(text.chars().map(each).collect())
}

/// A message as it is shown: printable, and cut in the middle where a name within it is endless.
pub fn shown(text: &str) -> String {
    let text = printable(text);
    if text.len() <= LONGEST_MESSAGE {
        return text.into_owned();
    }
    let (head, tail) =
        (floor(&text, LONGEST_MESSAGE / 2), floor(&text, text.len() - LONGEST_MESSAGE / 4));
    format!("{} ... {}", &text[..head], &text[tail..])
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
    use super::nearest;

    #[test]
    fn a_slip_finds_its_name_and_nonsense_none() {
        let names = ["stop.max_iterations", "stop.max_evaluations", "scf.steps"];
        assert_eq!(nearest("scf.stpes", names), Some("scf.steps"));
        assert_eq!(nearest("stop.max_iteration", names), Some("stop.max_iterations"));
        assert_eq!(nearest("colour", names), None);
        assert_eq!(nearest(&"x".repeat(1_000_000), names), None);
    }
}
