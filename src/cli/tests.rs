use clap::CommandFactory;

use super::*;
use crate::config::{flag_of, variables};

#[test]
fn the_command_line_is_well_formed() {
    Cli::command().debug_assert();
}

#[test]
fn every_variable_of_every_command_is_a_setting() {
    let known: Vec<String> = variables().into_iter().map(|variable| variable.name).collect();
    let mut commands = vec![Cli::command()];
    let mut n_found = 0;

    while let Some(command) = commands.pop() {
        for arg in command.get_arguments() {
            let Some(name) = arg.get_env().and_then(|name| name.to_str()) else { continue };
            assert!(
                known.iter().any(|known| known == name),
                "{name} is not in config::Settings, so it would be refused"
            );
            assert_eq!(arg.get_long(), Some(flag_of(name).as_str()));
            n_found += 1;
        }
        commands.extend(command.get_subcommands().cloned());
    }

    assert!(n_found > known.len(), "`serve` has all settings, other commands some");
}

#[test]
fn no_argument_takes_a_password() {
    for password in ["--password", "--password=x", "-p"] {
        let line = ["frontpage", "user", "create", "--email=a@b.example", "--name=A", "--role=admin", password];
        assert_eq!(Cli::try_parse_from(line).expect_err(password).exit_code(), 2);
    }
}

#[test]
fn wrong_arguments_are_refused_by_name() {
    let line = ["frontpage", "user", "create", "--email=nobody", "--name=A", "--role=boss"];

    let message = Cli::try_parse_from(line).expect_err("wrong").to_string();

    assert!(message.contains("--email") || message.contains("--role"), "{message}");
}

#[test]
fn a_switch_may_be_given_alone_or_with_a_value() {
    for (switch, expected) in [("--demo", "true"), ("--demo=true", "true"), ("--demo=false", "false")] {
        let cli = Cli::try_parse_from(["frontpage", "serve", switch]).unwrap();
        let Command::Serve(args) = cli.command else { panic!("not serve") };
        assert!(format!("{args:?}").contains(&format!("demo: Some(\"{expected}\")")), "{switch}: {args:?}");
    }
}
