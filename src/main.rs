//! The program: everything is in the library; see `frontpage::cli` for the commands.

fn main() -> std::process::ExitCode {
    frontpage::cli::run()
}
