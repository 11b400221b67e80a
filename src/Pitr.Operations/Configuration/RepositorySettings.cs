namespace Pitr.Operations.Configuration;

/// <summary>One entry of <c>repositories</c>: a place objects are kept.</summary>
/// <param name="Name">The name services refer to it by; the same rule as a service name.</param>
/// <param name="Driver">Where it is and how it is reached.</param>
/// <param name="Retry">How long passing failures are waited out.</param>
/// <param name="Limits">What it may take of the network and of its server.</param>
public sealed record RepositorySettings(string Name, DriverSettings Driver, RetrySettings Retry, LimitSettings Limits)
{
    /// <summary>Where it is, in the one spelling there is for a place. Never carries a password.</summary>
    public string Url => Driver.Url;
}
