using System.Reflection;

namespace FaasCluster.Runtime;

/// <summary>Makes an interface of the user's out of <see cref="InvocationContext"/>, and its logger out of the console.</summary>
public class ContextProxy : DispatchProxy
{
    private object? target;

    internal static object Of(Type type, object? target)
    {
        var proxy = DispatchProxy.Create(type, typeof(ContextProxy));
        ((ContextProxy)proxy).target = target;
        return proxy;
    }

    /// <inheritdoc/>
    protected override object? Invoke(MethodInfo? targetMethod, object?[]? args)
    {
        var (name, returned) = (targetMethod!.Name, targetMethod.ReturnType);
        if (name.StartsWith("get_", StringComparison.Ordinal))
        {
            if (target?.GetType().GetProperty(name[4..])?.GetValue(target) is { } value)
            {
                return returned.IsInstanceOfType(value) ? value : Convert.ChangeType(value, returned, System.Globalization.CultureInfo.InvariantCulture);
            }

            return name == "get_Logger" && returned.IsInterface ? Of(returned, null) : returned.IsValueType ? Activator.CreateInstance(returned) : null;
        }

        if (name.StartsWith("Log", StringComparison.Ordinal))
        {
            // Log(text), LogLine(text), LogInformation(text), Log(level, format, arguments), ...
            Console.Out.WriteLine(string.Join(' ', (args ?? []).Select(argument => argument is object[] several ? string.Join(' ', several) : argument)));
        }

        return returned.IsValueType && returned != typeof(void) ? Activator.CreateInstance(returned) : null;
    }
}
