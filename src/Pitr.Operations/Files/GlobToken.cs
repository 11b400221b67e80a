using System.Globalization;
using System.Text;

namespace Pitr.Operations.Files;

/// <summary>A piece of one part of a glob: something that one character is held against, or any number of characters.</summary>
/// <param name="IsStar">Any number of any characters.</param>
/// <param name="IsAny">Any one character.</param>
/// <param name="Character">This one, when neither that nor a set.</param>
/// <param name="Set">Pairs of first and last; null when no set.</param>
/// <param name="IsNegated">None of the set.</param>
sealed record GlobToken(bool IsStar, bool IsAny, int Character, IReadOnlyList<(int First, int Last)>? Set, bool IsNegated)
{
    static readonly GlobToken Star = new(true, false, 0, null, false);
    static readonly GlobToken Any = new(false, true, 0, null, false);

    /// <summary>What is wrong with a part; null if nothing.</summary>
    public static string? Problem(string part)
    {
        try
        {
            Parse(part);
            return null;
        }
        catch (FormatException e)
        {
            return e.Message;
        }
    }

    /// <summary>Reads a part.</summary>
    /// <exception cref="FormatException">It makes no sense; the message goes on after the glob.</exception>
    public static List<GlobToken> Parse(string part)
    {
        var tokens = new List<GlobToken>();
        for (var at = 0; at < part.Length;)
        {
            switch (part[at])
            {
                case '*':
                    at++;
                    if (tokens.Count == 0 || !tokens[^1].IsStar)
                    {
                        tokens.Add(Star);
                    }

                    break;
                case '?':
                    at++;
                    tokens.Add(Any);
                    break;
                case '[':
                    at++;
                    tokens.Add(ReadSet(part, ref at));
                    break;
                default:
                    tokens.Add(new GlobToken(false, false, ReadCharacter(part, ref at), null, false));
                    break;
            }
        }

        return tokens;
    }

    static GlobToken ReadSet(string part, ref int at)
    {
        var isNegated = at < part.Length && part[at] is '!' or '^';
        at += isNegated ? 1 : 0;
        var set = new List<(int, int)>();
        // Right at its beginning a bracket is one of the set.
        while (at < part.Length && (part[at] != ']' || set.Count == 0))
        {
            var first = ReadCharacter(part, ref at);
            var last = first;
            if (at + 1 < part.Length && part[at] == '-' && part[at + 1] != ']')
            {
                at++;
                last = ReadCharacter(part, ref at);
            }

            set.Add(first <= last ? (first, last) : throw new FormatException("has a range that ends before it begins"));
        }

        if (at >= part.Length)
        {
            throw new FormatException("has a [ without its ]");
        }

        at++;
        return new GlobToken(false, false, 0, set, isNegated);
    }

    static int ReadCharacter(string part, ref int at)
    {
        if (part[at] != '\\')
        {
            return ReadRune(part, ref at);
        }

        at++;
        if (at == part.Length)
        {
            throw new FormatException("ends with a \\ that is before nothing");
        }

        if (part[at] == 'x' && at + 2 < part.Length && byte.TryParse(part.AsSpan(at + 1, 2), NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out var value))
        {
            at += 3;
            return Glob.OfByte(value);
        }

        return ReadRune(part, ref at);
    }

    static int ReadRune(ReadOnlySpan<char> text, ref int at)
    {
        if (Rune.DecodeFromUtf16(text[at..], out var rune, out var length) == System.Buffers.OperationStatus.Done)
        {
            at += length;
            return rune.Value;
        }

        return text[at++];
    }

    /// <summary>Whether a part of a path is matched.</summary>
    public static bool Match(List<GlobToken> tokens, ReadOnlySpan<char> text)
    {
        var (token, at, star, retry) = (0, 0, -1, 0);
        while (at < text.Length)
        {
            var next = at;
            if (token < tokens.Count && tokens[token].IsStar)
            {
                (star, retry) = (token++, at);
            }
            else if (token < tokens.Count && tokens[token].Holds(ReadRune(text, ref next)))
            {
                (token, at) = (token + 1, next);
            }
            else if (star >= 0)
            {
                // The star takes one character more.
                _ = ReadRune(text, ref retry);
                (token, at) = (star + 1, retry);
            }
            else
            {
                return false;
            }
        }

        while (token < tokens.Count && tokens[token].IsStar)
        {
            token++;
        }

        return token == tokens.Count;
    }

    bool Holds(int character)
    {
        if (Set is not { } set)
        {
            return IsAny || character == Character;
        }

        foreach (var (first, last) in set)
        {
            if (character >= first && character <= last)
            {
                return !IsNegated;
            }
        }

        return IsNegated;
    }
}
