namespace Pitr.Operations.Configuration;

/// <summary>The <c>verify</c> section of a service: how what is stored is verified.</summary>
/// <param name="Stale">What was verified longer ago is read again. Default 30 days.</param>
public sealed record VerifySettings(TimeSpan Stale)
{
    /// <summary>What applies when the configuration says nothing.</summary>
    public static VerifySettings Default { get; } = new(TimeSpan.FromDays(30));
}
