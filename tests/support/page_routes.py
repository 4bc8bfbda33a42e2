"""All routes of `bmsg web`, as its source names them: a new one is tested without being told of."""
import pathlib
import re

SOURCE = pathlib.Path(__file__).parents[2] / "cli"
PROGRAMS = (("GET", "/chain"), ("GET", "/pending_tx"), ("GET", "/mine"),
            ("POST", "/new_transaction"), ("POST", "/register_node"), ("POST", "/register_with"),
            ("POST", "/add_block"), ("POST", "/"))


def calls():
    """Those of the page."""
    found = set()
    for file in SOURCE.glob("web_*.cc"):
        found |= set(re.findall(r'"(/api/[a-z/_-]*[a-z])"', file.read_text()))
    assert len(found) > 30, found
    return sorted(found)
