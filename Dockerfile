# A ledger in a container: one static binary, nobody's but root's, run by a user
# who may write to its data alone. Build it with
#
#     docker build -t supportledger .
#
# The image has no shell; look into a running one by its own commands, such as
# docker exec LEDGER /usr/local/bin/supportledger verify

FROM golang:1.26.8-bookworm AS build
WORKDIR /src

# What is depended on changes less often than the source: it is a layer of its own.
COPY go.mod go.sum ./
RUN go mod download

# .git comes along, so that --version says which commit this is.
COPY . .
RUN CGO_ENABLED=0 go build -trimpath -ldflags="-s -w" -o /image/usr/local/bin/supportledger ./cmd/supportledger

# What a static binary misses on an empty disk: the certificates that issuers,
# mail servers and clusters are known by, a folder for the sorting of large lists,
# and names for the user. Time zones are in the binary.
RUN mkdir -p /image/etc/ssl/certs /image/tmp /data/supportledger \
 && cp /etc/ssl/certs/ca-certificates.crt /image/etc/ssl/certs/ \
 && echo 'supportledger:x:65532:65532::/var/lib/supportledger:/sbin/nologin' > /image/etc/passwd \
 && echo 'supportledger:x:65532:' > /image/etc/group \
 && chmod 1777 /image/tmp \
 && chmod 0700 /data/supportledger

FROM scratch
COPY --from=build /image/ /
COPY --from=build --chown=65532:65532 /data/ /var/lib/

# The log, and with it everything. Keys belong elsewhere: mount them, and name
# them by SUPPORTLEDGER_KEYS.
VOLUME /var/lib/supportledger
ENV SUPPORTLEDGER_DATA=/var/lib/supportledger

# In a container the outside is decided by which ports are published. Metrics have
# a port of their own, so that they are not published with the rest.
ENV SUPPORTLEDGER_LISTEN=0.0.0.0:8080
ENV SUPPORTLEDGER_METRICS_LISTEN=0.0.0.0:9090
EXPOSE 8080 9090

ENV SUPPORTLEDGER_LOG=json

# By number, as Kubernetes wants to see that it is not root.
USER 65532:65532

# Whether the process answers. Whether requests should be sent to it is another
# question, which a load balancer asks at /readyz: who restarts a ledger because
# its lists lag makes them lag more.
HEALTHCHECK --interval=10s --timeout=5s --start-period=60s CMD ["/usr/local/bin/supportledger", "health", "--live"]

# Stopping finishes what was accepted, for 35 s at most (SUPPORTLEDGER_GRACE): give
# it a little more than that before it is killed (docker stop -t 40), and more again
# where a load balancer is given time to notice first (SUPPORTLEDGER_DRAIN).
STOPSIGNAL SIGTERM
ENTRYPOINT ["/usr/local/bin/supportledger"]
CMD ["serve"]
