//! The language of Graphviz.

use super::{Arrow, Node, Picture, on_cycles};
use crate::escape::visible;
use crate::model::Mode;
use crate::spelling;

pub(super) fn write(picture: &Picture) -> String {
    let mut out =
        String::from("digraph jobs {\n  rankdir=LR;\n  node [shape=box, fontname=\"sans-serif\"];\n");
    let cyclic = on_cycles(picture);
    for (pipeline, jobs) in picture.pipelines() {
        out.push_str(&format!("  subgraph {} {{\n", quoted(&format!("cluster_{pipeline}"))));
        out.push_str(&format!("    label={};\n", quoted(pipeline)));
        for index in jobs {
            out.push_str(&node(&picture.nodes[index], cyclic.contains(&index)));
        }
        out.push_str("  }\n");
    }
    let edges: String = picture.edges.iter().map(|arrow| edge(picture, arrow)).collect();
    out + &edges + "}\n"
}

fn node(node: &Node, cyclic: bool) -> String {
    let style = match node.mode {
        Some(Mode::Stream) => ", style=rounded",
        Some(Mode::Batch) => "",
        None => ", style=dashed",
    };
    let color = if cyclic { ", color=red" } else { "" };
    let label = quoted(node.id.job.as_str());
    format!("    {} [label={label}{style}{color}];\n", quoted(&node.id.to_string()))
}

fn edge(picture: &Picture, arrow: &Arrow) -> String {
    let [from, to] = [arrow.from, arrow.to].map(|index| quoted(&picture.nodes[index].id.to_string()));
    let label = (!arrow.when.is_met()).then(|| format!("label={}", quoted(spelling::when(arrow.when))));
    let color = arrow.cyclic.then(|| "color=red".to_owned());
    let attributes: Vec<String> = label.into_iter().chain(color).collect();
    if attributes.is_empty() {
        return format!("  {from} -> {to};\n");
    }
    format!("  {from} -> {to} [{}];\n", attributes.join(", "))
}

fn quoted(text: &str) -> String {
    format!("\"{}\"", visible(text).replace('\\', "\\\\").replace('"', "\\\""))
}
