//! Renders the picture that the `truth` of a `pose-from-picture` scenario gives.
//!
//! `cargo run --release -p cotangent-scenarios --example take_picture -- scenarios/pose-from-picture.toml scenarios/letter-f.exr 4096`

use std::path::Path;
use std::process::ExitCode;

use cotangent_raytrace::write_exr;
use cotangent_scenarios::raytrace::take_picture;

fn main() -> ExitCode {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let (scenario, picture, spp) = match words.as_slice() {
        [scenario, picture, spp] => (scenario, picture, spp.parse().ok()),
        _ => return ExitCode::from(2),
    };
    let Some(spp) = spp else { return ExitCode::from(2) };
    let written = take_picture(Path::new(scenario), spp)
        .map_err(|problems| problems.iter().map(|p| format!("{p}\n")).collect::<String>())
        .and_then(|image| write_exr(Path::new(picture), &image).map_err(|e| e.to_string()));
    match written {
        Ok(()) => ExitCode::SUCCESS,
        Err(why) => {
            use std::io::Write as _;
            let _ = writeln!(std::io::stderr(), "{why}");
            ExitCode::from(1)
        }
    }
}
