"""The keys that reach out of a step's container, and so are for repositories that an administrator trusts."""

from collections.abc import Mapping

from pipelines.syntax.forms import FLAG, TEXT
from pipelines.syntax.keys import Key
from pipelines.syntax.outside import DEVICES, DOMAINS, EXTRA_HOSTS, IN_MEMORY, NAME_SERVERS
from pipelines.syntax.outside import VOLUMES as MOUNTS

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


TRUSTED_KEYS = (
    Key(
        name="volumes",
        form=MOUNTS,
        meaning="Directories of the machine, as `/source:/target` or `/source:/target:ro`; volumes of the engine, as "
        "`name:/target`, which are made if they are missing and stay; or a path for a volume that ends with the step.",
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
        form=DEVICES,
        meaning="Devices of the machine, as `/dev/source`, `/dev/source:/dev/target` or with permissions such as `:r` "
        "behind.",
        example="""
steps:
  emulate: {image: alpine, commands: ./emulator-tests.sh, devices: [/dev/kvm:/dev/kvm]}
""",
    ),
    Key(
        name="tmpfs",
        form=IN_MEMORY,
        meaning="Directories in memory, as `/path` or `/path:size=64m,mode=1777`.",
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
        form=NAME_SERVERS,
        meaning="Name servers that are asked for what isn't a service of the job.",
        example="""
steps:
  test: {image: golang:1.26, commands: go test ./..., dns: 192.0.2.53}
""",
    ),
    Key(
        name="dns_search",
        form=DOMAINS,
        meaning="Domains to look names up in.",
        example="""
steps:
  test: {image: golang:1.26, commands: go test ./..., dns_search: example.org}
""",
    ),
    Key(
        name="extra_hosts",
        form=EXTRA_HOSTS,
        meaning="More names of hosts, as `name:address`.",
        example="""
steps:
  test: {image: golang:1.26, commands: go test ./..., extra_hosts: ["db.example.org:192.0.2.7"]}
""",
    ),
    Key(
        name="network_mode",
        form=TEXT,
        meaning="A network of the engine in place of the job's own, so that services are out of reach. `none`, which "
        "is no network, needs no trust.",
        example="""
steps:
  build: {image: golang:1.26, commands: go build -mod=vendor ./..., network_mode: none}
""",
    ),
)
