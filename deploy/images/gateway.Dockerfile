# The gateway: docker build -f deploy/images/gateway.Dockerfile .
FROM mcr.microsoft.com/dotnet/sdk:10.0 AS build
WORKDIR /source
COPY . .
RUN dotnet publish Gateway -c Release -o /publish -p:UseAppHost=false

FROM mcr.microsoft.com/dotnet/aspnet:10.0
COPY deploy/images/healthy /usr/local/bin/healthy
COPY --from=build /publish /app
WORKDIR /app
ENV ASPNETCORE_HTTP_PORTS=8080
EXPOSE 8080
# The unprivileged user that the base image brings.
USER $APP_UID
ENTRYPOINT ["dotnet", "FaasCluster.Gateway.dll"]
