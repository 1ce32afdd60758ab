//! A saved plan that is stale, made again from its specs in the way in which it was made.

use std::path::Path;

use windlass_core::fleet::Fleet;

use super::apply::{Approval, Draft};
use super::args::SelectArgs;
use super::compiled::Compiled;
use super::console::Console;
use super::failure::Failure;
use super::prepared::{Prepared, planned};
use super::proposal::Proposed;
use super::select::Expression;
use crate::saved::{Recipe, Saved};
use crate::tree::{ROOT, STDIN, Tree};

/// What the specs of a stale plan change now. `stale`: why it is, for whoever cannot plan again.
pub fn replan(saved: &Saved, stale: Failure, fleet: &Fleet, console: &Console) -> Result<Draft, Failure> {
    let Recipe { start, variables, .. } = &saved.recipe;
    if start == STDIN {
        return Err(stale.detail("it was made from standard input, which cannot be read again"));
    }
    console.warn(&format!("{}; this is a new plan", stale.message()));
    stale.details().iter().for_each(|fact| console.note(&format!("  because: {fact}")));
    let path = Path::new(&saved.root).join(if start == ROOT { "" } else { start });
    let compiled =
        Compiled::with(Tree::at(Some(&path))?, saved.changes.environment.as_ref(), variables.clone());
    let prepared = planned(compiled, console)?;
    let heading = format!("{}, instead of the plan of {:.0}", prepared.heading(), saved.created);
    let Prepared { model, plan, .. } = prepared;
    let select = selection(&saved.recipe)?;
    let proposed = Proposed::new(plan, model.clusters, saved.root.clone(), &fleet.recorded(), &select)?;
    // What rests on other records and does the same has been looked at.
    let same = proposed.changes == saved.changes && proposed.clusters == saved.clusters;
    let approval = if same { Approval::Given } else { Approval::Anew };
    Ok(Draft { proposed, guards: Vec::new(), heading, approval })
}

fn selection(recipe: &Recipe) -> Result<SelectArgs, Failure> {
    let parse = |text: &String| {
        let damaged = |why: String| Failure::error(format!("the saved plan is damaged: `{text}`: {why}"));
        text.parse::<Expression>().map_err(damaged)
    };
    let all = |texts: &[String]| texts.iter().map(parse).collect::<Result<_, _>>();
    Ok(SelectArgs { select: all(&recipe.select)?, exclude: all(&recipe.exclude)? })
}
