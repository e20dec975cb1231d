//! The batch job.

use super::{block, copied, for_dev, for_prod, plainly};
use crate::harness::{Test, runtime};

/// The Python example, with the interpreter itself in front: a shim would add variables.
fn with_python(test: Test) -> Test {
    test.env("PATH", runtime::path_with(runtime::python()))
}

#[test]
fn the_python_example_runs_for_dev_and_prints_what_its_readme_shows() {
    let test = with_python(for_dev("python"));
    let shown = block(&test, "text");
    assert!(shown.starts_with("model: claude-haiku-4-5\n"), "{shown}");
    test.run(["python3", "app.py"]).stdout(shown).success();
}

#[test]
fn the_python_example_runs_for_prod() {
    let secrets = [
        ("ANTHROPIC_API_KEY", "prod-key-anthropic"),
        ("PINECONE_API_KEY", "prod-key-pinecone"),
    ];
    with_python(for_prod("python", &secrets))
        .args(["run", "--profile", "prod", "--", "python3", "app.py"])
        .stdout(
            "model: claude-sonnet-4-5\nANTHROPIC_API_KEY: set\nPINECONE_API_KEY: set\n\
             given: ANTHROPIC_API_KEY, LOG_LEVEL, MODEL, PINECONE_API_KEY\n\
             other credentials in the environment: 0\n",
        )
        .success();
}

#[test]
fn the_python_example_ran_before_with_an_exported_dotenv_file() {
    let test = with_python(for_dev("python"));
    let script = "set -a; . ./.env; python3 app.py";
    let output = plainly(&test, "sh", &["-c", script])
        .output()
        .expect("sh starts");
    assert_eq!(output.status.code(), Some(0));
    test.stdout(
        "model: claude-sonnet-4-5\nANTHROPIC_API_KEY: set\nPINECONE_API_KEY: set\n\
         given: ANTHROPIC_API_KEY, PINECONE_API_KEY\n\
         other credentials in the environment: 1 (AWS_SECRET_ACCESS_KEY)\n",
    )
    .compare(&output);
}

#[test]
fn the_python_example_names_what_is_missing_without_endow() {
    let test = with_python(copied("python"));
    let output = plainly(&test, "sh", &["-c", "python3 app.py"])
        .output()
        .expect("sh starts");
    assert_eq!(output.status.code(), Some(1));
    test.stderr(
        "app: error: missing environment variables: ANTHROPIC_API_KEY, PINECONE_API_KEY\n\
         app: hint: secretfile.yaml declares them: endow run -- python3 app.py\n",
    )
    .compare(&output);
}
