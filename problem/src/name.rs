//! Names of quantities, and patterns that match them.
//!
//! A name is a row of segments joined by dots: `actuator.lift.control`. A segment that holds a dot, a star, a slash, a space, a
//! quote or a bracket is quoted: `body."left.arm".mass`. An element without a name of its own is counted: `body[3].mass`.
//! In a pattern `*` stands for any text within one segment.

/// `text` as a segment of a name, quoted where that is needed.
///
/// ```
/// use cotangent_problem::name::segment;
/// assert_eq!(segment("tip"), "tip");
/// assert_eq!(segment("left.arm"), "\"left.arm\"");
/// ```
pub fn segment(text: &str) -> String {
    let plain = |c: char| !(c.is_whitespace() || ".*/\"[]\\".contains(c));
    if !text.is_empty() && text.chars().all(plain) {
        return text.to_owned();
    }
    format!("\"{}\"", text.replace('\\', "\\\\").replace('"', "\\\""))
}

/// The segment of element `index` of a kind: its own name, or its number where it has none: `site.tip`, `site[2]`.
pub fn element(kind: &str, name: &str, index: usize) -> String {
    if name.is_empty() { format!("{kind}[{index}]") } else { format!("{kind}.{}", segment(name)) }
}

/// The segments of a name or pattern, quotes and escapes kept.
fn segments(name: &str) -> Vec<&str> {
    let (mut parts, mut first) = (Vec::new(), 0);
    let (mut quoted, mut escaped) = (false, false);
    for (k, c) in name.char_indices() {
        match c {
            _ if escaped => escaped = false,
            '\\' if quoted => escaped = true,
            '"' => quoted = !quoted,
            '.' if !quoted => {
                parts.push(&name[first..k]);
                first = k + 1;
            }
            _ => {}
        }
    }
    parts.push(&name[first..]);
    parts
}

/// Whether `pattern` matches `name`: segment by segment, `*` for any text within one.
///
/// ```
/// use cotangent_problem::name::matches;
/// assert!(matches("actuator.*.control", "actuator.lift.control"));
/// assert!(matches("body.left_*.mass", "body.left_arm.mass"));
/// assert!(!matches("actuator.*", "actuator.lift.control"));
/// ```
pub fn matches(pattern: &str, name: &str) -> bool {
    let (pattern, name) = (segments(pattern), segments(name));
    pattern.len() == name.len() && pattern.iter().zip(name).all(|(p, n)| segment_matches(p, n))
}

/// `*` matches any run of characters; a quoted pattern matches only itself.
fn segment_matches(pattern: &str, text: &str) -> bool {
    if pattern.starts_with('"') {
        return pattern == text;
    }
    let mut pieces = pattern.split('*');
    let first = pieces.next().unwrap_or_default();
    let Some(mut rest) = text.strip_prefix(first) else { return false };
    let mut pieces: Vec<&str> = pieces.collect();
    let Some(last) = pieces.pop() else { return rest.is_empty() };
    for piece in pieces {
        match rest.find(piece) {
            Some(k) => rest = &rest[k + piece.len()..],
            None => return false,
        }
    }
    rest.ends_with(last)
}

/// Whether a text is a pattern rather than a name: an unquoted `*`.
pub fn is_pattern(text: &str) -> bool {
    segments(text).iter().any(|s| !s.starts_with('"') && s.contains('*'))
}

#[cfg(test)]
mod tests {
    use super::{element, is_pattern, matches, segment, segments};

    #[test]
    fn names_that_are_printed_match_themselves_and_nothing_else() {
        for odd in ["a.b", "a*b", "x/y", "two words", "", "q\"uote", "br[0]", "back\\slash"] {
            let name = format!("body.{}.mass", segment(odd));
            assert_eq!(segments(&name).len(), 3, "{name}");
            assert!(matches(&name, &name) && !is_pattern(&name), "{name}");
            assert!(matches("body.*.mass", &name));
            assert!(!matches(&name, "body.other.mass"));
        }
        assert_eq!(element("site", "", 2), "site[2]");
    }

    #[test]
    fn a_star_stays_within_its_segment_and_pieces_stand_in_order() {
        assert!(matches("a*b*c.x", "aXbYc.x") && matches("*", "whole") && matches("a*", "a"));
        assert!(
            !matches("a*b*c.x", "acb.x") && !matches("*", "two.parts") && !matches("ab*b", "ab")
        );
    }
}
