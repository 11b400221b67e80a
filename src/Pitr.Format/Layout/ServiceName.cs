using System.Buffers;
using System.Diagnostics.CodeAnalysis;

namespace Pitr.Format.Layout;

/// <summary>
/// Name of a service: 1 to 63 characters, lower-case letters, digits, <c>_</c>, <c>.</c> and <c>-</c>, beginning with a letter or digit, so that it
/// can be part of any key and file name.
/// </summary>
public readonly record struct ServiceName
{
    const int MaximumLength = 63;

    static readonly SearchValues<char> Allowed = SearchValues.Create("abcdefghijklmnopqrstuvwxyz0123456789_.-");

    readonly string? _value;

    ServiceName(string value) => _value = value;

    public string Value => _value ?? throw new InvalidOperationException("service name was never set");

    /// <exception cref="FormatException">The text breaks the rule, which the message gives.</exception>
    public static ServiceName Parse(ReadOnlySpan<char> text) =>
        TryParse(text, out var name)
            ? name
            : throw new FormatException(
                $"not a service name: \"{text}\"; 1 to {MaximumLength} lower-case letters, digits, '_', '.' and '-', beginning with a letter or digit");

    /// <inheritdoc cref="Parse"/>
    public static bool TryParse([NotNullWhen(true)] string? text, out ServiceName name) => TryParse(text.AsSpan(), out name);

    /// <inheritdoc cref="Parse"/>
    public static bool TryParse(ReadOnlySpan<char> text, out ServiceName name)
    {
        var valid = text.Length is >= 1 and <= MaximumLength && char.IsAsciiLetterOrDigit(text[0]) && !text.ContainsAnyExcept(Allowed);
        name = valid ? new ServiceName(text.ToString()) : default;
        return valid;
    }

    public override string ToString() => _value ?? "";
}
