namespace Pitr.Postgres.Sessions;

/// <summary>Writes names into SQL.</summary>
public static class SqlText
{
    /// <summary>A name as an identifier that means exactly it.</summary>
    public static string Identifier(string name)
    {
        ArgumentNullException.ThrowIfNull(name);
        return $"\"{name.Replace("\"", "\"\"", StringComparison.Ordinal)}\"";
    }

    /// <summary>A name, or one in its schema, as people write it and as pg_dump takes it: quoted only where it must be.</summary>
    public static string Plain(params string[] names) => string.Join('.', names.Select(name =>
        name.Length > 0 && !char.IsAsciiDigit(name[0]) && name.All(c => char.IsAsciiLetterLower(c) || char.IsAsciiDigit(c) || c == '_') ? name : Identifier(name)));

    /// <summary>A name in its schema. The same text is a pattern of pg_dump that matches nothing else.</summary>
    public static string Qualified(string schema, string name) => $"{Identifier(schema)}.{Identifier(name)}";
}
