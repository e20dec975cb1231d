//! The forms of CI systems, with what keeps values out of their logs.

use base64::{Engine, engine::general_purpose::STANDARD_NO_PAD};
use endow_providers::Secret;
use zeroize::Zeroizing;

use super::{as_text, refuse, without_nul};
use crate::error::Error;

/// A line that is shorter stands in any log by chance.
const SHORTEST_MASK: usize = 4;

/// A variable that a CI system sets for its jobs.
pub(super) struct Marker {
    pub(super) name: &'static str,
    pub(super) value: &'static str,
    /// Why nothing is printed elsewhere.
    pub(super) why: &'static str,
}

/// <https://docs.github.com/en/actions/reference/workflows-and-actions/variables>
pub(super) const GITHUB: Marker = Marker {
    name: "GITHUB_ACTIONS",
    value: "true",
    why: "the lines that mask the values hold them, and only a runner of GitHub takes these out of its log",
};

/// <https://learn.microsoft.com/en-us/azure/devops/pipelines/build/variables>
pub(super) const AZURE: Marker = Marker {
    name: "TF_BUILD",
    value: "True",
    why: "the lines that set the variables hold the values, and only an agent of Azure Pipelines takes these out of its log",
};

/// GitHub's form for values of several lines, with a delimiter that the value does not hold.
pub(super) fn github(name: &str, value: &[u8], text: &mut Vec<u8>) -> Result<(), Error> {
    if value.contains(&0) || value.contains(&b'\r') {
        return Err(refuse(name, "a NUL or a carriage return", "GitHub's file"));
    }
    as_text(name, value, "GitHub's file")?;
    let holds = |delimiter: &str| {
        value
            .windows(delimiter.len())
            .any(|window| window == delimiter.as_bytes())
    };
    // A value of n bytes can't hold n + 1 different delimiters.
    let delimiter = (0..=value.len())
        .map(|number| format!("ENDOW_{number}"))
        .find(|delimiter| !holds(delimiter))
        .unwrap_or_default();
    text.extend_from_slice(format!("{name}<<{delimiter}\n").as_bytes());
    text.extend_from_slice(value);
    text.extend_from_slice(format!("\n{delimiter}\n").as_bytes());
    Ok(())
}

/// The commands that make a runner of GitHub take values out of its log: each line of each value, and the
/// value in base64 and in JSON. A runner reads them from standard error too.
/// <https://docs.github.com/en/actions/reference/workflows-and-actions/workflow-commands#masking-a-value-in-a-log>
pub(super) fn masks<'s>(secrets: impl Iterator<Item = &'s Secret>) -> Zeroizing<Vec<u8>> {
    let mut masked: Vec<Zeroizing<String>> = Vec::new();
    for secret in secrets {
        let value = String::from_utf8_lossy(secret.expose());
        let of_value = [&*value, value.trim_end_matches('\n')];
        for text in of_value.into_iter().chain(value.lines()) {
            masked.extend(forms(text));
        }
    }
    masked.sort_by(|one, other| one.as_str().cmp(other));
    masked.dedup();
    let mut text = Zeroizing::new(Vec::new());
    for mask in masked {
        text.extend_from_slice(b"::add-mask::");
        text.extend_from_slice(mask.as_bytes());
        text.push(b'\n');
    }
    text
}

/// What a value is looked for as: one line each.
fn forms(text: &str) -> impl Iterator<Item = Zeroizing<String>> {
    let is_long = text.trim().len() >= SHORTEST_MASK;
    let json = serde_json::Value::from(text).to_string();
    let json = Zeroizing::new(json[1..json.len() - 1].to_owned());
    let base64 = STANDARD_NO_PAD.encode(text);
    let line = (!text.contains('\n')).then(|| Zeroizing::new(text.to_owned()));
    let forms = [line, Some(json), Some(Zeroizing::new(base64))];
    forms
        .into_iter()
        .flatten()
        .filter(move |_| is_long)
        .map(|form| command(&form))
}

/// The data of a workflow command (the toolkit's `escapeData`).
fn command(text: &str) -> Zeroizing<String> {
    Zeroizing::new(
        text.replace('%', "%25")
            .replace('\r', "%0D")
            .replace('\n', "%0A"),
    )
}

/// A secret variable for the steps that follow.
/// <https://learn.microsoft.com/en-us/azure/devops/pipelines/scripts/logging-commands>
pub(super) fn azure(name: &str, value: &[u8], text: &mut Vec<u8>) -> Result<(), Error> {
    let value = without_nul(name, value, "Azure Pipelines")?;
    text.extend_from_slice(
        format!("##vso[task.setvariable variable={name};issecret=true]").as_bytes(),
    );
    for c in value.chars() {
        match c {
            '%' => text.extend_from_slice(b"%AZP25"),
            '\r' => text.extend_from_slice(b"%0D"),
            '\n' => text.extend_from_slice(b"%0A"),
            c => text.extend_from_slice(c.encode_utf8(&mut [0; 4]).as_bytes()),
        }
    }
    text.push(b'\n');
    Ok(())
}
