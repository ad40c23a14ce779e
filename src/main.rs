//! The program: everything is in the library; see `frontpage::cli` for the commands.

/// Answers are made of many small pieces, a password's hash is one of 19 MiB, and what a large body is made into takes a
/// hundred: none of it must stay with the thread that worked on it. `.cargo/config.toml` says how it is set.
#[cfg(feature = "jemalloc")]
#[global_allocator]
static ALLOCATOR: tikv_jemallocator::Jemalloc = tikv_jemallocator::Jemalloc;

fn main() -> std::process::ExitCode {
    frontpage::cli::run()
}
