//! The dialect as a table, and its errors to the letter.

use std::fmt::Write;

use super::{Parsed, Repeated, parse};
use crate::dotenv::problem::fault;

/// Input, and its keys with their values in the order of the keys.
type Row = (&'static [u8], &'static [(&'static str, &'static [u8])]);

fn parsed(text: &[u8], is_expanding: bool) -> Parsed {
    parse(text, is_expanding).unwrap_or_else(|problems| panic!("{text:?}: {problems:?}"))
}

fn check(rows: &[Row], is_expanding: bool) {
    for (text, expected) in rows {
        let parsed = parsed(text, is_expanding);
        let found: Vec<(&str, &[u8])> = parsed
            .entries
            .iter()
            .map(|(key, entry)| (key.as_str(), entry.value.expose()))
            .collect();
        assert_eq!(found, *expected, "{}", String::from_utf8_lossy(text));
    }
}

const DIALECT: &[Row] = &[
    // What other parsers get wrong.
    (b"Q=pa$$word", &[("Q", b"pa$$word")]),
    (b"P=\"dollar $5\"", &[("P", b"dollar $5")]),
    (b"N=${UNSET:-def}", &[("N", b"${UNSET:-def}")]),
    (b"I=$X-x", &[("I", b"$X-x")]),
    (b"T=C:\\path\\new", &[("T", b"C:\\path\\new")]),
    (b"S=\"esc \\\" q\"", &[("S", b"esc \" q")]),
    (b"B=\"\\n \\t\"", &[("B", b"\n \t")]),
    (b"AA=with space", &[("AA", b"with space")]),
    (b"AB=it's", &[("AB", b"it's")]),
    (b"R=p#ass", &[("R", b"p#ass")]),
    (b"O=", &[("O", b"")]),
    (b"\xef\xbb\xbfA=1", &[("A", b"1")]),
    // Lines.
    (b"", &[]),
    (b"\xef\xbb\xbf", &[]),
    (b"\n \n\t\n\r\n", &[]),
    (b"# A=1\n  # B=2\n#", &[]),
    (b"A=1\nB=2\n", &[("A", b"1"), ("B", b"2")]),
    (
        b"A=1\r\nB='2'\r\nC=\r\n# c\r\n\r\n",
        &[("A", b"1"), ("B", b"2"), ("C", b"")],
    ),
    (b"A=1\nA=2", &[("A", b"2")]),
    // Keys.
    (b"  A=1", &[("A", b"1")]),
    (b"A =1", &[("A", b"1")]),
    (b"A\t= \t1", &[("A", b"1")]),
    (b"export A=1", &[("A", b"1")]),
    (b"\texport \t A = 1", &[("A", b"1")]),
    (b"export=1", &[("export", b"1")]),
    (b"export = 1", &[("export", b"1")]),
    (b"exported=1", &[("exported", b"1")]),
    (b"_a9.b-c=1", &[("_a9.b-c", b"1")]),
    // Unquoted values.
    (b"A=1 \t", &[("A", b"1")]),
    (b"A==", &[("A", b"=")]),
    (b"A=b=c==", &[("A", b"b=c==")]),
    (b"A=1 # c", &[("A", b"1")]),
    (b"A=1\t#c", &[("A", b"1")]),
    (b"A= # c", &[("A", b"")]),
    (b"A=#c", &[("A", b"#c")]),
    (b"A=1#c #d", &[("A", b"1#c")]),
    (b"A=\\n", &[("A", b"\\n")]),
    (b"A=a\"b\"", &[("A", b"a\"b\"")]),
    (b"A=a 'b' `c`", &[("A", b"a 'b' `c`")]),
    (b"A={\"a\":\"b\"}", &[("A", b"{\"a\":\"b\"}")]),
    (b"A=$(id) `id`", &[("A", b"$(id) `id`")]),
    (b"A=a\\\nB=b", &[("A", b"a\\"), ("B", b"b")]),
    (b"A=\xff\xfe\0x", &[("A", b"\xff\xfe\0x")]),
    (b"A=# c", &[("A", b"")]),
    (b"A=#", &[("A", b"")]),
    (b"A=## c", &[("A", b"")]),
    // A line end of any kind ends a line.
    (b"A=a\rB=b\rC=c", &[("A", b"a"), ("B", b"b"), ("C", b"c")]),
    (b"A=a\r\rB='b'\r", &[("A", b"a"), ("B", b"b")]),
    (b"A=a\r\r\nB=b", &[("A", b"a"), ("B", b"b")]),
    // Blanks that are no ASCII.
    (b"A=\xc2\xa0a b\xc2\xa0", &[("A", b"a b")]),
    (b"\xc2\xa0A\xc2\xa0=a", &[("A", b"a")]),
    (
        b"export\xc2\xa0A=\xe3\x80\x80'a'\xc2\xa0# c",
        &[("A", b"a")],
    ),
    (b"A=a\xc2\xa0# c", &[("A", b"a")]),
    (b"A=a\xc2\xa0b", &[("A", b"a\xc2\xa0b")]),
    (b"A=\"\xc2\xa0a\"", &[("A", b"\xc2\xa0a")]),
    (b"A=\xa0", &[("A", b"\xa0")]),
    (b"\xc2\xa0\n\xe2\x80\x83# c\nA=1", &[("A", b"1")]),
    (b"A=\xef\xbb\xbfa", &[("A", b"a")]),
    // Quoted values.
    (b"A=''", &[("A", b"")]),
    (b"A=\"\"", &[("A", b"")]),
    (b"A=``", &[("A", b"")]),
    (b"A=' a '", &[("A", b" a ")]),
    (b"A= \" a \" ", &[("A", b" a ")]),
    (b"A='a\\nb\\'", &[("A", b"a\\nb\\")]),
    (b"A='a\"b`c'", &[("A", b"a\"b`c")]),
    (b"A=`a\"b'c\\n${X}`", &[("A", b"a\"b'c\\n${X}")]),
    (b"A=\"a'b`c\"", &[("A", b"a'b`c")]),
    (b"A=\"\\n\\r\\t\\\"\\\\\\$\"", &[("A", b"\n\r\t\"\\$")]),
    (b"A=\"\\x\\'\\u0041\\/\"", &[("A", b"\\x\\'\\u0041\\/")]),
    (b"A=\"\\\\n\"", &[("A", b"\\n")]),
    (b"A=\"a\\\nb\"", &[("A", b"a\\\nb")]),
    (b"A=\"a\nb\n\"\nB=1", &[("A", b"a\nb\n"), ("B", b"1")]),
    (
        b"A='a\n# b\n\nC=2'\nB=1",
        &[("A", b"a\n# b\n\nC=2"), ("B", b"1")],
    ),
    (b"A=`a\nb`", &[("A", b"a\nb")]),
    (b"A=\"a\r\nb\"\r\n", &[("A", b"a\nb")]),
    (b"A='a\r\nb'\r\nB=1\r\n", &[("A", b"a\nb"), ("B", b"1")]),
    (b"A=`a\r\n\r\nb`", &[("A", b"a\n\nb")]),
    (b"A=\"a\rb\"\rB=1", &[("A", b"a\nb"), ("B", b"1")]),
    (b"A=\"a\\\r\nb\"", &[("A", b"a\\\nb")]),
    (b"A=\"a\"# c", &[("A", b"a")]),
    (b"A='a'#c", &[("A", b"a")]),
    (b"A=`a`#", &[("A", b"a")]),
    (b"A=\"a\" # c", &[("A", b"a")]),
    (b"A='a'\t# 'c'\r\n", &[("A", b"a")]),
    (b"A=\"a # b\"", &[("A", b"a # b")]),
    (b"A=\"\xff\0\"", &[("A", b"\xff\0")]),
    (b"A=\"${X} $X\"", &[("A", b"${X} $X")]),
];

