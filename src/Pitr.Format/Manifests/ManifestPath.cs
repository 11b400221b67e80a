namespace Pitr.Format.Manifests;

/// <summary>The rule for paths in a manifest, so that nothing it names can lie outside the directory that is restored to.</summary>
public static class ManifestPath
{
    const int MaximumLength = 4096;

    /// <exception cref="DamagedObjectException">
    /// Empty, absolute, longer than 4096 characters, with an empty part, "." or "..", a control character or half a surrogate pair.
    /// </exception>
    public static void Validate(string path)
    {
        ArgumentNullException.ThrowIfNull(path);
        if (Problem(path) is { } problem)
        {
            throw new DamagedObjectException($"path in the manifest is not allowed: {problem}: \"{Printable(path)}\"");
        }
    }

    public static bool IsValid(string path)
    {
        ArgumentNullException.ThrowIfNull(path);
        return Problem(path) is null;
    }

    internal static string? TextProblem(string text)
    {
        for (var i = 0; i < text.Length; i++)
        {
            if (char.IsControl(text[i]))
            {
                return "it has a control character";
            }

            if (char.IsSurrogate(text[i]))
            {
                if (!char.IsHighSurrogate(text[i]) || i + 1 == text.Length || !char.IsLowSurrogate(text[i + 1]))
                {
                    return "it is not valid Unicode";
                }

                i++;
            }
        }

        return text.Length > MaximumLength ? $"it is longer than {MaximumLength} characters" : null;
    }

    internal static string Printable(string text)
    {
        var characters = text.Length > 200 ? text[..200].ToCharArray() : text.ToCharArray();
        for (var i = 0; i < characters.Length; i++)
        {
            if (char.IsControl(characters[i]) || char.IsSurrogate(characters[i]))
            {
                characters[i] = '?';
            }
        }

        return new string(characters);
    }

    static string? Problem(string path)
    {
        if (path.Length == 0)
        {
            return "it is empty";
        }

        if (path[0] == '/')
        {
            return "it is absolute";
        }

        foreach (var range in path.AsSpan().Split('/'))
        {
            switch (path.AsSpan(range))
            {
                case "":
                    return "it has an empty part";
                case "." or "..":
                    return "it has a \".\" or \"..\" part";
            }
        }

        return TextProblem(path);
    }
}
