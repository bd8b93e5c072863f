using System.Reflection;
using System.Runtime.CompilerServices;
using System.Runtime.ExceptionServices;
using System.Text;
using System.Text.Encodings.Web;
using System.Text.Json;

namespace FaasCluster.Runtime;

/// <summary>The user's method: Assembly::Namespace.Type::Method.</summary>
internal sealed class Handler
{
    private static readonly JsonSerializerOptions Json = new(JsonSerializerDefaults.Web) { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    private readonly MethodInfo method;
    private readonly object? instance;
    private readonly Type? input;
    private readonly Type? context;
    private readonly PropertyInfo? result;
    private readonly MethodInfo? asTask;

    private Handler(MethodInfo method, object? instance)
    {
        this.method = method;
        this.instance = instance;
        var parameters = method.GetParameters().Select(parameter => parameter.ParameterType).ToArray();
        var last = parameters.LastOrDefault();
        if (last is { IsInterface: true } && (parameters.Length == 2 || InvocationContext.IsContext(last)))
        {
            context = last;
            parameters = parameters[..^1];
        }

        if (parameters.Length > 1)
        {
            throw new Failure(
                "Runtime.HandlerNotFound",
                $"'{method.Name}' takes {string.Join(", ", method.GetParameters().Select(parameter => parameter.ParameterType.Name))}; expected (event), (event, context), (context) or nothing, the context being an interface such as ILambdaContext.");
        }

        input = parameters.FirstOrDefault();
        var returned = method.ReturnType;
        if (returned.IsGenericType && returned.GetGenericTypeDefinition() == typeof(ValueTask<>))
        {
            asTask = returned.GetMethod(nameof(ValueTask<>.AsTask));
            returned = asTask!.ReturnType;
        }

        // The compiler's own: Task<VoidTaskResult> is a Task.
        result = returned.IsGenericType && returned.GetGenericTypeDefinition() == typeof(Task<>) ? returned.GetProperty(nameof(Task<>.Result)) : null;
        Prepare(result?.PropertyType ?? returned);
    }

    /// <summary>Loads the assembly and finds the method.</summary>
    public static Handler Load(string directory, string text)
    {
        var parts = text.Split("::");
        var path = Path.Combine(directory, parts[0] + ".dll");
        if (parts.Length != 3)
        {
            throw new Failure("Runtime.HandlerNotFound", $"'{text}' is no handler; expected Assembly::Namespace.Type::Method.");
        }

        if (!File.Exists(path))
        {
            throw new Failure("Runtime.ImportModuleError", $"The package has no {parts[0]}.dll.");
        }

        var assembly = new PackageContext(path).LoadFromAssemblyPath(path);
        var type = assembly.GetType(parts[1])
            ?? throw new Failure("Runtime.HandlerNotFound", $"{parts[0]}.dll has no type '{parts[1]}'; expected its full name with the namespace, nested types after a '+'.");
        const BindingFlags Any = BindingFlags.Public | BindingFlags.NonPublic | BindingFlags.Static | BindingFlags.Instance | BindingFlags.FlattenHierarchy;
        var methods = type.GetMethods(Any).Where(method => method.Name == parts[2]).ToArray();
        var method = methods switch
        {
            [] => throw new Failure("Runtime.HandlerNotFound", $"'{parts[1]}' has no method '{parts[2]}'."),
            [{ ContainsGenericParameters: true }] => throw new Failure("Runtime.HandlerNotFound", $"'{parts[1]}.{parts[2]}' is generic; expected a method of certain types."),
            [var only] => only,
            _ => throw new Failure("Runtime.HandlerNotFound", $"'{parts[1]}' has {methods.Length} methods '{parts[2]}'; expected one: give it a name of its own."),
        };
        if (!method.IsStatic && (type.IsAbstract || type.GetConstructor(Type.EmptyTypes) is null))
        {
            throw new Failure("Runtime.HandlerNotFound", $"'{parts[1]}' has no public constructor without parameters; add one, or make '{parts[2]}' static.");
        }

        return new Handler(method, method.IsStatic ? null : Create(type));
    }

    /// <summary>Calls it and waits for the answer.</summary>
    public byte[] Invoke(byte[] body, InvocationContext invocation)
    {
        var arguments = new List<object?>(2);
        if (input is not null)
        {
            arguments.Add(Read(body));
        }

        if (context is not null)
        {
            arguments.Add(ContextProxy.Of(context, invocation));
        }

        var returned = method.Invoke(instance, BindingFlags.DoNotWrapExceptions, null, [.. arguments], null);
        if (asTask is not null)
        {
            returned = asTask.Invoke(returned, null);
        }

        switch (returned)
        {
            case Task task:
                // No synchronisation context, so nothing can wait for this thread.
                task.GetAwaiter().GetResult();
                returned = result?.GetValue(task);
                break;
            case ValueTask task:
                task.AsTask().GetAwaiter().GetResult();
                returned = null;
                break;
        }

        return Write(returned);
    }

    // While a function is loaded it has a whole core, and afterwards the share that belongs to its memory.
    private void Prepare(Type returned)
    {
        try
        {
            RuntimeHelpers.PrepareMethod(method.MethodHandle);
            foreach (var type in new[] { input, returned })
            {
                if (type is not null && type != typeof(void) && !typeof(Stream).IsAssignableFrom(type) && !typeof(Task).IsAssignableFrom(type))
                {
                    Json.GetTypeInfo(type);
                }
            }

            if (context is not null)
            {
                ContextProxy.Of(context, null);
            }
        }
        catch (Exception)
        {
            // The first invocation will say it.
        }
    }

    private static object? Create(Type type)
    {
        try
        {
            return Activator.CreateInstance(type);
        }
        catch (TargetInvocationException exception)
        {
            ExceptionDispatchInfo.Throw(exception.InnerException!);
            throw;
        }
    }

    private object? Read(byte[] body)
    {
        if (input == typeof(Stream))
        {
            return new MemoryStream(body, writable: false);
        }

        try
        {
            return body.Length == 0 ? (input!.IsValueType ? Activator.CreateInstance(input) : null) : JsonSerializer.Deserialize(body, input!, Json);
        }
        catch (JsonException) when (input == typeof(string))
        {
            return Encoding.UTF8.GetString(body);
        }
        catch (JsonException exception)
        {
            throw new Failure("Runtime.UnmarshalError", $"The event is not what '{input!.FullName}' takes: {exception.Message}");
        }
        catch (NotSupportedException exception)
        {
            throw new Failure("Runtime.UnmarshalError", $"'{input!.FullName}' cannot be made of JSON: {exception.Message}");
        }
    }

    private static byte[] Write(object? value)
    {
        if (value is Stream stream)
        {
            using (stream)
            {
                var copy = new MemoryStream();
                if (stream.CanSeek)
                {
                    stream.Position = 0;
                }

                stream.CopyTo(copy);
                return copy.ToArray();
            }
        }

        try
        {
            return JsonSerializer.SerializeToUtf8Bytes(value, Json);
        }
        catch (Exception exception) when (exception is JsonException or NotSupportedException)
        {
            throw new Failure("Runtime.MarshalError", $"The answer cannot be written as JSON: {exception.Message}");
        }
    }
}