#[test]
fn every_row_of_the_dialect_gives_its_values() {
    check(DIALECT, false);
}

const EXPANDED: &[Row] = &[
    (b"N=${UNSET:-def}", &[("N", b"def")]),
    (b"N=${UNSET:-}", &[("N", b"")]),
    (b"X=1\nI=$X-x", &[("I", b"$X-x"), ("X", b"1")]),
    (b"Q=pa$$word", &[("Q", b"pa$$word")]),
    (b"P=\"dollar $5\"", &[("P", b"dollar $5")]),
    (b"X=1\nY=${X}", &[("X", b"1"), ("Y", b"1")]),
    (b"X=1\nY=\"a${X}b${X}c\"", &[("X", b"1"), ("Y", b"a1b1c")]),
    (b"X=1\nX=2\nY=${X}", &[("X", b"2"), ("Y", b"2")]),
    (b"X=1\nX=${X}2", &[("X", b"12")]),
    (
        b"X=\nY=a${X}b\nZ=${X:-d}",
        &[("X", b""), ("Y", b"ab"), ("Z", b"d")],
    ),
    (b"X=1\nY=${X:-d}", &[("X", b"1"), ("Y", b"1")]),
    (b"X='$${Y}'\nY=${X}", &[("X", b"$${Y}"), ("Y", b"$${Y}")]),
    (b"Y='${X}'\nZ=`${X}`", &[("Y", b"${X}"), ("Z", b"${X}")]),
    (b"Y=\"\\${X}\"", &[("Y", b"${X}")]),
    (b"Y=\"${X:-a\\n\\\"b\\$}\"", &[("Y", b"a\n\"b$")]),
    (b"Y=${X:-a\\nb $c}", &[("Y", b"a\\nb $c")]),
    (b"Y=${X:-a:-b}", &[("Y", b"a:-b")]),
    (b"a.b-c=1\nY=${a.b-c}", &[("Y", b"1"), ("a.b-c", b"1")]),
    (
        b"X=\"\xff\n\"\nY=${X}${X}",
        &[("X", b"\xff\n"), ("Y", b"\xff\n\xff\n")],
    ),
    (b"Y=$(id) # ${X}", &[("Y", b"$(id)")]),
];

