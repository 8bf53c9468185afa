"""Where a request comes from, by what browsers say, and where a page may send its reader on to."""

import string
from urllib.parse import urljoin, urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st
from starlette.datastructures import Headers

from worker.access.origin import is_own_page, safe_path

SERVER = "https://ci.example.org"


@pytest.mark.parametrize(
    "headers",
    [
        {"sec-fetch-site": "same-origin"},
        {"sec-fetch-site": "same-origin", "origin": "null"},
        {"origin": "https://ci.example.org"},
        {"origin": "https://ci.example.org", "host": "10.0.0.7:8484"},
        {"origin": "http://10.0.0.7:8484", "host": "10.0.0.7:8484"},
    ],
)
def test_page_of_this_server_is_known(headers: dict[str, str]) -> None:
    assert is_own_page(Headers(headers), SERVER)


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"sec-fetch-site": "cross-site", "origin": "https://ci.example.org"},
        {"sec-fetch-site": "same-site"},
        {"sec-fetch-site": "none"},
        {"sec-fetch-site": ""},
        {"origin": "null", "host": "null"},
        {"origin": "https://evil.example.org"},
        {"origin": "https://ci.example.org.evil.org"},
        {"origin": "https://ci.example.org@evil.org"},
        {"origin": "http://ci.example.org"},
        {"origin": "file://", "host": ""},
        {"origin": "", "host": ""},
        {"referer": "https://ci.example.org/"},
    ],
)
def test_page_of_anybody_else_is_refused(headers: dict[str, str]) -> None:
    assert not is_own_page(Headers(headers), SERVER)


@pytest.mark.parametrize("path", ["/", "/acme/web", "/acme/web?before=7", "/a/b/runs/1?x=http://y/", "/a%20b"])
def test_path_of_this_server_is_kept(path: str) -> None:
    assert safe_path(path) == path


@given(st.text(alphabet="/\\.:@?#%\t\r\n \0" + string.ascii_lowercase[:4] + "é", max_size=12))
def test_no_text_leads_to_another_server(text: str) -> None:
    """As a browser reads it, which drops tabs and newlines and takes a backslash for a slash."""
    seen = safe_path(text)
    read = "".join(character for character in seen if character not in "\t\r\n").replace("\\", "/").strip()
    assert urlsplit(urljoin(f"{SERVER}/login", read)).netloc == "ci.example.org"
    assert seen.startswith("/")
