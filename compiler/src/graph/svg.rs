//! A drawing for browsers: no script, no reference to anything outside of it.

use super::layout::{Cell, Layout};
use super::{Arrow, Node, Picture, on_cycles};
use crate::escape::{shortened, xml};
use crate::model::Mode;
use crate::spelling;

const BOX_WIDTH: usize = 180;
const BOX_HEIGHT: usize = 44;
const COLUMN: usize = 250;
const ROW: usize = 68;
const MARGIN: usize = 24;
/// As many characters as a box holds.
const LONGEST: usize = 24;

const STYLE: &str = "\
text{font:13px sans-serif;fill:#222}.pipeline{font-size:10px;fill:#777}.when{font-size:10px;fill:#555}\
rect{fill:#fff;stroke:#456;stroke-width:1.5}.stream rect{fill:#e8f1fb}.external rect{stroke-dasharray:4 3}\
path{fill:none;stroke:#89a;stroke-width:1.5}.cycle rect,path.cycle{stroke:#c00;stroke-width:2}";

const ARROW_HEAD: &str = "\
<marker id=\"head\" viewBox=\"0 0 8 8\" refX=\"8\" refY=\"4\" markerWidth=\"9\" markerHeight=\"9\" markerUnits=\"userSpaceOnUse\" \
orient=\"auto-start-reverse\"><path d=\"M0 0L8 4L0 8z\" style=\"fill:#678;stroke:none\"/></marker>";

pub(super) fn write(picture: &Picture) -> String {
    let layout = Layout::of(picture);
    let width = 2 * MARGIN + layout.columns.saturating_sub(1) * COLUMN + BOX_WIDTH;
    let height = 2 * MARGIN + layout.rows * ROW;
    let cyclic = on_cycles(picture);
    let edges = picture.edges.iter().zip(&layout.routes);
    let edges: String = edges.map(|(arrow, route)| edge(arrow, route, &layout)).collect();
    let nodes = picture.nodes.iter().enumerate();
    let nodes: String =
        nodes.map(|(index, one)| node(one, layout.cells[index], cyclic.contains(&index))).collect();
    format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{width}\" height=\"{height}\" \
         viewBox=\"0 0 {width} {height}\">\n<style>{STYLE}</style>\n<defs>{ARROW_HEAD}</defs>\n\
         <rect width=\"100%\" height=\"100%\" style=\"fill:#fff;stroke:none\"/>\n{edges}{nodes}</svg>\n"
    )
}

/// The upper left corner of a box.
fn corner(cell: Cell) -> (usize, usize) {
    (MARGIN + cell.column * COLUMN, MARGIN + cell.row * ROW)
}

fn node(node: &Node, cell: Cell, cyclic: bool) -> String {
    let (x, y) = corner(cell);
    let kind = match node.mode {
        Some(Mode::Stream) => "stream",
        Some(Mode::Batch) => "batch",
        None => "external",
    };
    let class = if cyclic { format!("{kind} cycle") } else { kind.to_owned() };
    let radius = if node.mode == Some(Mode::Stream) { 12 } else { 2 };
    let [job, pipeline] =
        [&node.id.job, &node.id.pipeline].map(|name| xml(&shortened(name.as_str(), LONGEST)));
    format!(
        "<g class=\"{class}\"><title>{title}</title><rect x=\"{x}\" y=\"{y}\" width=\"{BOX_WIDTH}\" \
         height=\"{BOX_HEIGHT}\" rx=\"{radius}\"/><text class=\"pipeline\" x=\"{tx}\" y=\"{py}\">{pipeline}</text>\
         <text x=\"{tx}\" y=\"{jy}\">{job}</text></g>\n",
        title = xml(&format!("{} ({kind})", node.id)),
        tx = x + 10,
        py = y + 16,
        jy = y + 34,
    )
}

fn edge(arrow: &Arrow, route: &[Cell], layout: &Layout) -> String {
    let (from, to) = (layout.cells[arrow.from], layout.cells[arrow.to]);
    let class = if arrow.cyclic { " class=\"cycle\"" } else { "" };
    let path = if from.column < to.column { forward(from, route, to) } else { backward(from, to) };
    let label = when(arrow, from, route.first().copied().unwrap_or(to));
    format!("<path{class} d=\"{path}\" marker-end=\"url(#head)\"/>\n{label}")
}

/// A curve from the right side of a box, through the free places on its way, to the left side of another box.
fn forward(from: Cell, route: &[Cell], to: Cell) -> String {
    let (mut x, mut y) = right(from);
    let mut path = format!("M{x} {y}");
    let bend = (COLUMN - BOX_WIDTH) / 2;
    for cell in route.iter().chain([&to]) {
        let (next_x, next_y) = left(*cell);
        path.push_str(&format!("C{} {y} {} {next_y} {next_x} {next_y}", x + bend, next_x - bend));
        (x, y) = right(*cell);
        path.push_str(&if *cell == to { String::new() } else { format!("H{x}") });
    }
    path
}

/// The middle of the left side of a box.
fn left(cell: Cell) -> (usize, usize) {
    let (x, y) = corner(cell);
    (x, y + BOX_HEIGHT / 2)
}

/// The middle of the right side of a box.
fn right(cell: Cell) -> (usize, usize) {
    let (x, y) = left(cell);
    (x + BOX_WIDTH, y)
}

/// A curve below the boxes, back to an earlier column or to the same one.
fn backward(from: Cell, to: Cell) -> String {
    let ((x1, y1), (x2, y2)) = (corner(from), corner(to));
    let (x1, y1) = (x1 + BOX_WIDTH * 2 / 3, y1 + BOX_HEIGHT);
    let (x2, y2) = (x2 + BOX_WIDTH / 3, y2 + BOX_HEIGHT);
    let low = y1.max(y2) + (ROW - BOX_HEIGHT);
    format!("M{x1} {y1}C{x1} {low} {x2} {low} {x2} {y2}")
}

/// What must be true, where that is not the ordinary thing; beside the first step of the edge.
fn when(arrow: &Arrow, from: Cell, next: Cell) -> String {
    if arrow.when.is_met() {
        return String::new();
    }
    let ((x1, y1), (x2, y2)) =
        if from.column < next.column { (right(from), left(next)) } else { (left(from), right(next)) };
    let (x, y) = (x1.midpoint(x2), y1.midpoint(y2).saturating_sub(4));
    format!(
        "<text class=\"when\" x=\"{x}\" y=\"{y}\" text-anchor=\"middle\">{}</text>\n",
        spelling::when(arrow.when)
    )
}
