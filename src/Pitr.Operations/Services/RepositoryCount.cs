namespace Pitr.Operations.Services;

/// <summary>How a number of repositories is written in messages.</summary>
static class RepositoryCount
{
    /// <summary>"1 repository", "2 repositories".</summary>
    public static string Text(int count) => $"{count} {(count == 1 ? "repository" : "repositories")}";
}