#[test]
fn expansion_knows_earlier_keys_and_defaults_alone() {
    check(EXPANDED, true);
}

const UNKNOWN: &str =
    "`${NAME:-}` is empty where no earlier line sets `NAME`, and `${NAME:-x}` is `x`";

/// Input, whether it is expanded, the message, and the hints. `S3CRET` stands for the secret.
const ERRORS: &[(&[u8], bool, &str, &[&str])] = &[
    (b"S3CRET", false, "`/.env` line 1: no `=`", &[]),
    (
        b"A=1\n\nexport S3CRET\n",
        false,
        "`/.env` line 3: no `=`",
        &[],
    ),
    (b"A: S3CRET", false, "`/.env` line 1: no `=`", &[]),
    (
        b"=S3CRET",
        false,
        "`/.env` line 1: no valid name before `=`",
        &[],
    ),
    (
        b"9A=S3CRET",
        false,
        "`/.env` line 1: no valid name before `=`",
        &[],
    ),
    (
        b"S3CRET /+=",
        false,
        "`/.env` line 1: no valid name before `=`",
        &[],
    ),
    (
        b"K\xc3\xa9Y=S3CRET",
        false,
        "`/.env` line 1: no valid name before `=`",
        &[],
    ),
    (
        b"export A B=S3CRET",
        false,
        "`/.env` line 1: no valid name before `=`",
        &[],
    ),
    (
        b"A=1\nB=\"S3CRET\nC=1\n",
        false,
        "`/.env` line 2: the `\"` that opens `B` is never closed",
        &[],
    ),
    (
        b"A='S3CRET",
        false,
        "`/.env` line 1: the `'` that opens `A` is never closed",
        &[],
    ),
    (
        b"A=`S3CRET",
        false,
        "`/.env` line 1: the backtick that opens `A` is never closed",
        &[],
    ),
    (
        b"A=\"S3CRET\\\"",
        false,
        "`/.env` line 1: the `\"` that opens `A` is never closed",
        &[],
    ),
    (
        b"A=\"S3CRET\" S3CRET",
        false,
        "`/.env` line 1: text after the closing quote of `A`",
        &[],
    ),
    (
        b"A='S3CRET\n\n'S3CRET\n",
        false,
        "`/.env` line 3: text after the closing quote of `A`, which is opened on line 1",
        &[],
    ),
    (
        b"A=${S3CRETx9Fq7Lk2Vb8Zt4Wm1Xc6Rn3Yp5}",
        true,
        "`/.env` line 1: `A` refers to a name that no earlier line sets",
        &[UNKNOWN, "single quotes keep a `$` as it is"],
    ),
    (
        b"A=${B}\nB=S3CRET",
        true,
        "`/.env` line 1: `A` refers to `B`, which no earlier line sets",
        &[UNKNOWN, "single quotes keep a `$` as it is"],
    ),
    (
        b"A=${S3CRET",
        true,
        "`/.env` line 1: `A` has a `${` that is neither `${NAME}` nor `${NAME:-default}`",
        &["single quotes keep a `$` as it is"],
    ),
    (
        b"A=${}\nB=${S3CRET:+x}\nC=\"${9}\"\nD=${X:-${S3CRET}}\nE=${X:?S3CRET}",
        true,
        "`/.env` line 1: `A` has a `${` that is neither `${NAME}` nor `${NAME:-default}`",
        &[
            "also line 2: `B` has a `${` that is neither `${NAME}` nor `${NAME:-default}`",
            "also line 3: `C` has a `${` that is neither `${NAME}` nor `${NAME:-default}`",
            "also line 4: `D` has a `${` that is neither `${NAME}` nor `${NAME:-default}`",
            "also line 5: `E` has a `${` that is neither `${NAME}` nor `${NAME:-default}`",
            "single quotes keep a `$` as it is",
        ],
    ),
    (
        b"S3CRET\nA=1\n-=\"S3CRET\nS3CRET\"\nB='S3CRET'x\r\nC=\"",
        false,
        "`/.env` line 1: no `=`",
        &[
            "also line 3: no valid name before `=`",
            "also line 5: text after the closing quote of `B`",
            "also line 6: the `\"` that opens `C` is never closed",
        ],
    ),
    // A key whose own line is wrong is no unknown one.
    (
        b"A='S3CRET'x\nB=${A}",
        true,
        "`/.env` line 1: text after the closing quote of `A`",
        &[],
    ),
    (
        b"\xff\xfeS\x003\0",
        false,
        "`/.env` line 1: the file is UTF-16, not UTF-8",
        &[],
    ),
];

