//! One command optimises a scenario by its own gradients.

use std::process::ExitCode;

fn main() -> ExitCode {
    cotangent_cli::command::main(std::env::args_os()).into()
}
