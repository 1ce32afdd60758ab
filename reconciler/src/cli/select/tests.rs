use super::*;

/// orders: ingest → settle → report, in two runs; ledger: close → orders.report.
fn universe() -> Universe {
    let subjects = [
        ("orders.ingest", "tokyo", "pipelines/orders.toml", "live"),
        ("orders.settle@2026-11-22T02:00Z", "lake", "pipelines/orders.toml", "nightly"),
        ("orders.report@2026-11-22T02:00Z", "lake", "pipelines/orders.toml", "nightly"),
        ("orders.settle@2026-11-23T02:00Z", "lake", "pipelines/orders.toml", "nightly"),
        ("orders.report@2026-11-23T02:00Z", "lake", "pipelines/orders.toml", "nightly"),
        ("ledger.close@2026-11-22T02:00Z", "lake", "pipelines/money/ledger.toml", "nightly"),
    ];
    let subject = |(instance, cluster, file, tag): (&str, &str, &str, &str)| Subject {
        instance: instance.parse().unwrap(),
        cluster: cluster.parse().unwrap(),
        file: Some(file.to_owned()),
        tags: vec![tag.to_owned()],
    };
    let edge = |(up, down): (&str, &str)| (up.parse().unwrap(), down.parse().unwrap());
    let edges = [
        ("orders.ingest", "orders.settle"),
        ("orders.settle", "orders.report"),
        ("ledger.close", "orders.report"),
    ];
    Universe::new(subjects.map(subject).into(), edges.map(edge))
}

/// `line` holds expressions; those behind `!` exclude.
fn select(line: &str) -> Result<String, NoMatch> {
    let (exclude, select): (Vec<&str>, Vec<&str>) =
        line.split_whitespace().partition(|word| word.starts_with('!'));
    let parse = |word: &str| word.trim_start_matches('!').parse().unwrap();
    let args = SelectArgs {
        select: select.into_iter().map(parse).collect(),
        exclude: exclude.into_iter().map(parse).collect(),
    };
    let universe = universe();
    let names = universe.select(&args)?.into_iter().map(|subject| subject.instance.to_string());
    Ok(names.map(|name| name.replace("2026-11-", "").replace("T02:00Z", "")).collect::<Vec<_>>().join(" "))
}

#[test]
fn a_selection_keeps_the_order_of_the_list() {
    let all =
        "orders.ingest orders.settle@22 orders.report@22 orders.settle@23 orders.report@23 ledger.close@22";
    for (line, expected) in [
        ("", all),
        ("*", all),
        ("ledger", "ledger.close@22"),
        ("ledger.close orders.ingest", "orders.ingest ledger.close@22"),
        ("*.settle", "orders.settle@22 orders.settle@23"),
        ("*.settle@2026-11-22*", "orders.settle@22"),
        ("tag:live cluster:tokyo", "orders.ingest"),
        ("file:pipelines/money/*", "ledger.close@22"),
        ("orders !tag:nightly", "orders.ingest"),
        ("!orders", "ledger.close@22"),
        ("orders.ingest !orders", ""),
    ] {
        assert_eq!(select(line).as_deref(), Ok(expected), "{line}");
    }
}

#[test]
fn a_plus_adds_what_stands_before_or_behind() {
    for (line, expected) in [
        ("+orders.settle", "orders.ingest orders.settle@22 orders.settle@23"),
        ("ledger.close+", "orders.report@22 orders.report@23 ledger.close@22"),
        ("+orders.settle+ !orders.report", "orders.ingest orders.settle@22 orders.settle@23"),
        ("+orders.settle@2026-11-23T02:00Z+", "orders.ingest orders.settle@23 orders.report@23"),
    ] {
        assert_eq!(select(line).as_deref(), Ok(expected), "{line}");
    }
}

#[test]
fn an_expression_without_a_match_names_what_was_probably_meant() {
    for (line, near) in [
        ("order", Some("orders")),
        ("settle", Some("orders.settle")),
        ("orders.setle", Some("orders.settle")),
        ("orders.settle@2026-11-24T02:00Z", Some("orders.settle@2026-11-22T02:00Z")),
        ("tag:nightli", Some("nightly")),
        ("cluster:tokio", Some("tokyo")),
        ("!orders.ingset", Some("orders.ingest")),
        ("zebra", None),
    ] {
        assert_eq!(select(line).unwrap_err().near.as_deref(), near, "{line}");
    }
}
