//! The directory that all launches share: a home, places, programs, and where commands leave a mark.

use std::{
    fs::{self, Permissions},
    os::unix::fs::PermissionsExt,
    path::PathBuf,
};

use nix::{sys::stat::Mode, unistd::mkfifo};
use serde_json::json;
use tempfile::TempDir;

use crate::{
    server::Server,
    tests::harness::{repository, runtime},
};

/// The value of every place that is good.
pub(crate) const VALUE: &str = "value-of-the-soak";

/// A program of Summon that answers every id; as base64, as it stands there.
const GOOD: &str = "#!/bin/sh\nwhile read -r id; do echo dmFsdWUtb2YtdGhlLXNvYWs=; done\n";
const FAILS: &str = "#!/bin/sh\necho 'no such thing' >&2\nexit 3\n";
/// Neither base64 nor, asked for one alone, a success.
const GARBAGE: &str = "#!/bin/sh\n[ $# = 0 ] || exit 4\nwhile read -r id; do echo '%%%'; done\n";
/// Ends by itself, for those that nobody could kill: endow's own end was `KILL`.
const HANG: &str = "#!/bin/sh\nexec sleep 3\n";

/// The command. Its words: where to leave a mark, how many values it must have, whether the first is
/// a file, for how long to go on, how many processes to leave, what to end with. Those end by
/// themselves, for an endow that was killed.
const COMMAND: &str = r#"#!/bin/sh
echo $$ > "$1"
number=0
while [ $number -lt "$2" ]; do
    eval "value=\$V$number"
    if [ "$number$3" = 0file ]; then value=$(cat "$value"); fi
    if [ "$value" != value-of-the-soak ]; then exit 101; fi
    number=$((number + 1))
done
sleep "$4"
number=0
while [ $number -lt "$5" ]; do
    sleep 3 >/dev/null 2>&1 &
    number=$((number + 1))
done
exit "$6"
"#;

pub(crate) struct World {
    root: TempDir,
    pub(crate) server: Server,
    pub(crate) endow: PathBuf,
}

impl World {
    pub(crate) fn new(endow: PathBuf) -> Self {
        let root = tempfile::Builder::new().prefix("soak-").tempdir_in("/tmp");
        let world = Self {
            root: root.expect("a directory"),
            server: Server::start(),
            endow,
        };
        for name in ["home", "tmp", "marks", "project/files", "programs"] {
            fs::create_dir_all(world.path(name)).expect("a directory");
        }
        world.write("project/good.env", &format!("VALUE={VALUE}\n"), 0o600);
        world.write("project/malformed.env", "VALUE='never closed\n", 0o600);
        world.write("project/files/good", VALUE, 0o600);
        mkfifo(
            &world.path("project/files/hang"),
            Mode::S_IRUSR | Mode::S_IWUSR,
        )
        .expect("a FIFO");
        world.write("programs/command", COMMAND, 0o755);
        let programs = [
            ("good", GOOD),
            ("fails", FAILS),
            ("garbage", GARBAGE),
            ("hang", HANG),
        ];
        for (does, script) in programs {
            world.write(&format!("programs/exec-{does}"), script, 0o755);
        }
        world.op();
        world
    }

    /// The stand-in of `op`, in a directory for each thing that it does.
    fn op(&self) {
        let source = fs::read_to_string(repository().join("tests/programs/op.py"));
        let source = source.expect("the stand-in");
        let script = format!("#!{} -IS\n{source}", runtime::python().display());
        let field = json!({ "id": "key", "type": "CONCEALED", "label": "key", "value": VALUE });
        let item = json!({ "id": "ipifsyjdmyeg4e75ujmbkrefl4", "title": "Chat", "version": 3, "fields": [field] });
        let vaults =
            json!([{ "id": "vkjyqsbkf63zycqigbg3yxd7ce", "name": "AI Team", "items": [item] }]);
        let ways = [
            ("good", json!({ "vaults": vaults })),
            ("missing", json!({ "vaults": vaults })),
            (
                "fails",
                json!({ "vaults": vaults, "message": "unexpected" }),
            ),
        ];
        for (does, settings) in ways {
            fs::create_dir(self.path(&format!("programs/op-{does}"))).expect("a directory");
            self.write(&format!("programs/op-{does}/op"), &script, 0o755);
            let settings = settings.to_string();
            self.write(&format!("programs/op-{does}/op.json"), &settings, 0o600);
        }
        fs::create_dir(self.path("programs/op-hang")).expect("a directory");
        self.write("programs/op-hang/op", HANG, 0o755);
    }

    fn write(&self, name: &str, content: &str, mode: u32) {
        let path = self.path(name);
        fs::write(&path, content).expect("a file");
        fs::set_permissions(&path, Permissions::from_mode(mode)).expect("its mode");
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.root.path().join(name)
    }
}
