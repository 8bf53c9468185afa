"""The keys that reach out of a step's container, and so are for repositories that an administrator trusts."""

from collections.abc import Mapping

from pipelines.nodes import Map
from pipelines.places import Place
from pipelines.syntax.forms import FLAG, TEXT, Form, one_or_many
from pipelines.syntax.keys import Key

VOLUMES, SECURITY, NETWORK = "volumes", "security", "network"
TRUST_WORDS = (VOLUMES, SECURITY, NETWORK)

TRUST_BY_KEY: Mapping[str, str] = {
    "volumes": VOLUMES,
    "devices": VOLUMES,
    "tmpfs": VOLUMES,
    "privileged": SECURITY,
    "dns": NETWORK,
    "dns_search": NETWORK,
    "extra_hosts": NETWORK,
    "network_mode": NETWORK,
}
"""What a repository must be trusted with for a step to have the key."""


def _volume(place: Place) -> str | None:
    if isinstance(place.node, Map):
        place.problem(f"{place.name} must be text, not a map", hint="write `source:target`; volumes have no names here")
        return None
    return TEXT.read(place)


TRUSTED_KEYS = (
    Key(
        name="volumes",
        form=one_or_many(Form("source:target", _volume, TEXT.schema)),
        meaning="Directories of the machine, as `source:target` or `source:target:ro`; or a path for a new volume.",
        acted_on=False,
        example="""
steps:
  image:
    image: docker:29-cli
    commands: docker build .
    volumes: [/var/run/docker.sock:/var/run/docker.sock]
""",
    ),
    Key(
        name="devices",
        form=one_or_many(TEXT),
        meaning="Devices of the machine, as `source:target`.",
        acted_on=False,
        example="""
steps:
  emulate: {image: alpine, commands: ./emulator-tests.sh, devices: [/dev/kvm:/dev/kvm]}
""",
    ),
    Key(
        name="tmpfs",
        form=one_or_many(TEXT),
        meaning="Directories in memory.",
        acted_on=False,
        example="""
steps:
  test: {image: golang:1.26, commands: go test ./..., tmpfs: [/tmp]}
""",
    ),
    Key(
        name="privileged",
        form=FLAG,
        meaning="True to run without the limits that keep a container from its machine.",
        default="false",
        example="""
steps:
  image: {image: docker:29-dind, commands: ./build-in-docker.sh, privileged: true}
""",
    ),
    Key(
        name="dns",
        form=one_or_many(TEXT),
        meaning="Name servers.",
        acted_on=False,
        example="""
steps:
  test: {image: golang:1.26, commands: go test ./..., dns: 192.0.2.53}
""",
    ),
    Key(
        name="dns_search",
        form=one_or_many(TEXT),
        meaning="Domains to look names up in.",
        acted_on=False,
        example="""
steps:
  test: {image: golang:1.26, commands: go test ./..., dns_search: example.org}
""",
    ),
    Key(
        name="extra_hosts",
        form=one_or_many(TEXT),
        meaning="More names of hosts, as `name:address`.",
        acted_on=False,
        example="""
steps:
  test: {image: golang:1.26, commands: go test ./..., extra_hosts: ["db.example.org:192.0.2.7"]}
""",
    ),
    Key(
        name="network_mode",
        form=TEXT,
        meaning="A network of the engine in place of the job's own. `none`, which is no network, needs no trust.",
        acted_on=False,
        example="""
steps:
  build: {image: golang:1.26, commands: go build -mod=vendor ./..., network_mode: none}
""",
    ),
)
