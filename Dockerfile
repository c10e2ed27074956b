# One binary on an image without a shell: docker build -t failsoft .
# The build needs no network beyond crates.io; the result runs as an unprivileged user and writes only to its volume.

FROM rust:1.95-bookworm AS build
WORKDIR /build
COPY . .
# The caches stay with the builder, not in a layer, so the binary is copied out of them.
RUN --mount=type=cache,target=/usr/local/cargo/registry \
    --mount=type=cache,target=/build/target \
    cargo build --profile dist --locked --bin failsoft \
    && mkdir -p /out/data \
    && cp target/dist/failsoft /out/failsoft

FROM gcr.io/distroless/cc-debian12:nonroot
COPY --from=build /out/failsoft /usr/local/bin/failsoft
COPY --from=build /build/LICENSE-MIT /build/LICENSE-APACHE /build/docs/licenses/ /usr/share/doc/failsoft/
# The user of this image is 65532; a new volume takes over the owner of the folder it covers.
COPY --from=build --chown=65532:65532 /out/data /var/lib/failsoft
VOLUME ["/var/lib/failsoft"]
WORKDIR /var/lib/failsoft

# The embedded database and its key live in the working directory, which is the volume; DATABASE_URL=postgres://... or
# DATABASE_URL_FILE moves the data out of it. Neither is set here, because only one of the two may be.
ENV FAILSOFT_LISTEN=0.0.0.0:8080 \
    FAILSOFT_LOG_FORMAT=json
EXPOSE 8080
ENTRYPOINT ["/usr/local/bin/failsoft"]
CMD ["serve"]
