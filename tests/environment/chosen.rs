//! An endow that the command starts uses the manifest and the profile that were chosen.

use std::process::{Command, Stdio};

use crate::harness::{ENDOW, Test};

const MANIFEST: &str = "version: 1\ndefault_profile: dev\nprofiles:\n  dev: { values: { WHO: dev } }\n  prod: { production: true, values: { WHO: prod } }\n";

fn project() -> Test {
    Test::manifest(MANIFEST)
}

/// What an inner endow gives, started by a shell of the outer one.
fn inner(test: Test, outer: &[&str]) -> String {
    let output = test
        .args(outer)
        .args([
            "run",
            "--",
            "sh",
            "-c",
            &format!("exec {ENDOW} run -- sh -c 'echo $WHO'"),
        ])
        .any_stdout()
        .success();
    String::from_utf8(output.stdout).expect("UTF-8")
}

#[test]
fn an_inner_run_has_the_profile_of_the_outer_one() {
    assert_eq!(inner(project(), &["-p", "prod"]), "prod\n");
    assert_eq!(inner(project().env("ENDOW_PROFILE", "prod"), &[]), "prod\n");
    assert_eq!(inner(project(), &[]), "dev\n");
    // A flag is nearer than the variable, for the inner one too.
    let test = project().env("ENDOW_PROFILE", "dev");
    assert_eq!(inner(test, &["-p", "prod"]), "prod\n");
}

#[test]
fn an_inner_run_has_the_manifest_of_the_outer_one_from_any_directory() {
    let script = format!("cd elsewhere && exec {ENDOW} run -- sh -c 'echo $WHO'");
    let test = || {
        let other = "version: 1\nvalues: { WHO: other }\n";
        Test::new()
            .file("other.yaml", other)
            .file("elsewhere/secretfile.yaml", MANIFEST)
    };
    test()
        .args(["--file", "other.yaml", "run", "--", "sh", "-c", &script])
        .stdout("other\n")
        .success();
    test()
        .env("ENDOW_FILE", "other.yaml")
        .args(["run", "--", "sh", "-c", &script])
        .stdout("other\n")
        .success();
}

#[test]
fn what_was_found_and_the_default_set_nothing() {
    let shown = super::shown(project());
    assert!(
        !shown.iter().any(|entry| entry.starts_with("ENDOW_")),
        "{shown:?}"
    );
}

#[test]
fn the_words_of_inherit_and_a_declaration_decide_on_them() {
    let chosen = |inherit: &str, more: &str| {
        let test = Test::manifest(&format!(
            "version: 1\ninherit: {inherit}\nvalues: {{ {more} }}\nprofiles: {{ dev: }}\n"
        ));
        let shown = super::shown(test.env("ENDOW_PROFILE", "dev"));
        let mut found = shown
            .into_iter()
            .filter(|entry| entry.starts_with("ENDOW_"));
        (found.next(), found.next())
    };
    let has = |value: &str| (Some(format!("ENDOW_PROFILE={value}")), None);
    assert_eq!(chosen("[]", "A: a"), has("dev"));
    assert_eq!(chosen("all", "A: a"), has("dev"));
    assert_eq!(chosen("none", "A: a"), (None, None));
    assert_eq!(chosen("-ENDOW_PROFILE", "A: a"), (None, None));
    assert_eq!(chosen("'-ENDOW_*'", "A: a"), (None, None));
    assert_eq!(chosen("[none, ENDOW_PROFILE]", "A: a"), has("dev"));
    let declared = "version: 1\nvalues: { ENDOW_PROFILE: mine }\nprofiles: { dev: }\n";
    let test = Test::manifest(declared).args(["--file", "secretfile.yaml", "-p", "dev"]);
    assert!(super::shown(test).contains(&"ENDOW_PROFILE=mine".to_owned()));
}

#[test]
fn the_profile_of_a_flag_replaces_the_one_of_the_callers_variable_where_all_is_inherited() {
    let test =
        Test::manifest("version: 1\ninherit: all\nprofiles: { dev: , prod: }\nvalues: { A: a }\n");
    test.env("ENDOW_PROFILE", "dev")
        .args(["-p", "prod", "run", "--", "sh", "-c", "env | grep ENDOW_"])
        .stdout("ENDOW_PROFILE=prod\n")
        .success();
}

#[test]
fn explain_lists_what_was_chosen() {
    let output = project()
        .args(["-p", "prod", "explain"])
        .any_stdout()
        .success();
    let page = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(page.contains("chosen by a flag or a variable"), "{page}");
    assert!(page.contains("ENDOW_PROFILE"), "{page}");
}

#[test]
fn a_production_profile_that_a_variable_chose_is_said_on_a_terminal_alone() {
    let said = |flags: &str, variable: &str| {
        let test = project();
        let output = Command::new("script")
            .args(["-qec", &format!("{ENDOW} {flags} run -- true"), "/dev/null"])
            .current_dir(test.path(""))
            .env("ENDOW_PROFILE", variable)
            .stdin(Stdio::null())
            .output()
            .expect("script is installed: apt-get install bsdutils");
        String::from_utf8_lossy(&output.stdout).into_owned()
    };
    let note = "endow: note: ENDOW_PROFILE chooses the production profile `prod`\r\n";
    assert_eq!(said("", "prod"), note);
    assert_eq!(said("", "dev"), "");
    assert_eq!(said("-q", "prod"), "");
    assert_eq!(said("-p prod", "prod"), "");
    project()
        .env("ENDOW_PROFILE", "prod")
        .run(["true"])
        .success();
}
