using Pitr.Format.Layout;

namespace Pitr.Operations.Configuration;

/// <summary>One entry of <c>services</c>: one thing being protected. What only one kind knows is in the record of that kind.</summary>
/// <param name="Name">The name given on the command line and used in object keys.</param>
/// <param name="Kind">What it is: <c>postgres</c>, or a kind whose backups are dumps.</param>
/// <param name="Repositories">Names of the repositories its objects go to, in the order written; at least one, none twice, all existing.</param>
/// <param name="Objectives">What drills are held against.</param>
/// <param name="Retention">What an expiry keeps.</param>
public abstract record ServiceSettings(
    string Name,
    string Kind,
    IReadOnlyList<string> Repositories,
    ObjectiveSettings Objectives,
    RetentionSettings Retention)
{
    /// <summary>How many of <see cref="Repositories"/> must hold an object before it counts; 1 to all of them, which is the default.</summary>
    public int RequiredRepositories { get; init; } = Repositories.Count;

    /// <summary>How what is stored is verified.</summary>
    public VerifySettings Verify { get; init; } = VerifySettings.Default;

    /// <summary>Names of the services that are backed up and restored before this one in a group; all existing, without a cycle.</summary>
    public IReadOnlyList<string> After { get; init; } = [];

    /// <summary>How the applications that use it are stopped and started around the restore of a group.</summary>
    public ApplicationSettings Applications { get; init; } = ApplicationSettings.Default;

    /// <summary><see cref="Name"/> as object keys take it.</summary>
    public ServiceName ServiceName => ServiceName.Parse(Name);
}
