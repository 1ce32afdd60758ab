//! What was found, put into source order: each fault once, with the environments that it holds in.

use crate::diagnostic::Diagnostic;
use crate::name::Name;
use crate::source::Span;

/// Merges what holds everywhere with what was found in each environment.
pub(super) fn merge(
    everywhere: Vec<Diagnostic>,
    by_environment: Vec<(Option<&str>, Vec<Diagnostic>)>,
) -> Vec<Diagnostic> {
    let all = by_environment.len();
    let mut found: Vec<(Option<usize>, Diagnostic)> = everywhere.into_iter().map(|one| (None, one)).collect();
    let names: Vec<Option<Name>> =
        by_environment.iter().map(|(name, _)| name.and_then(|name| name.parse().ok())).collect();
    for (at, (_, here)) in by_environment.into_iter().enumerate() {
        found.extend(here.into_iter().map(|one| (Some(at), one)));
    }
    let mut found: Vec<_> =
        found.into_iter().map(|(at, one)| (one.fault.place(), one.fault.code(), at, one)).collect();
    found.sort_by(|one, other| (one.0, one.1, one.2).cmp(&(other.0, other.1, other.2)));
    let mut merged: Vec<(Vec<usize>, Option<Span>, Diagnostic)> = Vec::new();
    for (place, code, at, one) in found {
        // One place has one fault of a kind, however many jobs and environments come across it; what is spelled
        // wrong is wrong by itself.
        let known = merged.iter_mut().rev().take_while(|(_, other, _)| *other == place);
        let known = known.filter(|(_, _, other)| other.fault.code() == code);
        let same =
            known.filter(|(_, _, other)| place.is_some() && at.is_some() || other.fault == one.fault).last();
        match same {
            Some((environments, ..)) => environments.extend(at),
            None => merged.push((at.into_iter().collect(), place, one)),
        }
    }
    let named = |(mut held, _, one): (Vec<usize>, Option<Span>, Diagnostic)| {
        held.dedup();
        let only = if held.len() == all { Vec::new() } else { held };
        Diagnostic { environments: only.into_iter().filter_map(|at| names[at].clone()).collect(), ..one }
    };
    merged.into_iter().map(named).collect()
}
