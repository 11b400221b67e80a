using YamlDotNet.Core;
using YamlDotNet.Core.Events;

namespace Pitr.Operations.Configuration;

/// <summary>
/// Stands between YamlDotNet's parser and its representation model and lets through only what a configuration may hold: one document,
/// bounded depth (the model recurses), no tags, no key twice. A key's second appearance is reported and left out, so that
/// everything else that is wrong can still be reported with it.
/// </summary>
sealed class BoundedYamlParser(TextReader text, ConfigurationReading reading) : IParser
{
    public const int MaximumDepth = 32;

    readonly Parser _parser = new(text);
    readonly Stack<Frame> _frames = [];
    readonly HashSet<string> _anchors = new(StringComparer.Ordinal);
    int _documents;

    public ParsingEvent? Current => _parser.Current;

    public bool MoveNext()
    {
        while (Advance())
        {
            if (_parser.Current is DocumentStart && ++_documents > 1)
            {
                throw Fatal("holds a second YAML document", "keep one document per file and remove the \"---\" between them");
            }
            if (_parser.Current is Scalar key && _frames.TryPeek(out var frame) && frame.IsAtKey && !frame.Keys.Add(key.Value))
            {
                reading.Report(Here, $"duplicate key \"{key.Value}\"", "keep one of them");
                SkipValue();
                continue;
            }
            Follow(_parser.Current!);
            return true;
        }
        return false;
    }

    ConfigurationLocation Here => ConfigurationLocation.At(reading.File, _parser.Current!.Start);

    bool Advance()
    {
        try
        {
            return _parser.MoveNext();
        }
        catch (InvalidOperationException)
        {
            // The parser loses its own state on a flow sequence that is never closed.
            throw new ConfigurationException(new ConfigurationLocation(
                reading.File,
                (int)(_parser.Current?.End.Line ?? 1),
                (int)(_parser.Current?.End.Column ?? 1)).Problem("invalid YAML after this", "look for a [ or { that is not closed"));
        }
    }

    void Follow(ParsingEvent current)
    {
        switch (current)
        {
            case MappingEnd or SequenceEnd:
                _frames.Pop();
                EndNode();
                break;
            case AnchorAlias alias:
                if (!_anchors.Contains(alias.Value.Value))
                {
                    // The name is not repeated: it may be a password that starts with an asterisk.
                    throw Fatal("refers to an anchor that is not defined above", "quote the value if it is meant to start with \"*\"");
                }
                EndNode();
                break;
            case NodeEvent node:
                Enter(node);
                break;
        }
    }

    void Enter(NodeEvent node)
    {
        if (!node.Tag.IsEmpty)
        {
            reading.Report(Here, "YAML tags (\"!…\") are not used here", "quote the value if it is meant to start with \"!\"");
        }
        if (!node.Anchor.IsEmpty)
        {
            _anchors.Add(node.Anchor.Value);
        }
        if (node is Scalar)
        {
            EndNode();
            return;
        }
        if (_frames.Count >= MaximumDepth)
        {
            throw Fatal($"is nested deeper than {MaximumDepth} levels", null);
        }
        _frames.Push(new Frame(node is MappingStart));
    }

    void EndNode()
    {
        if (_frames.TryPeek(out var frame) && frame.IsMapping)
        {
            frame.IsAtKey = !frame.IsAtKey;
        }
    }

    void SkipValue()
    {
        var depth = 0;
        do
        {
            if (!Advance())
            {
                return;
            }
            depth += _parser.Current switch
            {
                MappingStart or SequenceStart => 1,
                MappingEnd or SequenceEnd => -1,
                _ => 0,
            };
        }
        while (depth > 0);
    }

    ConfigurationException Fatal(string message, string? hint) => new(Here.Problem(message, hint));

    sealed class Frame(bool isMapping)
    {
        public bool IsMapping { get; } = isMapping;

        public bool IsAtKey { get; set; } = isMapping;

        public HashSet<string> Keys { get; } = new(StringComparer.Ordinal);
    }
}
