namespace Pitr.Operations.Configuration;

/// <summary>A configured command.</summary>
/// <param name="Words">One text for the shell; else the program and its arguments, as they are. At least one, none empty.</param>
/// <param name="IsShell">Whether it is given to <c>sh -c</c>.</param>
public sealed record CommandText(IReadOnlyList<string> Words, bool IsShell)
{
    /// <summary>As it was configured, for messages.</summary>
    public override string ToString() => string.Join(' ', Words);
}
