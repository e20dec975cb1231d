//! The example of containers: what can be shown without its servers. Its image is run by the tests
//! of containers.

use std::fs;

use crate::harness::{Test, repository};

fn file(name: &str) -> String {
    let path = repository().join("examples/container").join(name);
    fs::read_to_string(path).expect(name)
}

#[test]
fn every_profile_can_be_explained_and_each_is_used_by_a_file() {
    for (profile, user) in [
        ("mounted", "Dockerfile"),
        ("mounted", "Dockerfile.debian"),
        ("compose", "compose.yaml"),
        ("vault", "pod.yaml"),
        ("systemd", "chat.service"),
    ] {
        Test::manifest(&file("secretfile.yaml"))
            .args(["--file", "secretfile.yaml", "explain", "-p", profile])
            .any_stdout()
            .success();
        let user = file(user);
        let names = [
            "ENDOW_PROFILE=",
            "ENDOW_PROFILE: ",
            "ENDOW_PROFILE, value: ",
        ];
        assert!(
            names
                .iter()
                .any(|name| user.contains(&format!("{name}{profile}"))),
            "{user}"
        );
    }
}

#[test]
fn the_units_credentials_are_the_manifests_names() {
    let unit = file("chat.service");
    let names: Vec<&str> = unit
        .lines()
        .filter_map(|line| line.strip_prefix("LoadCredentialEncrypted="))
        .collect();
    let test = Test::manifest(&file("secretfile.yaml"));
    let manifest = fs::read_to_string(test.path("secretfile.yaml"))
        .expect("the manifest")
        .replace(
            "/run/credentials/chat.service",
            &test.path("credentials").display().to_string(),
        );
    let test = names
        .iter()
        .fold(test.file("secretfile.yaml", manifest), |test, name| {
            test.file_with_mode(
                &format!("credentials/{name}"),
                format!("value of {name}"),
                0o600,
            )
        });
    test.args(["--file", "secretfile.yaml", "-p", "systemd"])
        .flags(["--init"])
        .shell("echo $OPENAI_API_KEY, $DATABASE_PASSWORD")
        .stdout("value of OPENAI_API_KEY, value of DATABASE_PASSWORD\n")
        .success();
}
