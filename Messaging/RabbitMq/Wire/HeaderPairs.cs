namespace FaasCluster.Messaging.RabbitMq.Wire;

/// <summary>Header fields as one flat array: name, value, name, value.</summary>
internal static class HeaderPairs
{
    public static string[] Flatten(IReadOnlyList<KeyValuePair<string, string>> pairs)
    {
        var flat = new string[pairs.Count * 2];
        for (var i = 0; i < pairs.Count; i++)
        {
            flat[2 * i] = pairs[i].Key;
            flat[(2 * i) + 1] = pairs[i].Value;
        }

        return flat;
    }

    /// <exception cref="FormatException">A name has no value.</exception>
    public static KeyValuePair<string, string>[] Pair(string[]? flat)
    {
        if (flat is null || flat.Length == 0)
        {
            return [];
        }

        if (flat.Length % 2 != 0)
        {
            throw new FormatException($"A list of names and values has an odd length, {flat.Length}.");
        }

        var pairs = new KeyValuePair<string, string>[flat.Length / 2];
        for (var i = 0; i < pairs.Length; i++)
        {
            pairs[i] = new(flat[2 * i], flat[(2 * i) + 1]);
        }

        return pairs;
    }
}
