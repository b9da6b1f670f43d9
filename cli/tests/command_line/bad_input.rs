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
    missing_key: ["[test]\nmolecules = [\"H R H: 1.92, 3.2\"]" => ""];
    number_as_text: ["points = 161" => "points = \"many\""];
    text_as_number: ["name = \"small\"" => "name = 7"];
    flag_as_number: ["steps = 8" => "steps = 8\nmirror_symmetric = 0"];
    number_as_list: ["spacing = 0.16" => "spacing = [0.16]"];
    list_as_number: ["molecules = [\"H R H: 2.56\"]" => "molecules = 2.56"];
    number_in_a_list_of_texts: ["[\"H R H: 2.56\"]" => "[\"H R H: 2.56\", 3]"];
    fraction_of_a_count: ["steps = 8" => "steps = 8.5"];
    out_of_bounds: ["steps = 8" => "steps = 0"];
    not_finite: ["spacing = 0.16" => "spacing = nan"];
    integer_too_large: ["points = 161" => "points = 99999999999999999999"];
    wrong_dimension: ["spacing = 0.16" => "spacing = \"0.16 eV\""];
    unknown_unit: ["spacing = 0.16" => "spacing = \"0.16 borh\""];
    unit_on_a_pure_number: ["loss_reduction = 2.0" => "loss_reduction = \"2 m\""];
    malformed_quantity: ["spacing = 0.16" => "spacing = \"a bit\""];
    even_grid: ["points = 161" => "points = 160"];
    nuclei_off_the_grid: ["R H: 1.28" => "R H: 1.3, 1.5"];
    nuclei_outside_the_box: ["1.28, 3.84" => "1.28, 25.6"];
    too_many_electrons: ["[\"H R H: 2.56\"]" => "[\"B\"]"];
    negative_charge: ["[\"H R H: 2.56\"]" => "[\"Z-1.0 2.56 H\"]"];
    no_value_of_the_distance: ["H R H: 2.56" => "H R H"];
    no_electron_left: ["[\"H R H: 2.56\"]" => "[\"H +\"]"];
    goals_beyond_the_tests: ["loss_reduction = 2.0" => "loss_reduction = 2.0\nlargest_error = [1.6, 2.0]"];
    no_functional_in_the_file: ["steps = 8" => "steps = 8\n\n[functional]\nfile = \"scenario.toml\""];
    no_such_functional: ["steps = 8" => "steps = 8\n\n[functional]\nfile = \"absent.npy\""];
    trained_and_tested: ["1.92, 3.2" => "1.92, 3.84"];
    nothing_to_train_on: ["[\"H R H: 1.28, 3.84\"]" => "[]"];
    no_step_left: ["skip_steps = 5" => "skip_steps = 8"];
    no_weight: ["skip_steps = 5" => "skip_steps = 5\nenergy_weight = 0.0\ndensity_weight = 0.0"];
    unknown_method: ["[stop]" => "[optimizer]\nmethod = \"lbfgs\"\n\n[stop]"];
    method_needs_residuals: ["[stop]" => "[optimizer]\nmethod = \"gauss-newton\"\n\n[stop]"];
    option_of_another_method: ["[stop]" => "[optimizer]\nlearning_rate = 0.1\n\n[stop]"];
    limit_of_no_restart: ["[stop]" => "[restarts]\nuntil = 1.3\n\n[stop]"];
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
