//! The program `shoji`: prepares the process while it has one thread, then runs the window.
#![cfg_attr(not(debug_assertions), windows_subsystem = "windows")]

use std::process::ExitCode;

fn main() -> ExitCode {
    app::environment::prepare();
    app::run()
}
