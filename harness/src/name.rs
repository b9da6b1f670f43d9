//! Names that become a part of a path.

use thiserror::Error;

/// Most bytes of a name: a file system takes 255, and a temporary name is longer than the name.
const LONGEST: usize = 100;

/// Why a name is no safe path component.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
#[error("{name:?} cannot be the name of a folder: {why}")]
pub struct NameError {
    /// The name, shortened where it is long.
    pub name: String,
    /// What is wrong with it.
    pub why: &'static str,
}

/// Whether `name` is one safe component of a path on every system, so that nothing is written outside the folder that it is
/// joined to: not empty, not hidden, no separator, no control character, none of the characters that Windows refuses.
///
/// ```
/// use cotangent_harness::name::check_name;
/// assert!(check_name("arm, 2nd try").is_ok());
/// assert_eq!(check_name("../escaped").unwrap_err().why, "it begins with a dot");
/// ```
///
/// # Errors
/// [`NameError`] says what is wrong.
pub fn check_name(name: &str) -> Result<(), NameError> {
    let forbidden = |c: char| "/\\<>:\"|?*".contains(c);
    let why = if name.is_empty() {
        "it is empty"
    } else if name.len() > LONGEST {
        "it is longer than 100 bytes"
    } else if name.starts_with('.') {
        "it begins with a dot"
    } else if name.starts_with('-') {
        "it begins with a dash, as options do"
    } else if name.ends_with(['.', ' ']) || name.starts_with(' ') {
        "it begins or ends with a space, or ends with a dot"
    } else if name.chars().any(char::is_control) {
        "it has a control character"
    } else if name.chars().any(forbidden) {
        "it has one of the characters / \\ < > : \" | ? *"
    } else {
        return Ok(());
    };
    Err(NameError { name: name.chars().take(60).collect(), why })
}

#[cfg(test)]
mod tests {
    use super::check_name;

    #[test]
    fn a_name_stays_within_its_folder() {
        for name in ["arm", "thrown-ball", "a b", "H₂ dissociation", "x.y", "latest", "2"] {
            assert_eq!(check_name(name), Ok(()), "{name}");
        }
        let long = "n".repeat(101);
        for name in [
            "",
            ".",
            "..",
            "../../../escaped",
            "/abs",
            "a/b",
            "a\\b",
            "C:",
            ".hidden",
            "-rf",
            "a\nb",
            "a\u{1b}[2J",
            "nul\0",
            "dot.",
            "space ",
            " space",
            "what?",
            &long,
        ] {
            let error = check_name(name).unwrap_err();
            assert!(error.to_string().contains("cannot be the name of a folder"), "{error}");
        }
    }
}
