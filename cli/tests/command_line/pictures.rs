//! Kind `pictures` from the outside: what is wrong with a mesh or a picture is named with its place, and a few
//! iterations give the same bits on any number of threads.

use super::place::{Place, stderr, stdout, timeless};

/// The files of the template (`two-views`), the scenario's text replaced.
fn place(replace: &[(&str, &str)]) -> Place {
    let place = Place::new();
    let made = place.run(&["init", "pictures", "."]);
    assert_eq!(made.status.code(), Some(0), "{}", stderr(&made));
    let mut text = place.read("scenario.toml");
    for (from, to) in replace {
        assert!(text.contains(from), "{from:?} is in the scenario");
        text = text.replace(from, to);
    }
    place.write("scenario.toml", &text);
    place
}

/// `check` refuses with exit code 2 and says all of these.
fn refused(place: &Place, words: &[&str]) {
    let output = place.run(&["check", "scenario.toml"]);
    let said = stderr(&output);
    assert_eq!(output.status.code(), Some(2), "{said}");
    for word in words {
        assert!(said.contains(word), "{word:?} is in {said}");
    }
}

const TRIANGLE: &str = "v 0 0 0\nv 1 0 0\nv 0 1 0\n";

#[test]
fn a_mesh_that_is_none_is_refused_at_its_line() {
    let place = place(&[]);
    let cases = [
        ("v 0 0 0\n".to_owned(), "the mesh has no faces"),
        (TRIANGLE.replace("v 1 0", "v nan 0") + "f 1 2 3\n", "line 2: vertex 1"),
        (TRIANGLE.to_owned() + "f 1 2 2\n", "line 4: the mesh has no faces"),
        (TRIANGLE.to_owned() + "f 1 2 7\n", "line 4: vertex 7"),
        (TRIANGLE.to_owned() + "f 1 two 3\n", "line 4: `two`"),
    ];
    for (mesh, words) in cases {
        place.write("letter-f.obj", &mesh);
        refused(&place, &[words, "letter-f.obj", "scenario.toml:23"]);
    }
}

#[test]
fn files_that_are_missing_or_do_not_fit_are_named() {
    let front = "\"two-views-front.exr\"";
    refused(&place(&[("letter-f.obj", "letter-g.obj")]), &["letter-g.obj", "scenario.toml:23"]);
    refused(&place(&[(front, "\"no.exr\"")]), &["no.exr", "scenario.toml:65"]);
    refused(&place(&[(front, "\"letter-f.obj\"")]), &[".exr", "scenario.toml:65"]);
    refused(&place(&[("width = 64", "width = 65")]), &["64 x 48 pixels", "48 x 65"]);
}

#[test]
fn values_that_contradict_are_named() {
    let albedo = "albedo = [0.5, 0.5, 0.5]";
    refused(&place(&[(albedo, "albedo = [0.5, 0.5]")]), &["`albedo`", "three numbers"]);
    refused(&place(&[(albedo, "albedo = [0.5, 0.5, 1.35]")]), &["`albedo`", "1.35"]);
    refused(&place(&[("side_b = [0.0, 0.0, 0.35]", "side_b = [0.7, 0.0, 0.0]")]), &["no area"]);
    let lamp = "[[lamp]]\nlabel = \"a\"\nposition = []\ndirection = [0, -1, 0]\nintensity = [1, 1, 1]\n\n[[camera]]\nlabel = \"front\"";
    refused(&place(&[("[[camera]]\nlabel = \"front\"", lamp)]), &["`position`", "three numbers"]);
    let aimless = ("target = [0.15, 0.62, 0.0]", "target = [0.3, 1.9, 4.2]");
    refused(&place(&[aimless]), &["camera `front`"]);
}

/// A letter that stands in the floor is named where it moves, by its name or by a pattern, and not where it is still.
#[test]
fn meshes_that_cut_through_each_other_are_named_where_one_moves() {
    let said = |height: &str, free: &str| {
        let place = place(&[("translation = [0.1, 0.6, 0.0]", height)]);
        let text = place.read("scenario.toml");
        let scene = text.split("[[parameter]]").next().unwrap();
        let asked = "[[term]]\noutput = \"camera.front.image\"\ntarget = \"two-views-front.exr\"\n";
        let parameter = format!("[[parameter]]\nname = \"{free}\"\n");
        place.write("scenario.toml", &format!("{scene}{parameter}{asked}"));
        let output = place.run(&["check", "scenario.toml"]);
        assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
        stderr(&output) + &stdout(&output)
    };
    let (sunk, above) = ("translation = [0.1, 0.3, 0.0]", "translation = [0.1, 0.6, 0.0]");
    let words = "meshes `floor` and `letter` cut through each other";
    for free in ["mesh.letter.translation", "mesh.*.translation", "mesh.letter.vertices"] {
        assert!(said(sunk, free).contains(words), "{free}: {}", said(sunk, free));
        assert!(!said(above, free).contains("cut through"), "{free}: nothing cuts");
    }
    assert!(!said(sunk, "mesh.letter.albedo").contains("cut through"), "nothing that cuts moves");
}

#[test]
fn one_two_and_three_threads_give_the_same_bits() {
    let place = place(&[("max_evaluations = 60", "max_evaluations = 3")]);
    let histories = ["1", "2", "3"].map(|threads| {
        let set = ["--set", "samples.paths=2", "--set", "samples.shadow_points=1"];
        let words = ["run", "scenario.toml", "--out", threads, "--threads", threads, "--quiet"];
        let output = place.run(&[words.as_slice(), &set].concat());
        assert_eq!(output.status.code(), Some(1), "{}", stderr(&output));
        assert!(place.path(threads).join("plots/derivatives.svg").exists(), "what moved is drawn");
        timeless(&place.read(&format!("{threads}/history.csv")))
    });
    assert_eq!(histories[0], histories[1]);
    assert_eq!(histories[0], histories[2]);
    assert!(histories[0].len() > 2, "a start and a step");
}
