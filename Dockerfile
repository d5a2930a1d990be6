# Kith in a container. Data are in /data.
#
#   docker build -t kith .
#   docker run -d --restart unless-stopped --name kith --network host -v kith-data:/data kith serve --domain example.org
#   docker exec kith kith invite create --role admin

FROM golang:1.26-bookworm AS go
WORKDIR /src
COPY go.mod go.sum ./
RUN go mod download
COPY . .
RUN mkdir -p frontend/generated \
 && GOOS=js GOARCH=wasm go build -trimpath -gcflags=runtime=-l -gcflags=kith/webclient=-l -ldflags '-s -w' \
      -o frontend/generated/kith-omemo.wasm ./webclient \
 && cp "$(go env GOROOT)/lib/wasm/wasm_exec.js" frontend/generated/

FROM node:22-bookworm-slim AS frontend
WORKDIR /src/frontend
COPY frontend/package.json frontend/package-lock.json ./
RUN npm ci --no-audit --no-fund
COPY frontend .
COPY webclient/*.ts webclient/*.js ../webclient/
COPY --from=go /src/frontend/generated generated
RUN npm run build

FROM go AS program
ARG VERSION=development
COPY --from=frontend /src/frontend/dist frontend/dist
RUN CGO_ENABLED=1 go build -trimpath -tags osusergo,netgo,sqlite_omit_load_extension \
    -ldflags "-s -w -X main.version=$VERSION -linkmode external -extldflags -static" -o /kith ./cmd/kith \
 && mkdir -m 0700 /data
# The ports below 1024, without being root in the container.
RUN apt-get update && apt-get install -y --no-install-recommends libcap2-bin && setcap cap_net_bind_service=+ep /kith

FROM scratch
COPY --from=program /kith /usr/bin/kith
COPY --from=program --chown=10001:10001 /data /data
COPY --from=program /etc/ssl/certs/ca-certificates.crt /etc/ssl/certs/
COPY LICENSE /usr/share/doc/kith/
USER 10001:10001
ENV KITH_DATA=/data PATH=/usr/bin
VOLUME /data
EXPOSE 80 443 5222 5223 5269 3478/udp 3478/tcp
STOPSIGNAL SIGTERM
ENTRYPOINT ["/usr/bin/kith"]
CMD ["serve"]
