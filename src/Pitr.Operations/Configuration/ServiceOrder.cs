namespace Pitr.Operations.Configuration;

/// <summary>The order in which the services of a group are backed up and restored, as their <c>after</c> says; otherwise that of the file.</summary>
public static class ServiceOrder
{
    const string Key = "after";

    /// <summary>Names of the services, each behind those it comes after.</summary>
    /// <param name="services">All there are, without a cycle.</param>
    public static IReadOnlyList<string> Of(IReadOnlyDictionary<string, ServiceSettings> services)
    {
        ArgumentNullException.ThrowIfNull(services);
        var order = new List<string>();
        while (services.Values.FirstOrDefault(s => !order.Contains(s.Name) && s.After.All(order.Contains)) is { } next)
        {
            order.Add(next.Name);
        }

        return order;
    }

    /// <summary>Reports names that are no services, and cycles.</summary>
    internal static void Check(IReadOnlyList<YamlSection> sections, IReadOnlyDictionary<string, ServiceSettings> services)
    {
        var named = sections.Select(section => section.Name).ToArray();
        var isKnown = true;
        foreach (var section in sections.Where(section => services.ContainsKey(section.Name)))
        {
            foreach (var name in services[section.Name].After.Where(name => !named.Contains(name)))
            {
                isKnown = false;
                section.Report(section.WhereIs(Key), $"{section.Of(Key)} names \"{name}\", which is no service here", NearestName.Hint(name, named, "configured services"));
            }
        }

        // Of a service that could not be read, what it comes after is not known; that has been reported.
        if (!isKnown || services.Count < named.Length)
        {
            return;
        }

        var order = Of(services);
        if (sections.FirstOrDefault(section => !order.Contains(section.Name)) is { } first)
        {
            var cycle = Cycle(services, order, first.Name);
            var section = sections.First(s => s.Name == cycle[0]);
            section.Report(section.WhereIs(Key), $"{section.Of(Key)} makes a circle: {string.Join(" after ", cycle)}", "take one of them out of the list of another");
        }
    }

    // From any that is left over, to one of its kind that is left over, too, until one comes again.
    static List<string> Cycle(IReadOnlyDictionary<string, ServiceSettings> services, IReadOnlyList<string> order, string start)
    {
        var path = new List<string>();
        var at = start;
        while (!path.Contains(at))
        {
            path.Add(at);
            at = services[at].After.First(name => !order.Contains(name));
        }

        return [.. path[path.IndexOf(at)..], at];
    }
}
