using Dapper;
using FaasCluster.Contracts;
using FaasCluster.Contracts.Invocations;

namespace FaasCluster.Storage.Invocations;

/// <summary>Turns a filter into conditions. Times become bounds of the id, which partitions and indexes go by.</summary>
internal static class InvocationFilterSql
{
    public static (string Conditions, DynamicParameters Parameters) For(InvocationFilter filter)
    {
        ArgumentOutOfRangeException.ThrowIfNotEqual(filter.Limit, Math.Clamp(filter.Limit, 1, 1000));
        var conditions = new List<string> { "account_id = @accountId" };
        var parameters = new DynamicParameters();
        parameters.Add("accountId", filter.AccountId);
        parameters.Add("limit", filter.Limit);
        if (filter.FunctionName is { } name)
        {
            conditions.Add("function_name = @functionName");
            parameters.Add("functionName", name);
        }

        if (filter.State is { } state)
        {
            // As a literal: the planner can tell that the partial index of open rows will do.
            conditions.Add($"state = '{state.ToWire()}'");
        }

        if (filter.Since is { } since)
        {
            conditions.Add("invocation_id >= @since");
            parameters.Add("since", Uuid7.LowerBound(since));
        }

        if (filter.Until is { } until)
        {
            conditions.Add("invocation_id < @until");
            parameters.Add("until", Uuid7.LowerBound(until));
        }

        if (filter.Before is { } before)
        {
            conditions.Add("invocation_id < @before");
            parameters.Add("before", before);
        }

        return (string.Join(" AND ", conditions), parameters);
    }
}