#[test]
fn errors_name_line_and_key_and_never_the_text() {
    for (text, is_expanding, message, hints) in ERRORS {
        let name = String::from_utf8_lossy(text);
        let fault = fault("/.env", &parse(text, *is_expanding).expect_err(&name));
        assert_eq!(
            (fault.message.as_str(), &fault.hints[..]),
            (*message, &hints.map_owned()[..]),
            "{name}"
        );
        assert!(!format!("{fault:?}").contains("S3CRET"), "{name}");
    }
}

trait Owned {
    fn map_owned(&self) -> Vec<String>;
}

impl Owned for &[&str] {
    fn map_owned(&self) -> Vec<String> {
        self.iter().map(ToString::to_string).collect()
    }
}

#[test]
fn of_very_many_problems_the_first_are_shown() {
    let fault = fault(
        "/.env",
        &parse("x\n".repeat(50).as_bytes(), false).unwrap_err(),
    );
    assert_eq!(fault.message, "`/.env` line 1: no `=`");
    assert_eq!(fault.hints.len(), 20);
    assert_eq!(fault.hints[18], "also line 20: no `=`");
    assert_eq!(fault.hints[19], "only the first 20 problems are shown");
}

#[test]
fn exactly_twenty_problems_are_not_said_to_be_more() {
    let fault = fault(
        "/.env",
        &parse("x\n".repeat(20).as_bytes(), false).unwrap_err(),
    );
    assert_eq!(fault.hints.last().unwrap(), "also line 20: no `=`");
}

#[test]
fn a_repeated_key_is_said_with_both_lines() {
    let repeated = parsed(b"A=1\nB='\n'\nA=2\n\nA=3", false).repeated;
    let again = |earlier, later| Repeated {
        key: "A".into(),
        earlier,
        later,
    };
    assert_eq!(repeated, [again(1, 4), again(4, 6)]);
}

#[test]
fn lines_are_counted_through_quotes_and_blank_lines() {
    let parsed = parsed(b"# c\r\n\r\nA=\"1\r\n2\"\r\nB=`\n\n`\nC=3", false);
    let lines: Vec<usize> = parsed.entries.values().map(|entry| entry.line).collect();
    assert_eq!(lines, [3, 5, 8]);
}

#[test]
fn expansion_can_not_double_without_end() {
    let mut text = format!("A0={}\n", "x".repeat(1024));
    for i in 1..64 {
        writeln!(text, "A{i}=${{A{0}}}${{A{0}}}", i - 1).unwrap();
    }
    // `A0` to `A13` are 1 KiB times 2^14 - 1, the last sum that is under the limit.
    let fault = fault("/.env", &parse(text.as_bytes(), true).unwrap_err());
    assert_eq!(
        fault.message,
        "`/.env` line 15: with `A14` the expanded values take more than 16 MiB"
    );
    assert_eq!(fault.hints, Vec::<String>::new());
}

#[test]
fn a_value_takes_exactly_its_size() {
    let parsed = parsed(b"A=\"a\\nb\"\nB=${A}${A}", true);
    let sizes: Vec<usize> = parsed
        .entries
        .values()
        .map(|entry| entry.value.len())
        .collect();
    assert_eq!(sizes, [3, 6]);
}
