"""What a `.dockerignore` leaves out, by the examples of Docker's own documentation and its corners."""

import pytest

from runner.engine.builds.ignore import Ignore


@pytest.mark.parametrize(
    ("rules", "left_out", "sent"),
    [
        ("", "", "a .git/config"),
        ("# comment\n\n*/temp*", "some/temporary.txt some/temp some/temp/below", "temporary.txt a/b/temp"),
        ("*/*/temp*", "a/b/temporary.txt", "a/temp"),
        ("temp?", "tempa tempb tempa/x", "temp tempab"),
        ("**/*.go", "a.go x/y/b.go", "a.goo"),
        ("/foo/bar\nlogs/", "foo/bar foo/bar/x logs/x", "x/foo/bar log"),
        ("./a/../b", "b b/c", "a"),
        ("*.md\n!README.md", "a.md", "README.md"),
        ("*.md\n!README*.md\nREADME-secret.md", "a.md README-secret.md", "README-x.md"),
        ("*.md\nREADME-secret.md\n!README*.md", "a.md", "README-secret.md README.md"),
        ("node_modules\n!node_modules/kept", "node_modules node_modules/x", "node_modules/kept node_modules/kept/y"),
        ("*\n!src", "a b/c", "src src/x"),
        (".", "", "a"),
        ("{a,b}", "{a,b}", "a b"),
        ("[", "", "a ["),
        ("  spaced  ", "spaced", "x"),
        ("\ufeffa", "a", "b"),
        ("**/a/**/b", "a/b x/a/y/z/b", "b a"),
    ],
)
def test_rules_leave_out_what_they_should(rules: str, left_out: str, sent: str) -> None:
    ignore = Ignore(rules)
    assert [path for path in left_out.split() if not ignore.leaves_out(path)] == []
    assert [path for path in sent.split() if ignore.leaves_out(path)] == []
