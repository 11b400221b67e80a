using System.Diagnostics;

namespace Pitr.Operations.Configuration;

/// <summary>
/// A password or the like: written <c>${VARIABLE}</c>, <c>file:/path</c> or as it is. The reference is kept and followed only by
/// <see cref="Reveal"/>, so that a program which needs no secret runs where the secret can not be had (PostgreSQL's own account
/// archives without the operator's passphrase), and a rotated one is seen without a restart.
/// </summary>
[DebuggerDisplay("{Mask}")]
public sealed class SecretValue
{
    /// <summary>What stands for every secret wherever one would be shown.</summary>
    public const string Mask = "********";

    readonly Func<string> _reveal;

    SecretValue(string source, bool isLiteral, Func<string> reveal)
    {
        Source = source;
        IsLiteral = isLiteral;
        _reveal = reveal;
    }

    /// <summary>Where the secret comes from, for messages: <c>${VARIABLE}</c>, <c>file:/path</c> or <c>literal</c>.</summary>
    public string Source { get; }

    /// <summary>Whether the secret itself is in the configuration.</summary>
    public bool IsLiteral { get; }

    /// <summary>The secret. Never log it, never put it into an argument list.</summary>
    /// <exception cref="ConfigurationException">The variable or file is missing, empty or not private; names the key.</exception>
    public string Reveal() => _reveal();

    /// <summary>Always <see cref="Mask"/>.</summary>
    public override string ToString() => Mask;

    /// <summary>Takes a secret as it is.</summary>
    public static SecretValue Literal(string secret) => new("literal", isLiteral: true, () => secret);

    internal static SecretValue FromEnvironment(
        string variable,
        Func<string, string?> environment,
        Func<string, string?, ConfigurationException> problem)
    {
        return new($"${{{variable}}}", isLiteral: false, Reveal);

        string Reveal() => environment(variable) is { Length: > 0 } secret
            ? secret
            : throw problem(
                $"environment variable {variable} is not set or empty",
                "set it in the environment of this program, or refer to a file with file:/path");
    }

    internal static SecretValue FromFile(string path, Func<string, string?, ConfigurationException> problem)
    {
        return new("file:" + path, isLiteral: false, Reveal);

        string Reveal()
        {
            try
            {
                return SecretFile.Read(path);
            }
            catch (ConfigurationException e)
            {
                throw problem("secret file " + e.Message, e.Hint);
            }
        }
    }
}
