//! `windlass completions`

use clap_complete::Shell;

use super::console::Console;
use super::exit::Exit;
use super::failure::Outcome;

/// Print the completions of a shell
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  windlass completions bash > /etc/bash_completion.d/windlass
  windlass completions zsh > \"${fpath[1]}/_windlass\"
  windlass completions fish > ~/.config/fish/completions/windlass.fish")]
pub struct Args {
    /// The shell
    shell: Shell,
}

/// Prints a script for the shell.
pub fn run(args: &Args, console: &Console) -> Outcome {
    let mut script = Vec::new();
    clap_complete::generate(args.shell, &mut super::command(), "windlass", &mut script);
    console.print_bytes(&script)?;
    Ok(Exit::Done)
}
