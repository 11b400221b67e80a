using YamlDotNet.Core;
using YamlDotNet.RepresentationModel;

namespace Pitr.Operations.Configuration;

/// <summary>What a mapping holds once its merge keys are followed, and what nodes are called in messages.</summary>
static class YamlMapping
{
    const string MergeKey = "<<";

    /// <summary>Adds the entries of a mapping and of what it merges (YAML 1.1 <c>&lt;&lt;</c>): its own win, then the first merged.</summary>
    /// <param name="mapping">May contain itself through an alias.</param>
    /// <param name="entries">Takes name, the node of the key and that of the value.</param>
    /// <param name="report">Takes node, message without the place, and hint.</param>
    public static void Read(
        YamlMappingNode mapping,
        Dictionary<string, (YamlNode Key, YamlNode Value)> entries,
        Action<YamlNode, string, string?> report) => Read(mapping, entries, report, new HashSet<YamlMappingNode>(ReferenceEqualityComparer.Instance));

    /// <summary>Whether a node stands for nothing: left out, <c>~</c> or <c>null</c> without quotes.</summary>
    public static bool IsNull(YamlNode node) =>
        node is YamlScalarNode { Style: ScalarStyle.Plain, Value: null or "" or "~" or "null" or "Null" or "NULL" };

    /// <summary>What a node is, without what it says.</summary>
    public static string Describe(YamlNode node) => node switch
    {
        YamlMappingNode => "a mapping",
        YamlSequenceNode => "a list",
        _ when IsNull(node) => "empty",
        _ => "a single value",
    };

    static void Read(
        YamlMappingNode mapping,
        Dictionary<string, (YamlNode Key, YamlNode Value)> entries,
        Action<YamlNode, string, string?> report,
        HashSet<YamlMappingNode> seen)
    {
        // Nodes compare by content, which does not end for one that contains itself; here only identity matters.
        if (!seen.Add(mapping))
        {
            return;
        }
        var merged = new List<YamlMappingNode>();
        foreach (var (key, value) in mapping.Children)
        {
            if (key is not YamlScalarNode { Value: { } name })
            {
                report(key, $"a key is {Describe(key)}", "keys are plain words");
            }
            else if (name == MergeKey)
            {
                merged.AddRange(Merged(value, report));
            }
            else
            {
                entries.TryAdd(name, (key, value));
            }
        }
        foreach (var other in merged)
        {
            Read(other, entries, report, seen);
        }
    }

    static IEnumerable<YamlMappingNode> Merged(YamlNode value, Action<YamlNode, string, string?> report)
    {
        foreach (var node in value is YamlSequenceNode sequence ? sequence.Children : (IEnumerable<YamlNode>)[value])
        {
            if (node is YamlMappingNode mapping)
            {
                yield return mapping;
            }
            else
            {
                report(node, $"\"{MergeKey}\" must merge a mapping, but is {Describe(node)}", null);
            }
        }
    }
}
