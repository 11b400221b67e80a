namespace Pitr.Operations.Configuration;

/// <summary>The words that stand for the values of an enumeration in the configuration.</summary>
sealed class ChoiceWords<T>(params (string Word, T Value)[] words)
    where T : struct, Enum
{
    /// <summary>The word for a value.</summary>
    public string Of(T value) => words.First(pair => EqualityComparer<T>.Default.Equals(pair.Value, value)).Word;

    /// <summary>Reads one of the words.</summary>
    public T Read(YamlSection section, string key, T defaultValue, string? defaultText = null)
    {
        var word = section.Choice(key, Of(defaultValue), [.. words.Select(pair => pair.Word)], defaultText);
        return words.First(pair => string.Equals(pair.Word, word, StringComparison.Ordinal)).Value;
    }
}
