//! What must hold for any reference: it is split where its text says, nothing that is put in moves
//! a boundary, and an encoded character is that character.

use std::path::Path;

use endow_providers::{Kind, kind};

use super::{Bad, Place, Reference, Role, Scope};
use crate::manifest::diagnostic::steers;

/// A reference, and in the lines after it the variable, its key, the project and the profile.
///
/// # Panics
///
/// Where it does not hold.
pub fn references(input: &[u8]) {
    let Ok(text) = std::str::from_utf8(input) else {
        return;
    };
    let mut lines = text.split('\n');
    let text = lines.next().unwrap_or_default();
    let name = lines.next().filter(|name| crate::manifest::is_name(name));
    let name = name.unwrap_or("A_NAME");
    let key = lines.next().filter(|key| !key.is_empty()).unwrap_or(name);
    let mut word = || lines.next().filter(|word| !word.is_empty());
    let scope = Scope {
        variable: Some((name, key)),
        project: word(),
        profile: word(),
        directory: Path::new("/directory"),
        home: Some(Path::new("/home/u")),
    };
    let Some(reference) = Reference::split(text) else {
        return;
    };
    is_split(&reference, text);
    for kind in kind::ALL {
        for role in [Role::Own, Role::Layer] {
            let place = reference.place(kind, role, &scope);
            is_sound(&reference, kind, &place);
            can_be_copied(kind, &scope, &place);
            is_the_same_encoded(&reference, kind, role, &scope, &place);
        }
        is_the_same_written_out(&reference, kind, &scope);
        let setting = Scope {
            variable: None,
            ..scope
        };
        is_sound(
            &reference,
            kind,
            &reference.place(kind, Role::Own, &setting),
        );
    }
}

/// Its parts are its text, and each ends where the next can first begin.
fn is_split(reference: &Reference, text: &str) {
    let Reference {
        scheme,
        locator,
        field,
        options,
        ..
    } = reference;
    let mut whole = format!("{scheme}://{locator}");
    if let Some(field) = field {
        whole.push_str(&format!("#{field}"));
    }
    if let Some(options) = options {
        whole.push_str(&format!("?{options}"));
    }
    assert_eq!(whole, text, "nothing is lost");
    assert!(!scheme.contains(':') && !locator.contains('#'));
    match field {
        Some(field) => assert!(!field.contains('?')),
        None => assert!(!locator.contains('?')),
    }
}

fn is_sound(reference: &Reference, kind: &Kind, place: &Result<Place, Bad>) {
    match place {
        Ok(Place { address, shown }) => {
            assert_eq!((kind.validate)(address), Ok(()), "{shown}");
            assert!(!shown.contains(steers), "it can be printed");
            assert!(shown.starts_with(&reference.scheme));
            let parts = [&address.locator];
            let fields = address.field.iter().map(endow_providers::Field::as_str);
            let options = address.options.iter().map(|(_, value)| value.as_str());
            let mut parts = parts
                .into_iter()
                .map(String::as_str)
                .chain(fields)
                .chain(options);
            assert!(parts.all(|part| !part.contains('\0')), "no NUL");
            assert!(
                !kind.grammar.is_path || address.locator.starts_with('/'),
                "absolute"
            );
            // Asked alone, it is one request that answers it, once.
            let requests = (kind.requests)(std::slice::from_ref(address));
            let answers: Vec<usize> = requests
                .into_iter()
                .flat_map(|request| request.answers)
                .collect();
            assert_eq!(answers, [0], "{shown}");
        }
        Err(Bad { message, hint }) => {
            let mut texts = [message].into_iter().chain(hint);
            assert!(texts.all(|text| !text.is_empty()));
        }
    }
}

/// What is shown, written at the variable itself, is the same place.
fn can_be_copied(kind: &Kind, scope: &Scope<'_>, place: &Result<Place, Bad>) {
    if let Ok(place) = place {
        let again = Reference::split(&place.shown).expect("it is a reference");
        let again = again.place(kind, Role::Own, scope);
        assert_eq!(again.as_ref(), Ok(place), "copied");
    }
}

/// Letters and digits as `%XX` are the same place, where that is decoded at all.
fn is_the_same_encoded(
    reference: &Reference,
    kind: &Kind,
    role: Role,
    scope: &Scope<'_>,
    place: &Result<Place, Bad>,
) {
    let has_own = reference.text.contains(['%', '{']);
    if !kind.grammar.is_percent_encoded || has_own {
        return;
    }
    let encoded = |text: &String| -> String {
        text.chars()
            .map(|c| match c {
                c if c.is_ascii_alphanumeric() => format!("%{:02X}", u32::from(c)),
                c => c.to_string(),
            })
            .collect()
    };
    let other = Reference {
        locator: encoded(&reference.locator),
        field: reference.field.as_ref().map(encoded),
        ..reference.clone()
    };
    let other = other.place(kind, role, scope);
    match (place, other) {
        (Ok(place), Ok(other)) => assert_eq!(*place, other, "encoded"),
        (Err(_), Err(_)) => {}
        // Encoded, these signs are themselves.
        (Err(_), Ok(_)) if kind.grammar.is_path && reference.locator.contains(['$', '~']) => {}
        (place, other) => panic!("encoded it is another: {place:?}, {other:?}"),
    }
}

/// A placeholder stands for its text and for nothing else: no `#`, `?` or `%` in it counts.
fn is_the_same_written_out(reference: &Reference, kind: &Kind, scope: &Scope<'_>) {
    if !kind.grammar.is_percent_encoded {
        return;
    }
    let Some((name, key)) = scope.variable else {
        return;
    };
    let name = if kind.grammar.knows_names { name } else { key };
    let encoded = |text: &str| {
        text.bytes()
            .map(|byte| format!("%{byte:02X}"))
            .collect::<String>()
    };
    let (mut text, mut rest) = (String::new(), reference.text.as_str());
    while let Some((before, after)) = rest.split_once('{') {
        let Some((word, after)) = after.split_once('}') else {
            return;
        };
        text.push_str(before);
        text.push_str(&match (word, scope.project, scope.profile) {
            ("NAME", ..) => encoded(name),
            ("name", ..) => encoded(&name.to_lowercase()),
            ("project", Some(project), _) => encoded(project),
            ("profile", _, Some(profile)) => encoded(profile),
            _ => return,
        });
        rest = after;
    }
    text.push_str(rest);
    let Some(other) = Reference::split(&text) else {
        panic!("it is no reference any more");
    };
    let place = reference.place(kind, Role::Own, scope);
    let other = other.place(kind, Role::Own, scope);
    match (place, other) {
        (Ok(place), Ok(other)) => assert_eq!(place, other, "written out"),
        (Err(_), Err(_)) => {}
        (place, other) => panic!("written out it is another: {place:?}, {other:?}"),
    }
}
