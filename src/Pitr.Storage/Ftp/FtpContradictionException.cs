namespace Pitr.Storage.Ftp;

/// <summary>
/// The server refused an object, or a directory on the way to it, as it refuses what is not there, and then listed it. Either it may not be read,
/// or it came between the two answers; asking once more tells which.
/// </summary>
/// <param name="refusal">What it is if it does not pass.</param>
/// <param name="found">The key, or the part of it that names a directory, that was refused and then listed.</param>
sealed class FtpContradictionException(StorageException refusal, string found)
    : StorageException(refusal.Repository, refusal.Key, refusal.Reason, refusal.IsTransient, refusal.Hint)
{
    /// <summary>
    /// Asks, and once more for each name about which the answers contradict each other: an object that is being stored comes in steps, a directory,
    /// one below it, at last itself, and each may fall between two answers. A second time about one name is the server's last word.
    /// </summary>
    public static async Task<T> AskAsync<T>(Func<Task<T>> ask)
    {
        var contradicted = new HashSet<string>(StringComparer.Ordinal);
        while (true)
        {
            try
            {
                return await ask();
            }
            catch (FtpContradictionException contradiction)
            {
                if (!contradicted.Add(contradiction.Found))
                {
                    throw contradiction.Refusal;
                }
            }
        }
    }

    StorageException Refusal => refusal;

    string Found => found;
}
