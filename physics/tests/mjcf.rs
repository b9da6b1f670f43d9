//! What the reader says about files that it cannot read: the problem and its line.

#![allow(clippy::unwrap_used, reason = "a test may end")]

use cotangent_physics::io::mjcf::{MjcfError, read_mjcf};

/// One line an element; `{}` takes the line under test, line 4.
fn refused(line: &str) -> MjcfError {
    let text = format!(
        "<mujoco>\n<worldbody>\n<body name=\"a\"><joint name=\"j\" axis=\"0 1 0\"/><geom name=\"g\" size=\".1\"/>\n\
         {line}\n</body>\n</worldbody>\n</mujoco>"
    );
    read_mjcf(&text).unwrap_err()
}

#[test]
fn problems_are_named_with_their_line() {
    let cases = [
        ("<geom size=\".1\" mass=\"-2\"/>", "mass of a geom is -2"),
        ("<geom size=\"0\"/>", "every size must be finite and positive"),
        ("<geom type=\"mesh\" mesh=\"bunny\"/>", "attribute `mesh` of `geom` is not supported"),
        ("<geom type=\"hfield\"/>", "`type=\"hfield\"`: sphere or capsule"),
        ("<geom type=\"plane\"/>", "a plane on the world only"),
        ("<geom size=\".1\" euler=\"0 0 1\" quat=\"1 0 0 0\"/>", "exclude each other"),
        ("<geom size=\"nan\"/>", "expected 1 to 3 finite numbers"),
        ("<geom name=\"g\" size=\".1\"/>", "two geoms are named `g`"),
        ("<geom class=\"limb\" size=\".1\"/>", "no default class is named `limb`"),
        ("<body pos=\"0 0\"/>", "expected 3 finite numbers"),
        ("<body name=\"a\"/>", "two bodys are named `a`"),
        ("<body gravcomp=\"1\"/>", "attribute `gravcomp` of `body`"),
        ("<body><freejoint/></body>", "a free joint must be the only joint"),
        ("<body><joint type=\"ball\"/></body>", "moves no inertia"),
        ("<body><joint axis=\"0 0 0\"/></body>", "is zero"),
        ("<body><joint type=\"gimbal\"/></body>", "hinge or slide or ball or free is supported"),
        ("<body><joint frictionloss=\"1\"/></body>", "attribute `frictionloss`"),
        ("<body><joint damping=\"-1\"/></body>", "damping of  is -1"),
        ("<body><joint limited=\"true\"/></body>", "`joint` needs `range`"),
        ("<inertial mass=\"1\" diaginertia=\"1 1 1\"/>", "`inertial` needs `pos`"),
        ("<inertial pos=\"0 0 0\" mass=\"-1\" diaginertia=\"1 1 1\"/>", "is -1"),
        ("<composite/>", "element `composite` in `body` is not supported"),
        ("<geom size=\".1\"", "not well-formed XML"),
    ];
    for (line, expected) in cases {
        let error = refused(line);
        assert!(error.to_string().contains(expected), "{line}: {error}");
        let whole = expected == "moves no inertia"; // known when the whole model is
        let malformed = expected.contains("XML");
        assert!(whole || malformed || error.line == 4, "{line}: {error}");
    }
}

#[test]
fn sections_are_known_or_refused() {
    let cases = [
        ("<tendon/>", "element `tendon` in `mujoco`"),
        ("<include file=\"other.xml\"/>", "element `include` in `mujoco`"),
        ("<asset><mesh file=\"a.stl\"/></asset>", "element `mesh` in `asset`"),
        ("<actuator><position joint=\"j\"/></actuator>", "element `position` in `actuator`"),
        ("<actuator><motor joint=\"k\"/></actuator>", "no joint is named `k`; there is none"),
        ("<option integrator=\"implicit\"/>", "Euler or RK4 is supported"),
        ("<option timestep=\"0\"/>", "a positive number"),
        ("<option wind=\"1 0 0\"/>", "attribute `wind` of `option`"),
        ("<default><tendon/></default>", "element `tendon` in `default`"),
        ("<default><default/></default>", "needs `class`"),
        ("<compiler eulerseq=\"abc\"/>", "three letters of xyzXYZ"),
    ];
    for (section, expected) in cases {
        let error = read_mjcf(&format!("<mujoco>\n{section}\n</mujoco>")).unwrap_err();
        assert!(error.to_string().contains(expected), "{section}: {error}");
        assert_eq!(error.line, 2, "{section}: {error}");
    }
    let error = read_mjcf("<robot/>").unwrap_err();
    assert!(error.to_string().contains("not `mujoco`"));
    // entities that name each other, and a document type at all
    let cyclic = "<!DOCTYPE m [<!ENTITY a \"&b;\"><!ENTITY b \"&a;\">]>\n<mujoco>&a;</mujoco>";
    assert!(read_mjcf(cyclic).unwrap_err().to_string().contains("XML"));
}

#[test]
fn the_span_is_the_attribute() {
    let text = "<mujoco><option timestep=\"fast\"/></mujoco>";
    let error = read_mjcf(text).unwrap_err();
    assert_eq!(&text[error.span.clone()], "timestep=\"fast\"");
    assert_eq!((error.line, error.column), (1, 17));
}

#[test]
fn what_is_not_simulated_is_noted() {
    let body =
        "<body><joint name=\"j\" range=\"0 1\"/><geom size=\".1\"/><geom size=\".2\"/></body>";
    let read = |option: &str| {
        read_mjcf(&format!("<mujoco>{option}\n<worldbody>{body}</worldbody></mujoco>"))
            .unwrap()
            .notes
    };
    let notes = read("");
    assert_eq!(notes.len(), 2);
    assert!(notes.iter().all(|n| n.line == 2));
    assert!(read("<option><flag constraint=\"disable\"/></option>").is_empty());
}
