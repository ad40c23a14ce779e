//! The program: everything is in the library; see `frontpage::cli` for the commands.

/// Answers are made of many small pieces, and a password's hash is one of 19 MiB that must not stay with its thread.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> std::process::ExitCode {
    frontpage::cli::run()
}
