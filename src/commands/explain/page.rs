//! The page for people.

use std::{collections::BTreeMap, fmt::Write as _};

use comfy_table::{ContentArrangement, Table, presets};

use super::report::{Report, Variable};
use crate::manifest::diagnostic::one_line;

pub(super) fn page(report: &Report, width: u16) -> String {
    let mut page = head(report);
    page.push_str("\nvariables\n");
    page.push_str(&variables(report, width));
    page.push_str("\nrequests\n");
    page.push_str(&requests(report, width));
    for (title, names) in [
        ("inherited", &report.inherited),
        ("dropped", &report.dropped),
    ] {
        let count: usize = names.values().map(Vec::len).sum();
        let _ = writeln!(page, "\n{title}: {count} of the caller's variables");
        page.push_str(&reasons(names, width));
    }
    let _ = writeln!(
        page,
        "\nlaunch: {}: {}",
        report.launch.way,
        one_line(&report.launch.why)
    );
    if !report.command.is_empty() {
        let _ = writeln!(page, "command: {}", report.command.join(" "));
    }
    page
}

fn head(report: &Report) -> String {
    let mut head = String::new();
    let _ = write!(head, "{}", one_line(&report.file));
    if let Some(project) = &report.project {
        let _ = write!(head, ", project {project}");
    }
    if let Some(profile) = &report.profile {
        let _ = write!(
            head,
            ", profile {profile}{}",
            if report.is_production {
                " (production)"
            } else {
                ""
            }
        );
    }
    head.push('\n');
    let groups = [
        (
            false,
            "not trusted yet: read these lines, then run `endow trust`",
        ),
        (true, "trusted:"),
    ];
    for (is_trusted, title) in groups {
        let mut lines = report
            .trust
            .iter()
            .filter(|line| line.is_trusted == is_trusted)
            .peekable();
        if lines.peek().is_some() {
            let _ = writeln!(head, "{title}");
        }
        for line in lines {
            let _ = writeln!(head, "  {}", one_line(&line.text()));
        }
    }
    head
}

fn variables(report: &Report, width: u16) -> String {
    if report.variables.is_empty() {
        return "  none\n".to_owned();
    }
    let mut table = table(width);
    for variable in &report.variables {
        table.add_row([
            variable.name.clone(),
            origin(variable),
            one_line(&variable.decided),
            one_line(&variable.notes.join(", ")),
        ]);
    }
    indented(&table)
}

fn origin(variable: &Variable) -> String {
    variable
        .places
        .iter()
        .enumerate()
        .map(|(index, place)| {
            if index == 0 {
                one_line(place)
            } else {
                format!("\nelse {}", one_line(place))
            }
        })
        .collect()
}

fn requests(report: &Report, width: u16) -> String {
    if report.requests.is_empty() {
        return "  none\n".to_owned();
    }
    let mut table = table(width);
    for requests in &report.requests {
        let name = if requests.scheme == requests.kind {
            requests.scheme.clone()
        } else {
            format!("{} ({})", requests.scheme, requests.kind)
        };
        let labels: Vec<String> = requests.labels.iter().map(|text| one_line(text)).collect();
        let mut labels = labels.join("\n");
        if !requests.is_available {
            labels.push_str("\nthis version of endow has no such backend: asking it fails");
        }
        table.add_row([name, requests.count.to_string(), labels]);
    }
    indented(&table)
}

fn reasons(names: &BTreeMap<String, Vec<String>>, width: u16) -> String {
    if names.is_empty() {
        return String::new();
    }
    let mut table = table(width);
    for (reason, names) in names {
        table.add_row([one_line(reason), names.join(" ")]);
    }
    indented(&table)
}

fn table(width: u16) -> Table {
    let mut table = Table::new();
    table
        .load_style(presets::NOTHING)
        .set_content_arrangement(ContentArrangement::Dynamic)
        .set_width(width.saturating_sub(2));
    table
}

/// The table without the blanks at the ends of its lines.
fn indented(table: &Table) -> String {
    table
        .to_string()
        .lines()
        .fold(String::new(), |mut text, line| {
            let _ = writeln!(text, " {}", line.trim_end());
            text
        })
}
