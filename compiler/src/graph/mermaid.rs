//! Mermaid, which GitHub and GitLab draw in Markdown.

use super::{Arrow, Node, Picture, on_cycles};
use crate::model::Mode;
use crate::spelling;

pub(super) fn write(picture: &Picture) -> String {
    let mut out = String::from("flowchart LR\n");
    for (number, (pipeline, jobs)) in picture.pipelines().into_iter().enumerate() {
        out.push_str(&format!("  subgraph p{number}[\"{}\"]\n", text(pipeline)));
        for index in jobs {
            out.push_str(&format!("    {}\n", node(index, &picture.nodes[index])));
        }
        out.push_str("  end\n");
    }
    let edges: String = picture.edges.iter().map(edge).collect();
    out + &edges + &cycles(picture)
}

/// Streams are round, batches square; a job that is only named is a rhombus.
fn node(index: usize, node: &Node) -> String {
    let (open, close) = match node.mode {
        Some(Mode::Stream) => ("(", ")"),
        Some(Mode::Batch) => ("[", "]"),
        None => ("{", "}"),
    };
    format!("n{index}{open}\"{}\"{close}", text(node.id.job.as_str()))
}

fn edge(arrow: &Arrow) -> String {
    let label = if arrow.when.is_met() { String::new() } else { format!("|{}|", spelling::when(arrow.when)) };
    let line = if arrow.cyclic { "==>" } else { "-->" };
    format!("  n{} {line}{label} n{}\n", arrow.from, arrow.to)
}

fn cycles(picture: &Picture) -> String {
    let nodes: Vec<String> = on_cycles(picture).into_iter().map(|index| format!("n{index}")).collect();
    if nodes.is_empty() {
        return String::new();
    }
    format!("  classDef cycle stroke:#c00,stroke-width:2px\n  class {} cycle\n", nodes.join(","))
}

/// Text between quotes; Mermaid writes an entity with `#` where HTML has `&#`.
fn text(text: &str) -> String {
    let escape = |c: char| match c {
        'a'..='z' | 'A'..='Z' | '0'..='9' | '-' | '.' | '_' => c.to_string(),
        other => format!("#{};", u32::from(other)),
    };
    text.chars().map(escape).collect()
}
