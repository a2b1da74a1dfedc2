"""`declarative fmt`: the plain form in place, with what would change shown, and nothing lost."""

UGLY = "var x:R   # the unknown\nminimize   x**2+1\n"
PLAIN = "var x : R  # the unknown\nminimize x^2 + 1\n"


def test_it_rewrites_in_place_and_says_so(run, folder):
    (folder / "ugly.opt").write_text(UGLY)
    done = run("fmt", "ugly.opt", "simplex.opt")
    assert done.exit_code == 0 and done.stdout == "reformatted ugly.opt\n"
    assert (folder / "ugly.opt").read_text() == PLAIN
    assert run("fmt", "ugly.opt").stdout == ""


def test_check_changes_nothing_and_tells_by_its_status(run, folder):
    (folder / "ugly.opt").write_text(UGLY)
    done = run("fmt", "--check", "simplex.opt", "ugly.opt")
    assert done.exit_code == 1 and done.stdout == "would reformat ugly.opt\n"
    assert (folder / "ugly.opt").read_text() == UGLY
    assert run("fmt", "--check", "simplex.opt").exit_code == 0


def test_diff_shows_the_change(run, folder):
    (folder / "ugly.opt").write_text(UGLY)
    done = run("fmt", "--diff", "ugly.opt")
    assert done.exit_code == 1 and "-minimize   x**2+1\n" in done.stdout and "+minimize x^2 + 1\n" in done.stdout
    assert (folder / "ugly.opt").read_text() == UGLY


def test_standard_input_goes_to_standard_output(run, folder):
    assert run("fmt", "-", input=UGLY).stdout == PLAIN
    assert run("fmt", "-", input=PLAIN).stdout == PLAIN


def test_line_ends_and_a_byte_order_mark_become_plain(run, folder):
    (folder / "windows.opt").write_bytes(b"\xef\xbb\xbfvar x : R\r\nminimize x^2\r\n")
    assert run("fmt", "windows.opt").exit_code == 0
    assert (folder / "windows.opt").read_bytes() == b"var x : R\nminimize x^2\n"


def test_a_file_that_cannot_be_read_whole_stays_as_it_is(run, folder):
    before = (folder / "broken.opt").read_text()
    (folder / "ugly.opt").write_text(UGLY)
    done = run("fmt", "ugly.opt", "broken.opt")
    assert done.exit_code == 1 and "broken.opt:2" in done.stderr
    assert (folder / "broken.opt").read_text() == before and (folder / "ugly.opt").read_text() == UGLY
