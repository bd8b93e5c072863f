# The worker: docker build -f deploy/images/worker.Dockerfile .
# It needs the security settings of docker-compose.yml to start sandboxes; without them it says so and takes no work.
FROM mcr.microsoft.com/dotnet/sdk:10.0 AS build
WORKDIR /source
COPY . .
RUN dotnet publish Worker -c Release -o /publish -p:UseAppHost=false

# Debian, as everywhere else where functions run: the same Python, Node.js and bubblewrap as on a plain host. Microsoft makes no
# .NET 10 images of Debian, so the runtime is taken from the one of Ubuntu; it depends on nothing but libc, libstdc++ and OpenSSL.
FROM debian:bookworm-slim
COPY deploy/images/worker-packages /tmp/
RUN apt-get update \
    && xargs -a /tmp/worker-packages apt-get install -y --no-install-recommends \
    && rm -rf /tmp/worker-packages /var/lib/apt/lists/*
COPY --from=mcr.microsoft.com/dotnet/aspnet:10.0 /usr/share/dotnet /usr/share/dotnet
RUN ln -s /usr/share/dotnet/dotnet /usr/bin/dotnet
COPY deploy/images/healthy /usr/local/bin/healthy
COPY --from=build /publish /app
WORKDIR /app
# Nobody but the health check asks a worker over HTTP.
ENV ASPNETCORE_URLS=http://127.0.0.1:8081 DOTNET_RUNNING_IN_CONTAINER=true
# Root, with few capabilities (see docker-compose.yml): each sandbox gets a user of its own, which only root can give it.
# tini reaps what sandboxes leave behind; as process 1 the .NET runtime would, and take the ends of sandboxes away from the worker.
ENTRYPOINT ["tini", "--", "dotnet", "FaasCluster.Worker.dll"]
