using Pitr.Operations.Scratch;

namespace Pitr.Operations.Dumps.Postgres.Staging;

/// <summary>A directory with the files of a dump. Disposing removes it.</summary>
/// <param name="directory">Its path.</param>
/// <param name="space">Scratch space that it is in, which goes with it; null: somebody else's.</param>
sealed class StagedFiles(string directory, ScratchSpace? space) : IDisposable
{
    /// <summary>Its path.</summary>
    public string Directory => directory;

    /// <inheritdoc/>
    public void Dispose()
    {
        System.IO.Directory.Delete(directory, recursive: true);
        space?.Dispose();
    }
}
