//! Templates: `${NAME}`, `${NAME|url}`, `${NAME|json}`, `${NAME|base64}`, and `$$` for a dollar.

/// A text with variables in it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Template {
    /// In order.
    pub parts: Vec<Part>,
}

/// A piece of a template.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Part {
    /// Taken as it is.
    Literal(String),
    /// Another declared variable.
    Variable {
        /// Its name.
        name: String,
        /// How it is written.
        encoding: Encoding,
    },
}

/// How a variable is written into a template.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Encoding {
    /// As it is.
    Plain,
    /// Percent-encoded, all but RFC 3986's unreserved characters.
    Url,
    /// As the inside of a JSON string (RFC 8259), without the quotes.
    Json,
    /// Standard base64 with padding (RFC 4648, section 4).
    Base64,
}

/// What is wrong, and what to do.
pub type Bad = (String, Option<String>);

impl Template {
    /// Parses a text.
    pub fn parse(text: &str) -> Result<Self, Bad> {
        let mut parts = Vec::new();
        let mut literal = String::new();
        let mut rest = text;
        while let Some(at) = rest.find('$') {
            literal.push_str(&rest[..at]);
            rest = &rest[at + 1..];
            if let Some(after) = rest.strip_prefix('$') {
                literal.push('$');
                rest = after;
                continue;
            }
            let Some(inside) = rest.strip_prefix('{') else {
                return Err((
                    "a `$` that begins no variable".to_owned(),
                    Some("write `${NAME}` for a variable, `$$` for a dollar".to_owned()),
                ));
            };
            let Some((inside, after)) = inside.split_once('}') else {
                return Err((
                    "a `${` without a `}`".to_owned(),
                    Some("write `${NAME}` for a variable, `$$` for a dollar".to_owned()),
                ));
            };
            if !literal.is_empty() {
                parts.push(Part::Literal(std::mem::take(&mut literal)));
            }
            parts.push(variable(inside)?);
            rest = after;
        }
        literal.push_str(rest);
        if !literal.is_empty() {
            parts.push(Part::Literal(literal));
        }
        Ok(Self { parts })
    }

    /// The variables it needs, in order, perhaps twice.
    pub fn variables(&self) -> impl Iterator<Item = &str> {
        self.parts.iter().filter_map(|part| match part {
            Part::Variable { name, .. } => Some(name.as_str()),
            Part::Literal(_) => None,
        })
    }
}

fn variable(inside: &str) -> Result<Part, Bad> {
    let (name, encoding) = match inside.split_once('|') {
        Some((name, word)) => (name, encoding(word)?),
        None => (inside, Encoding::Plain),
    };
    if !super::is_name(name) {
        let hint = if name.contains(":-") || name.contains('-') {
            "a template has no defaults: give the variable its own `default`"
        } else {
            "write `${NAME}` for a variable, `$$` for a dollar"
        };
        let hint = Some(hint.to_owned());
        // What follows the name can be a value: `${NAME:-value}`.
        let is_part = |c: char| c.is_ascii_alphanumeric() || c == '_';
        let head = match super::credential::issuer(inside) {
            // Of one that was pasted the head is a part.
            Some(_) => "",
            None => inside.split(|c| !is_part(c)).next().unwrap_or_default(),
        };
        let rest = if head == inside { "" } else { "..." };
        return Err((
            format!(
                "`${{{}{rest}}}` names no variable",
                super::diagnostic::shown(head)
            ),
            hint,
        ));
    }
    Ok(Part::Variable {
        name: name.to_owned(),
        encoding,
    })
}

fn encoding(word: &str) -> Result<Encoding, Bad> {
    match word {
        "url" => Ok(Encoding::Url),
        "json" => Ok(Encoding::Json),
        "base64" => Ok(Encoding::Base64),
        _ => Err((
            format!("unknown encoding `{}`", super::diagnostic::shown(word)),
            Some(
                super::diagnostic::did_you_mean(word, ["url", "json", "base64"])
                    .unwrap_or_else(|| "there are url, json and base64".to_owned()),
            ),
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::{Encoding, Part, Template};

    #[test]
    fn no_part_of_a_credential_is_in_a_message() {
        let head = format!("r8_{}", "a1B2".repeat(7));
        let (message, _) = Template::parse(&format!("${{{head}-a1B2}}")).unwrap_err();
        assert_eq!(message, "`${...}` names no variable");
    }

    #[test]
    fn parts_keep_their_order_and_two_dollars_are_one() {
        let template = Template::parse("a$$b${X|url}/${Y}").unwrap();
        assert_eq!(
            template.parts,
            [
                Part::Literal("a$b".into()),
                Part::Variable {
                    name: "X".into(),
                    encoding: Encoding::Url
                },
                Part::Literal("/".into()),
                Part::Variable {
                    name: "Y".into(),
                    encoding: Encoding::Plain
                },
            ]
        );
    }
}
