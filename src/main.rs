//! The program `endow`.

use std::process::ExitCode;

fn main() -> ExitCode {
    endow::main()
}
