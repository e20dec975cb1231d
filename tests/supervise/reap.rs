//! Every orphan is adopted and reaped.

use super::{child, project};
use crate::signals::as_init;

#[test]
fn a_thousand_orphans_are_reaped() {
    project()
        .flags(["--init"])
        .run(child(&["orphans", "1000"]))
        .stdout("1000 orphans adopted, 0 left\n")
        .success();
}

#[test]
fn as_pid_1_orphans_are_reaped() {
    project()
        .through(as_init())
        .flags(["--init"])
        .run(child(&["orphans", "100"]))
        .stdout("100 orphans adopted, 0 left\n")
        .success();
}

#[test]
fn the_end_of_an_orphan_is_not_taken_for_the_childs() {
    project()
        .flags(["--init"])
        .shell("(sh -c 'exit 9' &) ; sleep 0.3; exit 3")
        .status(3);
}
