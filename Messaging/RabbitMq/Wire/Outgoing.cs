using RabbitMQ.Client;

namespace FaasCluster.Messaging.RabbitMq.Wire;

/// <summary>A message as it is published.</summary>
internal readonly record struct Outgoing(BasicProperties Properties, ReadOnlyMemory<byte> Body);
