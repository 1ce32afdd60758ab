//! Circles of edges: one diagnostic for each knot, about its shortest circle.

use std::collections::VecDeque;

use petgraph::algo::tarjan_scc;
use petgraph::graph::{DiGraph, NodeIndex};

use crate::diagnostic::{Diagnostic, Fault, Graph};
use crate::resolve::Node;

/// For each job its edges that lead somewhere, each with its upstream.
type Upstreams = [Vec<(usize, usize)>];

/// Checks that no job waits for itself through others.
pub(super) fn check(nodes: &[Node<'_>], upstreams: &Upstreams, found: &mut Vec<Diagnostic>) {
    let present = |at: usize| nodes[at].absent.is_none();
    let mut graph: DiGraph<(), ()> =
        DiGraph::with_capacity(nodes.len(), upstreams.iter().map(Vec::len).sum());
    for _ in nodes {
        graph.add_node(());
    }
    for (at, edges) in upstreams.iter().enumerate().filter(|(at, _)| present(*at)) {
        for (_, upstream) in edges.iter().filter(|(_, upstream)| present(*upstream)) {
            graph.add_edge(NodeIndex::new(at), NodeIndex::new(*upstream), ());
        }
    }
    for knot in tarjan_scc(&graph).into_iter().filter(|knot| knot.len() > 1) {
        let mut knot: Vec<usize> = knot.into_iter().map(NodeIndex::index).collect();
        knot.sort_unstable();
        found.extend(report(nodes, upstreams, &knot));
    }
}

/// How many jobs of a knot are tried as the start of the shortest circle; all of a large one would take too long.
const STARTS: usize = 64;

fn report(nodes: &[Node<'_>], upstreams: &Upstreams, knot: &[usize]) -> Option<Diagnostic> {
    let starts = knot.iter().take(STARTS);
    let mut circle = starts.filter_map(|start| shortest(upstreams, knot, *start)).min_by_key(Vec::len)?;
    let span = |(job, edge): &(usize, usize)| nodes[*job].edges[*edge].span;
    let first = (0..circle.len()).min_by_key(|at| span(&circle[*at])).unwrap_or_default();
    circle.rotate_left(first);
    let edges = circle.iter().map(|(job, edge)| {
        let edge = &nodes[*job].edges[*edge];
        (edge.span, upstream_address(nodes, &upstreams[*job], *job, edge.span), nodes[*job].address().into())
    });
    let edges = edges.collect();
    let fault = Fault::Graph(Graph::Cycle { edges, jobs: knot.len() });
    let first = circle.first().map(|(job, _)| nodes[*job].address().into());
    Some(Diagnostic { address: first, ..fault.into() })
}

fn upstream_address(
    nodes: &[Node<'_>],
    edges: &[(usize, usize)],
    job: usize,
    span: crate::source::Span,
) -> Box<str> {
    let upstream = edges.iter().find(|(edge, _)| nodes[job].edges[*edge].span == span);
    upstream.map(|(_, upstream)| nodes[*upstream].address().into()).unwrap_or_default()
}

/// The shortest way from a job back to itself, as jobs with the edge that each one takes.
fn shortest(upstreams: &Upstreams, knot: &[usize], start: usize) -> Option<Vec<(usize, usize)>> {
    let place = |at: usize| knot.binary_search(&at).ok();
    let mut came: Vec<Option<(usize, usize)>> = vec![None; knot.len()];
    let mut queue = VecDeque::from([start]);
    while let Some(at) = queue.pop_front() {
        for (edge, upstream) in &upstreams[at] {
            let Some(slot) = place(*upstream) else { continue };
            if came[slot].is_some() {
                continue;
            }
            came[slot] = Some((at, *edge));
            if *upstream == start {
                return Some(back(&came, place, start));
            }
            queue.push_back(*upstream);
        }
    }
    None
}

fn back(
    came: &[Option<(usize, usize)>],
    place: impl Fn(usize) -> Option<usize>,
    start: usize,
) -> Vec<(usize, usize)> {
    let mut circle = Vec::new();
    let mut at = start;
    while let Some((job, edge)) = place(at).and_then(|slot| came[slot]) {
        circle.push((job, edge));
        at = job;
        if at == start {
            break;
        }
    }
    circle.reverse();
    circle
}
