//! What jobs wait for: whether it exists, can happen, and does not contradict itself.

use std::collections::BTreeSet;

use indexmap::IndexMap;

use crate::diagnostic::{Diagnostic, Fault, Graph};
use crate::model::{self, Mode, When};
use crate::name::JobId;
use crate::resolve::{Edge, Node};
use crate::source::Span;
use crate::spec::Spec;
use crate::spelling;
use crate::suggest::nearest;

use super::cycles;

/// The nodes by the names of their pipeline and job.
type Index<'e> = IndexMap<(&'e str, &'e str), usize>;

/// Checks all edges, and gives each whole job those that it has.
///
/// `lost` are the jobs of pipelines whose own names are at fault: an edge may mean one of these.
pub(super) fn check(
    spec: &Spec<'_>,
    lost: &BTreeSet<Box<str>>,
    nodes: &mut [Node<'_>],
    found: &mut Vec<Diagnostic>,
) {
    let names = nodes.iter().map(|node| (node.pipeline.as_ref(), node.name.as_ref()));
    let index: Index<'_> = names.enumerate().map(|(at, name)| (name, at)).collect();
    let mut upstreams: Vec<Vec<(usize, usize)>> = Vec::with_capacity(nodes.len());
    for at in 0..nodes.len() {
        upstreams.push(upstreams_of(spec, lost, nodes, &index, at, found));
    }
    drop(index);
    for (at, edges) in upstreams.iter().enumerate() {
        one(spec, nodes, at, edges, found);
    }
    cycles::check(nodes, &upstreams, found);
    let ids: Vec<Option<JobId>> =
        nodes.iter().map(|node| node.job.as_ref().map(|job| job.id.clone())).collect();
    for (node, edges) in nodes.iter_mut().zip(upstreams) {
        let after = edges.iter().filter_map(|(edge, upstream)| {
            Some(model::Edge { job: ids[*upstream].clone()?, when: node.edges[*edge].when })
        });
        let after: Vec<model::Edge> = after.collect();
        if let Some(job) = &mut node.job {
            job.after = after;
        }
    }
}

/// Each edge of a job that leads somewhere, with its upstream.
fn upstreams_of(
    spec: &Spec<'_>,
    lost: &BTreeSet<Box<str>>,
    nodes: &[Node<'_>],
    index: &Index<'_>,
    at: usize,
    found: &mut Vec<Diagnostic>,
) -> Vec<(usize, usize)> {
    let node = &nodes[at];
    let mut upstreams = Vec::with_capacity(node.edges.len());
    for (position, edge) in node.edges.iter().enumerate() {
        let name = edge.job.split_once('.').unwrap_or((&node.pipeline, &edge.job));
        match index.get(&name) {
            Some(upstream) if *upstream == at => {
                let (span, job) = (edge.span, node.address().into());
                found.push(about(node, Graph::SelfEdge { span, job }));
            }
            Some(upstream) => upstreams.push((position, *upstream)),
            None if spec.incomplete || lost.contains(name.1) => {}
            // Suggestions compare with every job; behind hundreds of faults nobody reads them.
            None => found.push(unknown(nodes, node, edge, found.len() < SUGGESTED)),
        }
    }
    upstreams
}

/// How many faults may have suggestions.
const SUGGESTED: usize = 500;

fn unknown(nodes: &[Node<'_>], node: &Node<'_>, edge: &Edge<'_>, suggest: bool) -> Diagnostic {
    let siblings =
        nodes.iter().filter(|other| other.pipeline == node.pipeline).map(|other| other.name.as_ref());
    let near = || nearest(&edge.job, siblings).map(str::to_owned).or_else(|| near_address(nodes, &edge.job));
    let near = suggest.then(near).flatten();
    let (name, near) = (edge.job.as_ref().into(), near.map(Into::into));
    let named = edge.job.split_once('.').map(|(pipeline, _)| pipeline);
    let exists = |pipeline: &str| nodes.iter().any(|other| other.pipeline == pipeline);
    let pipeline = named.filter(|pipeline| suggest && !exists(pipeline)).map(Into::into);
    about(node, Graph::UnknownJob { span: edge.named, name, near, pipeline })
}

/// A job of another pipeline: with a name that is near, or with the same name where the pipeline was left out.
fn near_address(nodes: &[Node<'_>], written: &str) -> Option<String> {
    if !written.contains('.') {
        return nodes.iter().find(|other| other.name.as_ref() == written).map(Node::address);
    }
    // Only addresses that share a half are compared as a whole: nobody mistypes both.
    let (pipeline, job) = written.split_once('.')?;
    let close =
        nodes.iter().filter(|other| other.pipeline.as_ref() == pipeline || other.name.as_ref() == job);
    let addresses: Vec<String> = close.map(Node::address).collect();
    nearest(written, addresses.iter().map(String::as_str)).map(str::to_owned)
}

fn about(node: &Node<'_>, fault: Graph) -> Diagnostic {
    Diagnostic { address: Some(node.address().into()), ..Fault::Graph(fault).into() }
}

/// The edges of one job.
fn one(
    spec: &Spec<'_>,
    nodes: &[Node<'_>],
    at: usize,
    edges: &[(usize, usize)],
    found: &mut Vec<Diagnostic>,
) {
    let node = &nodes[at];
    if node.absent.is_some() {
        return;
    }
    let mut seen: IndexMap<usize, (Span, When)> = IndexMap::new();
    for (position, upstream) in edges {
        let (edge, upstream_node) = (&node.edges[*position], &nodes[*upstream]);
        let fault = match seen.get(upstream) {
            Some(first) => against(edge, *first, upstream_node),
            None => impossible(edge, upstream_node).or_else(|| absent(spec, edge, upstream_node)),
        };
        seen.entry(*upstream).or_insert((edge.span, edge.when));
        found.extend(fault.map(|fault| about(node, fault)));
    }
}

/// Two edges from one upstream: they say the same twice, or contradict each other.
fn against(edge: &Edge<'_>, (first, when): (Span, When), upstream: &Node<'_>) -> Option<Graph> {
    let mode = upstream.mode?;
    let address = upstream.address().into();
    if together(mode, when, edge.when) {
        return Some(Graph::DuplicateEdge { again: edge.span, first, upstream: address });
    }
    let whens = (spelling::when(when), spelling::when(edge.when));
    Some(Graph::Contradiction { span: edge.span, other: first, upstream: address, whens })
}

/// Whether an upstream can meet both.
fn together(mode: Mode, one: When, other: When) -> bool {
    let succeeds = |when| matches!(when, When::Succeeded) || (mode == Mode::Batch && when == When::Met);
    let (fails, other_fails) = (one == When::Failed, other == When::Failed);
    !(fails && succeeds(other) || other_fails && succeeds(one))
}

/// An edge that waits for the end of a stream.
fn impossible(edge: &Edge<'_>, upstream: &Node<'_>) -> Option<Graph> {
    let ends = matches!(edge.when, When::Succeeded | When::Failed | When::Finished);
    if upstream.mode != Some(Mode::Stream) || !ends {
        return None;
    }
    let (span, upstream_name) = (edge.when_at, upstream.address().into());
    Some(Graph::NeverEnds {
        span,
        upstream: upstream_name,
        when: spelling::when(edge.when),
        defined: upstream.key,
    })
}

/// An edge from a job that is switched off here.
fn absent(spec: &Spec<'_>, edge: &Edge<'_>, upstream: &Node<'_>) -> Option<Graph> {
    let switched = upstream.absent?;
    let declared = |name: &str| spec.environments.iter().any(|one| one.key.text == name);
    let present = upstream.only_in.iter().flatten().filter(|name| declared(name)).cloned().collect();
    Some(Graph::Absent { span: edge.named, upstream: upstream.address().into(), switched, present })
}
