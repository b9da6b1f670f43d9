//! Bad input: file, line, key, the offending text, a remedy; exit 2; nothing is made.

use super::place::{Place, names, stderr};

/// Runs a scenario with some text replaced and compares what it says.
fn refused(name: &str, replace: &[(&str, &str)], words: &[&str]) {
    let place = Place::with_scenario(replace);
    let all: Vec<&str> = ["run", "scenario.toml"].iter().chain(words).copied().collect();
    let output = place.run(&all);
    assert_eq!(output.status.code(), Some(2), "{name}: {}", stderr(&output));
    assert!(output.stdout.is_empty(), "{name}: nothing on stdout");
    assert_eq!(names(place.path("").as_path()), ["scenario.toml"], "{name}: nothing was made");
    insta::assert_snapshot!(name, stderr(&output));
}

macro_rules! cases {
    ($($name:ident: [$($from:literal => $to:literal),*] $(, $word:literal)*;)*) => { $(
        #[test]
        fn $name() {
            refused(stringify!($name), &[$(($from, $to)),*], &[$($word),*]);
        }
    )* };
}

cases! {
    unknown_key: ["global_features" => "global_featurs"];
    unknown_table: ["[validate]" => "[validat]"];
    key_of_no_table: ["name = \"small\"" => "name = \"small\"\ncolour = \"red\""];
    unknown_kind: ["\"dft-1d\"" => "\"dft-2d\""];
    kind_of_wrong_type: ["kind = \"dft-1d\"" => "kind = 3"];
    missing_kind: ["kind = \"dft-1d\"" => "seed = 1"];
    missing_key: ["[test]\nseparations = [1.92, 3.2]" => ""];
    number_as_text: ["points = 161" => "points = \"many\""];
    text_as_number: ["name = \"small\"" => "name = 7"];
    flag_as_number: ["better_than_lda = false" => "better_than_lda = 0"];
    number_as_list: ["spacing = 0.16" => "spacing = [0.16]"];
    list_as_number: ["separations = [2.56]" => "separations = 2.56"];
    fraction_of_a_count: ["steps = 8" => "steps = 8.5"];
    out_of_bounds: ["steps = 8" => "steps = 0"];
    not_finite: ["spacing = 0.16" => "spacing = nan"];
    integer_too_large: ["points = 161" => "points = 99999999999999999999"];
    wrong_dimension: ["spacing = 0.16" => "spacing = \"0.16 eV\""];
    unknown_unit: ["spacing = 0.16" => "spacing = \"0.16 borh\""];
    unit_on_a_pure_number: ["loss_reduction = 2.0" => "loss_reduction = \"2 m\""];
    malformed_quantity: ["spacing = 0.16" => "spacing = \"a bit\""];
    even_grid: ["points = 161" => "points = 160"];
    nuclei_off_the_grid: ["[1.28, 3.84]" => "[1.3, 3.84]"];
    nuclei_outside_the_box: ["[1.28, 3.84]" => "[1.28, 25.6]"];
    wrong_electron_count: ["[train]" => "[molecule]\nelectrons = 1\n\n[train]"];
    negative_charge: ["[train]" => "[molecule]\ncharge = -1.0\n\n[train]"];
    trained_and_tested: ["[1.92, 3.2]" => "[1.92, 3.84]"];
    nothing_to_train_on: ["[1.28, 3.84]" => "[]"];
    no_step_left: ["skip_steps = 5" => "skip_steps = 8"];
    no_weight: ["skip_steps = 5" => "skip_steps = 5\nenergy_weight = 0.0\ndensity_weight = 0.0"];
    unknown_method: ["[stop]" => "[optimizer]\nmethod = \"lbfgs\"\n\n[stop]"];
    method_needs_residuals: ["[stop]" => "[optimizer]\nmethod = \"gauss-newton\"\n\n[stop]"];
    option_of_another_method: ["[stop]" => "[optimizer]\nlearning_rate = 0.1\n\n[stop]"];
    syntax: ["hidden = [4]" => "hidden = [4"];
    the_same_key_twice: ["points = 161" => "points = 161\npoints = 163"];
    several_at_once: ["points = 161" => "points = 160", "steps = 8" => "stepz = 8", "hidden = [4]" => "hidden = 4"];
    override_of_no_key: [], "--set", "scf.stepz=3";
    override_without_value: [], "--set", "scf.steps";
    override_out_of_bounds: [], "--set", "scf.steps=-3";
    seed_is_no_number: [], "--seed", "many";
    no_threads: [], "--threads", "0";
}

#[test]
fn a_missing_scenario_is_an_input_output_failure() {
    let place = Place::new();
    let output = place.run(&["run", "absent.toml"]);
    assert_eq!(output.status.code(), Some(4));
    insta::assert_snapshot!(stderr(&output));
    assert!(names(place.path("").as_path()).is_empty());
}

#[test]
fn errors_are_data_too() {
    let place = Place::with_scenario(&[("steps = 8", "stepz = 8")]);
    let output = place.run(&["check", "scenario.toml", "--format", "json"]);
    assert_eq!(output.status.code(), Some(2));
    insta::assert_snapshot!(super::place::stdout(&output));
}

#[test]
fn init_overwrites_nothing_unasked_and_names_the_nearest_kind() {
    let place = Place::new();
    assert_eq!(place.run(&["init", "dft-1d"]).status.code(), Some(0));
    assert_eq!(place.run(&["init", "dft-1d"]).status.code(), Some(2));
    assert_eq!(place.run(&["init", "dft-1d", "--force"]).status.code(), Some(0));
    let output = place.run(&["init", "dft1d"]);
    assert_eq!(output.status.code(), Some(2));
    insta::assert_snapshot!(stderr(&output));
}
