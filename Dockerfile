# The image of synthserve: the two programs, the shared libraries that they load, a model, and nothing else.
#   docker build --tag synthserve .
#   docker run --rm --publish 50051:50051 --publish 9464:9464 synthserve
# deploy/README.md explains it, deploy/test-image.sh builds and tests it.
ARG BASE=debian:bookworm-slim

FROM ${BASE} AS build
WORKDIR /src
COPY scripts/install-deps.sh scripts/
RUN scripts/install-deps.sh --build-only && rm -rf /var/lib/apt/lists/* /var/log/*

COPY CMakeLists.txt CMakePresets.json LICENSE ./
COPY cmake cmake
COPY proto proto
COPY model model
COPY client client
COPY server server
# JOBS: compilers at a time; empty: as ninja sees fit. A compiler takes up to 1 GB.
ARG JOBS=
RUN cmake --preset release \
 && cmake --build --preset release --target synthserve synthctl ${JOBS:+--parallel ${JOBS}} \
 && cmake --install build/release --component server --prefix /out --strip \
 && cmake --install build/release --component client --prefix /out --strip

COPY deploy/collect-rootfs.sh deploy/
RUN deploy/collect-rootfs.sh build/release /rootfs /out/bin/synthserve /out/bin/synthctl

FROM scratch
# From what changes least to what changes most, so that an upgrade downloads little.
COPY --from=build /rootfs/ /
COPY models /models
COPY --from=build /out/bin/ /usr/local/bin/

ENV PATH=/usr/local/bin \
    SYNTHSERVE_MODEL=/models/intent-clinc150 \
    SYNTHSERVE_LISTEN=0.0.0.0:50051 \
    SYNTHSERVE_METRICS_LISTEN=0.0.0.0:9464 \
    SYNTHCTL_SERVER=127.0.0.1:50051
USER 10001:10001
WORKDIR /
EXPOSE 50051 9464
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=10s --timeout=3s --start-period=30s --retries=3 \
  CMD ["/usr/local/bin/synthctl", "--deadline", "2", "health"]
ENTRYPOINT ["/usr/local/bin/synthserve"]

# Last, as the revision changes with every commit.
ARG VERSION=0.1.0
ARG REVISION=
LABEL org.opencontainers.image.title="synthserve" \
      org.opencontainers.image.description="Serves Synthesizer text encoders over gRPC" \
      org.opencontainers.image.licenses="Apache-2.0" \
      org.opencontainers.image.version="${VERSION}" \
      org.opencontainers.image.revision="${REVISION}"
