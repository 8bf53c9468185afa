# Server and worker in one image: `headrace server`, `headrace worker`, `headrace up`.
#
# BASE needs python3 (3.11 or newer) with venv; what it lacks of git, git-lfs and ssh is added, by apt-get. With a
# directory `wheels/` beside this file, no package index is asked: docs/install.md shows how to fill it.
ARG BASE=python:3.13-slim

FROM ${BASE} AS build
LABEL headrace.stage=build
# The glob lets wheels/ be absent; what is in both directories lands side by side.
COPY requirements wheels* /requirements/
WORKDIR /src
ENV PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_CACHE_DIR=1 PIP_ROOT_USER_ACTION=ignore PIP_FIND_LINKS=/requirements
# The environment that goes into the result has no pip: that of the build fills it.
RUN set -eu; \
    if ls /requirements/*.whl >/dev/null 2>&1; then export PIP_NO_INDEX=1; fi; \
    python3 -m venv /build; \
    /build/bin/pip install --require-hashes -r /requirements/build.txt; \
    python3 -m venv --without-pip /opt/headrace; \
    /build/bin/pip --python /opt/headrace/bin/python install --require-hashes -r /requirements/runtime.txt
COPY . .
RUN set -eu; \
    /build/bin/pip wheel --no-index --no-deps --no-build-isolation --wheel-dir /dist .; \
    /build/bin/pip --python /opt/headrace/bin/python install --no-index --no-deps /dist/*.whl

FROM ${BASE}
# The data directory must be empty, or `headrace restore` would not fill it; so not one that useradd makes.
RUN set -eu; \
    if ! { command -v git && command -v git-lfs && command -v ssh; } >/dev/null; then \
        apt-get update; \
        apt-get install -y --no-install-recommends git git-lfs openssh-client; \
        rm -rf /var/lib/apt/lists/*; \
    fi; \
    groupadd --gid 10001 headrace; \
    useradd --uid 10001 --gid headrace --home-dir /var/lib/headrace --no-create-home --shell /usr/sbin/nologin headrace; \
    install --directory --owner=headrace --group=headrace --mode=700 /var/lib/headrace
COPY --from=build /opt/headrace /opt/headrace
ENV PATH=/opt/headrace/bin:$PATH \
    PYTHONUNBUFFERED=1 \
    HEADRACE_DATA=/var/lib/headrace \
    HEADRACE_LISTEN=0.0.0.0:8484 \
    HEADRACE_LOG_FORMAT=json
USER headrace
WORKDIR /var/lib/headrace
EXPOSE 8484
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=10s --timeout=5s --start-period=20s --retries=3 \
    CMD ["/opt/headrace/bin/python", "-c", "import urllib.request as r; r.urlopen('http://127.0.0.1:8484/healthz', timeout=4)"]
ENTRYPOINT ["headrace"]
CMD ["server"]
