use super::*;
use crate::sample::{after, batch, stream};

fn ordinary() -> Picture {
    let mut clean = after(batch("orders.clean"), &["orders.settle"]);
    clean.after[0].when = When::Failed;
    let settle = after(batch("orders.settle"), &["orders.ingest", "ledger.close"]);
    Picture::of_jobs(&[stream("orders.ingest"), settle, clean])
}

fn cyclic() -> Picture {
    let jobs = [
        after(batch("orders.a"), &["orders.c"]),
        after(batch("orders.b"), &["orders.a"]),
        after(batch("orders.c"), &["orders.b"]),
        after(batch("orders.d"), &["orders.c", "orders.d"]),
        after(batch("orders.e"), &["orders.a"]),
    ];
    Picture::of_jobs(&jobs)
}

#[test]
fn dot_groups_pipelines() {
    insta::assert_snapshot!(ordinary().write(Format::Dot), @r#"
    digraph jobs {
      rankdir=LR;
      node [shape=box, fontname="sans-serif"];
      subgraph "cluster_orders" {
        label="orders";
        "orders.ingest" [label="ingest", style=rounded];
        "orders.settle" [label="settle"];
        "orders.clean" [label="clean"];
      }
      subgraph "cluster_ledger" {
        label="ledger";
        "ledger.close" [label="close", style=dashed];
      }
      "orders.ingest" -> "orders.settle";
      "ledger.close" -> "orders.settle";
      "orders.settle" -> "orders.clean" [label="failed"];
    }
    "#);
}

#[test]
fn mermaid_groups_pipelines() {
    insta::assert_snapshot!(ordinary().write(Format::Mermaid), @r#"
    flowchart LR
      subgraph p0["orders"]
        n0("ingest")
        n1["settle"]
        n2["clean"]
      end
      subgraph p1["ledger"]
        n3{"close"}
      end
      n0 --> n1
      n3 --> n1
      n1 -->|failed| n2
    "#);
    insta::assert_snapshot!(cyclic().write(Format::Mermaid), @r#"
    flowchart LR
      subgraph p0["orders"]
        n0["a"]
        n1["b"]
        n2["c"]
        n3["d"]
        n4["e"]
      end
      n2 ==> n0
      n0 ==> n1
      n1 ==> n2
      n2 --> n3
      n3 ==> n3
      n0 --> n4
      classDef cycle stroke:#c00,stroke-width:2px
      class n0,n1,n2,n3 cycle
    "#);
}

#[test]
fn json_names_both_ends() {
    let json: serde_json::Value = serde_json::from_str(&ordinary().write(Format::Json)).unwrap();
    let edge = serde_json::json!({
        "from": "orders.settle", "to": "orders.clean", "when": "failed", "cyclic": false
    });
    assert!(json["edges"].as_array().unwrap().contains(&edge));
    assert_eq!(json["jobs"][3]["external"], true);
}

#[test]
fn cycles_are_marked_and_what_hangs_on_them_is_not() {
    let picture = cyclic();
    let marked: Vec<bool> = picture.edges.iter().map(|edge| edge.cyclic).collect();
    assert_eq!(marked, [true, true, true, false, true, false]);
    for format in Format::ALL {
        assert!(picture.write(format).len() > 100);
    }
}

#[test]
fn arrows_point_to_the_right() {
    for picture in [ordinary(), cyclic()] {
        let layout = layout::Layout::of(&picture);
        for edge in picture.edges.iter().filter(|edge| !edge.cyclic) {
            assert!(layout.cells[edge.from].column < layout.cells[edge.to].column);
        }
        let mut cells: Vec<_> = layout.cells.iter().map(|cell| (cell.column, cell.row)).collect();
        cells.sort_unstable();
        cells.dedup();
        assert_eq!(cells.len(), picture.nodes.len(), "no two jobs share a place");
    }
}

#[test]
fn a_cycle_has_one_arrow_back() {
    let layout = layout::Layout::of(&cyclic());
    let back = |edge: &&Arrow| layout.cells[edge.from].column >= layout.cells[edge.to].column;
    assert_eq!(cyclic().edges.iter().filter(back).count(), 2, "one of the three, and the one to itself");
}

#[test]
fn a_long_arrow_goes_through_free_places() {
    let chain = [
        stream("a.one"),
        after(batch("a.two"), &["a.one"]),
        after(batch("a.three"), &["a.two"]),
        after(batch("a.four"), &["a.three", "a.one"]),
    ];
    let layout = layout::Layout::of(&Picture::of_jobs(&chain));
    let long = layout.routes.last().unwrap();
    assert_eq!(long.iter().map(|cell| cell.column).collect::<Vec<_>>(), [1, 2]);
    assert!(long.iter().all(|cell| !layout.cells.contains(cell)));
}

#[test]
fn a_very_long_chain_can_be_drawn() {
    let id = |number: usize| format!("a.job-{number}");
    let jobs: Vec<Job> = (1..30_000).map(|number| after(batch(&id(number)), &[&id(number - 1)])).collect();
    assert_eq!(layout::Layout::of(&Picture::of_jobs(&jobs)).columns, 30_000);
}

#[test]
fn neighbours_stand_beside_each_other() {
    let jobs = [
        stream("a.one"),
        stream("a.two"),
        after(batch("a.of-two"), &["a.two"]),
        after(batch("a.of-one"), &["a.one"]),
    ];
    let cells = layout::Layout::of(&Picture::of_jobs(&jobs)).cells;
    assert_eq!([cells[2].row, cells[3].row], [cells[1].row, cells[0].row]);
}

#[test]
fn an_svg_is_complete() {
    let svg = ordinary().write(Format::Svg);
    assert!(svg.starts_with("<svg xmlns=") && svg.ends_with("</svg>\n"));
    assert_eq!(svg.matches("<g ").count(), 4);
    assert_eq!(svg.matches("marker-end").count(), 3);
    assert!(svg.contains(">failed</text>"));
    assert!(Picture::of_jobs(&[]).write(Format::Svg).ends_with("</svg>\n"));
}

#[test]
fn edges_alone_make_a_picture() {
    let jobs = [after(batch("orders.b"), &["orders.a"])];
    let edges = jobs.iter().flat_map(|job| job.after.iter().map(|edge| (&job.id, edge)));
    assert_eq!(Picture::of_edges(edges).nodes.len(), 2);
}

#[test]
fn a_format_reads_back_as_it_is_named() {
    for format in Format::ALL {
        assert_eq!(format.name().parse(), Ok(format));
    }
}
