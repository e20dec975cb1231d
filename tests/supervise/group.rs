//! The child's group is its own, and ends with it.

use std::time::Instant;

use super::{child, project};

#[test]
fn the_child_leads_a_group_of_its_own_in_the_same_session() {
    // Fields 5 and 6 are the group and the session; the shell reads endow's as its parent's.
    let script = "read a b c d g s rest < /proc/$$/stat; read a b c d pg ps rest < /proc/$PPID/stat; \
        [ $g = $$ ] && [ $pg != $g ] && [ $s = $ps ] && echo yes";
    project()
        .flags(["--init"])
        .shell(script)
        .stdout("yes\n")
        .success();
}

#[test]
fn what_the_child_leaves_in_its_group_is_sent_term_at_its_end() {
    let directory = tempfile::tempdir().expect("a directory");
    let file = directory.path().join("of-the-survivor");
    project()
        .flags(["--init"])
        .run(child(&["survivor", &file.display().to_string()]))
        .status(5);
    let end = Instant::now() + crate::signals::LONGEST_WAIT;
    while std::fs::read_to_string(&file).unwrap_or_default() != "terminated" {
        assert!(Instant::now() < end, "the survivor was not sent TERM");
        std::thread::sleep(std::time::Duration::from_millis(5));
    }
}

#[test]
fn endow_does_not_wait_for_what_the_child_leaves() {
    let began = Instant::now();
    project()
        .flags(["--init"])
        .shell("setsid sleep 60 > /dev/null 2>&1 & trap '' TERM; exit 3")
        .status(3);
    assert!(began.elapsed() < crate::signals::LONGEST_WAIT);
}
